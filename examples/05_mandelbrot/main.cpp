// A crew renders the Mandelbrot set row by row: rows are offered to anyone, whoever is free takes the next.
// Writes the picture to the file named on the command line, or mandelbrot.png.
#include <array>
#include <complex>
#include <iostream>
#include <map>
#include <mulproc/channel.hpp>
#include <mulproc/crew.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/shm_deque.hpp>

#include "png.hpp"

using Rows = mulproc::Channel<mulproc::transport::shm_deque, mulproc::serializer::trivially_copyable,
                              mulproc::routing::addressed_to_me>;
namespace request = mulproc::request;
using namespace std::chrono_literals;

constexpr int width = 720, height = 480, deepest = 400;
struct Row {
  int y = 0;
  std::array<char, 3 * width> rgb{};
  bool operator==(const Row&) const = default;
};

Row render(int y) {
  Row row{.y = y};
  for (int x = 0; x < width; ++x) {
    const double re = -2.2 + 3.3 * x / width, im = 1.1 - 2.2 * y / height;
    double a = 0, b = 0;
    int depth = 0;
    for (; depth < deepest && a * a + b * b < 16; ++depth) {
      const double next = a * a - b * b + re;
      b = 2 * a * b + im;
      a = next;
    }
    if (depth == deepest) continue;                                                // inside: black
    const double t = 0.05 * (depth + 1 - std::log2(std::log2(std::hypot(a, b))));  // without steps
    const auto colour = [t](double phase) {
      return static_cast<char>(static_cast<unsigned char>(127.5 - 127.5 * std::cos(3 * t + phase)));
    };
    const auto at = static_cast<std::size_t>(3 * x);
    row.rgb[at] = colour(0.0), row.rgb[at + 1] = colour(0.5), row.rgb[at + 2] = colour(1.2);
  }
  return row;
}

int main(int argc, char** argv) {
  const std::string path = argc > 1 ? argv[1] : "mandelbrot.png";
  auto link = Rows::open({.capacity = 16});
  auto parent = link.parent();
  mulproc::Crew crew(link, {.size = 3, .restarts = 3}, [](Rows& inbox) {
    while (auto message = inbox.receive()) {
      if (message->request() == request::DIE) break;
      inbox.reply(*message, request::FINISHED, render(message->body<int>().value())).value();
    }
  });

  std::vector<Row> picture(height);
  std::map<mulproc::ProcessId, int> rows_of;
  int offered = 0;
  for (int finished = 0; finished < height; ++finished) {
    while (offered < height && parent.try_send({.request = request::DO}, offered)) ++offered;
    auto message = crew.receive(parent).value();  // a child that dies meanwhile is replaced, and its row done again
    const auto row = message.body<Row>().value();
    picture[static_cast<std::size_t>(row.y)] = row;
    ++rows_of[message.sender()];
  }
  bool right = true;
  for (const auto& status : crew.dismiss(parent, 10s)) right = right && status.ok();

  Png png(width, height);
  for (int y = 0; y < height; ++y) {
    const Row& row = picture[static_cast<std::size_t>(y)];
    right = right && row == render(y);  // as one process alone would have it
    png.add_row({row.rgb.data(), row.rgb.size()});
  }
  right = png.write(path) && right;
  for (const auto& [who, rows] : rows_of) std::cout << "child " << who << " rendered " << rows << " rows\n";
  std::cout << path << ": " << width << " x " << height
            << (right ? ", every row as one process would render it\n" : ", and it is wrong\n");
  return right ? 0 : 1;
}
