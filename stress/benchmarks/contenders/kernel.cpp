// What the kernel offers, used directly: pipe(2), AF_UNIX SOCK_SEQPACKET, POSIX message queues. For several children one
// way down to each and one way up for all; where whoever is free takes the message, one way down for all.
#include <mqueue.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <stress/benchmarks/catalogue.hpp>

namespace mulproc::benchmarks {
namespace {

[[noreturn]] void fail_of(const char* call) { fail(std::string(call) + ": " + std::strerror(errno)); }

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept { return std::swap(fd_, other.fd_), *this; }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }

 private:
  int fd_ = -1;
};

/// One way: a message of a fixed size is put in and taken out whole. `Way` has put(bytes), take(bytes), false when it would wait.
template <class Way, std::size_t Bytes>
class Ways {
 public:
  static constexpr bool lends = false;
  static std::string why_not(const Shape& shape) {
    try {
      Way way(Bytes, shape);
      return {};
    } catch (const std::exception& error) {
      return std::string("not on this machine: ") + error.what();
    }
  }

  explicit Ways(const Shape& shape) : shape_(shape), up_(Bytes, shape) {
    const std::size_t count = shape.to_anyone ? 1 : shape.children;
    for (std::size_t i = 0; i < count; ++i) down_.emplace_back(Bytes, shape);
  }

  class Parent {
   public:
    Parent(Ways& ways, std::span<const pid_t>) : ways_(ways) {}
    void send(std::size_t child, const Body<Bytes>& body) { ways_.down_[ways_.shape_.to_anyone ? 0 : child].put(body.bytes()); }
    template <class F>
    void receive(F f) {
      ways_.up_.take(own_->bytes());
      f(std::as_const(*own_));
    }

   private:
    Ways& ways_;
    std::unique_ptr<Body<Bytes>> own_ = std::make_unique<Body<Bytes>>();
  };
  class Child {
   public:
    Child(Ways& ways, std::size_t index) : ways_(ways), down_(ways.down_[ways.shape_.to_anyone ? 0 : index]) {}
    void send(const Body<Bytes>& body) { ways_.up_.put(body.bytes()); }
    template <class F>
    void receive(F f) {
      down_.take(own_->bytes());
      f(std::as_const(*own_));
    }

   private:
    Ways& ways_;
    Way& down_;
    std::unique_ptr<Body<Bytes>> own_ = std::make_unique<Body<Bytes>>();
  };

 private:
  Shape shape_;
  Way up_;
  std::vector<Way> down_;
};

/// Where nothing can be carried, one byte is.
template <class B>
std::span<B> at_least_one_byte(std::span<B> bytes) {
  static std::byte one{};
  return bytes.empty() ? std::span<B>(&one, 1) : bytes;
}

class Pipe {
 public:
  Pipe(std::size_t bytes, const Shape& shape) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | (shape.spins ? O_NONBLOCK : 0)) != 0) fail_of("pipe2");
    if (bytes > 4096) ::fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);  // the most that any user gets
    in_ = Fd(ends[0]), out_ = Fd(ends[1]);
  }
  void put(std::span<const std::byte> bytes) {
    for (bytes = at_least_one_byte(bytes); !bytes.empty();) move_on(bytes, ::write(out_.get(), bytes.data(), bytes.size()), "write to a pipe");
  }
  void take(std::span<std::byte> bytes) {
    for (bytes = at_least_one_byte(bytes); !bytes.empty();) move_on(bytes, ::read(in_.get(), bytes.data(), bytes.size()), "read from a pipe");
  }

 private:
  template <class B>
  static void move_on(std::span<B>& bytes, ssize_t count, const char* call) {
    if (count > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      fail_of(call);
    } else {
      pause();
    }
  }
  Fd in_, out_;
};

