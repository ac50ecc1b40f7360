#pragma once
// What:    two pipes, one each way, between one parent and one child.
// Choose:  for one child, with nothing shared but two file descriptors; works with poll and event loops.
// Not:     for several receivers, or where a dead receiver's message must be handed on: shm_deque.
// Death:   the other end reads end of file: `closed` after draining. What was in the pipe or held is lost with the dead.
#include <fcntl.h>
#include <signal.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mulproc/frames.hpp>
#include <mulproc/two_sides.hpp>
#include <mulproc/wait_for.hpp>

namespace mulproc::transport {

struct pipe {
  static constexpr std::string_view name = "pipe";
  static constexpr Promises promises{.many_to_many = false};

  struct Options {
    std::size_t capacity = 64;             ///< a hint: the kernel's buffer is asked to hold so many envelopes
    std::size_t max_body_bytes = 1 << 20;  ///< of one message
  };

  /// One side: reads from one pipe, writes to the other.
  struct Ends {
    InheritedFd in, out;
    bool claim() noexcept { return in.claim() && out.claim(); }
    void reset() noexcept { in.reset(), out.reset(); }
    explicit operator bool() const noexcept { return bool(in); }
  };

  class Endpoint {
   public:
    using Parcel = Frames::Parcel;
    Endpoint(Ends ends, ProcessId parent, std::size_t max_body_bytes) : ends_(std::move(ends)), parent_(parent), frames_(max_body_bytes) {}

    /// The deadline bounds the wait for the first byte; a frame once begun is finished, or `closed`. So a body that exceeds
    /// the kernel's buffer makes even a try_ wait for the other end to read on. Meanwhile what comes in is read, so that
    /// two ends that send large bodies to each other both get on.
    Result<> put(const Envelope& envelope, std::span<const std::byte> body, Deadline deadline) {
      if (!ends_.out) return Errc::closed;
      if (body.size() > max_body_bytes()) return Errc::too_large;
      Envelope head = envelope;
      head.body_bytes = static_cast<std::uint32_t>(body.size());
      std::array<std::byte, small_frame> both;
      std::span<const std::byte> first = std::as_bytes(std::span(&head, 1)), second = body;
      if (sizeof head + body.size() <= both.size()) {  // one part is cheaper for the kernel than two
        std::memcpy(both.data(), &head, sizeof head);
        if (!body.empty()) std::memcpy(both.data() + sizeof head, body.data(), body.size());
        first = std::span(both).first(sizeof head + body.size()), second = {};
      }
      for (bool begun = false; !first.empty() || !second.empty();) {
        const ssize_t count = write_without_sigpipe(first, second);
        if (count >= 0) {
          begun = true;
          auto written = static_cast<std::size_t>(count);
          const auto of_the_first = std::min(written, first.size());
          first = first.subspan(of_the_first), second = second.subspan(written - of_the_first);
        } else if (errno == EPIPE) {
          return Errc::closed;
        } else if (errno == EAGAIN) {
          if (auto ready = wait_for_room(begun ? Deadline::never() : deadline); !ready) return ready;
        } else if (errno != EINTR) {
          return system_error_code(errno);
        }
      }
      return {};
    }

    Result<Parcel> take(Deadline deadline) {
      while (true) {
        if (auto parcel = frames_.next(); parcel || parcel.error() != Errc::not_ready) return parcel;
        if (auto more = read_more(); more || more.error() != Errc::not_ready) {
          if (!more) return more.error();  // closed: a frame cut off by a death never was
          continue;
        }
        const bool begun = frames_.unread() != 0;
        if (auto ready = wait_for(ends_.in.get(), POLLIN, begun ? Deadline::never() : deadline); !ready) return ready.error();
      }
    }

    bool empty() {
      pollfd in{.fd = ends_.in.get(), .events = POLLIN, .revents = 0};
      return frames_.unread() == 0 && (::poll(&in, 1, 0) <= 0 || (in.revents & POLLIN) == 0);
    }
    Result<> close() noexcept {
      ends_.out.reset();
      return {};
    }
    ProcessId id() const noexcept { return id_; }
    ProcessId parent_id() const noexcept { return parent_; }
    int native_handle() const noexcept { return ends_.in.get(); }
    std::size_t max_body_bytes() const noexcept { return frames_.max_body_bytes(); }

