#pragma once
/// Who takes part in a segment: the lock, the life locks, the roles, the sleepers. Shared by the transports that keep a
/// queue under one robust lock.
///
/// Every participant holds a robust mutex, its life lock, while attached: the kernel's own word on who is dead, immune
/// to reused pids, zombies and slowness. All methods but lock() are called under the lock.
#include <algorithm>
#include <array>
#include <limits>
#include <mulproc/envelope.hpp>
#include <mulproc/owner.hpp>
#include <mulproc/shared_memory/process_exists.hpp>
#include <mulproc/shared_memory/robust_mutex.hpp>
#include <mulproc/shared_memory/sleepers.hpp>
#include <mulproc/transport.hpp>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace mulproc::shared_memory {

enum class Role : std::uint32_t { parent, child };

/// Lies in shared memory; an all-zero one is free. A line of its own, so that who asks its bell disturbs nobody.
struct alignas(64) Participant {
  std::atomic<std::uint32_t> attached;  // the commit word
  Role role;
  pid_t thread;
  std::uint32_t sending_ended;
  std::atomic<std::uint32_t> bell;    // its futex word
  std::atomic<std::uint32_t> parked;  // in the kernel: to ring is not enough, somebody must wake it
  std::uint32_t waits_for;            // the Reasons it sleeps for
  std::uint32_t fell_asleep;          // when, as sleeps() counts
  std::uint32_t held[2];              // message_queue: messages of each side it holds
  // derived
  std::uint32_t mailbox;  // the first participant of this thread: where mail for the thread waits
  std::uint32_t sleeper;  // in a mailbox: who of the thread slept last, for it can sleep in one call only
};
static_assert(sizeof(Participant) == 64, "one cache line each");

/// Lies at the head of the segment.
struct ParticipantsHead {
  std::uint32_t maximum;
  std::uint32_t used;  // records ever used
  pid_t opener;          // the thread, which mail for the parent goes to before there is one
  pid_t opener_process;  // may make the parent as long as it lives
  std::uint32_t ever[2];   // by role: has there been one?
  std::atomic<std::uint32_t> deaths;  // found so far: a change is news, also for who does not hold the lock
  std::int64_t last_look;  // nanoseconds of CLOCK_MONOTONIC
  std::uint32_t last_rung;
  std::uint32_t sleeps;  // begun so far
  // derived, by recount()
  std::uint32_t attached[2], sending[2];  // by role
  pid_t parent_thread;                    // 0: no parent is attached
};

class Participants {
 public:
  /// How old the last look for deaths may be. Tests make it 0, to see every death at once, or an hour, to see what needs no look.
  static inline std::chrono::milliseconds look_every{100};
  static constexpr std::chrono::milliseconds lock_patience{50};
  /// The life locks a sleeper watches, those of the next attached ones after it: so every death wakes somebody who sleeps
  /// near the dead, at once, and he wakes the others. Who is too far away still looks every 100 ms. Tests make it 0.
  static constexpr std::size_t most_neighbours = 2;
  static inline std::size_t neighbours = most_neighbours;
  static constexpr std::uint32_t nobody = Sleepers::nobody;

  /// Of shared memory, for so many: records, then sleepers.
  static constexpr std::size_t bytes(std::size_t maximum) { return maximum * sizeof(Participant) + Sleepers::bytes(maximum); }

  /// `maximum` is what the places of the others were computed from: a peer may have written another one into the head since.
  Participants(ParticipantsHead& head, std::size_t maximum, std::byte* memory, RobustMutex* locks)
      : head_(&head),
        maximum_(static_cast<std::uint32_t>(maximum)),
        records_(reinterpret_cast<Participant*>(memory)),
        sleepers_(memory + maximum_ * sizeof(Participant), maximum_),
        locks_(locks),
        known_(std::bit_ceil(2 * maximum_), nobody) {}

  /// How long a call with this deadline may wait for the lock: never fails from mere contention.
  template <class Waiting>
  RobustMutex::Got lock(Deadline deadline, Waiting& waiting, RobustMutex::Look look = RobustMutex::Look::soon) noexcept {
    auto got = locks_[0].try_lock();
    if (got == RobustMutex::Got::nothing) {
      const bool at_once = deadline.expired();
      if (look == RobustMutex::Look::later && !at_once) locks_[0].wait_for_a_pause([this] { return as_it_is(head_->sleeps) != sleeps_known_; });
      got = locks_[0].lock_until(at_once ? Deadline::after(lock_patience) : deadline, waiting);
    }
    sleeps_known_ = as_it_is(head_->sleeps);
    return got;
  }
  RobustMutex::Got lock(Deadline deadline) noexcept {
    AtOnce at_once;
    return lock(deadline, at_once);
  }
  RobustMutex& mutex() noexcept { return locks_[0]; }

