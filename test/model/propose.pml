/*
 * Proposals: at most once, and never a NO that was a yes (architecture.md 4).
 *
 * One node and one group. The node lives twice: its second life may begin
 * while the first goes on (a cloned disk), and with the same start count (a
 * restored one). Each life has two slots, each slot two turns.
 *
 * The adversary owns the log: any frame that was ever sent is applied now,
 * later, again, in any order, or never; any answer that was ever given is
 * heard now, later, or never. That is more than Raft lets happen. A deadline
 * may pass at once, so a CANCEL counts as sent as soon as its command is.
 *
 * The steps; the code that carries one out names it ("model step P5"):
 *
 *   P1  a life begins: start count + 1, a boot value of its own
 *   P2  REGISTER {incarnation, boot} is its first command, alone
 *   P3  apply of REGISTER: higher: registered, the node's rows cleared; the
 *       same with the same boot: once more; else "taken, highest is N"
 *   P4  "taken": take N + 1 and ask again; "registered": slots are open
 *   P5  an operation takes a slot, with its next turn, and is proposed; one
 *       that gives its slot back unproposed has not begun, so the next takes
 *       the same turn
 *   P6  apply: higher incarnation: registered, rows cleared, whatever the
 *       command is; lower: fenced, nothing is recorded
 *   P7  apply, the slot: lower turn: dropped; the row's turn: its answer
 *   P8  apply, the next turn: run it and record {turn, result}
 *   P9  a deadline has passed: CANCEL of the same slot and turn, repeated
 *   P10 apply of CANCEL where no result is: record "cancelled"
 *   P11 an answer for this op id, incarnation and all: the client hears it,
 *       and the slot is free
 *   P12 "fenced": clients are closed unanswered, and this life is over
 *   P13 the node is removed: its incarnation becomes the highest there is
 *
 * Properties, as the model names them:
 *   ONCE    at most one effect of an operation
 *   OK      the client hears OK: there was an effect
 *   NO      the client hears NO: there is none, now or later
 *   FENCE   nothing of an older incarnation takes effect after the first
 *           commit of a newer one
 *   RESOLVE a CANCEL that is applied leaves its slot resolved, or was fenced
 *   STEP    a slot's turns come one by one: apply may insist on it
 *   ROOM    propose_bound.pml: the table is as large as there are slots
 *   DECIDE  propose_live.pml: what is unknown becomes known
 *
 * Twins, one rule removed each (-D), and what falls: README.md.
 */
#include "words.pml"

#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef TURNS
#define TURNS 2
#endif
#define LIVES 2
#define COUNT_MAX 3 /* start counts */
#define REMOVED 7   /* above every start count */

/* An operation: slot and turn of a life. */
#define OP(l, s, t) (((l) * SLOTS + (s)) * TURNS + (t) - 1)

/* Results of a row. Refused and cancelled are alike: it never happens. */
#define NONE 0
#define DONE 1
#define REFUSED 2

/* -DNO_CLONES: the second life begins when the first has ended. */
#ifdef NO_CLONES
#define CLONES false
#define MAY_BEGIN(l) (l == 0 || life[0] == OVER)
#else
#define CLONES true
#define MAY_BEGIN(l) (l == 0 || life[0] != UNBORN)
#endif

/* -DNO_REMOVAL: nobody removes the node. */
#ifdef NO_REMOVAL
#define REMOVES false
#else
#define REMOVES true
#endif

/* What of an operation a frame carries. */
#define COMMAND 0
#define COMMAND_REFUSED 1 /* the machine's choice */
#define CANCEL 2

/* Rules that a twin lacks and that are conditions. */
#ifdef TWIN_ANY_INCARNATION
#define SAME_ID(a, b) true
#else
#define SAME_ID(a, b) (incarnation[a] == incarnation[b])
#endif
#ifdef TWIN_CANCEL_UNRECORDED
#define RUNS(what) (what != CANCEL)
#define IS_RESOLVED(s, t) true
#else
#define RUNS(what) true
#define IS_RESOLVED(s, t) (row_turn[s] >= t && row_result[s] != NONE)
#endif
#ifdef TWIN_UNREGISTERED_NO
#define SKIPS_REGISTER true
#define IS_UNREGISTERED(l) (incarnation[l] > row_incarnation)
#else
#define SKIPS_REGISTER false
#define IS_UNREGISTERED(l) false
#endif

