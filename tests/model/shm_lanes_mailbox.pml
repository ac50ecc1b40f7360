/* shm_lanes' lane to one mailbox while the mailbox changes hands: the addressee is gone, somebody else gets the mailbox, a
 * sender who does not know it yet publishes into it. As in policies/mulproc/shared_memory/lanes_{sender,recovery,store}.hpp.
 *
 *   send       looks the mailbox up under the lock; stores the word; then asks whose the mailbox is by now: another's, and he
 *              buries under the lock what is not for its address (7)
 *   bury       under the lock: the address of who is gone := 0, barrier, then all letters in the lane are buried (6)
 *   attach     under the lock: finds its mailbox, or takes an empty one; stores its address
 *   receive    without the lock, by plain loads and stores: nobody else reads here. Takes what is addressed to it
 *   a dead sender's lane: under the lock, what is not for the mailbox's address is buried; a lock of the dead: what lies in a
 *              mailbox of nobody is buried
 *
 * One step is one access to shared memory or one system call; stores go through a store buffer of one entry (x86-TSO).
 * Burying one letter is one step: what its two stores leave when killed in between, shm_lanes.pml shows.
 * Left out: positions, tails, sleep, more than one lane (all in shm_lanes.pml).
 *
 * The addressee OLD was there and is gone. The newcomer has his own address, or, with -DSAME_ADDRESS, OLD's: the kernel uses
 * thread ids again. DEATHS=n: how many of sender, burier and newcomer may be killed; there is always somebody who looks.
 */
#ifndef DEATHS
#define DEATHS 1
#endif
#define SENDER 0
#define BURIER 1
#define NEWCOMER 2
#define LOOKER 3 /* never killed; comes last: what all looks every 100 ms come to */
#define N 4
#define SLOTS 2
#define NOBODY 7

#define OLD 1
#ifdef SAME_ADDRESS
#define NEW OLD
#else
#define NEW 2
#endif

#define FREE 0
#define READY 1
#define CLAIMED 2
typedef Word { byte state, letter };
Word slot[SLOTS];
byte address = OLD; /* the mailbox's; 0: nobody's */

#define NONE 0
#define OF_WORD 1
#define OF_ADDRESS 2
typedef Store { byte kind, at, state, letter };
Store buffer[N];

byte lock_owner = NOBODY;
bool lock_died, dead[N], at_rest[N], attached; /* attached: the newcomer is */
byte deaths;

/* The letters are numbered by their recipient. */
bool acknowledged[3], taken[3], buried[3];

#define DRAIN(p)                                                                                                             \
  if                                                                                                                         \
  :: buffer[p].kind == OF_WORD -> slot[buffer[p].at].state = buffer[p].state; slot[buffer[p].at].letter = buffer[p].letter   \
  :: buffer[p].kind == OF_ADDRESS -> address = buffer[p].state                                                               \
  :: else                                                                                                                    \
  fi;                                                                                                                        \
  buffer[p].kind = NONE; buffer[p].at = 0; buffer[p].state = 0; buffer[p].letter = 0
#define STORE_WORD(s, a_state, a_letter) \
  DRAIN(me); buffer[me].kind = OF_WORD; buffer[me].at = s; buffer[me].state = a_state; buffer[me].letter = a_letter
#define STORE_ADDRESS(an_address) DRAIN(me); buffer[me].kind = OF_ADDRESS; buffer[me].state = an_address
#define IN_MY_BUFFER(s) (buffer[me].kind == OF_WORD && buffer[me].at == (s))
#define STATE_OF(s) (IN_MY_BUFFER(s) -> buffer[me].state : slot[s].state)
#define LETTER_OF(s) (IN_MY_BUFFER(s) -> buffer[me].letter : slot[s].letter)
#define ADDRESS (buffer[me].kind == OF_ADDRESS -> buffer[me].state : address)

#define MAY_BE_REACHED(who) ((who) == NEW && attached && !dead[NEWCOMER])

inline bury(s) {
  assert(slot[s].state != CLAIMED || dead[NEWCOMER]); /* nobody alive has it */
  assert(!MAY_BE_REACHED(slot[s].letter));            /* a letter for one who is there is not buried */
  buried[slot[s].letter] = true;
  STORE_WORD(s, FREE, 0)
}
/* bury_all_in() and bury_misdirected() */
#define IS_LIVE(s) (STATE_OF(s) == READY || STATE_OF(s) == CLAIMED)
#define IS_MISDIRECTED(s) (STATE_OF(s) == READY && LETTER_OF(s) != now)
#define BURY_ALL(which)                                                                              \
  do                                                                                                 \
  :: atomic { s < SLOTS -> if :: which(s) -> assert(STATE_OF(s) != FREE); DRAIN(me); bury(s) :: else fi; s++ } \
  :: atomic { s >= SLOTS -> s = 0; break }                                                           \
  od

/* bury_unreachable() */
#ifdef NO_BARRIER
#define BARRIER skip
#else
#define BARRIER DRAIN(0); DRAIN(1); DRAIN(2); DRAIN(3)
#endif
#define ADDRESS_IS_UNREACHABLE (ADDRESS != 0 && !MAY_BE_REACHED(ADDRESS))
inline bury_unreachable() {
#ifdef SCANNED_BEFORE_CLEARED
  if
  :: atomic { ADDRESS_IS_UNREACHABLE -> skip }; BURY_ALL(IS_LIVE); atomic { STORE_ADDRESS(0) }; atomic { BARRIER }
  :: atomic { !ADDRESS_IS_UNREACHABLE -> skip }
  fi
#else
  if
  :: atomic { ADDRESS_IS_UNREACHABLE -> STORE_ADDRESS(0) }; atomic { BARRIER }; BURY_ALL(IS_LIVE)
  :: atomic { !ADDRESS_IS_UNREACHABLE -> skip }
  fi
#endif
}
#if defined(NOT_SETTLED)
#define SETTLE skip
#elif defined(SETTLED_WITHOUT_A_BARRIER)
#define SETTLE if :: ADDRESS == 0 -> BURY_ALL(IS_LIVE) :: else fi
#else
#define SETTLE if :: ADDRESS == 0 -> atomic { BARRIER }; BURY_ALL(IS_LIVE) :: else fi /* whoever cleared it may have died before his */
#endif
#define ENTER                                                     \
  atomic { lock_owner == NOBODY -> DRAIN(me); lock_owner = me };  \
  if :: lock_died -> SETTLE; lock_died = false :: else fi
