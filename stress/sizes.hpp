#pragma once
/// How large the texts of a run's messages are: fixed, uniform in a range, or uniform in a range's logarithm.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace mulproc::stress {

class Sizes {
 public:
  static constexpr std::size_t most = 64 << 20;

  /// "64", "10..10KiB" or "log:10..1MiB"; none when it is nothing of the kind.
  static std::optional<Sizes> read(std::string_view text) {
    Sizes sizes;
    const std::string_view prefix = "log:";
    sizes.logarithmic_ = text.starts_with(prefix);
    if (sizes.logarithmic_) text.remove_prefix(prefix.size());
    const auto dots = text.find("..");
    const auto least = bytes(text.substr(0, dots)), largest = dots == text.npos ? least : bytes(text.substr(dots + 2));
    if (!least || !largest || *least > *largest || *largest > most ||
        (sizes.logarithmic_ && (*least == 0 || dots == text.npos)))
      return std::nullopt;
    sizes.least_ = *least, sizes.largest_ = *largest;
    return sizes;
  }
  std::size_t largest() const noexcept { return largest_; }
  std::size_t next(std::mt19937_64& random) const {
    if (!logarithmic_) return std::uniform_int_distribution<std::size_t>(least_, largest_)(random);
    const double power = std::uniform_real_distribution<double>(std::log(static_cast<double>(least_)),
                                                                std::log(static_cast<double>(largest_) + 1))(random);
    return std::clamp(static_cast<std::size_t>(std::exp(power)), least_, largest_);
  }
  /// As read() takes it.
  std::string text() const {
    if (least_ == largest_) return std::to_string(least_);
    return (logarithmic_ ? "log:" : "") + std::to_string(least_) + ".." + std::to_string(largest_);
  }

 private:
  static std::optional<std::size_t> bytes(std::string_view text) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    if (error != std::errc() || value > most) return std::nullopt;
    if (unit.empty()) return value;
    if (unit == "KiB") return value << 10;
    if (unit == "MiB") return value << 20;
    return std::nullopt;
  }
  std::size_t least_ = 0, largest_ = 1024;
  bool logarithmic_ = false;
};

}  // namespace mulproc::stress
