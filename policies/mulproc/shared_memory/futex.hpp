#pragma once
/// One futex word, shared between processes. Condition variables have no robust form; a word and a look again do.
/// Source:  futex(2)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <mulproc/deadline.hpp>

namespace mulproc::shared_memory {

/// A deadline as the kernel's monotonic clock reads it.
inline timespec to_timespec(Deadline deadline) noexcept {
  const auto since = std::max(std::chrono::nanoseconds::zero(), std::chrono::nanoseconds(deadline.at.time_since_epoch()));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  return {static_cast<time_t>(seconds.count()), static_cast<long>((since - seconds).count())};
}

/// Sleeps while the word is `seen`, until the deadline at most. May wake early: look again.
inline void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t seen, Deadline deadline) noexcept {
  const timespec until = to_timespec(deadline);
  // BITSET: the deadline is absolute, so that an interrupted wait can be taken up again unchanged.
  ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, seen, &until, nullptr, FUTEX_BITSET_MATCH_ANY);
}

inline void futex_wake_all(std::atomic<std::uint32_t>& word) noexcept { ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0); }

}  // namespace mulproc::shared_memory
