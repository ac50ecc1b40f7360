/* shm_deque under death at any step, as policies/mulproc/shared_memory/{deque_store,participants,robust_mutex}.hpp do it.
 *
 * Two senders and two receivers over one queue; anybody may be killed before each of his steps, the one who cleans up too.
 * The look every 100 ms is OFF: whoever sleeps is woken by somebody, or sleeps for ever and is found by the watch below.
 *
 * What one step is: one store to what another may read after a death (a slot's word, a bell, a waiting byte, a lock). What
 * the code calls derived (the READY list, the counts) changes together with the step beside it, and is torn as a whole when
 * somebody dies inside the lock: to read it before rebuild() fails an assertion. That is worse than any half-written list.
 *
 * A message for anyone wakes one receiver, a freed slot one sender: whoever is woken and leaves it passes the wake on, and his
 * death is heard of by who watches his life lock (Participants::watch_neighbours) and wakes everybody.
 *
 * Left out: the lists by recipient, slots given up without the lock, the spin before the sleep, the free list (any FREE slot will do), the two sides' separate room, closed, abandoned, attach, deadlines. The
 * robust mutex is the kernel's promise: an owner's death lets the next locker in and tells him. The kernel lets go of a dead
 * thread's locks one by one, the life lock last: in between it looks alive.
 *
 * Choices, each with -D (check.sh lists the runs):
 *   DEATHS=n     how many may be killed
 *   ONE_EACH     S0 sends letter 0 only, and the capacity is 1
 *   ADDRESSED    S0's last letter is addressed to receiver R0; else all are to anyone
 *   TWICE        a receiver may settle a lease a second time
 *   GIVE_BACKS=n how many times a receiver may give a lease back
 * and one mutant at a time; each is named where it changes something.
 */
#ifndef DEATHS
#define DEATHS 2
#endif
#ifndef UNWATCHED
#define WATCH
#endif
#ifndef GIVE_BACKS
#define GIVE_BACKS 0
#endif

/* Participants: senders 0 and 1, receivers 2 and 3. S0 sends the letters 0 and 1 and joins, S1 sends letter 2, whose body is large. */
#define N 4
#define R0 2
#define LETTERS 3
#ifdef ONE_EACH
#define CAPACITY 1
#else
#define CAPACITY 2
#endif
#define RESERVE 1 /* room for dead letters; the code has CAPACITY here: less, so that it runs full */
#define SLOTS (CAPACITY + RESERVE)
#ifndef MAX_ATTEMPTS
#define MAX_ATTEMPTS 2
#endif

#define NOBODY 7
#define DIED 6
#define ANYONE 5
#ifdef ADDRESSED
#ifdef ONE_EACH
#define RECIPIENT(l) (((l) == 0) -> R0 : ANYONE)
#else
#define RECIPIENT(l) (((l) == 1) -> R0 : ANYONE)
#endif
#else
#define RECIPIENT(l) ANYONE
#endif
#define ACCEPTS(who, l) (RECIPIENT(l) == ANYONE || RECIPIENT(l) == (who))
#define IS_LARGE(l) ((l) == 2)

/* Waiting, participants.hpp */
#define AWAKE 0
#define MAIL_OF_MINE 1
#define ROOM 2
#define END_OF_WORK 4
#define EVERYTHING 7

/* SlotState, deque_store.hpp */
#define FREE 0
#define WRITING 1
#define READY 2
#define CLAIMED 3
#define DEAD_LETTER 4

typedef Slot {
  byte state, owner, attempt, generation; /* the authoritative word: only ever stored as a whole */
  byte ticket, letter;
};
Slot slot[SLOTS];
byte next_ticket = 1;
byte dropped;

/* Derived: rebuilt by rebuild(). */
bool torn;
byte ready[SLOTS], readies, live, letters_dead;

/* The robust mutex. */
byte lock_owner = NOBODY;
bool lock_died, lock_inconsistent;

/* Participants. A life lock is held by a participant, by who buries it, by nobody, or DIED. */
byte life[N];
bool attached[N];
byte waiting[N];
bool look_due;

/* The kernel. A bell is a counter; all that is ever asked is whether it rang since its sleeper read it. */
bool rung[N], asleep[N], dead[N];
byte watched[N];     /* a bit for each participant whose life lock the sleeper watches */
bool heard_death[N]; /* it was a life lock that woke it, or EAGAIN */
byte deaths;

