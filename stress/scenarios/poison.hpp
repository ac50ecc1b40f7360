#pragma once
#include <stress/scenarios/jobs.hpp>

namespace mulproc::stress {

inline void play_poison(Run& run) {
  static constexpr Request POISON{"POISON"};
  static constexpr std::uint64_t every = 50, lethal_attempts = 5;
  Team team(run, [](Port& inbox) {
    while (auto job = inbox.receive()) {
      if (job->request() == request::DIE) return 0;
      if (job->request() == POISON) ::kill(::getpid(), SIGKILL);
      const std::uint64_t number = job->load() ? job->load()->number : 0;
      if (!inbox.reply(*job, verdict_on(*job), {.number = number, .text = filler_of(number, 16)})) return 0;
    }
    return 0;
  });
  const auto is_poison = [](std::uint64_t number) { return number % every == every / 2; };
  std::uint64_t poisons = 0, buried = 0;
  Jobs jobs(run, team, 16, [&](Load load) {
    const bool poison = is_poison(load.number);
    auto sent = team.offer(poison ? POISON : request::DO, std::move(load));
    if (sent && poison) ++poisons;
    return sent;
  });
  jobs.on_answer = [&](const Mail& answer, std::uint64_t number) {
    run.check(!is_poison(number), invariant::dead_letters_only_of_poison, [&] {
      return "number " + std::to_string(number) + " is poison, and " + std::to_string(answer.sender().pid) +
             " survived it";
    });
  };
  jobs.on_dead_letter = [&](const Mail& letter) {
    ++buried;
    run.check(letter.request() == POISON, invariant::dead_letters_only_of_poison,
              [&] { return "number " + std::to_string(letter.load()->number) + " is a dead letter and no poison"; });
    run.check(letter.attempt() == static_cast<int>(lethal_attempts), invariant::dead_letters_only_of_poison,
              [&] { return "buried after attempt " + std::to_string(letter.attempt()); });
    // The letter may be seen a moment before the last of the dead can be reaped.
    const auto patience = Deadline::after(Run::patience);
    while (!run.settings.chaos.kill && run.died < lethal_attempts * buried && !patience.expired()) {
      ::poll(nullptr, 0, 1);
      team.tend();
    }
    if (buried == poisons && !run.settings.chaos.kill)
      run.check(team.all_live(), invariant::crew_survives, "not all children live after the last of the poison");
  };
  jobs.play(run.settings.messages);
  run.check(buried == poisons, invariant::dead_letters_only_of_poison,
            [&] { return std::to_string(poisons) + " sent, " + std::to_string(buried) + " buried"; });
  // A child that is killed while it holds poison counts for both.
  if (!run.settings.chaos.kill) {
    run.check(run.died == lethal_attempts * poisons, invariant::crew_survives,
              [&] { return std::to_string(run.died) + " died of " + std::to_string(poisons) + " poisonous messages"; });
  }
}
inline const Scenario poison{
    .name = "poison",
    .about = "Every fiftieth job kills whoever takes it; after five deaths it is a dead letter, and the crew goes on.",
    .invariants = invariants_of_jobs(&invariant::dead_letters_only_of_poison, &invariant::crew_survives),
    .play = play_poison,
    .needs_redelivery = true};

}  // namespace mulproc::stress
