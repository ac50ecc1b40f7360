// Each violation that the harness looks for is noticed.
#define BOOST_TEST_MODULE checker
#include <boost/test/unit_test.hpp>
#include <mulproc/serializer/boost_binary.hpp>
#include <mulproc/serializer/boost_text.hpp>
#include <mulproc/serializer/json.hpp>
#include <stress/checker.hpp>
#include <stress/load.hpp>
#include <stress/run.hpp>

using namespace mulproc;
using namespace mulproc::stress;

namespace {
bool speaks_of(const Checker& checker, const char* what) { return checker.broken().find(what) != std::string::npos; }
Checker sent(int count) {
  Checker checker;
  for (int i = 0; i < count; ++i) checker.sent();
  return checker;
}
}  // namespace

BOOST_AUTO_TEST_CASE(what_arrives_once_and_in_order_breaks_nothing) {
  auto checker = sent(3);
  for (const int number : {2, 0, 1}) checker.arrived(static_cast<std::uint64_t>(number), true);
  for (const int sequence : {1, 2, 3}) checker.in_order_without_gap(7, static_cast<std::uint64_t>(sequence));
  checker.in_order_without_gap(8, 1);
  checker.complete();
  BOOST_TEST(checker.broken() == "");
  BOOST_TEST(checker.outstanding() == 0u);
}
BOOST_AUTO_TEST_CASE(a_lost_message_is_noticed) {
  auto checker = sent(3);
  checker.arrived(0, true), checker.arrived(2, true);
  BOOST_TEST(checker.outstanding() == 1u);
  checker.complete();
  BOOST_TEST(speaks_of(checker, "nothing lost: number 1"));
}
BOOST_AUTO_TEST_CASE(a_gap_in_a_senders_sequence_is_noticed) {
  Checker checker;
  checker.in_order_without_gap(7, 1), checker.in_order_without_gap(7, 3);
  BOOST_TEST(speaks_of(checker, "nothing lost: #3 after #1"));
}
BOOST_AUTO_TEST_CASE(a_message_that_comes_twice_is_noticed_unless_it_was_handed_on) {
  auto checker = sent(2);
  checker.arrived(0, true), checker.arrived(0, false);
  BOOST_TEST(checker.broken() == "");
  checker.arrived(0, true);
  BOOST_TEST(speaks_of(checker, "nothing twice: number 0"));
}
BOOST_AUTO_TEST_CASE(a_message_that_nobody_sent_is_noticed) {
  auto checker = sent(2);
  checker.arrived(2, true);
  BOOST_TEST(speaks_of(checker, "nothing unexpected"));
}
BOOST_AUTO_TEST_CASE(a_message_out_of_its_senders_order_is_noticed) {
  Checker checker;
  checker.in_order(7, 3), checker.in_order(7, 2);
  BOOST_TEST(speaks_of(checker, "order per sender"));
}
BOOST_AUTO_TEST_CASE(a_run_remembers_the_first_broken_invariant_and_ends) {
  Run run("a run", Settings{}, 1, {});
  BOOST_TEST(run.goes_on(0, 1));
  BOOST_TEST(!run.check(false, "first"));
  BOOST_TEST(!run.check(false, "second"));
  BOOST_TEST(run.check(true, "third"));
  BOOST_TEST(run.broken() == "first");
  BOOST_TEST(!run.goes_on(0, 1));
}

using Serializers = std::tuple<serializer::trivially_copyable, serializer::boost_binary, serializer::boost_text, serializer::json>;
BOOST_AUTO_TEST_CASE_TEMPLATE(a_body_of_any_size_is_whole_and_a_changed_one_torn, S, Serializers) {
  for (const std::size_t size : {0, 1, 40, 41, 1024, 1025, 16384, 16385, 100'000}) {
    std::vector<std::byte> bytes;
    std::uint32_t type = 0;
    with_body<S>(5, size, [&](const auto& body) {
      Sink sink(bytes, most_bytes_of<S>(size));
      type = body_type_of<std::remove_cvref_t<decltype(body)>>;
      BOOST_TEST(bool(S::encode(body, sink)));
      return 0;
    });
    const auto seen = [&] {
      Envelope envelope;
      envelope.body_bytes = static_cast<std::uint32_t>(bytes.size());
      envelope.body_type = type;
      return MessageView<S>(envelope, 1, bytes);
    };
    BOOST_TEST((number_in<S>(seen()) == std::uint64_t{5}));
    if (size == 0) continue;
    const auto letter = std::find(bytes.begin(), bytes.end(), std::byte(filler_of(5, 1)[0]));
    BOOST_REQUIRE((letter != bytes.end()));
    for (auto at = letter; at != bytes.end(); ++at) {  // somewhere in the filler
      if (*at != *letter) continue;
      *at = std::byte{'z'} == *letter ? std::byte{'y'} : std::byte{'z'};
      BOOST_TEST((number_in<S>(seen()) != std::uint64_t{5}));
      *at = *letter;
      break;
    }
  }
}
