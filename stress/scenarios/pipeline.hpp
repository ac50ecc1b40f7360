#pragma once
#include <deque>
#include <stress/scenarios/jobs.hpp>

namespace mulproc::stress {

/// The children of one stage compete for its items; each child is told by the parent which stage is its own.
inline void play_pipeline(Run& run) {
  static constexpr Request stages[] = {{"STAGE 1"}, {"STAGE 2"}, {"STAGE 3"}};
  static constexpr Request YOURS{"YOUR STAGE"};
  const std::size_t last = std::min<std::size_t>(std::size(stages), run.settings.children);
  const auto mark = [](std::size_t stage) { return static_cast<char>('1' + stage); };
  Team team(run, {.largest_text = run.settings.payload.largest() + std::size(stages)}, [mark](Port& inbox) {
    const Wanted stage_or_pill = [](const Envelope& envelope) {
      return envelope.request == YOURS || envelope.request == request::DIE;
    };
    auto told = inbox.receive_until(Deadline::never(), stage_or_pill);
    if (!told || told->request() == request::DIE) return 0;
    const std::size_t mine = told->load()->number % std::size(stages);
    told->done();
    const Wanted wanted = [mine](const Envelope& envelope) {
      return envelope.request == stages[mine] || envelope.request == request::DIE;
    };
    while (auto item = inbox.receive_until(Deadline::never(), wanted)) {
      if (item->request() == request::DIE) return 0;
      Load load = item->load().value_or(Load{});
      load.text += mark(mine);
      if (!inbox.reply(*item, verdict_on(*item), {.number = load.number, .text = std::move(load.text)})) return 0;
    }
    return 0;
  });
  const auto tell_its_stage = [&](std::size_t i) { team.tell(i, YOURS, i % last); };
  team.on_replaced = tell_its_stage;
  for (std::size_t i = 0; i < team.size(); ++i) tell_its_stage(i);

  struct Item {
    std::size_t bytes, stage = 0;
  };
  struct Step {
    std::uint64_t number;
    std::size_t stage;
    std::string text;
  };
  Checker checker(run);
  std::map<std::uint64_t, Item> under_way;
  std::deque<Step> waiting;  // there was no room
  std::size_t turn = 0;
  const auto pass = [&](const Step& step) {
    Load load{.number = step.number, .text = step.text, .due = step.stage == 0 ? run.due(step.number) : 0};
    const std::size_t in_stage = (team.size() - step.stage + last - 1) / last,
                      member = step.stage + last * (turn++ % in_stage);
    return team.shares_a_link() ? team.offer(stages[step.stage], std::move(load))
                                : team.send_to(member, stages[step.stage], std::move(load));
  };
  const auto take = [&](const Mail& answer) {
    ++run.messages;
    checker.in_order(answer.sender(), answer.sequence());
    if (!run.check(answer.request() != request::TORN && answer.load(), invariant::nothing_torn)) return;
    const auto number = answer.load()->number;
    const bool again = answer.request() == request::AGAIN;
    if (again) run.handed_on(number, answer.sender());
    const auto found = under_way.find(number);
    const std::size_t bytes = found == under_way.end() ? answer.load()->text.size() : found->second.bytes;
    const std::size_t passed = answer.load()->text.size() - std::min(bytes, answer.load()->text.size());
    if (found == under_way.end() || passed <= found->second.stage) {  // what a dead child had passed on before it died
      run.check(again || run.settings.chaos.kill, invariant::nothing_twice,
                [&] { return "item " + std::to_string(number) + " passed a stage twice"; });
      return;
    }
    std::string expected = filler_of(number, bytes);
    for (std::size_t stage = 0; stage <= found->second.stage; ++stage) expected += mark(stage);
    if (!run.check(answer.load()->text == expected, invariant::stages_in_order,
                   [&] { return "item " + std::to_string(number) + " has not the marks of its stages"; }))
      return;
    if (++found->second.stage < last) return waiting.push_back({number, found->second.stage, std::move(expected)});
    under_way.erase(found);
    checker.arrived(number, true);
  };
  const auto on_dead_letter = [&](const Mail& letter) {
    // Told its stage and dead before it took the message: its successor was told anew. No item is for one child alone.
    run.check(letter.request() == YOURS, invariant::nothing_lost, [&] {
      return "item " + std::to_string(letter.load() ? letter.load()->number : 0) + " is a dead letter";
    });
  };
  const std::uint64_t all = run.settings.messages;
  while (run.broken().empty() && (run.wants_more(checker.sent_count(), all) || checker.outstanding() != 0)) {
    while (run.wants_more(checker.sent_count(), all) && run.due(checker.next()) <= now_ns() &&
           (run.settings.rate || checker.outstanding() < 32) && waiting.size() < 32) {
      const auto number = checker.next();
      std::string text = team.text_for(number);
      under_way[number] = {text.size()};
      waiting.push_back({number, 0, std::move(text)});
      checker.sent();
    }
    for (; !waiting.empty(); waiting.pop_front(), ++run.messages) {
      const auto sent = pass(waiting.front());
      if (!sent && sent.error() == Errc::not_ready) break;
      if (!run.check(bool(sent), invariant::no_call_fails, [&] { return "send: " + sent.error().message(); })) return;
    }
    for (const Mail& letter : team.dead_letters()) on_dead_letter(letter);
    team.look(checker.arrived_count(), all);
    const bool more_later = run.settings.rate && run.wants_more(checker.sent_count(), all);
    auto answer = team.receive_answer(
        !waiting.empty() ? Deadline::after(std::chrono::milliseconds(2))
        : more_later     ? Deadline(Run::clock::time_point(std::chrono::nanoseconds(run.due(checker.next()))))
                         : Deadline::after(Run::patience));
    if (answer) {
      take(*answer);
    } else if (checker.outstanding() != 0 && waiting.empty() && !more_later && team.dead_letters().empty()) {
      run.check(false, invariant::nothing_lost, [&] {
        return std::to_string(checker.outstanding()) + " items have not come out, and " + why(answer.error());
      });
    }
  }
  if (run.broken().empty()) team.dismiss(take);
  if (run.broken().empty()) checker.complete();
}
inline const Scenario pipeline{.name = "pipeline",
                               .about =
                                   "Items pass three stages; the children of a stage compete for its items, add their "
                                   "mark, and hand them back to be passed on.",
                               .invariants = invariants_of_jobs(&invariant::stages_in_order),
                               .play = play_pipeline};

}  // namespace mulproc::stress
