// CONTRACT.md's sentences about attempts, places, waits and ends that need no second process.
#include <algorithm>
#include <array>
#include <atomic>
#include <conformance/numbers.hpp>
#include <numeric>
#include <thread>

using namespace mulproc;
using namespace mulproc::tests;

// ---- messages ----

BOOST_AUTO_TEST_CASE(however_often_it_is_refused_or_given_back_a_message_keeps_its_attempt) {
  auto link = Numbers::open();
  auto parent = link.parent();
  auto child = link.child();
  for (int number = 0; number < 3; ++number) parent.send({}, number).value();
  for (int time = 0; time < 2 * max_attempts; ++time) {
    FAILS(child.try_receive(nothing), Errc::not_ready);
    child.receive_for(soon, only(1)).value().give_back().value();
  }
  for (int number = 0; number < 3; ++number) {
    const auto message = child.receive_for(soon).value();
    BOOST_CHECK(number_in(message) == number);
    BOOST_CHECK(message.attempt() == 1);
  }
  BOOST_CHECK(child.dead_letters().empty());
}

BOOST_AUTO_TEST_CASE(dead_letters_come_oldest_first_with_all_they_carried_and_are_not_unfinished) {
  auto link = Numbers::open({.capacity = 4});
  auto parent = link.parent();
  auto child = link.child();
  for (int number = 0; number < 3; ++number) parent.send({.request = "WORK", .recipient = child.id()}, number).value();
  for (int number = 0; number < 2; ++number) fail_for_good(child, number);
  if_joinable(parent, [](auto& one) { BOOST_CHECK(one.unfinished() == 1u); });
  {
    auto letters = child.dead_letters();
    BOOST_REQUIRE(letters.size() == 2u);
    for (int number = 0; number < 2; ++number) {
      const auto& letter = letters[static_cast<std::size_t>(number)];
      BOOST_CHECK(number_in(letter) == number);
      BOOST_CHECK(letter.request() == Request("WORK") && letter.recipient() == child.id() &&
                  letter.sender() == parent.id());
      BOOST_CHECK(letter.sequence() == static_cast<std::uint64_t>(number) + 1);
    }
    BOOST_CHECK(child.dead_letters().empty());  // they are held
    BOOST_CHECK((next(1, child) == std::vector{2}));
    letters[1].give_back().value();
  }
  FAILS(child.try_receive(), Errc::not_ready);
  BOOST_CHECK(child.dead_letters().size() == 1u);  // a dead letter it stays
  BOOST_CHECK(child.dead_letters().empty());
  BOOST_CHECK(child.dead_letters_dropped() == 0u);
}

BOOST_AUTO_TEST_CASE(dead_letters_that_are_held_leave_room_for_messages) {
  if constexpr (promises.many_to_many) {
    auto link = Numbers::open({.capacity = 2});
    auto parent = link.parent();
    auto child = link.child();
    std::vector<std::vector<Numbers::Message>> held;
    for (int number = 0; number < 20; ++number) {
      parent.send_for(soon, {}, number).value();
      fail_for_good(child, number);
      held.push_back(child.dead_letters());
    }
    const auto letters = std::accumulate(held.begin(), held.end(), std::size_t{0}, [](std::size_t sum, const auto& some) { return sum + some.size(); });
    BOOST_CHECK(letters + child.dead_letters_dropped() == 20u);
    BOOST_CHECK(letters >= 2u);
    const std::size_t dropped = child.dead_letters_dropped();
    for (auto& some : held) {
      for (auto& letter : some) letter.give_back().value();
    }
    BOOST_CHECK(child.dead_letters().size() + child.dead_letters_dropped() - dropped == letters);
  }
}

