#pragma once
/// What is derived from a shm_deque's slot words: the order, the lists by recipient, the free list, the counts.
///
/// A READY slot is in two lists, both in the order of the tickets: that of all, and that of its recipient: a thread's
/// mailbox, the offers to anyone, or elsewhere, for who has not attached yet. So a receiver finds its own mail at once,
/// whatever waits for others; and the parent, which takes no offer of its own, need not skip its own.
///
/// All of it is made anew from the words when somebody died inside the lock, or wrote where he should not. So every walk
/// is bounded, and no index is believed.
#include <algorithm>
#include <mulproc/shared_memory/deque_layout.hpp>
#include <vector>

namespace mulproc::shared_memory {

class DequeIndex {
 public:
  static constexpr std::uint32_t nothing = DequeLayout::nothing;
  enum List : std::uint32_t { parents_offers, offered, elsewhere, first_mailbox };

  DequeIndex(const Segment& segment, const DequeLayout& layout, Participants& people) noexcept
      : head_(reinterpret_cast<DequeHead*>(segment.address())),
        slots_(reinterpret_cast<Slot*>(segment.address() + layout.slots)),
        lists_(reinterpret_cast<ListEnds*>(segment.address() + layout.lists)),
        list_count_(static_cast<std::uint32_t>(DequeLayout::lists_of(layout.max_participants))),
        slot_count_(static_cast<std::uint32_t>(4 * layout.capacity)),
        people_(&people) {}

  std::uint32_t slot_count() const noexcept { return slot_count_; }
  std::uint32_t used() const noexcept { return std::min(head_->slots_used, slot_count_); }
  bool in_bounds(std::uint32_t at) const noexcept { return at < used(); }
  SlotWord word(std::uint32_t at) const noexcept { return slots_[at].word.load(std::memory_order_relaxed); }
  std::size_t side_of(std::uint32_t at) const noexcept { return slots_[at].side & 1; }

  std::uint32_t oldest() const noexcept { return head_->in_order.first; }
  std::uint32_t oldest(std::uint32_t list) const noexcept { return lists_[list].first; }  // of the READY ones
  std::uint32_t mailbox(std::uint32_t of) const noexcept { return std::min(first_mailbox + of, list_count_ - 1); }
  std::uint32_t mailbox_it_is_in(std::uint32_t at) const noexcept { return slots_[at].list < first_mailbox ? nothing : slots_[at].list - std::uint32_t{first_mailbox}; }
  /// In the list of this mailbox or of offers.
  bool is_first_of(std::uint32_t mailbox, std::uint32_t at) const noexcept {
    return at == lists_[mailbox].first || at == lists_[offered].first || at == lists_[parents_offers].first;
  }
  bool has_offers() const noexcept { return in_bounds(oldest(offered)) || in_bounds(oldest(parents_offers)); }

  /// At the end. `mailbox` is its recipient's, as people know it.
  void append(std::uint32_t at, std::uint32_t mailbox) noexcept {
    Slot& slot = slots_[at];
    slot.list = static_cast<std::uint16_t>(list_for(at, mailbox));
    link_last(at, head_->in_order, &Slot::in_order);
    link_last(at, lists_[slot.list], &Slot::by_recipient);
  }
  /// Back to its place, which is near the head.
  void insert(std::uint32_t at) noexcept {
    Slot& slot = slots_[at];
    link_by_ticket(at, head_->in_order, &Slot::in_order);
    slot.list = static_cast<std::uint16_t>(list_for(at));
    link_by_ticket(at, lists_[slot.list], &Slot::by_recipient);
  }
  void remove(std::uint32_t at) noexcept {
    unlink(at, head_->in_order, &Slot::in_order);
    unlink(at, lists_[std::min<std::uint32_t>(slots_[at].list, list_count_ - 1)], &Slot::by_recipient);
  }
  /// When somebody came or went whose mail waits in another list than it should.
  void sort_by_recipient() noexcept {
    std::fill_n(lists_, list_count_, ListEnds{nothing, nothing});
    std::uint32_t left = slot_count_;
    for (auto at = oldest(); in_bounds(at) && left-- != 0; at = slots_[at].in_order.next) {
      slots_[at].list = static_cast<std::uint16_t>(list_for(at));
      link_last(at, lists_[slots_[at].list], &Slot::by_recipient);
    }
  }
  bool anything_elsewhere() const noexcept { return in_bounds(oldest(elsewhere)); }

  void push_free(std::uint32_t at) noexcept {
    slots_[at].in_order.next = head_->first_free;  // last in, first out: few slots are ever touched
    head_->first_free = at;
  }
  /// Nothing when no slot that was ever used is free.
  std::uint32_t first_free() const noexcept { return head_->first_free; }
  /// `first`: as it was read and found in bounds; what a peer writes there meanwhile is not believed.
  void pop_free(std::uint32_t first) noexcept { head_->first_free = slots_[first].in_order.next; }

  static bool is_dead(SlotState state) noexcept { return state == SlotState::DEAD_LETTER || state == SlotState::CLAIMED_DEAD; }

