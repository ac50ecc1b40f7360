/* shm_lanes' open ring under death at any step: one sender, competing claimers, no lock on the way of a message.
 *
 * What one step is: one load, one store or one compare-and-swap of shared memory, or one system call. Stores go through a
 * store buffer of one entry for each participant (x86-TSO): others see them when it drains, at any later time; the one who
 * stored sees them at once. A compare-and-swap, a fence and a system call drain it first. A death drains it too: what was
 * stored before the kill reaches memory before the kernel lets go of the life lock.
 *
 * The protocol (the class and the functions are to be policies/mulproc/shared_memory/lane*.hpp's):
 *   send       writes a FREE slot and publishes it by one store of its word; then looks for sleepers. No read-modify-write.
 *   receive    looks at all slots for the smallest READY sequence, and once more: a smaller one that was published before
 *              must have become visible meanwhile. Then claims by compare-and-swap of the whole word.
 *   done       stores FREE; then looks whether the sender sleeps for room.
 *   sleep      stores its flag, reads its bell, barrier, looks again, futex_wait(bell).
 *   recover    under the robust admin lock: takes the dead one's life lock; each slot the dead one claimed becomes READY with
 *              attempt + 1, or a dead letter, by one store; wakes; detaches the dead one.
 *
 * The barrier is membarrier(): all running participants fence at that moment, and a sender has none of its own. With
 * -DFENCES the waker has a fence between its store and its look, and the sleeper fences itself alone.
 *
 * Here commit precedes wake: who dies between the two leaves the sleepers to their look every 100 ms. So that look is on as
 * soon as somebody died, and OFF while nobody has: without deaths no wake-up may be lost.
 *
 * Left out: addressed lanes (one writer, one reader: a part of this), bodies, predicates, attach, closed, deadlines.
 *
 * Choices, each with -D (check.sh lists the runs):
 *   DEATHS=n     how many may be killed
 *   RECEIVERS=n  how many compete (2 or 3)
 *   HINTS        a receiver looks at the lane only when the sender has set its hint byte for it
 *   FENCES       see above
 *   JOINER       somebody else joins meanwhile
 *   GIVE_BACKS=n how many times each receiver may give a lease back
 * and one mutant at a time; each is named where it changes something.
 */
#ifndef DEATHS
#define DEATHS 2
#endif
#ifndef GIVE_BACKS
#define GIVE_BACKS 0
#endif
#ifndef RECEIVERS
#define RECEIVERS 2
#endif
#ifndef LETTERS
#define LETTERS 3
#endif

#define SENDER 0
#define N (1 + RECEIVERS)
#define SLOTS 2 /* the capacity: fewer than letters, so that slots are used again and the sender waits for room */
#ifndef MAX_ATTEMPTS
#define MAX_ATTEMPTS 2
#endif
#define NOBODY 7
#define DIED 6

#define FREE 0
#define READY 1
#define CLAIMED 2
#define DEAD_LETTER 3

typedef Word { byte state, owner, attempt, sequence }; /* one aligned 8-byte word: loaded, stored and swapped as a whole */
Word slot[SLOTS];

bool sleeps[N];    /* a byte for each: the sleeper's flag */
bool hint[N];      /* a byte for each receiver, of this one sender */

/* The store buffers: one pending store of each participant. */
#define NONE 0
#define OF_WORD 1
#define OF_FLAG 2
#define OF_HINT 3
typedef Store { byte kind, at, state, owner, attempt, sequence };
Store buffer[N];

/* The robust admin lock, and the life locks, each held by its participant, by who buries it, by nobody, or DIED. */
byte admin = NOBODY;
byte life[N];
bool attached[N];

/* The kernel. A bell is a counter; all that is ever asked is whether it rang since its sleeper read it. */
bool rung[N], asleep[N], dead[N], looked_in_vain[N];
byte deaths;

/* What the watch remembers; no participant reads it. Letters are numbered by their sequence, from 1. */
bool acknowledged[LETTERS + 1], done[LETTERS + 1], was_claimed[LETTERS + 1], at_rest[N];
byte holder[LETTERS + 1], holders_died[LETTERS + 1];
#ifdef JOINER
bool was_idle; /* since the join began there was a moment with nothing queued and nothing held */
bool joined;
#endif

