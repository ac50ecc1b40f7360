#pragma once
/// The receiving half of a participant in a shm_lanes: which lanes have something, and what of it is the next.
///
/// From each sender come two lanes: the one to my mailbox, which only my thread reads, and his open one, which everybody does.
/// Their tails say whether something is new, in one glance over two rows of numbers.
///
/// A receiver is asked with one routing policy all its life: what that refused by its envelope is not looked at again. What
/// a call's predicate refused, and what others hold, is kept in a backlog.
#include <mulproc/refused.hpp>
#include <mulproc/shared_memory/lanes_segment.hpp>

namespace mulproc::shared_memory {

/// A message that somebody holds.
///
/// Its words are no neighbours and are copied one by one: two that were just written by two stores, and are copied by one load
/// of 16 bytes, wait until both have left the core, and with them all stores before them: perhaps one to a cache line that
/// another core has. Such a wait costs about 5 ns.
/// Source:  Intel 64 and IA-32 Architectures Optimization Reference Manual, "Store Forwarding"
struct LanesLease {
  enum class Kind : std::uint8_t { to_me, open, dead_letter };
  LaneSlot* slot = nullptr;
  std::uint32_t sender = 0;
  Kind kind = Kind::to_me;
  LaneWord word{};  // as it was claimed
  LanesLease() = default;
  LanesLease(LaneSlot* its, LaneWord claimed, std::uint32_t from, Kind what) noexcept : slot(its), sender(from), kind(what), word(claimed) {}
  LanesLease(const LanesLease& other) noexcept : slot(other.slot), sender(other.sender), kind(other.kind), word(other.word) {}
  LanesLease& operator=(const LanesLease& other) noexcept {
    slot = other.slot, sender = other.sender, kind = other.kind, word = other.word;
    return *this;
  }
  explicit operator bool() const noexcept { return slot != nullptr; }
  bool is_open() const noexcept { return kind == Kind::open; }
  int attempt() const noexcept { return static_cast<int>(word.attempt); }
  const Envelope& envelope() const noexcept { return slot->envelope(); }
};

class LanesReceiver {
  /// A message in one of its attempts.
  struct Shown {
    std::uint32_t sender;
    bool open;
    std::uint64_t position, attempt;
    auto operator<=>(const Shown&) const = default;
  };

 public:
  LanesReceiver(LanesSegment& segment, std::uint32_t me, std::uint32_t mailbox) : segment_(segment), me_(me), mailbox_(mailbox) {
    const auto people = segment.layout().people;
    for (auto& seen : seen_) seen.reserve(people);  // never moved afterwards; last_ points into them
    for (auto* each : {&refusing_, &waiting_, &returned_}) each->reserve(people);  // so all of them are always of one size
    inlets_.reserve(people);
    senders_.reserve(people);
  }

