# The room is there before who waits for it is woken.
set(FILE policies/mulproc/shared_memory/deque_slots.hpp)
set(FROM [==[    wake_for_room(side);
    commit(at, word, SlotState::FREE, 0);]==])
set(TO [==[    commit(at, word, SlotState::FREE, 0);
    wake_for_room(side);]==])
set(SOURCES tests/crash/lost_wake_up.cpp)
set(ARGUMENTS "4;done wakes")
