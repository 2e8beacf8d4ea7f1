/*
 * A hash over the rows of a group's tables.
 *
 * Each row's key and value are folded into the hash of what came before, so
 * order and place count. Failures: a row that cannot be read ends the walk,
 * and the transaction knows why.
 */
#include "cluster/state_hash.h"

#include "base/digest.h"
#include "base/pack.h"

void state_hash_begin(struct state_hash *state, unsigned first, unsigned count)
{
	state->table = first;
	state->end = first + count;
	state->inside = false;
	state->hash = 0;
}

/* Lengths stand before the octets, so no two states look alike. */
static void fold(struct state_hash *state, const struct store_cursor *cursor)
{
	uint64_t head[] = {
		state->hash,
		state->table,
		cursor->key.len,
		cursor->value.version,
		cursor->value.fields.len,
	};
	struct slice pieces[] = {
		slice_of(head, sizeof(head)),
		cursor->key,
		cursor->value.fields,
	};

	state->hash = xxh3_pieces(pieces, ARRAY_LEN(pieces));
}

/* To the row behind `after`, or the table's first; false: none. */
static bool resume(const struct state_hash *state, struct store_cursor *cursor)
{
	struct slice after;

	if (!state->inside)
		return store_cursor_seek(cursor, SLICE_NONE);
	after = store_key_slice(&state->after);
	if (!store_cursor_seek(cursor, after))
		return false;
	return !slice_eq(cursor->key, after) || store_cursor_next(cursor);
}

/* Rows of one table; true: it has no more. */
static bool step_table(struct state_hash *state, struct store_txn *txn,
		       uint64_t *rows)
{
	struct store_cursor cursor;
	bool on;

	store_cursor_init(&cursor, txn, state->table);
	on = resume(state, &cursor);
	for (; on && *rows > 0; --*rows) {
		fold(state, &cursor);
		store_key_init(&state->after);
		store_key_raw(&state->after, cursor.key);
		state->inside = true;
		on = store_cursor_next(&cursor);
	}
	store_cursor_fini(&cursor);
	return !on;
}

bool state_hash_step(struct state_hash *state, struct store_txn *txn,
		     uint64_t rows)
{
	while (state->table < state->end && rows > 0) {
		if (!step_table(state, txn, &rows))
			return true;
		state->table++;
		state->inside = false;
	}
	return state->table < state->end;
}

uint64_t state_hash(struct store_txn *txn, unsigned first, unsigned count)
{
	struct state_hash state;

	state_hash_begin(&state, first, count);
	while (state_hash_step(&state, txn, UINT64_MAX))
		continue;
	return state.hash;
}
