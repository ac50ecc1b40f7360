#pragma once
/// What happens in a shm_lanes under its lock: mailboxes given and taken back, what the dead held handed on, dead letters moved
/// away. Sending and receiving never come here; whoever waits looks in every 100 ms.
///
/// Each step leaves what the next to come would do again: a word is stored once, an address is stored once, and a dead letter
/// that was copied but not yet freed in its lane is known by its ticket.
#include <bitset>
#include <mulproc/shared_memory/lanes_segment.hpp>

namespace mulproc::shared_memory {

class LanesRecovery {
 public:
  explicit LanesRecovery(LanesSegment& segment) : segment_(segment), head_(segment.head()), people_(segment.people()) {}

  /// The mailbox of that thread, or a new one. Fails: EUSERS, ENOSPC.
  Result<std::uint32_t> mailbox_for(ProcessId who) {
    const auto address = LanesSegment::address_of(who);
    if (const auto found = segment_.find_mailbox(address); found != LanesSegment::nobody) return found;
    auto empty = segment_.find_mailbox(0);
    if (empty == LanesSegment::nobody && segment_.mailboxes_used() == segment_.open() && bury_unreachable()) empty = segment_.find_mailbox(0);
    if (empty == LanesSegment::nobody) {
      empty = segment_.mailboxes_used();
      if (empty == segment_.open()) return system_error_code(EUSERS);
      if (auto error = allocate_tails(empty)) return error;
      std::atomic_ref(head_.mailboxes_used).store(empty + 1, std::memory_order_relaxed);
    }
    segment_.mailbox(empty).store(address, std::memory_order_release);
    return empty;
  }
  std::error_code allocate_tails(std::uint32_t mailbox) const noexcept {
    return segment_.allocate(segment_.layout().tails_of(mailbox), segment_.layout().people * sizeof(std::uint64_t));
  }

  /// Looks for deaths and hands on what the dead held. Says whether anything changed.
  bool bury_the_dead(std::uint32_t me) {
    const bool died = people_.look_for_deaths(me, [this](std::uint32_t dead) { let_go(dead); });
    const bool unreachable = bury_unreachable();
    if (head_.letters_stuck != 0) move_letters();
    if (died) segment_.wake_everybody();
    if (!died && unreachable) segment_.wake_who_waits_for_another();
    return died || unreachable;
  }
  /// After a lock of the dead: whatever they had begun is ended.
  void settle(std::uint32_t me) {
    people_.recount();
    move_letters();
    ProcessFence::everywhere();  // who took an address away may have died before his; see (6)
    for (std::uint32_t mailbox = 0; mailbox < segment_.mailboxes_used(); ++mailbox) {
      if (segment_.mailbox(mailbox).load(std::memory_order_relaxed) == 0) bury_all_in(mailbox);
    }
    bury_the_dead(me);
    head_.lanes.fetch_add(1, std::memory_order_release);
    segment_.wake_everybody();  // some may have been woken by the dead for what never came
  }

  /// What this participant, who leaves, holds goes back to its place. He knows his mailbox, and that he is not in the middle of
  /// anything; so it is found in two rows of lanes, however many there are.
  void give_back_all(std::uint32_t who, std::uint32_t mailbox) {
    bool came_back = false;
    const auto give_back = [&](Lane lane, std::uint32_t, std::uint32_t) {
      for (std::uint32_t i = 0, end = lane.slots_written(); i < end; ++i) {
        const LaneWord word = lane[i].word.load(std::memory_order_acquire);
        if (!word.is_claimed_by(who)) continue;
        lane[i].word.store(word.unclaimed(), std::memory_order_release);
        came_back |= word.is(LaneState::CLAIMED);
      }
      return true;
    };
    if (head_.letters_stuck == 0) {
      segment_.each_lane_to(mailbox, give_back);
      segment_.each_lane_to(segment_.open(), give_back);
    } else {  // a dead letter it holds may lie in any lane
      segment_.each_lane(give_back);
    }
    let_go_of_letters(who);
    if (came_back) segment_.returned();
  }
  /// What the dead one held goes back to its place with one attempt more. What it left half done is looked for in all lanes, for
  /// nothing it wrote of itself is believed.
  void let_go(std::uint32_t who) {
    segment_.each_lane([&](Lane lane, std::uint32_t sender, std::uint32_t mailbox) {
      // Killed between a message and its tail: without this, readers would not look behind a slot he passed over.
      if (sender == who) {
        lane.tail->store(lane.true_tail(), std::memory_order_release);
        if (mailbox != segment_.open()) bury_misdirected(lane, sender, segment_.mailbox(mailbox).load(std::memory_order_relaxed));
      }
      for (std::uint32_t i = 0; i < lane.capacity; ++i) {
        const LaneWord word = lane[i].word.load(std::memory_order_acquire);
        if (!word.is_claimed_by(who)) continue;
        if (word.is(LaneState::CLAIMED_DEAD)) {
          lane[i].word.store(word.unclaimed(), std::memory_order_release);
        } else if (mailbox != segment_.open()) {
          bury(lane, i, sender);  // addressed to the dead one: nobody else may have it
        } else {
          try_again(lane, i, sender);
        }
      }
      return true;
    });
    let_go_of_letters(who);
    segment_.returned();
  }
  /// Ready again with one attempt more, in one store, so that a death here cannot count another; or a dead letter.
  void try_again(Lane lane, std::uint32_t i, std::uint32_t sender) {
    LaneSlot& slot = lane[i];
    const LaneWord word = slot.word.load(std::memory_order_relaxed);
    if (word.attempt >= max_attempts) return bury(lane, i, sender);
    slot.word.store(LaneWord::of(LaneState::READY, word.attempt + 1, 0, word.position), std::memory_order_release);
  }
  /// A dead letter from now on; it is moved out of its lane, whose room is the living's.
  void bury(Lane lane, std::uint32_t i, std::uint32_t sender) {
    LaneSlot& slot = lane[i];
    const LaneWord word = slot.word.load(std::memory_order_relaxed);
    slot.word.store(LaneWord::of(LaneState::DEAD_LETTER, std::min<std::uint64_t>(word.attempt, max_attempts), 0, word.position), std::memory_order_release);
    if (!move_letter(lane, i, sender)) head_.letters_stuck = 1;
  }
  /// A message that was written while its mailbox changed hands.
  void bury_misdirected(Lane lane, std::uint32_t sender, std::uint64_t address) {
    for (std::uint32_t i = 0; i < lane.capacity; ++i) {
      if (!lane[i].word.load(std::memory_order_acquire).is(LaneState::READY)) continue;
      if (LanesSegment::address_of(lane[i].read().recipient) != address) bury(lane, i, sender);
    }
  }

