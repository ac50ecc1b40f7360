#pragma once
/// One lane: a ring of slots with one writer.
///
///   position    1   2   3   4   5   6   7   8 ...        slot = position modulo capacity
///               .   R   C   .   R   -                    . freed   R ready   C claimed   - not written yet
///                                   ^ tail: all before it are written, or were passed over
///
/// Each slot has one authoritative word; an operation commits by one aligned store to it. The writer passes over a slot that
/// is still held or refused, so one of these never stops the others while the lane has room: the position that would have
/// been there is never written. Readers follow the positions, so the order is kept all the same.
///
///          publish         claim           done
///   FREE ----------> READY -----> CLAIMED ------> FREE            position stays until the slot is written again
///                      ^  give back  |  death: attempt + 1; the fifth, or addressed to the dead: DEAD_LETTER, then moved away
///                      +-------------+
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mulproc/envelope.hpp>
#include <utility>
#include <vector>

namespace mulproc::shared_memory {

enum class LaneState : std::uint64_t { FREE, READY, CLAIMED, DEAD_LETTER, CLAIMED_DEAD };

/// The authoritative word. Positions are compared by their difference, so they may wrap.
struct LaneWord {
  LaneState state : 3 = LaneState::FREE;
  std::uint64_t attempt : 3 = 0;
  std::uint64_t owner : 10 = 0;
  std::uint64_t position : 48 = 0;

  static LaneWord of(LaneState state, std::uint64_t attempt, std::uint64_t owner, std::uint64_t position) noexcept {
    LaneWord word;
    word.state = state;
    word.attempt = attempt & 7;
    word.owner = owner & 1023;
    word.position = position & ((std::uint64_t{1} << 48) - 1);
    return word;
  }
  bool is(LaneState wanted) const noexcept { return state == wanted; }
  bool is_live() const noexcept { return state == LaneState::READY || state == LaneState::CLAIMED; }
  /// As its sender leaves it there.
  static LaneWord fresh(std::uint64_t position) noexcept { return of(LaneState::READY, 1, 0, position); }
  bool is_claimed_by(std::uint64_t who) const noexcept { return owner == who && (is(LaneState::CLAIMED) || is(LaneState::CLAIMED_DEAD)); }
  /// As it was before its owner claimed it.
  LaneWord unclaimed() const noexcept { return of(is(LaneState::CLAIMED) ? LaneState::READY : LaneState::DEAD_LETTER, attempt, 0, position); }
  bool operator==(const LaneWord& other) const noexcept { return std::bit_cast<std::uint64_t>(*this) == std::bit_cast<std::uint64_t>(other); }
};
static_assert(sizeof(LaneWord) == 8 && std::atomic<LaneWord>::is_always_lock_free, "a slot commits by one aligned 8-byte store");

/// How far position a lies beyond b; negative when before it.
inline std::int64_t beyond(std::uint64_t a, std::uint64_t b) noexcept { return static_cast<std::int64_t>((a - b) << 16) >> 16; }

/// Word and envelope fill one cache line; the body, or where it lies, follows, and in the last eight bytes the ticket.
struct alignas(64) LaneSlot {
  std::atomic<LaneWord> word;

  /// An open lane's envelope is read before it is known whether the message can be claimed, while its sender may already
  /// write another there; so it goes word by word. Who claims afterwards knows that he read it whole.
  void write(const Envelope& from) noexcept { write(from, std::make_index_sequence<words>()); }
  Envelope read() const noexcept { return read(std::make_index_sequence<words>()); }
  /// As it lies there; for who has claimed the message, or is the only one to claim in this lane.
  const Envelope& envelope() const noexcept { return *reinterpret_cast<const Envelope*>(words_); }
  std::byte* body() noexcept { return reinterpret_cast<std::byte*>(this + 1); }

 private:
  static constexpr std::size_t words = sizeof(Envelope) / sizeof(std::uint64_t);
  using Words = std::array<std::uint64_t, words>;
  template <std::size_t... I>
  void write(const Envelope& from, std::index_sequence<I...>) noexcept {
    (std::atomic_ref(words_[I]).store(word_of(from, I), std::memory_order_relaxed), ...);
  }
  static std::uint64_t word_of(const Envelope& envelope, std::size_t i) noexcept {
    std::uint64_t word;
    std::memcpy(&word, reinterpret_cast<const std::byte*>(&envelope) + i * sizeof word, sizeof word);
    return word;
  }
  template <std::size_t... I>
  Envelope read(std::index_sequence<I...>) const noexcept {
    return std::bit_cast<Envelope>(Words{std::atomic_ref(const_cast<std::uint64_t&>(words_[I])).load(std::memory_order_relaxed)...});
  }
  alignas(Envelope) std::uint64_t words_[words];
};
static_assert(sizeof(LaneSlot) == 64, "word and envelope fill one cache line");

/// Where a lane lies.
struct Lane {
  std::byte* slots = nullptr;
  std::atomic<std::uint64_t>* tail = nullptr;  // 0: never used; after that, all positions before it are written or passed over
  std::uint32_t slot_bytes = 0, capacity = 0;

