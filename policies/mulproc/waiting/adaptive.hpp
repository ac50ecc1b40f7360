#pragma once
// What:    asks for as long as that has paid lately, then lets others run a few times, then parks on a futex.
// Choose:  by default: an answer that comes at once costs no system call, and a long wait costs no processor.
// Not:     where every core must stay idle in a wait (parking), or none may ever sleep (spinning).
// Death:   as for those who park.
#include <sched.h>

#include <algorithm>
#include <mulproc/waiting/waiting.hpp>

namespace mulproc::waiting {

struct adaptive {
  template <class Ready>
  bool spin(Ready ready, Deadline until) {
    if (ready()) return true;
    if (until.at == Deadline::now().at) return false;
    if (cores() > 1) {
      for (unsigned asked = 1; asked <= patience_; ++asked) {
        relax();
        if (!ready()) continue;
        patience_ = patience_ - patience_ / 8 + std::max(3 * asked, when_it_pays) / 8;  // drifts towards what would have been ample
        return true;
      }
    }
    // On a busy core this runs whoever may be about to answer; on an idle one it is a slower ask. But a core busy with other
    // people's work is gone for a time slice: then no more of it, until what that cost has been spread over many waits.
    auto begin = Deadline::clock::now();
    for (unsigned yielded = 0; yielded < yields && begin >= yields_again_; ++yielded) {
      ::sched_yield();
      const auto end = Deadline::clock::now();
      if (end - begin > a_time_slice_gone) yields_again_ = end + 500 * (end - begin);
      begin = end;
      if (!ready()) continue;
      if (patience_ < most) patience_ += patience_ / 4 + 1;  // a little longer would have done
      return true;
    }
    patience_ = patience_ / 2 > least ? patience_ / 2 : least;
    return false;
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
  static constexpr unsigned least = 8, when_it_pays = 128, most = 1024, yields = 8;
  static constexpr std::chrono::microseconds a_time_slice_gone{100};

  unsigned patience_ = 64;
  Deadline::time_point yields_again_{};  // the beginning of the clock: at once
};

}  // namespace mulproc::waiting
