// What a pipe promises: one to one, both ways, any size, end of file.
#define BOOST_TEST_MODULE pipe
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/pipe.hpp>

using namespace mulproc;
using namespace std::chrono_literals;
using Pipe = Channel<transport::pipe, serializer::trivially_copyable, routing::everything>;

BOOST_AUTO_TEST_CASE(messages_travel_both_ways_and_the_ends_know_each_other) {
  auto link = Pipe::open();
  auto parent = link.parent();
  auto worker = spawn(link, [&](Pipe& inbox) {
    if (inbox.parent_id() != ProcessId(::getppid())) return 3;
    while (auto message = inbox.receive()) {
      if (message->request() == request::DIE) return 0;
      inbox.reply(*message, request::FINISHED, message->body<int>().value() + 1).value();
    }
    return 2;
  });
  for (int i = 0; i < 100; ++i) {
    parent.send({.request = request::DO, .recipient = worker.id()}, i).value();
    auto answer = parent.receive_for(10s);
    BOOST_REQUIRE(answer);
    BOOST_TEST(answer->body<int>().value() == i + 1);
    BOOST_TEST(answer->in_reply_to() == static_cast<std::uint64_t>(i + 1));
    BOOST_TEST((answer->sender() == worker.id()));
  }
  parent.send({.request = request::DIE}).value();
  BOOST_TEST(worker.wait().code == 0);
}

BOOST_AUTO_TEST_CASE(a_body_far_beyond_pipe_buf_arrives_whole) {
  struct Big {
    std::array<std::uint32_t, 200'000> words;
  };
  auto link = Pipe::open();
  auto parent = link.parent();
  auto worker = spawn(link, [](Pipe& inbox) { inbox.send({}, inbox.receive()->body<Big>().value()).value(); });
  auto big = std::make_unique<Big>();
  for (std::uint32_t i = 0; i < big->words.size(); ++i) big->words[i] = i * 2654435761u;
  parent.send({}, *big).value();
  auto answer = parent.receive_for(10s);
  BOOST_REQUIRE(answer);
  BOOST_TEST((std::memcmp(answer->bytes().data(), big.get(), sizeof(Big)) == 0));
}

BOOST_AUTO_TEST_CASE(a_killed_child_closes_the_pipe_after_what_it_sent) {
  auto link = Pipe::open();
  auto parent = link.parent();
  auto worker = spawn(link, [](Pipe& inbox) {
    inbox.send({}, 1).value();
    ::raise(SIGKILL);
  });
  BOOST_TEST(worker.wait().signal == SIGKILL);
  BOOST_TEST(parent.receive_for(10s)->body<int>().value() == 1);
  BOOST_TEST((parent.receive_for(10s).error() == Errc::closed));
  BOOST_TEST((parent.send({}, 2).error() == Errc::closed));  // and no SIGPIPE
}

BOOST_AUTO_TEST_CASE(a_child_notices_that_its_parent_is_gone_though_a_sibling_pipe_was_open) {
  auto first = Pipe::open();
  auto parent = first.parent();
  auto second = Pipe::open();
  auto other_parent = second.parent();
  auto waits = spawn(first, [](Pipe& inbox) { return inbox.receive_for(10s).error() == Errc::closed ? 0 : 1; });
  auto holds = spawn(second, [](Pipe& inbox) { (void)inbox.receive_for(20s); });
  { const auto gone = std::move(parent); }
  BOOST_TEST(waits.wait().code == 0);  // the sibling, still alive, holds no copy of the first pipe
  other_parent.send({}).value();
  BOOST_TEST(holds.wait().code == 0);
}

BOOST_AUTO_TEST_CASE(a_full_pipe_is_not_ready_and_loses_nothing) {
  auto link = Pipe::open();
  auto parent = link.parent();
  auto child = link.child();
  int sent = 0;
  while (parent.try_send({}, sent)) ++sent;
  BOOST_TEST((parent.send_for(10ms, Header{}, sent).error() == Errc::not_ready));
  BOOST_TEST(sent > 64);
  for (int i = 0; i < sent; ++i) BOOST_TEST(child.try_receive()->body<int>().value() == i);
  BOOST_TEST((child.try_receive().error() == Errc::not_ready));
  BOOST_TEST(child.empty());
}

BOOST_AUTO_TEST_CASE(refused_and_returned_messages_keep_their_places) {
  auto link = Pipe::open();
  auto parent = link.parent();
  auto child = link.child();
  for (int i = 0; i < 4; ++i) parent.send({}, i).value();
  BOOST_TEST(child.try_receive([](const Pipe::MessageView& seen) { return seen.body<int>().value() == 2; })->body<int>().value() == 2);
  {
    auto first = child.try_receive();
    first->give_back().value();
    BOOST_TEST((first->done().error() == Errc::stale));
  }
  for (const int expected : {0, 1, 3}) BOOST_TEST(child.try_receive()->body<int>().value() == expected);
  parent.close().value();
  BOOST_TEST((child.receive_for(10s).error() == Errc::closed));
  BOOST_CHECK_THROW(link.parent(), std::system_error);
}
