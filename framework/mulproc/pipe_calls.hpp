#pragma once
/// Two calls on a pipe that POSIX has no words for, each in Linux' words and, where the kernel is too old for them, in others.
#include <poll.h>
#include <signal.h>
#include <sys/uio.h>

#include <atomic>
#include <cerrno>
#include <mulproc/deadline.hpp>
#include <mulproc/wait_for.hpp>
#include <span>

namespace mulproc {

/// A write to a pipe whose reader is gone raises SIGPIPE in the writing thread. Linux 6.18 can be told not to; before,
/// it is blocked for the time of the write, and taken out if it came.
///
/// Source:  writev(2), RWF_NOSIGNAL
inline ssize_t write_without_sigpipe(int fd, std::span<const std::byte> first, std::span<const std::byte> second) noexcept {
  constexpr int no_signal = 0x100;  // RWF_NOSIGNAL, which glibc 2.36 has no name for
  static constinit std::atomic<bool> knows_no_signal = true;
  const iovec parts[2] = {{const_cast<std::byte*>(first.data()), first.size()}, {const_cast<std::byte*>(second.data()), second.size()}};
  const int count_of_parts = second.empty() ? 1 : 2;
  if (knows_no_signal.load(std::memory_order_relaxed)) {
    const ssize_t count = ::pwritev2(fd, parts, count_of_parts, -1, no_signal);
    if (count >= 0 || errno != EOPNOTSUPP) return count;
    knows_no_signal.store(false, std::memory_order_relaxed);
  }
  sigset_t only_sigpipe, pending, before;
  ::sigemptyset(&only_sigpipe);
  ::sigaddset(&only_sigpipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &only_sigpipe, &before);
  const ssize_t count = ::writev(fd, parts, count_of_parts);
  const int error = errno;
  if (count < 0 && error == EPIPE && ::sigismember(&before, SIGPIPE) == 0 && ::sigpending(&pending) == 0 && ::sigismember(&pending, SIGPIPE) == 1) {
    const timespec at_once{};
    ::sigtimedwait(&only_sigpipe, nullptr, &at_once);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return count;
}

/// Reads what has come, and says EAGAIN when nothing has, also from a descriptor whose read(2) would wait. Linux 6.4 can be
/// told so; before, poll(2) is asked first, which is as good for the pipe's only reader.
///
/// Source:  readv(2), RWF_NOWAIT
inline ssize_t read_now(int fd, std::span<std::byte> room) noexcept {
  static constinit std::atomic<bool> knows_no_wait = true;
  const iovec where{room.data(), room.size()};
  if (knows_no_wait.load(std::memory_order_relaxed)) {
    const ssize_t count = ::preadv2(fd, &where, 1, -1, RWF_NOWAIT);
    if (count >= 0 || errno != EOPNOTSUPP) return count;
    knows_no_wait.store(false, std::memory_order_relaxed);
  }
  if (wait_for(fd, POLLIN, Deadline::now())) return ::read(fd, room.data(), room.size());
  errno = EAGAIN;
  return -1;
}

}  // namespace mulproc
