// One producer, one consumer process, 64-byte bodies, trivially_copyable: messages per second of each transport,
// interleaved in one run, with the ratio of shm_deque to message_queue. Figures, not a test.
#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <mulproc/channel.hpp>
#include <mulproc/process.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/pipe.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <vector>

namespace {

constexpr int messages = 100'000, repetitions = 7;
using Body = std::array<std::uint64_t, 8>;

template <class T>
double messages_per_second() {
  using C = mulproc::Channel<T, mulproc::serializer::trivially_copyable, mulproc::routing::addressed_to_me>;
  auto link = C::open({.capacity = 256});
  auto parent = link.parent();
  auto consumer = mulproc::spawn(link, [](C& inbox) {
    std::uint64_t sum = 0;
    while (auto message = inbox.receive()) sum += message->template body<Body>().value()[0];
    return sum == std::uint64_t{messages} * (messages - 1) / 2 ? 0 : 1;
  });
  const auto begin = std::chrono::steady_clock::now();
  Body body{};
  for (int i = 0; i < messages; ++i) {
    body[0] = static_cast<std::uint64_t>(i);
    parent.send({.request = mulproc::request::DO}, body).value();
  }
  parent.close().value();
  if (!consumer.wait().ok()) throw std::runtime_error("the consumer's sum is wrong");
  return messages / std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main() {
  std::vector<double> pipe, queue, deque, ratio;
  for (int i = 0; i < repetitions; ++i) {
    pipe.push_back(messages_per_second<mulproc::transport::pipe>());
    queue.push_back(messages_per_second<mulproc::transport::message_queue>());
    deque.push_back(messages_per_second<mulproc::transport::shm_deque>());
    ratio.push_back(deque.back() / queue.back());
  }
  std::cout << "64-byte bodies one way, median of " << repetitions << " interleaved runs, messages/s:\n"
            << "  pipe " << median(pipe) << ", message_queue " << median(queue) << ", shm_deque " << median(deque) << '\n'
            << "  shm_deque : message_queue " << median(ratio) << " (" << *std::min_element(ratio.begin(), ratio.end()) << " to "
            << *std::max_element(ratio.begin(), ratio.end()) << ")\n";
}
