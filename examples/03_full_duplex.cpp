// The full-duplex poison pill: one child out of five is told to work, only that one answers, then each gets a pill.
#include <iostream>
#include <mulproc/channel.hpp>
#include <mulproc/crew.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/shm_deque.hpp>

using Jobs = mulproc::Channel<mulproc::transport::shm_deque, mulproc::serializer::trivially_copyable,
                              mulproc::routing::addressed_to_me>;
namespace request = mulproc::request;
using namespace std::chrono_literals;

int main() {
  auto link = Jobs::open();
  auto parent = link.parent();
  mulproc::Crew crew(link, {.size = 5}, [](Jobs& inbox) {
    while (auto message = inbox.receive()) {
      if (message->request() == request::DIE) break;
      inbox.reply(*message, request::FINISHED, inbox.id()).value();
    }
  });

  bool right = true;
  for (const std::size_t chosen : {3, 0, 4, 1, 2}) {
    parent.send({.request = request::DO, .recipient = crew[chosen].id()}).value();
    auto answer = parent.receive().value();
    std::cout << "child " << chosen << " is " << crew[chosen].id() << ", and " << answer.sender() << " answers\n";
    right = right && answer.body<mulproc::ProcessId>().value() == crew[chosen].id() && parent.empty();
  }

  for (const mulproc::ExitStatus& status : crew.dismiss(parent, 10s))
    right = right && status.ok();  // a pill each, and all ended
  right = right && parent.join_for(10s) && parent.unfinished() == 0;
  std::cout << (right ? "five pills, five ends, nothing left over\n" : "something went wrong\n");
  return right ? 0 : 1;
}
