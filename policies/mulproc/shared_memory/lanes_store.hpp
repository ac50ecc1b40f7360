#pragma once
/// One participant of a shm_lanes: its sending and its receiving half, how it waits, and what needs the lock.
///
/// Only attaching, detaching, burying and looking somebody up happen under the lock. Whoever holds it may be stopped for
/// ever, and the others still send, receive and finish.
#include <mulproc/shared_memory/lanes_receiver.hpp>
#include <mulproc/shared_memory/lanes_recovery.hpp>
#include <mulproc/shared_memory/lanes_sender.hpp>
#include <mulproc/waiting/waiting.hpp>

namespace mulproc::shared_memory {

/// Safety:  used by the thread that made it.
template <mulproc::Waiting W>
class LanesStore {
 public:
  using Lease = LanesLease;

  /// How long the first sleep may be, which a message may miss; see (5). Tests make it 0, to see what it would hide.
  static inline std::chrono::milliseconds unfenced_sleep{10};

  LanesStore(const std::shared_ptr<Segment>& memory, Role role) : segment_(memory, LanesLayout::of(*memory)), role_(role), thread_(ForkWatch::this_thread_id()) {
    const auto lock = enter(Deadline::never());
    lock.value();
    const auto bury = [this] { return recovery_.bury_the_dead(me_); };
    people_.admit(role, bury);
    const auto need = [](const std::error_code& error) {
      if (error) throw std::system_error(error, "shm_lanes: taking part");
    };
    if (people_.used() == 0) need(recovery_.allocate_tails(segment_.open()));  // whoever has attached had done so before
    auto mailbox = recovery_.mailbox_for(thread_);
    need(mailbox.error());
    const auto used_before = people_.used();
    me_ = people_.attach(role, thread_, bury);
    const auto lanes = me_ < used_before ? LanesSender::Index::inherited : LanesSender::Index::never_used;
    segment_.sleeps_for(me_).store(nothing_asleep, std::memory_order_relaxed);
    segment_.mailbox_of(me_).store(mailbox_ = *mailbox, std::memory_order_relaxed);
    try {
      sender_.emplace(segment_, me_, thread_, lanes);
      receiver_.emplace(segment_, me_, *mailbox);
    } catch (...) {
      people_.detach(me_);
      segment_.somebody_went(me_);
      throw;
    }
    segment_.somebody_came(me_);
  }
  LanesStore(const LanesStore&) = delete;

  /// Ends the participation; what it holds goes back to its place.
  void detach() noexcept {
    if (!owner_.is_me() || std::exchange(detached_, true)) return;
    const auto lock = enter(Deadline::never(), EvenDetached{});
    if (lock) recovery_.give_back_all(me_, mailbox_);
    people_.detach(me_);
    if (lock) segment_.somebody_went(me_);
  }

  /// In one piece, but for what is seldom: large bodies, and the search for room.
  [[gnu::flatten]] Result<> put(const Envelope& envelope, std::span<const std::byte> body, Deadline deadline) {
    if (detached_) return Errc::stale;
    if (body.size() > segment_.layout().inline_bytes()) [[unlikely]] return put_large(envelope, body, deadline);
    auto* route = sender_->known(envelope.recipient);
    if (!route || !route->writer->is_next_free()) [[unlikely]] {
      auto found = find_room(envelope.recipient, deadline);
      if (!found) return found.error();
      route = *found;
    }
    return publish(*route, envelope, body);
  }

  /// Memory for a body, lent to its sender.
  Result<BodyChunks::Name> reserve(std::size_t bytes, Deadline deadline) {
    if (detached_) return Errc::stale;
    if (bytes > segment_.layout().max_body_bytes) return Errc::too_large;
    return find_chunk(std::max<std::size_t>(bytes, 1), deadline);
  }
  std::span<std::byte> memory(BodyChunks::Name chunk) const noexcept { return sender_->memory(chunk); }
  void give_back_chunk(BodyChunks::Name chunk) noexcept {
    if (!detached_ && owner_.is_me()) sender_->give_back_chunk(chunk);
  }
  /// The chunk's body is the message's from here on; on failure it is the caller's still.
  Result<> publish_chunk(BodyChunks::Name chunk, const Envelope& envelope, Deadline deadline) {
    if (detached_) return Errc::stale;
    auto route = find_room(envelope.recipient, deadline);
    if (!route) return route.error();
    if (envelope.body_bytes > segment_.layout().inline_bytes()) return publish(**route, envelope, chunk);
    auto sent = publish(**route, envelope, memory(chunk).first(envelope.body_bytes));
    if (sent) sender_->give_back_chunk(chunk);
    return sent;
  }

