# What the dead held is freed, not handed on.
set(FILE policies/mulproc/shared_memory/deque_store.hpp)
set(FROM [==[} else if (word.state == SlotState::CLAIMED || word.state == SlotState::CLAIMED_DEAD) {
        put_back_held(at, attempts);]==])
set(TO [==[} else if (word.state == SlotState::CLAIMED || word.state == SlotState::CLAIMED_DEAD) {
        free_slot(at);]==])
set(SOURCES tests/soak/random_kills.cpp)
set(ARGUMENTS )
set(SAYS "lost [1-9]")
