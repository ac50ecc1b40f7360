#pragma once
/// What lies where in a shm_deque's segment.
///
///   | DequeHead | participants, sleepers, lists | locks (pages of their own) | slots ........ | bodies (sparse) ........ |
///
/// Each slot has one authoritative word; an operation commits by one aligned store to it. Lists, counts and the free
/// list are derived from the words and rebuilt when somebody died inside the lock; so there is no log and nothing to undo.
///
///          reserve          commit           claim            done
///   FREE ----------> WRITING ------> READY ---------> CLAIMED ------> FREE
///                                     ^  give back, death    |  5th death, or addressed to the dead
///                                     +----------------------+----> DEAD_LETTER <--> CLAIMED_DEAD ----> FREE
#include <limits>
#include <memory>
#include <mulproc/shared_memory/participants.hpp>
#include <mulproc/shared_memory/segment.hpp>

namespace mulproc::shared_memory {

enum class SlotState : std::uint8_t { FREE, WRITING, READY, CLAIMED, DEAD_LETTER, CLAIMED_DEAD };

/// The authoritative word: | generation 32 | owner 16 | attempt 8 | state 8 |
struct SlotWord {
  SlotState state = SlotState::FREE;
  std::uint8_t attempt = 0;  // of a WRITING one: 1 when its writer gave it up
  std::uint16_t owner = 0;
  std::uint32_t generation = 0;
  bool operator==(const SlotWord&) const = default;
};
static_assert(sizeof(SlotWord) == 8 && std::atomic<SlotWord>::is_always_lock_free, "a slot commits by one aligned 8-byte store");

/// A slot's neighbours in a list.
struct Links {
  std::uint32_t next, previous;
};
struct ListEnds {
  std::uint32_t first, last;
};

struct Slot {
  static constexpr std::size_t inline_bytes = 224;

  std::atomic<SlotWord> word;
  Envelope envelope;
  std::uint64_t ticket;          // its place in the global order
  Links in_order, by_recipient;  // derived: of the READY; the first also of the free list
  std::uint16_t side;            // whose room it takes: the sender's role
  std::uint16_t list;            // derived: which of the lists by recipient it is in
  std::uint32_t body_allocated;  // bytes of its body region that can be touched
  std::byte small_body[inline_bytes];
};
static_assert(sizeof(Slot) == 320, "five cache lines: word and envelope fill the first");

struct DequeHead {
  std::uint64_t magic;
  std::uint32_t version, slot_count;
  std::uint64_t bytes, capacity, max_body_bytes;
  ParticipantsHead participants;
  std::atomic<std::uint32_t> given_up;  // WRITING slots that their writers could not free are worth a look
  std::uint32_t slots_used;             // slots below are allocated; grows only
  // derived, rebuilt by DequeIndex; on lines of their own, as each message changes them
  alignas(64) ListEnds in_order;
  std::uint32_t first_free;
  std::uint64_t next_ticket;
  std::uint64_t live[2], dead[2];
  std::uint64_t dropped[2];
};
static_assert(sizeof(DequeHead) <= 4096, "the head has a page");

/// Where everything lies, computed from three numbers.
struct DequeLayout {
  static constexpr std::uint64_t magic = 0x6d756c70726f6331;  // "mulproc1"
  static constexpr std::uint32_t version = 5;
  static constexpr std::size_t page = 4096;
  static constexpr std::uint32_t nothing = ~std::uint32_t{0};

  std::size_t capacity, max_body_bytes, max_participants;
  std::size_t participants, lists, locks, slots, bodies, body_stride, bytes;

  DequeLayout(std::size_t messages, std::size_t largest_body, std::size_t endpoints)
      : capacity(messages), max_body_bytes(largest_body), max_participants(endpoints) {
    participants = page;
    lists = participants + Participants::bytes(max_participants);
    locks = round_up(lists + lists_of(max_participants) * sizeof(ListEnds));
    slots = round_up(locks + (1 + max_participants) * sizeof(RobustMutex));
    // Two sides; each has `capacity` in flight and a reserve of as many dead letters.
    bodies = round_up(slots + 4 * capacity * sizeof(Slot));
    // Small ones lie close together: one to a page, all would compete for the same few lines of a core's cache.
    body_stride = max_body_bytes <= Slot::inline_bytes ? 0 : round_up(max_body_bytes, max_body_bytes < page ? 64 : page);
    bytes = bodies + 4 * capacity * body_stride;
  }
  static constexpr std::size_t lists_of(std::size_t max_participants) { return 3 + max_participants; }

  static std::shared_ptr<Segment> create(std::string_view name, std::size_t capacity, std::size_t max_body_bytes, std::size_t max_participants) {
    constexpr std::size_t largest_body = std::numeric_limits<std::uint32_t>::max();
    const auto refuse = [](const std::string& why) { throw std::invalid_argument("shm_deque: " + why); };
    if (capacity == 0 || capacity > 1 << 20) refuse("capacity must be 1 to 1048576, not " + std::to_string(capacity));
    if (max_body_bytes == 0 || max_body_bytes > largest_body) refuse("max_body_bytes must be 1 to 4294967295, not " + std::to_string(max_body_bytes));
    if (max_participants < 2 || max_participants > 2048) refuse("max_participants must be 2 to 2048, not " + std::to_string(max_participants));
    if (4 * capacity * round_up(max_body_bytes) > std::size_t{1} << 45)
      refuse("capacity x max_body_bytes is more than the address space carries; lower one of them");
    const DequeLayout layout(capacity, max_body_bytes, max_participants);
    return Segment::create(name, layout.bytes, layout.slots, [&](std::byte* address) {
      auto& head = *new (address) DequeHead{};
      head.version = version;
      head.slot_count = static_cast<std::uint32_t>(4 * capacity);
      head.bytes = layout.bytes;
      head.capacity = capacity;
      head.max_body_bytes = max_body_bytes;
      head.in_order = {nothing, nothing};
      head.first_free = nothing;
      head.next_ticket = 1;
      std::fill_n(reinterpret_cast<ListEnds*>(address + layout.lists), lists_of(max_participants), ListEnds{nothing, nothing});
      Participants::initialise(head.participants, max_participants, reinterpret_cast<RobustMutex*>(address + layout.locks));
      head.magic = magic;
    });
  }

  /// The layout a segment claims. Each number is read once: what a peer writes there later is not believed.
  /// Fails:   throws std::system_error: malformed for a segment of another version, size or kind.
  static DequeLayout of(const Segment& segment) {
    const volatile auto& head = *reinterpret_cast<const volatile DequeHead*>(segment.address());
    const std::uint64_t capacity = head.capacity, max_body_bytes = head.max_body_bytes, max_participants = head.participants.maximum;
    const bool sane = head.magic == magic && head.version == version && head.bytes == segment.size() && capacity >= 1 && capacity <= 1 << 20 &&
                      head.slot_count == 4 * capacity && max_body_bytes >= 1 && max_body_bytes <= std::numeric_limits<std::uint32_t>::max() &&
                      max_participants >= 2 && max_participants <= 2048;
    if (const DequeLayout layout(capacity, max_body_bytes, max_participants); sane && layout.bytes == segment.size()) return layout;
    throw std::system_error(Errc::malformed, "this name's segment is no shm_deque of this version");
  }

 private:
  static constexpr std::size_t round_up(std::size_t bytes, std::size_t to = page) { return (bytes + to - 1) / to * to; }
};

}  // namespace mulproc::shared_memory
