// What a pipe promises beyond the suite.
#define BOOST_TEST_MODULE pipe
#include <boost/test/unit_test.hpp>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/serializer/boost_binary.hpp>
#include <mulproc/transport/pipe.hpp>
#include <support/watchdog.hpp>
#include <thread>

using namespace mulproc;
using namespace std::chrono_literals;
using Pipe = Channel<transport::pipe, serializer::boost_binary, routing::everything>;

namespace {
tests::Watchdog watchdog(60s);
const Pipe::Options for_large_bodies{.max_body_bytes = 8 << 20};  // what comes in is read ahead so far: two of the following
const std::string larger_than_a_pipe(3'000'000, 'x');  // which is widened to 1 MiB for such
}  // namespace

BOOST_AUTO_TEST_CASE(two_ends_that_send_large_bodies_to_each_other_both_get_on) {
  auto link = Pipe::open(for_large_bodies);
  auto parent = link.parent();
  const std::string& large = larger_than_a_pipe;
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

BOOST_AUTO_TEST_CASE(of_a_frame_that_its_sender_did_not_finish_nothing_is_seen) {
  int in[2], back[2];
  BOOST_REQUIRE(::pipe2(in, O_CLOEXEC | O_NONBLOCK) == 0);
  BOOST_REQUIRE(::pipe2(back, O_CLOEXEC | O_NONBLOCK) == 0);
  using Ends = transport::pipe::Ends;
  transport::pipe::Endpoint receiver(Ends{InheritedFd(in[0]), InheritedFd(back[1])}, anyone, 1000);
  const Envelope head{.request = "WHOLE", .recipient = {}, .sender = {}, .sequence = 1, .in_reply_to = 0, .body_bytes = 10, .body_type = 0};
  const std::array<char, 10> body{};
  BOOST_REQUIRE(::write(in[1], &head, sizeof head) == sizeof head);
  BOOST_REQUIRE(::write(in[1], body.data(), body.size()) == 10);
  for (const std::size_t cut : {std::size_t{1}, sizeof head - 1, sizeof head}) {
    BOOST_REQUIRE(::write(in[1], &head, cut) == static_cast<ssize_t>(cut));
    if (cut != sizeof head) BOOST_REQUIRE(::write(in[1], reinterpret_cast<const char*>(&head) + cut, sizeof head - cut) == static_cast<ssize_t>(sizeof head - cut));
    if (cut != sizeof head) BOOST_REQUIRE(::write(in[1], body.data(), body.size()) == 10);
  }
  ::close(in[1]);  // as when a sender dies between a head and its body
  for (int whole = 0; whole < 3; ++whole) BOOST_TEST(bool(receiver.take(Deadline::after(20s))));
  BOOST_TEST((receiver.take(Deadline::after(20s)).error() == Errc::closed));
  BOOST_TEST((receiver.take(Deadline::now()).error() == Errc::closed));
  ::close(back[0]);
}

BOOST_AUTO_TEST_CASE(a_deadline_bounds_the_wait_for_the_first_byte_and_a_frame_begun_is_finished) {
  auto link = Pipe::open(for_large_bodies);
  auto parent = link.parent();
  int gate[2];
  BOOST_REQUIRE(::pipe2(gate, O_CLOEXEC) == 0);
  const std::string& large = larger_than_a_pipe;
  auto reads_late = spawn(link, [&](Pipe& inbox) {
    char go;
    if (::read(gate[0], &go, 1) != 1) return 2;
    return inbox.receive_for(20s).value().body<std::string>().value() == large && inbox.receive_for(20s).error() == Errc::closed ? 0 : 3;
  });
  // The buffer takes the beginning at once, so the rest is waited for, though the time is up long before anybody reads.
  std::thread([&, go = gate[1]] {
    std::this_thread::sleep_for(20ms);
    if (::write(go, "g", 1) != 1) std::abort();
  }).detach();
  BOOST_TEST(bool(parent.send_for(1ms, {}, large)));
  BOOST_TEST(bool(parent.close()));
  BOOST_TEST(reads_late.wait().code == 0);
  ::close(gate[0]);
}

BOOST_AUTO_TEST_CASE(a_frame_begun_whose_receiver_dies_is_closed) {
  auto link = Pipe::open(for_large_bodies);
  auto parent = link.parent();
  auto never_reads = spawn(link, [](Pipe&) {
    while (true) ::pause();
  });
  std::thread killer([&] { never_reads.kill(SIGKILL); });
  BOOST_TEST((parent.send({}, larger_than_a_pipe).error() == Errc::closed));
  killer.join();
  BOOST_TEST((parent.send({}).error() == Errc::closed));
}

BOOST_AUTO_TEST_CASE(the_childs_end_is_given_once) {
  auto link = Pipe::open();
  auto parent = link.parent();
  auto child = link.child();
  BOOST_CHECK_THROW((void)link.child(), std::system_error);
  BOOST_CHECK_THROW((void)link.parent(), std::system_error);
}

BOOST_AUTO_TEST_CASE(a_pipe_is_widened_by_who_sends_what_is_large_for_it) {
  int forward[2], back[2], other[2];
  BOOST_REQUIRE(::pipe2(forward, O_CLOEXEC) == 0 && ::pipe2(back, O_CLOEXEC) == 0 && ::pipe2(other, O_CLOEXEC) == 0);
  using Ends = transport::pipe::Ends;
  transport::pipe::Endpoint sender(Ends{InheritedFd(back[0]), InheritedFd(forward[1])}, anyone, 1 << 20);
  const auto width = [&] { return ::fcntl(forward[0], F_GETPIPE_SZ); };
  const int usual = width();
  sender.put({}, std::vector<std::byte>(1000), Deadline::never()).value();
  BOOST_TEST(width() == usual);
  sender.put({}, std::vector<std::byte>(20'000), Deadline::never()).value();
  ::fcntl(other[1], F_SETPIPE_SZ, 8 * 20'056);  // as far as this user may
  BOOST_TEST(width() == ::fcntl(other[1], F_GETPIPE_SZ));
  for (const int fd : {forward[0], back[1], other[0], other[1]}) ::close(fd);
}

BOOST_AUTO_TEST_CASE(a_descriptor_that_never_waits_is_waited_for) {
  auto link = Pipe::open();
  auto parent = link.parent();
  BOOST_REQUIRE(::fcntl(parent.native_handle(), F_SETFL, O_NONBLOCK) == 0);  // as asio does with what it is given
  auto answers_late = spawn(link, [](Pipe& other) {
    (void)::poll(nullptr, 0, 20);
    other.send({}, 1).value();
  });
  BOOST_TEST(parent.receive().value().body<int>().value() == 1);
  BOOST_TEST(answers_late.wait().code == 0);
}
