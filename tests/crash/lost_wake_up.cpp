// T3: who sleeps is woken by an operation whose doer is killed at any instruction; by one that is done while he falls
// asleep, at any instruction of that; and by a letter that is on its way when he attaches, at any instruction of its send.
// Nobody else is there to help, and the look that every waiter takes from time to time is an hour away.
// Over shm_deque, or the transport that the build names.
//   lost_wake_up [EVERY [NAME]]      EVERY: another acts at each EVERY-th place only; NAME: how the rows to run begin
#include <iomanip>
#include <iostream>

#include "transport.hpp"
#include "wake_up.hpp"
#include "walk.hpp"

namespace mulproc::tests {

using C = Crashing<T>;
using namespace std::chrono_literals;

/// One channel, and whoever takes part in it besides us.
struct Scene {
  const WakeUp<C>& wake_up;
  C::Link link = C::open(small_options<C>());
  C parent = link.parent();
  Stage<C> stage{link, {}, {}};

  explicit Scene(const WakeUp<C>& wake_up_) : wake_up(wake_up_) {
    if (wake_up.of_the_parents) parent.send({}, 0).value();
  }
  std::function<void()> waker_before() {
    return [this] {
      only_others_wake<T>(wake_up.by_death);
      wake_up.before(stage);
    };
  }
  /// The sleeper is dead, or sleeps where nobody wakes him any more.
  bool was_due() {
    look_for_deaths_every<T>(0ms);
    (void)parent.unfinished();
    const bool due = wake_up.is_due(parent);
    look_for_deaths_every<T>(1h);
    return due;
  }
};

/// Somebody sleeps, and a victim who is to wake him is killed.
class KilledWaker {
 public:
  explicit KilledWaker(const WakeUp<C>& wake_up) : scene_(wake_up) {
    // Who waits for what the victim gives back comes when the victim holds it.
    if (!wake_up.of_the_parents) somebody_sleeps();
    victim_.emplace(scene_.waker_before(), [this] { scene_.wake_up.operation(scene_.stage); }, Brackets::around);
    if (wake_up.of_the_parents) somebody_sleeps();
    sleeper_->sleeps_again();
  }
  Route route() { return Route(*victim_, States::ignored, {}); }
  /// Says whether the place was come by.
  bool brings_victim_to(const Place& place) { return !Arrival::at(*victim_, place, {}).finished; }
  bool loses_the_wake_up_by_a_death() {
    victim_->kill();
    return loses_the_wake_up();
  }
  /// Before the victim dies: its operation alone has to wake.
  bool loses_the_wake_up_of_the_living() {
    Arrival::at_the_end(*victim_, {});
    return loses_the_wake_up();
  }

 private:
  void somebody_sleeps() {
    const auto before = [this](C& me) {
      only_others_wake<T>(scene_.wake_up.by_death);
      scene_.wake_up.sleeper_before(me);
    };
    sleeper_.emplace(scene_.link, std::function<void(C&)>(before), scene_.wake_up.falls_asleep);
  }
  bool loses_the_wake_up() {
    if (sleeper_->woke()) return false;
    victim_->kill();
    sleeper_->kill();
    return scene_.was_due();
  }

  Scene scene_;
  std::optional<Sleeper> sleeper_;
  std::optional<SingleStep> victim_;
};

/// Somebody falls asleep, and what is to wake him is done meanwhile.
class WokenMeanwhile {
 public:
  explicit WokenMeanwhile(const WakeUp<C>& wake_up)
      : scene_(wake_up),
        sleeper_(
            [this] {
              only_others_wake<T>(scene_.wake_up.by_death);
              scene_.stage.attach();
              scene_.wake_up.sleeper_before(*scene_.stage.child);
            },
            [this] { scene_.wake_up.falls_asleep(*scene_.stage.child); }, Brackets::around),
        waker_(scene_.waker_before(), [this] {
          if (scene_.wake_up.by_death) ::raise(SIGKILL);
          scene_.wake_up.operation(scene_.stage);
        }) {}
  /// The way to where it sleeps.
  std::vector<Place> places() {
    auto all = Route(sleeper_, States::ignored, [this] { waker_.act(); }).places;
    all.erase(std::find_if(all.begin(), all.end(), [](const Place& place) { return place.asleep; }) + 1, all.end());
    return all;
  }
  /// Says whether the place was come by.
  bool acts_at(const Place& place) {
    to_ = place.address, visits_ = place.visits;
    auto step = sleeper_.run_to(to_, visits_);
    for (std::size_t i = 0; i < place.repetitions && step == Step::taken; ++i) step = sleeper_.step();
    const bool there = step == Step::taken;
    if (there) to_ = 0;
    if (there && place.asleep) sleeper_.step();
    waker_.act();
    return there;
  }
  bool loses_the_wake_up() {
    while (true) {
      const bool all_has_happened = waker_.has_acted();  // looked at first
      const auto step = sleeper_.run_to(to_, visits_);
      if (step == Step::finished) return false;
      if (step == Step::taken) to_ = 0;
      if (step == Step::blocked && all_has_happened) break;
    }
    sleeper_.kill();
    return scene_.was_due();
  }

