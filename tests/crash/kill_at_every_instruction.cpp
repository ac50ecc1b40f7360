// T1, T2: a participant is killed at each instruction of each operation, and so is who cleans up after it; the survivors
// go on and nothing is lost.
//
//   kill_at_every_instruction [--all-pairs] [--every N] [--operation NAME] [--patience SECONDS] [--table FILE]
//
// Each point is a kill of its own: another channel, another victim, SIGKILL after the k-th instruction, fresh survivors.
// Stepping to each k would be quadratic; so the operation is stepped once and its route written down, and the victims run
// at full speed to a breakpoint. Of those who clean up, the quick form kills a sample, spread over the states that a first
// death can leave (shared memory and locks held) and over their own instructions; --all-pairs kills one at each. --every N
// leaves out N - 1 of N points, two of three states, and makes the sample smaller.
#include <sys/mman.h>

#include <array>
#include <cstring>
#include <iostream>

#include "point.hpp"
#include "table.hpp"
#include "transport.hpp"

namespace mulproc::tests {

using C = Crashing<T>;

constexpr std::size_t workers = 2;

struct Asked {
  bool all_pairs = false;
  std::string operation, table;
  unsigned patience = 30;  // a point that takes longer hangs
  std::size_t every = 1;   // a kill after each instruction, or each second one, ...; after the last one in any case
};

class Operation {
 public:
  Operation(const Scenario<C>& scenario, const Asked& asked) : scenario_(scenario), asked_(asked) {
    void* memory = ::mmap(nullptr, workers * sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::system_category(), "mmap");
    tallies_ = static_cast<Tally*>(memory);
  }
  Operation(const Operation&) = delete;
  ~Operation() { ::munmap(tallies_, workers * sizeof(Tally)); }

  /// Every point is taken by one of the workers. One that hangs is ended and counted, and another goes on behind it.
  Row run() {
    std::array<pid_t, workers> pids{};
    for (std::size_t w = 0; w < workers; ++w) pids[w] = start(w);
    for (std::size_t w = 0; w < workers; ++w) {
      int status = 0;
      while (::waitpid(pids[w], &status, 0) == pids[w] && WIFSIGNALED(status)) {
        tallies_[w].finds({Flaw::hang, WTERMSIG(status) == SIGALRM ? "no end in sight" : ::strsignal(WTERMSIG(status))});
        if (tallies_[w].flaws[int(Flaw::hang)] > 3) break;
        pids[w] = start(w);
      }
    }
    Row row(scenario_.name);
    for (std::size_t w = 0; w < workers; ++w) row.add(tallies_[w]);
    return row;
  }

 private:
  pid_t start(std::size_t w) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    stay_on_one_core(w);
    look_for_deaths_every<T>(0ms);  // survivors see every death at once
    try {
      work(tallies_[w], w);
    } catch (const std::exception& error) {
      tallies_[w].finds({Flaw::other, error.what()});
    }
    ::_exit(0);
  }
  /// Takes up its work where it, or the one before it, left off.
  void work(Tally& tally, std::size_t w) {
    ::alarm(asked_.patience);
    // The first ones only warm the heap up, which the later ones inherit: their route is the one to write down.
    for (int i = 0; i < 3; ++i) {
      Point<T> point(scenario_);
      point.kill_victim(nullptr);
      (void)point.survive();
    }
    const Route route = Point<T>(scenario_).route_of_victim();
    const auto states = route.states();
    tally.instructions = route.places.size();
    tally.states = states.size();
    const auto begin = [&] { return (w + workers * tally.points_begun) * asked_.every; };
    for (std::size_t k = begin(), end = route.places.size(); k < end + asked_.every; k = begin()) {
      k = std::min(k, end);
      ::alarm(asked_.patience);
      ++tally.points_begun;
      tally.point = k;
      Point<T> point(scenario_);
      const bool came_by = point.kill_victim(k < route.places.size() ? &route.places[k] : nullptr);
      tally.points += came_by ? 1 : 0;
      tally.finds(point.survive());
    }
    if (!C::promises.survives_kill) return;
    // The way of who cleans up is stepped anew for each state, and that takes longer than all of its kills.
    const std::size_t states_each = asked_.every == 1 ? 1 : 3;
    for (std::size_t s = (w + workers * tally.states_begun) * states_each; s < states.size(); s += workers * states_each) {
      ++tally.states_begun;
      kill_cleaners(tally, route.places[states[s]], states[s]);
    }
  }
  /// T2: the first death leaves a state; who cleans up after it dies too.
  void kill_cleaners(Tally& tally, const Place& place, std::size_t k) {
    ::alarm(asked_.patience);
    tally.point = k;
    Point<T> first(scenario_);
    first.kill_victim(&place);
    const Route cleaning = first.route_of_cleaner();
    const std::size_t sample = asked_.every == 1 ? 16 : 6;
    const std::size_t step = asked_.all_pairs ? 1 : cleaning.places.size() / sample + 1;
    for (std::size_t second = asked_.all_pairs ? 0 : k % step; second < cleaning.places.size(); second += step) {
      ::alarm(asked_.patience);
      tally.second = second;
      Point<T> point(scenario_);
      point.kill_victim(&place);
      if (point.kill_cleaner(cleaning.places[second])) ++tally.pairs;
      tally.finds(point.survive());
    }
  }

  const Scenario<C>& scenario_;
  const Asked& asked_;
  Tally* tallies_;
};

int main(int argc, char** argv) {
  Asked asked;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--all-pairs") {
      asked.all_pairs = true;
    } else if (word == "--operation" && i + 1 < argc) {
      asked.operation = argv[++i];
    } else if (word == "--patience" && i + 1 < argc) {
      asked.patience = static_cast<unsigned>(std::stoul(argv[++i]));
    } else if (word == "--every" && i + 1 < argc) {
      asked.every = std::max<std::size_t>(1, std::stoul(argv[++i]));
    } else if (word == "--table" && i + 1 < argc) {
      asked.table = argv[++i];
    } else {
      std::cerr << "usage: kill_at_every_instruction [--all-pairs] [--every N] [--operation NAME] [--patience SECONDS] [--table FILE]\n";
      return 2;
    }
  }
  Table table(T::name, asked.table, asked.every);
  for (const auto& scenario : scenarios<T>()) {
    if (asked.operation.empty() || scenario.name == asked.operation) table.add(Operation(scenario, asked).run());
  }
  return table.all_zero() ? 0 : 1;
}

}  // namespace mulproc::tests

int main(int argc, char** argv) { return mulproc::tests::main(argc, argv); }
