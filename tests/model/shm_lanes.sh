# What check.sh asks of shm_lanes.pml. A mutant's line: its macro, why it must fail, the assertion that says so, its options.
holds "no death" -DDEATHS=0
holds "no death, fences instead of membarrier" -DDEATHS=0 -DFENCES
if [ "$form" = full ]; then
  holds "two deaths" -DDEATHS=2
  holds "two deaths, fences instead of membarrier" -DDEATHS=2 -DFENCES
  holds "two deaths, hints" -DDEATHS=2 -DHINTS
  holds "two deaths, leases given back" -DDEATHS=2 -DGIVE_BACKS=1 -DLETTERS=2
  holds "no death, hints" -DDEATHS=0 -DHINTS
  holds "no death, leases given back" -DDEATHS=0 -DGIVE_BACKS=1
  holds "no death, hints, leases given back" -DDEATHS=0 -DHINTS -DGIVE_BACKS=1 -DLETTERS=2
  holds "one death, join" -DDEATHS=1 -DJOINER
  holds "three claimers" -DDEATHS=0 -DRECEIVERS=3 -DLETTERS=2
else
  holds "one death, two letters" -DDEATHS=1 -DLETTERS=2
fi

asleep="k==0||slot[s].state!=1"  # a receiver sleeps while a letter is READY
refuted NO_BARRIER "publish and flag pass each other in the store buffers" "$asleep" -DDEATHS=0 -DLETTERS=1
refuted NO_FENCE_BY_THE_WAKER "fenced on one side only, they still pass each other" "$asleep" -DDEATHS=0 -DLETTERS=1
refuted FLAG_AFTER_THE_LOOK "published between look and flag" "$asleep" -DDEATHS=0 -DLETTERS=1
refuted BELL_READ_AFTER_THE_LOOK "a bell rung before it is read is not heard" "$asleep" -DDEATHS=0 -DLETTERS=1
refuted LOOKS_FOR_SLEEPERS_FIRST "asleep between the sender's look and its publishing" "$asleep" -DDEATHS=0 -DLETTERS=1
refuted HINT_CLEARED_AFTER_THE_LOOK "the hint set meanwhile is lost" "$asleep" -DDEATHS=0 -DHINTS -DLETTERS=2
refuted DONE_WITHOUT_A_LOOK "the sender sleeps beside room" "k!=0||at_rest[k]" -DDEATHS=0
refuted CLAIM_BY_LOAD_AND_STORE "one message is taken twice" "!done[sequence]" -DDEATHS=0 -DLETTERS=1
refuted SEQUENCE_NOT_COMPARED "the slot holds another message by now" "slot[at].sequence==sequence" -DDEATHS=0
refuted ONE_LOOK "a younger message overtakes an older" "was_claimed[slot[k].sequence]" -DDEATHS=0 -DLETTERS=2
refuted USES_WHAT_IS_NOT_FREE "a message is written over" "slot[at].state==0" -DDEATHS=0
refuted NO_ATTEMPT_COUNTED "a death is not counted" "attempt==1+holders_died" -DDEATHS=1 -DLETTERS=1
refuted ATTEMPT_BY_A_STORE_OF_ITS_OWN "one death is counted twice" "attempt==1+holders_died" -DDEATHS=2 -DMAX_ATTEMPTS=4
refuted SLOW_IS_DEAD "a living one's message is taken" "slot[at].state==2" -DDEATHS=1 -DLETTERS=1
refuted DETACHED_BEFORE_GIVEN_BACK "the burier's death leaves a message to nobody" "!dead[slot[s].owner]" -DDEATHS=2
refuted PLAIN_ADMIN_LOCK "the recoverer's death blocks the next" "asleep[k]||at_rest[k]" -DDEATHS=2
refuted COLLECTS_ONCE "join sees two moments as one" "was_idle" -DDEATHS=0 -DJOINER
