# A lock of the dead that nobody declares whole again.
set(FILE policies/mulproc/shared_memory/deque_store.hpp)
set(FROM [==[    people_.mutex().make_consistent();
    return {};]==])
set(TO [==[    return {};]==])
set(SOURCES tests/crash/kill_at_every_instruction.cpp)
set(ARGUMENTS "--patience;2;--operation;done")
