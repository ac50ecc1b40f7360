// A peer makes a ring of a shm_deque's lists: a receiver's walk along them ends all the same.
#include <iostream>
#include <mulproc/shared_memory/deque_candidates.hpp>

using namespace mulproc;
using namespace mulproc::shared_memory;

int main() {
  const auto segment = DequeLayout::create("", 4, 100, 4);
  const auto layout = DequeLayout::of(*segment);
  auto& head = *reinterpret_cast<DequeHead*>(segment->address());
  auto* const slots = reinterpret_cast<Slot*>(segment->address() + layout.slots);
  auto* const lists = reinterpret_cast<ListEnds*>(segment->address() + layout.lists);
  Participants people(head.participants, layout.max_participants, segment->address() + layout.participants,
                      reinterpret_cast<RobustMutex*>(segment->address() + layout.locks));
  const DequeIndex index(*segment, layout, people);

  constexpr std::uint32_t around = 3;
  if (segment->allocate(layout.slots, around * sizeof(Slot))) return 1;
  head.slots_used = around;
  for (std::uint32_t at = 0; at < around; ++at) slots[at].in_order.next = slots[at].by_recipient.next = (at + 1) % around;
  head.in_order.first = 0;
  for (std::uint32_t list = 0; list < DequeLayout::lists_of(layout.max_participants); ++list) lists[list].first = list % around;

  for (const Taste& taste : {Taste{}, Taste{.by_address = true, .offers = true}}) {
    Candidates walk(index, slots, taste, index.mailbox(0), false);
    std::uint32_t steps = 0;
    while (steps <= index.slot_count() && walk.next() != DequeIndex::nothing) ++steps;
    if (steps < around || steps > index.slot_count()) {
      std::cout << "a walk along " << around << " slots in a ring took " << steps << " steps and did not end\n";
      return 1;
    }
  }
}
