#pragma once
/// One message in flight at a time, to each child in turn: the round trip alone.
/// Invariants: those of jobs.hpp, and each answer is to the message just sent.
#include <stress/scenarios/jobs.hpp>

namespace mulproc::stress {

template <class C>
void ping_pong(Run& run) {
  Team<C> team(run, answer_until_the_pill<C>);
  std::uint64_t sent_last = 0;
  deal_jobs(
      run, team, 1,
      [&](std::uint64_t number) {
        sent_last = number;
        return team.send_to(number % team.size(), request::DO, number);
      },
      [&](const auto&, std::uint64_t number) { run.check(number == sent_last, "each answer is to the message just sent"); });
}

}  // namespace mulproc::stress
