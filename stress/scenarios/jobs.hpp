#pragma once
/// Numbered jobs dealt to children who answer each: what several scenarios have in common.
#include <stress/scenarios/scenario.hpp>

namespace mulproc::stress {

namespace request {
using namespace mulproc::request;
inline constexpr Request AGAIN{"AGAIN"}, TORN{"TORN"};
}  // namespace request

/// What a child says of a job: AGAIN when whoever had it before died.
inline Request verdict_on(const Mail& job) {
  return !job.load() ? request::TORN : job.attempt() > 1 ? request::AGAIN : request::FINISHED;
}

/// A child's life: answers each message with the same number and a text of about the same size.
inline int answer_until_the_pill(Port& inbox) {
  while (auto job = inbox.receive()) {
    if (job->request() == request::DIE) return 0;
    const std::uint64_t number = job->load() ? job->load()->number : 0;
    const std::size_t bytes = job->load() ? job->load()->text.size() % 512 : 0;
    const auto sent = inbox.reply(*job, verdict_on(*job), {.number = number, .text = filler_of(number, bytes)});
    if (!sent) return sent.error() == Errc::closed ? 0 : 3;
  }
  return 0;
}

/// Deals up to `window` jobs ahead of the answers: deal(load) sends one and says not_ready when there is no room.
/// Invariants: every job is answered or a dead letter; twice only when it was handed on from the dead; nothing is torn.
class Jobs {
 public:
  using Deal = std::function<Result<>(Load)>;
  Jobs(Run& run, Team& team, std::size_t window, Deal deal)
      : run_(run), team_(team), window_(window), deal_(std::move(deal)), checker_(run) {}

  std::function<void(const Mail& answer, std::uint64_t number)> on_answer = [](const Mail&, std::uint64_t) {};
  std::function<void(const Mail& letter)> on_dead_letter = [](const Mail&) {};
  std::function<void()> on_no_room = [] {};
  std::function<std::string(std::uint64_t)> text_for = [this](std::uint64_t number) { return team_.text_for(number); };
  int other_good_end = 0;

  Checker& checker() noexcept { return checker_; }

  void play(std::uint64_t all) {
    while (run_.broken().empty() && (run_.wants_more(checker_.sent_count(), all) || checker_.outstanding() != 0)) {
      const bool more = deal_what_is_due(all);
      take_dead_letters();
      team_.look(checker_.arrived_count(), all);
      if (checker_.outstanding() == 0 || !run_.broken().empty()) {
        if (more) wait_until_due();
        continue;
      }
      // In an open loop the next one is sent when it is due, answered or not; without room soon again.
      const auto next = !run_.settings.rate || !more ? Deadline::after(Run::patience)
                        : no_room_
                            ? Deadline::after(std::chrono::milliseconds(2))
                            : Deadline(Run::clock::time_point(std::chrono::nanoseconds(run_.due(checker_.next()))));
      auto answer = team_.receive_answer(next);
      if (answer) {
        take(*answer);
        continue;
      }
      if (answer.error() == Errc::not_ready && (take_dead_letters() || (run_.settings.rate && more))) continue;
      run_.check(false, invariant::nothing_lost, [&] {
        return std::to_string(checker_.outstanding()) + " of " + std::to_string(checker_.sent_count()) +
               " jobs are not answered, and " + why(answer.error());
      });
    }
    if (!run_.broken().empty()) return;
    team_.dismiss([this](Mail late) { take(late); }, other_good_end);  // the second answer to a job handed on
    checker_.complete();
  }

 private:
  bool is_due() const { return run_.due(checker_.next()) <= now_ns(); }
  bool deal_what_is_due(std::uint64_t all) {
    no_room_ = false;
    while (run_.wants_more(checker_.sent_count(), all)) {
      // Now and then the window runs empty, so that a loss is not found only when it has used up the window.
      if (!run_.settings.rate && checker_.next() % 4096 == 0 && checker_.outstanding() != 0) return true;
      if (!is_due() || (!run_.settings.rate && checker_.outstanding() >= window_)) return true;
      const std::uint64_t number = checker_.next();
      const auto dealt = deal_({.number = number, .text = text_for(number), .due = run_.due(number)});
      if (!dealt && dealt.error() == Errc::not_ready) return no_room_ = true, on_no_room(), true;
      if (!run_.check(bool(dealt), invariant::no_call_fails, [&] { return "send: " + dealt.error().message(); }))
        return false;
      checker_.sent(), ++run_.messages;
    }
    return false;
  }
  void wait_until_due() {
    const auto due = run_.due(checker_.next()), now = now_ns();
    if (due > now) ::poll(nullptr, 0, static_cast<int>(std::min<std::uint64_t>((due - now) / 1'000'000, 50)));
  }
  void take(const Mail& answer) {
    ++run_.messages;
    if (!run_.check(answer.request() != request::TORN && answer.load(), invariant::nothing_torn)) return;
    const std::uint64_t number = answer.load()->number;
    const bool again = answer.request() == request::AGAIN;
    if (again) run_.handed_on(number, answer.sender());
    checker_.in_order(answer.sender(), answer.sequence());
    checker_.arrived(number, !again && answer.attempt() == 1);
    on_answer(answer, number);
  }
  bool take_dead_letters() {
    const auto letters = team_.dead_letters();
    for (const Mail& letter : letters) {
      if (!run_.check(bool(letter.load()), invariant::nothing_torn)) continue;
      checker_.arrived(letter.load()->number, false);
      on_dead_letter(letter);
    }
    return !letters.empty();
  }

  Run& run_;
  Team& team_;
  std::size_t window_;
  Deal deal_;
  Checker checker_;
  bool no_room_ = false;
};

/// The invariants of jobs, and whatever a scenario adds.
template <class... More>
std::vector<const Invariant*> invariants_of_jobs(const More*... more) {
  return {&invariant::nothing_lost,         &invariant::nothing_twice,    &invariant::nothing_torn,
          &invariant::nothing_misdelivered, &invariant::order_per_sender, more...,
          &invariant::slow_is_not_dead,     &invariant::ends_well,        &invariant::no_call_fails,
          &invariant::nothing_left};
}

}  // namespace mulproc::stress
