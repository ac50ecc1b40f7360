// Addresses choose who gets a message; a predicate chooses which of mine I take first. What is refused keeps its place.
#include <iostream>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/only_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <vector>

using Post = mulproc::Channel<mulproc::transport::shm_deque, mulproc::serializer::trivially_copyable,
                              mulproc::routing::only_to_me>;

// Takes the urgent letters first, then the others; says in which order as one number: 42 then 1 then 2 is 4212.
int read_letters(Post& inbox) {
  std::vector<int> order;
  const auto urgent = [](const Post::MessageView& letter) { return letter.body<int>().value() >= 40; };  // looks inside
  order.push_back(inbox.receive(urgent).value().body<int>().value());
  while (order.size() < 3) order.push_back(inbox.receive().value().body<int>().value());
  int all = 0;
  for (const int letter : order) all = letter < 10 ? all * 10 + letter : all * 100 + letter;
  inbox.send({.request = "READ", .recipient = inbox.parent_id()}, all).value();
  return 0;
}

int main() {
  auto link = Post::open();
  auto parent = link.parent();
  auto anna = mulproc::spawn(link, read_letters);
  auto bert = mulproc::spawn(link, read_letters);
  for (const int letter : {1, 2, 42}) {
    parent.send({.request = "LETTER", .recipient = anna.id()}, letter).value();
    parent.send({.request = "LETTER", .recipient = bert.id()}, letter + 3).value();
  }

  // Bert's answer is asked for first, whichever comes first.
  const auto from = [](mulproc::ProcessId who) {
    return [who](const Post::MessageView& m) { return m.sender() == who; };
  };
  const int berts = parent.receive(from(bert.id())).value().body<int>().value();
  const int annas = parent.receive(from(anna.id())).value().body<int>().value();
  std::cout << "Anna read " << annas << ", Bert read " << berts << '\n';
  return anna.wait().ok() && bert.wait().ok() && annas == 4212 && berts == 4545 ? 0 : 1;
}
