// ZeroMQ over ipc: PUSH and PULL where nobody in particular is meant or there is one child, else ROUTER and DEALER.
#include <zmq.h>

#include <stress/benchmarks/catalogue.hpp>

namespace mulproc::benchmarks {
namespace {

[[noreturn]] void fail_of(const char* call) { fail(std::string(call) + ": " + ::zmq_strerror(::zmq_errno())); }

/// One process' context and sockets; made after the fork.
class Sockets {
 public:
  explicit Sockets(bool spins) : flags_(spins ? ZMQ_DONTWAIT : 0) {}
  Sockets(const Sockets&) = delete;
  ~Sockets() {
    for (void* socket : open_) ::zmq_close(socket);
    ::zmq_ctx_term(context_);  // waits until what was sent has left
  }
  void* make(int type) {
    void* socket = ::zmq_socket(context_, type);
    if (socket == nullptr) fail_of("zmq_socket");
    open_.push_back(socket);
    return socket;
  }
  static void bind(void* socket, const std::string& address) {
    if (::zmq_bind(socket, address.c_str()) != 0) fail_of("zmq_bind");
  }
  static void connect(void* socket, const std::string& address) {
    if (::zmq_connect(socket, address.c_str()) != 0) fail_of("zmq_connect");
  }
  void put(void* socket, std::span<const std::byte> bytes, int more = 0) const {
    while (::zmq_send(socket, bytes.data(), bytes.size(), flags_ | more) < 0) again("zmq_send");
  }
  void take(void* socket, std::span<std::byte> bytes) const {
    int count;
    while ((count = ::zmq_recv(socket, bytes.data(), bytes.size(), flags_)) < 0) again("zmq_recv");
    if (static_cast<std::size_t>(count) != bytes.size()) fail("zmq_recv: a message of another size");
  }

 private:
  static void again(const char* call) {
    if (::zmq_errno() != EAGAIN && ::zmq_errno() != EINTR) fail_of(call);
    pause();
  }
  void* context_ = ::zmq_ctx_new();
  std::vector<void*> open_;
  int flags_;
};

template <std::size_t Bytes>
class ZeroMq {
 public:
  static constexpr bool lends = false;
  static std::string why_not(const Shape&) { return {}; }

  explicit ZeroMq(const Shape& shape)
      : shape_(shape), routed_(shape.children > 1 && !shape.to_anyone && !shape.sender_is_child), address_("ipc://@mulproc-bench-" + std::to_string(::getpid())) {}

  class Parent {
   public:
    Parent(ZeroMq& mq, std::span<const pid_t> children) : routed_(mq.routed_), sockets_(mq.shape_.spins) {
      if (!routed_) {
        down_ = sockets_.make(ZMQ_PUSH), up_ = sockets_.make(ZMQ_PULL);
        Sockets::bind(down_, mq.address_ + "-down");
        Sockets::bind(up_, mq.address_ + "-up");
        return;
      }
      up_ = down_ = sockets_.make(ZMQ_ROUTER);
      const int refuse_the_unknown = 1;
      ::zmq_setsockopt(down_, ZMQ_ROUTER_MANDATORY, &refuse_the_unknown, sizeof refuse_the_unknown);
      Sockets::bind(down_, mq.address_);
      std::uint32_t name;
      for (std::size_t i = 0; i < children.size(); ++i) {  // it routes to those it has heard of
        sockets_.take(up_, std::as_writable_bytes(std::span(&name, 1)));
        sockets_.take(up_, {});
      }
    }
    void send(std::size_t child, const Body<Bytes>& body) {
      if (routed_) {
        const std::uint32_t name = name_of(child);
        sockets_.put(down_, std::as_bytes(std::span(&name, 1)), ZMQ_SNDMORE);
      }
      sockets_.put(down_, body.bytes());
    }
    template <class F>
    void receive(F f) {
      std::uint32_t name;
      if (routed_) sockets_.take(up_, std::as_writable_bytes(std::span(&name, 1)));
      sockets_.take(up_, own_->bytes());
      f(std::as_const(*own_));
    }

   private:
    bool routed_;
    Sockets sockets_;
    void *down_, *up_;
    std::unique_ptr<Body<Bytes>> own_ = std::make_unique<Body<Bytes>>();
  };

  class Child {
   public:
    Child(ZeroMq& mq, std::size_t index) : sockets_(mq.shape_.spins) {
      if (!mq.routed_) {
        down_ = sockets_.make(ZMQ_PULL), up_ = sockets_.make(ZMQ_PUSH);
        Sockets::connect(down_, mq.address_ + "-down");
        Sockets::connect(up_, mq.address_ + "-up");
        return;
      }
      up_ = down_ = sockets_.make(ZMQ_DEALER);
      const std::uint32_t name = name_of(index);
      ::zmq_setsockopt(up_, ZMQ_ROUTING_ID, &name, sizeof name);
      Sockets::connect(up_, mq.address_);
      sockets_.put(up_, {});
    }
    void send(const Body<Bytes>& body) { sockets_.put(up_, body.bytes()); }
    template <class F>
    void receive(F f) {
      sockets_.take(down_, own_->bytes());
      f(std::as_const(*own_));
    }

   private:
    Sockets sockets_;
    void *down_, *up_;
    std::unique_ptr<Body<Bytes>> own_ = std::make_unique<Body<Bytes>>();
  };

 private:
  /// A name must not begin with a zero byte.
  static std::uint32_t name_of(std::size_t child) noexcept { return static_cast<std::uint32_t>(child << 8 | 'c'); }

  Shape shape_;
  bool routed_;
  std::string address_;
};

}  // namespace

void enter_zeromq(Catalogue& catalogue) { catalogue.enter<ZeroMq>("ZeroMQ ipc", Kind::peer); }

}  // namespace mulproc::benchmarks
