#pragma once
/// What came of one run, or of several of the same combination in a soak.
#include <stress/combinations.hpp>

namespace mulproc::stress {

struct Outcome {
  Outcome(const Combination& what, const Run& run, std::string command_line)
      : combination(what),
        command(std::move(command_line)),
        broken(run.broken()),
        children(run.settings.children),
        seed(run.settings.seed),
        messages(run.measured_messages()),
        kills(run.kills),
        stops(run.stops),
        pauses(run.pauses),
        died(run.died),
        redelivered(run.redelivered),
        dead_letters(run.dead_letters),
        seconds(run.seconds()),
        latency(run.board.times(Board::Of::messages)),
        answers(run.board.times(Board::Of::answers)),
        verdicts(run.verdicts()),
        samples(run.samples),
        deaths(run.deaths) {}

  double rate() const { return seconds > 0 ? static_cast<double>(messages) / seconds : 0; }

  /// A later run of the same.
  void add(Outcome later) {
    if (broken.empty()) broken = std::move(later.broken);
    messages += later.messages, kills += later.kills, stops += later.stops, pauses += later.pauses;
    died += later.died, redelivered += later.redelivered, dead_letters += later.dead_letters, runs += later.runs;
    latency->merge(*later.latency), answers->merge(*later.answers);
    for (const Verdict& theirs : later.verdicts) {
      const auto mine = std::find_if(verdicts.begin(), verdicts.end(),
                                     [&](const Verdict& one) { return one.invariant == theirs.invariant; });
      if (mine == verdicts.end()) {
        verdicts.push_back(theirs);
      } else {
        mine->checks += theirs.checks;
        if (mine->broken.empty()) mine->broken = theirs.broken;
      }
    }
    // The charts show the last run: a soak's room must not grow with its length.
    samples = std::move(later.samples), deaths = std::move(later.deaths);
    seconds += later.seconds;
  }

  Combination combination;
  std::string command, broken;
  std::size_t children;
  std::uint64_t seed, messages, kills, stops, pauses, died, redelivered, dead_letters, runs = 1;
  double seconds;
  std::unique_ptr<Histogram> latency, answers;
  std::vector<Verdict> verdicts;
  std::vector<Sample> samples;
  std::vector<DeathOfAChild> deaths;
};

}  // namespace mulproc::stress
