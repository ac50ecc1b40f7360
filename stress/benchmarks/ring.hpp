#pragma once
/// A ring of fixed-size slots of raw bytes, one writer and one reader, in shared memory; and a bell to sleep by. No
/// envelope, no routing, no death, no lease: the least that carries a message.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <stress/benchmarks/shape.hpp>

namespace mulproc::benchmarks {

/// Invariant: head <= tail <= head + slots; both only grow. All zero is a valid empty ring.
struct RingIndices {
  struct alignas(64) Side {
    std::atomic<std::uint64_t> mine;
    std::uint64_t of_the_other;  // as last seen, so that the other's cache line is read only when it must be
  };
  Side tail, head;
};

class Ring {
 public:
  Ring(RingIndices& indices, std::byte* slots, std::size_t stride, std::size_t count) noexcept
      : indices_(&indices), slots_(slots), stride_(stride), mask_(count - 1) {}

  /// Where the next message may be written; null while the ring is full.
  std::byte* reserve() noexcept {
    auto& [tail, head_seen] = indices_->tail;
    const auto at = tail.load(std::memory_order_relaxed);
    if (at - head_seen > mask_) {
      head_seen = indices_->head.mine.load(std::memory_order_acquire);  // (1) pairs with (4): the slot has been read
      if (at - head_seen > mask_) return nullptr;
    }
    return slots_ + (at & mask_) * stride_;
  }
  void publish() noexcept {
    auto& tail = indices_->tail.mine;
    tail.store(tail.load(std::memory_order_relaxed) + 1, std::memory_order_release);  // (2) pairs with (3): the body is there
  }
  /// The oldest message; null while there is none.
  const std::byte* front() noexcept {
    auto& [head, tail_seen] = indices_->head;
    const auto at = head.load(std::memory_order_relaxed);
    if (at == tail_seen) {
      tail_seen = indices_->tail.mine.load(std::memory_order_acquire);  // (3) pairs with (2)
      if (at == tail_seen) return nullptr;
    }
    return slots_ + (at & mask_) * stride_;
  }
  void pop() noexcept {
    auto& head = indices_->head.mine;
    head.store(head.load(std::memory_order_relaxed) + 1, std::memory_order_release);  // (4) pairs with (1)
  }

 private:
  RingIndices* indices_;
  std::byte* slots_;
  std::size_t stride_, mask_;
};

/// Rung by whoever may have changed what its owner waits for.
struct alignas(64) Bell {
  std::atomic<std::uint32_t> asleep;

  void ring() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);  // (5) pairs with (6): either it sees the change or we see it asleep
    if (asleep.load(std::memory_order_relaxed) == 0) return;
    asleep.store(0, std::memory_order_relaxed);
    ::syscall(SYS_futex, &asleep, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  }
  /// Until `attempt` says true: asks a few times, lets others run a few times, sleeps.
  template <class F>
  void wait_until(F attempt) {
    for (int i = 0; i < 32; ++i) {
      if (attempt()) return;
      pause();
    }
    while (true) {
      asleep.store(1, std::memory_order_relaxed);
      std::atomic_thread_fence(std::memory_order_seq_cst);  // (6) pairs with (5)
      if (attempt()) break;
      ::syscall(SYS_futex, &asleep, FUTEX_WAIT, 1, nullptr, nullptr, 0);
    }
    asleep.store(0, std::memory_order_relaxed);
  }
};

}  // namespace mulproc::benchmarks
