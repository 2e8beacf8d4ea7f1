/*
 * Recovery: from a state on, nothing fails any more, everybody does what the
 * protocol asks of him, and a manager replaces who burnt: it adds before it
 * removes. All by the same rules; ends when nothing is left to do.
 */
#include "bodies.h"

/* Everything is committed, applied, fetched. False: it cannot be. */
static bool recover_log(struct state *state)
{
	struct view view;

	while (state->len > state->commit && may_commit(state)) {
		state->commit++;
		settle(state);
	}
	state->len = state->commit; /* a new leader has no more */
	view = view_of(state, state->commit);
	for (unsigned r = 0; r < run.replicas; r++) {
		if (!((view.voters | view.standbys) & bit(r)) ||
		    (state->burnt & bit(r)))
			continue;
		state->applied[r] = state->commit;
		if (view.named && (state->body & ~(unsigned)state->burnt))
			state->body |= bit(r);
	}
	settle(state);
	return is_majority(~(unsigned)state->burnt, view.voters);
}

static bool recover_holds(struct state *state, unsigned members)
{
	for (unsigned op = 0; op < run.ops; op++) {
		bool given_up = state->given_up & bit(op);

		if (!(state->hold[op] & members))
			continue;
		if (given_up && run.twin == TWIN_NO_FENCE)
			continue;
		append(state, given_up ? LOG_FENCE : LOG_CANCEL, op);
		return true;
	}
	return false;
}

/* A machine without a past, under an id that no list of holders has. */
static bool recover_machine(struct state *state, const struct view *view)
{
	for (unsigned r = 0; r < run.replicas; r++) {
		if ((view->voters | view->standbys) & bit(r))
			continue;
		burn(state, r);
		state->burnt &= (uint8_t)~bit(r);
		state->reported[r] = 0;
		for (unsigned op = 0; op < OPS; op++)
			state->answered[op] &= (uint8_t)~bit(r);
		append(state, LOG_STANDBY, r);
		return true;
	}
	return false;
}

static bool recover_promote(struct state *state, const struct view *view)
{
	for (unsigned r = 0; r < run.replicas; r++)
		if (!(state->burnt & bit(r)) && may_promote(state, view, r)) {
			append(state, LOG_PROMOTE, r);
			return true;
		}
	return false;
}

/* Those who burnt first; a standby that burnt goes without a test. */
static bool recover_remove(struct state *state, const struct view *view,
			   unsigned whom)
{
	for (unsigned r = 0; r < run.replicas; r++)
		if ((whom & bit(r)) &&
		    ((view->standbys & bit(r)) || may_remove(state, view, r))) {
			append(state, LOG_REMOVE, r);
			return true;
		}
	return false;
}

static bool recover_members(struct state *state, const struct view *view)
{
	unsigned burnt = state->burnt;
	unsigned live = view->voters & ~burnt;

	if (size_of(live) < WANTED) {
		if (recover_promote(state, view) ||
		    recover_remove(state, view, view->standbys & burnt))
			return true;
		if (!(view->standbys & ~burnt))
			return recover_machine(state, view) ||
			       recover_remove(state, view,
					      view->voters & burnt);
		return false;
	}
	if (view->voters & burnt)
		return recover_remove(state, view, view->voters & burnt);
	return size_of(live) > WANTED && recover_remove(state, view, live);
}

bool recovers(const struct state *from)
{
	struct state state = *from;

	for (;;) {
		struct view view;
		unsigned members;

		if (!recover_log(&state))
			return false;
		view = view_of(&state, state.commit);
		members =
			(view.voters | view.standbys) & ~(unsigned)state.burnt;
		if (state.len + 1 == LOG_MAX)
			return false;
		if (recover_holds(&state, members))
			continue;
		if (is_lost(&state, &view) && run.twin != TWIN_NO_LOST) {
			append(&state, LOG_LOST, 0);
			continue;
		}
		if (recover_members(&state, &view))
			continue;
		for (unsigned op = 0; op < run.ops; op++)
			if (state.hold[op] & members)
				return false;
		return !(view.voters & state.burnt) &&
		       size_of(view.voters) == WANTED;
	}
}
