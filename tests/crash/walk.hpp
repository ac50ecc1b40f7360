#pragma once
/// How a victim is stepped to the place where it is killed.
#include <sched.h>

#include "single_step.hpp"

namespace mulproc::tests {

enum class Stop { at_each_state, at_each_instruction };

/// Steps a victim to the given stop. Says how many instructions and states it saw, and whether the operation ended.
struct Walk {
  std::size_t instructions = 0, states = 0;
  bool finished = false, woken = false;

  Walk(SingleStep& victim, std::size_t stops, Stop stop, const std::function<void()>& wake) {
    std::uint64_t last = victim.what_outlives_it();
    while (!finished && (stop == Stop::at_each_state ? states : instructions) < stops) {
      switch (victim.step()) {
        case SingleStep::Step::taken: break;
        case SingleStep::Step::finished: finished = true; return;
        case SingleStep::Step::blocked:
          if (woken || !wake) throw std::runtime_error("it blocks and nothing wakes it");
          if (stop == Stop::at_each_state && ++states == stops) return;  // killed asleep
          woken = true;
          wake();
          break;
      }
      ++instructions;
      if (stop == Stop::at_each_instruction) continue;
      if (const auto now = victim.what_outlives_it(); now != last) ++states, last = now;
    }
  }
};

/// A victim and who steps it never run at the same time: on one core they hand over to each other fastest.
inline void stay_on_one_core(std::size_t w) {
  cpu_set_t allowed, one;
  ::sched_getaffinity(0, sizeof allowed, &allowed);
  CPU_ZERO(&one);
  int skip = static_cast<int>(w) % CPU_COUNT(&allowed);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed) && skip-- == 0) CPU_SET(cpu, &one);
  }
  ::sched_setaffinity(0, sizeof one, &one);
}

}  // namespace mulproc::tests
