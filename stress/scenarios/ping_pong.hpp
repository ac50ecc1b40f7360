#pragma once
#include <stress/scenarios/jobs.hpp>

namespace mulproc::stress {

inline void play_ping_pong(Run& run) {
  Team team(run, answer_until_the_pill);
  std::uint64_t sent_last = 0;
  Jobs jobs(run, team, 1, [&](Load load) {
    sent_last = load.number;
    return team.send_to(load.number % team.size(), request::DO, std::move(load));
  });
  jobs.on_answer = [&](const Mail&, std::uint64_t number) {
    run.check(run.settings.rate || number == sent_last, invariant::nothing_misdelivered,
              [&] { return "number " + std::to_string(number) + " answers " + std::to_string(sent_last); });
  };
  jobs.play(run.settings.messages);
}
inline const Scenario ping_pong{
    .name = "ping_pong",
    .about = "One message in flight at a time, to each child in turn: the round trip alone.",
    .invariants = invariants_of_jobs(),
    .play = play_ping_pong,
    .why_no_kill = "a message to the killed is for nobody else, and there is just one in flight"};

}  // namespace mulproc::stress
