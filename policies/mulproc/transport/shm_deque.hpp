#pragma once
// What:    one queue in shared memory under a robust lock; any number of processes; one global order.
// Choose:  by default on one machine: crews, competing consumers, join, named channels, large bodies.
// Not:     for two busy processes and nothing else, where a pipe needs no lock; between machines.
// Death:   anybody may be killed at any instruction; what he held goes back to its place with attempt + 1.
#include <mulproc/shared.hpp>
#include <mulproc/shared_memory/deque_store.hpp>
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
  shm_deque_parcel(Shared<Store> store, const typename Store::Lease& lease) noexcept : store_(std::move(store)), lease_(lease) {}
  const Envelope& envelope() const noexcept { return lease_.envelope; }
  int attempt() const noexcept { return lease_.attempt; }
  std::span<const std::byte> bytes() const noexcept { return lease_.bytes; }
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

/// Safety:  belongs to the thread that made it; anywhere else it may only be moved or destroyed.
template <class Waiting>
class shm_deque_endpoint {
  using Store = shared_memory::DequeStore<Waiting>;

 public:
  using Parcel = shm_deque_parcel<Store>;
  using Loan = shm_deque_loan<Store>;

  shm_deque_endpoint(std::shared_ptr<shared_memory::Segment> segment, shared_memory::Role role) : store_(Shared<Store>::make(std::move(segment), role)) {}
  shm_deque_endpoint(shm_deque_endpoint&&) noexcept = default;
  shm_deque_endpoint& operator=(shm_deque_endpoint&& other) noexcept { return std::swap(store_, other.store_), *this; }
  ~shm_deque_endpoint() {
    if (store_ && !store_->in_this_thread()) store_.forget();
    if (store_) store_->detach();
  }

  Result<> put(const Envelope& envelope, std::span<const std::byte> body, Deadline deadline) { return store_->put(envelope, body, deadline); }
  /// Memory for a body of at most `bytes`.
  Result<Loan> reserve(std::size_t bytes, Deadline deadline) {
    auto place = store_->lend(bytes, deadline);
    if (!place) return place.error();
    return Loan(store_, *place, deadline);
  }
  Result<> publish(Loan loan, const Envelope& envelope, std::size_t used) { return loan.publish(envelope, used); }

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
    return store_->take_if(selector, deadline, [this](const auto& lease) { return Parcel(store_, lease); }, deaths_known);
  }
  Shared<Store> store_;
};

template <class Waiting>
class shm_deque_link {
 public:
  using Endpoint = shm_deque_endpoint<Waiting>;
  explicit shm_deque_link(std::shared_ptr<shared_memory::Segment> segment) : segment_(std::move(segment)) {}
  Endpoint parent() { return endpoint(shared_memory::Role::parent); }
  Endpoint child() { return endpoint(shared_memory::Role::child); }
  void release() noexcept { segment_.reset(); }

 private:
  Endpoint endpoint(shared_memory::Role role) {
    if (!segment_) throw std::system_error(Errc::stale, "this process released its side of the link");
    return Endpoint(segment_, role);
  }
  std::shared_ptr<shared_memory::Segment> segment_;
};

/// How each endpoint waits is its own business: those of one channel need not wait alike.
template <Waiting W>
struct shm_deque_waiting {
  static constexpr std::string_view name = "shm_deque";
  static constexpr Promises promises{.survives_kill = true, .redelivers = true};
  using Options = shm_deque_options;
  using Endpoint = shm_deque_endpoint<W>;
  using Link = shm_deque_link<W>;

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
