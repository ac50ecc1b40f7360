#pragma once
/// The queue inside a shm_deque's segment.
///
///   | DequeHead | participants | locks (pages of their own) | slots ............ | bodies (sparse) ........ |
///
/// Each slot has one authoritative word; an operation commits by one aligned store to it. Lists, counts and the free
/// list are derived from the words and rebuilt when somebody died inside the lock; so there is no log and nothing to undo.
///
///          reserve          commit           claim            done
///   FREE ----------> WRITING ------> READY ---------> CLAIMED ------> FREE
///                                     ^  give back, death    |  5th death, or addressed to the dead
///                                     +----------------------+----> DEAD_LETTER <--> CLAIMED_DEAD ----> FREE
#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <mulproc/shared_memory/participants.hpp>
#include <mulproc/shared_memory/segment.hpp>
#include <vector>

namespace mulproc::shared_memory {

enum class SlotState : std::uint8_t { FREE, WRITING, READY, CLAIMED, DEAD_LETTER, CLAIMED_DEAD };

/// The authoritative word: | generation 32 | owner 16 | attempt 8 | state 8 |
struct SlotWord {
  SlotState state = SlotState::FREE;
  std::uint8_t attempt = 0;
  std::uint16_t owner = 0;
  std::uint32_t generation = 0;
  bool operator==(const SlotWord&) const = default;
};
static_assert(sizeof(SlotWord) == 8 && std::atomic<SlotWord>::is_always_lock_free, "a slot commits by one aligned 8-byte store");

struct Slot {
  static constexpr std::size_t inline_bytes = 224;

  std::atomic<SlotWord> word;
  Envelope envelope;
  std::uint64_t ticket;          // its place in the global order
  std::uint32_t next, previous;  // derived: the READY list, or the free list
  std::uint32_t side;            // whose room it takes: the sender's role
  std::uint32_t body_allocated;  // bytes of its body region that can be touched
  std::uint64_t reserved;
  std::byte small_body[inline_bytes];
};
static_assert(sizeof(Slot) == 320, "five cache lines: word and envelope fill the first");

struct DequeHead {
  std::uint64_t magic;
  std::uint32_t version, slot_count;
  std::uint64_t bytes, capacity, max_body_bytes;
  ParticipantsHead participants;
  std::uint32_t slots_used;  // slots below are allocated; grows only
  // derived, rebuilt by rebuild()
  std::uint32_t first_ready, last_ready, first_free;
  std::uint64_t next_ticket;
  std::uint64_t live[2], dead[2];
  std::uint64_t dropped[2];
};

/// Where everything lies, computed from three numbers.
struct DequeLayout {
  static constexpr std::uint64_t magic = 0x6d756c70726f6331;  // "mulproc1"
  static constexpr std::uint32_t version = 1;
  static constexpr std::size_t page = 4096;

  std::size_t capacity, max_body_bytes, max_participants;
  std::size_t participants, waiting, locks, slots, bodies, body_stride, bytes;

  DequeLayout(std::size_t messages, std::size_t largest_body, std::size_t endpoints)
      : capacity(messages), max_body_bytes(largest_body), max_participants(endpoints) {
    participants = page;
    waiting = participants + max_participants * sizeof(Participant);
    locks = round_up(waiting + max_participants);
    slots = round_up(locks + (1 + max_participants) * sizeof(RobustMutex));
    // Two sides; each has `capacity` in flight and a reserve of as many dead letters.
    bodies = round_up(slots + 4 * capacity * sizeof(Slot));
    body_stride = max_body_bytes <= Slot::inline_bytes ? 0 : round_up(max_body_bytes);
    bytes = bodies + 4 * capacity * body_stride;
  }

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
      head.participants.maximum = static_cast<std::uint32_t>(max_participants);
      head.participants.opener = ForkWatch::this_thread_id();
      head.first_ready = head.last_ready = head.first_free = nothing;
      head.next_ticket = 1;
      Participants::initialise(reinterpret_cast<RobustMutex*>(address + layout.locks), max_participants);
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
    if (sane) {
      if (const DequeLayout layout(capacity, max_body_bytes, max_participants); layout.bytes == segment.size()) return layout;
    }
    throw std::system_error(Errc::malformed, "this name's segment is no shm_deque of this version");
  }

