// The words the installed package was configured with.
#include <iostream>
#include <mulproc/configured.hpp>

int main() {
  using Channel = mulproc::ConfiguredChannel;
  auto link = Channel::open();
  auto parent = link.parent();
  auto child = link.child();
  parent.send({.recipient = child.id()}, 21).value();
  const int got = child.receive().value().body<int>().value();
  std::cout << "sent 21, received " << got << '\n';
  return got == 21 ? 0 : 1;
}
