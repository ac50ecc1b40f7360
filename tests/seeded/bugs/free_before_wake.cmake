# The room is there before who waits for it is woken.
set(FILE policies/mulproc/shared_memory/deque_store.hpp)
set(FROM [==[    people_.wake(room);
    if (head_.live[0] + head_.live[1] == 0) people_.wake(end_of_work);
    commit(slot, SlotState::FREE, 0);]==])
set(TO [==[    commit(slot, SlotState::FREE, 0);
    people_.wake(room);
    if (head_.live[0] + head_.live[1] == 0) people_.wake(end_of_work);]==])
set(SOURCES tests/crash/lost_wake_up.cpp)
set(ARGUMENTS )
