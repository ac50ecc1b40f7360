// pymulproc's tests between a parent and its children. A child's checks are its exit code.
#include <mulproc/crew.hpp>
#include <optional>
#include <parity/parity.hpp>
#include <random>
#include <set>
#include <thread>

using namespace mulproc;
using namespace mulproc::tests;

namespace {

template <class C>
void everything_is_finished(C& parent) {
  BOOST_TEST(parent.empty());
  if constexpr (requires { parent.join(); }) {
    BOOST_TEST(bool(parent.join_for(soon)));
    BOOST_TEST(parent.unfinished() == 0u);
  }
}

void all_ended_well(const std::vector<ExitStatus>& statuses, std::size_t size) {
  BOOST_TEST(statuses.size() == size);
  for (const auto& status : statuses) BOOST_TEST(status.code == 0);
}

/// pymulproc's child: answers DO with its own identifier until its pill; 2 means it saw what was not for it.
int answers_with_its_identifier(Communicator& inbox) {
  while (auto message = inbox.receive()) {
    if (message->recipient() != inbox.id()) return 2;
    if (message->request() == request::DIE) return 0;
    if (message->request() != request::DO) return 3;
    if (!inbox.reply(*message, request::FINISHED, value_of(inbox.id().pid))) return 4;
  }
  return 5;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_parent_and_a_child_speak_both_ways) {
  auto link = Communicator::open();
  auto parent = link.parent();
  auto child = spawn(link, [](Communicator& line) {
    auto question = line.receive_for(soon);
    if (!question || question->request() != request::TEST_PARENT) return 2;
    if (question->sender() != line.parent_id()) return 3;
    if (number_in(*question) != 20) return 4;
    return line.send({.request = request::TEST_CHILD, .recipient = question->sender()}, value_of(40)) ? 0 : 5;
  });
  parent.send({.request = request::TEST_PARENT, .recipient = child.id()}, value_of(20)).value();
  auto answer = parent.receive_for(soon);
  BOOST_REQUIRE(answer);
  BOOST_TEST(answer->request() == request::TEST_CHILD);
  BOOST_TEST(answer->sender() == child.id());
  BOOST_TEST(number_in(*answer) == 40);
  answer->done().value();
  BOOST_TEST(child.wait().code == 0);
  everything_is_finished(parent);
}

BOOST_AUTO_TEST_CASE(children_speak_to_their_parent) {
  const std::size_t size = one_to_one ? 1 : 5;
  auto link = Communicator::open();
  auto parent = link.parent();
  Crew crew(link, {.size = size}, [](Communicator& outbox) {
    return outbox.send({.request = request::TEST_CHILD, .recipient = outbox.parent_id()}, value_of(outbox.id().pid)) ? 0 : 2;
  });
  std::set<pid_t> heard;
  for (std::size_t i = 0; i < size; ++i) {
    auto message = parent.receive_for(soon);
    BOOST_REQUIRE(message);
    BOOST_TEST(message->request() == request::TEST_CHILD);
    BOOST_TEST(number_in(*message) == message->sender().pid);
    heard.insert(message->sender().pid);
  }
  for (Child& child : crew) {
    BOOST_TEST(heard.contains(child.pid()));
    BOOST_TEST(child.wait().code == 0);
  }
  BOOST_TEST(heard.size() == size);
  everything_is_finished(parent);
}

BOOST_AUTO_TEST_CASE(full_duplex_in_ten_rounds_with_crews_of_random_sizes) {
  std::mt19937 random(20240611);
  for (int round = 0; round < 10; ++round) {
    const std::size_t size = one_to_one ? 1 : 2 + random() % 7;
    BOOST_TEST_CONTEXT("round " << round << ", " << size << " children") {
      auto link = Communicator::open();
      auto parent = link.parent();
      Crew crew(link, {.size = size}, answers_with_its_identifier);
      const ProcessId chosen = crew[random() % size].id();
      parent.send({.request = request::DO, .recipient = chosen}).value();
      auto answer = parent.receive_for(soon);
      BOOST_REQUIRE(answer);
      BOOST_TEST(answer->request() == request::FINISHED);
      BOOST_TEST(answer->sender() == chosen);
      BOOST_TEST(number_in(*answer) == chosen.pid);
      answer->done().value();
      BOOST_TEST(parent.empty());  // nobody else answers
      all_ended_well(crew.dismiss(parent, soon), size);
      everything_is_finished(parent);
    }
  }
}

BOOST_AUTO_TEST_CASE(work_for_anyone_is_done_once_whoever_takes_it) {
  const std::size_t size = one_to_one ? 1 : 4;
  constexpr int tasks = 200;
  auto link = Communicator::open();
  auto parent = link.parent();
  Crew crew(link, {.size = size}, [](Communicator& inbox) {
    while (auto task = inbox.receive()) {
      if (task->request() == request::DIE) return 0;
      if (!inbox.reply(*task, request::FINISHED, value_of(2 * number_in(*task)))) return 2;
    }
    return 3;
  });
  std::multiset<std::int64_t> answers, expected;
  for (int sent = 0; answers.size() < tasks;) {
    while (sent < tasks && parent.try_send({.request = request::DO}, value_of(sent))) expected.insert(2 * sent++);
    auto answer = parent.receive_for(soon);
    BOOST_REQUIRE(answer);
    answers.insert(number_in(*answer));
  }
  BOOST_TEST((answers == expected));
  all_ended_well(crew.dismiss(parent, soon), size);
  everything_is_finished(parent);
}

BOOST_AUTO_TEST_CASE(a_blocking_receive_waits_for_its_message) {
  auto link = Communicator::open();
  auto parent = link.parent();
  auto child = spawn(link, [](Communicator& line) {
    auto order = line.receive_for(soon);
    if (!order) return 2;
    std::this_thread::sleep_for(30ms);  // the wait under test
    return line.reply(*order, request::FINISHED, value_of(20)) ? 0 : 3;
  });
  const auto begin = std::chrono::steady_clock::now();
  parent.send({.request = request::DO, .recipient = child.id()}).value();
  auto answer = parent.receive();
  BOOST_REQUIRE(answer);
  BOOST_TEST((std::chrono::steady_clock::now() - begin >= 30ms));
  BOOST_TEST(answer->in_reply_to() == 1u);  // the order was this endpoint's first message
  BOOST_TEST(number_in(*answer) == 20);
  BOOST_TEST(child.wait().code == 0);
}

BOOST_AUTO_TEST_CASE(a_pill_for_each_ends_children_that_only_listen) {
  const std::size_t size = one_to_one ? 1 : 6;
  auto link = Communicator::open();
  auto parent = link.parent();
  Crew crew(link, {.size = size}, answers_with_its_identifier);
  for (Child& child : crew) parent.send({.request = request::DIE, .recipient = child.id()}).value();
  for (Child& child : crew) BOOST_TEST(child.wait().code == 0);
  BOOST_TEST(crew.deaths().empty());
  everything_is_finished(parent);
}
