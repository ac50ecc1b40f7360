# A sleeper that does not watch its neighbours hears of a death only when it looks.
set(FILE policies/mulproc/shared_memory/participants.hpp)
set(FROM [==[if (!is_attached(i)) continue;
      const auto word]==])
set(TO [==[if (is_attached(i) || !is_attached(i)) continue;
      const auto word]==])
set(SOURCES tests/crash/lost_wake_up.cpp)
set(ARGUMENTS "4;death wakes")
