#pragma once
/// What a run was asked to do.
#include <chrono>
#include <optional>
#include <stress/sizes.hpp>
#include <vector>

namespace mulproc::stress {

using Period = std::optional<std::chrono::milliseconds>;

/// What happens to random children on purpose, and how often.
struct Chaos {
  Period kill;   ///< SIGKILL
  Period stop;   ///< SIGSTOP, and SIGCONT half a period later: an interrupted moment
  Period pause;  ///< SIGSTOP for 1.2 s, longer than any patience in the library: slow is not dead
  static constexpr std::chrono::milliseconds pause_length{1200};
  explicit operator bool() const noexcept { return kill || stop || pause; }
};

struct Settings {
  std::size_t children = 10, messages = 200, rounds = 10;
  std::optional<double>
      rate;  ///< messages each second, sent when they are due whatever came of the others; none: closed loop
  Sizes payload;
  std::uint64_t seed = 0;
  std::vector<std::string> input;
  Period duration, warmup;
  Chaos chaos;
};

}  // namespace mulproc::stress
