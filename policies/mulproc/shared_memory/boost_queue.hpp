#pragma once
/// The two pieces of memory of a message_queue: Boost's own, and beside it the control segment with what surrounds it.
#include <dirent.h>

#include <atomic>
#include <boost/interprocess/ipc/message_queue.hpp>
#include <cstring>
#include <limits>
#include <memory>
#include <mulproc/shared_memory/participants.hpp>
#include <mulproc/shared_memory/segment.hpp>

namespace mulproc::shared_memory {

struct BoostQueueHead {
  std::uint64_t magic;
  std::uint64_t capacity, max_body_bytes;
  char queue_name[128];  // of Boost's file, while the channel has a name
  std::atomic<std::uint32_t> broken;
  std::uint32_t next_ticket;
  std::uint32_t round;      // how often the tickets began anew
  std::uint64_t queued[2];  // of each side, in Boost's queue; dead letters apart
  std::uint64_t held[2];    // of each side, by all who are attached; each has its own count beside it
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
  static constexpr std::uint64_t magic = 0x6d756c70726f6374;  // "mulproct": its fourth layout
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

}  // namespace mulproc::shared_memory
