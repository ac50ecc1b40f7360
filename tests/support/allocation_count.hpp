#pragma once
/// How much memory something took at most, and how often it asked for some, counted by the replaced operator new of allocation_count.cpp;
/// and what happens when it gets none.
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

/// While it lives, the operator new that comes after so many others throws std::bad_alloc; those behind it succeed again.
class FailingAllocation {
 public:
  explicit FailingAllocation(std::size_t after) noexcept;
  FailingAllocation(const FailingAllocation&) = delete;
  ~FailingAllocation();
};

/// How many times operator new was called so far.
std::size_t allocations() noexcept;

}  // namespace mulproc::tests