/* ---- Memory -------------------------------------------------------------------------------------------------------------- */

#define IS_IDLE ((slot[0].state == FREE || slot[0].state == DEAD_LETTER) && (slot[1].state == FREE || slot[1].state == DEAD_LETTER))
#ifdef JOINER
#define NOTE_IDLE if :: IS_IDLE -> was_idle = true :: else fi
#else
#define NOTE_IDLE skip
#endif
#define SET_WORD(s, a_state, an_owner, an_attempt, a_sequence) \
  slot[s].state = a_state; slot[s].owner = an_owner; slot[s].attempt = an_attempt; slot[s].sequence = a_sequence; NOTE_IDLE
#define DRAIN(p)                                                                                                                \
  if                                                                                                                            \
  :: buffer[p].kind == OF_WORD ->                                                                                               \
     SET_WORD(buffer[p].at, buffer[p].state, buffer[p].owner, buffer[p].attempt, buffer[p].sequence)                            \
  :: buffer[p].kind == OF_FLAG -> sleeps[p] = buffer[p].state                                                                   \
  :: buffer[p].kind == OF_HINT -> hint[buffer[p].at] = buffer[p].state                                                          \
  :: else                                                                                                                       \
  fi;                                                                                                                           \
  buffer[p].kind = NONE; buffer[p].at = 0; buffer[p].state = 0; buffer[p].owner = 0; buffer[p].attempt = 0; buffer[p].sequence = 0
#define STORE_WORD(s, a_state, an_owner, an_attempt, a_sequence)                                                                \
  DRAIN(me);                                                                                                                    \
  buffer[me].kind = OF_WORD; buffer[me].at = s; buffer[me].state = a_state; buffer[me].owner = an_owner;                        \
  buffer[me].attempt = an_attempt; buffer[me].sequence = a_sequence
#define STORE_BYTE(a_kind, i, value) DRAIN(me); buffer[me].kind = a_kind; buffer[me].at = i; buffer[me].state = value
/* A participant's own pending store is what it reads. */
#define IN_MY_BUFFER(s) (buffer[me].kind == OF_WORD && buffer[me].at == (s))
#define STATE_OF(s) (IN_MY_BUFFER(s) -> buffer[me].state : slot[s].state)
#define SEQUENCE_OF(s) (IN_MY_BUFFER(s) -> buffer[me].sequence : slot[s].sequence)
#define ATTEMPT_OF(s) (IN_MY_BUFFER(s) -> buffer[me].attempt : slot[s].attempt)

#define DRAIN_ALL k = 0; do :: k < N -> DRAIN(k); k++ :: else -> k = 0; break od
#ifdef NO_BARRIER
#define SLEEPERS_BARRIER skip
#else
#ifdef FENCES
#define SLEEPERS_BARRIER DRAIN(me)
#else
#define SLEEPERS_BARRIER DRAIN_ALL
#endif
#endif
#ifdef NO_FENCE_BY_THE_WAKER
#undef SLEEPERS_BARRIER
#define SLEEPERS_BARRIER DRAIN(me)
#endif

/* Looks at the flag of each sleeper from w on; bell.fetch_add and futex_wake_all for who sleeps. */
#ifdef FENCES
#define WAKERS_FENCE atomic { DRAIN(me) }
#else
#define WAKERS_FENCE
#endif
#define NEXT_FLAG(last) w++; if :: w >= (last) -> w = 0; break :: else fi
#define WAKE(last)                                        \
  do                                                      \
  :: atomic { sleeps[w] -> DRAIN(me); rung[w] = true };   \
     atomic { asleep[w] = false; NEXT_FLAG(last) }        \
  :: atomic { !sleeps[w] -> NEXT_FLAG(last) }             \
  od

/* ---- Recovery ------------------------------------------------------------------------------------------------------------ */

