#pragma once
/// What surrounds a Boost message_queue so that nobody hangs: our robust lock, our room, our sleepers.
///
/// Boost's class cannot be repaired after a death inside it; entered only under our lock and only by try_ calls, it has
/// no waiters of its own and its inner mutex no contention. An owner who dies inside our lock leaves it `broken`.
#include <dirent.h>

#include <atomic>
#include <boost/interprocess/ipc/message_queue.hpp>
#include <cstring>
#include <limits>
#include <memory>
#include <mulproc/shared_memory/participants.hpp>
#include <mulproc/shared_memory/segment.hpp>
#include <vector>

namespace mulproc::shared_memory {

struct BoostQueueHead {
  std::uint64_t magic;
  std::uint64_t capacity, max_body_bytes;
  char queue_name[128];  // of Boost's file, while the channel has a name
  std::atomic<std::uint32_t> broken;
  std::uint32_t next_ticket;
  std::uint64_t queued[2];  // of each side, in Boost's queue; dead letters apart
  std::uint64_t dead[2], dropped[2];
  ParticipantsHead participants;
};

/// What precedes a body in Boost's queue.
struct ItemHead {
  Envelope envelope;
  std::uint32_t ticket, attempt, side, is_dead_letter;
};

/// What somebody holds, for those who ask whether it may come back; owner 0: nobody.
struct HeldRecord {
  std::uint32_t owner, ticket;  // owner: a participant's index + 1
  Envelope envelope;
};

/// Boost's queue and, beside it, our control segment, published last. Anonymous ones are inherited by fork.
struct BoostQueue {
  static constexpr std::uint64_t magic = 0x6d756c70726f6372;  // "mulprocr": its second layout
  static constexpr std::size_t page = 4096;

  std::string queue_name;  // empty: Boost's file has no name any more
  std::unique_ptr<boost::interprocess::message_queue> queue;
  std::shared_ptr<Segment> control;
  std::size_t capacity = 0, max_body_bytes = 0, max_participants = 0;
  bool opened_here = false;
  Owner owner;

  BoostQueue() = default;
  BoostQueue(const BoostQueue&) = delete;
  ~BoostQueue() {
    if (opened_here && owner.in_this_process()) remove_name();
  }

  static std::shared_ptr<BoostQueue> create(const std::string& name, std::size_t capacity, std::size_t max_body_bytes, std::size_t max_participants) {
    const auto refuse = [](const std::string& why) { throw std::invalid_argument("message_queue: " + why); };
    if (capacity == 0 || capacity > 1 << 20) refuse("capacity must be 1 to 1048576, not " + std::to_string(capacity));
    if (max_body_bytes == 0 || max_body_bytes > std::numeric_limits<std::uint32_t>::max())
      refuse("max_body_bytes must be 1 to 4294967295, not " + std::to_string(max_body_bytes));
    if (max_participants < 2 || max_participants > 2048) refuse("max_participants must be 2 to 2048, not " + std::to_string(max_participants));
    auto made = std::make_shared<BoostQueue>();
    made->capacity = capacity;
    made->max_body_bytes = max_body_bytes;
    made->max_participants = max_participants;
    made->make_queue(name);
    if (name.empty()) made->remove_name();
    const std::size_t bytes = made->control_bytes();
    made->control = Segment::create(
        name, bytes, bytes,
        [&](std::byte* address) {
          auto& head = *new (address) BoostQueueHead{};
          head.capacity = capacity;
          head.max_body_bytes = max_body_bytes;
          made->queue_name.copy(head.queue_name, sizeof head.queue_name - 1);
          Participants::initialise(head.participants, max_participants, made->locks(address));
          head.magic = magic;
        },
        [&](int left_behind) { remove_queue_of(left_behind, Segment::file_name(name)); });
    made->remove_unfinished(file_of(name));
    return made;
  }