  /// What lies ready where the last message came from; nothing when it takes more than a look.
  template <class F>
  [[gnu::always_inline]] Lease take_at_once(F& selector) {
    if (detached_) return {};
    receiver_->begin_call();
    return receiver_->next_at_once(selector);
  }
  template <class F, class AsParcel>
  Result<Lease> take_if(F& selector, Deadline deadline, AsParcel as_parcel, std::uint32_t* deaths_known = nullptr) {
    if (detached_) return Errc::stale;
    receiver_->begin_call();
    const auto call = receiver_->refusing_call();
    LastLook last_look;
    bool looked_again = false;
    while (true) {
      const auto ends = ends_now();  // before what depends on it is looked at
      while (const Lease lease = receiver_->next(selector)) {
        if constexpr (F::looks_inside) {
          const auto calls = receiver_->calls();
          bool wanted = false;
          try {
            wanted = selector(as_parcel(lease));
          } catch (...) {
            (void)give_back(lease);
            throw;
          }
          if (!wanted) {
            (void)give_back(lease);
            receiver_->refuse(lease);
            if (receiver_->calls() != calls) receiver_->go_on();
            if (last_look.is_over(deadline, [this] { return receiver_->most_there(); })) return Errc::not_ready;
            continue;
          }
        }
        return lease;
      }
      if (look_if_due()) continue;
      if (other_side_gone()) {
        // What they sent before they went is there now, if it was not before.
        if (!std::exchange(looked_again, true)) continue;
        if (!may_still_get(selector)) {
          if (bury_now()) continue;
          return Errc::closed;
        }
      }
      if (deadline.expired() || people_.news_of_a_death(deaths_known)) return Errc::not_ready;
      const auto woken = sleep(reasons_for(selector), deadline, [&] { return receiver_->may_have_news() || ends_now() != ends; },
                               [&] { return receiver_->has_news() || ends_now() != ends; });
      looked_again = false;
      if (woken == Woken::by_time) receiver_->look_at_all();  // who gives back may be stopped between the word and the news of it
    }
  }

  std::span<const std::byte> bytes(const Lease& lease) const noexcept {
    return lease.kind == Lease::Kind::dead_letter ? recovery_.letter_body(*lease.slot, lease.sender) : segment_.body(*lease.slot, lease.sender);
  }
  Result<> finish(const Lease& lease) {
    if (detached_) return Errc::stale;
    if (lease.slot->word.load(std::memory_order_relaxed) != lease.word) return Errc::stale;
    // (2) release; pairs with (1): all of it is read before its sender writes there again.
    lease.slot->word.store(LaneWord::of(LaneState::FREE, 0, 0, lease.word.position), std::memory_order_release);
    segment_.freed(lease.sender);
    return {};
  }
  Result<> give_back(const Lease& lease) {
    if (detached_) return Errc::stale;
    if (lease.slot->word.load(std::memory_order_relaxed) != lease.word) return Errc::stale;
    lease.slot->word.store(lease.word.unclaimed(), std::memory_order_release);
    if (lease.kind != Lease::Kind::dead_letter) came_back(lease);
    return {};
  }
  /// Back with one attempt more.
  Result<> fail(const Lease& lease) {
    if (lease.kind == Lease::Kind::dead_letter) return give_back(lease);
    const auto lock = enter(Deadline::never());
    if (!lock) return lock.error();
    if (lease.slot->word.load(std::memory_order_relaxed) != lease.word) return Errc::stale;
    const Lane lane = segment_.lane(lease.sender, lease.is_open() ? segment_.open() : mailbox_);
    recovery_.try_again(lane, lane.slot_of(lease.word.position), lease.sender);
    came_back(lease);
    return {};
  }

