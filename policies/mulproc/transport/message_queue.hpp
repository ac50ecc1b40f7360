#pragma once
// What:    Boost.Interprocess's message_queue, entered only under a robust lock of ours and only by try_ calls.
// Choose:  where a well-known library's queue is wanted, and room that is mapped up front.
// Not:     for large bodies, or when the messages a dead receiver held must be handed on: shm_deque.
// Death:   the others go on; what the dead held is lost; a death inside the lock makes the queue `broken` for everybody.
#include <boost/interprocess/ipc/message_queue.hpp>
#include <mulproc/shared_memory/boost_queue_store.hpp>
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
    Parcel(std::shared_ptr<Store> store, std::vector<std::byte> item) : store_(std::move(store)), item_(std::move(item)) {}
    const Envelope& envelope() const noexcept { return store_->head_of(item_).envelope; }
    int attempt() const noexcept { return static_cast<int>(store_->head_of(item_).attempt); }
    std::span<const std::byte> bytes() const noexcept { return store_->body_of(item_); }
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
    std::shared_ptr<Store> store_;
    std::vector<std::byte> item_;
    bool settled_ = false;
  };

  class Endpoint {
   public:
    using Parcel = message_queue_waiting::Parcel;
    explicit Endpoint(std::shared_ptr<Store> store) : store_(std::move(store)) {}
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
      auto item = store_->take_dead_letter();
      if (!item) return item.error();
      return Parcel(store_, *std::move(item));
    }
    std::size_t dead_letters_dropped() const noexcept { return store_->dead_letters_dropped(); }
    std::size_t unfinished() const { return store_->unfinished(); }
    Result<> join(Deadline deadline) { return store_->join(deadline); }
    Result<> close() { return store_->close(); }
    ProcessId id() const noexcept { return store_->id(); }
    ProcessId parent_id() const noexcept { return store_->parent_id(); }
    std::size_t max_body_bytes() const noexcept { return store_->max_body_bytes(); }

   private:
    template <class F>
    Result<Parcel> take_if(F& selector, Deadline deadline, std::uint32_t* deaths_known) {
      // A refused candidate's Parcel is only looked at: its item goes back below it.
      auto item = store_->take_if(selector, deadline, [this](const std::vector<std::byte>& held) { return Parcel(store_, held); }, deaths_known);
      if (!item) return item.error();
      return Parcel(store_, *std::move(item));
    }
    std::shared_ptr<Store> store_;
  };

  class Link {
   public:
    explicit Link(std::shared_ptr<shared_memory::BoostQueue> queue) : queue_(std::move(queue)) {}
    Endpoint parent() { return endpoint(shared_memory::Role::parent); }
    Endpoint child() { return endpoint(shared_memory::Role::child); }
    void release() noexcept { queue_.reset(); }

   private:
    Endpoint endpoint(shared_memory::Role role) {
      if (!queue_) throw std::system_error(Errc::stale, "this process released its side of the link");
      return Endpoint(std::make_shared<Store>(queue_, role));
    }
    std::shared_ptr<shared_memory::BoostQueue> queue_;
  };

  static Link open(Options options) {
    return Link(shared_memory::BoostQueue::create(options.name, options.capacity, options.max_body_bytes, options.max_participants));
  }
  static Link attach(std::string_view its_name) { return Link(shared_memory::BoostQueue::attach(its_name)); }
};

struct message_queue : message_queue_waiting<waiting::adaptive> {};

}  // namespace mulproc::transport