  std::uint32_t used() const noexcept { return std::min(as_it_is(head_->used), maximum_); }  // shm_lanes asks without the lock
  Participant& operator[](std::uint32_t i) noexcept { return records_[i]; }
  pid_t thread_of(std::uint32_t i) const noexcept { return as_it_is(records_[i].thread); }  // so does it here
  bool is_attached(std::uint32_t i) const noexcept { return records_[i].attached.load(std::memory_order_relaxed) != 0; }

  /// Of a new segment, whose opener is this thread. All locks at once: a peer who wrote over `used` cannot make one that is
  /// held be made anew.
  static void initialise(ParticipantsHead& head, std::size_t maximum, RobustMutex* locks) noexcept {
    head.maximum = static_cast<std::uint32_t>(maximum);
    head.opener = ForkWatch::this_thread_id();
    head.opener_process = ::getpid();
    for (std::size_t i = 0; i <= maximum; ++i) locks[i].initialise();
  }

  /// Before somebody takes part in this role; `bury()` looks for deaths and says whether there were any.
  /// Fails:   throws std::system_error: EBUSY for a second live parent.
  template <class Bury>
  void admit(Role role, Bury bury) {
    if (role != Role::parent) return;
    bury();
    if (alive(Role::parent)) throw std::system_error(system_error_code(EBUSY), "this channel has a live parent endpoint; only one at a time");
  }
  /// The index of a new participant, in the place of somebody dead if there is no other.
  /// Fails:   throws std::system_error: EUSERS when there is none.
  template <class Bury>
  std::uint32_t attach(Role role, pid_t thread, Bury bury) {
    auto index = attach(role, thread);
    if (!index && bury()) index = attach(role, thread);
    if (!index) throw std::system_error(index.error(), "max_participants endpoints are attached already");
    return *index;
  }
  /// The index of a new participant.
  Result<std::uint32_t> attach(Role role, pid_t thread) {
    std::uint32_t i = 0;
    while (i < used() && (is_attached(i) || !take_life_lock(i))) ++i;
    if (i == used()) {
      if (i == maximum_) return system_error_code(EUSERS);
      now_is(head_->used, i + 1);  // Killed here: the lock is free and the record unattached; the next to come takes both.
      take_life_lock(i);
    }
    Participant& me = records_[i];
    forget(i);
    me.role = role;
    now_is(me.thread, thread);
    me.sending_ended = 0;
    me.parked = 0;
    me.held[0] = me.held[1] = 0;
    me.attached.store(1, std::memory_order_release);
    head_->ever[number(role)] = 1;
    recount();
    return i;
  }
  /// Also where the lock could not be had: who unmaps a segment while he holds a robust lock in it leaves the C library
  /// a pointer to nowhere, and its next robust lock, in any other channel, follows that.
  void detach(std::uint32_t i) noexcept {
    records_[i].attached.store(0, std::memory_order_release);
    forget(i);
    life_lock(i).unlock();
    recount();
  }
  void end_sending(std::uint32_t i) noexcept {
    records_[i].sending_ended = 1;
    recount();
  }
  /// What is derived from the records. Killed in it: the next owner of the lock does it again.
  void recount() noexcept {
    std::uint32_t attached[2] = {}, sending[2] = {};
    pid_t parent = 0;
    std::fill(known_.begin(), known_.end(), nobody);
    for (std::uint32_t i = 0; i < used(); ++i) {
      if (!is_attached(i)) continue;
      Participant& each = records_[i];
      const auto role = number(each.role);
      ++attached[role];
      if (each.sending_ended == 0) ++sending[role];
      if (role == number(Role::parent)) parent = each.thread;
      auto& met = known(each.thread);
      if (met == nobody || records_[met].thread != each.thread) met = met == nobody ? i : first_of(each.thread, i);
      each.mailbox = met;
    }
    // Whole at any time: shm_lanes reads them without the lock.
    for (const std::size_t role : {std::size_t{0}, std::size_t{1}}) now_is(head_->attached[role], attached[role]), now_is(head_->sending[role], sending[role]);
    now_is(head_->parent_thread, parent);
  }

