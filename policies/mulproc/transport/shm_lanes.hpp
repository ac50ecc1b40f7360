#pragma once
// What:    a ring in shared memory for each ordered pair, and one per sender for anyone; nobody takes a lock to send or receive.
// Choose:  for speed: many children that are addressed one by one, few large or many small messages, both sides busy.
// Not:     where one order over all senders is needed, or others' mail must be seen; shm_deque has both.
// Death:   anybody may be killed at any instruction; what he held goes back to its place with attempt + 1.
#include <mulproc/shared.hpp>
#include <mulproc/shared_memory/lanes_store.hpp>
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

  class Endpoint {
   public:
    using Parcel = shm_lanes_waiting::Parcel;

    explicit Endpoint(Shared<Store> store) : store_(std::move(store)) {}
    Endpoint(Endpoint&&) noexcept = default;
    Endpoint& operator=(Endpoint&& other) noexcept {
      if (store_) store_->detach();
      store_ = std::move(other.store_);
      return *this;
    }
    ~Endpoint() {
      if (store_) store_->detach();
    }

    Result<> put(const Envelope& envelope, std::span<const std::byte> body, Deadline deadline) { return store_->put(envelope, body, deadline); }
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
      return Result<Parcel>(std::in_place, store_, *lease);
    }
    Shared<Store> store_;
  };

  class Link {
   public:
    /// Fails:   throws std::system_error: malformed for a segment of another version, size or kind.
    explicit Link(std::shared_ptr<shared_memory::Segment> segment) : segment_(std::move(segment)), layout_(shared_memory::LanesLayout::of(*segment_)) {}
    Endpoint parent() { return endpoint(shared_memory::Role::parent); }
    Endpoint child() { return endpoint(shared_memory::Role::child); }
    void release() noexcept { segment_.reset(); }

   private:
    Endpoint endpoint(shared_memory::Role role) {
      if (!segment_) throw std::system_error(Errc::stale, "this process released its side of the link");
      return Endpoint(Shared<Store>::make(segment_, layout_, role));
    }
    std::shared_ptr<shared_memory::Segment> segment_;
    shared_memory::LanesLayout layout_;
  };

  static Link open(Options options) {
    return Link(shared_memory::LanesLayout::create(options.name, options.capacity, options.max_body_bytes, options.max_participants));
  }
  static Link attach(std::string_view its_name) {
    return Link(shared_memory::Segment::attach(its_name));
  }
};

struct shm_lanes : shm_lanes_waiting<waiting::adaptive> {};

}  // namespace mulproc::transport
