// A transport of one's own: socket_pair.hpp is all there is to write, and every serializer and routing policy goes with
// it. The conformance suite runs over it as over the library's own transports.
#include <iostream>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>

#include "socket_pair.hpp"

using Mine = mulproc::Channel<mulproc::transport::socket_pair, mulproc::serializer::trivially_copyable,
                              mulproc::routing::addressed_to_me>;
namespace request = mulproc::request;

static_assert(mulproc::Pollable<mulproc::transport::socket_pair>);
static_assert(!mulproc::Joinable<mulproc::transport::socket_pair>,
              "it counts nothing, so join() does not compile over it");

int main() {
  auto link = Mine::open();
  auto parent = link.parent();
  auto squarer = mulproc::spawn(link, [](Mine& inbox) {
    while (auto message = inbox.receive()) {  // until `closed`
      const long number = message->body<long>().value();
      inbox.reply(*message, request::FINISHED, number * number).value();
    }
  });
  for (const long number : {3, 1, 2}) parent.send({.request = request::DO, .recipient = squarer.id()}, number).value();

  // Refusing messages is the framework's work: 4 is taken before 9 and 1, which keep their places.
  const auto is_four = [](const Mine::MessageView& answer) { return answer.body<long>().value() == 4; };
  const long first = parent.receive(is_four).value().body<long>().value();
  const long second = parent.receive().value().body<long>().value();
  const long third = parent.receive().value().body<long>().value();
  parent.close().value();
  std::cout << "squares over a socket pair: " << first << ", then " << second << " and " << third << '\n';
  return squarer.wait().ok() && first == 4 && second == 9 && third == 1 ? 0 : 1;
}
