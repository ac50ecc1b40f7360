#pragma once
// What:    asks for as long as that has paid lately, then parks on a futex.
// Choose:  by default: an answer that comes at once costs no system call, and a long wait costs no processor.
// Not:     where every core must stay idle in a wait (parking), or none may ever sleep (spinning).
// Death:   as for those who park.
#include <sched.h>

#include <algorithm>
#include <mulproc/waiting/waiting.hpp>

namespace mulproc::waiting {

/// Asks at first as fast as it can, if there is a core for whoever is to answer; then it lets others run between two asks, for
/// on a busy core one of these may be about to answer. For how long, it learns from its parks: one that ended soon would
/// better have been avoided, one that lasted was right.
///
/// Source:  the ski-rental rule: wait for as long as a park costs, and you pay at most twice what you had to.
struct adaptive {
  template <class Ready>
  bool spin(Ready ready, Deadline until) {
    if (ready()) return true;
    if (until.at == Deadline::now().at) return false;
    for (unsigned asked = 1; asked <= asks_ && cores() > 1; ++asked) {
      relax();
      if (!ready()) continue;
      asks_ = asks_ - asks_ / 8 + std::max(3 * asked, when_it_pays) / 8;  // drifts towards what would have been ample
      return true;
    }
    asks_ /= 2;
    if (patience_ == patience_.zero()) return false;
    const auto end = std::min(until.at, Deadline::clock::now() + patience_);
    do {
      ::sched_yield();
      if (!ready()) continue;
      asks_ = std::min(asks_ + asks_ / 2 + 8, most);
      return true;
    } while (Deadline::clock::now() < end);
    return false;
  }
  /// What the caller did after spin() said false took so long.
  void parked(std::chrono::nanoseconds how_long) noexcept {
    if (how_long <= cost_of_a_park) {
      patience_ = std::clamp(2 * patience_, shortest, cost_of_a_park);
    } else if (how_long > 4 * cost_of_a_park) {
      patience_ = patience_ > shortest ? patience_ / 2 : patience_.zero();
    }
  }
  /// The cores this process may use, as they were when it first asked.
  static int cores() noexcept {
    static const int count = [] {
      cpu_set_t allowed;
      return ::sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
    }();
    return count;
  }

 private:
  static constexpr unsigned when_it_pays = 128, most = 1024;  // asks without a yield
  // A park and a wake by another core, as measured on virtual machines, where a core that sleeps is slow to wake.
  static constexpr std::chrono::nanoseconds cost_of_a_park{200'000}, shortest{2'000};

  unsigned asks_ = 64;
  std::chrono::nanoseconds patience_{10'000};
};

}  // namespace mulproc::waiting