/* What the watch remembers; no participant reads it. */
bool acknowledged[LETTERS], done[LETTERS], counted_dropped[LETTERS], at_rest[N];
byte holders_died[LETTERS];

/* What a participant is at. */
#define PUT 0
#define PUBLISH 1
#define JOIN 2
#define TAKE 3
#define FINISH 4
#define GIVE_BACK 5
#define SETTLE_TWICE 6
#define NOTHING 7

/* ---- What must hold whenever the lock is free, and at the end ---------------------------------------------------------- */

inline check_letters() {
  k = 0;
  do
  :: k < LETTERS ->
     n = 0;
     j = 0;
     do
     :: j < SLOTS ->
        if :: slot[j].letter == k && slot[j].state >= READY -> n++ :: else fi;
        j++
     :: else -> break
     od;
     assert(n <= 1);                                                               /* a letter lies in one slot */
     assert(!done[k] || n == 0);                                                   /* what is done is gone */
     assert(!acknowledged[k] || n == 1 || done[k] || counted_dropped[k]);          /* acknowledged is never lost */
     k++
  :: else -> break
  od;
  k = 0; n = 0; j = 0
}
inline check_derived() {
  assert(!torn);
  k = 0; n = 0; j = 0;
  do
  :: k < SLOTS ->
     if
     :: slot[k].state == DEAD_LETTER -> j++
     :: slot[k].state == WRITING || slot[k].state == READY || slot[k].state == CLAIMED -> n++
     :: else
     fi;
     k++
  :: else -> break
  od;
  assert(live == n && letters_dead == j);                                          /* room is neither lost nor invented */
  assert(live <= CAPACITY && letters_dead <= RESERVE);
  k = 0;
  do
  :: k < readies ->
     assert(slot[ready[k]].state == READY);
     assert(k == 0 || slot[ready[k - 1]].ticket < slot[ready[k]].ticket);          /* the global order */
     k++
  :: else -> break
  od;
  k = 0; n = 0; j = 0;
  do
  :: k < SLOTS -> if :: slot[k].state == READY -> n++ :: else fi; k++
  :: else -> break
  od;
  assert(n == readies);
  k = 0;
  do
  :: k < SLOTS ->
     assert((slot[k].state != WRITING && slot[k].state != CLAIMED) || attached[slot[k].owner]); /* else nobody will ever give it back */
     k++
  :: else -> break
  od;
  k = 0; n = 0
}

/* ---- Derived data -------------------------------------------------------------------------------------------------------- */

inline insert_ready(s) { /* insert_ready(); append_ready() is the same for the youngest ticket */
  d_step {
    assert(!torn);
    k = readies;
    do
#ifdef PUT_BACK_AT_THE_END
    :: false
#else
    :: k > 0 && slot[ready[k - 1]].ticket > slot[s].ticket -> ready[k] = ready[k - 1]; k--
#endif
    :: else -> break
    od;
    ready[k] = s;
    readies++;
    k = 0
  }
}
inline unlink_ready(s) {
  d_step {
    assert(!torn);
    k = 0;
    do :: k < readies && ready[k] != s -> k++ :: else -> break od;
    assert(k < readies);
    readies--;
    do :: k < readies -> ready[k] = ready[k + 1]; k++ :: else -> break od;
    ready[readies] = 0;
    k = 0
  }
}
inline rebuild() {
  d_step {
    torn = false;
#ifndef LISTS_NOT_REBUILT
    readies = 0;
    k = 0;
    do :: k < SLOTS -> ready[k] = 0; k++ :: else -> break od;
#endif
#ifndef COUNTS_NOT_REBUILT
    live = 0;
    letters_dead = 0;
#endif
    n = 0;
    do
    :: n < SLOTS ->
#ifndef COUNTS_NOT_REBUILT
       if
       :: slot[n].state == DEAD_LETTER -> letters_dead++
       :: slot[n].state == WRITING || slot[n].state == READY || slot[n].state == CLAIMED -> live++
       :: else
       fi;
#endif
       if :: slot[n].state >= READY && slot[n].ticket >= next_ticket -> next_ticket = slot[n].ticket + 1 :: else fi;
#ifndef LISTS_NOT_REBUILT
       if
       :: slot[n].state == READY ->
          k = readies;
          do :: k > 0 && slot[ready[k - 1]].ticket > slot[n].ticket -> ready[k] = ready[k - 1]; k-- :: else -> break od;
          ready[k] = n;
          readies++
       :: else
       fi;
#endif
       n++
    :: else -> break
    od;
    n = 0; k = 0
  }
}