  template <class F>
  bool empty_for(F& selector) {
    look_if_due();
    return !receiver_->finds(selector);
  }
  std::size_t unfinished() {
    look_if_due();
    std::size_t count = 0;
    segment_.each_lane([&](Lane lane, std::uint32_t, std::uint32_t) {
      for (std::uint32_t i = 0; i < lane.capacity; ++i) count += lane[i].word.load(std::memory_order_acquire).is_live() ? 1 : 0;
      return true;
    });
    return count;
  }
  Result<> join(Deadline deadline) {
    if (detached_) return Errc::stale;
    while (true) {
      const auto ends = ends_now();
      const LaneSlot* unfinished = find_unfinished();
      if (!unfinished) return {};
      const LaneWord word = unfinished->word.load(std::memory_order_acquire);
      if (!word.is_live()) continue;  // finished since: nobody would wake us for it
      if (look_if_due()) continue;
      if (nobody_could_finish()) {
        if (bury_now()) continue;
        return Errc::abandoned;
      }
      if (deadline.expired()) return Errc::not_ready;
      sleep(all_done, deadline, [&] { return unfinished->word.load(std::memory_order_acquire) != word || ends_now() != ends; });
    }
  }
  Result<Lease> take_dead_letter() {
    const auto lock = enter(Deadline::never());
    if (!lock) return lock.error();
    if (people_.look_is_due()) recovery_.bury_the_dead(me_);
    const auto letter = recovery_.oldest_letter();
    if (!letter.slot) return Errc::not_ready;
    const LaneWord word = letter.slot->word.load(std::memory_order_relaxed);
    const LaneWord mine = LaneWord::of(LaneState::CLAIMED_DEAD, word.attempt, me_, word.position);
    letter.slot->word.store(mine, std::memory_order_release);
    return Lease{letter.slot, mine, letter.sender, Lease::Kind::dead_letter};
  }
  std::size_t dead_letters_dropped() {
    const auto lock = enter(Deadline::never());
    lock.value();
    return segment_.head().letters_dropped[0] + segment_.head().letters_dropped[1];
  }
  Result<> close() {
    const auto lock = enter(Deadline::never());
    if (!lock) return lock.error();
    people_.end_sending(me_);
    segment_.somebody_went(me_);
    return {};
  }

  const Owner& owner() const noexcept { return owner_; }
  ProcessId id() const noexcept { return thread_; }
  ProcessId parent_id() const noexcept { return people_.parent_id(); }
  std::size_t max_body_bytes() const noexcept { return segment_.layout().max_body_bytes; }

 private:
  static constexpr std::chrono::milliseconds look_again{10};  // who could not have the lock sleeps no longer
  struct EvenDetached {};
  Result<HeldLock> enter(Deadline deadline) {
    if (detached_) return Errc::stale;
    return enter(deadline, EvenDetached{});
  }
  Result<HeldLock> enter(Deadline deadline, EvenDetached) { return settle(people_.lock(deadline)); }
  /// For looks that may as well be done a little later: whoever has the lock may be stopped, which is no reason to wait.
  Result<HeldLock> enter_soon() {
    auto got = people_.mutex().try_lock();
    for (int tries = 0; got == RobustMutex::Got::nothing && tries < 1000; ++tries) {
      waiting::relax();
      if (people_.mutex().seems_free()) got = people_.mutex().try_lock();
    }
    looked_in_vain_ = got == RobustMutex::Got::nothing;
    return settle(got);
  }
  Result<HeldLock> settle(RobustMutex::Got got) {
    switch (got) {
      case RobustMutex::Got::lock: break;
      case RobustMutex::Got::nothing: return Errc::not_ready;
      case RobustMutex::Got::ruin: return Errc::broken;
      case RobustMutex::Got::lock_of_the_dead:
        recovery_.settle(me_);  // Killed here: the next owner finds a lock of the dead again.
        people_.mutex().make_consistent();
    }
    return HeldLock(people_.mutex());
  }
  static constexpr std::uint32_t never = ~std::uint32_t{0};
  std::uint32_t ends_now() noexcept { return segment_.head().ends.load(std::memory_order_acquire); }

