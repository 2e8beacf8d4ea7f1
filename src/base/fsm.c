/*
 * Moves of a state machine, checked against its table.
 */
#include "base/fsm.h"

#include <stdbool.h>

#include "base/panic.h"

void fsm_move(const struct fsm *fsm, int *state, int to)
{
	int from = *state;

	MUST(fsm->count <= 32);
	if (from < 0 || (unsigned)from >= fsm->count)
		PANIC("%s: is in no state (%d)", fsm->name, from);
	if (to < 0 || (unsigned)to >= fsm->count)
		PANIC("%s: %s -> %d, which is no state", fsm->name,
		      fsm->states[from], to);
	if ((fsm->moves[from] & FSM_TO(to)) == 0)
		PANIC("%s: illegal move %s -> %s", fsm->name, fsm->states[from],
		      fsm->states[to]);
	*state = to;
}