BOOST_AUTO_TEST_CASE(mail_of_one_who_left_is_a_dead_letter_when_who_held_it_gives_it_back) {
  if constexpr (promises.many_to_many && !promises.between_processes) {  // elsewhere an endpoint that leaves leaves its thread
    for (const bool fails : {false, true}) {
      auto link = Numbers::open();
      auto parent = link.parent();
      auto holder = link.child();
      auto gone = std::optional(link.child());
      parent.send({.recipient = gone->id()}, 7).value();
      try {
        auto message = holder.receive_for(soon).value();
        gone.reset();
        if (fails) throw 7;
        message.give_back().value();
      } catch (int) {
      }
      if_joinable(parent, [](auto& one) { BOOST_CHECK(one.unfinished() == 0u); });
      const auto letters = holder.dead_letters();
      BOOST_REQUIRE(letters.size() == 1u);
      BOOST_CHECK(number_in(letters[0]) == 7);
    }
  }
}

BOOST_AUTO_TEST_CASE(dead_letters_of_both_sides_come_oldest_first_also_when_some_were_dropped) {
  if constexpr (promises.many_to_many) {
    auto link = Numbers::open({.capacity = 2});
    auto parent = link.parent();
    auto child = link.child();
    const auto bury = [&](Numbers& from, int number) {
      from.send({}, number).value();
      fail_for_good(child, number);
    };
    bury(child, 1);
    for (const int number : {2, 3, 4}) bury(parent, number);
    std::vector<int> numbers;
    for (const auto& letter : parent.dead_letters()) numbers.push_back(number_in(letter));
    BOOST_CHECK((numbers == std::vector{1, 3, 4}));
    BOOST_CHECK(parent.dead_letters_dropped() == 1u);
  }
}

BOOST_AUTO_TEST_CASE(who_leaves_with_dead_letters_leaves_no_more_than_the_reserve_has_room_for) {
  if constexpr (promises.many_to_many) {
    constexpr int capacity = 2;
    auto link = Numbers::open({.capacity = capacity});
    auto parent = link.parent();
    auto child = link.child();
    const auto bury_some = [&] {
      for (int number = 0; number < capacity; ++number) {
        parent.send_for(soon, {}, number).value();
        fail_for_good(child, number);
      }
    };
    for (int round = 0; round < 4; ++round) {
      auto holder = link.child();
      bury_some();
      const auto held = holder.dead_letters();
      bury_some();
      { const Numbers leaves = std::move(holder); }
    }
    for (int number = 0; number < capacity; ++number) {
      BOOST_CHECK(parent.send_for(soon, {}, number));
      BOOST_CHECK(child.send_for(soon, {}, number));
    }
    BOOST_CHECK(child.dead_letters().size() <= 2u * capacity);
  }
}

BOOST_AUTO_TEST_CASE(an_endpoints_id_is_its_threads_and_in_one_process_a_number) {
  auto link = Numbers::open();
  const auto parent = link.parent();
  const auto child = link.child();
  if constexpr (promises.between_processes) {
    BOOST_CHECK(parent.id() == ProcessId(::gettid()));
    BOOST_CHECK(child.id() == parent.id());
  } else {
    BOOST_CHECK(parent.id() == ProcessId(1));
    BOOST_CHECK(child.id() == ProcessId(2));
  }
}

BOOST_AUTO_TEST_CASE(any_endpoint_of_a_thread_may_take_what_is_addressed_to_the_thread) {
  if constexpr (promises.between_processes && promises.many_to_many) {
    auto link = Numbers::open();
    auto parent = link.parent({.which = Shown::mine});
    auto first = link.child({.which = Shown::mine});
    auto second = link.child({.which = Shown::mine});
    for (int number = 0; number < 3; ++number) parent.send({.recipient = first.id()}, number).value();
    BOOST_CHECK((next(1, second) == std::vector{0}));
    BOOST_CHECK((next(1, first) == std::vector{1}));
    BOOST_CHECK((next(1, parent) == std::vector{2}));
  }
}

BOOST_AUTO_TEST_CASE(what_nobody_settles_is_finished_by_its_destructor) {
  auto link = Numbers::open();
  auto parent = link.parent();
  auto child = link.child();
  for (int number = 0; number < 2; ++number) parent.send({}, number).value();
  { const auto let_go = child.receive_for(soon).value(); }
  if_joinable(parent, [](auto& one) { BOOST_CHECK(one.unfinished() == 1u); });
  BOOST_CHECK((next(1, child) == std::vector{1}));
  FAILS(child.try_receive(), Errc::not_ready);
  if_joinable(parent, [](auto& one) { one.join_for(soon).value(); });
}

