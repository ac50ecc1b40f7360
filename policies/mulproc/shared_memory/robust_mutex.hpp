#pragma once
/// A process-shared lock that tells its next owner when its last one died holding it.
/// Source:  pthread_mutexattr_setrobust(3)
#include <pthread.h>

#include <cerrno>
#include <mulproc/shared_memory/futex.hpp>
#include <mulproc/waiting/waiting.hpp>
#include <optional>
#include <utility>

/// Of ThreadSanitizer, nowhere else there: it does not know pthread_mutex_clocklock (in clang 16, g++ 12), and would call
/// each later unlock wrong.
extern "C" [[gnu::weak]] void __tsan_mutex_pre_lock(void* mutex, unsigned flags);
extern "C" [[gnu::weak]] void __tsan_mutex_post_lock(void* mutex, unsigned flags, int recursion);

namespace mulproc::shared_memory {

/// Lies in shared memory, in pages that hold nothing but locks.
class RobustMutex {
 public:
  enum class Got { lock, lock_of_the_dead, nothing, ruin };

  void initialise() noexcept {
    pthread_mutexattr_t attributes;
    ::pthread_mutexattr_init(&attributes);
    ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    ::pthread_mutex_init(&mutex_, &attributes);
    ::pthread_mutexattr_destroy(&attributes);
  }
  Got try_lock() noexcept { return read(::pthread_mutex_trylock(&mutex_)); }
  /// True when a try is worth its write to the lock's cache line: nobody alive holds it.
  bool seems_free() noexcept {
    const std::uint32_t word = std::atomic_ref(lock_word()).load(std::memory_order_relaxed);
    return (word & FUTEX_TID_MASK) == 0 || (word & FUTEX_OWNER_DIED) != 0;
  }
  /// How to wait for a lock that somebody has. Each time it changes hands, all that it guards moves to another core: so who
  /// takes it again and again, `later`, lets the other do many things in a row, until that one sleeps or pauses, for some
  /// 100 us at most. `soon` is for who needs it now and once.
  enum class Look { soon, later };
  /// Until the others have used the lock for long, or have stopped: one of them slept since this endpoint last had it, as
  /// `somebody_slept()` says, or it is free each time we look.
  /// That is seldom, for each look at its word costs them a cache miss.
  template <class F>
  void wait_for_a_pause(F somebody_slept) noexcept {
    constexpr int longest = 256, asks_per_look = 16, free_looks = 3;
    for (int asked = 1, free = 0; asked < longest && free < free_looks && !somebody_slept(); ++asked) {
      relax(32);
      if (asked % asks_per_look == 0) free = seems_free() ? free + 1 : 0;
    }
  }
  /// Looks, then asks for as long as `waiting` says; then blocks.
  template <class Waiting>
  Got lock_until(Deadline deadline, Waiting& waiting) noexcept {
    constexpr int races_lost_before_queueing = 4;
    constexpr unsigned asks_per_look = 8;
    // Not for long: with more processes than cores the holder may be off his, and each that looks keeps him from it.
    for (int looked = 0; looked < 16; ++looked) {
      relax(16);
      if (!seems_free()) continue;
      if (const Got got = try_lock(); got != Got::nothing) return got;
    }
    unsigned asked = 0;
    const auto may_be_free = [&] { return ++asked % asks_per_look == 0 && seems_free(); };
    for (int lost = 0; lost < races_lost_before_queueing && waiting.spin(may_be_free, deadline); ++lost) {
      if (const Got got = try_lock(); got != Got::nothing) return got;
    }
    if (deadline.is_never()) return read(::pthread_mutex_lock(&mutex_));
    const timespec until = to_timespec(deadline);
    return read(lock_by_the_clock(until));
  }
  /// After lock_of_the_dead, once what the lock guards is whole again.
  void make_consistent() noexcept { ::pthread_mutex_consistent(&mutex_); }
  void unlock() noexcept { ::pthread_mutex_unlock(&mutex_); }

  /// How an endpoint that receives looks at it: who has asked wants the answer at once; who only receives lets a few messages gather.
  class ReceiversLook {
   public:
    void has_sent() noexcept { answers_ = 2; }
    void has_finished() noexcept { answers_ -= answers_ != 0 ? 1 : 0; }
    Look now() const noexcept { return answers_ != 0 ? Look::soon : Look::later; }

   private:
    int answers_ = 0;  // how many messages may yet be one
  };

  /// For a sleeper who wants to hear of the holder's death: the word that the kernel changes then, waking one who waits on
  /// it because of the bit set here. Nothing when nobody alive holds the lock.
  /// Source:  get_robust_list(2); the kernel's handle_futex_death; glibc keeps the bit until the lock is released.
  std::optional<WatchedWord> death_watch() noexcept {
    const std::atomic_ref word(lock_word());
    std::uint32_t seen = word.load(std::memory_order_relaxed);
    while ((seen & FUTEX_TID_MASK) != 0 && (seen & FUTEX_OWNER_DIED) == 0) {
      const std::uint32_t marked = seen | FUTEX_WAITERS;
      if (seen == marked || word.compare_exchange_weak(seen, marked, std::memory_order_relaxed)) return WatchedWord::of(&lock_word(), marked);
    }
    return std::nullopt;
  }

  /// What the watched word says now: its holder has died, and did not merely let go.
  static bool died_with(const WatchedWord& watched) noexcept {
    return (std::atomic_ref(*reinterpret_cast<std::uint32_t*>(watched.address)).load(std::memory_order_relaxed) & FUTEX_OWNER_DIED) != 0;
  }

 private:
  static void relax(int times) noexcept {
    for (int i = 0; i < times; ++i) waiting::relax();
  }
  int lock_by_the_clock(const timespec& until) noexcept {
    constexpr unsigned by_trying = 1 << 4, in_vain = 1 << 5;  // __tsan_mutex_try_lock, __tsan_mutex_try_lock_failed
    if (__tsan_mutex_pre_lock != nullptr) __tsan_mutex_pre_lock(&mutex_, by_trying);
    const int answer = ::pthread_mutex_clocklock(&mutex_, CLOCK_MONOTONIC, &until);
    const bool got = answer == 0 || answer == EOWNERDEAD;
    if (__tsan_mutex_post_lock != nullptr) __tsan_mutex_post_lock(&mutex_, got ? by_trying : by_trying | in_vain, 0);
    return answer;
  }
  std::uint32_t& lock_word() noexcept { return reinterpret_cast<std::uint32_t&>(mutex_.__data.__lock); }
  static Got read(int answer) noexcept {
    switch (answer) {
      case 0: return Got::lock;
      case EOWNERDEAD: return Got::lock_of_the_dead;
      case EBUSY:
      case ETIMEDOUT: return Got::nothing;
      default: return Got::ruin;
    }
  }
  pthread_mutex_t mutex_;
};

/// Holds a lock that was got, until it goes out of scope.
class HeldLock {
 public:
  HeldLock() = default;
  explicit HeldLock(RobustMutex& mutex) noexcept : mutex_(&mutex) {}
  HeldLock(HeldLock&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
  HeldLock& operator=(HeldLock&& other) noexcept { return std::swap(mutex_, other.mutex_), *this; }
  ~HeldLock() { unlock(); }
  void unlock() noexcept {
    if (mutex_) std::exchange(mutex_, nullptr)->unlock();
  }
  /// Somebody else unlocks it.
  void forget() noexcept { mutex_ = nullptr; }

 private:
  RobustMutex* mutex_ = nullptr;
};

}  // namespace mulproc::shared_memory
