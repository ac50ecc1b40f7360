# A body is copied into memory that nobody asked the kernel for.
set(FILE policies/mulproc/shared_memory/deque_slots.hpp)
set(FROM [==[slot.body_allocated < body_bytes]==])
set(TO [==[slot.body_allocated > body_bytes]==])
set(SOURCES tests/hostile/security.cpp)
set(ARGUMENTS --run_test=a_channel_whose_memory*)
set(LIBRARIES -O0 -DBOOST_TEST_DYN_LINK -lboost_unit_test_framework)
