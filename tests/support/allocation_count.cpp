#include <algorithm>
#include <cstdlib>
#include <new>
#include <support/allocation_count.hpp>

namespace {
constexpr std::size_t never = ~std::size_t{0};
std::size_t now = 0, most = 0, calls = 0, fails_at = never;
constexpr std::size_t head = alignof(std::max_align_t);  // keeps a block's size in front of it
}  // namespace

void* operator new(std::size_t bytes) {
  if (calls++ == fails_at) throw std::bad_alloc();
  auto* block = static_cast<std::byte*>(std::malloc(bytes + head));
  if (block == nullptr) throw std::bad_alloc();
  *reinterpret_cast<std::size_t*>(block) = bytes;
  most = std::max(most, now += bytes);
  return block + head;
}
void operator delete(void* address) noexcept {
  if (address == nullptr) return;
  auto* block = static_cast<std::byte*>(address) - head;
  now -= *reinterpret_cast<std::size_t*>(block);
  std::free(block);
}
void operator delete(void* address, std::size_t) noexcept { operator delete(address); }

namespace mulproc::tests {
AllocationPeak::AllocationPeak() noexcept : before_(most = now) {}
std::size_t AllocationPeak::bytes() const noexcept { return most - before_; }
FailingAllocation::FailingAllocation(std::size_t after) noexcept { fails_at = calls + after; }
FailingAllocation::~FailingAllocation() { fails_at = never; }
std::size_t allocations() noexcept { return calls; }
}  // namespace mulproc::tests