  /// Fails:   throws std::system_error: stale when no live channel has the name; malformed when it is no message_queue's.
  static std::shared_ptr<BoostQueue> attach(std::string_view name) {
    auto found = std::make_shared<BoostQueue>();
    found->control = Segment::attach(name);
    const auto& head = *reinterpret_cast<const BoostQueueHead*>(found->control->address());
    found->capacity = head.capacity;
    found->max_body_bytes = head.max_body_bytes;
    found->max_participants = head.participants.maximum;
    found->queue_name = std::string(head.queue_name, ::strnlen(head.queue_name, sizeof head.queue_name));
    const auto refuse = [&] { throw std::system_error(Errc::malformed, "the channel of the name \"" + std::string(name) + "\" is no message_queue of this version"); };
    if (head.magic != magic || found->max_participants > 2048 || found->control->size() != found->control_bytes() || found->capacity == 0 ||
        found->capacity > 1 << 20 || found->max_body_bytes > std::numeric_limits<std::uint32_t>::max() ||
        !belongs_to(found->queue_name, Segment::file_name(name)))
      refuse();
    try {
      if (!found->file_is_whole()) refuse();
      found->queue = std::make_unique<boost::interprocess::message_queue>(boost::interprocess::open_only, found->queue_name.c_str());
    } catch (const boost::interprocess::interprocess_exception& error) {
      if (error.get_native_error() != ENOENT && error.get_native_error() != 0) throw std::system_error(system_error_code(error.get_native_error()), "opening " + found->queue_name);
      throw std::system_error(Errc::stale, "the channel of the name \"" + std::string(name) + "\" is no longer open");
    }
    if (found->queue->get_max_msg() != 4 * found->capacity || found->queue->get_max_msg_size() != sizeof(ItemHead) + found->max_body_bytes) refuse();
    return found;
  }

  std::span<HeldRecord> held(std::byte* address) const { return {reinterpret_cast<HeldRecord*>(address + page), 2 * capacity}; }
  std::byte* participants(std::byte* address) const { return address + participants_offset(); }
  std::size_t locks_offset() const { return (participants_offset() + Participants::bytes(max_participants) + page - 1) / page * page; }
  RobustMutex* locks(std::byte* address) const { return reinterpret_cast<RobustMutex*>(address + locks_offset()); }

 private:
  /// Boost believes what its file says, and waits minutes for one that is half made; so it is looked at first.
  bool file_is_whole() const {
    using Header = boost::interprocess::ipcdetail::mq_hdr_t<boost::interprocess::offset_ptr<void>>;
    using Message = boost::interprocess::ipcdetail::msg_hdr_t<boost::interprocess::offset_ptr<void>>;
    const MemoryFile file = Segment::open_existing("/dev/shm/" + queue_name);
    if (file.get() < 0) return true;  // gone: the opening says so
    struct stat status {};
    const std::size_t messages = 4 * capacity, message_bytes = sizeof(ItemHead) + max_body_bytes;
    const std::size_t wanted = Header::get_mem_size(message_bytes, messages);
    require(::fstat(file.get(), &status) == 0, "fstat " + queue_name);
    if (static_cast<std::size_t>(status.st_size) < wanted) return false;
    const boost::interprocess::mapped_region region(file, boost::interprocess::read_only);
    constexpr std::uint32_t initialised = 2;  // the word before Boost's header, which its alignment widens
    constexpr std::size_t before_header = boost::interprocess::ipcdetail::managed_open_or_create_impl<boost::interprocess::shared_memory_object, 0, true, false>::ManagedOpenOrCreateUserOffset;
    const std::byte* begin = static_cast<const std::byte*>(region.get_address());
    const auto& header = *reinterpret_cast<const Header*>(begin + before_header);
    if (*reinterpret_cast<const std::uint32_t*>(begin) != initialised || header.m_max_num_msg != messages || header.m_max_msg_size != message_bytes ||
        header.m_cur_num_msg > messages || header.m_cur_first_msg >= messages)
      return false;
    const auto inside = [&](const void* at, std::size_t bytes) {
      const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(at) - begin);
      return offset <= wanted && bytes <= wanted - offset && offset % alignof(Message) == 0;
    };
    const auto* index = header.mp_index.get();
    if (!inside(index, messages * sizeof *index)) return false;
    return std::all_of(index, index + messages, [&](const auto& message) { return inside(message.get(), sizeof(Message) + message_bytes); });
  }

