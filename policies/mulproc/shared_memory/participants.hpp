#pragma once
/// Who takes part in a segment: the lock, the life locks, the roles, the sleepers. Shared by the transports that keep a
/// queue under one robust lock.
///
/// Every participant holds a robust mutex, its life lock, while attached: the kernel's own word on who is dead, immune
/// to reused pids, zombies and slowness. All methods but lock() are called under the lock.
#include <fcntl.h>

#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <mulproc/envelope.hpp>
#include <mulproc/shared_memory/robust_mutex.hpp>
#include <mulproc/transport.hpp>
#include <span>

namespace mulproc::shared_memory {

enum class Role : std::uint32_t { parent, child };

/// What a sleeper waits for; bits of one byte.
enum Waiting : std::uint8_t { awake = 0, mail_of_mine = 1, any_mail = 2, room = 4, end_of_work = 8 };

/// Lies in shared memory; an all-zero one is free.
struct Participant {
  std::atomic<std::uint32_t> attached;  // the commit word
  Role role;
  pid_t thread;
  std::uint32_t sending_ended;
  std::atomic<std::uint32_t> bell;  // its futex word
  std::uint32_t held[2];            // message_queue: messages of each side it holds
};

/// Lies at the head of the segment.
struct ParticipantsHead {
  std::uint32_t maximum;
  std::uint32_t used;  // records ever used
  pid_t opener;
  std::uint32_t parent_ever, child_ever;
  std::uint32_t deaths;    // found so far: a change is news
  std::int64_t last_look;  // nanoseconds of CLOCK_MONOTONIC
};

/// Dead means gone or a zombie. A reused pid errs towards alive, and so does a look that fails: to have no descriptors left
/// is no news of anybody else's death.
inline bool process_exists(pid_t pid) noexcept {
  std::array<char, 32> path{"/proc/"};
  *std::to_chars(path.data() + 6, path.data() + 20, pid).ptr = '\0';
  const int fd = ::open(std::strcat(path.data(), "/stat"), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno != ENOENT && errno != ESRCH;
  std::array<char, 256> text;
  const ssize_t count = ::read(fd, text.data(), text.size());
  const int error = errno;
  ::close(fd);
  if (count < 0) return error != ESRCH;
  const std::string_view line(text.data(), static_cast<std::size_t>(count));
  const auto after_name = line.rfind(')');
  const char state = after_name != line.npos && after_name + 2 < line.size() ? line[after_name + 2] : 'X';
  return state != 'Z' && state != 'X';
}

class Participants {
 public:
  /// How old the last look for deaths may be. Tests make it 0, to see every death at once, or an hour, to see what needs no look.
  static inline std::chrono::milliseconds look_every{100};
  static constexpr std::chrono::milliseconds lock_patience{50};
  /// The life locks a sleeper watches, those of the next attached ones after it: so every death wakes somebody who sleeps
  /// near the dead, at once, and he wakes the others. Who is too far away still looks every 100 ms. Tests make it 0.
  static constexpr std::size_t most_neighbours = 8;
  static inline std::size_t neighbours = most_neighbours;

  /// `maximum` is what the places of the others were computed from: a peer may have written another one into the head since.
  Participants(ParticipantsHead& head, std::uint32_t maximum, Participant* records, std::uint8_t* waiting, RobustMutex* locks) noexcept
      : head_(&head), maximum_(maximum), records_(records), waiting_(waiting), locks_(locks) {}

  /// How long a call with this deadline may wait for the lock: never fails from mere contention.
  RobustMutex::Got lock(Deadline deadline) noexcept {
    const auto got = locks_[0].try_lock();
    return got != RobustMutex::Got::nothing ? got : locks_[0].lock_until(deadline.expired() ? Deadline::after(lock_patience) : deadline);
  }
  RobustMutex& mutex() noexcept { return locks_[0]; }

  std::uint32_t used() const noexcept { return std::min(head_->used, maximum_); }
  Participant& operator[](std::uint32_t i) noexcept { return records_[i]; }
  bool is_attached(std::uint32_t i) const noexcept { return records_[i].attached.load(std::memory_order_relaxed) != 0; }

  /// The lock and the life locks of a new segment.
  static void initialise(RobustMutex* locks, std::size_t maximum) noexcept {
    for (std::size_t i = 0; i <= maximum; ++i) locks[i].initialise();
  }

  /// The index of a new participant.
  Result<std::uint32_t> attach(Role role, pid_t thread) {
    std::uint32_t i = 0;
    while (i < used() && (is_attached(i) || !take_life_lock(i))) ++i;
    if (i == used()) {
      if (i == maximum_) return system_error_code(EUSERS);
      head_->used = i + 1;  // Killed here: the lock is free and the record unattached; the next to come takes both.
      take_life_lock(i);
    }
    Participant& me = records_[i];
    me.role = role;
    me.thread = thread;
    me.sending_ended = 0;
    me.held[0] = me.held[1] = 0;
    waiting_[i] = awake;
    me.attached.store(1, std::memory_order_release);
    (role == Role::parent ? head_->parent_ever : head_->child_ever) = 1;
    return i;
  }
  /// Also where the lock could not be had: who unmaps a segment while he holds a robust lock in it leaves the C library
  /// a pointer to nowhere, and its next robust lock, in any other channel, follows that.
  void detach(std::uint32_t i) noexcept {
    records_[i].attached.store(0, std::memory_order_release);
    waiting_[i] = awake;
    life_lock(i).unlock();
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
    if (found) ++head_->deaths;
    return found;
  }
  /// For a receiver that wants to hear of deaths: true when there are some it does not know of.
  bool news_of_a_death(std::uint32_t* known) const noexcept { return known != nullptr && std::exchange(*known, head_->deaths) != head_->deaths; }
  bool look_is_due() const noexcept {
    const std::int64_t last = std::atomic_ref(head_->last_look).load(std::memory_order_relaxed), moment = now();  // also asked without the lock
    return last > moment || last <= moment - std::chrono::nanoseconds(look_every).count();
  }

  bool attached_with(pid_t thread) const noexcept { return index_of(thread) != nobody; }
  std::uint32_t index_of(pid_t thread) const noexcept {
    for (std::uint32_t i = 0; i < used(); ++i) {
      if (is_attached(i) && records_[i].thread == thread) return i;
    }
    return nobody;
  }
  /// An addressee may still come while its process exists.
  bool may_be_reached(ProcessId who) const { return who == anyone || who.host != 0 || attached_with(who.pid) || process_exists(who.pid); }
  bool anybody_else(std::uint32_t me) const noexcept {
    for (std::uint32_t i = 0; i < used(); ++i) {
      if (i != me && is_attached(i)) return true;
    }
    return false;
  }
  bool somebody_ever(Role role) const noexcept { return (role == Role::parent ? head_->parent_ever : head_->child_ever) != 0; }
  bool alive(Role role) const noexcept {
    for (std::uint32_t i = 0; i < used(); ++i) {
      if (is_attached(i) && records_[i].role == role) return true;
    }
    return false;
  }
  /// For this side's receivers: nobody is left, or will come, to send.
  bool other_side_gone(Role mine) const {
    const Role other = mine == Role::parent ? Role::child : Role::parent;
    if (!somebody_ever(other)) return other == Role::parent && !process_exists(head_->opener);
    for (std::uint32_t i = 0; i < used(); ++i) {
      if (is_attached(i) && records_[i].role == other && records_[i].sending_ended == 0) return false;
    }
    return true;
  }
  ProcessId parent_id() const noexcept {
    for (std::uint32_t i = 0; i < used(); ++i) {
      if (is_attached(i) && records_[i].role == Role::parent) return records_[i].thread;
    }
    return head_->opener;
  }

  /// Wakes those who sleep for one of `reasons`; mail for one recipient wakes only him of those who take their own.
  /// Called before the commit: the woken queue up at the lock, and if we die now they get it with the word of our death.
  void wake(std::uint8_t reasons, ProcessId recipient = anyone) noexcept {
    for (std::uint32_t i = 0; i < used(); ++i) {
      const std::uint8_t waits_for = waiting_[i] & reasons;
      if (waits_for == 0) continue;
      if (waits_for == mail_of_mine && recipient != anyone && recipient != ProcessId(records_[i].thread)) continue;
      records_[i].bell.fetch_add(1, std::memory_order_relaxed);
      futex_wake_all(records_[i].bell);
      waiting_[i] = awake;  // Killed before: the next to wake wakes it again.
    }
  }
  void wake_everybody() noexcept { wake(mail_of_mine | any_mail | room | end_of_work); }

  /// Gives the lock away, sleeps until woken, the deadline or the time to look again, and takes the lock back.
  RobustMutex::Got sleep(std::uint32_t me, std::uint8_t reasons, Deadline deadline) noexcept {
    waiting_[me] = reasons;
    auto& bell = records_[me].bell;
    std::array<WatchedWord, 1 + most_neighbours> words{WatchedWord::of(&bell, bell.load(std::memory_order_relaxed))};
    const std::size_t count = watch_neighbours(me, std::span(words).subspan(1, neighbours));
    const Deadline until = look_is_due() ? Deadline::now() : deadline.within(look_every);
    mutex().unlock();
    const long woken_by = futex_wait_any(std::span(words).first(1 + count), until);
    const auto got = lock(deadline);
    if (got == RobustMutex::Got::lock) {
      waiting_[me] = awake;  // woken by time: nobody need wake it any more
      if (woken_by > 0 || woken_by == -EAGAIN) last_look(long_ago);  // a neighbour may be gone: the caller looks now
    }
    return got;
  }

  /// The life locks of the next attached ones after me, as words to sleep on.
  std::size_t watch_neighbours(std::uint32_t me, std::span<WatchedWord> words) noexcept {
    std::size_t count = 0;
    const std::uint32_t all = used();
    for (std::uint32_t step = 1; step < all && count < words.size(); ++step) {
      const std::uint32_t i = (me + step) % all;
      if (!is_attached(i)) continue;
      if (const auto word = life_lock(i).death_watch()) {
        words[count++] = *word;
      } else {
        last_look(long_ago);  // dead already: look, do not sleep
      }
    }
    return count;
  }

 private:
  static constexpr std::int64_t long_ago = std::numeric_limits<std::int64_t>::min() / 2;

  void last_look(std::int64_t when) noexcept { std::atomic_ref(head_->last_look).store(when, std::memory_order_relaxed); }
  static constexpr std::uint32_t nobody = ~std::uint32_t{0};
  static std::int64_t now() noexcept { return std::chrono::nanoseconds(Deadline::clock::now().time_since_epoch()).count(); }
  RobustMutex& life_lock(std::uint32_t i) noexcept { return locks_[1 + i]; }
  bool take_life_lock(std::uint32_t i) noexcept {
    const auto got = life_lock(i).try_lock();
    if (got == RobustMutex::Got::lock_of_the_dead) life_lock(i).make_consistent();
    return got == RobustMutex::Got::lock || got == RobustMutex::Got::lock_of_the_dead;
  }

  ParticipantsHead* head_;
  std::uint32_t maximum_;
  Participant* records_;
  std::uint8_t* waiting_;
  RobustMutex* locks_;
};

}  // namespace mulproc::shared_memory
