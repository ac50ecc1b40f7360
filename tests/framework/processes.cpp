// process.hpp, crew.hpp, inherited.hpp, owner.hpp. A child's checks are its exit code.
#define BOOST_TEST_MODULE processes
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <mulproc/channel.hpp>
#include <mulproc/crew.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/pipe.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <set>
#include <sstream>
#include <support/watchdog.hpp>
#include <thread>

using namespace mulproc;
using namespace std::chrono_literals;
using Jobs = Channel<transport::shm_deque, serializer::trivially_copyable, routing::addressed_to_me>;
using Line = Channel<transport::pipe, serializer::trivially_copyable, routing::addressed_to_me>;

namespace {
tests::Watchdog watchdog(100s);
void until_the_pill(Jobs& inbox) {
  while (auto message = inbox.receive()) {
    if (message->request() == request::DIE) return;
    inbox.reply(*message, request::FINISHED, message->body<int>().value() + 1).value();
  }
}
}  // namespace

BOOST_AUTO_TEST_CASE(a_childs_end_is_its_functions_return_its_exception_or_its_signal) {
  BOOST_TEST(spawn([] {}).wait().code == 0);
  BOOST_TEST(spawn([] { return 42; }).wait().code == 42);
  BOOST_TEST(spawn([] { ::_exit(3); }).wait().code == 3);
  const auto killed = spawn([] { ::raise(SIGKILL); }).wait();
  BOOST_TEST(killed.signal == SIGKILL);
  BOOST_TEST(killed.code == 128 + SIGKILL);
  BOOST_TEST(!killed.ok());
}
BOOST_AUTO_TEST_CASE(an_exception_in_a_child_is_printed_and_gives_1_and_what_was_printed_before_is_printed_once) {
  const auto path = std::filesystem::temp_directory_path() / ("mulproc-test-" + std::to_string(::getpid()));
  auto outer = spawn([&] {
    if (std::freopen(path.c_str(), "w", stdout) == nullptr || ::dup2(1, 2) != 2) return 2;
    std::printf("before the fork;");
    std::cout << "from a stream;";
    const int code = spawn([]() -> int {
                       std::printf("in the child;");
                       throw std::runtime_error("no such luck");
                     }).wait().code;
    return code == 1 ? 0 : 3;
  });
  BOOST_TEST(outer.wait().code == 0);
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  std::filesystem::remove(path);
  for (const char* words : {"before the fork;", "from a stream;", "in the child;", "no such luck"}) {
    const auto first = text.str().find(words);
    BOOST_TEST(first != std::string::npos, words << " is not in: " << text.str());
    BOOST_TEST(text.str().find(words, first + 1) == std::string::npos, words << " is twice in: " << text.str());
  }
}
BOOST_AUTO_TEST_CASE(waiting_for_a_child_can_end_early_and_be_repeated) {
  int gate[2];
  BOOST_REQUIRE(::pipe2(gate, O_CLOEXEC) == 0);
  auto child = spawn([&] {
    ::close(gate[1]);
    char end;
    return ::read(gate[0], &end, 1) == 0 ? 7 : 8;
  });
  BOOST_TEST(child.alive());
  BOOST_TEST((child.wait_for(5ms).error() == Errc::not_ready));
  pollfd handle{child.native_handle(), POLLIN, 0};
  BOOST_TEST(::poll(&handle, 1, 0) == 0);
  ::close(gate[1]);
  BOOST_TEST(::poll(&handle, 1, -1) == 1);
  BOOST_TEST(child.wait().code == 7);
  BOOST_TEST(child.wait().code == 7);
  BOOST_TEST(!child.alive());
  ::close(gate[0]);
}
BOOST_AUTO_TEST_CASE(a_child_is_reaped_by_its_destructor_though_it_ignores_being_asked) {
  pid_t pid = 0;
  {
    auto stubborn = spawn([] {
      ::signal(SIGTERM, SIG_IGN);
      while (true) ::pause();
    });
    pid = stubborn.pid();
  }
  BOOST_TEST((::kill(pid, 0) == -1 && errno == ESRCH));
}
BOOST_AUTO_TEST_CASE(a_child_object_is_inert_in_a_process_that_did_not_make_it) {
  auto child = spawn([] { ::pause(); });
  auto other = spawn([&] {
    child.kill(SIGKILL);
    return child.wait_for(0s).error() == Errc::stale ? 0 : 1;
  });
  BOOST_TEST(other.wait().code == 0);
  BOOST_TEST(child.alive());
  child.kill(SIGKILL);
  BOOST_TEST(child.wait().signal == SIGKILL);
}
BOOST_AUTO_TEST_CASE(an_owner_knows_its_process_and_thread) {
  const Owner owner;
  BOOST_TEST(bool(owner.check()));
  std::error_code in_a_thread;
  std::thread([&] { in_a_thread = owner.check().error(); }).join();
  BOOST_TEST((in_a_thread == Errc::wrong_thread));
  BOOST_TEST(spawn([&] { return owner.check().error() == Errc::stale ? 0 : 1; }).wait().code == 0);
}
BOOST_AUTO_TEST_CASE(a_listed_descriptor_is_closed_in_children_it_is_not_for) {
  int ends[2];
  BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  InheritedFd mine(ends[0]), claimed(ends[1]);
  auto child = spawn([&] {
    if (!claimed.claim()) return 2;
    InheritedFd::close_foreign();
    if (::fcntl(ends[0], F_GETFD) != -1 || ::fcntl(ends[1], F_GETFD) == -1) return 3;
    return mine.claim() ? 4 : 0;
  });
  BOOST_TEST(child.wait().code == 0);
  BOOST_TEST(::fcntl(ends[0], F_GETFD) != -1);
}

