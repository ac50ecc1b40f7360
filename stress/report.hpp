#pragma once
/// What came of the runs: a table for people, JSON for machines.
#include <sys/utsname.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <stress/combinations.hpp>
#include <thread>

namespace mulproc::stress {

struct Outcome {
  const Combination* combination;
  std::uint64_t messages, kills, stops, redelivered, seed;
  double seconds;
  std::string broken, command;
  double rate() const { return seconds > 0 ? static_cast<double>(messages) / seconds : 0; }
};

class Report {
 public:
  Report() { std::cout << "scenario     transport      serializer          messages   messages/s   seconds   verdict\n"; }

  void add(Outcome outcome) {
    const bool colour = ::isatty(STDOUT_FILENO) == 1;
    const auto verdict = outcome.broken.empty() ? std::string(colour ? "\x1b[32mok\x1b[0m" : "ok")
                                                : (colour ? "\x1b[31mBROKEN\x1b[0m: " : "BROKEN: ") + outcome.broken;
    const auto& c = *outcome.combination;
    std::cout << std::left << std::setw(13) << c.scenario << std::setw(15) << c.transport << std::setw(18) << c.serializer << std::right << std::setw(10)
              << outcome.messages << std::setw(13) << static_cast<std::uint64_t>(outcome.rate()) << std::fixed << std::setprecision(3) << std::setw(10)
              << outcome.seconds << "   " << verdict;
    if (outcome.kills + outcome.stops != 0)
      std::cout << "  (" << outcome.kills << " killed, " << outcome.stops << " stopped, " << outcome.redelivered << " handed on)";
    std::cout << '\n';
    if (!outcome.broken.empty()) std::cout << "  repeat it: " << outcome.command << '\n';
    std::cout << std::flush;
    outcomes_.push_back(std::move(outcome));
  }
  bool all_passed() const {
    return std::all_of(outcomes_.begin(), outcomes_.end(), [](const Outcome& outcome) { return outcome.broken.empty(); });
  }

  /// Fails:   throws std::system_error when the file cannot be written.
  void write_json(const std::string& path) const {
    utsname machine{};
    ::uname(&machine);
    boost::json::array runs;
    for (const Outcome& outcome : outcomes_) {
      runs.push_back({{"scenario", outcome.combination->scenario},
                      {"transport", outcome.combination->transport},
                      {"serializer", outcome.combination->serializer},
                      {"messages", outcome.messages},
                      {"seconds", outcome.seconds},
                      {"messages_per_second", outcome.rate()},
                      {"killed", outcome.kills},
                      {"stopped", outcome.stops},
                      {"handed_on", outcome.redelivered},
                      {"seed", outcome.seed},
                      {"verdict", outcome.broken.empty() ? "ok" : "broken"},
                      {"broken", outcome.broken},
                      {"command", outcome.command}});
    }
    std::ofstream file(path);
    file << boost::json::value{{"machine", {{"system", machine.sysname}, {"kernel", machine.release}, {"cores", std::thread::hardware_concurrency()}}},
                               {"passed", all_passed()},
                               {"runs", std::move(runs)}}
         << '\n';
    file.close();
    if (!file) throw std::system_error(EIO, std::system_category(), "writing " + path);
  }

 private:
  std::vector<Outcome> outcomes_;
};

}  // namespace mulproc::stress
