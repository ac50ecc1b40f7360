// CONTRACT.md's sentences about processes and their deaths. A child's checks are its exit code.
#include <filesystem>
#include <conformance/conformance.hpp>

using namespace mulproc;
using namespace mulproc::tests;

BOOST_AUTO_TEST_CASE(an_endpoint_is_stale_in_a_forked_process) {
  Pair ends;
  ends.parent.send({}, 1).value();
  auto held = ends.child.receive_for(soon);
  auto forked = spawn([&] {
    if (ends.parent.send({}).error() != Errc::stale) return 2;
    if (ends.child.try_receive().error() != Errc::stale) return 3;
    if (held->done().error() != Errc::stale) return 4;
    { auto destroyed = std::move(*held); }
    { auto destroyed = std::move(ends.child); }
    return 0;
  });
  BOOST_TEST(forked.wait().code == 0);
  held->give_back().value();
  BOOST_TEST(ends.child.receive_for(soon)->body<int>().value() == 1);
}

BOOST_AUTO_TEST_CASE(a_worker_answers_until_its_pill) {
  auto link = Mine::open();
  auto parent = link.parent();
  auto worker = spawn(link, [&](Mine& inbox) {
    if (inbox.id() != ProcessId(::getpid())) return 2;
    if (inbox.parent_id() != ProcessId(::getppid())) return 3;
    while (auto message = inbox.receive()) {
      if (message->request() == request::DIE) return 0;
      if (!inbox.reply(*message, request::FINISHED, message->body<int>().value() + 1)) return 4;
    }
    return 5;
  });
  for (int i = 0; i < 200; ++i) {
    parent.send({.request = request::DO, .recipient = worker.id()}, i).value();
    auto answer = parent.receive_for(soon);
    BOOST_REQUIRE(answer);
    BOOST_TEST(answer->body<int>().value() == i + 1);
    BOOST_TEST(answer->sender() == worker.id());
  }
  parent.send({.request = request::DIE}).value();
  BOOST_TEST(worker.wait().code == 0);
  CHECK_ERROR(parent.receive_for(soon), Errc::closed);
}

BOOST_AUTO_TEST_CASE(large_bodies_go_both_ways_whole) {
  auto link = Mine::open({.max_body_bytes = 4 << 20});
  auto parent = link.parent();
  auto worker = spawn(link, [](Mine& inbox) {
    while (auto message = inbox.receive()) inbox.reply(*message, "back", message->body<std::string>().value()).value();
  });
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{223}, std::size_t{300}, std::size_t{70'000}, std::size_t{3'000'000}}) {
    std::string body(size, '\0');
    for (std::size_t i = 0; i < size; ++i) body[i] = static_cast<char>(i * 31 >> 3);
    parent.send({.recipient = worker.id()}, body).value();
    auto answer = parent.receive_for(soon);
    BOOST_REQUIRE(answer);
    BOOST_TEST((answer->body<std::string>().value() == body));
  }
  parent.close().value();
  BOOST_TEST(worker.wait().code == 0);
}