  // Sending.
  [[gnu::noinline]] Result<> put_large(const Envelope& envelope, std::span<const std::byte> body, Deadline deadline) {
    auto chunk = reserve(body.size(), deadline);
    if (!chunk) return chunk.error();
    std::memcpy(memory(*chunk).data(), body.data(), body.size());
    auto sent = publish_chunk(*chunk, envelope, deadline);
    if (!sent) sender_->give_back_chunk(*chunk);
    return sent;
  }
  Result<LanesSender::Route*> route_to(ProcessId recipient, Deadline deadline) {
    if (auto* known = sender_->known(recipient)) return known;
    const auto lock = enter(deadline);
    if (!lock) return lock.error();
    if (recipient == anyone) return sender_->learn(recipient, segment_.open());
    if (!people_.may_be_reached(recipient)) {
      sender_->forget(recipient);
      recovery_.bury_the_dead(me_);
      return Errc::recipient_gone;
    }
    auto mailbox = recovery_.mailbox_for(recipient);
    if (!mailbox) return mailbox.error();
    return sender_->learn(recipient, *mailbox);
  }
  /// Blocks:  until my lane to the recipient has room.
  [[gnu::noinline]] Result<LanesSender::Route*> find_room(ProcessId recipient, Deadline deadline) {
    while (true) {
      auto route = route_to(recipient, deadline);
      if (!route) return route;
      LaneWriter& writer = *(*route)->writer;
      if (writer.is_next_free() || (deadline.expired() && writer.find_room())) return route;
      if (auto waited = wait_for_room(deadline, [&] { return writer.may_find_room(); }, [&] { return writer.find_room(); }); !waited) return waited.error();
    }
  }
  /// Blocks:  until so large a body has a place.
  Result<BodyChunks::Name> find_chunk(std::size_t bytes, Deadline deadline) {
    while (true) {
      auto chunk = sender_->take_chunk(bytes);
      if (chunk || chunk.error() != Errc::not_ready) return chunk;
      const auto reclaims = [&] { return sender_->may_reclaim(); };
      if (auto waited = wait_for_room(deadline, reclaims, reclaims); !waited) return waited.error();
    }
  }
  template <class Ready, class Certainly>
  Result<> wait_for_room(Deadline deadline, Ready ready, Certainly certainly) {
    const auto ends = ends_now();
    if (look_if_due()) return {};
    if (nobody_makes_room()) return Errc::closed;
    if (deadline.expired()) return Errc::not_ready;
    sleep(lane_room, deadline, [&] { return ready() || ends_now() != ends; }, [&] { return certainly() || ends_now() != ends; });
    return {};
  }
  template <class Body>
  Result<> publish(LanesSender::Route& route, const Envelope& envelope, const Body& body) {
    if (!sender_->publish(route, envelope, body)) [[unlikely]] bury_misdirected(route);
    return {};
  }
  /// Sent, and nobody is there to read it: a dead letter, which is not lost.
  [[gnu::cold, gnu::noinline]] void bury_misdirected(const LanesSender::Route& route) {
    const auto lock = enter(Deadline::never());
    if (lock) recovery_.bury_misdirected(route.writer->lane, me_, segment_.mailbox(route.mailbox).load(std::memory_order_relaxed));
  }
  bool nobody_makes_room() {
    if (ends_now() == crowded_) return false;
    const auto ends = ends_now();
    const auto lock = enter_soon();
    if (!lock) return false;
    if (people_.anybody_else() || !people_.somebody_ever(role_ == Role::parent ? Role::child : Role::parent)) {
      crowded_ = ends;
      return false;
    }
    return !recovery_.bury_the_dead(me_);
  }

