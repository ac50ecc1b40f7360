#pragma once
/// Futex words, shared between processes. Condition variables have no robust form; a word and a look again do.
/// Source:  futex(2), futex_waitv in the kernel's Documentation/userspace-api/futex2.rst
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <mulproc/deadline.hpp>
#include <span>

namespace mulproc::shared_memory {

/// A deadline as the kernel's monotonic clock reads it.
inline timespec to_timespec(Deadline deadline) noexcept {
  const auto since = std::max(std::chrono::nanoseconds::zero(), std::chrono::nanoseconds(deadline.at.time_since_epoch()));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  return {static_cast<time_t>(seconds.count()), static_cast<long>((since - seconds).count())};
}

/// A word and what it held when it was decided to sleep; laid out as the kernel reads it.
struct WatchedWord {
  std::uint64_t seen = 0;
  std::uint64_t address = 0;
  std::uint32_t flags = 2;  // 32 bits wide, shared between processes
  std::uint32_t reserved = 0;
  static WatchedWord of(const void* word, std::uint32_t seen) noexcept { return {seen, reinterpret_cast<std::uintptr_t>(word)}; }
};

/// Sleeps while each word is as it was seen, until the deadline at most. Says which one woke it, or
/// -ETIMEDOUT, -EINTR, or -EAGAIN when one had changed before. Before Linux 5.16 only the first word is watched.
inline long futex_wait_any(std::span<const WatchedWord> words, Deadline deadline) noexcept {
  constexpr long futex_waitv = 449;  // on every architecture; glibc 2.36 need not know it
  const timespec until = to_timespec(deadline);
  if (words.size() > 1) {
    const long woken = ::syscall(futex_waitv, words.data(), words.size(), 0, &until, CLOCK_MONOTONIC);
    if (woken >= 0 || errno != ENOSYS) return woken >= 0 ? woken : -errno;
  }
  // BITSET: the deadline is absolute, so that an interrupted wait can be taken up again unchanged.
  const long woken = ::syscall(SYS_futex, words[0].address, FUTEX_WAIT_BITSET, words[0].seen, &until, nullptr, FUTEX_BITSET_MATCH_ANY);
  return woken == 0 ? 0 : -errno;
}

inline void futex_wake_all(std::atomic<std::uint32_t>& word) noexcept { ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0); }

}  // namespace mulproc::shared_memory
