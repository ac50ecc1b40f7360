#pragma once
/// Messages out of a stream of bytes, read ahead: one read may bring many, and each lends its body out of what was read.
#include <algorithm>
#include <cstring>
#include <mulproc/shared.hpp>
#include <mulproc/transport.hpp>

namespace mulproc {

/// A frame is an Envelope, whose body_bytes counts, and the body.
///
/// Safety:  belongs to one thread, and so do the parcels it gives.
/// Owns:    a message keeps the block it lies in, at least 64 KiB, until it is destroyed.
/// Cost:    no allocation while the messages of all blocks but one have been let go; a large body is read to where it stays.
class Frames {
  /// Memory that nobody has written to yet: what a length claims is not touched before it has come.
  class Block {
   public:
    explicit Block(std::size_t bytes) : memory_(new std::byte[bytes]), bytes_(bytes) {}
    Block(Block&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)), bytes_(other.bytes_) {}
    ~Block() { delete[] memory_; }
    std::byte* data() const noexcept { return memory_; }
    std::size_t size() const noexcept { return bytes_; }

   private:
    std::byte* memory_;
    std::size_t bytes_;
  };

 public:
  class Parcel {
   public:
    Parcel(const Shared<Block>& block, std::size_t begin) : block_(block), body_(begin + sizeof(Envelope)) { std::memcpy(&envelope_, block->data() + begin, sizeof envelope_); }
    const Envelope& envelope() const noexcept { return envelope_; }
    int attempt() const noexcept { return 1; }
    /// Nothing once it was moved from: a message that was given back may itself be moved.
    std::span<const std::byte> bytes() const noexcept {
      if (!block_) return {};
      return {block_->data() + body_, envelope_.body_bytes};
    }
    Result<> done() noexcept { return {}; }
    Result<> give_back() noexcept { return Errc::stale; }  // the framework's stash gives it back

   private:
    Shared<Block> block_;
    std::size_t body_;  // where it begins
    Envelope envelope_;
  };

  explicit Frames(std::size_t max_body_bytes) : max_body_bytes_(max_body_bytes) {}

  /// Whether next() has an answer: a whole message has come, or a length that no peer of ours would write.
  bool has_next() noexcept {
    if (unread() < sizeof(Envelope)) return false;
    const std::size_t body_bytes = next_body_bytes();
    if (body_bytes > max_body_bytes_) return true;  // and no room is made for it
    frame_ = sizeof(Envelope) + body_bytes;
    return unread() >= frame_;
  }
  /// The next whole message.
  /// Fails:   not_ready until more has been read; broken when its length is none that a peer of ours would write.
  Result<Parcel> next() {
    if (!has_next()) return Errc::not_ready;
    if (next_body_bytes() > max_body_bytes_) return Errc::broken;
    return Result<Parcel>(std::in_place, block_, std::exchange(begin_, begin_ + frame_));
  }

  /// Where to read to next: never empty. For a large frame, one that has begun or one like the last, it ends where that
  /// does: what came of the next one would have to be moved.
  std::span<std::byte> room() {
    if (begin_ == end_ && block_.is_sole_owner()) begin_ = end_ = 0;
    const std::size_t have = unread(), rest = frame_ > have ? frame_ - have : 0;
    const std::size_t least = std::max(rest, least_room);
    if (!block_ || block_->size() - end_ < least) move_on(std::max({read_ahead, 2 * have, have + least}));
    return {block_->data() + end_, rest > large ? rest : block_->size() - end_};
  }
  void filled(std::size_t bytes) noexcept { end_ += bytes; }

  /// Bytes that have come and belong to no message given out yet.
  std::size_t unread() const noexcept { return end_ - begin_; }
  std::size_t max_body_bytes() const noexcept { return max_body_bytes_; }

 private:
  static constexpr std::size_t read_ahead = 64 << 10;
  static constexpr std::size_t least_room = 4 << 10;
  static constexpr std::size_t large = 16 << 10;

  std::size_t next_body_bytes() const noexcept {
    std::uint32_t bytes;
    std::memcpy(&bytes, block_->data() + begin_ + offsetof(Envelope, body_bytes), sizeof bytes);
    return bytes;
  }
  /// Brings what is unread to the beginning of a block that nobody else reads in.
  void move_on(std::size_t wanted) {
    const std::size_t have = unread();
    if (block_.is_sole_owner() && block_->size() >= wanted) {
      std::memmove(block_->data(), block_->data() + begin_, have);
    } else {
      auto next = spare_.is_sole_owner() && spare_->size() >= wanted ? std::move(spare_) : Shared<Block>::make(wanted);
      if (have != 0) std::memcpy(next->data(), block_->data() + begin_, have);
      spare_ = std::exchange(block_, std::move(next));
    }
    begin_ = 0;
    end_ = have;
  }

  Shared<Block> block_, spare_;
  std::size_t begin_ = 0, end_ = 0;  // Invariant: begin <= end <= the block's size; what lies between is unread
  std::size_t frame_ = 0;            // bytes of the frame that was last looked at: it has begun, or was given out
  std::size_t max_body_bytes_;
};

}  // namespace mulproc
