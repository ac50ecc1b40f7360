# A lock of the dead that nobody declares whole again.
set(FILE policies/mulproc/shared_memory/deque_slots.hpp)
set(FROM [==[    people_.mutex().make_consistent();
]==])
set(TO [==[]==])
set(SOURCES tests/crash/kill_at_every_instruction.cpp)
set(ARGUMENTS "--patience;1;--operation;done")