  static constexpr std::uint32_t nothing = ~std::uint32_t{0};

 private:
  static constexpr std::size_t round_up(std::size_t bytes) { return (bytes + page - 1) / page * page; }
};

/// One participant's way into the queue.
///
/// Safety:  used by the thread that made it.
class DequeStore {
 public:
  struct Lease {
    std::uint32_t slot;
    SlotWord word;  // as it was claimed; any other word there means the lease has ended
    Envelope envelope;
    int attempt;
    std::span<const std::byte> bytes;
  };

  DequeStore(std::shared_ptr<Segment> segment, Role role)
      : segment_(std::move(segment)),
        head_(*reinterpret_cast<DequeHead*>(segment_->address())),
        layout_(DequeLayout::of(*segment_)),
        capacity_(layout_.capacity),
        max_body_bytes_(layout_.max_body_bytes),
        slot_count_(static_cast<std::uint32_t>(4 * capacity_)),
        slots_(reinterpret_cast<Slot*>(segment_->address() + layout_.slots)),
        people_(head_.participants, static_cast<std::uint32_t>(layout_.max_participants), reinterpret_cast<Participant*>(segment_->address() + layout_.participants),
                reinterpret_cast<std::uint8_t*>(segment_->address() + layout_.waiting),
                reinterpret_cast<RobustMutex*>(segment_->address() + layout_.locks)),
        role_(role),
        thread_(ForkWatch::this_thread_id()) {
    const auto lock = enter(Deadline::never());
    lock.value();
    if (role == Role::parent) {
      bury_the_dead();
      if (people_.alive(Role::parent))
        throw std::system_error(system_error_code(EBUSY), "this channel has a live parent endpoint; only one at a time");
    }
    auto index = people_.attach(role, thread_);
    if (!index && bury_the_dead()) index = people_.attach(role, thread_);
    if (!index) throw std::system_error(index.error(), "max_participants endpoints are attached already");
    me_ = *index;
    people_.wake_everybody();
  }
  DequeStore(const DequeStore&) = delete;

  /// Ends the participation; what it holds goes back to its place.
  void detach() noexcept {
    if (!owner_.is_me() || std::exchange(detached_, true)) return;
    const auto lock = enter(Deadline::never(), EvenDetached{});
    if (lock) give_back_all_of(me_, Attempt::the_same);
    people_.detach(me_);
    if (lock) people_.wake_everybody();
  }

  Result<> put(const Envelope& envelope, std::span<const std::byte> body, Deadline deadline) {
    if (body.size() > max_body_bytes_) return Errc::too_large;
    auto lock = enter(deadline);
    if (!lock) return lock.error();
    std::uint32_t at = DequeLayout::nothing;
    while (true) {
      if (!people_.may_be_reached(envelope.recipient)) return Errc::recipient_gone;
      if (head_.live[side()] < capacity_) {
        auto slot = acquire(body.size());
        if (!slot) return slot.error();
        at = *slot;
        break;
      }
      if (people_.look_is_due() && bury_the_dead()) continue;
      if (nobody_makes_room()) return Errc::closed;
      if (deadline.expired()) return Errc::not_ready;
      if (auto woken = sleep(room, deadline); !woken) return woken;
    }
    Slot& slot = slots_[at];
    slot.envelope = envelope;
    slot.side = static_cast<std::uint32_t>(side());
    if (body.size() > Slot::inline_bytes) {
      // Copied outside the lock, under a claim of our own. Killed here: WRITING goes back to FREE.
      slot.word.store({SlotState::WRITING, 0, static_cast<std::uint16_t>(me_), slot.word.load(std::memory_order_relaxed).generation});
      ++head_.live[side()];
      lock->unlock();
      std::memcpy(body_of(at, body.size()), body.data(), body.size());
      lock = enter(Deadline::never());
      if (!lock) return lock.error();
    } else {
      if (!body.empty()) std::memcpy(slot.small_body, body.data(), body.size());
      ++head_.live[side()];
    }
    slot.ticket = head_.next_ticket++;
    append_ready(at);
    people_.wake(mail_of_mine | any_mail, envelope.recipient);  // before the commit
    commit(slot, SlotState::READY, 1);
    return {};
  }

