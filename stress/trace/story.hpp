#pragma once
/// What a trace tells, put together from its events: who took part, which messages went from whom to whom, what waited.
#include <mulproc/transport/trace_file.hpp>
#include <optional>
#include <string>
#include <vector>

namespace mulproc::stress {

using transport::TraceEvent;
using transport::TraceKind;

/// A process that takes part. All times are nanoseconds since the first event.
struct Actor {
  ProcessId id;
  std::string name;
  bool is_parent = false;
  std::uint64_t begin = 0, end = 0;
  enum class End { open, left, died } how = End::open;
  struct Wait {
    std::uint64_t begin, end;
  };
  std::vector<Wait> waits;
};

/// One time that somebody took a message.
struct Receipt {
  std::size_t by;  // of Story::actors
  std::uint64_t at;
  int attempt;
  std::uint64_t end;  // when its lease ended
  enum class End { held, done, given_back, failed, refused, with_its_holder } how = End::held;
};

struct Posted {
  std::uint32_t link;
  Envelope envelope;
  std::size_t from;
  std::uint64_t sent, published;            // when the send began, and when it had succeeded
  std::optional<std::error_code> not_sent;  // it failed: why
  bool is_dead_letter = false;
  std::vector<Receipt> receipts;

  bool may_be_left_out() const { return not_sent == Errc::not_ready; }  // it was tried again
  std::string name() const;
};

/// What the diagrams show one below the other.
struct Step {
  enum class What { send, take, end, leave, die } what;
  std::uint64_t at;
  std::size_t which;        // of messages; of actors where one leaves or dies
  std::size_t receipt = 0;  // of that message
};

struct Story {
  std::string title;
  std::uint64_t events = 0, lost = 0;  // lost: for which there was no room
  std::uint64_t length = 0;            // in nanoseconds
  std::vector<Actor> actors;
  std::vector<Posted> messages;
  struct Depth {
    std::uint64_t at;
    std::uint32_t messages;
  };
  std::vector<Depth> depths;
  std::vector<std::uint64_t> deaths_of_somebody;

  /// Fails:   throws std::runtime_error that says what is wrong with the file.
  static Story read(const std::string& path);

  /// In the order in which it happened; of the first `messages` messages, 0: of all.
  std::vector<Step> steps(std::size_t messages = 0) const;
  /// Who is to be shown beside these steps: also who only lived.
  const Actor* actor_of(ProcessId id) const;
};

/// 1.25 ms
std::string time_in_text(std::uint64_t nanoseconds);
/// What a request says, with `?` for what is no printable ASCII.
std::string readable(const Request& request);
/// The first words of an error, without its advice.
std::string in_short(std::error_code error);

// ---- the pictures

std::string as_mermaid(const Story& story, std::size_t messages);
std::string as_svg(const Story& story, std::size_t messages);
std::string as_chrome(const Story& story);
std::string as_page(const Story& story);

}  // namespace mulproc::stress
