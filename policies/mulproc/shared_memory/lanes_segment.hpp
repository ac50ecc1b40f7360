#pragma once
/// One participant's view of a shm_lanes' segment: what lies where, who sleeps, how they are woken. What only concerns
/// sending, receiving or burying the dead has a file of its own.
#include <linux/membarrier.h>

#include <mulproc/shared_memory/lanes_layout.hpp>

namespace mulproc::shared_memory {

/// A fence that the one who seldom needs it makes for all who would need it often.
/// Source:  membarrier(2)
class ProcessFence {
 public:
  /// Once in each process that takes part; an exec forgets it. False: this process fences for itself.
  static bool register_process() noexcept {
    static std::atomic<std::uint64_t> registered_in{0};  // threads that come at one time may each do it
    if (registered_in.load(std::memory_order_relaxed) == ForkWatch::generation()) return true;
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) != 0) return false;
    registered_in.store(ForkWatch::generation(), std::memory_order_relaxed);
    return true;
  }
  /// Every registered thread that runs has passed a full fence when this returns. False: it cannot be had here.
  static bool everywhere() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return ::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0;
  }
};

/// What a sleeper sleeps for; bits of one byte.
enum SleepsFor : std::uint8_t {
  nothing_asleep = 0,
  letters_of_mine = 1,
  letters_of_anyone = 2,  // it takes the first that comes
  letters_it_likes = 4,   // it may refuse what is for anyone
  lane_room = 8,
  all_done = 16,
  anything = 31,
};

class LanesSegment {
 public:
  static constexpr std::uint32_t nobody = ~std::uint32_t{0};

  LanesSegment(std::shared_ptr<Segment> segment, const LanesLayout& layout)
      : segment_(std::move(segment)),
        head_(*reinterpret_cast<LanesHead*>(segment_->address())),
        layout_(layout),
        sleepers_(reinterpret_cast<std::uint8_t*>(at(layout_.sleepers))),
        mailboxes_(reinterpret_cast<std::atomic<std::uint64_t>*>(at(layout_.mailboxes))),
        people_(head_.participants, layout_.people, at(layout_.participants),
                reinterpret_cast<RobustMutex*>(at(layout_.locks))) {}
  LanesSegment(const LanesSegment&) = delete;

  LanesHead& head() noexcept { return head_; }
  const LanesLayout& layout() const noexcept { return layout_; }
  Participants& people() noexcept { return people_; }
  std::uint32_t senders() const noexcept { return std::min(people_.used(), static_cast<std::uint32_t>(layout_.people)); }
  std::uint32_t open() const noexcept { return static_cast<std::uint32_t>(layout_.open_mailbox()); }
  std::uint32_t mailboxes_used() const noexcept {
    return std::min(std::atomic_ref(head_.mailboxes_used).load(std::memory_order_relaxed), open());
  }
  std::error_code allocate(std::size_t offset, std::size_t bytes) const noexcept { return segment_->allocate(offset, bytes); }
  std::byte* at(std::size_t offset) const noexcept { return segment_->address() + offset; }

  std::atomic<std::uint64_t>* tails_of(std::uint32_t mailbox) const noexcept { return reinterpret_cast<std::atomic<std::uint64_t>*>(at(layout_.tails_of(mailbox))); }
  Lane lane(std::uint32_t sender, std::uint32_t mailbox) const noexcept {
    return {at(layout_.lane(sender, mailbox)), tails_of(mailbox) + sender, static_cast<std::uint32_t>(layout_.slot_bytes), static_cast<std::uint32_t>(layout_.capacity)};
  }
  /// f(lane, sender, mailbox) for every lane that was ever used; ends when f says false, and says so.
  template <class F>
  bool each_lane(F f) const {
    for (std::uint32_t mailbox = 0; mailbox < mailboxes_used(); ++mailbox) {
      if (!each_lane_to(mailbox, f)) return false;
    }
    return each_lane_to(open(), f);
  }
  template <class F>
  bool each_lane_to(std::uint32_t mailbox, F f) const {
    for (std::uint32_t sender = 0; sender < senders(); ++sender) {
      const Lane one = lane(sender, mailbox);
      if (one.is_used() && !f(one, sender, mailbox)) return false;
    }
    return true;
  }

  template <class F>
  void each_lane_from(std::uint32_t sender, F f) const {
    for (std::uint32_t mailbox = 0; mailbox <= mailboxes_used(); ++mailbox) {
      const std::uint32_t to = mailbox == mailboxes_used() ? open() : mailbox;
      if (const Lane one = lane(sender, to); one.is_used()) f(one, to);
    }
  }

  /// The body of a message, wherever it lies. What the slot says is not believed.
  std::span<const std::byte> body(LaneSlot& slot, std::uint32_t sender) const noexcept {
    const std::size_t bytes = slot.envelope().body_bytes;
    if (bytes <= layout_.inline_bytes()) return {slot.body(), bytes};
    std::uint32_t chunk;
    std::memcpy(&chunk, slot.body(), sizeof chunk);
    const std::size_t tier = chunk >> 31, i = chunk & ~(1u << 31);
    if (i >= layout_.chunks[tier] || bytes > std::min(layout_.chunk_bytes[tier], layout_.max_body_bytes)) return {};
    return {at(layout_.chunk(sender, tier, i)), bytes};
  }

