#pragma once
/// The messages of a shm_deque that a receiver looks at, oldest first.
#include <mulproc/shared_memory/deque_index.hpp>

namespace mulproc::shared_memory {

/// Which lists a receiver need look into.
struct Taste {
  bool by_address = false;  // own mail and other people's offers at most
  bool own_mail = false, offers = false;

  /// A selector by address depends on the recipient only, and for anyone on whether the sender is me: so a few questions say all.
  template <class F>
  static Taste of(F& selector, ProcessId me) noexcept {
    if constexpr (!F::by_address) {
      return {};
    } else {
      const ProcessId another(-1);
      const auto takes = [&](ProcessId recipient, ProcessId sender) {
        Envelope envelope{};
        envelope.recipient = recipient;
        envelope.sender = sender;
        return static_cast<bool>(selector(std::as_const(envelope)));
      };
      return {!takes(another, another) && !takes(anyone, me), takes(me, another), takes(anyone, another)};
    }
  }
};

/// A merge of the lists that matter, in the order of the tickets. Holds no message; the list must not change meanwhile.
class Candidates {
 public:
  Candidates(const DequeIndex& index, const Slot* slots, const Taste& taste, std::uint32_t mailbox, bool is_parent) noexcept
      : index_(index), slots_(slots), links_(taste.by_address ? &Slot::by_recipient : &Slot::in_order), left_(index.slot_count()) {
    if (!taste.by_address) {
      add(index.oldest());
      return;
    }
    if (taste.own_mail) add(index.oldest(index.mailbox(mailbox)));
    if (taste.offers) add(index.oldest(DequeIndex::offered));
    if (taste.offers && !is_parent) add(index.oldest(DequeIndex::parents_offers));
  }

  /// Nothing when there is no further one; a list that a peer made a ring ends too.
  std::uint32_t next() noexcept {
    if (count_ == 0 || left_-- == 0) return DequeIndex::nothing;
    std::size_t oldest = 0;
    for (std::size_t i = 1; i < count_; ++i) {
      if (slots_[heads_[i]].ticket < slots_[heads_[oldest]].ticket) oldest = i;
    }
    const std::uint32_t at = heads_[oldest];
    heads_[oldest] = (slots_[at].*links_).next;
    if (!index_.in_bounds(heads_[oldest])) heads_[oldest] = heads_[--count_];
    return at;
  }

 private:
  void add(std::uint32_t head) noexcept {
    if (index_.in_bounds(head)) heads_[count_++] = head;
  }

  const DequeIndex& index_;
  const Slot* slots_;
  Links Slot::* links_;
  std::uint32_t heads_[3] = {};
  std::size_t count_ = 0;
  std::uint32_t left_;
};

}  // namespace mulproc::shared_memory
