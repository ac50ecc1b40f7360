#pragma once
// What:    a Unix socket pair between one parent and one child; an example of a transport of one's own.
// Choose:  to see what a transport author writes; routing, predicates, refused messages are the framework's.
// Not:     instead of pipe, which reads while it writes: here two ends that send each other more than the kernel's
//          buffer holds, at the same time, wait for each other.
// Death:   the other end reads end of file: `closed` after draining. What was on its way is lost with the dead.
#include <sys/socket.h>

#include <mulproc/owned_parcel.hpp>
#include <mulproc/two_sides.hpp>
#include <mulproc/wait_for.hpp>

namespace mulproc::transport {

struct socket_pair {
  static constexpr std::string_view name = "socket_pair";
  static constexpr Promises promises{.many_to_many = false};
  struct Options {
    std::size_t capacity = 64, max_body_bytes = 1 << 20;  // capacity is a hint: the kernel's buffer is as it is
  };

  struct Endpoint {
    using Parcel = OwnedParcel;
    InheritedFd socket;
    ProcessId parent;
    std::size_t limit;
    ProcessId me{ForkWatch::this_thread_id()};

    Result<> put(Envelope head, std::span<const std::byte> body, Deadline deadline) {
      if (body.size() > limit) return Errc::too_large;
      head.body_bytes = static_cast<std::uint32_t>(body.size());
      if (auto ready = wait_for(socket.get(), POLLOUT, deadline); !ready) return ready;
      auto sent = whole(::send, socket.get(), std::as_bytes(std::span(&head, 1)), MSG_NOSIGNAL);
      return sent ? whole(::send, socket.get(), body, MSG_NOSIGNAL) : sent;  // a frame once begun is finished
    }
    Result<Parcel> take(Deadline deadline) {
      Parcel parcel;
      if (auto ready = wait_for(socket.get(), POLLIN, deadline); !ready) return ready.error();
      if (auto got = whole(::recv, socket.get(), std::as_writable_bytes(std::span(&parcel.head, 1)), 0); !got) return got.error();
      if (parcel.head.body_bytes > limit) return Errc::broken;  // no peer of ours wrote that
      parcel.body.resize(parcel.head.body_bytes);
      if (auto got = whole(::recv, socket.get(), std::span(parcel.body), 0); !got) return got.error();  // cut off: it never was
      return parcel;
    }
    bool empty() { return !wait_for(socket.get(), POLLIN, Deadline::now()); }
    Result<> close() { return ::shutdown(socket.get(), SHUT_WR) == 0 ? Result<>() : system_error_code(errno); }
    ProcessId id() const noexcept { return me; }
    ProcessId parent_id() const noexcept { return parent; }
    int native_handle() const noexcept { return socket.get(); }
    std::size_t max_body_bytes() const noexcept { return limit; }
  };

  using Link = TwoSides<Endpoint>;  // one InheritedFd each, handed out once
  static Link open(Options options) {
    check_options(name, options.capacity, options.max_body_bytes);
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      throw std::system_error(system_error_code(errno), "socketpair");
    return {InheritedFd(ends[0]), InheritedFd(ends[1]), options.max_body_bytes};
  }
};

}  // namespace mulproc::transport
