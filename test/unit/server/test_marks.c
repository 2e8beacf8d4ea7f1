/*
 * Mark and sweep must never miss a row: what the scan has not seen, because it
 * came later or stood elsewhere, is found when it is asked for.
 */
#include <criterion/criterion.h>

/* tidy: allow layers: a bench of another folder serves here too */
#include "../cluster/group.h"
#include "base/mem.h"
#include "raft/meta.h"
#include "raft/replica_impl.h"
#include "server/marks.h"
#include "server/node.h"

#define FROM 7
#define TO 3 /* the scan comes here first */

struct bench {
	struct group g;
	struct node node;
	struct node_group groups[2];
	struct replica replica; /* nothing of it is used but the environment */
	struct marks *marks;
};

static struct bench *bench_new(void)
{
	struct bench *b = mem_zalloc(1, sizeof(*b));

	group_open(&b->g);
	b->node.groups[0] = &b->groups[0];
	b->node.groups[1] = &b->groups[1];
	b->node.group_count = 2;
	b->groups[1].number = 1;
	b->groups[1].replica = &b->replica;
	atomic_store(&b->replica.published.env, b->g.m.env);
	b->marks = marks_new(&b->node);
	return b;
}

static void bench_free(struct bench *b)
{
	marks_free(&b->marks);
	group_close(&b->g);
	mem_free(b);
}

/* What the applier does: the applied index stands in the transaction. */
static void commit(struct bench *b)
{
	struct meta meta = { .applied_index = b->g.m.index };
	struct store_txn *txn;

	machine_commit(&b->g.m);
	cr_assert_eq(store_write_begin(b->g.m.env, &txn), ERR_NONE);
	meta_put(txn, &meta);
	cr_assert_eq(store_commit(&txn), ERR_NONE);
}

static void append(struct bench *b, uint64_t mailbox, unsigned n)
{
	struct mailgroup_message message = group_message(n, 0);
	struct mailgroup_append command = {
		.target = group_target(mailbox),
		.user = 1,
		.messages = &message,
		.count = 1,
	};

	cr_assert_eq(
		group_apply(&b->g,
			    mailgroup_append_encode(&command, &b->g.m.body),
			    MAILGROUP_APPEND),
		ERR_NONE);
	commit(b);
}

static void copy(struct bench *b, const char *uids)
{
	struct mailgroup_copy_result result;

	cr_assert_eq(group_copy(&b->g, FROM, TO, uids, false, &result),
		     ERR_NONE);
	uidset_fini(&result.copied);
	commit(b);
}

static void expunge(struct bench *b, const char *uids)
{
	struct uidset expunged;

	cr_assert_eq(group_expunge(&b->g, FROM, uids, false, &expunged),
		     ERR_NONE);
	uidset_fini(&expunged);
	commit(b);
}

static bool has(struct bench *b, unsigned n)
{
	struct sha256 hash = group_hash(n);

	return marks_has(b->marks, &hash);
}

Test(marks, what_rows_name_and_nothing_else)
{
	struct bench *b = bench_new();

	for (unsigned i = 0; i < 300; i++)
		append(b, i % 5 + 1, i);
	cr_assert_eq(marks_scan(b->marks), ERR_NONE);
	for (unsigned i = 0; i < 300; i++)
		cr_assert(has(b, i));
	for (unsigned i = 300; i < 600; i++)
		cr_assert(!has(b, i));
	bench_free(b);
}

Test(marks, see_what_comes_after_the_scan)
{
	struct bench *b = bench_new();

	append(b, FROM, 1);
	cr_assert_eq(marks_scan(b->marks), ERR_NONE);
	cr_assert(!has(b, 2));
	append(b, FROM, 2);
	cr_assert(has(b, 2));
	append(b, 99, 3); /* a new mailbox */
	cr_assert(has(b, 3));
	append(b, TO, 4);
	cr_assert(has(b, 4));
	cr_assert(!has(b, 5));
	bench_free(b);
}

Test(marks, see_a_copy_whose_original_went)
{
	struct bench *b = bench_new();

	append(b, TO, 1);
	append(b, FROM, 2);
	cr_assert_eq(marks_scan(b->marks), ERR_NONE);
	append(b, FROM, 3);
	copy(b, "1:2");
	expunge(b, "1:2");
	cr_assert(has(b, 2));
	cr_assert(has(b, 3), "seen nowhere but in the copy");
	bench_free(b);
}

Test(marks, see_a_copy_in_the_making_and_when_it_is_shown)
{
	struct bench *b = bench_new();
	struct mailgroup_copy_stage stage = {
		.source = FROM,
		.target = group_target(TO),
		.uids = group_uids("1:2"),
	};
	struct mailgroup_copy_reveal reveal = {
		.target = group_target(TO),
		.staged = 2,
	};

	append(b, TO, 1);
	append(b, FROM, 2);
	cr_assert_eq(marks_scan(b->marks), ERR_NONE);
	append(b, FROM, 3);
	cr_assert_eq(
		group_apply(&b->g,
			    mailgroup_copy_stage_encode(&stage, &b->g.m.body),
			    MAILGROUP_COPY_STAGE),
		ERR_NONE);
	reveal.copy = b->g.m.op;
	commit(b);
	expunge(b, "1:2");
	cr_assert(has(b, 3), "staged");
	append(b, TO, 4); /* UIDNEXT grows, the copies stand ahead of it */
	cr_assert(has(b, 4));
	cr_assert_eq(
		group_apply(&b->g,
			    mailgroup_copy_reveal_encode(&reveal, &b->g.m.body),
			    MAILGROUP_COPY_REVEAL),
		ERR_NONE);
	commit(b);
	cr_assert(has(b, 3), "shown");
	uidset_fini(&stage.uids);
	bench_free(b);
}

Test(marks, of_a_group_that_cannot_be_read_keep_all)
{
	struct bench *b = bench_new();

	append(b, FROM, 1);
	cr_assert_eq(marks_scan(b->marks), ERR_NONE);
	cr_assert(!has(b, 2));
	atomic_store(&b->replica.published.env, NULL);
	cr_assert(has(b, 2));
	cr_assert_eq(marks_scan(b->marks), ERR_UNAVAILABLE);
	bench_free(b);
}
