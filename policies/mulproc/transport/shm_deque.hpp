#pragma once
// What:    one queue in shared memory under a robust lock; any number of processes; one global order.
// Choose:  by default on one machine: crews, competing consumers, join, named channels, large bodies.
// Not:     for two busy processes and nothing else, where a pipe needs no lock; between machines.
// Death:   anybody may be killed at any instruction; what he held goes back to its place with attempt + 1.
#include <mulproc/shared_memory/deque_store.hpp>
#include <mulproc/shared_memory/store_endpoint.hpp>
#include <mulproc/waiting/adaptive.hpp>

namespace mulproc::transport {

struct shm_deque_options {
  std::size_t capacity = 64;             ///< messages in flight, queued or held, per side
  std::size_t max_body_bytes = 1 << 20;  ///< of one message
  std::string name = {};                 ///< empty: anonymous
  std::size_t max_participants = 512;    ///< endpoints at one time
};

/// A leased slot. Lives no longer than it is held; settling it twice says stale.
template <class Store>
class shm_deque_parcel {
 public:
  shm_deque_parcel(const Shared<Store>& store, const typename Store::Lease& lease) noexcept : store_(store), lease_(lease) {}
  /// As it lies in the slot, until the lease ends; as bytes() do.
  const Envelope& envelope() const noexcept { return store_->envelope_of(lease_); }
  int attempt() const noexcept { return lease_.word.attempt; }
  std::span<const std::byte> bytes() const noexcept { return store_->bytes_of(lease_); }
  Result<> done() { return store_->finish(lease_); }
  Result<> give_back() { return store_->give_back(lease_); }
  Result<> fail() { return store_->fail(lease_); }

 private:
  Shared<Store> store_;
  typename Store::Lease lease_;
};

/// Memory to write one body into; goes back when it is destroyed unpublished.
///
/// What is to be small is written beside the segment, and takes its slot, and the lock, only once: when it is published.
template <class Store>
class shm_deque_loan {
 public:
  shm_deque_loan(Shared<Store> store, typename Store::Reservation place, Deadline deadline) noexcept
      : store_(std::move(store)), place_(place), deadline_(deadline) {}
  shm_deque_loan(shm_deque_loan&&) noexcept = default;
  shm_deque_loan& operator=(shm_deque_loan&& other) noexcept {
    std::swap(store_, other.store_), std::swap(place_, other.place_), std::swap(deadline_, other.deadline_);
    return *this;
  }
  ~shm_deque_loan() {
    if (store_) store_->give_up(place_);
  }
  std::span<std::byte> memory() const noexcept { return place_.memory; }

  Result<> publish(const Envelope& envelope, std::size_t used) {
    if (!store_) return Errc::stale;
    return std::exchange(store_, {})->publish(place_, envelope, used, deadline_);
  }

 private:
  Shared<Store> store_;
  typename Store::Reservation place_;
  Deadline deadline_;
};

template <class Store>
class shm_deque_endpoint : public shared_memory::StoreEndpoint<Store, shm_deque_parcel<Store>> {
  using Base = shared_memory::StoreEndpoint<Store, shm_deque_parcel<Store>>;

 public:
  using Loan = shm_deque_loan<Store>;
  using Base::Base;

  /// Memory for a body of at most `bytes`.
  Result<Loan> reserve(std::size_t bytes, Deadline deadline) {
    auto place = this->store_->lend(bytes, deadline);
    if (!place) return place.error();
    return Loan(this->store_, *place, deadline);
  }
  Result<> publish(Loan loan, const Envelope& envelope, std::size_t used) { return loan.publish(envelope, used); }
};

/// How each endpoint waits is its own business: those of one channel need not wait alike.
template <Waiting W>
struct shm_deque_waiting {
  static constexpr std::string_view name = "shm_deque";
  static constexpr Promises promises{.survives_kill = true, .redelivers = true};
  using Options = shm_deque_options;
  using Endpoint = shm_deque_endpoint<shared_memory::DequeStore<W>>;
  using Link = shared_memory::StoreLink<Endpoint, shared_memory::Segment>;

  static Link open(const Options& options) {
    return Link(shared_memory::DequeLayout::create(options.name, options.capacity, options.max_body_bytes, options.max_participants));
  }
  static Link attach(std::string_view its_name) {
    auto segment = shared_memory::Segment::attach(its_name);
    (void)shared_memory::DequeLayout::of(*segment);  // refused here, rather than when somebody makes an endpoint
    return Link(std::move(segment));
  }
};

struct shm_deque : shm_deque_waiting<waiting::adaptive> {};

}  // namespace mulproc::transport
