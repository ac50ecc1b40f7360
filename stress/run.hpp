#pragma once
/// One run of one scenario over one channel: what it was asked, what it checks, how far it is.
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace mulproc::stress {

/// What happens to children on purpose, and how often.
struct Chaos {
  std::optional<std::chrono::milliseconds> kill, stop;  // SIGKILL; SIGSTOP, and SIGCONT a period later
  explicit operator bool() const noexcept { return kill || stop; }
};

struct Settings {
  std::size_t children = 10, messages = 200, rounds = 10, payload_bytes = 1024;
  std::uint64_t seed = 0;
  std::vector<std::string> input;
  std::optional<std::chrono::milliseconds> duration;
  Chaos chaos;
};

class Run {
 public:
  Run(std::string title, const Settings& asked, std::uint64_t seed, std::chrono::steady_clock::time_point until)
      : settings(asked), random(seed), title_(std::move(title)), until_(until) {}

  const Settings& settings;
  std::mt19937_64 random;  // all choices of a run come from its seed
  std::uint64_t messages = 0, kills = 0, stops = 0, redelivered = 0;
  /// Every wait in a scenario ends: a hang is reported as what did not come.
  static constexpr std::chrono::seconds patience{30};

  /// Writes down a broken invariant, the first one; says whether it holds.
  bool check(bool holds, const std::string& invariant) {
    if (!holds && broken_.empty()) broken_ = invariant;
    return holds;
  }
  const std::string& broken() const noexcept { return broken_; }

  std::size_t random_payload() { return std::uniform_int_distribution<std::size_t>(0, settings.payload_bytes)(random); }

  /// Whether there is more to do: `done` of `all` messages or rounds, or time left where a duration was asked for.
  bool goes_on(std::size_t done, std::size_t all) {
    progress(done, all);
    if (interrupted || !broken_.empty()) return false;
    return settings.duration ? std::chrono::steady_clock::now() < until_ : done < all;
  }
  void clear_line() const {
    if (terminal_) std::cerr << "\r\x1b[K" << std::flush;
  }

  /// Set by Ctrl-C: what runs ends in order, and is reported.
  static inline std::atomic<bool> interrupted{false};

 private:
  /// A live line, on terminals only, ten times a second at most.
  void progress(std::size_t done, std::size_t all) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ || now - shown_ < std::chrono::milliseconds(100)) return;
    shown_ = now;
    std::cerr << '\r' << title_ << "  " << done;
    if (settings.duration) {
      std::cerr << ", " << std::chrono::ceil<std::chrono::seconds>(until_ - now).count() << " s left";
    } else {
      std::cerr << " of " << all;
    }
    if (kills + stops != 0) std::cerr << ", " << kills << " killed, " << stops << " stopped";
    std::cerr << "\x1b[K" << std::flush;
  }

  std::string title_, broken_;
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  std::chrono::steady_clock::time_point shown_, until_;
};

}  // namespace mulproc::stress
