/*
 * Rows that are damaged: verify finds them, and apply neither panics nor runs
 * for ever over them: it marks the transaction, and the replica is parked.
 */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "base/pack.h"
#include "base/panic.h"
#include "cluster/directory_row.h"
#include "cluster/mailgroup_row.h"
#include "dir_model.h"
#include "group_model.h"

static void count_finding(void *arg, const char *text)
{
	unsigned *count = arg;

	cr_assert_not_null(text);
	++*count;
}

/* The n-th row of a table; false: it has fewer. */
static bool nth_key(struct store_txn *txn, unsigned table, uint64_t n,
		    struct store_key *key_r)
{
	struct store_cursor cursor;
	bool on;

	store_cursor_init(&cursor, txn, table);
	on = store_cursor_seek(&cursor, SLICE_NONE);
	while (on && n-- > 0)
		on = store_cursor_next(&cursor);
	if (on) {
		store_key_init(key_r);
		store_key_raw(key_r, cursor.key);
	}
	store_cursor_fini(&cursor);
	return on;
}

/* Every row but those that nothing else knows of is missed when it is gone. */
static void each_row_is_missed(
	struct machine *m, const bool *alone,
	uint64_t (*verify)(struct store_txn *txn,
			   void (*tell)(void *, const char *), void *arg))
{
	for (unsigned t = 0; t < m->fsm->table_count; t++) {
		unsigned table = REPLICA_TABLE_COUNT + t;
		struct store_key key;

		for (uint64_t n = 0; !alone[table]; n += 1 + n / 8) {
			unsigned told = 0;
			bool found;

			MUST(store_write_begin(m->env, &m->write) == ERR_NONE);
			found = nth_key(m->write, table, n, &key);
			if (found) {
				store_del(m->write, table,
					  store_key_slice(&key));
				cr_assert_gt(
					verify(m->write, count_finding, &told),
					0, "table %s, row %lu",
					m->fsm->tables[t], (unsigned long)n);
				cr_assert_gt(told, 0);
			}
			store_end(&m->write);
			if (!found)
				break;
		}
	}
}

Test(damage, a_mail_groups_verify_misses_every_row)
{
	static const bool alone[MAILGROUP_TABLE_END] = {
		[MAILGROUP_TABLE_TIME] = true,
		[MAILGROUP_TABLE_SEALED] = true, /* of one without mail */
	};
	struct random_seeded random;
	struct group group;
	struct model model;

	random_seeded_init(&random, 21);
	group_open(&group);
	model_init(&model, &group, &random.random);
	for (unsigned i = 0; i < 300; i++)
		model_step(&model);
	group_verify(&group);
	store_end(&group.m.read);
	each_row_is_missed(&group.m, alone, mailgroup_verify);
	model_fini(&model);
	group_close(&group);
}

static enum err claim(struct group *g, const char *uids)
{
	struct mailgroup_claim command = {
		.source = 1,
		.group = 2,
		.target = { .mailbox = 7 },
		.uids = group_uids(uids),
	};
	enum err err =
		group_apply(g, mailgroup_claim_encode(&command, &g->m.body),
			    MAILGROUP_CLAIM);

	uidset_fini(&command.uids);
	return err;
}

/* Damaged so, a claim would not end, or end messages that it has not. */
Test(damage, a_mail_groups_verify_misses_every_claim)
{
	static const bool alone[MAILGROUP_TABLE_END] = { 0 };
	struct group group;

	group_open(&group);
	group_append(&group, 1, 9, 0);
	cr_assert_eq(claim(&group, "2,4:5"), ERR_NONE);
	cr_assert_eq(claim(&group, "7"), ERR_NONE);
	group_verify(&group);
	store_end(&group.m.read);
	each_row_is_missed(&group.m, alone, mailgroup_verify);
	group_close(&group);
}

static void put_claim(struct group *g, const struct mailgroup_claim_row *row)
{
	struct buf scratch = { 0 };
	unsigned told = 0;

	MUST(store_write_begin(g->m.env, &g->m.write) == ERR_NONE);
	mailgroup_claim_put(g->m.write, &scratch, 2, 0, row);
	cr_assert_gt(mailgroup_verify(g->m.write, count_finding, &told), 0);
	store_end(&g->m.write);
	buf_fini(&scratch);
}

Test(damage, a_claim_that_does_not_fit_its_messages_is_found)
{
	struct mailgroup_claim_row row;
	struct mailgroup_claim_row other;
	struct group group;

	group_open(&group);
	group_append(&group, 1, 9, 0);
	cr_assert_eq(claim(&group, "2,4:5"), ERR_NONE);
	cr_assert(mailgroup_claim_get(machine_ask(&group.m), 2, 0, &row));
	store_end(&group.m.read);
	other = (struct mailgroup_claim_row){ .turn = row.turn };
	put_claim(&group, &other);
	other = row;
	other.source = 3;
	put_claim(&group, &other);
	uidset_add(&row.uids, 6, 6);
	put_claim(&group, &row);
	uidset_remove(&row.uids, 4, 6);
	put_claim(&group, &row);
	uidset_fini(&row.uids);
	group_close(&group);
}

