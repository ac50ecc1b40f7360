#pragma once
/// The total-queue check: what was sent arrives once, in its sender's order. Numbers tell messages apart.
#include <algorithm>
#include <map>
#include <mulproc/envelope.hpp>
#include <string>
#include <vector>

namespace mulproc::stress {

class Checker {
 public:
  /// The number sent_count() is the next one to send.
  std::uint64_t next() const noexcept { return arrivals_.size(); }
  void sent() { arrivals_.push_back(0); }
  std::size_t sent_count() const noexcept { return arrivals_.size(); }
  std::size_t arrived_count() const noexcept { return arrived_; }
  std::size_t outstanding() const noexcept { return arrivals_.size() - arrived_; }

  /// What was sent has arrived. A second time it may only come with an attempt beyond the first: whoever had it died.
  void arrived(std::uint64_t number, bool on_first_attempt) {
    if (number >= arrivals_.size()) return fails("nothing unexpected: number " + std::to_string(number) + " was never sent");
    if (arrivals_[number]++ == 0) {
      ++arrived_;
    } else if (on_first_attempt) {
      fails("nothing twice: number " + std::to_string(number) + " came again on its first attempt");
    }
  }
  /// Sequences of one sender grow, one by one where nobody else takes his messages. A process that comes later may have
  /// the same id; it begins anew with #1.
  void in_order(ProcessId sender, std::uint64_t sequence) {
    auto& last = last_sequence_[sender];
    if (sequence <= last && sequence != 1) fails("order per sender: #" + std::to_string(sequence) + " after #" + std::to_string(last));
    last = sequence;
  }
  void in_order_without_gap(ProcessId sender, std::uint64_t sequence) {
    const auto last = last_sequence_[sender];
    if (sequence > last + 1) fails("nothing lost: #" + std::to_string(sequence) + " after #" + std::to_string(last));
    in_order(sender, sequence);
  }
  /// At the end: all that was sent has arrived.
  void complete() {
    const auto lost = std::find(arrivals_.begin(), arrivals_.end(), 0u);
    if (lost != arrivals_.end()) fails("nothing lost: number " + std::to_string(lost - arrivals_.begin()) + " never came");
  }

  /// The first violation; empty while there is none.
  const std::string& broken() const noexcept { return broken_; }

 private:
  void fails(const std::string& why) {
    if (broken_.empty()) broken_ = why;
  }
  std::vector<std::uint32_t> arrivals_;  // how often each number came
  std::size_t arrived_ = 0;
  std::map<ProcessId, std::uint64_t> last_sequence_;
  std::string broken_;
};

}  // namespace mulproc::stress
