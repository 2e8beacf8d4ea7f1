/*
 * MOVE of a message to a mailbox of another group (architecture.md 7).
 *
 * Two groups, each one mailbox, each an atomic state machine: what is applied
 * there is applied once and for all. Movers ask for the same or for other
 * messages, mover 2 in the opposite direction. A command that was proposed is
 * applied now, later, again, or never; any number of runners carry out an open
 * claim, each as far as it likes.
 *
 * The steps; the code that carries one out names it ("model step M4"):
 *
 *   M1  CLAIM at the source, by the client's op id: the rows are claimed, with
 *       their flags as they are now; the claim gets a slot and its next turn
 *   M2  CLAIM, refused: sealed, frozen, no such row, or it is claimed: recorded
 *   M3  CLAIM, again: the op id's result (claimed as {slot, turn}, OK, NO)
 *   M4  append at the target: its table has this turn: that is the answer;
 *       has a later one: dropped. Only then seal, freeze and quota are asked
 *   M5  append: refused by seal, freeze or quota: recorded
 *   M6  append: the row is made: recorded
 *   M7  CANCEL at the target, where no result is: recorded as refused
 *   M8  END at the source, with what a runner has read in the target's table.
 *       Done: the row is expunged. Refused: it is unclaimed. The result goes
 *       to the op id of CLAIM, and the claim's slot is free
 *   M9  END of a claim that has ended: dropped, which is no answer
 *   M10 the client hears what CLAIM's op id says: OK or NO
 *   M11 EXPUNGE leaves claimed rows, STORE waits and is refused
 *   M12 SEAL of a mailbox refuses CLAIM and append, but never END
 *   M13 purge of a sealed mailbox, when no claim of it is open
 *   M14 a user moves away: first CLAIM is refused, then, when none is open,
 *       the source is frozen
 *
 * Properties, as the model names them:
 *   LOST    there is always a copy, unless it was expunged
 *   ONCE    a claim makes its row at most once
 *   TWICE   at rest there is exactly one copy, and none of what was expunged
 *   FLAG    at rest, an acknowledged flag is there
 *   OK      the client hears OK: this claim has made the row
 *   NO      the client hears NO: it has not, and will not
 *   STUCK   at rest no claim is open, and each client has heard
 *
 * At rest: the world outside does nothing any more, and no step of the
 * protocol would change anything. Twins (-D): README.md.
 */
#include "words.pml"

#ifndef MOVERS
#define MOVERS 2
#endif
#ifndef MESSAGES
#define MESSAGES 1
#endif
#define CLAIM_SLOTS 2

/* How much the world may do. */
#ifndef SEALS
#define SEALS 2
#endif
#ifndef LEAVES
#define LEAVES 1
#endif

/* Row m is message m, at home in group 0; row MADE(c) is made by mover c. */
#define MADE(c) (MESSAGES + (c))
#define ROWS (MESSAGES + MOVERS)
#define SOURCE(c) ((c) == 2)
#define TARGET(c) ((c) != 2)
#define GROUP(r) ((r) >= MESSAGES && (r) != MADE(2))

/* Results, of CLAIM's op id and in the target's table. */
#define NONE 0
#define CLAIMED 1
#define DONE 2
#define REFUSED 3

/* Rules that a twin lacks and that are conditions. */
#ifdef TWIN_NO_CLAIM
#define IS_CLAIMED(r) false
#else
#define IS_CLAIMED(r) (claimed[r] != 0)
#endif
#ifdef TWIN_EXPUNGE_CLAIMED
#define EXPUNGES(r) true
#else
#define EXPUNGES(r) (claimed[r] == 0)
#endif
#ifdef TWIN_STORE_CLAIMED
#define STORES(r) true
#else
#define STORES(r) (claimed[r] == 0)
#endif
#ifdef TWIN_PURGE_CLAIMS
#define MAY_PURGE(g) true
#else
#define MAY_PURGE(g) (owner[(g) * 2] == 0 && owner[(g) * 2 + 1] == 0)
#endif
#ifdef TWIN_FREEZE_CLAIMS
#define MAY_FREEZE(g) true
#else
#define MAY_FREEZE(g) (owner[(g) * 2] == 0 && owner[(g) * 2 + 1] == 0)
#endif
#ifdef TWIN_SEAL_FIRST
#define ASKED_FIRST(g) REFUSES(g)
#else
#define ASKED_FIRST(g) false
#endif
#ifdef TWIN_END_GONE
#define END_IS_GONE(g) (sealed[g] || purged[g])
#else
#define END_IS_GONE(g) purged[g]
#endif

