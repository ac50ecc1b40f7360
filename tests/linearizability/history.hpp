#pragma once
/// Whether a recorded history of a queue is linearizable: whether each operation can be thought to have happened at one
/// moment between its call and its return, such that a first-in-first-out queue would have answered the same.
///
/// No value is sent twice. Then a history is linearizable if, and only if, none of four patterns is in it:
///   fresh   a value is received that nobody had begun to send
///   twice   a value is received twice
///   order   a was sent before b, but b received before a was, or b received and a never
///   empty   "empty" is answered although at each moment of the call something must have been in the queue
/// Source: Bouajjani, Emmi, Enea, Hamza: On Reducing Linearizability to State Reachability, ICALP 2015 (the patterns);
///         Emmi, Enea, Hamza: Monitoring Refinement via Symbolic Reasoning, PLDI 2015.
/// Cost:    O(n log n) for n operations.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

namespace mulproc::tests {

struct Operation {
  enum Kind : std::uint32_t { send, receive, empty } kind;
  std::uint64_t value;            // distinct for each send
  std::int64_t called, returned;  // of one clock
};

class History {
  using Time = std::int64_t;
  static constexpr Time never = std::numeric_limits<Time>::max();

 public:
  void add(const Operation& operation) { operations_.push_back(operation); }
  std::size_t size() const noexcept { return operations_.size(); }

  /// Empty when it is linearizable; otherwise the pattern, and where.
  std::string violation() const {
    std::unordered_map<std::uint64_t, std::size_t> index;
    std::vector<Value> values;
    index.reserve(operations_.size());
    for (const Operation& one : operations_) {
      if (one.kind != Operation::send) continue;
      if (!index.emplace(one.value, values.size()).second)
        return "no verdict: " + std::to_string(one.value) + " was sent twice";
      values.push_back({one.value, one.called, one.returned, never, never});
    }
    for (const Operation& one : operations_) {
      if (one.kind != Operation::receive) continue;
      const auto found = index.find(one.value);
      if (found == index.end()) return "fresh: " + std::to_string(one.value) + " was never sent";
      Value& value = values[found->second];
      if (value.received != never) return "twice: " + std::to_string(one.value);
      value.receive_called = one.called;
      value.received = one.returned;
      if (value.received < value.send_called)
        return "fresh: " + std::to_string(one.value) + " was received before it was sent";
    }
    if (auto bad = out_of_order(values); !bad.empty()) return bad;
    return wrongly_empty(values);
  }

 private:
  struct Value {
    std::uint64_t number;
    Time send_called, sent, receive_called, received;
  };

  /// Looks at each b in the order of the calls that sent them; of all that had been sent before, the one received last
  /// matters.
  static std::string out_of_order(const std::vector<Value>& values) {
    std::vector<const Value*> by_call, by_return;
    for (const Value& value : values) by_call.push_back(&value), by_return.push_back(&value);
    std::sort(by_call.begin(), by_call.end(), [](auto* a, auto* b) { return a->send_called < b->send_called; });
    std::sort(by_return.begin(), by_return.end(), [](auto* a, auto* b) { return a->sent < b->sent; });
    const Value* latest = nullptr;
    auto sent_before = by_return.begin();
    for (const Value* b : by_call) {
      for (; sent_before != by_return.end() && (*sent_before)->sent < b->send_called; ++sent_before) {
        if (!latest || (*sent_before)->receive_called > latest->receive_called) latest = *sent_before;
      }
      if (latest && b->received < latest->receive_called)
        return "order: " + std::to_string(latest->number) + " was sent before " + std::to_string(b->number) +
               ", received after it or never";
    }
    return {};
  }

  /// A value must be in the queue from the return of its send to the call of its receive.
  std::string wrongly_empty(const std::vector<Value>& values) const {
    std::vector<std::pair<Time, Time>> inside;
    for (const Value& value : values) {
      if (value.sent < value.receive_called) inside.emplace_back(value.sent, value.receive_called);
    }
    std::sort(inside.begin(), inside.end());
    std::vector<std::pair<Time, Time>> filled;  // joined where they overlap
    for (const auto& span : inside) {
      if (filled.empty() || span.first >= filled.back().second) {
        filled.push_back(span);
      } else {
        filled.back().second = std::max(filled.back().second, span.second);
      }
    }
    for (const Operation& one : operations_) {
      if (one.kind != Operation::empty) continue;
      const auto after =
          std::upper_bound(filled.begin(), filled.end(), std::pair{one.called, std::numeric_limits<Time>::min()});
      if (after != filled.begin() && std::prev(after)->second > one.returned)
        return "empty: answered at " + std::to_string(one.called) + ", when something was in the queue";
    }
    return {};
  }

  std::vector<Operation> operations_;
};

}  // namespace mulproc::tests
