#pragma once
// What:    takes what none of the combined policies takes.
// Choose:  to exclude: all_of<addressed_to_me, none_of<with_request<"DIE">>>.
// Not:     alone among several receivers: what is refused by an address is others' mail.
// Death:   no state of its own; nothing happens.
#include <mulproc/routing.hpp>
#include <tuple>

namespace mulproc::routing {

template <RoutingPolicy... P>
struct none_of {
  static_assert(sizeof...(P) > 0, "none_of needs at least one policy to combine");
  static constexpr bool takes_others_mail = true;  // what others' addresses name is among the rest
  std::tuple<P...> policies;

  none_of()
    requires(std::default_initializable<P> && ...)
  = default;
  none_of(P... combined)
    requires(sizeof...(P) > 0)
      : policies(std::move(combined)...) {}

  bool accepts(const Envelope& envelope, ProcessId me) const noexcept {
    return std::apply([&](const P&... policy) { return !(policy.accepts(envelope, me) || ...); }, policies);
  }
};

}  // namespace mulproc::routing
