/* shm_deque under death at any step, as policies/mulproc/shared_memory/{deque_store,participants,robust_mutex}.hpp do it.
 *
 * Two senders and two receivers over one queue; anybody may be killed before each of his steps, the one who cleans up too.
 * The look every 100 ms is OFF: whoever sleeps is woken by somebody, or sleeps for ever and is found by the watch below.
 *
 * What one step is: one store to what another may read after a death (a slot's word, a bell, a waiting byte, a lock), with all
 * that its process reads and writes of its own, or under the lock, before the next such store: to be killed in between is the
 * same as to be killed before or after. What the code calls derived (the READY list, the counts) changes with the step beside it,
 * and is torn as a whole when somebody dies inside the lock: to read it before rebuild() fails an assertion. That is worse than
 * any half-written list.
 *
 * So that two moments which nothing can tell apart are one state: what means nothing any more is set to 0 where it ends to mean
 * something (the private data of the dead, a bell nobody will compare, tickets but for their order).
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
#define IDLE 9 /* of what walks over the participants: not at it */
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

/* The kernel. A bell is a counter; all that is ever asked is whether it rang between its sleeper's reading it and the kernel's. */
#define UNREAD 0
#define READ 1
#define RANG 2
byte bell[N];
bool asleep[N], dead[N];
byte watched[N];     /* a bit for each participant whose life lock the sleeper watches */
bool heard_death[N]; /* it was a life lock that woke it, or EAGAIN */
byte deaths;
byte victim = NOBODY; /* is just being killed: nobody else moves until its private data are gone */

/* What the watch remembers; no participant reads it. */
#define ACKNOWLEDGED 1
#define GONE 2 /* done, or dropped to make room */
byte fate[LETTERS];
byte holders_died[LETTERS];
bool at_rest[N];