// ---- receiving ----

BOOST_AUTO_TEST_CASE(everything_is_shown_others_mail_too) {
  if constexpr (promises.many_to_many && !promises.addressed) {
    auto link = Numbers::open();
    auto parent = link.parent();
    auto other = link.child();
    auto child = link.child();
    auto narrow = link.child({.which = Shown::mine});
    const ProcessId somebody = promises.between_processes ? ProcessId(::getppid()) : other.id();
    parent.send({.recipient = somebody}, 1).value();
    FAILS(narrow.try_receive(), Errc::not_ready);
    BOOST_CHECK((next(1, child) == std::vector{1}));
  }
}

BOOST_AUTO_TEST_CASE(a_predicate_is_asked_outside_any_lock_and_others_take_the_next_meanwhile) {
  if constexpr (promises.many_to_many) {
    auto link = Numbers::open();
    auto parent = link.parent();
    auto child = link.child();
    for (int number = 0; number < 2; ++number) parent.send({}, number).value();
    int taken_meanwhile = -1;
    bool sent_meanwhile = false;
    const Wanted asks = [&](const View& seen) {
      std::thread([&] {
        auto other = link.child();
        sent_meanwhile = bool(other.send_for(soon, {.recipient = parent.id()}, 7));
        taken_meanwhile =
            number_in(other.receive_for(soon, [](const View& mail) { return mail.recipient() == anyone; }).value());
      }).join();
      return number_in(seen) == 0;
    };
    BOOST_CHECK(number_in(child.receive_for(soon, asks).value()) == 0);
    BOOST_CHECK(sent_meanwhile);
    BOOST_CHECK(taken_meanwhile == 1);
  }
}

BOOST_AUTO_TEST_CASE(what_comes_while_a_call_waits_is_shown_and_what_it_refused_is_not_shown_again) {
  auto link = Numbers::open();
  auto child = link.child();
  std::atomic<int> shown{0};
  std::thread sender([&] {
    auto parent = link.parent();
    for (int number = 0; number < 4; ++number) {
      parent.send({}, number).value();
      for (int seen = shown; seen <= number; seen = shown)
        shown.wait(seen);  // the next one comes when this one was refused
    }
  });
  std::vector<int> numbers;
  const auto last = child.receive_for(soon, [&](const View& seen) {
    numbers.push_back(number_in(seen));
    ++shown;
    shown.notify_one();
    return number_in(seen) == 3;
  });
  BOOST_CHECK(last && number_in(*last) == 3);
  sender.join();
  BOOST_CHECK((numbers == std::vector{0, 1, 2, 3}));
}

BOOST_AUTO_TEST_CASE(what_a_call_refused_is_not_taken_for_what_comes_after_another_took_it) {
  if constexpr (promises.many_to_many) {
    constexpr int last = 8;
    auto link = Numbers::open();
    auto child = link.child();
    std::atomic<int> refused{0};
    std::thread takes([&] {
      auto parent = link.parent();
      auto other = link.child();
      for (int number = 0; number < last; ++number) {
        parent.send({}, number).value();
        for (int seen = refused; seen <= number; seen = refused) refused.wait(seen);
        other.receive_for(soon, only(number)).value().done().value();  // the channel is empty, the call still waits
      }
      parent.send({}, last).value();
    });
    std::vector<int> shown;
    const auto got = child.receive_for(soon, [&](const View& seen) {
      const int number = number_in(seen);
      shown.push_back(number);
      if (number != last) refused = number + 1, refused.notify_one();
      return number == last;
    });
    takes.join();
    BOOST_CHECK(got);
    BOOST_CHECK((shown == std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8}));
  }
}

