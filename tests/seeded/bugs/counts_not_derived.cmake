# What is held is forgotten when the counts are made anew, and nobody compares them with the words.
set(FILE policies/mulproc/shared_memory/deque_store.hpp)
set(FROM [==[++(state == SlotState::DEAD_LETTER || state == SlotState::CLAIMED_DEAD ? head_.dead : head_.live)[side_of(slot)];
      if (state == SlotState::READY)]==])
set(TO [==[if (state == SlotState::READY) ++head_.live[side_of(slot)];
      if (state == SlotState::READY)]==])
set(ALSO_FROM [==[const bool healed = !derived_agrees();]==])
set(ALSO_TO [==[const bool healed = false;]==])
set(SOURCES tests/crash/kill_at_every_instruction.cpp)
set(ARGUMENTS "--patience;2;--operation;receive, head")