  /// A receive call begins: what was refused before may be wanted now.
  void begin_call() noexcept {
    fresh_ = true;
    if (++calls_ % looks_at_all_calls == 0) look_at_all();
  }
  /// Claims the next message whose envelope the selector accepts and that this call has not refused yet.
  template <class F>
  LanesLease next(F& selector) {
    if (const LanesLease claimed = next_at_once(selector)) return claimed;
    return next_of_all(selector);
  }
  /// The same, if it is where the last one came from and nothing else asks to be looked at. Inlined up to who keeps the lease:
  /// it stays in registers.
  template <class F>
  [[gnu::always_inline]] LanesLease next_at_once(F& selector) {
    if (streak_ >= most_in_a_row || backlogs_ || any_returned_ || segment_.head().returns.load(std::memory_order_acquire) != returns_) return {};
    return next_in_a_row(selector);
  }
  /// Whether there is one, without claiming it.
  template <class F>
  bool finds(F& selector) {
    begin_call();
    meet_senders();
    for (const auto sender : senders_) {
      if (oldest(sender, false, selector).found || oldest(sender, true, selector).found) return true;
    }
    return false;
  }
  std::uint32_t calls() const noexcept { return calls_; }
  /// A call goes on, after others that its predicate made: what these left in the backlogs may be wanted.
  void go_on() noexcept { fresh_ = true; }
  /// At most so many messages may lie there for a call that shows all of them, each sender's in its turn.
  std::size_t most_there() const noexcept {
    std::size_t count = most_in_a_row * senders_.size();
    for (const auto sender : senders_) {
      for (const LaneReader& reader : inlets_[sender]->lane) count += reader.backlog.size() + (reader.lane.is_used() ? reader.lane.capacity : 0);
    }
    return count;
  }
  using InOneCall = Refused<Shown>::InOneCall;
  InOneCall refusing_call() noexcept { return InOneCall(refused_); }
  /// After a predicate's no, when the message lies in its place again: not shown again in this call.
  void refuse(const LanesLease& claimed) {
    refused_.add({claimed.sender, claimed.is_open(), claimed.word.position, claimed.word.attempt});
    if (refused_.have_doubled()) {
      refused_.forget_if([this](const Shown& each) {
        const Lane& lane = inlets_[each.sender]->lane[each.open].lane;
        return is_gone(lane[lane.slot_of(each.position)], each.position);
      });
    }
  }
  bool has_refused(std::uint32_t sender, bool open, LaneWord word) const { return refused_.has({sender, open, word.position, word.attempt}); }
  /// Looks at the backlogs too, though nobody said that something came back: he may have been stopped, or killed, before.
  void look_at_all() noexcept {
    std::copy(waiting_.begin(), waiting_.end(), returned_.begin());
    any_returned_ = is_any(returned_);
  }
  /// A message was claimed and lies there again.
  void put_into_backlog(const LanesLease& claimed) noexcept {
    if (claimed.sender >= inlets_.size() || !inlets_[claimed.sender]) return;
    auto& reader = inlets_[claimed.sender]->lane[claimed.is_open()];
    try {
      const auto at = std::find_if(reader.backlog.begin(), reader.backlog.end(), [&](const auto& e) { return beyond(e.position, claimed.word.position) > 0; });
      reader.backlog.insert(at, {claimed.word.position, reader.lane.slot_of(claimed.word.position)});
    } catch (const std::bad_alloc&) {
      reader.cursor = 0;  // the next look begins anew, and finds it there
    }
    refusing_[claimed.sender] = waiting_[claimed.sender] = 1;
    backlogs_ = true;
  }
  /// Cheap, and may be asked without end: something may have come since next() found nothing. Mostly it asks for the one slot
  /// where the next message of the last sender will be; what all senders write is looked at now and then, for each such look
  /// takes a cache line away from one who writes.
  bool may_have_news() noexcept { return is_next_there() || (++asked_ % looks_at_one_slot == 0 && has_news()); }
  bool has_news() const noexcept {
    if (any_returned_ || is_next_there()) return true;
    if (segment_.head().returns.load(std::memory_order_relaxed) != returns_) return true;
    if (segment_.head().lanes.load(std::memory_order_relaxed) != lanes_) return true;
    return std::any_of(senders_.begin(), senders_.end(), [this](std::uint32_t sender) { return is_new(sender); });
  }

 private:
  static constexpr std::uint32_t most_in_a_row = 64;  // then the others have their turn
  static constexpr std::uint32_t looks_at_one_slot = 8, looks_at_all_calls = 64;

