/* shm_lanes' open lane under death at any step: one sender, competing receivers, no lock on the way of a message, as
 * policies/mulproc/shared_memory/lane{,s_sender,s_receiver,s_recovery,s_segment,s_store}.hpp do it.
 *
 * What one step is: one load, one store or one compare-and-swap of shared memory, or one system call, with all that its process
 * does with data of its own, or under the admin lock, before the next. (What a killed one had of its own is gone at once, so that
 * two moments which nothing can tell apart are one state.) Stores go through a
 * store buffer of each participant (x86-TSO), of one entry, the sender's of a word and the tail behind it: others see them
 * when they drain, in order, at any later time; the one who stored sees them at once. A compare-and-swap and a system call
 * drain it first. A death drains it too: what was stored before the kill reaches memory before the kernel lets go of the
 * life lock.
 *
 *   send       finds a FREE slot, passing over others; stores the slot's word, stores the tail, looks who sleeps and wakes one
 *   receive    at the cursor: the word; when it is an older position's, the tail, and when that is beyond, the word again.
 *              Claims by compare-and-swap of the whole word. What others hold goes into the backlog
 *   done       stores FREE; then looks whether the sender sleeps for room
 *   give back  stores READY, adds one to `returns`, wakes all receivers
 *   sleep      reads its bell, stores its flag, barrier, looks again, futex_wait(bell), stores its flag. (The short sleep before the
 *              barrier is a delay that news may end: a stay between two steps here.)
 *   recover    under the robust admin lock: takes the dead one's life lock; stores a dead sender's true tail; each slot the dead
 *              one claimed becomes READY with attempt + 1, or a dead letter, by one store; `returns`; wakes; detaches the dead one
 *
 * The barrier is membarrier(): all running participants fence at that moment, and a waker has none of its own. With -DFENCES
 * the waker has a fence between its store and its look, and the sleeper fences itself alone.
 *
 * Commit precedes wake: who dies between the two leaves the sleepers to their look every 100 ms. So that look is on as soon
 * as somebody died, and OFF while nobody has: without deaths no wake-up may be lost.
 *
 * Left out: predicates (`refusing_`), next_in_a_row() (a look at the cursor alone, which next_of_all() does too), the spin
 * before the sleep, look_again() (one wake-up more), bodies, attach, closed, deadlines. Lanes to one mailbox:
 * shm_lanes_mailbox.pml.
 *
 * Choices, each with -D (check.sh lists the runs):
 *   DEATHS=n     how many may be killed
 *   LETTERS=n    how many are sent; at most 3, for positions are bits of a byte
 *   RECEIVERS=n  how many compete (2 or 3)
 *   FENCES       see above
 *   FAR=n        a receiver begins anew when the tail is more than n beyond its cursor (the code: 4 * capacity)
 *   OTHERS=n     how many messages of another sender each receiver may take meanwhile
 *   GIVE_BACKS=n how many times each receiver may give a lease back
 *   WORKS_ON     one receiver may keep its lease for ever
 *   JOINER       somebody else joins meanwhile
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
#ifndef MAX_ATTEMPTS
#define MAX_ATTEMPTS 2
#endif
#ifndef OTHERS
#define OTHERS 0
#endif

#define SENDER 0
#define N (1 + RECEIVERS)
#define SLOTS 2 /* the capacity: fewer than letters, so that slots are used again, passed over, and waited for */
#define NOBODY 7
#define DIED 6

#define FREE 0
#define READY 1
#define CLAIMED 2
#define DEAD_LETTER 3

typedef Word { byte state, owner, attempt, position }; /* one aligned 8-byte word: loaded, stored and swapped as a whole */
Word slot[SLOTS];
byte tail = 1;  /* the next position; all before it are written or were passed over */
byte returns;
bool sleeps[N]; /* the sleepers' flags */

/* The store buffers. */
#define NONE 0
#define OF_WORD 1
#define OF_FLAG 2
typedef Store { byte kind, at, state, position };
Store buffer[N];
byte pending_tail; /* the sender's second entry, behind the first; 0: none */

/* The robust admin lock, and the life locks, each held by its participant, by who buries it, by nobody, or DIED. */
byte admin = NOBODY;
bool admin_died;
byte life[N];
bool attached[N];