  // Mailboxes: the address of a thread, 0 while it is nobody's.
  static std::uint64_t address_of(ProcessId who) noexcept { return std::uint64_t{who.host} << 32 | static_cast<std::uint32_t>(who.pid); }
  static ProcessId who_has(std::uint64_t address) noexcept { return {static_cast<std::uint32_t>(address >> 32), static_cast<pid_t>(address & 0xffffffff)}; }
  std::atomic<std::uint64_t>& mailbox(std::uint32_t i) const noexcept { return mailboxes_[i]; }
  /// That of a participant's thread; also asked without the lock, by who wakes it.
  std::atomic_ref<std::uint32_t> mailbox_of(std::uint32_t participant) const noexcept { return std::atomic_ref(head_.mailbox_of[participant]); }
  std::uint32_t find_mailbox(std::uint64_t address) const noexcept {
    for (std::uint32_t i = 0; i < mailboxes_used(); ++i) {
      if (mailboxes_[i].load(std::memory_order_relaxed) == address) return i;
    }
    return nobody;
  }

  // Who sleeps. (5) A sleeper says so, fences everybody, and looks again before it parks; so whoever writes something first
  // and asks afterwards who sleeps needs no fence of his own.
  std::atomic_ref<std::uint8_t> sleeps_for(std::uint32_t who) const noexcept { return std::atomic_ref(sleepers_[who]); }
  void wake_if(std::uint32_t who, std::uint8_t reasons) noexcept {
    if ((sleeps_for(who).load(std::memory_order_acquire) & reasons) == 0) return;
    wake(who);
  }
  [[gnu::noinline]] void wake(std::uint32_t who) noexcept {
    sleeps_for(who).store(nothing_asleep, std::memory_order_relaxed);  // the next to ask need not wake it again
    people_[who].bell.fetch_add(1, std::memory_order_release);
    futex_wake_all(people_[who].bell);
  }
  /// Whoever of this mailbox's thread sleeps for its letters, by what stands there now.
  [[gnu::cold, gnu::noinline]] void wake_mailbox(std::uint32_t mailbox) noexcept {
    for (std::uint32_t i = 0; i < senders(); ++i) {
      if (mailbox_of(i).load(std::memory_order_relaxed) == mailbox) wake_if(i, letters_of_mine);
    }
  }
  /// As Participants::somebody_came() and somebody_went() do, for those who sleep here.
  void somebody_came(std::uint32_t who) noexcept {
    head_.population.fetch_add(1, std::memory_order_release);
    people_.each_watcher_of(who, [this](std::uint32_t watcher) { wake_if(watcher, anything); });
  }
  void somebody_went(std::uint32_t who) noexcept { people_.ends_a_wait() ? wake_everybody() : somebody_came(who); }
  /// Somebody who had gone can no longer be reached: whoever waits for room with him, or for what was for him, waits in vain.
  void wake_who_waits_for_another() noexcept {
    head_.population.fetch_add(1, std::memory_order_release);
    head_.ends.fetch_add(1, std::memory_order_release);
    fence_if_needed();
    wake_those(lane_room | all_done, 0, Wake::all);
  }
  void wake_everybody() noexcept {
    head_.population.fetch_add(1, std::memory_order_release);
    head_.ends.fetch_add(1, std::memory_order_release);
    for (std::uint32_t i = 0; i < senders(); ++i) {
      people_[i].bell.fetch_add(1, std::memory_order_release);
      wake_if(i, anything);
    }
  }
  /// Something for anyone: one who takes the first that comes is enough; otherwise all who may like it.
  void wake_for_anyone(pid_t sender) noexcept {
    if (wake_those(letters_of_anyone, sender, Wake::one)) return;
    wake_those(letters_it_likes, sender, Wake::all);
  }
  /// What lay claimed lies there again, or came back from the dead: whoever passed it by has to look again.
  void returned() noexcept {
    head_.returns.fetch_add(1, std::memory_order_release);
    fence_if_needed();
    wake_those(letters_of_mine | letters_of_anyone | letters_it_likes, 0, Wake::all);
  }
  /// A slot of this sender was freed.
  void freed(std::uint32_t sender) noexcept {
    if (sender >= layout_.people) return;  // out of a word that a peer wrote
    fence_if_needed();
    wake_if(sender, lane_room);
    if (head_.joiners.load(std::memory_order_relaxed) != 0) [[unlikely]] wake_joiners();
  }
  void fence_if_needed() const noexcept {
    if (fenced_by_sleepers_) {
      std::atomic_signal_fence(std::memory_order_seq_cst);  // the compiler keeps the order; the processor's is the sleeper's affair
    } else {
      std::atomic_thread_fence(std::memory_order_seq_cst);
    }
  }

 private:
  enum class Wake { one, all };
  [[gnu::cold, gnu::noinline]] void wake_joiners() noexcept {
    if (head_.joiners.exchange(0, std::memory_order_acq_rel) != 0) wake_those(all_done, 0, Wake::all);
  }
  bool wake_those(std::uint8_t reasons, pid_t but_not, Wake how_many) noexcept {
    bool woke = false;
    const std::uint32_t all = senders();
    for (std::uint32_t i = 0; i < all; ++i) {
      if ((sleeps_for(i).load(std::memory_order_acquire) & reasons) == 0 || people_.thread_of(i) == but_not) continue;
      wake(i);
      woke = true;
      if (how_many == Wake::one) break;
    }
    return woke;
  }

  std::shared_ptr<Segment> segment_;
  LanesHead& head_;
  const LanesLayout layout_;
  std::uint8_t* sleepers_;
  std::atomic<std::uint64_t>* mailboxes_;
  Participants people_;
  const bool fenced_by_sleepers_ = ProcessFence::register_process();
};

}  // namespace mulproc::shared_memory
