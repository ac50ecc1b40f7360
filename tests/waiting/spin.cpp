// What each waiting policy does before its caller parks: how often it asks, when it stops, what adaptive learns.
#define BOOST_TEST_MODULE waiting
#include <boost/test/unit_test.hpp>
#include <mulproc/waiting/adaptive.hpp>
#include <mulproc/waiting/parking.hpp>
#include <mulproc/waiting/spinning.hpp>
#include <tuple>

using namespace mulproc;
using namespace std::chrono_literals;

namespace {

/// Becomes true when it has been asked so often.
struct After {
  unsigned wanted;
  unsigned* asked;
  bool operator()() const { return ++*asked >= wanted; }
};

/// How often a policy that is never answered asks.
unsigned asks_in_vain(auto& waiting, Deadline until) {
  unsigned asked = 0;
  BOOST_TEST(!waiting.spin(After{~0u, &asked}, until));
  return asked;
}

}  // namespace

using Policies = std::tuple<waiting::spinning, waiting::parking, waiting::adaptive>;

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_ready_at_once_is_asked_once, W, Policies) {
  static_assert(Waiting<W>);
  W waiting;
  unsigned asked = 0;
  BOOST_TEST(waiting.spin(After{1, &asked}, Deadline::never()));
  BOOST_TEST(asked == 1u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_expired_deadline_still_asks_and_waits_for_nothing, W, Policies) {
  W waiting;
  BOOST_TEST(asks_in_vain(waiting, Deadline::now()) >= 1u);
  unsigned asked = 0;
  BOOST_TEST(waiting.spin(After{1, &asked}, Deadline::now()));
}

BOOST_AUTO_TEST_CASE(parking_asks_once) {
  waiting::parking waiting;
  BOOST_TEST(asks_in_vain(waiting, Deadline::never()) == 1u);
}

BOOST_AUTO_TEST_CASE(spinning_asks_until_it_is_ready_and_until_its_deadline_at_least) {
  waiting::spinning waiting;
  unsigned asked = 0;
  BOOST_TEST(waiting.spin(After{100'000, &asked}, Deadline::never()));
  BOOST_TEST(asked == 100'000u);
  const auto begin = Deadline::clock::now();
  BOOST_TEST(asks_in_vain(waiting, Deadline::after(20ms)) > 1u);
  BOOST_TEST((Deadline::clock::now() - begin >= 20ms));
}

BOOST_AUTO_TEST_CASE(adaptive_gives_up_by_itself_and_asks_less_after_each_vain_wait) {
  waiting::adaptive waiting;
  const unsigned first = asks_in_vain(waiting, Deadline::never());
  for (int i = 0; i < 20; ++i) asks_in_vain(waiting, Deadline::never());
  const unsigned later = asks_in_vain(waiting, Deadline::never());
  BOOST_TEST(first >= later);
  BOOST_TEST(later >= 2u);
  if (waiting::adaptive::cores() > 1) BOOST_TEST(first > later);
}

BOOST_AUTO_TEST_CASE(adaptive_asks_more_often_once_that_has_paid) {
  if (waiting::adaptive::cores() < 2) return;  // alone on a core it never spins
  waiting::adaptive waiting;
  for (int i = 0; i < 20; ++i) asks_in_vain(waiting, Deadline::never());
  const unsigned before = asks_in_vain(waiting, Deadline::never());
  unsigned late = before - 1;  // the last few asks are between yields
  for (int i = 0; i < 40; ++i) {
    unsigned asked = 0;
    waiting.spin(After{late, &asked}, Deadline::never());
  }
  BOOST_TEST(asks_in_vain(waiting, Deadline::never()) > before);
}