  /// Where the last message came from, at the cursor: a few loads when both sides are busy.
  template <class F>
  [[gnu::always_inline]] LanesLease next_in_a_row(F& selector) {
    if (!last_.reader) return {};
    LaneReader& reader = *last_.reader;
    LaneSlot& slot = reader.lane[reader.slot];
    const LaneWord word = LaneWord::fresh(reader.cursor);
    if (slot.word.load(std::memory_order_acquire) != word) return {};  // (9)
    // Asked after the word was read: what he wrote into his other lane before this message is older.
    if (beyond(last_.other_tail->load(std::memory_order_acquire), *last_.other_seen) > 0) return {};
    const LaneWord mine = LaneWord::of(LaneState::CLAIMED, 1, me_, reader.cursor);
    if (last_.open) {
      if (!selector(slot.read()) || !claim_open(slot, word, mine)) return {};
    } else {
      if (!selector(slot.envelope())) return {};
      slot.word.store(mine, std::memory_order_relaxed);
    }
    reader.advance();
    *last_.seen = reader.cursor;
    ++streak_;
    reader.lane.fetch(reader.slot);  // measured: twice the messages per second when they come in a stream
    return {&slot, mine, last_.sender, kind_of(last_.open)};
  }
  template <class F>
  LanesLease next_of_all(F& selector) {
    if (const auto returns = segment_.head().returns.load(std::memory_order_acquire); returns != returns_) {
      returns_ = returns;
      look_at_all();
    }
    meet_senders();
    streak_ = 0;
    const std::size_t all = senders_.size();
    for (std::size_t n = 0; n < all; ++n) {
      if (++turn_ >= all) turn_ = 0;
      if (!worth_a_look(senders_[turn_])) continue;
      if (auto found = next_from(senders_[turn_], selector)) return found;
    }
    fresh_ = false;
    backlogs_ = is_any(refusing_);
    return {};
  }
  // Killed behind a claim: the slot is claimed by the dead; see LanesRecovery::let_go. Nobody else claims in a lane to me.
  static bool claim_open(LaneSlot& slot, LaneWord seen, LaneWord mine) noexcept {
    return slot.word.compare_exchange_strong(seen, mine, std::memory_order_acquire, std::memory_order_relaxed);
  }
  static LanesLease::Kind kind_of(bool open) noexcept { return open ? LanesLease::Kind::open : LanesLease::Kind::to_me; }
  struct Inlet {
    LaneReader lane[2];  // to me; open
  };
  struct Candidate {
    bool found = false;
    LaneWord word{};
    std::uint64_t ticket = 0;
    std::uint32_t slot = 0;
    bool is_in_backlog = false;
    std::size_t place = 0;  // there
  };

  /// Those who ever wrote to me or to anyone: for a child, often its parent alone.
  void meet_senders() {
    const auto lanes = segment_.head().lanes.load(std::memory_order_acquire);
    if (lanes == lanes_) return;
    const std::uint32_t all = segment_.senders();
    inlets_.resize(all);
    for (auto& seen : seen_) seen.resize(all);
    for (auto* each : {&refusing_, &waiting_, &returned_}) each->resize(all);
    senders_.clear();
    for (std::uint32_t sender = 0; sender < all; ++sender) {
      const Lane mine = segment_.lane(sender, mailbox_), open = segment_.lane(sender, segment_.open());
      if (!mine.is_used() && !open.is_used()) continue;
      if (!inlets_[sender]) inlets_[sender] = std::make_unique<Inlet>(Inlet{{LaneReader{mine, 0, 0, {}}, LaneReader{open, 0, 0, {}}}});
      senders_.push_back(sender);
    }
    lanes_ = lanes;  // last: what throws before is done again
  }
  void note_what_waits(std::uint32_t sender) noexcept {
    waiting_[sender] = inlets_[sender]->lane[0].backlog.empty() && inlets_[sender]->lane[1].backlog.empty() ? 0 : 1;
    refusing_[sender] &= waiting_[sender];
  }
  /// Nothing in the sender's backlogs is wanted now.
  void note_that_none_returned(std::uint32_t sender) noexcept {
    if (std::exchange(returned_[sender], 0) != 0) any_returned_ = is_any(returned_);
  }
  static bool is_any(const std::vector<std::uint8_t>& of_senders) noexcept { return std::find(of_senders.begin(), of_senders.end(), 1) != of_senders.end(); }
  bool is_new(std::uint32_t sender) const noexcept {
    return beyond(segment_.tails_of(mailbox_)[sender].load(std::memory_order_relaxed), seen_[0][sender]) > 0 ||
           beyond(segment_.tails_of(segment_.open())[sender].load(std::memory_order_relaxed), seen_[1][sender]) > 0;
  }
  bool worth_a_look(std::uint32_t sender) const noexcept {
    return is_new(sender) || returned_[sender] != 0 || (fresh_ && refusing_[sender] != 0) || sender == last_.sender;
  }
  bool is_next_there() const noexcept {
    if (!last_.reader) return false;
    const LaneReader& reader = *last_.reader;
    return reader.lane[reader.slot].word.load(std::memory_order_relaxed) == LaneWord::fresh(reader.cursor);
  }

