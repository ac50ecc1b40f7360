#pragma once
/// Counts of durations in log-linear buckets, after the idea of Gil Tene's HdrHistogram: each power of two is cut into
/// 64 equal parts, so that a bucket's middle is at most 0.8 % from any value in it.
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>

namespace mulproc::stress {

/// Valid when all its bytes are zero, so that shared memory needs no set-up.
///
/// Safety:  any number of processes may add to one; who reads meanwhile sees some of them.
/// Cost:    O(1) to add, O(buckets) for the rest.
class Histogram {
 public:
  static constexpr unsigned part_bits = 6, value_bits = 42;  // of nanoseconds: more than an hour
  static constexpr std::uint64_t parts = 1 << part_bits, most = (std::uint64_t{1} << value_bits) - 1;
  static constexpr std::size_t buckets = (value_bits - part_bits + 1) * parts;

  /// Below `parts` each value has a bucket of its own; from there on each power of two has `parts` buckets.
  static constexpr std::size_t bucket_of(std::uint64_t value) noexcept {
    value = std::min(value, most);
    if (value < parts) return value;
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - part_bits;
    return (shift + 1) * parts + (value >> shift) - parts;
  }
  static constexpr std::uint64_t lowest_in(std::size_t bucket) noexcept {
    if (bucket < parts) return bucket;
    const unsigned shift = static_cast<unsigned>(bucket / parts) - 1;
    return (parts + bucket % parts) << shift;
  }
  static constexpr double middle_of(std::size_t bucket) noexcept {
    return (static_cast<double>(lowest_in(bucket)) + static_cast<double>(lowest_in(bucket + 1)) - 1) / 2;
  }

  void add(std::uint64_t value, std::uint64_t times = 1) noexcept {
    counts_[bucket_of(value)].fetch_add(times, std::memory_order_relaxed);
  }
  void merge(const Histogram& other) noexcept {
    for (std::size_t i = 0; i < buckets; ++i) {
      if (const auto more = other.in_bucket(i)) counts_[i].fetch_add(more, std::memory_order_relaxed);
    }
  }
  std::uint64_t in_bucket(std::size_t i) const noexcept { return counts_[i].load(std::memory_order_relaxed); }
  std::uint64_t count() const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < buckets; ++i) sum += in_bucket(i);
    return sum;
  }
  /// The value that so large a share of all does not exceed; 0 when there are none.
  double quantile(double share) const noexcept {
    const auto rank = std::max(1.0, std::ceil(share * static_cast<double>(count())));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets; ++i) {
      if (seen += in_bucket(i); static_cast<double>(seen) >= rank) return middle_of(i);
    }
    return 0;
  }
  double mean() const noexcept {
    double sum = 0;
    for (std::size_t i = 0; i < buckets; ++i) sum += static_cast<double>(in_bucket(i)) * middle_of(i);
    const auto all = count();
    return all == 0 ? 0 : sum / static_cast<double>(all);
  }

 private:
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "a lock would lie in one process' memory only");
  std::array<std::atomic<std::uint64_t>, buckets> counts_{};
};

}  // namespace mulproc::stress
