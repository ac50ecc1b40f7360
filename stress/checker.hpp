#pragma once
/// The total-queue check: what was sent arrives once, in its sender's order. Numbers tell messages apart.
#include <algorithm>
#include <map>
#include <mulproc/envelope.hpp>
#include <stress/run.hpp>
#include <string>
#include <utility>
#include <vector>

namespace mulproc::stress {

class Checker {
 public:
  explicit Checker(Run& run) : run_(run) {}

  /// The number sent_count() is the next one to send.
  std::uint64_t next() const noexcept { return first_ + arrivals_.size(); }
  void sent() { arrivals_.emplace_back(); }
  std::uint64_t sent_count() const noexcept { return next(); }
  std::uint64_t arrived_count() const noexcept { return arrived_; }
  std::uint64_t outstanding() const noexcept { return next() - arrived_; }

  /// What was sent has arrived. Only once on its first attempt; on a later one whoever had it died. The dead may have
  /// answered before, and two senders' answers come in any order.
  void arrived(std::uint64_t number, bool on_first_attempt) {
    if (!run_.check(number < next(), invariant::nothing_misdelivered,
                    [&] { return "number " + std::to_string(number) + " was never sent"; }))
      return;
    Arrival forgotten{.at_all = true, .on_first_attempt = true};
    Arrival& arrival = number >= first_ ? arrivals_[number - first_] : forgotten;
    if (!std::exchange(arrival.at_all, true)) ++arrived_;
    run_.check(!on_first_attempt || !std::exchange(arrival.on_first_attempt, true), invariant::nothing_twice,
               [&] { return "number " + std::to_string(number) + " came again on its first attempt"; });
    forget_what_is_complete();
  }
  /// Sequences of one sender grow, one by one where nobody else takes his messages. A process that comes later may have
  /// the same id; it begins anew with #1.
  void in_order(ProcessId sender, std::uint64_t sequence) {
    auto& last = last_sequence_[sender];
    run_.check(sequence > last || sequence == 1, invariant::order_per_sender,
               [&] { return "#" + std::to_string(sequence) + " after #" + std::to_string(last); });
    last = sequence;
  }
  void in_order_without_gap(ProcessId sender, std::uint64_t sequence) {
    const auto last = last_sequence_[sender];
    run_.check(sequence <= last + 1, invariant::nothing_lost,
               [&] { return "#" + std::to_string(sequence) + " after #" + std::to_string(last); });
    in_order(sender, sequence);
  }
  /// At the end: all that was sent has arrived.
  void complete() {
    const auto lost = std::find_if(arrivals_.begin(), arrivals_.end(), has_not_come);
    run_.check(lost == arrivals_.end(), invariant::nothing_lost, [&] {
      return "number " + std::to_string(first_ + static_cast<std::uint64_t>(lost - arrivals_.begin())) + " never came";
    });
  }

 private:
  // A soak sends for hours: of what has arrived without a gap only the last is remembered one by one.
  void forget_what_is_complete() {
    constexpr std::size_t remembered = 1 << 16;
    if (arrivals_.size() < 2 * remembered) return;
    if (std::any_of(arrivals_.begin(), arrivals_.begin() + remembered, has_not_come)) return;
    arrivals_.erase(arrivals_.begin(), arrivals_.begin() + remembered);
    first_ += remembered;
  }
  struct Arrival {
    bool at_all = false, on_first_attempt = false;
  };
  static bool has_not_come(const Arrival& arrival) noexcept { return !arrival.at_all; }

  Run& run_;
  std::vector<Arrival> arrivals_;  // of each number from first_ on
  std::uint64_t first_ = 0, arrived_ = 0;
  std::map<ProcessId, std::uint64_t> last_sequence_;
};

}  // namespace mulproc::stress
