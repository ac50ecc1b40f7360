#pragma once
/// What the fuzz harnesses share. Each has libFuzzer's own entry, LLVMFuzzerTestOneInput; replay.cpp runs the same
/// entry without clang, over the same seeds.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <span>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace mulproc::fuzz {

using Input = std::vector<std::uint8_t>;

constexpr std::size_t longest_input = 1024;

/// Good inputs to begin with, each harness' own: what is malformed everywhere teaches little.
std::vector<Input> seeds();

/// Stays in a release build, and stops a fuzzer where it stands.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "NOT SO: %s\n", what);
  std::abort();
}

/// Runs `one_input`, which may take the contract's 100 ms in this thread's own time: a loaded machine is no fault. What the host
/// of a virtual machine takes away counts as this thread's time too: so it is too long only when it is so each time.
template <class F>
int in_100_ms(F one_input) {
#if defined(__SANITIZE_ADDRESS__) || defined(FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION)
  constexpr double slowed_by = 10;
#else
  constexpr double slowed_by = 1;
#endif
  const auto now = [] {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  for (int tries = 3; tries != 0; --tries) {
    const double begin = now();
    one_input();
    if (now() - begin < 0.1 * slowed_by) return 0;
  }
  require(false, "an input takes at most 100 ms");
  return 0;
}

}  // namespace mulproc::fuzz
