/*
 * Changes of a group's configuration, as its leader judges them: on the newest
 * configuration only, one at a time, and not at the price of bodies.
 */
#include <criterion/criterion.h>

#include "base/fault.h"
#include "base/mem.h"
#include "node_bench.h"
#include "raft/frame.h"
#include "raft/message.h"
#include "raft/replica_impl.h"
#include "raft/replica_member.h"

#define PEER ((uint64_t)8 << 32 | 1)
#define OTHER ((uint64_t)9 << 32 | 1)

struct step {
	struct replica_change change;
	unsigned answers;
};

static void change_done(struct replica_change *change)
{
	struct step *step = change->owner;

	step->answers++;
}

static uint64_t conf_index(struct node *node)
{
	struct replica_conf *conf = mem_zalloc(1, sizeof(*conf));
	uint64_t index;

	replica_get_conf(node->replica, conf);
	index = conf->index;
	mem_free(conf);
	return index;
}

static void step_init(struct step *step, struct node *node,
		      enum replica_change_kind kind, uint64_t raft_id)
{
	*step = (struct step){ .change = {
				       .home = &node->queue.executor,
				       .owner = step,
				       .kind = kind,
				       .conf_index = conf_index(node),
				       .raft_id = raft_id,
				       .address =
					       raft_id == PEER ? "be2" : "be3",
			       } };
}

static enum err step_run(struct step *step, struct node *node)
{
	replica_change(node->replica, &step->change, change_done);
	node_drain(node);
	return step->answers == 1 ? step->change.err : ERR_TIMEOUT;
}

static enum err change(struct node *node, enum replica_change_kind kind,
		       uint64_t raft_id)
{
	struct step step;

	step_init(&step, node, kind, raft_id);
	return step_run(&step, node);
}

static enum err assign(struct node *node, uint64_t raft_id,
		       enum replica_role role)
{
	struct step step;

	step_init(&step, node, REPLICA_ASSIGN, raft_id);
	step.change.role = role;
	return step_run(&step, node); /* unless it has to be voted for */
}

static enum replica_role role_of(struct node *node, uint64_t raft_id)
{
	const struct raft_server *server =
		compat_server(&node->replica->raft, raft_id);

	cr_assert_not_null(server);
	return (enum replica_role)server->role;
}

/* The peer says how far it is. */
static void report(struct node *node, uint64_t from, uint64_t frontier)
{
	const struct replica_report report = {
		.start_count = 1,
		.applied = frontier,
		.frontier = frontier,
	};
	struct buf frame = { 0 };

	replica_report_encode(&report, &frame);
	replica_receive(node->replica, from, buf_slice(&frame));
	buf_fini(&frame);
	node_drain(node);
}

/* The peer acknowledges entries up to here. */
static void acknowledge(struct node *node, uint64_t from, uint64_t index)
{
	struct raft_message message;
	struct compat_view view;
	struct buf frame = { 0 };

	replica_view(node->replica, &view);
	compat_message_init(&message, RAFT_IO_APPEND_ENTRIES_RESULT);
	message.append_entries_result.term = view.term;
	message.append_entries_result.last_log_index = index;
	frame_begin(&frame, FRAME_RAFT);
	message_encode(&message, &frame);
	replica_receive(node->replica, from, buf_slice(&frame));
	buf_fini(&frame);
	node_drain(node);
}

static uint64_t last_index(struct node *node)
{
	struct compat_view view;

	replica_view(node->replica, &view);
	return view.last_index;
}

static void end(struct node *node)
{
	node_stop(node);
	node_free(node);
}

Test(member, a_group_begins_with_its_only_voter)
{
	struct node *node = node_new_serving(1);
	struct replica_conf *conf = mem_zalloc(1, sizeof(*conf));

	replica_get_conf(node->replica, conf);
	cr_expect_eq(conf->index, 1);
	cr_expect(conf->committed);
	cr_assert_eq(conf->count, 1);
	cr_expect_eq(conf->servers[0].raft_id, NODE_RAFT_ID);
	cr_expect_eq(conf->servers[0].role, REPLICA_VOTER);
	cr_expect_str_eq(conf->servers[0].address, "be1");
	mem_free(conf);
	end(node);
}

