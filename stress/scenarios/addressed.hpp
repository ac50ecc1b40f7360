#pragma once
#include <stress/scenarios/jobs.hpp>

namespace mulproc::stress {

inline void play_addressed(Run& run) {
  Team team(run, answer_until_the_pill);
  std::map<std::uint64_t, ProcessId> recipient;
  Jobs jobs(run, team, 32, [&](Load load) -> Result<> {
    const std::size_t chosen = run.random() % team.size();
    const auto number = load.number;
    auto sent = team.send_to(chosen, request::DO, std::move(load));
    if (sent) recipient[number] = team.id(chosen);
    if (!sent && sent.error() == Errc::recipient_gone && run.settings.chaos.kill)
      return Errc::not_ready;  // killed just now: somebody takes its place
    return sent;
  });
  jobs.on_answer = [&](const Mail& answer, std::uint64_t number) {
    const auto was_for = recipient.find(number);
    run.check(was_for == recipient.end() || was_for->second == answer.sender(), invariant::nothing_misdelivered, [&] {
      return "number " + std::to_string(number) + " was for " + std::to_string(was_for->second.pid) + " and " +
             std::to_string(answer.sender().pid) + " answers";
    });
    if (!run.settings.chaos.kill) recipient.erase(number);  // where nobody is killed no second answer comes
  };
  jobs.play(run.settings.messages);
}
inline const Scenario addressed{.name = "addressed",
                                .about =
                                    "Messages each to one child of N, each answered by the one it was for. What was "
                                    "for a killed child becomes a dead letter.",
                                .invariants = invariants_of_jobs(),
                                .play = play_addressed};

}  // namespace mulproc::stress
