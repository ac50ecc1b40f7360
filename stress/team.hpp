#pragma once
/// N children and their parent, over one link or, where a transport joins one and one, over a link for each. So a
/// scenario is written once.
#include <poll.h>
#include <signal.h>

#include <mulproc/transport/trace_file.hpp>
#include <stress/checker.hpp>
#include <stress/pauser.hpp>

namespace mulproc::stress {

class Team {
 public:
  struct Options {
    std::size_t capacity = 64, largest_text = 0;  // 0: what --payload-bytes asks
  };

  /// Each child runs `work` on its endpoint.
  Team(Run& run, Medium::Work work) : Team(run, Options(), std::move(work)) {}
  Team(Run& run, Options options, Medium::Work work) : run_(run) {
    const std::size_t links = shares_a_link() ? 1 : size();
    const Medium::Asked asked{
        .capacity = options.capacity,
        .largest_text = std::max({options.largest_text, run.settings.payload.largest(), std::size_t{16} << 10}),
        .children = size() / links,
        .restarts = shares_a_link() ? ~std::size_t{0} : 0};
    Life& life = run.board.new_life();
    for (std::size_t i = 0; i < links; ++i) {
      const auto open = transport::TraceFile::current() ? run.medium.open_traced : run.medium.open;
      lines_.push_back(open(asked, [&run, work](Port& port) {
        ::signal(SIGINT, SIG_IGN);  // Ctrl-C and kill of the whole group are the parent's: it ends the run in order
        ::signal(SIGTERM, SIG_IGN);
        Life& mine = run.board.new_life();
        port.write_on(run.board, mine);
        const int code = work(port);
        mine.left_with.store(1 + code, std::memory_order_relaxed);
        return code;
      }));
      lines_.back()->parent().write_on(run.board, life);
    }
    for (std::size_t i = 0; i < size(); ++i) pids_.push_back(child(i).pid());
    next_kill_ = after(run.settings.chaos.kill), next_stop_ = after(run.settings.chaos.stop),
    next_pause_ = after(run.settings.chaos.pause);
    run.begin();
  }
  ~Team() {
    if (dismissed_) return;
    pauser_.let_all_go_on();
    for (std::size_t i = 0; i < size(); ++i)
      child(i).kill(SIGKILL);  // something broke: nobody waits for the children's patience
  }

  std::size_t size() const noexcept { return run_.settings.children; }
  bool shares_a_link() const noexcept { return run_.medium.promises.many_to_many; }
  Child& child(std::size_t i) { return lines_[i / per_line()]->crew()[i % per_line()]; }
  Port& parent_of(std::size_t i) { return lines_[i / per_line()]->parent(); }
  ProcessId id(std::size_t i) { return child(i).id(); }
  /// Which child it is; size() when it is none that lives.
  std::size_t index_of(ProcessId id) const noexcept {
    return static_cast<std::size_t>(std::find(pids_.begin(), pids_.end(), id.pid) - pids_.begin());
  }
  std::string text_for(std::uint64_t number) { return filler_of(number, run_.settings.payload.next(run_.random)); }

  // A parent that waited for room would take no answers meanwhile: no send of a scenario's parent waits.
  Result<> send_to(std::size_t i, Request request, Load load) {
    return parent_of(i).try_send({.request = request, .recipient = id(i)}, std::move(load));
  }
  /// Offers it to whoever is free; where each child has its own link, to one after the other.
  Result<> offer(Request request, Load load) {
    const auto number = load.number;
    return lines_[number % lines_.size()]->parent().try_send({.request = request}, std::move(load));
  }

  /// Says something to child i, once there is room; to a dead one in vain.
  void tell(std::size_t i, Request what, std::uint64_t number = 0) {
    to_tell_.push_back({id(i), i, what, number});
    tell_what_waits();
  }

