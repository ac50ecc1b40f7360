#pragma once
/// What travels: so many bytes made from one number, written and summed up in full by both sides of every contender.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace mulproc::benchmarks {

template <std::size_t Bytes>
struct Body {
  static constexpr std::size_t words = Bytes / sizeof(std::uint64_t);
  static_assert(words * sizeof(std::uint64_t) == Bytes);

  std::array<std::uint64_t, words> word;

  void write(std::uint64_t number) noexcept {
    for (std::size_t i = 0; i < words; ++i) word[i] = number + i;
  }
  std::uint64_t number() const noexcept {
    if constexpr (words == 0) return 0;
    else return word[0];
  }
  /// False when any word is not what write() made of the first: torn, mixed up or damaged.
  bool whole() const noexcept {
    std::uint64_t sum = 0;
    for (const std::uint64_t one : word) sum += one;
    return sum == words * number() + words * (words - (words != 0)) / 2;
  }
  std::span<const std::byte> bytes() const noexcept { return {reinterpret_cast<const std::byte*>(word.data()), Bytes}; }
  std::span<std::byte> bytes() noexcept { return {reinterpret_cast<std::byte*>(word.data()), Bytes}; }
};

/// The number that tells a child to end.
inline constexpr std::uint64_t pill = ~std::uint64_t{0};

}  // namespace mulproc::benchmarks