BOOST_AUTO_TEST_CASE(a_call_whose_time_is_over_shows_what_lies_there_and_ends_though_messages_keep_coming) {
  for (const Deadline deadline : {Deadline::now(), Deadline::after(1ms)}) {
    constexpr int waiting = 4, far_too_many = 200'000;
    auto link = Numbers::open();
    auto parent = link.parent();
    auto child = link.child();
    std::optional<Numbers> other;
    if constexpr (promises.many_to_many) other.emplace(link.child());
    int sent = 0, shown = 0;
    for (; sent < waiting; ++sent) parent.send({}, sent).value();
    std::array<bool, waiting> was_shown{};
    const Wanted keeps_coming = [&](const View& seen) {
      const int number = number_in(seen);
      if (number < waiting) was_shown[static_cast<std::size_t>(number)] = true;
      if (++shown == far_too_many) throw std::runtime_error("it does not end");
      if (other && number > waiting) (void)other->try_receive(only(number - 1));
      parent.try_send({}, sent++).value();
      return false;
    };
    const auto got = deadline.at == Deadline::now().at ? child.try_receive(keeps_coming) : child.receive_until(deadline, keeps_coming);
    FAILS(got, Errc::not_ready);
    BOOST_CHECK((was_shown == std::array{true, true, true, true}));
  }
}

BOOST_AUTO_TEST_CASE(a_predicate_may_ask_its_own_channel) {
  auto link = Numbers::open();
  auto parent = link.parent();
  auto child = link.child();
  for (int number = 0; number < 5; ++number) parent.send({}, number).value();
  std::vector<int> shown;
  int taken = -1;
  const auto got = child.receive_for(soon, [&](const View& seen) {
    const int number = number_in(seen);
    shown.push_back(number);
    if (shown.size() > 10) throw std::runtime_error("it does not end");
    BOOST_CHECK(!child.empty());
    FAILS(child.try_receive(nothing), Errc::not_ready);
    if (number == 0) taken = number_in(child.try_receive(only(3)).value());
    BOOST_CHECK(number_in(seen) == number);
    return number == 2;
  });
  BOOST_CHECK(got && number_in(*got) == 2);
  BOOST_CHECK((shown == std::vector{0, 1, 2}));
  BOOST_CHECK(taken == 3);
  BOOST_CHECK((next(3, child) == std::vector{0, 1, 4}));
}

namespace {

std::atomic<int> signals_seen{0};

/// Sends this thread a signal that interrupts what waits, again and again.
class Pestered {
 public:
  Pestered() {
    struct sigaction action {};
    action.sa_handler = [](int) { ++signals_seen; };  // without SA_RESTART
    ::sigaction(SIGUSR1, &action, &before_);
    pesterer_ = std::thread([this] {
      while (!over_) {
        ::pthread_kill(pestered_, SIGUSR1);
        std::this_thread::sleep_for(1ms);
      }
    });
  }
  ~Pestered() {
    over_ = true;
    pesterer_.join();
    ::sigaction(SIGUSR1, &before_, nullptr);
  }

