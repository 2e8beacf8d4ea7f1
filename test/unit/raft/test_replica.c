/*
 * A replica that is its group's only voter: proposals, reads, restarts,
 * markers, parking.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/mem.h"
#include "io/disk.h"
#include "node_bench.h"
#include "raft/replica_impl.h"
#include "scratch.h"
#include "store/checkpoint.h"

static struct replica_status status(struct node *node)
{
	struct replica_status s;

	replica_get_status(node->replica, &s);
	return s;
}

/* ---- proposing ---- */

Test(replica, a_bootstrapped_group_serves)
{
	struct node *node = node_new_serving(1);

	cr_expect(status(node).leader);
	cr_expect_not(status(node).parked);
	cr_expect_eq(status(node).group, NODE_GROUP);
	node_free(node);
}

Test(replica, a_proposal_takes_effect_and_is_answered)
{
	struct node *node = node_new_serving(2);
	struct ask ask;

	ask_init(&ask, node, KIND_DO, "hello");
	ask_propose(&ask, node);
	node_drain(node);
	cr_expect_eq(ask.answers, 1);
	cr_expect_eq(ask.err, ERR_NONE);
	cr_expect(
		slice_eq(buf_slice(&ask.proposal.result), SLICE_LIT("hello")));
	cr_expect_gt(ask.proposal.index, 0);
	cr_expect_eq(node_effects(node, "hello"), 1);
	cr_expect_geq(replica_applied(node->replica), ask.proposal.index);
	proposal_fini(&ask.proposal);
	node_free(node);
}

Test(replica, a_refusal_of_the_machine_is_the_answer)
{
	struct node *node = node_new_serving(3);

	cr_expect_eq(node_do(node, KIND_REFUSE, "x"), ERR_EXISTS);
	cr_expect_eq(status(node).slots_taken, 0);
	node_free(node);
}

#define MANY 64

Test(replica, what_waits_together_becomes_one_entry)
{
	struct node *node = node_new_serving(4);
	struct ask asks[MANY];
	uint64_t before = status(node).last_index;

	for (unsigned i = 0; i < MANY; i++) {
		ask_init(&asks[i], node, KIND_DO, "x");
		ask_propose(&asks[i], node);
	}
	node_drain(node);
	cr_expect_eq(status(node).last_index, before + 1);
	cr_expect_eq(node_effects(node, "x"), MANY);
	for (unsigned i = 0; i < MANY; i++) {
		cr_expect_eq(asks[i].err, ERR_NONE);
		cr_expect_eq(asks[i].proposal.op.slot, i);
		proposal_fini(&asks[i].proposal);
	}
	node_free(node);
}

Test(replica, one_entry_is_under_way_at_a_time)
{
	struct node *node = node_new_serving(5);
	struct ask first;
	struct ask second;
	uint64_t before = status(node).last_index;

	node->writer_stalls = true;
	ask_init(&first, node, KIND_DO, "1");
	ask_init(&second, node, KIND_DO, "2");
	ask_propose(&first, node);
	node_drain(node);
	ask_propose(&second, node);
	node_drain(node);
	cr_expect_eq(status(node).last_index, before + 1);
	cr_expect_eq(first.answers + second.answers, 0);
	node->writer_stalls = false;
	node_drain(node);
	cr_expect_eq(status(node).last_index, before + 2);
	cr_expect_eq(first.answers + second.answers, 2);
	proposal_fini(&first.proposal);
	proposal_fini(&second.proposal);
	node_free(node);
}

Test(replica, an_answer_waits_for_disk_and_state)
{
	struct node *node = node_new_serving(6);
	struct ask ask;

	node->writer_stalls = true;
	node->applier_stalls = true;
	ask_init(&ask, node, KIND_DO, "x");
	ask_propose(&ask, node);
	node_drain(node);
	cr_expect_eq(ask.answers, 0);
	node->writer_stalls = false;
	node_drain(node);
	cr_expect_eq(ask.answers, 0);
	node->applier_stalls = false;
	node_drain(node);
	cr_expect_eq(ask.answers, 1);
	proposal_fini(&ask.proposal);
	node_free(node);
}

