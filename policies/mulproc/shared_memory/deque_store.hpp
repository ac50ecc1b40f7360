#pragma once
/// One participant's way into the queue of a shm_deque: the operations, which take the lock, wait, and say how it went.
#include <mulproc/owner.hpp>
#include <mulproc/refused.hpp>
#include <mulproc/shared_memory/deque_slots.hpp>

namespace mulproc::shared_memory {

/// `Waiting` is a waiting policy.
///
/// Safety:  used by the thread that made it.
template <class Waiting>
class DequeStore : public DequeSlots {
 public:
  /// A larger body is copied outside the lock, under a claim of its own, which costs taking the lock twice.
  static constexpr std::size_t copied_under_the_lock = 2048;

  /// A slot that is being written.
  struct Reservation {
    std::uint32_t slot;
    SlotWord word;
    std::span<std::byte> memory;
  };

  DequeStore(std::shared_ptr<Segment> segment, Role role) : DequeSlots(std::move(segment), role) {
    const auto lock = enter_even_detached(Deadline::never());
    lock.value();
    attach();
  }

  /// Ends the participation; what it holds goes back to its place.
  void detach() noexcept {
    if (!owner_.is_me() || std::exchange(detached_, true)) return;
    if (const auto lock = enter_even_detached(Deadline::never())) {
      DequeSlots::detach();
    } else {
      people_.detach(me_);
    }
  }

  Result<> put(const Envelope& envelope, std::span<const std::byte> body, Deadline deadline) {
    if (body.size() > max_body_bytes()) return Errc::too_large;
    if (body.size() > copied_under_the_lock) return put_large(envelope, body, deadline);
    auto lock = enter(deadline, RobustMutex::Look::later);
    if (!lock) return lock.error();
    Place place{index_.first_free(), people_.mailbox_of(envelope.recipient)};
    const bool is_there = place.mailbox != Participants::nobody || envelope.recipient == anyone;
    if (!is_there || !has_room() || !acquire_at_once(place.slot, body.size())) {
      const auto found = place_for(lock, envelope.recipient, body.size(), deadline);
      if (!found) return found.error();
      place = *found;
    }
    look_.has_sent();
    slots_[place.slot].envelope = envelope;
    if (!body.empty()) std::memcpy(body_of(place.slot, body.size()), body.data(), body.size());
    post(place.slot, place.mailbox);
    return {};
  }

  /// Memory for a body. What is small is written beside the segment first, so that it takes the lock only once.
  Result<Reservation> lend(std::size_t bytes, Deadline deadline) {
    if (bytes > copied_under_the_lock || draft_is_lent_) return reserve(bytes, deadline);
    if (detached_) return Errc::stale;
    if (bytes > max_body_bytes()) return Errc::too_large;
    draft_is_lent_ = true;
    draft_.resize(copied_under_the_lock);
    return Reservation{DequeIndex::nothing, {}, {draft_.data(), bytes}};
  }
  /// A slot of one's own to write into. Killed before it is published: WRITING goes back to FREE.
  Result<Reservation> reserve(std::size_t bytes, Deadline deadline, ProcessId recipient = anyone) {
    if (bytes > max_body_bytes()) return Errc::too_large;
    auto lock = enter(deadline, RobustMutex::Look::later);
    if (!lock) return lock.error();
    const auto place = place_for(lock, recipient, bytes, deadline);
    if (!place) return place.error();
    const auto at = place->slot;
    slots_[at].envelope = Envelope{};
    return Reservation{at, commit(at, SlotState::WRITING, 0), {body_of(at, bytes), bytes}};
  }
  /// Fails:   as put does; then the slot is free again and nothing was sent.
  Result<> publish(const Reservation& mine, const Envelope& envelope, std::size_t used, Deadline deadline) {
    if (mine.slot == DequeIndex::nothing) {
      draft_is_lent_ = false;
      if (used > mine.memory.size()) return Errc::too_large;
      Envelope whole = envelope;
      whole.body_bytes = static_cast<std::uint32_t>(used);
      return put(whole, mine.memory.first(used), deadline);
    }
    auto lock = enter(deadline, RobustMutex::Look::later);
    if (!lock) return mark_given_up(mine), lock.error();
    if (index_.word(mine.slot) != mine.word) return Errc::stale;
    const bool fits = used <= mine.memory.size();
    const auto mailbox = people_.mailbox_of(envelope.recipient);
    if (!fits || !people_.may_be_reached(envelope.recipient, mailbox)) {
      free_slot(mine.slot);
      return fits ? Errc::recipient_gone : Errc::too_large;
    }
    look_.has_sent();
    Slot& slot = slots_[mine.slot];
    slot.envelope = envelope;
    slot.envelope.body_bytes = static_cast<std::uint32_t>(used);
    if (used != 0 && body_of(mine.slot, used) != mine.memory.data()) std::memcpy(slot.small_body, mine.memory.data(), used);
    post(mine.slot, mailbox);
    return {};
  }
  void give_up(const Reservation& mine) noexcept {
    if (!owner_.is_me()) return;
    if (mine.slot == DequeIndex::nothing) {
      draft_is_lent_ = false;
      return;
    }
    const auto lock = enter(Deadline::now());
    if (!lock) return mark_given_up(mine);
    if (index_.word(mine.slot) == mine.word) free_slot(mine.slot);
  }

