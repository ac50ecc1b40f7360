# No descriptor to look with, so everybody is dead.
set(FILE policies/mulproc/shared_memory/process_exists.hpp)
set(FROM [==[{.alive = errno != ENOENT && errno != ESRCH}]==])
set(TO [==[{.alive = false}]==])
set(SOURCES tests/faults/every_call_fails.cpp)
set(ARGUMENTS "send to one")
set(LIBRARIES -O0)