Test(member, a_replica_is_added_as_a_spare_and_removed)
{
	struct node *node = node_new_serving(2);

	cr_expect_eq(change(node, REPLICA_ADD, PEER), ERR_NONE);
	cr_expect_eq(role_of(node, PEER), REPLICA_SPARE);
	cr_expect_eq(assign(node, PEER, REPLICA_STANDBY), ERR_NONE);
	cr_expect_eq(role_of(node, PEER), REPLICA_STANDBY);
	cr_expect_eq(change(node, REPLICA_REMOVE, PEER), ERR_NONE);
	cr_expect_null(compat_server(&node->replica->raft, PEER));
	cr_expect_eq(node_do(node, KIND_DO, "a"), ERR_NONE);
	end(node);
}

Test(member, what_makes_no_sense_is_refused)
{
	struct node *node = node_new_serving(3);

	cr_expect_eq(change(node, REPLICA_ADD, 0), ERR_INVALID);
	cr_expect_eq(change(node, REPLICA_ADD, NODE_RAFT_ID), ERR_EXISTS);
	cr_expect_eq(change(node, REPLICA_REMOVE, PEER), ERR_NOTFOUND);
	cr_expect_eq(assign(node, PEER, REPLICA_VOTER), ERR_NOTFOUND);
	cr_expect_eq(assign(node, NODE_RAFT_ID, REPLICA_VOTER), ERR_INVALID);
	cr_expect_eq(change(node, REPLICA_REMOVE, NODE_RAFT_ID), ERR_INVALID,
		     "the only voter stays");
	cr_expect_eq(assign(node, NODE_RAFT_ID, REPLICA_SPARE), ERR_INVALID);
	cr_expect_eq(conf_index(node), 1);
	end(node);
}

Test(member, a_change_decided_on_an_older_configuration_is_refused)
{
	struct node *node = node_new_serving(4);
	struct step late;

	step_init(&late, node, REPLICA_ADD, OTHER);
	cr_assert_eq(change(node, REPLICA_ADD, PEER), ERR_NONE);
	cr_expect_eq(step_run(&late, node), ERR_STALE);
	cr_expect_not_null(late.change.why);
	cr_expect_null(compat_server(&node->replica->raft, OTHER));
	end(node);
}

static enum err two_at_once(struct node *node)
{
	struct step first;
	struct step second;

	step_init(&first, node, REPLICA_ADD, PEER);
	step_init(&second, node, REPLICA_ADD, OTHER);
	node->writer_stalls = true;
	replica_change(node->replica, &first.change, change_done);
	replica_change(node->replica, &second.change, change_done);
	node_drain(node);
	cr_expect_eq(first.answers, 0);
	node->writer_stalls = false;
	node_drain(node);
	return second.answers == 1 ? second.change.err : ERR_TIMEOUT;
}

Test(member, M19_of_two_changes_at_once_one_is_refused)
{
	struct node *node = node_new_serving(5);

	cr_expect_eq(two_at_once(node), ERR_INUSE);
	cr_expect_null(compat_server(&node->replica->raft, OTHER));
	end(node);
}

#ifdef ENABLE_FAULTS

Test(member_mutants, M19_two_changes_at_once_is_caught)
{
	struct node *node = node_new_serving(6);

	fault_set_mutant("M19");
	cr_expect_neq(two_at_once(node), ERR_INUSE);
	fault_set_mutant(NULL);
	node_free(node);
}

#endif

Test(member, leadership_lost_with_a_change_in_the_log_leaves_it_unknown)
{
	struct node *node = node_new_serving(7);
	struct step step;

	step_init(&step, node, REPLICA_ADD, PEER);
	node->writer_stalls = true;
	replica_change(node->replica, &step.change, change_done);
	node_drain(node);
	cr_assert_eq(step.answers, 0);
	node_depose(node);
	cr_assert_eq(step.answers, 1);
	cr_expect_eq(step.change.err, ERR_LEADER_LOST);
	cr_expect_eq(err_outcome(step.change.err), OUTCOME_UNKNOWN);
	node->writer_stalls = false;
	node_free(node);
}