  template <class F, class AsParcel>
  Result<Lease> take_if(F& selector, Deadline deadline, AsParcel as_parcel, std::uint32_t* deaths_known = nullptr) {
    auto lock = enter(deadline, look_.now());
    if (!lock) return lock.error();
    if constexpr (!F::looks_inside) {
      // The oldest of all is the oldest match whatever the taste; it is others' mail is not looked at.
      if (const auto at = index_.oldest(); index_.in_bounds(at) && (!F::by_address || index_.is_first_of(my_mailbox(), at))) {
        const Envelope envelope = slots_[at].envelope;
        const SlotWord word = index_.word(at);
        if (word.state == SlotState::READY && selector(envelope)) return claim(at, word, SlotState::CLAIMED);
      }
    }
    const Taste taste = Taste::of(selector, id());
    const typename Refused<Shown>::InOneCall call(refused_);
    LastLook last_look;
    bool rung = false;
    while (true) {
      bool from_the_oldest_again = false;
      Candidates candidates(index_, slots_, taste, my_mailbox(), people_.is_parent(thread_));
      for (auto at = candidates.next(); at != DequeIndex::nothing; at = candidates.next()) {
        const Envelope envelope = slots_[at].envelope;
        const SlotWord word = index_.word(at);
        if (word.state != SlotState::READY) {
          index_.rebuild();  // a peer wrote over the list
          return Errc::broken;
        }
        if (!selector(envelope)) continue;
        if constexpr (!F::looks_inside) {
          if (rung && envelope.recipient != anyone) pass_offers_on();
          return claim(at, word, SlotState::CLAIMED);
        } else {
          const Shown shown{slots_[at].ticket, word.attempt, at};
          if (refused_.has(shown)) continue;
          const auto since = people_.sleeps();
          const Lease lease = claim(at, word, SlotState::CLAIMED);
          lock.unlock();
          bool wanted = false;
          try {
            wanted = selector(as_parcel(lease));
          } catch (...) {
            (void)give_back(lease);
            throw;
          }
          if (wanted) return lease;
          if (auto back = put_back(lease, Attempt::the_same, since); !back) return back.error();
          refused_.add(shown);
          lock = enter(deadline);
          if (!lock) return lock.error();
          if (refused_.have_doubled()) {
            refused_.forget_if([this](const Shown& each) { return slots_[each.slot].ticket != each.ticket || index_.word(each.slot).state == SlotState::FREE; });
          }
          if (last_look.is_over(deadline, [this] { return head_.live[0] + head_.live[1]; })) return Errc::not_ready;
          from_the_oldest_again = true;  // the lists may have changed meanwhile
          break;
        }
      }
      if (from_the_oldest_again) continue;
      const bool is_over = deadline.expired();
      if (look_changes_something(is_over)) continue;
      if (people_.other_side_gone(role_) && !held_by_another(selector)) {
        if (bury_the_dead()) continue;
        return Errc::closed;
      }
      if (is_over || people_.news_of_a_death(deaths_known)) return Errc::not_ready;
      const Reason reasons = F::looks_inside || !taste.by_address ? any_mail : taste.offers ? own_mail | offers : own_mail;
      if (const auto failed = sleep(lock, reasons, deadline, look_.now()); failed != Errc{}) return failed;
      rung = rung || people_.was_rung();
    }
  }

