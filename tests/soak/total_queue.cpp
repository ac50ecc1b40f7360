// The checker of the soaks, asked about good and bad histories.
#define BOOST_TEST_MODULE total_queue
#include <boost/test/unit_test.hpp>

#include "total_queue.hpp"

using namespace mulproc::tests;

namespace {
Arrived arrives(std::uint32_t number, std::uint32_t receiver = 0, int attempt = 1) { return {.number = number, .receiver = receiver, .attempt = attempt}; }
Arrived letter(std::uint32_t number) { return {.number = number, .dead_letter = true}; }
}  // namespace

BOOST_AUTO_TEST_CASE(what_arrives_once_and_in_order_is_well) {
  const TotalQueue checked({{3, 3}, {1, 1}}, {arrives(1), arrives(2, 1), {.sender = 1, .number = 1}, arrives(3)});
  BOOST_TEST(checked.all_well(), checked.first_flaw);
  BOOST_TEST(checked.sent == 4u);
  BOOST_TEST(checked.arrived == 4u);
}
BOOST_AUTO_TEST_CASE(a_send_that_returned_and_never_arrives_is_lost) {
  const TotalQueue checked({{3, 3}}, {arrives(1), arrives(3)});
  BOOST_TEST(checked.lost == 1u);
  BOOST_TEST(checked.first_flaw == "#2 of sender 0: lost");
}
BOOST_AUTO_TEST_CASE(a_send_that_was_killed_may_arrive_or_not) {
  const TotalQueue comes({{2, 1}}, {arrives(1), arrives(2)}), does_not({{2, 1}}, {arrives(1)});
  BOOST_TEST(comes.all_well());
  BOOST_TEST(comes.recovered == 1u);
  BOOST_TEST(does_not.all_well());
  BOOST_TEST(does_not.maybe == 1u);
}
BOOST_AUTO_TEST_CASE(a_letter_that_is_nowhere_is_counted_apart) {
  const TotalQueue checked({{4, 4}}, {arrives(1)}, [](std::uint32_t number) { return number % 2 == 0; });
  BOOST_TEST(checked.missing_letters == 2u);
  BOOST_TEST(checked.lost == 1u);
}
BOOST_AUTO_TEST_CASE(what_nobody_sent_is_unexpected) {
  BOOST_TEST(TotalQueue({{2, 2}}, {arrives(1), arrives(2), arrives(3)}).unexpected == 1u);
  BOOST_TEST(TotalQueue({{1, 1}}, {arrives(1), arrives(0)}).unexpected == 1u);
  BOOST_TEST(TotalQueue({{1, 1}}, {arrives(1), {.sender = 1, .number = 1}}).unexpected == 1u);
}
BOOST_AUTO_TEST_CASE(what_arrives_twice_must_come_on_a_later_attempt) {
  BOOST_TEST(TotalQueue({{1, 1}}, {arrives(1), arrives(1, 1)}).duplicated == 1u);
  BOOST_TEST(TotalQueue({{1, 1}}, {arrives(1, 0, 2), arrives(1, 1, 2)}).duplicated == 1u);
  const TotalQueue handed_on({{1, 1}}, {arrives(1), arrives(1, 1, 2), arrives(1, 2, 3)});
  BOOST_TEST(handed_on.all_well());
  BOOST_TEST(handed_on.redelivered == 2u);
  BOOST_TEST(handed_on.handed_on == 2u);
}
BOOST_AUTO_TEST_CASE(a_dead_letter_counts_as_delivered_and_comes_once) {
  const TotalQueue once({{2, 2}}, {letter(1), arrives(2)}), after_its_holder_died({{1, 1}}, {arrives(1), letter(1)});
  BOOST_TEST(once.all_well());
  BOOST_TEST(once.dead_letters == 1u);
  BOOST_TEST(after_its_holder_died.all_well());
  BOOST_TEST(TotalQueue({{1, 1}}, {letter(1), letter(1)}).duplicated == 1u);
  BOOST_TEST(TotalQueue({{1, 1}}, {letter(1), arrives(1, 0, 2)}).duplicated == 1u);
}
BOOST_AUTO_TEST_CASE(one_receiver_sees_each_senders_messages_in_order_but_for_what_was_handed_on) {
  BOOST_TEST(TotalQueue({{2, 2}}, {arrives(2), arrives(1)}).out_of_order == 1u);
  BOOST_TEST(TotalQueue({{2, 2}}, {arrives(2, 0), arrives(1, 1)}).all_well());
  BOOST_TEST(TotalQueue({{2, 2}}, {arrives(2), arrives(1, 0, 2)}).all_well());
}
BOOST_AUTO_TEST_CASE(rounds_add_up) {
  TotalQueue all;
  all.add(TotalQueue({{1, 1}}, {arrives(1)}));
  all.add(TotalQueue({{2, 2}}, {arrives(1)}));
  BOOST_TEST(all.sent == 3u);
  BOOST_TEST(all.lost == 1u);
  BOOST_TEST(all.first_flaw == "#2 of sender 0: lost");
}
