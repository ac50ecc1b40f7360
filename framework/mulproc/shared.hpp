#pragma once
/// An object that lives as long as its last owner. What an endpoint and the messages it gave out share belongs to one
/// thread, so the count needs no atomic; and <memory> would cost each user of channel.hpp ten thousand lines.
#include <cstddef>
#include <utility>

namespace mulproc {

/// Safety:  all owners belong to one thread. Another one may only move or forget() its own.
template <class T>
class Shared {
 public:
  Shared() = default;
  template <class... A>
  static Shared make(A&&... arguments) {
    return Shared(new Block{T(std::forward<A>(arguments)...), 1});
  }
  Shared(const Shared& other) noexcept : block_(other.block_) {
    if (block_) ++block_->owners;
  }
  Shared(Shared&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Shared& operator=(Shared other) noexcept { return std::swap(block_, other.block_), *this; }
  ~Shared() {
    if (block_ && --block_->owners == 0) delete block_;
  }

  T& operator*() const noexcept { return block_->value; }
  T* operator->() const noexcept { return &block_->value; }
  explicit operator bool() const noexcept { return block_ != nullptr; }
  bool is_sole_owner() const noexcept { return block_ != nullptr && block_->owners == 1; }

  /// Owns no longer and destroys nothing: for who finds itself in a process or thread that the object is not for.
  void forget() noexcept { block_ = nullptr; }

 private:
  struct Block {
    T value;
    std::size_t owners;
  };
  explicit Shared(Block* block) noexcept : block_(block) {}
  Block* block_ = nullptr;
};

}  // namespace mulproc
