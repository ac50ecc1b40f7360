#pragma once
/// Who sleeps and what wakes him, over any transport that survives.
#include "scenarios.hpp"
#include "sleeper.hpp"

namespace mulproc::tests {

template <class C>
struct WakeUp {
  std::string name;
  std::function<void(C&)> sleeper_before, falls_asleep;
  std::function<void(Stage<C>&)> before, operation;  // of who wakes him
  std::function<bool(C& parent)> is_due;             // asked when the sleeper is dead: was there a reason to wake?
  bool of_the_parents = false;                       // the parent's message 0 waits when they come
  bool by_death = false;                             // it is the waker's end that wakes
};

template <class C>
std::vector<WakeUp<C>> wake_ups() {
  const auto nothing = [](C&) {};
  const auto receive = [](C& me) { static auto message = me.receive().value(); };
  const auto fill = [](C& me) {
    for (int i = 0; i < capacity; ++i) me.send({}, i).value();
  };
  const auto attach = [](Stage<C>& stage) { stage.attach(); };
  const auto hold_the_first = [](Stage<C>& stage) { stage.attach(), stage.take(0); };
  const auto done = [](Stage<C>& stage) { stage.held[0].done().value(); };
  return {{"send wakes a receiver", nothing, receive, attach, [](Stage<C>& stage) { stage.child->send({}, victims_number).value(); },
           [](C& parent) { return !parent.empty(); }},
          {"give back wakes a receiver", nothing, receive, hold_the_first, [](Stage<C>& stage) { stage.held[0].give_back().value(); },
           [](C& parent) { auto back = parent.try_receive(); return back && back->attempt() == 1; }, true},
          {"death wakes a receiver", nothing, receive, hold_the_first, [](Stage<C>& stage) { (void)stage.child->id(); },
           [](C& parent) { auto back = parent.try_receive(); return back && back->attempt() > 1; }, true, true},
          {"done wakes a sender", fill, [](C& me) { me.send({}, wakers_number).value(); }, hold_the_first, done,
           [](C& parent) { return parent.unfinished() < capacity; }},
          {"done wakes a joiner", [](C& me) { me.send({}, 0).value(); }, [](C& me) { me.join().value(); }, hold_the_first, done,
           [](C& parent) { return parent.unfinished() == 0; }}};
}

/// Nobody looks by himself, nor is woken by time. A transport that commits before it wakes needs the death of who did not
/// come to wake; one that wakes before needs it where a death itself is to wake.
template <class T>
void only_others_wake(bool by_death) {
  using shared_memory::Participants;
  look_for_deaths_every<T>(std::chrono::hours(1));
  constexpr bool commits_before_it_wakes = requires { T::Store::unfenced_sleep; };
  if constexpr (commits_before_it_wakes) T::Store::unfenced_sleep = std::chrono::milliseconds(0);
  Participants::neighbours = by_death || commits_before_it_wakes ? Participants::most_neighbours : 0;
}

/// A process that is told to do its part, and does it.
class Waker {
 public:
  Waker(const std::function<void()>& before, const std::function<void()>& part) {
    if (::pipe(report_.data()) != 0) throw std::system_error(errno, std::system_category(), "pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      before();
      ::raise(SIGSTOP);
      part();
      const bool told = ::write(report_[1], "w", 1) == 1;
      ::pause();
      ::_exit(told ? 0 : 1);
    }
    ::close(report_[1]);
    if (!WIFSTOPPED(wait_for_child(pid_, WUNTRACED))) throw std::runtime_error("who was to wake ended before");
  }
  Waker(const Waker&) = delete;
  ~Waker() {
    ::kill(pid_, SIGKILL);
    wait_for_child(pid_);
    ::close(report_[0]);
  }
  /// Returns when the part is done, or waits for a lock.
  void act() const {
    ::kill(pid_, SIGCONT);
    while (!has_acted() && !is_asleep(pid_)) ::sched_yield();
  }
  /// Or is dead, whose end of the pipe is closed after the kernel has told of it.
  bool has_acted() const {
    pollfd report{report_[0], POLLIN, 0};
    return ::poll(&report, 1, 0) == 1;
  }
  /// Says whether it gets there, once all that could wake it has happened.
  bool acts_in_the_end() const {
    while (true) {
      const bool sleeps = is_asleep(pid_);  // looked at first
      if (has_acted()) return true;
      if (sleeps) return false;
      ::sched_yield();
    }
  }
  pid_t pid() const { return pid_; }

 private:
  std::array<int, 2> report_{};
  pid_t pid_ = 0;
};

}  // namespace mulproc::tests
