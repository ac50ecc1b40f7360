#pragma once
#include <deque>
#include <stress/scenarios/jobs.hpp>

namespace mulproc::stress {

namespace request {
inline constexpr Request ASK{"ASK"}, ANSWER{"ANSWER"}, NO_MORE{"ASK NO MORE"}, SATED{"SATED"}, UNASKED{"UNASKED"};
}

/// A child of request_reply: keeps a few questions of its own under way, and answers those of the others meanwhile.
/// Whatever it holds it lets go of after it has said what follows from it, so that silence means that nothing is to
/// come.
class Asker {
 public:
  Asker(Run& run, Port& port)
      : run_(run),
        port_(port),
        random_(run.settings.seed ^ static_cast<std::uint64_t>(port.id().pid)),
        begin_(now_ns()) {}

  int live() {
    while (true) {
      if (!ask()) return 0;
      const bool waits_to_ask = run_.settings.rate && !sated_ && under_way_.size() < window;
      auto mail = waits_to_ask ? port_.receive_until(Deadline(Run::clock::time_point(std::chrono::nanoseconds(due()))))
                               : port_.receive();
      if (!mail && mail.error() == Errc::not_ready) continue;
      if (!mail || mail->request() == request::DIE) return 0;
      if (!react(*mail)) return 3;
    }
  }

 private:
  static constexpr std::size_t window = 4;

  std::uint64_t due() const {
    if (!run_.settings.rate) return 0;
    return begin_ +
           static_cast<std::uint64_t>(static_cast<double>(asked_ * run_.settings.children) * 1e9 / *run_.settings.rate);
  }
  bool ask() {
    while (!sated_ && under_way_.size() < window && due() <= now_ns()) {
      const std::size_t bytes = std::min<std::size_t>(run_.settings.payload.next(random_), 1024);
      Load load{.number = asked_, .text = filler_of(asked_, bytes), .due = due()};
      const auto sent = port_.send_until(Deadline::never(), {.request = request::ASK, .recipient = port_.parent_id()},
                                         std::move(load));
      if (!sent) return false;
      under_way_.push_back(asked_++);
    }
    return true;
  }
  bool react(const Mail& mail) {
    if (mail.request() == request::ASK) {
      const std::uint64_t number = mail.load() ? mail.load()->number : 0;
      return bool(port_.reply(mail, mail.load() ? request::ANSWER : request::TORN,
                              {.number = number, .text = filler_of(number, 16)}));
    }
    if (mail.request() == request::NO_MORE) {
      sated_ = true;
    } else {
      const auto mine =
          mail.load() ? std::find(under_way_.begin(), under_way_.end(), mail.load()->number) : under_way_.end();
      if (mine == under_way_.end()) return bool(tell(request::UNASKED));
      under_way_.erase(mine);
    }
    return !sated_ || !under_way_.empty() || tell(request::SATED);
  }
  Result<> tell(Request what) {
    return port_.send_until(Deadline::never(), {.request = what, .recipient = port_.parent_id()}, {.number = asked_});
  }

  Run& run_;
  Port& port_;
  std::mt19937_64 random_;
  std::uint64_t begin_, asked_ = 0;
  std::vector<std::uint64_t> under_way_;
  bool sated_ = false;
};

inline void play_request_reply(Run& run) {
  Team team(run, [&run](Port& port) { return Asker(run, port).live(); });
  struct Question {
    std::size_t asker, asked;
    std::uint64_t number;  // as the asker counts
  };
  struct Waiting {
    std::size_t to;
    Request request;
    Load load;
  };
  Checker questions(run);
  Checker order(run);
  std::map<std::uint64_t, Question> open;
  std::deque<Waiting> waiting;  // there was no room; the parent never waits for any, so that it always takes what comes
  std::size_t sated = 0;
  const auto index_of = [&](const Mail& mail) {
    const std::size_t i = team.index_of(mail.sender());
    run.check(i < team.size(), invariant::nothing_misdelivered,
              [&] { return "a message from " + std::to_string(mail.sender().pid) + ", which is no child"; });
    return i % team.size();
  };
  const auto take = [&](const Mail& mail) {
    ++run.messages;
    order.in_order_without_gap(mail.sender(), mail.sequence());
    if (!run.check(mail.load() && mail.request() != request::TORN, invariant::nothing_torn)) return;
    const std::uint64_t number = mail.load()->number;
    const std::size_t from = index_of(mail);
    if (mail.request() == request::ASK) {
      const std::size_t whom = team.size() == 1 ? 0 : (from + 1 + run.random() % (team.size() - 1)) % team.size();
      open[questions.next()] = {from, whom, number};
      waiting.push_back({whom, request::ASK, {.number = questions.next(), .text = mail.load()->text}});
      questions.sent();
    } else if (mail.request() == request::ANSWER) {
      questions.arrived(number, true);
      const auto found = open.find(number);
      if (found == open.end()) return;
      run.check(found->second.asked == from, invariant::nothing_misdelivered,
                "another child answers than the one asked");
      waiting.push_back(
          {found->second.asker, request::ANSWER, {.number = found->second.number, .text = mail.load()->text}});
      open.erase(found);
    } else {
      run.check(mail.request() == request::SATED, invariant::nothing_misdelivered,
                "a child got an answer to what it did not ask");
      ++sated;
    }
  };
  bool told = false;
  while (sated < team.size() && run.broken().empty()) {
    if (!std::exchange(told, told || !run.wants_more(questions.sent_count(), run.settings.messages)) && told) {
      for (std::size_t i = 0; i < team.size(); ++i) waiting.push_back({i, request::NO_MORE, {}});
    }
    for (std::size_t tries = waiting.size(); tries > 0; --tries) {
      Waiting next = std::move(waiting.front());
      waiting.pop_front();
      const auto sent = team.send_to(next.to, next.request, next.load);
      if (sent) {
        ++run.messages;
      } else if (run.check(sent.error() == Errc::not_ready, invariant::no_call_fails,
                           [&] { return "send: " + sent.error().message(); })) {
        waiting.push_back(std::move(next));
      } else {
        return;
      }
    }
    team.look(questions.arrived_count(), run.settings.messages);
    // Until they are told to ask no more the children speak unasked.
    auto mail = !waiting.empty() ? team.receive(Deadline::after(std::chrono::milliseconds(1)))
                : told           ? team.receive_answer()
                                 : team.receive();
    if (mail) {
      take(*mail);
    } else if (waiting.empty()) {
      run.check(false, invariant::nothing_lost, [&] {
        return std::to_string(questions.outstanding()) + " questions are open and " +
               std::to_string(team.size() - sated) + " children wait, and " + why(mail.error());
      });
    }
  }
  if (!run.broken().empty()) return;
  team.dismiss();
  questions.complete();
}
inline const Scenario request_reply{.name = "request_reply",
                                    .about =
                                        "Full duplex under load: every child asks every other, through the parent, and "
                                        "answers the others' questions meanwhile.",
                                    .invariants = invariants_of_jobs(),
                                    .play = play_request_reply,
                                    .why_no_kill = "an answer is for its asker alone"};

}  // namespace mulproc::stress