/* The kernel. A bell is a counter; all that is ever asked is whether it rang since its sleeper read it. */
#define UNREAD 0
#define QUIET 1
#define RUNG 2
byte bell[N];
#define RING(who) if :: bell[who] == QUIET -> bell[who] = RUNG :: else fi; asleep[who] = false
bool asleep[N], dead[N], looked_in_vain[N];
byte deaths;
bool no_more_deaths;
byte victim = NOBODY; /* is just being killed: nobody else moves until its private data are gone */

/* What the watch remembers; no participant reads it. A bit for each position. */
#define BIT(p) (1 << (p))
byte acknowledged, done, buried, was_claimed;
byte holders_died[SLOTS]; /* of the message that lies there */
bool at_rest[N], works_on;
#ifdef JOINER
bool was_idle; /* since the join began there was a moment when all that was sent was done */
#endif

/* ---- Memory -------------------------------------------------------------------------------------------------------------- */

#ifdef JOINER
/* A message whose send has not come to its end is not sent yet. */
#define UNFINISHED(s) ((slot[s].state == READY || slot[s].state == CLAIMED) && slot[s].position < tail)
#define NOTE_IDLE if :: !UNFINISHED(0) && !UNFINISHED(1) -> was_idle = true :: else fi
#else
#define NOTE_IDLE skip
#endif
#define SET_WORD(s, a_state, an_owner, an_attempt, a_position) \
  slot[s].state = a_state; slot[s].owner = an_owner; slot[s].attempt = an_attempt; slot[s].position = a_position; NOTE_IDLE
#define DRAIN_FIRST(p)                                                                                                          \
  if                                                                                                                            \
  :: buffer[p].kind == OF_WORD ->                                                                                               \
     SET_WORD(buffer[p].at, (buffer[p].state & 3), 0, (buffer[p].state >> 2), buffer[p].position)                               \
  :: buffer[p].kind == OF_FLAG -> sleeps[p] = buffer[p].state                                                                   \
  :: else                                                                                                                       \
  fi;                                                                                                                           \
  buffer[p].kind = NONE; buffer[p].at = 0; buffer[p].state = 0; buffer[p].position = 0
#define DRAIN_TAIL if :: pending_tail != 0 -> tail = pending_tail; pending_tail = 0; NOTE_IDLE :: else fi
#define DRAIN(p) DRAIN_FIRST(p); if :: (p) == SENDER -> DRAIN_TAIL :: else fi
#define DRAIN_ALL k = 0; do :: k < N -> DRAIN(k); k++ :: else -> k = 0; break od
/* Only FREE and READY are stored this way, and neither has an owner. */
#define STORE_WORD(s, a_state, an_attempt, a_position)                                                                          \
  DRAIN(me);                                                                                                                    \
  buffer[me].kind = OF_WORD; buffer[me].at = s; buffer[me].state = (a_state) | ((an_attempt) << 2); buffer[me].position = a_position
#define STORE_FLAG(value) DRAIN(me); buffer[me].kind = OF_FLAG; buffer[me].state = value
/* A participant's own pending store is what it reads. */
#define IN_MY_BUFFER(s) (buffer[me].kind == OF_WORD && buffer[me].at == (s))
#define STATE_OF(s) (IN_MY_BUFFER(s) -> (buffer[me].state & 3) : slot[s].state)
#define ATTEMPT_OF(s) (IN_MY_BUFFER(s) -> (buffer[me].state >> 2) : slot[s].attempt)
#define POSITION_OF(s) (IN_MY_BUFFER(s) -> buffer[me].position : slot[s].position)

#if defined(FENCES) || defined(NO_FENCE_BY_THE_WAKER)
#define SLEEPERS_BARRIER DRAIN(me)
#elif defined(NO_BARRIER)
#define SLEEPERS_BARRIER skip
#else
#define SLEEPERS_BARRIER DRAIN_ALL
#endif
#ifdef FENCES
#define WAKERS_FENCE atomic { DRAIN(me) };
#else
#define WAKERS_FENCE
#endif

/* Looks at the flags from w on: a load; then the flag's clearing, which drains with bell.fetch_add, and futex_wake_all. */
#define WAKE(last, after_one)                                                       \
  do                                                                                \
  :: atomic { !sleeps[w] -> w++; if :: w >= (last) -> w = 0; break :: else fi }     \
  :: sleeps[w];                                                                     \
     atomic { DRAIN(me); sleeps[w] = false; RING(w); after_one; if :: w >= (last) -> w = 0; break :: else fi } \
  od
