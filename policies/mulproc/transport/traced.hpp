#pragma once
// What:    any transport, with each thing its endpoints do written to a TraceFile; mulproc-trace draws it.
// Choose:  to see in which order things happen, who waits for whom, and where a message is.
// Not:     where it is to be fast: an event costs a clock, and a call that waits asks the transport once more before.
// Death:   as over the transport itself; the dead man's last event is in the file, or wholly not.
#include <mulproc/owner.hpp>
#include <mulproc/transport/trace_file.hpp>
#include <utility>

namespace mulproc::transport {

/// Writes one endpoint's events.
struct TraceWriter {
  std::shared_ptr<const TraceMap> map;  // none: nothing is recorded
  ProcessId process;
  std::uint32_t link = 0;
  TraceEvent::Side side{};

  void write(TraceKind kind, const Envelope& envelope = {}, int attempt = 0, std::uint64_t detail = 0) const noexcept {
    if (!map) return;
    map->write({.kind = kind, .side = side, .attempt = static_cast<std::uint16_t>(attempt), .process = process, .link = link, .detail = detail, .envelope = envelope});
  }
};

/// A lease that tells how it ended.
template <class P>
class traced_parcel {
 public:
  traced_parcel(P parcel, TraceWriter writer) : parcel_(std::move(parcel)), writer_(std::move(writer)) {}
  const Envelope& envelope() const noexcept { return parcel_.envelope(); }
  int attempt() const noexcept { return parcel_.attempt(); }
  std::span<const std::byte> bytes() const noexcept { return parcel_.bytes(); }
  Result<> done() {
    return settle(TraceKind::done, [this] { return parcel_.done(); });
  }
  Result<> give_back() {
    return settle(TraceKind::given_back, [this] { return parcel_.give_back(); });
  }
  Result<> fail()
    requires requires(P& parcel) { parcel.fail(); }
  {
    return settle(TraceKind::failed, [this] { return parcel_.fail(); });
  }

 private:
  template <class F>
  Result<> settle(TraceKind kind, F settling) {
    if (std::exchange(settled_, true)) return settling();  // its slot holds another's by now
    const Envelope its = parcel_.envelope();  // which may be another's once the lease has ended
    const int its_attempt = parcel_.attempt();
    auto settled = settling();
    if (settled) writer_.write(kind, its, its_attempt);
    return settled;
  }
  P parcel_;
  TraceWriter writer_;
  bool settled_ = false;
};

/// An endpoint that tells what it does. What E can do it can, and no more.
template <class E>
class traced_endpoint {
 public:
  using Parcel = traced_parcel<typename E::Parcel>;

  traced_endpoint(E endpoint, TraceWriter writer) : endpoint_(std::move(endpoint)), writer_(std::move(writer)) {
    writer_.process = endpoint_.id();
    writer_.write(TraceKind::attached);
  }
  traced_endpoint(traced_endpoint&&) noexcept = default;
  traced_endpoint& operator=(traced_endpoint&& other) noexcept {
    std::swap(endpoint_, other.endpoint_), std::swap(writer_, other.writer_), std::swap(owner_, other.owner_);
    return *this;
  }
  ~traced_endpoint() {
    if (owner_.is_me()) writer_.write(TraceKind::left);
  }

  Result<> put(const Envelope& envelope, std::span<const std::byte> body, Deadline deadline) {
    return sent(with_length(envelope, body.size()), [&] { return endpoint_.put(envelope, body, deadline); });
  }
  auto reserve(std::size_t bytes, Deadline deadline)
    requires requires(E& e) { e.reserve(bytes, deadline); }
  {
    return endpoint_.reserve(bytes, deadline);
  }
  template <class Loan>
  Result<> publish(Loan loan, const Envelope& envelope, std::size_t used)
    requires requires(E& e) { e.publish(std::move(loan), envelope, used); }
  {
    return sent(with_length(envelope, used), [&] { return endpoint_.publish(std::move(loan), envelope, used); });
  }

  Result<Parcel> take(Deadline deadline) {
    return taken([&](Deadline until) { return endpoint_.take(until); }, deadline);
  }
  template <class F>
  Result<Parcel> take_if(F& selector, Deadline deadline)
    requires requires(E& e) { e.take_if(selector, deadline); }
  {
    Watched<F> watched{selector, writer_};
    return taken<F::looks_inside>([&](Deadline until) { return endpoint_.take_if(watched, until); }, deadline);
  }
  template <class F>
  Result<Parcel> take_if(F& selector, Deadline deadline, std::uint32_t& deaths_known)
    requires requires(E& e) { e.take_if(selector, deadline, deaths_known); }
  {
    Watched<F> watched{selector, writer_};
    const auto before = deaths_known;
    auto parcel = taken<F::looks_inside>([&](Deadline until) { return endpoint_.take_if(watched, until, deaths_known); }, deadline,
                                         [&] { return before != deaths_known; });
    if (before != deaths_known && writer_.map) writer_.map->write({.kind = TraceKind::death, .link = writer_.link});
    return parcel;
  }
  bool empty() const { return endpoint_.empty(); }
  template <class F>
  bool empty_for(F& selector) const
    requires requires(const E& e) { e.empty_for(selector); }
  {
    return endpoint_.empty_for(selector);
  }
  Result<Parcel> take_dead_letter()
    requires requires(E& e) { e.take_dead_letter(); }
  {
    auto letter = endpoint_.take_dead_letter();
    if (!letter) return letter.error();
    writer_.write(TraceKind::dead_letter, letter->envelope(), letter->attempt());
    return Result<Parcel>(std::in_place, *std::move(letter), writer_);
  }
  std::size_t dead_letters_dropped() const
    requires requires(const E& e) { e.dead_letters_dropped(); }
  {
    return endpoint_.dead_letters_dropped();
  }
  std::size_t unfinished() const
    requires requires(const E& e) { e.unfinished(); }
  {
    return endpoint_.unfinished();
  }
  Result<> join(Deadline deadline)
    requires requires(E& e) { e.join(deadline); }
  {
    return parked([&](Deadline until) { return endpoint_.join(until); }, deadline);
  }
  Result<> close()
    requires requires(E& e) { e.close(); }
  {
    return endpoint_.close();
  }
  ProcessId id() const noexcept { return endpoint_.id(); }
  ProcessId parent_id() const
    requires requires(const E& e) { e.parent_id(); }
  {
    return endpoint_.parent_id();
  }
  int native_handle() const
    requires requires(const E& e) { e.native_handle(); }
  {
    return endpoint_.native_handle();
  }
  std::size_t max_body_bytes() const noexcept
    requires requires(const E& e) { e.max_body_bytes(); }
  {
    return endpoint_.max_body_bytes();
  }