  Result<> finish(const Lease& lease) {
    const auto lock = enter(Deadline::never(), look_.now());
    look_.has_finished();
    if (!lock) return lock.error();
    if (index_.word(lease.slot) != lease.word) return Errc::stale;
    free_slot(lease.slot, lease.word);
    return {};
  }
  Result<> give_back(const Lease& lease) { return put_back(lease, Attempt::the_same); }
  Result<> fail(const Lease& lease) { return put_back(lease, Attempt::one_more); }

  template <class F>
  bool empty_for(F& selector) {
    const auto lock = enter_and_look();
    lock.value();
    Candidates candidates(index_, slots_, Taste::of(selector, id()), my_mailbox(), people_.is_parent(thread_));
    for (auto at = candidates.next(); at != DequeIndex::nothing; at = candidates.next()) {
      const Envelope envelope = slots_[at].envelope;
      if (selector(envelope)) return false;
    }
    return true;
  }
  std::size_t unfinished() {
    const auto lock = enter_and_look();
    lock.value();
    return head_.live[0] + head_.live[1];
  }
  Result<> join(Deadline deadline) {
    auto lock = enter(deadline);
    if (!lock) return lock.error();
    while (!all_is_done()) {
      const bool is_over = deadline.expired();
      if (look_changes_something(is_over)) continue;
      if (nobody_could_finish()) {
        if (bury_the_dead()) continue;
        return Errc::abandoned;
      }
      if (is_over) return Errc::not_ready;
      if (const auto failed = sleep(lock, end_of_work, deadline); failed != Errc{}) return failed;
    }
    return {};
  }
  Result<Lease> take_dead_letter() {
    const auto lock = enter_and_look();
    if (!lock) return lock.error();
    const auto oldest = oldest_dead_letter(2);
    if (oldest == DequeIndex::nothing) return Errc::not_ready;
    return claim(oldest, index_.word(oldest), SlotState::CLAIMED_DEAD);
  }
  std::size_t dead_letters_dropped() {
    const auto lock = enter(Deadline::never());
    lock.value();
    return head_.dropped[0] + head_.dropped[1];
  }
  Result<> close() {
    const auto lock = enter(Deadline::never());
    if (!lock) return lock.error();
    people_.end_sending(me_);
    people_.wake_everybody();
    return {};
  }
  ProcessId parent_id() const noexcept { return people_.parent_id(); }
  const Owner& owner() const noexcept { return owner_; }

 private:
  struct Place {
    std::uint32_t slot, mailbox;  // the recipient's
  };
  /// The lock, or why there is none.
  class Entry : public HeldLock {
   public:
    explicit Entry(RobustMutex& mutex) noexcept : HeldLock(mutex) {}
    explicit Entry(Errc error) noexcept : error_(error) {}
    explicit operator bool() const noexcept { return error_ == Errc{}; }
    Errc error() const noexcept { return error_; }
    void value() const {
      if (error_ != Errc{}) throw std::system_error(error_);
    }