#ifdef WAKES_ALL
#define WAKE_FOR_ANYONE WAKE(N, w++)
#else
#define WAKE_FOR_ANYONE WAKE(N, w = N) /* all receivers take the first that comes: one is enough */
#endif

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
#ifdef TAIL_NOT_REPAIRED
#define TRUE_TAIL skip
#else
#define TRUE_TAIL \
  do :: k < SLOTS -> if :: slot[k].position >= tail -> tail = slot[k].position + 1; NOTE_IDLE :: else fi; k++ :: else -> k = 0; break od
#endif
#ifdef RETURNS_NOT_BUMPED
#define ONE_RETURN skip
#else
#define ONE_RETURN returns++
#endif
#define FIND_DEAD do :: i < N && !LOOKS_DEAD(i) -> i++ :: else -> break od
#define FIND_HELD s = 0; do :: s < SLOTS && !(slot[s].state == CLAIMED && slot[s].owner == i) -> s++ :: else -> break od
#define FIND_DEAD_LETTER do :: s < SLOTS && (!admin_died || slot[s].state != DEAD_LETTER) -> s++ :: else -> break od
#ifdef ATTEMPT_BY_A_STORE_OF_ITS_OWN
#define COUNT_FIRST slot[s].attempt++ }; atomic {
#define HAS_COUNTED 1
#else
#define COUNT_FIRST
#define HAS_COUNTED 0
#endif
/* Copied, then freed; its ticket tells who comes next that it is there already. */
#define MOVE_LETTER                                                     \
  buried = buried | BIT(slot[s].position) };                            \
  atomic { SET_WORD(s, FREE, 0, 0, slot[s].position); holders_died[s] = 0; w = SENDER }; \
  WAKE(1, w++)
