/*
 * Exactly once, seen from the log: frames arrive late, twice, in any order or
 * never, and each command takes effect at most once; what was answered stays
 * true. Each rule of the model (propose.pml) has a test that fails without it.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/pack.h"
#include "base/random.h"
#include "io/disk.h"
#include "raft/meta.h"
#include "raft/slots.h"
#include "scratch.h"

enum {
	TABLE_EFFECT = REPLICA_TABLE_COUNT, /* command's body -> times */
	TABLE_COUNT,
};

static const char *const tables[] = { "meta", "proposer", "slot", "missing",
				      "effect" };

#define KIND_DO COMMAND_FSM_FIRST
#define KIND_REFUSE (COMMAND_FSM_FIRST + 1)
#define KIND_UNKNOWN (COMMAND_FSM_FIRST + 2)

/* A group's state, without a log. */
struct group {
	char *path;
	struct store_env *env;
	struct replica_fsm fsm;
	uint64_t index;
	enum err err; /* of the last apply */
};

static uint64_t times(struct store_txn *txn, struct slice body)
{
	struct store_value value;
	struct unpack in;

	if (!store_get(txn, TABLE_EFFECT, body, &value))
		return 0;
	in = unpack_of(value.fields);
	return unpack_u64(&in);
}

/* The machine: counts how often each body took effect. */
static void effect_apply(struct replica_fsm *fsm, struct store_txn *txn,
			 const struct command *command,
			 const struct command_at *at,
			 struct command_result *result_r)
{
	struct buf fields = { 0 };

	(void)fsm;
	(void)at;
	if (command->kind == KIND_REFUSE)
		result_r->refusal = ERR_EXISTS;
	if (command->kind == KIND_UNKNOWN)
		result_r->refusal = ERR_VERSION;
	if (command->kind != KIND_DO)
		return;
	pack_u64(&fields, times(txn, command->body) + 1);
	store_put(txn, TABLE_EFFECT, command->body, 1, buf_slice(&fields));
	buf_add_slice(&result_r->payload, command->body);
	buf_fini(&fields);
}

static void group_open(struct group *g, bool clean)
{
	const struct store_env_options options = {
		.path = g->path,
		.map_size = 64 << 20,
		.max_readers = 4,
		.tables = tables,
		.table_count = TABLE_COUNT,
		.disk = io_disk(),
		.clean = clean,
	};

	cr_assert_eq(store_env_open(&options, &g->env), ERR_NONE);
}

static struct group group_new(void)
{
	struct group g = { .path = scratch_new() };

	g.fsm.apply = effect_apply;
	group_open(&g, false);
	return g;
}

static void group_free(struct group *g)
{
	store_env_close(&g->env);
	scratch_free(&g->path);
}

static struct slots_answer apply(struct group *g, const struct command *command)
{
	const struct command_at at = { .index = ++g->index, .term = 1 };
	struct slots_answer answer;
	struct store_txn *txn;

	cr_assert_eq(store_write_begin(g->env, &txn), ERR_NONE);
	slots_apply(txn, &g->fsm, command, &at, &answer);
	g->err = store_commit(&txn);
	return answer;
}

/* Applies, and frees the payload: for tests that look at the verdict. */
static struct slots_answer quick(struct group *g, struct command command)
{
	struct slots_answer answer = apply(g, &command);

	buf_fini(&answer.result.payload);
	return answer;
}

static uint64_t effects(struct group *g, const char *body)
{
	struct store_txn *txn;
	uint64_t count;

	cr_assert_eq(store_read_begin(g->env, &txn), ERR_NONE);
	count = times(txn, slice_str(body));
	store_end(&txn);
	return count;
}

static uint64_t rows(struct group *g, unsigned table)
{
	struct store_txn *txn;
	uint64_t count;

	cr_assert_eq(store_read_begin(g->env, &txn), ERR_NONE);
	count = store_count(txn, table);
	store_end(&txn);
	return count;
}

static bool resolved(struct group *g, struct op_id op)
{
	struct store_txn *txn;
	bool is;

	cr_assert_eq(store_read_begin(g->env, &txn), ERR_NONE);
	is = slots_is_resolved(txn, &op);
	store_end(&txn);
	return is;
}

