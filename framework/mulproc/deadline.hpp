#pragma once
/// The moment at which a wait gives up. Every blocking operation of a transport takes one.
#include <version>
// In libstdc++ and libc++ the timed locks of <mutex> bring std::chrono's durations and clocks along. <chrono> itself also
// brings calendars and, from C++20 on, <sstream>: a third of what channel.hpp would cost.
#if defined(__GLIBCXX__) || defined(_LIBCPP_VERSION)
#include <mutex>
#else
#include <chrono>
#endif

namespace mulproc {

struct Deadline {
  using clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC
  using time_point = clock::time_point;

  time_point at;

  constexpr Deadline(time_point when) : at(when) {}

  static constexpr Deadline never() { return time_point::max(); }
  /// Already expired: look once, wait for nothing.
  static constexpr Deadline now() { return time_point::min(); }

  /// Saturates: a duration too long to add means never.
  template <class R, class P>
  static Deadline after(std::chrono::duration<R, P> patience) {
    if (patience <= patience.zero()) return now();
    const auto from = clock::now();
    // Compared in floating point, which no duration's own arithmetic can overflow.
    const std::chrono::duration<long double, std::nano> wanted(patience), room(time_point::max() - from);
    if (!(wanted < room)) return never();
    return from + std::chrono::ceil<clock::duration>(wanted);
  }

  constexpr bool is_never() const { return at == time_point::max(); }
  bool expired() const { return at == time_point::min() || (!is_never() && at <= clock::now()); }
  std::chrono::nanoseconds remaining() const {
    if (is_never()) return std::chrono::nanoseconds::max();
    if (at == time_point::min()) return std::chrono::nanoseconds::zero();
    const std::chrono::nanoseconds left = at - clock::now();
    return left < left.zero() ? left.zero() : left;
  }
  /// The earlier of this and `slice` from now: how long one sleep may last.
  Deadline within(std::chrono::nanoseconds slice) const {
    const auto then = clock::now() + slice;
    return at < then ? at : then;
  }
  /// For poll(2): milliseconds left, rounded up, -1 for ever.
  int poll_milliseconds() const {
    if (is_never()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(remaining()).count();
    return left > 1'000'000'000 ? 1'000'000'000 : static_cast<int>(left);
  }
};

}  // namespace mulproc
