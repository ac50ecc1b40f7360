# A list that a peer made a ring.
set(FILE policies/mulproc/shared_memory/deque_candidates.hpp)
set(FROM [==[ || left_-- == 0]==])
set(TO [==[]==])
set(SOURCES tests/hostile/security.cpp)
set(ARGUMENTS --run_test=what_a_peer_writes*)
set(LIBRARIES -O0 -DBOOST_TEST_DYN_LINK -lboost_unit_test_framework)
set(PATIENCE 5)  # it hangs
