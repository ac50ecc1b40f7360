// What a pipe promises beyond the suite.
#define BOOST_TEST_MODULE pipe
#include <boost/test/unit_test.hpp>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/serializer/boost_binary.hpp>
#include <mulproc/transport/pipe.hpp>
#include <support/watchdog.hpp>

using namespace mulproc;
using namespace std::chrono_literals;
using Pipe = Channel<transport::pipe, serializer::boost_binary, routing::everything>;

namespace {
tests::Watchdog watchdog(60s);
}

BOOST_AUTO_TEST_CASE(two_ends_that_send_large_bodies_to_each_other_both_get_on) {
  auto link = Pipe::open();
  auto parent = link.parent();
  const std::string large(400'000, 'x');
  auto worker = spawn(link, [&](Pipe& other) {
    for (int i = 0; i < 5; ++i) other.send({}, large).value();
    for (int i = 0; i < 5; ++i) {
      if (other.receive().value().body<std::string>().value() != large) return 2;
    }
    return 0;
  });
  for (int i = 0; i < 2; ++i) parent.send({}, large).value();
  for (int i = 0; i < 5; ++i) BOOST_TEST((parent.receive().value().body<std::string>().value() == large));
  for (int i = 0; i < 3; ++i) parent.send({}, large).value();
  BOOST_TEST(worker.wait().code == 0);
}

BOOST_AUTO_TEST_CASE(a_parents_death_is_noticed_though_a_sibling_pipes_child_was_forked_meanwhile) {
  auto first = Pipe::open();
  std::optional<Pipe> parent(first.parent());
  auto second = Pipe::open();
  auto other_parent = second.parent();
  auto waits = spawn(first, [](Pipe& inbox) { return inbox.receive_for(20s).error() == Errc::closed ? 0 : 1; });
  auto holds = spawn(second, [](Pipe& inbox) { (void)inbox.receive(); });
  parent.reset();
  BOOST_TEST(waits.wait().code == 0);  // the sibling, still alive, holds no copy of the first pipe
  other_parent.send({}).value();
  BOOST_TEST(holds.wait().code == 0);
}

BOOST_AUTO_TEST_CASE(either_side_may_be_the_forked_one) {
  auto link = Pipe::open();
  auto forked = spawn([&] {
    auto parent = link.parent();
    return parent.send({}, 1) && parent.receive_for(20s).error() == Errc::closed ? 0 : 2;
  });
  {
    auto child = link.child();
    link.release();  // the parent's end is the forked process'
    BOOST_TEST(child.receive_for(20s)->body<int>().value() == 1);
  }
  BOOST_TEST(forked.wait().code == 0);
}

BOOST_AUTO_TEST_CASE(a_frame_larger_than_the_receiver_allows_is_broken_and_stays_so) {
  // The child's limit is lower: to it, the parent's frame is one that no peer of its own would write.
  int forward[2], back[2];
  BOOST_REQUIRE(::pipe2(forward, O_CLOEXEC | O_NONBLOCK) == 0);
  BOOST_REQUIRE(::pipe2(back, O_CLOEXEC | O_NONBLOCK) == 0);
  using Ends = transport::pipe::Ends;
  transport::pipe::Endpoint sender(Ends{InheritedFd(back[0]), InheritedFd(forward[1])}, anyone, 1000);
  transport::pipe::Endpoint receiver(Ends{InheritedFd(forward[0]), InheritedFd(back[1])}, anyone, 10);
  sender.put({}, std::vector<std::byte>(11), Deadline::now()).value();
  BOOST_TEST((receiver.take(Deadline::now()).error() == Errc::broken));
  BOOST_TEST((receiver.take(Deadline::now()).error() == Errc::broken));
}