Test(member, who_does_not_lead_refuses)
{
	struct node *node = node_new_serving(8);

	node_depose(node);
	cr_expect_eq(change(node, REPLICA_ADD, PEER), ERR_NOT_LEADER);
	node_free(node);
}

/* A change that needs the peer's acknowledgement. */
static enum err vote(struct node *node, enum replica_change_kind kind,
		     uint64_t raft_id, enum replica_role role)
{
	struct step step;

	step_init(&step, node, kind, raft_id);
	step.change.role = role;
	replica_change(node->replica, &step.change, change_done);
	node_drain(node);
	for (unsigned i = 0; i < 3; i++)
		acknowledge(node, PEER, last_index(node));
	cr_assert_eq(step.answers, 1);
	return step.change.err;
}

/* A standby that has all entries and this frontier. */
static struct node *node_with_standby(uint64_t seed, uint64_t frontier)
{
	struct node *node = node_new_serving(seed);

	cr_assert_eq(change(node, REPLICA_ADD, PEER), ERR_NONE);
	cr_assert_eq(assign(node, PEER, REPLICA_STANDBY), ERR_NONE);
	report(node, PEER, frontier == 0 ? conf_index(node) : frontier);
	acknowledge(node, PEER, last_index(node));
	return node;
}

Test(member, a_standby_with_all_bodies_is_promoted)
{
	struct node *node = node_with_standby(9, 0);
	struct step step;

	step_init(&step, node, REPLICA_ASSIGN, PEER);
	step.change.role = REPLICA_VOTER;
	replica_change(node->replica, &step.change, change_done);
	node_drain(node);
	cr_expect_eq(step.answers, 0, "its vote is needed now");
	cr_expect_eq(role_of(node, PEER), REPLICA_VOTER);
	acknowledge(node, PEER, last_index(node));
	cr_assert_eq(step.answers, 1);
	cr_expect_eq(step.change.err, ERR_NONE);
	node_free(node);
}

Test(member, a_standby_below_the_barrier_is_not_promoted)
{
	struct node *node = node_with_standby(10, 1);

	cr_expect_eq(assign(node, PEER, REPLICA_VOTER), ERR_MISSING_BODY);
	cr_expect_eq(role_of(node, PEER), REPLICA_STANDBY);
	report(node, PEER, conf_index(node));
	report(node, PEER, 1); /* its best report counts for ever */
	cr_expect_eq(vote(node, REPLICA_ASSIGN, PEER, REPLICA_VOTER), ERR_NONE);
	cr_expect_eq(role_of(node, PEER), REPLICA_VOTER);
	node_free(node);
}

/* PEER votes; OTHER became a standby before that. */
static struct node *node_with_older_standby(uint64_t seed)
{
	struct node *node = node_new_serving(seed);
	struct step step;

	cr_assert_eq(change(node, REPLICA_ADD, PEER), ERR_NONE);
	cr_assert_eq(change(node, REPLICA_ADD, OTHER), ERR_NONE);
	cr_assert_eq(assign(node, PEER, REPLICA_STANDBY), ERR_NONE);
	cr_assert_eq(assign(node, OTHER, REPLICA_STANDBY), ERR_NONE);
	report(node, OTHER, conf_index(node));
	report(node, PEER, conf_index(node));
	acknowledge(node, PEER, last_index(node));
	step_init(&step, node, REPLICA_ASSIGN, PEER);
	step.change.role = REPLICA_VOTER;
	replica_change(node->replica, &step.change, change_done);
	node_drain(node);
	acknowledge(node, PEER, last_index(node));
	cr_assert_eq(step.answers, 1);
	cr_assert_eq(step.change.err, ERR_NONE);
	acknowledge(node, PEER, last_index(node));
	acknowledge(node, OTHER, last_index(node));
	return node;
}

Test(member, M48_the_barrier_is_behind_the_last_change_of_voters)
{
	struct node *node = node_with_older_standby(11);

	cr_expect_eq(assign(node, OTHER, REPLICA_VOTER), ERR_MISSING_BODY);
	node_free(node);
}

