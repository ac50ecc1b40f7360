#pragma once
// What:    takes what is addressed to me, and what somebody else offers to anyone.
// Choose:  nearly always: crews with direct and shared work.
// Not:     when shared offers are not for you: only_to_me.
// Death:   no state; nothing happens.
#include <mulproc/routing.hpp>

namespace mulproc::routing {

struct addressed_to_me {
  static constexpr bool by_address = true;
  // Somebody else's offer: nobody takes his own.
  bool accepts(const Envelope& envelope, ProcessId me) const noexcept {
    return envelope.recipient == me || (envelope.recipient == anyone && envelope.sender != me);
  }
};

}  // namespace mulproc::routing