/* ---- commands ---- */

static struct command op(uint16_t kind, uint32_t incarnation, uint32_t slot,
			 uint64_t turn, const char *body)
{
	return (struct command){
		.op = { proposer_of(7, incarnation), slot, turn },
		.kind = kind,
		.body = slice_str(body),
	};
}

static struct command doing(uint32_t incarnation, uint32_t slot, uint64_t turn,
			    const char *body)
{
	return op(KIND_DO, incarnation, slot, turn, body);
}

static struct command cancel(uint32_t incarnation, uint32_t slot, uint64_t turn)
{
	return op(COMMAND_CANCEL, incarnation, slot, turn, "");
}

static struct slots_answer enlist(struct group *g, uint32_t incarnation,
				  uint64_t boot)
{
	struct command command = op(COMMAND_REGISTER, incarnation, 0, 0, "");
	struct slots_answer answer;
	struct buf body = { 0 };

	slots_register_body(boot, &body);
	command.body = buf_slice(&body);
	answer = quick(g, command);
	buf_fini(&body);
	return answer;
}

/* ---- the plain way ---- */

Test(slots, a_command_takes_effect_and_its_result_is_recorded)
{
	struct group g = group_new();
	struct command command = doing(1, 3, 1, "x");
	struct slots_answer answer;

	enlist(&g, 1, 111);
	answer = apply(&g, &command);
	cr_expect_eq(answer.verdict, SLOTS_RESOLVED);
	cr_expect_eq(answer.result.refusal, ERR_NONE);
	cr_expect(slice_eq(buf_slice(&answer.result.payload), SLICE_LIT("x")));
	buf_fini(&answer.result.payload);
	cr_expect_eq(effects(&g, "x"), 1);
	group_free(&g);
}

Test(slots, a_repeated_command_gets_the_recorded_answer)
{
	struct group g = group_new();
	struct command command = doing(1, 3, 1, "x");
	struct slots_answer answer;

	enlist(&g, 1, 111);
	quick(&g, command);
	answer = apply(&g, &command);
	cr_expect_eq(answer.verdict, SLOTS_RESOLVED);
	cr_expect(slice_eq(buf_slice(&answer.result.payload), SLICE_LIT("x")));
	buf_fini(&answer.result.payload);
	cr_expect_eq(effects(&g, "x"), 1);
	group_free(&g);
}

Test(slots, a_refusal_is_recorded_like_any_result)
{
	struct group g = group_new();

	enlist(&g, 1, 111);
	cr_expect_eq(quick(&g, op(KIND_REFUSE, 1, 0, 1, "x")).result.refusal,
		     ERR_EXISTS);
	cr_expect_eq(quick(&g, op(KIND_REFUSE, 1, 0, 1, "x")).result.refusal,
		     ERR_EXISTS);
	group_free(&g);
}

Test(slots, a_frame_of_an_older_turn_is_dropped)
{
	struct group g = group_new();

	enlist(&g, 1, 111);
	quick(&g, doing(1, 0, 1, "x"));
	quick(&g, doing(1, 0, 2, "y"));
	cr_expect_eq(quick(&g, doing(1, 0, 1, "x")).verdict, SLOTS_DROPPED);
	cr_expect_eq(effects(&g, "x"), 1);
	group_free(&g);
}

Test(slots, a_turn_left_out_parks)
{
	struct group g = group_new();

	enlist(&g, 1, 111);
	quick(&g, doing(1, 0, 2, "x"));
	cr_expect_eq(g.err, ERR_INVALID);
	cr_expect_eq(effects(&g, "x"), 0);
	group_free(&g);
}

Test(slots, an_unknown_kind_parks_and_is_never_skipped)
{
	struct group g = group_new();

	enlist(&g, 1, 111);
	quick(&g, op(KIND_UNKNOWN, 1, 0, 1, ""));
	cr_expect_eq(g.err, ERR_VERSION);
	quick(&g, op(COMMAND_FSM_FIRST - 1, 1, 0, 1, ""));
	cr_expect_eq(g.err, ERR_VERSION);
	group_free(&g);
}

