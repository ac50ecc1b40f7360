#pragma once
/// Competing consumers that come and go: each leaves after some jobs, another takes its place.
/// Invariants: those of jobs.hpp, whoever leaves, and under chaos whoever is killed.
#include <stress/scenarios/jobs.hpp>

namespace mulproc::stress {

template <class C>
void churn(Run& run) {
  static constexpr int left_by_itself = 7;  // not 0, so that the crew makes it good
  Team<C> team(run, [](C& inbox) {
    std::size_t jobs_left = C::promises.many_to_many ? 3 + static_cast<std::size_t>(inbox.id().pid) % 20 : ~std::size_t{0};
    using S = typename SerializerOf<C>::type;
    while (auto message = inbox.receive()) {
      if (message->request() == request::DIE) return 0;
      const auto number = number_in<S>(*message);
      const Request verdict = !number ? Request("TORN") : message->attempt() > 1 ? Request("AGAIN") : request::FINISHED;
      if (!with_body<S>(number.value_or(0), 16, [&](const auto& body) { return inbox.reply(*message, verdict, body); })) return 0;
      (void)message->done();
      if (--jobs_left == 0) return left_by_itself;
    }
    return 0;
  });
  deal_jobs(run, team, 32, [&](std::uint64_t number) { return team.offer(request::DO, number); }, [](const auto&, std::uint64_t) {}, left_by_itself);
}

}  // namespace mulproc::stress
