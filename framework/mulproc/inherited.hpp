#pragma once
/// File descriptors that must not stay open in processes they are not for: one forgotten copy of a pipe's end in some
/// child, and nobody ever reads end-of-file. Every such end is on one process-wide list; spawn's child closes what is
/// not its own.
#include <unistd.h>

#include <mulproc/owner.hpp>
#include <mutex>
#include <utility>
#include <vector>

namespace mulproc {

/// Owns one listed file descriptor.
///
/// Safety:  distinct objects: safe. Shared objects: unsafe.
class InheritedFd {
 public:
  InheritedFd() = default;
  /// Takes ownership of `fd` for this process.
  explicit InheritedFd(int fd) : fd_(fd) {
    if (fd < 0) return;
    const std::lock_guard lock(mutex());
    if (list().size() <= static_cast<std::size_t>(fd)) list().resize(static_cast<std::size_t>(fd) + 1);
    id_ = ++last_id();
    list()[static_cast<std::size_t>(fd)] = {id_, ForkWatch::generation()};
  }
  InheritedFd(InheritedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)), id_(std::exchange(other.id_, 0)) {}
  InheritedFd& operator=(InheritedFd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
      id_ = std::exchange(other.id_, 0);
    }
    return *this;
  }
  ~InheritedFd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

  /// Closes it, unless close_foreign() did so already.
  void reset() noexcept {
    if (fd_ < 0) return;
    const std::lock_guard lock(mutex());
    if (Entry& entry = place(); entry.id == id_ && is_open(entry)) {
      entry = {};
      ::close(fd_);
    }
    fd_ = -1;
  }

  /// In a child: this one is mine. Says false when it is no longer open here.
  bool claim() noexcept {
    if (fd_ < 0) return false;
    const std::lock_guard lock(mutex());
    Entry& entry = place();
    if (entry.id != id_ || !is_open(entry)) return false;
    entry.generation = ForkWatch::generation();
    return true;
  }

  /// In a child: closes every listed descriptor that this process neither made nor claimed.
  static void close_foreign() noexcept {
    const std::lock_guard lock(mutex());
    const auto is_foreign = [](const Entry& entry) { return is_open(entry) && entry.generation != ForkWatch::generation(); };
    for (std::size_t begin = 0, end = 0; begin < list().size(); begin = end + 1) {
      for (end = begin; end < list().size() && is_foreign(list()[end]);) ++end;
      if (begin != end) close_range(begin, end);
    }
    foreign_closed_in() = ForkWatch::generation();
  }

 private:
  struct Entry {
    std::uint64_t id = 0;  // 0: not listed
    std::uint32_t generation = 0;
  };
  Entry& place() noexcept { return list()[static_cast<std::size_t>(fd_)]; }  // fd_ is a descriptor
  static bool is_open(const Entry& entry) noexcept { return entry.id != 0 && entry.generation >= foreign_closed_in(); }
  /// [begin, end) in one call, for among three hundred links each child would make a thousand; before Linux 5.9 one by one.
  static void close_range(std::size_t begin, std::size_t end) noexcept {
    constexpr long close_range = 436;  // on every architecture; older headers do not name it
    if (::syscall(close_range, begin, end - 1, 0) == 0) return;
    for (std::size_t fd = begin; fd < end; ++fd) ::close(static_cast<int>(fd));
  }
  // Taken around every fork, so that no child is born with the list half changed by another thread.
  static std::mutex& mutex() {
    static std::mutex mutex;
    static const int registered = ::pthread_atfork([] { InheritedFd::mutex().lock(); }, [] { InheritedFd::mutex().unlock(); },
                                                   [] { InheritedFd::mutex().unlock(); });
    (void)registered;
    return mutex;
  }
  /// By descriptor, so that each is found at once however many there are.
  static std::vector<Entry>& list() {
    static std::vector<Entry> entries;
    return entries;
  }
  /// What is older than this generation is closed. So a child need not write into the list, whose pages it shares until it does.
  static std::uint32_t& foreign_closed_in() {
    static std::uint32_t generation = 0;
    return generation;
  }
  static std::uint64_t& last_id() {
    static std::uint64_t id = 0;
    return id;
  }

  int fd_ = -1;
  std::uint64_t id_ = 0;
};

}  // namespace mulproc
