// Boost.Interprocess: its message_queue used directly, and the deque under interprocess_mutex and interprocess_condition
// that most people write first.
#include <boost/interprocess/anonymous_shared_memory.hpp>
#include <boost/interprocess/allocators/allocator.hpp>
#include <boost/interprocess/containers/deque.hpp>
#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/interprocess/managed_external_buffer.hpp>
#include <boost/interprocess/sync/interprocess_condition.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <stress/benchmarks/catalogue.hpp>

namespace mulproc::benchmarks {
namespace {

namespace bi = boost::interprocess;

/// A queue down to each child, or one for all where whoever is free takes the message; one queue up.
template <std::size_t Bytes>
class BoostQueues {
 public:
  static constexpr bool lends = false;
  static std::string why_not(const Shape&) { return {}; }

  explicit BoostQueues(const Shape& shape) : shape_(shape), up_(make(shape)) {
    const std::size_t count = shape.to_anyone ? 1 : shape.children;
    for (std::size_t i = 0; i < count; ++i) down_.push_back(make(shape));
  }

  class Parent {
   public:
    Parent(BoostQueues& queues, std::span<const pid_t>) : queues_(queues) {}
    void send(std::size_t child, const Body<Bytes>& body) { put(*queues_.down_[queues_.shape_.to_anyone ? 0 : child], body, queues_.shape_.spins); }
    template <class F>
    void receive(F f) {
      take(*queues_.up_, *own_, queues_.shape_.spins);
      f(std::as_const(*own_));
    }

   private:
    BoostQueues& queues_;
    std::unique_ptr<Body<Bytes>> own_ = std::make_unique<Body<Bytes>>();
  };
  class Child {
   public:
    Child(BoostQueues& queues, std::size_t index) : queues_(queues), down_(*queues.down_[queues.shape_.to_anyone ? 0 : index]) {}
    void send(const Body<Bytes>& body) { put(*queues_.up_, body, queues_.shape_.spins); }
    template <class F>
    void receive(F f) {
      take(down_, *own_, queues_.shape_.spins);
      f(std::as_const(*own_));
    }

   private:
    BoostQueues& queues_;
    bi::message_queue& down_;
    std::unique_ptr<Body<Bytes>> own_ = std::make_unique<Body<Bytes>>();
  };

 private:
  using Queue = std::unique_ptr<bi::message_queue>;
  static Queue make(const Shape& shape) {
    static std::atomic<int> number{0};
    const std::string name = "mulproc-bench-" + std::to_string(::getpid()) + '-' + std::to_string(number++);
    bi::message_queue::remove(name.c_str());
    auto queue = std::make_unique<bi::message_queue>(bi::create_only, name.c_str(), shape.capacity, std::max<std::size_t>(Bytes, 1));
    bi::message_queue::remove(name.c_str());  // the mapping is inherited
    return queue;
  }
  static void put(bi::message_queue& queue, const Body<Bytes>& body, bool spins) {
    if (!spins) return queue.send(&body, Bytes, 0);
    spin_until([&] { return queue.try_send(&body, Bytes, 0); });
  }
  static void take(bi::message_queue& queue, Body<Bytes>& body, bool spins) {
    bi::message_queue::size_type size = 0;
    unsigned priority = 0;
    constexpr std::size_t room = std::max<std::size_t>(Bytes, 1);  // sizeof of an empty body is one too
    if (!spins) {
      queue.receive(&body, room, size, priority);
    } else {
      spin_until([&] { return queue.try_receive(&body, room, size, priority); });
    }
    if (size != Bytes) fail("a message of another size");
  }

  Shape shape_;
  Queue up_;
  std::vector<Queue> down_;
};

/// One deque each way. Whoever receives looks through it for the oldest message that is his, under the lock.
template <std::size_t Bytes>
class NaiveDeque {
 public:
  static constexpr bool lends = false;
  static std::string why_not(const Shape&) { return {}; }

  explicit NaiveDeque(const Shape& shape) : shape_(shape), down_(shape), up_(shape) {}