class SeqPacket {
 public:
  SeqPacket(std::size_t bytes, const Shape& shape) : flags_(shape.spins ? MSG_DONTWAIT : 0) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) fail_of("socketpair");
    in_ = Fd(ends[0]), out_ = Fd(ends[1]);
    const int room = static_cast<int>(std::max<std::size_t>(2 * bytes, 256 << 10));
    if (::setsockopt(ends[1], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) != 0) ::setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    int got = 0;
    socklen_t size = sizeof got;
    ::getsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &got, &size);
    if (static_cast<std::size_t>(got) < bytes + 4096) fail("SO_SNDBUF is at most " + std::to_string(got));
  }
  void put(std::span<const std::byte> bytes) {
    bytes = at_least_one_byte(bytes);
    while (::send(out_.get(), bytes.data(), bytes.size(), flags_ | MSG_NOSIGNAL) < 0) again("send");
  }
  void take(std::span<std::byte> bytes) {
    bytes = at_least_one_byte(bytes);
    ssize_t count;
    while ((count = ::recv(in_.get(), bytes.data(), bytes.size(), flags_)) < 0) again("recv");
    if (static_cast<std::size_t>(count) != bytes.size()) fail("recv: a message of another size");
  }

 private:
  static void again(const char* call) {
    if (errno != EAGAIN && errno != EINTR) fail_of(call);
    pause();
  }
  int flags_;
  Fd in_, out_;
};

class PosixQueue {
 public:
  PosixQueue(std::size_t bytes, const Shape& shape) : bytes_(std::max<std::size_t>(bytes, 1)) {
    const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
    (void)::setrlimit(RLIMIT_MSGQUEUE, &all);  // only root may
    // Whoever has less room than there may be in flight could wait for ever.
    const auto room = static_cast<long>(shape.in_flight + 1);
    static std::atomic<int> number{0};
    const std::string name = "/mulproc-bench-" + std::to_string(::getpid()) + '-' + std::to_string(number++);
    mq_attr attributes{};
    attributes.mq_msgsize = static_cast<long>(bytes_);
    for (const long messages : {static_cast<long>(shape.capacity), 10L, room}) {
      if (messages < room) continue;
      attributes.mq_maxmsg = messages;
      queue_ = ::mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | (shape.spins ? O_NONBLOCK : 0), 0600, &attributes);
      if (queue_ >= 0) break;
    }
    if (queue_ < 0)
      fail_of(("mq_open of " + std::to_string(attributes.mq_maxmsg) + " messages of " + std::to_string(bytes_) + " bytes (fs.mqueue.msg_max, msgsize_max, RLIMIT_MSGQUEUE)").c_str());
    ::mq_unlink(name.c_str());
  }
  PosixQueue(PosixQueue&& other) noexcept : bytes_(other.bytes_), queue_(std::exchange(other.queue_, -1)) {}
  ~PosixQueue() {
    if (queue_ >= 0) ::mq_close(queue_);
  }
  void put(std::span<const std::byte> bytes) {
    while (::mq_send(queue_, reinterpret_cast<const char*>(bytes.data()), bytes.size(), 0) != 0) again("mq_send");
  }
  void take(std::span<std::byte> bytes) {
    bytes = at_least_one_byte(bytes);
    while (::mq_receive(queue_, reinterpret_cast<char*>(bytes.data()), bytes.size(), nullptr) < 0) again("mq_receive");
  }

 private:
  static void again(const char* call) {
    if (errno != EAGAIN && errno != EINTR) fail_of(call);
    pause();
  }
  std::size_t bytes_;
  mqd_t queue_ = -1;
};

template <std::size_t Bytes>
using Pipes = Ways<Pipe, Bytes>;
template <std::size_t Bytes>
using SeqPackets = Ways<SeqPacket, Bytes>;
template <std::size_t Bytes>
using PosixQueues = Ways<PosixQueue, Bytes>;

}  // namespace

void enter_the_kernels(Catalogue& catalogue) {
  catalogue.enter<Pipes>("pipe(2)", Kind::peer);
  catalogue.enter<SeqPackets>("AF_UNIX SEQPACKET", Kind::peer);
  catalogue.enter<PosixQueues>("POSIX mq", Kind::peer);
}

}  // namespace mulproc::benchmarks
