#pragma once
/// The crash table: for each operation, how many points were tried and what was found there.
#include <array>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>

#include "survivors.hpp"

namespace mulproc::tests {

constexpr std::size_t flaw_count = 6;
static_assert(int(Flaw::other) == flaw_count - 1, "one column for each flaw");

/// Lies in memory shared with a worker, who writes it.
struct Tally {
  std::atomic<std::size_t> instructions, states, points, pairs;
  std::atomic<std::size_t> points_begun, states_begun;  // how far it is, for who goes on behind it when it hangs
  std::atomic<std::size_t> point, second;               // where it is, for who finds it hanging
  std::array<std::atomic<std::size_t>, flaw_count> flaws;
  char first_finding[240];

  void finds(const Finding& finding) {
    if (flaws[int(finding.flaw)]++ != 0 || finding.flaw == Flaw::none || first_finding[0] != 0) return;
    std::snprintf(first_finding, sizeof first_finding, "at instruction %zu%s: %s", point.load(),
                  second != 0 ? (", who cleaned up at " + std::to_string(second)).c_str() : "", finding.what.c_str());
  }
};

struct Row {
  std::string name, first_finding = {};
  std::size_t instructions = 0, states = 0, points = 0, pairs = 0;
  std::array<std::size_t, flaw_count> flaws{};

  explicit Row(std::string its_name) : name(std::move(its_name)) {}
  void add(const Tally& tally) {
    instructions = std::max(instructions, tally.instructions.load());
    states = std::max(states, tally.states.load());
    points += tally.points;
    pairs += tally.pairs;
    for (std::size_t i = 0; i < flaw_count; ++i) flaws[i] += tally.flaws[i];
    if (first_finding.empty()) first_finding = tally.first_finding;
  }
};

class Table {
 public:
  /// Written to standard output as it grows, and to `file` if it has a name. `every`: so many instructions to a point.
  Table(std::string_view transport, const std::string& file, std::size_t every) : transport_(transport), every_(every) {
    if (!file.empty()) file_.open(file);
    say("transport      killed in              instructions  points  states   pairs  hangs  lost  duplicated  out of order  other");
  }
  ~Table() {
    std::ostringstream line;
    line << std::string(transport_) << ": " << total_.points << " points (a SIGKILL each) over " << rows_ << " operations, " << total_.pairs
         << " kills of who cleaned up, " << failures_ << " failures";
    say(line.str());
  }
  void add(const Row& row) {
    std::ostringstream line;
    line << std::left << std::setw(15) << transport_ << std::setw(22) << row.name << std::right << std::setw(13) << row.instructions
         << std::setw(8) << row.points << std::setw(8) << row.states << std::setw(8) << row.pairs << std::setw(7) << row.flaws[int(Flaw::hang)]
         << std::setw(6) << row.flaws[int(Flaw::lost)] << std::setw(12) << row.flaws[int(Flaw::duplicated)] << std::setw(14)
         << row.flaws[int(Flaw::out_of_order)] << std::setw(7) << row.flaws[int(Flaw::other)];
    if (!row.first_finding.empty()) line << "  " << row.first_finding;
    say(line.str());
    ++rows_;
    total_.points += row.points;
    total_.pairs += row.pairs;
    for (std::size_t i = 1; i < flaw_count; ++i) failures_ += row.flaws[i];
    if (row.points == 0 || row.points * 4 * every_ < row.instructions) {
      ++failures_;
      say("  too few points: a table of nothing is no proof");
    }
  }
  bool all_zero() const { return failures_ == 0 && rows_ != 0; }

 private:
  void say(const std::string& line) {
    std::cout << line << std::endl;
    if (file_.is_open()) file_ << line << std::endl;
  }
  const std::string_view transport_;
  const std::size_t every_;
  std::ofstream file_;
  Row total_{""};
  std::size_t rows_ = 0, failures_ = 0;
};

}  // namespace mulproc::tests
