#pragma once
/// Where the processes of a soak note what they do; what is noted outlives whoever notes it.
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <system_error>

#include "total_queue.hpp"

namespace mulproc::tests {

class Notebook {
 public:
  Notebook() {
    void* memory = ::mmap(nullptr, sizeof(Pages), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::system_category(), "mmap");
    pages_ = static_cast<Pages*>(memory);
  }
  Notebook(const Notebook&) = delete;
  ~Notebook() { ::munmap(pages_, sizeof(Pages)); }

  std::atomic<bool>& ending() noexcept { return pages_->ending; }
  std::array<std::atomic<pid_t>, 16>& receivers() noexcept { return pages_->receivers; }

  std::uint32_t new_sender() { return pages_->sender_count++; }
  /// The number of the message that is about to be sent.
  std::uint32_t begins(std::uint32_t sender) {
    const std::uint32_t number = pages_->senders[sender].returned + 1;
    pages_->senders[sender].begun = number;
    return number;
  }
  void returned(std::uint32_t sender) { ++pages_->senders[sender].returned; }
  void arrives(const Arrived& one) {
    const std::uint64_t word = std::uint64_t{one.sender} << 52 | std::uint64_t{one.number} << 24 | std::uint64_t{one.receiver & 0xFFFF} << 8 |
                               std::uint64_t(one.attempt & 0x7F) << 1 | (one.dead_letter ? 1 : 0);
    const auto at = pages_->arrival_count++;
    if (at >= most_arrivals) throw std::length_error("the notebook is full");
    pages_->arrivals[at] = word;  // Killed before: nothing came; whoever gets it next notes it.
  }
  template <class F>
  TotalQueue check(F is_letter) const {
    std::vector<Sent> senders;
    for (std::uint32_t i = 0; i < pages_->sender_count; ++i) senders.push_back({pages_->senders[i].begun, pages_->senders[i].returned});
    std::vector<Arrived> history;
    for (std::size_t i = 0; i < pages_->arrival_count; ++i) {
      const std::uint64_t word = pages_->arrivals[i];
      if (word == 0) continue;
      history.push_back({std::uint32_t(word >> 52), std::uint32_t(word >> 24 & 0xFFF'FFFF), std::uint32_t(word >> 8 & 0xFFFF), int(word >> 1 & 0x7F), (word & 1) != 0});
    }
    return TotalQueue(senders, history, is_letter);
  }

 private:
  struct SenderPage {
    std::atomic<std::uint32_t> begun, returned;
  };
  // An arrival in one word, so that a kill leaves it whole or not there: sender 12 bits, number 28, receiver 16, attempt 7, letter 1.
  static constexpr std::size_t most_senders = 1 << 12, most_arrivals = std::size_t{1} << 24;
  struct Pages {
    std::atomic<bool> ending;
    std::array<std::atomic<pid_t>, 16> receivers;
    std::atomic<std::uint32_t> sender_count;
    std::array<SenderPage, most_senders> senders;
    std::atomic<std::size_t> arrival_count;
    std::array<std::atomic<std::uint64_t>, most_arrivals> arrivals;
  };
  Pages* pages_;
};

}  // namespace mulproc::tests