/* ---- twins: cancel ---- */

static uint64_t late_original(struct group *g)
{
	enlist(g, 1, 111);
	quick(g, cancel(1, 0, 1));
	quick(g, doing(1, 0, 1, "late"));
	return effects(g, "late");
}

Test(slots, a_late_original_is_refused_after_its_cancel)
{
	struct group g = group_new();

	cr_expect_eq(late_original(&g), 0);
	cr_expect_eq(quick(&g, doing(1, 0, 1, "late")).result.refusal,
		     ERR_CANCELLED);
	group_free(&g);
}

#ifdef ENABLE_FAULTS
Test(slots_mutants, M15_cancel_not_recorded_is_caught)
{
	struct group g = group_new();

	fault_set_mutant("M15");
	cr_expect_gt(late_original(&g), 0);
	group_free(&g);
}
#endif

Test(slots, a_cancel_that_comes_second_tells_what_was_done)
{
	struct group g = group_new();
	struct command command = cancel(1, 0, 1);
	struct slots_answer answer;

	enlist(&g, 1, 111);
	quick(&g, doing(1, 0, 1, "x"));
	answer = apply(&g, &command);
	cr_expect_eq(answer.verdict, SLOTS_RESOLVED);
	cr_expect_eq(answer.result.refusal, ERR_NONE);
	cr_expect(slice_eq(buf_slice(&answer.result.payload), SLICE_LIT("x")));
	buf_fini(&answer.result.payload);
	group_free(&g);
}

/* ---- twins: incarnations ---- */

Test(slots, an_old_frame_has_no_effect_after_the_restart)
{
	struct group g = group_new();

	enlist(&g, 1, 111);
	enlist(&g, 2, 222);
	cr_expect_eq(quick(&g, doing(1, 0, 1, "old")).verdict, SLOTS_FENCED);
	cr_expect_eq(effects(&g, "old"), 0);
	group_free(&g);
}

Test(slots, an_old_frame_does_not_fence_the_living)
{
	struct group g = group_new();

	enlist(&g, 2, 222);
	quick(&g, doing(1, 0, 1, "old"));
	enlist(&g, 1, 111);
	cr_expect_eq(quick(&g, doing(2, 0, 1, "new")).verdict, SLOTS_RESOLVED);
	cr_expect_eq(effects(&g, "new"), 1);
	group_free(&g);
}

Test(slots, whatever_comes_first_registers_a_higher_incarnation)
{
	struct group g = group_new();

	enlist(&g, 1, 111);
	quick(&g, doing(1, 0, 1, "one"));

	/* CANCEL overtakes REGISTER and original: NO must stay NO. */
	cr_expect_eq(quick(&g, cancel(2, 0, 1)).result.refusal, ERR_CANCELLED);
	cr_expect_eq(quick(&g, doing(2, 0, 1, "two")).result.refusal,
		     ERR_CANCELLED);
	cr_expect_eq(effects(&g, "two"), 0);
	cr_expect_eq(quick(&g, doing(1, 1, 1, "one")).verdict, SLOTS_FENCED);
	group_free(&g);
}

Test(slots, a_new_incarnation_begins_with_the_first_turn)
{
	struct group g = group_new();

	enlist(&g, 1, 111);
	for (uint32_t slot = 0; slot < 50; slot++)
		quick(&g, doing(1, slot, 1, "x"));
	cr_expect_eq(rows(&g, REPLICA_TABLE_SLOT), 50);
	enlist(&g, 2, 222);
	cr_expect_eq(rows(&g, REPLICA_TABLE_SLOT), 0);
	quick(&g, doing(2, 0, 1, "y"));
	cr_expect_eq(effects(&g, "y"), 1);
	group_free(&g);
}

Test(slots, a_new_incarnation_leaves_other_nodes_alone)
{
	struct group g = group_new();
	struct command other = doing(1, 0, 1, "other");

	other.op.proposer = proposer_of(8, 1);
	quick(&g, other);
	enlist(&g, 1, 111);
	quick(&g, other);
	cr_expect_eq(effects(&g, "other"), 1);
	group_free(&g);
}

