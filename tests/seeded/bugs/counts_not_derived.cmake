# What is free counts as taken when the counts are made anew.
set(FILE policies/mulproc/shared_memory/deque_index.hpp)
set(FROM [==[if (state != SlotState::FREE) ++(is_dead(state) ? counts.dead : counts.live)[side_of(at)];]==])
set(TO [==[++(is_dead(state) ? counts.dead : counts.live)[side_of(at)];]==])
set(SOURCES tests/crash/kill_at_every_instruction.cpp)
set(ARGUMENTS "--patience;2;--operation;receive, head")
