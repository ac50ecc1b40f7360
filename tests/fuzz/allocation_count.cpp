// AllocationPeak where libFuzzer and ASan have allocators of their own: counted by the sanitizer's hooks.
#include <sanitizer/allocator_interface.h>

#include <algorithm>
#include <support/allocation_count.hpp>

namespace {
std::size_t now = 0, most = 0;
void allocated(const volatile void*, std::size_t bytes) { most = std::max(most, now += bytes); }
void freed(const volatile void* address) {
  const std::size_t bytes = address == nullptr ? 0 : __sanitizer_get_allocated_size(address);
  now -= std::min(now, bytes);  // what was allocated before the hooks is freed too
}
const int hooked = __sanitizer_install_malloc_and_free_hooks(allocated, freed);
}  // namespace

namespace mulproc::tests {
AllocationPeak::AllocationPeak() noexcept : before_(most = now) { (void)hooked; }
std::size_t AllocationPeak::bytes() const noexcept { return most - before_; }
}  // namespace mulproc::tests