/* Counters of loops within one step. */
hidden byte k, n, j;

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
     assert(fate[k] != GONE || n == 0);                                            /* what is done is gone */
     assert(fate[k] != ACKNOWLEDGED || n == 1);                                    /* acknowledged is never lost */
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
inline rank_tickets() { /* only their order means anything */
  d_step {
    n = 0; next_ticket = 1;
    do /* the one-th smallest is one */
    :: n < SLOTS ->
       j = SLOTS; k = 0;
       do
       :: k < SLOTS ->
          if :: slot[k].ticket >= next_ticket && (j == SLOTS || slot[k].ticket < slot[j % SLOTS].ticket) -> j = k :: else fi;
          k++
       :: else -> break
       od;
       if :: j < SLOTS -> slot[j].ticket = next_ticket; next_ticket++ :: else fi;
       n++
    :: else -> break
    od;
    n = 0; k = 0; j = 0
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
       if :: slot[n].state < READY -> slot[n].ticket = 0 :: else fi; /* begun, and never published: will be written again */
       if :: slot[n].state == FREE -> slot[n].letter = 0 :: else fi;
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
  rank_tickets()
}
#if defined(COUNTS_NOT_REBUILT) || defined(LISTS_NOT_REBUILT)
#define TEAR torn = true
#else
#define TEAR torn = true; readies = 0; live = 0; letters_dead = 0; k = 0; do :: k < SLOTS -> ready[k] = 0; k++ :: else -> break od; k = 0
#endif

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
#define RING(who) if :: bell[who] == READ -> bell[who] = RANG :: else fi                     /* bell.fetch_add */
#define END_SLEEP(who) if :: asleep[who] -> asleep[who] = false; watched[who] = 0 :: else fi /* futex_wake_all */
/* `before` and `after` are one step with the look for sleepers that they belong to; `after` ends with a goto or a break. */
#define WAKE(before, reasons, whom, after)                                                   \
  do                                                                                         \
  :: atomic {                                                                                \
       w == IDLE -> before; w = 0; FIND_SLEEPER(reasons, whom); ANY_OF_THEM(reasons, whom);  \
       if :: w == N -> w = IDLE; after :: else fi                                            \
     }                                                                                       \
  :: atomic { w < N -> RING(w) };                                                            \
     d_step { END_SLEEP(w) };                                                                \
     atomic { NEXT_SLEEPER(reasons, whom) }                                                  \
  :: atomic { w == N -> w = IDLE; after }                                                    \
  od

/* ---- The queue, under the lock ------------------------------------------------------------------------------------------- */

/* COMMIT(): one aligned store. The owner means something only while the slot is written or claimed. */
#define COMMIT(s, a_state, an_owner, an_attempt) slot[s].state = a_state; slot[s].owner = an_owner; slot[s].attempt = an_attempt
#define COMMIT_FREE(s, is_gone)                                                                          \
  if :: is_gone -> fate[slot[s].letter] = GONE; holders_died[slot[s].letter] = 0 :: else fi;             \
  COMMIT(s, FREE, 0, 0);                                                                                 \
  slot[s].ticket = 0; slot[s].letter = 0;                                                                \
  rank_tickets()
#define ROOM_AND_PERHAPS_END (live == 0 -> (ROOM | END_OF_WORK) : ROOM)

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

/* bury_the_dead(): look_for_deaths() with give_back_all_of() for each, then the letters that wait for the dead. While i < N, i is
 * being buried; i == N: all are, and it is the letters' turn. The inlines say which of the labels is next. */
#ifdef SLOW_IS_DEAD
#define LOOKS_DEAD(who) ((who) != me && attached[who])
#else
#define LOOKS_DEAD(who) ((who) != me && attached[who] && life[who] == DIED)
#endif
#define HOLDS(who, s) (slot[s].owner == (who) && (slot[s].state == WRITING || slot[s].state == CLAIMED))
#define UNREACHABLE(who) ((who) != ANYONE && !attached[who] && dead[who])
#ifdef DETACHED_BEFORE_GIVEN_BACK
#define DETACH_FIRST attached[i] = false
#else
#define DETACH_FIRST skip
#endif
inline go_on_to_bury_letter() {
  if
  :: letters_dead >= RESERVE -> find_oldest_dead_letter(); goto drop_oldest
  :: else -> goto bury_letter
  fi
}
inline go_on_with_letters_of_the_dead() {
#ifdef ADDRESSED
  do :: s < readies && !UNREACHABLE(RECIPIENT(slot[ready[s]].letter)) -> s++ :: else -> break od;
  if
  :: s < readies -> s = ready[s]; changed = true; unlink_ready(s); go_on_to_bury_letter()
  :: else -> s = 0
  fi;
#endif
  i = IDLE;
  look_due = false;
  if
  :: changed || lock_inconsistent -> goto wake_everybody
  :: else -> goto fall_asleep
  fi
}
inline go_on_with_the_dead() {
  do :: i < N && !LOOKS_DEAD(i) -> i++ :: else -> break od;
  if
  :: i < N -> goto take_life_lock
  :: else -> go_on_with_letters_of_the_dead()
  fi
}
inline begin_with_the_dead() { i = 0; changed = false; go_on_with_the_dead() }
inline go_on_giving_back() {
  s = 0;
  do :: s < SLOTS && !HOLDS(i, s) -> s++ :: else -> break od;
  if
  :: s == SLOTS -> s = 0; goto detach
  :: s < SLOTS && slot[s].state == WRITING -> goto free_slot
  :: else ->
     if
     :: RECIPIENT(slot[s].letter) == i || slot[s].attempt == MAX_ATTEMPTS -> go_on_to_bury_letter()
     :: else -> goto put_back
     fi
  fi
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
inline stop_watching(whom) { /* its life lock will not be let go again */
  k = 0;
  do :: k < N -> watched[k] = watched[k] & ~(1 << (whom)); k++ :: else -> break od;
  k = 0
}
#define HEAR(who) END_SLEEP(who); heard_death[who] = true
inline wake_one_watcher(whom) {
  if
  :: asleep[0] && WATCHES(0, whom) -> HEAR(0)
  :: asleep[1] && WATCHES(1, whom) -> HEAR(1)
  :: asleep[2] && WATCHES(2, whom) -> HEAR(2)
  :: asleep[3] && WATCHES(3, whom) -> HEAR(3)
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
  at = 0; s = 0; lease_generation = 0; lease_attempt = 0;
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

/* Is it kept that somebody ended a sleep of this call? Only where it decides something: he may have to pass the wake on. */
#ifdef ADDRESSED
#define MAY_PASS_ON (me >= R0 || (op == PUT && RECIPIENT(letter) != ANYONE))
#else
#define MAY_PASS_ON false
#endif

proctype participant(byte me, op, letter) provided (victim == NOBODY || victim + 1 == _pid) {
  byte at, s, oldest;      /* slots; 0 but where they are used */
  byte w = IDLE, i = IDLE; /* whom it wakes, whom it buries */
  bool changed, slept, was_rung;
  byte lease_generation, lease_attempt, old_slot = SLOTS, old_generation, old_attempt, give_backs;
  {
    goto enter;
enter: /* RobustMutex::lock_until; then the end of Participants::sleep, or settle() */
    atomic {
      LOCK_IS_FREE && !asleep[me] && op != NOTHING ->
      lock_owner = me;
      if
      :: !lock_died ->
         if
         :: slept ->
            was_rung = MAY_PASS_ON && (was_rung || waiting[me] == AWAKE);
            waiting[me] = AWAKE;
            look_due = look_due || heard_death[me]
         :: else
         fi;
         slept = false; heard_death[me] = false
      :: else ->
         lock_died = false; lock_inconsistent = true;
         was_rung = MAY_PASS_ON && (was_rung || slept);
         slept = false; heard_death[me] = false;
         rebuild();
         begin_with_the_dead()
      fi;

operate:
      assert(!torn);
      if
      :: op == PUT ->
         if
         :: UNREACHABLE(RECIPIENT(letter)) ->
#ifdef ADDRESSED
            if :: was_rung && live < CAPACITY -> goto pass_room_on :: else -> goto sent fi
#else
            assert(false)
#endif
         :: !UNREACHABLE(RECIPIENT(letter)) && live < CAPACITY ->
            at = 0; /* acquire() */
            do :: slot[at].state != FREE -> at++ :: else -> break od;
            live++;
            slot[at].letter = letter;
            if :: IS_LARGE(letter) -> goto write :: else -> goto publish fi
         :: else
         fi
      :: op == PUBLISH -> goto publish
      :: op == JOIN -> if :: live == 0 -> goto sent :: else fi
      :: op == TAKE ->
         do :: at < readies && !ACCEPTS(me, slot[ready[at]].letter) -> at++ :: else -> break od;
         if :: at < readies -> at = ready[at]; goto claim :: else -> at = 0 fi
      :: op == FINISH -> assert(LEASE_STANDS); s = at; goto free_slot     /* nobody ends a lease but its living holder */
      :: op == GIVE_BACK -> assert(LEASE_STANDS); s = at; goto put_back
      :: op == SETTLE_TWICE ->
         assert(!OLD_LEASE_STANDS); /* stale; else it would end another lease */
         old_slot = SLOTS + 1; old_generation = 0; old_attempt = 0;
         op = FINISH;
         goto leave
      fi;
      /* put(), take_if(), join(): if (look_is_due() && bury_the_dead()) continue; then sleep() */
      if :: look_due -> begin_with_the_dead() :: else -> goto fall_asleep fi
    };

write: /* put() of a large body: the copy is made outside the lock */
    atomic { COMMIT(at, WRITING, me, 0) };
    atomic { op = PUBLISH; goto leave };

publish:
    WAKE(slot[at].ticket = next_ticket; next_ticket++; insert_ready(at), MAIL_OF_MINE, RECIPIENT(letter),
      COMMIT(at, READY, 0, 1); fate[letter] = ACKNOWLEDGED; at = 0; goto sent);

claim:
    atomic {
      assert(slot[at].state == READY); /* else: damaged() */
      k = 0;
      do /* the oldest match of all there are, whatever the list says */
      :: k < SLOTS -> assert(slot[k].state != READY || !ACCEPTS(me, slot[k].letter) || slot[k].ticket >= slot[at].ticket); k++
      :: else -> break
      od;
      k = 0;
      assert(fate[slot[at].letter] != GONE);
      assert(slot[at].attempt == 1 + holders_died[slot[at].letter]); /* each holder's death is counted, and once */
      unlink_ready(at);
      COMMIT(at, CLAIMED, me, slot[at].attempt);
      remember_lease();
      do :: k < readies && RECIPIENT(slot[ready[k]].letter) != ANYONE -> k++ :: else -> break od;
      was_rung = was_rung && RECIPIENT(slot[at].letter) != ANYONE && k < readies;
      k = 0;
      if :: was_rung -> was_rung = false :: else -> goto work fi
    };
    WAKE(skip, MAIL_OF_MINE, ANYONE, break); /* pass_offers_on() */
work: /* the user's, outside the lock */
    atomic {
      if
      :: op = FINISH
      :: give_backs < GIVE_BACKS -> give_backs++; op = GIVE_BACK
      :: old_slot < SLOTS -> op = SETTLE_TWICE
      fi;
      goto leave
    };

free_slot: /* of finish(), and of a dead writer */
    WAKE(assert(!torn); live--, ROOM_AND_PERHAPS_END, ANYONE,
      COMMIT_FREE(s, i == IDLE); if :: i == IDLE -> settled(); goto leave :: else -> go_on_giving_back() fi);

#define NEW_ATTEMPT (slot[s].attempt + (i == IDLE -> 0 : 1))
#define PUT_BACK if :: i == IDLE -> settled(); goto leave :: else -> go_on_giving_back() fi
put_back:
#ifdef ATTEMPT_BY_A_STORE_OF_ITS_OWN
    WAKE(insert_ready(s), MAIL_OF_MINE, RECIPIENT(slot[s].letter), slot[s].attempt = NEW_ATTEMPT; break);
    atomic { COMMIT(s, READY, 0, slot[s].attempt); PUT_BACK };
#else
    WAKE(insert_ready(s), MAIL_OF_MINE, RECIPIENT(slot[s].letter), COMMIT(s, READY, 0, NEW_ATTEMPT); PUT_BACK);
#endif

take_life_lock:
    atomic { life[i] = me; DETACH_FIRST; go_on_giving_back() };
drop_oldest:
    WAKE(letters_dead--, ROOM_AND_PERHAPS_END, ANYONE, COMMIT_FREE(oldest, true); oldest = 0; break);
bury_letter: /* its attempt is read by nobody any more */
    WAKE(live--; letters_dead++, ROOM_AND_PERHAPS_END, ANYONE,
      COMMIT(s, DEAD_LETTER, 0, 0); holders_died[slot[s].letter] = 0;
      if :: i < N -> go_on_giving_back() :: else -> s = 0; go_on_with_letters_of_the_dead() fi);
detach:
    atomic { attached[i] = false };
    /* Killed here: the life lock dies with us; whom it was of is attached no more, and holds nothing. */
    atomic { waiting[i] = AWAKE; life[i] = NOBODY; stop_watching(i); changed = true; go_on_with_the_dead() };

wake_everybody:
#ifdef NEVER_CONSISTENT
    WAKE(skip, EVERYTHING, ANYONE, changed = false; goto operate);
#else
    WAKE(skip, EVERYTHING, ANYONE, changed = false; lock_inconsistent = false; goto operate);
#endif

#ifdef ADDRESSED
pass_room_on: /* whoever was woken for room and does not use it passes it on */
    WAKE(skip, ROOM, ANYONE, break);
#endif
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

fall_asleep:
    atomic {
      waiting[me] = (op == PUT -> ROOM : (op == JOIN -> END_OF_WORK : MAIL_OF_MINE));
      bell[me] = READ;
#ifdef WATCH
      watch_neighbours()
#endif
    };
    atomic { slept = true; changed = look_due; unlock() }; /* changed: the deadline is now */
#ifdef BELL_READ_AFTER_UNLOCK
    bell[me] = READ;
#endif
    atomic { /* futex_waitv: the kernel compares and puts to sleep in one */
      do :: k < N -> if :: WATCHES(me, k) && life[k] != k -> heard_death[me] = true :: else fi; k++ :: else -> break od;
      k = 0;
      heard_death[me] = heard_death[me] || bell[me] == RANG; /* EAGAIN, for whatever reason */
      bell[me] = UNREAD;
      asleep[me] = !heard_death[me] && !changed;
      if :: asleep[me] :: else -> watched[me] = 0 fi;
      changed = false;
      goto enter
    }
  } unless {
    atomic {
      victim == me ->
      op = NOTHING; letter = 0; at = 0; s = 0; oldest = 0; w = IDLE; i = IDLE; changed = false; slept = false; was_rung = false;
      lease_generation = 0; lease_attempt = 0; old_slot = 0; old_generation = 0; old_attempt = 0; give_backs = 0;
      victim = NOBODY
    };
    /* Until here a wake may be wasted on it: who is killed in his sleep still waits in the kernel's queue, until he is run. Then his
     * life lock is let go, the last of all. */
    atomic { asleep[me] = false; watched[me] = 0; heard_death[me] = false; life[me] = DIED; wake_one_watcher(me) };
    false
  }
}

/* SIGKILL, and what the kernel does at once: the locks taken last are let go first. */
inline kill(v) {
  atomic {
    deaths < DEATHS && !dead[v] && victim == NOBODY ->
    deaths++;
    dead[v] = true;
    victim = v;
    d_step {
      at_rest[v] = false; bell[v] = UNREAD; heard_death[v] = false;
      do
      :: k < SLOTS -> if :: slot[k].state == CLAIMED && slot[k].owner == v -> holders_died[slot[k].letter]++ :: else fi; k++
      :: else -> break
      od;
      k = 0;
      if :: lock_owner == v -> lock_owner = NOBODY; lock_died = true; lock_inconsistent = false; TEAR :: else fi
    };
    if /* a life lock taken for a burial dies again */
    :: life[0] == v && v != 0 -> life[0] = DIED; wake_one_watcher(0)
    :: life[1] == v && v != 1 -> life[1] = DIED; wake_one_watcher(1)
    :: life[2] == v && v != 2 -> life[2] = DIED; wake_one_watcher(2)
    :: life[3] == v && v != 3 -> life[3] = DIED; wake_one_watcher(3)
    :: else
    fi
  }
}

/* Nobody can do anything any more: so nobody may have reason to. */
inline check_the_end() {
  d_step {
    check_letters();
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
    od;
    k = 0; n = 0; j = 0
  }
}
#define STILL(who) (dead[who] -> life[who] != (who) : asleep[who] || at_rest[who])

init {
  atomic {
    do :: k < N -> life[k] = k; attached[k] = true; k++ :: else -> break od;
    k = 0;
    run participant(0, PUT, 0); run participant(1, PUT, 2); run participant(2, TAKE, 0); run participant(3, TAKE, 0)
  }
  do
  :: kill(0)
  :: kill(1)
  :: kill(2)
  :: kill(3)
  :: atomic { deaths < DEATHS && lock_owner == NOBODY && STILL(0) && STILL(1) && STILL(2) && STILL(3) -> check_the_end() }
  :: timeout -> break
  od;
  check_the_end()
}
