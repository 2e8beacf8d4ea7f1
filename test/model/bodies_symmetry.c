/*
 * Symmetry: the voters of the start are alike, and so are its standbys. States
 * that differ in who is who are one; `name` remembers who was who, for traces.
 */
#include "bodies.h"

#include <stddef.h>

static bool names_replica(uint8_t entry, unsigned r)
{
	return KIND(entry) >= LOG_STANDBY && KIND(entry) <= LOG_REMOVE &&
	       OF(entry) == r;
}

/* All that a state says of one replica. */
static uint64_t replica_key(const struct state *state, unsigned r)
{
	const uint8_t sets[] = {
		state->burnt,   state->body,        state->hold[0],
		state->hold[1], state->answered[0], state->answered[1],
		state->decided, state->candidate,
	};
	uint64_t key = 0;

	for (size_t i = 0; i < sizeof sets; i++)
		key = key << 1 | (sets[i] >> r & 1);
	for (unsigned i = 0; i < run.log; i++)
		key = key << 1 | names_replica(state->log[i], r);
	return ((key << 5 | state->applied[r]) << 5 | state->reported[r]) << 5 |
	       state->caught_up[r];
}

static uint8_t moved_set(uint8_t set, unsigned a, unsigned b)
{
	bool differ = ((set >> a) ^ (set >> b)) & 1;

	return differ ? set ^ bit(a) ^ bit(b) : set;
}

static void swap(uint8_t *octets, unsigned a, unsigned b)
{
	uint8_t kept = octets[a];

	octets[a] = octets[b];
	octets[b] = kept;
}

/* Replicas a and b change places. */
static void swap_replicas(struct state *state, unsigned a, unsigned b)
{
	uint8_t *const sets[] = {
		&state->burnt,   &state->body,        &state->hold[0],
		&state->hold[1], &state->answered[0], &state->answered[1],
		&state->decided, &state->candidate,
	};

	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
		*sets[i] = moved_set(*sets[i], a, b);
	swap(state->applied, a, b);
	swap(state->reported, a, b);
	swap(state->caught_up, a, b);
	swap(state->name, a, b);
	for (unsigned i = 0; i < state->len; i++) {
		uint8_t entry = state->log[i];

		if (names_replica(entry, a))
			state->log[i] = ENTRY(KIND(entry), b);
		else if (names_replica(entry, b))
			state->log[i] = ENTRY(KIND(entry), a);
	}
}

static void order(struct state *state, unsigned a, unsigned b)
{
	if (replica_key(state, a) > replica_key(state, b))
		swap_replicas(state, a, b);
}

/* One state for all that differ in who is who. */
void make_canonical(struct state *state)
{
	if (run.twin == TWIN_HOLDERS_BY_NODE)
		return; /* there, replicas 0 and 3 share a node */
	order(state, 0, 1);
	order(state, 1, 2);
	order(state, 0, 1);
	if (run.replicas == REPLICAS)
		order(state, 3, 4);
}
