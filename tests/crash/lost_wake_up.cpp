// T3: who sleeps is woken by an operation whose doer is killed at any instruction. Nobody else is there to help, the look
// that every waiter takes from time to time is an hour away, and only where a death itself is to wake does it watch for one.
#include <poll.h>

#include <array>
#include <iomanip>
#include <iostream>
#include <mulproc/transport/shm_deque.hpp>

#include "scenarios.hpp"
#include "walk.hpp"

namespace mulproc::tests {

using C = Crashing<transport::shm_deque>;
using shared_memory::Participants;
using namespace std::chrono_literals;

/// A process that attaches, goes to sleep in one call, and says when that returned.
class Sleeper {
 public:
  Sleeper(C::Link& link, const std::function<void(C&)>& before, const std::function<void(C&)>& falls_asleep, bool watches_for_deaths) {
    if (::pipe(report_.data()) != 0) throw std::system_error(errno, std::system_category(), "pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      Participants::look_every = 1h;
      Participants::neighbours = watches_for_deaths ? Participants::most_neighbours : 0;
      C me = link.child();
      before(me);
      falls_asleep(me);
      const bool told = ::write(report_[1], "w", 1) == 1;
      ::pause();  // what it took stays held
      ::_exit(told ? 0 : 1);
    }
    while (!asleep()) ::sched_yield();
  }
  Sleeper(const Sleeper&) = delete;
  ~Sleeper() {
    kill();
    for (const int end : report_) ::close(end);
  }

  /// Says whether it comes back, once all that could wake it has happened: false when it is still, or again, asleep.
  bool woke() const {
    while (true) {
      pollfd report{report_[0], POLLIN, 0};
      const bool sleeps = asleep();  // looked at first: a report made before it slept is there
      if (::poll(&report, 1, 0) == 1) return true;
      if (sleeps) return false;
      ::sched_yield();
    }
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  /// Blocked in futex(2) or futex_waitv. One that was woken is running, whether or not it has run yet.
  bool asleep() const {
    std::ifstream call("/proc/" + std::to_string(pid_) + "/syscall");
    std::string number;
    return call >> number && (number == std::to_string(SYS_futex) || number == "449");
  }
  std::array<int, 2> report_{};
  pid_t pid_ = 0;
};

struct WakeUp {
  std::string name;
  std::function<void(C&)> sleeper_before, falls_asleep;
  std::function<void(Stage<C>&)> before, operation;
  std::function<bool(C& parent)> is_due;  // asked when the victim and the sleeper are dead: was there a reason to wake?
};

std::vector<WakeUp> wake_ups() {
  const auto nothing = [](C&) {};
  const auto fill = [](C& me) {
    for (int i = 0; i < capacity; ++i) me.send({}, i).value();
  };
  const auto hold_the_first = [](Stage<C>& stage) { stage.attach(), stage.take(0); };
  const auto done = [](Stage<C>& stage) { stage.held[0].done().value(); };
  return {{"send wakes a receiver", nothing, [](C& me) { static auto message = me.receive().value(); },
           [](Stage<C>& stage) { stage.attach(); }, [](Stage<C>& stage) { stage.child->send({}, victims_number).value(); },
           [](C& parent) { return !parent.empty(); }},
          {"give back wakes a receiver", nothing, [](C& me) { static auto message = me.receive().value(); },
           hold_the_first, [](Stage<C>& stage) { stage.held[0].give_back().value(); },
           [](C& parent) { auto back = parent.try_receive(); return back && back->attempt() == 1; }},
          {"death wakes a receiver", nothing, [](C& me) { static auto message = me.receive().value(); }, hold_the_first,
           [](Stage<C>& stage) { (void)stage.child->id(); }, [](C& parent) { auto back = parent.try_receive(); return back && back->attempt() > 1; }},
          {"done wakes a sender", fill, [](C& me) { me.send({}, wakers_number).value(); }, hold_the_first, done,
           [](C& parent) { return parent.unfinished() < capacity; }},
          {"done wakes a joiner", [](C& me) { me.send({}, 0).value(); }, [](C& me) { me.join().value(); }, hold_the_first, done,
           [](C& parent) { return parent.unfinished() == 0; }}};
}

int main() {
  stay_on_one_core(0);
  std::cout << "killed at each state of        states  lost wake-ups" << std::endl;
  std::size_t lost_in_all = 0;
  for (const auto& wake_up : wake_ups()) {
    std::size_t lost = 0, stops = 0;
    for (bool finished = false; !finished; ++stops) {
      ::alarm(30);
      auto link = C::open({.capacity = capacity, .max_body_bytes = 2200, .max_participants = 6});
      C parent = link.parent();
      Stage<C> stage{link, {}, {}};
      // Who waits for what the victim gives back comes when the victim holds it.
      std::optional<Sleeper> sleeper;
      const auto sleep = [&] { sleeper.emplace(link, wake_up.sleeper_before, wake_up.falls_asleep, wake_up.name.starts_with("death")); };
      const bool after_the_victim = wake_up.name.ends_with("wakes a receiver") && !wake_up.name.starts_with("send");
      if (!after_the_victim) sleep();
      if (after_the_victim) parent.send({}, 0).value();
      SingleStep victim(
          [&] {
            Participants::look_every = 1h;
            wake_up.before(stage);
          },
          [&] { wake_up.operation(stage); }, Brackets::around);
      if (after_the_victim) sleep();
      const Walk walk(victim, stops, Stop::at_each_state, {});
      victim.kill();
      finished = walk.finished;
      if (sleeper->woke()) continue;
      sleeper->kill();
      Participants::look_every = 0ms;
      (void)parent.unfinished();
      if (wake_up.is_due(parent)) ++lost;
      Participants::look_every = 1h;
    }
    std::cout << std::left << std::setw(28) << wake_up.name << std::right << std::setw(9) << stops << std::setw(15) << lost << std::endl;
    lost_in_all += lost;
  }
  return lost_in_all == 0 ? 0 : 1;
}

}  // namespace mulproc::tests

int main() { return mulproc::tests::main(); }
