/*
 * A small explicit-state checker: all states that a model can reach, breadth
 * first, so that the way to a broken one is as short as can be.
 *
 *   for each state: model->check; model->steps calls explore_step for each
 *   state that may come next
 *
 * A state is `size` octets without padding. Only states and their parents are
 * kept: a trace is made by taking the steps of each state on it once more.
 */
#ifndef EXPLORE_H
#define EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct explore;

struct explore_model {
	size_t size;     /* octets of a state */
	size_t compared; /* of these: states that differ behind are one */
	uint32_t max;    /* states; more than that ends the run */
	const void *first;

	/* Calls explore_step for each step that can be taken from `state`. */
	void (*steps)(struct explore *explore, const void *state);

	/* NULL, or which property does not hold in `state`. */
	const char *(*check)(const void *state);
};

enum explore_end {
	EXPLORE_ALL,    /* every state was seen, all of them are good */
	EXPLORE_BROKEN, /* `fallen` is set, and the trace has been printed */
	EXPLORE_FULL,   /* there are more than `max` states */
};

struct explore {
	const struct explore_model *model;
	uint8_t *states;
	uint32_t *parents;
	uint32_t *table; /* state + 1 by hash; 0: free */
	uint32_t mask;
	uint32_t count;
	uint32_t at;        /* the state whose steps are taken */
	const char *fallen; /* property */
	const void *broken; /* the state that `check` refused, or NULL */
	bool full;
	const uint8_t *wanted; /* while a trace is printed: the next state */
	bool told;             /* ... how it was reached */
};

/* Runs the model; all memory is taken at once, from `max`. */
enum explore_end explore_run(struct explore *explore,
			     const struct explore_model *model);

void explore_fini(struct explore *explore);

/*
 * From within `steps`: `next` may follow; the text says what happened. A
 * property that the step itself breaks is named by `fallen`, else NULL.
 */
void explore_step(struct explore *explore, const void *next, const char *fallen,
		  const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