/* ---- the groups ---- */
byte there[ROWS];   /* copies: 1, if all is well */
byte claimed[ROWS]; /* mover + 1 */
bool flag[ROWS];
byte message[ROWS];
byte owner[2 * CLAIM_SLOTS]; /* of open claims, by source and slot: mover + 1 */
byte last_turn[2 * CLAIM_SLOTS];
byte table_turn[2 * CLAIM_SLOTS]; /* at the target, by source and slot */
byte table_result[2 * CLAIM_SLOTS];
bool sealed[2], purged[2];
bool over[2]; /* quota */
byte away[2]; /* a user who moves: 1: CLAIM is refused, 2: frozen */

/* ---- the movers ---- */
bool asked[MOVERS];
byte result[MOVERS]; /* of CLAIM's op id */
byte row[MOVERS];    /* the claimed one, + 1 */
byte slot[MOVERS];   /* of the claim, source included */
byte turn[MOVERS];
bool flag_then[MOVERS];
byte made[MOVERS];
byte heard[MOVERS];
#ifdef RUNNERS
byte appended_by[MOVERS]; /* runner + 1: only to see that they may differ */
#endif
byte hearsay[MOVERS]; /* of twins: an answer that is no result of the table */

/* ---- the world ---- */
bool expunged[MESSAGES];
bool flagged[MESSAGES]; /* acknowledged */
bool rests;             /* it does nothing any more */
byte seals = SEALS, unseals = 1, leaves = LEAVES;
byte quotas = 2, expunges = 1, stores = 1;
byte n, copies; /* of one step; 0 between */

#define REFUSES(g) (sealed[g] || over[g] || away[g] == 2)
#define IS_OPEN(c) (turn[c] != 0 && owner[slot[c]] == (c) + 1)
#define HAS_RESULT(c) (table_turn[slot[c]] == turn[c])

inline count(m)
{
	copies = 0;
	for (n : 0 .. ROWS - 1) {
		if
		:: message[n] == m -> copies = copies + there[n]
		:: else
		fi
	}
	n = 0
}

inline check_lost(m)
{
	count(m);
	PROPERTY(LOST, copies > 0 || expunged[m]);
	copies = 0
}

/* ---- source ---- */

/* M1 */
inline claim(c, r)
{
	row[c] = (r) + 1;
	flag_then[c] = flag[r];
	claimed[r] = c + 1;
	result[c] = CLAIMED;
	if
#ifdef TWIN_NUMBER_SHARED
	:: c > 0 && turn[0] != 0 && IS_OPEN(0) -> slot[c] = slot[0]
#endif
	:: owner[SOURCE(c) * CLAIM_SLOTS] == 0 -> slot[c] = SOURCE(c) * CLAIM_SLOTS
	:: else -> slot[c] = SOURCE(c) * CLAIM_SLOTS + 1
	fi;
	if
#ifdef TWIN_NUMBER_SHARED
	:: c > 0 && turn[0] != 0 && IS_OPEN(0) -> turn[c] = turn[0]
#endif
	:: else ->
		last_turn[slot[c]]++;
		turn[c] = last_turn[slot[c]]
	fi;
	owner[slot[c]] = c + 1;
	printf("M1   mover %d: row %d is claimed as {slot %d, turn %d}\n", c, r,
	       slot[c], turn[c]);
	REACHED(a_claim_slot_is_used_again, turn[c] > 1);
	REACHED(a_moved_message_is_moved_again, (r) >= MESSAGES)
}

