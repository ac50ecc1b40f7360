#pragma once
/// The endpoint and the link of a transport whose messages lie in memory that every participant maps. What a participant
/// does is in its store; here all of it is only handed on.
#include <memory>
#include <mulproc/shared.hpp>
#include <mulproc/shared_memory/participants.hpp>
#include <mulproc/transport.hpp>

namespace mulproc::shared_memory {

/// `P` is the transport's parcel: made from the store and from what its take_if() yields.
///
/// Safety:  belongs to the thread that made it; anywhere else it may only be moved or destroyed.
template <class S, class P>
class StoreEndpoint {
 public:
  using Store = S;
  using Parcel = P;

  explicit StoreEndpoint(Shared<Store> store) noexcept : store_(std::move(store)) {}
  StoreEndpoint(StoreEndpoint&&) noexcept = default;
  StoreEndpoint& operator=(StoreEndpoint&& other) noexcept { return std::swap(store_, other.store_), *this; }
  ~StoreEndpoint() {
    if (store_ && store_->owner().is_elsewhere()) store_.forget();
    if (store_) store_->detach();
  }

  Result<> put(const Envelope& envelope, std::span<const std::byte> body, Deadline deadline) { return store_->put(envelope, body, deadline); }
  Result<Parcel> take(Deadline deadline) {
    SelectAll all;
    return take_if(all, deadline);
  }
  template <class F>
  Result<Parcel> take_if(F& selector, Deadline deadline) {
    return deliver(selector, deadline, as_result, nullptr);
  }
  /// The same, but says not_ready when more have died than are known.
  template <class F>
  Result<Parcel> take_if(F& selector, Deadline deadline, std::uint32_t& deaths_known) {
    return deliver(selector, deadline, as_result, &deaths_known);
  }
  /// The same, for who keeps the parcel elsewhere: deliver(...) is given what it is made from, and says what is returned.
  template <class F, class D>
  auto deliver_if(F& selector, Deadline deadline, D deliver_to) {
    return deliver(selector, deadline, deliver_to, nullptr);
  }
  template <class F, class D>
  auto deliver_if(F& selector, Deadline deadline, D deliver_to, std::uint32_t& deaths_known) {
    return deliver(selector, deadline, deliver_to, &deaths_known);
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
    auto held = store_->take_dead_letter();
    if (!held) return held.error();
    return Result<Parcel>(std::in_place, store_, std::move(*held));
  }
  std::size_t dead_letters_dropped() const { return store_->dead_letters_dropped(); }
  std::size_t unfinished() const { return store_->unfinished(); }
  Result<> join(Deadline deadline) { return store_->join(deadline); }
  Result<> close() { return store_->close(); }
  ProcessId id() const noexcept { return store_->id(); }
  ProcessId parent_id() const { return store_->parent_id(); }
  std::size_t max_body_bytes() const noexcept { return store_->max_body_bytes(); }

 protected:
  Shared<Store> store_;

 private:
  static constexpr auto as_result = [](const Shared<Store>& store, auto&& held) {
    return Result<Parcel>(std::in_place, store, std::forward<decltype(held)>(held));
  };
  // What lies ready is delivered from registers; a search is out of line, which needs more of them.
  template <class F, class D>
  [[gnu::always_inline]] auto deliver(F& selector, Deadline deadline, D deliver_to, std::uint32_t* deaths_known) {
    if constexpr (!F::looks_inside && requires { store_->take_at_once(selector); }) {
      if (const auto held = store_->take_at_once(selector)) return deliver_to(store_, held);
      return search_out_of_line(selector, deadline, deliver_to, deaths_known);
    } else {
      return search(selector, deadline, deliver_to, deaths_known);
    }
  }
  template <class F, class D>
  auto search(F& selector, Deadline deadline, D deliver_to, std::uint32_t* deaths_known) {
    // A parcel of what is not taken yet is only looked at.
    auto held = store_->take_if(selector, deadline, [this](const auto& candidate) { return Parcel(store_, candidate); }, deaths_known);
    using Delivered = decltype(deliver_to(store_, *std::move(held)));
    if (!held) return Delivered(held.error());
    return deliver_to(store_, *std::move(held));
  }
  template <class F, class D>
  [[gnu::noinline]] auto search_out_of_line(F& selector, Deadline deadline, D deliver_to, std::uint32_t* deaths_known) {
    return search(selector, deadline, deliver_to, deaths_known);
  }
};

/// `Memory` is what all participants map, and what their stores are made from.
template <class Endpoint, class Memory>
class StoreLink {
 public:
  explicit StoreLink(std::shared_ptr<Memory> memory) : memory_(std::move(memory)) {}
  Endpoint parent() { return endpoint(Role::parent); }
  Endpoint child() { return endpoint(Role::child); }
  void release() noexcept { memory_.reset(); }

 private:
  Endpoint endpoint(Role role) {
    if (!memory_) throw std::system_error(Errc::stale, "this process released its side of the link");
    return Endpoint(Shared<typename Endpoint::Store>::make(memory_, role));
  }
  std::shared_ptr<Memory> memory_;
};

}  // namespace mulproc::shared_memory
