/*
 * Several replicas of a group: writes and reads at any node, whoever leads.
 */
#include <criterion/criterion.h>

#include "base/fault.h"
#include "base/mem.h"
#include "raft/frame.h"
#include "raft/message.h"
#include "raft/replica_impl.h"
#include "replica_cluster.h"

static struct rc *cluster_of(uint64_t seed, unsigned nodes, unsigned replicas)
{
	const struct rc_options options = { seed, nodes, replicas, 1 };
	struct rc *rc = rc_new(&options);

	cr_assert_geq(rc_leader(rc, 0, 5000), 0);
	rc_run(rc, 500); /* all have registered */
	return rc;
}

static unsigned leader_of(struct rc *rc)
{
	int leader = rc_leader(rc, 0, 5000);

	cr_assert_geq(leader, 0);
	return (unsigned)leader;
}

/* A node beside the leader. */
static unsigned follower_of(struct rc *rc)
{
	return (leader_of(rc) + 1) % rc->options.replicas;
}

static struct replica *replica_at(struct rc *rc, unsigned node)
{
	return rc->nodes[node].members[0].replica;
}

static uint64_t term_at(struct rc *rc, unsigned node)
{
	struct replica_status status;

	replica_get_status(replica_at(rc, node), &status);
	return status.term;
}

/* One write at a node; what came of it. */
static enum err write_at(struct rc *rc, unsigned node, uint64_t *number_r)
{
	struct rc_op op;
	enum err err;

	rc_write(&op, rc, node, 0, 0, NULL);
	rc_wait(rc, &op, 30000);
	cr_assert_eq(op.answers, 1);
	err = op.err;
	*number_r = op.number;
	rc_op_fini(&op);
	return err;
}

static enum err read_at(struct rc *rc, unsigned node, uint64_t *version_r)
{
	struct rc_op op;

	rc_read(&op, rc, node, 0, 0, NULL);
	rc_wait(rc, &op, 30000);
	cr_assert_eq(op.answers, 1);
	*version_r = op.version;
	return op.err;
}

/* ---- writes ---- */

Test(cluster, a_write_at_any_node_is_done_once_and_seen_at_all)
{
	struct rc *rc = cluster_of(1, 4, 3);
	uint64_t floors[RC_KEYS] = { 0 };
	struct rc_op writes[4];
	struct rc_op reads[3];

	for (unsigned i = 0; i < 4; i++) {
		rc_write(&writes[i], rc, i, 0, 0, floors);
		rc_wait(rc, &writes[i], 2000);
		cr_expect_eq(writes[i].answers, 1);
		cr_expect_eq(writes[i].err, ERR_NONE);
		cr_expect_eq(writes[i].version, i + 1);
		rc_op_fini(&writes[i]);
	}
	for (unsigned i = 0; i < 3; i++) {
		rc_read(&reads[i], rc, i, 0, 0, floors);
		rc_wait(rc, &reads[i], 2000);
		cr_expect_eq(reads[i].err, ERR_NONE);
		cr_expect_eq(reads[i].version, 4);
	}
	cr_expect_null(rc->wrong);
	rc_free(rc);
}

/* Commands of one turn are one frame and one entry. */
Test(cluster, what_waits_at_a_follower_travels_together)
{
	struct rc *rc = cluster_of(2, 3, 3);
	unsigned follower = follower_of(rc);
	struct replica_status before;
	struct replica_status after;
	struct rc_op ops[64];

	replica_get_status(replica_at(rc, follower), &before);
	for (unsigned i = 0; i < ARRAY_LEN(ops); i++)
		rc_write(&ops[i], rc, follower, 0, i % RC_KEYS, NULL);
	for (unsigned i = 0; i < ARRAY_LEN(ops); i++) {
		rc_wait(rc, &ops[i], 2000);
		cr_expect_eq(ops[i].err, ERR_NONE);
		rc_op_fini(&ops[i]);
	}
	replica_get_status(replica_at(rc, follower), &after);
	cr_expect_leq(after.last_index, before.last_index + 3);
	rc_free(rc);
}

