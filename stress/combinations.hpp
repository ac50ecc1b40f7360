#pragma once
/// All that can be run: every scenario over every medium, and why some of it is not to be had.
#include <stress/scenarios/scenario.hpp>

namespace mulproc::stress {

struct Combination {
  const Scenario* scenario;
  const Medium* medium;

  /// Empty: it can be run.
  std::string why_not() const {
    if (scenario->needs_redelivery && !medium->promises.redelivers)
      return "the transport does not hand on what the dead held, and that is what it is about";
    if (scenario->largest_text > medium->largest_text)
      return "the serializer carries texts of at most " + std::to_string(medium->largest_text) + " bytes";
    return "";
  }
  /// Empty: its children may be killed on purpose.
  std::string why_no_kill() const {
    if (!scenario->why_no_kill.empty()) return std::string(scenario->why_no_kill);
    return medium->promises.redelivers ? "" : "the transport does not hand on what the dead held";
  }
  std::string title() const {
    return std::string(scenario->name) + " over " + medium->transport + ", " + medium->serializer;
  }
};

inline std::vector<Combination> combinations() {
  std::vector<Combination> all;
  for (const Scenario* scenario : scenarios()) {
    for (const Medium& medium : media()) all.push_back({scenario, &medium});
  }
  return all;
}

}  // namespace mulproc::stress
