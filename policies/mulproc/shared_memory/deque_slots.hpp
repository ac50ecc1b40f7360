#pragma once
/// What happens to the slots of a shm_deque: each change of state, with the wakes that precede it, and what is done for
/// the dead. All of it under the lock.
#include <cstring>
#include <mulproc/shared_memory/deque_candidates.hpp>

namespace mulproc::shared_memory {

class DequeSlots {
 public:
  enum class Attempt { the_same, one_more };
  struct Lease {
    std::uint32_t slot;
    SlotWord word;  // as it was claimed; any other word there means the lease has ended
  };

  DequeSlots(std::shared_ptr<Segment> segment, Role role)
      : layout_(DequeLayout::of(*segment)),
        segment_(std::move(segment)),
        head_(*reinterpret_cast<DequeHead*>(segment_->address())),
        slots_(reinterpret_cast<Slot*>(segment_->address() + layout_.slots)),
        people_(head_.participants, layout_.max_participants, segment_->address() + layout_.participants,
                reinterpret_cast<RobustMutex*>(segment_->address() + layout_.locks)),
        index_(*segment_, layout_, people_),
        role_(role),
        thread_(ForkWatch::this_thread_id()) {}
  DequeSlots(const DequeSlots&) = delete;

  ProcessId id() const noexcept { return thread_; }
  std::size_t max_body_bytes() const noexcept { return layout_.max_body_bytes; }
  /// As they lie in the slot, until the lease ends.
  const Envelope& envelope_of(const Lease& lease) const noexcept { return slots_[lease.slot].envelope; }
  std::span<const std::byte> bytes_of(const Lease& lease) const noexcept {
    const Slot& slot = slots_[lease.slot];
    const std::size_t bytes = std::min<std::size_t>(slot.envelope.body_bytes, layout_.max_body_bytes);  // a length from a peer is not believed
    return {body_of(lease.slot, bytes), bytes <= Slot::inline_bytes ? bytes : std::min<std::size_t>(bytes, slot.body_allocated)};
  }

 protected:
  std::size_t side() const noexcept { return role_ == Role::parent ? 0 : 1; }
  Role others() const noexcept { return role_ == Role::parent ? Role::child : Role::parent; }
  static Reason room_of(std::size_t side) noexcept { return side == 0 ? parent_room : child_room; }
  bool has_room() const noexcept { return head_.live[side()] < layout_.capacity; }
  bool all_is_done() const noexcept { return head_.live[0] + head_.live[1] == 0; }
  std::byte* body_of(std::uint32_t at, std::size_t bytes) const noexcept {
    if (bytes <= Slot::inline_bytes) return slots_[at].small_body;
    return segment_->address() + layout_.bodies + at * layout_.body_stride;
  }

  void attach() {
    const auto bury = [this] { return bury_the_dead(); };
    people_.admit(role_, bury);
    me_ = people_.attach(role_, thread_, bury);
    if (index_.anything_elsewhere() || role_ == Role::parent) index_.sort_by_recipient();
    people_.somebody_came(me_);
  }
  void detach() noexcept {
    give_back_all_of(me_, Attempt::the_same);
    people_.detach(me_);
    index_.sort_by_recipient();
    people_.somebody_went(me_);
  }

  SlotWord commit(std::uint32_t at, SlotState state, std::uint8_t attempt) noexcept { return commit(at, index_.word(at), state, attempt); }
  SlotWord commit(std::uint32_t at, SlotWord word, SlotState state, std::uint8_t attempt) noexcept {
    word.state = state;
    word.attempt = attempt;
    word.owner = static_cast<std::uint16_t>(me_);
    // Every claim is another lease: who gave a message back cannot settle it once it is taken again, by himself either.
    if (state == SlotState::CLAIMED || state == SlotState::CLAIMED_DEAD || state == SlotState::WRITING) ++word.generation;
    slots_[at].word.store(word, std::memory_order_release);  // readers hold the lock, whose order this rides on
    return word;
  }

