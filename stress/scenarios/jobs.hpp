#pragma once
/// Numbered jobs dealt to children who answer each: what fan_out, addressed, ping_pong and churn have in common.
#include <stress/team.hpp>

namespace mulproc::stress {

/// Deals up to `window` jobs ahead of the answers: deal(number) sends one and says false when there is no room.
/// Invariants: every job is answered; twice only when it was handed on from the dead; no answer is torn or unexpected.
template <class C, class Deal, class OnAnswer>
void deal_jobs(Run& run, Team<C>& team, std::size_t window, Deal deal, OnAnswer on_answer, int other_good_end = 0) {
  using S = typename SerializerOf<C>::type;
  Checker checker;
  const auto take = [&](const typename C::Message& answer) {
    ++run.messages;
    const auto number = number_in<S>(answer);
    if (!run.check(answer.request() != Request("TORN") && number, "nothing torn: checksums agree")) return;
    const bool again = answer.request() == Request("AGAIN");
    run.redelivered += again ? 1 : 0;
    checker.in_order(answer.sender(), answer.sequence());
    checker.arrived(*number, !again && answer.attempt() == 1);
    on_answer(answer, *number);
    run.check(checker.broken().empty(), checker.broken());
  };
  while (run.goes_on(checker.arrived_count(), run.settings.messages) || (checker.outstanding() != 0 && run.broken().empty())) {
    while (run.goes_on(checker.sent_count(), run.settings.messages) && checker.outstanding() < window) {
      const auto dealt = deal(checker.next());
      if (!dealt && dealt.error() != Errc::not_ready) return void(run.check(false, "no send fails: " + dealt.error().message()));
      if (!dealt) break;
      checker.sent(), ++run.messages;
    }
    for (auto& letter : team.dead_letters()) checker.arrived(number_in<S>(letter).value_or(~std::uint64_t{0}), false);
    if (checker.outstanding() == 0) continue;
    auto answer = team.receive();
    if (!run.check(bool(answer), "nothing lost: an answer comes to every job; waiting for " + std::to_string(checker.outstanding()) + ": " + answer.error().message())) return;
    take(*answer);
  }
  team.dismiss([&](typename C::Message late) { take(late); }, other_good_end);  // the second answer to a job handed on
  checker.complete();
  run.check(checker.broken().empty(), checker.broken());
}

}  // namespace mulproc::stress