  std::size_t participants_offset() const { return (page + 2 * capacity * sizeof(HeldRecord) + alignof(Participant) - 1) / alignof(Participant) * alignof(Participant); }
  std::size_t control_bytes() const { return locks_offset() + (1 + max_participants) * sizeof(RobustMutex); }

  static bool belongs_to(const std::string& queue_name, const std::string& control_name) {
    return queue_name.starts_with(control_name + ".queue-") && queue_name.find('/') == queue_name.npos;
  }
  static void remove_queue_of(int control, const std::string& control_name) {
    BoostQueueHead head;
    if (::pread(control, static_cast<void*>(&head), sizeof head, 0) != static_cast<ssize_t>(sizeof head)) return;
    const std::string queue_name(head.queue_name, ::strnlen(head.queue_name, sizeof head.queue_name));
    if (belongs_to(queue_name, control_name)) boost::interprocess::message_queue::remove(queue_name.c_str());
  }
  static std::string file_of(const std::string& name) { return (name.empty() ? "mulproc" : Segment::file_name(name)) + ".queue-"; }
  /// Removes what openers left who were killed between making Boost's file and giving the channel its name, or Boost's file none.
  /// With a name: it is ours by now, so that no channel of the living has such a file.
  void remove_unfinished(const std::string& file) const {
    DIR* const folder = ::opendir("/dev/shm");
    if (folder == nullptr) return;
    while (const dirent* entry = ::readdir(folder)) {
      const std::string found = entry->d_name;
      if (!found.starts_with(file) || found == queue_name) continue;
      const pid_t maker = static_cast<pid_t>(std::strtol(found.c_str() + file.size(), nullptr, 10));
      if (maker > 0 && !process_exists(maker)) boost::interprocess::message_queue::remove(found.c_str());
    }
    ::closedir(folder);
  }
  void remove_name() {
    if (!queue_name.empty()) boost::interprocess::message_queue::remove(std::exchange(queue_name, {}).c_str());
  }
  void make_queue(const std::string& name) {
    static std::atomic<unsigned> count{0};
    const std::string begin = file_of(name) + std::to_string(::getpid()) + '-';
    for (int tries = 0; queue == nullptr; ++tries) {
      std::string file = begin + std::to_string(count.fetch_add(1));
      try {
        queue = std::make_unique<boost::interprocess::message_queue>(boost::interprocess::create_only, file.c_str(), 4 * capacity,
                                                                     sizeof(ItemHead) + max_body_bytes, boost::interprocess::permissions(0600));
      } catch (const boost::interprocess::interprocess_exception& error) {
        const bool taken = error.get_error_code() == boost::interprocess::already_exists_error;  // by a dead process of our pid, or by a squatter
        if (!taken) boost::interprocess::message_queue::remove(file.c_str());                    // Boost leaves what it could not finish
        if (!taken || tries == 100)
          throw std::system_error(system_error_code(error.get_native_error()), "making a message_queue of 4 x capacity x max_body_bytes in shared memory");
        continue;
      }
      queue_name = std::move(file);
      opened_here = true;
    }
    const std::string path = "/dev/shm/" + queue_name;
    const MemoryFile opened(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    struct stat status {};
    require(opened.get() >= 0 && ::fstat(opened.get(), &status) == 0, "opening " + path);
    const int failed = ::posix_fallocate(opened.get(), 0, status.st_size);  // a small /dev/shm is an error here, not a SIGBUS later
    require(failed == 0, "allocating " + std::to_string(status.st_size) + " bytes of /dev/shm for a message_queue", failed);
  }
};

/// One participant's way into the queue.
///
/// `Waiting` is a waiting policy.
///
/// Safety:  used by the thread that made it.
template <class Waiting>
class BoostQueueStore {
 public:
  using Item = std::vector<std::byte>;