 private:
  struct sigaction before_ {};
  const pthread_t pestered_ = ::pthread_self();
  std::atomic<bool> over_{false};
  std::thread pesterer_;
};

/// `call` says not_ready, not before 20 ms have passed, though signals came meanwhile.
template <class F>
void waits_in_spite_of_signals(F call) {
  for (const int seen = signals_seen; signals_seen == seen;) {  // on a busy machine none may come in 20 ms
    const auto begin = std::chrono::steady_clock::now();
    FAILS(call(), Errc::not_ready);
    BOOST_CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(signals_neither_end_a_wait_nor_begin_it_anew) {
  auto link = Numbers::open({.capacity = 2});
  auto parent = link.parent();
  auto child = link.child();
  const Pestered pestered;
  waits_in_spite_of_signals([&] { return child.receive_for(20ms); });
  waits_in_spite_of_signals([&] { return child.receive_for(20ms, nothing); });
  int sent = 0;
  while (parent.try_send({}, sent)) ++sent;
  waits_in_spite_of_signals([&] { return parent.send_for(20ms, {}, sent); });
  if_joinable(parent, [](auto& one) { waits_in_spite_of_signals([&] { return one.join_for(20ms); }); });
  for (int number = 0; number < sent; ++number) BOOST_REQUIRE(number_in(child.receive_for(soon).value()) == number);
}

BOOST_AUTO_TEST_CASE(not_ready_loses_nothing_and_reorders_nothing) {
  auto link = Numbers::open({.capacity = 6});
  auto parent = link.parent();
  auto child = link.child();
  std::optional<Numbers>
      another;  // shown every second one only, so that what goes to the end instead of its place is seen
  if constexpr (promises.many_to_many) another.emplace(link.child({.which = Shown::mine}));
  Numbers& refuses = another ? *another : child;
  int sent = 0;
  while (sent < 100 && parent.try_send({.sender = ProcessId(sent % 2 == 0 ? 1 : refuses.id().pid)}, sent)) {
    ++sent;
    FAILS(refuses.try_receive(nothing), Errc::not_ready);
  }
  FAILS(refuses.receive_for(1ms, nothing), Errc::not_ready);
  for (int number = 0; number < sent; ++number) BOOST_REQUIRE(number_in(child.try_receive().value()) == number);
  FAILS(child.try_receive(), Errc::not_ready);
}

// ---- ends ----

BOOST_AUTO_TEST_CASE(before_its_parent_was_ever_made_a_child_waits) {
  auto link = Numbers::open();
  auto child = link.child();
  FAILS(child.try_receive(), Errc::not_ready);
  FAILS(child.receive_for(5ms), Errc::not_ready);
  auto parent = link.parent();
  parent.send({}, 1).value();
  BOOST_CHECK((next(1, child) == std::vector{1}));
}

BOOST_AUTO_TEST_CASE(closed_is_told_when_nothing_is_left_that_the_predicate_accepts) {
  auto link = Numbers::open();
  std::optional<Numbers> parent(link.parent());
  auto child = link.child();
  for (int number = 0; number < 2; ++number) parent->send({}, number).value();
  parent.reset();
  FAILS(child.receive_for(soon, nothing), Errc::closed);
  BOOST_CHECK(number_in(child.receive_for(soon, only(1)).value()) == 1);
  FAILS(child.receive_for(soon, only(1)), Errc::closed);
  BOOST_CHECK((next(1, child) == std::vector{0}));
  FAILS(child.receive_for(soon), Errc::closed);
}

BOOST_AUTO_TEST_CASE(what_another_holds_and_this_endpoint_would_not_take_does_not_keep_it_open) {
  if constexpr (promises.many_to_many) {
    auto link = Numbers::open();
    std::optional<Numbers> parent(link.parent({.which = Shown::mine}));
    auto child = link.child({.which = Shown::mine});
    std::atomic<pid_t> holder{0};
    std::atomic<int> step{0};
    std::thread holds([&] {
      auto inbox = link.child({.which = Shown::mine});
      holder = inbox.id().pid;
      holder.notify_one();
      const auto message = inbox.receive_for(soon).value();
      step = 1, step.notify_one();
      step.wait(1);
    });
    holder.wait(0);
    parent->send({.recipient = holder.load()}, 1).value();
    step.wait(0);
    parent.reset();
    FAILS(child.receive_for(soon), Errc::closed);
    step = 2, step.notify_one();
    holds.join();
  }
}

BOOST_AUTO_TEST_CASE(while_nobody_has_come_yet_a_full_channel_is_not_closed) {
  if constexpr (promises.many_to_many) {
    auto link = Numbers::open({.capacity = 1});
    auto parent = link.parent();
    parent.send({}, 1).value();
    FAILS(parent.try_send({}, 2), Errc::not_ready);
    FAILS(parent.send_for(5ms, {}, 2), Errc::not_ready);
    auto child = link.child();
    BOOST_CHECK((next(1, child) == std::vector{1}));
    parent.send({}, 2).value();
  }
}

BOOST_AUTO_TEST_CASE(join_waits_for_who_is_alive_and_does_not_take_it_and_for_who_has_not_come_yet) {
  auto link = Numbers::open();
  auto parent = link.parent();
  if_joinable(parent, [&](auto& one) {
    one.send({}, 1).value();
    FAILS(one.join_for(5ms), Errc::not_ready);  // nobody has come yet
    auto child = link.child();
    FAILS(one.join_for(5ms), Errc::not_ready);
    FAILS(child.try_receive(nothing), Errc::not_ready);
    FAILS(one.join_for(5ms), Errc::not_ready);
    BOOST_CHECK((next(1, child) == std::vector{1}));
    one.join_for(soon).value();
  });
}

// Found by random scripts: seen first by empty() while another held it, it was not seen again when it came back.
BOOST_AUTO_TEST_CASE(what_empty_saw_held_is_received_when_it_has_come_back) {
  if constexpr (promises.many_to_many) {
    auto link = Numbers::open();
    auto parent = link.parent();
    auto child = link.child();
    child.send({}, 1).value();
    try {
      const auto held = child.receive_for(soon).value();
      BOOST_CHECK(parent.empty());
      throw 1;
    } catch (int) {
    }
    BOOST_CHECK(!parent.empty());
    const auto again = parent.try_receive();
    BOOST_CHECK(again && again->attempt() == 2);
  }
}

BOOST_AUTO_TEST_CASE(a_second_live_parent_is_refused_until_the_first_is_gone) {
  if constexpr (promises.many_to_many) {
    auto link = Numbers::open();
    std::optional<Numbers> first(link.parent());
    BOOST_CHECK_THROW((void)link.parent(), std::system_error);
    first->close().value();
    BOOST_CHECK_THROW((void)link.parent(), std::system_error);  // closed, it still receives
    first.reset();
    auto second = link.parent();
    auto child = link.child();
    second.send({}, 2).value();
    BOOST_CHECK((next(1, child) == std::vector{2}));
  }
}

// What ThreadSanitizer is shown: threads that take part in one channel come and go, refuse, fail, give back, answer and finish at
// one time, with bodies that lie in a slot and others that do not.
BOOST_AUTO_TEST_CASE(threads_take_part_in_all_ways_at_once) {
  if constexpr (promises.many_to_many) {
    struct Large {
      int number;
      char rest[6000];
    };
    constexpr int jobs = 120, most_on_their_way = 6;
    const auto number_of = [](const View& seen) {
      const auto small = seen.body<int>();
      return small ? *small : seen.body<Large>().value().number;
    };
    const auto send = [](Numbers& from, ProcessId to, int number) {
      const Header how{.recipient = to};
      (number % 2 == 0 ? from.send_for(soon, how, number) : from.send_for(soon, how, Large{number, {}})).value();
    };
    auto link = Numbers::open({.capacity = 8, .max_body_bytes = sizeof(Large)});
    auto parent = link.parent({.which = Shown::mine});
    std::array<std::atomic<bool>, jobs> given_back{};
    const auto work = [&, to = parent.id()] {
      // The next comes before the last goes: were all three workers between two, the parent would be told that they are gone.
      for (auto inbox = link.child({.which = Shown::mine});; inbox = link.child({.which = Shown::mine})) {
        for (int calls = 0; calls < 20; ++calls) {
          int refuses = calls % 3;
          const Wanted choosy = [&](const View& seen) { return number_of(seen) < 0 || refuses-- <= 0; };
          try {
            auto job = inbox.receive_for(2ms, choosy);
            if (job.error() == Errc::closed) return;
            if (!job) continue;
            const int number = number_of(*job);
            if (number % 5 == 0 && job->attempt() == 1) throw number;
            if (number % 7 == 0 && !given_back[static_cast<std::size_t>(number)].exchange(true)) {
              job->give_back().value();
            } else {
              send(inbox, to, number);
              job->done().value();
            }
          } catch (int) {
          }
        }
      }
    };
    std::array workers{std::thread(work), std::thread(work), std::thread(work)};
    std::vector<int> answers;
    for (int number = 0; number < jobs + most_on_their_way; ++number) {
      if (number < jobs) send(parent, anyone, number);
      if (number >= most_on_their_way) answers.push_back(number_of(parent.receive_for(soon).value()));
    }
    if_joinable(parent, [](auto& one) { one.join_for(soon).value(); });
    parent.close().value();
    for (auto& worker : workers) worker.join();
    std::sort(answers.begin(), answers.end());
    std::vector<int> each(jobs);
    std::iota(each.begin(), each.end(), 0);
    BOOST_CHECK(answers == each);
  }
}
