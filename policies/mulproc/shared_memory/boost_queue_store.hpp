#pragma once
/// What surrounds a Boost message_queue so that nobody hangs: our robust lock, our room, our sleepers.
///
/// Boost's class cannot be repaired after a death inside it; entered only under our lock and only by try_ calls, it has
/// no waiters of its own and its inner mutex no contention. An owner who dies inside our lock leaves it `broken`.
#include <algorithm>
#include <cstring>
#include <mulproc/refused.hpp>
#include <mulproc/shared_memory/boost_queue_items.hpp>

namespace mulproc::shared_memory {

/// One participant's way into the queue.
///
/// `Waiting` is a waiting policy.
///
/// Safety:  used by the thread that made it.
template <class Waiting>
class BoostQueueStore {
 public:
  using Item = shared_memory::Item;

  BoostQueueStore(std::shared_ptr<BoostQueue> queue, Role role)
      : queue_(std::move(queue)),
        head_(*reinterpret_cast<BoostQueueHead*>(address())),
        people_(head_.participants, queue_->max_participants, queue_->participants(address()), queue_->locks(address())),
        items_(*queue_, head_),
        role_(role),
        thread_(ForkWatch::this_thread_id()) {
    const auto lock = enter(Deadline::never());
    lock.value();
    const auto bury = [this] { return bury_the_dead(); };
    people_.admit(role, bury);
    me_ = people_.attach(role, thread_, bury);
    people_.somebody_came(me_);
  }
  BoostQueueStore(const BoostQueueStore&) = delete;

  void detach() noexcept {
    if (!owner_.is_me() || detached_) return;
    const auto lock = enter(Deadline::never());
    detached_ = true;
    if (lock) {
      for (const Item& item : held_) item->head().is_dead_letter != 0 ? bury_letter(item) : void(items_.push(item));
    }
    const bool gave_back = !std::exchange(held_, {}).empty();
    forget_what_is_held_by(me_);
    people_.detach(me_);
    if (lock) gave_back ? people_.wake_everybody() : people_.somebody_went(me_);
  }

  Result<> put(const Envelope& envelope, std::span<const std::byte> body, Deadline deadline) {
    if (body.size() > queue_->max_body_bytes) return Errc::too_large;
    auto lock = enter(deadline, RobustMutex::Look::later);
    if (!lock) return lock.error();
    while (true) {
      if (!people_.may_be_reached(envelope.recipient)) return Errc::recipient_gone;
      if (live(0) + live(1) == 0 && std::exchange(head_.next_ticket, 0) != 0) ++head_.round;
      // At the end of the tickets' range a sender waits until nothing is queued or held, as if there were no room.
      if (live(side()) < queue_->capacity && head_.next_ticket != std::numeric_limits<std::uint32_t>::max()) break;
      if (people_.look_is_due() && bury_the_dead()) continue;
      if (!people_.anybody_else() && people_.somebody_ever(role_ == Role::parent ? Role::child : Role::parent)) return Errc::closed;
      if (deadline.expired()) return Errc::not_ready;
      if (auto woken = sleep(*lock, side() == 0 ? parent_room : child_room, deadline, RobustMutex::Look::later); !woken) return woken;
    }
    Item item = items_.make();
    item->head() = {envelope, head_.next_ticket++, 1, static_cast<std::uint32_t>(side()), 0};
    if (!body.empty()) std::memcpy(item->data() + sizeof(ItemHead), body.data(), body.size());
    item->bytes = sizeof(ItemHead) + body.size();
    wake_for_mail(envelope.recipient);  // before the commit
    if (!items_.push(item)) return ruin();
    items_.reuse(std::move(item));
    look_.has_sent();
    return {};
  }