  /// Takes the next message from any child, and lets chaos happen meanwhile.
  Result<Mail> receive(Deadline deadline = Deadline::after(Run::patience)) {
    while (true) {
      play_chaos();
      if (!to_tell_.empty()) tell_what_waits();
      auto mail = receive_slice(deadline);
      // closed: all children have left or been killed; the next look replaces them.
      const bool may_come = !mail && (mail.error() == Errc::not_ready || mail.error() == Errc::closed);
      if (!may_come || deadline.expired()) return mail;
      tend();
    }
  }
  /// The same, where children speak only when they are spoken to, and hold the question until they have: once nothing
  /// is unfinished nothing can come, and a loss is known at once. Not_ready also when there are dead letters.
  Result<Mail> receive_answer(Deadline deadline = Deadline::after(Run::patience)) {
    while (true) {
      const bool idle = unfinished() == std::size_t{0};
      auto mail = receive(idle ? Deadline::now() : deadline.within(std::chrono::milliseconds(50)));
      // closed: all are dead at this moment, and about to be replaced.
      if (mail || (mail.error() != Errc::not_ready && mail.error() != Errc::closed) || idle || deadline.expired())
        return mail;
      if (!dead_letters_.empty() || look_for_dead_letters()) return Errc::not_ready;
    }
  }
  bool empty() const {
    return std::all_of(lines_.begin(), lines_.end(), [](const auto& line) { return line->parent().empty(); });
  }
  /// Queued and held, both ways; none where the transport cannot tell.
  std::optional<std::size_t> unfinished() const {
    std::size_t sum = 0;
    for (const auto& line : lines_) {
      const auto there = line->parent().unfinished();
      if (!there) return std::nullopt;
      sum += *there;
    }
    return sum;
  }
  std::vector<Mail> dead_letters() {
    look_for_dead_letters();
    std::vector<Mail> all;
    std::swap(all, dead_letters_);
    for (const Mail& letter : all) {
      if (letter.load()) run_.buried(letter.load()->number);
    }
    return all;
  }
  void look(std::uint64_t done, std::uint64_t all) {
    run_.look(done, all, [this] { return unfinished(); });
  }

  /// Reaps and replaces the dead, and writes down who they were.
  void tend() {
    next_tend_ = Run::clock::now() + std::chrono::milliseconds(2);  // each look costs a system call for each child
    for (auto& line : lines_) {
      if (line->crew().tend() != 0) mourn();
    }
  }
  bool all_live() {
    tend();
    for (std::size_t i = 0; i < size(); ++i) {
      if (!child(i).alive()) return false;
    }
    return true;
  }
  /// Called with the index of each child that took a dead one's place.
  std::function<void(std::size_t)> on_replaced;

  /// A pill for each; checks that all end well, that the queues are empty and joined.
  void dismiss(const std::function<void(Mail)>& on_mail, int other_good_end = 0) {
    run_.end();
    tend();
    pauser_.let_all_go_on();
    for (auto& line : lines_) {
      Port& parent = line->parent();
      for (const ExitStatus& status : line->crew().dismiss(parent, Run::patience, on_mail))
        run_.check(
            status.ok() || status.code == other_good_end || (run_.settings.chaos.kill && status.signal == SIGKILL),
            invariant::ends_well, [&] { return "a child ended with code " + std::to_string(status.code); });
      run_.check(bool(parent.join_for(Run::patience)), invariant::ends_well, "the queue is not joined");
      run_.check(parent.unfinished().value_or(0) == 0, invariant::ends_well, "something is unfinished");
      run_.check(parent.empty(), invariant::ends_well, "the queue is not empty");
    }
    dismissed_ = true;
    // Of those killed last not every death has been seen.
    const std::uint64_t most = run_.died + (run_.settings.chaos.kill ? size() : 0);
    run_.check(run_.redelivered <= most, invariant::slow_is_not_dead,
               [&] { return std::to_string(run_.redelivered) + " handed on, " + std::to_string(run_.died) + " died"; });
  }
  void dismiss() {
    dismiss([this](Mail) { run_.check(false, invariant::nothing_twice, "a message came after the last"); });
  }