  /// The oldest dead letter; `f(slot, sender)` wherever it lies.
  struct Letter {
    LaneSlot* slot = nullptr;
    std::uint32_t sender = 0;
  };
  Letter oldest_letter() {
    if (head_.letters_stuck != 0) move_letters();
    Letter oldest;
    std::uint64_t age = 0;
    each_letter([&](LaneSlot& slot) {
      const LaneWord word = slot.word.load(std::memory_order_relaxed);
      if (!word.is(LaneState::DEAD_LETTER) || (oldest.slot && beyond(word.position, age) >= 0)) return;
      age = word.position;
      oldest = {&slot, static_cast<std::uint32_t>(word.owner)};
    });
    if (oldest.slot || head_.letters_stuck == 0) return oldest;
    segment_.each_lane([&](Lane lane, std::uint32_t sender, std::uint32_t) {
      for (std::uint32_t i = 0; i < lane.capacity; ++i) {
        if (!lane[i].word.load(std::memory_order_acquire).is(LaneState::DEAD_LETTER)) continue;
        oldest = {&lane[i], sender};
        return false;
      }
      return true;
    });
    return oldest;
  }

  /// The body of a dead letter, moved away or not.
  std::span<const std::byte> letter_body(LaneSlot& slot, std::uint32_t sender) const noexcept {
    const auto& layout = segment_.layout();
    const auto at = reinterpret_cast<std::byte*>(&slot);
    if (at < letters_.slots || at >= letters_.slots + 2 * layout.capacity * layout.slot_bytes) return segment_.body(slot, sender);
    const std::size_t bytes = std::min<std::size_t>(slot.envelope().body_bytes, layout.max_body_bytes);
    if (bytes <= layout.inline_bytes()) return {slot.body(), bytes};
    return {segment_.at(letter_body_at(static_cast<std::size_t>(at - letters_.slots) / layout.slot_bytes)), bytes};
  }

 private:
  using Mailboxes = std::bitset<LanesLayout::most_participants>;
  /// What waits for those who are gone becomes dead letters, and their mailboxes are free for others.
  bool bury_unreachable() {
    Mailboxes attached, buried;
    for (std::uint32_t i = 0; i < segment_.senders(); ++i) {
      const auto mailbox = segment_.mailbox_of(i).load(std::memory_order_relaxed);
      if (people_.is_attached(i) && mailbox < attached.size()) attached.set(mailbox);
    }
    const auto used = segment_.mailboxes_used();
    for (std::uint32_t mailbox = 0; mailbox < used; ++mailbox) {
      const auto address = segment_.mailbox(mailbox).load(std::memory_order_relaxed);
      if (address == 0 || attached.test(mailbox) || people_.may_be_reached(LanesSegment::who_has(address))) continue;
      segment_.mailbox(mailbox).store(0, std::memory_order_relaxed);
      buried.set(mailbox);
    }
    if (buried.none()) return false;
    // (6) The addresses go first, everybody passes a fence, then the lanes are read: a sender who wrote later than that sees
    // the address gone, and buries the message himself; see (7).
    ProcessFence::everywhere();
    for (std::uint32_t mailbox = 0; mailbox < used; ++mailbox) {
      if (buried.test(mailbox)) bury_all_in(mailbox);  // Killed before: the next to come finds a mailbox of nobody with letters in it; see settle().
    }
    return true;
  }
  void bury_all_in(std::uint32_t mailbox) {
    segment_.each_lane_to(mailbox, [&](Lane lane, std::uint32_t sender, std::uint32_t) {
      for (std::uint32_t i = 0, end = lane.slots_written(); i < end; ++i) {
        if (lane[i].word.load(std::memory_order_acquire).is_live()) bury(lane, i, sender);
      }
      return true;
    });
  }

