// T3: who sleeps is woken by an operation whose doer is killed at any instruction. Nobody else is there to help, the look
// that every waiter takes from time to time is an hour away, and only where a death itself is to wake does it watch for one.
#include <iomanip>
#include <iostream>
#include <mulproc/transport/shm_deque.hpp>

#include "scenarios.hpp"
#include "sleeper.hpp"
#include "walk.hpp"

namespace mulproc::tests {

using C = Crashing<transport::shm_deque>;
using shared_memory::Participants;
using namespace std::chrono_literals;

struct WakeUp {
  std::string name;
  std::function<void(C&)> sleeper_before, falls_asleep;
  std::function<void(Stage<C>&)> before, operation;
  std::function<bool(C& parent)> is_due;  // asked when the victim and the sleeper are dead: was there a reason to wake?
};

std::vector<WakeUp> wake_ups() {
  const auto nothing = [](C&) {};
  const auto fill = [](C& me) {
    for (int i = 0; i < capacity; ++i) me.send({}, i).value();
  };
  const auto hold_the_first = [](Stage<C>& stage) { stage.attach(), stage.take(0); };
  const auto done = [](Stage<C>& stage) { stage.held[0].done().value(); };
  return {{"send wakes a receiver", nothing, [](C& me) { static auto message = me.receive().value(); },
           [](Stage<C>& stage) { stage.attach(); }, [](Stage<C>& stage) { stage.child->send({}, victims_number).value(); },
           [](C& parent) { return !parent.empty(); }},
          {"give back wakes a receiver", nothing, [](C& me) { static auto message = me.receive().value(); },
           hold_the_first, [](Stage<C>& stage) { stage.held[0].give_back().value(); },
           [](C& parent) { auto back = parent.try_receive(); return back && back->attempt() == 1; }},
          {"death wakes a receiver", nothing, [](C& me) { static auto message = me.receive().value(); }, hold_the_first,
           [](Stage<C>& stage) { (void)stage.child->id(); }, [](C& parent) { auto back = parent.try_receive(); return back && back->attempt() > 1; }},
          {"done wakes a sender", fill, [](C& me) { me.send({}, wakers_number).value(); }, hold_the_first, done,
           [](C& parent) { return parent.unfinished() < capacity; }},
          {"done wakes a joiner", [](C& me) { me.send({}, 0).value(); }, [](C& me) { me.join().value(); }, hold_the_first, done,
           [](C& parent) { return parent.unfinished() == 0; }}};
}

/// One channel with somebody asleep, and a victim who is to wake him and is killed.
class Trial {
 public:
  explicit Trial(const WakeUp& wake_up) : wake_up_(wake_up) {
    // Who waits for what the victim gives back comes when the victim holds it.
    const bool after_the_victim = wake_up.name.ends_with("wakes a receiver") && !wake_up.name.starts_with("send");
    if (after_the_victim) parent_.send({}, 0).value();
    if (!after_the_victim) somebody_sleeps();
    victim_.emplace(
        [this] {
          Participants::look_every = 1h;
          wake_up_.before(stage_);
        },
        [this] { wake_up_.operation(stage_); }, Brackets::around);
    if (after_the_victim) somebody_sleeps();
    sleeper_->sleeps_again();
  }
  SingleStep& victim() { return *victim_; }

  bool loses_the_wake_up() {
    victim_->kill();
    if (sleeper_->woke()) return false;
    sleeper_->kill();
    Participants::look_every = 0ms;
    (void)parent_.unfinished();
    const bool lost = wake_up_.is_due(parent_);
    Participants::look_every = 1h;
    return lost;
  }

 private:
  void somebody_sleeps() {
    const bool watches_for_deaths = wake_up_.name.starts_with("death");
    const auto before = [this, watches_for_deaths](C& me) {
      Participants::look_every = 1h;
      Participants::neighbours = watches_for_deaths ? Participants::most_neighbours : 0;
      wake_up_.sleeper_before(me);
    };
    sleeper_.emplace(link_, std::function<void(C&)>(before), wake_up_.falls_asleep);
  }

  const WakeUp& wake_up_;
  C::Link link_ = C::open(small_options<C>());
  C parent_ = link_.parent();
  Stage<C> stage_{link_, {}, {}};
  std::optional<Sleeper> sleeper_;
  std::optional<SingleStep> victim_;
};

int main() {
  stay_on_one_core(0);
  std::cout << "killed at each instruction of  points  lost wake-ups" << std::endl;
  std::size_t lost_in_all = 0;
  for (const auto& wake_up : wake_ups()) {
    std::size_t lost = 0, points = 0;
    ::alarm(30);
    const Route route(Trial(wake_up).victim(), States::ignored, {});
    for (const Place& place : route.places) {
      ::alarm(30);
      Trial trial(wake_up);
      if (!Arrival::at(trial.victim(), place, {}).finished) ++points;
      if (trial.loses_the_wake_up()) ++lost;
    }
    std::cout << std::left << std::setw(30) << wake_up.name << std::right << std::setw(7) << points << std::setw(15) << lost << std::endl;
    lost_in_all += lost + (points * 2 < route.places.size() ? 1 : 0);
  }
  return lost_in_all == 0 ? 0 : 1;
}

}  // namespace mulproc::tests

int main() { return mulproc::tests::main(); }