Test(cluster, more_than_one_entry_waits_its_turn)
{
	struct rc *rc = cluster_of(3, 4, 3);
	struct rc_op ops[40];

	rc->large = 100 * 1024;
	for (unsigned i = 0; i < ARRAY_LEN(ops); i++)
		rc_propose(&ops[i], rc, i % 4, 0, RC_LARGE);
	for (unsigned i = 0; i < ARRAY_LEN(ops); i++) {
		rc_wait(rc, &ops[i], 20000);
		cr_expect_eq(ops[i].answers, 1);
		cr_expect_eq(ops[i].err, ERR_NONE);
		cr_expect_eq(rc_effects(rc, leader_of(rc), 0, ops[i].number),
			     1);
		rc_op_fini(&ops[i]);
	}
	cr_expect_null(rc->wrong);
	rc_free(rc);
}

/* Commands of all nodes are under way when the leader dies. */
static void leader_dies(uint64_t seed)
{
	struct rc *rc = cluster_of(seed, 4, 3);
	unsigned leader = leader_of(rc);
	struct rc_op ops[24];

	for (unsigned i = 0; i < ARRAY_LEN(ops); i++)
		rc_write(&ops[i], rc, i % 4, 0, 0, NULL);
	for (uint64_t i = rc_draw(rc, 0, 400); i > 0; i--)
		rc_step(rc);
	rc_node_crash(&rc->nodes[leader], DISK_SIM_DROP);
	for (unsigned i = 0; i < ARRAY_LEN(ops); i++)
		if (ops[i].node == leader)
			rc_op_bury(&ops[i]);
	for (unsigned i = 0; i < ARRAY_LEN(ops); i++)
		rc_wait(rc, &ops[i], 8000);
	rc_run(rc, 1000);
	for (unsigned i = 0; i < ARRAY_LEN(ops); i++) {
		cr_expect(rc_op_is_over(&ops[i]), "seed %u", (unsigned)seed);
		if (ops[i].answers == 0)
			continue;
		cr_expect_eq(ops[i].err, ERR_NONE);
		cr_expect_eq(rc_effects(rc, (leader + 1) % 3, 0, ops[i].number),
			     1);
	}
	cr_expect_null(rc->wrong);
	for (unsigned i = 0; i < ARRAY_LEN(ops); i++)
		rc_op_fini(&ops[i]);
	rc_free(rc);
}

Test(cluster, commands_in_flight_survive_their_leader_once)
{
	for (uint64_t seed = 10; seed < 20; seed++)
		leader_dies(seed);
}

/*
 * A follower's write is done, but it has not heard of it when the leader goes:
 * it proposes the write again, to the next one. How often is it done?
 */
static uint64_t effects_over_a_change(void)
{
	struct rc *rc = cluster_of(26, 3, 3);
	unsigned leader = leader_of(rc);
	unsigned follower = follower_of(rc);
	uint64_t effects;
	struct rc_op op;

	rc->nodes[follower].applier_stalls = true;
	rc_write(&op, rc, follower, 0, 0, NULL);
	rc_run(rc, 300);
	cr_assert_eq(rc_effects(rc, leader, 0, op.number), 1);
	rc_node_crash(&rc->nodes[leader], DISK_SIM_DROP);
	rc_run(rc, 3000);
	rc->nodes[follower].applier_stalls = false;
	rc_wait(rc, &op, 5000);
	cr_assert_eq(op.answers, 1);
	cr_expect_eq(op.err, ERR_NONE);
	rc_run(rc, 2000);
	effects = rc_effects(rc, follower, 0, op.number);
	rc_op_fini(&op);
	rc_free(rc);
	return effects;
}

Test(cluster, results_outlive_the_leader)
{
	cr_expect_eq(effects_over_a_change(), 1);
}

