#pragma once
// What:    two pipes, one each way, between one parent and one child.
// Choose:  for one child, with nothing shared but two file descriptors; works with poll and event loops.
// Not:     for several receivers, or where a dead receiver's message must be handed on: shm_deque.
// Death:   the other end reads end of file: `closed` after draining. What was in the pipe or held is lost with the dead.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <mulproc/inherited.hpp>
#include <mulproc/transport.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace mulproc::transport {

struct pipe {
  static constexpr std::string_view name = "pipe";
  static constexpr Promises promises{.many_to_many = false};

  struct Options {
    std::size_t capacity = 64;             ///< a hint: the kernel's buffer is asked to hold so many envelopes
    std::size_t max_body_bytes = 1 << 20;  ///< of one message
  };

  class Parcel {
   public:
    Parcel(const Envelope& envelope, std::vector<std::byte> body) : envelope_(envelope), body_(std::move(body)) {}
    const Envelope& envelope() const noexcept { return envelope_; }
    int attempt() const noexcept { return 1; }
    std::span<const std::byte> bytes() const noexcept { return body_; }
    Result<> done() noexcept { return {}; }
    Result<> give_back() noexcept { return Errc::stale; }  // the framework's stash gives it back

   private:
    Envelope envelope_;
    std::vector<std::byte> body_;
  };

  /// One side: reads from one pipe, writes to the other.
  struct Ends {
    InheritedFd in, out;
  };

  class Endpoint {
   public:
    using Parcel = pipe::Parcel;
    Endpoint(Ends ends, ProcessId parent, std::size_t max_body_bytes) : ends_(std::move(ends)), parent_(parent), max_body_bytes_(max_body_bytes) {}

    /// The deadline bounds the wait for the first byte; a frame once begun is finished, or `closed`. So a body that exceeds
    /// the kernel's buffer makes even a try_ wait for the other end to read on. Meanwhile what comes in is read, so that
    /// two ends that send large bodies to each other both get on.
    Result<> put(const Envelope& envelope, std::span<const std::byte> body, Deadline deadline) {
      if (!ends_.out) return Errc::closed;
      if (body.size() > max_body_bytes_) return Errc::too_large;
      Envelope head = envelope;
      head.body_bytes = static_cast<std::uint32_t>(body.size());
      std::size_t written = 0;
      const std::size_t total = sizeof head + body.size();
      while (written < total) {
        iovec parts[2] = {part(std::as_writable_bytes(std::span(&head, 1)), written),
                          part({const_cast<std::byte*>(body.data()), body.size()}, written < sizeof head ? 0 : written - sizeof head)};
        const ssize_t count = write_without_sigpipe(parts);
        if (count >= 0) {
          written += static_cast<std::size_t>(count);
        } else if (errno == EPIPE) {
          return Errc::closed;
        } else if (errno == EAGAIN) {
          if (auto ready = wait(POLLOUT, written == 0 ? deadline : Deadline::never()); !ready) return ready;
        } else if (errno != EINTR) {
          return system_error_code(errno);
        }
      }
      return {};
    }

    Result<Parcel> take(Deadline deadline) {
      while (true) {
        if (auto parcel = unframe(); parcel || parcel.error() != Errc::not_ready) return parcel;
        if (auto more = read_more(); more || more.error() != Errc::not_ready) {
          if (!more) return more.error();  // closed: a frame cut off by a death never was
          continue;
        }
        const bool begun = filled_ != begin_;
        if (auto ready = wait(POLLIN, begun ? Deadline::never() : deadline); !ready) return ready.error();
      }
    }

    bool empty() {
      pollfd in{.fd = ends_.in.get(), .events = POLLIN, .revents = 0};
      return filled_ == begin_ && (::poll(&in, 1, 0) <= 0 || (in.revents & POLLIN) == 0);
    }
    Result<> close() noexcept {
      ends_.out.reset();
      return {};
    }
    ProcessId id() const noexcept { return id_; }
    ProcessId parent_id() const noexcept { return parent_ == anyone ? id_ : parent_; }
    int native_handle() const noexcept { return ends_.in.get(); }
    std::size_t max_body_bytes() const noexcept { return max_body_bytes_; }

   private:
    /// A write to a pipe whose reader is gone raises SIGPIPE in the writing thread: blocked here, and taken out if it came.
    ssize_t write_without_sigpipe(const iovec (&parts)[2]) noexcept {
      sigset_t only_sigpipe, pending, before;
      ::sigemptyset(&only_sigpipe);
      ::sigaddset(&only_sigpipe, SIGPIPE);
      ::pthread_sigmask(SIG_BLOCK, &only_sigpipe, &before);
      const ssize_t count = ::writev(ends_.out.get(), parts, 2);
      const int error = errno;
      if (count < 0 && error == EPIPE && ::sigismember(&before, SIGPIPE) == 0 && ::sigpending(&pending) == 0 && ::sigismember(&pending, SIGPIPE) == 1) {
        const timespec at_once{};
        ::sigtimedwait(&only_sigpipe, nullptr, &at_once);
      }
      ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
      errno = error;
      return count;
    }
    static iovec part(std::span<std::byte> bytes, std::size_t skip) noexcept {
      skip = std::min(skip, bytes.size());
      return {bytes.data() + skip, bytes.size() - skip};
    }

