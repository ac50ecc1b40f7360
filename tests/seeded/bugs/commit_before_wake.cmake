# The message is there before its receiver is woken: a death in between leaves the receiver asleep.
set(FILE policies/mulproc/shared_memory/deque_slots.hpp)
set(FROM [==[    wake_for_mail(at);  // before the commit
    commit(at, SlotState::READY, 1);]==])
set(TO [==[    commit(at, SlotState::READY, 1);
    wake_for_mail(at);]==])
set(SOURCES tests/crash/lost_wake_up.cpp)
set(ARGUMENTS "4;send wakes")
