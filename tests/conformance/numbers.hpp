#pragma once
// A channel that carries numbers, for those sources of the suite that need no more: one policy, one kind of predicate
// and one serializer of plain memory, so that it is compiled once.
#include <signal.h>

#include <boost/test/unit_test.hpp>
#include <functional>
#include <mulproc/channel.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <optional>
#include MULPROC_TEST_HEADER

namespace mulproc::tests {

using namespace std::chrono_literals;

using Carrier = MULPROC_TEST_TRANSPORT;

/// All that the transport shows, or what an addressed_to_me would take; and something may happen meanwhile.
struct Shown {
  static constexpr bool takes_others_mail = !Carrier::promises.addressed;
  enum Which { everything, mine } which = everything;
  void (*meanwhile)() = nullptr;  // over a queue under a lock: inside that lock
  bool accepts(const Envelope& envelope, ProcessId me) const noexcept {
    if (meanwhile) meanwhile();
    if (envelope.recipient == me) return true;
    if (which == mine) return envelope.recipient == anyone && envelope.sender != me;
    return takes_others_mail || envelope.recipient == anyone;
  }
};

using Numbers = Channel<Carrier, serializer::trivially_copyable, Shown>;
using View = Numbers::MessageView;
using Wanted = std::function<bool(const View&)>;

constexpr Promises promises = Carrier::promises;
/// Capacity is exact and counted per side; a pipe takes it as a hint, and an addressed transport counts it per lane.
constexpr bool room_per_side = promises.many_to_many && !promises.addressed;

/// Long enough for any loaded machine; a wait that ends by it fails the test.
constexpr auto soon = 20s;

inline int number_in(const View& message) { return message.body<int>().value(); }
inline const Wanted nothing = [](const View&) { return false; };
inline Wanted only(int number) {
  return [=](const View& seen) { return number_in(seen) == number; };
}

template <class R>
void fails(const R& result, Errc expected, int line) {
  BOOST_CHECK_MESSAGE(result.error() == expected, "line " << line << ": not \"" << make_error_code(expected).message()
                                                          << "\" but \"" << result.error().message() << '"');
}
#define FAILS(result, code) mulproc::tests::fails((result), (code), __LINE__)

/// The numbers of the next messages.
inline std::vector<int> next(std::size_t count, Numbers& receiver) {
  std::vector<int> got;
  while (got.size() < count) got.push_back(number_in(receiver.receive_for(soon).value()));
  return got;
}

/// Lets a message fail as often as it takes to make a dead letter of it.
inline void fail_for_good(Numbers& inbox, int number) {
  for (int attempt = 1; attempt <= max_attempts; ++attempt) {
    try {
      const auto message = inbox.receive_for(soon, only(number)).value();
      BOOST_CHECK(message.attempt() == attempt);
      throw number;
    } catch (int) {
    }
  }
}

/// Runs `check` on a channel that can be joined; asked in a template, so that a transport without it compiles.
template <class C, class F>
void if_joinable(C& channel, F check) {
  if constexpr (requires { channel.join(); }) check(channel);
}

}  // namespace mulproc::tests
