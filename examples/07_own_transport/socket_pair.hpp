#pragma once
// What:    a Unix socket pair between one parent and one child; an example of a transport of one's own.
// Choose:  to see what a transport author writes; routing, predicates, refused messages are the framework's.
// Not:     instead of pipe, which reads while it writes: here two ends that send each other more than the kernel's
//          buffer holds, at the same time, wait for each other.
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
    std::size_t capacity = 64, max_body_bytes = 1 << 20;  // capacity is a hint: the kernel's buffer is as it is
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

  struct Endpoint {
    using Parcel = socket_pair::Parcel;
    InheritedFd socket;
    std::size_t limit;
    ProcessId parent, me{ForkWatch::this_thread_id()};

    Result<> put(Envelope head, std::span<const std::byte> body, Deadline deadline) {
      if (body.size() > limit) return Errc::too_large;
      head.body_bytes = static_cast<std::uint32_t>(body.size());
      if (auto ready = wait(POLLOUT, deadline); !ready) return ready;
      auto sent = whole(::send, std::as_bytes(std::span(&head, 1)), MSG_NOSIGNAL);
      return sent ? whole(::send, body, MSG_NOSIGNAL) : sent;  // a frame once begun is finished
    }
    Result<Parcel> take(Deadline deadline) {
      Parcel parcel;
      if (auto ready = wait(POLLIN, deadline); !ready) return ready.error();
      if (auto got = whole(::recv, std::as_writable_bytes(std::span(&parcel.head, 1)), 0); !got) return got.error();
      if (parcel.head.body_bytes > limit) return Errc::broken;  // no peer of ours wrote that
      parcel.body.resize(parcel.head.body_bytes);
      if (auto got = whole(::recv, std::span(parcel.body), 0); !got) return got.error();  // cut off: it never was
      return parcel;
    }
    bool empty() { return !wait(POLLIN, Deadline::now()); }
    Result<> close() { return ::shutdown(socket.get(), SHUT_WR) == 0 ? Result<>() : system_error_code(errno); }
    ProcessId id() const noexcept { return me; }
    ProcessId parent_id() const noexcept { return parent; }
    int native_handle() const noexcept { return socket.get(); }
    std::size_t max_body_bytes() const noexcept { return limit; }

   private:
    Result<> wait(short events, Deadline deadline) {
      for (pollfd one{socket.get(), events, 0}; ::poll(&one, 1, deadline.poll_milliseconds()) <= 0;)
        if (deadline.expired()) return Errc::not_ready;
      return {};
    }
    Result<> whole(auto call, auto bytes, int flags) {
      while (!bytes.empty()) {
        const ssize_t count = call(socket.get(), bytes.data(), bytes.size(), flags);
        if (count > 0) bytes = bytes.subspan(static_cast<std::size_t>(count));
        if (count == 0 || (count < 0 && (errno == EPIPE || errno == ECONNRESET))) return Errc::closed;
        if (count < 0 && errno != EINTR) return system_error_code(errno);
      }
      return {};
    }
  };

  struct Link {
    InheritedFd parents, childs;
    std::size_t limit;
    ProcessId parent_id{ForkWatch::this_thread_id()};
    Owner owner{};

    Endpoint parent() { return end(parents, childs, parent_id = ForkWatch::this_thread_id()); }
    Endpoint child() { return end(childs, parents, parent_id); }
    void release() noexcept { parents.reset(), childs.reset(); }
    void spawned() noexcept { childs.reset(); }
    Endpoint end(InheritedFd& mine, InheritedFd& other, ProcessId parent) {
      if (!mine) throw std::system_error(system_error_code(EBUSY), "socket_pair: this end is taken or released");
      if (!owner.in_this_process()) mine.claim(), other.reset();  // a forked process keeps its own end only
      return {std::move(mine), limit, parent};
    }
  };

  static Link open(Options options) {
    if (options.capacity == 0 || options.max_body_bytes - 1 >= UINT32_MAX)
      throw std::invalid_argument("socket_pair: capacity must be at least 1, max_body_bytes 1 to 4294967295");
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      throw std::system_error(system_error_code(errno), "socketpair");
    return {InheritedFd(ends[0]), InheritedFd(ends[1]), options.max_body_bytes};
  }
};

}  // namespace mulproc::transport
