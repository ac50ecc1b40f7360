#pragma once
/// Where traced<T> writes: one file for a whole family of processes. It is mapped before they fork, each event has a place
/// of its own, and nobody waits for anybody.
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mulproc/inherited.hpp>
#include <mulproc/transport.hpp>

namespace mulproc::transport {

/// What happened. The numbers are in files: they stay as they are.
enum class TraceKind : std::uint8_t {
  attached = 1,     ///< an endpoint was made
  send = 2,         ///< a send began
  published = 3,    ///< and succeeded
  not_sent = 4,     ///< or failed; detail: the error
  received = 5,     ///< taken for the first time
  redelivery = 6,   ///< taken again: somebody died over it, or gave it up by an exception
  refused = 7,      ///< shown to a predicate that did not want it
  done = 8,         ///< finished
  given_back = 9,   ///< returned to its place
  failed = 10,      ///< returned to its place with attempt + 1
  dead_letter = 11, ///< taken from the dead letters
  park = 12,        ///< there is nothing to take: a call begins to wait
  wake = 13,        ///< that call ends; detail: how long it took, in nanoseconds
  death = 14,       ///< a process died; where nobody says which, process is anyone
  left = 15         ///< an endpoint was destroyed
};

/// One event.
///
/// byte  0            4      5      6         8      16        24      28     32       40          96
///       | committed  | kind | side | attempt | time | process | depth | link | detail | envelope  |
struct TraceEvent {
  enum Side : std::uint8_t { neither, parent, child };

  std::uint32_t committed = 0;   ///< 1: all that follows is written
  TraceKind kind{};
  Side side = neither;
  std::uint16_t attempt = 0;
  std::uint64_t time = 0;        ///< CLOCK_MONOTONIC, in nanoseconds
  ProcessId process = {};        ///< whose endpoint
  std::uint32_t depth = 0;       ///< messages published and not done, over all links of the file; dead letters too
  std::uint32_t link = 0;        ///< which of the channels opened while this file was recorded: 1, 2, ...
  std::uint64_t detail = 0;
  Envelope envelope = {};        ///< all zero where the event is not about a message
};
static_assert(sizeof(TraceEvent) == 96 && std::is_trivially_copyable_v<TraceEvent>, "events lie in files: their layout is fixed");

/// What stands before the events.
struct TraceHead {
  static constexpr std::array<char, 8> mark{'m', 'p', 'r', 't', 'r', 'a', 'c', '1'};
  std::array<char, 8> magic = mark;
  std::uint32_t event_bytes = sizeof(TraceEvent), links = 0;  ///< links: how many were opened
  std::uint64_t capacity = 0;
  std::uint64_t next = 0;                                     ///< places given out, also those that were beyond capacity
  std::int64_t depth = 0;                                     ///< below 0 for a moment where a message is done before its sender has counted it
  std::array<char, 56> title{};                               ///< of the page, in UTF-8; zero at its end
};
static_assert(sizeof(TraceHead) == 96, "as long as an event");

/// The mapped file, in every process that was forked since. Invariant: a place is given out once, and committed last.
class TraceMap {
 public:
  explicit TraceMap(std::span<std::byte> bytes) : bytes_(bytes) {}
  TraceMap(TraceMap&&) = delete;
  ~TraceMap() { ::munmap(bytes_.data(), bytes_.size()); }

  TraceHead& head() const noexcept { return *reinterpret_cast<TraceHead*>(bytes_.data()); }
  /// What finds no place is dropped, and counted by `next`.
  void write(TraceEvent event) const noexcept {
    event.time = now();
    // Counted here: to ask the transport may wait for a lock, and a recorded call must not wait longer than it was asked to.
    const std::int64_t change = event.kind == TraceKind::published ? 1 : event.kind == TraceKind::done ? -1 : 0;
    const auto depth = std::atomic_ref(head().depth).fetch_add(change, std::memory_order_relaxed) + change;
    event.depth = static_cast<std::uint32_t>(std::max<std::int64_t>(depth, 0));
    const auto place = std::atomic_ref(head().next).fetch_add(1, std::memory_order_relaxed);
    if (place >= head().capacity) return;
    // Killed here: the place stays uncommitted, and a reader passes it over.
    auto& mine = reinterpret_cast<TraceEvent*>(bytes_.data() + sizeof(TraceHead))[place];
    event.committed = 0;
    mine = event;
    std::atomic_ref(mine.committed).store(1, std::memory_order_release);  // (1) pairs with whoever reads the file while it grows
  }
  static std::uint64_t now() noexcept {
    timespec time;
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
  }

 private:
  std::span<std::byte> bytes_;
};

/// Records every traced<T> opened or attached in this process while it lives, and what their endpoints do in any process
/// forked since.
///
/// Fails:   its constructor throws std::system_error naming the file; one at a time: EBUSY. Later nothing can fail, as room
///          for all events is taken at once.
/// Safety:  made and destroyed before and after the threads that open channels; what it records may happen anywhere.
/// Cost:    an event is 96 bytes of memory, one clock and two atomic additions; the first `events` of them are kept.
class TraceFile {
 public:
  struct Options {
    std::string path;
    std::string title = {};                 ///< of the page; 55 bytes
    std::size_t events = std::size_t{1} << 18;
  };
  explicit TraceFile(Options options) {
    if (options.events == 0) throw std::invalid_argument("TraceFile: events must be at least 1");
    const auto fail = [&](int error) { throw std::system_error(system_error_code(error), "trace file \"" + options.path + '"'); };
    if (current()) fail(EBUSY);
    fd_ = ::open(options.path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd_ < 0) fail(errno);
    size_ = sizeof(TraceHead) + options.events * sizeof(TraceEvent);
    // Room on the disk now: a full one later would be a SIGBUS for whoever writes.
    int error = ::posix_fallocate(fd_, 0, static_cast<off_t>(size_));
    void* memory = error == 0 ? ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0) : MAP_FAILED;
    if (memory == MAP_FAILED) {
      error = error != 0 ? error : errno;
      ::close(fd_);
      fail(error);
    }
    current() = std::make_shared<const TraceMap>(std::span(static_cast<std::byte*>(memory), size_));
    auto& head = *new (memory) TraceHead{.capacity = options.events};
    options.title.copy(head.title.data(), head.title.size() - 1);
  }
  TraceFile(TraceFile&&) = delete;
  /// The room that no event took is given back; whoever still writes finds the file full.
  ~TraceFile() {
    if (owner_.in_this_process()) {
      auto& head = current()->head();
      const auto taken = std::atomic_ref(head.next).load(std::memory_order_relaxed);
      if (taken < head.capacity) {
        std::atomic_ref(head.capacity).store(taken, std::memory_order_relaxed);
        const auto used = sizeof(TraceHead) + taken * sizeof(TraceEvent);
        // Not cut off: a process that has its place already may be about to write there.
        (void)::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(used), static_cast<off_t>(size_ - used));
      }
    }
    current().reset();
    ::close(fd_);
  }

  /// What is recorded to now; none when nothing is.
  static std::shared_ptr<const TraceMap>& current() {
    static std::shared_ptr<const TraceMap> map;
    return map;
  }
  /// For who reaps: the dead write nothing any more.
  static void death(ProcessId who) {
    if (const auto& map = current()) map->write({.kind = TraceKind::death, .process = who});
  }

 private:
  int fd_ = -1;
  std::size_t size_ = 0;
  Owner owner_;
};

}  // namespace mulproc::transport
