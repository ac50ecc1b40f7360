#pragma once
/// Gives a transport whose endpoint is the sole receiver what a selective one has: an ordered stash in which refused
/// and returned messages keep their places. So a transport author writes take() and gets take_if().
#include <mulproc/refused.hpp>
#include <mulproc/shared.hpp>
#include <mulproc/transport.hpp>
#include <vector>

namespace mulproc {

template <TransportEndpoint E>
class Stash {
  struct Entry {
    typename E::Parcel parcel;
    std::uint64_t place;  // arrival order
    int failures;         // exceptions that unwound through it here
    bool is_shown = false;  // to a predicate, which may call as well: meanwhile it is elsewhere, and this keeps its place
    bool is_dead_letter = false;
    const Envelope& envelope() const noexcept { return parcel.envelope(); }
    int attempt() const noexcept { return parcel.attempt() + failures; }
    std::span<const std::byte> bytes() const noexcept { return parcel.bytes(); }
  };
  // Shared with the parcels, which may outlive the endpoint. Invariant: waiting and dead are sorted by place.
  struct State {
    std::vector<Entry> waiting;
    std::vector<Entry> dead;
    std::size_t dropped = 0, dead_letter_limit = 64;
    std::uint64_t next_place = 0;
    bool attached = true;
    /// The first at this place or behind it.
    auto at(std::uint64_t place) { return at(place, waiting); }
    static auto at(std::uint64_t place, std::vector<Entry>& among) {
      return first_not(among, [=](const Entry& entry) { return entry.place < place; });
    }
    void put_back(Entry&& entry) {
      if (entry.is_dead_letter) return bury(std::move(entry));
      waiting.insert(at(entry.place), std::move(entry));
    }
    void bury(Entry&& letter) {
      letter.is_dead_letter = true;
      dead.insert(at(letter.place, dead), std::move(letter));
      if (dead.size() <= dead_letter_limit) return;
      dead.erase(dead.begin());
      ++dropped;
    }
    void is_back(Entry&& shown) { *at(shown.place) = std::move(shown); }
  };

 public:
  class Parcel {
   public:
    Parcel(const Shared<State>& state, Entry&& entry) : state_(state), entry_(std::move(entry)) {}
    Parcel(const Shared<State>& state, typename E::Parcel&& fresh, std::uint64_t place) : state_(state), entry_{std::move(fresh), place, 0} {}
    const Envelope& envelope() const noexcept { return entry_.envelope(); }
    int attempt() const noexcept { return entry_.attempt(); }
    std::span<const std::byte> bytes() const noexcept { return entry_.bytes(); }
    Result<> done() { return settled() ? Result<>(Errc::stale) : entry_.parcel.done(); }
    Result<> give_back() {
      if (settled()) return Errc::stale;
      state_->put_back(std::move(entry_));
      return {};
    }
    Result<> fail() {
      if (attempt() < max_attempts) {
        ++entry_.failures;
        return give_back();
      }
      if (settled()) return Errc::stale;
      state_->bury(std::move(entry_));
      return {};
    }

   private:
    bool settled() { return !state_->attached || std::exchange(settled_, true); }
    Shared<State> state_;
    Entry entry_;
    bool settled_ = false;
  };

  explicit Stash(E endpoint) : endpoint_(std::move(endpoint)), state_(Shared<State>::make()) {}
  Stash(Stash&&) noexcept = default;
  Stash& operator=(Stash&&) noexcept = default;
  ~Stash() {
    if (state_) state_->attached = false;
  }

  E& transport() noexcept { return endpoint_; }
  const E& transport() const noexcept { return endpoint_; }

  /// The oldest that the selector accepts. What it refuses, or throws over, stays where it is.
  template <class F>
  Result<Parcel> take_if(F& selector, Deadline deadline) {
    return deliver_if(selector, deadline, [](auto&&... makes_parcel) { return Result<Parcel>(std::in_place, std::forward<decltype(makes_parcel)>(makes_parcel)...); });
  }
  /// The same, for who keeps the parcel elsewhere: deliver(...) is given what it is made from, and says what is returned.
  template <class F, class D>
  auto deliver_if(F& selector, Deadline deadline, D deliver) -> decltype(deliver(std::declval<const Shared<State>&>(), std::declval<Entry>())) {
    LastLook last_look;
    for (std::uint64_t next = 0;;) {
      const auto at = state_->at(next);
      if (at != state_->waiting.end()) {
        next = at->place + 1;
        if (at->is_shown || !selector(at->envelope())) continue;
        Entry entry = std::move(*at);
        at->is_shown = true;
        bool wanted = false;
        try {
          wanted = selector(std::as_const(entry));
        } catch (...) {
          state_->is_back(std::move(entry));
          throw;
        }
        if (wanted) {
          state_->waiting.erase(state_->at(entry.place));
          return deliver(state_, std::move(entry));
        }
        state_->is_back(std::move(entry));
        continue;
      }
      auto taken = endpoint_.take(deadline);
      if (!taken) return taken.error();
      const std::uint64_t place = state_->next_place++;
      next = place + 1;
      bool wanted = false;
      try {
        wanted = selector(taken->envelope()) && selector(std::as_const(*taken));
      } catch (...) {
        state_->put_back({std::move(*taken), place, 0});
        throw;
      }
      if (wanted) return deliver(state_, std::move(*taken), place);
      state_->put_back({std::move(*taken), place, 0});
      if (last_look.is_over(deadline, [] { return most_on_its_way; })) return Errc::not_ready;
    }
  }

  template <class F>
  bool empty_for(F& selector) {
    while (true) {  // what the transport has ready is looked at in the stash
      auto taken = endpoint_.take(Deadline::now());
      if (!taken) break;
      state_->waiting.push_back({*std::move(taken), state_->next_place++, 0});
    }
    for (const Entry& entry : state_->waiting) {
      if (!entry.is_shown && selector(entry.envelope())) return false;
    }
    return true;
  }

  Result<Parcel> take_dead_letter() {
    if (state_->dead.empty()) return Errc::not_ready;
    Parcel oldest(state_, std::move(state_->dead.front()));
    state_->dead.erase(state_->dead.begin());
    return oldest;
  }
  std::size_t dead_letters_dropped() const noexcept { return state_->dropped; }

 private:
  static constexpr std::size_t most_on_its_way = 1 << 16;  // more messages than a transport holds, whatever it is

  E endpoint_;
  Shared<State> state_;
};

}  // namespace mulproc