#ifdef SLOW_IS_DEAD
#define LOOKS_DEAD(who) ((who) != me && attached[who])
#else
#define LOOKS_DEAD(who) ((who) != me && attached[who] && life[who] == DIED)
#endif
#ifdef DETACHED_BEFORE_GIVEN_BACK
#define DETACH_FIRST attached[i] = false
#else
#define DETACH_FIRST skip
#endif
#ifdef NO_ATTEMPT_COUNTED
#define ONE_MORE 0
#else
#define ONE_MORE 1
#endif
#define FIND_DEAD do :: i < N && !LOOKS_DEAD(i) -> i++ :: else -> break od
#define FIND_HELD s = 0; do :: s < SLOTS && !(slot[s].state == CLAIMED && slot[s].owner == i) -> s++ :: else -> break od
inline recover() {
  atomic { admin == NOBODY -> DRAIN(me); admin = me; i = 0; FIND_DEAD };
  do
  :: atomic { i < N -> life[i] = me; DETACH_FIRST; FIND_HELD };
     do
     :: s < SLOTS ->
#ifdef ATTEMPT_BY_A_STORE_OF_ITS_OWN
        slot[s].attempt++;
        SET_WORD(s, READY, 0, slot[s].attempt, slot[s].sequence);
#else
        atomic {
          if
          :: slot[s].attempt + ONE_MORE > MAX_ATTEMPTS -> SET_WORD(s, DEAD_LETTER, 0, slot[s].attempt, slot[s].sequence)
          :: else -> SET_WORD(s, READY, 0, slot[s].attempt + ONE_MORE, slot[s].sequence)
          fi
        };
#endif
        atomic { FIND_HELD }
     :: atomic { s >= SLOTS -> s = 0; break }
     od;
     atomic { k = 0; do :: k < N -> hint[k] = true; k++ :: else -> k = 0; break od; w = 1 };
     WAKE(N);
     attached[i] = false;
     atomic { life[i] = NOBODY; FIND_DEAD } /* killed before: the life lock dies with us */
  :: atomic { i >= N -> i = 0; break }
  od;
  admin = NOBODY
}

/* ---- Sleep --------------------------------------------------------------------------------------------------------------- */

#define UNBURIED (deaths > 0 && ((dead[0] && attached[0]) || (dead[1] && attached[1]) || (dead[2 % N] && attached[2 % N]) || (dead[3 % N] && attached[3 % N])))
/* The look every 100 ms: at any time while a death is unseen; else when nobody can do anything more, once. */
#define THE_LOOK_IS_DUE (UNBURIED || (deaths > 0 && timeout && !looked_in_vain[me]))
#define NEW_LOOKS d_step { k = 0; do :: k < N -> looked_in_vain[k] = false; k++ :: else -> k = 0; break od }

/* `found` is asked of each s below `last`. */
/* `found` is asked of each s. A flag's clearing is seen at once: seen late it would cost a needless ring. */
#define SLEEP_UNLESS(found, out)                                                                                 \
  atomic { FLAG_BEFORE; BELL_BEFORE };                                                                           \
  atomic { SLEEPERS_BARRIER; s = 0 };                                                                            \
  do                                                                                                             \
  :: atomic {                                                                                                    \
       if                                                                                                        \
       :: (found) -> s = 0; DRAIN(me); sleeps[me] = false; goto out                                              \
       :: else -> s++; if :: s >= SLOTS -> s = 0; break :: else fi                                               \
       fi                                                                                                        \
     }                                                                                                           \
  od;                                                                                                            \
  FLAG_AFTER;                                                                                                    \
  BELL_AFTER;                                                                                                    \
  atomic { DRAIN(me); if :: rung[me] -> rung[me] = false; sleeps[me] = false; goto out :: else -> asleep[me] = true fi }; /* futex_wait */ \
  atomic {                                                                                                       \
    !asleep[me] || THE_LOOK_IS_DUE ->                                                                            \
    rung[me] = false; sleeps[me] = false;                                                                        \
    if :: asleep[me] -> looked_in_vain[me] = true; asleep[me] = false :: else -> goto out fi                     \
  };                                                                                                             \
  recover();                                                                                                     \
  LOOK_WITHOUT_A_HINT;                                                                                           \
  goto out
