# A message that kills its holders would go round for ever.
set(FILE policies/mulproc/shared_memory/deque_slots.hpp)
set(FROM [==[attempts == Attempt::one_more ? 1 : 0]==])
set(TO [==[attempts == Attempt::one_more ? 0 : 0]==])
set(SOURCES tests/crash/kill_at_every_instruction.cpp)
set(ARGUMENTS "--patience;2;--operation;receive, head")
