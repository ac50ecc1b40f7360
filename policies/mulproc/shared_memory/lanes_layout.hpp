#pragma once
/// Where everything lies in a shm_lanes' segment, computed from three numbers.
///
///   | LanesHead | participants, sleepers | locks (pages of their own) | tails, row by row | reserve | lanes (sparse) | bodies (sparse) |
///
/// A lane belongs to one sender and one mailbox; a mailbox is a thread's address, and the last one is `anyone`, whose
/// lanes are the open ones. So there is one lane per ordered pair, and one open lane per sender. All-zero memory is a
/// valid empty lane: whoever dies while he makes one leaves nothing behind.
#include <cstring>
#include <limits>
#include <memory>
#include <mulproc/shared_memory/lane.hpp>
#include <mulproc/shared_memory/participants.hpp>
#include <mulproc/shared_memory/segment.hpp>

namespace mulproc::shared_memory {

struct LanesHead {
  std::uint64_t magic;
  std::uint32_t version, reserved;
  std::uint64_t bytes, capacity, max_body_bytes;
  ParticipantsHead participants;
  // Changed under the lock.
  std::uint32_t mailboxes_used, letters_used[2];  // ever; they only grow
  std::uint32_t letters_stuck;                    // there was no memory to move some away
  std::uint64_t next_letter, letters_dropped[2];
  std::uint32_t mailbox_of[1024];  // each participant's: its thread's
  // Read by everybody, written seldom.
  alignas(64) std::atomic<std::uint32_t> population;  // changes when somebody comes, goes or ends its sending
  std::atomic<std::uint32_t> ends;                    // changes when that may end somebody's wait; see Participants::ends_a_wait
  std::atomic<std::uint32_t> lanes;                   // changes when a lane is used for the first time
  std::atomic<std::uint32_t> joiners;                 // who may be asleep in join
  alignas(64) std::atomic<std::uint32_t> returns;     // changes when a message goes back to its place
};

struct LanesLayout {
  static constexpr std::uint64_t magic = 0x6d756c70726f6c31;  // "mulprol1"
  static constexpr std::uint32_t version = 4, most_participants = 1024;
  static constexpr std::size_t page = 4096, ticket_bytes = sizeof(std::uint64_t);
  /// Address space that all senders' bodies of one size may take.
  static constexpr std::size_t bodies_budget = std::size_t{1} << 35;

  std::size_t capacity, people, max_body_bytes;
  std::size_t slot_bytes, lane_bytes, chunk_bytes[2], chunks[2];
  std::size_t participants, sleepers, locks, mailboxes, tails, row_bytes, reserve, reserve_bodies, reserve_stride, lanes, bodies[2], bytes;

  LanesLayout(std::size_t capacity_, std::size_t max_body_bytes_, std::size_t max_participants)
      : capacity(capacity_), people(max_participants), max_body_bytes(max_body_bytes_) {
    slot_bytes = sizeof(LaneSlot) + round_up(std::min<std::size_t>(max_body_bytes, 184) + ticket_bytes, 64);
    lane_bytes = round_up(capacity * slot_bytes, page);
    // Bodies beyond a slot lie in chunks of two sizes. 64 bytes more than a page, so that they do not all compete for
    // the same places in a cache.
    const std::size_t most = capacity * (people + 1);
    const std::size_t sizes[2] = {std::min(round_up(max_body_bytes, 64), page), max_body_bytes <= page ? 0 : round_up(max_body_bytes, page)};
    for (const int tier : {0, 1}) {
      chunk_bytes[tier] = sizes[tier] == 0 ? 0 : sizes[tier] + 64;
      chunks[tier] = sizes[tier] == 0 ? 0 : std::clamp(bodies_budget / people / chunk_bytes[tier], capacity, most);
    }
    participants = round_up(sizeof(LanesHead), page);
    sleepers = participants + Participants::bytes(people);
    mailboxes = round_up(sleepers + people, 64);
    locks = round_up(mailboxes + people * sizeof(std::uint64_t), page);
    tails = round_up(locks + (1 + people) * sizeof(RobustMutex), page);
    row_bytes = round_up(people * sizeof(std::uint64_t), 64);  // who writes to one mailbox takes no line away from who looks at another's
    reserve = round_up(tails + (people + 1) * row_bytes, page);
    reserve_bodies = round_up(reserve + 2 * capacity * slot_bytes, page);
    reserve_stride = inline_bytes() >= max_body_bytes ? 0 : round_up(max_body_bytes, page);
    lanes = reserve_bodies + 2 * capacity * reserve_stride;
    bodies[0] = lanes + people * (people + 1) * lane_bytes;
    bodies[1] = round_up(bodies[0] + people * chunks[0] * chunk_bytes[0], page);
    bytes = round_up(bodies[1] + people * chunks[1] * chunk_bytes[1], page);
  }

