# A sender killed while it copies a body takes its room along.
set(FILE policies/mulproc/shared_memory/deque_store.hpp)
set(FROM [==[      if (word.state == SlotState::WRITING) {
        free_slot(at);
      } else if]==])
set(TO [==[      if]==])
set(SOURCES tests/crash/kill_at_every_instruction.cpp)
set(ARGUMENTS "--patience;2;--operation;send, large body")