#ifdef ENABLE_FAULTS
Test(cluster_mutants, M35_results_lost_at_a_leader_change_is_caught)
{
	fault_set_mutant("M35");
	cr_expect_gt(effects_over_a_change(), 1);
}
#endif

/* ---- refusals ---- */

Test(cluster, a_leader_elsewhere_refuses_and_a_CANCEL_makes_that_final)
{
	struct rc *rc = cluster_of(4, 4, 3);
	unsigned from[2] = { follower_of(rc), 3 };

	rc->holders.count = 1;
	for (unsigned i = 0; i < 2; i++) {
		struct rc_op op;

		rc_propose(&op, rc, from[i], 0, RC_BODY);
		rc_wait(rc, &op, 2000);
		cr_expect_eq(op.answers, 1);
		cr_expect_eq(op.err, ERR_STALE);
		cr_expect(op.proposal.recorded, "the CANCEL is");
		rc_run(rc, 200);
		cr_expect_eq(rc_effects(rc, 0, 0, op.number), 0);
		rc->holders.count = 3;
		rc_op_fini(&op);
		rc_propose(&op, rc, from[i], 0, RC_BODY);
		rc_wait(rc, &op, 2000);
		cr_expect_eq(op.err, ERR_NONE);
		rc->holders.count = 1;
		rc_op_fini(&op);
	}
	rc_free(rc);
}

/* It says STALE, but an earlier frame of the command is in its log. */
Test(cluster, a_refusal_is_no_answer_to_what_was_done)
{
	struct rc *rc = cluster_of(5, 3, 3);
	unsigned follower = follower_of(rc);
	struct rc_op op;

	rc->nodes[follower].applier_stalls = true;
	rc_propose(&op, rc, follower, 0, RC_BODY);
	rc_run(rc, 300);
	cr_assert_eq(rc_effects(rc, leader_of(rc), 0, op.number), 1);
	cr_assert_eq(op.answers, 0);
	rc->holders.count = 1;
	rc_run(rc, 2 * REPLICA_REPEAT_MS); /* it is sent again, and refused */
	rc->nodes[follower].applier_stalls = false;
	rc_wait(rc, &op, 2000);
	cr_expect_eq(op.err, ERR_NONE);
	cr_expect_null(rc->wrong);
	rc_op_fini(&op);
	rc_free(rc);
}

static void fill_queue(struct rc *rc, struct rc_op *ops, unsigned count)
{
	rc->large = 120 * 1024;
	for (unsigned i = 0; i < count; i++)
		rc_propose(&ops[i], rc, i % 3 == 0 ? 3 : i % 3, 0, RC_LARGE);
}

/* The leader's disk stalls, and more comes than it may queue. */
Test(cluster, a_leader_queues_no_more_of_others_than_it_may)
{
	struct rc *rc = cluster_of(6, 4, 3);
	unsigned leader = leader_of(rc);
	const unsigned count = 600; /* times 120 KiB: 70 MiB */
	struct rc_op *ops = mem_zalloc(count, sizeof(*ops));
	unsigned busy = 0;

	rc->nodes[leader].applier_stalls = true;
	rc->deadline_ms = 60000;
	fill_queue(rc, ops, count);
	rc_run(rc, 3000);
	cr_expect_leq(replica_at(rc, leader)->foreign.pending_octets,
		      2 * FOREIGN_PENDING_MAX);
	rc->nodes[leader].applier_stalls = false;
	for (unsigned i = 0; i < count; i++) {
		rc_wait(rc, &ops[i], 60000);
		cr_assert_eq(ops[i].answers, 1);
		cr_expect(ops[i].err == ERR_NONE || ops[i].err == ERR_BUSY);
		cr_expect_eq(rc_effects(rc, leader, 0, ops[i].number),
			     ops[i].err == ERR_NONE);
		busy += ops[i].err == ERR_BUSY;
		rc_op_fini(&ops[i]);
	}
	cr_expect_gt(busy, 0);
	cr_expect_lt(busy, count);
	cr_expect_null(rc->wrong);
	mem_free(ops);
	rc_free(rc);
}

