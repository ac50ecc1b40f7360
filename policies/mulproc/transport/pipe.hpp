#pragma once
// What:    two pipes, one each way, between one parent and one child.
// Choose:  for one child, with nothing shared but two file descriptors; works with poll and event loops.
// Not:     for several receivers, or where a dead receiver's message must be handed on: shm_deque. Small messages gather: who only reads may get one 4 us late.
// Death:   the other end reads end of file: `closed` after draining. What was in the pipe or held is lost with the dead.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <mulproc/frames.hpp>
#include <mulproc/pipe_calls.hpp>
#include <mulproc/two_sides.hpp>
#include <mulproc/wait_for.hpp>
#include <mulproc/waiting/waiting.hpp>

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
      only_reads_ = false;
      Envelope head = envelope;
      head.body_bytes = static_cast<std::uint32_t>(body.size());
      std::array<std::byte, small_frame> both;
      std::span<const std::byte> first = std::as_bytes(std::span(&head, 1)), second = body;
      if (sizeof head + body.size() <= both.size()) {  // one part is cheaper for the kernel than two
        std::memcpy(both.data(), &head, sizeof head);
        if (!body.empty()) std::memcpy(both.data() + sizeof head, body.data(), body.size());
        first = std::span(both).first(sizeof head + body.size()), second = {};
      }
      make_wide_enough_for(sizeof head + body.size());
      for (bool begun = false; !first.empty() || !second.empty();) {
        const ssize_t count = write_without_sigpipe(ends_.out.get(), first, second);
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
      while (!frames_.has_next()) {
        const Deadline until = frames_.unread() != 0 ? Deadline::never() : deadline;
        const bool only_looks = until.at == Deadline::now().at;
        if (!only_looks) let_messages_gather();
        if (auto more = read_more(until.is_never() ? Wait::in_the_read : Wait::not_at_all); more || more.error() != Errc::not_ready) {
          if (!more) return more.error();  // closed: a frame cut off by a death never was
          continue;
        }
        if (only_looks) return Errc::not_ready;
        if (auto ready = wait_for(ends_.in.get(), POLLIN, until); !ready) return ready.error();
      }
      return frames_.next();
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

    // The reader and the writer of a pipe keep each other out of it. A reader that comes for each small message on its own
    // makes both of them twice as dear; so one that does nothing but read comes no sooner than this after the last time.
    static constexpr std::chrono::nanoseconds gathering{4'000};
    static constexpr std::size_t little = 16 << 10, most_of_a_pipe = 1 << 20;  // the latter is what any user may ask for
    enum class Wait { not_at_all, in_the_read };

    void let_messages_gather() noexcept {
      if (!brought_little_ || !only_reads_) return;
      while (Deadline::clock::now() < read_at_ + gathering) waiting::relax();
    }

    /// When a frame is large for the pipe both ends take turns, each sleeping half of the time. Asked for only by who has such:
    /// a user's share of pipe memory is small.
    void make_wide_enough_for(std::size_t frame) noexcept {
      if (frame <= width_ / 4 || width_ == most_of_a_pipe) return;
      width_ = std::min(8 * frame, most_of_a_pipe);
      const int wanted = static_cast<int>(width_);
      if (::fcntl(ends_.out.get(), F_GETPIPE_SZ) < wanted) ::fcntl(ends_.out.get(), F_SETPIPE_SZ, wanted);  // the user's limit may refuse it
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
          (void)read_more(Wait::not_at_all);  // an error shows again when somebody receives
          continue;
        }
        if (deadline.expired()) return Errc::not_ready;
      }
    }

    /// One read, of as many messages as have come. Fails: not_ready when nothing has, closed at end of file.
    Result<> read_more(Wait wait) {
      const auto room = frames_.room();
      const ssize_t count = wait == Wait::in_the_read ? ::read(ends_.in.get(), room.data(), room.size()) : read_now(ends_.in.get(), room);
      if (count > 0) {
        frames_.filled(static_cast<std::size_t>(count));
        const bool only_reads = std::exchange(only_reads_, true);
        brought_little_ = only_reads && static_cast<std::size_t>(count) < little;
        if (brought_little_) read_at_ = Deadline::clock::now();
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
    std::size_t width_ = usual_width;
    Deadline::time_point read_at_{};
    bool at_end_ = false, brought_little_ = false, only_reads_ = true;
  };

  using Link = TwoSides<Endpoint, Ends>;

  static Link open(Options options) {
    check_options(name, options.capacity, options.max_body_bytes);
    auto [child_in, parent_out] = make_pipe(options.capacity);
    auto [parent_in, child_out] = make_pipe(options.capacity);
    return {{std::move(parent_in), std::move(parent_out)}, {std::move(child_in), std::move(child_out)}, options.max_body_bytes};
  }

 private:
  static constexpr std::size_t usual_width = 64 << 10;

  /// Its read waits, which saves a call of poll(2) for each wait; its write does not.
  static std::pair<InheritedFd, InheritedFd> make_pipe(std::size_t capacity) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(system_error_code(errno), "pipe2");
    InheritedFd in(ends[0]), out(ends[1]);
    if (::fcntl(out.get(), F_SETFL, O_NONBLOCK) != 0) throw std::system_error(system_error_code(errno), "fcntl(F_SETFL) of a pipe");
    const std::size_t wanted = std::min<std::size_t>(capacity, 1 << 14) * sizeof(Envelope);
    if (wanted > usual_width) ::fcntl(out.get(), F_SETPIPE_SZ, static_cast<int>(wanted));  // a hint: the user's limit may refuse it
    return {std::move(in), std::move(out)};
  }
};

}  // namespace mulproc::transport
