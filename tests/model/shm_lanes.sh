# What check.sh asks of shm_lanes.pml and shm_lanes_mailbox.pml. A mutant's line: its macro, why it must fail, the assertion
# that says so, its options. What takes long to find is left to the full form, and what another mutant shows as well.
holds "no death, two letters" -DDEATHS=0 -DLETTERS=2 -DWORKS_ON
holds "one death, one letter" -DDEATHS=1 -DLETTERS=1
asleep="k==0||at_rest[k]||slot[s].state!=1"  # a receiver sleeps while a letter is READY
refuted NO_BARRIER "publish and flag pass each other in the store buffers" "$asleep" -DDEATHS=0 -DLETTERS=1
refuted LOOKS_FOR_SLEEPERS_FIRST "asleep between the sender's look and his publishing" "$asleep" -DDEATHS=0 -DLETTERS=1
refuted TAIL_BEFORE_THE_WORD "passed over before it is written" "$asleep" -DDEATHS=0 -DLETTERS=1
refuted WORD_NOT_READ_AGAIN "written between the loads of word and tail" "$asleep" -DDEATHS=0 -DLETTERS=2
refuted TAIL_AFTER_THE_WAKE "behind a slot passed over nobody looks" "$asleep" -DDEATHS=0 -DLETTERS=3
refuted CLAIM_BY_LOAD_AND_STORE "one message is taken twice" "slot[at].state==1" -DDEATHS=0 -DLETTERS=1
refuted NO_ATTEMPT_COUNTED "a death is not counted" "attempt==1+holders_died" -DDEATHS=1 -DLETTERS=1
refuted BACKLOG_FORGETS_THE_CLAIMED "what comes back from the dead is not looked for" "$asleep" -DDEATHS=1 -DLETTERS=1
refuted RETURNS_NOT_BUMPED "what comes back from the dead is not looked for" "$asleep" -DDEATHS=1 -DLETTERS=1
if [ "$form" = full ]; then
  holds "no death" -DDEATHS=0
  holds "no death, two letters, fences instead of membarrier" -DDEATHS=0 -DLETTERS=2 -DFENCES
  holds "no death, two letters, given back" -DDEATHS=0 -DLETTERS=2 -DGIVE_BACKS=1
  holds "no death, two letters, far behind" -DDEATHS=0 -DLETTERS=2 -DFAR=0
  holds "no death, two letters, join" -DDEATHS=0 -DLETTERS=2 -DJOINER
  holds "one death" -DDEATHS=1
  holds "one death, two letters, another sender" -DDEATHS=1 -DLETTERS=2 -DOTHERS=1
  holds "two deaths, two letters" -DDEATHS=2 -DLETTERS=2
  holds "two deaths" -DDEATHS=2
  holds "no death, three receivers, two letters" -DDEATHS=0 -DLETTERS=2 -DRECEIVERS=3

  refuted NO_FENCE_BY_THE_WAKER "fenced on one side only, they still pass each other" "$asleep" -DDEATHS=0 -DLETTERS=1
  refuted FLAG_AFTER_THE_LOOK "published between look and flag" "$asleep" -DDEATHS=0 -DLETTERS=1
  refuted BELL_READ_AFTER_THE_LOOK "a bell rung before it is read is not heard" "$asleep" -DDEATHS=0 -DLETTERS=1
  refuted CURSOR_DOES_NOT_WAIT "passed over before it is written" "$asleep" -DDEATHS=0 -DLETTERS=1
  refuted SLOW_IS_DEAD "a living one's message is taken" "attempt==1+holders_died" -DDEATHS=1 -DLETTERS=1
  refuted PLAIN_ADMIN_LOCK "the recoverer's death blocks the next" "asleep[k]||at_rest[k]" -DDEATHS=2 -DLETTERS=1
  refuted DONE_WITHOUT_A_LOOK "the sender sleeps beside room" "k!=0||at_rest[k]" -DDEATHS=0
  refuted POSITION_NOT_COMPARED "the slot holds another message by now" "slot[at].position==position" -DDEATHS=0
  refuted USES_WHAT_IS_NOT_FREE "a message is written over" "(slot[(position%2)].state))==0" -DDEATHS=0
  refuted TAIL_NOT_REPAIRED "behind a slot passed over nobody looks" "$asleep" -DDEATHS=1
  refuted BEGUN_BACKLOG_DOES_NOT_WAIT "what comes back is not looked for while another sender writes" "$asleep" -DDEATHS=1 -DLETTERS=2 -DOTHERS=1
  refuted ATTEMPT_BY_A_STORE_OF_ITS_OWN "one death is counted twice" "attempt==1+holders_died" -DDEATHS=2 -DLETTERS=1 -DRECEIVERS=3 -DMAX_ATTEMPTS=4
  refuted DETACHED_BEFORE_GIVEN_BACK "the burier's death leaves a message to nobody" "!dead[slot[s].owner]" -DDEATHS=2 -DLETTERS=1 -DRECEIVERS=3
  refuted TAIL_NOT_COMPARED "join sees two moments as one" "was_idle" -DDEATHS=0 -DLETTERS=2 -DJOINER
fi

model=shm_lanes_mailbox
holds "mailbox, two deaths" -DDEATHS=2
holds "mailbox, two deaths, thread id used again" -DDEATHS=2 -DSAME_ADDRESS
lost="!(acknowledged[now])"  # a letter lies where nobody will look for it
refuted NO_BARRIER "the letter and the address pass each other in the store buffers" "$lost" -DDEATHS=0
refuted SCANNED_BEFORE_CLEARED "sent between the two" "$lost" -DDEATHS=0
refuted NO_SECOND_LOOK "sent to an address that is gone" "$lost" -DDEATHS=0
refuted SETTLED_WITHOUT_A_BARRIER "killed before the barrier, it is made by nobody" "$lost" -DDEATHS=1
if [ "$form" = full ]; then
  refuted NOT_SETTLED "the burier's death leaves letters to nobody" "$lost" -DDEATHS=1
  refuted LANE_OF_THE_DEAD_FORGOTTEN "killed before the second look, nobody looks" "$lost" -DDEATHS=1
  refuted TAKES_OTHERS_MAIL "a letter is taken and buried" "!(buried" -DDEATHS=0
fi
