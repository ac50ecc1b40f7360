// A worker takes a job, answers it, and ends by a poison pill.
#include <iostream>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/shm_deque.hpp>

using Jobs = mulproc::Channel<mulproc::transport::shm_deque, mulproc::serializer::trivially_copyable, mulproc::routing::addressed_to_me>;
namespace request = mulproc::request;

int main() {
  auto link = Jobs::open({.capacity = 64});              // before fork: nothing is attached yet
  auto parent = link.parent();                           // this process' endpoint
  auto worker = mulproc::spawn(link, [](Jobs& inbox) {   // fork; the child gets its endpoint
    while (auto message = inbox.receive()) {             // holding a message = working on it
      if (message->request() == request::DIE) break;
      const int job = message->body<int>().value();      // decoded only here, only by its receiver
      inbox.reply(*message, request::FINISHED, job + 1).value();
    }                                                    // letting go of it = done
  });
  parent.send({.request = request::DO, .recipient = worker.id()}, 20).value();
  const int answer = parent.receive().value().body<int>().value();
  parent.send({.request = request::DIE, .recipient = worker.id()}).value();
  std::cout << "20 and one is " << answer << '\n';
  return worker.wait().ok() && answer == 21 ? 0 : 1;
}
