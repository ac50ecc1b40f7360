// routing.hpp, combination.hpp: what makes a routing policy, and which transport carries it. The policies: tests/routing.
#include <boost/test/unit_test.hpp>
#include <mulproc/combination.hpp>
#include <mulproc/transport/in_memory.hpp>

using namespace mulproc;

namespace {
struct Plain {
  bool accepts(const Envelope&, ProcessId) const noexcept { return true; }
};
struct OfAddress : Plain {
  static constexpr bool by_address = true;
};
struct SaysNo : Plain {
  static constexpr bool by_address = false, takes_others_mail = false;
};
struct OfOthers : Plain {
  static constexpr bool takes_others_mail = true;
};
struct MayThrow {
  bool accepts(const Envelope&, ProcessId) const { return true; }
};
struct AnswersInt {
  int accepts(const Envelope&, ProcessId) const noexcept { return 1; }
};
struct NotConst {
  bool accepts(const Envelope&, ProcessId) noexcept { return true; }
};
struct OnlyMoved : Plain {
  OnlyMoved(OnlyMoved&&) = default;
  OnlyMoved& operator=(OnlyMoved&&) = default;
};
struct addressed : transport::in_memory {
  static constexpr Promises promises{.addressed = true};
};
}  // namespace

BOOST_AUTO_TEST_CASE(a_policy_is_copyable_and_its_accepts_is_const_noexcept_and_says_bool) {
  static_assert(RoutingPolicy<Plain> && RoutingPolicy<OfAddress> && RoutingPolicy<OfOthers>);
  static_assert(!RoutingPolicy<MayThrow> && !RoutingPolicy<AnswersInt> && !RoutingPolicy<NotConst> && !RoutingPolicy<OnlyMoved>);
  static_assert(!RoutingPolicy<int>);
  BOOST_TEST(true);  // the compiler has checked it
}

BOOST_AUTO_TEST_CASE(what_a_policy_does_not_declare_it_does_not_have) {
  static_assert(ByAddress<OfAddress> && !ByAddress<Plain> && !ByAddress<SaysNo>);
  static_assert(TakesOthersMail<OfOthers> && !TakesOthersMail<Plain> && !TakesOthersMail<SaysNo>);
  BOOST_TEST(true);
}

BOOST_AUTO_TEST_CASE(an_addressed_transport_carries_no_policy_that_takes_others_mail) {
  static_assert(Combination<addressed, Plain> && Combination<addressed, OfAddress> && Combination<addressed, SaysNo>);
  static_assert(!Combination<addressed, OfOthers> && Combination<transport::in_memory, OfOthers>);
  static_assert(!Combination<transport::in_memory, MayThrow> && !Combination<int, Plain>);
  BOOST_TEST(true);
}
