# What the dead held is freed, not handed on.
set(FILE policies/mulproc/shared_memory/deque_slots.hpp)
set(FROM [==[} else {
        put_back_held(at, attempts);]==])
set(TO [==[} else {
        free_slot(at);]==])
set(SOURCES tests/crash/kill_at_every_instruction.cpp)
set(ARGUMENTS "--patience;1;--every;2;--operation;give back")
set(SAYS " lost: ")
