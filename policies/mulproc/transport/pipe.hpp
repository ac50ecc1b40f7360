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

#include <array>
#include <cerrno>
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

    /// The deadline bounds the wait for the first byte; a frame once begun is finished, or `closed`.
    Result<> put(const Envelope& envelope, std::span<const std::byte> body, Deadline deadline) {
      if (!ends_.out) return Errc::closed;
      if (body.size() > max_body_bytes_) return Errc::too_large;
      Envelope head = envelope;
      head.body_bytes = static_cast<std::uint32_t>(body.size());
      std::size_t written = 0;
      const std::size_t total = sizeof head + body.size();
      const WithoutSigpipe quiet;
      while (written < total) {
        iovec parts[2] = {part(std::as_writable_bytes(std::span(&head, 1)), written),
                          part({const_cast<std::byte*>(body.data()), body.size()}, written < sizeof head ? 0 : written - sizeof head)};
        const ssize_t count = ::writev(ends_.out.get(), parts, 2);
        if (count >= 0) {
          written += static_cast<std::size_t>(count);
        } else if (errno == EPIPE) {
          return Errc::closed;
        } else if (errno == EAGAIN) {
          if (auto ready = wait(ends_.out.get(), POLLOUT, written == 0 ? deadline : Deadline::never()); !ready) return ready;
        } else if (errno != EINTR) {
          return system_error_code(errno);
        }
      }
      return {};
    }

    Result<Parcel> take(Deadline deadline) {
      while (true) {
        if (auto parcel = unframe(); parcel || parcel.error() != Errc::not_ready) return parcel;
        const ssize_t count = ::read(ends_.in.get(), buffer_.data() + filled_, buffer_.size() - filled_);
        if (count > 0) {
          filled_ += static_cast<std::size_t>(count);
        } else if (count == 0) {
          return Errc::closed;  // a frame cut off by a death never was
        } else if (errno == EAGAIN) {
          const bool begun = filled_ != begin_;
          if (auto ready = wait(ends_.in.get(), POLLIN, begun ? Deadline::never() : deadline); !ready) return ready.error();
        } else if (errno != EINTR) {
          return system_error_code(errno);
        }
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
    class WithoutSigpipe {
     public:
      WithoutSigpipe() noexcept {
        sigset_t pending;
        ::sigpending(&pending);
        was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
        ::pthread_sigmask(SIG_BLOCK, &only_sigpipe(), &before_);
      }
      ~WithoutSigpipe() {
        const int error = errno;
        const timespec at_once{};
        if (!was_pending_) ::sigtimedwait(&only_sigpipe(), nullptr, &at_once);
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        errno = error;
      }

     private:
      static const sigset_t& only_sigpipe() noexcept {
        static const sigset_t set = [] {
          sigset_t made;
          ::sigemptyset(&made);
          ::sigaddset(&made, SIGPIPE);
          return made;
        }();
        return set;
      }
      sigset_t before_;
      bool was_pending_;
    };

    static iovec part(std::span<std::byte> bytes, std::size_t skip) noexcept {
      skip = std::min(skip, bytes.size());
      return {bytes.data() + skip, bytes.size() - skip};
    }
    static Result<> wait(int fd, short events, Deadline deadline) {
      while (true) {
        pollfd one{.fd = fd, .events = events, .revents = 0};
        const int ready = ::poll(&one, 1, deadline.poll_milliseconds());
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return system_error_code(errno);
        if (deadline.expired()) return Errc::not_ready;
      }
    }
    /// A whole frame out of the buffer, or not_ready and room in the buffer for the rest of it.
    Result<Parcel> unframe() {
      const std::size_t have = filled_ - begin_;
      std::size_t wanted = sizeof(Envelope);
      if (have >= wanted) {
        Envelope envelope;
        std::memcpy(&envelope, buffer_.data() + begin_, sizeof envelope);
        if (envelope.body_bytes > max_body_bytes_) return Errc::broken;  // no peer of ours wrote that
        wanted += envelope.body_bytes;
        if (have >= wanted) {
          const auto body = buffer_.begin() + static_cast<std::ptrdiff_t>(begin_ + sizeof envelope);
          begin_ += wanted;
          return Parcel(envelope, {body, body + envelope.body_bytes});
        }
      }
      if (begin_ != 0) {
        std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), buffer_.begin() + static_cast<std::ptrdiff_t>(filled_), buffer_.begin());
        filled_ = have;
        begin_ = 0;
      }
      // Grows with what has come, not with what the length claims, and holds several small frames per read.
      if (filled_ == buffer_.size()) buffer_.resize(std::max(read_ahead, std::min(2 * buffer_.size(), std::max(wanted, read_ahead))));
      return Errc::not_ready;
    }

    static constexpr std::size_t read_ahead = 64 << 10;
    Ends ends_;
    ProcessId id_{ForkWatch::this_thread_id()}, parent_;
    std::size_t max_body_bytes_;
    std::vector<std::byte> buffer_;
    std::size_t begin_ = 0, filled_ = 0;  // Invariant: begin <= filled <= buffer size; what lies between is unread
  };

  class Link {
   public:
    Link(Ends parent, Ends child, std::size_t max_body_bytes)
        : parent_(std::move(parent)), child_(std::move(child)), parent_id_(ForkWatch::this_thread_id()), max_body_bytes_(max_body_bytes) {}

    Endpoint parent() {
      if (!parent_.in) throw std::system_error(system_error_code(EBUSY), "pipe: the parent's end is taken or released; a pipe has one");
      parent_id_ = ForkWatch::this_thread_id();
      return Endpoint(std::exchange(parent_, {}), anyone, max_body_bytes_);
    }
    Endpoint child() {
      if (!child_.in) throw std::system_error(system_error_code(EBUSY), "pipe: the child's end is taken or released; a pipe has one");
      if (!owner_.in_this_process()) {  // a forked child keeps its own end only
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