 private:
  /// A selector that tells what its predicate refuses. Of envelopes that are not for this endpoint there is nothing to tell.
  template <class F>
  struct Watched {
    static constexpr bool by_address = F::by_address, looks_inside = F::looks_inside;
    F& selector;
    const TraceWriter& writer;
    bool operator()(const Envelope& envelope) noexcept(noexcept(selector(envelope))) { return selector(envelope); }
    template <class P>
    bool operator()(const P& parcel) {
      const bool wanted = selector(parcel);
      if (looks_inside && !wanted) writer.write(TraceKind::refused, parcel.envelope(), parcel.attempt());
      return wanted;
    }
  };

  static Envelope with_length(Envelope envelope, std::size_t bytes) noexcept {
    envelope.body_bytes = static_cast<std::uint32_t>(bytes);
    return envelope;
  }
  template <class F>
  Result<> sent(const Envelope& envelope, F send) {
    writer_.write(TraceKind::send, envelope);
    auto result = send();
    if (result) {
      writer_.write(TraceKind::published, envelope);
    } else {
      writer_.write(TraceKind::not_sent, envelope, 0, static_cast<std::uint64_t>(result.error().value()));
    }
    return result;
  }
  static bool never() noexcept { return false; }
  template <bool LooksInside = false, class F, class Told = bool (*)()>
  Result<Parcel> taken(F take, Deadline deadline, Told told = never) {
    auto parcel = parked<LooksInside>(take, deadline, told);
    if (!parcel) return parcel.error();
    writer_.write(parcel->attempt() > 1 ? TraceKind::redelivery : TraceKind::received, parcel->envelope(), parcel->attempt());
    return Result<Parcel>(std::in_place, *std::move(parcel), writer_);
  }
  /// Whether a call has to wait is seen from outside by a call that may not. A predicate is not asked twice: a call with
  /// one counts as waiting from its beginning.
  template <bool LooksInside = false, class F, class Told = bool (*)()>
  auto parked(F call, Deadline deadline, Told told = never) {
    if (!writer_.map || deadline.expired()) return call(deadline);
    if constexpr (!LooksInside) {
      auto at_once = call(Deadline::now());
      if (at_once || at_once.error() != Errc::not_ready || told()) return at_once;
    }
    writer_.write(TraceKind::park);
    const auto before = TraceMap::now();
    auto result = call(deadline);
    writer_.write(TraceKind::wake, {}, 0, TraceMap::now() - before);
    return result;
  }

  E endpoint_;
  TraceWriter writer_;
  Owner owner_;
};

template <class L>
class traced_link {
 public:
  using Endpoint = traced_endpoint<decltype(std::declval<L&>().parent())>;
  /// Recorded where a TraceFile is now.
  explicit traced_link(L link) : link_(std::move(link)), writer_{.map = TraceFile::current(), .process = {}} {
    if (writer_.map) writer_.link = std::atomic_ref(writer_.map->head().links).fetch_add(1, std::memory_order_relaxed) + 1;
  }
  Endpoint parent() { return Endpoint(link_.parent(), of(TraceEvent::parent)); }
  Endpoint child() { return Endpoint(link_.child(), of(TraceEvent::child)); }
  void release()
    requires requires(L& link) { link.release(); }
  {
    link_.release();
  }
  void spawned()
    requires requires(L& link) { link.spawned(); }
  {
    link_.spawned();
  }

 private:
  TraceWriter of(TraceEvent::Side side) const {
    TraceWriter its = writer_;
    its.side = side;
    return its;
  }
  L link_;
  TraceWriter writer_;
};

/// T, recorded. It has T's name, promises, options and capabilities: another word in the channel's type is all that changes.
template <Transport T>
struct traced {
  static constexpr std::string_view name = T::name;
  static constexpr Promises promises = T::promises;
  using Options = typename T::Options;
  using Endpoint = traced_endpoint<typename T::Endpoint>;
  using Link = traced_link<decltype(T::open(std::declval<Options>()))>;

  static Link open(Options options) { return Link(T::open(std::move(options))); }
  static Link attach(std::string_view its_name)
    requires NamedTransport<T>
  {
    return Link(T::attach(its_name));
  }
};

}  // namespace mulproc::transport
