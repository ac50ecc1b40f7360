#pragma once
/// The channels in which participants are killed: over any transport of many, made small, and seeing deaths when asked.
#include <mulproc/channel.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/shared_memory/participants.hpp>

namespace mulproc::tests {

/// All that an addressed transport shows an endpoint, one's own offers too: survivors may be endpoints of one thread.
struct mine_and_anyones {
  static constexpr bool by_address = true;
  bool accepts(const Envelope& envelope, ProcessId me) const noexcept { return envelope.recipient == me || envelope.recipient == anyone; }
};

template <class T>
using Crashing = Channel<T, serializer::trivially_copyable, std::conditional_t<T::promises.addressed, mine_and_anyones, routing::everything>>;

constexpr int capacity = 4;

template <class C>
typename C::Options small_options() {
  typename C::Options options;
  options.capacity = capacity;
  options.max_body_bytes = 2200;
  if constexpr (requires { options.max_participants; }) options.max_participants = 6;
  return options;
}

/// How old the last look for deaths may be in this process' calls: the transport's own knob, or the common one.
template <class T>
void look_for_deaths_every(std::chrono::milliseconds time) {
  if constexpr (requires { T::look_every = time; }) {
    T::look_every = time;
  } else {
    shared_memory::Participants::look_every = time;
  }
}

}  // namespace mulproc::tests
