/*
 * What a log says up to an index, what the rules allow (B2 to B12), and what
 * must hold in every state. Each rule that a twin lacks asks for it here.
 */
#include "bodies.h"

#include <string.h>

/* ---- what a log says ---- */

static void view_row(struct view *view, uint8_t index)
{
	if (!view->named)
		view->first = index;
	view->named = true;
	view->row = index;
}

static void view_entry(struct view *view, uint8_t entry, uint8_t index)
{
	uint8_t of = bit(OF(entry));

	switch (KIND(entry)) {
	case LOG_APPEND:
		if (view->resolved & of)
			return;
		view->effect |= of;
		view->resolved |= of;
		view_row(view, index);
		return;
	case LOG_CANCEL:
	case LOG_FENCE:
		view->resolved |= of;
		return;
	case LOG_EXPUNGE:
		view->named = false;
		return;
	case LOG_RENEW:
		view->row = index;
		return;
	case LOG_STANDBY:
		view->standbys |= of;
		view->since[OF(entry)] = index;
		view->config = index;
		return;
	case LOG_PROMOTE:
		view->standbys &= (uint8_t)~of;
		view->voters |= of;
		view->config = view->change = index;
		return;
	case LOG_REMOVE:
		view->config = index;
		if (view->voters & of)
			view->change = index;
		view->voters &= (uint8_t)~of;
		view->standbys &= (uint8_t)~of;
		return;
	case LOG_LOST:
		view->lost = index;
		return;
	}
}

struct view view_of(const struct state *state, uint8_t upto)
{
	struct view view = {
		.voters = 0x07,
		.standbys = (uint8_t)((1u << run.replicas) - 1) & 0x18,
	};

	for (uint8_t i = 1; i <= upto; i++)
		view_entry(&view, state->log[i - 1], i);
	return view;
}

bool in_log(const struct state *state, enum kind kind, unsigned of)
{
	return memchr(state->log, ENTRY(kind, of), state->len) != NULL;
}

/* B12 */
static uint8_t frontier(const struct state *state, unsigned replica)
{
	uint8_t applied = state->applied[replica];
	struct view view = view_of(state, applied);

	if (!view.named || view.first <= view.lost ||
	    (state->body & bit(replica)))
		return applied;
	if (run.twin == TWIN_FRONTIER_OF_ROWS)
		return view.row - 1;
	return view.first - 1;
}

/* ---- what follows from a step at once ---- */

/* What cannot matter any more is forgotten: fewer states. */
static void forget(struct state *state)
{
	struct view view = view_of(state, state->commit);
	uint8_t over = view.named ? view.resolved & (uint8_t)~view.effect
				  : view.resolved;

	for (unsigned op = 0; op < OPS; op++)
		if (over & bit(op))
			state->answered[op] = 0;
	for (unsigned r = 0; r < run.replicas; r++)
		if (state->applied[r] >= state->caught_up[r])
			state->caught_up[r] = 0;
}

/* B5: holds end by the state. A report is taken as soon as it can be made. */
void settle(struct state *state)
{
	for (unsigned r = 0; r < run.replicas; r++) {
		uint8_t index = state->applied[r];
		uint8_t best;

		if (state->burnt & bit(r))
			continue;
		if (run.twin == TWIN_HOLD_BY_EVENT)
			index = state->commit;
		for (unsigned op = 0; op < OPS; op++)
			if (view_of(state, index).resolved & bit(op))
				state->hold[op] &= (uint8_t)~bit(r);
		best = frontier(state, r);
		if (best > state->reported[r])
			state->reported[r] = best;
	}
	forget(state);
}

void append(struct state *state, enum kind kind, unsigned of)
{
	state->log[state->len++] = ENTRY(kind, of);
}

void burn(struct state *state, unsigned r)
{
	uint8_t keep = (uint8_t)~bit(r);

	state->burnt |= bit(r);
	state->body &= keep;
	state->candidate &= keep;
	for (unsigned op = 0; op < OPS; op++)
		state->hold[op] &= keep;
	state->applied[r] = 0;
	state->caught_up[r] = 0;
}