Test(damage, a_directorys_verify_misses_every_row)
{
	static const bool alone[DIRECTORY_TABLE_END] = {
		[DIRECTORY_TABLE_MEMBER] = true,
		[DIRECTORY_TABLE_INTENT] = true,
		[DIRECTORY_TABLE_SETTING] = true,
	};
	struct dir_model *model = mem_alloc(sizeof(*model));
	struct dir *dir = mem_alloc(sizeof(*dir));
	struct random_seeded random;

	random_seeded_init(&random, 22);
	dir_open(dir);
	dir_model_init(model, dir, &random.random);
	for (unsigned i = 0; i < 200; i++)
		dir_model_step(model);
	cr_assert_eq(dir_user(dir, "z", 0), ERR_NONE);
	cr_assert_eq(dir_subscribe(dir, "z", "news", true), ERR_NONE);
	dir_verify(dir);
	store_end(&dir->m.read);
	each_row_is_missed(&dir->m, alone, directory_verify);
	dir_close(dir);
	mem_free(dir);
	mem_free(model);
}

/* ---- apply over damaged rows ---- */

/* Some row of some table with one octet changed, its checksum right. */
static void damage(struct machine *m, struct random *random)
{
	unsigned table =
		REPLICA_TABLE_COUNT +
		(unsigned)random_range(random, 0, m->fsm->table_count - 1);
	uint64_t rows = store_count(m->write, table);
	struct store_value value;
	struct store_key key;
	struct buf fields = { 0 };

	if (rows == 0 ||
	    !nth_key(m->write, table, random_range(random, 0, rows - 1), &key))
		return;
	cr_assert(store_get(m->write, table, store_key_slice(&key), &value));
	buf_add_slice(&fields, value.fields);
	if (fields.len > 0)
		fields.data[random_range(random, 0, fields.len - 1)] =
			(uint8_t)random_range(random, 0, 255);
	store_put(m->write, table, store_key_slice(&key), value.version,
		  buf_slice(&fields));
	buf_fini(&fields);
}

/* A command of the log; gives what follows it. */
static struct slice apply_one(struct machine *m, struct slice log)
{
	struct unpack in = unpack_of(log);
	struct command command = { .op = m->op, .version = 1 };
	struct command_at at = { .index = ++m->index, .term = 1 };

	command.op.turn = ++m->op.turn;
	command.kind = unpack_u16(&in);
	command.proposed_at_ms = unpack_u64(&in);
	command.body = unpack_bytes(&in, COMMAND_MAX);
	buf_clear(&m->result.payload);
	m->fsm->apply(m->fsm, m->write, &command, &at, &m->result);
	return in.rest;
}

/* The log once more over its own state, which has `errors` damaged rows. */
static unsigned survive(struct machine *m, struct slice log,
			struct random *random, unsigned rounds)
{
	unsigned parked = 0;

	for (unsigned i = 0; i < rounds; i++) {
		struct slice rest = log;

		MUST(store_write_begin(m->env, &m->write) == ERR_NONE);
		for (unsigned n = 0; n < 3; n++)
			damage(m, random);
		while (rest.len > 0)
			rest = apply_one(m, rest);
		parked += store_txn_error(m->write) != ERR_NONE ? 1 : 0;
		store_end(&m->write);
	}
	return parked;
}

Test(damage, a_mail_group_parks_and_does_not_panic)
{
	struct random_seeded random;
	struct group group;
	struct model model;
	struct buf log = { 0 };

	random_seeded_init(&random, 23);
	group_open(&group);
	group.m.log = &log;
	model_init(&model, &group, &random.random);
	for (unsigned i = 0; i < 200; i++)
		model_step(&model);
	group_verify(&group);
	store_end(&group.m.read);
	cr_assert_gt(survive(&group.m, buf_slice(&log), &random.random, 60),
		     10);
	buf_fini(&log);
	model_fini(&model);
	group_close(&group);
}

Test(damage, a_directory_parks_and_does_not_panic)
{
	struct dir_model *model = mem_alloc(sizeof(*model));
	struct dir *dir = mem_alloc(sizeof(*dir));
	struct random_seeded random;
	struct buf log = { 0 };

	random_seeded_init(&random, 24);
	dir_open(dir);
	dir->m.log = &log;
	dir_model_init(model, dir, &random.random);
	for (unsigned i = 0; i < 200; i++)
		dir_model_step(model);
	dir_verify(dir);
	store_end(&dir->m.read);
	cr_assert_gt(survive(&dir->m, buf_slice(&log), &random.random, 30), 5);
	buf_fini(&log);
	dir_close(dir);
	mem_free(dir);
	mem_free(model);
}
