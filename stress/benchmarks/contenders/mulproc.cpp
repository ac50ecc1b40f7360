// mulproc itself: trivially_copyable bodies, addressed_to_me, one link for all; over a pipe, which joins one and one, a
// link for each child. Another transport joins by one line at the end.
#include <poll.h>

#include <mulproc/channel.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <mulproc/transport/message_queue.hpp>
#include <mulproc/transport/pipe.hpp>
#include <mulproc/transport/shm_deque.hpp>
#if __has_include(<mulproc/transport/shm_lanes.hpp>)
#include <mulproc/transport/shm_lanes.hpp>
#endif
#include <stress/benchmarks/catalogue.hpp>

namespace mulproc::benchmarks {
namespace {

/// A body that is made while it is serialized, piece by piece, so that it is written once: where the transport lends.
template <std::size_t Bytes>
struct Made {
  std::uint64_t number;
};
struct Serializer : serializer::trivially_copyable {
  using trivially_copyable::bytes_of;
  using trivially_copyable::encode;
  template <std::size_t Bytes>
  static void bytes_of(const Made<Bytes>&) = delete;  // it does not lie anywhere yet
  template <std::size_t Bytes>
  static Result<> encode(const Made<Bytes>& made, Sink& sink) {
    Body<std::min<std::size_t>(Bytes, 4096)> piece;
    for (std::size_t word = 0; word < Body<Bytes>::words; word += piece.words) {
      piece.write(made.number + word);
      if (!sink.append(piece.bytes())) return Errc::too_large;
    }
    return {};
  }
};

template <class T>
struct Over {
  using C = Channel<T, Serializer, routing::addressed_to_me>;
  static constexpr bool shares_a_link = C::promises.many_to_many;

  template <std::size_t Bytes, class B>
  static void send(C& channel, ProcessId recipient, const B& body, bool spins) {
    const Header header{.request = request::DO, .recipient = recipient};
    const auto once = [&](Deadline deadline) {
      if constexpr (Bytes == 0) {
        return channel.send_until(deadline, header);
      } else {
        return channel.send_until(deadline, header, body);
      }
    };
    if (!spins) return once(Deadline::never()).value();
    spin_until([&] {
      const auto sent = once(Deadline::now());
      if (!sent && sent.error() != Errc::not_ready) sent.value();
      return bool(sent);
    });
  }

  /// A small body is decoded into a value, as programs do; a large one is lent where it lies.
  template <std::size_t Bytes, class F>
  static void show(const typename C::Message& message, F& f) {
    if constexpr (Bytes == 0) {
      f(Body<0>{});
    } else if constexpr (Bytes <= 1024) {
      f(message.template body<Body<Bytes>>().value());
    } else {
      if (message.bytes().size() != Bytes) fail("a body of another size");
      f(*reinterpret_cast<const Body<Bytes>*>(message.bytes().data()));
    }
  }
  template <std::size_t Bytes, class F>
  static void receive(C& channel, bool spins, F f) {
    if (!spins) return show<Bytes>(channel.receive().value(), f);
    spin_until([&] {
      auto message = channel.try_receive();
      if (message) {
        show<Bytes>(*message, f);
      } else if (message.error() != Errc::not_ready) {
        message.value();
      }
      return bool(message);
    });
  }

  template <std::size_t Bytes>
  class Wire {
   public:
    static constexpr bool lends = !std::same_as<T, transport::pipe>;  // message.bytes() of a pipe's message is its copy
    static std::string why_not(const Shape&) { return {}; }

    explicit Wire(const Shape& shape) : shape_(shape) {
      typename C::Options options{.capacity = shape.capacity, .max_body_bytes = std::max<std::size_t>(Bytes, 64)};
      if constexpr (requires { options.max_participants; }) options.max_participants = shape.children + 2;
      const std::size_t links = shares_a_link ? 1 : shape.children;
      for (std::size_t i = 0; i < links; ++i) links_.push_back(C::open(options));
    }

    class Parent {
     public:
      Parent(Wire& wire, std::span<const pid_t> children) : shape_(wire.shape_), ids_(children.begin(), children.end()) {
        for (auto& link : wire.links_) {
          ends_.push_back(link.parent());
          link.spawned();
        }
        if constexpr (!shares_a_link) {
          for (const C& end : ends_) polled_.push_back({end.native_handle(), POLLIN, 0});
        }
      }
      void send(std::size_t child, const Body<Bytes>& body) {
        send_body(child, body);
      }
      void send_in_place(std::size_t child, std::uint64_t number) { send_body(child, Made<Bytes>{number}); }
      template <class F>
      void receive(F f) {
        if (ends_.size() == 1) return Over::template receive<Bytes>(ends_[0], shape_.spins, f);
        while (true) {
          for (; turn_ < ends_.size(); ++turn_) {
            if (polled_[turn_].revents == 0) continue;
            auto message = ends_[turn_].try_receive();
            if (message) return show<Bytes>(*message, f);
            if (message.error() != Errc::not_ready && message.error() != Errc::closed) message.value();
            polled_[turn_].revents = 0;
            if (message.error() == Errc::closed) polled_[turn_].fd = -1;
          }
          turn_ = 0;
          ::poll(polled_.data(), polled_.size(), shape_.spins ? 0 : -1);
        }
      }

     private:
      template <class B>
      void send_body(std::size_t child, const B& body) {
        Over::template send<Bytes>(ends_[shares_a_link ? 0 : child], shape_.to_anyone ? anyone : ProcessId(ids_[child]), body, shape_.spins);
      }
      const Shape shape_;
      std::vector<ProcessId> ids_;
      std::vector<C> ends_;
      std::vector<pollfd> polled_;
      std::size_t turn_ = 0;
    };

    class Child {
     public:
      Child(Wire& wire, std::size_t index) : shape_(wire.shape_), end_(wire.links_[shares_a_link ? 0 : index].child()), parent_(::getppid()) {
        shares_a_link ? wire.links_.clear() : InheritedFd::close_foreign();  // the latter as spawn() does
      }
      void send(const Body<Bytes>& body) { Over::template send<Bytes>(end_, parent_, body, shape_.spins); }
      template <class F>
      void receive(F f) {
        Over::template receive<Bytes>(end_, shape_.spins, f);
      }

     private:
      const Shape shape_;
      C end_;
      ProcessId parent_;
    };

   private:
    Shape shape_;
    std::vector<typename C::Link> links_;
  };
};

template <class T>
void enter(Catalogue& catalogue) {
  catalogue.enter<Over<T>::template Wire>("mulproc " + std::string(T::name), Kind::ours);
}

}  // namespace

void enter_mulproc(Catalogue& catalogue) {
#if __has_include(<mulproc/transport/shm_lanes.hpp>)
  enter<transport::shm_lanes>(catalogue);
#endif
  enter<transport::shm_deque>(catalogue);
  enter<transport::message_queue>(catalogue);
  enter<transport::pipe>(catalogue);
}

}  // namespace mulproc::benchmarks
