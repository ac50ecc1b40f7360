#pragma once
/// The sending half of a participant in a shm_lanes: to which lane, where in it, in which order of stores.
///
///   1. find a free slot in my lane to that mailbox, or in my open one
///   2. write envelope and body
///   3. store the slot's word: READY                     the message is sent; killed before, it never was
///   4. store the lane's tail                            readers who do not look at that very slot hear of it
///   5. look who sleeps, and wake him
#include <mulproc/shared_memory/body_chunks.hpp>
#include <unordered_map>

namespace mulproc::shared_memory {

class LanesSender {
 public:
  /// Whether lanes of this index may hold messages of who had it before.
  enum class Index : std::uint8_t { never_used, inherited };
  LanesSender(LanesSegment& segment, std::uint32_t me, pid_t thread, Index index)
      : segment_(segment),
        me_(me),
        thread_(thread),
        chunks_(segment, me),
        writers_(segment.open() + 1),
        inherited_(index == Index::never_used),
        ticket_(index == Index::never_used ? 0 : newest_ticket()) {}

  /// A way to one recipient, as it was when it was looked up.
  struct Route {
    std::uint64_t address = 0;
    std::uint32_t mailbox = 0, population = 0;  // nobody attached: looked up each time
    std::vector<std::uint32_t> endpoints;  // of that thread; nearly always one
    LaneWriter* writer = nullptr;
  };

  /// The way as it is known; nothing when it must be looked up.
  Route* known(ProcessId recipient) {
    const auto address = LanesSegment::address_of(recipient);
    if (address == 0) return open_.writer ? &open_ : nullptr;  // whoever comes or goes, anyone is anyone
    if (last_->address != address) {
      const auto found = find(address);
      last_ = found ? found : &open_;
      if (!found) return nullptr;
    }
    return last_->population == segment_.head().population.load(std::memory_order_acquire) ? last_ : nullptr;
  }
  /// Under the lock.
  Result<Route*> learn(ProcessId recipient, std::uint32_t mailbox) {
    auto writer = writer_to(mailbox);
    if (!writer) return writer.error();
    const auto address = LanesSegment::address_of(recipient);
    Route way{address, mailbox, segment_.head().population.load(std::memory_order_relaxed), {}, *writer};
    for (std::uint32_t i = 0; address != 0 && i < segment_.senders(); ++i) {
      if (segment_.people().is_attached(i) && segment_.mailbox_of(i).load(std::memory_order_relaxed) == mailbox) way.endpoints.push_back(i);
    }
    if (address != 0 && way.endpoints.empty()) --way.population;
    if (address != 0) forget_who_had(mailbox, address);
    Route& route = address == 0 ? open_ : routes_[address];
    route = std::move(way);
    return last_ = &route;
  }
  void forget(ProcessId recipient) {
    forget_if([address = LanesSegment::address_of(recipient)](const Route& route) { return route.address == address; });
  }

  /// Writes and publishes; the route's writer has found room.
  /// Says false when the mailbox changed hands meanwhile: then the message has to be buried.
  bool publish(Route& route, const Envelope& envelope, std::span<const std::byte> small_body) {
    LaneSlot& slot = begin(*route.writer);
    if (!small_body.empty()) std::memcpy(slot.body(), small_body.data(), small_body.size());
    return commit(route, slot, envelope);
  }
  /// `chunk`: where a body lies that does not fit into a slot.
  bool publish(Route& route, const Envelope& envelope, BodyChunks::Name chunk) {
    LaneWriter& writer = *route.writer;
    LaneSlot& slot = begin(writer);
    std::memcpy(slot.body(), &chunk, sizeof chunk);
    if (writer.chunk_of.empty()) writer.chunk_of.resize(writer.lane.capacity);
    writer.chunk_of[writer.slot] = chunk + 1;
    return commit(route, slot, envelope);
  }
  /// Whoever fell asleep while the last message was on its way from this core to the others is woken now; after a fence.
  void look_again() noexcept {
    if (sent_.slot && sent_.slot->word.load(std::memory_order_relaxed) == sent_.word) wake(*sent_.route);
  }

  /// Fails:   not_ready when all chunks are in use; ENOSPC.
  Result<BodyChunks::Name> take_chunk(std::size_t bytes) {
    if (!inherited_) inherit();
    if (auto chunk = chunks_.take(bytes)) return chunk;
    for (auto& writer : writers_) {
      for (std::uint32_t i = 0; writer && i < writer->chunk_of.size(); ++i) {
        if (writer->lane[i].word.load(std::memory_order_acquire).is(LaneState::FREE)) release_chunk(*writer, i);
      }
    }
    return chunks_.take(bytes);
  }
  /// A chunk lies in a slot that was freed since.
  bool may_reclaim() const noexcept {
    for (const auto& writer : writers_) {
      for (std::uint32_t i = 0; writer && i < writer->chunk_of.size(); ++i) {
        if (writer->chunk_of[i] != 0 && writer->lane[i].word.load(std::memory_order_acquire).is(LaneState::FREE)) return true;
      }
    }
    return false;
  }
  void give_back_chunk(BodyChunks::Name chunk) { chunks_.give_back(chunk); }
  std::span<std::byte> memory(BodyChunks::Name chunk) const noexcept { return chunks_.memory(chunk); }

