#pragma once
/// How an endpoint over shared memory waits before it asks the kernel to wake it.
///
/// A Waiting policy is copyable, belongs to one endpoint (so it may learn), and has
///   template <class Ready> bool spin(Ready ready, Deadline until);
/// It asks ready() as often as it thinks it pays and says true as soon as that does. False: it has stopped asking, at
/// `until` at the latest; now the caller parks on a futex until then. ready() costs a few loads and has no effect.
/// It may have
///   void parked(std::chrono::nanoseconds how_long) noexcept;
/// which the caller tells how long it was parked.
#include <concepts>
#include <mulproc/deadline.hpp>

namespace mulproc {

template <class W>
concept Waiting = std::copyable<W> && std::default_initializable<W> && requires(W& waiting, bool (*ready)(), Deadline until) {
  { waiting.spin(ready, until) } -> std::same_as<bool>;  // REMEDY: give it a spin(ready, until) that says whether ready() became true
};

namespace waiting {

/// Runs park(), and tells the policy how long that took if it wants to know.
template <Waiting W, class Park>
void park(W& waiting, Park park) {
  if constexpr (requires { waiting.parked(std::chrono::nanoseconds()); }) {
    const auto begin = Deadline::clock::now();
    park();
    waiting.parked(Deadline::clock::now() - begin);
  } else {
    park();
  }
}

/// Tells the core that this is a spin loop: it saves power, and a sibling thread gets on.
inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield" ::: "memory");
#endif
}

}  // namespace waiting
}  // namespace mulproc
