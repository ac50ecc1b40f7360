#pragma once
/// pymulproc's scenario. Each round one child out of N is told to DO, with a body of random size.
/// Invariants: only that child answers, with its identifier; the queue is empty after each round; N pills end N children;
/// all join, and the queue joins.
#include <stress/team.hpp>

namespace mulproc::stress {

template <class C>
void full_duplex(Run& run) {
  using S = typename SerializerOf<C>::type;
  Team<C> team(run, [](C& inbox) {
    while (auto message = inbox.receive()) {
      if (message->request() == request::DIE) return 0;
      const Request verdict = number_in<S>(*message) ? request::FINISHED : Request("TORN");
      const auto me = static_cast<std::uint64_t>(inbox.id().pid);
      if (!with_body<S>(me, message->bytes().size() % 512, [&](const auto& body) { return inbox.reply(*message, verdict, body); })) return 3;
    }
    return 4;
  });
  Checker checker;
  for (std::size_t round = 0; run.goes_on(round, run.settings.rounds); ++round) {
    const std::size_t chosen = run.random() % team.size();
    if (!run.check(bool(team.send_to(chosen, request::DO, round)), "there is room for one DO")) break;
    auto answer = team.receive();
    if (!run.check(bool(answer), "nothing lost: an answer comes to every DO")) break;
    run.messages += 2;
    run.check(answer->request() == request::FINISHED, "nothing torn: checksums agree");
    run.check(answer->sender() == team.id(chosen), "nothing misdelivered: only the addressed child answers");
    run.check(number_in<S>(*answer) == static_cast<std::uint64_t>(team.id(chosen).pid), "the answer is the child's identifier");
    checker.in_order_without_gap(answer->sender(), answer->sequence());
    run.check(checker.broken().empty(), checker.broken());
    (void)answer->done();
    run.check(team.empty(), "nothing twice: the queue is empty after an answer");
  }
  team.dismiss();
}

}  // namespace mulproc::stress
