#pragma once
// What:    takes every message, whoever it is addressed to, one's own included.
// Choose:  one receiver per direction, or an observer.
// Not:     among several receivers with addressed mail: it takes theirs.
// Death:   no state; nothing happens.
#include <mulproc/routing.hpp>

namespace mulproc::routing {

struct everything {
  static constexpr bool takes_others_mail = true;
  bool accepts(const Envelope&, ProcessId) const noexcept { return true; }
};

}  // namespace mulproc::routing