Test(replica, a_reserved_slot_tells_its_op_id_before_it_is_used)
{
	struct node *node = node_new_serving(7);
	struct store_txn *txn;
	struct op_id op;
	struct ask ask;

	ask_init(&ask, node, KIND_DO, "x");
	replica_reserve(node->replica, &ask.proposal, ask_done);
	node_drain(node);
	cr_assert_eq(ask.answers, 1);
	cr_assert_eq(ask.err, ERR_NONE);
	op = ask.proposal.op;
	cr_expect_eq(op.turn, 1);
	replica_submit(node->replica, &ask.proposal, ask_done);
	cr_assert_eq(store_read_begin(replica_env(node->replica), &txn),
		     ERR_NONE);
	cr_expect_not(replica_op_resolved(node->replica, txn, &op));
	store_end(&txn);
	node_drain(node);
	cr_expect_eq(ask.answers, 2);
	cr_expect_eq(ask.proposal.op.turn, op.turn);
	cr_assert_eq(store_read_begin(replica_env(node->replica), &txn),
		     ERR_NONE);
	cr_expect(replica_op_resolved(node->replica, txn, &op));
	store_end(&txn);
	proposal_fini(&ask.proposal);
	node_free(node);
}

Test(replica, a_released_slot_comes_again_with_the_same_turn)
{
	struct node *node = node_new_serving(8);
	struct op_id op;
	struct ask ask;

	ask_init(&ask, node, KIND_DO, "x");
	replica_reserve(node->replica, &ask.proposal, ask_done);
	node_drain(node);
	op = ask.proposal.op;
	replica_release(node->replica, &ask.proposal);
	node_drain(node);
	cr_expect_eq(status(node).slots_taken, 0);
	ask_propose(&ask, node);
	node_drain(node);
	cr_expect_eq(ask.err, ERR_NONE);
	cr_expect_eq(ask.proposal.op.slot, op.slot);
	cr_expect_eq(ask.proposal.op.turn, op.turn);
	proposal_fini(&ask.proposal);
	node_free(node);
}

Test(replica, turns_of_a_slot_follow_each_other)
{
	struct node *node = node_new_serving(9);
	struct ask ask;

	ask_init(&ask, node, KIND_DO, "x");
	for (uint64_t turn = 1; turn <= 5; turn++) {
		ask_propose(&ask, node);
		node_drain(node);
		cr_expect_eq(ask.proposal.op.slot, 0);
		cr_expect_eq(ask.proposal.op.turn, turn);
	}
	proposal_fini(&ask.proposal);
	node_free(node);
}

Test(replica, who_finds_all_slots_taken_waits_and_then_hears_busy)
{
	struct node *node = node_new_serving(10);
	struct ask *asks = mem_zalloc(COMMAND_SLOTS + 2, sizeof(*asks));

	for (unsigned i = 0; i < COMMAND_SLOTS + 2; i++) {
		ask_init(&asks[i], node, KIND_DO, "x");
		replica_reserve(node->replica, &asks[i].proposal, ask_done);
	}
	node_drain(node);
	cr_expect_eq(status(node).slots_taken, COMMAND_SLOTS);
	cr_expect_eq(asks[COMMAND_SLOTS].answers, 0);
	replica_release(node->replica, &asks[17].proposal);
	node_drain(node);
	cr_expect_eq(asks[COMMAND_SLOTS].err, ERR_NONE);
	cr_expect_eq(asks[COMMAND_SLOTS].proposal.op.slot, 17);
	node_wait(node, REPLICA_RESERVE_MS + 100);
	cr_expect_eq(asks[COMMAND_SLOTS + 1].answers, 1);
	cr_expect_eq(asks[COMMAND_SLOTS + 1].err, ERR_BUSY);
	for (unsigned i = 0; i < COMMAND_SLOTS + 2; i++) {
		if (i != 17 && i != COMMAND_SLOTS + 1)
			replica_release(node->replica, &asks[i].proposal);
		proposal_fini(&asks[i].proposal);
	}
	node_drain(node);
	cr_expect_eq(status(node).slots_taken, 0);
	mem_free(asks);
	node_free(node);
}