/* M8 */
inline end(c, what)
{
	if
	:: END_IS_GONE(SOURCE(c)) ->
		printf("     mover %d: END is answered GONE\n", c)
	:: else ->
		if
		:: what == DONE && away[SOURCE(c)] != 2 ->
			printf("M8   mover %d: END, done: row %d is expunged\n",
			       c, row[c] - 1);
			there[row[c] - 1] = 0;
			REACHED(a_move_ends_under_a_seal, sealed[SOURCE(c)]);
			check_lost(message[row[c] - 1])
		:: what == REFUSED ->
			printf("M8   mover %d: END, refused: row %d is unclaimed\n",
			       c, row[c] - 1);
			REACHED(a_refused_move_gives_back, true)
		:: else ->
			/* Only a twin comes here. */
			printf("     mover %d: END finds that the rows have gone, unclaimed\n",
			       c)
		fi;
		claimed[row[c] - 1] = 0;
		owner[slot[c]] = 0;
#ifdef TWIN_RESULT_NOT_KEPT
		printf("     ... and the op id of CLAIM does not tell\n")
#else
		result[c] = what
#endif
	fi
}

/* ---- target ---- */

inline record(c, what)
{
	table_turn[slot[c]] = turn[c];
	table_result[slot[c]] = what
}

inline make_row(c)
{
	PROPERTY(NO, heard[c] != REFUSED);
	made[c]++;
	there[MADE(c)]++;
	message[MADE(c)] = message[row[c] - 1];
	flag[MADE(c)] = flag_then[c];
	PROPERTY(ONCE, made[c] == 1)
}

/* M4, M5, M6 */
inline append(c)
{
	if
	:: table_turn[slot[c]] >= turn[c] && ASKED_FIRST(TARGET(c)) ->
		printf("     mover %d: append is refused before the table is asked\n",
		       c);
		hearsay[c] = REFUSED
	:: table_turn[slot[c]] >= turn[c] && !ASKED_FIRST(TARGET(c)) ->
		skip /* M4 */
	:: table_turn[slot[c]] < turn[c] && REFUSES(TARGET(c)) ->
		printf("M5   mover %d: append is refused (sealed %d, full %d, frozen %d)\n",
		       c, sealed[TARGET(c)], over[TARGET(c)],
		       away[TARGET(c)] == 2);
#if defined(TWIN_REFUSAL_UNRECORDED)
		printf("     ... which nobody writes down\n");
		hearsay[c] = REFUSED
#else
		record(c, REFUSED)
#endif
	:: table_turn[slot[c]] < turn[c] && !REFUSES(TARGET(c)) ->
		PROPERTY(STEP, turn[c] == table_turn[slot[c]] + 1);
		printf("M6   mover %d: append makes row %d\n", c, MADE(c));
		make_row(c);
		record(c, DONE)
	fi
}

/* Whether a frame of the append would change or say anything. */
#define APPEND_MATTERS(c) \
	(turn[c] != 0 && \
	 (table_turn[slot[c]] < turn[c] || \
	  (ASKED_FIRST(TARGET(c)) && IS_OPEN(c) && hearsay[c] == NONE)))

/* ---- a mover: its client, its runners ---- */

#define CAN_CLAIM(c, r) \
	(asked[c] && result[c] == NONE && GROUP(r) == SOURCE(c) && \
	 there[r] > 0 && !IS_CLAIMED(r) && !sealed[SOURCE(c)] && \
	 away[SOURCE(c)] == 0 && ((c) != (r) - MESSAGES))

