// One receive call that refuses without end, while others take what it refused: it needs no more memory for that.
#define BOOST_TEST_MODULE one_long_call
#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>
#include <mulproc/channel.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/in_memory.hpp>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/transport/shm_lanes.hpp>
#include <optional>
#include <support/allocation_count.hpp>

using namespace mulproc;

/// Also what its own thread sent.
struct whatever_is_shown {
  bool accepts(const Envelope&, ProcessId) const noexcept { return true; }
};

using Transports = boost::mpl::list<transport::in_memory, transport::message_queue, transport::shm_deque, transport::shm_lanes>;

BOOST_AUTO_TEST_CASE_TEMPLATE(what_others_took_is_forgotten, Transport, Transports) {
  using Numbers = Channel<Transport, serializer::trivially_copyable, whatever_is_shown>;
  constexpr int last = 50'000;
  auto link = Numbers::open({.capacity = 8, .max_body_bytes = 64});
  auto parent = link.parent();
  auto child = link.child(), other = link.child();
  const auto is = [](int number) { return [=](const auto& seen) { return seen.template body<int>().value() == number; }; };
  const auto step = [&](int number) {
    if (number != 0) other.try_receive(is(number - 1)).value().done().value();
    if (number != last) parent.try_send({}, number + 1).value();
  };
  parent.try_send({}, 0).value();
  std::optional<tests::AllocationPeak> memory;  // from when all is warm
  int shown = 0;
  const auto got = child.receive_for(std::chrono::seconds(60), [&](const auto& seen) {
    const int number = seen.template body<int>().value();
    BOOST_REQUIRE(number == shown++);
    step(number);
    if (number == 1'000) memory.emplace();
    return number == last;
  });
  BOOST_TEST(bool(got));
  BOOST_TEST(shown == last + 1);
  BOOST_TEST(memory->bytes() < 10'000u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_refusal_that_finds_no_memory_leaves_the_message_to_others, Transport, Transports) {
  using Numbers = Channel<Transport, serializer::trivially_copyable, whatever_is_shown>;
  auto link = Numbers::open({.capacity = 8, .max_body_bytes = 64});
  auto parent = link.parent();
  auto other = link.child();
  parent.try_send({}, 7).value();
  bool fails = true;
  for (std::size_t i = 0; fails; ++i) {
    auto child = link.child();  // has nothing from the call before
    try {
      const tests::FailingAllocation failing(i);
      (void)child.try_receive([](const auto&) { return false; });
      fails = false;
    } catch (const std::bad_alloc&) {
    }
    auto message = other.try_receive();
    BOOST_REQUIRE_MESSAGE(message, "held after allocation " << i << " failed");
    message->give_back().value();
  }
}
