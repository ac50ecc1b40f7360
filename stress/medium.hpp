#pragma once
/// A channel as a scenario sees it, with its transport and serializer erased: a scenario is compiled once, and only the
/// thin layer in over.hpp once for each pair of words.
#include <functional>
#include <memory>
#include <mulproc/crew.hpp>
#include <mulproc/deadline.hpp>
#include <mulproc/transport.hpp>
#include <optional>
#include <stress/board.hpp>
#include <stress/load.hpp>
#include <vector>

namespace mulproc::stress {

/// A received message's lease, whatever the channel.
struct Lease {
  virtual ~Lease() = default;
};

/// A received message. Letting go of it means done, as with Channel::Message.
class Mail {
 public:
  Mail(Envelope envelope, int attempt, std::optional<Load> load, std::unique_ptr<Lease> lease)
      : envelope_(envelope), attempt_(attempt), load_(std::move(load)), lease_(std::move(lease)) {}
  Mail(Mail&& other) noexcept
      : envelope_(other.envelope_),
        attempt_(other.attempt_),
        load_(std::move(other.load_)),
        lease_(std::move(other.lease_)),
        holder_(std::exchange(other.holder_, nullptr)) {}
  Mail& operator=(Mail&& other) noexcept {
    if (this != &other) {
      this->~Mail();
      new (this) Mail(std::move(other));
    }
    return *this;
  }
  ~Mail() { done(); }

  Request request() const noexcept { return envelope_.request; }
  ProcessId sender() const noexcept { return envelope_.sender; }
  std::uint64_t sequence() const noexcept { return envelope_.sequence; }
  const Envelope& envelope() const noexcept { return envelope_; }
  int attempt() const noexcept { return attempt_; }
  /// None: it has no body, or a torn one.
  const std::optional<Load>& load() const noexcept { return load_; }

  void done() noexcept {
    lease_.reset();
    if (holder_ != nullptr) std::exchange(holder_, nullptr)->holds_nothing();
  }

 private:
  friend class Port;
  Envelope envelope_;
  int attempt_;
  std::optional<Load> load_;
  std::unique_ptr<Lease> lease_;
  Life* holder_ = nullptr;
};

using Wanted = std::function<bool(const Envelope&)>;

/// One process' endpoint. Writes on the board how long each message took, and what its process holds.
class Port {
 public:
  using Message = Mail;  // so that Crew::dismiss takes it for a channel
  virtual ~Port() = default;

  void write_on(Board& board, Life& life) noexcept { board_ = &board, life_ = &life; }

  Result<> send_until(Deadline deadline, Header header, Load load) {
    if (load.due == 0) load.due = now_ns();
    return put(deadline, header, load);
  }
  Result<> try_send(Header header, Load load) { return send_until(Deadline::now(), header, std::move(load)); }
  virtual Result<> try_send(Header header) = 0;  // without a body: the pill
  Result<> reply(const Mail& to, Request request, Load load) {
    if (load.due == 0) load.due = now_ns();
    return answer(to.envelope(), request, load);
  }
  Result<Mail> receive_until(Deadline deadline) { return seen(take(deadline, nullptr)); }
  Result<Mail> receive_until(Deadline deadline, const Wanted& wanted) { return seen(take(deadline, &wanted)); }
  Result<Mail> receive() { return receive_until(Deadline::never()); }
  Result<Mail> try_receive() { return receive_until(Deadline::now()); }
  Result<Mail> try_receive(const Wanted& wanted) { return receive_until(Deadline::now(), wanted); }

  virtual std::vector<Mail> dead_letters() = 0;
  virtual bool empty() const = 0;
  virtual std::optional<std::size_t> unfinished() const = 0;  ///< none: the transport cannot tell
  virtual Result<> join_for(std::chrono::nanoseconds) = 0;
  virtual ProcessId id() const = 0;
  virtual ProcessId parent_id() const = 0;
  virtual int readable_handle() const = 0;  ///< for poll; -1: the transport has none

 private:
  virtual Result<> put(Deadline, Header, const Load&) = 0;
  virtual Result<> answer(const Envelope& to, Request, const Load&) = 0;
  virtual Result<Mail> take(Deadline, const Wanted*) = 0;

  Result<Mail> seen(Result<Mail> mail) {
    if (mail && mail->load() && life_ != nullptr) {
      board_->took(*life_, mail->envelope().in_reply_to != 0, mail->load()->due, now_ns());
      life_->holds(mail->load()->number);
      mail->holder_ = life_;
    }
    return mail;
  }
  Board* board_ = nullptr;
  Life* life_ = nullptr;
};

/// A link with its parent's endpoint and its crew.
class Line {
 public:
  virtual ~Line() = default;
  virtual Port& parent() = 0;
  virtual Crew& crew() = 0;
};

/// Why a receive gave nothing, for the sentence of a broken invariant.
inline std::string why(std::error_code error) {
  return error == Errc::not_ready ? "nothing more comes" : error.message();
}

/// One transport with one serializer.
struct Medium {
  struct Asked {
    std::size_t capacity = 64, largest_text = 1024, children = 1, restarts = 0;
  };
  using Work = std::function<int(Port&)>;
  std::string transport, serializer;
  Promises promises;
  std::size_t largest_text;  ///< which this serializer carries here
  std::unique_ptr<Line> (*open)(const Asked&, const Work&);
  /// The same over transport::traced; none where that is not instantiated, to spare the compiler.
  std::unique_ptr<Line> (*open_traced)(const Asked&, const Work&) = nullptr;
};

/// All there are; a transport adds itself by a file like over_pipe.cpp.
inline std::vector<Medium>& media() {
  static std::vector<Medium> all;
  return all;
}

}  // namespace mulproc::stress
