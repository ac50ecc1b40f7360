// Which channel this is was chosen when the build was configured:
//   cmake -S . -B build -DMULPROC_TRANSPORT=pipe -DMULPROC_SERIALIZER=json -DMULPROC_ROUTING=only_to_me
#include <iostream>
#include <mulproc/configured.hpp>
#include <mulproc/process.hpp>

using mulproc::ConfiguredChannel;
namespace request = mulproc::request;

template <class Channel>
int double_it(int number) {
  auto link = Channel::open();
  auto parent = link.parent();
  if constexpr (Channel::promises.between_processes) {
    auto child = mulproc::spawn(link, [](Channel& inbox) {
      auto message = inbox.receive().value();
      inbox.reply(message, request::FINISHED, 2 * message.template body<int>().value()).value();
    });
    parent.send({.request = request::DO, .recipient = child.id()}, number).value();
    // A policy such as everything takes one's own messages too: ask for the child's.
    return parent.receive([&](const auto& seen) { return seen.sender() == child.id(); })
        .value()
        .template body<int>()
        .value();
  } else {
    auto child = link.child();
    parent.send({.request = request::DO, .recipient = child.id()}, number).value();
    child.reply(child.receive().value(), request::FINISHED, 2 * number).value();
    return parent.receive().value().template body<int>().value();
  }
}

int main() {
  const int answer = double_it<ConfiguredChannel>(21);
  std::cout << "twice 21 over the configured channel is " << answer << '\n';
  return answer == 42 ? 0 : 1;
}
