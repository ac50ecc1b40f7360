#pragma once
/// One run of one scenario over one medium: what it was asked, what it checks, how far it is, what happened.
#include <atomic>
#include <map>
#include <random>
#include <stress/board.hpp>
#include <stress/invariants.hpp>
#include <stress/live_view.hpp>
#include <stress/medium.hpp>
#include <stress/settings.hpp>

namespace mulproc::stress {

/// A death that nobody's code asked for by leaving.
struct DeathOfAChild {
  double at = 0;  // seconds into the run
  pid_t pid = 0;
  std::optional<std::uint64_t> held;  // the number of the message in its hands
  std::string became;                 // of that message
};

struct Sample {
  double at;
  std::uint64_t messages;
  std::optional<std::size_t> depth;  // queued and held; none where the transport cannot tell
};

class Run {
 public:
  using clock = std::chrono::steady_clock;
  Run(std::string title, const Settings& asked, const Medium& over, LiveView* view = nullptr)
      : settings(asked), medium(over), random(asked.seed), title_(std::move(title)), view_(view) {}

  const Settings& settings;
  const Medium& medium;
  std::mt19937_64 random;  // all choices of a run come from its seed
  Board board;
  std::uint64_t messages = 0, kills = 0, stops = 0, pauses = 0, redelivered = 0, dead_letters = 0, died = 0;
  std::vector<DeathOfAChild> deaths;  // the first of them
  std::vector<Sample> samples;
  /// Every wait in a scenario ends: a hang is reported as what did not come.
  static constexpr std::chrono::seconds patience{30};

  // ---- what must hold

  /// Writes down the first way in which an invariant broke; says whether it holds.
  template <class Words>
  bool check(bool holds, const Invariant& invariant, Words in_words) {
    Verdict& verdict = verdict_on(invariant);
    ++verdict.checks;
    if (holds) return true;
    if constexpr (std::invocable<Words>) {
      breaks(verdict, in_words());
    } else {
      breaks(verdict, in_words);
    }
    return false;
  }
  bool check(bool holds, const Invariant& invariant) { return check(holds, invariant, std::string(invariant.words)); }
  /// The first violation; empty while there is none.
  const std::string& broken() const noexcept { return broken_; }
  const std::vector<Verdict>& verdicts() const noexcept { return verdicts_; }

  // ---- how long

  /// The children are there: now it counts.
  void begin() {
    begin_ = clock::now();
    measured_from_ = begin_ + settings.warmup.value_or(std::chrono::milliseconds(0));
    if (settings.warmup) board.measure_from(static_cast<std::uint64_t>(measured_from_.time_since_epoch().count()));
    if (settings.duration) until_ = measured_from_ + *settings.duration;
  }
  void end() {
    if (end_ == clock::time_point()) end_ = clock::now();
  }
  /// Whether to start another, after so many of `all`: there are more to do, or time is left where a duration was asked
  /// for.
  bool wants_more(std::uint64_t started, std::uint64_t all) {
    if (interrupted || !broken_.empty()) return false;
    const auto now = clock::now();
    if (now < measured_from_) return warm_up_started_ = started, warm_up_messages_ = messages, true;
    return settings.duration ? now < until_ : started - warm_up_started_ < all;
  }
  bool warming_up() const { return clock::now() < measured_from_; }
  double seconds_since_begin() const { return std::chrono::duration<double>(clock::now() - begin_).count(); }
  double seconds() const {
    return std::max(
        0.0,
        std::chrono::duration<double>((end_ == clock::time_point() ? clock::now() : end_) - measured_from_).count());
  }
  std::uint64_t measured_messages() const noexcept { return messages - warm_up_messages_; }
  /// When the next message is due, the n-th of all: 0 in a closed loop.
  std::uint64_t due(std::uint64_t n) const {
    if (!settings.rate) return 0;
    return static_cast<std::uint64_t>(begin_.time_since_epoch().count()) +
           static_cast<std::uint64_t>(static_cast<double>(n) * 1e9 / *settings.rate);
  }

  // ---- what happens

