#pragma once
/// The operations in whose midst a participant is killed, and what must hold afterwards. Over any transport of many.
#include <algorithm>
#include <functional>
#include <mulproc/channel.hpp>
#include <mulproc/routing/everything.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "single_step.hpp"

namespace mulproc::tests {

template <class T>
using Crashing = Channel<T, serializer::trivially_copyable, routing::everything>;

constexpr int capacity = 4;
constexpr int victims_number = 100, wakers_number = 200;

struct Large {
  int number;
  char rest[2100];  // more than a transport copies under its lock
};

/// What a victim has at hand.
template <class C>
struct Stage {
  typename C::Link& link;
  std::optional<C> child;
  std::vector<typename C::Message> held;

  void attach() { child.emplace(link.child()); }
  void take(int number) {
    held.push_back(child->try_receive([=](const auto& seen) { return seen.template body<int>().value() == number; }).value());
  }
};

template <class C>
struct Scenario {
  using Act = std::function<void(Stage<C>&)>;
  std::string name;
  int queued;      // messages 0 .. queued - 1 wait when the victim comes
  Act before, operation;
  std::set<int> may_end = {};    // numbers that may be there afterwards or not: nobody was told how the operation ended
  std::set<int> may_hold = {};   // numbers that the victim may hold when it dies
  std::optional<int> holds = {};  // the number that it holds when the operation is complete
  std::function<void(C& parent)> wake = {};  // what wakes it where it sleeps
  bool wake_sends = false;       // ... by sending wakers_number
  Brackets brackets = Brackets::around;
};

template <class C>
std::vector<Scenario<C>> scenarios() {
  using S = Stage<C>;
  const auto attach = [](S& stage) { stage.attach(); };
  const auto holding_zero = [](S& stage) { stage.attach(), stage.take(0); };
  const auto send_mine = [](S& stage) { stage.child->send({}, victims_number).value(); };
  const auto receive_any = [](S& stage) { stage.held.push_back(stage.child->receive().value()); };
  const auto refuse_all = [](const auto&) { return false; };
  std::vector<Scenario<C>> all;
  const auto add = [&all](Scenario<C> one) { all.push_back(std::move(one)); };
  add({.name = "attach", .queued = 2, .before = [](S&) {}, .operation = attach});
  add({.name = "send, empty", .queued = 0, .before = attach, .operation = send_mine, .may_end = {victims_number}});
  add({.name = "send, room for one", .queued = 2, .before = [](S& s) { s.attach(); for (int i = 0; i < capacity - 1; ++i) s.child->send({}, 50 + i).value(); },
       .operation = send_mine, .may_end = {victims_number}});
  add({.name = "send, large body", .queued = 1, .before = attach, .operation = [](S& s) { s.child->send({}, Large{victims_number, {}}).value(); }, .may_end = {victims_number}});
  add({.name = "send, no room", .queued = 0, .before = [](S& s) { s.attach(); for (int i = 0; i < capacity; ++i) s.child->send({}, 50 + i).value(); },
       .operation = send_mine, .may_end = {50, victims_number}, .wake = [](C& parent) { (void)parent.try_receive().value(); }});
  add({.name = "receive, head", .queued = 3, .before = attach, .operation = receive_any, .may_hold = {0}, .holds = 0});
  add({.name = "receive, middle match", .queued = 3, .before = attach, .operation = [](S& s) { s.take(1); }, .may_hold = {0, 1}, .holds = 1});
  add({.name = "receive, no match", .queued = 2, .before = attach, .operation = [=](S& s) { (void)s.child->try_receive(refuse_all); }, .may_hold = {0, 1}});
  add({.name = "receive, asleep", .queued = 0, .before = attach, .operation = receive_any, .may_hold = {wakers_number},
       .wake = [](C& parent) { parent.try_send({}, wakers_number).value(); }, .wake_sends = true});
  add({.name = "done", .queued = 3, .before = holding_zero, .operation = [](S& s) { s.held[0].done().value(); }, .may_end = {0}, .may_hold = {0}});
  add({.name = "give back", .queued = 3, .before = holding_zero, .operation = [](S& s) { s.held[0].give_back().value(); }, .may_hold = {0}});
  add({.name = "fail", .queued = 3, .before = holding_zero,
       .operation = [](S& s) {
         struct AtTheEnd {
           ~AtTheEnd() { breakpoint(); }
         };
         try {
           const AtTheEnd after;  // destroyed last
           const auto unwound = std::move(s.held[0]);
           const AtTheEnd before;
           throw 0;
         } catch (int) {
         }
       },
       .may_hold = {0}, .brackets = Brackets::within});
  add({.name = "close", .queued = 1, .before = attach, .operation = [](S& s) { s.child->close().value(); }});
  add({.name = "detach", .queued = 2, .before = holding_zero, .operation = [](S& s) { s.child.reset(); }, .may_hold = {0}});
  add({.name = "unfinished", .queued = 2, .before = attach, .operation = [](S& s) { (void)s.child->unfinished(); }});
  add({.name = "join", .queued = 0, .before = attach, .operation = [](S& s) { s.child->join().value(); }});
  return all;
}

/// Gathers what is left in the queue.
template <class C>
struct Drained {
  std::vector<int> numbers;
  std::set<int> tried_again;
  std::string wrong;

