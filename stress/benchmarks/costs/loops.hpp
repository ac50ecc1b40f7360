#pragma once
/// One message of 64 bytes sent and received, both endpoints in one thread, so that every count repeats exactly:
/// through Channel, and through the transport's own endpoint by hand. The difference is what the abstraction costs.
#include <algorithm>
#include <array>
#include <cstring>
#include <mulproc/channel.hpp>
#include <mulproc/routing/addressed_to_me.hpp>
#include <mulproc/serializer/trivially_copyable.hpp>
#include <string>

namespace mulproc::costs {

using Body = std::array<std::uint64_t, 8>;

template <class T>
typename T::Options options(std::size_t participants = 16) {
  typename T::Options chosen{.capacity = 64, .max_body_bytes = 4096};
  if constexpr (requires { chosen.max_participants; }) chosen.max_participants = participants;
  return chosen;
}

template <class T>
class ByChannel {
  using C = Channel<T, serializer::trivially_copyable, routing::addressed_to_me>;

 public:
  static constexpr std::string_view name = "channel";

  void send() { parent_.send({.request = request::DO, .recipient = child_.id()}, body_).value(); }
  void look() { (void)child_.try_receive(); }
  void receive() { body_[0] += child_.receive().value().template body<Body>().value()[1]; }
  std::uint64_t sum() const noexcept { return body_[0]; }

 private:
  typename C::Link link_ = C::open(options<T>());
  C parent_ = link_.parent(), child_ = link_.child();
  Body body_{0, 1};
};

template <class T>
class ByHand {
 public:
  static constexpr std::string_view name = "by_hand";

  void send() {
    const Envelope envelope{.request = request::DO,
                            .recipient = child_.id(),
                            .sender = parent_.id(),
                            .sequence = ++sequence_,
                            .body_bytes = sizeof body_,
                            .body_type = body_type_of<Body>};
    parent_.put(envelope, std::as_bytes(std::span(&body_, 1)), Deadline::never()).value();
  }
  void receive() {
    Mine mine{child_.id()};
    auto parcel = [&] {
      if constexpr (Selective<T>) {
        return child_.take_if(mine, Deadline::never()).value();
      } else {
        return child_.take(Deadline::never()).value();
      }
    }();
    Body copy;
    if (parcel.envelope().body_type != body_type_of<Body> || parcel.bytes().size() != sizeof copy) throw std::logic_error("another body than was sent");
    std::memcpy(&copy, parcel.bytes().data(), sizeof copy);
    body_[0] += copy[1];
    parcel.done().value();
  }
  std::uint64_t sum() const noexcept { return body_[0]; }

 private:
  struct Mine {
    static constexpr bool by_address = true, looks_inside = false;
    ProcessId me;
    bool operator()(const Envelope& envelope) const noexcept { return routing::addressed_to_me{}.accepts(envelope, me); }
    bool operator()(const auto&) const noexcept { return true; }
  };

  decltype(T::open(options<T>())) link_ = T::open(options<T>());
  typename T::Endpoint parent_ = link_.parent(), child_ = link_.child();
  std::uint64_t sequence_ = 0;
  Body body_{0, 1};
};

}  // namespace mulproc::costs
