#pragma once
/// How far a run is: on a terminal a line that is drawn over ten times a second, otherwise a plain line now and then.
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <iomanip>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>

namespace mulproc::stress {

/// "870 ns", "12.3 us", "4.56 ms", "1.23 s".
inline std::string time_in_words(double nanoseconds) {
  const char* const units[] = {" ns", " us", " ms", " s"};
  std::size_t unit = 0;
  for (; unit < 3 && nanoseconds >= 999.5; ++unit) nanoseconds /= 1000;
  std::ostringstream out;
  out << std::fixed
      << std::setprecision(unit == 0 || nanoseconds >= 100 ? 0
                           : nanoseconds >= 10             ? 1
                                                           : 2)
      << nanoseconds << units[unit];
  return out.str();
}

class LiveView {
 public:
  using clock = std::chrono::steady_clock;
  struct State {
    std::string title;
    double share = 0, messages_per_second = 0, p50 = 0, p99 = 0;
    std::optional<std::size_t> depth = {};
    std::uint64_t died = 0;
    std::optional<double> seconds_left = {};
    bool warming_up = false;
  };

  bool wants(clock::time_point now) const noexcept { return now >= next_; }
  void show(const State& state) {
    next_ = clock::now() + every();
    std::string line = line_of(state);
    if (!terminal_) return void(std::cerr << line << std::endl);
    winsize window{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1 && line.size() >= window.ws_col)
      line.resize(window.ws_col - 1u);
    std::cerr << '\r' << line << "\x1b[K" << std::flush;
    drawn_ = true;
  }
  /// Before a plain line is written.
  void clear() {
    if (drawn_) std::cerr << "\r\x1b[K" << std::flush;
    drawn_ = false;
    next_ = clock::now() + every();
  }

  static std::string line_of(const State& state) {
    constexpr std::size_t width = 16;
    const auto filled = static_cast<std::size_t>(state.share * static_cast<double>(width));
    std::ostringstream out;
    out << state.title << " [" << std::string(filled, '#') << std::string(width - filled, '.') << "] " << std::setw(3)
        << static_cast<int>(100 * state.share) << " %  " << static_cast<std::uint64_t>(state.messages_per_second)
        << " msg/s  p50 " << time_in_words(state.p50) << "  p99 " << time_in_words(state.p99);
    if (state.depth) out << "  in flight " << *state.depth;
    if (state.died != 0) out << "  died " << state.died;
    if (state.seconds_left) out << "  " << static_cast<std::uint64_t>(*state.seconds_left + 0.999) << " s left";
    if (state.warming_up) out << "  (warming up)";
    return out.str();
  }

 private:
  clock::duration every() const {
    return terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10'000);
  }
  bool terminal_ = ::isatty(STDERR_FILENO) == 1, drawn_ = false;
  clock::time_point next_ = clock::now() + every();
};

}  // namespace mulproc::stress
