// deadline.hpp: when a wait gives up.
#include <boost/test/unit_test.hpp>
#include <mulproc/deadline.hpp>
#include <limits>

using namespace mulproc;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(a_deadline_saturates_and_never_lies_in_the_past) {
  BOOST_TEST(Deadline::after(std::chrono::hours::max()).is_never());
  BOOST_TEST(Deadline::after(std::chrono::duration<double>(1e300)).is_never());
  BOOST_TEST(Deadline::after(-1s).expired());
  BOOST_TEST(Deadline::after(0s).expired());
  BOOST_TEST(Deadline::after(std::chrono::seconds::min()).expired());
  BOOST_TEST(Deadline::now().expired());
  BOOST_TEST(!Deadline::never().expired());
  const auto hour = Deadline::after(1h);
  BOOST_TEST(!hour.expired());
  BOOST_TEST((hour.remaining() <= 1h && hour.remaining() > 59min));
  BOOST_TEST((Deadline::now().remaining() == 0ns));
  BOOST_TEST((Deadline::never().remaining() == std::chrono::nanoseconds::max()));
}

BOOST_AUTO_TEST_CASE(a_deadline_for_poll_is_rounded_up) {
  BOOST_TEST(Deadline::never().poll_milliseconds() == -1);
  BOOST_TEST(Deadline::now().poll_milliseconds() == 0);
  BOOST_TEST(Deadline::after(1h).poll_milliseconds() > 3'500'000);
  BOOST_TEST(Deadline::after(24h * 365).poll_milliseconds() == 1'000'000'000);
  BOOST_TEST((Deadline::never().within(1h).remaining() <= 1h));
  BOOST_TEST(Deadline::now().within(1h).expired());
}

BOOST_AUTO_TEST_CASE(a_duration_of_any_kind_is_taken_and_none_overflows) {
  BOOST_TEST(Deadline::after(std::chrono::nanoseconds::max()).is_never());
  BOOST_TEST(Deadline::after(std::chrono::years::max()).is_never());
  BOOST_TEST(Deadline::after(std::chrono::duration<float>::max()).is_never());
  BOOST_TEST(Deadline::after(std::chrono::duration<double>(std::numeric_limits<double>::infinity())).is_never());
  BOOST_TEST(Deadline::after(std::chrono::duration<std::uint64_t>::max()).is_never());
  BOOST_TEST(Deadline::after(std::chrono::nanoseconds::min()).expired());
  BOOST_TEST(Deadline::after(std::chrono::hours::min()).expired());
  BOOST_TEST(Deadline::after(std::chrono::duration<double>::min()).expired());
  BOOST_TEST(Deadline::after(std::chrono::duration<unsigned>(0)).expired());
}

BOOST_AUTO_TEST_CASE(no_part_of_a_duration_is_cut_off) {
  const auto before = Deadline::clock::now();
  BOOST_TEST((Deadline::after(std::chrono::duration<double>(1.5)).at >= before + 1500ms));
  BOOST_TEST((Deadline::after(std::chrono::duration<float, std::ratio<3600>>(0.25f)).at >= before + 15min));
}

BOOST_AUTO_TEST_CASE(no_time_or_less_is_now_which_asks_no_clock) {
  for (const auto patience : {0ns, -1ns, std::chrono::nanoseconds::min()}) BOOST_TEST((Deadline::after(patience).at == Deadline::now().at));
  BOOST_TEST((Deadline::after(std::chrono::duration<double>::min()).at == Deadline::now().at));
}

BOOST_AUTO_TEST_CASE(what_has_passed_leaves_no_time_and_no_less) {
  const Deadline passed = Deadline::clock::now() - 1h;
  BOOST_TEST(passed.expired());
  BOOST_TEST((passed.remaining() == 0ns));
  BOOST_TEST(passed.poll_milliseconds() == 0);
  BOOST_TEST(!Deadline::now().is_never());
}
