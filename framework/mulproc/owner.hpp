#pragma once
/// To which process and thread a thing belongs. Robust locks and client libraries do not survive a fork, and robust
/// locks belong to threads; so every endpoint remembers its owner and is inert anywhere else.
#include <pthread.h>
#include <unistd.h>

#include <cstdint>
#include <mulproc/result.hpp>

namespace mulproc {

/// Counts the forks between the first process and this one, and remembers this thread's id, without a system call.
class ForkWatch {
 public:
  static std::uint64_t generation() noexcept { return generation_; }
  static pid_t this_thread_id() noexcept {
    if (thread_ == 0) thread_ = ::gettid();
    return thread_;
  }

 private:
  struct Registration {
    Registration() {
      ::pthread_atfork(nullptr, nullptr, [] {
        ++generation_;
        thread_ = 0;
      });
    }
  };
  // Changed only in a child just forked, which has one thread yet: no atomic needed.
  static inline std::uint64_t generation_ = 1;
  static inline thread_local pid_t thread_ = 0;
  static inline const Registration registration_{};
};

class Owner {
 public:
  Owner() noexcept : generation_(ForkWatch::generation()), thread_(ForkWatch::this_thread_id()) {}

  /// Fails:   stale in a process that forked off since; wrong_thread in another thread.
  Result<> check() const noexcept {
    if (!in_this_process()) return Errc::stale;
    if (thread_ != ForkWatch::this_thread_id()) return Errc::wrong_thread;
    return {};
  }
  bool in_this_process() const noexcept { return generation_ == ForkWatch::generation(); }
  bool is_me() const noexcept { return in_this_process() && thread_ == ForkWatch::this_thread_id(); }
  /// Another thread has it now. A process that forked off has a copy of its own instead.
  bool is_elsewhere() const noexcept { return in_this_process() && !is_me(); }
  pid_t thread() const noexcept { return thread_; }

 private:
  std::uint64_t generation_;
  pid_t thread_;
};

}  // namespace mulproc