  class Parent {
   public:
    Parent(NaiveDeque& both, std::span<const pid_t>) : both_(both) {}
    void send(std::size_t child, const Body<Bytes>& body) { both_.down_.put(both_.shape_.to_anyone ? anybody : child, body); }
    template <class F>
    void receive(F f) {
      both_.up_.take(anybody, *own_);
      f(std::as_const(*own_));
    }

   private:
    NaiveDeque& both_;
    std::unique_ptr<Body<Bytes>> own_ = std::make_unique<Body<Bytes>>();
  };
  class Child {
   public:
    Child(NaiveDeque& both, std::size_t index) : both_(both), index_(both.shape_.to_anyone ? anybody : index) {}
    void send(const Body<Bytes>& body) { both_.up_.put(anybody, body); }
    template <class F>
    void receive(F f) {
      both_.down_.take(index_, *own_);
      f(std::as_const(*own_));
    }

   private:
    NaiveDeque& both_;
    std::size_t index_;
    std::unique_ptr<Body<Bytes>> own_ = std::make_unique<Body<Bytes>>();
  };

 private:
  static constexpr std::size_t anybody = ~std::size_t{0};
  struct Item {
    std::size_t recipient;
    Body<Bytes> body;
  };
  using Allocator = bi::allocator<Item, bi::managed_external_buffer::segment_manager>;

  class Queue {
   public:
    explicit Queue(const Shape& shape)
        : capacity_(shape.capacity),
          spins_(shape.spins),
          has_many_(shape.children > 1 && !shape.to_anyone && !shape.sender_is_child),
          region_(bi::anonymous_shared_memory((1 << 20) + 2 * shape.capacity * sizeof(Item))),
          memory_(bi::create_only, region_.get_address(), region_.get_size()),
          mutex_(memory_.construct<bi::interprocess_mutex>(bi::unique_instance)()),
          filled_(memory_.construct<bi::interprocess_condition>("filled")()),
          emptied_(memory_.construct<bi::interprocess_condition>("emptied")()),
          items_(memory_.construct<bi::deque<Item, Allocator>>(bi::unique_instance)(memory_.get_segment_manager())) {}

    void put(std::size_t recipient, const Body<Bytes>& body) {
      const auto try_once = [&](auto wait) {
        bi::scoped_lock lock(*mutex_);
        while (items_->size() >= capacity_) {
          if (!wait(lock)) return false;
        }
        items_->push_back({recipient, body});
        has_many_ ? filled_->notify_all() : filled_->notify_one();
        return true;
      };
      if (spins_) return spin_until([&] { return try_once([](auto&) { return false; }); });
      try_once([this](auto& lock) { return emptied_->wait(lock), true; });
    }
    void take(std::size_t me, Body<Bytes>& body) {
      const auto try_once = [&](auto wait) {
        bi::scoped_lock lock(*mutex_);
        while (true) {
          const auto mine = std::find_if(items_->begin(), items_->end(), [me](const Item& item) { return item.recipient == me; });
          if (mine != items_->end()) {
            body = mine->body;
            items_->erase(mine);
            emptied_->notify_one();
            return true;
          }
          if (!wait(lock)) return false;
        }
      };
      if (spins_) return spin_until([&] { return try_once([](auto&) { return false; }); });
      try_once([this](auto& lock) { return filled_->wait(lock), true; });
    }

   private:
    std::size_t capacity_;
    bool spins_, has_many_;
    bi::mapped_region region_;
    bi::managed_external_buffer memory_;
    bi::interprocess_mutex* mutex_;
    bi::interprocess_condition *filled_, *emptied_;
    bi::deque<Item, Allocator>* items_;
  };

  Shape shape_;
  Queue down_, up_;
};

}  // namespace

void enter_boosts(Catalogue& catalogue) {
  catalogue.enter<BoostQueues>("Boost message_queue", Kind::peer);
  catalogue.enter<NaiveDeque>("naive Boost deque", Kind::peer);
}

}  // namespace mulproc::benchmarks