  void child_died(pid_t pid) {
    ++died;
    if (deaths.size() >= kept_deaths) return;
    const Life* life = board.life_of(pid);
    const auto holding = life == nullptr ? 0 : life->holding.load(std::memory_order_relaxed);
    DeathOfAChild& death = deaths.emplace_back(DeathOfAChild{seconds_since_begin(), pid, {}, ""});
    if (holding == 0) return;
    death.held = holding - 1;
    if (const auto told = told_early_.find(*death.held); told != told_early_.end()) {
      death.became = told->second;
    } else {
      in_dead_hands_[*death.held] = deaths.size() - 1;
    }
  }
  void handed_on(std::uint64_t number, ProcessId to) {
    ++redelivered;
    tell_of(number, "handed on to " + std::to_string(to.pid));
  }
  void buried(std::uint64_t number) {
    ++dead_letters;
    tell_of(number, "a dead letter");
  }
  /// How far it is, for whoever looks on, and for the report: `depth()` is asked now and then.
  template <class Depth>
  void look(std::uint64_t done, std::uint64_t all, Depth depth) {
    const auto now = clock::now();
    if (now >= next_sample_) sample(depth());
    if (view_ != nullptr && view_->wants(now)) show(done, all, depth());
  }

  /// Set by Ctrl-C: what runs ends in order, and is reported.
  static inline std::atomic<bool> interrupted{false};

 private:
  static constexpr std::size_t kept_deaths = 1000, kept_samples = 400;

  Verdict& verdict_on(const Invariant& invariant) {
    for (Verdict& one : verdicts_) {
      if (one.invariant == &invariant) return one;
    }
    return verdicts_.emplace_back(Verdict{&invariant, 0, ""});
  }
  void breaks(Verdict& verdict, std::string how) {
    if (verdict.broken.empty()) verdict.broken = how;
    if (broken_.empty()) broken_ = std::string(verdict.invariant->name) + ": " + std::move(how);
  }
  void tell_of(std::uint64_t number, std::string what) {
    const auto found = in_dead_hands_.find(number);
    if (found == in_dead_hands_.end()) {  // the next one was quicker than the parent, who has yet to see the death
      if (told_early_.size() >= kept_deaths) told_early_.erase(told_early_.begin());
      told_early_[number] = std::move(what);
      return;
    }
    deaths[found->second].became = std::move(what);
    in_dead_hands_.erase(found);
  }
  void sample(std::optional<std::size_t> depth) {
    samples.push_back({seconds_since_begin(), messages, depth});
    if (samples.size() >= kept_samples) {  // half as many, twice as far apart: an hour takes no more room than a minute
      std::size_t kept = 0;
      for (std::size_t i = 1; i < samples.size(); i += 2) samples[kept++] = samples[i];
      samples.resize(kept);
      sample_every_ *= 2;
    }
    next_sample_ = clock::now() + sample_every_;
  }
  void show(std::uint64_t done, std::uint64_t all, std::optional<std::size_t> depth) {
    const auto times = board.times(Board::Of::messages);
    LiveView::State state{.title = title_,
                          .messages_per_second = static_cast<double>(messages) / std::max(1e-9, seconds_since_begin()),
                          .p50 = times->quantile(0.5),
                          .p99 = times->quantile(0.99),
                          .depth = depth,
                          .died = died,
                          .warming_up = warming_up()};
    if (settings.duration) {
      state.seconds_left = std::max(0.0, std::chrono::duration<double>(until_ - clock::now()).count());
      const double whole = std::chrono::duration<double>(until_ - begin_).count();
      state.share = whole > 0 ? 1 - *state.seconds_left / whole : 1;
    } else {
      state.share = all == 0 ? 1 : std::min(1.0, static_cast<double>(done) / static_cast<double>(all));
      if (state.share > 0) state.seconds_left = seconds_since_begin() * (1 / state.share - 1);
    }
    view_->show(state);
  }

  std::string title_, broken_;
  LiveView* view_;
  std::vector<Verdict> verdicts_;
  std::map<std::uint64_t, std::size_t> in_dead_hands_;  // number -> which death
  std::map<std::uint64_t, std::string> told_early_;     // number -> what became of it
  std::uint64_t warm_up_started_ = 0, warm_up_messages_ = 0;
  clock::time_point begin_{}, measured_from_{}, until_{}, end_{}, next_sample_{};
  clock::duration sample_every_ = std::chrono::milliseconds(5);
};

}  // namespace mulproc::stress
