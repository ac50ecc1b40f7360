#pragma once
/// How much memory something took at most, and how often it asked for some, counted by the replaced operator new of allocation_count.cpp.
#include <cstddef>

namespace mulproc::tests {

class AllocationPeak {
 public:
  AllocationPeak() noexcept;
  /// The most that was allocated at one time since construction, beyond what was allocated then.
  std::size_t bytes() const noexcept;

 private:
  std::size_t before_;
};

/// How many times operator new was called so far.
std::size_t allocations() noexcept;

}  // namespace mulproc::tests