  template <class F, class AsParcel>
  Result<Item> take_if(F& selector, Deadline deadline, AsParcel as_parcel, std::uint32_t* deaths_known = nullptr) {
    auto lock = enter(deadline, look_.now());
    if (!lock) return lock.error();
    const typename Refused<Shown>::InOneCall call(refused_);
    LastLook last_look;
    while (true) {
      make_room_to_hold();
      Item found = items_.pop_first([&](const ItemHead& head) { return selector(head.envelope) && !refused_.has(shown(head)); });
      if (found) {
        hold(found);
        if constexpr (!F::looks_inside) {
          return found;
        } else {
          const auto since = people_.sleeps();
          lock->unlock();
          const Shown seen = shown(found->head());
          bool wanted = false;
          try {
            wanted = selector(as_parcel(found));
            if (!wanted) refused_.add(seen);
          } catch (...) {
            (void)put_back(found, 0);
            throw;
          }
          if (wanted) return found;
          if (auto back = put_back(found, 0, since); !back) return back.error();
          lock = enter(deadline);
          if (!lock) return lock.error();
          if (refused_.have_doubled()) forget_what_others_took();
          if (last_look.is_over(deadline, [this] { return live(0) + live(1); })) return Errc::not_ready;
          continue;
        }
      }
      if (people_.look_is_due() && bury_the_dead()) continue;
      if (people_.other_side_gone(role_) && !somebody_else_holds(selector)) {
        if (bury_the_dead()) continue;
        return Errc::closed;
      }
      if (deadline.expired() || people_.news_of_a_death(deaths_known)) return Errc::not_ready;
      const Reason reasons = F::by_address && !F::looks_inside ? own_mail | offers : any_mail;
      if (auto woken = sleep(*lock, reasons, deadline, look_.now()); !woken) return woken.error();
    }
  }

  /// Ends the hold on `item`; stale when this endpoint no longer holds it.
  Result<> finish(const Item& item) {
    const auto lock = enter(Deadline::never(), look_.now());
    look_.has_finished();
    if (!lock) return lock.error();
    if (!let_go(item)) return Errc::stale;
    wake_for_room();
    return {};
  }
  /// `refused_since`: for what was only looked at, sleeps() of then.
  Result<> put_back(const Item& item, std::uint32_t more_attempts, std::optional<std::uint32_t> refused_since = {}) {
    const auto lock = enter(Deadline::never());
    if (!lock) return lock.error();
    if (!let_go(item)) return Errc::stale;
    ItemHead& head = item->head();
    const bool too_often = head.attempt + more_attempts > static_cast<std::uint32_t>(max_attempts);
    if (!too_often) head.attempt += more_attempts;
    if (too_often || head.is_dead_letter != 0) {
      bury_letter(item);
    } else {
      wake_for_mail(head.envelope.recipient, refused_since);
      items_.push(item);
    }
    return {};
  }

  template <class F>
  bool empty_for(F& selector) {
    const auto lock = enter(Deadline::never());
    lock.value();
    if (people_.look_is_due()) bury_the_dead();
    return !items_.has([&](const ItemHead& head) { return selector(head.envelope); });
  }
  std::size_t unfinished() {
    const auto lock = enter(Deadline::never());
    lock.value();
    if (people_.look_is_due()) bury_the_dead();
    return live(0) + live(1);
  }
  Result<> join(Deadline deadline) {
    auto lock = enter(deadline);
    if (!lock) return lock.error();
    while (live(0) + live(1) != 0) {
      if (people_.look_is_due() && bury_the_dead()) continue;
      if (nobody_could_finish()) {
        if (bury_the_dead()) continue;
        return Errc::abandoned;
      }
      if (deadline.expired()) return Errc::not_ready;
      if (auto woken = sleep(*lock, end_of_work, deadline); !woken) return woken;
    }
    return {};
  }
  Result<Item> take_dead_letter() {
    const auto lock = enter(Deadline::never());
    if (!lock) return lock.error();
    make_room_to_hold();
    Item oldest = items_.pop_dead([](const ItemHead&) { return true; });
    if (!oldest) return Errc::not_ready;
    held_.push_back(oldest);
    return oldest;
  }
  std::size_t dead_letters_dropped() const noexcept { return head_.dropped[0] + head_.dropped[1]; }
  Result<> close() {
    const auto lock = enter(Deadline::never());
    if (!lock) return lock.error();
    people_.end_sending(me_);
    people_.wake_everybody();
    return {};
  }