/* ---- rules: whether a step is allowed ---- */

/* B2 */
bool has_holders(const struct state *state, unsigned op,
		 const struct view *newest)
{
	unsigned holders = state->answered[op];

	/* Replica 3 was rebuilt on the node of replica 0. */
	if (run.twin == TWIN_HOLDERS_BY_NODE && (holders & bit(0)))
		holders |= bit(3);
	if (run.twin == TWIN_HOLDERS_OF_COMMITTED) {
		struct view committed = view_of(state, state->commit);

		return is_majority(holders, committed.voters);
	}
	return is_majority(holders, newest->voters);
}

/* B9 */
bool may_promote(const struct state *state, const struct view *newest,
		 unsigned r)
{
	uint8_t barrier = newest->since[r];

	if (run.twin != TWIN_BARRIER_STANDBY && newest->change > barrier)
		barrier = newest->change;
	return (newest->standbys & bit(r)) && newest->config <= state->commit &&
	       state->reported[r] >= barrier;
}

/* B10 */
bool may_remove(const struct state *state, const struct view *newest,
		unsigned r)
{
	unsigned remaining = newest->voters & ~(unsigned)bit(r);
	unsigned good = 0;

	if (!(newest->voters & bit(r)) || newest->config > state->commit)
		return false;
	for (unsigned i = 0; i < run.replicas; i++)
		if (state->reported[i] >= newest->change ||
		    run.twin == TWIN_REMOVE_UNCHECKED)
			good |= bit(i);
	return is_majority(good, remaining);
}

bool may_commit(const struct state *state)
{
	struct view view;

	if (state->commit == state->len)
		return false;
	view = view_of(state, state->commit + 1);
	return is_majority(~(unsigned)state->burnt, view.voters);
}

bool may_burn(const struct state *state, unsigned r)
{
	struct view view = view_of(state, state->commit);
	unsigned burnt = view.voters & (state->burnt | bit(r));

	return size_of(burnt) <= (size_of(view.voters) - 1) / 2;
}

/* B7 */
bool is_dead(const struct state *state, unsigned r)
{
	struct view view = view_of(state, state->applied[r]);

	for (unsigned op = 0; op < OPS; op++)
		if (state->hold[op] & bit(r))
			return false;
	return !view.named;
}

bool may_sweep(const struct state *state, unsigned r)
{
	return state->applied[r] >= state->caught_up[r] ||
	       run.twin == TWIN_SWEEP_EARLY;
}

bool is_lost(const struct state *state, const struct view *view)
{
	unsigned live =
		(view->voters | view->standbys) & ~(unsigned)state->burnt;

	return view->named && view->first > view->lost && !(state->body & live);
}

/* ---- properties ---- */

const char *check_drop(const struct state *state, unsigned r)
{
	struct view view = view_of(state, state->commit);

	if (!view.named || view.first <= state->excused)
		return NULL;
	for (unsigned op = 0; op < OPS; op++)
		if ((view.effect & bit(op)) && (state->answered[op] & bit(r)))
			return "HOLDER";
	return NULL;
}

unsigned survivors(const struct state *state, const struct view *view)
{
	unsigned burnt = size_of(view->voters & state->burnt);
	unsigned more = (size_of(view->voters) - 1) / 2 - burnt;
	unsigned have = size_of(view->voters & state->body);

	return have > more ? have - more : 0;
}

const char *check_bodies(const struct state *state)
{
	struct view view = view_of(state, state->commit);
	unsigned members = view.voters | view.standbys;

	if (!view.named || view.first <= state->excused)
		return NULL;
	if (!(members & state->body & ~(unsigned)state->burnt))
		return "SAFE";
	if (survivors(state, &view) == 0)
		return "SAFE";
	for (unsigned r = 0; r < run.replicas; r++)
		if (!(state->burnt & bit(r)) && !(state->body & bit(r)) &&
		    state->reported[r] >= view.first && view.first > view.lost)
			return "FRONTIER";
	return NULL;
}
