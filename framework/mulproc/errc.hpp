#pragma once
/// What can go wrong, in ten words. Errors of the operating system travel beside these in std::system_category.
#include <string>
#include <system_error>

namespace mulproc {

enum class Errc {
  not_ready = 1,   ///< the deadline came first: empty, full or timed out; nothing is lost
  closed,          ///< the other side is gone and nothing is left
  too_large,       ///< the body exceeds max_body_bytes
  malformed,       ///< the bytes are no value of that type
  wrong_body,      ///< there is no body, or one of another type
  recipient_gone,  ///< the addressee is dead and never attached
  abandoned,       ///< join: nobody alive could finish what is unfinished
  broken,          ///< a process died inside the queue's lock, or the segment is damaged
  stale,           ///< the lease, endpoint or name is no longer (or not here) what it was
  wrong_thread     ///< endpoints belong to the thread that made them
};

class ErrorCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "mulproc"; }
  std::string message(int code) const override { return text(static_cast<Errc>(code)); }

 private:
  static const char* text(Errc code) noexcept {
    switch (code) {
      case Errc::not_ready: return "not ready: the deadline came before a message, room or an end; nothing is lost, try again";
      case Errc::closed: return "closed: the other side is gone, or this endpoint has ended its sending";
      case Errc::too_large: return "too large: the body exceeds max_body_bytes; raise that option or send it in parts";
      case Errc::malformed: return "malformed: the bytes are not a value of the type asked for";
      case Errc::wrong_body: return "wrong body: the message has no body, or one of another type; look at request() first";
      case Errc::recipient_gone: return "recipient gone: the addressed process is dead and not attached";
      case Errc::abandoned: return "abandoned: what is unfinished is held by nobody alive and nobody alive could take it";
      case Errc::broken: return "broken: a process died inside the queue's lock or the segment is damaged; open a new channel";
      case Errc::stale: return "stale: this message, endpoint or name is no longer, or not in this process, what it was";
      case Errc::wrong_thread: return "wrong thread: an endpoint belongs to the thread that made it; make one in this thread";
    }
    return "unknown mulproc error";
  }
};

inline const std::error_category& error_category() noexcept {
  static const ErrorCategory category;
  return category;
}

inline std::error_code make_error_code(Errc code) noexcept { return {static_cast<int>(code), error_category()}; }

}  // namespace mulproc

template <>
struct std::is_error_code_enum<mulproc::Errc> : std::true_type {};
