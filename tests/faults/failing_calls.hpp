#pragma once
/// Runs one operation of a child process and lets its k-th system call fail, without the kernel doing it.
///
/// The operation is bracketed by breakpoints; what comes before and after it is left alone.
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <stdexcept>

namespace mulproc::tests {

inline void breakpoint() { asm volatile("int3" ::: "memory"); }

/// What of all calls can fail, and in that way. A call that takes something away (close, munmap) is never asked twice, and
/// what the C library's own locks answer to anything but EINTR and EAGAIN is abort().
inline bool can_fail(long call, int error) {
  switch (call) {
    case SYS_close: case SYS_munmap: case SYS_unlink: case SYS_exit: case SYS_exit_group: case SYS_rt_sigreturn: case SYS_rt_sigprocmask:
    case SYS_rt_sigaction: case SYS_getpid: case SYS_gettid: case SYS_geteuid: case SYS_getuid: case SYS_set_robust_list: case SYS_rseq:
    case SYS_clock_gettime: case SYS_tgkill: case SYS_pidfd_send_signal: case SYS_rt_sigpending: case SYS_rt_sigtimedwait:
      return false;
    case SYS_brk: case SYS_getppid: return false;  // they have no errors
    case SYS_flock: return error != EAGAIN;      // its word for "somebody holds the lock"
    case SYS_futex: return error == EINTR || error == EAGAIN;
    case 449: return error != ENOSPC && error != EMFILE;  // futex_waitv
    case SYS_mmap: case SYS_mprotect: case SYS_clone: case SYS_clone3: case SYS_fork: return error != EINTR && error != ENOSPC && error != EMFILE;
    default: return true;
  }
}

struct Fault {
  long call = -1;  ///< the number of the system call that failed; -1: the operation had no k-th one
  int status = 0;  ///< as waitpid gives it
};

/// `child` calls breakpoint() before and after the operation, and leaves by _exit.
inline Fault run_with_fault(const std::function<void()>& child, int k, int error) {
  const auto require = [](bool ok, const char* what) {
    if (!ok) throw std::runtime_error(std::string("failing system calls: ") + what);
  };
  const pid_t pid = ::fork();
  require(pid >= 0, "fork");
  if (pid == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    child();
    ::_exit(98);
  }
  Fault fault;
  const auto wait = [&] {
    while (::waitpid(pid, &fault.status, 0) < 0 && errno == EINTR) {
    }
    return WIFSTOPPED(fault.status);
  };
  require(wait(), "the child does not let itself be traced (ptrace refused?)");
  require(::ptrace(PTRACE_SETOPTIONS, pid, nullptr, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD) == 0, "PTRACE_SETOPTIONS");
  auto go_on = PTRACE_CONT;
  long signal = 0;
  bool inside = false, failing = false;
  while (::ptrace(go_on, pid, nullptr, signal) == 0 && wait()) {
    signal = 0;
    const int stop = WSTOPSIG(fault.status);
    if (stop == SIGTRAP) {
      go_on = go_on == PTRACE_CONT && !inside ? PTRACE_SYSCALL : PTRACE_CONT;  // the second breakpoint: the rest is left alone
      inside = true;
    } else if (stop == (SIGTRAP | 0x80)) {
      __ptrace_syscall_info info{};
      require(::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) > 0, "PTRACE_GET_SYSCALL_INFO");
      user_regs_struct registers{};
      if (info.op == PTRACE_SYSCALL_INFO_ENTRY && can_fail(static_cast<long>(info.entry.nr), error) && --k == 0) {
        fault.call = static_cast<long>(info.entry.nr);
        require(::ptrace(PTRACE_GETREGS, pid, nullptr, &registers) == 0, "PTRACE_GETREGS");
        registers.orig_rax = static_cast<unsigned long long>(-1);  // no such call
        require(::ptrace(PTRACE_SETREGS, pid, nullptr, &registers) == 0, "PTRACE_SETREGS");
        failing = true;
      } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && failing) {
        require(::ptrace(PTRACE_GETREGS, pid, nullptr, &registers) == 0, "PTRACE_GETREGS");
        registers.rax = static_cast<unsigned long long>(-error);
        require(::ptrace(PTRACE_SETREGS, pid, nullptr, &registers) == 0, "PTRACE_SETREGS");
        failing = false;
      }
    } else {
      signal = stop;
    }
  }
  return fault;
}

}  // namespace mulproc::tests
