#pragma once
#include <stress/scenarios/jobs.hpp>

namespace mulproc::stress {

inline constexpr std::size_t bulk_bytes = 1 << 20;

inline void play_priority_mix(Run& run) {
  static constexpr Request BULK{"BULK"}, URGENT{"URGENT"};
  Team team(run, {.capacity = 8, .largest_text = bulk_bytes}, [](Port& inbox) {
    const Wanted urgent = [](const Envelope& envelope) { return envelope.request != BULK; };
    while (true) {
      auto job = inbox.try_receive(urgent);
      if (!job && job.error() == Errc::not_ready) job = inbox.receive();
      if (!job || job->request() == request::DIE) return 0;
      const std::uint64_t number = job->load() ? job->load()->number : 0;
      if (!inbox.reply(*job, verdict_on(*job), {.number = number, .text = filler_of(number, 16)})) return 0;
    }
  });
  const auto is_bulk = [](std::uint64_t number) { return number % 8 == 0; };
  Jobs jobs(run, team, 6, [&](Load load) { return team.offer(is_bulk(load.number) ? BULK : URGENT, std::move(load)); });
  jobs.text_for = [&](std::uint64_t number) {
    return is_bulk(number) ? filler_of(number, bulk_bytes) : team.text_for(number);
  };
  jobs.play(run.settings.messages);
}
inline const Scenario priority_mix{
    .name = "priority_mix",
    .about = "Every eighth job has a body of 1 MiB; the children take the small ones first where there are any.",
    .invariants = invariants_of_jobs(),
    .play = play_priority_mix,
    .largest_text = bulk_bytes};

}  // namespace mulproc::stress
