#pragma once
/// Who sleeps, and for what: one bit for each participant and reason, so that a wake finds its sleeper without asking the
/// others, however many there are.
///
///   Waiting, per reason:   | summary: which words hold a bit | word 0 | word 1 | ...
///
/// A hint that only grows stale towards waking: a bit is set before its owner sleeps, and cleared after it was rung. Lies
/// in shared memory; all-zero is empty; used under the lock.
#include <bit>
#include <cstddef>
#include <cstdint>

namespace mulproc::shared_memory {

/// What a sleeper waits for; bits of one byte.
enum Reason : std::uint8_t {
  awake = 0,
  offers = 1,       // takes what is offered to anyone
  any_mail = 2,     // must look at each message itself
  parent_room = 4,  // for one more message of the parent's side, of the children's
  child_room = 8,
  end_of_work = 16,
  own_mail = 32,    // no row of its own: the recipient's record says who sleeps for it
};
constexpr Reason operator|(Reason a, Reason b) noexcept { return static_cast<Reason>(std::uint8_t{a} | std::uint8_t{b}); }

class Sleepers {
 public:
  static constexpr std::uint32_t nobody = ~std::uint32_t{0};
  /// Of memory, for so many participants: at most 64 x 64.
  static constexpr std::size_t bytes(std::size_t participants) { return rows * (1 + words(participants)) * sizeof(std::uint64_t); }

  Sleepers(void* memory, std::size_t participants) noexcept
      : memory_(static_cast<std::uint64_t*>(memory)), words_(static_cast<std::uint32_t>(words(participants))) {}

  void add(std::uint32_t who, std::uint8_t reasons) noexcept {
    for_each_row(reasons, [&](std::uint64_t* row) {
      row[1 + who / 64] |= std::uint64_t{1} << who % 64;
      row[0] |= std::uint64_t{1} << who / 64;
    });
  }
  void remove(std::uint32_t who, std::uint8_t reasons) noexcept {
    for_each_row(reasons, [&](std::uint64_t* row) {
      row[1 + who / 64] &= ~(std::uint64_t{1} << who % 64);
      if (row[1 + who / 64] == 0) row[0] &= ~(std::uint64_t{1} << who / 64);
    });
  }
  bool nobody_for(Reason reason) const noexcept { return row_of(reason)[0] == 0; }
  /// The first sleeper at or behind `from`. An empty word below a set bit of the summary was left by a death in between.
  std::uint32_t next(Reason reason, std::uint32_t from) const noexcept {
    const std::uint64_t* row = row_of(reason);
    if (row[0] == 0 || from / 64 >= words_) return nobody;
    std::uint64_t bits = row[1 + from / 64] & (~std::uint64_t{0} << from % 64);
    for (std::uint32_t word = from / 64;; bits = row[1 + word]) {
      if (bits != 0) return word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
      const std::uint64_t later = word >= 63 ? 0 : row[0] & (~std::uint64_t{0} << (word + 1));
      if (later == 0) return nobody;
      word = static_cast<std::uint32_t>(std::countr_zero(later));
      if (word >= words_) return nobody;
    }
  }

 private:
  static constexpr std::size_t rows = 5;
  static constexpr std::size_t words(std::size_t participants) { return (participants + 63) / 64; }
  std::uint64_t* row_of(Reason reason) const noexcept {
    return memory_ + static_cast<std::uint32_t>(std::countr_zero(std::uint8_t{reason})) * (1 + words_);
  }
  template <class F>
  void for_each_row(std::uint8_t reasons, F change) noexcept {  // bits that mean nothing were written by a peer
    for (unsigned left = reasons & ((1u << rows) - 1); left != 0; left &= left - 1) change(row_of(static_cast<Reason>(left & (~left + 1))));
  }

  std::uint64_t* memory_;
  std::uint32_t words_;
};

}  // namespace mulproc::shared_memory