  /// A FREE slot with room for the body. Killed anywhere here: it is still FREE.
  Result<std::uint32_t> acquire(std::size_t body_bytes) {
    std::uint32_t at = index_.first_free();
    if (!(index_.in_bounds(at) ? is_free(at) : index_.used() < index_.slot_count())) {  // a peer wrote over the list
      index_.rebuild();
      at = index_.first_free();
    }
    if (!index_.in_bounds(at)) {
      at = index_.used();
      if (at == index_.slot_count()) return Errc::broken;
      constexpr std::uint32_t batch = 64;
      if (at % batch == 0) {
        const std::size_t count = std::min(batch, index_.slot_count() - at);
        if (auto error = segment_->allocate(layout_.slots + at * sizeof(Slot), count * sizeof(Slot))) return error;
      }
      head_.slots_used = at + 1;
      index_.push_free(at);
    }
    Slot& slot = slots_[at];
    if (body_bytes > Slot::inline_bytes && slot.body_allocated < body_bytes) {
      if (auto error = segment_->allocate(layout_.bodies + at * layout_.body_stride, body_bytes)) return error;
      slot.body_allocated = static_cast<std::uint32_t>(body_bytes);
    }
    occupy(at);
    return at;
  }
  /// The same where it takes no more than the next one of the free list; what is wrong with that is acquire()'s to find out.
  bool acquire_at_once(std::uint32_t at, std::size_t body_bytes) noexcept {
    if (!index_.in_bounds(at) || !is_free(at) || (body_bytes > Slot::inline_bytes && slots_[at].body_allocated < body_bytes)) return false;
    occupy(at);
    return true;
  }
  /// The slot's message becomes one to be taken. `mailbox` is its recipient's.
  void post(std::uint32_t at, std::uint32_t mailbox) noexcept {
    slots_[at].ticket = head_.next_ticket++;
    index_.append(at, mailbox);
    wake_for_mail(at);  // before the commit
    commit(at, SlotState::READY, 1);
  }
  Lease claim(std::uint32_t at, SlotWord word, SlotState as) noexcept {
    if (as == SlotState::CLAIMED) index_.remove(at);
    return {at, commit(at, word, as, word.attempt)};
  }
  void free_slot(std::uint32_t at) noexcept { free_slot(at, index_.word(at)); }
  void free_slot(std::uint32_t at, SlotWord word) noexcept {
    const auto side = index_.side_of(at);
    --(DequeIndex::is_dead(word.state) ? head_.dead : head_.live)[side];
    wake_for_room(side);
    commit(at, word, SlotState::FREE, 0);
    index_.push_free(at);
  }
  /// READY again, or a dead letter when it has been tried often enough.
  void back_to_its_place(std::uint32_t at, std::uint8_t attempt, std::optional<std::uint32_t> refused_since) noexcept {
    if (attempt > max_attempts) return bury_letter(at, max_attempts);
    index_.insert(at);
    wake_for_mail(at, refused_since);
    commit(at, SlotState::READY, attempt);
  }
  void put_back_held(std::uint32_t at, Attempt attempts, std::optional<std::uint32_t> refused_since = {}) noexcept {
    const SlotWord word = index_.word(at);
    if (word.state == SlotState::CLAIMED_DEAD) return void(commit(at, SlotState::DEAD_LETTER, word.attempt));
    back_to_its_place(at, static_cast<std::uint8_t>(word.attempt + (attempts == Attempt::one_more ? 1 : 0)), refused_since);
  }
  std::uint32_t oldest_dead_letter(std::size_t side) const noexcept {  // 2: of both sides
    std::uint32_t oldest = DequeIndex::nothing;
    if (head_.dead[0] + head_.dead[1] == 0) return oldest;
    for (std::uint32_t at = 0; at < index_.used(); ++at) {
      if (index_.word(at).state != SlotState::DEAD_LETTER || (side < 2 && index_.side_of(at) != side)) continue;
      if (oldest == DequeIndex::nothing || slots_[at].ticket < slots_[oldest].ticket) oldest = at;
    }
    return oldest;
  }

  /// An offer is for one: it wakes one of those who take any. What must be looked at wakes all who look.
  void wake_for_mail(std::uint32_t at, std::optional<std::uint32_t> refused_since = {}) noexcept {
    people_.wake_all(any_mail, refused_since);
    if (const auto box = index_.mailbox_it_is_in(at); box != DequeIndex::nothing) {
      people_.wake_recipient(box);
    } else if (slots_[at].envelope.recipient == anyone) {
      people_.wake_one(offers, slots_[at].envelope.sender);
    }
  }
  void wake_for_room(std::size_t side) noexcept {
    people_.wake_one(room_of(side));
    if (all_is_done()) people_.wake_all(end_of_work);
  }
  /// For who was woken and takes something else than what he was woken for.
  void pass_offers_on() noexcept {
    const std::uint32_t list = index_.in_bounds(index_.oldest(DequeIndex::offered)) ? DequeIndex::offered : DequeIndex::parents_offers;
    if (index_.has_offers()) people_.wake_one(offers, slots_[index_.oldest(list)].envelope.sender);
  }
  void pass_room_on() noexcept {
    if (has_room()) people_.wake_one(room_of(side()));
  }

  /// Looks for deaths, hands on what the dead held, and makes dead letters of what waits for them. Says whether anything changed.
  bool bury_the_dead() {
    bool changed = heal();
    changed = people_.look_for_deaths(me_, [this](std::uint32_t who) { give_back_all_of(who, Attempt::one_more); }) || changed;
    if (changed) index_.sort_by_recipient();
    changed = free_what_was_given_up() || changed;
    for (std::uint32_t at = index_.oldest(DequeIndex::elsewhere), left = index_.slot_count(); index_.in_bounds(at) && left-- != 0;) {
      const auto next = slots_[at].by_recipient.next;
      if (!people_.may_be_reached(slots_[at].envelope.recipient)) {
        const auto attempt = index_.word(at).attempt;
        index_.remove(at);
        bury_letter(at, attempt);
        changed = true;
      }
      at = next;
    }
    if (changed) people_.wake_everybody();
    return changed;
  }
  /// After a lock of the dead: what is derived is derived anew. Killed here: the next owner finds a lock of the dead again.
  void recover() {
    people_.recount();
    index_.rebuild();
    bury_the_dead();
    people_.wake_everybody();  // some may have been woken by the dead for what never came
    people_.mutex().make_consistent();
  }
  /// A slot whose writer could not have the lock to free it.
  bool free_what_was_given_up() noexcept {
    if (head_.given_up.load(std::memory_order_relaxed) == 0 || head_.given_up.exchange(0, std::memory_order_acquire) == 0) return false;  // (5) pairs with (6)
    bool found = false;
    for (std::uint32_t at = 0; at < index_.used(); ++at) {
      const SlotWord word = index_.word(at);
      if (word.state == SlotState::WRITING && word.attempt != 0) free_slot(at), found = true;
    }
    return found;
  }

