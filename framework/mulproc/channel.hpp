#pragma once
/// A channel is three words: what carries the bytes, what turns objects into bytes, and which messages are mine.
/// Transports move envelopes and bytes (mechanism); Channel knows bodies, routing and time (meaning).
#include <poll.h>

#include <limits>
#include <mulproc/combination.hpp>
#include <mulproc/message.hpp>
#include <mulproc/owner.hpp>
#include <mulproc/shared.hpp>
#include <mulproc/spares.hpp>
#include <mulproc/stash.hpp>
#include <mulproc/unwinding.hpp>
#include <tuple>

namespace mulproc {

template <class S, class... B>
concept Body = sizeof...(B) <= 1 && (SerializerFor<S, B> && ...);  // REMEDY: one body at most, of a type this serializer can carry: by value, no pointers; its header says which

template <class V, class... P>
concept Predicates = sizeof...(P) <= 1 && (std::predicate<P&, const V&> && ...);  // REMEDY: one predicate at most, which takes a const MessageView& and says bool

/// One process' endpoint of a channel.
///
/// Safety:  one thread per endpoint: another thread's call says wrong_thread, a forked process' call says stale, and both
///          change nothing. Any number of processes.
/// Owns:    its place among the participants; destroying it ends its sending and gives back what it holds.
template <Transport T, Serializer S, RoutingPolicy R>
  requires Combination<T, R>
class Channel {
  using TransportEndpoint = typename T::Endpoint;
  using Endpoint = std::conditional_t<Selective<T>, TransportEndpoint, Stash<TransportEndpoint>>;

 public:
  using Options = typename T::Options;
  using MessageView = mulproc::MessageView<S>;
  static constexpr Promises promises = T::promises;

  class Message;
  class Link;

  /// Before fork: nothing is attached yet.
  /// Fails:   throws std::invalid_argument naming the option, std::system_error naming the call.
  static Link open(Options options = {}) { return Link(T::open(std::move(options))); }

  /// Joins the channel that another executable opened under this name.
  /// Fails:   throws std::system_error: stale when no live channel has that name.
  static Link attach(std::string_view name)
    requires NamedTransport<T>
  {
    return Link(T::attach(name));
  }

  /// The same, and waits for the name to be opened.
  /// Fails:   throws std::system_error: not_ready when the time is up.
  template <class Rep, class Period>
  static Link attach_for(std::chrono::duration<Rep, Period> patience, std::string_view name)
    requires NamedTransport<T>
  {
    for (const auto deadline = Deadline::after(patience);;) {
      try {
        return attach(name);
      } catch (const std::system_error& error) {
        if (error.code() != Errc::stale) throw;
        if (deadline.expired()) throw std::system_error(Errc::not_ready, "attach_for \"" + std::string(name) + '"');
      }
      ::poll(nullptr, 0, 1);  // a name has no fd to wait on
    }
  }

  Channel(Channel&&) noexcept = default;
  Channel& operator=(Channel&& other) noexcept {
    if (this != &other) {
      leave();
      state_ = std::move(other.state_);
    }
    return *this;
  }
  ~Channel() { leave(); }

  /// Sends a message with no body, or one; a string literal or string_view travels as std::string.
  ///
  /// Blocks:  until there is room.
  /// Fails:   closed, too_large, recipient_gone, broken; then nothing was sent.
  template <class... B>
    requires Body<S, B...>
  Result<> send(Header header, const B&... body) {
    return send_until(Deadline::never(), header, body...);
  }
  /// Fails:   not_ready when there is no room now; otherwise as send.
  template <class... B>
    requires Body<S, B...>
  Result<> try_send(Header header, const B&... body) {
    return send_until(Deadline::now(), header, body...);
  }
  template <class Rep, class Period, class... B>
    requires Body<S, B...>
  Result<> send_for(std::chrono::duration<Rep, Period> patience, Header header, const B&... body) {
    return send_until(Deadline::after(patience), header, body...);
  }
  template <class... B>
    requires Body<S, B...>
  Result<> send_until(Deadline deadline, Header header, const B&... body) {
    return put(deadline, header, 0, body...);
  }
  /// Answers `to`: addressed to its sender, in_reply_to its sequence.
  template <class... B>
    requires Body<S, B...>
  Result<> reply(const MessageView& to, Request request, const B&... body) {
    return put(Deadline::never(), {.request = request, .recipient = to.sender()}, to.sequence(), body...);
  }