#ifdef FLAG_AFTER_THE_LOOK
#define FLAG_BEFORE skip
#define FLAG_AFTER atomic { STORE_BYTE(OF_FLAG, me, true); DRAIN_ALL }
#else
#define FLAG_BEFORE atomic { STORE_BYTE(OF_FLAG, me, true) }
#define FLAG_AFTER skip
#endif
#ifdef BELL_READ_AFTER_THE_LOOK
#define BELL_BEFORE skip
#define BELL_AFTER rung[me] = false
#else
#define BELL_BEFORE rung[me] = false
#define BELL_AFTER skip
#endif

#define LOOK_WITHOUT_A_HINT skip

/* ---- The sender ---------------------------------------------------------------------------------------------------------- */

#ifdef USES_WHAT_IS_NOT_FREE
#define MAY_BE_WRITTEN(s) true
#else
#define MAY_BE_WRITTEN(s) (STATE_OF(s) == FREE)
#endif
proctype sender() {
  byte me = SENDER, sequence = 1;
  byte s, w, i, k, n, at; /* zero but where they are used */
  {
    skip;
send:
#ifdef LOOKS_FOR_SLEEPERS_FIRST
    if :: sequence <= LETTERS -> w = 1; WAKE(N) :: else fi;
#endif
    atomic {
      if :: sequence > LETTERS -> sequence = 0; at_rest[me] = true; goto rest :: else fi;
      at = 0;
      do /* only this sender makes a FREE slot anything else */
      :: at < SLOTS && !MAY_BE_WRITTEN(at) -> at++
      :: else -> break
      od;
      if :: at == SLOTS -> at = 0; goto no_room :: else fi;
      assert(STATE_OF(at) == FREE); /* else: somebody's message is written over */
      STORE_WORD(at, READY, 0, 1, sequence); /* publish: one release store */
      acknowledged[sequence] = true; /* whatever happens now, it is sent */
      sequence++;
      at = 0; w = 1
    };
#ifdef HINTS
    do
    :: atomic { STORE_BYTE(OF_HINT, w, true); w++; if :: w >= N -> w = 1; break :: else fi }
    od;
#endif
    WAKERS_FENCE;
#ifndef LOOKS_FOR_SLEEPERS_FIRST
    WAKE(N);
#endif
    goto send;
no_room:
    SLEEP_UNLESS(STATE_OF(s) == FREE, send);
rest:
    false
  } unless {
    atomic { dead[me] -> life[me] = DIED; s = 0; w = 0; i = 0; k = 0; n = 0; at = 0; sequence = 0 }
  }
}

/* ---- A receiver ---------------------------------------------------------------------------------------------------------- */

#ifdef HINT_CLEARED_AFTER_THE_LOOK
#define NOTHING nothing
#else
#define NOTHING sleep
#endif
#ifdef ONE_LOOK
#define LOOKS 1
#else
#define LOOKS 2
#endif
#ifdef SEQUENCE_NOT_COMPARED
#define WORD_IS_AS_IT_WAS (slot[at].state == READY)
#else
#define WORD_IS_AS_IT_WAS (slot[at].state == READY && slot[at].sequence == sequence && slot[at].attempt == attempt)
#endif
#ifdef HINTS
#define NOTHING_HINTED (!more && !hint[me])
#define SOMETHING_THERE (hint[me] && s == 0)
#else
#define SOMETHING_THERE (STATE_OF(s) == READY)
#endif
#undef LOOK_WITHOUT_A_HINT
#define LOOK_WITHOUT_A_HINT more = true

