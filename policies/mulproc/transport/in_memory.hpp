#pragma once
// What:    one queue inside one process, between threads or within one; endpoints are numbered 1, 2, ...
// Choose:  unit tests of what runs over a channel, and as the oracle other transports are compared with.
// Not:     between processes: nothing here leaves this one.
// Death:   everybody dies together.
#include <algorithm>
#include <condition_variable>
#include <limits>
#include <memory>
#include <mulproc/refused.hpp>
#include <mulproc/transport.hpp>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace mulproc::transport {

struct in_memory {
  static constexpr std::string_view name = "in_memory";
  static constexpr Promises promises{.between_processes = false};

  struct Options {
    std::size_t capacity = 64;             ///< messages in flight, queued or held, per side
    std::size_t max_body_bytes = 1 << 20;  ///< of one message
  };

 private:
  enum Side : std::size_t { parents, children };
  static constexpr pid_t nobody = 0;

  struct Item {
    Envelope envelope;
    std::vector<std::byte> body;
    std::uint64_t ticket;
    Side side;
    int attempt = 1;
    pid_t holder = nobody;
    bool is_dead_letter = false;
  };
  using ItemPtr = std::shared_ptr<Item>;  // a parcel may outlive its endpoint, and then its item

  struct Participant {
    pid_t id;
    Side side;
    bool sending_ended = false;
  };

  /// What all endpoints of a link share. Invariant: items is sorted by ticket; held ones stay in it.
  struct Queue {
    explicit Queue(const Options& chosen) : options(chosen) {}

    const Options options;
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<ItemPtr> items;
    std::vector<Participant> attached;
    bool ever[2] = {false, false};
    std::size_t dropped = 0;
    std::uint64_t next_ticket = 1;
    pid_t next_id = 1, last_parent = nobody;

    std::size_t live(Side side) const {
      return static_cast<std::size_t>(std::count_if(items.begin(), items.end(), [=](const ItemPtr& i) { return i->side == side && !i->is_dead_letter; }));
    }
    bool has(std::uint64_t ticket) const {
      const auto at = std::lower_bound(items.begin(), items.end(), ticket, [](const ItemPtr& item, std::uint64_t wanted) { return item->ticket < wanted; });
      return at != items.end() && (*at)->ticket == ticket;
    }
    bool is_attached(pid_t id) const { return std::any_of(attached.begin(), attached.end(), [=](const Participant& p) { return p.id == id; }); }
    /// Ids are never given twice, so one that was and is not attached will not come.
    bool may_be_reached(ProcessId who) const { return who == anyone || who.pid >= next_id || is_attached(who.pid); }
    bool other_side_gone(Side mine) const {
      const Side other = mine == parents ? children : parents;
      return ever[other] && std::none_of(attached.begin(), attached.end(), [=](const Participant& p) { return p.side == other && !p.sending_ended; });
    }
    bool somebody_else(pid_t me) const { return std::any_of(attached.begin(), attached.end(), [=](const Participant& p) { return p.id != me; }); }

    void bury(Item& letter) {
      letter.holder = nobody;
      letter.is_dead_letter = true;
    }
    /// A side keeps `capacity` dead letters, those that are held among them; the oldest beyond that which nobody holds are dropped and counted.
    void drop_too_many_dead() {
      for (const Side side : {parents, children}) {
        const auto is_dead = [=](const ItemPtr& i) { return i->is_dead_letter && i->side == side; };
        while (static_cast<std::size_t>(std::count_if(items.begin(), items.end(), is_dead)) > options.capacity) {
          const auto oldest = std::find_if(items.begin(), items.end(), [=](const ItemPtr& i) { return is_dead(i) && i->holder == nobody; });
          if (oldest == items.end()) break;
          items.erase(oldest);
          ++dropped;
        }
      }
    }
    /// Who it is addressed to may have left while it was held.
    void let_go(Item& item) {
      item.holder = nobody;
      if (!item.is_dead_letter && !may_be_reached(item.envelope.recipient)) bury(item);
      if (item.is_dead_letter) drop_too_many_dead();
    }
    void bury_mail_of_the_gone() {
      for (const ItemPtr& item : items) {
        if (!item->is_dead_letter && item->holder == nobody && !may_be_reached(item->envelope.recipient)) bury(*item);
      }
      drop_too_many_dead();
    }
    /// Says false when the deadline came.
    bool wait(std::unique_lock<std::mutex>& lock, Deadline deadline) {
      if (deadline.expired()) return false;
      if (deadline.is_never()) {
        changed.wait(lock);
      } else {
        changed.wait_until(lock, deadline.at);
      }
      return true;
    }
  };

