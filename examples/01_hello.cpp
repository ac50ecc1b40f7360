// A child says hello to its parent over a pipe, and the parent answers.
#include <iostream>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/serializer/boost_binary.hpp>
#include <mulproc/transport/pipe.hpp>

using Line =
    mulproc::Channel<mulproc::transport::pipe, mulproc::serializer::boost_binary, mulproc::routing::everything>;

int main() {
  auto link = Line::open();
  auto parent = link.parent();
  auto child = mulproc::spawn(link, [](Line& line) {
    line.send({.request = "GREET"}, "hello from your child").value();  // a literal travels as std::string
    const auto answer = line.receive().value().body<std::string>().value();
    std::cout << "the child hears:  " << answer << '\n';
    return answer == "hello from your parent" ? 0 : 1;
  });

  auto greeting = parent.receive().value();
  const auto words = greeting.body<std::string>().value();
  std::cout << "the parent hears: " << words << '\n';
  parent.reply(greeting, "GREET", "hello from your parent").value();

  const bool from_the_child = greeting.sender() == child.id();
  return child.wait().ok() && from_the_child && words == "hello from your child" ? 0 : 1;
}
