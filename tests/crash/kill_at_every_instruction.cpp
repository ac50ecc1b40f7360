// T1, T2: a participant is killed at each instruction of each operation, and so is who cleans up after it; the survivors
// go on and nothing is lost.
//
//   kill_at_every_instruction [--every-instruction] [--transport NAME] [--operation NAME] [--patience SECONDS]
//
// What a killed process leaves is its shared memory and the locks it held. So the operation is stepped once, and all the
// instructions after which these are the same count as one state; in the quick form one kill is done for each state, in
// the long one (--every-instruction) for each instruction.
#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iomanip>
#include <iostream>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/shm_deque.hpp>

#include "scenarios.hpp"
#include "walk.hpp"

namespace mulproc::tests {

using shared_memory::Participants;
using namespace std::chrono_literals;

constexpr std::size_t workers = 2, to_the_end = ~std::size_t{0};

/// A point that takes longer hangs.
unsigned patience = 30;

/// Written by the workers, read by who waits for them.
struct Tally {
  std::atomic<std::size_t> instructions, states, kills, pairs, hangs, wrong;
  std::atomic<std::size_t> at;  // the stop a worker is at, for who finds it hanging
  char first_failure[240];

  void fails(std::size_t stop, const std::string& why) {
    if (wrong++ == 0) std::snprintf(first_failure, sizeof first_failure, "at stop %zu: %s", stop, why.c_str());
  }
};

/// One channel, one scenario, one victim killed at a stop, and then, if wanted, one who cleans up killed at a stop of his.
template <class C>
struct Point {
  typename C::Link link = C::open({.capacity = capacity, .max_body_bytes = 2200, .max_participants = 6});
  C parent = link.parent();
  Stage<C> stage{link, {}, {}};
  std::set<int> sent;

  explicit Point(const Scenario<C>& scenario) {
    for (int i = 0; i < scenario.queued; ++i) parent.send({}, i).value(), sent.insert(i);
  }
  Walk kill_victim(const Scenario<C>& scenario, std::size_t stops, Stop stop) {
    SingleStep victim(
        [&] {
          Participants::look_every = 1h;
          scenario.before(stage);
        },
        [&] { scenario.operation(stage); }, scenario.brackets);
    const Walk walk(victim, stops, stop, scenario.wake ? [&] { scenario.wake(parent); } : std::function<void()>());
    victim.kill();
    return walk;
  }
  Walk kill_cleaner(std::size_t stops, Stop stop) {
    SingleStep cleaner([] {}, [&] { (void)link.child().unfinished(); }, Brackets::around);
    const Walk walk(cleaner, stops, stop, {});
    cleaner.kill();
    return walk;
  }
};

template <class C>
class Operation {
 public:
  Operation(const Scenario<C>& scenario, Stop stop) : scenario_(scenario), stop_(stop) {
    void* memory = ::mmap(nullptr, workers * sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::system_category(), "mmap");
    tallies_ = static_cast<Tally*>(memory);
  }
  Operation(const Operation&) = delete;
  ~Operation() { ::munmap(tallies_, workers * sizeof(Tally)); }

  /// Every stop is taken by one of the workers. One that hangs is ended and counted, and another goes on behind it.
  void run() {
    std::array<pid_t, workers> pids{};
    for (std::size_t w = 0; w < workers; ++w) pids[w] = start(w, w);
    for (std::size_t w = 0; w < workers; ++w) {
      int status = 0;
      while (::waitpid(pids[w], &status, 0) == pids[w] && WIFSIGNALED(status)) {
        if (++tallies_[w].hangs > 3) break;
        pids[w] = start(w, tallies_[w].at + workers);
      }
    }
  }

  std::size_t sum(std::atomic<std::size_t> Tally::*member) const { return (tallies_[0].*member) + (tallies_[1].*member); }
  std::size_t most(std::atomic<std::size_t> Tally::*member) const { return std::max((tallies_[0].*member).load(), (tallies_[1].*member).load()); }
  std::string first_failure() const { return tallies_[0].wrong != 0 ? tallies_[0].first_failure : tallies_[1].first_failure; }