   private:
    Errc error_{};
  };
  Entry enter(Deadline deadline, RobustMutex::Look look = RobustMutex::Look::soon) {
    return detached_ ? Entry(Errc::stale) : enter_even_detached(deadline, look);
  }
  Entry enter_even_detached(Deadline deadline, RobustMutex::Look look = RobustMutex::Look::soon) {
    const auto got = people_.lock(deadline, lock_waiting_, look);
    const auto failed = got == RobustMutex::Got::lock ? Errc{} : settle(got);
    return failed == Errc{} ? Entry(people_.mutex()) : Entry(failed);
  }
  std::uint32_t my_mailbox() noexcept { return index_.mailbox(people_[me_].mailbox); }
  Entry enter_and_look() {
    Entry lock = enter(Deadline::never());
    if (lock && people_.look_is_due()) bury_the_dead();
    return lock;
  }
  Errc settle(RobustMutex::Got got) {
    switch (got) {
      case RobustMutex::Got::lock: break;
      case RobustMutex::Got::nothing: return Errc::not_ready;
      case RobustMutex::Got::ruin: return Errc::broken;
      case RobustMutex::Got::lock_of_the_dead: recover(); break;
    }
    return {};
  }
  /// Afterwards the lock is held again, unless it says why not.
  Errc sleep(Entry& lock, Reason reasons, Deadline deadline, RobustMutex::Look look = RobustMutex::Look::soon) {
    lock.forget();
    const auto failed = settle(people_.sleep(me_, reasons, deadline, waiting_, look));
    if (failed == Errc{}) lock = Entry(people_.mutex());
    return failed;
  }
  /// Before an answer that there is nothing, and after a sleep that nobody ended: are there deaths to be seen?
  bool look_changes_something(bool is_over) { return (is_over || !people_.was_rung()) && people_.look_is_due() && bury_the_dead(); }

  /// Waits for room, and takes it.
  Result<Place> place_for(Entry& lock, ProcessId recipient, std::size_t bytes, Deadline deadline) {
    bool rung = false;
    while (true) {
      const auto mailbox = people_.mailbox_of(recipient);
      if (!people_.may_be_reached(recipient, mailbox)) {
        if (rung) pass_room_on();
        return Errc::recipient_gone;
      }
      if (has_room()) {
        const auto at = acquire(bytes);
        if (at) return Place{*at, mailbox};
        if (rung) pass_room_on();
        return at.error();
      }
      const bool is_over = deadline.expired();
      if (free_what_was_given_up() || look_changes_something(is_over)) continue;
      if (!people_.anybody_else() && people_.somebody_ever(others()) && !bury_the_dead()) return Errc::closed;
      if (is_over) return Errc::not_ready;
      if (const auto failed = sleep(lock, room_of(side()), deadline, RobustMutex::Look::later); failed != Errc{}) return failed;
      rung = rung || people_.was_rung();
    }
  }
  Result<> put_large(const Envelope& envelope, std::span<const std::byte> body, Deadline deadline) {
    const auto mine = reserve(body.size(), deadline, envelope.recipient);
    if (!mine) return mine.error();
    std::memcpy(mine->memory.data(), body.data(), body.size());
    return publish(*mine, envelope, body.size(), deadline);
  }
  /// Without the lock, which somebody stopped may hold: whoever looks next frees the slot.
  void mark_given_up(const Reservation& mine) noexcept {
    Slot& slot = slots_[mine.slot];
    if (detached_ || slot.word.load(std::memory_order_relaxed) != mine.word) return;
    SlotWord word = mine.word;
    word.attempt = 1;
    slot.word.store(word, std::memory_order_relaxed);
    head_.given_up.fetch_add(1, std::memory_order_release);  // (6) pairs with (5): who sees the count sees the word
  }
  /// `refused_since`: for what was only looked at, sleeps() of then.
  Result<> put_back(const Lease& lease, Attempt attempts, std::optional<std::uint32_t> refused_since = {}) {
    const auto lock = enter(Deadline::never());
    if (!lock) return lock.error();
    if (index_.word(lease.slot) != lease.word) return Errc::stale;
    put_back_held(lease.slot, attempts, refused_since);
    return {};
  }
  /// A message in one of its attempts.
  struct Shown {
    std::uint64_t ticket;
    std::uint32_t attempt, slot;
    auto operator<=>(const Shown&) const = default;
  };

  const Owner owner_;
  Waiting waiting_, lock_waiting_;
  std::vector<std::byte> draft_;
  bool draft_is_lent_ = false;
  RobustMutex::ReceiversLook look_;
  Refused<Shown> refused_;  // in this call
  bool detached_ = false;
};

}  // namespace mulproc::shared_memory
