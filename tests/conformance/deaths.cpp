// CONTRACT.md's sentences about who dies, who is stopped and who never comes. A child's checks are its exit code.
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <conformance/numbers.hpp>
#include <filesystem>
#include <fstream>
#include <mulproc/process.hpp>
#include <thread>

using namespace mulproc;
using namespace mulproc::tests;

namespace {

/// Where a child waits until it is told to go on.
class Gate {
 public:
  Gate() {
    if (::pipe2(ends_, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  Gate(const Gate&) = delete;
  ~Gate() {
    ::close(ends_[0]);
    open();
  }
  void open() {
    if (ends_[1] >= 0) ::close(std::exchange(ends_[1], -1));
  }
  /// In a child.
  void pass() {
    open();
    char nobody_writes;
    (void)!::read(ends_[0], &nobody_writes, 1);
  }

 private:
  int ends_[2];
};

/// Dies in no call: a message_queue is broken by a death inside its lock.
auto dies_at(Gate& gate) {
  return [&gate](Numbers&) {
    gate.pass();
    ::raise(SIGKILL);
  };
}

[[maybe_unused]] void wait_until_stopped(const Child& child) {
  siginfo_t stopped{};
  BOOST_REQUIRE(::waitid(P_PID, static_cast<id_t>(child.pid()), &stopped, WSTOPPED) == 0);
  BOOST_REQUIRE(stopped.si_code == CLD_STOPPED);
}

}  // namespace

BOOST_AUTO_TEST_CASE(all_that_the_dead_held_is_back_in_its_place_with_one_attempt_more) {
  if constexpr (promises.redelivers) {
    auto link = Numbers::open();
    auto parent = link.parent();
    for (int number = 0; number < 5; ++number) parent.send({}, number).value();
    auto victim = spawn(link, [](Numbers& inbox) {
      std::vector<Numbers::Message> held;
      for (const int number : {3, 0, 1}) held.push_back(inbox.receive_for(soon, only(number)).value());
      ::raise(SIGKILL);
    });
    BOOST_CHECK(victim.wait().signal == SIGKILL);
    auto child = link.child();
    child.receive_for(soon, only(3)).value().give_back().value();  // once one is there again, all are
    for (int number = 0; number < 5; ++number) {
      const auto message = child.receive_for(soon).value();
      BOOST_CHECK(number_in(message) == number);
      BOOST_CHECK(message.attempt() == (number == 2 || number == 4 ? 1 : 2));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_the_dead_held_for_himself_is_a_dead_letter) {
  if constexpr (promises.redelivers) {
    auto link = Numbers::open();
    auto parent = link.parent();
    auto victim = spawn(link, [](Numbers& inbox) {
      const auto held = inbox.receive_for(soon).value();
      ::raise(SIGKILL);
    });
    parent.send({.request = "MINE", .recipient = victim.id()}, 42).value();
    BOOST_CHECK(victim.wait().signal == SIGKILL);
    if_joinable(parent, [](auto& one) { one.join_for(soon).value(); });
    const auto letters = parent.dead_letters();
    BOOST_REQUIRE(letters.size() == 1u);
    BOOST_CHECK(letters[0].request() == Request("MINE") && number_in(letters[0]) == 42);
  }
}

BOOST_AUTO_TEST_CASE(a_zombie_is_gone_and_any_live_process_may_still_come) {
  if constexpr (promises.many_to_many) {
    auto link = Numbers::open();
    auto parent = link.parent();
    auto child = link.child();
    auto zombie = spawn([] {});
    siginfo_t ended{};
    BOOST_REQUIRE(::waitid(P_PID, static_cast<id_t>(zombie.pid()), &ended, WEXITED | WNOWAIT) == 0);
    FAILS(parent.send({.recipient = zombie.id()}, 1), Errc::recipient_gone);
    BOOST_CHECK(parent.send({.recipient = ::getppid()}, 2));
    if_joinable(parent, [](auto& one) {
      BOOST_CHECK(one.unfinished() == 1u);
      FAILS(one.join_for(5ms), Errc::not_ready);
    });
    BOOST_CHECK(parent.dead_letters().empty());
  }
}

BOOST_AUTO_TEST_CASE(join_waits_for_an_addressee_that_may_still_come_and_no_longer) {
  auto link = Numbers::open();
  auto parent = link.parent();
  if_joinable(parent, [&](auto& one) {
    Gate gate;
    auto late = spawn([&] { gate.pass(); });
    one.send({.recipient = late.id()}, 1).value();
    FAILS(one.join_for(5ms), Errc::not_ready);
    gate.open();
    late.wait();
    one.join_for(soon).value();
    BOOST_CHECK(one.dead_letters().size() == 1u);
  });
}

BOOST_AUTO_TEST_CASE(a_program_that_only_polls_recovers_as_well) {
  auto link = Numbers::open();
  auto parent = link.parent();
  if_joinable(parent, [&](auto& one) {
    const auto letter_to_the_dead = [&] {
      Gate gate;
      auto child = spawn(link, dies_at(gate));
      one.send({.recipient = child.id()}, 1).value();
      gate.open();
      child.wait();
    };
    letter_to_the_dead();
    while (one.unfinished() != 0) ::sched_yield();
    BOOST_CHECK(one.dead_letters().size() == 1u);
    if constexpr (!promises.addressed) {  // there it is shown to nobody else
      letter_to_the_dead();
      while (!one.empty()) ::sched_yield();
      BOOST_CHECK(one.dead_letters().size() == 1u);
    }
    if constexpr (promises.redelivers) {
      auto victim = spawn(link, [](Numbers& inbox) {
        const auto held = inbox.receive_for(soon).value();
        ::raise(SIGKILL);
      });
      one.send({}, 2).value();
      victim.wait();
      Result<Numbers::Message> again = Errc::not_ready;
      while (!again && again.error() == Errc::not_ready) again = one.try_receive();
      BOOST_CHECK(again && again->attempt() == 2);
    }
  });
}

BOOST_AUTO_TEST_CASE(after_the_parents_death_another_may_come) {
  if constexpr (promises.many_to_many) {
    auto link = Numbers::open();
    auto child = link.child();
    auto first = spawn([&] {
      auto parent = link.parent();
      parent.send({}, 1).value();
      ::raise(SIGKILL);
    });
    BOOST_CHECK(first.wait().signal == SIGKILL);
    auto second = link.parent();
    second.send({}, 2).value();
    BOOST_CHECK((next(2, child) == std::vector{1, 2}));
    FAILS(child.try_receive(), Errc::not_ready);
  }
}

BOOST_AUTO_TEST_CASE(a_child_whose_opener_died_before_there_was_a_parent_reads_closed) {
  int report[2];
  BOOST_REQUIRE(::pipe2(report, O_CLOEXEC) == 0);
  auto opener = spawn([&] {
    auto link = Numbers::open();
    auto orphan = spawn(link, [&](Numbers& inbox) {
      const char verdict = inbox.receive_for(soon).error() == Errc::closed ? 'y' : 'n';
      return ::write(report[1], &verdict, 1) == 1 ? 0 : 1;
    });
    ::raise(SIGKILL);
  });
  opener.wait();
  ::close(report[1]);
  char verdict = '-';
  BOOST_CHECK(::read(report[0], &verdict, 1) == 1);
  BOOST_CHECK(verdict == 'y');
  ::close(report[0]);
}

BOOST_AUTO_TEST_CASE(an_opener_lives_as_long_as_its_process_though_the_thread_that_opened_has_ended) {
  if constexpr (promises.many_to_many) {
    std::optional<Numbers::Link> link;
    pid_t opened_in = 0;
    std::thread([&] { opened_in = ::gettid(), link.emplace(Numbers::open()); }).join();
    while (::syscall(SYS_tgkill, ::getpid(), opened_in, 0) == 0) ::sched_yield();
    auto child = link->child();
    FAILS(child.try_receive(), Errc::not_ready);
    child.send({.recipient = child.parent_id()}, 1).value();
    auto parent = link->parent();
    BOOST_CHECK((next(1, parent) == std::vector{1}));
  }
}

BOOST_AUTO_TEST_CASE(an_opener_lives_as_long_as_its_process_though_its_first_thread_has_ended) {
  int report[2];
  BOOST_REQUIRE(::pipe2(report, O_CLOEXEC) == 0);
  auto opener = spawn([&] {
    auto link = Numbers::open();
    const pid_t first_thread = ::gettid();
    auto orphan = spawn(link, [&](Numbers& inbox) {
      for (char state = 'R'; state != 'Z'; ::sched_yield()) {  // of who is no more, and is kept in mind for its process' sake
        std::string pid, name;
        std::ifstream("/proc/" + std::to_string(first_thread) + "/stat") >> pid >> name >> state;
      }
      const char waits = inbox.try_receive().error() == Errc::not_ready ? 'w' : '-';
      const bool told = ::write(report[1], &waits, 1) == 1;
      const char closed = inbox.receive_for(soon).error() == Errc::closed ? 'c' : '-';
      return told && ::write(report[1], &closed, 1) == 1 ? 0 : 1;
    });
    std::thread([] { while (true) ::pause(); }).detach();
    ::syscall(SYS_exit, 0);
  });
  ::close(report[1]);
  char verdict = '-';
  BOOST_CHECK(::read(report[0], &verdict, 1) == 1);
  BOOST_CHECK(verdict == 'w');
  ::kill(opener.pid(), SIGKILL);
  opener.wait();
  BOOST_CHECK(::read(report[0], &verdict, 1) == 1);
  BOOST_CHECK(verdict == 'c');
  ::close(report[0]);
}

BOOST_AUTO_TEST_CASE(a_death_inside_the_lock_is_repaired_or_told_by_every_call) {
  if constexpr (promises.many_to_many) {
    auto link = Numbers::open();
    auto parent = link.parent();
    auto child = link.child();
    parent.send({}, 1).value();
    auto victim = spawn([&] {
      auto inbox = link.child({.meanwhile = [] { ::raise(SIGKILL); }});  // a policy is asked under the lock
      (void)inbox.receive_for(soon);
      return 0;
    });
    BOOST_CHECK(victim.wait().signal == SIGKILL);
    auto message = child.receive_for(soon);
    if (promises.survives_kill || message) {
      BOOST_REQUIRE(message);
      BOOST_CHECK(number_in(*message) == 1 && message->attempt() == 1);
      parent.send({}, 2).value();
      BOOST_CHECK((next(1, child) == std::vector{2}));
    } else {
      FAILS(message, Errc::broken);
      FAILS(child.try_receive(), Errc::broken);
      FAILS(parent.send({}, 2), Errc::broken);
      FAILS(parent.receive(), Errc::broken);
      if_joinable(parent, [](auto& one) {
        FAILS(one.join(), Errc::broken);
        BOOST_CHECK_THROW((void)one.unfinished(), std::system_error);
      });
      BOOST_CHECK_THROW((void)parent.empty(), std::system_error);
    }
  }
}

BOOST_AUTO_TEST_CASE(while_somebody_is_stopped_inside_the_lock_timed_calls_return_and_nothing_is_lost) {
  if constexpr (promises.many_to_many) {
    auto link = Numbers::open();
    auto parent = link.parent();
    parent.send({}, 0).value();
    auto stopped = spawn([&] {
      auto inbox = link.child({.meanwhile = [] {
        static bool once = true;
        if (std::exchange(once, false)) ::raise(SIGSTOP);
      }});
      return number_in(inbox.receive_for(soon).value()) == 0 ? 0 : 2;
    });
    wait_until_stopped(stopped);
    FAILS(parent.try_receive(nothing), Errc::not_ready);
    const auto begin = std::chrono::steady_clock::now();
    FAILS(parent.receive_for(70ms, nothing), Errc::not_ready);
    BOOST_CHECK(std::chrono::steady_clock::now() - begin >= 70ms);
    int sent = 0;
    for (const auto patience : {0ms, 1ms}) {
      const auto one = parent.send_for(patience, {}, sent + 1);
      if (one) ++sent;
      if (!one) FAILS(one, Errc::not_ready);
    }
    stopped.kill(SIGCONT);
    BOOST_CHECK(stopped.wait().code == 0);
    auto child = link.child();
    for (int number = 1; number <= sent; ++number) BOOST_CHECK((next(1, child) == std::vector{number}));
    FAILS(child.try_receive(), Errc::not_ready);
  }
}

BOOST_AUTO_TEST_CASE(once_spawned_a_child_is_attached_or_dead) {
  for (int time = 0; time < 10; ++time) {
    auto link = Numbers::open();
    auto parent = link.parent();
    auto child = spawn(link, [](Numbers&) {
      while (true) ::pause();
    });
    child.kill(SIGKILL);
    child.wait();
    FAILS(parent.receive_for(soon), Errc::closed);  // it was there, and is gone
  }
}

BOOST_AUTO_TEST_CASE(when_all_are_killed_nothing_is_left_behind) {
  Gate gate;
  auto opener = spawn([&] {
    auto link = Numbers::open();
    auto parent = link.parent();
    auto child = spawn(link, dies_at(gate));
    parent.send({}, 1).value();
    gate.open();
    (void)parent.receive_for(soon);  // closed, once the child is dead
    ::raise(SIGKILL);
  });
  const std::string its = "-" + std::to_string(opener.pid()) + "-";
  gate.open();
  BOOST_CHECK(opener.wait().signal == SIGKILL);
  const auto of_them = [&](const auto& file) { return file.path().string().find(its) != std::string::npos; };
  BOOST_CHECK(std::none_of(std::filesystem::directory_iterator("/dev/shm"), {}, of_them));
}
