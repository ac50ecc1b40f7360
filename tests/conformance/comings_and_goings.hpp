#pragma once
/// Who is woken when somebody comes, goes or dies, while nobody finds anything out by looking: a wait that should have been ended
/// lasts until the watchdog. For the transports in shared memory. A child's checks are its exit code.
#include <sched.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/shared_memory/participants.hpp>
#include <string>

namespace mulproc::tests {

/// Blocked in futex(2) or futex_waitv.
inline void wait_until_asleep(pid_t process) {
  for (std::string number; number != "202" && number != "449"; ::sched_yield()) std::ifstream("/proc/" + std::to_string(process) + "/syscall") >> number;
}
/// How often it went to sleep, or was asked to.
inline long naps(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string word; status >> word;) {
    if (word == "voluntary_ctxt_switches:") return status >> word, std::stol(word);
  }
  return -1;
}

/// While it lives; in the children made meanwhile too.
class NobodyLooks {
 public:
  enum class Neighbours { watched, not_watched };
  explicit NobodyLooks(Neighbours which) {
    using shared_memory::Participants;
    Participants::look_every = std::chrono::hours(1);
    if (which == Neighbours::not_watched) Participants::neighbours = 0;
  }
  ~NobodyLooks() {
    using shared_memory::Participants;
    Participants::look_every = std::chrono::milliseconds(100);
    Participants::neighbours = Participants::most_neighbours;
  }
};

template <class T>
using Numbered = Channel<T, serializer::trivially_copyable, routing::addressed_to_me>;

template <class C>
void until_the_pill(C& inbox) {
  while (inbox.receive().value().request() != request::DIE) {
  }
}
/// What any call says at the end; 0 when it is `expected`.
template <class R>
int unless(Errc expected, const R& result) {
  return !result && result.error() == expected ? 0 : 1;
}

template <class T>
void who_sleeps_sleeps_on_while_others_come_and_go() {
  using C = Numbered<T>;
  const NobodyLooks nobody_looks(NobodyLooks::Neighbours::watched);
  auto link = C::open();
  auto parent = link.parent();
  auto child = spawn(link, until_the_pill<C>);
  const auto first = link.child(), second = link.child();  // they stand between the child and the guests, whose deaths concern them
  wait_until_asleep(child.id().pid);
  const long before = naps(child.id().pid);
  constexpr int guests = 100;
  for (int i = 0; i < guests; ++i) {
    {
      const auto guest = link.child();
      wait_until_asleep(child.id().pid);
    }
    wait_until_asleep(child.id().pid);
  }
  BOOST_TEST(before > 0);
  BOOST_TEST(naps(child.id().pid) - before < guests / 4);
  parent.send({.request = request::DIE, .recipient = child.id()}).value();  // and hears of what is for it
  BOOST_TEST(child.wait().code == 0);
}

template <class T>
void whose_wait_is_over_when_the_last_one_goes_hears_of_it() {
  using C = Numbered<T>;
  const NobodyLooks nobody_looks(NobodyLooks::Neighbours::not_watched);
  // Where there are a neighbour and a next, they hear of it in any case, for they watched who went.
  {  // receiving children, when the parent goes
    auto link = C::open();
    auto parent = std::make_optional(link.parent());
    auto one = spawn(link, [](C& inbox) { return unless(Errc::closed, inbox.receive()); });
    auto other = spawn(link, [](C& inbox) { return unless(Errc::closed, inbox.receive()); });
    const auto neighbour = link.child(), next = link.child();
    for (auto* each : {&one, &other}) wait_until_asleep(each->id().pid);
    parent.reset();
    BOOST_TEST((one.wait().code == 0 && other.wait().code == 0));
  }
  {  // a receiving parent, when the last child sends no more
    auto link = C::open();
    auto first = link.child(), last = link.child();
    auto parent = spawn([&] {
      auto end = link.parent();
      return unless(Errc::closed, end.receive());
    });
    wait_until_asleep(parent.id().pid);
    auto neighbour = link.child(), next = link.child();
    wait_until_asleep(parent.id().pid);
    for (auto* each : {&first, &neighbour, &next, &last}) each->close().value();
    BOOST_TEST(parent.wait().code == 0);
  }
  {  // a sending child, when it is left alone with a full channel
    auto link = C::open({.capacity = 1});
    auto parent = std::make_optional(link.parent());
    auto sender = spawn(link, [id = parent->id()](C& outbox) {
      while (auto sent = outbox.send({.recipient = id})) {
      }
      return unless(Errc::closed, outbox.send({.recipient = id}));
    });
    wait_until_asleep(sender.id().pid);
    parent.reset();
    BOOST_TEST(sender.wait().code == 0);
  }
  {  // who waits for what another holds, when that one finishes it and goes
    auto link = C::open();
    auto holder = std::make_optional(link.child());
    auto parent = spawn([&] {
      auto end = link.parent();
      end.send({.recipient = anyone}).value();
      end.receive().value();
    });
    auto held = std::make_optional(holder->receive().value());
    auto waiter = spawn(link, [](C& inbox) { return unless(Errc::closed, inbox.receive()); });
    const auto neighbour = link.child(), next = link.child();
    holder->send({.recipient = parent.id()}).value();
    parent.wait();
    wait_until_asleep(waiter.id().pid);
    held->done().value();
    held.reset();
    holder.reset();
    BOOST_TEST(waiter.wait().code == 0);
  }
  {  // who joins, when nobody is left who could take what remains
    auto link = C::open();
    auto only = std::make_optional(link.child());
    auto parent = spawn([&] {
      auto end = link.parent();
      end.send({.recipient = anyone}).value();
      return unless(Errc::abandoned, end.join());
    });
    wait_until_asleep(parent.id().pid);
    only.reset();
    BOOST_TEST(parent.wait().code == 0);
  }
}

/// `naps_at_first`: until it sleeps for as long as nothing happens.
template <class T>
void who_fell_asleep_before_another_came_hears_of_his_death(long naps_at_first) {
  using C = Numbered<T>;
  const NobodyLooks nobody_looks(NobodyLooks::Neighbours::watched);
  auto link = C::open();
  auto parent = link.parent();
  auto sleeper = spawn(link, until_the_pill<C>);
  while (naps(sleeper.id().pid) < naps_at_first) ::sched_yield();
  wait_until_asleep(sleeper.id().pid);
  auto guest = spawn(link, [](C&) { ::pause(); });
  shared_memory::Participants::neighbours = 0;  // here: it shall be the sleeper who notices
  auto next_death = [&, known = std::uint32_t{0}]() mutable {
    const auto before = known;
    (void)parent.receive_or_death(Deadline::after(std::chrono::milliseconds(1)), known);
    return known != before;
  };
  while (next_death()) {  // none yet, but the first look is due
  }
  wait_until_asleep(sleeper.id().pid);
  guest.kill(SIGKILL);
  while (!next_death()) {
  }
  parent.send({.request = request::DIE, .recipient = sleeper.id()}).value();
  BOOST_TEST(sleeper.wait().code == 0);
}

}  // namespace mulproc::tests
