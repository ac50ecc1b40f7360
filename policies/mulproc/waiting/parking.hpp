#pragma once
// What:    asks once, then parks on a futex.
// Choose:  when cores are scarce or answers slow, and each microsecond of processor time is somebody else's.
// Not:     where an answer comes within a few microseconds: a park and a wake cost more than that.
// Death:   whoever is parked looks for deaths when the kernel tells of one, and every 100 ms.
#include <mulproc/waiting/waiting.hpp>

namespace mulproc::waiting {

struct parking {
  template <class Ready>
  bool spin(Ready ready, Deadline) {
    return ready();
  }
};

}  // namespace mulproc::waiting
