# Nobody asks the life locks.
set(FILE policies/mulproc/shared_memory/participants.hpp)
set(FROM [==[if (i == me || !is_attached(i) || !take_life_lock(i)) continue;]==])
set(TO [==[if (i == me || !is_attached(i) || take_life_lock(i) || true) continue;]==])
set(SOURCES tests/crash/kill_at_every_instruction.cpp)
set(ARGUMENTS "--patience;2;--operation;receive, head")
