#pragma once
/// A word that is copied by a load of its own.
///
/// Compilers copy two neighbouring words by one load of 16 bytes. If they were just written by two stores, such a load waits
/// until both have left the core, and with them all stores before them: perhaps one to a cache line that another core has.
/// A message passes through several hands while it is received; each such wait costs about 5 ns.
/// Source:  Intel 64 and IA-32 Architectures Optimization Reference Manual, "Store Forwarding"
#include <type_traits>

namespace mulproc {

/// Safety:  as T.
template <class T>
  requires(sizeof(T) == 8 && std::is_trivially_copyable_v<T>)
class Apart {
 public:
  Apart(T value = T()) noexcept : value_(value) {}
  Apart(const Apart& other) noexcept { __atomic_load(&other.value_, &value_, __ATOMIC_RELAXED); }
  Apart& operator=(const Apart& other) noexcept {
    __atomic_load(&other.value_, &value_, __ATOMIC_RELAXED);
    return *this;
  }
  operator T() const noexcept { return value_; }
  auto operator->() const noexcept {
    if constexpr (std::is_pointer_v<T>) {
      return value_;
    } else {
      return &value_;
    }
  }

 private:
  T value_;
};

}  // namespace mulproc