/* The state of the group. */
byte row_incarnation;
byte row_boot; /* life + 1; 0: another command than REGISTER came first */
byte row_turn[SLOTS];
byte row_result[SLOTS];

/* The lives of the node. */
#define UNBORN 0
#define ASKING 1
#define OPEN 2
#define OVER 3
byte life[LIVES];
byte incarnation[LIVES];
byte registered;          /* lives that were told that they are */
byte turn[LIVES * SLOTS]; /* of what was begun last */
byte busy;                /* slots, life by life, that wait for an answer */
#define TURN(l, s) turn[(l) * SLOTS + (s)]
#define BUSY(l, s) HAS(busy, (l) * SLOTS + (s))

/* Answers on their way, by operation. */
short said_ok;
short said_no;

/* What the world sees. */
short effects;  /* operations that took effect */
short heard_no; /* operations whose clients have heard NO */
byte newest;    /* the highest incarnation that has committed something */

byte i, k, look; /* of one step; 0 between */

inline raise(n, boot)
{
	row_incarnation = n;
	row_boot = boot;
	for (i : 0 .. SLOTS - 1) {
		row_turn[i] = 0;
		row_result[i] = NONE
	}
	i = 0
}

/* ---- apply ---- */

/* P6; `look`: the slot is to be looked at. */
inline check_incarnation(l)
{
	look = true;
	if
	:: incarnation[l] > row_incarnation ->
		printf("P6   incarnation %d registers itself, rows are cleared\n",
		       incarnation[l]);
		raise(incarnation[l], 0)
	:: incarnation[l] < row_incarnation ->
#if defined(TWIN_OTHER_REGISTERS)
		printf("     incarnation %d is another than the registered: registered\n",
		       incarnation[l]);
		raise(incarnation[l], 0)
#elif defined(TWIN_NO_FENCE)
		printf("     incarnation %d is old, and nobody looks\n",
		       incarnation[l])
#else
		printf("P6   fenced: incarnation %d is registered\n",
		       row_incarnation);
		REACHED(a_living_one_is_fenced, life[l] == OPEN);
		look = false
#endif
	:: else
	fi;
	if
	:: look && incarnation[l] > newest -> newest = incarnation[l]
	:: else
	fi
}

/* An answer leaves; whoever has the same op id may take it for his. */
inline say(l, s, t, result)
{
	for (i : 0 .. LIVES - 1) {
		if
		:: SAME_ID(i, l) && life[i] == OPEN && BUSY(i, s) &&
		   TURN(i, s) == t && result == DONE ->
			said_ok = said_ok | BIT(OP(i, s, t))
		:: SAME_ID(i, l) && life[i] == OPEN && BUSY(i, s) &&
		   TURN(i, s) == t && result == REFUSED ->
			said_no = said_no | BIT(OP(i, s, t))
		:: else
		fi
	}
	i = 0
}

inline take_effect(l, s, t)
{
	PROPERTY(ONCE, !HAS(effects, OP(l, s, t)));
	PROPERTY(NO, !HAS(heard_no, OP(l, s, t)));
	PROPERTY(FENCE, incarnation[l] >= newest);
	effects = effects | BIT(OP(l, s, t));
	REACHED(an_effect_after_the_life, life[l] == OVER);
	REACHED(an_effect_of_the_second_life, l == 1)
}

/* P8 and P10 */
inline run_it(l, s, t, what)
{
#if !defined(TWIN_NO_FENCE) && !defined(TWIN_ANY_INCARNATION)
	PROPERTY(STEP, t == row_turn[s] + 1);
#endif
	row_turn[s] = t;
	row_result[s] = REFUSED;
	if
	:: what == COMMAND ->
		printf("P8   it takes effect: recorded\n");
		take_effect(l, s, t);
		row_result[s] = DONE
	:: what == COMMAND_REFUSED ->
		printf("P8   the machine refuses it: recorded\n")
	:: what == CANCEL ->
		printf("P10  there is no result: recorded as cancelled\n");
		REACHED(a_cancel_commits, true)
	fi;
	say(l, s, t, row_result[s])
}