// ---- Crew ----

BOOST_AUTO_TEST_CASE(a_crew_of_nobody_or_of_too_many_for_its_transport_is_refused) {
  auto jobs = Jobs::open();
  BOOST_CHECK_THROW(Crew(jobs, {.size = 0}, until_the_pill), std::invalid_argument);
  auto line = Line::open();
  BOOST_CHECK_THROW(Crew(line, {.size = 2}, [](Line&) {}), std::invalid_argument);
}
BOOST_AUTO_TEST_CASE(who_is_killed_at_work_is_replaced_and_his_work_done_by_somebody_else) {
  auto link = Jobs::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 2, .restarts = 1}, [](Jobs& inbox) {
    while (auto message = inbox.receive()) {
      if (message->request() == request::DIE) return;
      if (message->attempt() == 1 && message->body<int>().value() == 5) ::raise(SIGKILL);
      inbox.reply(*message, request::FINISHED, message->body<int>().value() + 1).value();
    }
  });
  for (int i = 0; i < 10; ++i) parent.send({.request = request::DO}, i).value();
  std::set<int> answers;
  for (int i = 0; i < 10; ++i) answers.insert(crew.receive(parent).value().body<int>().value());
  BOOST_TEST(answers.size() == 10u);
  crew.tend();
  BOOST_REQUIRE(crew.deaths().size() == 1u);
  BOOST_TEST(crew.deaths()[0].status.signal == SIGKILL);
  BOOST_TEST(crew.deaths()[0].replaced);
  for (const auto& status : crew.dismiss(parent, 20s)) BOOST_TEST(status.code == 0);
  BOOST_TEST(bool(parent.join_for(20s)));
}
BOOST_AUTO_TEST_CASE(who_left_early_is_replaced_before_closed_would_be_told) {
  for (int i = 0; i < 50; ++i) {
    auto link = Jobs::open();
    auto parent = link.parent();
    Crew crew(link, {.size = 1, .restarts = 1}, [](Jobs& inbox) {
      const auto order = inbox.receive();
      if (order->request() == Request("LEAVE")) return 9;
      inbox.reply(*order, request::FINISHED).value();
      return 0;
    });
    parent.send({.request = "LEAVE"}).value();
    parent.send({.request = "STAY"}).value();
    BOOST_TEST((crew.receive(parent).value().request() == request::FINISHED));
  }
}
BOOST_AUTO_TEST_CASE(without_restarts_a_death_is_told_and_the_end_is_closed) {
  auto link = Jobs::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 2}, [](Jobs&) { return 9; });
  BOOST_TEST((crew.receive(parent).error() == Errc::closed));
  for (Child& child : crew) child.wait();
  crew.tend();
  BOOST_TEST(crew.deaths().size() == 2u);
  for (const auto& death : crew.deaths()) BOOST_TEST((death.status.code == 9 && !death.replaced));
}
BOOST_AUTO_TEST_CASE(who_ignores_the_pill_and_the_first_signal_is_killed_and_every_end_is_told) {
  auto link = Jobs::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 3}, [](Jobs& inbox) {
    auto order = inbox.receive();
    if (order->body<int>().value() == 0) return until_the_pill(inbox);
    if (order->body<int>().value() == 2) ::signal(SIGTERM, SIG_IGN);
    (void)order->done();
    inbox.send({.request = "READY", .recipient = inbox.parent_id()}).value();
    while (true) ::pause();
  });
  for (int i = 0; i < 3; ++i) parent.send({.recipient = crew[static_cast<std::size_t>(i)].id()}, i).value();
  for (int i = 0; i < 2; ++i) BOOST_TEST((parent.receive_for(20s)->request() == Request("READY")));
  const auto statuses = crew.dismiss(parent, 100ms);
  BOOST_REQUIRE(statuses.size() == 3u);
  BOOST_TEST(statuses[0].code == 0);
  BOOST_TEST(statuses[1].signal == SIGTERM);
  BOOST_TEST(statuses[2].signal == SIGKILL);
}
BOOST_AUTO_TEST_CASE(children_blocked_on_results_get_rid_of_them_while_they_are_dismissed) {
  auto link = Jobs::open({.capacity = 2});
  auto parent = link.parent();
  Crew crew(link, {.size = 2}, [](Jobs& inbox) {
    for (int i = 0; i < 20; ++i) inbox.send({.request = "RESULT", .recipient = inbox.parent_id()}, i).value();
    until_the_pill(inbox);
  });
  int results = 0;
  for (const auto& status : crew.dismiss(parent, 20s, [&](Jobs::Message message) { results += message.request() == Request("RESULT") ? 1 : 0; }))
    BOOST_TEST(status.code == 0);
  BOOST_TEST(results == 40);
}
