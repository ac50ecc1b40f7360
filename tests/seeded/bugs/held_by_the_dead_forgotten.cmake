# What the dead held is freed, not handed on.
set(FILE policies/mulproc/shared_memory/deque_slots.hpp)
set(FROM [==[} else {
        put_back_held(at, attempts);]==])
set(TO [==[} else {
        free_slot(at);]==])
set(SOURCES tests/soak/random_kills.cpp)
set(ARGUMENTS )
set(SAYS "lost [1-9]")