  std::size_t inline_bytes() const noexcept { return slot_bytes - sizeof(LaneSlot) - ticket_bytes; }
  std::size_t lane(std::size_t sender, std::size_t mailbox) const noexcept { return lanes + (sender * (people + 1) + mailbox) * lane_bytes; }
  std::size_t tail(std::size_t sender, std::size_t mailbox) const noexcept { return tails + mailbox * row_bytes + sender * sizeof(std::uint64_t); }
  std::size_t tails_of(std::size_t mailbox) const noexcept { return tail(0, mailbox); }
  std::size_t chunk(std::size_t sender, std::size_t tier, std::size_t i) const noexcept {
    return bodies[tier] + (sender * chunks[tier] + i) * chunk_bytes[tier];
  }
  std::size_t open_mailbox() const noexcept { return people; }

  static std::shared_ptr<Segment> create(std::string_view name, std::size_t capacity, std::size_t max_body_bytes, std::size_t max_participants) {
    const auto refuse = [](const std::string& why) { throw std::invalid_argument("shm_lanes: " + why); };
    if (capacity == 0 || capacity > 1 << 16) refuse("capacity must be 1 to 65536, not " + std::to_string(capacity));
    if (max_body_bytes == 0 || max_body_bytes > std::numeric_limits<std::uint32_t>::max())
      refuse("max_body_bytes must be 1 to 4294967295, not " + std::to_string(max_body_bytes));
    if (max_participants < 2 || max_participants > most_participants) refuse("max_participants must be 2 to 1024, not " + std::to_string(max_participants));
    const LanesLayout layout(capacity, max_body_bytes, max_participants);
    if (layout.bytes > std::size_t{1} << 45)
      refuse("capacity x max_body_bytes x max_participants is more than the address space carries; lower one of them");
    return Segment::create(name, layout.bytes, layout.tails, [&](std::byte* address) {
      auto& head = *new (address) LanesHead{};
      head.version = version;
      head.bytes = layout.bytes;
      head.capacity = capacity;
      head.max_body_bytes = max_body_bytes;
      Participants::initialise(head.participants, max_participants, reinterpret_cast<RobustMutex*>(address + layout.locks));
      head.magic = magic;
    });
  }

  /// The layout a segment claims. Each number is read once: what a peer writes there later is not believed.
  /// Fails:   throws std::system_error: malformed for a segment of another version, size or kind.
  static LanesLayout of(const Segment& segment) {
    const volatile auto& head = *reinterpret_cast<const volatile LanesHead*>(segment.address());
    const std::uint64_t capacity = head.capacity, max_body_bytes = head.max_body_bytes, max_participants = head.participants.maximum;
    const bool sane = segment.size() >= sizeof(LanesHead) && head.magic == magic && head.version == version && head.bytes == segment.size() &&
                      capacity >= 1 && capacity <= 1 << 16 && max_body_bytes >= 1 && max_body_bytes <= std::numeric_limits<std::uint32_t>::max() &&
                      max_participants >= 2 && max_participants <= most_participants;
    if (sane) {
      if (const LanesLayout layout(capacity, max_body_bytes, max_participants); layout.bytes == segment.size()) return layout;
    }
    throw std::system_error(Errc::malformed, "this name's segment is no shm_lanes of this version");
  }

 private:
  static constexpr std::size_t round_up(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }
};

}  // namespace mulproc::shared_memory