/* ---- frames that nobody should send ---- */

Test(cluster, nobody_proposes_in_the_name_of_another_node)
{
	struct rc *rc = cluster_of(7, 3, 3);
	unsigned leader = leader_of(rc);
	struct command command = {
		.op = { proposer_of(1 + (leader + 1) % 3, 1), 9, 1 },
		.kind = RC_WRITE,
		.body = SLICE_LIT("123456789"),
	};
	struct buf frame = { 0 };
	struct replica_status before;
	struct replica_status after;

	replica_get_status(replica_at(rc, leader), &before);
	frame_begin(&frame, FRAME_PROPOSE);
	cr_assert(frame_add_command(&frame, &command));
	replica_receive(replica_at(rc, leader), rc_raft_id((leader + 2) % 3),
			buf_slice(&frame));
	rc_run(rc, 200);
	replica_get_status(replica_at(rc, leader), &after);
	cr_expect_eq(after.last_index, before.last_index);
	buf_fini(&frame);
	rc_free(rc);
}

/* ---- registering ---- */

/* A second life of a node with the same start count takes the next one. */
Test(cluster, a_start_count_that_is_taken_is_raised_through_a_follower)
{
	struct rc *rc = cluster_of(8, 4, 3);
	unsigned follower = follower_of(rc);
	unsigned nodes[2] = { follower, 3 };
	uint64_t number;

	for (unsigned i = 0; i < 2; i++) {
		struct rc_node *node = &rc->nodes[nodes[i]];

		rc_node_crash(node, DISK_SIM_DROP);
		node->start_count--; /* its file came from a copy */
		rc_node_start(node);
		cr_expect_eq(write_at(rc, nodes[i], &number), ERR_NONE);
		cr_expect_eq(node->start_count, 2);
	}
	rc_free(rc);
}

Test(cluster, what_an_older_life_has_sent_is_fenced)
{
	struct rc *rc = cluster_of(9, 4, 3);
	unsigned leader = leader_of(rc);
	struct rc_op op;
	uint64_t number;

	rc->nodes[leader].applier_stalls = true;
	rc_write(&op, rc, 3, 0, 0, NULL);
	rc_run(rc, 20);
	rc_cut(rc, leader, 3, true); /* it hears no answer */
	rc->nodes[leader].applier_stalls = false;
	rc_run(rc, 20);
	rc_node_crash(&rc->nodes[3], DISK_SIM_DROP);
	rc_op_bury(&op);
	rc_heal(rc);
	rc_node_start(&rc->nodes[3]);
	cr_expect_eq(write_at(rc, 3, &number), ERR_NONE);
	rc_run(rc, 2000);
	cr_expect_leq(rc_effects(rc, leader_of(rc), 0, op.number), 1);
	cr_expect_eq(rc_effects(rc, leader_of(rc), 0, number), 1);
	cr_expect_null(rc->wrong);
	rc_op_fini(&op);
	rc_free(rc);
}

/* ---- deadlines ---- */

Test(cluster, at_the_deadline_without_a_majority_it_is_unknown_until_it_heals)
{
	struct rc *rc = cluster_of(20, 3, 3);
	unsigned leader = leader_of(rc);
	struct rc_op op;

	rc_isolate(rc, leader);
	rc->deadline_ms = 500;
	rc_write(&op, rc, leader, 0, 0, NULL);
	rc_run(rc, 15000);
	cr_expect_eq(op.answers, 0, "nothing is known");
	rc_heal(rc);
	rc_wait(rc, &op, 5000);
	cr_expect_eq(op.answers, 1);
	cr_expect(op.err == ERR_NONE || op.err == ERR_CANCELLED);
	rc_run(rc, 500);
	for (unsigned i = 0; i < 3; i++)
		cr_expect_eq(rc_effects(rc, i, 0, op.number),
			     op.err == ERR_NONE);
	rc_op_fini(&op);
	rc_free(rc);
}

