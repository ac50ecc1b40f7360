// What can be counted without valgrind: heap allocations and system calls of one message, both endpoints in one thread so
// that nobody sleeps, and the memory that one more participant takes while it has nothing to do. One "name value" a line.
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/pipe.hpp>
#include <mulproc/transport/shm_deque.hpp>
#if __has_include(<mulproc/transport/shm_lanes.hpp>)
#include <mulproc/transport/shm_lanes.hpp>
#endif
#include <stress/benchmarks/costs/loops.hpp>
#include <stress/benchmarks/costs/system_calls.hpp>
#include <support/allocation_count.hpp>

namespace {

using namespace mulproc::costs;
using mulproc::tests::allocations;

constexpr int warm_up = 500, messages = 1000;


template <class T>
void allocations_of() {
  ByChannel<T> loop;
  for (int i = 0; i < warm_up; ++i) loop.send(), loop.receive();
  std::size_t in_send = 0, in_receive = 0;
  for (int i = 0; i < messages; ++i) {
    const std::size_t before = allocations();
    loop.send();
    const std::size_t between = allocations();
    loop.receive();
    in_send += between - before, in_receive += allocations() - between;
  }
  std::cout << "allocations." << T::name << ".send " << static_cast<double>(in_send) / messages << '\n'
            << "allocations." << T::name << ".receive " << static_cast<double>(in_receive) / messages << '\n';
}

template <class T>
void system_calls_of() {
  const auto [in_send, in_receive] = count_system_calls([](auto sends, auto receives, auto rests) {
    ByChannel<T> loop;
    for (int i = 0; i < warm_up; ++i) loop.send(), loop.receive();
    for (int i = 0; i < messages; ++i) {
      sends();
      loop.send();
      receives();
      loop.receive();
      rests();
    }
  });
  std::cout << "system_calls." << T::name << ".send " << static_cast<double>(in_send) / messages << '\n'
            << "system_calls." << T::name << ".receive " << static_cast<double>(in_receive) / messages << '\n';
}

std::size_t resident_bytes() {
  std::ifstream sizes("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  sizes >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

template <class T>
void idle_memory_of() {
  constexpr std::size_t crowd = 1000;
  using C = mulproc::Channel<T, mulproc::serializer::trivially_copyable, mulproc::routing::addressed_to_me>;
  auto link = C::open(options<T>(crowd + 2));
  auto parent = link.parent();
  std::vector<C> children;
  children.reserve(crowd);
  const std::size_t before = resident_bytes();
  for (std::size_t i = 0; i < crowd; ++i) children.push_back(link.child());
  std::cout << "idle_bytes_per_participant." << T::name << ' ' << (resident_bytes() - before) / crowd << '\n';
}

template <class T>
void over() {
  allocations_of<T>();
  system_calls_of<T>();
  if constexpr (T::promises.many_to_many) idle_memory_of<T>();
}

}  // namespace

int main() {
  over<mulproc::transport::pipe>();
  over<mulproc::transport::message_queue>();
  over<mulproc::transport::shm_deque>();
#if __has_include(<mulproc/transport/shm_lanes.hpp>)
  over<mulproc::transport::shm_lanes>();
#endif
}
