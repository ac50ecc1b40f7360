#pragma once
// What the conformance suite's sources share. MULPROC_TEST_TRANSPORT names the transport, MULPROC_TEST_HEADER holds it.
// What a transport does not promise or cannot do is left out by concept, never by name.
#include <boost/test/unit_test.hpp>
#include <mulproc/channel.hpp>
#include <mulproc/crew.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/routing/only_to_me.hpp>
#include <mulproc/serializer/boost_binary.hpp>
#include <optional>
#include MULPROC_TEST_HEADER

namespace mulproc::tests {

using namespace std::chrono_literals;

using Carrier = MULPROC_TEST_TRANSPORT;
template <class Routing>
using Over = Channel<Carrier, serializer::boost_binary, Routing>;

/// Takes all that it is shown: what everything is where others' mail is not shown.
struct whatever_is_shown {
  bool accepts(const Envelope&, ProcessId) const noexcept { return true; }
};
using All = Over<std::conditional_t<Carrier::promises.addressed, whatever_is_shown, routing::everything>>;
using Mine = Over<routing::addressed_to_me>;

constexpr Promises promises = Carrier::promises;
constexpr bool counts_room = promises.many_to_many;  // for a pipe capacity is a hint

/// Long enough for any loaded machine; a wait that ends by it fails the test.
constexpr auto soon = 20s;

/// Both ends in one thread.
struct Pair {
  explicit Pair(Carrier::Options options = {}) : link(All::open(options)), parent(link.parent()), child(link.child()) {}
  All::Link link;
  All parent, child;
};

/// Asked in a template, so that a transport without it compiles.
template <class C>
void everything_is_finished(C& channel) {
  if constexpr (requires { channel.join_for(soon); }) {
    channel.join_for(soon).value();
    BOOST_TEST(channel.unfinished() == 0u);
  }
}

/// The bodies of the next messages.
inline std::vector<int> next(std::size_t count, All& receiver) {
  std::vector<int> got;
  while (got.size() < count) {
    auto message = receiver.receive_for(soon);
    BOOST_REQUIRE(message);
    got.push_back(message->body<int>().value());
  }
  return got;
}

#define CHECK_ERROR(result, code) \
  do {                            \
    const auto checked = (result).error(); \
    BOOST_TEST((checked == (code)), "not " #code " but " << checked.message()); \
  } while (false)

}  // namespace mulproc::tests