  explicit Drained(C& inbox, std::error_code& error) {
    while (wrong.empty()) {
      auto message = inbox.try_receive();
      if (!message) {
        error = message.error();
        return;
      }
      const auto small = message->template body<int>();
      numbers.push_back(small ? *small : message->template body<Large>().value().number);
      if (message->attempt() > 1) tried_again.insert(numbers.back());
      if (message->attempt() > most_attempts) wrong = "attempt " + std::to_string(message->attempt());
    }
  }
  static inline int most_attempts = 2;  // one death each
};

/// What must hold when a victim was killed anywhere in a scenario. Says what does not; empty when all is well.
template <class C>
std::string verify(typename C::Link& link, C& parent, const Scenario<C>& scenario, const std::set<int>& sent_before, bool woken, bool finished) {
  constexpr bool keeps_all = C::promises.redelivers;
  const auto is_broken = [](const std::error_code& error) { return !C::promises.survives_kill && error == Errc::broken; };
  std::set<int> must = sent_before, may = scenario.may_end;
  if (woken && scenario.wake_sends) must.insert(wakers_number);
  if (!keeps_all) may.insert(scenario.may_hold.begin(), scenario.may_hold.end());
  if (finished && may.contains(victims_number)) must.insert(victims_number), may.erase(victims_number);  // a send that returned is never lost
  for (const int number : may) must.erase(number);
  try {
    (void)parent.unfinished();  // whoever looks first hands on what the dead held
    C fresh = link.child();
    std::error_code end;
    const Drained<C> left(fresh, end);
    if (is_broken(end)) return {};
    if (!left.wrong.empty()) return left.wrong;
    const auto& got = left.numbers;
    if (!std::is_sorted(got.begin(), got.end(), std::less_equal<>())) {
      std::string order = "out of order or twice:";
      for (const int number : got) order += ' ' + std::to_string(number);
      return order;
    }
    for (const int number : must) {
      if (std::find(got.begin(), got.end(), number) == got.end()) return "lost: " + std::to_string(number);
    }
    for (const int number : got) {
      if (!must.contains(number) && !may.contains(number)) return "unexpected: " + std::to_string(number);
    }
    if (keeps_all && finished && scenario.holds && !left.tried_again.contains(*scenario.holds)) return "no attempt counted for " + std::to_string(*scenario.holds);
    // Nothing is left behind: all the room is there, and the channel works.
    for (int i = 0; i < capacity; ++i) {
      if (auto sent = parent.try_send({}, 500 + i); !sent) return "room is missing: " + sent.error().message();
      if (auto sent = fresh.try_send({}, 600 + i); !sent) return "the children's room is missing: " + sent.error().message();
    }
    if (parent.try_send({}, 1)) return "there is more room than capacity";
    for (int i = 0; i < 2 * capacity; ++i) {
      auto message = fresh.try_receive();
      if (!message) return "a message sent afterwards does not come: " + message.error().message();
    }
    if (auto joined = parent.join_for(std::chrono::seconds(5)); !joined) return "join: " + joined.error().message();
    if (parent.unfinished() != 0) return "unfinished, though all is done";
  } catch (const std::system_error& error) {
    return is_broken(error.code()) ? std::string() : error.what();
  }
  return {};
}

}  // namespace mulproc::tests