/* ---- Participants -------------------------------------------------------------------------------------------------------- */

/* Participants::wake with what its caller derives before it and stores after it. Three stores for each sleeper who matches;
 * killed before the last of them: the next to wake wakes it again. */
#define WAKES(who, reasons, whom) ((waiting[who] & (reasons)) != 0 && \
  ((waiting[who] & (reasons)) != MAIL_OF_MINE || (whom) == ANYONE || (whom) == (who)))
#define FIND_SLEEPER(reasons, whom) do :: w < N && !WAKES(w, reasons, whom) -> w++ :: else -> break od
/* One for a message, one for room, any of them; all for the end of work. And all for everything. */
#define IS_FOR_ONE(reasons) ((reasons) != EVERYTHING)
#define ANY_OF_THEM(reasons, whom) \
  if :: IS_FOR_ONE(reasons) && w + 1 < N && WAKES((w + 1) % N, reasons, whom) && waiting[(w + 1) % N] == waiting[w % N] -> if :: w++ :: true fi :: else fi
#define NEXT_SLEEPER(reasons, whom)                                                                                     \
  if                                                                                                                    \
  :: !IS_FOR_ONE(reasons) -> waiting[w] = AWAKE; w++; FIND_SLEEPER(reasons, whom)                                       \
  :: IS_FOR_ONE(reasons) && (((reasons) & ~waiting[w]) & END_OF_WORK) -> waiting[w] = AWAKE; w = 0; FIND_SLEEPER(END_OF_WORK, whom) \
  :: IS_FOR_ONE(reasons) && (((reasons) & ~waiting[w]) & ROOM) -> waiting[w] = AWAKE; w = 1; FIND_SLEEPER(ROOM, whom)   \
  :: else -> waiting[w] = AWAKE; w = N                                                                                  \
  fi
#ifdef AWAKE_BEFORE_THE_BELL
#define RING atomic { w < N -> waiting[w] = AWAKE }; rung[w] = true
#else
#define RING atomic { w < N -> rung[w] = true } /* bell.fetch_add */
#endif
#define WAKE(before, reasons, whom, after)                       \
  atomic { before; w = 0; FIND_SLEEPER(reasons, whom); ANY_OF_THEM(reasons, whom) };         \
  do                                                             \
  :: RING;                                                       \
     asleep[w] = false; /* futex_wake_all */                     \
     atomic { NEXT_SLEEPER(reasons, whom) }  \
  :: atomic { w == N -> w = 0; after; break }                    \
  od
/* Is the wake before the commit, or after it: the mutant's choice. */
#define WAKE_AND_COMMIT(before, reasons, whom, commit) WAKE(before, reasons, whom, commit)
#define COMMIT_AND_WAKE(before, reasons, whom, commit) atomic { before; commit }; WAKE(skip, reasons, whom, skip)
#ifdef WAKE_AFTER_COMMIT
#define WAKE_FOR_MAIL COMMIT_AND_WAKE
#else
#define WAKE_FOR_MAIL WAKE_AND_COMMIT
#endif
#ifdef FREE_BEFORE_WAKE
#define WAKE_FOR_ROOM COMMIT_AND_WAKE
#else
#define WAKE_FOR_ROOM WAKE_AND_COMMIT
#endif

/* ---- The queue, under the lock ------------------------------------------------------------------------------------------- */

/* COMMIT(): one aligned store. The owner means something only while the slot is written or claimed. */
#define COMMIT(s, a_state, an_owner, an_attempt) slot[s].state = a_state; slot[s].owner = an_owner; slot[s].attempt = an_attempt
#define COMMIT_FREE(s, by_its_holder)                                 \
  if :: by_its_holder -> done[slot[s].letter] = true :: else fi;      \
  COMMIT(s, FREE, 0, 0);                                              \
  slot[s].ticket = 0; slot[s].letter = 0 /* mean nothing now; so that they do not make states differ */