    /// Until the wanted end is ready. Waiting to write, it also reads what comes, up to one largest frame.
    Result<> wait(short event, Deadline deadline) {
      while (true) {
        const bool also_reads = event == POLLOUT && filled_ - begin_ < sizeof(Envelope) + max_body_bytes_ && !at_end_;
        pollfd ends[2] = {{event == POLLOUT ? ends_.out.get() : -1, POLLOUT, 0}, {event == POLLIN || also_reads ? ends_.in.get() : -1, POLLIN, 0}};
        const int ready = ::poll(ends, 2, deadline.poll_milliseconds());
        if (ready < 0 && errno != EINTR) return system_error_code(errno);
        if (ready > 0 && (event == POLLIN || ends[0].revents != 0)) return {};
        if (ready > 0) {
          (void)read_more();  // an error shows again when somebody receives
          continue;
        }
        if (deadline.expired()) return Errc::not_ready;
      }
    }

    /// One read into the buffer. Fails: not_ready when nothing is there, closed at end of file.
    Result<> read_more() {
      make_room();
      const ssize_t count = ::read(ends_.in.get(), buffer_.data() + filled_, buffer_.size() - filled_);
      if (count > 0) {
        filled_ += static_cast<std::size_t>(count);
        return {};
      }
      at_end_ = count == 0;
      if (at_end_) return Errc::closed;
      if (errno == EAGAIN || errno == EINTR) return Errc::not_ready;
      return system_error_code(errno);
    }
    /// Room for several small frames per read; grows with what has come, not with what a length claims.
    void make_room() {
      if (filled_ < buffer_.size()) return;
      if (begin_ != 0) {
        std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), buffer_.end(), buffer_.begin());
        filled_ -= std::exchange(begin_, 0);
      } else {
        buffer_.resize(std::max(read_ahead, 2 * buffer_.size()));
      }
    }
    /// A whole frame out of the buffer.
    Result<Parcel> unframe() {
      const std::size_t have = filled_ - begin_;
      if (have < sizeof(Envelope)) return Errc::not_ready;
      Envelope envelope;
      std::memcpy(&envelope, buffer_.data() + begin_, sizeof envelope);
      if (envelope.body_bytes > max_body_bytes_) return Errc::broken;  // no peer of ours wrote that
      if (have - sizeof envelope < envelope.body_bytes) return Errc::not_ready;
      const auto body = buffer_.begin() + static_cast<std::ptrdiff_t>(begin_ + sizeof envelope);
      begin_ += sizeof envelope + envelope.body_bytes;
      Parcel parcel(envelope, {body, body + envelope.body_bytes});
      if (begin_ == filled_) begin_ = filled_ = 0;
      return parcel;
    }

    static constexpr std::size_t read_ahead = 64 << 10;
    Ends ends_;
    ProcessId id_{ForkWatch::this_thread_id()}, parent_;
    std::size_t max_body_bytes_;
    std::vector<std::byte> buffer_;
    std::size_t begin_ = 0, filled_ = 0;  // Invariant: begin <= filled <= buffer size; what lies between is unread
    bool at_end_ = false;
  };

  class Link {
   public:
    Link(Ends parent, Ends child, std::size_t max_body_bytes)
        : parent_(std::move(parent)), child_(std::move(child)), parent_id_(ForkWatch::this_thread_id()), max_body_bytes_(max_body_bytes) {}

    Endpoint parent() {
      if (!parent_.in) throw std::system_error(system_error_code(EBUSY), "pipe: the parent's end is taken or released; a pipe has one");
      if (!owner_.in_this_process()) {  // the parent's side may be the forked one
        parent_.in.claim();
        parent_.out.claim();
        child_ = {};
      }
      parent_id_ = ForkWatch::this_thread_id();
      return Endpoint(std::exchange(parent_, {}), anyone, max_body_bytes_);
    }
    Endpoint child() {
      if (!child_.in) throw std::system_error(system_error_code(EBUSY), "pipe: the child's end is taken or released; a pipe has one");
      if (!owner_.in_this_process()) {  // a forked process keeps its own end only
        child_.in.claim();
        child_.out.claim();
        parent_ = {};
      }
      return Endpoint(std::exchange(child_, {}), parent_id_, max_body_bytes_);
    }
    void release() noexcept { parent_ = {}, child_ = {}; }
    void spawned() noexcept { child_ = {}; }

   private:
    Ends parent_, child_;
    ProcessId parent_id_;
    std::size_t max_body_bytes_;
    Owner owner_;
  };

  static Link open(Options options) {
    if (options.capacity == 0) throw std::invalid_argument("pipe: capacity must be at least 1");
    if (options.max_body_bytes == 0 || options.max_body_bytes > std::numeric_limits<std::uint32_t>::max())
      throw std::invalid_argument("pipe: max_body_bytes must be 1 to 4294967295, not " + std::to_string(options.max_body_bytes));
    auto [child_in, parent_out] = make_pipe(options.capacity);
    auto [parent_in, child_out] = make_pipe(options.capacity);
    return Link({std::move(parent_in), std::move(parent_out)}, {std::move(child_in), std::move(child_out)}, options.max_body_bytes);
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
