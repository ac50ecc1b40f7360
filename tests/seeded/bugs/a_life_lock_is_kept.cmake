# Who leaves a broken channel keeps a robust lock in memory that is then unmapped.
set(FILE policies/mulproc/shared_memory/boost_queue_store.hpp)
set(FROM [==[    forget_what_is_held_by(me_);
    people_.detach]==])
set(TO [==[    forget_what_is_held_by(me_);
    if (lock) people_.detach]==])
set(SOURCES tests/hostile/security.cpp)
set(ARGUMENTS --run_test=an_endpoint_of_a_broken*)
set(LIBRARIES -O0 -DBOOST_TEST_DYN_LINK -lboost_unit_test_framework)