  BoostQueueStore(std::shared_ptr<BoostQueue> queue, Role role)
      : queue_(std::move(queue)),
        head_(*reinterpret_cast<BoostQueueHead*>(address())),
        people_(head_.participants, queue_->max_participants, queue_->participants(address()), queue_->locks(address())),
        role_(role),
        thread_(ForkWatch::this_thread_id()) {
    const auto lock = enter(Deadline::never());
    lock.value();
    bury_the_dead();
    if (role == Role::parent && people_.alive(Role::parent))
      throw std::system_error(system_error_code(EBUSY), "this channel has a live parent endpoint; only one at a time");
    const auto index = people_.attach(role, thread_);
    if (!index) throw std::system_error(index.error(), "max_participants endpoints are attached already");
    me_ = *index;
    people_.wake_everybody();
  }
  BoostQueueStore(const BoostQueueStore&) = delete;

  void detach() noexcept {
    if (!owner_.is_me() || detached_) return;
    const auto lock = enter(Deadline::never());
    detached_ = true;
    if (lock) {
      for (const Item& item : held_) push(item);
    }
    held_.clear();
    forget_what_is_held_by(me_);
    people_.detach(me_);
    if (lock) people_.wake_everybody();
  }

  Result<> put(const Envelope& envelope, std::span<const std::byte> body, Deadline deadline) {
    if (body.size() > queue_->max_body_bytes) return Errc::too_large;
    auto lock = enter(deadline);
    if (!lock) return lock.error();
    while (true) {
      if (!people_.may_be_reached(envelope.recipient)) return Errc::recipient_gone;
      if (live(0) + live(1) == 0) head_.next_ticket = 0;
      // At the end of the tickets' range a sender waits until nothing is queued or held, as if there were no room.
      if (live(side()) < queue_->capacity && head_.next_ticket != std::numeric_limits<std::uint32_t>::max()) break;
      if (people_.look_is_due() && bury_the_dead()) continue;
      if (!people_.anybody_else() && people_.somebody_ever(role_ == Role::parent ? Role::child : Role::parent)) return Errc::closed;
      if (deadline.expired()) return Errc::not_ready;
      if (auto woken = sleep(*lock, side() == 0 ? parent_room : child_room, deadline); !woken) return woken;
    }
    const ItemHead head{envelope, head_.next_ticket++, 1, static_cast<std::uint32_t>(side()), 0};
    Item item(sizeof head + body.size());
    std::memcpy(item.data(), &head, sizeof head);
    if (!body.empty()) std::memcpy(item.data() + sizeof head, body.data(), body.size());
    wake_for_mail(envelope.recipient);  // before the commit
    if (!push(item)) return ruin();
    return {};
  }

