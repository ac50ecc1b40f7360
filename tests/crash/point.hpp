#pragma once
/// One channel, one scenario, one victim killed at a place, and then, if wanted, one who cleans up killed at a place of his.
#include <memory>

#include "sleeper.hpp"
#include "survivors.hpp"
#include "walk.hpp"

namespace mulproc::tests {

using namespace std::chrono_literals;

template <class T>
class Point {
 public:
  using C = Crashing<T>;

  explicit Point(const Scenario<C>& scenario) : scenario_(scenario) {
    fate_.sent = scenario.sends_first;
    for (int i = 0; i < scenario.queued; ++i) fate_.sent.insert(i);
    if (scenario.dead_before) {
      somebody_dies();
    } else {
      queue(0, anyone);
    }
    if (scenario.receiver_asleep) {
      sleeper_.emplace(link_, std::function<void(C&)>([](C&) { look_for_deaths_every<T>(1h); }),
                       std::function<void(C&)>([](C& me) { (void)me.receive([](const auto&) { return false; }); }));
      sleeper_->stop();
    }
  }

  Route route_of_victim() {
    auto victim = start_victim();
    return Route(*victim, States::told_apart, wake());
  }
  /// Says whether the place was come by; nullptr: the operation is to end.
  bool kill_victim(const Place* place) {
    auto victim = start_victim();
    const auto arrival = place ? Arrival::at(*victim, *place, wake()) : Arrival::at_the_end(*victim, wake());
    fate_.woken = arrival.woken;
    fate_.finished = arrival.finished;
    victim->kill();
    return !arrival.finished;
  }
  Route route_of_cleaner() { return Route(*start_cleaner(), States::ignored, {}); }
  bool kill_cleaner(const Place& place) { return !Arrival::at(*start_cleaner(), place, {}).finished; }

  Finding survive() {
    sleeper_.reset();
    return tests::survive(link_, parent_, scenario_, fate_);
  }

 private:
  void queue(int first, ProcessId recipient) {
    for (int i = first; i < scenario_.queued; ++i) parent_.send({.recipient = i == 0 ? recipient : anyone}, i).value();
  }
  std::unique_ptr<SingleStep> start_victim() {
    return std::make_unique<SingleStep>(
        [this] {
          look_for_deaths_every<T>(1h);
          scenario_.before(stage_);
          for (const int number : scenario_.sends_first) stage_.child->send({}, number).value();
        },
        [this] { scenario_.operation(stage_); }, scenario_.brackets);
  }
  std::unique_ptr<SingleStep> start_cleaner() {
    return std::make_unique<SingleStep>([] {}, [this] { (void)link_.child().unfinished(); }, Brackets::around);
  }
  Wake wake() {
    return scenario_.wake ? Wake([this] { scenario_.wake(parent_); }) : Wake();
  }
  /// He acts once all is queued, the letter to him included.
  void somebody_dies() {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::raise(SIGSTOP);
      scenario_.dead_before(stage_);
      ::raise(SIGKILL);
    }
    wait_for_child(pid, WUNTRACED);
    queue(0, pid);
    ::kill(pid, SIGCONT);
    const int status = wait_for_child(pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) throw std::runtime_error("who was to die before the operation did something else");
  }

  const Scenario<C>& scenario_;
  typename C::Link link_ = C::open(small_options<C>());
  C parent_ = link_.parent();
  Stage<C> stage_{link_, {}, {}};
  Fate fate_;
  std::optional<Sleeper> sleeper_;
};

}  // namespace mulproc::tests
