// What each routing policy takes, of every kind of message there is: from whom, to whom, asking what.
#define BOOST_TEST_MODULE routing
#include <array>
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

constexpr ProcessId me = 1, other = 2, third = 3, elsewhere = {9, 1};  // elsewhere: my number on another host
constexpr std::array senders{me, other, third};
constexpr std::array recipients{me, anyone, third, elsewhere};
constexpr std::array<Request, 2> requests{"DO", "STOP"};

/// A policy's whole table as text: a row for each sender, in it a group for each recipient, in it a letter for each request.
std::string table(const RoutingPolicy auto& policy) {
  std::string text;
  for (const ProcessId sender : senders) {
    for (const ProcessId recipient : recipients) {
      for (const Request request : requests)
        text += policy.accepts({.request = request, .recipient = recipient, .sender = sender}, me) ? 'Y' : '.';
      text += ' ';
    }
    text.back() = '|';
  }
  return text;
}

// Columns:            to me, anyone, third, elsewhere; each asking DO, then STOP.
// Rows:               from me,   from other,  from third.
constexpr auto all = "YY YY YY YY|YY YY YY YY|YY YY YY YY|";
constexpr auto none = ".. .. .. ..|.. .. .. ..|.. .. .. ..|";

}  // namespace

BOOST_AUTO_TEST_CASE(everything_takes_all_there_is) { BOOST_TEST(table(everything{}) == all); }

BOOST_AUTO_TEST_CASE(addressed_to_me_takes_what_names_me_and_what_somebody_else_offers) {
  BOOST_TEST(table(addressed_to_me{}) == "YY .. .. ..|YY YY .. ..|YY YY .. ..|");
}

BOOST_AUTO_TEST_CASE(only_to_me_takes_what_names_me) { BOOST_TEST(table(only_to_me{}) == "YY .. .. ..|YY .. .. ..|YY .. .. ..|"); }

BOOST_AUTO_TEST_CASE(from_takes_what_one_sender_sent_and_without_one_excludes_nobody) {
  BOOST_TEST(table(from{other}) == ".. .. .. ..|YY YY YY YY|.. .. .. ..|");
  BOOST_TEST(table(from{elsewhere}) == none);
  BOOST_TEST(table(from{}) == all);
}

BOOST_AUTO_TEST_CASE(with_request_takes_what_asks_one_of_its_words) {
  BOOST_TEST(table(with_request<"DO">{}) == "Y. Y. Y. Y.|Y. Y. Y. Y.|Y. Y. Y. Y.|");
  BOOST_TEST(table(with_request<"STOP">{}) == ".Y .Y .Y .Y|.Y .Y .Y .Y|.Y .Y .Y .Y|");
  BOOST_TEST((table(with_request<"STOP", "DO">{}) == all));
  BOOST_TEST((table(with_request<"D", "DOO", "do">{}) == none));
}

BOOST_AUTO_TEST_CASE(all_of_takes_what_each_takes) {
  BOOST_TEST((table(all_of<addressed_to_me, with_request<"DO">>{}) == "Y. .. .. ..|Y. Y. .. ..|Y. Y. .. ..|"));
  BOOST_TEST((table(all_of{addressed_to_me{}, from{other}}) == ".. .. .. ..|YY YY .. ..|.. .. .. ..|"));
  BOOST_TEST((table(all_of<with_request<"DO">, with_request<"STOP">>{}) == none));
  BOOST_TEST(table(all_of<only_to_me>{}) == table(only_to_me{}));
}

BOOST_AUTO_TEST_CASE(any_of_takes_what_one_takes) {
  BOOST_TEST((table(any_of<only_to_me, with_request<"STOP">>{}) == "YY .Y .Y .Y|YY .Y .Y .Y|YY .Y .Y .Y|"));
  BOOST_TEST((table(any_of{from{other}, from{third}}) == ".. .. .. ..|YY YY YY YY|YY YY YY YY|"));
  BOOST_TEST((table(any_of<with_request<"DO">, with_request<"STOP">>{}) == all));
  BOOST_TEST(table(any_of<only_to_me>{}) == table(only_to_me{}));
}

BOOST_AUTO_TEST_CASE(none_of_takes_what_no_one_takes) {
  BOOST_TEST((table(none_of<only_to_me, with_request<"STOP">>{}) == ".. Y. Y. Y.|.. Y. Y. Y.|.. Y. Y. Y.|"));
  BOOST_TEST((table(none_of{from{other}}) == "YY YY YY YY|.. .. .. ..|YY YY YY YY|"));
  BOOST_TEST(table(none_of<everything>{}) == none);
}

BOOST_AUTO_TEST_CASE(combinations_nest) {
  using no_stop_for_me = all_of<addressed_to_me, none_of<with_request<"STOP">>>;
  BOOST_TEST(table(no_stop_for_me{}) == "Y. .. .. ..|Y. Y. .. ..|Y. Y. .. ..|");
  BOOST_TEST(table(none_of<none_of<only_to_me>>{}) == table(only_to_me{}));
}

BOOST_AUTO_TEST_CASE(a_policy_says_rightly_whether_the_address_alone_decides_and_whether_others_mail_is_taken) {
  // What is declared is compared with the table: nothing for third or elsewhere, and no request that matters.
  const auto is_right = []<class R>(const R& policy) {
    bool others = false, request_matters = false;
    for (const ProcessId sender : senders) {
      for (const ProcessId recipient : recipients) {
        const auto takes = [&](Request request) { return policy.accepts({.request = request, .recipient = recipient, .sender = sender}, me); };
        others = others || (recipient != me && recipient != anyone && (takes("DO") || takes("STOP")));
        request_matters = request_matters || takes("DO") != takes("STOP");
      }
    }
    return (TakesOthersMail<R> || !others) && !(ByAddress<R> && request_matters);
  };
  BOOST_TEST(is_right(everything{}));
  BOOST_TEST(is_right(addressed_to_me{}));
  BOOST_TEST(is_right(only_to_me{}));
  BOOST_TEST(is_right(from{other}));
  BOOST_TEST(is_right(with_request<"DO">{}));
  BOOST_TEST((is_right(all_of<only_to_me, with_request<"DO">>{})));
  BOOST_TEST((is_right(all_of<only_to_me, addressed_to_me>{})));
  BOOST_TEST((is_right(any_of<only_to_me, addressed_to_me>{})));
  BOOST_TEST((is_right(any_of<only_to_me, with_request<"DO">>{})));
  BOOST_TEST(is_right(none_of<only_to_me>{}));
  static_assert(ByAddress<addressed_to_me> && ByAddress<only_to_me> && ByAddress<all_of<only_to_me, addressed_to_me>>);
  static_assert(!ByAddress<with_request<"DO">> && !ByAddress<from> && !ByAddress<all_of<only_to_me, with_request<"DO">>>);
  static_assert(!TakesOthersMail<addressed_to_me> && !TakesOthersMail<only_to_me> && !TakesOthersMail<all_of<only_to_me, everything>>);
}