inline apply(l, s, t, what)
{
	check_incarnation(l);
	if
	:: look && t == row_turn[s] ->
		printf("P7   the row answers: %d (1 done, 2 refused or cancelled)\n",
		       row_result[s]);
		REACHED(a_cancel_comes_too_late,
			what == CANCEL && row_result[s] == DONE);
		REACHED(a_late_original_is_refused,
			what == COMMAND && row_result[s] == REFUSED);
		say(l, s, t, row_result[s])
	:: look && t < row_turn[s] ->
		printf("P7   dropped: the slot has gone on to turn %d\n",
		       row_turn[s])
#ifdef TWIN_CANCEL_UNRECORDED
	:: look && t > row_turn[s] && what == CANCEL ->
		printf("     there is no result; nobody writes that down\n");
		say(l, s, t, REFUSED)
#endif
	:: look && t > row_turn[s] && RUNS(what) -> run_it(l, s, t, what)
	:: else
	fi;
	PROPERTY(RESOLVE, what != CANCEL || !look || IS_RESOLVED(s, t));
	look = false
}

/* P3 */
inline apply_register(l)
{
	printf("     apply REGISTER {incarnation %d, boot %d}\n",
	       incarnation[l], l + 1);
	if
	:: incarnation[l] > row_incarnation ->
		printf("P3   registered, the rows are cleared\n");
		raise(incarnation[l], l + 1);
		newest = incarnation[l];
		registered = registered | BIT(l)
	:: incarnation[l] == row_incarnation && row_boot == l + 1 ->
		printf("P3   registered, as before\n");
		registered = registered | BIT(l)
#ifdef TWIN_COUNT_TWICE
	:: incarnation[l] == row_incarnation && row_boot != l + 1 ->
		printf("     registered: nobody compares the boot values\n");
		registered = registered | BIT(l)
#endif
	:: else ->
		printf("P3   taken, the highest is %d\n", row_incarnation);
		REACHED(a_clone_is_taken,
			incarnation[l] == row_incarnation);
		if
		:: life[l] == ASKING && !HAS(registered, l) &&
		   row_incarnation < COUNT_MAX ->
			incarnation[l] = row_incarnation + 1;
			printf("P4   life %d takes %d and asks again\n",
			       l + 1, incarnation[l])
		:: else
		fi
	fi
}

/* ---- the proposer ---- */

inline hear(l, s, no)
{
	REACHED(a_client_hears_OK, !no);
	REACHED(a_client_hears_NO, no);
	PROPERTY(OK, no || HAS(effects, OP(l, s, TURN(l, s))));
	PROPERTY(NO, !no || !HAS(effects, OP(l, s, TURN(l, s))));
	if
	:: no -> heard_no = heard_no | BIT(OP(l, s, TURN(l, s)))
	:: else
	fi;
	busy = busy & ~BIT(l * SLOTS + s);
	said_ok = said_ok & ~BIT(OP(l, s, TURN(l, s)));
	said_no = said_no & ~BIT(OP(l, s, TURN(l, s)))
}

/* What waits will never be answered. */
inline close_all(l, is_fenced)
{
	for (k : 0 .. SLOTS - 1) {
		if
		:: BUSY(l, k) ->
#ifdef TWIN_FENCED_IS_NO
			if
			:: is_fenced ->
				printf("     ... which a client hears as NO\n");
				hear(l, k, true)
			:: else
			fi;
#endif
			busy = busy & ~BIT(l * SLOTS + k);
			said_ok = said_ok & ~BIT(OP(l, k, TURN(l, k)));
			said_no = said_no & ~BIT(OP(l, k, TURN(l, k)))
		:: else
		fi
	}
	k = 0;
	registered = registered & ~BIT(l);
	life[l] = OVER
}

/* P1, P2 */
inline begin(l, count)
{
	incarnation[l] = count;
	printf("P1   life %d begins with start count %d\n", l + 1, count);
#ifdef TWIN_UNREGISTERED_NO
	life[l] = OPEN
#else
	printf("P2   it proposes REGISTER {incarnation %d, boot %d}\n",
	       count, l + 1);
	life[l] = ASKING
#endif
}

proctype live(byte l)
{
	do
	:: d_step { life[l] == UNBORN && MAY_BEGIN(l) ->
		begin(l, l + 1)
	   }
	:: d_step { l == 1 && life[1] == UNBORN && life[0] != UNBORN && CLONES ->
		printf("A    the disk was copied before life 1 began\n");
		begin(l, 1)
	   }
	:: d_step { life[l] != UNBORN && !SKIPS_REGISTER ->
		apply_register(l)
	   }
	:: d_step { life[l] == ASKING && HAS(registered, l) ->
		printf("P4   life %d hears that it is registered\n", l + 1);
		registered = registered & ~BIT(l);
		life[l] = OPEN
	   }
	:: d_step { life[l] == OPEN && incarnation[l] < row_incarnation ->
		printf("P12  life %d hears \"fenced\" and closes its clients\n",
		       l + 1);
		close_all(l, true)
	   }
	:: d_step { life[l] == ASKING || life[l] == OPEN ->
		printf("A    life %d ends (kill -9)\n", l + 1);
		close_all(l, false)
	   }
	od
}

