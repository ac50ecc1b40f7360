# The message is there before its receiver is woken: a death in between leaves the receiver asleep.
set(FILE policies/mulproc/shared_memory/deque_store.hpp)
set(FROM [==[    append_ready(at);
    people_.wake(mail_of_mine | any_mail, envelope.recipient);  // before the commit
    commit(slot, SlotState::READY, 1);]==])
set(TO [==[    append_ready(at);
    commit(slot, SlotState::READY, 1);
    people_.wake(mail_of_mine | any_mail, envelope.recipient);]==])
set(SOURCES tests/crash/lost_wake_up.cpp)
set(ARGUMENTS )