#define UNCOUNT(s)                                                                                                  \
  assert(!torn);                                                                                                    \
  if :: slot[s].state == DEAD_LETTER -> letters_dead--; counted_dropped[slot[s].letter] = true :: else -> live-- fi
#define ROOM_AND_PERHAPS_END (live == 0 -> (ROOM | END_OF_WORK) : ROOM)
#define FREE_SLOT(s, by_its_holder) WAKE_FOR_ROOM(UNCOUNT(s), ROOM_AND_PERHAPS_END, ANYONE, COMMIT_FREE(s, by_its_holder))

inline find_oldest_dead_letter() {
  d_step {
    oldest = SLOTS; k = 0;
    do
    :: k < SLOTS ->
       if
       :: slot[k].state == DEAD_LETTER && (oldest == SLOTS || slot[k].ticket < slot[oldest % SLOTS].ticket) -> oldest = k
       :: else
       fi;
       k++
    :: else -> break
    od;
    k = 0
  }
}
inline bury_letter(s, last_attempt) {
  if
  :: letters_dead >= RESERVE ->
     find_oldest_dead_letter();
     FREE_SLOT(oldest, false);
     oldest = 0
  :: else
  fi;
  WAKE_FOR_ROOM(live--; letters_dead++, ROOM_AND_PERHAPS_END, ANYONE, COMMIT(s, DEAD_LETTER, 0, last_attempt))
}
inline back_to_its_place(s, new_attempt) {
  if
  :: new_attempt > MAX_ATTEMPTS -> bury_letter(s, MAX_ATTEMPTS)
  :: else ->
#ifdef ATTEMPT_BY_A_STORE_OF_ITS_OWN
     WAKE(insert_ready(s), MAIL_OF_MINE, RECIPIENT(slot[s].letter), slot[s].attempt = new_attempt);
     COMMIT(s, READY, 0, slot[s].attempt)
#else
     WAKE(insert_ready(s), MAIL_OF_MINE, RECIPIENT(slot[s].letter), COMMIT(s, READY, 0, new_attempt))
#endif
  fi
}

/* bury_the_dead(): look_for_deaths() with give_back_all_of() for each, then the letters that wait for the dead. */
#ifdef SLOW_IS_DEAD
#define LOOKS_DEAD(who) ((who) != me && attached[who])
#else
#define LOOKS_DEAD(who) ((who) != me && attached[who] && life[who] == DIED)
#endif
#define HOLDS(who, s) (slot[s].owner == (who) && (slot[s].state == WRITING || slot[s].state == CLAIMED))
#define UNREACHABLE(who) ((who) != ANYONE && !attached[who] && dead[who])
inline find_held() { s = 0; do :: s < SLOTS && !HOLDS(i, s) -> s++ :: else -> break od }
inline find_dead() { do :: i < N && !LOOKS_DEAD(i) -> i++ :: else -> break od }
inline find_unreachable() { s = 0; do :: s < readies && !UNREACHABLE(RECIPIENT(slot[ready[s]].letter)) -> s++ :: else -> break od }
#ifdef DETACHED_BEFORE_GIVEN_BACK
#define DETACH_FIRST attached[i] = false
#else
#define DETACH_FIRST skip
#endif
inline bury_the_dead() {
  atomic { i = 0; changed = false; find_dead() };
  do
  :: atomic { i < N -> life[i] = me; DETACH_FIRST; find_held() };
     do
     :: s < SLOTS ->
        if
        :: slot[s].state == WRITING -> FREE_SLOT(s, false)
        :: slot[s].state == CLAIMED && RECIPIENT(slot[s].letter) == i -> bury_letter(s, slot[s].attempt)
        :: else -> back_to_its_place(s, slot[s].attempt + 1)
        fi;
        atomic { s = 0; find_held() }
     :: atomic { s == SLOTS -> s = 0; attached[i] = false; break }
     od;
     /* Killed here: the life lock dies with us; whom it was of is attached no more, and holds nothing. */
     atomic { waiting[i] = AWAKE; life[i] = NOBODY; changed = true; find_dead() }
  :: atomic { i == N -> i = 0; look_due = false; break }
  od;
#ifdef ADDRESSED
  do
  :: atomic {
       find_unreachable();
       if
       :: s < readies -> s = ready[s]; changed = true; unlink_ready(s)
       :: else -> s = 0; break
       fi
     };
     bury_letter(s, slot[s].attempt)
  od;
#endif
  if :: changed -> WAKE(skip, EVERYTHING, ANYONE, skip) :: else fi
}

