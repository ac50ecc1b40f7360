#pragma once
/// What a piece of work asks of a contender, known before any process is forked.
///
/// A contender is a class template over the bytes of a body:
///   W<Bytes>(const Shape&)            made before the forks
///   static std::string why_not(const Shape&)   why it cannot do this work here; empty: it can
///   static constexpr bool lends       what it receives lies in memory it shares with the sender
///   Parent(W&, std::span<const pid_t> children)   after the forks
///     send(child, const Body&)   receive(f)        f is called with a const Body&
///   Child(W&, index)                  in the forked process
///     send(const Body&)          receive(f)
///   optional: send_in_place(child, number)   writes the body of that number where the receiver will read it
/// Where the shape says to_anyone, `child` has no meaning: whoever is free takes the message.
/// Whatever goes wrong is thrown; a message that never comes is the watchdog's.
#include <cstddef>
#include <stdexcept>
#include <string>

namespace mulproc::benchmarks {

/// Where the processes run: parent and children each on a core of their own, all on one, or on two as the kernel likes.
enum class Placement { apart, one_core, free };

struct Shape {
  std::size_t children = 1;
  std::size_t in_flight = 1;
  std::size_t capacity = 1024;  ///< messages a queue has room for
  Placement placement = Placement::free;
  bool spins = false;           ///< both sides ask again and again instead of sleeping
  bool to_anyone = false;
  bool sender_is_child = false;  ///< fan-in: only children send
};

inline void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

/// Calls `attempt` until it says true.
template <class F>
void spin_until(F attempt) {
  while (!attempt()) pause();
}

[[noreturn]] inline void fail(const std::string& why) { throw std::runtime_error(why); }

}  // namespace mulproc::benchmarks
