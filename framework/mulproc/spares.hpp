#pragma once
/// Memory for objects that come and go all the time: what one leaves is there for the next, the last one first, while it is
/// still in the cache.
#include <cstddef>
#include <new>
#include <utility>

namespace mulproc {

/// Safety:  belongs to one thread, and so do its objects.
/// Owns:    as much memory as there were ever objects at one time. Those that live when it ends keep theirs for ever.
/// Cost:    an allocation for each new greatest number of objects; otherwise some loads and stores.
template <class T>
class Spares {
 public:
  Spares() = default;
  Spares(const Spares&) = delete;
  ~Spares() {
    while (first_) delete std::exchange(first_, first_->next);
  }

  /// Has memory for the next object, or throws std::bad_alloc: for who may not fail any more once he makes it.
  void prepare() {
    if (!first_) first_ = more();
  }
  template <class... A>
  T& make(A&&... arguments) {
    prepare();
    return *new (std::exchange(first_, first_->next)->memory) T(std::forward<A>(arguments)...);
  }
  void end(T& object) noexcept {
    object.~T();
    Room* const room = new (&object) Room;
    room->next = std::exchange(first_, room);
  }

 private:
  union Room {
    Room* next;
    alignas(T) std::byte memory[sizeof(T)];
  };
  [[gnu::noinline, gnu::cold]] static Room* more() {
    Room* const room = new Room;
    room->next = nullptr;
    return room;
  }

  Room* first_ = nullptr;
};

}  // namespace mulproc