Test(replica, a_command_above_a_limit_is_refused_and_leaves_no_trace)
{
	struct node *node = node_new_serving(11);
	uint64_t before = status(node).last_index;
	struct ask ask;

	ask_init(&ask, node, KIND_DO, "x");
	(void)buf_reserve(&ask.proposal.body, COMMAND_MAX);
	while (ask.proposal.body.len <= COMMAND_MAX)
		buf_add_octet(&ask.proposal.body, 'x');
	ask_propose(&ask, node);
	node_drain(node);
	cr_expect_eq(ask.err, ERR_LIMIT);
	cr_expect_eq(status(node).last_index, before);
	cr_expect_eq(node_do(node, KIND_DO, "y"), ERR_NONE);
	proposal_fini(&ask.proposal);
	node_free(node);
}

Test(replica, a_full_disk_refuses_what_does_not_free_space)
{
	struct node *node = node_new_serving(12);

	disk_sim_set_space(node->disk, 4096);
	node_wait(node, 11000); /* free space is looked at */
	cr_expect_eq(node_do(node, KIND_DO, "x"), ERR_FULL);
	cr_expect_eq(node_do(node, KIND_FREE, "y"), ERR_NONE);
	disk_sim_set_space(node->disk, UINT64_MAX);
	node_wait(node, 21000);
	cr_expect_eq(node_do(node, KIND_DO, "x"), ERR_NONE);
	cr_expect_eq(node_effects(node, "x"), 1);
	node_free(node);
}

Test(replica, a_full_map_refuses_what_does_not_free_space)
{
	struct node *node = node_new(13);
	enum err err = ERR_NONE;
	char body[16];

	node->options.env.map_size = 4 << 20;
	node_start(node);
	node_serve(node);
	for (unsigned i = 0; i < 100 && err == ERR_NONE; i++) {
		snprintf(body, sizeof body, "row%u", i);
		err = node_do(node, KIND_BIG, body);
		if (i % 8 == 0) /* pages that were freed come back */
			node_wait(node, STORE_CHECKPOINT_AGE_MS + 2000);
	}
	cr_expect_eq(err, ERR_FULL);
	cr_expect_eq(node_do(node, KIND_DO, "x"), ERR_FULL);
	cr_expect_eq(node_do(node, KIND_FREE, "y"), ERR_NONE);
	cr_expect_null(node->parked);
	node_free(node);
}

/* ---- deadlines ---- */

Test(replica, what_was_never_in_an_entry_is_refused_at_its_deadline)
{
	struct node *node = node_new_serving(14);
	struct ask first;
	struct ask second;

	node->writer_stalls = true;
	ask_init(&first, node, KIND_DO, "first");
	ask_init(&second, node, KIND_DO, "second");
	ask_propose(&first, node);
	node_drain(node);
	ask_propose(&second, node);
	node_wait(node, REPLICA_PROPOSE_MS + 100);
	cr_expect_eq(first.answers, 0);
	cr_expect_eq(second.answers, 1);
	cr_expect_eq(second.err, ERR_UNAVAILABLE);

	/* The first one's outcome is unknown until the group is back. */
	node_wait(node, 5 * REPLICA_PROPOSE_MS);
	cr_expect_eq(first.answers, 0);
	node->writer_stalls = false;
	node_drain(node);
	cr_expect_eq(first.answers, 1);
	cr_expect_eq(first.err, ERR_NONE);
	cr_expect_eq(node_effects(node, "first"), 1);
	cr_expect_eq(node_effects(node, "second"), 0);
	cr_expect_eq(node_do(node, KIND_DO, "third"), ERR_NONE);
	proposal_fini(&first.proposal);
	proposal_fini(&second.proposal);
	node_free(node);
}

