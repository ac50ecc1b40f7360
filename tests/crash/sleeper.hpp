#pragma once
/// A process that attaches, goes to sleep in one call, and says when that returned.
#include <poll.h>

#include <array>

#include "single_step.hpp"

namespace mulproc::tests {

/// Blocked in futex(2) or futex_waitv. One that was woken is running, whether or not it has run yet.
inline bool is_asleep(pid_t pid) {
  std::ifstream call("/proc/" + std::to_string(pid) + "/syscall");
  std::string number;
  return call >> number && (number == std::to_string(SYS_futex) || number == "449");
}

class Sleeper {
 public:
  /// Runs `before` and `falls_asleep` in a process of its own; returns when that sleeps.
  template <class C>
  Sleeper(typename C::Link& link, const std::function<void(C&)>& before, const std::function<void(C&)>& falls_asleep) {
    if (::pipe(report_.data()) != 0) throw std::system_error(errno, std::system_category(), "pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      C me = link.child();
      before(me);
      falls_asleep(me);
      const bool told = ::write(report_[1], "w", 1) == 1;
      ::pause();  // what it took stays held
      ::_exit(told ? 0 : 1);
    }
    sleeps_again();
  }
  Sleeper(const Sleeper&) = delete;
  ~Sleeper() {
    kill();
    for (const int end : report_) ::close(end);
  }

  /// Somebody else's coming wakes whoever sleeps; returns when this one has looked and sleeps again.
  void sleeps_again() const {
    while (!is_asleep(pid_)) ::sched_yield();
  }
  /// From now on it sleeps whoever wakes it.
  void stop() const {
    ::kill(pid_, SIGSTOP);
    wait_for_child(pid_, WUNTRACED);
  }
  /// Says whether it comes back, once all that could wake it has happened: false when it is still, or again, asleep.
  bool woke() const {
    while (true) {
      pollfd report{report_[0], POLLIN, 0};
      const bool sleeps = is_asleep(pid_);  // looked at first: a report made before it slept is there
      if (::poll(&report, 1, 0) == 1) return true;
      if (sleeps) return false;
      ::sched_yield();
    }
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait_for_child(pid_);
    pid_ = 0;
  }

 private:
  std::array<int, 2> report_{};
  pid_t pid_ = 0;
};

}  // namespace mulproc::tests
