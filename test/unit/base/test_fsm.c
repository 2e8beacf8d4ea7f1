/*
 * Legal and illegal moves.
 */
#include "base/fsm.h"

#include <signal.h>

#include <criterion/criterion.h>

#include "base/attr.h"

enum door {
	DOOR_OPEN,
	DOOR_CLOSED,
	DOOR_LOCKED
};

static const char *const states[] = { "OPEN", "CLOSED", "LOCKED" };
static const uint32_t moves[] = {
	[DOOR_OPEN] = FSM_TO(DOOR_CLOSED),
	[DOOR_CLOSED] = FSM_TO(DOOR_OPEN) | FSM_TO(DOOR_LOCKED),
	[DOOR_LOCKED] = FSM_TO(DOOR_CLOSED),
};
static const struct fsm door = { "door", states, moves, ARRAY_LEN(moves) };

Test(fsm, a_legal_move_is_made)
{
	int state = DOOR_OPEN;

	fsm_move(&door, &state, DOOR_CLOSED);
	fsm_move(&door, &state, DOOR_LOCKED);
	cr_assert_eq(state, DOOR_LOCKED);
}

Test(fsm, an_illegal_move_panics, .signal = SIGABRT)
{
	int state = DOOR_OPEN;

	fsm_move(&door, &state, DOOR_LOCKED);
}

Test(fsm, staying_is_a_move_like_any_other, .signal = SIGABRT)
{
	int state = DOOR_OPEN;

	fsm_move(&door, &state, DOOR_OPEN);
}

Test(fsm, a_move_to_no_state_panics, .signal = SIGABRT)
{
	int state = DOOR_OPEN;

	fsm_move(&door, &state, 3);
}

Test(fsm, a_move_from_no_state_panics, .signal = SIGABRT)
{
	int state = -1;

	fsm_move(&door, &state, DOOR_OPEN);
}
