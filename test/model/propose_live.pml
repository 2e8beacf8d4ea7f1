/*
 * Proposals: what is unknown becomes known (propose.pml, DECIDE).
 *
 * Here the log is one: two leaders in turn. An entry enters the leader's log,
 * and is committed or lost when the leader changes. The proposer has one
 * operation under way, whose deadline has passed; as long as it lives it
 * repeats CANCEL. The leader changes three times at most; frames and answers
 * are lost at most three times. Weakly fair: what can go on happening happens.
 *
 * TWIN_CANCEL_ONCE proposes CANCEL once only: a leader change loses it, and
 * the client waits for ever.
 */
#include "words.pml"

#define LOG 4 /* entries in the leader's log: more wait */

#define NONE 0
#define COMMAND 1
#define CANCEL 2

byte leader;      /* 0 or 1 */
byte entry;       /* uncommitted, in the leader's log */
byte result;      /* of the slot's row */
bool effect;
byte frame;       /* on its way to a leader */
bool cancel_sent;
bool answer;      /* on its way to the proposer */
bool decided;     /* the client has heard */
byte changes = 3, losses = 3; /* that are left to happen */

#ifdef TWIN_CANCEL_ONCE
#define MAY_CANCEL (!cancel_sent)
#else
#define MAY_CANCEL true
#endif

active proctype proposer()
{
	atomic {
		printf("P5   proposed\n");
		frame = COMMAND
	};
	do
	:: atomic { !decided && answer ->
		printf("P11  the client hears it\n");
		REACHED(a_cancel_decides, !effect);
		REACHED(the_effect_decides, effect);
		decided = true
	   }
	:: atomic { !decided && !answer && frame == NONE && MAY_CANCEL ->
		printf("P9   CANCEL is proposed\n");
		cancel_sent = true;
		frame = CANCEL
	   }
	:: decided -> break
	od
}

active proctype leading()
{
end:
	do
	:: atomic { frame != NONE && entry == NONE ->
		printf("     leader %d has it in its log\n", leader);
		entry = frame;
		frame = NONE
	   }
	od
}

active proctype committing()
{
end:
	do
	:: atomic { entry != NONE ->
		printf("     committed by leader %d\n", leader);
		if
		:: result == NONE && entry == COMMAND ->
			printf("P8   it takes effect\n");
			effect = true
		:: result == NONE && entry == CANCEL ->
			printf("P10  cancelled\n")
		:: else
		fi;
		result = entry;
		entry = NONE;
		answer = true
	   }
	od
}

/* No fairness here: none of it need happen. */
active proctype adversary()
{
	do
	:: atomic { changes > 0 ->
		changes--;
		leader = 1 - leader;
		REACHED(an_entry_is_lost, entry != NONE);
		printf("A    leader %d: what was not committed is lost\n",
		       leader);
		entry = NONE
	   }
	:: atomic { losses > 0 && answer ->
		losses--;
		printf("A    an answer is lost\n");
		answer = false
	   }
	:: atomic { losses > 0 && frame != NONE ->
		losses--;
		printf("A    a frame is lost\n");
		frame = NONE
	   }
	:: break
	od
}

ltl decide { <> decided }
