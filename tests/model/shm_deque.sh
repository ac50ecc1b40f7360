# What check.sh asks of shm_deque.pml. A mutant's line: its macro, why it must fail, the assertion that says so, its options.
holds "no death, mail for one" -DDEATHS=0 -DADDRESSED
if [ "$form" = full ]; then
  holds "two deaths" -DDEATHS=2
  holds "two deaths, mail for one" -DDEATHS=2 -DADDRESSED
  holds "two deaths, leases given back" -DDEATHS=2 -DGIVE_BACKS=1
  holds "two deaths, settled twice" -DDEATHS=2 -DTWICE
  holds "three deaths, one letter each, mail for one" -DDEATHS=3 -DONE_EACH -DADDRESSED
else
  holds "one death, one letter each, mail for one" -DDEATHS=1 -DONE_EACH -DADDRESSED
  holds "two deaths, one letter each" -DDEATHS=2 -DONE_EACH
fi

asleep="slot[j].state!=2" # a receiver sleeps while its letter is READY
refuted UNWATCHED "the one who was woken is killed" "$asleep" -DDEATHS=1 -DONE_EACH
refuted BELL_READ_AFTER_UNLOCK "a bell rung before it is read is not heard" "$asleep" -DDEATHS=0 -DONE_EACH
refuted PLAIN_MUTEX "its owner's death blocks everybody" "asleep[k]||at_rest[k]" -DDEATHS=1 -DONE_EACH
refuted NEVER_CONSISTENT "the lock is ruined" "lock_inconsistent" -DDEATHS=1 -DONE_EACH
refuted COUNTS_NOT_REBUILT "room is lost" "live==n" -DDEATHS=1 -DONE_EACH
refuted LISTS_NOT_REBUILT "the list holds what is not READY" "slot[at].state==2" -DDEATHS=1 -DONE_EACH
refuted ATTEMPT_BY_A_STORE_OF_ITS_OWN "one death is counted twice" "slot[at].attempt==1+holders_died" -DDEATHS=2 -DONE_EACH -DMAX_ATTEMPTS=4
refuted PUT_BACK_AT_THE_END "the global order" "slot[ready[k-1]].ticket<slot[ready[k]].ticket" -DDEATHS=0 -DGIVE_BACKS=1
refuted SLOW_IS_DEAD "a living one's lease is taken" "attached[slot[k].owner]" -DDEATHS=1 -DONE_EACH
refuted DETACHED_BEFORE_GIVEN_BACK "the burier's death leaves a lease to nobody" "attached[slot[k].owner]" -DDEATHS=2 -DONE_EACH
refuted GENERATION_UNCHECKED "an old lease ends a new one" "slot[old_slot].attempt==old_attempt" -DDEATHS=0 -DTWICE
