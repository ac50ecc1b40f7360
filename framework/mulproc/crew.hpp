#pragma once
/// N children over one link, and the poison pill done right.
#include <functional>
#include <mulproc/end_watch.hpp>
#include <mulproc/process.hpp>
#include <optional>
#include <stdexcept>
#include <vector>

namespace mulproc {

/// A crew of child processes that all run the same function.
///
/// Safety:  belongs to the thread that made it; inert in a forked process. The link must outlive it while restarts are left.
class Crew {
 public:
  struct Options {
    std::size_t size = 1;
    std::size_t restarts = 0;  ///< how many unexpected deaths are made good, in all
  };
  struct Death {
    ProcessId who;
    ExitStatus status;
    bool replaced;
  };

  /// What nothing tells of is found out by looking so often. Tests make it an hour, to see what is told of.
  static inline std::chrono::milliseconds look_in_any_case{100};

  /// Blocks:  until every child is attached or dead.
  /// Fails:   throws std::invalid_argument for size 0, or more than one child over a 1:1 transport; std::system_error.
  template <class Link, class F>
    requires ChildFunction<F, typename Link::channel_type&>
  Crew(Link& link, Options options, F f) : restarts_left_(options.restarts) {
    static_assert(Link::channel_type::promises.between_processes, "a crew needs a transport that goes between processes");
    if (options.size == 0) throw std::invalid_argument("Crew: size must be at least 1");
    if (options.size > 1 && !Link::channel_type::promises.many_to_many)
      throw std::invalid_argument("Crew: this transport joins one parent and one child; use size 1, or shm_deque or message_queue");
    start_ = [&link, f = std::move(f)]() mutable { return Spawner::start(link, f); };
    std::vector<Spawner::Starting> starting;
    starting.reserve(options.size);
    for (std::size_t i = 0; i < options.size; ++i) starting.push_back(start_());
    for (auto& child : starting) {
      members_.push_back({std::move(child).ready()});
      ends_.add(members_.back().child);
    }
  }

  std::size_t size() const noexcept { return members_.size(); }
  Child& operator[](std::size_t i) { return members_[i].child; }

  /// Iterates over the children, dead ones included.
  class Iterator {
   public:
    using difference_type = std::ptrdiff_t;
    using value_type = Child;
    Iterator() = default;
    Iterator(Crew* crew, std::size_t at) : crew_(crew), at_(at) {}
    Child& operator*() const { return (*crew_)[at_]; }
    Child* operator->() const { return &(*crew_)[at_]; }
    Iterator& operator++() { return ++at_, *this; }
    Iterator operator++(int) { return {crew_, at_++}; }
    bool operator==(const Iterator&) const = default;

   private:
    Crew* crew_ = nullptr;
    std::size_t at_ = 0;
  };
  Iterator begin() { return {this, 0}; }
  Iterator end() { return {this, members_.size()}; }

  /// Who died of what: an end with a signal or a code other than 0, outside dismiss().
  std::vector<Death> deaths() const { return deaths_; }

  /// Reaps the dead and replaces them while restarts are left; never waits for a death.
  /// Returns how many children were replaced by this call.
  ///
  /// Fails:   throws std::system_error when no replacement can be started now; the next call tries again.
  std::size_t tend() {
    std::size_t replaced = 0;
    if (!ends_.wait(Deadline::now())) return replaced;
    for (Member& member : members_) {
      if (member.mourned || member.child.alive()) continue;
      const auto id = member.child.id();
      const auto status = member.child.wait_for(std::chrono::seconds(0));
      if (!status) continue;
      // First, and written down afterwards: whom it fails for is still due to be replaced.
      auto successor = !status->ok() && restarts_left_ > 0 ? start_successor() : std::nullopt;
      if (!status->ok()) deaths_.push_back({id, *status, successor.has_value()});
      ends_.remove(member.child);
      if (successor) {
        --restarts_left_;
        member.child = *std::move(successor);
        ++replaced;
      } else {
        member.mourned = true;
      }
    }
    return replaced;
  }

  /// Receives at the parent's endpoint and tends meanwhile; the dead are replaced before `closed` would be reported.
  ///
  /// Blocks:  until a message arrives or all are gone.
  /// Fails:   also as tend().
  /// Cost:    while messages flow, a look for deaths at most once a millisecond. Asleep, a death wakes it: over a Pollable
  ///          transport through the pidfds, over shared memory through the life locks; each 100 ms it looks in any case.
  template <class C, class... P>
  Result<typename C::Message> receive(C& parent, P... predicate) {
    if (next_look_.expired()) {
      tend();
      next_look_ = Deadline::after(look_while_messages_flow);
    }
    while (true) {
      auto message = receive_or_end(parent, Deadline::after(look_in_any_case), predicate...);
      if (message || (message.error() != Errc::not_ready && message.error() != Errc::closed)) return message;
      // closed: whoever has left but not ended yet may still be replaced. Asked before the look at the dead, so that
      // nobody ends unseen between the two.
      const bool somebody_lived = somebody_lives();
      if (tend() != 0 || message.error() == Errc::not_ready) continue;
      if (restarts_left_ == 0 || !somebody_lived) return message;
      ends_.wait(Deadline::after(look_in_any_case));
    }
  }

