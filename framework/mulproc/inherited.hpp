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
    const std::lock_guard lock(mutex());
    id_ = ++last_id();
    list().push_back({id_, fd, ForkWatch::generation()});
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
    std::erase_if(list(), [this](const Entry& entry) { return entry.id == id_ && (::close(entry.fd), true); });
    fd_ = -1;
  }

  /// In a child: this one is mine. Says false when it is no longer open here.
  bool claim() noexcept {
    const std::lock_guard lock(mutex());
    for (Entry& entry : list()) {
      if (entry.id == id_) return entry.generation = ForkWatch::generation(), true;
    }
    return false;
  }

  /// In a child: closes every listed descriptor that this process neither made nor claimed.
  static void close_foreign() noexcept {
    const std::lock_guard lock(mutex());
    const auto mine = ForkWatch::generation();
    std::erase_if(list(), [mine](const Entry& entry) { return entry.generation != mine && (::close(entry.fd), true); });
  }

 private:
  struct Entry {
    std::uint64_t id;
    int fd;
    std::uint64_t generation;
  };
  // Taken around every fork, so that no child is born with the list half changed by another thread.
  static std::mutex& mutex() {
    static std::mutex mutex;
    static const int registered = ::pthread_atfork([] { InheritedFd::mutex().lock(); }, [] { InheritedFd::mutex().unlock(); },
                                                   [] { InheritedFd::mutex().unlock(); });
    (void)registered;
    return mutex;
  }
  static std::vector<Entry>& list() {
    static std::vector<Entry> entries;
    return entries;
  }
  static std::uint64_t& last_id() {
    static std::uint64_t id = 0;
    return id;
  }

  int fd_ = -1;
  std::uint64_t id_ = 0;
};

}  // namespace mulproc