  /// Takes the oldest message this endpoint accepts; messages for others keep their places.
  ///
  /// Blocks:  until one arrives or the other side is gone.
  /// Fails:   closed, broken.
  /// Owns:    the message leases its slot until it is destroyed; bytes() stays valid until then.
  template <class... P>
    requires Predicates<MessageView, P...>
  Result<Message> receive(P... predicate) {
    return receive_until(Deadline::never(), std::move(predicate)...);
  }
  template <class... P>
    requires Predicates<MessageView, P...>
  Result<Message> try_receive(P... predicate) {
    return receive_until(Deadline::now(), std::move(predicate)...);
  }
  template <class Rep, class Period, class... P>
    requires Predicates<MessageView, P...>
  Result<Message> receive_for(std::chrono::duration<Rep, Period> patience, P... predicate) {
    return receive_until(Deadline::after(patience), std::move(predicate)...);
  }
  template <class... P>
    requires Predicates<MessageView, P...>
  Result<Message> receive_until(Deadline deadline, P... predicate) {
    if (auto mine = check(); !mine) return mine.error();
    Selector<P...> selector{*state_, std::tuple<P...>(std::move(predicate)...)};
    return take(selector, deadline);
  }

  /// For Crew: the same, but says not_ready early when somebody of the channel died; once for each new value of
  /// `deaths_known`, in which the transport counts.
  template <class... P>
    requires TellsOfDeaths<T> && Predicates<MessageView, P...>
  Result<Message> receive_or_death(Deadline deadline, std::uint32_t& deaths_known, P... predicate) {
    if (auto mine = check(); !mine) return mine.error();
    Selector<P...> selector{*state_, std::tuple<P...>(std::move(predicate)...)};
    return take(selector, deadline, deaths_known);
  }

  /// True when nothing is queued that this endpoint's policy accepts; held messages do not count.
  /// Fails:   throws std::system_error: stale, wrong_thread.
  bool empty() const {
    check().value();
    Selector<> selector{*state_, {}};
    if constexpr (requires { state_->endpoint->empty_for(selector); }) {
      return state_->endpoint->empty_for(selector);
    } else {
      return transport().empty();
    }
  }
  /// Both directions, queued and held.
  std::size_t unfinished() const
    requires Joinable<T>
  {
    check().value();
    return transport().unfinished();
  }
  /// Takes all dead letters there are, with their data.
  std::vector<Message> dead_letters() {
    check().value();
    std::vector<Message> letters;
    if constexpr (requires { state_->endpoint->take_dead_letter(); }) {
      while (auto parcel = state_->endpoint->take_dead_letter()) letters.push_back(Message(state_, *std::move(parcel)));
    }
    return letters;
  }
  std::size_t dead_letters_dropped() const {
    check().value();
    if constexpr (requires { state_->endpoint->dead_letters_dropped(); }) {
      return state_->endpoint->dead_letters_dropped();
    } else {
      return 0;
    }
  }

  /// Returns when nothing is unfinished: done, not merely taken.
  /// Fails:   abandoned when no live participant but the caller holds or could take what remains; broken.
  Result<> join()
    requires Joinable<T>
  {
    return join_until(Deadline::never());
  }
  template <class Rep, class Period>
  Result<> join_for(std::chrono::duration<Rep, Period> patience)
    requires Joinable<T>
  {
    return join_until(Deadline::after(patience));
  }
  Result<> join_until(Deadline deadline)
    requires Joinable<T>
  {
    if (auto mine = check(); !mine) return mine;
    return transport().join(deadline);
  }

  /// Ends this endpoint's sending; it may go on receiving.
  Result<> close() {
    if (auto mine = check(); !mine) return mine;
    if (std::exchange(state_->sending_ended, true)) return {};
    if constexpr (requires { transport().close(); }) {
      return transport().close();
    } else {
      return {};
    }
  }
  ProcessId id() const noexcept { return state_ ? state_->id : ProcessId{}; }
  /// The parent endpoint's id, as far as it is known here.
  ProcessId parent_id() const noexcept {
    if constexpr (requires { transport().parent_id(); }) {
      return state_ && state_->endpoint ? transport().parent_id() : ProcessId{};
    } else {
      return {};
    }
  }
  /// Readable when a receive may not have to wait: for poll, epoll, asio. Then call try_receive until not_ready.
  int native_handle() const
    requires Pollable<T>
  {
    check().value();
    return transport().native_handle();
  }

 private:
  using Parcel = typename Endpoint::Parcel;
  struct Held;