  ProcessId id() const noexcept { return thread_; }
  const Owner& owner() const noexcept { return owner_; }
  ProcessId parent_id() const noexcept { return people_.parent_id(); }
  std::size_t max_body_bytes() const noexcept { return queue_->max_body_bytes; }

 private:
  Result<HeldLock> enter(Deadline deadline, RobustMutex::Look look = RobustMutex::Look::soon) {
    if (detached_) return Errc::stale;
    if (auto got = settle(people_.lock(deadline, lock_waiting_, look)); !got) return got.error();
    return HeldLock(people_.mutex());
  }
  /// Afterwards the lock is held again, unless it says why not.
  Result<> sleep(HeldLock& lock, Reason reasons, Deadline deadline, RobustMutex::Look look = RobustMutex::Look::soon) {
    if (!counts_agree()) return ruin();  // nobody waits for what only a damaged count promises
    lock.forget();
    auto got = settle(people_.sleep(me_, reasons, deadline, waiting_, look));
    if (got) lock = HeldLock(people_.mutex());
    return got;
  }
  bool counts_agree() {
    std::size_t held[2] = {};
    for (const Item& item : held_) held[item->head().side & 1] += item->head().is_dead_letter == 0 ? 1 : 0;
    const auto& mine = people_[me_].held;
    std::uint64_t by_all[2] = {};
    for (std::uint32_t i = 0; i < people_.used(); ++i) {
      for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) by_all[side] += people_.is_attached(i) ? people_[i].held[side] : 0;
    }
    return held[0] == mine[0] && held[1] == mine[1] && by_all[0] == head_.held[0] && by_all[1] == head_.held[1] &&
           head_.queued[0] + head_.queued[1] + head_.dead[0] + head_.dead[1] == queue_->queue->get_num_msg();
  }
  /// Under the lock.
  Errc ruin() {
    head_.broken = 1;  // Boost is never entered again
    people_.wake_everybody();
    return Errc::broken;
  }
  Result<> settle(RobustMutex::Got got) {
    if (got == RobustMutex::Got::nothing) return Errc::not_ready;
    if (got == RobustMutex::Got::ruin) return Errc::broken;
    if (got == RobustMutex::Got::lock_of_the_dead) {
      people_.recount();
      (void)ruin();
      people_.mutex().make_consistent();
    }
    if (head_.broken == 0) return {};
    people_.mutex().unlock();
    return Errc::broken;
  }

  std::byte* address() const noexcept { return queue_->control->address(); }
  std::size_t side() const noexcept { return role_ == Role::parent ? 0 : 1; }
  std::size_t live(std::size_t side) const noexcept { return head_.queued[side] + head_.held[side]; }

  /// A message in one of its attempts: all that live have their tickets from one round.
  struct Shown {
    std::uint32_t round, ticket, attempt;
    auto operator<=>(const Shown&) const = default;
  };
  Shown shown(const ItemHead& head) const noexcept { return {head_.round, head.ticket, head.attempt}; }
  void forget_what_others_took() {
    std::vector<std::uint32_t> there;
    (void)items_.has([&](const ItemHead& head) { return there.push_back(head.ticket), false; });
    for (const HeldRecord& record : queue_->held(address())) {
      if (record.owner != 0) there.push_back(record.ticket);
    }
    std::sort(there.begin(), there.end());
    refused_.forget_if([&](const Shown& each) { return each.round != head_.round || !std::binary_search(there.begin(), there.end(), each.ticket); });
  }

