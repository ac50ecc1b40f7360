// A transport that lends its memory: what is written there is what arrives, and what is not published never was.
// On the transport itself, below Channel.
#include <algorithm>

#include <conformance/conformance.hpp>

using namespace mulproc;
using namespace mulproc::tests;

static_assert(Lending<Carrier>);

namespace {

constexpr std::size_t small = 100, large = 5000;

struct Lent {
  explicit Lent(std::size_t capacity) : link(Carrier::open({.capacity = capacity})), parent(link.parent()), child(link.child()) {}
  auto reserve(std::size_t bytes) { return parent.reserve(bytes, Deadline::now()); }
  Envelope to(ProcessId recipient) const {
    Envelope envelope{};
    envelope.recipient = recipient;
    envelope.sender = parent.id();
    return envelope;
  }
  /// The next message's bytes; none when there is no message.
  std::optional<std::vector<std::byte>> next() {
    auto parcel = child.take(Deadline::now());
    if (!parcel) return std::nullopt;
    const std::vector<std::byte> bytes(parcel->bytes().begin(), parcel->bytes().end());
    parcel->done().value();
    return bytes;
  }
  decltype(Carrier::open({})) link;
  Carrier::Endpoint parent, child;
};

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_written_into_lent_memory_arrives) {
  Lent lent(4);
  for (const std::size_t bytes : {std::size_t{0}, small, large}) {
    for (const std::size_t used : {bytes, bytes / 2, std::min<std::size_t>(bytes, 1)}) {
      auto loan = lent.reserve(bytes).value();
      BOOST_REQUIRE(loan.memory().size() >= bytes);
      std::fill(loan.memory().begin(), loan.memory().end(), std::byte{static_cast<unsigned char>(used % 251)});
      lent.parent.publish(std::move(loan), lent.to(lent.child.id()), used).value();
      const auto arrived = lent.next();
      BOOST_REQUIRE(arrived);
      BOOST_TEST(arrived->size() == used);
      BOOST_TEST(std::all_of(arrived->begin(), arrived->end(), [&](std::byte b) { return b == std::byte{static_cast<unsigned char>(used % 251)}; }));
    }
  }
}

BOOST_AUTO_TEST_CASE(several_loans_at_once_do_not_share_memory) {
  Lent lent(4);
  auto first = lent.reserve(small).value(), second = lent.reserve(small).value();
  first.memory()[0] = std::byte{1};
  second.memory()[0] = std::byte{2};
  lent.parent.publish(std::move(second), lent.to(anyone), 1).value();
  lent.parent.publish(std::move(first), lent.to(anyone), 1).value();
  BOOST_TEST((lent.next() == std::vector{std::byte{2}}));
  BOOST_TEST((lent.next() == std::vector{std::byte{1}}));
}

BOOST_AUTO_TEST_CASE(a_loan_that_is_not_published_gives_its_room_back_and_sends_nothing) {
  Lent lent(1);
  for (int i = 0; i < 3; ++i) {
    { const auto loan = lent.reserve(large).value(); }
    {
      auto loan = lent.reserve(large).value();
      auto moved = std::move(loan);
      loan = std::move(moved);
    }
    CHECK_ERROR(lent.parent.publish(lent.reserve(large).value(), lent.to(lent.child.id()), large + 1), Errc::too_large);
    CHECK_ERROR(lent.parent.publish(lent.reserve(small).value(), lent.to(lent.child.id()), large), Errc::too_large);
  }
  BOOST_TEST(!lent.next());
  lent.parent.publish(lent.reserve(large).value(), lent.to(lent.child.id()), large).value();
  CHECK_ERROR(lent.parent.put(lent.to(lent.child.id()), {}, Deadline::now()), Errc::not_ready);  // there is room for one
  BOOST_TEST(lent.next()->size() == large);
}

BOOST_AUTO_TEST_CASE(more_than_a_body_may_have_is_not_lent) {
  Lent lent(1);
  CHECK_ERROR(lent.reserve(lent.parent.max_body_bytes() + 1), Errc::too_large);
}

BOOST_AUTO_TEST_CASE(without_room_nothing_is_sent) {
  Lent lent(1);
  lent.parent.put(lent.to(anyone), {}, Deadline::now()).value();
  CHECK_ERROR(lent.reserve(large), Errc::not_ready);
  auto loan = lent.reserve(small);  // may be lent before there is room, but not sent
  const auto error = loan ? lent.parent.publish(std::move(*loan), lent.to(anyone), small).error() : loan.error();
  BOOST_TEST((error == Errc::not_ready));
  BOOST_TEST(lent.next()->empty());
  BOOST_TEST(!lent.next());
}

BOOST_AUTO_TEST_CASE(publishing_to_the_dead_says_so_and_gives_the_room_back) {
  Lent lent(1);
  auto gone = spawn([] {});
  const ProcessId dead = gone.id();
  gone.wait();
  for (const std::size_t bytes : {small, large}) CHECK_ERROR(lent.parent.publish(lent.reserve(bytes).value(), lent.to(dead), bytes), Errc::recipient_gone);
  lent.parent.put(lent.to(lent.child.id()), {}, Deadline::now()).value();
  BOOST_TEST(lent.next()->empty());
}

BOOST_AUTO_TEST_CASE(a_loan_that_outlives_its_endpoint_changes_nothing) {
  Lent lent(1);
  {
    auto other = lent.link.child();
    auto loan = other.reserve(large, Deadline::now()).value();
    { const auto gone = std::move(other); }
    lent.child.put(lent.to(lent.parent.id()), {}, Deadline::now()).value();
    lent.parent.take(Deadline::now())->done().value();
    auto again = lent.child.reserve(large, Deadline::now()).value();  // perhaps the very same memory
    { const auto dropped = std::move(loan); }
    lent.child.publish(std::move(again), lent.to(lent.parent.id()), 1).value();
  }
  BOOST_TEST(lent.parent.take(Deadline::now())->bytes().size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_loan_of_the_killed_is_room_again) {
  if constexpr (promises.survives_kill) {
    Lent lent(1);
    spawn([&] {
      auto writer = lent.link.child();
      const auto loan = writer.reserve(large, Deadline::now()).value();
      ::raise(SIGKILL);
    }).wait();
    lent.child.reserve(large, Deadline::after(soon)).value();
  }
}
