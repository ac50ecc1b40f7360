#pragma once
#include <stress/scenarios/jobs.hpp>

namespace mulproc::stress {

inline void play_fan_in(Run& run) {
  const std::size_t each = run.settings.messages / run.settings.children + 1, children = run.settings.children;
  static constexpr Request START{"START"};
  const bool endless = run.settings.duration || run.settings.warmup;
  Team team(run, [&run, each, children, endless](Port& outbox) {
    std::mt19937_64 random(run.settings.seed ^ static_cast<std::uint64_t>(outbox.id().pid));
    const Wanted pill = [](const Envelope& envelope) { return envelope.request == request::DIE; };
    // Not before all are there, so that the time is that of the messages.
    const auto told = outbox.receive_until(Deadline::never(), [](const Envelope& envelope) {
      return envelope.request == START || envelope.request == request::DIE;
    });
    if (!told || told->request() == request::DIE) return 0;
    const std::uint64_t begin = now_ns();
    for (std::uint64_t number = 0; endless || number < each; ++number) {
      // Each child sends its share of the rate.
      const std::uint64_t due =
          run.settings.rate
              ? begin + static_cast<std::uint64_t>(static_cast<double>(number * children) * 1e9 / *run.settings.rate)
              : 0;
      while (due > now_ns()) {
        if (outbox.receive_until(Deadline(Run::clock::time_point(std::chrono::nanoseconds(due))), pill)) return 0;
      }
      if (endless && outbox.try_receive(pill)) return 0;
      Load load{.number = number,
                .text = filler_of(number, run.settings.payload.next(random)),
                .due = due == 0 ? now_ns() : due};
      Result<> sent = Errc::not_ready;
      while (!sent && sent.error() == Errc::not_ready) {
        sent = outbox.send_until(Deadline::after(std::chrono::milliseconds(50)),
                                 {.request = "REPORT", .recipient = outbox.parent_id()}, load);
        if (!sent && endless && outbox.try_receive(pill)) return 0;
      }
      if (!sent) return 0;
    }
    (void)outbox.receive_until(Deadline::never(), pill);
    return 0;
  });
  team.on_replaced = [&](std::size_t i) { team.tell(i, START); };
  for (std::size_t i = 0; i < team.size(); ++i) team.on_replaced(i);
  Checker checker(run);
  std::uint64_t arrived = 0;
  const auto take = [&](const Mail& report) {
    ++run.messages, ++arrived;
    if (!run.check(bool(report.load()), invariant::nothing_torn)) return;
    run.check(report.load()->number == report.sequence() - 1, invariant::nothing_lost, [&] {
      return "number " + std::to_string(report.load()->number) + " came as #" + std::to_string(report.sequence());
    });
    checker.in_order_without_gap(report.sender(), report.sequence());
  };
  // Under chaos a replaced child begins anew, so the number of messages is not known; then time or the wanted sum ends
  // it.
  const std::uint64_t all = each * children;
  while (run.wants_more(arrived, all)) {
    team.look(arrived, all);
    auto report = team.receive();
    if (!run.check(bool(report), invariant::nothing_lost,
                   [&] { return std::to_string(arrived) + " of " + std::to_string(all) + " came"; }))
      return;
    take(*report);
  }
  if (run.broken().empty()) team.dismiss(take);
}
inline const Scenario fan_in{
    .name = "fan_in",
    .about = "N children each send numbered messages to one parent.",
    .invariants = {&invariant::nothing_lost, &invariant::nothing_torn, &invariant::order_per_sender,
                   &invariant::ends_well, &invariant::no_call_fails, &invariant::nothing_left},
    .play = play_fan_in};

}  // namespace mulproc::stress
