// What the stress program measures and checks with: each violation it looks for is noticed, each figure agrees with
// somebody else's.
#define BOOST_TEST_MODULE measures
#include <boost/histogram.hpp>
#include <boost/test/unit_test.hpp>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/pipe.hpp>
#include <random>
#include <stress/footprint.hpp>
#include <stress/team.hpp>

using namespace mulproc;
using namespace mulproc::stress;

namespace {
const Medium nowhere{};
struct Checked {
  Settings settings{};
  Run run{"a run", settings, nowhere};
  Checker checker{run};
  explicit Checked(int sent) {
    for (int i = 0; i < sent; ++i) checker.sent();
  }
  bool speaks_of(const char* what) const { return run.broken().find(what) != std::string::npos; }
};
}  // namespace

BOOST_AUTO_TEST_CASE(what_arrives_once_and_in_order_breaks_nothing) {
  Checked one(3);
  for (const std::uint64_t number : {2u, 0u, 1u}) one.checker.arrived(number, true);
  for (const std::uint64_t sequence : {1u, 2u, 3u}) one.checker.in_order_without_gap(7, sequence);
  one.checker.in_order_without_gap(8, 1);
  one.checker.complete();
  BOOST_TEST(one.run.broken() == "");
  BOOST_TEST(one.checker.outstanding() == 0u);
}
BOOST_AUTO_TEST_CASE(a_lost_message_is_noticed) {
  Checked one(3);
  one.checker.arrived(0, true), one.checker.arrived(2, true);
  BOOST_TEST(one.checker.outstanding() == 1u);
  one.checker.complete();
  BOOST_TEST(one.speaks_of("nothing lost: number 1"));
}
BOOST_AUTO_TEST_CASE(a_lost_message_is_noticed_among_very_many) {
  Checked one(0);
  for (std::uint64_t i = 0; i < 300'000; ++i) {
    one.checker.sent();
    if (i != 200'000) one.checker.arrived(i, true);
  }
  BOOST_TEST(one.run.broken() == "");
  one.checker.complete();
  BOOST_TEST(one.speaks_of("nothing lost: number 200000"));
}
BOOST_AUTO_TEST_CASE(a_gap_in_a_senders_sequence_is_noticed) {
  Checked one(0);
  one.checker.in_order_without_gap(7, 1), one.checker.in_order_without_gap(7, 3);
  BOOST_TEST(one.speaks_of("nothing lost: #3 after #1"));
}
BOOST_AUTO_TEST_CASE(what_the_dead_had_answered_may_come_after_the_answer_of_who_took_over) {
  Checked one(1);
  one.checker.arrived(0, false), one.checker.arrived(0, true);
  BOOST_TEST(one.run.broken() == "");
  one.checker.arrived(0, true);
  BOOST_TEST(one.speaks_of("nothing twice: number 0"));
}
BOOST_AUTO_TEST_CASE(a_message_that_comes_twice_is_noticed_unless_it_was_handed_on) {
  Checked one(2);
  one.checker.arrived(0, true), one.checker.arrived(0, false);
  BOOST_TEST(one.run.broken() == "");
  one.checker.arrived(0, true);
  BOOST_TEST(one.speaks_of("nothing twice: number 0"));
}
BOOST_AUTO_TEST_CASE(a_message_that_nobody_sent_is_noticed) {
  Checked one(2);
  one.checker.arrived(2, true);
  BOOST_TEST(one.speaks_of("nothing misdelivered: number 2"));
}
BOOST_AUTO_TEST_CASE(a_message_out_of_its_senders_order_is_noticed) {
  Checked one(0);
  one.checker.in_order(7, 3), one.checker.in_order(7, 2);
  BOOST_TEST(one.speaks_of("order per sender"));
}
BOOST_AUTO_TEST_CASE(a_run_remembers_how_each_invariant_broke_first_and_ends) {
  Checked one(0);
  BOOST_TEST(one.run.wants_more(0, 1));
  BOOST_TEST(!one.run.check(false, invariant::nothing_lost, "first"));
  BOOST_TEST(!one.run.check(false, invariant::nothing_torn, "second"));
  BOOST_TEST(one.run.check(true, invariant::nothing_lost));
  BOOST_TEST(one.run.broken() == "nothing lost: first");
  BOOST_REQUIRE(one.run.verdicts().size() == 2u);
  BOOST_TEST(one.run.verdicts()[0].checks == 2u);
  BOOST_TEST(one.run.verdicts()[1].broken == "second");
  BOOST_TEST(!one.run.wants_more(0, 1));
}
BOOST_AUTO_TEST_CASE(a_checksum_notices_each_changed_letter_of_a_text_and_a_changed_number) {
  for (const std::size_t size : {1, 7, 8, 9, 1000}) {
    const std::string text = filler_of(5, size);
    BOOST_TEST(text.size() == size);
    const auto sum = checksum_of(5, 6, text);
    BOOST_TEST(checksum_of(4, 6, text) != sum);
    BOOST_TEST(checksum_of(5, 7, text) != sum);
    for (std::size_t i = 0; i < size; ++i) {
      std::string torn = text;
      torn[i] = static_cast<char>(torn[i] ^ 0x80);
      BOOST_REQUIRE(checksum_of(5, 6, torn) != sum);
    }
  }
  BOOST_TEST(filler_of(5, 2000) != filler_of(6, 2000));
}

BOOST_AUTO_TEST_CASE(a_bucket_is_no_wider_than_its_promise_and_follows_the_one_before) {
  for (std::size_t i = 0; i + 1 < Histogram::buckets; ++i) {
    const auto from = Histogram::lowest_in(i), next = Histogram::lowest_in(i + 1);
    BOOST_REQUIRE(Histogram::bucket_of(from) == i);
    BOOST_REQUIRE(Histogram::bucket_of(next - 1) == i);
    BOOST_REQUIRE(from < next);
    const double middle = Histogram::middle_of(i),
                 error = std::max(middle - static_cast<double>(from), static_cast<double>(next - 1) - middle);
    BOOST_REQUIRE(error <= 0.01 * static_cast<double>(from));
  }
  BOOST_TEST(Histogram::bucket_of(~std::uint64_t{0}) == Histogram::buckets - 1);
}
BOOST_AUTO_TEST_CASE(counts_and_percentiles_agree_with_boosts_histogram_and_with_the_sorted_values) {
  namespace bh = boost::histogram;
  std::vector<double> edges;
  for (std::size_t i = 0; i <= Histogram::buckets; ++i) edges.push_back(static_cast<double>(Histogram::lowest_in(i)));
  auto theirs = bh::make_histogram(bh::axis::variable<double>(edges));
  Histogram ours;
  std::vector<double> values;
  std::mt19937_64 random(4711);
  std::lognormal_distribution<double> mostly(9, 2);  // nanoseconds: some microseconds, and a long tail
  for (int i = 0; i < 100'000; ++i) {
    const auto value = static_cast<std::uint64_t>(mostly(random));
    ours.add(value), theirs(static_cast<double>(value)), values.push_back(static_cast<double>(value));
  }
  BOOST_TEST(ours.count() == 100'000u);
  for (std::size_t i = 0; i < Histogram::buckets; ++i)
    BOOST_REQUIRE(static_cast<double>(ours.in_bucket(i)) == theirs.at(static_cast<int>(i)));
  std::sort(values.begin(), values.end());
  for (const double share : {0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
    const double exact = values[static_cast<std::size_t>(std::ceil(share * 100'000)) - 1];
    BOOST_TEST(std::abs(ours.quantile(share) - exact) <= 0.01 * exact,
               "p" << 100 * share << ": " << ours.quantile(share) << " for " << exact);
  }
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / 100'000;
  BOOST_TEST(std::abs(ours.mean() - mean) <= 0.01 * mean);
}
BOOST_AUTO_TEST_CASE(what_several_processes_count_is_one_histogram_and_what_they_held_is_known_when_they_are_dead) {
  Board board;
  std::vector<Child> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(spawn([&board] {
      Life& life = board.new_life();
      for (std::uint64_t k = 1; k <= 1000; ++k) board.took(life, k % 2 == 0, 1'000, 1'000 + k);
      life.holds(4711);
      ::raise(SIGKILL);
    }));
  }
  for (Child& child : children) BOOST_TEST(child.wait().signal == SIGKILL);
  BOOST_TEST(board.times(Board::Of::messages)->count() == 2000u);
  BOOST_TEST(board.times(Board::Of::answers)->count() == 2000u);
  BOOST_TEST(std::abs(board.times(Board::Of::messages)->quantile(0.5) - 500) <= 5);
  for (Child& child : children) {
    const Life* life = board.life_of(child.pid());
    BOOST_REQUIRE(life != nullptr);
    BOOST_TEST(life->holding.load() == 4712u);
  }
  BOOST_TEST(board.life_of(::getpid()) == nullptr);
}
BOOST_AUTO_TEST_CASE(what_was_due_before_the_warm_up_was_over_is_not_measured) {
  Board board;
  Life& life = board.new_life();
  board.measure_from(1'000);
  board.took(life, false, 999, 2'000), board.took(life, false, 1'000, 3'000);
  BOOST_TEST(board.times(Board::Of::messages)->count() == 1u);
  BOOST_TEST(std::abs(board.times(Board::Of::messages)->quantile(1) - 2'000) <= 20);
}
BOOST_AUTO_TEST_CASE(sizes_are_fixed_uniform_or_uniform_in_the_logarithm) {
  std::mt19937_64 random(1);
  BOOST_TEST(Sizes::read("64")->next(random) == 64u);
  BOOST_TEST(Sizes::read("64")->text() == "64");
  for (const char* text : {"10..1000", "log:10..1000"}) {
    const auto sizes = Sizes::read(text);
    BOOST_REQUIRE(sizes.has_value());
    BOOST_TEST(sizes->text() == text);
    int below_100 = 0;
    for (int i = 0; i < 10'000; ++i) {
      const auto size = sizes->next(random);
      BOOST_REQUIRE((size >= 10 && size <= 1000));
      below_100 += size < 100 ? 1 : 0;
    }
    // Of the range a tenth, of the logarithms half.
    BOOST_TEST(std::abs(below_100 - (text[0] == 'l' ? 5000 : 909)) < 300, text << ": " << below_100);
  }
  BOOST_TEST(Sizes::read("log:1KiB..1MiB")->largest() == 1u << 20);
  for (const char* text :
       {"", "x", "10..", "..10", "20..10", "log:0..10", "log:64", "65MiB", "1KB", "-1", "10..20..30"})
    BOOST_TEST(!Sizes::read(text).has_value(), text << " is taken");
}
BOOST_AUTO_TEST_CASE(an_open_loops_messages_are_due_by_the_clock_alone) {
  Settings settings;
  settings.rate = 1000;
  Run run("a run", settings, nowhere);
  run.begin();
  BOOST_TEST(run.due(5000) - run.due(0) == 5'000'000'000u);
  settings.rate.reset();
  BOOST_TEST(run.due(5000) == 0u);
}
BOOST_AUTO_TEST_CASE(a_growth_of_memory_descriptors_files_or_processes_is_noticed_and_steadiness_is_not) {
  const auto verdict = [](auto change) {
    Growth growth;
    for (std::size_t i = 0; i < 40; ++i) {
      Footprint footprint{
          .at = static_cast<double>(i), .resident_kib = 10'000 + (i < 10 ? 5'000 * i / 10 : 5'000), .descriptors = 5};
      change(footprint, i);
      growth.add(footprint);
    }
    return growth.verdict(10);
  };
  BOOST_TEST(verdict([](Footprint&, std::size_t) {}) == "");
  BOOST_TEST(
      verdict([](Footprint& one, std::size_t i) { one.resident_kib += 300 * i; }).starts_with("resident memory grew"));
  BOOST_TEST(verdict([](Footprint& one, std::size_t i) {
               one.descriptors += i == 20 ? 1 : 0;
             }).starts_with("descriptors grew"));
  BOOST_TEST(verdict([](Footprint& one, std::size_t i) {
               one.shared_files += i == 39 ? 1 : 0;
             }).starts_with("shared memory files grew"));
  BOOST_TEST(
      verdict([](Footprint& one, std::size_t i) { one.processes += i > 30 ? 1 : 0; }).starts_with("processes grew"));
}
BOOST_AUTO_TEST_CASE(a_live_line_says_how_far_it_is) {
  const auto line = LiveView::line_of({.title = "churn over pipe",
                                       .share = 0.5,
                                       .messages_per_second = 1234,
                                       .p50 = 1500,
                                       .p99 = 2.5e6,
                                       .depth = 7,
                                       .died = 3,
                                       .seconds_left = 12.0,
                                       .warming_up = false});
  for (const char* words :
       {"churn over pipe", "50 %", "1234 msg/s", "p50 1.50 us", "p99 2.50 ms", "in flight 7", "died 3", "12 s left"})
    BOOST_TEST(line.find(words) != line.npos, words << " is not in " << line);
}

namespace {
/// A parent's endpoint whose children are all dead at this moment; the last of them left a dead letter.
struct AllDead : Port {
  std::vector<Mail> dead_letters() override {
    std::vector<Mail> letters;
    if (!std::exchange(told, true)) letters.emplace_back(Envelope{}, 5, Load{.number = 0}, nullptr);
    return letters;
  }
  Result<> try_send(Header) override { return {}; }
  bool empty() const override { return true; }
  std::optional<std::size_t> unfinished() const override { return 1; }
  Result<> join_for(std::chrono::nanoseconds) override { return {}; }
  ProcessId id() const override { return {}; }
  ProcessId parent_id() const override { return {}; }
  int readable_handle() const override { return -1; }
  Result<> put(Deadline, Header, const Load&) override { return {}; }
  Result<> answer(const Envelope&, Request, const Load&) override { return {}; }
  Result<Mail> take(Deadline, const Wanted*) override { return Errc::closed; }
  bool told = false;
};
struct LineOfTheDead : Line {
  using C = Channel<transport::pipe, serializer::trivially_copyable, routing::everything>;
  C::Link link = C::open();
  C channel = link.parent();
  mulproc::Crew children{link, {.size = 1}, [](C& inbox) { (void)inbox.receive(); }};
  AllDead port;
  Port& parent() override { return port; }
  mulproc::Crew& crew() override { return children; }
};
}  // namespace

BOOST_AUTO_TEST_CASE(a_dead_letter_is_an_answer_while_all_children_are_dead_and_not_yet_replaced) {
  Settings settings{};
  settings.children = 1;
  const Medium medium{.transport = "none", .serializer = "none", .promises = {}, .largest_text = 100,
                      .open = [](const Medium::Asked&, const Medium::Work&) -> std::unique_ptr<Line> { return std::make_unique<LineOfTheDead>(); }};
  Run run{"a run", settings, medium};
  Team team(run, [](Port&) { return 0; });
  BOOST_TEST((team.receive_answer(Deadline::after(std::chrono::seconds(10))).error() == Errc::not_ready));
  BOOST_TEST(team.dead_letters().size() == 1u);
}