  /// Asks each life lock; `bury(i)` gives back what the dead i held. Says whether somebody was dead.
  template <class Bury>
  bool look_for_deaths(std::uint32_t me, Bury bury) {
    bool found = false;
    for (std::uint32_t i = 0; i < used(); ++i) {
      if (i == me || !is_attached(i) || !take_life_lock(i)) continue;
      bury(i);
      detach(i);  // Killed before: the life lock is ours now, so the next to look finds it dead again.
      found = true;
    }
    last_look(now());
    if (found) head_->deaths.fetch_add(1, std::memory_order_relaxed);
    return found;
  }
  /// For a receiver that wants to hear of deaths: true when there are some it does not know of.
  bool news_of_a_death(std::uint32_t* known) const noexcept {
    if (known == nullptr) return false;
    const auto deaths = head_->deaths.load(std::memory_order_relaxed);
    return std::exchange(*known, deaths) != deaths;
  }
  bool look_is_due() const noexcept { return is_due(now(), last_look()); }

  /// Where mail for this one waits: nobody when it is not attached, or anyone.
  std::uint32_t mailbox_of(ProcessId who) noexcept {
    if (who.host != 0 || who.pid == 0) return nobody;
    const pid_t thread = who.pid;
    auto& first = known(thread);
    if (first < used() && is_attached(first) && records_[first].thread == thread && records_[first].mailbox == first) return first;
    const std::uint32_t found = first_of(thread, used());
    if (found != used()) first = found;
    return found != used() ? found : nobody;
  }
  /// An addressee may still come while its thread exists.
  bool may_be_reached(ProcessId who) noexcept { return may_be_reached(who, mailbox_of(who)); }
  bool may_be_reached(ProcessId who, std::uint32_t its_mailbox) const noexcept {
    return its_mailbox != nobody || who == anyone || who.host != 0 || thread_exists(who.pid);
  }
  /// Somebody went, or sends no more: a side has nobody left who sends to the other, or there is one left alone. Short of that
  /// nobody's wait ends: what the one who went had held is back in its place, and who waits for that was told.
  bool ends_a_wait() const noexcept { return as_it_is(head_->sending[0]) == 0 || as_it_is(head_->sending[1]) == 0 || !anybody_else(); }
  bool anybody_else() const noexcept { return as_it_is(head_->attached[0]) + as_it_is(head_->attached[1]) > 1; }
  bool somebody_ever(Role role) const noexcept { return head_->ever[number(role)] != 0; }
  bool alive(Role role) const noexcept { return as_it_is(head_->attached[number(role)]) != 0; }
  /// For this side's receivers: nobody is left, or will come, to send.
  bool other_side_gone(Role mine) const noexcept {
    const Role other = mine == Role::parent ? Role::child : Role::parent;
    if (as_it_is(head_->sending[number(other)]) != 0) return false;
    return somebody_ever(other) || (other == Role::parent && !process_exists(head_->opener_process));
  }
  /// Before there is a parent: who is likely to be it, and is able to.
  ProcessId parent_id() const noexcept {
    if (const pid_t parent = as_it_is(head_->parent_thread); parent != 0) return parent;
    return thread_exists(head_->opener) ? head_->opener : head_->opener_process;
  }
  bool is_parent(pid_t thread) const noexcept { return as_it_is(head_->parent_thread) == thread; }

  // Wakes come before the commit: the woken queue up at the lock, and if we die now they get it with the word of our death.

  /// `refused_since`: for what was away since sleeps() said so and is back as it was. Who fell asleep before has refused it too.
  void wake_all(Reason reason, std::optional<std::uint32_t> refused_since = {}) noexcept {
    if (!sleepers_.nobody_for(reason)) ring_all(reason, refused_since);
  }
  std::uint32_t sleeps() const noexcept { return head_->sleeps; }
  /// One who can use what there is one of, each in turn; `but_not` sleeps on. Whoever is woken and leaves it passes the
  /// wake on; when he dies, that wakes everybody.
  void wake_one(Reason reason, ProcessId but_not = {}) noexcept {
    if (!sleepers_.nobody_for(reason)) ring_one(reason, but_not);
  }
  void wake_recipient(std::uint32_t mailbox) noexcept {
    if (mailbox >= used()) return;
    const std::uint32_t i = records_[mailbox].sleeper;
    if (i < used() && records_[i].thread == records_[mailbox].thread && (records_[i].waits_for & own_mail) != 0) ring(i);
  }
  void wake_everybody() noexcept {
    for (std::uint32_t i = 0; i < used(); ++i) {
      if (records_[i].waits_for != awake) ring(i);
    }
  }