Test(slots, a_start_count_used_twice_is_taken)
{
	struct group g = group_new();
	struct slots_answer answer;

	cr_expect_eq(enlist(&g, 5, 111).verdict, SLOTS_REGISTERED);
	cr_expect_eq(enlist(&g, 5, 111).verdict, SLOTS_REGISTERED);
	answer = enlist(&g, 5, 222); /* the clone */
	cr_expect_eq(answer.verdict, SLOTS_TAKEN);
	cr_expect_eq(answer.highest, 5);
	answer = enlist(&g, 3, 333); /* restored from a backup */
	cr_expect_eq(answer.verdict, SLOTS_TAKEN);
	cr_expect_eq(answer.highest, 5);
	cr_expect_eq(enlist(&g, 6, 222).verdict, SLOTS_REGISTERED);
	group_free(&g);
}

Test(slots, an_incarnation_registered_by_a_command_is_taken_too)
{
	struct group g = group_new();

	quick(&g, doing(4, 0, 1, "x"));
	cr_expect_eq(enlist(&g, 4, 111).verdict, SLOTS_TAKEN);
	group_free(&g);
}

Test(slots, fenced_is_no_answer)
{
	struct group g = group_new();

	enlist(&g, 1, 111);
	quick(&g, doing(1, 0, 1, "done"));
	enlist(&g, 2, 222);
	/* It was done, and nothing here says anything else. */
	cr_expect_eq(quick(&g, doing(1, 0, 1, "done")).verdict, SLOTS_FENCED);
	cr_expect_eq(quick(&g, cancel(1, 0, 1)).verdict, SLOTS_FENCED);
	cr_expect_eq(effects(&g, "done"), 1);
	group_free(&g);
}

/* ---- fences ---- */

static struct slots_answer fence(struct group *g, uint32_t by, uint64_t turn,
				 uint64_t proposer)
{
	struct command command = op(COMMAND_FENCE, 1, 0, turn, "");
	struct slots_answer answer;
	struct buf body = { 0 };

	command.op.proposer = proposer_of(by, 1);
	slots_fence_body(proposer, &body);
	command.body = buf_slice(&body);
	answer = quick(g, command);
	buf_fini(&body);
	return answer;
}

Test(slots, a_given_up_incarnation_never_takes_effect)
{
	struct group g = group_new();

	enlist(&g, 3, 111);
	fence(&g, 9, 1, proposer_of(7, 3));
	cr_expect_eq(quick(&g, doing(3, 0, 1, "x")).verdict, SLOTS_FENCED);
	cr_expect_eq(enlist(&g, 4, 222).verdict, SLOTS_TAKEN);
	cr_expect_eq(enlist(&g, 5, 222).verdict, SLOTS_REGISTERED);
	group_free(&g);
}

Test(slots, a_fence_against_an_older_life_changes_nothing)
{
	struct group g = group_new();

	enlist(&g, 5, 111);
	quick(&g, doing(5, 0, 1, "x"));
	fence(&g, 9, 1, proposer_of(7, 3));
	quick(&g, doing(5, 0, 1, "x"));
	cr_expect_eq(effects(&g, "x"), 1);
	cr_expect_eq(enlist(&g, 5, 111).verdict, SLOTS_REGISTERED);
	group_free(&g);
}

Test(slots, a_removed_node_has_no_incarnation_left)
{
	struct group g = group_new();
	struct slots_answer answer;

	enlist(&g, 3, 111);
	fence(&g, 9, 1, proposer_of(7, UINT32_MAX));
	answer = enlist(&g, UINT32_MAX, 222);
	cr_expect_eq(answer.verdict, SLOTS_TAKEN);
	cr_expect_eq(answer.highest, SLOTS_NONE_LEFT);
	group_free(&g);
}

Test(slots, nobody_fences_himself)
{
	struct group g = group_new();

	cr_expect_eq(fence(&g, 9, 1, proposer_of(9, 1)).result.refusal,
		     ERR_INVALID);
	cr_expect_eq(fence(&g, 9, 2, proposer_of(9, 0)).result.refusal,
		     ERR_NONE);
	group_free(&g);
}

/* ---- what the state says ---- */