/* ---- A participant ------------------------------------------------------------------------------------------------------- */

inline unlock() {
  d_step { check_derived(); check_letters() };
  assert(lock_owner == me);
  assert(!lock_inconsistent); /* else: ENOTRECOVERABLE, for everybody and for ever */
  lock_owner = NOBODY
}

#define WATCHES(who, whom) ((watched[who] >> (whom)) & 1)
inline watch_neighbours() {
  k = 0;
  do
  :: k < N ->
     if
     :: k != me && attached[k] && life[k] == k -> watched[me] = watched[me] | (1 << k)
     :: k != me && attached[k] && life[k] != k -> look_due = true
     :: else
     fi;
     k++
  :: else -> break
  od;
  k = 0
}
inline wake_one_watcher(whom) {
  if
  :: asleep[0] && WATCHES(0, whom) -> asleep[0] = false; heard_death[0] = true
  :: asleep[1] && WATCHES(1, whom) -> asleep[1] = false; heard_death[1] = true
  :: asleep[2] && WATCHES(2, whom) -> asleep[2] = false; heard_death[2] = true
  :: asleep[3] && WATCHES(3, whom) -> asleep[3] = false; heard_death[3] = true
  :: else
  fi
}

inline remember_lease() { /* what a Lease holds of its slot */
#ifdef TWICE
  slot[at].generation++;
#endif
  lease_generation = slot[at].generation;
  lease_attempt = slot[at].attempt
}
#define LEASE_STANDS (slot[at].state == CLAIMED && slot[at].owner == me && slot[at].generation == lease_generation && slot[at].attempt == lease_attempt)
inline settled() {
#ifdef TWICE
  if
  :: old_slot == SLOTS -> old_slot = at; old_generation = lease_generation; old_attempt = lease_attempt
  :: else
  fi;
#endif
  at = 0; lease_generation = 0; lease_attempt = 0; was_rung = false;
  op = TAKE
}
#ifdef GENERATION_UNCHECKED
#define OLD_LEASE_STANDS (slot[old_slot].state == CLAIMED && slot[old_slot].owner == me && slot[old_slot].attempt == old_attempt)
#else
#define OLD_LEASE_STANDS (slot[old_slot].state == CLAIMED && slot[old_slot].owner == me && slot[old_slot].attempt == old_attempt && \
  slot[old_slot].generation == old_generation)
#endif
#ifdef PLAIN_MUTEX
#define LOCK_IS_FREE (lock_owner == NOBODY && !lock_died)
#else
#define LOCK_IS_FREE (lock_owner == NOBODY)
#endif