  /// Gives the lock away, waits until rung, the deadline or the time to look again, and takes the lock back.
  template <class Waiting>
  RobustMutex::Got sleep(std::uint32_t me, Reason reasons, Deadline deadline, Waiting& waiting, RobustMutex::Look look = RobustMutex::Look::soon) noexcept {
    Participant& self = records_[me];
    forget(me);  // the last sleep may have ended without the lock
    self.fell_asleep = head_->sleeps + 1;
    now_is(head_->sleeps, self.fell_asleep);
    sleeps_known_ = self.fell_asleep;
    self.waits_for = reasons;
    records_[std::min(self.mailbox, maximum_ - 1)].sleeper = me;
    sleepers_.add(me, reasons);
    const std::uint32_t seen = self.bell.load(std::memory_order_relaxed);
    const auto looked = last_look();
    const auto others = used();
    mutex().unlock();
    bool somebody_died = false;
    const auto begin = Deadline::clock::now();
    if (!is_due(nanoseconds(begin), looked)) {
      const Deadline until = std::min(deadline.at, begin + look_every);
      const auto rung = [&] { return self.bell.load(std::memory_order_acquire) != seen; };
      if (!waiting.spin(rung, until)) somebody_died = park(me, others, seen, until, waiting);
    }
    if (look == RobustMutex::Look::later && Deadline::clock::now() - begin > a_quiet_time) look = RobustMutex::Look::soon;
    const auto got = lock(deadline, waiting, look);
    rung_ = got != RobustMutex::Got::lock || self.waits_for == awake;
    if (got != RobustMutex::Got::lock) return got;
    forget(me);  // woken by time: nobody need wake it any more
    if (somebody_died) last_look(long_ago);  // the caller looks now
    return got;
  }
  /// Whether the last sleep ended because somebody had something, not by time or a death.
  bool was_rung() const noexcept { return rung_; }

  /// Those whose neighbour this one is; each should go to sleep anew, so that it watches this one's life lock.
  template <class F>
  void each_watcher_of(std::uint32_t who, F f) noexcept {
    const auto all = used();
    std::size_t count = 0;
    for (std::uint32_t step = 1; step < all && count < most_neighbours; ++step) {
      const std::uint32_t i = (who + all - step) % all;
      if (is_attached(i)) f(i), ++count;
    }
  }
  /// One more ends nobody's wait. Only who is to hear of its death is woken, and takes up its life lock; were everybody, N who
  /// come at one time would wake each other N x N times.
  void somebody_came(std::uint32_t who) noexcept {
    each_watcher_of(who, [this](std::uint32_t i) {
      if (records_[i].waits_for != awake) ring(i);
    });
  }
  /// He went, or sends no more.
  void somebody_went(std::uint32_t who) noexcept { ends_a_wait() ? wake_everybody() : somebody_came(who); }
  /// The life locks of the next attached ones after me, as words to sleep on; the caller looks, when one is dead already.
  std::size_t watch_neighbours(std::uint32_t me, std::span<WatchedWord> words) noexcept {
    const auto count = watch_neighbours(me, used(), words);
    if (count == dead_already) last_look(long_ago);
    return count == dead_already ? 0 : count;
  }

 private:
  static constexpr std::chrono::microseconds a_quiet_time{50};  // after which one message is not the first of many
  struct AtOnce {  // waits in the kernel only
    template <class Ready>
    bool spin(Ready ready, Deadline) {
      return ready();
    }
  };
  static constexpr std::int64_t long_ago = std::numeric_limits<std::int64_t>::min() / 2;

  template <class T>
  static T as_it_is(T& word) noexcept { return std::atomic_ref(word).load(std::memory_order_relaxed); }
  template <class T>
  static void now_is(T& word, T value) noexcept { std::atomic_ref(word).store(value, std::memory_order_relaxed); }
  static constexpr std::size_t number(Role role) noexcept { return role == Role::parent ? 0 : 1; }
  std::int64_t last_look() const noexcept { return std::atomic_ref(head_->last_look).load(std::memory_order_relaxed); }  // also asked without the lock
  void last_look(std::int64_t when) noexcept { std::atomic_ref(head_->last_look).store(when, std::memory_order_relaxed); }
  static bool is_due(std::int64_t at, std::int64_t last_look) noexcept {
    return last_look > at || last_look <= at - std::chrono::nanoseconds(look_every).count();
  }

