#pragma once
// What:    takes what every one of the combined policies takes.
// Choose:  to narrow: all_of<addressed_to_me, with_request<"DO">>.
// Not:     for a condition of one call: give that call a predicate.
// Death:   no state of its own; nothing happens.
#include <mulproc/routing.hpp>
#include <tuple>

namespace mulproc::routing {

template <RoutingPolicy... P>
struct all_of {
  static_assert(sizeof...(P) > 0, "all_of needs at least one policy to combine");
  static constexpr bool by_address = (ByAddress<P> && ...);
  static constexpr bool takes_others_mail = (TakesOthersMail<P> && ...);  // one that keeps to its own mail suffices
  std::tuple<P...> policies;

  all_of()
    requires(std::default_initializable<P> && ...)
  = default;
  all_of(P... combined)
    requires(sizeof...(P) > 0)
      : policies(std::move(combined)...) {}

  bool accepts(const Envelope& envelope, ProcessId me) const noexcept {
    return std::apply([&](const P&... policy) { return (policy.accepts(envelope, me) && ...); }, policies);
  }
};

}  // namespace mulproc::routing
