#pragma once
#include <stress/scenarios/jobs.hpp>

namespace mulproc::stress {

inline void play_churn(Run& run) {
  static constexpr int left_by_itself = 7;  // not 0, so that the crew makes it good
  const bool may_leave = run.medium.promises.many_to_many;
  Team team(run, [may_leave](Port& inbox) {
    std::size_t jobs_left = may_leave ? 3 + static_cast<std::size_t>(inbox.id().pid) % 20 : ~std::size_t{0};
    while (auto job = inbox.receive()) {
      if (job->request() == request::DIE) return 0;
      const std::uint64_t number = job->load() ? job->load()->number : 0;
      if (!inbox.reply(*job, verdict_on(*job), {.number = number, .text = filler_of(number, 16)})) return 0;
      job->done();
      if (--jobs_left == 0) return left_by_itself;
    }
    return 0;
  });
  Jobs jobs(run, team, 32, [&](Load load) { return team.offer(request::DO, std::move(load)); });
  jobs.other_good_end = left_by_itself;
  jobs.play(run.settings.messages);
}
inline const Scenario churn{
    .name = "churn",
    .about = "Competing consumers that come and go: each leaves after some jobs, and another takes its place.",
    .invariants = invariants_of_jobs(),
    .play = play_churn};

}  // namespace mulproc::stress
