# The lists that the dead was changing are believed.
set(FILE policies/mulproc/shared_memory/deque_index.hpp)
set(FROM [==[  void rebuild() {
]==])
set(TO [==[  void rebuild() {
    if (slot_count_ != 0) return;
]==])
set(SOURCES tests/crash/kill_at_every_instruction.cpp)
set(ARGUMENTS "--patience;1;--every;5;--operation;receive, middle match")
