// One program, six channels: what carries the bytes, what turns objects into bytes and which messages are mine are
// three words of a type, and nothing else changes.
#include <iostream>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/routing/only_to_me.hpp>
#include <mulproc/serializer/boost_binary.hpp>
#include <mulproc/serializer/boost_text.hpp>
#include <mulproc/serializer/json.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/pipe.hpp>
#include <mulproc/transport/shm_deque.hpp>

using namespace mulproc;

template <class T, class S, class R>
bool add_up(std::string_view routing_name) {
  using Numbers = Channel<T, S, R>;
  auto link = Numbers::open();
  auto parent = link.parent();
  auto adder = spawn(link, [](Numbers& inbox) {
    long sum = 0;
    while (auto message = inbox.receive()) {
      if (message->request() == request::DIE) break;
      inbox.reply(*message, request::FINISHED, sum += message->template body<int>().value()).value();
    }
  });
  long sum = 0;
  for (int number = 1; number <= 100; ++number) {
    parent.send({.request = request::DO, .recipient = adder.id()}, number).value();
    sum = parent.receive().value().template body<long>().value();
  }
  parent.send({.request = request::DIE, .recipient = adder.id()}).value();
  std::cout << "1 + 2 + ... + 100 = " << sum << " over " << T::name << ", " << S::name << ", " << routing_name << '\n';
  return adder.wait().ok() && sum == 5050;
}

int main() {
  using namespace transport;
  using namespace serializer;
  using namespace routing;
  bool right = add_up<transport::pipe, trivially_copyable, addressed_to_me>("addressed_to_me");
  right = add_up<shm_deque, trivially_copyable, addressed_to_me>("addressed_to_me") && right;
  right = add_up<message_queue, trivially_copyable, addressed_to_me>("addressed_to_me") && right;
  right = add_up<shm_deque, boost_binary, only_to_me>("only_to_me") && right;
  right = add_up<transport::pipe, boost_text, only_to_me>("only_to_me") && right;
  right = add_up<message_queue, json, only_to_me>("only_to_me") && right;
  return right ? 0 : 1;
}
