// Run under valgrind --tool=callgrind --collect-atstart=no: one dump for each loop, named after what was counted.
#include <valgrind/callgrind.h>

#include <iostream>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/pipe.hpp>
#include <mulproc/transport/shm_deque.hpp>
#if __has_include(<mulproc/transport/shm_lanes.hpp>)
#include <mulproc/transport/shm_lanes.hpp>
#endif
#include <stress/benchmarks/costs/loops.hpp>

namespace {

constexpr int warm_up = 200, messages = 500;
constexpr std::chrono::microseconds patience{20};  // longer than whatever waits for more to come, whose turns would be counted

/// Collects what `operation` does in each turn and dumps it; `other` is done between, uncounted.
template <class Before, class Operation, class After>
void count(const std::string& label, Before before, Operation operation, After after) {
  CALLGRIND_ZERO_STATS;
  for (int i = 0; i < messages; ++i) {
    before();
    for (const auto until = std::chrono::steady_clock::now() + patience; std::chrono::steady_clock::now() < until;) continue;
    CALLGRIND_TOGGLE_COLLECT;
    operation();
    CALLGRIND_TOGGLE_COLLECT;
    after();
  }
  CALLGRIND_DUMP_STATS_AT(label.c_str());
}

template <class Loop>
void count_both(std::string_view transport) {
  Loop loop;
  const auto nothing = [] {};
  const auto send = [&] { loop.send(); };
  const auto receive = [&] { loop.receive(); };
  for (int i = 0; i < warm_up; ++i) send(), receive();
  const std::string labels = std::string(transport) + '.' + std::string(Loop::name);
  count("instructions." + labels + ".send", nothing, send, receive);
  count("instructions." + labels + ".receive", send, receive, nothing);
  if (loop.sum() != warm_up + 2 * messages) throw std::logic_error(labels + ": the sum is wrong");
}

/// A receiver that came late and never has less than sixty before it; what it did to catch up must not go on for ever.
template <class T>
void count_sixty_behind() {
  constexpr int ahead = 60;
  mulproc::costs::ByChannel<T> loop;
  for (int i = 0; i < ahead; ++i) loop.look();
  for (int i = 0; i < ahead; ++i) loop.send();
  const auto send = [&] { loop.send(); };
  const auto receive = [&] { loop.receive(); };
  for (int i = 0; i < warm_up; ++i) receive(), send();
  count("instructions." + std::string(T::name) + ".channel.receive_sixty_behind", [] {}, receive, send);
}

template <class T>
void over() {
  using namespace mulproc::costs;
  count_both<ByChannel<T>>(T::name);
  count_both<ByHand<T>>(T::name);
  count_sixty_behind<T>();
}

}  // namespace

int main() {
  if (RUNNING_ON_VALGRIND == 0) {
    std::cerr << "run by make costs, under valgrind --tool=callgrind\n";
    return 2;
  }
  count("bracket", [] {}, [] {}, [] {});  // what the bracket itself adds
  over<mulproc::transport::pipe>();
  over<mulproc::transport::message_queue>();
  over<mulproc::transport::shm_deque>();
#if __has_include(<mulproc/transport/shm_lanes.hpp>)
  over<mulproc::transport::shm_lanes>();
#endif
  std::cout << messages << '\n';
}