proctype mover(byte c)
{
	do
	:: d_step { !asked[c] && !rests ->
		printf("     mover %d proposes CLAIM\n", c);
		asked[c] = true
	   }
	:: d_step { asked[c] && result[c] == NONE ->
		printf("M2   mover %d: CLAIM is refused\n", c);
		result[c] = REFUSED
	   }
	:: d_step { APPEND_MATTERS(c) -> append(c) }
#ifdef RUNNERS
	:: d_step { APPEND_MATTERS(c) ->
		appended_by[c] = 1;
		append(c)
	   }
	:: d_step { IS_OPEN(c) && HAS_RESULT(c) && !END_IS_GONE(SOURCE(c)) ->
		printf("     mover %d: another runner goes on\n", c);
		REACHED(another_runner_ends_it, appended_by[c] == 1);
		end(c, table_result[slot[c]])
	   }
#endif
	:: d_step { turn[c] != 0 && table_turn[slot[c]] < turn[c] ->
		printf("M7   mover %d: CANCEL at the target: recorded\n", c);
		REACHED(a_cancel_is_recorded, true);
		record(c, REFUSED)
	   }
	:: d_step { IS_OPEN(c) && HAS_RESULT(c) && !END_IS_GONE(SOURCE(c)) ->
		end(c, table_result[slot[c]])
	   }
	:: d_step { result[c] >= DONE && heard[c] == NONE && asked[c] ->
		printf("M10  mover %d: the client hears %d (2 OK, 3 NO)\n", c,
		       result[c]);
		heard[c] = result[c];
		REACHED(a_client_hears_OK, heard[c] == DONE);
		REACHED(a_client_hears_NO, heard[c] == REFUSED);
		PROPERTY(OK, heard[c] != DONE || made[c] == 1);
		PROPERTY(NO, heard[c] != REFUSED || made[c] == 0)
	   }
#ifdef TWIN_END_EARLY
	:: d_step { IS_OPEN(c) && !HAS_RESULT(c) ->
		printf("     mover %d: END before there is a result\n", c);
		end(c, DONE)
	   }
#endif
#ifdef TWIN_LEADER_REFUSES
	:: d_step { IS_OPEN(c) && !HAS_RESULT(c) ->
		printf("     mover %d: a leader refuses the append unlogged\n",
		       c);
		end(c, REFUSED)
	   }
#endif
#if defined(TWIN_SEAL_FIRST) || defined(TWIN_REFUSAL_UNRECORDED)
	:: d_step { IS_OPEN(c) && hearsay[c] == REFUSED -> end(c, REFUSED) }
#endif
#ifdef TWIN_DROPPED_IS_NO
	:: d_step { turn[c] != 0 && !IS_OPEN(c) && heard[c] == NONE ->
		printf("     mover %d: a slow runner's END is dropped: NO\n", c);
		heard[c] = REFUSED;
		PROPERTY(NO, made[c] == 0)
	   }
#endif
#ifdef TWIN_FREEZE_FIRST
	:: d_step { turn[c] != 0 && away[SOURCE(c)] == 2 && heard[c] == NONE ->
		printf("     mover %d: CLAIM, again, is answered MOVED, unasked: NO\n",
		       c);
		heard[c] = REFUSED;
		PROPERTY(NO, made[c] == 0)
	   }
#endif
#ifdef TWIN_SECOND_OP_ID
	:: d_step { turn[c] != 0 && made[c] < 2 && !REFUSES(TARGET(c)) ->
		printf("     mover %d: a second runner appends with its own op id\n",
		       c);
		make_row(c)
	   }
#endif
#ifdef TWIN_DIRECTORY_FOLLOWED
	:: d_step { turn[c] != 0 && made[c] < 2 && away[TARGET(c)] == 2 ->
		printf("     mover %d: a runner finds the mailbox in its new group and appends there\n",
		       c);
		make_row(c)
	   }
#endif
	od
}

