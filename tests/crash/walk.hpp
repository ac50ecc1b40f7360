#pragma once
/// The way an operation takes, written down once instruction by instruction; and how another victim is brought to any
/// place of it at full speed.
#include <sched.h>

#include <algorithm>

#include "single_step.hpp"

namespace mulproc::tests {

/// Where an operation may be killed: before it executes what is at `address` for the `visits`-th time.
struct Place {
  std::uintptr_t address = 0;
  std::size_t visits = 1;
  std::size_t repetitions = 0;  // ... and that many rounds into a repeated instruction (rep movs)
  std::size_t state = 0;        // the same state: what outlives the dead is the same
  bool asleep = false;          // ... in that system call
};

enum class States { told_apart, ignored };
using Wake = std::function<void()>;

/// All places of one operation, in order.
struct Route {
  std::vector<Place> places;
  bool woken = false;

  Route(SingleStep& victim, States states, const Wake& wake) {
    places.reserve(most_places);
    Place here;
    std::uint64_t last = states == States::told_apart ? victim.what_outlives_it() : 0;
    for (bool blocked = false;;) {
      if (!blocked) {
        const auto address = victim.at();
        here.repetitions = address == here.address ? here.repetitions + 1 : 0;
        here.address = address;
        if (here.repetitions == 0) here.visits = 1 + visits_of(address);
        if (states == States::told_apart && !places.empty()) {
          if (const auto now = victim.what_outlives_it(); now != last) ++here.state, last = now;
        }
        places.push_back(here);
      }
      const auto step = victim.step();
      if (step == SingleStep::Step::finished) return;
      blocked = step == SingleStep::Step::blocked;
      if (!blocked) continue;
      if (woken || !wake) throw std::runtime_error("it blocks and nothing wakes it");
      Place asleep = here;
      asleep.asleep = true;
      asleep.state = ++here.state;
      places.push_back(asleep);
      woken = true;
      wake();
    }
  }
  /// The first place of each state.
  std::vector<std::size_t> states() const {
    std::vector<std::size_t> first;
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (i == 0 || places[i].state != places[i - 1].state) first.push_back(i);
    }
    return first;
  }

 private:
  // All in one piece: the victims inherit our heap, and their own allocations are to take the same way each time.
  static constexpr std::size_t most_places = 50'000;
  std::size_t visits_of(std::uintptr_t address) const {
    return static_cast<std::size_t>(std::count_if(places.begin(), places.end(), [=](const Place& place) {
      return place.address == address && place.repetitions == 0 && !place.asleep;
    }));
  }
};

/// Brings a victim to a place, or to its end. Finished: it did not come by, or was to go to its end.
struct Arrival {
  bool finished = false, woken = false;

  static Arrival at(SingleStep& victim, const Place& place, const Wake& wake) { return Arrival(victim, place, wake); }
  static Arrival at_the_end(SingleStep& victim, const Wake& wake) { return Arrival(victim, Place{}, wake); }

 private:
  Arrival(SingleStep& victim, const Place& place, const Wake& wake) {
    using Step = SingleStep::Step;
    std::size_t visits = place.visits;
    Step step = victim.run_to(place.address, visits);
    for (; step == Step::blocked; step = victim.run_to(place.address, visits)) {
      if (woken || !wake) throw std::runtime_error("it blocks and nothing wakes it");
      woken = true;
      wake();
    }
    for (std::size_t i = 0; i < place.repetitions && step == Step::taken; ++i) step = victim.step();
    if (place.asleep && step == Step::taken) step = victim.step();
    finished = step == Step::finished;
  }
};

/// A victim and who steps it never run at the same time: on one core they hand over to each other fastest.
inline void stay_on_one_core(std::size_t w) {
  cpu_set_t allowed, one;
  ::sched_getaffinity(0, sizeof allowed, &allowed);
  CPU_ZERO(&one);
  int skip = static_cast<int>(w) % CPU_COUNT(&allowed);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed) && skip-- == 0) CPU_SET(cpu, &one);
  }
  ::sched_setaffinity(0, sizeof one, &one);
}

}  // namespace mulproc::tests
