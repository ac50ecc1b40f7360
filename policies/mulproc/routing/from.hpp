#pragma once
// What:    takes messages of one sender, whoever they are addressed to: link.parent(routing::from{id}).
// Choose:  inside all_of, beside an address: all_of{addressed_to_me{}, from{id}}.
// Not:     alone among several receivers: it takes others' mail.
// Death:   the dead sender's messages stay to be taken.
#include <mulproc/routing.hpp>

namespace mulproc::routing {

struct from {
  static constexpr bool takes_others_mail = true;
  ProcessId sender = anyone;  ///< anyone: no sender is excluded
  bool accepts(const Envelope& envelope, ProcessId) const noexcept { return sender == anyone || envelope.sender == sender; }
};

}  // namespace mulproc::routing
