// The README's opening program, whole: a worker takes a job, answers it, and ends by a poison pill.
#include <iostream>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/boost_binary.hpp>
#include <mulproc/transport/shm_deque.hpp>

using Jobs = mulproc::Channel<mulproc::transport::shm_deque,
                              mulproc::serializer::boost_binary,
                              mulproc::routing::addressed_to_me>;
namespace request = mulproc::request;

struct Job {
  std::string word;
  int times = 1;
  void serialize(auto& archive, unsigned) { archive & word & times; }  // Boost.Serialization's own way
};

int main() {
  auto link = Jobs::open({.capacity = 64});              // before fork: nothing is attached yet
  auto parent = link.parent();                           // this process' endpoint
  auto worker = mulproc::spawn(link, [](Jobs& inbox) {   // fork; the child gets its endpoint
    while (auto message = inbox.receive()) {             // holding a message = working on it
      if (message->request() == request::DIE) break;
      const auto job = message->body<Job>().value();     // decoded only here, only by its receiver
      std::string song;
      for (int i = 0; i < job.times; ++i) song += job.word;
      inbox.reply(*message, request::FINISHED, song).value();
    }                                                    // letting go of it = done
  });
  parent.send({.request = request::DO, .recipient = worker.id()}, Job{"la", 3}).value();
  const auto song = parent.receive().value().body<std::string>().value();
  parent.send({.request = request::DIE, .recipient = worker.id()}).value();
  std::cout << song << '\n';
  return worker.wait().ok() && song == "lalala" ? 0 : 1;
}
