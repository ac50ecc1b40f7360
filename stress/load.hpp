#pragma once
/// What travels, whatever the serializer: a number, the moment it was due, a text of any length. A checksum goes with
/// it.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace mulproc::stress {

struct Load {
  std::uint64_t number = 0;
  std::string text = {};
  std::uint64_t due = 0;  ///< when it was meant to be sent, as now_ns() says it; 0: when it is sent
};

/// Changes with any change of its arguments' bits.
inline std::uint64_t checksum_of(std::uint64_t number, std::uint64_t due, std::string_view text) noexcept {
  std::uint64_t sum = 14695981039346656037u;
  const auto mix = [&sum](std::uint64_t word) { sum = (sum ^ word) * 1099511628211u; };  // one to one in each word
  mix(number), mix(due), mix(text.size());
  for (; text.size() >= 8; text.remove_prefix(8)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    mix(word);
  }
  for (const char c : text) mix(static_cast<unsigned char>(c));
  return sum;
}

/// Letters that depend on the number, so that a part of another message is no part of this one.
inline std::string filler_of(std::uint64_t number, std::size_t bytes) {
  std::string filler(bytes, 'a');
  const std::size_t period = std::min<std::size_t>(bytes, 26 * 37);
  for (std::size_t i = 0; i < period; ++i) filler[i] = static_cast<char>('a' + (number + i * (i / 26 + 1)) % 26);
  for (std::size_t i = period; i < bytes; i += period)
    std::memcpy(filler.data() + i, filler.data(), std::min(period, bytes - i));
  return filler;
}

}  // namespace mulproc::stress