#ifdef ENABLE_FAULTS

Test(member_mutants, M48_a_barrier_older_than_the_last_change_is_caught)
{
	struct node *node = node_with_older_standby(12);

	fault_set_mutant("M48");
	cr_expect_neq(vote(node, REPLICA_ASSIGN, OTHER, REPLICA_VOTER),
		      ERR_MISSING_BODY);
	fault_set_mutant(NULL);
	node_free(node);
}

#endif

Test(member, a_promoted_one_that_lags_is_waited_for)
{
	struct node *node = node_with_standby(13, 0);
	struct step step;
	struct ask ask;

	cr_assert_eq(node_do(node, KIND_DO, "a"), ERR_NONE);
	step_init(&step, node, REPLICA_ASSIGN, PEER);
	step.change.role = REPLICA_VOTER;
	replica_change(node->replica, &step.change, change_done);
	node_drain(node);
	cr_expect_eq(role_of(node, PEER), REPLICA_STANDBY);
	ask_init(&ask, node, KIND_DO, "b");
	ask_propose(&ask, node);
	node_drain(node);
	cr_expect_eq(ask.answers, 0, "nothing is proposed meanwhile");
	acknowledge(node, PEER, last_index(node));
	cr_expect_eq(role_of(node, PEER), REPLICA_VOTER);
	acknowledge(node, PEER, last_index(node));
	cr_expect_eq(step.answers, 1);
	cr_expect_eq(step.change.err, ERR_NONE);
	acknowledge(node, PEER, last_index(node));
	acknowledge(node, PEER, last_index(node));
	cr_expect_eq(ask.answers, 1);
	cr_expect_eq(ask.err, ERR_NONE);
	proposal_fini(&ask.proposal);
	node_free(node);
}

Test(member, a_promoted_one_is_not_waited_for_for_ever)
{
	struct node *node = node_with_standby(14, 0);
	struct step step;

	cr_assert_eq(node_do(node, KIND_DO, "a"), ERR_NONE);
	step_init(&step, node, REPLICA_ASSIGN, PEER);
	step.change.role = REPLICA_VOTER;
	replica_change(node->replica, &step.change, change_done);
	node_wait(node, REPLICA_CATCH_UP_MS + 200);
	cr_assert_eq(step.answers, 1);
	cr_expect_eq(step.change.err, ERR_BUSY);
	cr_expect_eq(role_of(node, PEER), REPLICA_STANDBY);
	cr_expect_eq(node_do(node, KIND_DO, "b"), ERR_NONE);
	end(node);
}

/* Two voters. */
static struct node *node_with_voter(uint64_t seed)
{
	struct node *node = node_with_standby(seed, 0);

	cr_assert_eq(vote(node, REPLICA_ASSIGN, PEER, REPLICA_VOTER), ERR_NONE);
	return node;
}

Test(member, a_voter_is_removed_if_the_others_have_the_bodies)
{
	struct node *node = node_with_voter(15);
	struct step step;

	/* We remain, and have not got one. */
	cr_assert_eq(vote(node, REPLICA_ADD, OTHER, REPLICA_SPARE), ERR_NONE);
	step_init(&step, node, REPLICA_REMOVE, PEER);
	atomic_store(&node->replica->applier.missing_lowest, 2);
	cr_expect_eq(step_run(&step, node), ERR_MISSING_BODY);
	atomic_store(&node->replica->applier.missing_lowest, UINT64_MAX);
	step_init(&step, node, REPLICA_REMOVE, PEER);
	cr_expect_eq(step_run(&step, node), ERR_NONE);
	cr_expect_null(compat_server(&node->replica->raft, PEER));
	end(node);
}

Test(member, only_who_wants_to_lose_bodies_loses_them)
{
	struct node *node = node_with_voter(16);
	struct step step;

	step_init(&step, node, REPLICA_REMOVE, PEER);
	atomic_store(&node->replica->applier.missing_lowest, 2);
	cr_expect_eq(step_run(&step, node), ERR_MISSING_BODY);
	step_init(&step, node, REPLICA_REMOVE, PEER);
	step.change.lose_bodies = true;
	cr_expect_eq(step_run(&step, node), ERR_NONE);
	end(node);
}