  template <class F, class AsParcel>
  Result<Lease> take_if(F& selector, Deadline deadline, AsParcel as_parcel, std::uint32_t* deaths_known = nullptr) {
    std::vector<std::pair<std::uint64_t, int>> refused;  // (ticket, attempt): shown once and not again in this call
    auto lock = enter(deadline);
    if (!lock) return lock.error();
    while (true) {
      bool from_the_oldest_again = false;
      std::uint32_t seen = 0;
      for (auto at = head_.first_ready; in_bounds(at); at = slots_[at].next) {
        const Envelope envelope = slots_[at].envelope;
        const SlotWord word = slots_[at].word.load(std::memory_order_relaxed);
        if (word.state != SlotState::READY || ++seen > slot_count_) {
          rebuild();
          return damaged();
        }
        if (!selector(envelope)) continue;
        const std::pair<std::uint64_t, int> shown{slots_[at].ticket, word.attempt};
        if (std::find(refused.begin(), refused.end(), shown) != refused.end()) continue;
        const Lease lease = claim(at, envelope, SlotState::CLAIMED);
        if constexpr (!F::looks_inside) {
          return lease;
        } else {
          lock->unlock();
          bool wanted = false;
          try {
            wanted = selector(as_parcel(lease));
          } catch (...) {
            (void)give_back(lease);
            throw;
          }
          if (wanted) return lease;
          if (auto back = give_back(lease); !back) return back.error();
          refused.push_back(shown);
          lock = enter(deadline);
          if (!lock) return lock.error();
          from_the_oldest_again = true;  // the list may have changed meanwhile
          break;
        }
      }
      if (from_the_oldest_again) continue;
      if (people_.look_is_due() && bury_the_dead()) continue;
      if (people_.other_side_gone(role_) && !held_by_another(selector)) {
        if (bury_the_dead()) continue;
        return Errc::closed;
      }
      if (deadline.expired() || people_.news_of_a_death(deaths_known)) return Errc::not_ready;
      const std::uint8_t reasons = F::by_address && !F::looks_inside ? mail_of_mine : any_mail;
      if (auto woken = sleep(reasons, deadline); !woken) return woken.error();
    }
  }

  Result<> finish(const Lease& lease) {
    const auto lock = enter(Deadline::never());
    if (!lock) return lock.error();
    Slot& slot = slots_[lease.slot];
    if (slot.word.load(std::memory_order_relaxed) != lease.word) return Errc::stale;
    free_slot(lease.slot);
    return {};
  }
  Result<> give_back(const Lease& lease) { return put_back(lease, Attempt::the_same); }
  Result<> fail(const Lease& lease) { return put_back(lease, Attempt::one_more); }

  template <class F>
  bool empty_for(F& selector) {
    const auto lock = enter(Deadline::never());
    lock.value();
    if (people_.look_is_due()) bury_the_dead();
    std::uint32_t seen = 0;
    for (auto at = head_.first_ready; in_bounds(at) && seen++ < slot_count_; at = slots_[at].next) {
      const Envelope envelope = slots_[at].envelope;
      if (selector(envelope)) return false;
    }
    return true;
  }
  std::size_t unfinished() {
    const auto lock = enter(Deadline::never());
    lock.value();
    if (people_.look_is_due()) bury_the_dead();
    return head_.live[0] + head_.live[1];
  }
  Result<> join(Deadline deadline) {
    auto lock = enter(deadline);
    if (!lock) return lock.error();
    while (head_.live[0] + head_.live[1] != 0) {
      if (people_.look_is_due() && bury_the_dead()) continue;
      if (nobody_could_finish()) {
        if (bury_the_dead()) continue;
        return Errc::abandoned;
      }
      if (deadline.expired()) return Errc::not_ready;
      if (auto woken = sleep(end_of_work, deadline); !woken) return woken;
    }
    return {};
  }
  Result<Lease> take_dead_letter() {
    const auto lock = enter(Deadline::never());
    if (!lock) return lock.error();
    if (people_.look_is_due()) bury_the_dead();
    const auto oldest = oldest_dead_letter(2);
    if (oldest == DequeLayout::nothing) return Errc::not_ready;
    return claim(oldest, slots_[oldest].envelope, SlotState::CLAIMED_DEAD);
  }
  std::size_t dead_letters_dropped() {
    const auto lock = enter(Deadline::never());
    lock.value();
    return head_.dropped[0] + head_.dropped[1];
  }
  Result<> close() {
    const auto lock = enter(Deadline::never());
    if (!lock) return lock.error();
    people_[me_].sending_ended = 1;
    people_.wake_everybody();
    return {};
  }

