#pragma once
/// One parent, N competing consumers: every job is offered to anyone. Over a 1:1 transport the jobs go round.
/// Invariants: those of jobs.hpp.
#include <stress/scenarios/jobs.hpp>

namespace mulproc::stress {

template <class C>
void fan_out(Run& run) {
  Team<C> team(run, answer_until_the_pill<C>);
  deal_jobs(run, team, 32, [&](std::uint64_t number) { return team.offer(request::DO, number); }, [](const auto&, std::uint64_t) {});
}

}  // namespace mulproc::stress