  // Receiving.
  void came_back(const Lease& lease) {
    receiver_->put_into_backlog(lease);
    segment_.returned();
  }
  template <class F>
  std::uint8_t reasons_for(F& selector) const noexcept {
    if (!F::by_address || F::looks_inside) return letters_of_mine | letters_it_likes;
    const Envelope offer{.request = {}, .recipient = anyone, .sender = ProcessId(thread_ + 1)};
    return selector(offer) ? letters_of_mine | letters_of_anyone : letters_of_mine;
  }
  bool other_side_gone() {
    if (ends_now() == attended_) return false;
    const auto ends = ends_now();
    const auto lock = enter_soon();
    if (!lock) return false;
    if (people_.other_side_gone(role_)) return true;
    // An opener who dies before he attaches changes no count.
    if (people_.somebody_ever(role_ == Role::parent ? Role::child : Role::parent)) attended_ = ends;
    return false;
  }
  /// Something that this receiver would take is there, or may come back from somebody else who holds it. A look is no moment: it
  /// counts only when nothing was sent while it was done.
  template <class F>
  bool may_still_get(F& selector) {
    const auto tails = [this] { return sum_of_tails_to(mailbox_) + sum_of_tails_to(segment_.open()); };
    const auto before = tails();
    bool is_back = false;
    const auto is_empty = [&](Lane lane, std::uint32_t sender, std::uint32_t mailbox) {
      for (std::uint32_t i = 0; i < lane.capacity; ++i) {
        const LaneWord word = lane[i].word.load(std::memory_order_acquire);
        if (!word.is_live() || (word.is(LaneState::CLAIMED) && word.owner == me_)) continue;
        if constexpr (F::looks_inside) {
          if (word.is(LaneState::READY) && receiver_->has_refused(sender, mailbox == segment_.open(), word)) continue;
        }
        if (!selector(lane[i].read())) continue;
        const LaneWord now = lane[i].word.load(std::memory_order_acquire);
        if (!now.is_live() || now.position != word.position) continue;
        is_back = now.is(LaneState::READY);
        return false;
      }
      return true;
    };
    if (segment_.each_lane_to(mailbox_, is_empty) && segment_.each_lane_to(segment_.open(), is_empty) && before == tails()) return false;
    if (is_back) receiver_->look_at_all();  // what another holds is waited for asleep
    return true;
  }
  std::uint64_t sum_of_tails_to(std::uint32_t mailbox) const {
    std::uint64_t sum = 0;
    segment_.each_lane_to(mailbox, [&](Lane lane, std::uint32_t, std::uint32_t) { return sum += lane.tail->load(std::memory_order_acquire), true; });
    return sum;
  }
  std::uint64_t sum_of_tails() const {
    std::uint64_t sum = 0;
    segment_.each_lane([&](Lane lane, std::uint32_t, std::uint32_t) { return sum += lane.tail->load(std::memory_order_acquire), true; });
    return sum;
  }

  // Joining.
  const LaneSlot* find_unfinished() {
    // Done only when nothing was sent while it was looked for: what is finished may have sent something first. The rows are
    // looked at in the order in which LanesRecovery::let_go repairs the tails of the dead.
    while (true) {
      const auto before = sum_of_tails();
      const LaneSlot* found = nullptr;
      segment_.each_lane([&](Lane lane, std::uint32_t, std::uint32_t) {
        for (std::uint32_t i = 0; i < lane.capacity && !found; ++i) {
          if (lane[i].word.load(std::memory_order_acquire).is_live()) found = &lane[i];
        }
        return found == nullptr;
      });
      if (found || before == sum_of_tails()) return found;
    }
  }
  /// What remains is neither held by a live participant but me, nor could one take it.
  bool nobody_could_finish() {
    const auto lock = enter_soon();
    if (!lock) return false;
    const bool others = people_.anybody_else();
    const bool may_still_come = !people_.somebody_ever(role_ == Role::parent ? Role::child : Role::parent);
    bool remains = false;
    const auto before = sum_of_tails();
    const bool hopeless = segment_.each_lane([&](Lane lane, std::uint32_t, std::uint32_t mailbox) {
      for (std::uint32_t i = 0; i < lane.capacity; ++i) {
        const LaneWord word = lane[i].word.load(std::memory_order_acquire);
        if (!word.is_live()) continue;
        remains = true;
        if (word.is(LaneState::CLAIMED) ? word.owner != me_ : mailbox == segment_.open() ? others || may_still_come : mailbox != mailbox_) return false;
      }
      return true;
    });
    return hopeless && remains && before == sum_of_tails();
  }