  LaneSlot& operator[](std::uint32_t i) const noexcept { return *reinterpret_cast<LaneSlot*>(slots + std::size_t{i} * slot_bytes); }
  /// The order among one sender's messages over all his lanes. It goes on when another takes his index.
  std::atomic_ref<std::uint64_t> ticket(std::uint32_t i) const noexcept {
    return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(slots + (std::size_t{i} + 1) * slot_bytes - sizeof(std::uint64_t)));
  }
  std::uint32_t after(std::uint32_t i) const noexcept { return i + 1 == capacity ? 0 : i + 1; }
  /// Brings a slot's word, for a claim, and the beginning of its body nearer.
  void fetch(std::uint32_t i) const noexcept {
    __builtin_prefetch(&(*this)[i], 1);
    __builtin_prefetch((*this)[i].body());
  }
  std::uint32_t slot_of(std::uint64_t position) const noexcept { return static_cast<std::uint32_t>(position % capacity); }
  bool is_used() const noexcept { return tail->load(std::memory_order_relaxed) != 0; }
  /// No slot from here on was ever written. One word may be there before its tail is.
  std::uint32_t slots_written() const noexcept {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(tail->load(std::memory_order_acquire) + 1, capacity));
  }
  /// The tail as the words have it: what a sender who died on his way left behind.
  std::uint64_t true_tail() const noexcept {
    std::uint64_t last = std::max<std::uint64_t>(tail->load(std::memory_order_relaxed), 1);
    for (std::uint32_t i = 0; i < capacity; ++i) {
      const LaneWord word = (*this)[i].word.load(std::memory_order_relaxed);
      if (const auto ahead = beyond(word.position, last); word.position != 0 && ahead >= 0) last += static_cast<std::uint64_t>(ahead) + 1;
    }
    return last;
  }
};

/// A writer's place in his lane. Known to him alone.
struct LaneWriter {
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  Lane lane;
  std::uint64_t position = 0;  // 0: not looked up yet
  std::uint32_t slot = 0;
  std::uint32_t asked = 0;  // while it was full
  std::vector<std::uint32_t> chunk_of;  // of each slot: the chunk of the body it held last, plus 1; empty without large bodies

  bool is_next_free() const noexcept { return is_free(slot); }
  /// For who asks again and again while the lane is full. It is emptied from the front, and each look takes a line away from
  /// who empties it: so it waits for some slots at once, looks seldom for less, and most seldom at all of them.
  bool may_find_room() noexcept {
    ++asked;
    if (is_free((slot + std::min(lane.capacity / 8, some)) % lane.capacity)) return is_next_free() || find_room();
    if (asked % looks_for_less == 0 && is_next_free()) return true;
    return asked % std::max(lane.capacity, looks_for_less) == 0 && find_room();
  }
  /// Goes to the next free slot, passing over those that are not. False when there is none.
  bool find_room() noexcept {
    std::uint64_t at = position;
    std::uint32_t i = slot;
    for (std::uint32_t tried = 0; tried < lane.capacity; ++tried, ++at, i = lane.after(i)) {
      if (!is_free(i)) continue;
      position = at;
      slot = i;
      return true;
    }
    return false;
  }

 private:
  static constexpr std::uint32_t some = 16, looks_for_less = 32;
  // (1) acquire; pairs with (2): whoever freed the slot has read all of it.
  bool is_free(std::uint32_t i) const noexcept { return lane[i].word.load(std::memory_order_acquire).is(LaneState::FREE); }
};

/// A reader's way through a lane. Known to him alone.
///
/// Invariant: each position before `cursor` is freed for ever, or refused for ever, or in the backlog.
struct LaneReader {
  struct Entry {
    std::uint64_t position;
    std::uint32_t slot;
  };
  Lane lane;
  std::uint64_t cursor = 0;  // 0: not begun
  std::uint32_t slot = 0;
  std::vector<Entry> backlog;  // held by others, or refused in one call; in order

  /// Begins, or begins anew, with all that is there.
  void begin() {
    // (3) acquire; pairs with (4): all that was written before this tail is seen below.
    const auto start = std::max<std::uint64_t>(lane.tail->load(std::memory_order_acquire), 1);
    std::vector<Entry> there;
    for (std::uint32_t i = 0, end = lane.slots_written(); i < end; ++i) {
      const LaneWord word = lane[i].word.load(std::memory_order_acquire);
      if (word.is_live() && beyond(word.position, start) < 0) there.push_back({word.position, i});
    }
    std::sort(there.begin(), there.end(), [start](const Entry& a, const Entry& b) { return beyond(a.position, start) < beyond(b.position, start); });
    backlog = std::move(there);  // nothing throws from here on: the invariant holds
    cursor = start;
    slot = lane.slot_of(cursor);
  }
  /// So far behind that looking at all slots is shorter than to follow.
  bool is_far_behind(std::uint64_t tail) const noexcept { return beyond(tail, cursor) > 4 * std::int64_t{lane.capacity}; }
  void advance() noexcept {
    ++cursor;
    slot = lane.after(slot);
  }
};

}  // namespace mulproc::shared_memory