Test(replica, a_lost_entry_is_proposed_again_and_takes_effect_once)
{
	struct node *node = node_new_serving(15);
	struct ask ask;

	node->writer_stalls = true;
	ask_init(&ask, node, KIND_DO, "x");
	ask_propose(&ask, node);
	node_drain(node);
	node_depose(node);
	cr_expect_eq(ask.answers, 0);
	node->writer_stalls = false;
	node_serve(node);
	cr_expect_eq(ask.answers, 1);
	cr_expect_eq(ask.err, ERR_NONE);
	cr_expect_eq(node_effects(node, "x"), 1);
	cr_expect_eq(node_do(node, KIND_DO, "y"), ERR_NONE);
	proposal_fini(&ask.proposal);
	node_free(node);
}

Test(replica, a_cancel_after_the_deadline_tells_what_became_of_it)
{
	struct node *node = node_new_serving(16);
	uint64_t before = status(node).last_index;
	struct ask ask;

	node->writer_stalls = true;
	ask_init(&ask, node, KIND_DO, "x");
	ask.proposal.deadline_ms = 200;
	ask_propose(&ask, node);
	node_drain(node);
	node_depose(node);
	node_wait(node, 300);
	node->applier_stalls = true;
	node->writer_stalls = false;
	node_serve(node);
	cr_expect_geq(status(node).last_index, before + 3,
		      "the original, a barrier and its CANCEL");
	node->applier_stalls = false;
	node_drain(node);
	cr_expect_eq(ask.answers, 1);
	cr_expect_eq(ask.err, ERR_NONE);
	cr_expect_eq(node_effects(node, "x"), 1);
	cr_expect_eq(node_do(node, KIND_DO, "y"), ERR_NONE);
	proposal_fini(&ask.proposal);
	node_free(node);
}

/* ---- reading ---- */

struct look {
	struct read_index read;
	unsigned answers;
};

static void look_done(struct read_index *read)
{
	((struct look *)read->owner)->answers++;
}

static void look_begin(struct look *look, struct node *node)
{
	*look = (struct look){ .read = { .home = &node->queue.executor,
					 .owner = look } };
	replica_read_index(node->replica, &look->read, look_done);
}

/* A read begun when a write is committed and not applied. True: it is early. */
static bool read_is_early(void)
{
	struct node *node = node_new_serving(21);
	struct look look;
	struct ask ask;
	bool early;

	node->applier_stalls = true;
	ask_init(&ask, node, KIND_DO, "x");
	ask_propose(&ask, node);
	node_drain(node);
	look_begin(&look, node);
	node_drain(node);
	early = look.answers > 0;
	node->applier_stalls = false;
	node_drain(node);
	cr_expect_eq(look.answers, 1);
	cr_expect_eq(look.read.err, ERR_NONE);
	cr_expect_eq(ask.answers, 1);
	if (!early)
		cr_expect_geq(look.read.index, ask.proposal.index);
	proposal_fini(&ask.proposal);
	node_free(node);
	return early;
}

/* Nothing is under way and nobody else votes: no turn of the log loop. */
Test(replica, a_read_with_nothing_to_wait_for_is_answered_at_once)
{
	struct node *node = node_new_serving(24);
	struct look look;

	cr_expect_eq(node_do(node, KIND_DO, "x"), ERR_NONE);
	look_begin(&look, node);
	cr_expect_eq(look.answers, 0); /* never before the call returns */
	cr_expect(task_queue_step(&node->queue));
	cr_expect_eq(look.answers, 1);
	cr_expect_eq(look.read.err, ERR_NONE);
	cr_expect_eq(look.read.index, replica_applied(node->replica));
	node_free(node);
}

Test(replica, a_read_waits_for_what_is_committed)
{
	cr_expect_not(read_is_early());
}

