// T16: what is left of other libraries' queues when a sender or a receiver is killed at a random moment; beside ours.
//
//   make crash-peers
//
// One process sends numbers, one receives them; one of the two is killed some milliseconds later, and another one takes its
// place. A hang: nothing that is sent from then on arrives within two seconds. Lost: numbers whose send had returned, which
// no receiver was ever given. Held: the receiver was killed while it worked on a message; who hands that on?
#include <boost/interprocess/allocators/allocator.hpp>
#include <boost/interprocess/containers/deque.hpp>
#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/interprocess/managed_shared_memory.hpp>
#include <boost/interprocess/sync/interprocess_condition.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/scoped_lock.hpp>
#include <mulproc/channel.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/shm_deque.hpp>
#include <mulproc/transport/shm_lanes.hpp>

#include "experiment.hpp"
#if __has_include(<zmq.h>)
#include <zmq.h>
#endif

namespace mulproc::tests {

namespace bip = boost::interprocess;

class boost_message_queue {
 public:
  static constexpr const char* name = "Boost message_queue";
  boost_message_queue() : queue_((remove(), bip::create_only), file, capacity, sizeof(std::uint32_t)) {}
  ~boost_message_queue() { remove(); }

  class End {
   public:
    explicit End(boost_message_queue&) : queue_(bip::open_only, file) {}
    bool send(std::uint32_t number) { return queue_.send(&number, sizeof number, 0), true; }
    std::optional<std::uint32_t> receive() {
      std::uint32_t number = 0;
      bip::message_queue::size_type size = 0;
      unsigned priority = 0;
      queue_.receive(&number, sizeof number, size, priority);
      return number;
    }
    void done() {}

   private:
    bip::message_queue queue_;
  };

 private:
  static constexpr const char* file = "mulproc-peers-queue";
  static void remove() { bip::message_queue::remove(file); }
  bip::message_queue queue_;
};

/// A deque under a mutex and two conditions, as most people write it.
class naive_deque {
  using Memory = bip::managed_shared_memory;
  struct Queue {
    explicit Queue(Memory::segment_manager* manager) : numbers(manager) {}
    bip::interprocess_mutex mutex;
    bip::interprocess_condition not_empty, not_full;
    bip::deque<std::uint32_t, bip::allocator<std::uint32_t, Memory::segment_manager>> numbers;
  };

 public:
  static constexpr const char* name = "naive Boost deque";
  naive_deque() : memory_((remove(), bip::create_only), file, 1 << 20) { memory_.construct<Queue>("queue")(memory_.get_segment_manager()); }
  ~naive_deque() { remove(); }

  class End {
   public:
    explicit End(naive_deque&) : memory_(bip::open_only, file), queue_(memory_.find<Queue>("queue").first) {}
    bool send(std::uint32_t number) {
      bip::scoped_lock lock(queue_->mutex);
      queue_->not_full.wait(lock, [this] { return queue_->numbers.size() < capacity; });
      queue_->numbers.push_back(number);
      queue_->not_empty.notify_one();
      return true;
    }
    std::optional<std::uint32_t> receive() {
      bip::scoped_lock lock(queue_->mutex);
      queue_->not_empty.wait(lock, [this] { return !queue_->numbers.empty(); });
      const auto number = queue_->numbers.front();
      queue_->numbers.pop_front();
      queue_->not_full.notify_one();
      return number;
    }
    void done() {}

   private:
    Memory memory_;
    Queue* queue_;
  };

 private:
  static constexpr const char* file = "mulproc-peers-deque";
  static void remove() { bip::shared_memory_object::remove(file); }
  Memory memory_;
};

#if __has_include(<zmq.h>)
class zeromq {
 public:
  static constexpr const char* name = "ZeroMQ ipc PUSH/PULL";

  class End {
   public:
    explicit End(zeromq&) {}
    bool send(std::uint32_t number) { return zmq_send(socket(ZMQ_PUSH), &number, sizeof number, 0) == sizeof number; }
    std::optional<std::uint32_t> receive() {
      std::uint32_t number = 0;
      if (zmq_recv(socket(ZMQ_PULL), &number, sizeof number, 0) != sizeof number) return std::nullopt;
      return number;
    }
    void done() {}

   private:
    static constexpr const char* address = "ipc:///tmp/mulproc-peers.ipc";
    void* socket(int type) {
      if (socket_ != nullptr) return socket_;
      socket_ = zmq_socket(zmq_ctx_new(), type);
      const int limit = capacity;
      zmq_setsockopt(socket_, type == ZMQ_PUSH ? ZMQ_SNDHWM : ZMQ_RCVHWM, &limit, sizeof limit);
      if ((type == ZMQ_PUSH ? zmq_connect : zmq_bind)(socket_, address) != 0) std::perror(address);
      return socket_;
    }
    void* socket_ = nullptr;
  };
};
#endif

template <class T>
class ours {
  using C = Channel<T, serializer::trivially_copyable, routing::addressed_to_me>;

 public:
  static constexpr const char* name = T::name.data();

  class End {
   public:
    explicit End(ours& all) : me_(all.link_.child()) {}
    bool send(std::uint32_t number) { return bool(me_.send({}, number)); }
    std::optional<std::uint32_t> receive() {
      auto message = me_.receive();
      if (!message) return std::nullopt;
      held_.emplace(*std::move(message));
      return held_->template body<std::uint32_t>().value();
    }
    void done() { held_.reset(); }

   private:
    C me_;
    std::optional<typename C::Message> held_;
  };

 private:
  typename C::Link link_ = C::open({.capacity = capacity, .max_body_bytes = 64});
  C parent_ = link_.parent();
};

int main(int argc, char** argv) {
  const std::size_t kills = argc > 1 ? std::stoul(argv[1]) : 100;
  std::cout << kills << " kills of a sender, then of a receiver\n" << header() << std::endl;
  bool ours_stand = judge<ours<transport::shm_deque>>(kills).stands();
  ours_stand = judge<ours<transport::shm_lanes>>(kills).stands() && ours_stand;
  ours_stand = judge<ours<transport::message_queue>>(kills).hangs() == 0 && ours_stand;
  judge<boost_message_queue>(kills);
  judge<naive_deque>(kills);
#if __has_include(<zmq.h>)
  judge<zeromq>(kills);
#endif
  return ours_stand ? 0 : 1;
}

}  // namespace mulproc::tests

int main(int argc, char** argv) { return mulproc::tests::main(argc, argv); }
