#pragma once
// What:    asks until it is so, and never parks.
// Choose:  for the shortest round trip, when every endpoint has a core of its own.
// Not:     with more endpoints than cores: whoever spins keeps the one it waits for from running.
// Death:   as for those who park: the transport looks for deaths every 100 ms.
#include <mulproc/waiting/waiting.hpp>

namespace mulproc::waiting {

struct spinning {
  template <class Ready>
  bool spin(Ready ready, Deadline until) {
    constexpr unsigned asks_between_looks_at_the_clock = 1024;
    do {
      for (unsigned i = 0; i < asks_between_looks_at_the_clock; ++i) {
        if (ready()) return true;
        relax();
      }
    } while (!until.expired());
    return false;
  }
};

}  // namespace mulproc::waiting
