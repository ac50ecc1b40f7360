// What shm_deque promises beyond the other queues: cheap small messages, dead letters of the dead, names.
#define BOOST_TEST_MODULE shm_deque
#include <boost/test/unit_test.hpp>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/shm_deque.hpp>

#include <fstream>

using namespace mulproc;
using namespace std::chrono_literals;
using Jobs = Channel<transport::shm_deque, serializer::trivially_copyable, routing::addressed_to_me>;
using Everything = Channel<transport::shm_deque, serializer::trivially_copyable, routing::everything>;

BOOST_AUTO_TEST_CASE(small_messages_are_cheap_beside_a_large_maximum) {
  auto link = Everything::open({.capacity = 1024, .max_body_bytes = 1 << 20});
  const auto shared_kb = [] {
    std::ifstream smaps("/proc/self/smaps_rollup");
    for (std::string word; smaps >> word;) {
      if (word == "Pss_Shmem:") return smaps >> word, std::stol(word);
    }
    return -1L;
  };
  const long before = shared_kb();
  auto parent = link.parent();
  for (int i = 0; i < 1024; ++i) parent.try_send({}, std::array<int, 4>{i}).value();
  BOOST_REQUIRE(before >= 0);
  BOOST_TEST(shared_kb() - before < 1024);
}

BOOST_AUTO_TEST_CASE(a_message_to_the_dead_is_refused_and_one_to_the_dying_becomes_a_dead_letter) {
  auto link = Jobs::open();
  auto parent = link.parent();
  auto child = spawn(link, [](Jobs& inbox) { (void)inbox.receive([](const Jobs::MessageView&) { return false; }); });
  parent.send({.recipient = child.id()}, 1).value();
  child.kill(SIGKILL);
  child.wait();
  BOOST_TEST((parent.join_for(10s).error() != Errc::not_ready));
  BOOST_TEST(parent.dead_letters().size() == 1u);
  BOOST_TEST((parent.send({.recipient = child.id()}, 2).error() == Errc::recipient_gone));
}

BOOST_AUTO_TEST_CASE(a_name_lets_strangers_meet_and_is_gone_with_its_opener) {
  const std::string name = "mulproc-test-" + std::to_string(::getpid());
  BOOST_CHECK_THROW(Jobs::attach(name), std::system_error);
  {
    auto link = Jobs::open({.name = name});
    auto parent = link.parent();
    BOOST_CHECK_THROW(Jobs::open({.name = name}), std::system_error);
    auto stranger = spawn([&] {
      auto inbox = Jobs::attach_for(10s, name).child();
      return inbox.send({.recipient = inbox.parent_id()}, 42) ? 0 : 1;
    });
    BOOST_TEST(parent.receive_for(10s)->body<int>().value() == 42);
    BOOST_TEST(stranger.wait().code == 0);
  }
  BOOST_CHECK_THROW(Jobs::attach(name), std::system_error);
  BOOST_CHECK_THROW(Jobs::open({.name = "no/slash"}), std::invalid_argument);
}
