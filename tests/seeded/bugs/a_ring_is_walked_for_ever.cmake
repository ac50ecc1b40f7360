# A list that a peer made a ring.
set(FILE policies/mulproc/shared_memory/deque_store.hpp)
set(FROM [==[ || ++seen > slot_count_]==])
set(TO [==[]==])
set(SOURCES tests/hostile/peer.cpp)
set(ARGUMENTS 20 1 3)
set(LIBRARIES -O0 -lboost_serialization)