Test(cluster, a_command_that_never_left_is_refused_at_its_deadline)
{
	struct rc *rc = cluster_of(21, 3, 3);
	struct rc_op op;

	for (unsigned i = 0; i < 3; i++)
		rc_isolate(rc, i);
	rc_run(rc, 3000); /* nobody leads */
	rc->deadline_ms = 500;
	rc_write(&op, rc, 0, 0, 0, NULL);
	rc_wait(rc, &op, 2000);
	cr_expect_eq(op.err, ERR_UNAVAILABLE);
	rc_heal(rc);
	rc_run(rc, 3000);
	cr_expect_eq(rc_effects(rc, 0, 0, op.number), 0);
	rc_op_fini(&op);
	rc_free(rc);
}

/* True: a wall clock that is set ends a command before its time. */
static bool wall_clock_matters(void)
{
	struct rc *rc = cluster_of(22, 3, 3);
	bool early;
	struct rc_op op;

	for (unsigned i = 0; i < 3; i++)
		rc_isolate(rc, i);
	rc_run(rc, 3000);
	rc_write(&op, rc, 0, 0, 0, NULL);
	rc_run(rc, 100);
	rc->clock.wall += 3600000;
	rc_run(rc, 100);
	early = op.answers > 0;
	rc_op_bury(&op);
	rc_op_fini(&op);
	rc_free(rc);
	return early;
}

Test(cluster, deadlines_do_not_look_at_the_wall_clock)
{
	cr_expect_not(wall_clock_matters());
}

#ifdef ENABLE_FAULTS
Test(cluster_mutants, M40_timers_on_the_wall_clock_are_caught)
{
	fault_set_mutant("M40");
	cr_expect(wall_clock_matters());
}
#endif

/* ---- the commit index is pushed ---- */

/* How long a write at a follower takes on links of 1 to 2 ms. */
Test(cluster, a_follower_does_not_wait_for_a_heartbeat_to_see_its_write)
{
	struct rc *rc = cluster_of(23, 3, 3);
	unsigned follower = follower_of(rc);

	for (unsigned i = 0; i < 20; i++) {
		uint64_t begun = rc->clock.mono;
		uint64_t number;

		cr_assert_eq(write_at(rc, follower, &number), ERR_NONE);
		cr_expect_lt(rc->clock.mono - begun, 20,
			     "five ways of 2 ms and no more");
		rc_run(rc, 7);
	}
	rc_free(rc);
}

/* ---- reads ---- */

Test(cluster, a_read_sees_what_was_written_elsewhere_before)
{
	struct rc *rc = cluster_of(30, 3, 3);
	uint64_t number;
	uint64_t version;

	for (unsigned i = 0; i < 30; i++) {
		cr_assert_eq(write_at(rc, i % 3, &number), ERR_NONE);
		cr_assert_eq(read_at(rc, (i + 1) % 3, &version), ERR_NONE);
		cr_expect_eq(version, i + 1);
	}
	rc_free(rc);
}

/*
 * The leader sleeps, another is elected and writes; the old one wakes up and
 * has not heard of it when it is asked. It hears the third node, or nobody.
 * True: it answered with its old state.
 */
static bool sleeper_reads_old_state(bool hears_third)
{
	struct rc *rc = cluster_of(31, 3, 3);
	unsigned old = leader_of(rc);
	uint64_t number;
	struct rc_op op;
	unsigned third;
	bool stale;

	rc->nodes[old].paused = true;
	rc_isolate(rc, old);
	rc->nodes[old].members[0].leads = false; /* as far as we look */
	third = 3 - old - leader_of(rc);
	cr_assert_eq(write_at(rc, third, &number), ERR_NONE);
	rc_read(&op, rc, old, 0, 0, NULL);
	rc->nodes[old].paused = false;
	rc_cut(rc, old, third, !hears_third);
	rc_cut(rc, third, old, !hears_third);
	rc_wait(rc, &op, 5000);
	cr_assert_eq(op.answers, 1);
	stale = op.err == ERR_NONE && op.version == 0;
	rc_free(rc);
	return stale;
}