#ifdef ENABLE_FAULTS
#include "base/fault.h"

Test(replica_mutants, M13_read_before_the_applied_index_is_caught)
{
	fault_set_mutant("M13");
	cr_expect(read_is_early());
}
#endif

Test(replica, a_read_without_a_leader_ends_in_time)
{
	struct node *node = node_new(22);
	struct look look;

	node_start(node);
	node->writer_stalls = true; /* its barrier never gets durable */
	look_begin(&look, node);
	node_wait(node, REPLICA_READ_MS - 100);
	cr_expect_eq(look.answers, 0);
	node_wait(node, 200);
	cr_expect_eq(look.answers, 1);
	cr_expect_eq(look.read.err, ERR_TIMEOUT);
	node_free(node);
}

Test(replica, freshness_is_a_matter_of_the_last_round)
{
	struct node *node = node_new_serving(23);
	struct look look;

	cr_expect_not(replica_is_fresh(node->replica, 1000));
	look_begin(&look, node);
	node_drain(node);
	cr_expect(replica_is_fresh(node->replica, 1000));
	node_wait(node, 999);
	cr_expect(replica_is_fresh(node->replica, 1000));
	node_wait(node, 2);
	cr_expect_not(replica_is_fresh(node->replica, 1000));
	node_free(node);
}

/* ---- restarts ---- */

Test(replica, a_clean_stop_keeps_everything)
{
	struct node *node = node_new_serving(31);

	for (unsigned i = 0; i < 10; i++)
		cr_expect_eq(node_do(node, KIND_DO, "x"), ERR_NONE);
	node_stop(node);
	node->options.env.clean = true;
	node_start(node);
	node_serve(node);
	cr_expect_eq(node_effects(node, "x"), 10);
	cr_expect_eq(node_do(node, KIND_DO, "x"), ERR_NONE);
	cr_expect_eq(node_effects(node, "x"), 11);
	node_free(node);
}

Test(replica, a_stop_applies_what_is_committed_and_takes_a_checkpoint)
{
	struct node *node = node_new_serving(32);
	struct ask ask;
	uint64_t index;

	ask_init(&ask, node, KIND_DO, "x");
	node->applier_stalls = true;
	ask_propose(&ask, node);
	node_drain(node);
	node->applier_stalls = false;
	node_stop(node);
	cr_expect_eq(ask.answers, 1);
	cr_expect_eq(ask.err, ERR_NONE);
	index = ask.proposal.index;
	node_start(node);
	cr_expect_geq(status(node).checkpoint_index, index);
	proposal_fini(&ask.proposal);
	node_free(node);
}

Test(replica, a_stop_says_what_is_unknown_and_what_never_was)
{
	struct node *node = node_new_serving(33);
	struct ask sent;
	struct ask queued;

	node->writer_stalls = true;
	ask_init(&sent, node, KIND_DO, "sent");
	ask_init(&queued, node, KIND_DO, "queued");
	ask_propose(&sent, node);
	node_drain(node);
	ask_propose(&queued, node);
	node_drain(node);
	node->writer_stalls = false;
	node_stop(node);
	cr_expect_eq(sent.answers, 1);
	cr_expect(err_outcome(sent.err) != OUTCOME_NOT_DONE);
	cr_expect_eq(queued.answers, 1);
	cr_expect_eq(queued.err, ERR_UNAVAILABLE);
	node_start(node);
	node_serve(node);
	cr_expect_eq(node_effects(node, "queued"), 0);
	proposal_fini(&sent.proposal);
	proposal_fini(&queued.proposal);
	node_free(node);
}

Test(replica, an_acknowledged_command_survives_a_loss_of_power)
{
	struct node *node = node_new_serving(34);

	for (unsigned i = 0; i < 10; i++)
		cr_expect_eq(node_do(node, KIND_DO, "x"), ERR_NONE);
	node_crash(node, DISK_SIM_DROP);
	node_start(node);
	node_serve(node);
	cr_expect_eq(node_effects(node, "x"), 10);
	node_free(node);
}