proctype receiver(byte me) {
  byte sequence, attempt, at, give_backs;
  byte s, w, i, k, n; /* zero but where they are used */
  bool more;          /* the last look found something: look again without a hint */
  {
    skip;
look:
#ifdef HINTS
    if
    :: NOTHING_HINTED -> goto sleep
    :: else
    fi;
#ifndef HINT_CLEARED_AFTER_THE_LOOK
    atomic { STORE_BYTE(OF_HINT, me, false); DRAIN(me) }; /* with a full fence */
#endif
#endif
    do
    :: atomic { /* one load of one word */
         if
         :: STATE_OF(s) == READY && (sequence == 0 || SEQUENCE_OF(s) < sequence) -> at = s; sequence = SEQUENCE_OF(s); attempt = ATTEMPT_OF(s)
         :: else
         fi;
         s++;
         if
         :: s < SLOTS
         :: s >= SLOTS && sequence == 0 -> s = 0; n = 0; more = false; goto NOTHING
         :: else -> s = 0; n++; if :: n >= LOOKS -> n = 0; break :: else fi
         fi
       }
    od;
#ifdef CLAIM_BY_LOAD_AND_STORE
    if :: WORD_IS_AS_IT_WAS -> skip :: else -> goto look fi;
#endif
    atomic { /* claim: compare-and-swap */
      DRAIN(me);
#ifndef CLAIM_BY_LOAD_AND_STORE
      if
      :: WORD_IS_AS_IT_WAS
      :: else -> at = 0; sequence = 0; attempt = 0; goto look
      fi;
#endif
      assert(slot[at].sequence == sequence);                                    /* it is the message that was looked at */
      assert(holder[sequence] == NOBODY || dead[holder[sequence]]);             /* nobody alive holds it too */
      assert(!done[sequence]);
      assert(attempt == 1 + holders_died[sequence]);                            /* each holder's death is counted, and once */
      k = 0;
      do /* FIFO: no older one waits that was never taken */
      :: k < SLOTS -> assert(slot[k].state != READY || slot[k].sequence >= sequence || was_claimed[slot[k].sequence]); k++
      :: else -> k = 0; break
      od;
      SET_WORD(at, CLAIMED, me, attempt, sequence);
      holder[sequence] = me;
      was_claimed[sequence] = true;
      more = true;
      NEW_LOOKS
    };
    if /* the user works on it */
    :: atomic { true -> /* done(): one release store; no one else touches what a living one claimed */
         assert(slot[at].state == CLAIMED && slot[at].owner == me);
         done[sequence] = true; holder[sequence] = NOBODY;
         STORE_WORD(at, FREE, 0, 0, sequence);
         at = 0; sequence = 0; attempt = 0; w = SENDER
       };
       WAKERS_FENCE;
#ifndef DONE_WITHOUT_A_LOOK
       WAKE(1)
#endif
    :: atomic { give_backs < GIVE_BACKS ->
         assert(slot[at].state == CLAIMED && slot[at].owner == me);
         give_backs++;
         holder[sequence] = NOBODY;
         STORE_WORD(at, READY, 0, attempt, sequence);
         at = 0; sequence = 0; attempt = 0; w = 1
       };
#ifdef HINTS
       do
       :: atomic { STORE_BYTE(OF_HINT, w, true); w++; if :: w >= N -> w = 1; break :: else fi }
       od;
#endif
       WAKERS_FENCE;
       WAKE(N)
    fi;
    goto look;
#ifdef HINT_CLEARED_AFTER_THE_LOOK
nothing:
    atomic { STORE_BYTE(OF_HINT, me, false); DRAIN(me) };
#endif
sleep:
    SLEEP_UNLESS(SOMETHING_THERE, look)
  } unless {
    atomic {
      dead[me] ->
      life[me] = DIED;
      s = 0; w = 0; i = 0; k = 0; n = 0; at = 0; sequence = 0; attempt = 0; give_backs = 0; more = false
    }
  }
}

#ifdef JOINER
/* join() and unfinished(): two looks at all slots find nothing, and no published sequence moved between them. */
proctype joiner() {
  byte s, n;
  byte seen[SLOTS];
  was_idle = IS_IDLE;
#ifndef COLLECTS_ONCE
  do
  :: atomic { s < SLOTS && slot[s].state != READY && slot[s].state != CLAIMED -> seen[s] = slot[s].sequence; s++ }
  :: atomic { s < SLOTS && (slot[s].state == READY || slot[s].state == CLAIMED) -> goto not_yet }
  :: atomic { s >= SLOTS -> s = 0; break }
  od;
  n = 1;
#endif
  do
  :: atomic { s < SLOTS && slot[s].state != READY && slot[s].state != CLAIMED && (n == 0 || seen[s] == slot[s].sequence) -> s++ }
  :: atomic { s < SLOTS && (slot[s].state == READY || slot[s].state == CLAIMED || (n == 1 && seen[s] != slot[s].sequence)) -> goto not_yet }
  :: atomic { s >= SLOTS -> break }
  od;
  assert(was_idle); /* it says that all is done: there was a moment when it was */
not_yet:
  atomic { s = 0; n = 0; seen[0] = 0; seen[1] = 0; joined = true; was_idle = true }
}
#endif