Test(cluster, a_deposed_leader_that_does_not_know_it_answers_no_read)
{
	cr_expect_not(sleeper_reads_old_state(true));
	cr_expect_not(sleeper_reads_old_state(false));
}

#ifdef ENABLE_FAULTS
Test(cluster_mutants, M11_stale_read_of_a_deposed_leader_is_caught)
{
	fault_set_mutant("M11");
	cr_expect(sleeper_reads_old_state(true));
}

Test(cluster_mutants, M12_read_index_without_ping_is_caught)
{
	fault_set_mutant("M12");
	cr_expect(sleeper_reads_old_state(false));
}

#endif

Test(cluster, without_a_majority_a_read_ends_at_its_deadline)
{
	struct rc *rc = cluster_of(32, 3, 3);
	unsigned leader = leader_of(rc);
	uint64_t version;

	rc_isolate(rc, leader);
	cr_expect_eq(read_at(rc, leader, &version), ERR_TIMEOUT);
	cr_expect_not(replica_is_fresh(replica_at(rc, leader), 1000));
	rc_heal(rc);
	cr_expect_eq(read_at(rc, leader, &version), ERR_NONE);
	cr_expect(replica_is_fresh(replica_at(rc, leader), 1000));
	rc_free(rc);
}

/* An hour of lost frames would be noticed; one is asked for again. */
Test(cluster, lost_questions_and_answers_are_repeated)
{
	struct rc *rc = cluster_of(33, 4, 3);
	uint64_t version;
	uint64_t number;

	rc->loss_per_mille = 250;
	for (unsigned i = 0; i < 12; i++) {
		cr_expect_eq(write_at(rc, i % 4, &number), ERR_NONE);
		cr_expect_neq(read_at(rc, i % 4, &version), ERR_UNAVAILABLE);
	}
	cr_expect_null(rc->wrong);
	rc_free(rc);
}

static bool count_pings(struct rc *rc, const struct rc_frame *frame)
{
	struct slice fields;
	enum frame_kind kind;

	if (frame_open(frame->octets, &kind, &fields) == ERR_NONE &&
	    kind == FRAME_PING)
		rc->watched++;
	return false;
}

Test(cluster, one_round_serves_all_reads_that_wait)
{
	struct rc *rc = cluster_of(34, 3, 3);
	unsigned leader = leader_of(rc);
	struct rc_op ops[200];

	rc->watch = count_pings;
	for (unsigned i = 0; i < ARRAY_LEN(ops); i++)
		rc_read(&ops[i], rc, i % 2 ? leader : (leader + 1) % 3, 0, 0,
			NULL);
	for (unsigned i = 0; i < ARRAY_LEN(ops); i++) {
		rc_wait(rc, &ops[i], 1000);
		cr_expect_eq(ops[i].err, ERR_NONE);
	}
	cr_expect_geq(rc->watched, 2);
	cr_expect_leq(rc->watched, 12);
	rc_free(rc);
}

/* Reads end though writes never do: they wait for an index, not for quiet. */
Test(cluster, reads_do_not_starve_behind_a_stream_of_writes)
{
	struct rc *rc = cluster_of(35, 3, 3);
	unsigned follower = follower_of(rc);
	struct rc_op writes[60];
	struct rc_op reads[10];

	for (unsigned i = 0; i < ARRAY_LEN(writes); i++) {
		rc_write(&writes[i], rc, i % 3, 0, 0, NULL);
		if (i % 6 == 0)
			rc_read(&reads[i / 6], rc, follower, 0, 0, NULL);
		rc_run(rc, 1);
	}
	for (unsigned i = 0; i < ARRAY_LEN(reads); i++) {
		rc_wait(rc, &reads[i], 200);
		cr_expect_eq(reads[i].answers, 1);
	}
	for (unsigned i = 0; i < ARRAY_LEN(writes); i++) {
		rc_wait(rc, &writes[i], 2000);
		rc_op_fini(&writes[i]);
	}
	rc_free(rc);
}

