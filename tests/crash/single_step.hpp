#pragma once
/// Runs one operation of a child process instruction by instruction, or up to any of them, and kills it there.
///
/// The operation is bracketed by breakpoints, so that only it is stepped. A system call counts as one instruction; one
/// that blocks is a point of its own, at which the caller may do something that wakes it. For x86-64.
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

/// Instead of the C library's: one step, a system call. The kernel's own reading of the clock in user space begins anew with
/// each tick, and stepped on a busy machine it never ends.
extern "C" __attribute__((used)) inline int clock_gettime(clockid_t clock, timespec* to) noexcept {
  return static_cast<int>(::syscall(SYS_clock_gettime, clock, to));
}

namespace mulproc::tests {

inline void breakpoint() { asm volatile("int3" ::: "memory"); }

/// Waits for a child to end, or with WUNTRACED to stop, whatever interrupts. The status of waitpid.
inline int wait_for_child(pid_t pid, int flags = 0) {
  int status = 0;
  while (::waitpid(pid, &status, flags) < 0) {
    if (errno != EINTR) throw std::system_error(errno, std::system_category(), "waitpid");
  }
  return status;
}

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

  /// The address of the instruction it executes next.
  std::uintptr_t at() const {
    return static_cast<std::uintptr_t>(::ptrace(PTRACE_PEEKUSER, pid_, offsetof(user, regs.rip), nullptr));
  }
  /// On, unstepped, to where it comes to this instruction for the `visits`-th time; where it stands now counts. Taken: it
  /// is there. After `blocked` call it again. Address 0 is never come to.
  Step run_to(std::uintptr_t address, std::size_t& visits) {
    if (!blocked_ && !planted_ && at() == address && --visits == 0) return Step::taken;
    while (true) {
      if (!planted_) {
        while (blocked_ || at() == address) {
          if (const Step one = step(); one != Step::taken) return one;
        }
        plant(address);
      }
      if (!blocked_) require(::ptrace(PTRACE_CONT, pid_, nullptr, nullptr) == 0, "PTRACE_CONT");
      blocked_ = !stops_soon();
      if (blocked_) return Step::blocked;
      unplant(address);
      if (at() != address + 1) return Step::finished;
      require(::ptrace(PTRACE_POKEUSER, pid_, offsetof(user, regs.rip), address) == 0, "setting the instruction pointer");
      if (--visits == 0) return Step::taken;
    }
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
    wait_for_child(pid_);
    pid_ = 0;
  }

 private:
  static void require(bool ok, const char* what) {
    if (!ok) throw std::runtime_error(std::string("single-stepping: ") + what);
  }
  int stopped_by() {
    const int status = wait_for_child(pid_);
    if (!WIFSTOPPED(status)) pid_ = 0;
    return WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
  }
  /// A breakpoint of ours, in the child's own copy of the page.
  void plant(std::uintptr_t address) {
    planted_ = true;
    if (address == 0) return;
    errno = 0;
    instead_ = ::ptrace(PTRACE_PEEKTEXT, pid_, address, nullptr);
    require(errno == 0, "reading an instruction");
    require(::ptrace(PTRACE_POKETEXT, pid_, address, (instead_ & ~0xFFL) | 0xCC) == 0, "writing a breakpoint");
  }
  void unplant(std::uintptr_t address) {
    planted_ = false;
    if (address != 0) require(::ptrace(PTRACE_POKETEXT, pid_, address, instead_) == 0, "taking a breakpoint back");
  }
  /// Says false when it is in a system call that waits, however busy the machine is.
  bool stops_soon() {
    static Ticks ticks;
    int status = 0;
    while (true) {
      const bool sleeps = sleeps_in_the_kernel();  // looked at first: a stop it made before is there
      const pid_t who = ::waitpid(pid_, &status, sleeps ? WNOHANG : 0);
      if (who == pid_) {
        if (!WIFSTOPPED(status)) pid_ = 0;
        require(WIFSTOPPED(status), "the child ended in the middle of its operation");
        return true;
      }
      if (sleeps) return false;
      looks_closer_ = true;  // EINTR: a tick went by
    }
  }
  bool sleeps_in_the_kernel() {
    if (!std::exchange(looks_closer_, false)) return false;
    std::ifstream stat("/proc/" + std::to_string(pid_) + "/stat");
    std::string line;
    std::getline(stat, line);
    const auto name_ends = line.rfind(')');
    return name_ends != line.npos && line[name_ends + 2] == 'S';
  }
  /// Interrupts whatever waits, every few milliseconds.
  struct Ticks {
    Ticks() {
      struct sigaction quiet {};
      quiet.sa_handler = [](int) {};  // without SA_RESTART
      ::sigaction(SIGUSR1, &quiet, nullptr);
      sigevent event{};
      event.sigev_notify = SIGEV_SIGNAL;
      event.sigev_signo = SIGUSR1;
      timer_t timer;
      const itimerspec every{{0, 4'000'000}, {0, 4'000'000}};
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
  long instead_ = 0;  // what a planted breakpoint stands in for
  bool blocked_ = false, planted_ = false, looks_closer_ = false;
};

}  // namespace mulproc::tests
