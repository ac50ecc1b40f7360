# Who opens a name does not ask whether somebody lives there.
set(FILE policies/mulproc/shared_memory/segment.hpp)
set(FROM [==[if (!lock(old.get(), LOCK_EX)) {]==])
set(TO [==[if (!lock(old.get(), LOCK_EX) && false) {]==])
set(SOURCES tests/hostile/security.cpp)
set(ARGUMENTS --run_test=a_name_is_not_taken*)
set(LIBRARIES -O0 -DBOOST_TEST_DYN_LINK -lboost_unit_test_framework)
