#pragma once
// What:    a ring in shared memory for each ordered pair, and one per sender for anyone; nobody takes a lock to send or receive.
// Choose:  for speed: many children that are addressed one by one, few large or many small messages, both sides busy.
// Not:     where one order over all senders is needed, or others' mail must be seen; shm_deque has both.
// Death:   anybody may be killed at any instruction; what he held goes back to its place with attempt + 1.
#include <mulproc/shared_memory/lanes_store.hpp>
#include <mulproc/shared_memory/store_endpoint.hpp>
#include <mulproc/waiting/adaptive.hpp>

namespace mulproc::transport {

template <Waiting W>
struct shm_lanes_waiting {
  static constexpr std::string_view name = "shm_lanes";
  static constexpr Promises promises{.survives_kill = true, .redelivers = true, .global_order = false, .addressed = true};

  struct Options {
    std::size_t capacity = 64;             ///< messages in flight, queued or held, per lane: from one sender to one recipient, or to anyone
    std::size_t max_body_bytes = 1 << 20;  ///< of one message
    std::string name = {};                 ///< empty: anonymous
    std::size_t max_participants = 256;    ///< endpoints at one time; at most 1024
  };

  using Store = shared_memory::LanesStore<W>;

  /// A leased slot. Settling it twice says stale.
  class Parcel {
   public:
    Parcel(Shared<Store> store, const typename Store::Lease& lease) : store_(std::move(store)), lease_(lease) {}
    /// As it lies in the slot; until the lease ends.
    const Envelope& envelope() const noexcept { return lease_.envelope(); }
    int attempt() const noexcept { return lease_.attempt(); }
    std::span<const std::byte> bytes() const noexcept { return store_->bytes(lease_); }
    Result<> done() { return settled() ? Result<>(Errc::stale) : store_->finish(lease_); }
    Result<> give_back() { return settled() ? Result<>(Errc::stale) : store_->give_back(lease_); }
    Result<> fail() { return settled() ? Result<>(Errc::stale) : store_->fail(lease_); }

   private:
    bool settled() noexcept { return std::exchange(settled_, true); }
    Shared<Store> store_;
    typename Store::Lease lease_;
    bool settled_ = false;
  };

  /// Memory lent for one body. Given back when it is not published.
  class Loan {
   public:
    Loan(Shared<Store> store, shared_memory::BodyChunks::Name chunk, Deadline deadline) : store_(std::move(store)), chunk_(chunk), deadline_(deadline) {}
    Loan(Loan&& other) noexcept : store_(std::move(other.store_)), chunk_(other.chunk_), deadline_(other.deadline_) {}
    Loan& operator=(Loan&& other) noexcept {
      std::swap(store_, other.store_);
      std::swap(chunk_, other.chunk_);
      std::swap(deadline_, other.deadline_);
      return *this;
    }
    ~Loan() {
      if (store_) store_->give_back_chunk(chunk_);
    }
    std::span<std::byte> memory() const noexcept { return store_->memory(chunk_); }

   private:
    friend struct shm_lanes_waiting;
    Shared<Store> store_;
    shared_memory::BodyChunks::Name chunk_;
    Deadline deadline_;
  };

  class Endpoint : public shared_memory::StoreEndpoint<Store, Parcel> {
    using shared_memory::StoreEndpoint<Store, Parcel>::store_;

   public:
    using shared_memory::StoreEndpoint<Store, Parcel>::StoreEndpoint;
    /// Lends memory for a body of up to `hint` bytes.
    /// Fails:   too_large; not_ready when all of it is in use; ENOSPC.
    Result<Loan> reserve(std::size_t hint, Deadline deadline) {
      auto chunk = store_->reserve(hint, deadline);
      if (!chunk) return chunk.error();
      return Loan(store_, *chunk, deadline);
    }
    /// Sends the first `used` bytes of what was lent; waits for room until the loan's deadline.
    /// Fails:   as put; then nothing was sent.
    Result<> publish(Loan loan, Envelope envelope, std::size_t used) {
      if (used > loan.memory().size()) return Errc::too_large;
      envelope.body_bytes = static_cast<std::uint32_t>(used);
      auto sent = store_->publish_chunk(loan.chunk_, envelope, loan.deadline_);
      if (sent) loan.store_ = {};
      return sent;
    }
  };

  using Link = shared_memory::StoreLink<Endpoint, shared_memory::Segment>;
  static Link open(Options options) {
    return Link(shared_memory::LanesLayout::create(options.name, options.capacity, options.max_body_bytes, options.max_participants));
  }
  static Link attach(std::string_view its_name) {
    auto segment = shared_memory::Segment::attach(its_name);
    (void)shared_memory::LanesLayout::of(*segment);  // refused here, rather than when somebody makes an endpoint
    return Link(std::move(segment));
  }
};

struct shm_lanes : shm_lanes_waiting<waiting::adaptive> {};

}  // namespace mulproc::transport