/* ---- partitions ---- */

/* Nothing from the leader gets through, all to it does: it must give way. */
Test(cluster, a_leader_that_can_only_listen_is_replaced)
{
	struct rc *rc = cluster_of(40, 3, 3);
	unsigned leader = leader_of(rc);
	uint64_t term = term_at(rc, leader);
	uint64_t number;

	rc_cut(rc, leader, (leader + 1) % 3, true);
	rc_cut(rc, leader, (leader + 2) % 3, true);
	rc_run(rc, 3000);
	cr_expect_neq(leader_of(rc), leader);
	cr_expect_gt(term_at(rc, leader_of(rc)), term);
	cr_expect_eq(write_at(rc, leader_of(rc), &number), ERR_NONE);
	rc_free(rc);
}

/* A follower that hears nothing does not end the others' term (pre-vote). */
Test(cluster, a_follower_that_comes_back_disturbs_nobody)
{
	struct rc *rc = cluster_of(41, 3, 3);
	unsigned leader = leader_of(rc);
	unsigned follower = follower_of(rc);
	uint64_t term = term_at(rc, leader);
	uint64_t number;

	rc_isolate(rc, follower);
	rc_run(rc, 5000);
	cr_expect_eq(write_at(rc, leader, &number), ERR_NONE);
	rc_heal(rc);
	rc_run(rc, 2000);
	cr_expect_eq(leader_of(rc), leader);
	cr_expect_eq(term_at(rc, leader), term);
	cr_expect_eq(rc_effects(rc, follower, 0, number), 1, "it caught up");
	rc_free(rc);
}

/* One follower's disk and applier are slow; the group does not wait for it. */
Test(cluster, a_slow_follower_holds_nobody_up_and_catches_up)
{
	struct rc *rc = cluster_of(42, 3, 3);
	unsigned leader = leader_of(rc);
	unsigned slow = follower_of(rc);
	uint64_t numbers[30];

	rc->nodes[slow].writer_stalls = true;
	rc->nodes[slow].applier_stalls = true;
	for (unsigned i = 0; i < 30; i++) {
		uint64_t begun = rc->clock.mono;

		cr_expect_eq(write_at(rc, leader, &numbers[i]), ERR_NONE);
		cr_expect_lt(rc->clock.mono - begun, 100);
	}
	rc->nodes[slow].writer_stalls = false;
	rc->nodes[slow].applier_stalls = false;
	rc_run(rc, 1000);
	for (unsigned i = 0; i < 30; i++)
		cr_expect_eq(rc_effects(rc, slow, 0, numbers[i]), 1);
	cr_expect_eq(leader_of(rc), leader);
	rc_free(rc);
}

/* With the pace of many groups a pause of half a second deposes nobody. */
Test(cluster, the_pace_of_elections_can_be_set_while_they_run)
{
	struct rc *rc = cluster_of(46, 3, 3);
	unsigned leader = leader_of(rc);
	uint64_t term = term_at(rc, leader);

	for (unsigned i = 0; i < 3; i++)
		replica_set_pace(replica_at(rc, i), REPLICA_ELECTION_MANY_MS,
				 REPLICA_HEARTBEAT_MANY_MS);
	rc_run(rc, 3000);
	rc->nodes[leader].paused = true;
	rc_run(rc, 600);
	rc->nodes[leader].paused = false;
	rc_run(rc, 3000);
	cr_expect_eq(leader_of(rc), leader);
	cr_expect_eq(term_at(rc, leader), term);
	rc_free(rc);
}

