#pragma once
/// All that a call of mulproc-stress found out, as JSON for machines and as a page for people.
#include <boost/json/value.hpp>
#include <stress/footprint.hpp>
#include <stress/report/outcome.hpp>

namespace mulproc::stress {

struct Report {
  std::string command;
  Settings settings;
  bool interrupted = false;
  std::vector<Outcome> outcomes;
  Growth growth;
  std::string grew;  // empty: nothing did
  double soak_seconds = 0;

  bool all_passed() const {
    return grew.empty() &&
           std::all_of(outcomes.begin(), outcomes.end(), [](const Outcome& outcome) { return outcome.broken.empty(); });
  }
  /// As stress/report/SCHEMA.md describes it.
  boost::json::value json() const;
  /// Fails:   throws std::system_error when the file cannot be written.
  void write_json(const std::string& path) const;
  void write_page(const std::string& path) const;
};

/// What changed between two reports, as a table.
/// Fails:   throws std::system_error when a file cannot be read, std::runtime_error when it is no report.
std::string compare(const std::string& before, const std::string& after);

}  // namespace mulproc::stress
