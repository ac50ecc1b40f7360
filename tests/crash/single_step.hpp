#pragma once
/// Runs one operation of a child process instruction by instruction, and kills it after any of them.
///
/// The operation is bracketed by breakpoints, so that only it is stepped. A system call counts as one instruction; one
/// that blocks is a point of its own, at which the caller may do something that wakes it.
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace mulproc::tests {

inline void breakpoint() { asm volatile("int3" ::: "memory"); }

/// Who sets the breakpoints: we, around the operation, or the operation itself, somewhere within.
enum class Brackets { around, within };

class SingleStep {
 public:
  /// Forks a child that runs `before`, a breakpoint, `operation`, a breakpoint; it stands at the first one.
  SingleStep(const std::function<void()>& before, const std::function<void()>& operation, Brackets brackets) {
    pid_ = ::fork();
    require(pid_ >= 0, "fork");
    if (pid_ == 0) {
      ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
      ::raise(SIGSTOP);
      try {
        before();
        if (brackets == Brackets::around) breakpoint();
        operation();
        if (brackets == Brackets::around) breakpoint();
      } catch (...) {
        ::_exit(99);
      }
      ::_exit(0);
    }
    require(stopped_by() == SIGSTOP, "the child does not let itself be traced (ptrace refused?)");
    require(::ptrace(PTRACE_SETOPTIONS, pid_, nullptr, PTRACE_O_EXITKILL) == 0, "PTRACE_O_EXITKILL");
    require(::ptrace(PTRACE_CONT, pid_, nullptr, nullptr) == 0, "PTRACE_CONT");
    require(stopped_by() == SIGTRAP, "the child ended before its operation began");
    std::size_t size = 0;
    require(::syscall(SYS_get_robust_list, pid_, &robust_list_, &size) == 0, "get_robust_list");
    shared_ = shared_mappings();
  }
  SingleStep(const SingleStep&) = delete;
  ~SingleStep() { kill(); }

  enum class Step { taken, blocked, finished };

  /// One instruction on. Finished: the second breakpoint is reached, the operation is complete.
  Step step() {
    if (!blocked_) require(::ptrace(PTRACE_SINGLESTEP, pid_, nullptr, nullptr) == 0, "PTRACE_SINGLESTEP");
    if (!stops_soon()) {
      blocked_ = true;
      return Step::blocked;
    }
    blocked_ = false;
    // After int3 the instruction pointer is one beyond it; a mere step never traps with that code.
    siginfo_t why{};
    require(::ptrace(PTRACE_GETSIGINFO, pid_, nullptr, &why) == 0, "PTRACE_GETSIGINFO");
    return why.si_code == SI_KERNEL ? Step::finished : Step::taken;
  }

  /// What of the child outlives it: the shared memory it inherited from us, and the locks the kernel would find it holding.
  std::uint64_t what_outlives_it() const {
    std::uint64_t hash = 14695981039346656037u;
    const auto mix = [&hash](std::uint64_t word) { hash = (hash ^ word) * 0x9E3779B97F4A7C15u, hash ^= hash >> 29; };
    for (const auto& [address, bytes] : shared_) {
      for (std::size_t i = 0; i < bytes / 8; ++i) mix(reinterpret_cast<const volatile std::uint64_t*>(address)[i]);
    }
    for (std::size_t word = 0; word < 3; ++word) mix(static_cast<std::uint64_t>(::ptrace(PTRACE_PEEKDATA, pid_, robust_list_ + 8 * word, nullptr)));
    return hash;
  }

  /// SIGKILL, here and now; returns when the kernel has buried it.
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
  }

 private:
  static void require(bool ok, const char* what) {
    if (!ok) throw std::runtime_error(std::string("single-stepping: ") + what);
  }
  int stopped_by() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFSTOPPED(status)) pid_ = 0;
    return WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
  }
  /// A step stops within microseconds, unless it is a system call that waits: two ticks of the clock without a stop.
  bool stops_soon() {
    static Ticks ticks;
    int status = 0;
    for (int ticked = 0; ticked < 2;) {
      const pid_t who = ::waitpid(pid_, &status, 0);
      if (who == pid_) {
        require(WIFSTOPPED(status), "the child ended in the middle of its operation");
        return true;
      }
      ++ticked;  // EINTR
    }
    return false;
  }
  /// Interrupts whatever waits, every 20 ms.
  struct Ticks {
    Ticks() {
      struct sigaction quiet {};
      quiet.sa_handler = [](int) {};  // without SA_RESTART
      ::sigaction(SIGUSR1, &quiet, nullptr);
      sigevent event{};
      event.sigev_notify = SIGEV_SIGNAL;
      event.sigev_signo = SIGUSR1;
      timer_t timer;
      const itimerspec every{{0, 20'000'000}, {0, 20'000'000}};
      require(::timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && ::timer_settime(timer, 0, &every, nullptr) == 0, "timer_create");
    }
  };

  /// The files we share with the child; a mapping of no file is the tests' own.
  static std::vector<std::pair<std::uintptr_t, std::size_t>> shared_mappings() {
    std::vector<std::pair<std::uintptr_t, std::size_t>> found;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
      if (line.find(" rw-s ") == line.npos || line.find("/dev/zero") != line.npos) continue;
      std::size_t dash = 0;
      const auto begin = std::stoul(line, &dash, 16), end = std::stoul(line.substr(dash + 1), nullptr, 16);
      found.emplace_back(begin, end - begin);
    }
    return found;
  }

  std::vector<std::pair<std::uintptr_t, std::size_t>> shared_;
  std::uintptr_t robust_list_ = 0;
  pid_t pid_ = 0;
  bool blocked_ = false;
};

}  // namespace mulproc::tests
