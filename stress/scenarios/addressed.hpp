#pragma once
/// Messages each to one child of N, each answered.
/// Invariants: those of jobs.hpp, and the answer comes from whom the message was for.
#include <stress/scenarios/jobs.hpp>

namespace mulproc::stress {

template <class C>
void addressed(Run& run) {
  Team<C> team(run, answer_until_the_pill<C>);
  std::vector<ProcessId> recipient;
  deal_jobs(
      run, team, 32,
      [&](std::uint64_t number) {
        const std::size_t chosen = run.random() % team.size();
        auto sent = team.send_to(chosen, request::DO, number);
        if (sent) recipient.push_back(team.id(chosen));
        return sent;
      },
      [&](const auto& answer, std::uint64_t number) {
        run.check(number < recipient.size() && answer.sender() == recipient[number], "nothing misdelivered: whom it was for answers");
      });
}

}  // namespace mulproc::stress
