# A returned message loses its place.
set(FILE policies/mulproc/shared_memory/deque_slots.hpp)
set(FROM [==[    index_.insert(at);
]==])
set(TO [==[    slots_[at].ticket = head_.next_ticket++;
    index_.insert(at);
]==])
set(SOURCES tests/crash/kill_at_every_instruction.cpp)
set(ARGUMENTS "--patience;2;--operation;give back")
