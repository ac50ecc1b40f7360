#pragma once
/// Counts the system calls of a piece of code: a child runs it, and its parent stops it at each call (ptrace(2)).
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <system_error>
#include <utility>

namespace mulproc::costs {

/// Numbers no kernel has: asking for one says which phase begins, and does nothing else.
enum class Phase : long { rests = 100'000, sends, receives };

/// body(sends, receives, rests) calls these where a phase begins. The calls made in the phases `sends` and `receives`.
template <class F>
std::pair<std::size_t, std::size_t> count_system_calls(F body) {
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::system_category(), "fork");
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    const auto begins = [](Phase phase) { return [phase] { ::syscall(static_cast<long>(phase)); }; };
    int code = 0;
    try {
      body(begins(Phase::sends), begins(Phase::receives), begins(Phase::rests));
    } catch (...) {
      code = 1;
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  std::size_t in_send = 0, in_receive = 0;
  auto phase = Phase::rests;
  int signal = 0;
  while (::ptrace(PTRACE_SYSCALL, child, nullptr, signal) == 0 && ::waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
    signal = WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);
    __ptrace_syscall_info call{};
    if (signal != 0 || ::ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof call, &call) <= 0 || call.op != PTRACE_SYSCALL_INFO_ENTRY) continue;
    if (call.entry.nr >= static_cast<long>(Phase::rests) && call.entry.nr <= static_cast<long>(Phase::receives)) {
      phase = static_cast<Phase>(call.entry.nr);
    } else if (phase != Phase::rests) {
      ++(phase == Phase::sends ? in_send : in_receive);
    }
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("the child whose system calls were counted ended badly");
  return {in_send, in_receive};
}

}  // namespace mulproc::costs