  /// The older of what the sender's two lanes hold. Whoever reads a message sees what its sender wrote before it; so the
  /// lane that was looked at first is looked at again.
  template <class F>
  LanesLease next_from(std::uint32_t sender, F& selector) {
    while (true) {
      Candidate mine = oldest(sender, 0, selector), open = oldest(sender, 1, selector);
      if (!mine.found && open.found) mine = oldest(sender, 0, selector);
      if (!mine.is_in_backlog && !open.is_in_backlog) note_that_none_returned(sender);
      if (!mine.found && !open.found) {
        note_what_waits(sender);
        return {};
      }
      const bool from_open = open.found && (!mine.found || static_cast<std::int64_t>(open.ticket - mine.ticket) < 0);
      const Candidate& chosen = from_open ? open : mine;
      LaneReader& reader = inlets_[sender]->lane[from_open];
      LaneSlot& slot = reader.lane[chosen.slot];
      const LaneWord claimed = LaneWord::of(LaneState::CLAIMED, chosen.word.attempt, me_, chosen.word.position);
      if (!from_open) {
        // Taken by another meanwhile, the open one may have been compared by the ticket of what was written there next.
        if (open.found && inlets_[sender]->lane[1].lane[open.slot].word.load(std::memory_order_acquire) != open.word) continue;
        slot.word.store(claimed, std::memory_order_relaxed);
      } else if (!claim_open(slot, chosen.word, claimed)) {
        continue;  // another was faster
      }
      if (chosen.is_in_backlog) {
        reader.backlog.erase(reader.backlog.begin() + static_cast<std::ptrdiff_t>(chosen.place));
        note_what_waits(sender);
        backlogs_ = is_any(refusing_);
      } else {
        reader.advance();
        seen_[from_open][sender] = reader.cursor;
      }
      last_ = {&reader, &seen_[from_open][sender], &seen_[!from_open][sender], inlets_[sender]->lane[!from_open].lane.tail, sender, from_open};
      return {&slot, claimed, sender, kind_of(from_open)};
    }
  }