  void rebuild() {
    head_->in_order = {nothing, nothing};
    head_->first_free = nothing;
    std::vector<std::uint32_t> ready;
    for (std::uint32_t at = 0; at < used(); ++at) {
      if (word(at).state > SlotState::CLAIMED_DEAD) slots_[at].word.store({});  // no word of ours
    }
    for (std::uint32_t at = used(); at-- > 0;) {
      const SlotState state = word(at).state;
      if (state == SlotState::FREE) {
        push_free(at);
        continue;
      }
      if (state != SlotState::WRITING) head_->next_ticket = std::max(head_->next_ticket, slots_[at].ticket + 1);
      if (state == SlotState::READY) ready.push_back(at);
    }
    const Counts counts = count();
    std::copy_n(counts.live, 2, head_->live);
    std::copy_n(counts.dead, 2, head_->dead);
    std::sort(ready.begin(), ready.end(), [this](auto a, auto b) { return slots_[a].ticket < slots_[b].ticket; });
    for (const auto at : ready) link_last(at, head_->in_order, &Slot::in_order);
    sort_by_recipient();
  }

  /// It says the same as the words. Asked at each look, so that what a peer wrote over it heals.
  bool agrees() const noexcept {
    const Counts counts = count();
    if (counts.foreign != 0 || !std::equal(counts.live, counts.live + 2, head_->live) || !std::equal(counts.dead, counts.dead + 2, head_->dead)) return false;
    const auto ready = counts.ready;
    std::uint64_t by_recipient = 0;
    for (std::uint32_t list = 0; list < list_count_; ++list) by_recipient += whole(lists_[list], &Slot::by_recipient, ready);
    return by_recipient == ready && whole(head_->in_order, &Slot::in_order, ready) == ready;
  }

 private:
  using LinksOf = Links Slot::*;

  struct Counts {
    std::uint64_t live[2] = {}, dead[2] = {}, ready = 0, foreign = 0;
  };
  Counts count() const noexcept {
    Counts counts;
    for (std::uint32_t at = 0; at < used(); ++at) {
      const SlotState state = word(at).state;
      if (state > SlotState::CLAIMED_DEAD) ++counts.foreign;
      if (state == SlotState::READY) ++counts.ready;
      if (state != SlotState::FREE) ++(is_dead(state) ? counts.dead : counts.live)[side_of(at)];
    }
    return counts;
  }

  std::uint32_t list_for(std::uint32_t at) const noexcept { return list_for(at, people_->mailbox_of(slots_[at].envelope.recipient)); }
  std::uint32_t list_for(std::uint32_t at, std::uint32_t box) const noexcept {
    if (box != Participants::nobody) return mailbox(box);
    const Envelope& envelope = slots_[at].envelope;
    if (envelope.recipient != anyone) return elsewhere;
    const ProcessId sender = envelope.sender;
    return side_of(at) == 0 && sender.host == 0 && people_->is_parent(sender.pid) ? parents_offers : offered;
  }

  void link_last(std::uint32_t at, ListEnds& ends, LinksOf links) noexcept {
    const std::uint32_t previous = ends.last;
    slots_[at].*links = {nothing, previous};
    (in_bounds(previous) ? (slots_[previous].*links).next : ends.first) = at;
    ends.last = at;
  }

  void link_behind(std::uint32_t previous, std::uint32_t at, ListEnds& ends, LinksOf links) noexcept {
    const bool first = !in_bounds(previous);
    const std::uint32_t next = first ? ends.first : (slots_[previous].*links).next;
    slots_[at].*links = {next, first ? nothing : previous};
    (first ? ends.first : (slots_[previous].*links).next) = at;
    (in_bounds(next) ? (slots_[next].*links).previous : ends.last) = at;
  }
  void link_by_ticket(std::uint32_t at, ListEnds& ends, LinksOf links) noexcept {
    std::uint32_t previous = nothing, left = slot_count_;
    for (auto next = ends.first; in_bounds(next) && slots_[next].ticket < slots_[at].ticket && left-- != 0; next = (slots_[next].*links).next) previous = next;
    link_behind(previous, at, ends, links);
  }
  void unlink(std::uint32_t at, ListEnds& ends, LinksOf links) noexcept {
    const Links around = slots_[at].*links;
    (in_bounds(around.previous) ? (slots_[around.previous].*links).next : ends.first) = around.next;
    (in_bounds(around.next) ? (slots_[around.next].*links).previous : ends.last) = around.previous;
  }
  /// How many are in a list; more than `most` when it is none.
  std::uint64_t whole(const ListEnds& ends, LinksOf links, std::uint64_t most) const noexcept {
    std::uint64_t count = 0;
    std::uint32_t previous = nothing;
    for (auto at = ends.first; in_bounds(at); previous = std::exchange(at, (slots_[at].*links).next)) {
      const bool in_order = previous == nothing || slots_[previous].ticket <= slots_[at].ticket;
      if (word(at).state != SlotState::READY || (slots_[at].*links).previous != previous || !in_order || ++count > most) return most + 1;
    }
    return ends.last == previous ? count : most + 1;
  }

  DequeHead* head_;
  Slot* slots_;
  ListEnds* lists_;
  const std::uint32_t list_count_, slot_count_;
  Participants* people_;
};

}  // namespace mulproc::shared_memory