  template <class F, class AsParcel>
  Result<Item> take_if(F& selector, Deadline deadline, AsParcel as_parcel, std::uint32_t* deaths_known = nullptr) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> refused;  // (ticket, attempt): shown once and not again in this call
    auto lock = enter(deadline);
    if (!lock) return lock.error();
    while (true) {
      Item found = pop_first([&](const ItemHead& head) {
        return selector(head.envelope) && std::find(refused.begin(), refused.end(), std::pair{head.ticket, head.attempt}) == refused.end();
      });
      if (!found.empty()) {
        hold(found);
        if constexpr (!F::looks_inside) {
          return found;
        } else {
          const auto since = people_.sleeps();
          lock->unlock();
          const auto& seen = head_of(found);
          bool wanted = false;
          try {
            wanted = selector(as_parcel(found));
          } catch (...) {
            (void)put_back(found, 0);
            throw;
          }
          if (wanted) return found;
          refused.emplace_back(seen.ticket, seen.attempt);
          if (auto back = put_back(found, 0, since); !back) return back.error();
          lock = enter(deadline);
          if (!lock) return lock.error();
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
      if (auto woken = sleep(*lock, reasons, deadline); !woken) return woken.error();
    }
  }

  /// Ends the hold on `item`; stale when this endpoint no longer holds it.
  Result<> finish(const Item& item) {
    const auto lock = enter(Deadline::never());
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
    ItemHead head = head_of(item);
    head.attempt += more_attempts;
    if (head.attempt > static_cast<std::uint32_t>(max_attempts)) {
      head.attempt = static_cast<std::uint32_t>(max_attempts);
      bury_letter(item, head);
    } else if (head.is_dead_letter != 0) {
      bury_letter(item, head);
    } else {
      wake_for_mail(head.envelope.recipient, refused_since);
      push(with_head(item, head));
    }
    return {};
  }

  template <class F>
  bool empty_for(F& selector) {
    const auto lock = enter(Deadline::never());
    lock.value();
    if (people_.look_is_due()) bury_the_dead();
    const Item found = pop_first([&](const ItemHead& head) { return selector(head.envelope); });
    if (!found.empty()) push(found);
    return found.empty();
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
    Item oldest = pop_dead([](const ItemHead&) { return true; });
    if (oldest.empty()) return Errc::not_ready;
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

  static const ItemHead& head_of(const Item& item) noexcept { return *reinterpret_cast<const ItemHead*>(item.data()); }
  static std::span<const std::byte> body_of(const Item& item) noexcept { return std::span(item).subspan(sizeof(ItemHead)); }
  ProcessId id() const noexcept { return thread_; }
  const Owner& owner() const noexcept { return owner_; }
  ProcessId parent_id() const noexcept { return people_.parent_id(); }
  std::size_t max_body_bytes() const noexcept { return queue_->max_body_bytes; }

 private:
  Result<HeldLock> enter(Deadline deadline) {
    if (detached_) return Errc::stale;
    if (auto got = settle(people_.lock(deadline, lock_waiting_)); !got) return got.error();
    return HeldLock(people_.mutex());
  }
  /// Afterwards the lock is held again, unless it says why not.
  Result<> sleep(HeldLock& lock, Reason reasons, Deadline deadline) {
    if (!counts_agree()) return ruin();  // nobody waits for what only a damaged count promises
    lock.forget();
    auto got = settle(people_.sleep(me_, reasons, deadline, waiting_));
    if (got) lock = HeldLock(people_.mutex());
    return got;
  }
  bool counts_agree() {
    std::size_t held[2] = {};
    for (const Item& item : held_) held[head_of(item).side & 1] += head_of(item).is_dead_letter == 0 ? 1 : 0;
    const auto& mine = people_[me_].held;
    return held[0] == mine[0] && held[1] == mine[1] &&
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
  std::size_t live(std::size_t side) {
    std::size_t sum = head_.queued[side];
    for (std::uint32_t i = 0; i < people_.used(); ++i) {
      if (people_.is_attached(i)) sum += people_[i].held[side];
    }
    return sum;
  }

  /// Which of the counters an item belongs to.
  std::uint64_t& count_of(const ItemHead& head) noexcept { return (head.is_dead_letter != 0 ? head_.dead : head_.queued)[head.side & 1]; }

  // The earlier ticket has the higher priority, so a message that comes back finds its place; dead letters come behind all.
  bool push(const Item& item) {
    const ItemHead& head = head_of(item);
    const unsigned priority = head.is_dead_letter != 0 ? 0 : std::numeric_limits<std::uint32_t>::max() - head.ticket;
    const bool sent = queue_->queue->try_send(item.data(), item.size(), priority);
    if (sent) ++count_of(head);
    return sent;
  }
  Item pop() {
    Item item(sizeof(ItemHead) + queue_->max_body_bytes);
    boost::interprocess::message_queue::size_type bytes = 0;
    unsigned priority = 0;
    if (!queue_->queue->try_receive(item.data(), item.size(), bytes, priority) || bytes < sizeof(ItemHead)) return {};
    item.resize(bytes);
    --count_of(head_of(item));
    return item;
  }
  /// The oldest message that `wanted` accepts; those before it return to their places. Empty when there is none.
  template <class Wanted>
  Item pop_first(Wanted wanted) {
    return pop_among(head_.queued[0] + head_.queued[1], wanted);
  }
  template <class Wanted>
  Item pop_dead(Wanted wanted) {
    if (head_.dead[0] + head_.dead[1] == 0) return {};
    return pop_among(std::numeric_limits<std::size_t>::max(), [&](const ItemHead& head) { return head.is_dead_letter != 0 && wanted(head); });
  }
  template <class Wanted>
  Item pop_among(std::size_t how_many, Wanted wanted) {
    std::vector<Item> before;
    Item found;
    while (found.empty() && before.size() < how_many) {
      Item item = pop();
      if (item.empty()) break;
      (wanted(head_of(item)) ? found : before.emplace_back()) = std::move(item);
    }
    for (const Item& item : before) push(item);
    return found;
  }

  void hold(const Item& item) {
    const ItemHead& head = head_of(item);
    ++people_[me_].held[head.side & 1];
    held_.push_back(item);
    for (HeldRecord& record : queue_->held(address())) {
      if (record.owner == 0) return void(record = {me_ + 1, head.ticket, head.envelope});
    }
  }
  bool let_go(const Item& item) {
    // Tickets begin anew while dead letters wait, so a dead letter's may be another message's too.
    const bool dead = head_of(item).is_dead_letter != 0;
    const auto mine = std::find_if(held_.begin(), held_.end(), [&](const Item& held) {
      const ItemHead& head = head_of(held);
      return head.ticket == head_of(item).ticket && (head.is_dead_letter != 0) == dead && (!dead || held == item);
    });
    if (mine == held_.end()) return false;
    if (head_of(item).is_dead_letter == 0) {
      --people_[me_].held[head_of(item).side & 1];
      for (HeldRecord& record : queue_->held(address())) {
        if (record.owner == me_ + 1 && record.ticket == head_of(item).ticket) {
          record.owner = 0;
          break;
        }
      }
    }
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

  static Item with_head(Item item, const ItemHead& head) {
    std::memcpy(item.data(), &head, sizeof head);
    return item;
  }
  /// Into the reserve of `capacity` dead letters for each side; when that is full, the oldest is dropped.
  void bury_letter(const Item& item, ItemHead head) {
    head.is_dead_letter = 1;
    wake_for_room();
    const auto side = head.side & 1;
    if (head_.dead[side] >= queue_->capacity && !pop_dead([&](const ItemHead& dead) { return (dead.side & 1) == side; }).empty()) ++head_.dropped[side];
    push(with_head(item, head));
  }

  bool bury_the_dead() {
    bool changed = people_.look_for_deaths(me_, [this](std::uint32_t who) { forget_what_is_held_by(who); });  // lost with them
    while (true) {  // what waits for them is not
      const Item letter = pop_first([&](const ItemHead& head) { return !people_.may_be_reached(head.envelope.recipient); });
      if (letter.empty()) break;
      bury_letter(letter, head_of(letter));
      changed = true;
    }
    if (changed) people_.wake_everybody();
    return changed;
  }
  void forget_what_is_held_by(std::uint32_t who) noexcept {
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
    const Item found = pop_first([&](const ItemHead& head) {
      const ProcessId recipient = head.envelope.recipient;
      return recipient == anyone ? others || may_still_come : recipient != id() && people_.may_be_reached(recipient);
    });
    if (!found.empty()) push(found);
    return found.empty();
  }

  std::shared_ptr<BoostQueue> queue_;
  BoostQueueHead& head_;
  Participants people_;
  const Role role_;
  const pid_t thread_;
  const Owner owner_;
  Waiting waiting_, lock_waiting_;
  std::uint32_t me_ = ~std::uint32_t{0};
  std::vector<Item> held_;  // copies, so that a dying endpoint can give them back
  bool detached_ = false;
};

}  // namespace mulproc::shared_memory