 public:
  class Parcel {
   public:
    Parcel(std::shared_ptr<Queue> queue, ItemPtr item) : queue_(std::move(queue)), item_(std::move(item)), holder_(item_->holder), attempt_(item_->attempt) {}
    const Envelope& envelope() const noexcept { return item_->envelope; }
    int attempt() const noexcept { return attempt_; }
    std::span<const std::byte> bytes() const noexcept { return item_->body; }
    Result<> done() {
      return settle([this] { std::erase(queue_->items, item_); });
    }
    Result<> give_back() {
      return settle([this] { queue_->let_go(*item_); });
    }
    Result<> fail() {
      return settle([this] {
        if (item_->attempt < max_attempts) {
          ++item_->attempt;
        } else {
          queue_->bury(*item_);
        }
        queue_->let_go(*item_);
      });
    }

   private:
    template <class F>
    Result<> settle(F change) {
      const std::lock_guard lock(queue_->mutex);
      // An endpoint that is gone has given back what it held; somebody else may hold it or have finished it since.
      if (std::exchange(settled_, true) || !queue_->is_attached(holder_)) return Errc::stale;
      change();
      queue_->changed.notify_all();
      return {};
    }
    std::shared_ptr<Queue> queue_;
    ItemPtr item_;
    pid_t holder_;
    int attempt_;
    bool settled_ = false;
  };

  class Endpoint {
   public:
    using Parcel = in_memory::Parcel;
    Endpoint(std::shared_ptr<Queue> queue, Side side) : queue_(std::move(queue)), side_(side) {
      const std::lock_guard lock(queue_->mutex);
      const auto is_parent = [](const Participant& p) { return p.side == parents; };
      if (side == parents && std::any_of(queue_->attached.begin(), queue_->attached.end(), is_parent))
        throw std::system_error(std::make_error_code(std::errc::device_or_resource_busy), "this channel has a live parent endpoint; only one at a time");
      id_ = queue_->next_id++;
      if (side == parents) queue_->last_parent = id_;
      queue_->attached.push_back({id_, side});
      queue_->ever[side] = true;
      queue_->changed.notify_all();
    }
    Endpoint(Endpoint&&) noexcept = default;
    Endpoint& operator=(Endpoint&&) noexcept = default;
    ~Endpoint() {
      if (!queue_) return;
      const std::lock_guard lock(queue_->mutex);
      for (const ItemPtr& item : queue_->items) {
        if (item->holder == id_) item->holder = nobody;
      }
      std::erase_if(queue_->attached, [this](const Participant& p) { return p.id == id_; });
      queue_->bury_mail_of_the_gone();
      queue_->changed.notify_all();
    }