BOOST_AUTO_TEST_CASE(a_sleeping_receiver_wakes_for_a_message_and_a_sleeping_sender_for_room) {
  auto link = All::open({.capacity = 1, .max_body_bytes = 60'000});
  auto parent = link.parent();
  auto worker = spawn(link, [](All& inbox) {
    int sum = 0;
    while (auto message = inbox.receive()) sum += static_cast<int>(message->body<std::string>().value().size() % 7);
    return sum % 256;
  });
  int sum = 0;
  for (std::size_t i = 0; i < 100; ++i) {
    parent.send({}, std::string(40'000 + i, 'x')).value();  // more than a pipe's buffer holds of them
    sum += static_cast<int>((40'000 + i) % 7);
  }
  parent.close().value();
  BOOST_TEST(worker.wait().code == sum % 256);
}

BOOST_AUTO_TEST_CASE(what_a_killed_receiver_held_is_handed_on_or_gone_and_nobody_hangs) {
  auto link = All::open();
  auto parent = link.parent();
  parent.send({}, 20).value();
  auto killed = spawn(link, [](All& inbox) {
    auto message = inbox.receive();
    ::raise(SIGKILL);
  });
  BOOST_TEST(killed.wait().signal == SIGKILL);
  BOOST_TEST(killed.wait().code == 128 + SIGKILL);
  if constexpr (promises.redelivers) {
    auto other = spawn(link, [](All& inbox) { return inbox.receive_for(soon).value().attempt(); });
    BOOST_TEST(other.wait().code == 2);
  }
  everything_is_finished(parent);
  CHECK_ERROR(parent.receive_for(soon), Errc::closed);
}

BOOST_AUTO_TEST_CASE(what_a_killed_sender_had_sent_arrives) {
  auto link = All::open();
  auto parent = link.parent();
  auto killed = spawn(link, [](All& inbox) {
    for (int i = 0; i < 3; ++i) inbox.send({}, i).value();
    ::raise(SIGKILL);
  });
  killed.wait();
  BOOST_TEST((next(3, parent) == std::vector{0, 1, 2}));
  CHECK_ERROR(parent.receive_for(soon), Errc::closed);
}

BOOST_AUTO_TEST_CASE(a_message_that_kills_whoever_takes_it_ends_as_a_dead_letter) {
  if constexpr (promises.redelivers) {
    auto link = All::open();
    auto parent = link.parent();
    parent.send({.request = "poison"}).value();
    for (int attempt = 1; attempt <= max_attempts; ++attempt) {
      auto victim = spawn(link, [](All& inbox) {
        auto message = inbox.receive();
        ::raise(SIGKILL);
      });
      BOOST_TEST(victim.wait().signal == SIGKILL);
    }
    everything_is_finished(parent);
    const auto letters = parent.dead_letters();
    BOOST_REQUIRE(letters.size() == 1u);
    BOOST_TEST(letters[0].request() == Request("poison"));
    BOOST_TEST(letters[0].attempt() == max_attempts);
  }
}

BOOST_AUTO_TEST_CASE(stopped_is_not_dead) {
  if constexpr (promises.redelivers) {
    auto link = All::open();
    auto parent = link.parent();
    parent.send({}, 1).value();
    auto slow = spawn(link, [](All& inbox) {
      auto message = inbox.receive();
      inbox.send({.request = "holding"}).value();
      ::raise(SIGSTOP);
      return message->attempt() == 1 && message->done() ? 0 : 2;
    });
    BOOST_TEST(parent.receive_for(soon, [](const All::MessageView& seen) { return seen.request() == Request("holding"); })->request() == Request("holding"));
    siginfo_t stopped{};
    BOOST_REQUIRE(::waitid(P_PID, static_cast<id_t>(slow.pid()), &stopped, WSTOPPED) == 0);
    CHECK_ERROR(parent.receive_for(300ms), Errc::not_ready);  // several looks for deaths long
    slow.kill(SIGCONT);
    BOOST_TEST(slow.wait().code == 0);
    everything_is_finished(parent);
  }
}

BOOST_AUTO_TEST_CASE(a_child_whose_parent_is_killed_drains_and_reads_closed) {
  int report[2];
  BOOST_REQUIRE(::pipe2(report, O_CLOEXEC) == 0);
  auto middle = spawn([&] {
    auto link = Mine::open();
    auto parent = link.parent();
    parent.send({}, 1).value();
    auto orphan = spawn(link, [&](Mine& inbox) {
      auto first = inbox.receive();
      if (!inbox.send({.request = "go on"})) return 1;
      const bool drained = first && first->body<int>().value() == 1 && first->done();
      auto end = inbox.receive_for(soon);
      const char verdict = drained && end.error() == Errc::closed ? 'y' : 'n';
      return ::write(report[1], &verdict, 1) == 1 ? 0 : 1;
    });
    (void)parent.receive_for(soon, [](const Mine::MessageView& seen) { return seen.request() == Request("go on"); });
    ::raise(SIGKILL);
  });
  BOOST_TEST(middle.wait().signal == SIGKILL);
  ::close(report[1]);
  char verdict = '-';
  BOOST_TEST(::read(report[0], &verdict, 1) == 1);
  BOOST_TEST(verdict == 'y');
  ::close(report[0]);
}

BOOST_AUTO_TEST_CASE(mail_for_one_is_not_taken_by_another_and_waits_for_who_has_not_attached_yet) {
  if constexpr (promises.many_to_many) {
    auto link = Mine::open();
    auto parent = link.parent();
    int gate[2];
    BOOST_REQUIRE(::pipe2(gate, O_CLOEXEC) == 0);
    auto late = spawn([&] {
      char go;
      if (::read(gate[0], &go, 1) != 1) return 2;
      auto inbox = link.child();
      return inbox.receive_for(soon).value().body<int>().value();
    });
    parent.send({.recipient = late.id()}, 42).value();
    auto other = spawn(link, [](Mine& inbox) { return inbox.try_receive().error() == Errc::not_ready && inbox.empty() ? 0 : 2; });
    BOOST_TEST(other.wait().code == 0);
    BOOST_REQUIRE(::write(gate[1], "g", 1) == 1);
    BOOST_TEST(late.wait().code == 42);
    ::close(gate[0]), ::close(gate[1]);
  }
}

BOOST_AUTO_TEST_CASE(a_message_to_the_dead_is_refused_and_what_waits_for_them_becomes_a_dead_letter) {
  if constexpr (promises.many_to_many) {
    auto link = Mine::open();
    auto parent = link.parent();
    int gate[2];
    BOOST_REQUIRE(::pipe2(gate, O_CLOEXEC) == 0);
    auto child = spawn(link, [&](Mine&) {
      ::close(gate[1]);
      char nothing;
      (void)!::read(gate[0], &nothing, 1);
      ::raise(SIGKILL);  // in no call: a message_queue is broken by a death inside its lock
    });
    ::close(gate[0]);
    parent.send({.recipient = child.id()}, 1).value();
    ::close(gate[1]);
    child.wait();
    everything_is_finished(parent);
    BOOST_TEST(parent.dead_letters().size() == 1u);
    CHECK_ERROR(parent.send({.recipient = child.id()}, 2), Errc::recipient_gone);
  }
}

BOOST_AUTO_TEST_CASE(a_crew_shares_the_work_is_dismissed_and_leaves_nothing_behind) {
  if constexpr (promises.many_to_many) {
    const auto count = [](const char* folder, const std::string& part) {
      const auto fits = [&](const auto& entry) { return entry.path().filename().string().find(part) != std::string::npos; };
      return std::count_if(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator(), fits);
    };
    const std::string mine = "-" + std::to_string(::getpid()) + "-";  // other tests run meanwhile
    const auto descriptors = count("/proc/self/fd", ""), files = count("/dev/shm", mine);
    {
      auto link = Mine::open({.capacity = 4});
      auto parent = link.parent();
      Crew crew(link, {.size = 3}, [](Mine& inbox) {
        while (auto message = inbox.receive()) {
          if (message->request() == request::DIE) break;
          inbox.reply(*message, request::FINISHED, message->body<int>().value() + 1).value();
        }
      });
      int sent = 0;
      long sum = 0;
      for (int answered = 0; answered < 1000; ++answered) {
        while (sent < 1000 && parent.try_send({.request = request::DO}, sent)) ++sent;
        auto answer = parent.receive_for(soon);
        BOOST_REQUIRE(answer);
        sum += answer->body<int>().value();
      }
      BOOST_TEST(sum == 1000L * 1001 / 2);
      for (const auto& status : crew.dismiss(parent, soon)) BOOST_TEST(status.ok());
      BOOST_TEST(crew.deaths().empty());
      everything_is_finished(parent);
      BOOST_TEST(parent.empty());
    }
    BOOST_TEST(count("/proc/self/fd", "") == descriptors);
    BOOST_TEST(count("/dev/shm", mine) == files);
  }
}

BOOST_AUTO_TEST_CASE(a_crew_replaces_its_dead_and_the_job_completes) {
  if constexpr (promises.redelivers) {
    auto link = Mine::open();
    auto parent = link.parent();
    Crew crew(link, {.size = 2, .restarts = 1}, [](Mine& inbox) {
      while (auto message = inbox.receive()) {
        if (message->request() == request::DIE) break;
        if (message->request() == Request("KILL") && message->attempt() == 1) ::raise(SIGKILL);
        inbox.reply(*message, request::FINISHED, message->attempt()).value();
      }
    });
    parent.send({.request = "KILL"}).value();
    auto answer = crew.receive(parent);
    BOOST_REQUIRE(answer);
    BOOST_TEST(answer->body<int>().value() == 2);
    answer->done().value();
    while (crew.deaths().empty()) crew.tend();
    BOOST_REQUIRE(crew.deaths().size() == 1u);
    BOOST_TEST(crew.deaths()[0].status.signal == SIGKILL);
    BOOST_TEST(crew.deaths()[0].replaced);
    const auto statuses = crew.dismiss(parent, soon);
    BOOST_TEST(statuses.size() == 2u);
    for (const auto& status : statuses) BOOST_TEST(status.ok());
  }
}

BOOST_AUTO_TEST_CASE(dismissal_escalates_against_who_ignores_the_pill) {
  auto link = Mine::open();
  auto parent = link.parent();
  Crew crew(link, {.size = 1}, [](Mine&) {
    ::signal(SIGTERM, SIG_IGN);
    while (true) ::pause();
  });
  const auto statuses = crew.dismiss(parent, 10ms);
  BOOST_REQUIRE(statuses.size() == 1u);
  BOOST_TEST(statuses[0].signal == SIGKILL);
}

namespace {
template <class C>
void a_supervisor_is_told() {
  if constexpr (TellsOfDeaths<Carrier>) {
    auto link = C::open();
    auto parent = link.parent();
    auto survivor = spawn(link, [](C& inbox) { (void)inbox.receive(); });
    auto victim = spawn(link, [](C&) {  // outside of every lock, in which a message_queue may break
      while (true) ::pause();
    });
    victim.kill(SIGKILL);
    std::uint32_t deaths = 0;
    CHECK_ERROR(parent.receive_or_death(Deadline::never(), deaths), Errc::not_ready);
    BOOST_TEST(deaths == 1u);
    CHECK_ERROR(parent.receive_or_death(Deadline::now(), deaths), Errc::not_ready);  // no news, no wait
    parent.send({.recipient = survivor.id()}).value();
    BOOST_TEST(survivor.wait().ok());
  }
}
}  // namespace

BOOST_AUTO_TEST_CASE(a_receiver_that_supervises_is_told_of_a_death) { a_supervisor_is_told<Mine>(); }