  ProcessId id() const noexcept { return thread_; }
  ProcessId parent_id() const noexcept { return people_.parent_id(); }
  std::size_t max_body_bytes() const noexcept { return max_body_bytes_; }

 private:
  enum class Attempt { the_same, one_more };
  struct EvenDetached {};

  class Lock {
   public:
    explicit Lock(RobustMutex& mutex) noexcept : mutex_(&mutex) {}
    Lock(Lock&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    Lock& operator=(Lock&& other) noexcept { return std::swap(mutex_, other.mutex_), *this; }
    ~Lock() { unlock(); }
    void unlock() noexcept {
      if (mutex_) std::exchange(mutex_, nullptr)->unlock();
    }

   private:
    RobustMutex* mutex_;
  };

  Result<Lock> enter(Deadline deadline) {
    if (detached_) return Errc::stale;
    return enter(deadline, EvenDetached{});
  }
  Result<Lock> enter(Deadline deadline, EvenDetached) {
    if (auto got = settle(people_.lock(deadline)); !got) return got.error();
    return Lock(people_.mutex());
  }
  Result<> sleep(std::uint8_t reasons, Deadline deadline) { return settle(people_.sleep(me_, reasons, deadline)); }
  /// After a lock of the dead: what is derived is derived anew. Killed here: the next owner finds a lock of the dead again.
  Result<> settle(RobustMutex::Got got) {
    switch (got) {
      case RobustMutex::Got::lock: return {};
      case RobustMutex::Got::nothing: return Errc::not_ready;
      case RobustMutex::Got::ruin: return Errc::broken;
      case RobustMutex::Got::lock_of_the_dead: break;
    }
    rebuild();
    bury_the_dead();
    people_.wake_everybody();  // some may have been woken by the dead for what never came
    people_.mutex().make_consistent();
    return {};
  }

  std::size_t side() const noexcept { return role_ == Role::parent ? 0 : 1; }
  std::size_t side_of(const Slot& slot) const noexcept { return slot.side & 1; }
  std::uint32_t used() const noexcept { return std::min(head_.slots_used, slot_count_); }
  bool in_bounds(std::uint32_t at) const noexcept { return at < used(); }
  Errc damaged() const noexcept { return Errc::broken; }
  std::byte* body_of(std::uint32_t at, std::size_t bytes) const noexcept {
    if (bytes <= Slot::inline_bytes) return slots_[at].small_body;
    return segment_->address() + layout_.bodies + at * layout_.body_stride;
  }

  void commit(Slot& slot, SlotState state, std::uint8_t attempt) noexcept {
    SlotWord word = slot.word.load(std::memory_order_relaxed);
    word.state = state;
    word.attempt = attempt;
    word.owner = static_cast<std::uint16_t>(me_);
    // Every claim is another lease: who gave a message back cannot settle it once it is taken again, by himself either.
    if (state == SlotState::CLAIMED || state == SlotState::CLAIMED_DEAD) ++word.generation;
    slot.word.store(word, std::memory_order_release);  // readers hold the lock, whose order this rides on
  }

  /// A FREE slot with room for the body. Killed anywhere here: it is still FREE.
  Result<std::uint32_t> acquire(std::size_t body_bytes) {
    const auto usable = [this](std::uint32_t at) { return in_bounds(at) ? slots_[at].word.load(std::memory_order_relaxed).state == SlotState::FREE : used() < slot_count_; };
    if (!usable(head_.first_free)) rebuild();  // a peer wrote over the list
    std::uint32_t at = head_.first_free;
    if (!in_bounds(at)) {
      at = used();
      if (at == slot_count_) return damaged();
      constexpr std::uint32_t batch = 64;
      if (at % batch == 0) {
        const std::size_t count = std::min(batch, slot_count_ - at);
        if (auto error = segment_->allocate(layout_.slots + at * sizeof(Slot), count * sizeof(Slot))) return error;
      }
      slots_[at].next = head_.first_free;
      head_.first_free = at;
      head_.slots_used = at + 1;
    }
    Slot& slot = slots_[at];
    if (body_bytes > Slot::inline_bytes && slot.body_allocated < body_bytes) {
      if (auto error = segment_->allocate(layout_.bodies + at * layout_.body_stride, body_bytes)) return error;
      slot.body_allocated = static_cast<std::uint32_t>(body_bytes);
    }
    head_.first_free = slot.next;
    return at;
  }
  void release_to_free_list(std::uint32_t at) noexcept {
    slots_[at].next = head_.first_free;  // last in, first out: few slots are ever touched
    head_.first_free = at;
  }