proctype participant(byte me) {
  byte op, letter, at;
  byte w, i, s, k, n, j, oldest; /* zero but where they are used */
  bool changed, slept, was_rung; /* was_rung: somebody ended a sleep of this call */
  byte lease_generation, lease_attempt, old_slot = SLOTS, old_generation, old_attempt, give_backs;
  {
    atomic { if :: me < R0 -> op = PUT; letter = (me == 0 -> 0 : 2) :: else -> op = TAKE fi };

enter: /* RobustMutex::lock_until; then the end of Participants::sleep, or settle() */
    atomic {
      LOCK_IS_FREE && !asleep[me] && op != NOTHING ->
      lock_owner = me;
      rung[me] = false; watched[me] = 0;
      if
      :: !lock_died ->
         if :: slept -> was_rung = was_rung || waiting[me] == AWAKE; waiting[me] = AWAKE; if :: heard_death[me] -> look_due = true :: else fi :: else fi;
         slept = false; heard_death[me] = false;
         goto operate
      :: else ->
         lock_died = false; lock_inconsistent = true;
         was_rung = was_rung || slept;
         slept = false; heard_death[me] = false;
         rebuild()
      fi
    };
    bury_the_dead();
    WAKE(changed = false, EVERYTHING, ANYONE, skip);
#ifndef NEVER_CONSISTENT
    lock_inconsistent = false;
#endif

operate:
    atomic {
      assert(!torn);
      if
      :: op == PUT ->
         if
         :: UNREACHABLE(RECIPIENT(letter)) -> goto recipient_gone
         :: !UNREACHABLE(RECIPIENT(letter)) && live >= CAPACITY -> goto wait
         :: else
         fi;
         at = 0; /* acquire() */
         do :: slot[at].state != FREE -> at++ :: else -> break od;
         live++;
         slot[at].letter = letter;
         if :: IS_LARGE(letter) -> goto write :: else -> goto publish fi
      :: op == PUBLISH -> goto publish
      :: op == JOIN -> if :: live > 0 -> goto wait :: else -> goto sent fi
      :: op == TAKE ->
         at = 0;
         do :: at < readies && !ACCEPTS(me, slot[ready[at]].letter) -> at++ :: else -> break od;
         if :: at == readies -> at = 0; goto wait :: else fi;
         at = ready[at];
         goto claim
      :: op == FINISH -> assert(LEASE_STANDS); goto finish       /* nobody ends a lease but its living holder */
      :: op == GIVE_BACK -> assert(LEASE_STANDS); goto give_back
      :: op == SETTLE_TWICE ->
         assert(!OLD_LEASE_STANDS); /* stale; else it would end another lease */
         old_slot = SLOTS + 1; old_generation = 0; old_attempt = 0;
         op = FINISH;
         goto leave
      fi
    };

write: /* put() of a large body: the copy is made outside the lock */
    COMMIT(at, WRITING, me, 0);
    atomic { unlock(); op = PUBLISH; goto enter };

publish:
    WAKE_FOR_MAIL(slot[at].ticket = next_ticket; next_ticket++; insert_ready(at), MAIL_OF_MINE, RECIPIENT(letter), COMMIT(at, READY, 0, 1));
    atomic { acknowledged[letter] = true; at = 0; goto sent };

claim:
    atomic {
      assert(slot[at].state == READY); /* else: damaged() */
      k = 0;
      do /* the oldest match of all there are, whatever the list says */
      :: k < SLOTS -> assert(slot[k].state != READY || !ACCEPTS(me, slot[k].letter) || slot[k].ticket >= slot[at].ticket); k++
      :: else -> break
      od;
      k = 0;
      assert(!done[slot[at].letter]);
      assert(slot[at].attempt == 1 + holders_died[slot[at].letter]); /* each holder's death is counted, and once */
      unlink_ready(at);
      COMMIT(at, CLAIMED, me, slot[at].attempt);
      remember_lease();
      k = 0;
      do :: k < readies && RECIPIENT(slot[ready[k]].letter) != ANYONE -> k++ :: else -> break od;
      was_rung = was_rung && RECIPIENT(slot[at].letter) != ANYONE && k < readies;
      k = 0
    };
    if :: was_rung -> WAKE(was_rung = false, MAIL_OF_MINE, ANYONE, skip) :: else fi; /* pass_offers_on() */
    atomic { /* the user works on it, outside the lock */
      unlock();
      if
      :: op = FINISH
      :: give_backs < GIVE_BACKS -> give_backs++; op = GIVE_BACK
      :: old_slot < SLOTS -> op = SETTLE_TWICE
      fi;
      goto enter
    };

finish:
    FREE_SLOT(at, true);
    atomic { settled(); goto leave };
give_back:
    back_to_its_place(at, slot[at].attempt);
    atomic { settled(); goto leave };

recipient_gone: /* whoever was woken for room and does not use it passes it on */
    if :: was_rung && live < CAPACITY -> WAKE(was_rung = false, ROOM, ANYONE, skip) :: else fi;
sent:
    atomic {
      was_rung = false;
      if
#ifdef ONE_EACH
      :: letter == 0 && op != JOIN -> op = JOIN
#else
      :: letter == 0 && op != JOIN -> letter = 1; op = PUT
#endif
      :: letter == 1 -> letter = 0; op = JOIN
      :: else -> letter = 0; op = NOTHING; at_rest[me] = true
      fi
    };
leave:
    atomic { unlock(); goto enter };

wait: /* put(), take_if(), join(): if (look_is_due() && bury_the_dead()) continue; then sleep() */
    if
    :: look_due ->
       bury_the_dead();
       if :: changed -> changed = false; goto operate :: else fi
    :: else
    fi;
    atomic {
      waiting[me] = (op == PUT -> ROOM : (op == JOIN -> END_OF_WORK : MAIL_OF_MINE));
      rung[me] = false; /* the bell is read */
#ifdef WATCH
      watch_neighbours()
#endif
    };
    atomic { slept = true; changed = look_due; unlock() }; /* changed: the deadline is now */
#ifdef BELL_READ_AFTER_UNLOCK
    rung[me] = false;
#endif
    atomic { /* futex_waitv: the kernel compares and puts to sleep in one */
      k = 0;
      do :: k < N -> if :: WATCHES(me, k) && life[k] != k -> heard_death[me] = true :: else fi; k++ :: else -> break od;
      k = 0;
      if :: rung[me] -> heard_death[me] = true :: else fi; /* EAGAIN, for whatever reason */
      asleep[me] = !heard_death[me] && !changed;
      changed = false;
      goto enter
    }
  } unless {
    atomic { /* the kernel lets go of the life lock, the last in the dead one's list, and wakes one who waits on it */
      dead[me] ->
      life[me] = DIED;
      op = 0; letter = 0; at = 0; w = 0; i = 0; s = 0; k = 0; n = 0; j = 0; oldest = 0; changed = false; slept = false; was_rung = false;
      lease_generation = 0; lease_attempt = 0; old_slot = 0; old_generation = 0; old_attempt = 0; give_backs = 0;
      rung[me] = false; asleep[me] = false; watched[me] = 0; heard_death[me] = false;
      wake_one_watcher(me)
    }
  }
}