 private:
  using clock = Run::clock;
  std::size_t per_line() const noexcept { return lines_.front()->crew().size(); }

  Result<Mail> receive_slice(Deadline deadline) {
    constexpr std::chrono::milliseconds slice{5};
    if (lines_.size() == 1) return lines_[0]->parent().receive_until(deadline.within(slice));
    for (std::size_t i = 0; i < lines_.size(); ++i) {  // from where the last one came, so that none starves
      const std::size_t next = (turn_ + 1 + i) % lines_.size();
      auto mail = lines_[next]->parent().try_receive();
      if (mail || (mail.error() != Errc::not_ready && mail.error() != Errc::closed))
        return turn_ = next, std::move(mail);
    }
    std::vector<pollfd> ends;
    for (const auto& line : lines_) ends.push_back({line->parent().readable_handle(), POLLIN, 0});
    ::poll(ends.data(), ends.size(), std::min(deadline.poll_milliseconds(), static_cast<int>(slice.count())));
    return Errc::not_ready;
  }
  void tell_what_waits() {
    std::erase_if(to_tell_, [this](const Told& one) {
      const auto sent =
          parent_of(one.index).try_send({.request = one.what, .recipient = one.who}, Load{.number = one.number});
      return sent || sent.error() != Errc::not_ready;
    });
  }
  bool look_for_dead_letters() {
    for (auto& line : lines_) {
      for (auto& letter : line->parent().dead_letters()) dead_letters_.push_back(std::move(letter));
    }
    return !dead_letters_.empty();
  }

  // A moment between half a period and one and a half from now, so that no rhythm of the scenario is hit again and
  // again.
  clock::time_point after(Period period) {
    if (!period) return clock::time_point::max();
    const auto half = std::chrono::duration_cast<clock::duration>(*period) / 2;
    return clock::now() + half +
           clock::duration(static_cast<clock::rep>(run_.random() % static_cast<std::uint64_t>(2 * half.count() + 1)));
  }
  void play_chaos() {
    const auto now = clock::now();
    const Chaos& chaos = run_.settings.chaos;
    if (now >= next_kill_) {
      next_kill_ = after(chaos.kill);
      random_child().kill(SIGKILL);
      ++run_.kills;
    }
    if (now >= next_stop_) {
      next_stop_ = after(chaos.stop);
      pauser_.pause(random_child().pid(), *chaos.stop / 2);
      ++run_.stops;
    }
    if (now >= next_pause_) {
      next_pause_ = after(chaos.pause);
      pauser_.pause(random_child().pid(), Chaos::pause_length);
      ++run_.pauses;
    }
    if (now >= next_tend_) tend();
  }
  Child& random_child() { return child(run_.random() % size()); }
  void mourn() {
    for (std::size_t i = 0; i < size(); ++i) {
      const pid_t before = std::exchange(pids_[i], child(i).pid());
      if (before == pids_[i]) continue;
      transport::TraceFile::death(before);
      const Life* life = run_.board.life_of(before);
      const bool left_by_itself = life != nullptr && life->left_with.load(std::memory_order_relaxed) != 0;
      if (!left_by_itself) run_.child_died(before);
      if (on_replaced) on_replaced(i);
    }
  }

  struct Told {
    ProcessId who;
    std::size_t index;
    Request what;
    std::uint64_t number;
  };

  Run& run_;
  std::vector<std::unique_ptr<Line>> lines_;
  std::vector<pid_t> pids_;
  std::vector<Mail> dead_letters_;  // declared after the lines they were leased from: gone first
  std::vector<Told> to_tell_;
  Pauser pauser_;
  std::size_t turn_ = 0;
  bool dismissed_ = false;
  clock::time_point next_kill_, next_stop_, next_pause_, next_tend_;
};

}  // namespace mulproc::stress
