# A walk along a list that a peer made a ring never ends.
set(FILE policies/mulproc/shared_memory/deque_candidates.hpp)
set(FROM [==[count_ == 0 || left_-- == 0]==])
set(TO [==[count_ == 0]==])
set(SOURCES tests/hostile/ring.cpp)
set(LIBRARIES -O0)
set(SAYS "did not end")
