// A worker is killed with kill -9 in the middle of a task. The crew replaces it, somebody else does the task, the job completes.
#include <signal.h>

#include <iostream>
#include <mulproc/channel.hpp>
#include <mulproc/crew.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <set>

using Jobs = mulproc::Channel<mulproc::transport::shm_deque, mulproc::serializer::trivially_copyable, mulproc::routing::addressed_to_me>;
namespace request = mulproc::request;
using namespace std::chrono_literals;
constexpr mulproc::Request again = "FINISHED AGAIN";

int main() {
  auto link = Jobs::open();
  auto parent = link.parent();
  mulproc::Crew crew(link, {.size = 3, .restarts = 1}, [](Jobs& inbox) {
    while (auto message = inbox.receive()) {
      if (message->request() == request::DIE) return;
      const int task = message->body<int>().value();
      if (task == 4 && message->attempt() == 1) ::kill(::getpid(), SIGKILL);  // what an operator or the kernel might do
      inbox.reply(*message, message->attempt() > 1 ? again : request::FINISHED, task * task).value();
    }
  });

  for (int task = 0; task < 9; ++task) parent.send({.request = request::DO}, task).value();
  std::set<int> squares;
  while (squares.size() < 9) {
    const auto answer = crew.receive(parent).value();  // sees the death, and replaces the dead
    squares.insert(answer.body<int>().value());
    std::cout << answer.body<int>().value() << " from " << answer.sender() << (answer.request() == again ? ", at the second attempt\n" : "\n");
  }
  while (crew.deaths().empty()) crew.tend();  // the others may have been faster than its end
  bool right = *squares.rbegin() == 64;
  for (const auto& status : crew.dismiss(parent, 10s)) right = right && status.ok();
  for (const auto& death : crew.deaths()) std::cout << death.who << " was killed by signal " << death.status.signal << (death.replaced ? " and replaced\n" : "\n");
  return right && crew.deaths().size() == 1 && crew.deaths()[0].status.signal == SIGKILL ? 0 : 1;
}