#define LEAVE atomic { DRAIN(me); lock_owner = NOBODY }

/* Looked up while OLD could still be reached, so his route says: this mailbox, as long as its address is OLD. */
proctype sender() {
  byte me = SENDER, s, now;
  {
    atomic { STORE_WORD(0, READY, OLD); acknowledged[OLD] = true };
#ifndef NO_SECOND_LOOK
    if
    :: atomic { ADDRESS != OLD -> skip };
       ENTER;
       now = ADDRESS;
       BURY_ALL(IS_MISDIRECTED);
       atomic { now = 0; LEAVE }
    :: atomic { ADDRESS == OLD -> skip }
    fi;
#endif
#ifndef SAME_ADDRESS
    /* And now one to the newcomer, if he is there. */
    ENTER;
    if
    :: atomic { ADDRESS == NEW && MAY_BE_REACHED(NEW) -> skip };
       LEAVE;
       atomic { STORE_WORD(1, READY, NEW); acknowledged[NEW] = true };
       if
       :: atomic { ADDRESS != NEW -> skip };
          ENTER;
          now = ADDRESS;
          BURY_ALL(IS_MISDIRECTED);
          atomic { now = 0; LEAVE }
       :: atomic { ADDRESS == NEW -> skip }
       fi
    :: atomic { !(ADDRESS == NEW && MAY_BE_REACHED(NEW)) -> LEAVE }
    fi;
#endif
    atomic { DRAIN(me); at_rest[me] = true };
    false
  } unless { atomic { dead[me] -> s = 0; now = 0; at_rest[me] = true } }
}

proctype burier() {
  byte me = BURIER, s;
  {
    ENTER;
    bury_unreachable();
    LEAVE;
    atomic { at_rest[me] = true };
    false
  } unless { atomic { dead[me] -> s = 0; at_rest[me] = true } }
}

proctype newcomer() {
  byte me = NEWCOMER, s, rounds;
  {
    ENTER;
    if
    :: atomic { ADDRESS == 0 || ADDRESS == NEW -> STORE_ADDRESS(NEW) }; atomic { DRAIN(me); attached = true; lock_owner = NOBODY }
    :: atomic { ADDRESS != 0 && ADDRESS != NEW -> LEAVE; goto rest } /* it gets another */
    fi;
receive:
    do
    :: atomic {
         s < SLOTS ->
         if
#ifdef TAKES_OTHERS_MAIL
         :: STATE_OF(s) == READY ->
#else
         :: STATE_OF(s) == READY && LETTER_OF(s) == NEW ->
#endif
            goto claim
         :: else -> s++
         fi
       }
    :: atomic { s >= SLOTS -> s = 0; rounds++; if :: rounds >= 2 -> rounds = 0; goto rest :: else fi }
    od;
claim:
    atomic { STORE_WORD(s, CLAIMED, slot[s].letter) };
    atomic {
      assert(!buried[LETTER_OF(s)] && !taken[LETTER_OF(s)]); /* taken once, by whom it is for */
      taken[LETTER_OF(s)] = true;
      STORE_WORD(s, FREE, 0);
      goto receive
    };
rest:
    atomic { s = 0; DRAIN(me); at_rest[me] = true };
    false
  } unless { atomic { dead[me] -> s = 0; rounds = 0; at_rest[me] = true } }
}

inline kill(v) {
  atomic {
    deaths < DEATHS && !dead[v] && !at_rest[v] ->
    deaths++;
    DRAIN(v);
    dead[v] = true;
    if :: lock_owner == v -> lock_owner = NOBODY; lock_died = true :: else fi
  }
}
init {
  byte me = LOOKER, s, now;
  atomic { run sender(); run burier(); run newcomer() };
  do
  :: atomic { buffer[0].kind != NONE -> DRAIN(0) }
  :: atomic { buffer[1].kind != NONE -> DRAIN(1) }
  :: atomic { buffer[2].kind != NONE -> DRAIN(2) }
  :: kill(SENDER)
  :: kill(BURIER)
  :: kill(NEWCOMER)
  :: timeout -> break
  od;
  assert(at_rest[SENDER] && at_rest[BURIER] && at_rest[NEWCOMER]); /* blocked for ever */
  /* The look: let_go() of a dead sender; then bury_unreachable(). */
  ENTER;
#ifndef LANE_OF_THE_DEAD_FORGOTTEN
  if :: dead[SENDER] -> atomic { now = ADDRESS }; BURY_ALL(IS_MISDIRECTED) :: else fi;
#endif
  bury_unreachable();
  LEAVE;
  atomic { /* what was sent was taken, or is buried, or lies there for one who has this mailbox */
    now = 1;
    do
    :: now <= 2 ->
       assert(!acknowledged[now] || taken[now] || buried[now] || (address == now && (slot[now - 1].state == READY && slot[now - 1].letter == now)));
       now++
    :: else -> break
    od
  }
}
