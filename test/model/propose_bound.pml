/*
 * Proposals: how much the table of results must remember (propose.pml, ROOM).
 *
 * A node has two operations under way at most, and one of them, an upload,
 * may stay open for ever. Slots: the next turn of a slot overwrites its row,
 * so the table has as many rows as there are slots, and who has a free slot
 * can always go on.
 *
 * TWIN_FLOORS gives operations a running number instead and keeps the results
 * from the lowest unresolved one (the floor) on: one open operation lets the
 * results grow without bound. TWIN_FLOORS_BOUNDED refuses what has no room in
 * the table: one slow upload stops its node.
 */
#include "words.pml"

#define SLOTS 2
#define NUMBERS 6 /* operations that are begun; enough to pass the bound */

byte under_way[SLOTS]; /* number of the operation; 0: free */
byte row[SLOTS];       /* the number whose result it keeps; 0: none */
byte begun;            /* the highest number */
byte results;          /* set of numbers whose result is kept, by floors */
byte open;             /* set of numbers that are under way */
byte rows, n;          /* of one step; 0 between */

#ifdef TWIN_FLOORS_BOUNDED
#define HAS_ROOM (rows < SLOTS)
#else
#define HAS_ROOM true
#endif

/* The results from the lowest open number on. */
inline forget_below_floor()
{
	for (n : 1 .. NUMBERS) {
		if
		:: ((open >> n) & 1) -> break
		:: else -> results = results & ~(1 << n)
		fi
	};
	n = 0
}

inline count_rows()
{
	rows = 0;
#if defined(TWIN_FLOORS) || defined(TWIN_FLOORS_BOUNDED)
	for (n : 1 .. NUMBERS) {
		rows = rows + ((results >> n) & 1)
	};
#else
	for (n : 0 .. SLOTS - 1) {
		rows = rows + (row[n] != 0)
	};
#endif
	n = 0
}

proctype slot(byte s)
{
	do
	:: atomic { under_way[s] == 0 && begun < NUMBERS ->
		count_rows();
		PROPERTY(ROOM, HAS_ROOM);
		begun++;
		under_way[s] = begun;
		open = open | (1 << begun);
		rows = 0;
		printf("P5   slot %d: operation %d begins\n", s, under_way[s])
	   }
	:: atomic { under_way[s] != 0 ->
		printf("P8   slot %d: operation %d is done: recorded\n", s,
		       under_way[s]);
		row[s] = under_way[s];
		results = results | (1 << under_way[s]);
		open = open & ~(1 << under_way[s]);
		forget_below_floor();
		under_way[s] = 0;
		count_rows();
		printf("     results kept: %d\n", rows);
		REACHED(the_other_stays_open, open != 0 && begun == NUMBERS);
#ifndef TWIN_FLOORS_BOUNDED
		PROPERTY(ROOM, rows <= SLOTS);
#endif
		rows = 0
	   }
	od
}

init {
	atomic {
		run slot(0);
		run slot(1)
	}
}
