#pragma once
/// One run of one scenario over one channel: what it was asked, what it checked, how far it is.
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <unistd.h>
#include <vector>

namespace mulproc::stress {

struct Settings {
  std::size_t children = 10, rounds = 10;
  std::uint64_t seed = 0;
  std::vector<std::string> input;
};

class Run {
 public:
  explicit Run(std::string title) : title_(std::move(title)) {}

  /// Writes down a broken invariant; says whether it holds.
  bool check(bool holds, const std::string& invariant) {
    if (!holds && broken_.empty()) broken_ = invariant;
    return holds;
  }
  /// A live line, on terminals only, ten times a second at most.
  void progress(std::size_t done, std::size_t all) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ || now - shown_ < std::chrono::milliseconds(100)) return;
    shown_ = now;
    std::cerr << '\r' << title_ << "  " << done << " of " << all << "\x1b[K" << std::flush;
  }
  void clear_line() const {
    if (terminal_) std::cerr << "\r\x1b[K" << std::flush;
  }
  const std::string& broken() const noexcept { return broken_; }

  std::uint64_t messages = 0;
  /// Every wait in a scenario ends: a hang is reported as what did not come.
  std::chrono::seconds patience{30};

 private:
  std::string title_, broken_;
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  std::chrono::steady_clock::time_point shown_;
};

}  // namespace mulproc::stress