  /// Sends one DIE to each living child, takes messages meanwhile, waits; after `patience` SIGTERM, a second later SIGKILL.
  /// Returns the exit status of every child, in order; of none in a forked process that did not make the crew.
  template <class C, class R, class P>
  std::vector<ExitStatus> dismiss(C& parent, std::chrono::duration<R, P> patience) {
    return dismiss(parent, patience, [](typename C::Message) {});
  }
  /// The same; messages that arrive meanwhile are given to `on_message`, so that children blocked on results get rid of them.
  template <class C, class R, class P, class H>
  std::vector<ExitStatus> dismiss(C& parent, std::chrono::duration<R, P> patience, H on_message) {
    if (!owner_.in_this_process()) return {};  // not this process' children: they would be waited for in vain
    const auto take_one = [&] {
      auto message = parent.try_receive();
      if (message) on_message(*std::move(message));
      return bool(message);
    };
    auto deadline = Deadline::after(patience);
    tend_without_restarts();
    std::vector<bool> told(members_.size(), false);
    int next_signal = SIGTERM;
    while (true) {
      bool all_ended = true;
      for (std::size_t i = 0; i < members_.size(); ++i) {
        if (!members_[i].child.alive()) continue;
        all_ended = false;
        if (told[i]) continue;
        const auto sent = parent.try_send({.request = request::DIE, .recipient = members_[i].child.id()});
        told[i] = sent || sent.error() != Errc::not_ready;  // no room yet: their messages are taken below, then again
      }
      if (all_ended) break;
      for (const auto end = deadline.within(slice); !end.expired() && take_one();) {
      }
      if (deadline.expired()) {
        for (Member& member : members_) member.child.kill(next_signal);
        next_signal = SIGKILL;
        deadline = Deadline::after(std::chrono::seconds(1));
      }
      if (auto message = receive_or_end(parent, deadline.within(slice))) {
        on_message(*std::move(message));
      } else if (message.error() != Errc::not_ready) {
        ends_.wait(deadline.within(slice));  // nothing comes any more: who has let go of the channel is about to end
      }
      tend();
    }
    // What the dead have left. Bounded, for somebody else may send without end; the rest can be received afterwards.
    for (int taken = 0; taken < most_left_by_the_dead && take_one(); ++taken) {
    }
    std::vector<ExitStatus> statuses;
    for (Member& member : members_) {
      statuses.push_back(member.child.wait());
      member.mourned = true;
    }
    return statuses;
  }

 private:
  static constexpr std::chrono::milliseconds look_while_messages_flow{1};
  static constexpr std::chrono::milliseconds slice{5};  // of a wait that nothing but time ends when a child does
  static constexpr int most_left_by_the_dead = 1 << 16;

  struct Member {
    Child child;
    bool mourned = false;  // its end has been seen and written down
  };

  /// A message; or not_ready at the deadline, or sooner when a child has ended or seems to.
  template <class C, class... P>
  Result<typename C::Message> receive_or_end(C& parent, Deadline deadline, P&... predicate) {
    if constexpr (requires { parent.native_handle(); }) {
      auto message = parent.try_receive(predicate...);  // first: messages read ahead do not make the handle readable
      if (message || message.error() != Errc::not_ready) return message;
      pollfd either[] = {{parent.native_handle(), POLLIN, 0}, {ends_.native_handle(), POLLIN, 0}};
      ::poll(either, 2, deadline.poll_milliseconds());
      return Errc::not_ready;
    } else if constexpr (requires { parent.receive_or_death(deadline, deaths_known_, predicate...); }) {
      // The kernel drops a dying process' locks before its end can be seen: for a while after a death, ask for it often.
      const auto known = deaths_known_;
      auto message = parent.receive_or_death(end_is_near_.expired() ? deadline : deadline.within(std::chrono::milliseconds(1)), deaths_known_, predicate...);
      if (deaths_known_ != known) end_is_near_ = Deadline::after(look_in_any_case);
      return message;
    } else {
      return parent.receive_until(deadline.within(slice), predicate...);
    }
  }
  bool somebody_lives() const {
    for (const Member& member : members_) {
      if (!member.mourned && member.child.alive()) return true;
    }
    return false;
  }
  std::optional<Child> start_successor() {
    std::optional<Child> child(start_().ready());
    ends_.add(*child);
    return child;
  }
  void tend_without_restarts() {
    restarts_left_ = 0;
    tend();
  }

  std::function<Spawner::Starting()> start_;
  EndWatch ends_;  // Invariant: watches every member that is not mourned
  std::vector<Member> members_;
  std::vector<Death> deaths_;
  std::size_t restarts_left_;
  std::uint32_t deaths_known_ = 0;                // of those the transport tells of
  Deadline end_is_near_ = Deadline::now();        // until then
  Deadline next_look_ = Deadline::now();
  Owner owner_;
};

}  // namespace mulproc
