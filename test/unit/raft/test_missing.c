/*
 * Bodies that a state names and its node has not got: the frontier is the index
 * before the first of them, whatever becomes of the row that named it.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/panic.h"
#include "io/disk.h"
#include "node_bench.h"
#include "raft/fsm.h"
#include "raft/meta.h"
#include "raft/missing.h"
#include "raft/slots.h"
#include "scratch.h"

static const char *const tables[REPLICA_TABLE_COUNT] = {
	"meta",
	"proposer",
	"slot",
	"missing",
};

struct table {
	char *dir;
	struct store_env *env;
	struct store_txn *txn;
};

static struct table table_new(void)
{
	struct table t = { .dir = scratch_new() };
	const struct store_env_options options = {
		.path = t.dir,
		.map_size = 16 << 20,
		.max_readers = 2,
		.tables = tables,
		.table_count = REPLICA_TABLE_COUNT,
		.disk = io_disk(),
	};

	cr_assert_eq(store_env_open(&options, &t.env), ERR_NONE);
	cr_assert_eq(store_write_begin(t.env, &t.txn), ERR_NONE);
	return t;
}

static void table_free(struct table *t)
{
	cr_expect_eq(store_txn_error(t->txn), ERR_NONE);
	cr_expect_eq(store_commit(&t->txn), ERR_NONE);
	store_env_close(&t->env);
	scratch_free(&t->dir);
}

static struct sha256 hash_of(const char *body)
{
	struct sha256 hash;

	sha256(slice_str(body), &hash);
	return hash;
}

static void named(struct table *t, const char *body, uint64_t index, bool here)
{
	struct sha256 hash = hash_of(body);

	missing_named(t->txn, &hash, index, here);
}

static void came(struct table *t, const char *body)
{
	struct sha256 hash = hash_of(body);

	missing_came(t->txn, &hash);
}

static uint64_t frontier(struct table *t, uint64_t applied)
{
	return missing_frontier(missing_lowest(t->txn), applied);
}

Test(missing, without_any_the_frontier_is_what_was_applied)
{
	struct table t = table_new();

	cr_expect_eq(frontier(&t, 17), 17);
	named(&t, "a", 18, true);
	cr_expect_eq(frontier(&t, 18), 18);
	cr_expect_eq(missing_count(t.txn), 0);
	table_free(&t);
}

Test(missing, the_first_that_named_a_body_counts)
{
	struct table t = table_new();

	named(&t, "a", 5, false);
	named(&t, "b", 3, false);
	named(&t, "a", 7, false);
	cr_expect_eq(missing_count(t.txn), 2);
	cr_expect_eq(frontier(&t, 9), 2);
	came(&t, "b");
	cr_expect_eq(frontier(&t, 9), 4);
	came(&t, "a");
	came(&t, "a");
	cr_expect_eq(frontier(&t, 9), 9);
	cr_expect_eq(missing_count(t.txn), 0);
	table_free(&t);
}

Test(missing, nobody_knows_of_an_imported_state_who_named_it)
{
	struct table t = table_new();
	struct sha256 hash = hash_of("a");

	missing_imported(t.txn, &hash);
	named(&t, "a", 40, false);
	cr_expect_eq(frontier(&t, 41), 0);
	came(&t, "a");
	cr_expect_eq(frontier(&t, 41), 41);
	table_free(&t);
}

Test(missing, what_no_row_names_up_to_an_index_goes)
{
	struct table t = table_new();
	struct sha256 hash = hash_of("a");

	named(&t, "a", 5, false);
	missing_unnamed(t.txn, &hash, 4); /* a state that was before it */
	cr_expect_eq(frontier(&t, 9), 4);
	missing_unnamed(t.txn, &hash, 5);
	cr_expect_eq(frontier(&t, 9), 9);
	table_free(&t);
}

Test(missing, a_lost_body_holds_nothing_back)
{
	struct table t = table_new();
	struct sha256 hash = hash_of("a");

	named(&t, "a", 5, false);
	missing_lost(t.txn, &hash, 4);
	cr_expect_eq(frontier(&t, 9), 4);
	missing_lost(t.txn, &hash, 8);
	cr_expect_eq(frontier(&t, 9), 9);
	missing_imported(t.txn, &hash);
	cr_expect_eq(frontier(&t, 9), 9);
	table_free(&t);
}

