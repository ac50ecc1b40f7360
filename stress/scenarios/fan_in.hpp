#pragma once
/// N children each send numbered messages to one parent.
/// Invariants: each sender's messages arrive in order, without a gap, whole; all of them from each child that lives.
#include <stress/team.hpp>

namespace mulproc::stress {

template <class C>
void fan_in(Run& run) {
  using S = typename SerializerOf<C>::type;
  const std::size_t each = run.settings.messages / run.settings.children + 1;
  const bool endless = bool(run.settings.duration);
  const std::size_t payload = run.settings.payload_bytes;
  Team<C> team(run, [=](C& outbox) {
    std::mt19937_64 random(static_cast<std::uint64_t>(outbox.id().pid));
    const auto is_pill = [](const auto& message) { return message.request() == request::DIE; };
    for (std::uint64_t number = 0; endless || number < each; ++number) {
      if (endless && outbox.try_receive(is_pill)) return 0;
      const auto report = [&](const auto& body) { return outbox.send_for(std::chrono::milliseconds(50), {.request = "REPORT", .recipient = outbox.parent_id()}, body); };
      Result<> sent = Errc::not_ready;
      while (!sent && sent.error() == Errc::not_ready) {
        sent = with_body<S>(number, random() % (payload + 1), report);
        if (!sent && endless && outbox.try_receive(is_pill)) return 0;
      }
      if (!sent) return 0;
    }
    (void)outbox.receive(is_pill);
    return 0;
  });
  Checker checker;
  std::size_t arrived = 0;
  const auto take = [&](const typename C::Message& message) {
    ++run.messages, ++arrived;
    const auto number = number_in<S>(message);
    run.check(number.has_value(), "nothing torn: checksums agree");
    run.check(number == message.sequence() - 1, "nothing lost or twice: numbers follow sequences");
    checker.in_order_without_gap(message.sender(), message.sequence());
    run.check(checker.broken().empty(), checker.broken());
  };
  // Under chaos a replaced child begins anew, so the number of messages is not known; then time or the wanted sum ends it.
  const std::size_t all = each * run.settings.children;
  while (run.goes_on(arrived, all)) {
    auto message = team.receive();
    if (!run.check(bool(message), "nothing lost: " + std::to_string(arrived) + " of " + std::to_string(all) + " came")) return;
    take(*message);
  }
  team.dismiss(take);
}

}  // namespace mulproc::stress