/* ---- The machine: store buffers drain, SIGKILL comes ----------------------------------------------------------------------- */

inline drains(p) { atomic { buffer[p].kind != NONE -> DRAIN(p) } }
inline kill(v) {
  atomic {
    deaths < DEATHS && !dead[v] ->
    deaths++;
    DRAIN(v);
    dead[v] = true;
    asleep[v] = false; rung[v] = false; sleeps[v] = false;
    k = 0;
    do
    :: k < SLOTS -> if :: slot[k].state == CLAIMED && slot[k].owner == v -> holders_died[slot[k].sequence]++ :: else fi; k++
    :: else -> k = 0; break
    od;
#ifndef PLAIN_ADMIN_LOCK
    if :: admin == v -> admin = NOBODY :: else fi;
#endif
    do /* a life lock taken for a burial dies again */
    :: k < N -> if :: k != v && life[k] == v -> life[k] = DIED :: else fi; k++
    :: else -> k = 0; break
    od
  }
}

#define LOOKED_IN_VAIN(p) (dead[p] || at_rest[p] || looked_in_vain[p] || !asleep[p])
#if RECEIVERS > 2
#define ALL_LOOKED_IN_VAIN (LOOKED_IN_VAIN(0) && LOOKED_IN_VAIN(1) && LOOKED_IN_VAIN(2) && LOOKED_IN_VAIN(3))
#else
#define ALL_LOOKED_IN_VAIN (LOOKED_IN_VAIN(0) && LOOKED_IN_VAIN(1) && LOOKED_IN_VAIN(2))
#endif
init {
  byte k, n, s;
  atomic {
    do :: k < N -> life[k] = k; attached[k] = true; k++ :: else -> break od;
    k = 0;
    do :: k <= LETTERS -> holder[k] = NOBODY; k++ :: else -> break od;
    k = 0;
    run sender(); run receiver(1); run receiver(2);
#if RECEIVERS > 2
    run receiver(3);
#endif
#ifdef JOINER
    run joiner()
#endif
  }
  do
  :: drains(0)
  :: drains(1)
  :: drains(2)
  :: kill(0)
  :: kill(1)
  :: kill(2)
#if RECEIVERS > 2
  :: drains(3)
  :: kill(3)
#endif
  :: timeout -> if :: deaths == 0 || ALL_LOOKED_IN_VAIN -> break :: else fi
  od;
  atomic { /* nobody can do anything any more: so nobody may have reason to */
    k = 1;
    do
    :: k <= LETTERS ->
       n = 0; s = 0;
       do :: s < SLOTS -> if :: slot[s].state != FREE && slot[s].sequence == k -> n++ :: else fi; s++ :: else -> break od;
       assert(!acknowledged[k] || n == (done[k] -> 0 : 1)); /* what was sent and is not done lies in one slot */
       k++
    :: else -> break
    od;
    k = 0;
    do
    :: k < N ->
       if
       :: !dead[k] ->
          assert(asleep[k] || at_rest[k]); /* blocked for ever */
          s = 0;
          do
          :: s < SLOTS ->
             assert(k == SENDER || slot[s].state != READY);                                     /* a lost wake-up: a letter is READY and a receiver sleeps */
             assert(k != SENDER || at_rest[k] || slot[s].state != FREE);                        /* a lost wake-up: there is room and the sender sleeps */
             assert(at_rest[k] || slot[s].state != CLAIMED || !dead[slot[s].owner]);            /* what the dead held stays with them */
             s++
          :: else -> break
          od
       :: else
       fi;
       k++
    :: else -> break
    od
  }
}
