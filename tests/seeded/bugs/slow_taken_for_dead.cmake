# Who is stopped is buried alive.
set(FILE policies/mulproc/shared_memory/participants.hpp)
set(FROM [==[if (i == me || !is_attached(i) || !take_life_lock(i)) continue;]==])
set(TO [==[char stat[512] = {};
      if (std::FILE* file = std::fopen(("/proc/" + std::to_string(records_[i].thread) + "/stat").c_str(), "r")) (void)!std::fgets(stat, sizeof stat, file), std::fclose(file);
      if (i == me || !is_attached(i) || (!take_life_lock(i) && std::strstr(stat, ") T ") == nullptr)) continue;]==])
set(SOURCES tests/soak/slow_is_not_dead.cpp)
set(ARGUMENTS )
set(SAYS "false deaths and other flaws: [1-9]|recipient gone: the addressed process is dead")