  /// Before a message is taken out, since one that finds no place here would be lost.
  void make_room_to_hold() {
    if (held_.size() == held_.capacity()) held_.reserve(2 * held_.size() + 1);
  }
  void hold(const Item& item) {
    const ItemHead& head = item->head();
    ++people_[me_].held[head.side & 1];
    ++head_.held[head.side & 1];
    held_.push_back(item);
    for (HeldRecord& record : queue_->held(address())) {
      if (record.owner == 0) return void(record = {me_ + 1, head.ticket, head.envelope});
    }
  }
  bool let_go(const Item& item) {
    const auto mine = std::find_if(held_.begin(), held_.end(), [&](const Item& held) { return &*held == &*item; });
    if (mine == held_.end()) return false;
    const ItemHead& head = item->head();
    if (head.is_dead_letter == 0) {
      --people_[me_].held[head.side & 1];
      --head_.held[head.side & 1];
      for (HeldRecord& record : queue_->held(address())) {
        if (record.owner == me_ + 1 && record.ticket == head.ticket) {
          record.owner = 0;
          break;
        }
      }
    }
    items_.reuse(std::move(*mine));
    held_.erase(mine);
    return true;
  }
  // All who might take it: none of the woken needs to pass a wake on.
  void wake_for_mail(ProcessId recipient, std::optional<std::uint32_t> refused_since = {}) {
    people_.wake_all(any_mail, refused_since);
    if (recipient == anyone) {
      people_.wake_all(offers, refused_since);
    } else {
      people_.wake_recipient(people_.mailbox_of(recipient));
    }
  }
  void wake_for_room() {
    people_.wake_all(parent_room);
    people_.wake_all(child_room);
    if (live(0) + live(1) == 0) people_.wake_all(end_of_work);
  }

  /// Into the reserve of `capacity` dead letters for each side; when that is full, the oldest is dropped.
  void bury_letter(const Item& item) {
    wake_for_room();
    const auto side = item->head().side & 1;
    if (head_.dead[side] >= queue_->capacity) {
      if (Item oldest = items_.pop_dead([&](const ItemHead& dead) { return (dead.side & 1) == side; })) {
        ++head_.dropped[side];
        items_.reuse(std::move(oldest));
      }
    }
    item->head().is_dead_letter = 1;
    items_.push(item);
  }

  bool bury_the_dead() {
    bool changed = people_.look_for_deaths(me_, [this](std::uint32_t who) { forget_what_is_held_by(who); });  // lost with them
    while (true) {  // what waits for them is not
      Item letter = items_.pop_first([&](const ItemHead& head) { return !people_.may_be_reached(head.envelope.recipient); });
      if (!letter) break;
      bury_letter(letter);
      items_.reuse(std::move(letter));
      changed = true;
    }
    if (changed) people_.wake_everybody();
    return changed;
  }
  void forget_what_is_held_by(std::uint32_t who) noexcept {
    for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) head_.held[side] -= std::exchange(people_[who].held[side], 0);
    for (HeldRecord& record : queue_->held(address())) {
      if (record.owner == who + 1) record.owner = 0;
    }
  }
  template <class F>
  bool somebody_else_holds(F& wanted) {
    for (const HeldRecord& record : queue_->held(address())) {
      if (record.owner == 0 || record.owner == me_ + 1 || record.owner > people_.used() || !people_.is_attached(record.owner - 1)) continue;
      const Envelope envelope = record.envelope;
      if (wanted(envelope)) return true;
    }
    return false;
  }
  bool nobody_could_finish() {
    SelectAll anything;
    if (somebody_else_holds(anything)) return false;
    const bool others = people_.anybody_else();
    const bool may_still_come = !people_.somebody_ever(role_ == Role::parent ? Role::child : Role::parent);
    return !items_.has([&](const ItemHead& head) {
      const ProcessId recipient = head.envelope.recipient;
      return recipient == anyone ? others || may_still_come : recipient != id() && people_.may_be_reached(recipient);
    });
  }

  std::shared_ptr<BoostQueue> queue_;
  BoostQueueHead& head_;
  Participants people_;
  QueueItems items_;
  const Role role_;
  const pid_t thread_;
  const Owner owner_;
  Waiting waiting_, lock_waiting_;
  std::uint32_t me_ = ~std::uint32_t{0};
  std::vector<Item> held_;  // so that a dying endpoint can give them back
  RobustMutex::ReceiversLook look_;
  Refused<Shown> refused_;  // in this call
  bool detached_ = false;
};

}  // namespace mulproc::shared_memory