Test(missing, a_lost_body_that_is_brought_again_is_not_lost)
{
	struct table t = table_new();
	struct sha256 hash = hash_of("a");

	missing_lost(t.txn, &hash, 8);
	named(&t, "a", 9, true);
	missing_imported(t.txn, &hash);
	cr_expect_eq(frontier(&t, 9), 0);
	table_free(&t);
}

Test(missing, are_listed_in_the_order_of_their_index)
{
	struct table t = table_new();
	struct missing_body after = { 0 };
	struct missing_body list[4];
	struct sha256 zero = { 0 };

	missing_imported(t.txn, &zero); /* the lowest key of all */
	named(&t, "a", 5, false);
	named(&t, "b", 300, false);
	named(&t, "c", 3, false);
	named(&t, "d", 70000, false);
	cr_assert_eq(missing_list(t.txn, &after, list, 2), 2);
	cr_expect_eq(list[0].index, 3);
	cr_expect_eq(list[1].index, 5);
	cr_assert_eq(missing_list(t.txn, &after, list, 4), 2);
	cr_expect_eq(list[0].index, 300);
	cr_expect_eq(list[1].index, 70000);
	cr_expect_eq(missing_list(t.txn, &after, list, 4), 0);
	table_free(&t);
}

Test(missing, a_table_of_another_replica_is_cleared_in_slices)
{
	struct table t = table_new();

	for (unsigned i = 0; i < 10; i++) {
		char body[8];

		snprintf(body, sizeof body, "%u", i);
		named(&t, body, i + 1, false);
	}
	cr_expect(missing_clear(t.txn, 7));
	cr_expect(missing_clear(t.txn, 7));
	cr_expect_not(missing_clear(t.txn, 7));
	cr_expect_eq(missing_count(t.txn), 0);
	cr_expect_eq(missing_lowest(t.txn), MISSING_NONE);
	table_free(&t);
}

Test(missing, the_command_lost_survives_its_coding)
{
	struct missing_lost_command in = { hash_of("a"), 77 };
	struct missing_lost_command out;
	struct buf body = { 0 };

	missing_lost_body(&in, &body);
	cr_assert_eq(missing_lost_decode(buf_slice(&body), &out), ERR_NONE);
	cr_expect_eq(out.index, 77);
	cr_expect(sha256_eq(&in.hash, &out.hash));
	for (size_t len = 0; len < body.len; len++)
		cr_expect_eq(
			missing_lost_decode(slice_of(body.data, len), &out),
			ERR_SYNTAX);
	buf_fini(&body);
}

/* ---- in a replica ---- */

static bool have(void *arg, const struct sha256 *hash)
{
	const struct sha256 *here = arg;

	return sha256_eq(here, hash);
}

static uint64_t count(struct node *node)
{
	struct replica_status status;

	replica_get_status(node->replica, &status);
	return status.missing;
}

Test(missing, apply_notes_what_is_not_here)
{
	struct sha256 here = hash_of("one");
	struct sha256 gone = hash_of("two");
	struct node *node = node_new(1);

	node->options.have = have;
	node->options.have_arg = &here;
	node_start(node);
	node_serve(node);
	cr_assert_eq(node_do(node, KIND_BODY, "one"), ERR_NONE);
	cr_expect_eq(count(node), 0);
	cr_assert_eq(node_do(node, KIND_BODY, "two"), ERR_NONE);
	cr_expect_eq(count(node), 1);
	node_crash(node, DISK_SIM_DROP);
	node_start(node);
	node_serve(node);
	cr_expect_eq(count(node), 1, "a restart knows it");
	replica_body_came(node->replica, &gone);
	node_drain(node);
	cr_expect_eq(count(node), 0);
	node_stop(node);
	node_free(node);
}

Test(missing, the_group_agrees_that_a_body_is_lost)
{
	struct missing_lost_command lost = { hash_of("two"), 1000 };
	struct node *node = node_new_serving(2);
	struct ask ask;

	cr_assert_eq(node_do(node, KIND_BODY, "two"), ERR_NONE);
	cr_assert_eq(count(node), 1);
	ask_init(&ask, node, COMMAND_LOST, "");
	missing_lost_body(&lost, &ask.proposal.body);
	ask_propose(&ask, node);
	node_drain(node);
	cr_expect_eq(ask.err, ERR_NONE);
	cr_expect_eq(count(node), 0);
	proposal_fini(&ask.proposal);
	cr_expect_eq(node_do(node, COMMAND_LOST, "no such body"), ERR_SYNTAX);
	node_stop(node);
	node_free(node);
}
