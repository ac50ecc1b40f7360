// What the queues under a robust lock promise. Compiled once per transport: MULPROC_TEST_TRANSPORT names it.
#define BOOST_TEST_MODULE shared_queue
#include <boost/test/unit_test.hpp>
#include <mulproc/channel.hpp>
#include <mulproc/crew.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <thread>

using namespace mulproc;
using namespace std::chrono_literals;
using Carrier = transport::MULPROC_TEST_TRANSPORT;
using Jobs = Channel<Carrier, serializer::trivially_copyable, routing::addressed_to_me>;
using Everything = Channel<Carrier, serializer::trivially_copyable, routing::everything>;

BOOST_AUTO_TEST_CASE(a_crew_answers_every_job_and_takes_the_poison_pill) {
  auto link = Jobs::open({.capacity = 4});
  auto parent = link.parent();
  Crew crew(link, {.size = 3}, [](Jobs& inbox) {
    while (auto message = inbox.receive()) {
      if (message->request() == request::DIE) break;
      inbox.reply(*message, request::FINISHED, message->body<int>().value() + 1).value();
    }
  });
  int sent = 0, answered = 0;
  long sum = 0;
  while (answered < 1000) {
    while (sent < 1000 && parent.try_send({.request = request::DO}, sent)) ++sent;
    auto answer = parent.receive_for(10s);
    BOOST_REQUIRE(answer);
    sum += answer->body<int>().value();
    ++answered;
  }
  BOOST_TEST(sum == 1000L * 1001 / 2);
  for (const auto& status : crew.dismiss(parent, 10s)) BOOST_TEST(status.ok());
  BOOST_TEST(!!parent.join_for(10s));
  BOOST_TEST(parent.unfinished() == 0u);
  BOOST_TEST(parent.empty());
  BOOST_TEST((parent.receive_for(10s).error() == Errc::closed));
}

BOOST_AUTO_TEST_CASE(a_refused_message_keeps_its_place) {
  auto link = Everything::open();
  auto parent = link.parent();
  auto child = link.child();
  for (int i = 0; i < 4; ++i) parent.send({}, i).value();
  for (const int expected : {1, 0, 2, 3}) {
    auto message = expected == 1 ? child.try_receive([](const Everything::MessageView& seen) { return seen.body<int>().value() == 1; })
                                 : child.try_receive();
    BOOST_REQUIRE(message);
    BOOST_TEST(message->body<int>().value() == expected);
  }
}

BOOST_AUTO_TEST_CASE(a_returned_message_comes_first_again_with_the_same_attempt) {
  auto link = Everything::open();
  auto parent = link.parent();
  auto child = link.child();
  parent.send({}, 1).value();
  parent.send({}, 2).value();
  auto first = child.try_receive();
  first->give_back().value();
  BOOST_TEST((first->done().error() == Errc::stale));
  auto again = child.try_receive();
  BOOST_TEST(again->body<int>().value() == 1);
  BOOST_TEST(again->attempt() == 1);
}

BOOST_AUTO_TEST_CASE(an_exception_counts_an_attempt_and_the_fifth_makes_a_dead_letter) {
  auto link = Everything::open();
  auto parent = link.parent();
  auto child = link.child();
  parent.send({}, 7).value();
  for (int attempt = 1; attempt <= max_attempts; ++attempt) {
    try {
      auto message = child.try_receive();
      BOOST_REQUIRE(message);
      BOOST_TEST(message->attempt() == attempt);
      throw attempt;
    } catch (int) {
    }
  }
  BOOST_TEST((child.try_receive().error() == Errc::not_ready));
  BOOST_TEST(parent.unfinished() == 0u);
  auto letters = parent.dead_letters();
  BOOST_REQUIRE(letters.size() == 1u);
  BOOST_TEST(letters[0].body<int>().value() == 7);
}

BOOST_AUTO_TEST_CASE(what_a_killed_worker_held_is_handed_on_or_no_longer_unfinished) {
  auto link = Jobs::open();
  auto parent = link.parent();
  parent.send({.request = request::DO}, 20).value();
  auto killed = spawn(link, [](Jobs& inbox) {
    auto message = inbox.receive();
    ::raise(SIGKILL);
  });
  BOOST_TEST(killed.wait().signal == SIGKILL);
  if constexpr (Jobs::promises.redelivers) {
    auto other = spawn(link, [](Jobs& inbox) { return inbox.receive_for(10s).value().attempt(); });
    BOOST_TEST(other.wait().code == 2);
  }
  BOOST_TEST(!!parent.join_for(10s));
}

BOOST_AUTO_TEST_CASE(capacity_is_exact_and_per_side) {
  auto link = Everything::open({.capacity = 3});
  auto parent = link.parent();
  auto child = link.child();
  for (int i = 0; i < 3; ++i) BOOST_TEST(!!parent.try_send({}, i));
  BOOST_TEST((parent.try_send({}, 3).error() == Errc::not_ready));
  const auto begin = std::chrono::steady_clock::now();
  BOOST_TEST((parent.send_for(20ms, Header{}, 3).error() == Errc::not_ready));
  BOOST_TEST((std::chrono::steady_clock::now() - begin >= 20ms));
  auto held = child.try_receive();
  BOOST_TEST((parent.try_send({}, 3).error() == Errc::not_ready));  // held counts
  held->done().value();
  BOOST_TEST(!!parent.try_send({}, 3));
}

BOOST_AUTO_TEST_CASE(a_large_body_arrives_whole) {
  struct Big {
    std::array<std::uint32_t, 100'000> words;
  };
  auto link = Everything::open({.max_body_bytes = 1 << 20});
  auto parent = link.parent();
  auto child = link.child();
  auto big = std::make_unique<Big>();
  for (std::uint32_t i = 0; i < big->words.size(); ++i) big->words[i] = i * 2654435761u;
  parent.send({}, *big).value();
  BOOST_TEST((std::make_unique<Big>(child.receive()->body<Big>().value())->words == big->words));
  auto tight = Everything::open({.max_body_bytes = 3});
  BOOST_TEST((tight.parent().send({}, 1).error() == Errc::too_large));
}

BOOST_AUTO_TEST_CASE(an_endpoint_is_inert_in_another_thread_and_in_a_forked_process) {
  auto link = Everything::open();
  auto parent = link.parent();
  std::error_code elsewhere;
  std::thread([&] { elsewhere = parent.send({}).error(); }).join();
  BOOST_TEST((elsewhere == Errc::wrong_thread));
  auto child = spawn([&] { return parent.send({}).error() == Errc::stale ? 0 : 1; });
  BOOST_TEST(child.wait().code == 0);
  BOOST_TEST(parent.unfinished() == 0u);
}

BOOST_AUTO_TEST_CASE(a_second_live_parent_is_refused_and_a_later_one_is_not) {
  auto link = Everything::open();
  {
    auto parent = link.parent();
    BOOST_CHECK_THROW(link.parent(), std::system_error);
  }
  BOOST_CHECK_NO_THROW(link.parent());
}

BOOST_AUTO_TEST_CASE(nobody_left_to_finish_is_abandoned) {
  auto link = Jobs::open();
  auto parent = link.parent();
  spawn(link, [](Jobs&) {}).wait();
  parent.send({}, 1).value();
  BOOST_TEST((parent.join_for(10s).error() == Errc::abandoned));
}

BOOST_AUTO_TEST_CASE(a_bad_option_is_refused) {
  BOOST_CHECK_THROW(Jobs::open({.capacity = 0}), std::invalid_argument);
  BOOST_CHECK_THROW(Jobs::open({.max_body_bytes = 0}), std::invalid_argument);
}
