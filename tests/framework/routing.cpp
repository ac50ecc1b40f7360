// Which policy takes which message: the truth table.
#define BOOST_TEST_MODULE routing
#include <boost/test/unit_test.hpp>
#include <mulproc/combination.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/routing/all_of.hpp>
#include <mulproc/routing/any_of.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/routing/from.hpp>
#include <mulproc/routing/none_of.hpp>
#include <mulproc/routing/only_to_me.hpp>
#include <mulproc/routing/with_request.hpp>

using namespace mulproc;
using namespace mulproc::routing;

namespace {
constexpr ProcessId me = 1, other = 2, third = 3;
Envelope mail(Request request, ProcessId sender, ProcessId recipient) {
  Envelope envelope;
  envelope.request = request, envelope.sender = sender, envelope.recipient = recipient;
  return envelope;
}
}  // namespace

BOOST_AUTO_TEST_CASE(by_address) {
  const auto to_me = mail("DO", other, me), to_third = mail("DO", other, third), offered = mail("DO", other, anyone), own_offer = mail("DO", me, anyone);
  BOOST_TEST((addressed_to_me{}.accepts(to_me, me) && addressed_to_me{}.accepts(offered, me)));
  BOOST_TEST((!addressed_to_me{}.accepts(to_third, me) && !addressed_to_me{}.accepts(own_offer, me)));
  BOOST_TEST((addressed_to_me{}.accepts(mail("DO", me, me), me)));  // a note to oneself
  BOOST_TEST((only_to_me{}.accepts(to_me, me) && !only_to_me{}.accepts(offered, me) && !only_to_me{}.accepts(to_third, me)));
  for (const auto& any : {to_me, to_third, offered, own_offer}) BOOST_TEST(everything{}.accepts(any, me));
  static_assert(ByAddress<addressed_to_me> && ByAddress<only_to_me> && !ByAddress<with_request<"DO">>);
  static_assert(TakesOthersMail<everything> && !TakesOthersMail<addressed_to_me> && !TakesOthersMail<only_to_me>);
}
BOOST_AUTO_TEST_CASE(by_request_and_sender) {
  const with_request<"DO", "DIE"> orders;
  BOOST_TEST((orders.accepts(mail("DO", other, me), me) && orders.accepts(mail("DIE", other, me), me) && !orders.accepts(mail("TEST", other, me), me)));
  const from from_other{other};
  BOOST_TEST((from_other.accepts(mail("DO", other, me), me) && !from_other.accepts(mail("DO", third, me), me)));
}
BOOST_AUTO_TEST_CASE(combined) {
  using orders_to_me = all_of<only_to_me, with_request<"DO">>;
  BOOST_TEST(orders_to_me{}.accepts(mail("DO", other, me), me));
  BOOST_TEST(!orders_to_me{}.accepts(mail("DIE", other, me), me));
  BOOST_TEST(!orders_to_me{}.accepts(mail("DO", other, third), me));
  using either = any_of<only_to_me, with_request<"STATUS">>;
  BOOST_TEST(either{}.accepts(mail("DIE", other, me), me));
  BOOST_TEST(either{}.accepts(mail("STATUS", other, third), me));
  BOOST_TEST(!either{}.accepts(mail("DO", other, third), me));
  using neither = none_of<only_to_me, with_request<"STATUS">>;
  BOOST_TEST(neither{}.accepts(mail("DO", other, third), me));
  BOOST_TEST(!neither{}.accepts(mail("DO", other, me), me));
  static_assert(ByAddress<all_of<only_to_me, addressed_to_me>> && !ByAddress<orders_to_me>);
  static_assert(TakesOthersMail<either> && TakesOthersMail<neither> && !TakesOthersMail<orders_to_me>);
}
