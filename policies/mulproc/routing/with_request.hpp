#pragma once
// What:    takes messages with one of the named requests, whoever they are addressed to.
// Choose:  inside all_of, beside an address: all_of<addressed_to_me, with_request<"DO", "DIE">>.
// Not:     alone among several receivers: it takes others' mail.
// Death:   no state; nothing happens.
#include <mulproc/routing.hpp>

namespace mulproc::routing {

template <Request... wanted>
struct with_request {
  static_assert(sizeof...(wanted) > 0, "with_request needs at least one request, as in with_request<\"DO\">");
  static constexpr bool takes_others_mail = true;
  bool accepts(const Envelope& envelope, ProcessId) const noexcept { return ((envelope.request == wanted) || ...); }
};

}  // namespace mulproc::routing
