#pragma once
/// What every transport carries beside the body: who asks what of whom. All of it is trivially copyable.
#include <sys/types.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <mulproc/result.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <version>
#ifdef __cpp_lib_format
#include <format>
#include <sstream>
#endif

namespace mulproc {

/// What a message asks for: up to 16 characters, compared as two words.
struct Request {
  std::uint64_t first = 0, second = 0;

  static constexpr std::size_t max_characters = 16;

  constexpr Request() = default;

  /// From a literal, at compile time; a longer one does not compile.
  template <std::size_t N>
    requires(N <= max_characters + 1)
  consteval Request(const char (&text)[N]) : Request(std::string_view(text, N - 1), 0) {}

  template <std::size_t N>
    requires(N > max_characters + 1)
  consteval Request(const char (&)[N]) = delete;  // REMEDY: a request has at most 16 characters; put the rest into the body

  /// From text known only at run time.
  /// Fails:   too_large when it has more than 16 characters; malformed when it holds a zero byte.
  static Result<Request> from(std::string_view text) noexcept {
    if (text.size() > max_characters) return Errc::too_large;
    if (text.find('\0') != text.npos) return Errc::malformed;
    return Request(text, 0);
  }

  std::string text() const {
    std::string out;
    for (std::size_t i = 0; i < max_characters; ++i) {
      const char c = static_cast<char>((i < 8 ? first : second) >> (8 * (i % 8)));
      if (c == '\0') break;
      out.push_back(c);
    }
    return out;
  }

  auto operator<=>(const Request&) const = default;

 private:
  constexpr Request(std::string_view text, int) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<std::uint64_t>(static_cast<unsigned char>(text[i])) << (8 * (i % 8));
      (i < 8 ? first : second) |= byte;
    }
  }
};

/// Names an endpoint: the thread id of the thread that made it, which for a process' first thread is its pid.
struct ProcessId {
  std::uint32_t host = 0;  ///< 0: this machine
  pid_t pid = 0;

  constexpr ProcessId() = default;
  constexpr ProcessId(pid_t id) : pid(id) {}
  constexpr ProcessId(std::uint32_t host_id, pid_t id) : host(host_id), pid(id) {}

  auto operator<=>(const ProcessId&) const = default;
};

inline constexpr ProcessId anyone{};

/// pymulproc's five words.
namespace request {
inline constexpr Request DO{"DO"}, FINISHED{"FINISHED"}, DIE{"DIE"}, TEST_PARENT{"TEST_PARENT"}, TEST_CHILD{"TEST_CHILD"};
}

/// What a sender fills in.
struct Header {
  Request request = {};
  ProcessId recipient = anyone;
  ProcessId sender = {};  ///< {} means me
};

struct Envelope {
  Request request;
  ProcessId recipient, sender;
  std::uint64_t sequence = 0, in_reply_to = 0;
  std::uint32_t body_bytes = 0, body_type = 0;  ///< body_type 0: unchecked

  bool operator==(const Envelope&) const = default;
};
static_assert(sizeof(Envelope) == 56, "with a slot's 64-bit word an envelope fills one cache line");
static_assert(std::is_trivially_copyable_v<Envelope>, "transports copy envelopes as bytes");

// Templates over what <iosfwd> declares, so that only who prints pays for <ostream>.
template <class Traits>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, const Request& request) {
  return out << std::string_view(request.text());
}
template <class Traits>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, const ProcessId& id) {
  if (id == anyone) return out << "anyone";
  if (id.host != 0) out << id.host << ':';
  return out << id.pid;
}
template <class Traits>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, const Envelope& e) {
  return out << e.request << " from " << e.sender << " to " << e.recipient << " #" << e.sequence << " (" << e.body_bytes << " bytes)";
}

}  // namespace mulproc

template <>
struct std::hash<mulproc::Request> {
  std::size_t operator()(const mulproc::Request& r) const noexcept {
    return static_cast<std::size_t>((r.first ^ (r.second * 0x9E3779B97F4A7C15u)) * 0xD6E8FEB86659FD93u);
  }
};
template <>
struct std::hash<mulproc::ProcessId> {
  std::size_t operator()(const mulproc::ProcessId& id) const noexcept {
    return std::hash<std::uint64_t>{}((std::uint64_t{id.host} << 32) | static_cast<std::uint32_t>(id.pid));
  }
};

#ifdef __cpp_lib_format
template <class T>
  requires std::same_as<T, mulproc::Request> || std::same_as<T, mulproc::ProcessId> || std::same_as<T, mulproc::Envelope>
struct std::formatter<T> : std::formatter<std::string> {
  auto format(const T& value, auto& context) const {
    std::ostringstream out;
    out << value;
    return std::formatter<std::string>::format(std::move(out).str(), context);
  }
};
#endif
