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
  static std::uint32_t generation() noexcept { return generation_; }
  static pid_t this_thread_id() noexcept { return thread_of(this_thread()); }

  /// A number for generation and thread id; no other thread has it, here or in a process forked off.
  static std::uint64_t this_thread() noexcept {
    if (this_thread_ == 0) this_thread_ = std::uint64_t{generation_} << 32 | static_cast<std::uint32_t>(::gettid());
    return this_thread_;
  }
  /// Asks without the system call: false too where this thread's number is not known yet.
  static bool is_this_thread(std::uint64_t number) noexcept { return number == this_thread_; }
  static pid_t thread_of(std::uint64_t number) noexcept { return static_cast<pid_t>(number & 0xffffffff); }
  static std::uint32_t generation_of(std::uint64_t number) noexcept { return static_cast<std::uint32_t>(number >> 32); }

 private:
  struct Registration {
    Registration() {
      ::pthread_atfork(nullptr, nullptr, [] {
        ++generation_;
        this_thread_ = 0;
      });
    }
  };
  // Changed only in a child just forked, which has one thread yet: no atomic needed.
  static inline std::uint32_t generation_ = 1;
  static inline thread_local std::uint64_t this_thread_ = 0;
  static inline const Registration registration_{};
};

class Owner {
 public:
  /// Fails:   stale in a process that forked off since; wrong_thread in another thread.
  Result<> check() const noexcept {
    if (is_me()) return {};
    return in_this_process() ? Errc::wrong_thread : Errc::stale;
  }
  bool in_this_process() const noexcept { return ForkWatch::generation_of(owner_) == ForkWatch::generation(); }
  bool is_me() const noexcept { return ForkWatch::is_this_thread(owner_); }  // the owner's thread asked for its number when it made this
  /// Another thread has it now. A process that forked off has a copy of its own instead.
  bool is_elsewhere() const noexcept { return in_this_process() && !is_me(); }
  pid_t thread() const noexcept { return ForkWatch::thread_of(owner_); }

 private:
  std::uint64_t owner_ = ForkWatch::this_thread();
};

}  // namespace mulproc
