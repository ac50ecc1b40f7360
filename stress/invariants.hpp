#pragma once
/// What must hold in a run, in words. A scenario names those it keeps; the report gives a verdict on each.
#include <string>
#include <string_view>
#include <vector>

namespace mulproc::stress {

struct Invariant {
  std::string_view name, words;
};

namespace invariant {
inline constexpr Invariant nothing_lost{"nothing lost",
                                        "every message that was sent arrives, or becomes a dead letter"};
inline constexpr Invariant nothing_twice{"nothing twice",
                                         "a message comes again only when whoever held it died, and then says so"};
inline constexpr Invariant nothing_torn{"nothing torn", "number, text and checksum of every body agree"};
inline constexpr Invariant nothing_misdelivered{
    "nothing misdelivered", "a message reaches whom it was for, and what was never sent never comes"};
inline constexpr Invariant order_per_sender{"order per sender", "each sender's sequence numbers grow"};
inline constexpr Invariant queue_empty{"queue empty", "when all is answered the queue is empty"};
inline constexpr Invariant stages_in_order{"stages in order",
                                           "every item passes each stage once, in order, and carries the mark of each"};
inline constexpr Invariant capacity_kept{"capacity kept", "no more messages are under way than there is room for"};
inline constexpr Invariant room_used{"room used", "a send is told that there is no room only when there is none"};
inline constexpr Invariant dead_letters_only_of_poison{
    "poison buried", "each poisonous message is a dead letter after five deaths, and no other message is"};
inline constexpr Invariant crew_survives{"crew survives",
                                         "whoever died has been replaced: at the end all children live"};
inline constexpr Invariant counts_agree{"counts agree", "the crew counts what a single process counts"};
inline constexpr Invariant slow_is_not_dead{
    "slow is not dead", "no more messages are handed on than children died, however long one is stopped"};
inline constexpr Invariant ends_well{
    "ends well", "every child ends by its pill, join returns, nothing is unfinished, the queue is empty"};
inline constexpr Invariant no_call_fails{"no call fails",
                                         "no send or receive reports an error that the contract does not allow here"};
inline constexpr Invariant nothing_left{"nothing left", "no descriptor, shared memory file or process is left behind"};
}  // namespace invariant

/// How often one was looked at in a run, and how it broke the first time.
struct Verdict {
  const Invariant* invariant;
  std::uint64_t checks = 0;
  std::string broken;
};

}  // namespace mulproc::stress
