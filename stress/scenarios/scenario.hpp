#pragma once
/// What a scenario is: a name, what it does and what must hold in it, in words; and the function that plays it.
#include <stress/team.hpp>

namespace mulproc::stress {

struct Scenario {
  std::string_view name, about;
  std::vector<const Invariant*> invariants;
  void (*play)(Run&);
  std::string_view why_no_kill =
      {};  ///< empty: its children may be killed on purpose, where the transport hands on what the dead held
  bool needs_redelivery = false;  ///< it is about what the dead held
  std::size_t largest_text = 0;   ///< a size it needs besides what was asked
};

/// All there are, in the order in which --list shows them.
const std::vector<const Scenario*>& scenarios();

}  // namespace mulproc::stress