  // On the heap, so that a channel may be moved while messages are held; the last of them lets go of it.
  struct State {
    State(Endpoint e, R r) : endpoint(std::move(e)), policy(std::move(r)) {}
    std::optional<Endpoint> endpoint;
    R policy;
    Owner owner;
    Unwinding unwinding;
    ProcessId id;
    std::uint64_t sent = 0;
    bool sending_ended = false;
    std::vector<std::byte> scratch;
    std::size_t last_body_bytes = 0;
    std::size_t max_body_bytes = std::numeric_limits<std::uint32_t>::max();
    Spares<Held> messages;
  };
  // A received message stays here while the Message, a pointer to it, is handed about. First the parcel: the parts show it.
  struct HeldParcel {
    Parcel parcel;
  };
  struct Held : HeldParcel, MessageParts {
    template <class... A>
    Held(const Shared<State>& its, A&&... makes_parcel)
        : HeldParcel{Parcel(std::forward<A>(makes_parcel)...)},
          MessageParts{parcel().envelope(), parcel().attempt(), parcel().bytes(), its->max_body_bytes},
          state(its),
          exceptions(state->unwinding.count()) {}
    Parcel& parcel() noexcept { return HeldParcel::parcel; }
    Shared<State> state;
    unsigned exceptions;
  };

  template <class... P>
  struct Selector {
    static constexpr bool by_address = ByAddress<R>, looks_inside = sizeof...(P) != 0;
    const State& state;
    std::tuple<P...> predicate;
    bool operator()(const Envelope& envelope) noexcept { return state.policy.accepts(envelope, state.id); }
    template <class Candidate>
    bool operator()(const Candidate& parcel) {
      if constexpr (looks_inside) {
        const MessageParts parts{parcel.envelope(), parcel.attempt(), parcel.bytes(), state.max_body_bytes};
        return std::get<0>(predicate)(MessageView(parts));
      } else {
        return true;
      }
    }
  };

  Channel(Endpoint endpoint, R policy) : state_(Shared<State>::make(std::move(endpoint), std::move(policy))) {
    state_->id = transport().id();
    if constexpr (requires { transport().max_body_bytes(); }) state_->max_body_bytes = transport().max_body_bytes();
  }

  TransportEndpoint& transport() const noexcept {
    if constexpr (Selective<T>) {
      return *state_->endpoint;
    } else {
      return state_->endpoint->transport();
    }
  }
  Result<> check() const noexcept {
    if (!state_) return Errc::stale;
    return state_->owner.check();
  }
  void leave() noexcept {
    if (!state_) return;
    if (state_->owner.is_me()) {
      state_->endpoint.reset();
    } else {
      state_.forget();  // not ours to touch: kept for ever, so that nothing of it runs here
    }
    state_ = {};
  }

  /// The parcel is made where the message keeps it, if the transport can deliver it there.
  template <class F, class... Deaths>
  Result<Message> take(F& selector, Deadline deadline, Deaths&... deaths_known) {
    state_->messages.prepare();  // before anything is taken: there may be no memory
    const auto deliver = [this](auto&&... makes_parcel) {
      return Result<Message>(std::in_place, state_, std::forward<decltype(makes_parcel)>(makes_parcel)...);
    };
    if constexpr (requires { state_->endpoint->deliver_if(selector, deadline, deliver, deaths_known...); }) {
      return state_->endpoint->deliver_if(selector, deadline, deliver, deaths_known...);
    } else {
      auto parcel = state_->endpoint->take_if(selector, deadline, deaths_known...);
      if (!parcel) return parcel.error();
      return deliver(std::move(*parcel));
    }
  }

  template <class... B>
  Result<> put(Deadline deadline, const Header& header, std::uint64_t in_reply_to, const B&... body) {
    if (auto mine = check(); !mine) return mine;
    if (state_->sending_ended) return Errc::closed;
    Envelope envelope{.request = header.request,
                      .recipient = header.recipient,
                      .sender = header.sender == ProcessId{} ? state_->id : header.sender,
                      .sequence = state_->sent + 1,
                      .in_reply_to = in_reply_to};
    Result<> sent;
    if constexpr (sizeof...(B) == 0) {
      sent = transport().put(envelope, {}, deadline);
    } else {
      sent = put_body(envelope, static_cast<const body_t<B>&>(body)..., deadline);
    }
    if (sent) ++state_->sent;
    return sent;
  }
  /// In one copy where it can be had: from where the body lies, or into memory that the transport lends.
  template <class B>
  Result<> put_body(Envelope& envelope, const B& body, Deadline deadline) {
    envelope.body_type = body_type_of<B>;
    if constexpr (requires { S::bytes_of(body); }) {
      const std::span<const std::byte> bytes = S::bytes_of(body);
      if (bytes.size() > state_->max_body_bytes) return Errc::too_large;
      envelope.body_bytes = static_cast<std::uint32_t>(bytes.size());
      return transport().put(envelope, bytes, deadline);
    } else {
      if constexpr (Lending<T>) {
        if (state_->last_body_bytes >= worth_lending) return put_lent(envelope, body, deadline);
      }
      Sink sink(state_->scratch, state_->max_body_bytes);
      if (auto written = S::encode(body, sink); !written) return written;
      state_->last_body_bytes = sink.size();
      envelope.body_bytes = static_cast<std::uint32_t>(sink.size());
      return transport().put(envelope, state_->scratch, deadline);
    }
  }
  /// What is about to be written is expected to be as large as the last one was; if it is larger, it is copied once more.
  template <class B>
  Result<> put_lent(Envelope& envelope, const B& body, Deadline deadline) {
    auto loan = transport().reserve(std::min(state_->last_body_bytes + state_->last_body_bytes / 8, state_->max_body_bytes), deadline);
    if (!loan) return loan.error();
    Sink sink(loan->memory(), state_->scratch, state_->max_body_bytes);
    if (auto written = S::encode(body, sink); !written) return written;
    state_->last_body_bytes = sink.size();
    envelope.body_bytes = static_cast<std::uint32_t>(sink.size());
    if (sink.is_in_lent()) return transport().publish(*std::move(loan), envelope, sink.size());
    loan = Errc::stale;  // given back before another is taken
    return transport().put(envelope, state_->scratch, deadline);
  }

