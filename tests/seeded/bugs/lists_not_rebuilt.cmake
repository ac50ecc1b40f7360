# The lists that the dead was changing are believed.
set(FILE policies/mulproc/shared_memory/deque_store.hpp)
set(FROM [==[    rebuild();
    bury_the_dead();
    people_.wake_everybody();]==])
set(TO [==[    bury_the_dead();
    people_.wake_everybody();]==])
set(SOURCES tests/crash/kill_at_every_instruction.cpp)
set(ARGUMENTS "--patience;2;--operation;receive, middle match")