Test(member, the_log_is_cut_behind_a_change)
{
	struct node *node = node_new_serving(17);
	struct wal_state state;

	cr_assert_eq(change(node, REPLICA_ADD, PEER), ERR_NONE);
	node_wait(node, 2000);
	wal_group_get_state(node->replica->io.log, &state);
	cr_expect_geq(state.marker.index, conf_index(node));
	end(node);
}

Test(member, health_is_what_was_reported)
{
	struct node *node = node_with_standby(18, 3);
	struct replica_health health[4];

	node_wait(node, 200);
	cr_assert_eq(replica_get_health(node->replica, health, 4), 2);
	cr_expect_eq(health[0].raft_id, NODE_RAFT_ID);
	cr_expect_eq(health[0].age_ms, 0);
	cr_expect_eq(health[1].raft_id, PEER);
	cr_expect_eq(health[1].report.frontier, 3);
	cr_expect_geq(health[1].age_ms, 200);
	cr_expect_lt(health[1].age_ms, 1000);
	end(node);
}

/* ---- transfers ---- */

Test(member, M44_leadership_goes_to_who_has_all_entries)
{
	struct node *node = node_with_voter(19);
	struct ask ask;

	cr_expect_eq(replica_transfer(node->replica, OTHER), ERR_INVALID);
	cr_expect_eq(replica_transfer(node->replica, NODE_RAFT_ID),
		     ERR_INVALID);
	ask_init(&ask, node, KIND_DO, "a");
	ask_propose(&ask, node);
	node_drain(node);
	cr_expect_eq(replica_transfer(node->replica, PEER), ERR_BUSY);
	cr_expect_eq(replica_transfer_any(node->replica), ERR_BUSY);
	acknowledge(node, PEER, last_index(node));
	cr_expect_eq(replica_transfer_any(node->replica), ERR_NONE);
	cr_expect_eq(replica_transfer(node->replica, PEER), ERR_INUSE);
	cr_expect_eq(change(node, REPLICA_ADD, OTHER), ERR_NOT_LEADER,
		     "not during a transfer");
	node_free(node);
	proposal_fini(&ask.proposal);
}

#ifdef ENABLE_FAULTS

Test(member_mutants, M44_a_transfer_to_one_that_lags_is_caught)
{
	struct node *node = node_with_voter(20);

	struct ask ask;

	ask_init(&ask, node, KIND_DO, "a");
	ask_propose(&ask, node);
	node_drain(node);
	fault_set_mutant("M44");
	cr_expect_neq(replica_transfer(node->replica, PEER), ERR_BUSY);
	fault_set_mutant(NULL);
	acknowledge(node, PEER, last_index(node));
	node_free(node);
	proposal_fini(&ask.proposal);
}

#endif

/* ---- reports ---- */

Test(member, a_report_survives_its_coding)
{
	const struct replica_report in = {
		.start_count = 7,
		.parked = true,
		.importing = true,
		.applied = 1ull << 40,
		.frontier = 77,
		.missing = 3,
		.import_done = 500,
		.import_total = 1ull << 33,
	};
	struct replica_report out;
	struct buf frame = { 0 };
	struct slice fields;
	enum frame_kind kind;

	replica_report_encode(&in, &frame);
	cr_assert_eq(frame_open(buf_slice(&frame), &kind, &fields), ERR_NONE);
	cr_assert_eq(kind, FRAME_REPORT);
	cr_assert_eq(replica_report_decode(fields, &out), ERR_NONE);
	cr_expect_eq(out.start_count, 7);
	cr_expect(out.parked && out.importing);
	cr_expect_eq(out.applied, in.applied);
	cr_expect_eq(out.frontier, in.frontier);
	cr_expect_eq(out.missing, in.missing);
	cr_expect_eq(out.import_done, in.import_done);
	cr_expect_eq(out.import_total, in.import_total);
	for (size_t len = 0; len < fields.len; len++)
		cr_expect_eq(
			replica_report_decode(slice_first(fields, len), &out),
			ERR_SYNTAX);
	buf_fini(&frame);
}
