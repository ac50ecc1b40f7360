# A returned message loses its place.
set(FILE policies/mulproc/shared_memory/deque_store.hpp)
set(FROM [==[    std::uint32_t after = head_.first_ready;
]==])
set(TO [==[    std::uint32_t after = DequeLayout::nothing;
]==])
set(SOURCES tests/crash/kill_at_every_instruction.cpp)
set(ARGUMENTS "--patience;2;--operation;give back")