  /// The oldest message in one lane that is ready and wanted. What lies before it goes into the backlog.
  template <class F>
  Candidate oldest(std::uint32_t sender, bool open, F& selector) {
    LaneReader& reader = inlets_[sender]->lane[open];
    if (!reader.lane.is_used()) return {};
    if (reader.cursor == 0 || reader.is_far_behind(reader.lane.tail->load(std::memory_order_relaxed))) {
      reader.begin();
      if (!reader.backlog.empty()) {  // what others hold may come back, though it was finds() that saw it first
        refusing_[sender] = waiting_[sender] = 1;
        backlogs_ = fresh_ = true;
      }
    }
    if (!reader.backlog.empty() && (returned_[sender] != 0 || fresh_)) {
      if (auto found = oldest_in_backlog(reader, sender, open, selector); found.found) return found;
    }
    for (std::uint32_t steps = 0; steps <= 8 * reader.lane.capacity; ++steps) {  // more than an honest sender can be ahead by
      // (9) acquire; pairs with (8).
      LaneWord word = reader.lane[reader.slot].word.load(std::memory_order_acquire);
      auto ahead = beyond(word.position, reader.cursor);
      if (ahead != 0) {
        // (3) acquire; pairs with (4): not written yet, or passed over, or written again since.
        if (beyond(reader.lane.tail->load(std::memory_order_acquire), reader.cursor) <= 0) break;
        word = reader.lane[reader.slot].word.load(std::memory_order_acquire);
        ahead = beyond(word.position, reader.cursor);
      }
      if (ahead == 0 && word.is(LaneState::READY)) {
        if (auto found = look_at(reader, reader.slot, word, sender, open, selector); found.found) return found;
      } else if (ahead == 0 && word.is(LaneState::CLAIMED)) {
        if (reader.backlog.size() > 2 * reader.lane.capacity) prune(reader);
        reader.backlog.push_back({word.position, reader.slot});
        waiting_[sender] = 1;
      }
      reader.advance();
    }
    seen_[open][sender] = reader.cursor;
    return {};
  }
  template <class F>
  Candidate oldest_in_backlog(LaneReader& reader, std::uint32_t sender, bool open, F& selector) {
    prune(reader);
    for (std::size_t i = 0; i < reader.backlog.size(); ++i) {
      const auto [position, slot] = reader.backlog[i];
      const LaneWord word = reader.lane[slot].word.load(std::memory_order_acquire);
      if (beyond(word.position, position) != 0 || !word.is(LaneState::READY)) continue;
      auto found = look_at(reader, slot, word, sender, open, selector);
      if (!found.found) continue;
      found.is_in_backlog = true;
      found.place = i;
      return found;
    }
    return {};
  }
  /// Freed is for ever: these are not looked at again.
  void prune(LaneReader& reader) {
    std::erase_if(reader.backlog, [&](const LaneReader::Entry& entry) { return is_gone(reader.lane[entry.slot], entry.position); });
  }
  static bool is_gone(const LaneSlot& slot, std::uint64_t position) noexcept {
    const LaneWord word = slot.word.load(std::memory_order_acquire);
    return beyond(word.position, position) != 0 || !word.is_live();
  }
  template <class F>
  Candidate look_at(const LaneReader& reader, std::uint32_t slot, LaneWord word, std::uint32_t sender, bool open, F& selector) const {
    const LaneSlot& at = reader.lane[slot];
    if (!selector(at.read())) return {};
    if constexpr (F::looks_inside) {
      if (has_refused(sender, open, word)) return {};
    }
    // (10) acquire; pairs with (11): if it is the ticket of a message written there since, the word is seen to have changed.
    return {true, word, reader.lane.ticket(slot).load(std::memory_order_acquire), slot};
  }

  LanesSegment& segment_;
  const std::uint32_t me_, mailbox_;
  std::vector<std::unique_ptr<Inlet>> inlets_;  // by sender; of those with a lane in use
  std::vector<std::uint32_t> senders_;       // those with a lane in use
  std::vector<std::uint64_t> seen_[2];       // the cursors again, close together
  // By sender: its backlogs hold what a predicate refused; anything at all; something that came back, perhaps.
  std::vector<std::uint8_t> refusing_, waiting_, returned_;
  Refused<Shown> refused_;                   // by this call's predicate
  /// The lane of the last message.
  struct {
    LaneReader* reader = nullptr;
    std::uint64_t *seen = nullptr, *other_seen = nullptr;
    const std::atomic<std::uint64_t>* other_tail = nullptr;
    std::uint32_t sender = LanesSegment::nobody;
    bool open = false;
  } last_;
  std::uint32_t streak_ = 0, returns_ = 0, asked_ = 0, lanes_ = 0, calls_ = 0;
  std::size_t turn_ = 0;  // among the senders
  bool fresh_ = true, backlogs_ = false, any_returned_ = false;
};

}  // namespace mulproc::shared_memory
