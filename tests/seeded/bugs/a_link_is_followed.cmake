# The name of a channel leads through a symbolic link.
set(FILE policies/mulproc/shared_memory/segment.hpp)
set(FROM [==[O_RDWR | O_NOFOLLOW |]==])
set(TO [==[O_RDWR |]==])
set(SOURCES tests/hostile/security.cpp)
set(ARGUMENTS --run_test=a_name_that_is_a_link*)
set(LIBRARIES -O0 -DBOOST_TEST_DYN_LINK -lboost_unit_test_framework)
