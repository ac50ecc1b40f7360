#pragma once
// pymulproc's words in ours: a queue or pipe communicator is a channel, a Python dictionary travels as JSON.
#include <boost/test/unit_test.hpp>
#include <mulproc/channel.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/json.hpp>
#include <vector>
#include MULPROC_TEST_HEADER

namespace mulproc::tests {

using namespace std::chrono_literals;

using Carrier = MULPROC_TEST_TRANSPORT;
using Communicator = Channel<Carrier, serializer::json, routing::addressed_to_me>;
using Dictionary = boost::json::value;
using View = Communicator::MessageView;

constexpr bool one_to_one = !Communicator::promises.many_to_many;

/// Long enough for any loaded machine; a wait that ends by it fails the test.
constexpr auto soon = 20s;

inline Dictionary value_of(std::int64_t number) { return {{"value", number}}; }
inline std::int64_t number_in(const View& message) { return message.body<Dictionary>().value().at("value").as_int64(); }

}  // namespace mulproc::tests
