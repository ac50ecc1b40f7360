# A lock whose dead owner nobody hears of.
set(FILE policies/mulproc/shared_memory/robust_mutex.hpp)
set(FROM [==[::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);]==])
set(TO [==[]==])
set(SOURCES tests/crash/kill_at_every_instruction.cpp)
set(ARGUMENTS "--patience;1;--operation;send, empty")