Test(slots, holds_end_when_the_turn_is_resolved_or_the_life_is_over)
{
	struct group g = group_new();
	const struct op_id first = { proposer_of(7, 2), 4, 1 };

	cr_expect_not(resolved(&g, first));
	enlist(&g, 2, 111);
	cr_expect_not(resolved(&g, first));
	quick(&g, cancel(2, 4, 1));
	cr_expect(resolved(&g, first));
	cr_expect_not(resolved(&g, (struct op_id){ first.proposer, 4, 2 }));
	cr_expect_not(resolved(&g, (struct op_id){ proposer_of(7, 3), 4, 1 }));
	enlist(&g, 3, 222);
	cr_expect(resolved(&g, (struct op_id){ first.proposer, 4, 2 }));
	group_free(&g);
}

/* Amends as a later command's apply does; gives what is recorded then. */
static bool amended(struct group *g, struct op_id of, enum err *refusal_r)
{
	const struct command_result result = { .refusal = ERR_OVERQUOTA };
	struct store_txn *txn;
	struct slice payload;
	bool found;

	cr_assert_eq(store_write_begin(g->env, &txn), ERR_NONE);
	slots_amend(txn, &of, &result);
	found = slots_result(txn, &of, refusal_r, &payload);
	cr_assert_eq(store_commit(&txn), ERR_NONE);
	return found;
}

Test(slots, a_result_is_amended_while_its_op_is_the_newest_of_its_slot)
{
	struct group g = group_new();
	struct command first = doing(1, 3, 1, "x");
	enum err refusal;

	enlist(&g, 1, 111);
	quick(&g, first);
	cr_expect(amended(&g, first.op, &refusal));
	cr_expect_eq(refusal, ERR_OVERQUOTA);
	cr_expect_eq(quick(&g, first).result.refusal, ERR_OVERQUOTA);
	cr_expect_eq(effects(&g, "x"), 1);
	/* The next turn is another op: nobody asks for the first any more. */
	quick(&g, doing(1, 3, 2, "y"));
	cr_expect_not(amended(&g, first.op, &refusal));
	cr_expect_eq(quick(&g, doing(1, 3, 2, "y")).result.refusal, ERR_NONE);
	group_free(&g);
}

Test(slots, a_result_of_a_dead_life_is_not_amended)
{
	struct group g = group_new();
	struct command first = doing(1, 3, 1, "x");
	struct command again = doing(2, 3, 1, "z");
	enum err refusal;

	enlist(&g, 1, 111);
	quick(&g, first);
	enlist(&g, 2, 222);
	quick(&g, again);
	cr_expect_not(amended(&g, first.op, &refusal));
	cr_expect_eq(quick(&g, again).result.refusal, ERR_NONE);
	group_free(&g);
}

Test(slots, the_table_is_bounded_by_the_slots)
{
	struct group g = group_new();

	enlist(&g, 1, 111);
	for (uint64_t turn = 1; turn <= 100; turn++)
		for (uint32_t slot = 0; slot < 3; slot++)
			quick(&g, doing(1, slot, turn, "x"));
	cr_expect_eq(effects(&g, "x"), 300);
	cr_expect_eq(rows(&g, REPLICA_TABLE_SLOT), 3);
	cr_expect_eq(rows(&g, REPLICA_TABLE_PROPOSER), 1);
	group_free(&g);
}

Test(slots, results_survive_a_change_of_leader_and_a_restart)
{
	struct group g = group_new();

	enlist(&g, 1, 111);
	quick(&g, doing(1, 0, 1, "x"));
	store_env_close(&g.env);
	group_open(&g, true);
	quick(&g, doing(1, 0, 1, "x"));
	cr_expect_eq(effects(&g, "x"), 1);
	group_free(&g);
}

