/*
 * Legal moves of a state machine: a table that every change is checked by.
 */
#ifndef BASE_FSM_H
#define BASE_FSM_H

#include <stdint.h>

/* moves[state] is the set of next states, bit n = state n; up to 32 states. */
struct fsm {
	const char *name;          /* for the panic message */
	const char *const *states; /* their names */
	const uint32_t *moves;
	unsigned count;
};

#define FSM_TO(state) (1u << (state))

/* Panics unless from -> to is legal; stores the new state. */
void fsm_move(const struct fsm *fsm, int *state, int to);

#endif