/* SIGKILL, and what the kernel does at once: the locks taken last are let go first. */
inline kill(v) {
  atomic {
    deaths < DEATHS && !dead[v] ->
    deaths++;
    dead[v] = true;
    d_step {
      k = 0;
      do
      :: k < SLOTS -> if :: slot[k].state == CLAIMED && slot[k].owner == v -> holders_died[slot[k].letter]++ :: else fi; k++
      :: else -> break
      od;
      k = 0
    }
    if :: lock_owner == v -> lock_owner = NOBODY; lock_died = true; lock_inconsistent = false; torn = true :: else fi;
    if /* a life lock taken for a burial dies again */
    :: life[0] == v && v != 0 -> life[0] = DIED; wake_one_watcher(0)
    :: life[1] == v && v != 1 -> life[1] = DIED; wake_one_watcher(1)
    :: life[2] == v && v != 2 -> life[2] = DIED; wake_one_watcher(2)
    :: life[3] == v && v != 3 -> life[3] = DIED; wake_one_watcher(3)
    :: else
    fi
  }
}

init {
  byte k, n, j;
  atomic {
    do :: k < N -> life[k] = k; attached[k] = true; k++ :: else -> break od;
    k = 0;
    run participant(0); run participant(1); run participant(2); run participant(3)
  }
  do
  :: kill(0)
  :: kill(1)
  :: kill(2)
  :: kill(3)
  :: timeout -> break
  od;
  atomic { /* nobody can do anything any more: so nobody may have reason to */
    check_letters();
    k = 0;
    do
    :: k < N ->
       if
       :: !dead[k] ->
          assert(asleep[k] || at_rest[k]); /* blocked for ever at the lock */
          j = 0; n = 0;
          do
          :: j < SLOTS ->
             assert(k < R0 || slot[j].state != READY || !ACCEPTS(k, slot[j].letter)); /* a lost wake-up: its letter is READY and it sleeps */
             if :: slot[j].state == WRITING || slot[j].state == READY || slot[j].state == CLAIMED -> n++ :: else fi;
             j++
          :: else -> break
          od;
          assert(at_rest[k] || waiting[k] != ROOM || n == CAPACITY);  /* a sender sleeps and there is room */
          assert(at_rest[k] || waiting[k] != END_OF_WORK || n > 0);   /* a joiner sleeps and all is done */
#ifdef WATCH
          j = 0;
          do :: j < N -> assert(at_rest[k] || !dead[j] || !attached[j]); j++ :: else -> break od /* a death has gone unseen */
#endif
       :: else
       fi;
       k++
    :: else -> break
    od
  }
}
