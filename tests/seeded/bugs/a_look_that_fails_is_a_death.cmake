# No descriptor to look with, so everybody is dead.
set(FILE policies/mulproc/shared_memory/process_exists.hpp)
set(FROM [==[return errno != ENOENT && errno != ESRCH;]==])
set(TO [==[return false;]==])
set(SOURCES tests/faults/every_call_fails.cpp)
set(ARGUMENTS "send to one")
set(LIBRARIES -O0)
