// What shm_lanes promises beyond the other queues, and what its reviewers found: lanes apart, looks that are no moments, dead
// letters told apart, a lock that nobody waits for. Some cases need to stand between two stores, so they use the store itself.
#define BOOST_TEST_MODULE shm_lanes
#include <signal.h>

#include <boost/test/unit_test.hpp>
#include <conformance/comings_and_goings.hpp>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/shm_lanes.hpp>
#include <mulproc/waiting/parking.hpp>
#include <semaphore>
#include <support/allocation_count.hpp>
#include <support/watchdog.hpp>
#include <thread>

using namespace mulproc;
using namespace mulproc::shared_memory;
using namespace std::chrono_literals;

namespace {

tests::Watchdog watchdog(80s);

using Jobs = Channel<transport::shm_lanes, serializer::trivially_copyable, routing::addressed_to_me>;
struct Store : LanesStore<waiting::parking> {
  using LanesStore::LanesStore;
  ~Store() { detach(); }
};

struct Memory {
  std::shared_ptr<Segment> segment;
  LanesLayout layout = LanesLayout::of(*segment);
  explicit Memory(std::size_t capacity) : segment(LanesLayout::create("", capacity, 1000, 8)) {}
};

Envelope numbered(std::uint64_t number) {
  Envelope envelope;
  envelope.sequence = number;
  envelope.sender = 1;
  return envelope;
}

/// A routing policy made of a function, which may do something while it is asked.
template <class F>
struct Asks {
  static constexpr bool by_address = false, looks_inside = false;
  F accepts;
  bool operator()(const Envelope& envelope) { return accepts(envelope); }
};
template <class F>
Asks(F) -> Asks<F>;  // clang 16 does not find it by itself
struct RefusesAll {
  static constexpr bool by_address = false, looks_inside = true;
  bool operator()(const Envelope&) { return true; }
  bool operator()(const Store::Lease&) { return false; }
};
template <class F>
Result<Store::Lease> take(Store& store, F& selector, Deadline deadline = Deadline::now()) {
  return store.take_if(selector, deadline, [](const Store::Lease& lease) { return lease; });
}
SelectAll all;

/// Whether f throws because its i-th allocation fails; false when it makes fewer.
template <class F>
bool fails_for_want_of_memory(std::size_t i, F f) {
  const tests::FailingAllocation failing(i);
  try {
    f();
    return false;
  } catch (const std::bad_alloc&) {
    return true;
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(room_is_per_lane_and_one_full_lane_stops_no_other) {
  auto link = Jobs::open({.capacity = 2});
  auto parent = link.parent();
  const auto idle = [](Jobs& inbox) { (void)inbox.receive([](const Jobs::MessageView& seen) { return seen.request() == request::DIE; }); };
  auto first = spawn(link, idle), second = spawn(link, idle);
  for (int i = 0; i < 2; ++i) parent.try_send({.recipient = first.id()}, i).value();
  BOOST_TEST((parent.try_send({.recipient = first.id()}, 2).error() == Errc::not_ready));
  for (int i = 0; i < 2; ++i) parent.try_send({.recipient = second.id()}, i).value();
  for (int i = 0; i < 2; ++i) parent.try_send({.request = "OFFER"}, i).value();
  parent.close().value();
  first.kill(SIGKILL), second.kill(SIGKILL);
}

BOOST_AUTO_TEST_CASE(who_asks_a_full_lane_for_room_finds_it_wherever_it_comes) {
  constexpr std::uint32_t capacity = 256;
  Memory memory(capacity);
  Store sender(memory.segment, Role::parent);
  LanesSegment segment(memory.segment, memory.layout);
  sender.put(numbered(1), {}, Deadline::now()).value();
  LaneWriter writer;
  writer.lane = segment.lane(0, segment.open());
  const auto fill = [&](LaneState state) {
    for (std::uint32_t i = 0; i < capacity; ++i) writer.lane[i].word.store(LaneWord::of(state, 1, 0, capacity + i), std::memory_order_relaxed);
  };
  // The slots that are freed, and how often it may be asked before it sees that.
  const auto asks_until_found = [&](std::uint32_t first, std::uint32_t count) {
    fill(LaneState::READY);
    for (std::uint32_t i = first; i < first + count; ++i) writer.lane[i].word.store(LaneWord{}, std::memory_order_relaxed);
    writer.position = 2 * capacity, writer.slot = 0;
    for (std::uint32_t asked = 1; asked <= 2 * capacity; ++asked) {
      if (writer.may_find_room()) return asked;
    }
    return ~0u;
  };
  BOOST_TEST(asks_until_found(0, 20) == 1);
  BOOST_TEST(writer.slot == 0);
  BOOST_TEST(asks_until_found(0, 1) <= 32);  // he who frees it may wait for what we have to say
  BOOST_TEST(asks_until_found(200, 1) <= capacity);  // the others are held, or refused
  BOOST_TEST(writer.slot == 200);
  BOOST_TEST(writer.position == 2 * capacity + 200);
  BOOST_TEST(asks_until_found(0, 0) == ~0u);
  fill(LaneState::FREE);
}

BOOST_AUTO_TEST_CASE(three_hundred_children_are_addressed_one_by_one) {
  auto link = Jobs::open({.capacity = 4, .max_participants = 301});
  auto parent = link.parent();
  std::vector<Child> children;
  for (int i = 0; i < 300; ++i)
    children.push_back(spawn(link, [](Jobs& inbox) {
      while (auto job = inbox.receive()) inbox.reply(*job, request::FINISHED, job->body<int>().value() + 1).value();
    }));
  for (int i = 0; i < 300; ++i) parent.send({.recipient = children[static_cast<std::size_t>(i)].id()}, i).value();
  long sum = 0;
  for (int i = 0; i < 300; ++i) sum += parent.receive_for(60s).value().body<int>().value();
  BOOST_TEST(sum == 300L * 301 / 2);
  parent.close().value();
  for (auto& child : children) BOOST_TEST(child.wait().code == 0);
}

BOOST_AUTO_TEST_CASE(what_comes_back_while_closed_is_thought_over_is_received) {
  const Memory memory(8);
  Store parent(memory.segment, Role::parent), holder(memory.segment, Role::child), me(memory.segment, Role::child);
  for (const std::uint64_t number : {std::uint64_t{1}, std::uint64_t{2}}) parent.put(numbered(number), {}, Deadline::now()).value();
  const auto first = take(holder, all).value(), second = take(holder, all).value();
  parent.detach();
  bool back = false;
  Asks wanted{[&](const Envelope& seen) {
    if (seen.sequence == first.envelope().sequence && !std::exchange(back, true)) holder.give_back(second).value();
    return seen.sequence == 2;
  }};
  const auto got = take(me, wanted, Deadline::after(20s));
  BOOST_TEST(bool(got));
}

BOOST_AUTO_TEST_CASE(a_letter_does_not_overtake_offers_because_one_of_them_was_taken_and_its_slot_written_again) {
  const Memory memory(2);
  Store parent(memory.segment, Role::parent), other(memory.segment, Role::child), me(memory.segment, Role::child);
  const auto send = [&](std::uint64_t number, ProcessId recipient) {
    Envelope envelope = numbered(number);
    envelope.recipient = recipient;
    parent.put(envelope, {}, Deadline::now()).value();
  };
  send(1, anyone), send(2, anyone), send(3, me.id());
  bool asked = false;
  Asks meanwhile{[&](const Envelope& seen) {
    if (seen.sequence == 1 && !std::exchange(asked, true)) {
      Asks the_first{[](const Envelope& one) { return one.sequence == 1; }};
      other.finish(take(other, the_first).value()).value();
      send(4, anyone);
    }
    return true;
  }};
  for (const std::uint64_t expected : {2u, 3u, 4u}) {
    const auto got = take(me, meanwhile).value();
    BOOST_TEST(got.envelope().sequence == expected);
    me.finish(got).value();
  }
}

BOOST_AUTO_TEST_CASE(a_message_is_seen_though_who_gave_it_back_was_stopped_before_he_said_so) {
  const Memory memory(8);
  Store parent(memory.segment, Role::parent), holder(memory.segment, Role::child), me(memory.segment, Role::child);
  const auto give_back_half = [](const Store::Lease& lease) { lease.slot->word.store(LaneWord::of(LaneState::READY, 1, 0, lease.word.position)); };
  for (const bool polls : {false, true}) {
    parent.put(numbered(1), {}, Deadline::now()).value();
    const auto held = take(holder, all).value();
    BOOST_TEST((take(me, all).error() == Errc::not_ready));  // passed by, as somebody holds it
    give_back_half(held);
    auto got = take(me, all, polls ? Deadline::now() : Deadline::after(20s));
    for (int i = 0; polls && !got && i < 1000; ++i) got = take(me, all);
    BOOST_REQUIRE(got);
    me.finish(*got).value();
  }
}

BOOST_AUTO_TEST_CASE(dead_letters_of_two_senders_are_told_apart) {
  const Memory memory(8);
  Store first(memory.segment, Role::child), second(memory.segment, Role::child), parent(memory.segment, Role::parent);
  const auto wear_out = [&] {
    for (int i = 0; i < max_attempts; ++i) parent.fail(take(parent, all).value()).value();
  };
  second.put(numbered(11), {}, Deadline::now()).value();
  wear_out();
  parent.give_back(parent.take_dead_letter().value()).value();
  first.put(numbered(7), {}, Deadline::now()).value();
  wear_out();
  std::vector<std::uint64_t> letters;
  while (auto letter = parent.take_dead_letter()) letters.push_back(letter->envelope().sequence);
  BOOST_TEST((letters == std::vector<std::uint64_t>{11, 7}));
}

BOOST_AUTO_TEST_CASE(a_refused_message_costs_a_poll_nothing_that_stays) {
  const Memory memory(8);
  Store parent(memory.segment, Role::parent), child(memory.segment, Role::child);
  parent.put(numbered(1), {}, Deadline::now()).value();
  RefusesAll refuses;
  for (int i = 0; i < 100; ++i) (void)take(child, refuses);
  const auto before = tests::allocations();
  for (int i = 0; i < 1000; ++i) BOOST_REQUIRE((take(child, refuses).error() == Errc::not_ready));
  BOOST_TEST(tests::allocations() == before);
}

BOOST_AUTO_TEST_CASE(who_cannot_take_part_for_want_of_memory_takes_no_place) {
  const Memory memory(4);
  Store parent(memory.segment, Role::parent);
  LanesSegment segment(memory.segment, memory.layout);
  for (std::size_t i = 0; fails_for_want_of_memory(i, [&] { Store child(memory.segment, Role::child); }); ++i) BOOST_TEST(!segment.people().anybody_else());
}

BOOST_AUTO_TEST_CASE(want_of_memory_in_a_receive_call_loses_no_message) {
  RefusesAll refuses;
  for (const bool met_one : {false, true}) {
    bool failed = true;
    for (std::size_t i = 0; failed; ++i) {
      const Memory memory(4);
      Store parent(memory.segment, Role::parent), other(memory.segment, Role::child), me(memory.segment, Role::child);
      parent.put(numbered(1), {}, Deadline::now()).value();
      if (met_one) (void)take(me, refuses);
      parent.put(numbered(2), {}, Deadline::now()).value();
      other.put(numbered(3), {}, Deadline::now()).value();
      failed = fails_for_want_of_memory(i, [&] { (void)take(me, refuses); });
      std::uint64_t sum = 0;
      while (auto got = take(me, all, Deadline::after(20ms))) {
        sum += got->envelope().sequence;
        me.finish(*got).value();
      }
      BOOST_TEST(sum == 6);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_senders_memory_does_not_grow_with_those_it_ever_addressed) {
  const Memory memory(4);
  Store parent(memory.segment, Role::parent);
  const auto peak_while_addressing = [&](int many) {
    const tests::AllocationPeak peak;
    for (int i = 0; i < many; ++i) {
      ProcessId id{};
      std::binary_semaphore there(0), sent(0);
      std::thread lives_for_one_message([&] {
        Store child(memory.segment, Role::child);
        id = child.id();
        there.release(), sent.acquire();
      });
      there.acquire();
      Envelope envelope = numbered(1);
      envelope.recipient = id;
      parent.put(envelope, {}, Deadline::now()).value();
      sent.release();
      lives_for_one_message.join();
    }
    return peak.bytes();
  };
  (void)peak_while_addressing(20);
  const auto few = peak_while_addressing(20);
  BOOST_TEST(peak_while_addressing(500) <= few + 1000);
}

BOOST_AUTO_TEST_CASE(a_position_written_over_does_not_send_a_reader_on_an_endless_walk) {
  for (const int bit : {1, 20, 32, 46}) {
    const Memory memory(1);
    Store parent(memory.segment, Role::parent), child(memory.segment, Role::child);
    parent.put(numbered(1), {}, Deadline::now()).value();
    const auto held = take(child, all).value();
    held.slot->word.store(LaneWord::of(LaneState::CLAIMED, 1, held.word.owner, held.word.position ^ (std::uint64_t{1} << bit)));
    BOOST_TEST((take(child, all).error() == Errc::not_ready));
  }
}

BOOST_AUTO_TEST_CASE(messages_flow_while_whoever_has_the_lock_is_stopped) {
  const auto look_every = std::exchange(Participants::look_every, 0ms);  // each look for deaths is due
  const Memory memory(8);
  Store parent(memory.segment, Role::parent), child(memory.segment, Role::child);
  parent.put(numbered(1), {}, Deadline::now()).value();
  child.finish(take(child, all).value()).value();
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  auto stopped = spawn([&] {
    reinterpret_cast<RobustMutex*>(memory.segment->address() + memory.layout.locks)->try_lock();
    (void)!::write(ends[1], "x", 1);
    ::pause();
  });
  char locked;
  BOOST_REQUIRE(::read(ends[0], &locked, 1) == 1);
  for (std::uint64_t i = 2; i < 5000; ++i) {  // 50 ms for each would be minutes
    parent.put(numbered(i), {}, Deadline::never()).value();
    const auto got = take(child, all).value();
    BOOST_REQUIRE(got.envelope().sequence == i);
    child.finish(got).value();
    BOOST_REQUIRE((take(child, all).error() == Errc::not_ready));
  }
  stopped.kill(SIGKILL);
  stopped.wait();
  ::close(ends[0]), ::close(ends[1]);
  Participants::look_every = look_every;
}

BOOST_AUTO_TEST_CASE(who_sleeps_sleeps_on_while_others_come_and_go) { tests::who_sleeps_sleeps_on_while_others_come_and_go<transport::shm_lanes>(); }
BOOST_AUTO_TEST_CASE(whose_wait_is_over_when_the_last_one_goes_hears_of_it) { tests::whose_wait_is_over_when_the_last_one_goes_hears_of_it<transport::shm_lanes>(); }
BOOST_AUTO_TEST_CASE(who_fell_asleep_before_another_came_hears_of_his_death) { tests::who_fell_asleep_before_another_came_hears_of_his_death<transport::shm_lanes>(2); }
