#pragma once
/// What the processes of a run write down for each other, in shared memory that outlives any of them: how long messages
/// took, and who holds what.
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <optional>
#include <stress/histogram.hpp>
#include <system_error>

namespace mulproc::stress {

/// CLOCK_MONOTONIC in nanoseconds: the same in all processes.
inline std::uint64_t now_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

/// One process' life: what it holds, so that its death can be told in full.
struct Life {
  std::atomic<pid_t> pid;
  std::atomic<int> left_with;          // 0: it runs, or was killed; otherwise 1 + the code it left with by itself
  std::atomic<std::uint64_t> holding;  // 1 + the number of the message; 0: none

  void holds(std::uint64_t number) noexcept { holding.store(number + 1, std::memory_order_relaxed); }
  void holds_nothing() noexcept { holding.store(0, std::memory_order_relaxed); }
};

/// Owns:    its pages; children inherit them.
class Board {
 public:
  Board() : pages_(map()) {}

  /// Begins this process' life on the board.
  Life& new_life() noexcept {
    Life& life = life_at(pages_->lives.fetch_add(1, std::memory_order_relaxed));
    life.holds_nothing();
    life.left_with.store(0, std::memory_order_relaxed);
    life.pid.store(::getpid(), std::memory_order_release);
    return life;
  }
  /// How many lives have begun, that of the parent included.
  std::uint32_t lives() const noexcept { return pages_->lives.load(std::memory_order_relaxed); }
  /// The latest life of that process; none when it never began one, or too many began since.
  Life* life_of(pid_t pid) const noexcept {
    const std::uint32_t all = lives();
    for (std::uint32_t i = all; i-- > 0 && all - i < kept;) {
      if (life_at(i).pid.load(std::memory_order_acquire) == pid) return &life_at(i);
    }
    return nullptr;
  }

  /// Only messages that were due from then on are measured: what came before was warm-up.
  void measure_from(std::uint64_t when) noexcept { pages_->measured_from.store(when, std::memory_order_relaxed); }
  /// Written by any process; several share a histogram when there are many.
  void took(const Life& life, bool is_answer, std::uint64_t due, std::uint64_t now) noexcept {
    if (due < pages_->measured_from.load(std::memory_order_relaxed)) return;
    auto& mine = pages_->times[static_cast<std::size_t>(&life - pages_->life) % histograms];
    (is_answer ? mine.answers : mine.messages).add(now > due ? now - due : 0);
  }
  enum class Of { messages, answers };
  /// All processes' together.
  std::unique_ptr<Histogram> times(Of which) const {
    auto sum = std::make_unique<Histogram>();
    const std::size_t used = std::min<std::size_t>(lives(), histograms);
    for (std::size_t i = 0; i < used; ++i)
      sum->merge(which == Of::answers ? pages_->times[i].answers : pages_->times[i].messages);
    return sum;
  }

 private:
  static constexpr std::uint32_t kept = 4096, histograms = 16;
  struct Times {
    Histogram messages, answers;
  };
  struct Pages {
    std::atomic<std::uint64_t> measured_from;
    std::atomic<std::uint32_t> lives;
    Life life[kept];
    Times times[histograms];
  };
  struct Unmap {
    void operator()(Pages* pages) const noexcept { ::munmap(pages, sizeof(Pages)); }
  };
  static Pages* map() {
    void* pages =
        ::mmap(nullptr, sizeof(Pages), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) throw std::system_error(errno, std::system_category(), "mmap of the board");
    return static_cast<Pages*>(pages);  // all zero: no life yet, nothing measured
  }
  Life& life_at(std::uint32_t i) const noexcept { return pages_->life[i % kept]; }

  std::unique_ptr<Pages, Unmap> pages_;
};

}  // namespace mulproc::stress