Test(replica, a_single_voter_gets_a_new_term_at_each_start)
{
	struct node *node = node_new_serving(35);
	uint64_t term = status(node).term;

	node_crash(node, DISK_SIM_DROP);
	node_start(node);
	node_serve(node);
	cr_expect_gt(status(node).term, term);
	node_free(node);
}

/* ---- entries by hand ---- */

static void inject(struct node *node, const struct command *command,
		   uint32_t group, uint64_t shift)
{
	struct replica *replica = node->replica;
	struct entry_builder builder = { 0 };
	struct raft_apply *req = &replica->flight.req;
	struct compat_view view;
	struct raft_buffer buf;

	replica_view(replica, &view);
	cr_assert(entry_builder_add(&builder, command));
	entry_builder_end(&builder, group, view.term,
			  view.last_index + 1 + shift);
	buf.len = builder.octets.len;
	buf.base = raft_malloc(buf.len);
	memcpy(buf.base, builder.octets.data, buf.len);
	cr_assert_eq(compat_apply(&replica->raft, req, &buf), 0);
	entry_builder_fini(&builder);
	node_drain(node);
}

static struct command foreign(uint16_t kind, struct slice body)
{
	return (struct command){
		.op = { proposer_of(NODE_ID + 1, 1), 0, 1 },
		.kind = kind,
		.body = body,
	};
}

Test(replica, a_removed_node_is_fenced_and_says_nothing_more)
{
	struct node *node = node_new_serving(41);
	struct command command;
	struct buf body = { 0 };
	struct ask ask;

	slots_fence_body(proposer_of(NODE_ID, UINT32_MAX), &body);
	command = foreign(COMMAND_FENCE, buf_slice(&body));
	inject(node, &command, NODE_GROUP, 0);
	cr_expect_eq(node->fenced, 0); /* it learns it when it speaks */
	ask_init(&ask, node, KIND_DO, "x");
	ask_propose(&ask, node);
	node_drain(node);
	cr_expect_eq(node->fenced, 1);
	cr_expect_eq(ask.err, ERR_FENCED);
	cr_expect_eq(node_effects(node, "x"), 0);
	cr_expect_eq(node_do(node, KIND_DO, "y"), ERR_UNAVAILABLE);
	buf_fini(&body);
	proposal_fini(&ask.proposal);
	node_free(node);
}

Test(replica, another_life_of_the_node_fences_this_one)
{
	struct node *node = node_new_serving(42);
	struct command command = foreign(KIND_DO, SLICE_LIT("theirs"));

	command.op.proposer = proposer_of(NODE_ID, 99);
	inject(node, &command, NODE_GROUP, 0);
	cr_expect_eq(node->fenced, 1);
	cr_expect_eq(node_do(node, KIND_DO, "ours"), ERR_UNAVAILABLE);
	node_free(node);
}

/* ---- parking ---- */

static void expect_parked(struct node *node)
{
	cr_expect_not_null(node->parked);
	cr_expect(status(node).parked);
	cr_expect_not(status(node).leader);
	cr_expect_null(replica_env(node->replica));
	cr_expect_eq(node->failed, 0);
	cr_expect_eq(node_do(node, KIND_DO, "x"), ERR_UNAVAILABLE);
}

Test(replica, R9_an_entry_at_the_wrong_index_parks)
{
	struct node *node = node_new_serving(51);
	struct command command = foreign(KIND_DO, SLICE_LIT("x"));

	inject(node, &command, NODE_GROUP, 1);
	expect_parked(node);
	node_free(node);
}

Test(replica, R9_an_entry_of_another_group_parks)
{
	struct node *node = node_new_serving(52);
	struct command command = foreign(KIND_DO, SLICE_LIT("x"));

	inject(node, &command, NODE_GROUP + 1, 0);
	expect_parked(node);
	node_free(node);
}