/* A row: who claims it, and clients who change it. */
proctype rows(byte r)
{
	do
	:: d_step { CAN_CLAIM(0, r) -> claim(0, r) }
#if MOVERS > 1
	:: d_step { CAN_CLAIM(1, r) -> claim(1, r) }
#endif
#if MOVERS > 2
	:: d_step { CAN_CLAIM(2, r) -> claim(2, r) }
#endif
	/* M11 */
	:: d_step { !rests && expunges > 0 && there[r] > 0 && EXPUNGES(r) &&
		    !sealed[GROUP(r)] ->
		expunges--;
		printf("     EXPUNGE of row %d\n", r);
		there[r] = 0;
		REACHED(an_expunge_of_a_moved_row, r >= MESSAGES);
		expunged[message[r]] = true
	   }
	:: d_step { !rests && stores > 0 && there[r] > 0 && STORES(r) &&
		    !sealed[GROUP(r)] ->
		stores--;
		printf("     STORE sets a flag on row %d\n", r);
		flag[r] = true;
		flagged[message[r]] = true
	   }
	od
}

/* One group's mailbox, and what its owner and time do to it. */
proctype mailbox(byte g)
{
	do
	:: d_step { !rests && seals > 0 && !sealed[g] ->
		seals--;
		printf("M12  the mailbox in group %d is deleted: SEAL\n", g);
		sealed[g] = true
	   }
	:: d_step { !rests && unseals > 0 && sealed[g] && !purged[g] ->
		unseals--;
		printf("     it is undeleted in group %d\n", g);
		sealed[g] = false
	   }
	:: d_step { !rests && sealed[g] && !purged[g] && MAY_PURGE(g) ->
		printf("M13  the mailbox in group %d is purged\n", g);
		purged[g] = true;
		for (n : 0 .. ROWS - 1) {
			if
			:: there[n] > 0 && GROUP(n) == g ->
				there[n] = 0;
				expunged[message[n]] = true
			:: else
			fi
		}
		n = 0
	   }
	:: d_step { !rests && g == 1 && quotas > 0 ->
		quotas--;
		over[g] = !over[g];
		printf("     quota in group %d: full is %d\n", g, over[g])
	   }
	:: d_step { !rests && leaves > 0 && away[g] == 0 ->
		leaves--;
		printf("M14  the user of group %d moves away: no CLAIM any more\n",
		       g);
		away[g] = 1
	   }
	:: d_step { away[g] == 1 && MAY_FREEZE(g) ->
		printf("M14  group %d is frozen, its rows are copied\n", g);
		away[g] = 2;
		REACHED(a_freeze, true)
	   }
	od
}

inline check_rest(m)
{
	count(m);
	REACHED(rest_with_one_copy, copies == 1);
	REACHED(rest_with_none, copies == 0);
	PROPERTY(TWICE, copies == (expunged[m] -> 0 : 1));
	copies = 0;
	for (n : 0 .. ROWS - 1) {
		PROPERTY(FLAG, !flagged[m] || there[n] == 0 ||
			       message[n] != m || flag[n])
	}
	n = 0
}

proctype world()
{
	d_step {
		printf("     the world comes to rest\n");
		rests = true
	};
	timeout ->
	d_step {
	printf("     at rest\n");
	for (n : 0 .. MOVERS - 1) {
		PROPERTY(STUCK, !IS_OPEN(n));
		PROPERTY(STUCK, !asked[n] || heard[n] != NONE)
	};
	n = 0;
	check_rest(0);
#if MESSAGES > 1
	check_rest(1);
#endif
	n = 0
	}
}

init {
	byte k;

	d_step {
		for (k : 0 .. MESSAGES - 1) {
			there[k] = 1;
			message[k] = k
		};
		for (k : 0 .. MOVERS - 1) {
			message[MADE(k)] = MESSAGES
		};
		k = 0
	};
	atomic {
		for (k : 0 .. MOVERS - 1) {
			run mover(k)
		};
		for (k : 0 .. ROWS - 1) {
			run rows(k)
		};
		run mailbox(0);
		run mailbox(1);
		run world();
		k = 0
	}
}