  void append_ready(std::uint32_t at) noexcept {
    Slot& slot = slots_[at];
    slot.next = DequeLayout::nothing;
    slot.previous = head_.last_ready;
    (in_bounds(head_.last_ready) ? slots_[head_.last_ready].next : head_.first_ready) = at;
    head_.last_ready = at;
  }
  /// Back to its place in the order.
  void insert_ready(std::uint32_t at) noexcept {
    std::uint32_t after = head_.first_ready;
    std::uint32_t seen = 0;  // a list that a peer made a ring ends too: bury_the_dead() finds it and derives it anew
    while (in_bounds(after) && slots_[after].ticket < slots_[at].ticket && seen++ < slot_count_) after = slots_[after].next;
    if (!in_bounds(after)) return append_ready(at);
    Slot& slot = slots_[at];
    slot.next = after;
    slot.previous = slots_[after].previous;
    (in_bounds(slot.previous) ? slots_[slot.previous].next : head_.first_ready) = at;
    slots_[after].previous = at;
  }
  void unlink_ready(std::uint32_t at) noexcept {
    const Slot& slot = slots_[at];
    (in_bounds(slot.previous) ? slots_[slot.previous].next : head_.first_ready) = slot.next;
    (in_bounds(slot.next) ? slots_[slot.next].previous : head_.last_ready) = slot.previous;
  }

  Lease claim(std::uint32_t at, const Envelope& envelope, SlotState as) noexcept {
    Slot& slot = slots_[at];
    const auto attempt = slot.word.load(std::memory_order_relaxed).attempt;
    if (as == SlotState::CLAIMED) unlink_ready(at);
    commit(slot, as, attempt);
    const std::size_t bytes = std::min<std::size_t>(envelope.body_bytes, max_body_bytes_);  // a length from a peer is not believed
    const std::size_t touchable = bytes <= Slot::inline_bytes ? bytes : std::min<std::size_t>(bytes, slot.body_allocated);
    return {at, slot.word.load(std::memory_order_relaxed), envelope, attempt, {body_of(at, bytes), touchable}};
  }

  void free_slot(std::uint32_t at) noexcept {
    Slot& slot = slots_[at];
    const SlotState state = slot.word.load(std::memory_order_relaxed).state;
    const bool was_dead = state == SlotState::DEAD_LETTER || state == SlotState::CLAIMED_DEAD;
    --(was_dead ? head_.dead : head_.live)[side_of(slot)];
    people_.wake(room);
    if (head_.live[0] + head_.live[1] == 0) people_.wake(end_of_work);
    commit(slot, SlotState::FREE, 0);
    release_to_free_list(at);
  }

  /// READY again, or a dead letter when it has been tried often enough.
  void back_to_its_place(std::uint32_t at, std::uint8_t attempt) noexcept {
    Slot& slot = slots_[at];
    if (attempt > max_attempts) return bury_letter(at, max_attempts);
    insert_ready(at);
    people_.wake(mail_of_mine | any_mail, slot.envelope.recipient);
    commit(slot, SlotState::READY, attempt);
  }
  /// From live to dead: it leaves its side's room for the reserve of `capacity` slots.
  void bury_letter(std::uint32_t at, std::uint8_t attempt) noexcept {
    Slot& slot = slots_[at];
    const auto side = side_of(slot);
    if (head_.dead[side] >= capacity_) {
      if (const auto oldest = oldest_dead_letter(side); oldest != DequeLayout::nothing) {
        free_slot(oldest);
        ++head_.dropped[side];
      }
    }
    --head_.live[side];
    ++head_.dead[side];
    people_.wake(room);
    if (head_.live[0] + head_.live[1] == 0) people_.wake(end_of_work);
    commit(slot, SlotState::DEAD_LETTER, attempt);
  }
  std::uint32_t oldest_dead_letter(std::size_t side) const noexcept {  // 2: of both sides
    std::uint32_t oldest = DequeLayout::nothing;
    if (head_.dead[0] + head_.dead[1] == 0) return oldest;
    for (std::uint32_t at = 0; at < used(); ++at) {
      const Slot& slot = slots_[at];
      if (slot.word.load(std::memory_order_relaxed).state != SlotState::DEAD_LETTER || (side < 2 && side_of(slot) != side)) continue;
      if (oldest == DequeLayout::nothing || slot.ticket < slots_[oldest].ticket) oldest = at;
    }
    return oldest;
  }

