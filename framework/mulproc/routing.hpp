#pragma once
/// Which messages are mine. A policy looks at the envelope only, on a private copy.
///
/// A RoutingPolicy is copyable and has   bool accepts(const Envelope&, ProcessId me) const noexcept;
/// It may declare
///   static constexpr bool by_address = true;         it depends on the recipient only, and for anyone on sender != me,
///                                                    so that an addressed transport may deliver without searching
///   static constexpr bool takes_others_mail = true;  it may accept what is addressed to somebody else
#include <concepts>
#include <mulproc/envelope.hpp>

namespace mulproc {

template <class R>
concept RoutingPolicy = std::copyable<R> && requires(const R& policy, const Envelope& envelope, ProcessId me) {
  { policy.accepts(envelope, me) } noexcept -> std::same_as<bool>;  // REMEDY: accepts is const, says bool, and must be noexcept: it is asked under a lock
};

template <class R>
concept ByAddress = RoutingPolicy<R> && requires { requires R::by_address; };

template <class R>
concept TakesOthersMail = RoutingPolicy<R> && requires { requires R::takes_others_mail; };

}  // namespace mulproc
