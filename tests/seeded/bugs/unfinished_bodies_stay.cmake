# A sender killed while it copies a body takes its room along.
set(FILE policies/mulproc/shared_memory/deque_slots.hpp)
set(FROM [==[return state == SlotState::WRITING || state == SlotState::CLAIMED]==])
set(TO [==[return state == SlotState::CLAIMED]==])
set(SOURCES tests/crash/kill_at_every_instruction.cpp)
set(ARGUMENTS "--patience;2;--every;3;--operation;send, large body")