  void let_go_of_letters(std::uint32_t who) {
    each_letter([&](LaneSlot& slot) {
      const LaneWord word = slot.word.load(std::memory_order_relaxed);
      if (word.is_claimed_by(who)) slot.word.store(word.unclaimed(), std::memory_order_release);
    });
  }

  // The reserve: `capacity` slots for each side's dead letters.
  LaneSlot& letter(std::size_t i) const noexcept { return letters_[static_cast<std::uint32_t>(i)]; }
  std::size_t letter_body_at(std::size_t i) const noexcept { return segment_.layout().reserve_bodies + i * segment_.layout().reserve_stride; }
  std::size_t letters_used(std::size_t side) const noexcept { return std::min<std::size_t>(head_.letters_used[side], segment_.layout().capacity); }
  template <class F>
  void each_letter(F f) const {
    for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
      for (std::size_t i = 0; i < letters_used(side); ++i) f(letter(side * segment_.layout().capacity + i));
    }
  }

  void move_letters() {
    head_.letters_stuck = 0;
    segment_.each_lane([&](Lane lane, std::uint32_t sender, std::uint32_t) {
      for (std::uint32_t i = 0; i < lane.capacity; ++i) {
        const LaneWord word = lane[i].word.load(std::memory_order_acquire);
        const bool is_here = word.is(LaneState::CLAIMED_DEAD) || (word.is(LaneState::DEAD_LETTER) && !move_letter(lane, i, sender));
        if (is_here) head_.letters_stuck = 1;
      }
      return true;
    });
  }
  /// Says false when there is no memory to move it to; then it stays where it is.
  bool move_letter(Lane lane, std::uint32_t slot, std::uint32_t sender) {
    LaneSlot& from = lane[slot];
    const std::uint64_t ticket = lane.ticket(slot).load(std::memory_order_relaxed) << 10 | sender;  // tells it from every other
    const std::size_t capacity = segment_.layout().capacity;
    const std::size_t side = people_[sender].role == Role::parent ? 0 : 1;
    const Envelope envelope = from.read();
    const LaneWord word = from.word.load(std::memory_order_relaxed);
    std::size_t free = 2 * capacity, oldest = free;
    bool moved = false;
    for (std::size_t i = side * capacity; i < side * capacity + letters_used(side); ++i) {
      const LaneWord there = letter(i).word.load(std::memory_order_acquire);  // (1) pairs with (2), as for a slot
      if (there.is(LaneState::FREE)) free = i;
      if (!there.is(LaneState::DEAD_LETTER)) continue;
      if (letters_.ticket(static_cast<std::uint32_t>(i)).load(std::memory_order_relaxed) == ticket) moved = true;  // copied by one who died before he freed it here
      if (oldest == 2 * capacity || beyond(letter(oldest).word.load(std::memory_order_relaxed).position, there.position) > 0) oldest = i;
    }
    if (!moved) {
      if (const std::size_t used = letters_used(side); free == 2 * capacity && used < capacity) {
        free = side * capacity + used;
        if (segment_.allocate(segment_.layout().reserve + free * segment_.layout().slot_bytes, segment_.layout().slot_bytes)) return false;
        ++head_.letters_used[side];
      }
      const auto body = segment_.body(from, sender);
      const bool fits_inline = body.size() <= segment_.layout().inline_bytes();
      const std::size_t place = free != 2 * capacity ? free : oldest;  // the oldest is dropped, or this one when all others are held
      if (place != 2 * capacity && !fits_inline && segment_.allocate(letter_body_at(place), body.size())) return false;
      if (free == 2 * capacity) ++head_.letters_dropped[side];  // Killed here: one is counted that is still there.
      free = place;
      if (free != 2 * capacity) {
        LaneSlot& to = letter(free);
        to.word.store(LaneWord{}, std::memory_order_relaxed);  // Killed here: the oldest is dropped, and this one still lies in its lane.
        to.write(envelope);
        letters_.ticket(static_cast<std::uint32_t>(free)).store(ticket, std::memory_order_relaxed);
        if (!body.empty()) std::memcpy(fits_inline ? to.body() : segment_.at(letter_body_at(free)), body.data(), body.size());
        to.word.store(LaneWord::of(LaneState::DEAD_LETTER, word.attempt, sender, ++head_.next_letter), std::memory_order_release);
      }
    }
    from.word.store(LaneWord::of(LaneState::FREE, 0, 0, word.position), std::memory_order_release);
    segment_.freed(sender);
    return true;
  }

  LanesSegment& segment_;
  LanesHead& head_;
  Participants& people_;
  const Lane letters_{segment_.at(segment_.layout().reserve), nullptr, static_cast<std::uint32_t>(segment_.layout().slot_bytes), static_cast<std::uint32_t>(2 * segment_.layout().capacity)};
};

}  // namespace mulproc::shared_memory
