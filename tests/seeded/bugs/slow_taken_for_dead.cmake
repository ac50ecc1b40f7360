# Who is stopped is buried alive.
set(FILE policies/mulproc/shared_memory/participants.hpp)
set(FROM [==[if (i == me || !is_attached(i) || !take_life_lock(i)) continue;]==])
set(TO [==[std::string stat;
      if (i != me && is_attached(i)) std::getline(std::ifstream("/proc/" + std::to_string(records_[i].thread) + "/stat"), stat);
      if (i == me || !is_attached(i) || (!take_life_lock(i) && stat.find(") T ") == stat.npos)) continue;]==])
set(SOURCES tests/soak/slow_is_not_dead.cpp)
set(ARGUMENTS )
set(SAYS "false deaths and other flaws: [1-9]")
