#pragma once
// What:    one queue in shared memory under a robust lock; any number of processes; one global order.
// Choose:  by default on one machine: crews, competing consumers, join, named channels, large bodies.
// Not:     for two busy processes and nothing else, where a pipe needs no lock; between machines.
// Death:   anybody may be killed at any instruction; what he held goes back to its place with attempt + 1.
#include <mulproc/shared_memory/deque_store.hpp>

namespace mulproc::transport {

struct shm_deque {
  static constexpr std::string_view name = "shm_deque";
  static constexpr Promises promises{.survives_kill = true, .redelivers = true};

  struct Options {
    std::size_t capacity = 64;             ///< messages in flight, queued or held, per side
    std::size_t max_body_bytes = 1 << 20;  ///< of one message
    std::string name = {};                 ///< empty: anonymous
    std::size_t max_participants = 512;    ///< endpoints at one time
  };

  class Endpoint;
  class Link {
   public:
    explicit Link(std::shared_ptr<shared_memory::Segment> segment) : segment_(std::move(segment)) {}
    Endpoint parent();
    Endpoint child();
    void release() noexcept { segment_.reset(); }

   private:
    Endpoint endpoint(shared_memory::Role role);
    std::shared_ptr<shared_memory::Segment> segment_;
  };

  static Link open(Options options) {
    return Link(shared_memory::DequeLayout::create(options.name, options.capacity, options.max_body_bytes, options.max_participants));
  }
  static Link attach(std::string_view its_name) {
    auto segment = shared_memory::Segment::attach(its_name);
    (void)shared_memory::DequeLayout::of(*segment);  // refused here, rather than when somebody makes an endpoint
    return Link(std::move(segment));
  }
};

/// A leased slot. Lives no longer than it is held; settling it twice says stale.
class shm_deque_parcel {
 public:
  shm_deque_parcel(std::shared_ptr<shared_memory::DequeStore> store, shared_memory::DequeStore::Lease lease)
      : store_(std::move(store)), lease_(lease) {}
  const Envelope& envelope() const noexcept { return lease_.envelope; }
  int attempt() const noexcept { return lease_.attempt; }
  std::span<const std::byte> bytes() const noexcept { return lease_.bytes; }
  Result<> done() { return store_->finish(lease_); }
  Result<> give_back() { return store_->give_back(lease_); }
  Result<> fail() { return store_->fail(lease_); }

 private:
  std::shared_ptr<shared_memory::DequeStore> store_;
  shared_memory::DequeStore::Lease lease_;
};

class shm_deque::Endpoint {
 public:
  using Parcel = shm_deque_parcel;

  explicit Endpoint(std::shared_ptr<shared_memory::DequeStore> store) : store_(std::move(store)) {}
  Endpoint(Endpoint&&) noexcept = default;
  Endpoint& operator=(Endpoint&&) noexcept = default;
  ~Endpoint() {
    if (store_) store_->detach();
  }

  Result<> put(const Envelope& envelope, std::span<const std::byte> body, Deadline deadline) { return store_->put(envelope, body, deadline); }
  Result<Parcel> take(Deadline deadline) {
    SelectAll all;
    return take_if(all, deadline);
  }
  template <class F>
  Result<Parcel> take_if(F& selector, Deadline deadline) {
    return take_if(selector, deadline, nullptr);
  }
  template <class F>
  Result<Parcel> take_if(F& selector, Deadline deadline, std::uint32_t& deaths_known) {
    return take_if(selector, deadline, &deaths_known);
  }
  bool empty() const {
    SelectAll all;
    return store_->empty_for(all);
  }
  template <class F>
  bool empty_for(F& selector) const {
    return store_->empty_for(selector);
  }
  Result<Parcel> take_dead_letter() {
    auto lease = store_->take_dead_letter();
    if (!lease) return lease.error();
    return Parcel(store_, *lease);
  }
  std::size_t dead_letters_dropped() const { return store_->dead_letters_dropped(); }
  std::size_t unfinished() const { return store_->unfinished(); }
  Result<> join(Deadline deadline) { return store_->join(deadline); }
  Result<> close() { return store_->close(); }
  ProcessId id() const noexcept { return store_->id(); }
  ProcessId parent_id() const { return store_->parent_id(); }
  std::size_t max_body_bytes() const noexcept { return store_->max_body_bytes(); }

 private:
  template <class F>
  Result<Parcel> take_if(F& selector, Deadline deadline, std::uint32_t* deaths_known) {
    auto lease = store_->take_if(selector, deadline, [this](const auto& held) { return Parcel(store_, held); }, deaths_known);
    if (!lease) return lease.error();
    return Parcel(store_, *lease);
  }
  std::shared_ptr<shared_memory::DequeStore> store_;
};

inline shm_deque::Endpoint shm_deque::Link::endpoint(shared_memory::Role role) {
  if (!segment_) throw std::system_error(Errc::stale, "this process released its side of the link");
  return Endpoint(std::make_shared<shared_memory::DequeStore>(segment_, role));
}
inline shm_deque::Endpoint shm_deque::Link::parent() { return endpoint(shared_memory::Role::parent); }
inline shm_deque::Endpoint shm_deque::Link::child() { return endpoint(shared_memory::Role::child); }

}  // namespace mulproc::transport