  void ring_all(Reason reason, std::optional<std::uint32_t> refused_since) noexcept {
    for (std::uint32_t i = 0, left = maximum_; left != 0 && (i = sleepers_.next(reason, i)) < used(); --left, ++i) {
      if (!refused_since || static_cast<std::int32_t>(records_[i].fell_asleep - *refused_since) > 0) ring(i);
    }
  }
  void ring_one(Reason reason, ProcessId but_not) noexcept {
    const std::uint32_t last = std::min(head_->last_rung, maximum_);
    if (!ring_one_of(reason, last + 1, used(), but_not)) ring_one_of(reason, 0, std::min(last + 1, used()), but_not);
  }
  bool ring_one_of(Reason reason, std::uint32_t from, std::uint32_t end, ProcessId but_not) noexcept {
    for (std::uint32_t i = from; (i = sleepers_.next(reason, i)) < end; ++i) {
      if (but_not == ProcessId(records_[i].thread)) continue;
      head_->last_rung = i;
      ring(i);
      return true;
    }
    return false;
  }
  void ring(std::uint32_t i) noexcept {
    Participant& sleeper = records_[i];
    sleeper.bell.fetch_add(1, std::memory_order_seq_cst);                                       // (1) pairs with (4)
    if (sleeper.parked.load(std::memory_order_seq_cst) != 0) futex_wake_all(sleeper.bell);      // (2) pairs with (3)
    forget(i);  // Killed before: the next to ring rings it again.
  }
  void forget(std::uint32_t i) noexcept {
    sleepers_.remove(i, static_cast<std::uint8_t>(records_[i].waits_for));
    records_[i].waits_for = awake;
  }
  /// Into the kernel, unless rung meanwhile. One of the two sees the other: who rings the flag (2), or who parks the bell (4).
  /// Says whether somebody watched may have died.
  template <class Waiting>
  bool park(std::uint32_t me, std::uint32_t all, std::uint32_t seen, Deadline until, Waiting& waiting) noexcept {
    Participant& self = records_[me];
    bool somebody_died = false;
    self.parked.store(1, std::memory_order_seq_cst);            // (3) pairs with (2)
    if (self.bell.load(std::memory_order_seq_cst) == seen) {    // (4) pairs with (1)
      std::array<WatchedWord, 1 + most_neighbours> words{WatchedWord::of(&self.bell, seen)};
      const auto count = watch_neighbours(me, all, std::span(words).subspan(1, neighbours));
      somebody_died = count == dead_already;
      if (!somebody_died) {
        const auto begin = Deadline::clock::now();
        const long woken_by = futex_wait_any(std::span(words).first(1 + count), until);
        if constexpr (requires { waiting.parked(begin - begin); }) waiting.parked(Deadline::clock::now() - begin);
        const bool one_changed_before = woken_by == -EAGAIN && self.bell.load(std::memory_order_relaxed) == seen;
        somebody_died = one_changed_before || (woken_by > 0 && RobustMutex::died_with(words[static_cast<std::size_t>(woken_by)]));
      }
    }
    self.parked.store(0, std::memory_order_relaxed);  // seen late: a wake for nobody
    return somebody_died;
  }
  static constexpr std::size_t dead_already = ~std::size_t{0};
  /// Without the lock: who comes or goes meanwhile is worth a look at most.
  std::size_t watch_neighbours(std::uint32_t me, std::uint32_t all, std::span<WatchedWord> words) noexcept {
    std::size_t count = 0;
    for (std::uint32_t step = 1; step < all && count < words.size(); ++step) {
      const std::uint32_t i = (me + step) % all;
      if (!is_attached(i)) continue;
      const auto word = life_lock(i).death_watch();
      if (!word) return dead_already;
      words[count++] = *word;
    }
    return count;
  }

  /// Where this thread's mailbox was last found; checked before it is believed.
  std::uint32_t& known(pid_t thread) noexcept { return known_[static_cast<std::uint32_t>(thread) & (known_.size() - 1)]; }
  std::uint32_t first_of(pid_t thread, std::uint32_t end) const noexcept {
    for (std::uint32_t i = 0; i < end; ++i) {
      if (is_attached(i) && records_[i].thread == thread) return i;
    }
    return end;
  }
  static std::int64_t nanoseconds(Deadline::time_point at) noexcept { return std::chrono::nanoseconds(at.time_since_epoch()).count(); }
  static std::int64_t now() noexcept { return nanoseconds(Deadline::clock::now()); }
  RobustMutex& life_lock(std::uint32_t i) noexcept { return locks_[1 + i]; }
  bool take_life_lock(std::uint32_t i) noexcept {
    const auto got = life_lock(i).try_lock();
    if (got == RobustMutex::Got::lock_of_the_dead) life_lock(i).make_consistent();
    return got == RobustMutex::Got::lock || got == RobustMutex::Got::lock_of_the_dead;
  }

  ParticipantsHead* head_;
  const std::uint32_t maximum_;
  Participant* records_;
  Sleepers sleepers_;
  RobustMutex* locks_;
  std::vector<std::uint32_t> known_;
  std::uint32_t sleeps_known_ = 0;
  bool rung_ = true;
};

}  // namespace mulproc::shared_memory