 private:
  struct Sent {
    const Route* route;
    const LaneSlot* slot;
    LaneWord word;
  };
  LaneSlot& begin(LaneWriter& writer) {
    writer.lane.ticket(writer.slot).store(++ticket_, std::memory_order_release);  // (11) pairs with (10)
    release_chunk(writer, writer.slot);
    return writer.lane[writer.slot];
  }
  bool commit(Route& route, LaneSlot& slot, const Envelope& envelope) {
    LaneWriter& writer = *route.writer;
    slot.write(envelope);  // last, beside the word: whoever polls the word takes their line away once, not twice
    // (8) release; pairs with (9): envelope and body are visible before the word.
    const LaneWord word = LaneWord::fresh(writer.position);
    sent_ = {&route, &slot, word};
    slot.word.store(word, std::memory_order_release);
    ++writer.position;
    writer.slot = writer.lane.after(writer.slot);
    // (4) release; pairs with (3). Killed before: who reads this slot next finds the message all the same, the others when my
    // death is noticed.
    writer.lane.tail->store(writer.position, std::memory_order_release);
    segment_.fence_if_needed();
    wake(route);
    // (7) pairs with (6).
    return route.address == 0 || segment_.mailbox(route.mailbox).load(std::memory_order_relaxed) == route.address;
  }
  /// Of whoever had my index before me.
  std::uint64_t newest_ticket() const {
    std::uint64_t newest = 0;
    segment_.each_lane_from(me_, [&](Lane lane, std::uint32_t) {
      for (std::uint32_t i = 0; i < lane.capacity; ++i) newest = std::max(newest, lane.ticket(i).load(std::memory_order_relaxed));
    });
    return newest;
  }
  Result<LaneWriter*> writer_to(std::uint32_t mailbox) {
    auto& writer = writers_[mailbox];
    if (!writer) {
      const Lane lane = segment_.lane(me_, mailbox);
      if (auto error = segment_.allocate(segment_.layout().lane(me_, mailbox), segment_.layout().lane_bytes)) return error;
      const bool is_new = !lane.is_used();
      if (is_new) {
        lane.tail->store(1, std::memory_order_release);
        segment_.head().lanes.fetch_add(1, std::memory_order_release);  // Killed before: LanesRecovery::settle does it.
      }
      writer = std::make_unique<LaneWriter>();
      writer->lane = lane;
      writer->position = is_new ? 1 : lane.true_tail();
      writer->slot = lane.slot_of(writer->position);
    }
    return writer.get();
  }
  void wake(const Route& route) noexcept {
    if (route.address == 0) return segment_.wake_for_anyone(thread_);
    for (const auto endpoint : route.endpoints) segment_.wake_if(endpoint, letters_of_mine);
    // Who came since the way was looked up sleeps unknown to it. Read behind the fence, as sleeps_for is: who sleeps has come.
    if (segment_.head().population.load(std::memory_order_relaxed) != route.population) [[unlikely]] segment_.wake_mailbox(route.mailbox);
  }
  /// There are as many ways as mailboxes at most, however many had one of them.
  void forget_who_had(std::uint32_t mailbox, std::uint64_t address) {
    if (const Route* known = find(address); known && known->mailbox == mailbox) return;  // then nobody else is known there
    forget_if([mailbox](const Route& route) { return route.mailbox == mailbox; });
  }
  template <class F>
  void forget_if(F leads_nowhere) {
    last_ = &open_;
    std::erase_if(routes_, [&](const auto& each) {
      const Route& route = each.second;
      if (!leads_nowhere(route)) return false;
      if (sent_.route == &route) sent_.slot = nullptr;
      return true;
    });
  }
  Route* find(std::uint64_t address) {
    const auto found = routes_.find(address);
    return found == routes_.end() ? nullptr : &found->second;
  }
  void release_chunk(LaneWriter& writer, std::uint32_t slot) {
    if (writer.chunk_of.empty() || writer.chunk_of[slot] == 0) return;
    chunks_.give_back(std::exchange(writer.chunk_of[slot], 0) - 1);
  }
  /// The bodies that wait in the lanes of who had my index before me.
  void inherit() {
    inherited_ = true;
    segment_.each_lane_from(me_, [this](Lane lane, std::uint32_t mailbox) {
      for (std::uint32_t i = 0; i < lane.capacity; ++i) {
        if (lane[i].word.load(std::memory_order_acquire).is(LaneState::FREE) || lane[i].read().body_bytes <= segment_.layout().inline_bytes()) continue;
        BodyChunks::Name chunk;
        std::memcpy(&chunk, lane[i].body(), sizeof chunk);
        if (!chunks_.inherit(chunk)) continue;
        auto writer = writer_to(mailbox);
        if (!writer) continue;  // the lane is there already; only memory can be missing: then its chunk stays in use
        if ((*writer)->chunk_of.empty()) (*writer)->chunk_of.resize(lane.capacity);
        (*writer)->chunk_of[i] = chunk + 1;
      }
    });
  }

  LanesSegment& segment_;
  const std::uint32_t me_;
  const pid_t thread_;
  BodyChunks chunks_;
  std::vector<std::unique_ptr<LaneWriter>> writers_;  // by mailbox
  std::unordered_map<std::uint64_t, Route> routes_;
  Route open_;
  Route* last_ = &open_;
  Sent sent_{};  // the last one
  bool inherited_;  // nothing is left to inherit
  std::uint64_t ticket_;
};

}  // namespace mulproc::shared_memory