 private:
  pid_t start(std::size_t w, std::size_t first) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    stay_on_one_core(w);
    Participants::look_every = 0ms;  // survivors see every death at once
    try {
      work(tallies_[w], first);
    } catch (const std::exception& error) {
      tallies_[w].fails(tallies_[w].at, error.what());
    }
    ::_exit(0);
  }
  void work(Tally& tally, std::size_t first) {
    for (std::size_t stops = first;; stops += workers) {
      tally.at = stops;
      ::alarm(patience);
      if (!kill_at(stops, tally)) return;
    }
  }
  /// Says false when the operation ends before that stop.
  bool kill_at(std::size_t stops, Tally& tally) {
    Drained<C>::most_attempts = 2;
    Point<C> point(scenario_);
    const auto walk = point.kill_victim(scenario_, stops, stop_);
    ++tally.kills;
    add_own_messages(point.sent);
    const auto wrong = verify(point.link, point.parent, scenario_, point.sent, walk.woken, walk.finished);
    if (!wrong.empty()) tally.fails(stops, wrong);
    if (walk.finished) {
      tally.instructions = walk.instructions;
      tally.states = walk.states + 1;
      return false;
    }
    if (C::promises.survives_kill) kill_cleaners(stops, tally);
    return true;
  }
  /// T2: each state in which who cleans up after this death may die himself; in the quick form a sample, another one each time.
  void kill_cleaners(std::size_t stops, Tally& tally) {
    constexpr std::size_t sample = 128;
    Drained<C>::most_attempts = 2;
    for (std::size_t second = stop_ == Stop::at_each_state ? stops * 7 % sample : 0;; second += stop_ == Stop::at_each_state ? sample : 1) {
      ::alarm(patience);
      Point<C> point(scenario_);
      const auto walk = point.kill_victim(scenario_, stops, stop_);
      const auto cleaned = point.kill_cleaner(second, Stop::at_each_state);
      ++tally.pairs;
      add_own_messages(point.sent);
      const auto wrong = verify(point.link, point.parent, scenario_, point.sent, walk.woken, walk.finished);
      if (!wrong.empty()) tally.fails(stops, "who cleaned up killed at " + std::to_string(second) + ": " + wrong);
      if (cleaned.finished) return;
    }
  }
  void add_own_messages(std::set<int>& sent) const {
    if (scenario_.name == "send, room for one") sent.insert({50, 51, 52});
    if (scenario_.name == "send, no room") sent.insert({50, 51, 52, 53});
  }

  const Scenario<C>& scenario_;
  const Stop stop_;
  Tally* tallies_;
};

struct Total {
  std::size_t operations = 0, instructions = 0, kills = 0, pairs = 0, failures = 0;
};

template <class T>
void run(Stop stop, const std::string& only, Total& total) {
  for (const auto& scenario : scenarios<Crashing<T>>()) {
    if (!only.empty() && scenario.name != only) continue;
    Operation<Crashing<T>> operation(scenario, stop);
    operation.run();
    const auto instructions = operation.most(&Tally::instructions), kills = operation.sum(&Tally::kills), pairs = operation.sum(&Tally::pairs);
    const auto hangs = operation.sum(&Tally::hangs), wrong = operation.sum(&Tally::wrong);
    std::cout << std::left << std::setw(15) << T::name << std::setw(24) << scenario.name << std::right << std::setw(13) << instructions
              << std::setw(8) << operation.most(&Tally::states) << std::setw(8) << kills << std::setw(8) << pairs << std::setw(7) << hangs
              << std::setw(7) << wrong << "  " << operation.first_failure() << std::endl;
    ++total.operations;
    total.instructions += instructions;
    total.kills += kills;
    total.pairs += pairs;
    total.failures += hangs + wrong + (instructions == 0 ? 1 : 0);
  }
}

int main(int argc, char** argv) {
  Stop stop = Stop::at_each_state;
  std::string only, transport;
  for (int i = 1; i < argc; ++i) {
    if (argv[i] == std::string("--every-instruction")) {
      stop = Stop::at_each_instruction;
    } else if (argv[i] == std::string("--operation") && i + 1 < argc) {
      only = argv[++i];
    } else if (argv[i] == std::string("--transport") && i + 1 < argc) {
      transport = argv[++i];
    } else if (argv[i] == std::string("--patience") && i + 1 < argc) {
      patience = static_cast<unsigned>(std::stoul(argv[++i]));
    } else {
      std::cerr << "usage: kill_at_every_instruction [--every-instruction] [--transport NAME] [--operation NAME] [--patience SECONDS]\n";
      return 2;
    }
  }
  std::cout << "transport      killed in                instructions  states   kills   pairs  hangs  wrong" << std::endl;
  Total total;
  if (transport.empty() || transport == "shm_deque") run<transport::shm_deque>(stop, only, total);
  if (transport.empty() || transport == "message_queue") run<transport::message_queue>(stop, only, total);
  std::cout << total.operations << " operations, " << total.instructions << " instructions, " << total.kills << " kills, " << total.pairs
            << " kills of who cleaned up, " << total.failures << " failures\n";
  return total.failures == 0 && total.operations != 0 ? 0 : 1;
}

}  // namespace mulproc::tests

int main(int argc, char** argv) { return mulproc::tests::main(argc, argv); }