   private:
    static constexpr std::size_t small_frame = 512;

    /// A write to a pipe whose reader is gone raises SIGPIPE in the writing thread. Linux 6.18 can be told not to; before,
    /// it is blocked for the time of the write, and taken out if it came.
    /// Source:  writev(2), RWF_NOSIGNAL
    ssize_t write_without_sigpipe(std::span<const std::byte> first, std::span<const std::byte> second) noexcept {
      constexpr int no_signal = 0x100;  // RWF_NOSIGNAL, which glibc 2.36 has no name for
      static constinit std::atomic<bool> knows_no_signal = true;
      const iovec parts[2] = {{const_cast<std::byte*>(first.data()), first.size()}, {const_cast<std::byte*>(second.data()), second.size()}};
      const int count_of_parts = second.empty() ? 1 : 2;
      if (knows_no_signal.load(std::memory_order_relaxed)) {
        const ssize_t count = ::pwritev2(ends_.out.get(), parts, count_of_parts, -1, no_signal);
        if (count >= 0 || errno != EOPNOTSUPP) return count;
        knows_no_signal.store(false, std::memory_order_relaxed);
      }
      sigset_t only_sigpipe, pending, before;
      ::sigemptyset(&only_sigpipe);
      ::sigaddset(&only_sigpipe, SIGPIPE);
      ::pthread_sigmask(SIG_BLOCK, &only_sigpipe, &before);
      const ssize_t count = ::writev(ends_.out.get(), parts, count_of_parts);
      const int error = errno;
      if (count < 0 && error == EPIPE && ::sigismember(&before, SIGPIPE) == 0 && ::sigpending(&pending) == 0 && ::sigismember(&pending, SIGPIPE) == 1) {
        const timespec at_once{};
        ::sigtimedwait(&only_sigpipe, nullptr, &at_once);
      }
      ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
      errno = error;
      return count;
    }

    /// Until there is room to write; meanwhile reads what comes, up to one largest frame.
    Result<> wait_for_room(Deadline deadline) {
      while (true) {
        const bool also_reads = frames_.unread() < sizeof(Envelope) + max_body_bytes() && !at_end_;
        pollfd ends[2] = {{ends_.out.get(), POLLOUT, 0}, {also_reads ? ends_.in.get() : -1, POLLIN, 0}};
        const int ready = ::poll(ends, 2, deadline.poll_milliseconds());
        if (ready < 0 && errno != EINTR) return system_error_code(errno);
        if (ready > 0 && ends[0].revents != 0) return {};
        if (ready > 0) {
          (void)read_more();  // an error shows again when somebody receives
          continue;
        }
        if (deadline.expired()) return Errc::not_ready;
      }
    }

    /// One read, of as many messages as have come. Fails: not_ready when nothing has, closed at end of file.
    Result<> read_more() {
      const auto room = frames_.room();
      const ssize_t count = ::read(ends_.in.get(), room.data(), room.size());
      if (count > 0) {
        frames_.filled(static_cast<std::size_t>(count));
        return {};
      }
      at_end_ = count == 0;
      if (at_end_) return Errc::closed;
      if (errno == EAGAIN || errno == EINTR) return Errc::not_ready;
      return system_error_code(errno);
    }

    Ends ends_;
    ProcessId id_{ForkWatch::this_thread_id()}, parent_;
    Frames frames_;
    bool at_end_ = false;
  };

  using Link = TwoSides<Endpoint, Ends>;

  static Link open(Options options) {
    check_options(name, options.capacity, options.max_body_bytes);
    auto [child_in, parent_out] = make_pipe(options.capacity);
    auto [parent_in, child_out] = make_pipe(options.capacity);
    return {{std::move(parent_in), std::move(parent_out)}, {std::move(child_in), std::move(child_out)}, options.max_body_bytes};
  }

 private:
  static std::pair<InheritedFd, InheritedFd> make_pipe(std::size_t capacity) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw std::system_error(system_error_code(errno), "pipe2");
    constexpr std::size_t usual = 64 << 10;
    const std::size_t wanted = std::min<std::size_t>(capacity, 1 << 14) * sizeof(Envelope);
    if (wanted > usual) ::fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(wanted));  // a hint: the user's limit may refuse it
    return {InheritedFd(ends[0]), InheritedFd(ends[1])};
  }
};

}  // namespace mulproc::transport
