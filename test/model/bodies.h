/*
 * Bodies with membership: the parts of the model that bodies.c explains.
 *
 *   bodies.c          the protocol's steps, and the run
 *   bodies_rules.c    what a log says, what the rules allow, properties
 *   bodies_recover.c  property RECOVER
 *   bodies_symmetry.c states that differ in who is who are one
 */
#ifndef BODIES_H
#define BODIES_H

#include <stdbool.h>
#include <stdint.h>

#define REPLICAS 5
#define OPS 2
#define LOG_MAX 24 /* entries, recovery's included */
#define WANTED 3   /* voters */

enum kind {
	LOG_APPEND, /* of: op */
	LOG_CANCEL, /* of: op */
	LOG_FENCE,  /* of: op, whose proposer is fenced */
	LOG_EXPUNGE,
	LOG_RENEW,   /* COPY, then EXPUNGE of the old row: the index is new */
	LOG_STANDBY, /* of: replica */
	LOG_PROMOTE,
	LOG_REMOVE,
	LOG_LOST,
};

/* An entry is one octet: kind, and what it is of. */
#define ENTRY(kind, of) ((uint8_t)((unsigned)(kind) << 4 | (of)))
#define KIND(entry) ((enum kind)((entry) >> 4))
#define OF(entry) ((entry)&15u)

/* Sets are of replicas or ops, a bit each; indexes begin at 1. */
struct state {
	uint8_t burnt;
	uint8_t body;
	uint8_t hold[OPS];
	uint8_t answered[OPS]; /* who said that he has the body, by op */
	uint8_t given_up;      /* ops whose proposer is no more */
	uint8_t decided;       /* of a twin: removals that are to be appended */
	uint8_t candidate;     /* of a twin: first looks of the sweep */
	uint8_t excused;       /* rows up to here were lost by a disaster */
	uint8_t crashes;       /* that may still come */
	uint8_t burns;
	uint8_t disasters;
	uint8_t applied[REPLICAS];
	uint8_t reported[REPLICAS];  /* the highest frontier */
	uint8_t caught_up[REPLICAS]; /* index that the sweep waits for */
	uint8_t commit;
	uint8_t len;
	uint8_t log[LOG_MAX]; /* zeroes from `len` on */

	/* Not part of the state: what traces call the replicas. */
	uint8_t name[REPLICAS];
};

/* What a log says up to an index. */
struct view {
	uint8_t voters;
	uint8_t standbys;
	uint8_t change;          /* index of the last change of voters */
	uint8_t config;          /* index of the last change */
	uint8_t since[REPLICAS]; /* standby since this index */
	uint8_t resolved;        /* ops */
	uint8_t effect;          /* ops whose append took effect */
	bool named;
	uint8_t first; /* index that named the body first, since it is named */
	uint8_t row;   /* index of the newest row */
	uint8_t lost;  /* rows up to it hold no frontier back */
};

enum twin {
	TWIN_NONE,
	TWIN_BARRIER_STANDBY,
	TWIN_CHANGE_TWO_STEPS,
	TWIN_HOLD_BY_EVENT,
	TWIN_NO_SECOND_LOOK,
	TWIN_FRONTIER_OF_ROWS,
	TWIN_HOLDERS_BY_NODE,
	TWIN_HOLDERS_OF_COMMITTED,
	TWIN_REMOVE_UNCHECKED,
	TWIN_SWEEP_EARLY,
	TWIN_NO_LOST,
	TWIN_NO_FENCE,
	TWINS,
};

/* The configuration of the run: set once, by main. */
struct run {
	enum twin twin;
	unsigned log; /* entries */
	unsigned ops;
	unsigned replicas; /* 4: one standby; 5: two */
	unsigned crashes;
	unsigned burns;
	unsigned disasters;
	unsigned give_ups;
	unsigned promotions; /* 0: none */
	unsigned removals;   /* 0: none */
	unsigned cover;      /* 1: say what was reached */
	unsigned states;     /* at most */
};

extern struct run run;

static inline uint8_t bit(unsigned n)
{
	return (uint8_t)(1u << n);
}

static inline unsigned size_of(unsigned set)
{
	return (unsigned)__builtin_popcount(set);
}

static inline bool is_majority(unsigned some, unsigned voters)
{
	return 2 * size_of(some & voters) > size_of(voters);
}

/* What the first `upto` entries of the log say. */
struct view view_of(const struct state *state, uint8_t upto);

bool in_log(const struct state *state, enum kind kind, unsigned of);
void append(struct state *state, enum kind kind, unsigned of);

/* B5: what follows at once from a change of indexes or bodies. */
void settle(struct state *state);

/* The replica's disk is gone. */
void burn(struct state *state, unsigned r);

/* B2, B9, B10, B4: may it be appended, or committed? */
bool has_holders(const struct state *state, unsigned op,
		 const struct view *newest);
bool may_promote(const struct state *state, const struct view *newest,
		 unsigned r);
bool may_remove(const struct state *state, const struct view *newest,
		unsigned r);
bool may_commit(const struct state *state);

/* The adversary's limit. */
bool may_burn(const struct state *state, unsigned r);

/* B7: neither hold nor row; the state is new enough for a sweep. */
bool is_dead(const struct state *state, unsigned r);
bool may_sweep(const struct state *state, unsigned r);

/* No live member has a body that is named. */
bool is_lost(const struct state *state, const struct view *view);

/*
 * Voters that have the body, less those that may still burn: burning late is
 * the worst that burning can do to it. Standbys may burn at any time.
 */
unsigned survivors(const struct state *state, const struct view *view);

/* Properties: NULL, or the name of what falls. HOLDER: if `r` drops it. */
const char *check_drop(const struct state *state, unsigned r);
const char *check_bodies(const struct state *state);
bool recovers(const struct state *from);

/* Puts replicas that are alike at the start into one order. */
void make_canonical(struct state *state);

#endif