Test(cluster, everybody_can_say_who_leads)
{
	struct rc *rc = cluster_of(47, 3, 3);
	unsigned leader = leader_of(rc);
	struct replica_status status;

	for (unsigned i = 0; i < 3; i++) {
		replica_get_status(replica_at(rc, i), &status);
		cr_expect_eq(status.leader_id, rc_raft_id(leader));
		cr_expect_eq(status.leader, i == leader);
	}
	rc_isolate(rc, leader);
	rc_run(rc, 3000);
	replica_get_status(replica_at(rc, leader), &status);
	cr_expect_eq(status.leader_id, 0);
	rc_free(rc);
}

/* ---- claims ---- */

/* Runners on all nodes propose one append; one has no replica. */
Test(cluster, runners_everywhere_hear_one_result_of_a_claim)
{
	struct rc *rc = cluster_of(48, 4, 3);
	const struct op_id claim = { COMMAND_CLAIM_BIT | 9ull << 32 | 1, 4, 1 };
	struct rc_op ops[4];

	for (unsigned i = 0; i < 4; i++)
		rc_claim(&ops[i], rc, i, 0, &claim);
	for (unsigned i = 0; i < 4; i++) {
		rc_wait(rc, &ops[i], 3000);
		cr_expect_eq(ops[i].answers, 1);
		cr_expect_eq(ops[i].err, ERR_NONE);
		cr_expect(ops[i].proposal.recorded);
		cr_expect_eq(ops[i].version, 1, "the same one");
	}
	for (unsigned i = 0; i < 4; i++)
		rc_op_fini(&ops[i]);
	rc_free(rc);
}

/* ---- coming and going ---- */

Test(cluster, nodes_stop_and_start_one_after_the_other)
{
	struct rc *rc = cluster_of(43, 4, 3);
	uint64_t number;
	uint64_t version;

	for (unsigned i = 0; i < 4; i++) {
		rc_node_stop(&rc->nodes[i]);
		cr_expect_eq(write_at(rc, (i + 1) % 4, &number), ERR_NONE);
		rc_node_start(&rc->nodes[i]);
		cr_expect_eq(write_at(rc, i, &number), ERR_NONE);
		cr_expect_eq(read_at(rc, i, &version), ERR_NONE);
		if (i < 3)
			cr_expect_eq(version, 2 * (i + 1));
	}
	cr_expect_null(rc->wrong);
	rc_free(rc);
}

Test(cluster, all_lose_their_power_at_once_and_nothing_is_lost)
{
	struct rc *rc = cluster_of(44, 3, 3);
	uint64_t numbers[10];
	uint64_t version;

	for (unsigned i = 0; i < 10; i++)
		cr_assert_eq(write_at(rc, i % 3, &numbers[i]), ERR_NONE);
	for (unsigned i = 0; i < 3; i++)
		rc_node_crash(&rc->nodes[i], DISK_SIM_DROP);
	for (unsigned i = 0; i < 3; i++)
		rc_node_start(&rc->nodes[i]);
	cr_expect_eq(read_at(rc, 0, &version), ERR_NONE);
	cr_expect_eq(version, 10);
	for (unsigned i = 0; i < 10; i++)
		cr_expect_eq(rc_effects(rc, 0, 0, numbers[i]), 1);
	rc_free(rc);
}

/* Its replicas are given anew, and the first does not lead. */
Test(cluster, a_node_without_a_replica_finds_the_leader_by_hints)
{
	struct rc *rc = cluster_of(45, 4, 3);
	unsigned follower = follower_of(rc);
	const uint64_t one = rc_raft_id(follower);
	uint64_t begun;
	uint64_t number;
	uint64_t version;

	remote_set_replicas(rc->nodes[3].members[0].remote, &one, 1);
	begun = rc->clock.mono;
	cr_expect_eq(write_at(rc, 3, &number), ERR_NONE);
	cr_expect_lt(rc->clock.mono - begun, 300, "not by a timer");
	cr_expect_eq(read_at(rc, 3, &version), ERR_NONE);
	rc_free(rc);
}
