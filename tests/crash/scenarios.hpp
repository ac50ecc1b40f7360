#pragma once
/// The operations in whose midst a participant is killed. Over any transport of many.
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "crashing.hpp"
#include "single_step.hpp"

namespace mulproc::tests {

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
  int queued = 0;                 // messages 0 .. queued - 1 wait when the victim comes
  std::set<int> sends_first = {};  // numbers that the victim sends before the operation, with a yes
  Act before, operation;
  std::set<int> may_end = {};     // numbers that may be there afterwards or not: nobody was told how the operation ended
  std::set<int> may_hold = {};    // numbers that the victim may hold when it dies
  std::optional<int> holds = {};  // the number that it holds when the operation is complete
  Act dead_before = {};           // what somebody did who died before the victim came; a letter to him is message 0
  std::set<int> tried_before = {};  // numbers that somebody held who died before
  std::function<void(C& parent)> wake = {};  // what wakes it where it sleeps
  bool wake_sends = false;        // ... by sending wakers_number
  bool receiver_asleep = false;   // somebody sleeps in receive meanwhile
  Brackets brackets = Brackets::around;
};

template <class T>
std::vector<Scenario<Crashing<T>>> scenarios() {
  using C = Crashing<T>;
  using S = Stage<C>;
  const auto attach = [](S& stage) { stage.attach(); };
  const auto holding_zero = [](S& stage) { stage.attach(), stage.take(0); };
  const auto send_mine = [](S& stage) { stage.child->send({}, victims_number).value(); };
  const auto receive_any = [](S& stage) { stage.held.push_back(stage.child->receive().value()); };
  const auto refuse_all = [](const auto&) { return false; };
  const auto recover = [](S& stage) { look_for_deaths_every<T>(std::chrono::milliseconds(0)), (void)stage.child->unfinished(); };
  const auto take_one = [](C& parent) { (void)parent.try_receive().value(); };
  std::vector<Scenario<C>> all;
  const auto add = [&all](Scenario<C> one) { all.push_back(std::move(one)); };
  add({.name = "attach", .queued = 2, .before = [](S&) {}, .operation = attach});
  add({.name = "send, empty", .before = attach, .operation = send_mine, .may_end = {victims_number}});
  add({.name = "send, room for one", .queued = 2, .sends_first = {50, 51, 52}, .before = attach, .operation = send_mine, .may_end = {victims_number}});
  add({.name = "send, receiver asleep", .before = attach, .operation = send_mine, .may_end = {victims_number}, .receiver_asleep = true});
  add({.name = "send, large body", .queued = 1, .before = attach,
       .operation = [](S& s) { s.child->send({}, Large{victims_number, {}}).value(); }, .may_end = {victims_number}});
  add({.name = "send, no room", .sends_first = {50, 51, 52, 53}, .before = attach, .operation = send_mine, .may_end = {50, victims_number}, .wake = take_one});
  add({.name = "receive, head", .queued = 3, .before = attach, .operation = receive_any, .may_hold = {0}, .holds = 0});
  add({.name = "receive, middle match", .queued = 3, .before = attach, .operation = [](S& s) { s.take(1); }, .may_hold = {0, 1}, .holds = 1});
  add({.name = "receive, no match", .queued = 2, .before = attach, .operation = [=](S& s) { (void)s.child->try_receive(refuse_all); }, .may_hold = {0, 1}});
  add({.name = "receive, asleep", .before = attach, .operation = receive_any, .may_hold = {wakers_number},
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
  add({.name = "recover", .queued = 2, .before = attach, .operation = recover, .dead_before = [](S& s) { s.attach(), s.take(1); }, .tried_before = {1}});
  add({.name = "dead letters", .queued = 2, .before = [=](S& s) { s.attach(), recover(s); },
       .operation = [](S& s) { s.held = s.child->dead_letters(); }, .may_hold = {0}, .dead_before = attach});
  add({.name = "close", .queued = 1, .before = attach, .operation = [](S& s) { s.child->close().value(); }});
  add({.name = "detach", .queued = 2, .before = holding_zero, .operation = [](S& s) { s.child.reset(); }, .may_hold = {0}});
  add({.name = "unfinished", .queued = 2, .before = attach, .operation = [](S& s) { (void)s.child->unfinished(); }});
  add({.name = "join", .before = attach, .operation = [](S& s) { s.child->join().value(); }});
  add({.name = "join, asleep", .queued = 1, .before = attach, .operation = [](S& s) { s.child->join().value(); }, .may_end = {0}, .wake = take_one});
  return all;
}

}  // namespace mulproc::tests
