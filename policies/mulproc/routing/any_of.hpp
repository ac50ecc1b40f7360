#pragma once
// What:    takes what at least one of the combined policies takes.
// Choose:  to widen: any_of<only_to_me, with_request<"STATUS">>.
// Not:     with one policy: use that policy.
// Death:   no state of its own; nothing happens.
#include <mulproc/routing.hpp>
#include <tuple>

namespace mulproc::routing {

template <RoutingPolicy... P>
struct any_of {
  static_assert(sizeof...(P) > 0, "any_of needs at least one policy to combine");
  static constexpr bool by_address = (ByAddress<P> && ...);
  static constexpr bool takes_others_mail = (TakesOthersMail<P> || ...);
  std::tuple<P...> policies;

  any_of()
    requires(std::default_initializable<P> && ...)
  = default;
  any_of(P... combined)
    requires(sizeof...(P) > 0)
      : policies(std::move(combined)...) {}

  bool accepts(const Envelope& envelope, ProcessId me) const noexcept {
    return std::apply([&](const P&... policy) { return (policy.accepts(envelope, me) || ...); }, policies);
  }
};

}  // namespace mulproc::routing
