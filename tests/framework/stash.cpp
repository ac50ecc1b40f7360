// stash.hpp: what the messages of a sole receiver go through.
#include <boost/test/unit_test.hpp>
#include <mulproc/stash.hpp>
#include <optional>

using namespace mulproc;

namespace {
struct Numbers {  // a transport that has 0, 1, 2, ...
  struct Parcel {
    Envelope head;
    const Envelope& envelope() const { return head; }
    int attempt() const { return 1; }
    std::span<const std::byte> bytes() const { return {}; }
    Result<> done() { return {}; }
    Result<> give_back() { return Errc::stale; }
  };
  std::uint64_t next = 0, end = 10;
  Result<> put(const Envelope&, std::span<const std::byte>, Deadline) { return {}; }
  Result<Parcel> take(Deadline) {
    if (next == end) return Errc::not_ready;
    Parcel parcel;
    parcel.head.sequence = next++;
    return parcel;
  }
  bool empty() { return next == end; }
  ProcessId id() const { return 1; }
};
struct Wants {
  std::uint64_t number;
  bool throws = false;
  bool operator()(const Envelope& envelope) const { return envelope.sequence >= number; }
  bool operator()(const auto&) const { return throws ? throw 1 : true; }
};
std::uint64_t take(Stash<Numbers>& stash, std::uint64_t at_least) {
  Wants wants{at_least};
  return stash.take_if(wants, Deadline::now()).value().envelope().sequence;
}
}  // namespace

BOOST_AUTO_TEST_CASE(a_stash_keeps_refused_and_returned_messages_in_their_places) {
  Stash<Numbers> stash(Numbers{});
  BOOST_TEST(take(stash, 3) == 3u);
  BOOST_TEST(take(stash, 1) == 1u);
  Wants any{0};
  auto zero = stash.take_if(any, Deadline::now());
  BOOST_TEST(bool(zero->give_back()));
  BOOST_TEST((zero->done().error() == Errc::stale));
  Wants throwing{0, true};
  BOOST_CHECK_THROW((void)stash.take_if(throwing, Deadline::now()), int);
  for (const std::uint64_t expected : {0u, 2u, 4u, 5u}) BOOST_TEST(take(stash, 0) == expected);
  Wants none{100};
  BOOST_TEST((stash.take_if(none, Deadline::now()).error() == Errc::not_ready));
  BOOST_TEST(!stash.empty_for(any));
  BOOST_TEST(stash.empty_for(none));
}

BOOST_AUTO_TEST_CASE(a_message_that_fails_five_times_is_a_dead_letter_and_the_oldest_of_too_many_is_dropped) {
  Stash<Numbers> stash(Numbers{.end = 70});
  Wants any{0};
  for (int message = 0; message < 66; ++message) {
    for (int attempt = 1; attempt <= max_attempts; ++attempt) {
      auto held = stash.take_if(any, Deadline::now());
      BOOST_TEST(held->attempt() == attempt);
      BOOST_TEST(bool(held->fail()));
    }
  }
  BOOST_TEST(stash.dead_letters_dropped() == 2u);
  auto oldest = stash.take_dead_letter();
  BOOST_TEST(oldest.value().envelope().sequence == 2u);
  BOOST_TEST(bool(oldest->give_back()));
  BOOST_TEST(take(stash, 0) == 66u);  // a dead letter it stays
  BOOST_TEST(stash.take_dead_letter().value().envelope().sequence == 2u);
}

BOOST_AUTO_TEST_CASE(a_parcel_that_outlives_its_stash_is_stale) {
  std::optional<Stash<Numbers>> stash(Numbers{});
  Wants any{0};
  auto held = stash->take_if(any, Deadline::now());
  stash.reset();
  BOOST_TEST((held->done().error() == Errc::stale));
  BOOST_TEST((held->give_back().error() == Errc::stale));
}