Test(replica, an_unknown_command_parks)
{
	struct node *node = node_new_serving(53);
	struct command command = foreign(KIND_UNKNOWN, SLICE_LIT("x"));

	inject(node, &command, NODE_GROUP, 0);
	expect_parked(node);
	node_free(node);
}

Test(replica, a_parked_replica_ends_what_waits)
{
	struct node *node = node_new_serving(54);
	struct command command = foreign(KIND_UNKNOWN, SLICE_LIT("x"));
	struct look look;
	struct ask sent;

	node->applier_stalls = true;
	inject(node, &command, NODE_GROUP, 0);
	ask_init(&sent, node, KIND_DO, "sent");
	ask_propose(&sent, node);
	look_begin(&look, node);
	node_drain(node);
	node->applier_stalls = false;
	node_drain(node);
	expect_parked(node);
	cr_expect_eq(sent.answers, 1);
	cr_expect_eq(err_outcome(sent.err), OUTCOME_UNKNOWN);
	cr_expect_eq(look.answers, 1);
	cr_expect_eq(look.read.err, ERR_UNAVAILABLE);
	proposal_fini(&sent.proposal);
	node_free(node);
}

Test(replica, a_parked_replica_stops_like_any)
{
	struct node *node = node_new_serving(55);
	struct command command = foreign(KIND_UNKNOWN, SLICE_LIT("x"));

	inject(node, &command, NODE_GROUP, 0);
	expect_parked(node);
	node_stop(node);
	node_free(node);
}

Test(replica, R10_a_log_that_lost_entries_parks)
{
	struct node *node = node_new_serving(56);

	cr_expect_eq(node_do(node, KIND_DO, "x"), ERR_NONE);
	node_stop(node);
	disk_sim_free(&node->disk);
	node->disk = disk_sim_new();
	disk_sim_make_dirs(node->disk, "data");
	node->wal_options.disk = disk_sim_disk(node->disk);
	node_start(node);
	node_drain(node);
	expect_parked(node);
	node_free(node);
}

Test(replica, a_lost_state_is_made_again_from_the_log)
{
	struct node *node = node_new_serving(57);

	cr_expect_eq(node_do(node, KIND_DO, "x"), ERR_NONE);
	node_stop(node);
	scratch_free(&node->dir);
	node->dir = scratch_new();
	node->options.env.path = node->dir;
	node_start(node);
	node_serve(node);
	cr_expect_eq(node_effects(node, "x"), 1);
	node_free(node);
}

/* ---- markers and checkpoints ---- */

static struct wal_state log_state(struct node *node)
{
	struct wal_state state;

	wal_group_get_state(wal_group_open(node->wal, NODE_GROUP), &state);
	return state;
}

Test(replica, the_log_is_cut_behind_a_durable_checkpoint)
{
	struct node *node = node_new_serving(61);

	raft_set_snapshot_threshold(&node->replica->raft, 10);
	for (unsigned i = 0; i < 30; i++) {
		cr_assert_eq(node_do(node, KIND_DO, "x"), ERR_NONE);
		cr_expect_leq(log_state(node).marker.index,
			      status(node).checkpoint_index);
	}
	cr_expect_gt(log_state(node).marker.index, 20);
	node_crash(node, DISK_SIM_DROP);
	node_start(node);
	node_serve(node);
	cr_expect_eq(node_effects(node, "x"), 30);
	cr_expect_eq(node_do(node, KIND_DO, "x"), ERR_NONE);
	node_free(node);
}

Test(replica, a_state_older_than_the_logs_beginning_parks)
{
	struct node *node = node_new_serving(62);

	raft_set_snapshot_threshold(&node->replica->raft, 10);
	for (unsigned i = 0; i < 15; i++)
		cr_assert_eq(node_do(node, KIND_DO, "x"), ERR_NONE);
	node_stop(node);
	scratch_free(&node->dir);
	node->dir = scratch_new();
	node->options.env.path = node->dir;
	node_start(node);
	node_drain(node);
	expect_parked(node);
	node_free(node);
}

