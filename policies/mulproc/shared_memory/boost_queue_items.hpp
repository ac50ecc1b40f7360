#pragma once
/// The messages of a Boost message_queue, as one participant puts them in and takes them out. All of it under the lock.
#include <mulproc/shared.hpp>
#include <mulproc/shared_memory/boost_queue.hpp>
#include <new>
#include <span>
#include <vector>

namespace mulproc::shared_memory {

/// One message outside Boost's queue: ItemHead, then the body. There is room for any, touched as far as it was used.
class QueueItem {
 public:
  explicit QueueItem(std::size_t most_bytes) : memory_(new std::byte[most_bytes]) {}
  ItemHead& head() noexcept { return *reinterpret_cast<ItemHead*>(memory_.get()); }
  std::byte* data() noexcept { return memory_.get(); }
  std::span<const std::byte> body() noexcept { return {data() + sizeof(ItemHead), bytes - sizeof(ItemHead)}; }

  std::size_t bytes = sizeof(ItemHead);

 private:
  std::unique_ptr<std::byte[]> memory_;
};
/// Belongs to the store while it is held, and to the parcels that show it.
using Item = Shared<QueueItem>;

/// Owns:    the memory of all items that were let go of, for the next: none is allocated per message.
class QueueItems {
 public:
  QueueItems(BoostQueue& queue, BoostQueueHead& head) noexcept : queue_(queue), head_(head) {}

  Item make() {
    for (auto spare = spare_.end(); spare != spare_.begin();) {
      if (!(--spare)->is_sole_owner()) continue;  // its lease has ended, but somebody still looks at it
      Item item = std::move(*spare);
      *spare = std::move(spare_.back());
      spare_.pop_back();
      return item;
    }
    return Item::make(sizeof(ItemHead) + queue_.max_body_bytes);
  }
  void reuse(Item item) noexcept {
    try {
      spare_.push_back(std::move(item));
    } catch (const std::bad_alloc&) {  // then the next one allocates again
    }
  }

  // The earlier ticket has the higher priority, so a message that comes back finds its place; dead letters come behind all.
  bool push(const Item& item) {
    const ItemHead& head = item->head();
    const unsigned priority = head.is_dead_letter != 0 ? 0 : std::numeric_limits<std::uint32_t>::max() - head.ticket;
    const bool sent = queue_.queue->try_send(item->data(), item->bytes, priority);
    if (sent) ++count_of(head);
    return sent;
  }
  /// The oldest message that `wanted` accepts; those before it return to their places. Nothing when there is none.
  template <class Wanted>
  Item pop_first(Wanted wanted) {
    return pop_among(head_.queued[0] + head_.queued[1], wanted);
  }
  template <class Wanted>
  Item pop_dead(Wanted wanted) {
    if (head_.dead[0] + head_.dead[1] == 0) return {};
    return pop_among(std::numeric_limits<std::size_t>::max(), [&](const ItemHead& head) { return head.is_dead_letter != 0 && wanted(head); });
  }
  /// Says whether there is one that `wanted` accepts; it stays where it is.
  template <class Wanted>
  bool has(Wanted wanted) {
    Item found = pop_first(wanted);
    if (!found) return false;
    push(found);
    reuse(std::move(found));
    return true;
  }

 private:
  /// Which of the counters an item belongs to.
  std::uint64_t& count_of(const ItemHead& head) noexcept { return (head.is_dead_letter != 0 ? head_.dead : head_.queued)[head.side & 1]; }

  Item pop() {
    Item item = make();
    boost::interprocess::message_queue::size_type bytes = 0;
    unsigned priority = 0;
    if (!queue_.queue->try_receive(item->data(), sizeof(ItemHead) + queue_.max_body_bytes, bytes, priority) || bytes < sizeof(ItemHead)) {
      reuse(std::move(item));
      return {};
    }
    item->bytes = bytes;
    --count_of(item->head());
    return item;
  }
  template <class Wanted>
  Item pop_among(std::size_t how_many, Wanted wanted) {
    Item found;
    bool dead = false;  // those have one priority: to keep their order all are taken out
    while ((!found || dead) && before_.size() < how_many) {
      Item item = pop();
      if (!item) break;
      dead = dead || item->head().is_dead_letter != 0;
      Item& place = !found && wanted(item->head()) ? found : before_.emplace_back();  // looked at before it is moved: an assignment begins at its right
      place = std::move(item);
    }
    if (before_.empty()) return found;
    const auto first_dead = std::find_if(before_.begin(), before_.end(), [](const Item& item) { return item->head().is_dead_letter != 0; });
    std::reverse(before_.begin(), first_dead);  // the highest priority last: Boost inserts it at its end, at no cost
    std::rotate(before_.begin(), first_dead, before_.end());
    for (Item& item : before_) {
      push(item);
      reuse(std::move(item));
    }
    before_.clear();
    return found;
  }

  BoostQueue& queue_;
  BoostQueueHead& head_;
  std::vector<Item> spare_;
  std::vector<Item> before_;  // empty between two calls
};

}  // namespace mulproc::shared_memory
