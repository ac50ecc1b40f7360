#pragma once
/// N children and their parent, over one link or, where a transport joins one and one, over a link for each. So a
/// scenario is written once.
#include <poll.h>
#include <signal.h>

#include <memory>
#include <mulproc/crew.hpp>
#include <stress/checker.hpp>
#include <stress/load.hpp>
#include <stress/pauser.hpp>
#include <stress/run.hpp>

namespace mulproc::stress {

template <class Channel>
struct SerializerOf;
template <class T, class S, class R>
struct SerializerOf<Channel<T, S, R>> {
  using type = S;
};

template <class C>
class Team {
 public:
  using S = typename SerializerOf<C>::type;
  using Message = typename C::Message;
  static constexpr bool shares_a_link = C::promises.many_to_many;

  /// Each child runs `work` on its endpoint.
  template <class F>
  Team(Run& run, F work) : run_(run) {
    const std::size_t links = shares_a_link ? 1 : run.settings.children, per_link = run.settings.children / links;
    for (std::size_t i = 0; i < links; ++i) {
      links_.push_back(std::make_unique<typename C::Link>(C::open(options(run.settings))));
      parents_.push_back(links_.back()->parent());
      const std::size_t restarts = run.settings.chaos || shares_a_link ? ~std::size_t{0} : 0;
      crews_.push_back(std::make_unique<Crew>(*links_.back(), Crew::Options{.size = per_link, .restarts = restarts}, [work](C& inbox) {
        ::signal(SIGINT, SIG_IGN);  // Ctrl-C is the parent's: it ends the run in order
        return work(inbox);
      }));
    }
    last_kill_ = last_stop_ = std::chrono::steady_clock::now();
  }

  std::size_t size() const noexcept { return run_.settings.children; }
  Child& child(std::size_t i) { return (*crews_[i / per_link()])[i % per_link()]; }
  C& parent_of(std::size_t i) { return parents_[i / per_link()]; }
  ProcessId id(std::size_t i) { return child(i).id(); }

  /// Sends a numbered body to child i alone.
  Result<> send_to(std::size_t i, Request request, std::uint64_t number) { return put(parent_of(i), {.request = request, .recipient = id(i)}, number); }
  /// Offers a numbered body to whoever is free; where each child has its own link, to one after the other.
  Result<> offer(Request request, std::uint64_t number) { return put(parents_[number % parents_.size()], {.request = request}, number); }

  /// Takes the next message from any child, and lets chaos happen meanwhile.
  Result<Message> receive(std::chrono::nanoseconds patience = Run::patience) {
    const auto deadline = Deadline::after(patience);
    while (true) {
      play_chaos();
      auto message = receive_slice(deadline);
      // closed: all children have left or been killed; the next look replaces them.
      const bool may_come = !message && (message.error() == Errc::not_ready || message.error() == Errc::closed);
      if (!may_come || deadline.expired()) return message;
    }
  }
  bool empty() const {
    return std::all_of(parents_.begin(), parents_.end(), [](const C& parent) { return parent.empty(); });
  }
  std::vector<Message> dead_letters() {
    std::vector<Message> all;
    for (C& parent : parents_) {
      for (auto& letter : parent.dead_letters()) all.push_back(std::move(letter));
    }
    return all;
  }

  /// A pill for each; checks that all end well, that the queues are empty and joined.
  template <class H>
  void dismiss(H on_message, int other_good_end = 0) {
    pauser_.let_all_go_on();
    for (std::size_t i = 0; i < crews_.size(); ++i) {
      for (const ExitStatus& status : crews_[i]->dismiss(parents_[i], Run::patience, on_message))
        run_.check(status.ok() || status.code == other_good_end, "every child ends by its pill, not with code " + std::to_string(status.code));
      if constexpr (requires { parents_[i].join_for(Run::patience); }) {
        run_.check(bool(parents_[i].join_for(Run::patience)), "queue join returns");
        run_.check(parents_[i].unfinished() == 0, "nothing is unfinished");
      }
      run_.check(parents_[i].empty(), "the queue is empty in the end");
    }
  }
  void dismiss() {
    dismiss([this](Message) { run_.check(false, "nothing unexpected: a message after the last"); });
  }

 private:
  static typename C::Options options(const Settings& settings) {
    typename C::Options options;
    options.max_body_bytes = std::max(most_bytes_of<S>(settings.payload_bytes), std::size_t{16} << 10);  // lines of text are no longer
    return options;
  }
  std::size_t per_link() const noexcept { return crews_.front()->size(); }

  Result<> put(C& parent, Header header, std::uint64_t number) {
    // Where a child answers over its own link it must be able to: a parent that waits for room takes no answers.
    return with_body<S>(number, run_.random_payload(), [&](const auto& body) { return parent.try_send(header, body); });
  }
  Result<Message> receive_slice(Deadline deadline) {
    constexpr std::chrono::milliseconds slice{5};
    if constexpr (shares_a_link) {
      return parents_[0].receive_until(deadline.within(slice));
    } else {
      for (std::size_t i = 0; i < parents_.size(); ++i) {  // from where the last one came, so that none starves
        C& parent = parents_[(turn_ + 1 + i) % parents_.size()];
        auto message = parent.try_receive();
        if (message || (message.error() != Errc::not_ready && message.error() != Errc::closed)) return turn_ = (turn_ + 1 + i) % parents_.size(), std::move(message);
      }
      std::vector<pollfd> ends;
      for (const C& parent : parents_) ends.push_back({parent.native_handle(), POLLIN, 0});
      ::poll(ends.data(), ends.size(), std::min(deadline.poll_milliseconds(), static_cast<int>(slice.count())));
      return Errc::not_ready;
    }
  }

  void play_chaos() {
    if (!run_.settings.chaos && !shares_a_link) return;
    const auto now = std::chrono::steady_clock::now();
    const auto& chaos = run_.settings.chaos;
    if (chaos.kill && now - last_kill_ >= *chaos.kill) {
      last_kill_ = now;
      random_child().kill(SIGKILL);
      ++run_.kills;
    }
    if (chaos.stop && now - last_stop_ >= *chaos.stop) {
      last_stop_ = now;
      pauser_.pause(random_child().pid(), *chaos.stop / 2);
      ++run_.stops;
    }
    for (auto& crew : crews_) crew->tend();
  }
  Child& random_child() { return child(run_.random() % size()); }

  Run& run_;
  std::vector<std::unique_ptr<typename C::Link>> links_;
  std::vector<C> parents_;
  std::vector<std::unique_ptr<Crew>> crews_;
  Pauser pauser_;
  std::size_t turn_ = 0;
  std::chrono::steady_clock::time_point last_kill_, last_stop_;
};

/// A child's life: answers each message with the same number and body size, AGAIN when it was tried before.
template <class C>
int answer_until_the_pill(C& inbox) {
  using S = typename SerializerOf<C>::type;
  while (auto message = inbox.receive()) {
    if (message->request() == request::DIE) return 0;
    const auto number = number_in<S>(*message);
    const Request verdict = !number ? Request("TORN") : message->attempt() > 1 ? Request("AGAIN") : request::FINISHED;
    const auto sent = with_body<S>(number.value_or(0), message->bytes().size() % 512, [&](const auto& body) { return inbox.reply(*message, verdict, body); });
    if (!sent) return sent.error() == Errc::closed ? 0 : 3;
  }
  return 0;
}

}  // namespace mulproc::stress
