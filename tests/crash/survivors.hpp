#pragma once
/// What must hold when a victim was killed anywhere in a scenario: the survivors' side of the matter.
#include <algorithm>
#include <map>

#include "scenarios.hpp"

namespace mulproc::tests {

enum class Flaw { none, hang, lost, duplicated, out_of_order, other };

struct Finding {
  Flaw flaw = Flaw::none;
  std::string what = {};
};

/// Gathers what is left: the queue, in its order, and the dead letters.
template <class C>
struct Left {
  std::vector<int> numbers, letters;
  std::set<int> tried_again;
  std::error_code end;

  /// Says what is wrong at first sight. One death, one attempt more.
  Finding gather(C& inbox, int most_attempts) {
    std::map<ProcessId, int> last;
    for (auto& letter : inbox.dead_letters()) letters.push_back(number_in(letter)), letter.done().value();
    while (true) {
      auto message = inbox.try_receive();
      if (!message) {
        end = message.error();
        return {};
      }
      const int number = number_in(*message);
      if (has(number)) return {Flaw::duplicated, "twice: " + std::to_string(number)};
      numbers.push_back(number);
      if (message->attempt() > most_attempts) return {Flaw::other, "attempt " + std::to_string(message->attempt()) + " of " + std::to_string(number)};
      if (message->attempt() > 1) tried_again.insert(number);
      // Numbers grow in the order of their sends: over all senders, or each one's own.
      int& before = last.try_emplace(C::promises.global_order ? anyone : message->sender(), -1).first->second;
      if (number < before) return {Flaw::out_of_order, std::to_string(number) + " after " + std::to_string(before)};
      before = number;
    }
  }
  bool has(int number) const {
    return std::find(numbers.begin(), numbers.end(), number) != numbers.end() || std::find(letters.begin(), letters.end(), number) != letters.end();
  }

 private:
  static int number_in(const typename C::Message& message) {
    const auto small = message.template body<int>();
    return small ? *small : message.template body<Large>().value().number;
  }
};

/// Nothing is left behind: all the room is there, and the channel works.
template <class C>
Finding works_as_new(C& parent, C& child) {
  for (int i = 0; i < capacity; ++i) {
    if (auto sent = parent.try_send({}, 500 + i); !sent) return {Flaw::other, "room is missing: " + sent.error().message()};
    if (auto sent = child.try_send({}, 600 + i); !sent) return {Flaw::other, "the children's room is missing: " + sent.error().message()};
  }
  if (parent.try_send({}, 1)) return {Flaw::other, "there is more room than capacity"};
  for (int i = 0; i < 2 * capacity; ++i) {
    if (auto message = child.try_receive(); !message) return {Flaw::lost, "a message sent afterwards does not come: " + message.error().message()};
  }
  if (auto joined = parent.join_for(std::chrono::seconds(5)); !joined) return {Flaw::hang, "join: " + joined.error().message()};
  if (parent.unfinished() != 0) return {Flaw::other, "unfinished, though all is done"};
  return {};
}

/// What became of the victim.
struct Fate {
  std::set<int> sent;  // before the operation, with a yes
  bool woken = false, finished = false;
};

template <class C>
Finding survive(typename C::Link& link, C& parent, const Scenario<C>& scenario, const Fate& fate) {
  constexpr bool keeps_all = C::promises.redelivers;
  const auto is_broken = [](const std::error_code& error) { return !C::promises.survives_kill && error == Errc::broken; };
  std::set<int> must = fate.sent, may = scenario.may_end;
  if (fate.woken && scenario.wake_sends) must.insert(wakers_number);
  if (!keeps_all) may.insert(scenario.may_hold.begin(), scenario.may_hold.end()), may.insert(scenario.tried_before.begin(), scenario.tried_before.end());
  if (fate.finished && may.contains(victims_number)) must.insert(victims_number), may.erase(victims_number);  // a send that returned is never lost
  for (const int number : may) must.erase(number);
  try {
    (void)parent.unfinished();  // whoever looks first hands on what the dead held
    C fresh = link.child();
    Left<C> left;
    auto finding = left.gather(fresh, 2);
    if (is_broken(left.end) || finding.flaw != Flaw::none) return finding;
    for (const int number : must) {
      if (!left.has(number)) return {Flaw::lost, "lost: " + std::to_string(number)};
    }
    for (const auto* some : {&left.numbers, &left.letters}) {
      for (const int number : *some) {
        if (!must.contains(number) && !may.contains(number)) return {Flaw::other, "unexpected: " + std::to_string(number)};
      }
    }
    std::set<int> tried = keeps_all ? scenario.tried_before : std::set<int>();
    if (keeps_all && fate.finished && scenario.holds) tried.insert(*scenario.holds);
    for (const int number : tried) {
      if (!left.tried_again.contains(number)) return {Flaw::duplicated, std::to_string(number) + " comes a second time on its first attempt"};
    }
    return works_as_new(parent, fresh);
  } catch (const std::system_error& error) {
    return is_broken(error.code()) ? Finding{} : Finding{Flaw::other, error.what()};
  }
}

}  // namespace mulproc::tests