    Result<> put(const Envelope& envelope, std::span<const std::byte> body, Deadline deadline) {
      if (body.size() > queue_->options.max_body_bytes) return Errc::too_large;
      std::unique_lock lock(queue_->mutex);
      while (true) {
        if (!queue_->may_be_reached(envelope.recipient)) return Errc::recipient_gone;
        if (queue_->live(side_) < queue_->options.capacity) break;
        if (!queue_->somebody_else(id_) && queue_->ever[side_ == parents ? children : parents]) return Errc::closed;
        if (!queue_->wait(lock, deadline)) return Errc::not_ready;
      }
      queue_->items.push_back(std::make_shared<Item>(Item{envelope, {body.begin(), body.end()}, queue_->next_ticket++, side_}));
      queue_->changed.notify_all();
      return {};
    }
    Result<Parcel> take(Deadline deadline) {
      SelectAll all;
      return take_if(all, deadline);
    }
    template <class F>
    Result<Parcel> take_if(F& selector, Deadline deadline) {
      Refused<std::pair<std::uint64_t, int>> refused;  // (ticket, attempt)
      LastLook last_look;
      std::unique_lock lock(queue_->mutex);
      while (true) {
        const auto at = std::find_if(queue_->items.begin(), queue_->items.end(), [&](const ItemPtr& item) {
          return item->holder == nobody && !item->is_dead_letter && selector(item->envelope) && !refused.has({item->ticket, item->attempt});
        });
        if (at != queue_->items.end()) {
          (*at)->holder = id_;
          Parcel parcel(queue_, *at);
          if constexpr (!F::looks_inside) {
            return parcel;
          } else {
            const std::pair seen{(*at)->ticket, (*at)->attempt};
            lock.unlock();
            bool wanted = false;
            try {
              wanted = selector(std::as_const(parcel));
              if (!wanted) refused.add(seen);
            } catch (...) {
              (void)parcel.give_back();
              throw;
            }
            if (wanted) return parcel;
            (void)parcel.give_back();
            lock.lock();
            if (refused.have_doubled()) refused.forget_if([this](const auto& each) { return !queue_->has(each.first); });
            if (last_look.is_over(deadline, [this] { return queue_->items.size(); })) return Errc::not_ready;
            continue;
          }
        }
        if (queue_->other_side_gone(side_) && !held_by_another(selector)) return Errc::closed;
        if (!queue_->wait(lock, deadline)) return Errc::not_ready;
      }
    }
    bool empty() const {
      SelectAll all;
      return empty_for(all);
    }
    template <class F>
    bool empty_for(F& selector) const {
      const std::lock_guard lock(queue_->mutex);
      return std::none_of(queue_->items.begin(), queue_->items.end(),
                          [&](const ItemPtr& item) { return item->holder == nobody && !item->is_dead_letter && selector(item->envelope); });
    }
    Result<Parcel> take_dead_letter() {
      const std::lock_guard lock(queue_->mutex);
      const auto at = std::find_if(queue_->items.begin(), queue_->items.end(), [](const ItemPtr& item) { return item->is_dead_letter && item->holder == nobody; });
      if (at == queue_->items.end()) return Errc::not_ready;
      (*at)->holder = id_;
      return Parcel(queue_, *at);
    }
    std::size_t dead_letters_dropped() const {
      const std::lock_guard lock(queue_->mutex);
      return queue_->dropped;
    }
    std::size_t unfinished() const {
      const std::lock_guard lock(queue_->mutex);
      return queue_->live(parents) + queue_->live(children);
    }
    Result<> join(Deadline deadline) {
      std::unique_lock lock(queue_->mutex);
      while (queue_->live(parents) + queue_->live(children) != 0) {
        const bool others = queue_->somebody_else(id_);
        const bool may_still_come = !queue_->ever[side_ == parents ? children : parents];
        const auto could_be_finished = [&](const ItemPtr& item) {
          if (item->is_dead_letter || item->holder == id_) return false;
          if (item->holder != nobody) return true;
          const ProcessId recipient = item->envelope.recipient;
          return recipient == anyone ? others || may_still_come : recipient != id() && queue_->may_be_reached(recipient);
        };
        if (std::none_of(queue_->items.begin(), queue_->items.end(), could_be_finished)) return Errc::abandoned;
        if (!queue_->wait(lock, deadline)) return Errc::not_ready;
      }
      return {};
    }
    Result<> close() {
      const std::lock_guard lock(queue_->mutex);
      for (Participant& participant : queue_->attached) participant.sending_ended = participant.sending_ended || participant.id == id_;
      queue_->changed.notify_all();
      return {};
    }
    ProcessId id() const noexcept { return id_; }
    ProcessId parent_id() const {
      const std::lock_guard lock(queue_->mutex);
      return queue_->last_parent;
    }
    std::size_t max_body_bytes() const noexcept { return queue_->options.max_body_bytes; }

   private:
    template <class F>
    bool held_by_another(F& selector) const {
      return std::any_of(queue_->items.begin(), queue_->items.end(), [&](const ItemPtr& item) {
        return !item->is_dead_letter && item->holder != nobody && item->holder != id_ && selector(item->envelope);
      });
    }
    std::shared_ptr<Queue> queue_;
    Side side_;
    pid_t id_ = nobody;
  };

  class Link {
   public:
    explicit Link(const Options& options) : queue_(std::make_shared<Queue>(options)) {}
    Endpoint parent() { return Endpoint(queue_, parents); }
    Endpoint child() { return Endpoint(queue_, children); }

   private:
    std::shared_ptr<Queue> queue_;
  };

  static Link open(Options options) {
    if (options.capacity == 0) throw std::invalid_argument("in_memory: capacity must be at least 1");
    if (options.max_body_bytes == 0 || options.max_body_bytes > std::numeric_limits<std::uint32_t>::max())
      throw std::invalid_argument("in_memory: max_body_bytes must be 1 to 4294967295, not " + std::to_string(options.max_body_bytes));
    return Link(options);
  }
};

}  // namespace mulproc::transport