  static constexpr std::size_t worth_lending = 256;  // below, a copy costs less than a second call
  Shared<State> state_;
};

/// The lease on one received message. Letting go of it means done; an exception that unwinds through it puts it back
/// with attempt + 1. One that was moved from shows an empty envelope, and is stale.
///
/// Safety:  belongs to its endpoint's thread, as the endpoint does; inert elsewhere.
template <Transport T, Serializer S, RoutingPolicy R>
  requires Combination<T, R>
class Channel<T, S, R>::Message : public mulproc::MessageView<S> {
 public:
  /// For Channel, which alone has a State.
  template <class... A>
  Message(const Shared<State>& state, A&&... makes_parcel) : MessageView(state->messages.make(state, std::forward<A>(makes_parcel)...)) {}
  Message(Message&& other) noexcept : MessageView(*std::exchange(other.parts_, &no_message)) {}
  Message& operator=(Message&& other) noexcept {
    Message taken(std::move(other));
    std::swap(this->parts_, taken.parts_);
    return *this;
  }
  ~Message() {
    if (is_held()) settle();
  }

  /// Finishes the lease now.
  /// Fails:   stale when it has ended already, or its endpoint has.
  Result<> done() {
    if (auto mine = check(); !mine) return mine;
    return held().parcel().done();
  }
  /// Returns the message to its place; the attempt does not change.
  /// Fails:   stale when it has ended already, or its endpoint has.
  Result<> give_back() {
    if (auto mine = check(); !mine) return mine;
    return held().parcel().give_back();
  }

 private:
  bool is_held() const noexcept { return this->parts_ != &no_message; }
  Held& held() const noexcept { return static_cast<Held&>(const_cast<MessageParts&>(*this->parts_)); }
  Result<> check() const noexcept {
    if (!is_held() || !held().state->endpoint) return Errc::stale;
    return held().state->owner.check();
  }
  void settle() noexcept {
    if (!held().state->owner.is_me()) return;  // not ours to settle, nor to free
    if (held().state->unwinding.count() > held().exceptions) [[unlikely]] {
      (void)fail();
    } else {
      (void)held().parcel().done();
    }
    const Shared<State> state = std::move(held().state);
    state->messages.end(held());
  }
  [[gnu::cold, gnu::noinline]] Result<> fail() {
    if constexpr (requires { held().parcel().fail(); }) {
      return held().parcel().fail();
    } else {
      return held().parcel().give_back();
    }
  }
};

/// The configuration of one channel: a value that survives fork. Endpoints are made after it, in the thread that uses them.
template <Transport T, Serializer S, RoutingPolicy R>
  requires Combination<T, R>
class Channel<T, S, R>::Link {
 public:
  using channel_type = Channel;
  using transport_link = decltype(T::open(std::declval<Options>()));

  Link(Link&&) noexcept = default;
  Link& operator=(Link&&) noexcept = default;
  ~Link() = default;

  /// Fails:   throws std::system_error; a second live parent endpoint is refused.
  Channel parent(R policy = R()) { return Channel(Endpoint(link_.parent()), std::move(policy)); }
  Channel child(R policy = R()) { return Channel(Endpoint(link_.child()), std::move(policy)); }

  /// This process takes no side, or no further one: what the link still holds open for one is let go.
  void release() {
    if constexpr (requires { link_.release(); }) link_.release();
  }
  /// For spawn: a child was forked and has its side.
  void spawned() {
    if constexpr (requires { link_.spawned(); }) link_.spawned();
  }

 private:
  friend class Channel;
  explicit Link(transport_link link) : link_(std::move(link)) {}
  transport_link link_;
};

}  // namespace mulproc
