#pragma once
#include <stress/scenarios/jobs.hpp>

namespace mulproc::stress {

/// pymulproc's scenario.
inline void play_full_duplex(Run& run) {
  Team team(run, [](Port& inbox) {
    while (auto job = inbox.receive()) {
      if (job->request() == request::DIE) return 0;
      const auto me = static_cast<std::uint64_t>(inbox.id().pid);
      const std::size_t bytes = job->load() ? job->load()->text.size() % 512 : 0;
      if (!inbox.reply(*job, verdict_on(*job), {.number = me, .text = filler_of(me, bytes)})) return 3;
    }
    return 4;
  });
  Checker checker(run);
  for (std::size_t round = 0; run.wants_more(round, run.settings.rounds); ++round) {
    team.look(round, run.settings.rounds);
    while (run.due(round) > now_ns() && !Run::interrupted) ::poll(nullptr, 0, 1);
    const std::size_t chosen = run.random() % team.size();
    const auto sent =
        team.send_to(chosen, request::DO, {.number = round, .text = team.text_for(round), .due = run.due(round)});
    if (!run.check(bool(sent), invariant::no_call_fails, [&] { return "send: " + sent.error().message(); })) return;
    auto answer = team.receive_answer();
    if (!run.check(bool(answer), invariant::nothing_lost, [&] {
          return "no answer to the DO of round " + std::to_string(round + 1) + ": " + why(answer.error());
        }))
      return;
    run.messages += 2;
    run.check(answer->request() != request::TORN && answer->load(), invariant::nothing_torn);
    run.check(answer->request() != request::AGAIN, invariant::nothing_twice);
    run.check(answer->sender() == team.id(chosen), invariant::nothing_misdelivered,
              "another child answers than the one addressed");
    run.check(answer->load() && answer->load()->number == static_cast<std::uint64_t>(team.id(chosen).pid),
              invariant::nothing_misdelivered, "the answer is not the child's identifier");
    checker.in_order_without_gap(answer->sender(), answer->sequence());
    answer->done();
    run.check(team.empty(), invariant::queue_empty);
  }
  if (run.broken().empty()) team.dismiss();
}
inline const Scenario full_duplex{
    .name = "full_duplex",
    .about =
        "Each round one child out of N is told to DO, with a body of random size, and answers with its identifier; in "
        "the end N pills for N children.",
    .invariants = {&invariant::nothing_lost, &invariant::nothing_twice, &invariant::nothing_torn,
                   &invariant::nothing_misdelivered, &invariant::order_per_sender, &invariant::queue_empty,
                   &invariant::ends_well, &invariant::no_call_fails, &invariant::nothing_left},
    .play = play_full_duplex,
    .why_no_kill = "a killed child's answer never comes, as it was asked alone"};

}  // namespace mulproc::stress
