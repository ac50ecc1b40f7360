#pragma once
/// Where one sender's large bodies lie: chunks of two sizes in sparse memory, given out by him alone. A chunk is free again when
/// the slot that names it is; nobody else keeps account.
#include <mulproc/shared_memory/lanes_segment.hpp>
#include <utility>

namespace mulproc::shared_memory {

class BodyChunks {
 public:
  /// A chunk's name: its tier in the top bit, its number below.
  using Name = std::uint32_t;

  BodyChunks(LanesSegment& segment, std::uint32_t sender) : segment_(segment), sender_(sender) {}

  /// A chunk that holds so many bytes and may be touched.
  /// Fails:   not_ready when all are in use; ENOSPC.
  Result<Name> take(std::size_t bytes) {
    const auto& layout = segment_.layout();
    const std::size_t tier = bytes <= layout.chunk_bytes[0] ? 0 : 1;
    Tier& from = tiers_[tier];
    std::uint32_t number;
    if (!from.free.empty()) {
      number = from.free.back();
      from.free.pop_back();
    } else {
      while (from.next < layout.chunks[tier] && is_inherited(tier, from.next)) ++from.next;
      if (from.next == layout.chunks[tier]) return Errc::not_ready;
      number = from.next++;
    }
    if (from.touchable.size() <= number) from.touchable.resize(number + 1);
    if (from.touchable[number] < bytes) {
      if (auto error = segment_.allocate(layout.chunk(sender_, tier, number), bytes)) {
        from.free.insert(from.free.begin(), number);  // those that can be touched are taken first
        return error;
      }
      from.touchable[number] = static_cast<std::uint32_t>(bytes);
    }
    return static_cast<Name>(tier << 31 | number);
  }
  void give_back(Name chunk) { tiers_[chunk >> 31].free.push_back(number_of(chunk)); }
  /// It is in use by a message that an earlier sender of this index left behind. False for a name that is none.
  bool inherit(Name chunk) {
    if (number_of(chunk) >= segment_.layout().chunks[chunk >> 31]) return false;  // a name from shared memory is not believed
    auto& inherited = tiers_[chunk >> 31].inherited;
    if (inherited.size() <= number_of(chunk)) inherited.resize(number_of(chunk) + 1);
    inherited[number_of(chunk)] = true;
    return true;
  }
  std::span<std::byte> memory(Name chunk) const noexcept {
    const std::size_t tier = chunk >> 31;
    return {segment_.at(segment_.layout().chunk(sender_, tier, number_of(chunk))), tiers_[tier].touchable[number_of(chunk)]};
  }

 private:
  struct Tier {
    std::vector<std::uint32_t> free, touchable;  // touchable: bytes of each that may be touched
    std::vector<bool> inherited;
    std::uint32_t next = 0;  // those beyond were never given out
  };
  static std::uint32_t number_of(Name chunk) noexcept { return chunk & ~(1u << 31); }
  bool is_inherited(std::size_t tier, std::uint32_t number) const noexcept {
    return number < tiers_[tier].inherited.size() && tiers_[tier].inherited[number];
  }

  LanesSegment& segment_;
  const std::uint32_t sender_;
  Tier tiers_[2];
};

}  // namespace mulproc::shared_memory
