#pragma once
#include <stress/scenarios/jobs.hpp>

namespace mulproc::stress {

/// The parent sends as fast as it can to children who take a millisecond over each job: back-pressure.
inline void play_slow_consumer(Run& run) {
  constexpr std::size_t capacity = 16;
  Team team(run, {.capacity = capacity}, [](Port& inbox) {
    while (auto job = inbox.receive()) {
      if (job->request() == request::DIE) return 0;
      ::poll(nullptr, 0, 1);  // the work
      const std::uint64_t number = job->load() ? job->load()->number : 0;
      if (!inbox.reply(*job, verdict_on(*job), {.number = number}))
        return 0;  // before it is done: an unanswered job is under way
    }
    return 0;
  });
  const Promises& promises = run.medium.promises;
  const bool exact = promises.many_to_many, one_room = exact && !promises.addressed;
  Jobs jobs(run, team, ~std::size_t{0}, [&](Load load) { return team.offer(request::DO, std::move(load)); });
  const auto kept = [&] {
    // Whatever has not been answered when no answer waits is queued or held.
    if (exact && team.empty()) {
      run.check(jobs.checker().outstanding() <= capacity, invariant::capacity_kept, [&] {
        return std::to_string(jobs.checker().outstanding()) + " under way where there is room for " +
               std::to_string(capacity);
      });
    }
  };
  jobs.on_answer = [&](const Mail&, std::uint64_t) { kept(); };
  jobs.on_no_room = [&] {
    // Who has answered but is not done yet still takes room, one for each child; so does what the dead had answered.
    if (one_room && run.died == 0) {
      run.check(jobs.checker().outstanding() + team.size() >= capacity, invariant::room_used, [&] {
        return "no room, with " + std::to_string(jobs.checker().outstanding()) +
               " unanswered where there is room for " + std::to_string(capacity);
      });
    }
  };
  jobs.play(run.settings.messages);
}
inline const Scenario slow_consumer{.name = "slow_consumer",
                                    .about =
                                        "The parent sends as fast as it can to children who take a millisecond over "
                                        "each job: back-pressure, and nothing dropped.",
                                    .invariants = invariants_of_jobs(&invariant::capacity_kept, &invariant::room_used),
                                    .play = play_slow_consumer};

}  // namespace mulproc::stress