  Result<> put_back(const Lease& lease, Attempt attempts) {
    const auto lock = enter(Deadline::never());
    if (!lock) return lock.error();
    Slot& slot = slots_[lease.slot];
    if (slot.word.load(std::memory_order_relaxed) != lease.word) return Errc::stale;
    put_back_held(lease.slot, attempts);
    return {};
  }
  void put_back_held(std::uint32_t at, Attempt attempts) noexcept {
    Slot& slot = slots_[at];
    const SlotWord word = slot.word.load(std::memory_order_relaxed);
    if (word.state == SlotState::CLAIMED_DEAD) return commit(slot, SlotState::DEAD_LETTER, word.attempt);
    back_to_its_place(at, static_cast<std::uint8_t>(word.attempt + (attempts == Attempt::one_more ? 1 : 0)));
  }
  void give_back_all_of(std::uint32_t who, Attempt attempts) noexcept {
    const ProcessId holder = people_[who].thread;
    for (std::uint32_t at = 0; at < used(); ++at) {
      const SlotWord word = slots_[at].word.load(std::memory_order_relaxed);
      if (word.owner != who) continue;
      if (word.state == SlotState::WRITING) {
        free_slot(at);
      } else if (word.state == SlotState::CLAIMED && attempts == Attempt::one_more && slots_[at].envelope.recipient == holder) {
        bury_letter(at, word.attempt);  // addressed to the dead one: nobody else may have it
      } else if (word.state == SlotState::CLAIMED || word.state == SlotState::CLAIMED_DEAD) {
        put_back_held(at, attempts);
      }
    }
  }

  /// Looks for deaths, hands on what the dead held, and makes dead letters of what waits for them. Says whether anything changed.
  bool bury_the_dead() {
    const bool healed = !derived_agrees();
    if (healed) {
      hand_on_what_nobody_holds();
      rebuild();
    }
    bool changed = people_.look_for_deaths(me_, [this](std::uint32_t who) { give_back_all_of(who, Attempt::one_more); }) || healed;
    for (auto at = head_.first_ready; in_bounds(at);) {  // ends: the list was just seen to agree, and each step only shortens it
      const auto next = slots_[at].next;
      if (!people_.may_be_reached(slots_[at].envelope.recipient)) {
        const auto attempt = slots_[at].word.load(std::memory_order_relaxed).attempt;
        unlink_ready(at);
        bury_letter(at, attempt);
        changed = true;
      }
      at = next;
    }
    if (changed) people_.wake_everybody();
    return changed;
  }

  bool nobody_makes_room() {
    if (people_.anybody_else(me_)) return false;
    const bool somebody_was_there = people_.somebody_ever(role_ == Role::parent ? Role::child : Role::parent);
    return somebody_was_there && !bury_the_dead();
  }
  template <class F>
  bool held_by_another(F& selector) const {
    for (std::uint32_t at = 0; at < used(); ++at) {
      const SlotWord word = slots_[at].word.load(std::memory_order_relaxed);
      if (word.state != SlotState::CLAIMED && word.state != SlotState::WRITING) continue;
      const Envelope envelope = slots_[at].envelope;
      if (word.owner != me_ && selector(envelope)) return true;
    }
    return false;
  }
  /// What remains is neither held by a live participant but me, nor could one take it.
  bool nobody_could_finish() const {
    const bool others = people_.anybody_else(me_);
    const bool may_still_come = !people_.somebody_ever(role_ == Role::parent ? Role::child : Role::parent);
    for (std::uint32_t at = 0; at < used(); ++at) {
      const SlotWord word = slots_[at].word.load(std::memory_order_relaxed);
      const ProcessId recipient = slots_[at].envelope.recipient;
      if ((word.state == SlotState::CLAIMED || word.state == SlotState::WRITING) && word.owner != me_) return false;
      if (word.state != SlotState::READY) continue;
      if (recipient == anyone ? others || may_still_come : recipient != id() && people_.may_be_reached(recipient)) return false;
    }
    return true;
  }