  // Waiting.
  /// Looks for deaths when the last look is 100 ms old. Says whether anything changed.
  bool look_if_due() {
    if (!death_told_ && !people_.look_is_due()) return false;
    const auto lock = enter_soon();
    if (!lock) return false;
    death_told_ = false;
    return recovery_.bury_the_dead(me_);
  }
  bool bury_now() {
    const auto lock = enter_soon();
    return lock && recovery_.bury_the_dead(me_);
  }
  enum class Woken { by_news, by_time };
  template <class Ready>
  Woken sleep(std::uint8_t reasons, Deadline deadline, Ready ready) {
    return sleep(reasons, deadline, ready, ready);
  }
  /// `ready` may err towards no, as it is asked again and again; `certainly` may not: after it comes the kernel.
  template <class Ready, class Certainly>
  Woken sleep(std::uint8_t reasons, Deadline deadline, Ready ready, Certainly certainly) {
    auto& bell = people_[me_].bell;
    const std::uint32_t seen = bell.load(std::memory_order_acquire);
    const auto rung = [&] { return bell.load(std::memory_order_relaxed) != seen || ready(); };
    Deadline until = deadline.within(std::exchange(looked_in_vain_, false) ? look_again : Participants::look_every);
    if (waiting_.spin(rung, until)) return Woken::by_news;
    if (until.expired()) return Woken::by_time;
    segment_.sleeps_for(me_).store(reasons, std::memory_order_release);
    if ((reasons & all_done) != 0) segment_.head().joiners.store(1, std::memory_order_release);
    // (5) Whoever writes something and then asks who sleeps may have asked before it saw that I do, while I do not see yet what
    // it wrote; it would need a fence, for each message. So the first sleep is a short one, and only who still has nothing
    // then pays for a fence on all processors (20 us on some virtual machines), after which a message cannot be missed.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    sender_->look_again();
    waiting::park(waiting_, [&] {
      for (const Deadline first = std::min(until.at, Deadline::clock::now() + unfenced_sleep); bell.load(std::memory_order_relaxed) == seen && !certainly();) {
        if (until.expired()) return;
        if (first.expired()) {
          if (!ProcessFence::everywhere()) until = deadline.within(unfenced_sleep);  // then everybody fences for himself
          if (!certainly()) park(seen, until);
          return;
        }
        park(seen, first);
        if (death_told_) return;
      }
    });
    segment_.sleeps_for(me_).store(nothing_asleep, std::memory_order_relaxed);
    return bell.load(std::memory_order_relaxed) == seen && !death_told_ ? Woken::by_time : Woken::by_news;
  }

  /// Until the bell is rung, a neighbour dies, or the time is up.
  void park(std::uint32_t seen, Deadline until) noexcept {
    auto& bell = people_[me_].bell;
    std::array<WatchedWord, 1 + Participants::most_neighbours> words{WatchedWord::of(&bell, seen)};
    const std::size_t count = people_.watch_neighbours(me_, std::span(words).subspan(1, Participants::neighbours));
    if (count == 0 && people_.look_is_due()) {  // one is dead already
      death_told_ = true;
      return;
    }
    const long woken_by = futex_wait_any(std::span(words).first(1 + count), until);
    const bool one_changed_before = woken_by == -EAGAIN && bell.load(std::memory_order_relaxed) == seen;
    death_told_ = one_changed_before || (woken_by > 0 && RobustMutex::died_with(words[static_cast<std::size_t>(woken_by)]));
  }

  LanesSegment segment_;
  LanesRecovery recovery_{segment_};
  Participants& people_ = segment_.people();
  const Role role_;
  const pid_t thread_;
  const Owner owner_;
  std::uint32_t me_ = LanesSegment::nobody, mailbox_ = LanesSegment::nobody;
  std::optional<LanesSender> sender_;
  std::optional<LanesReceiver> receiver_;
  W waiting_;
  std::uint32_t attended_ = never, crowded_ = never;  // LanesHead::ends when the other side was there; when somebody else was
  bool detached_ = false, death_told_ = false, looked_in_vain_ = false;
};

}  // namespace mulproc::shared_memory