  template <class F>
  bool held_by_another(F& selector) const {
    for (std::uint32_t at = 0; at < index_.used(); ++at) {
      const SlotWord word = index_.word(at);
      if (word.owner == me_) continue;
      if (word.state == SlotState::WRITING) return true;
      const Envelope envelope = slots_[at].envelope;
      if (word.state == SlotState::CLAIMED && selector(envelope)) return true;
    }
    return false;
  }
  /// What remains is neither held by a live participant but me, nor could one take it.
  bool nobody_could_finish() noexcept {
    const bool others_are_there = people_.anybody_else();
    const bool may_still_come = !people_.somebody_ever(others());
    for (std::uint32_t at = 0; at < index_.used(); ++at) {
      const SlotWord word = index_.word(at);
      const ProcessId recipient = slots_[at].envelope.recipient;
      if ((word.state == SlotState::CLAIMED || word.state == SlotState::WRITING) && word.owner != me_) return false;
      if (word.state != SlotState::READY) continue;
      if (recipient == anyone ? others_are_there || may_still_come : recipient != id() && people_.may_be_reached(recipient)) return false;
    }
    return true;
  }

 private:
  bool is_free(std::uint32_t at) const noexcept { return index_.word(at).state == SlotState::FREE; }
  void occupy(std::uint32_t first_free) noexcept {
    index_.pop_free(first_free);
    slots_[first_free].side = static_cast<std::uint16_t>(side());
    ++head_.live[side()];
  }

  /// From live to dead: it leaves its side's room for the reserve of `capacity` slots; the oldest there is dropped.
  void bury_letter(std::uint32_t at, std::uint8_t attempt) noexcept {
    const auto side = index_.side_of(at);
    if (head_.dead[side] >= layout_.capacity) {
      ++head_.dropped[side];  // Killed here: one is counted that was not dropped. The other way round one would be gone untold.
      const auto oldest = oldest_dead_letter(side);
      if (oldest == DequeIndex::nothing) return free_slot(at);  // all others are held
      free_slot(oldest);
    }
    --head_.live[side];
    ++head_.dead[side];
    wake_for_room(side);
    commit(at, SlotState::DEAD_LETTER, attempt);
  }
  void give_back_all_of(std::uint32_t who, Attempt attempts) noexcept {
    const ProcessId holder = people_[who].thread;
    for (std::uint32_t at = 0; at < index_.used(); ++at) {
      const SlotWord word = index_.word(at);
      if (word.owner != who || !is_held(word.state)) continue;
      if (word.state == SlotState::WRITING) {
        free_slot(at);
      } else if (word.state == SlotState::CLAIMED && attempts == Attempt::one_more && slots_[at].envelope.recipient == holder) {
        bury_letter(at, word.attempt);  // addressed to the dead one: nobody else may have it
      } else {
        put_back_held(at, attempts);
      }
    }
  }

  static bool is_held(SlotState state) noexcept { return state == SlotState::WRITING || state == SlotState::CLAIMED || state == SlotState::CLAIMED_DEAD; }
  bool held_by_nobody(SlotWord word) const noexcept {
    return is_held(word.state) && (word.owner >= people_.used() || !people_.is_attached(word.owner));
  }
  /// What a peer wrote over the words and what is derived from them. Says whether there was anything.
  bool heal() {
    bool found = !index_.agrees();
    for (std::uint32_t at = 0; at < index_.used(); ++at) {
      SlotWord word = index_.word(at);
      if (!held_by_nobody(word)) continue;
      word.state = word.state == SlotState::CLAIMED ? SlotState::READY : word.state == SlotState::CLAIMED_DEAD ? SlotState::DEAD_LETTER : SlotState::FREE;
      slots_[at].word.store(word);
      found = true;
    }
    if (!found) return false;
    people_.recount();
    index_.rebuild();
    return true;
  }

 protected:
  const DequeLayout layout_;
  std::shared_ptr<Segment> segment_;
  DequeHead& head_;
  Slot* const slots_;
  Participants people_;
  DequeIndex index_;
  const Role role_;
  const pid_t thread_;
  std::uint32_t me_ = ~std::uint32_t{0};
};

}  // namespace mulproc::shared_memory