Test(slots, the_feature_level_only_rises)
{
	struct group g = group_new();
	struct command command = op(COMMAND_FEATURE_LEVEL, 1, 0, 1, "");
	struct store_txn *txn;
	struct buf body = { 0 };

	slots_feature_level_body(3, &body);
	command.body = buf_slice(&body);
	cr_expect_eq(quick(&g, command).result.refusal, ERR_NONE);
	buf_clear(&body);
	slots_feature_level_body(2, &body);
	command.body = buf_slice(&body);
	command.op.turn = 2;
	cr_expect_eq(quick(&g, command).result.refusal, ERR_INVALID);
	cr_assert_eq(store_read_begin(g.env, &txn), ERR_NONE);
	cr_expect_eq(slots_feature_level(txn), 3);
	store_end(&txn);
	buf_fini(&body);
	group_free(&g);
}

/* ---- the adversary ---- */

#define FRAMES_MAX 400
#define ADVERSARY_SLOTS 2

/* One operation of a proposer, as its client sees it. */
struct fate {
	char body[16];
	bool known;
	bool done; /* known: OK or NO was said */
};

struct adversary {
	struct group group;
	struct random_seeded random;
	struct command frames[FRAMES_MAX]; /* ever sent */
	unsigned frame_count;
	struct fate fates[FRAMES_MAX];
	unsigned fate_count;
	uint32_t incarnation;
	uint64_t turn[ADVERSARY_SLOTS];
	int current[ADVERSARY_SLOTS]; /* fate, or -1 */
};

static void send_frame(struct adversary *a, struct command command)
{
	cr_assert_lt(a->frame_count, FRAMES_MAX);
	a->frames[a->frame_count++] = command;
}

static void propose(struct adversary *a, uint32_t slot)
{
	struct fate *fate = &a->fates[a->fate_count];

	snprintf(fate->body, sizeof fate->body, "op%u", a->fate_count);
	a->current[slot] = (int)a->fate_count++;
	send_frame(a,
		   doing(a->incarnation, slot, a->turn[slot] + 1, fate->body));
}

static void restart(struct adversary *a)
{
	a->incarnation++;
	for (unsigned i = 0; i < ADVERSARY_SLOTS; i++) {
		a->current[i] = -1;
		a->turn[i] = 0;
	}
	enlist(&a->group, a->incarnation, a->incarnation);
}

/* Only a recorded answer for this very op id is one. */
static void hear(struct adversary *a, const struct slots_answer *answer)
{
	const struct op_id *op = &answer->op;
	struct fate *fate;

	if (answer->verdict != SLOTS_RESOLVED ||
	    proposer_incarnation(op->proposer) != a->incarnation ||
	    a->current[op->slot] < 0 || op->turn != a->turn[op->slot] + 1)
		return;
	fate = &a->fates[a->current[op->slot]];
	fate->known = true;
	fate->done = answer->result.refusal == ERR_NONE;
	a->current[op->slot] = -1;
	a->turn[op->slot]++;
}

static void deliver(struct adversary *a)
{
	uint64_t n = random_range(&a->random.random, 0, a->frame_count - 1);
	struct slots_answer answer = quick(&a->group, a->frames[n]);

	cr_assert_eq(a->group.err, ERR_NONE);
	hear(a, &answer);
}

static void adversary_step(struct adversary *a)
{
	uint32_t slot = (uint32_t)random_range(&a->random.random, 0,
					       ADVERSARY_SLOTS - 1);
	uint64_t what = random_range(&a->random.random, 0, 19);

	if (what == 0)
		restart(a);
	else if (what < 5 && a->current[slot] < 0)
		propose(a, slot);
	else if (what < 8 && a->current[slot] >= 0)
		send_frame(a, cancel(a->incarnation, slot, a->turn[slot] + 1));
	else if (a->frame_count > 0)
		deliver(a);
}

Test(slots, whatever_arrives_whenever_answers_stay_true)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct adversary *a = mem_zalloc(1, sizeof(*a));

		a->group = group_new();
		random_seeded_init(&a->random, seed);
		restart(a);
		for (unsigned i = 0; i < 300; i++)
			adversary_step(a);
		for (unsigned i = 0; i < a->fate_count; i++) {
			const struct fate *fate = &a->fates[i];
			uint64_t count = effects(&a->group, fate->body);

			cr_expect_leq(count, 1);
			if (fate->known)
				cr_expect_eq(count, fate->done);
		}
		group_free(&a->group);
		mem_free(a);
	}
}
