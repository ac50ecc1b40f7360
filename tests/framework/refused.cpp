// refused.hpp: what one call has refused.
#include <boost/test/unit_test.hpp>
#include <mulproc/refused.hpp>
#include <utility>

using namespace mulproc;

BOOST_AUTO_TEST_CASE(it_has_what_was_added_in_any_order_and_nothing_else) {
  Refused<std::pair<int, int>> refused;
  for (const int ticket : {5, 1, 9, 3}) refused.add({ticket, 1});
  for (int ticket = 0; ticket < 10; ++ticket) {
    BOOST_TEST(refused.has({ticket, 1}) == (ticket % 4 == 1 || ticket == 3));
    BOOST_TEST(!refused.has({ticket, 2}));  // another attempt
  }
  refused.clear();
  BOOST_TEST(!refused.has({5, 1}));
}

BOOST_AUTO_TEST_CASE(what_is_gone_is_asked_for_each_time_they_have_doubled) {
  Refused<int> refused;
  int asked = 0, longest = 0, kept = 0;
  for (int ticket = 0; ticket < 100'000; ++ticket) {
    refused.add(ticket);
    if (!refused.have_doubled()) continue;
    int asked_now = 0;
    kept = 0;
    refused.forget_if([&](int known) {
      ++asked_now;
      const bool is_gone = known + 1000 <= ticket;  // a thousand lie there
      kept += is_gone ? 0 : 1;
      return is_gone;
    });
    asked += asked_now;
    longest = std::max(longest, asked_now);
  }
  BOOST_TEST(kept == 1000);
  BOOST_TEST(longest == 2000);
  BOOST_TEST(asked <= 2 * 100'000);
  BOOST_TEST(refused.has(99'999));
  BOOST_TEST(!refused.has(0));
}

BOOST_AUTO_TEST_CASE(few_are_kept_without_asking_also_after_a_call_with_many) {
  Refused<int> refused;
  for (int i = 0; i < 500; ++i) refused.add(i);
  refused.forget_if([](int) { return false; });
  refused.clear();
  for (int i = 0; i < 63; ++i) refused.add(i);
  BOOST_TEST(!refused.have_doubled());
  refused.add(63);
  BOOST_TEST(refused.have_doubled());
}
