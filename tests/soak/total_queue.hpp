#pragma once
/// The total-queue check over a history in which senders and receivers were killed.
///
/// A sender numbers its messages 1, 2, ...; it notes each before the call and each yes after it. So all up to `returned` must
/// arrive, the one behind it may (its sender was killed before the call returned), and nothing else can.
/// After Jepsen's total-queue checker; differs in that a message may arrive again when its holder died, with a higher attempt.
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mulproc::tests {

struct Sent {
  std::uint32_t begun = 0, returned = 0;
};

/// In the order in which each receiver noted them.
struct Arrived {
  std::uint32_t sender = 0, number = 0, receiver = 0;
  int attempt = 1;
  bool dead_letter = false;
};

struct TotalQueue {
  std::size_t sent = 0, maybe = 0, arrived = 0;  // different messages; `maybe` were begun and not returned
  std::size_t recovered = 0, redelivered = 0, dead_letters = 0;
  std::size_t handed_on = 0;  // arrivals on a later attempt, of messages somebody held when he died
  std::size_t missing_letters = 0;  // returned, to an addressee who may have died, and nowhere: to be held against those dropped
  std::size_t lost = 0, unexpected = 0, duplicated = 0, out_of_order = 0;
  std::string first_flaw;

  bool all_well() const { return lost + unexpected + duplicated + out_of_order == 0; }
  void add(const TotalQueue& other) {
    for (auto member : {&TotalQueue::sent, &TotalQueue::maybe, &TotalQueue::arrived, &TotalQueue::recovered, &TotalQueue::redelivered, &TotalQueue::handed_on,
                        &TotalQueue::dead_letters, &TotalQueue::missing_letters, &TotalQueue::lost, &TotalQueue::unexpected, &TotalQueue::duplicated, &TotalQueue::out_of_order})
      this->*member += other.*member;
    if (first_flaw.empty()) first_flaw = other.first_flaw;
  }

  TotalQueue() = default;
  /// `is_letter(number)`: it was for one addressee, who may have died before it came.
  template <class F = bool (*)(std::uint32_t)>
  TotalQueue(const std::vector<Sent>& senders, const std::vector<Arrived>& history, F is_letter = [](std::uint32_t) { return false; }) {
    struct Seen {
      int attempt = 0;  // the highest so far; 0: none
      bool dead_letter = false;
    };
    std::vector<std::vector<Seen>> seen;
    for (const Sent& one : senders) {
      seen.emplace_back(one.begun);
      sent += one.returned;
      maybe += one.begun - one.returned;
    }
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> last;  // (receiver, sender): the highest number on a first attempt
    for (const Arrived& one : history) {
      if (one.sender >= senders.size() || one.number == 0 || one.number > senders[one.sender].begun) {
        finds(unexpected, "unexpected", one);
        continue;
      }
      Seen& before = seen[one.sender][one.number - 1];
      if (before.attempt == 0) {
        ++arrived;
        if (one.number > senders[one.sender].returned) ++recovered;
      } else if (before.dead_letter || (!one.dead_letter && one.attempt <= before.attempt)) {
        finds(duplicated, "again, on no later attempt", one);
      } else {
        ++redelivered;
      }
      before = {std::max(before.attempt, one.attempt), one.dead_letter};
      if (one.dead_letter) ++dead_letters;
      if (one.attempt > 1 && !one.dead_letter) ++handed_on;
      // What was handed on may come to a receiver behind later ones: it was held meanwhile.
      if (one.dead_letter || one.attempt > 1) continue;
      auto& highest = last[{one.receiver, one.sender}];
      if (one.number < highest) finds(out_of_order, "after #" + std::to_string(highest), one);
      highest = std::max(highest, one.number);
    }
    for (std::uint32_t s = 0; s < senders.size(); ++s) {
      for (std::uint32_t n = 1; n <= senders[s].returned; ++n) {
        if (seen[s][n - 1].attempt != 0) continue;
        if (is_letter(n)) {
          ++missing_letters;
        } else {
          finds(lost, "lost", {.sender = s, .number = n});
        }
      }
    }
  }

 private:
  void finds(std::size_t& count, const std::string& what, const Arrived& one) {
    ++count;
    if (first_flaw.empty()) first_flaw = "#" + std::to_string(one.number) + " of sender " + std::to_string(one.sender) + ": " + what;
  }
};

}  // namespace mulproc::tests