/* One slot of a life, and the client behind it. */
proctype slot(byte l; byte s)
{
	do
	:: d_step { life[l] == OPEN && !BUSY(l, s) && TURN(l, s) < TURNS ->
		TURN(l, s)++;
		printf("P5   life %d proposes {incarnation %d, slot %d, turn %d}\n",
		       l + 1, incarnation[l], s, TURN(l, s));
		busy = busy | BIT(l * SLOTS + s)
	   }
	:: d_step { BUSY(l, s) && HAS(said_ok, OP(l, s, TURN(l, s))) ->
		printf("P11  the client of {life %d, slot %d, turn %d} hears OK\n",
		       l + 1, s, TURN(l, s));
		hear(l, s, false)
	   }
	:: d_step { BUSY(l, s) && HAS(said_no, OP(l, s, TURN(l, s))) ->
		printf("P11  the client of {life %d, slot %d, turn %d} hears NO\n",
		       l + 1, s, TURN(l, s));
		hear(l, s, true)
	   }
#ifdef TWIN_NO_AT_DEADLINE
	:: d_step { BUSY(l, s) ->
		printf("P9   deadline: CANCEL is proposed, and {life %d, slot %d, turn %d} hears NO at once\n",
		       l + 1, s, TURN(l, s));
		hear(l, s, true)
	   }
#endif
#ifdef TWIN_LEADER_REFUSES
	:: d_step { BUSY(l, s) ->
		printf("     another leader is full and says so: {life %d, slot %d, turn %d} hears NO\n",
		       l + 1, s, TURN(l, s));
		hear(l, s, true)
	   }
#endif
	od
}

inline say_apply(what, l, s, t)
{
	if
	:: what == CANCEL ->
		printf("     apply CANCEL {incarnation %d, slot %d, turn %d}\n",
		       incarnation[l], s, t)
	:: else ->
		printf("     apply the command {incarnation %d, slot %d, turn %d}\n",
		       incarnation[l], s, t)
	fi
}

/* One operation: its frames are applied, whenever and however often. */
proctype frames(byte l; byte s; byte t)
{
	do
	:: d_step { TURN(l, s) >= t ->
		say_apply(COMMAND, l, s, t);
		apply(l, s, t, COMMAND)
	   }
	:: d_step { TURN(l, s) >= t && t != row_turn[s] ->
		say_apply(COMMAND, l, s, t);
		apply(l, s, t, COMMAND_REFUSED)
	   }
	:: d_step { TURN(l, s) >= t && !IS_UNREGISTERED(l) -> /* P9 */
		say_apply(CANCEL, l, s, t);
		apply(l, s, t, CANCEL)
	   }
#ifdef TWIN_UNREGISTERED_NO
	:: d_step { TURN(l, s) >= t && IS_UNREGISTERED(l) ->
		say_apply(CANCEL, l, s, t);
		printf("     incarnation %d is not registered: the answer says so\n",
		       incarnation[l]);
		say(l, s, t, REFUSED)
	   }
#endif
	od
}

proctype world()
{
	do
	:: d_step { row_incarnation != 0 && row_incarnation != REMOVED && REMOVES ->
		printf("P13  the node is removed: it is fenced for ever\n");
#ifdef TWIN_ROW_FORGOTTEN
		printf("     ... and its row is dropped\n");
		raise(0, 0);
#else
		raise(REMOVED, 0);
#endif
		newest = REMOVED
	   }
#ifdef TWIN_RESULTS_FORGOTTEN
	:: d_step { row_incarnation != 0 ->
		printf("A    the leader changes; the results were its own\n");
		raise(row_incarnation, row_boot)
	   }
#endif
	od
}

init {
	byte l, s, t;

	atomic {
		for (l : 0 .. LIVES - 1) {
			run live(l);
			for (s : 0 .. SLOTS - 1) {
				run slot(l, s);
				for (t : 1 .. TURNS) {
					run frames(l, s, t)
				}
			}
		}
		l = 0; s = 0; t = 0;
		run world()
	}
}
