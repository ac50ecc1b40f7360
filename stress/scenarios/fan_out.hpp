#pragma once
#include <stress/scenarios/jobs.hpp>

namespace mulproc::stress {

inline void play_fan_out(Run& run) {
  Team team(run, answer_until_the_pill);
  Jobs(run, team, 32, [&](Load load) { return team.offer(request::DO, std::move(load)); }).play(run.settings.messages);
}
inline const Scenario fan_out{
    .name = "fan_out",
    .about =
        "One parent, N competing consumers: every job is offered to anyone. Over a 1:1 transport the jobs go round.",
    .invariants = invariants_of_jobs(),
    .play = play_fan_out};

}  // namespace mulproc::stress
