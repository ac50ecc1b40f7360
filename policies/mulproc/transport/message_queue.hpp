#pragma once
// What:    Boost.Interprocess's message_queue, entered only under a robust lock of ours and only by try_ calls.
// Choose:  where a well-known library's queue is wanted, and room that is mapped up front.
// Not:     for large bodies, or when the messages a dead receiver held must be handed on: shm_deque.
// Death:   the others go on; what the dead held is lost; a death inside the lock makes the queue `broken` for everybody.
#include <boost/interprocess/ipc/message_queue.hpp>
#include <mulproc/shared_memory/boost_queue_store.hpp>
#include <mulproc/shared_memory/store_endpoint.hpp>
#include <mulproc/waiting/adaptive.hpp>

namespace mulproc::transport {

/// How each endpoint waits is its own business: those of one channel need not wait alike.
template <Waiting W>
struct message_queue_waiting {
  static constexpr std::string_view name = "message_queue";
  static constexpr Promises promises{};

  struct Options {
    std::size_t capacity = 64;               ///< messages in flight, queued or held, per side
    std::size_t max_body_bytes = 64 << 10;   ///< of one message; 4 x capacity of them are mapped up front
    std::string name = {};                   ///< empty: anonymous
    std::size_t max_participants = 512;      ///< endpoints at one time
  };

  using Store = shared_memory::BoostQueueStore<W>;

  class Parcel {
   public:
    Parcel(const Shared<Store>& store, shared_memory::Item item) : store_(store), item_(std::move(item)) {}
    const Envelope& envelope() const noexcept { return item_->head().envelope; }
    int attempt() const noexcept { return static_cast<int>(item_->head().attempt); }
    std::span<const std::byte> bytes() const noexcept { return item_->body(); }
    Result<> done() { return settle([this] { return store_->finish(item_); }); }
    Result<> give_back() { return settle([this] { return store_->put_back(item_, 0); }); }
    Result<> fail() { return settle([this] { return store_->put_back(item_, 1); }); }

   private:
    template <class F>
    Result<> settle(F operation) {
      if (settled_) return Errc::stale;
      auto answer = operation();
      settled_ = true;
      return answer;
    }
    Shared<Store> store_;
    shared_memory::Item item_;
    bool settled_ = false;
  };

  using Endpoint = shared_memory::StoreEndpoint<Store, Parcel>;
  using Link = shared_memory::StoreLink<Endpoint, shared_memory::BoostQueue>;

  static Link open(Options options) {
    return Link(shared_memory::BoostQueue::create(options.name, options.capacity, options.max_body_bytes, options.max_participants));
  }
  static Link attach(std::string_view its_name) { return Link(shared_memory::BoostQueue::attach(its_name)); }
};

struct message_queue : message_queue_waiting<waiting::adaptive> {};

}  // namespace mulproc::transport
