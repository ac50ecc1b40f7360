#pragma once
/// For transports made of file descriptors: waiting for one, and finishing what was begun.
#include <poll.h>

#include <cerrno>
#include <mulproc/deadline.hpp>
#include <mulproc/result.hpp>
#include <span>

namespace mulproc {

/// Waits until poll(2) reports something of `fd`: one of the events, an error or a hang-up; a call on it then tells which.
///
/// Fails:   not_ready when the deadline came first.
inline Result<> wait_for(int fd, short events, Deadline deadline) {
  pollfd one{.fd = fd, .events = events, .revents = 0};
  while (true) {
    const int ready = ::poll(&one, 1, deadline.poll_milliseconds());
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return system_error_code(errno);
    if (deadline.expired()) return Errc::not_ready;
  }
}

/// Repeats send(2) or recv(2), as `call`, on a blocking socket until all of the bytes are through.
///
/// Fails:   closed at end of file, or when the other end is gone.
template <class Call, class Byte, std::size_t n>
Result<> whole(Call call, int socket, std::span<Byte, n> all, int flags) {
  std::span<Byte> bytes = all;
  while (!bytes.empty()) {
    const ssize_t count = call(socket, bytes.data(), bytes.size(), flags);
    if (count > 0) bytes = bytes.subspan(static_cast<std::size_t>(count));
    if (count == 0 || (count < 0 && (errno == EPIPE || errno == ECONNRESET))) return Errc::closed;
    if (count < 0 && errno != EINTR) return system_error_code(errno);
  }
  return {};
}

}  // namespace mulproc