inline recover() {
  atomic { admin == NOBODY -> DRAIN(me); admin = me; FIND_DEAD_LETTER };
  do /* after a lock of the dead: what they had begun is ended */
  :: atomic { s < SLOTS -> MOVE_LETTER;
     atomic { FIND_DEAD_LETTER }
  :: atomic { s == SLOTS -> s = 0; admin_died = false; FIND_DEAD; break }
  od;
  do
  :: atomic { i < N -> life[i] = me; DETACH_FIRST; if :: i == SENDER -> TRUE_TAIL :: else fi; FIND_HELD };
     do
     :: atomic {
          s < SLOTS && slot[s].state == CLAIMED ->
          COUNT_FIRST
          if
          :: slot[s].attempt - HAS_COUNTED >= MAX_ATTEMPTS -> SET_WORD(s, DEAD_LETTER, 0, slot[s].attempt, slot[s].position)
          :: else -> SET_WORD(s, READY, 0, slot[s].attempt - HAS_COUNTED + ONE_MORE, slot[s].position); FIND_HELD
          fi
        }
     :: atomic { s < SLOTS && slot[s].state == DEAD_LETTER -> MOVE_LETTER;
        atomic { FIND_HELD }
     :: atomic { s == SLOTS -> s = 0; ONE_RETURN; w = 1; break }
     od;
     WAKE(N, w++);
     attached[i] = false;
     atomic { life[i] = NOBODY; FIND_DEAD } /* killed before: the life lock dies with us */
  :: atomic { /* wake_everybody(): a bell for each, asleep or not */
       i == N ->
       i = 0;
       do :: k < N -> if :: k != me && !dead[k] -> RING(k); sleeps[k] = false :: else fi; k++ :: else -> k = 0; break od;
       admin = NOBODY;
       break
     }
  od
}

/* ---- Sleep --------------------------------------------------------------------------------------------------------------- */

#define IS_UNBURIED(p) (dead[(p) % N] && attached[(p) % N])
#define UNBURIED (deaths > 0 && (IS_UNBURIED(0) || IS_UNBURIED(1) || IS_UNBURIED(2) || IS_UNBURIED(3)))
/* The look every 100 ms: at any time while a death is unseen; else when nobody can do anything more, once. */
#define THE_LOOK_IS_DUE (UNBURIED || (deaths > 0 && timeout && !looked_in_vain[me]))
#define NEW_LOOKS d_step { k = 0; do :: k < N -> looked_in_vain[k] = false; k++ :: else -> k = 0; break od }

/* The loads of the look find no less when they come one after another: each of them, once true, stays so. */
#define AWAKE bell[me] = UNREAD; STORE_FLAG(false)
#define SLEEP_UNLESS(news, out)                                                                                  \
  atomic { BELL_BEFORE; FLAG_BEFORE };                                                                           \
  atomic { SLEEPERS_BARRIER };                                                                                   \
  atomic { if :: news -> AWAKE; goto out :: else fi };                                                           \
  FLAG_AFTER                                                                                                     \
  atomic { BELL_AFTER; DRAIN(me); if :: bell[me] == RUNG -> AWAKE; goto out :: else -> asleep[me] = true fi }; /* futex_wait */ \
  atomic {                                                                                                       \
    !asleep[me] || THE_LOOK_IS_DUE ->                                                                            \
    AWAKE;                                                                                                       \
    if :: asleep[me] -> looked_in_vain[me] = true; asleep[me] = false :: else -> goto out fi                     \
  };                                                                                                             \
  recover();                                                                                                     \
  goto out
#ifdef FLAG_AFTER_THE_LOOK
#define FLAG_BEFORE skip
#define FLAG_AFTER atomic { STORE_FLAG(true); DRAIN_ALL };
#else
#define FLAG_BEFORE STORE_FLAG(true)
#define FLAG_AFTER
#endif
#ifdef BELL_READ_AFTER_THE_LOOK
#define BELL_BEFORE skip
#define BELL_AFTER bell[me] = QUIET
#else
#define BELL_BEFORE bell[me] = QUIET
#define BELL_AFTER skip
#endif

/* ---- The sender ---------------------------------------------------------------------------------------------------------- */

#ifdef USES_WHAT_IS_NOT_FREE
#define MAY_BE_WRITTEN(p) true
#else
#define MAY_BE_WRITTEN(p) (STATE_OF((p) % SLOTS) == FREE)
#endif
#define UNLESS_ANOTHER_IS_KILLED provided (victim == NOBODY || victim + 1 == _pid)
proctype sender() UNLESS_ANOTHER_IS_KILLED {
  byte me = SENDER, position = 1, sent, tried;
  byte s, w, i, k; /* zero but where they are used */
  {
    goto send;
send:
#ifdef LOOKS_FOR_SLEEPERS_FIRST
    if :: sent < LETTERS -> w = 1; WAKE_FOR_ANYONE :: else fi;
#endif
find_room: /* a load of each word; only this sender makes a FREE slot anything else */
    atomic {
      if
      :: sent == LETTERS -> sent = 0; position = 0; at_rest[me] = true; goto rest
      :: sent < LETTERS && MAY_BE_WRITTEN(position + tried) -> position = position + tried; tried = 0
      :: else -> tried++; if :: tried == SLOTS -> tried = 0; goto no_room :: else -> goto find_room fi
      fi;
      assert(STATE_OF(position % SLOTS) == FREE); /* else: somebody's message is written over */
#ifdef TAIL_BEFORE_THE_WORD
      DRAIN(me); tail = position + 1
    };
    atomic {
#endif
      STORE_WORD(position % SLOTS, READY, 1, position); /* killed before: it never was; after: it is sent */
      acknowledged = acknowledged | BIT(position);
      sent++;
      position++;
#ifdef TAIL_AFTER_THE_WAKE
      w = 1
    };
    WAKE_FOR_ANYONE;
    atomic {
#endif
#ifndef TAIL_BEFORE_THE_WORD
      pending_tail = position; /* a store of its own: who is killed between the two leaves the word alone */
#endif
      w = 1
    };
#if defined(LOOKS_FOR_SLEEPERS_FIRST) || defined(TAIL_AFTER_THE_WAKE)
    w = 0;
#else
    WAKERS_FENCE
    WAKE_FOR_ANYONE;
#endif
    goto send;
no_room:
    SLEEP_UNLESS(STATE_OF(0) == FREE || STATE_OF(1) == FREE, send);
rest:
    false
  } unless {
    atomic { victim == me -> s = 0; w = 0; i = 0; k = 0; tried = 0; sent = 0; position = 0; victim = NOBODY };
    life[me] = DIED;
    false
  }
}

/* ---- A receiver ---------------------------------------------------------------------------------------------------------- */

#ifdef WORD_NOT_READ_AGAIN
#define READ_AGAIN skip
#else
#define READ_AGAIN READ_WORD
#endif
#define READ_WORD state = STATE_OF(cursor % SLOTS); position = POSITION_OF(cursor % SLOTS); attempt = ATTEMPT_OF(cursor % SLOTS)
#ifdef CURSOR_DOES_NOT_WAIT
#define IS_BEYOND (cursor < 8)
#else
#define IS_BEYOND (tail > cursor)
#endif
#ifdef BACKLOG_FORGETS_THE_CLAIMED
#define PUT_INTO_BACKLOG skip
#else
#define PUT_INTO_BACKLOG backlog = backlog | BIT(cursor); waiting = true
#endif
#ifdef POSITION_NOT_COMPARED
#define WORD_IS_AS_IT_WAS (slot[at].state == READY)
#else
#define WORD_IS_AS_IT_WAS (slot[at].state == READY && slot[at].position == position && slot[at].attempt == attempt)
#endif
#ifdef BEGUN_BACKLOG_DOES_NOT_WAIT
#define BACKLOG_WAITS skip
#else
#define BACKLOG_WAITS waiting = (backlog != 0)
#endif
/* Mostly that word alone, but before the kernel all of these. */
#define HAS_NEWS ((last && STATE_OF(cursor % SLOTS) == READY && POSITION_OF(cursor % SLOTS) == cursor) || returns != returns_seen || tail > seen)
#ifdef FAR
#define BEGINS (cursor == 0 || tail > cursor + FAR)
#else
#define BEGINS (cursor == 0)
#endif

inline nothing() { fresh = false; returned = false; goto sleep }
inline go_on_with_what_there_is() {
  if
  :: backlog != 0 && (returned || fresh) -> s = 1; goto look_at_backlog
  :: else -> goto look_at_cursor
  fi
}
#ifdef FAR
#define GO_ON_WITH_THIS_SENDER goto oldest /* a load of the tail */
#else
#define GO_ON_WITH_THIS_SENDER if :: cursor == 0 -> goto oldest :: else -> go_on_with_what_there_is() fi
#endif
inline pass_or_claim() {
  if
  :: position == cursor && state == READY -> at = cursor % SLOTS; state = 0; goto claim
  :: position == cursor && state == CLAIMED -> PUT_INTO_BACKLOG
  :: else
  fi;
  state = 0; position = 0; attempt = 0;
  cursor++;
  goto look_at_cursor
}

proctype receiver(byte me) UNLESS_ANOTHER_IS_KILLED {
  byte cursor, backlog, seen, returns_seen; /* each position before the cursor is FREE for ever or in the backlog */
  bool fresh, returned, waiting, last;      /* fresh_, returned_, waiting_[sender], last_.sender == sender */
  byte position, attempt, state, at;        /* the candidate */
  bool in_backlog;
  byte give_backs, others;
  byte s, w, i, k; /* zero but where they are used */
  {
    goto call;
call:
    atomic {
      fresh = true; /* begin_call() */
next:
      if :: returns != returns_seen -> returns_seen = returns; returned = true :: else fi;
      if
      :: others < OTHERS -> others++; last = false; goto call /* another sender's turn comes first */
      :: tail > seen || (returned && waiting) || last
      :: !(tail > seen || (returned && waiting) || last) -> nothing()
      fi;
      GO_ON_WITH_THIS_SENDER
    };

oldest:
    atomic { if :: BEGINS -> cursor = tail; backlog = 0 :: else -> go_on_with_what_there_is() fi };
    do
    :: atomic {
         if
         :: (STATE_OF(s) == READY || STATE_OF(s) == CLAIMED) && POSITION_OF(s) < cursor -> backlog = backlog | BIT(POSITION_OF(s))
         :: else
         fi;
         s++;
         if
         :: s == SLOTS -> s = 0; fresh = fresh || backlog != 0; BACKLOG_WAITS; go_on_with_what_there_is()
         :: else
         fi
       }
    od;

look_at_backlog: /* in order; one load of one word */
    atomic {
      do :: (backlog & BIT(s)) == 0 -> s++ :: else -> break od;
      at = s % SLOTS;
      if
      :: POSITION_OF(at) != s || STATE_OF(at) == FREE || STATE_OF(at) == DEAD_LETTER -> backlog = backlog & (255 - BIT(s))
      :: POSITION_OF(at) == s && STATE_OF(at) == READY ->
         position = s; attempt = ATTEMPT_OF(at); in_backlog = true; s = 0;
         goto claim
      :: else
      fi;
      at = 0; s++;
      if :: (backlog >> s) != 0 -> goto look_at_backlog :: else -> s = 0; goto look_at_cursor fi
    };

look_at_cursor:
    atomic {
      READ_WORD;
      if
      :: position >= cursor -> pass_or_claim()
      :: else -> state = 0; position = 0; attempt = 0
      fi
    };
    atomic { if :: IS_BEYOND :: else -> seen = cursor; waiting = (backlog != 0); nothing() fi }; /* not written yet, or passed over */
    atomic { READ_AGAIN; pass_or_claim() };

claim:
#ifdef CLAIM_BY_LOAD_AND_STORE
    atomic { if :: WORD_IS_AS_IT_WAS :: else -> at = 0; position = 0; attempt = 0; in_backlog = false; GO_ON_WITH_THIS_SENDER fi };
#endif
    atomic { /* compare-and-swap */
      DRAIN(me);
#ifndef CLAIM_BY_LOAD_AND_STORE
      if
      :: WORD_IS_AS_IT_WAS
      :: else -> at = 0; position = 0; attempt = 0; in_backlog = false; GO_ON_WITH_THIS_SENDER
      fi;
#endif
      assert(slot[at].state == READY);                 /* nobody else has taken it */
      assert(slot[at].position == position);           /* it is the message that was looked at */
      assert(attempt == 1 + holders_died[at]);         /* each holder's death is counted, and once */
      assert(!(done & BIT(position)));
      k = 0;
      do /* FIFO: no older one waits that was never taken */
      :: k < SLOTS -> assert(slot[k].state != READY || slot[k].position >= position || (was_claimed & BIT(slot[k].position))); k++
      :: else -> k = 0; break
      od;
      SET_WORD(at, CLAIMED, me, attempt, position);
      was_claimed = was_claimed | BIT(position);
      if
      :: in_backlog -> backlog = backlog & (255 - BIT(position)); in_backlog = false
      :: else -> cursor++; seen = cursor
      fi;
      last = true;
      NEW_LOOKS
    };
    if /* the user works on it */
    :: atomic { true -> /* done(): one release store; no one else touches what a living one claimed */
         assert(slot[at].state == CLAIMED && slot[at].owner == me);
         done = done | BIT(position); holders_died[at] = 0;
         STORE_WORD(at, FREE, 0, position);
         at = 0; position = 0; attempt = 0
       };
#ifndef DONE_WITHOUT_A_LOOK
       WAKERS_FENCE
       WAKE(1, w++)
#endif
    :: atomic { give_backs < GIVE_BACKS ->
         assert(slot[at].state == CLAIMED && slot[at].owner == me);
         give_backs++;
         STORE_WORD(at, READY, attempt, position);
         backlog = backlog | BIT(position); waiting = true;
         at = 0; position = 0; attempt = 0
       };
       atomic { DRAIN(me); ONE_RETURN; w = 1 };
       WAKE(N, w++)
#ifdef WORKS_ON
    :: atomic { !works_on -> works_on = true; at_rest[me] = true; goto rest }
#endif
    fi;
    goto call;
sleep:
    SLEEP_UNLESS(HAS_NEWS, next);
rest:
    false
  } unless {
    atomic {
      victim == me ->
      s = 0; w = 0; i = 0; k = 0; at = 0; position = 0; attempt = 0; state = 0; give_backs = 0; others = 0;
      cursor = 0; backlog = 0; seen = 0; returns_seen = 0; fresh = false; returned = false; waiting = false; last = false; in_backlog = false;
      victim = NOBODY
    };
    life[me] = DIED;
    false
  }
}

#ifdef JOINER
/* find_unfinished(): nothing live in any slot, and no tail moved while it was looked for. */
proctype joiner() UNLESS_ANOTHER_IS_KILLED {
  byte s, before;
  atomic { was_idle = false; NOTE_IDLE };
  before = tail;
  do
  :: atomic { s < SLOTS && slot[s].state != READY && slot[s].state != CLAIMED -> s++ }
  :: atomic { s < SLOTS && (slot[s].state == READY || slot[s].state == CLAIMED) -> goto not_yet }
  :: atomic { s >= SLOTS -> s = 0; break }
  od;
#ifndef TAIL_NOT_COMPARED
  if :: before != tail -> goto not_yet :: else fi;
#endif
  assert(was_idle); /* it says that all is done: there was a moment when it was */
not_yet:
  atomic { s = 0; before = 0; was_idle = true }
}
#endif

/* ---- The machine: store buffers drain, SIGKILL comes ----------------------------------------------------------------------- */

inline drains(p) { atomic { buffer[p].kind != NONE && victim == NOBODY -> DRAIN_FIRST(p) } }
inline kill(v) {
  atomic {
    deaths < DEATHS && !no_more_deaths && !dead[v] && victim == NOBODY ->
    deaths++;
    victim = v;
    if :: v == SENDER -> pending_tail = 0 :: true fi; /* had it come to its tail? */
    DRAIN(v);
    dead[v] = true;
    asleep[v] = false; bell[v] = UNREAD; sleeps[v] = false; looked_in_vain[v] = false; at_rest[v] = false;
    k = 0;
    do
    :: k < SLOTS -> if :: slot[k].state == CLAIMED && slot[k].owner == v -> holders_died[k]++ :: else fi; k++
    :: else -> k = 0; break
    od;
#ifndef PLAIN_ADMIN_LOCK
    if :: admin == v -> admin = NOBODY; admin_died = true :: else fi;
#endif
    do /* a life lock taken for a burial dies again */
    :: k < N -> if :: k != v && life[k] == v -> life[k] = DIED :: else fi; k++
    :: else -> k = 0; break
    od
  }
}

#define LOOKED_IN_VAIN(p) (dead[(p) % N] || at_rest[(p) % N] || looked_in_vain[(p) % N] || !asleep[(p) % N])
#define ALL_LOOKED_IN_VAIN (LOOKED_IN_VAIN(0) && LOOKED_IN_VAIN(1) && LOOKED_IN_VAIN(2) && LOOKED_IN_VAIN(3))
#define STILL(p) (dead[(p) % N] -> life[(p) % N] != (p) % N : buffer[(p) % N].kind == NONE && (asleep[(p) % N] || at_rest[(p) % N]))
init {
  byte k, n, s;
  atomic {
    do :: k < N -> life[k] = k; attached[k] = true; k++ :: else -> k = 0; break od;
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
  :: atomic { pending_tail != 0 && buffer[SENDER].kind != OF_WORD && victim == NOBODY -> DRAIN_TAIL }
  :: kill(0)
  :: kill(1)
  :: kill(2)
#if RECEIVERS > 2
  :: drains(3)
  :: kill(3)
#endif
  /* Everybody sleeps: perhaps nobody else dies. */
  :: atomic { deaths < DEATHS && !no_more_deaths && admin == NOBODY && pending_tail == 0 && STILL(0) && STILL(1) && STILL(2) && STILL(3) -> no_more_deaths = true }
  :: timeout -> if :: deaths == 0 || ALL_LOOKED_IN_VAIN -> break :: else fi
  od;
  atomic { /* nobody can do anything any more: so nobody may have reason to */
    k = 1;
    do
    :: k < 8 ->
       n = 0; s = 0;
       do :: s < SLOTS -> if :: slot[s].state != FREE && slot[s].position == k -> n++ :: else fi; s++ :: else -> break od;
       assert(!(acknowledged & BIT(k)) || n + ((done >> k) & 1) + ((buried >> k) & 1) == 1); /* what was sent is in one slot, done or buried */
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
             assert(k == SENDER || at_rest[k] || slot[s].state != READY);            /* a lost wake-up: a letter is READY and a receiver sleeps */
             assert(k != SENDER || at_rest[k] || slot[s].state != FREE);             /* a lost wake-up: there is room and the sender sleeps */
             assert(at_rest[k] || slot[s].state != CLAIMED || !dead[slot[s].owner]); /* what the dead held stays with them */
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
