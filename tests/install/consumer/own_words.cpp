// Three words of the program's own.
#include <mulproc/channel.hpp>
#include <mulproc/crew.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/pipe.hpp>

using Line =
    mulproc::Channel<mulproc::transport::pipe, mulproc::serializer::trivially_copyable, mulproc::routing::everything>;

int main() {
  auto link = Line::open();
  auto parent = link.parent();
  auto child = mulproc::spawn(link, [](Line& line) { line.send({.request = "HELLO"}, 42).value(); });
  return parent.receive().value().body<int>().value() == 42 && child.wait().ok() ? 0 : 1;
}