  /// What is derived says the same as the words. Asked at each look, so that what a peer wrote over it heals.
  bool derived_agrees() const noexcept {
    std::uint64_t live[2] = {}, dead[2] = {}, ready = 0;
    for (std::uint32_t at = 0; at < used(); ++at) {
      const SlotWord word = slots_[at].word.load(std::memory_order_relaxed);
      if (word.state > SlotState::CLAIMED_DEAD || held_by_nobody(word)) return false;
      if (word.state == SlotState::FREE) continue;
      ++(word.state == SlotState::DEAD_LETTER || word.state == SlotState::CLAIMED_DEAD ? dead : live)[side_of(slots_[at])];
      if (word.state == SlotState::READY) ++ready;
    }
    std::uint32_t previous = DequeLayout::nothing;
    for (auto at = head_.first_ready; in_bounds(at); previous = std::exchange(at, slots_[at].next)) {
      const bool in_order = previous == DequeLayout::nothing || slots_[previous].ticket <= slots_[at].ticket;
      if (slots_[at].word.load(std::memory_order_relaxed).state != SlotState::READY || slots_[at].previous != previous || !in_order || ready-- == 0) return false;
    }
    return ready == 0 && head_.last_ready == previous && std::equal(live, live + 2, head_.live) && std::equal(dead, dead + 2, head_.dead);
  }
  bool held_by_nobody(SlotWord word) const noexcept {
    const bool held = word.state == SlotState::WRITING || word.state == SlotState::CLAIMED || word.state == SlotState::CLAIMED_DEAD;
    return held && (word.owner >= people_.used() || !people_.is_attached(word.owner));
  }
  void hand_on_what_nobody_holds() noexcept {
    for (std::uint32_t at = 0; at < used(); ++at) {
      SlotWord word = slots_[at].word.load(std::memory_order_relaxed);
      if (!held_by_nobody(word)) continue;
      word.state = word.state == SlotState::CLAIMED ? SlotState::READY : word.state == SlotState::CLAIMED_DEAD ? SlotState::DEAD_LETTER : SlotState::FREE;
      slots_[at].word.store(word);
    }
  }

  void rebuild() {
    head_.first_ready = head_.last_ready = head_.first_free = DequeLayout::nothing;
    head_.live[0] = head_.live[1] = head_.dead[0] = head_.dead[1] = 0;
    std::vector<std::uint32_t> ready;
    for (std::uint32_t at = used(); at-- > 0;) {
      const Slot& slot = slots_[at];
      SlotState state = slot.word.load(std::memory_order_relaxed).state;
      if (state > SlotState::CLAIMED_DEAD) {  // no word of ours
        slots_[at].word.store({});
        state = SlotState::FREE;
      }
      if (state == SlotState::FREE) {
        release_to_free_list(at);
        continue;
      }
      if (state != SlotState::WRITING) head_.next_ticket = std::max(head_.next_ticket, slot.ticket + 1);
      ++(state == SlotState::DEAD_LETTER || state == SlotState::CLAIMED_DEAD ? head_.dead : head_.live)[side_of(slot)];
      if (state == SlotState::READY) ready.push_back(at);
    }
    std::sort(ready.begin(), ready.end(), [this](auto a, auto b) { return slots_[a].ticket < slots_[b].ticket; });
    for (const auto at : ready) append_ready(at);
  }

  std::shared_ptr<Segment> segment_;
  DequeHead& head_;
  const DequeLayout layout_;
  const std::size_t capacity_, max_body_bytes_;
  const std::uint32_t slot_count_;
  Slot* const slots_;
  Participants people_;
  const Role role_;
  const pid_t thread_;
  const Owner owner_;
  std::uint32_t me_ = ~std::uint32_t{0};
  bool detached_ = false;
};

}  // namespace mulproc::shared_memory
