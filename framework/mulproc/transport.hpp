#pragma once
/// What carries the bytes. A transport writes each operation once, with a Deadline; Channel makes try_, _for and untimed of it.
///
/// T         name, promises, Options, Endpoint, static <TransportLink> open(Options)        before fork
/// Link      move-only; Endpoint parent(), child()
///           optional: release(), spawned() (a child was forked: drop what is its alone)
/// Endpoint  using Parcel; Result<> put(const Envelope&, bytes, Deadline); Result<Parcel> take(Deadline); bool empty(); ProcessId id() const
///           optional, each detected by what can be called:
///             take_if(selector, Deadline)  empty_for(selector)      a queue with several receivers
///             take_if(selector, Deadline, deaths_known)              TellsOfDeaths
///             deliver_if(selector, Deadline, deliver[, deaths_known])
///                                                                    as take_if, but says deliver(what a Parcel is made from...)
///             unfinished()  join(Deadline)                           Joinable
///             native_handle()                                        Pollable: readable when a receive may not wait
///             close()  parent_id()  max_body_bytes()  take_dead_letter()  dead_letters_dropped()
/// Parcel    envelope(), attempt(), bytes(), done(), give_back(); optional fail(): back with attempt + 1.
///           A parcel may outlive its endpoint: then done() and give_back() say stale.
///
/// A capability is an expression a concept checks; a promise is a field of Promises that the conformance suite proves.
#include <concepts>
#include <limits>
#include <mulproc/deadline.hpp>
#include <mulproc/envelope.hpp>
#include <mulproc/result.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mulproc {

/// What a transport declares and tests prove.
struct Promises {
  bool between_processes = true;
  bool many_to_many = true;      ///< any number of children
  bool crosses_machines = false;
  bool survives_kill = false;    ///< anybody may be killed at any instruction and the others go on
  bool redelivers = false;       ///< what a dead receiver held is handed on
  bool global_order = true;      ///< one order over all senders, not only per sender
  bool addressed = false;        ///< delivers by address: an endpoint is only shown its own and anyone's messages
};

/// The number of attempts after which a message is a dead letter.
inline constexpr int max_attempts = 5;

/// Every transport's options begin with these two.
/// Fails:   throws std::invalid_argument naming the transport and the option.
inline void check_options(std::string_view transport, std::size_t capacity, std::size_t max_body_bytes) {
  if (capacity == 0) throw std::invalid_argument(std::string(transport) + ": capacity must be at least 1");
  if (max_body_bytes == 0 || max_body_bytes > std::numeric_limits<std::uint32_t>::max())
    throw std::invalid_argument(std::string(transport) + ": max_body_bytes must be 1 to 4294967295, not " + std::to_string(max_body_bytes));
}

template <class P>
concept Parcel = std::movable<P> && requires(P& parcel, const P& view) {
  { view.envelope() } -> std::convertible_to<const Envelope&>;
  { view.attempt() } -> std::convertible_to<int>;
  { view.bytes() } -> std::convertible_to<std::span<const std::byte>>;
  { parcel.done() } -> std::same_as<Result<>>;
  { parcel.give_back() } -> std::same_as<Result<>>;
};

template <class E>
concept TransportEndpoint = std::movable<E> && Parcel<typename E::Parcel> &&
    requires(E& endpoint, const E& view, const Envelope& envelope, std::span<const std::byte> bytes, Deadline deadline) {
      { endpoint.put(envelope, bytes, deadline) } -> std::same_as<Result<>>;
      { endpoint.take(deadline) } -> std::same_as<Result<typename E::Parcel>>;  // REMEDY: give the endpoint a take(Deadline) that returns Result<Parcel>
      { endpoint.empty() } -> std::convertible_to<bool>;
      { view.id() } -> std::same_as<ProcessId>;
    };

template <class L>
concept TransportLink = std::movable<L> && requires(L& link) {
  { link.parent() } -> TransportEndpoint;
  { link.child() } -> TransportEndpoint;
};

template <class T>
concept Transport = TransportEndpoint<typename T::Endpoint> && requires(typename T::Options options) {
  { T::name } -> std::convertible_to<std::string_view>;
  { T::promises } -> std::convertible_to<Promises>;
  { T::open(options) } -> TransportLink;  // REMEDY: give the transport a static open(Options) that returns a link with parent() and child()
};

/// What take_if is given. Asked of an envelope it is the routing policy's word alone: cheap, may be asked under a lock.
/// Asked of a parcel it is the whole word, a user's predicate included: asked on a tentative claim, outside any lock; may throw.
template <class F, class P>
concept SelectorOf = requires(F& selector, const Envelope& envelope, const P& parcel) {
  { selector(envelope) } -> std::same_as<bool>;
  { selector(parcel) } -> std::same_as<bool>;
  { F::by_address } -> std::convertible_to<bool>;     // only the address matters
  { F::looks_inside } -> std::convertible_to<bool>;   // there is a user's predicate
};

/// The selector that takes whatever there is.
struct SelectAll {
  static constexpr bool by_address = false, looks_inside = false;
  bool operator()(const auto&) const noexcept { return true; }
};

template <class T>
concept NamedTransport = Transport<T> && requires(std::string_view name) {
  { T::attach(name) } -> TransportLink;  // REMEDY: this transport has no names to attach to; take shm_deque or message_queue
};
template <class T>
concept Selective = Transport<T> && requires(typename T::Endpoint& endpoint, SelectAll& selector, Deadline deadline) {
  { endpoint.take_if(selector, deadline) } -> std::same_as<Result<typename T::Endpoint::Parcel>>;
};
/// A take that also ends, with not_ready, when somebody's death has become known: for who supervises.
template <class T>
concept TellsOfDeaths = Selective<T> && requires(typename T::Endpoint& endpoint, SelectAll& selector, Deadline deadline, std::uint32_t& deaths_known) {
  { endpoint.take_if(selector, deadline, deaths_known) } -> std::same_as<Result<typename T::Endpoint::Parcel>>;
};
template <class T>
concept Joinable = Transport<T> && requires(typename T::Endpoint& endpoint, Deadline deadline) {
  { endpoint.unfinished() } -> std::convertible_to<std::size_t>;  // REMEDY: this transport cannot count what is unfinished; take shm_deque or message_queue, or have each message answered
  { endpoint.join(deadline) } -> std::same_as<Result<>>;
};
template <class T>
concept Pollable = Transport<T> && requires(const typename T::Endpoint& endpoint) {
  { endpoint.native_handle() } -> std::same_as<int>;  // REMEDY: this transport has no descriptor to poll; take pipe, or wait with receive_for
};
/// The transport lends its memory: the sender writes the body where the receiver will read it.
template <class T>
concept Lending = Transport<T> && requires(typename T::Endpoint& endpoint, const Envelope& envelope, Deadline deadline) {
  endpoint.publish(endpoint.reserve(std::size_t{}, deadline).value(), envelope, std::size_t{});
};

}  // namespace mulproc
