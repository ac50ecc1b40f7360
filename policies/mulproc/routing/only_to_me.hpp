#pragma once
// What:    takes only what names me as its recipient.
// Choose:  a participant that leaves shared work to others.
// Not:     when nobody else takes what is offered to anyone: it would wait for ever.
// Death:   no state; nothing happens.
#include <mulproc/routing.hpp>

namespace mulproc::routing {

struct only_to_me {
  static constexpr bool by_address = true;
  bool accepts(const Envelope& envelope, ProcessId me) const noexcept { return envelope.recipient == me; }
};

}  // namespace mulproc::routing