Test(replica, R11_no_marker_while_a_configuration_is_not_committed)
{
	struct node *node = node_new_serving(63);

	raft_set_snapshot_threshold(&node->replica->raft, 5);
	node->replica->raft.configuration_uncommitted_index = 1000;
	for (unsigned i = 0; i < 15; i++)
		cr_assert_eq(node_do(node, KIND_DO, "x"), ERR_NONE);
	cr_expect_eq(log_state(node).marker.index, 0);
	node->replica->raft.configuration_uncommitted_index = 0;
	cr_assert_eq(node_do(node, KIND_DO, "x"), ERR_NONE);
	cr_expect_gt(log_state(node).marker.index, 0);
	node_free(node);
}

Test(replica, the_log_is_cut_when_its_octets_are_too_many)
{
	struct node *node = node_new_serving(64);

	node->replica->io.sizes.total += REPLICA_LOG_MAX;
	cr_assert_eq(node_do(node, KIND_DO, "x"), ERR_NONE);
	cr_assert_eq(node_do(node, KIND_DO, "x"), ERR_NONE);
	cr_expect_gt(log_state(node).marker.index, 0);
	node->replica->io.sizes.total -= REPLICA_LOG_MAX;
	node_free(node);
}

Test(replica, a_checkpoint_is_taken_when_the_last_one_is_old)
{
	struct node *node = node_new_serving(65);
	uint64_t before = status(node).checkpoint_index;

	cr_assert_eq(node_do(node, KIND_DO, "x"), ERR_NONE);
	node_wait(node, 30000);
	cr_expect_eq(status(node).checkpoint_index, before);
	node_wait(node, STORE_CHECKPOINT_AGE_MS);
	cr_expect_gt(status(node).checkpoint_index, before);
	before = status(node).checkpoint_index;
	node_wait(node, 3 * STORE_CHECKPOINT_AGE_MS);
	cr_expect_eq(status(node).checkpoint_index, before, "nothing was new");
	node_free(node);
}

static unsigned granted;

static void turn_granted(struct replica_turn *turn)
{
	(void)turn;
	granted++;
}

Test(replica, checkpoints_of_a_node_are_taken_one_after_another)
{
	struct replica_turns turns;
	struct replica_turn a = { 0 };
	struct replica_turn b = { 0 };
	struct replica_turn c = { 0 };

	replica_turns_init(&turns);
	replica_turns_ask(&turns, &a, turn_granted);
	replica_turns_ask(&turns, &b, turn_granted);
	replica_turns_ask(&turns, &c, turn_granted);
	cr_expect_eq(granted, 1);
	replica_turns_leave(&turns, &b); /* gives up waiting */
	replica_turns_leave(&turns, &a);
	cr_expect_eq(granted, 2);
	cr_expect_eq(turns.holder, &c);
	replica_turns_leave(&turns, &c);
	cr_expect_null(turns.holder);
}

Test(replica, octets_of_the_entries_in_memory_are_known)
{
	struct sizes sizes;

	sizes_init(&sizes, 5);
	for (uint64_t i = 5; i < 105; i++)
		sizes_add(&sizes, i, 10);
	cr_expect_eq(sizes.total, 1000);
	cr_expect_eq(sizes_tail(&sizes, 104, 55, 2048), 5);
	cr_expect_eq(sizes_tail(&sizes, 104, 1, 2048), 1);
	cr_expect_eq(sizes_tail(&sizes, 104, 1000000, 7), 7);
	sizes_truncate(&sizes, 95);
	cr_expect_eq(sizes.total, 900);
	sizes_cut(&sizes, 85);
	cr_expect_eq(sizes.total, 100);
	sizes_cut(&sizes, 200);
	cr_expect_eq(sizes.total, 0);
	sizes_add(&sizes, 200, 3);
	cr_expect_eq(sizes.total, 3);
	sizes_fini(&sizes);
}