 private:
  using Step = SingleStep::Step;
  Scene scene_;
  SingleStep sleeper_;
  Waker waker_;
  std::uintptr_t to_ = 0;
  std::size_t visits_ = 1;
};

/// Somebody attaches and goes to sleep while a letter to him is sent.
class Newcomer {
 public:
  explicit Newcomer(const WakeUp<C>& wake_up) : scene_(wake_up) {}
  std::vector<Place> places() { return Route(sender_, States::ignored, {}).places; }
  bool acts_at(const Place& place) {
    has_sent_ = Arrival::at(sender_, place, {}).finished;
    newcomer_.act();
    return !has_sent_;
  }
  bool loses_the_wake_up() {
    for (std::size_t visits = 1; !has_sent_; ::sched_yield()) has_sent_ = sender_.run_to(0, visits) == SingleStep::Step::finished;
    return !newcomer_.acts_in_the_end();
  }

 private:
  Scene scene_;
  Waker newcomer_{[] { only_others_wake<T>(false); }, [this] { scene_.link.child().receive().value(); }};
  SingleStep sender_{[this] { scene_.stage.attach(); },
                     [this] { scene_.stage.child->send({.recipient = newcomer_.pid()}, victims_number).value(); }, Brackets::around};
  bool has_sent_ = false;
};

struct Tally {
  std::size_t points = 0, lost = 0;
};
Tally kill_the_waker(const WakeUp<C>& wake_up, std::size_t) {
  Tally tally;
  ::alarm(30);
  const auto route = KilledWaker(wake_up).route();
  for (const Place& place : route.places) {
    ::alarm(30);
    KilledWaker trial(wake_up);
    tally.points += trial.brings_victim_to(place) ? 1 : 0;
    tally.lost += trial.loses_the_wake_up_by_a_death() ? 1 : 0;
  }
  if (!wake_up.by_death) tally.lost += KilledWaker(wake_up).loses_the_wake_up_of_the_living() ? 1 : 0;
  if (tally.points * 2 < route.places.size()) throw std::runtime_error("most places were not come by");
  return tally;
}
template <class Trial>
Tally act_meanwhile(const WakeUp<C>& wake_up, std::size_t every) {
  Tally tally;
  ::alarm(30);
  const auto places = Trial(wake_up).places();
  for (std::size_t i = 0; i < places.size(); i += every) {
    ::alarm(30);
    Trial trial(wake_up);
    tally.points += trial.acts_at(places[i]) ? 1 : 0;
    tally.lost += trial.loses_the_wake_up() ? 1 : 0;
  }
  if (tally.points * 2 * every < places.size()) throw std::runtime_error("most places were not come by");
  return tally;
}

int main(std::size_t every, std::string_view only) {
  stay_on_one_core(0);
  std::size_t lost = 0;
  const auto table = [&](const char* title, auto tally_of, const std::vector<WakeUp<C>>& rows) {
    std::cout << std::left << std::setw(46) << std::string(T::name) + ": at each instruction of" + title << "  points  lost wake-ups" << std::endl;
    for (const auto& wake_up : rows) {
      if (!wake_up.name.starts_with(only)) continue;
      Tally tally;
      try {
        tally = tally_of(wake_up, every);
      } catch (const std::exception& error) {
        std::cout << wake_up.name << ": " << error.what() << std::endl;
        tally.lost = 1;
      }
      std::cout << std::left << std::setw(46) << wake_up.name << std::right << std::setw(8) << tally.points << std::setw(15) << tally.lost << std::endl;
      lost += tally.lost;
    }
  };
  table(" the waker's death", kill_the_waker, wake_ups<C>());
  table(" falling asleep", act_meanwhile<WokenMeanwhile>, wake_ups<C>());
  std::vector<WakeUp<C>> newcomer(1);
  newcomer[0].name = "a letter wakes who attaches meanwhile";
  table(" a send", act_meanwhile<Newcomer>, newcomer);
  return lost == 0 ? 0 : 1;
}

}  // namespace mulproc::tests

int main(int count, char** arguments) { return mulproc::tests::main(count > 1 ? std::stoul(arguments[1]) : 1, count > 2 ? arguments[2] : ""); }
