// Four children report to one parent; the parent hears from each exactly once, and then that all are gone.
#include <iostream>
#include <map>
#include <mulproc/channel.hpp>
#include <mulproc/crew.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/shm_deque.hpp>

using Reports = mulproc::Channel<mulproc::transport::shm_deque, mulproc::serializer::trivially_copyable,
                                 mulproc::routing::addressed_to_me>;

int main() {
  auto link = Reports::open();
  auto parent = link.parent();
  mulproc::Crew crew(link, {.size = 4}, [](Reports& outbox) {
    const long mine = outbox.id().pid;
    outbox.send({.request = "REPORT", .recipient = outbox.parent_id()}, 2 * mine + 1).value();
  });

  std::map<mulproc::ProcessId, long> heard;
  std::size_t messages = 0;
  while (auto report = parent.receive()) {  // until `closed`: every child is gone and nothing is left
    heard[report->sender()] = report->body<long>().value();
    ++messages;
  }

  bool right = messages == crew.size();
  for (mulproc::Child& child : crew) {
    const long id = child.id().pid;
    std::cout << "child " << id << " reports " << heard[child.id()] << '\n';
    right = right && child.wait().ok() && heard[child.id()] == 2 * id + 1;
  }
  std::cout << messages << " reports from " << crew.size() << " children\n";
  return right ? 0 : 1;
}
