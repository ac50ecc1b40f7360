#pragma once
// What:    a Unix socket pair between one parent and one child; an example of a transport of one's own.
// Choose:  to see what a transport author writes; the framework adds routing, predicates, refused messages, serializers.
// Not:     instead of pipe, which does the same and copes with a peer that stops in the middle of a message.
// Death:   the other end reads end of file: `closed` after draining. What was on its way is lost with the dead.
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <mulproc/inherited.hpp>
#include <mulproc/transport.hpp>
#include <stdexcept>
#include <vector>

namespace mulproc::transport {

struct socket_pair {
  static constexpr std::string_view name = "socket_pair";
  static constexpr Promises promises{.many_to_many = false};
  struct Options {
    std::size_t capacity = 64;             ///< a hint, and not taken: the kernel's buffer is as it is
    std::size_t max_body_bytes = 1 << 20;  ///< of one message
  };

  struct Parcel {
    Envelope head;
    std::vector<std::byte> body;
    const Envelope& envelope() const noexcept { return head; }
    int attempt() const noexcept { return 1; }
    std::span<const std::byte> bytes() const noexcept { return body; }
    Result<> done() { return {}; }
    Result<> give_back() { return Errc::stale; }  // the framework's stash gives it back
  };

  class Endpoint {
   public:
    using Parcel = socket_pair::Parcel;
    Endpoint(InheritedFd socket, ProcessId parent, std::size_t max_body_bytes) : socket_(std::move(socket)), parent_(parent), max_body_bytes_(max_body_bytes) {}
    Result<> put(Envelope head, std::span<const std::byte> body, Deadline deadline) {
      if (body.size() > max_body_bytes_) return Errc::too_large;
      head.body_bytes = static_cast<std::uint32_t>(body.size());
      if (auto sent = write(std::as_bytes(std::span(&head, 1)), deadline); !sent) return sent;
      return write(body, Deadline::never());  // a frame once begun is finished
    }
    Result<Parcel> take(Deadline deadline) {
      if (auto ready = wait(POLLIN, deadline); !ready) return ready.error();
      Parcel parcel;
      if (!read(std::as_writable_bytes(std::span(&parcel.head, 1)))) return Errc::closed;
      if (parcel.head.body_bytes > max_body_bytes_) return Errc::broken;  // no peer of ours wrote that
      parcel.body.resize(parcel.head.body_bytes);
      if (!read(parcel.body)) return Errc::closed;  // a frame cut off by a death never was
      return parcel;
    }
    bool empty() { return !wait(POLLIN, Deadline::now()); }
    Result<> close() { return ::shutdown(socket_.get(), SHUT_WR) == 0 ? Result<>() : system_error_code(errno); }
    ProcessId id() const noexcept { return id_; }
    ProcessId parent_id() const noexcept { return parent_ == anyone ? id_ : parent_; }
    int native_handle() const noexcept { return socket_.get(); }
    std::size_t max_body_bytes() const noexcept { return max_body_bytes_; }

   private:
    Result<> wait(short events, Deadline deadline) {
      pollfd one{.fd = socket_.get(), .events = events, .revents = 0};
      while (::poll(&one, 1, deadline.poll_milliseconds()) <= 0) {
        if (deadline.expired()) return Errc::not_ready;
      }
      return {};
    }
    Result<> write(std::span<const std::byte> bytes, Deadline deadline) {
      while (!bytes.empty()) {
        const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count > 0) {
          bytes = bytes.subspan(static_cast<std::size_t>(count));
          deadline = Deadline::never();
        } else if (errno == EAGAIN) {
          if (auto ready = wait(POLLOUT, deadline); !ready) return ready;
        } else if (errno != EINTR) {
          return errno == EPIPE || errno == ECONNRESET ? Result<>(Errc::closed) : system_error_code(errno);
        }
      }
      return {};
    }
    bool read(std::span<std::byte> bytes) {  // false: end of file, or the other end went with our bytes unread
      while (!bytes.empty()) {
        const ssize_t count = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
        if (count > 0) bytes = bytes.subspan(static_cast<std::size_t>(count));
        if (count == 0 || (count < 0 && errno != EINTR)) return false;
      }
      return true;
    }
    InheritedFd socket_;
    ProcessId id_{ForkWatch::this_thread_id()}, parent_;
    std::size_t max_body_bytes_;
  };

  struct Link {
    InheritedFd parents, childs;
    std::size_t max_body_bytes;
    ProcessId parent_id{ForkWatch::this_thread_id()};
    Owner owner{};
    Endpoint parent() {
      if (!parents) throw std::system_error(system_error_code(EBUSY), "socket_pair: the parent's end is taken or released");
      parent_id = ForkWatch::this_thread_id();
      return {std::move(parents), anyone, max_body_bytes};
    }
    Endpoint child() {
      if (!childs) throw std::system_error(system_error_code(EBUSY), "socket_pair: the child's end is taken or released");
      if (!owner.in_this_process()) childs.claim(), parents.reset();  // a forked child keeps its own end only
      return {std::move(childs), parent_id, max_body_bytes};
    }
    void release() noexcept { parents.reset(), childs.reset(); }
    void spawned() noexcept { childs.reset(); }
  };

  static Link open(Options options) {
    if (options.capacity == 0) throw std::invalid_argument("socket_pair: capacity must be at least 1");
    if (options.max_body_bytes == 0 || options.max_body_bytes > UINT32_MAX) throw std::invalid_argument("socket_pair: max_body_bytes must be 1 to 4294967295");
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::system_error(system_error_code(errno), "socketpair");
    return {InheritedFd(ends[0]), InheritedFd(ends[1]), options.max_body_bytes};
  }
};

}  // namespace mulproc::transport
