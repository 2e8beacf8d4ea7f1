/*
 * Our raft_io under real cores: elections, replication, deaths. And what it
 * promises to raft, one promise a test.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "io_cluster.h"
#include "raft/message.h"

static struct compat_view view(struct io_node *node)
{
	struct compat_view v;

	compat_view(&node->raft, &v);
	return v;
}

/* ---- a cluster ---- */

Test(io, three_nodes_elect_and_replicate)
{
	struct io_cluster *cluster = io_cluster_new(1);
	int leader = io_cluster_leader(cluster, 3000);

	cr_assert_geq(leader, 0);
	for (unsigned i = 0; i < 20; i++) {
		cr_assert(io_node_propose(&cluster->nodes[leader]));
		io_cluster_run(cluster, 50);
	}
	cr_expect_eq(cluster->committed, 20);
	io_cluster_run(cluster, 200);
	for (unsigned i = 0; i < IO_NODES; i++)
		cr_expect_eq(view(&cluster->nodes[i]).last_applied,
			     view(&cluster->nodes[leader]).last_applied);
	cr_expect_null(cluster->wrong);
	io_cluster_free(cluster);
}

Test(io, a_node_that_lost_power_comes_back_from_its_disk)
{
	struct io_cluster *cluster = io_cluster_new(2);
	int leader = io_cluster_leader(cluster, 3000);
	struct io_node *node;
	struct compat_view before;

	cr_assert_geq(leader, 0);
	for (unsigned i = 0; i < 5; i++) {
		cr_assert(io_node_propose(&cluster->nodes[leader]));
		io_cluster_run(cluster, 50);
	}
	node = &cluster->nodes[(leader + 1) % IO_NODES];
	before = view(node);
	io_node_crash(node, DISK_SIM_DROP);
	io_node_start(node);
	cr_expect_eq(view(node).term, before.term);
	cr_expect_eq(view(node).voted_for, before.voted_for);
	cr_expect_eq(view(node).last_index, before.last_index);
	io_cluster_run(cluster, 1000);
	cr_expect_geq(view(node).last_applied, before.last_applied);
	cr_expect_null(cluster->wrong);
	io_cluster_free(cluster);
}

Test(io, lives_with_deaths_and_partitions_end_well)
{
	for (uint64_t seed = 1; seed <= 6; seed++) {
		const char *wrong = io_cluster_life(seed);

		cr_expect_null(wrong, "seed %u: %s", (unsigned)seed, wrong);
	}
}

/* ---- the output gate ---- */

/* A node asks another for its vote in term 9, and must get it. */
static void ask_for_vote(struct io_node *node, const struct io_node *candidate)
{
	struct raft_message message;
	struct buf frame = { 0 };

	compat_message_init(&message, RAFT_IO_REQUEST_VOTE);
	message.request_vote.term = 9;
	message.request_vote.candidate_id = candidate->id;
	message.request_vote.last_log_index = 100;
	message.request_vote.last_log_term = 8;
	message_encode(&message, &frame);
	replica_io_receive(&node->io, candidate->id, buf_slice(&frame));
	buf_fini(&frame);
}

/* A vote is asked for while the disk stalls. True: it left before its record.
 */
static bool vote_leaves_early(void)
{
	struct io_cluster *cluster = io_cluster_new(3);
	struct io_node *node = &cluster->nodes[0];
	unsigned before;
	bool early;

	io_cluster_run(cluster, 50); /* nobody leads yet */
	node->writer_stalls = true;
	ask_for_vote(node, &cluster->nodes[1]);
	before = cluster->sent[RAFT_IO_REQUEST_VOTE_RESULT];
	while (task_queue_step(&node->queue))
		;
	early = cluster->sent[RAFT_IO_REQUEST_VOTE_RESULT] > 0;
	cr_assert_eq(view(node).voted_for, cluster->nodes[1].id);
	node->writer_stalls = false;
	while (task_queue_step(&node->queue) || task_queue_step(&node->writer))
		;
	cr_expect_gt(cluster->sent[RAFT_IO_REQUEST_VOTE_RESULT] + early,
		     before);
	io_cluster_free(cluster);
	return early;
}

Test(io, a_vote_leaves_when_its_record_is_durable)
{
	cr_expect_not(vote_leaves_early());
}

#ifdef ENABLE_FAULTS
Test(io_mutants, M53_output_before_its_vote_is_durable_is_caught)
{
	fault_set_mutant("M53");
	cr_expect(vote_leaves_early());
}
#endif

/* The power fails after a vote has left. True: another gets one, too. */
static bool votes_again_after_a_crash(void)
{
	struct io_cluster *cluster = io_cluster_new(3);
	struct io_node *node = &cluster->nodes[0];
	bool twice;

	io_cluster_run(cluster, 50);
	ask_for_vote(node, &cluster->nodes[1]);
	while (task_queue_step(&node->queue) || task_queue_step(&node->writer))
		;
	cr_assert_eq(cluster->sent[RAFT_IO_REQUEST_VOTE_RESULT], 1);
	io_node_crash(node, DISK_SIM_DROP);
	io_node_start(node);
	ask_for_vote(node, &cluster->nodes[2]);
	while (task_queue_step(&node->queue) || task_queue_step(&node->writer))
		;
	twice = cluster->wrong != NULL;
	io_cluster_free(cluster);
	return twice;
}

Test(io, a_vote_outlives_the_power)
{
	cr_expect_not(votes_again_after_a_crash());
}

#ifdef ENABLE_FAULTS
Test(io_mutants, M05_vote_not_durable_is_caught)
{
	fault_set_mutant("M05");
	cr_expect(votes_again_after_a_crash());
}
#endif

/* ---- promises, without a core's help ---- */

Test(io, bootstraps_only_what_is_pristine)
{
	struct io_cluster *cluster = io_cluster_new(4);
	struct io_node *node = &cluster->nodes[0];
	struct raft_configuration conf;

	io_cluster_run(cluster, 50);
	io_node_crash(node, DISK_SIM_DROP);
	io_node_start(node); /* bootstraps again, which must do nothing */
	raft_configuration_init(&conf);
	cr_assert_eq(raft_configuration_add(&conf, node->id, "x", RAFT_VOTER),
		     0);
	cr_expect_eq(node->io.raft_io.bootstrap(&node->io.raft_io, &conf),
		     RAFT_CANTBOOTSTRAP);
	raft_configuration_close(&conf);
	io_cluster_free(cluster);
}

struct heard {
	struct raft_io_send req;
	unsigned calls;
	int status;
};

static void heard_it(struct raft_io_send *req, int status)
{
	struct heard *heard = container_of(req, struct heard, req);

	heard->calls++;
	heard->status = status;
}

static struct raft_message to_peer(struct io_cluster *cluster, int type)
{
	struct raft_message message;

	compat_message_init(&message, type);
	message.server_id = cluster->nodes[1].id;
	message.server_address = "n2";
	return message;
}

Test(io, a_sends_callback_comes_later)
{
	struct io_cluster *cluster = io_cluster_new(5);
	struct io_node *node = &cluster->nodes[0];
	struct raft_io *io = &node->io.raft_io;
	struct raft_message message = to_peer(cluster, RAFT_IO_TIMEOUT_NOW);
	struct heard heard = { 0 };

	io_cluster_run(cluster, 20);
	cr_assert_eq(io->send(io, &heard.req, &message, heard_it), 0);
	cr_expect_eq(heard.calls, 0);
	io_cluster_run(cluster, 20);
	cr_expect_eq(heard.calls, 1);
	cr_expect_eq(heard.status, 0);
	io_cluster_free(cluster);
}

Test(io, a_send_without_a_callback_is_never_looked_at_again)
{
	struct io_cluster *cluster = io_cluster_new(6);
	struct io_node *node = &cluster->nodes[0];
	struct raft_io *io = &node->io.raft_io;
	struct raft_message message = to_peer(cluster, RAFT_IO_TIMEOUT_NOW);
	struct raft_io_send *req = mem_zalloc(1, sizeof(*req));

	cr_assert_eq(io->send(io, req, &message, NULL), 0);
	mem_free(req); /* raft_transfer does that */
	io_cluster_run(cluster, 100);
	io_cluster_free(cluster);
}

Test(io, a_clogged_peer_gets_bare_heartbeats)
{
	struct io_cluster *cluster = io_cluster_new(7);
	struct io_node *node = &cluster->nodes[0];
	struct raft_io *io = &node->io.raft_io;
	struct raft_message message = to_peer(cluster, RAFT_IO_APPEND_ENTRIES);
	struct raft_buffer buf = { mem_zalloc(1, 1 << 20), 1 << 20 };
	struct raft_entry entry = compat_entry(1, RAFT_COMMAND, buf, NULL);
	struct heard heards[16] = { 0 };
	unsigned taken = 0;

	io_cluster_run(cluster, 10);
	message.append_entries.term = 1;
	message.append_entries.prev_log_index = 7;
	message.append_entries.leader_commit = 9;
	message.append_entries.entries = &entry;
	message.append_entries.n_entries = 1;
	for (unsigned i = 0; i < ARRAY_LEN(heards); i++)
		if (io->send(io, &heards[i].req, &message, heard_it) != 0)
			heards[i].status = RAFT_NOCONNECTION;
	cr_expect_eq(cluster->sent[RAFT_IO_APPEND_ENTRIES], ARRAY_LEN(heards));
	io_cluster_run(cluster, 10);
	for (unsigned i = 0; i < ARRAY_LEN(heards); i++)
		taken += heards[i].status == 0;
	cr_expect_eq(taken, 5, "4 MiB may be on their way");
	cr_expect_eq(io->send(io, &heards[15].req, &message, heard_it), 0);
	io_cluster_run(cluster, 10);
	mem_free(buf.base);
	io_cluster_free(cluster);
}

/* 0.15 frees the request of a result twice if it is refused. */
Test(io, R6_a_result_is_never_refused)
{
	struct io_cluster *cluster = io_cluster_new(10);
	struct io_node *node = &cluster->nodes[0];
	struct raft_io *io = &node->io.raft_io;
	struct heard heards[4] = { 0 };
	struct raft_message message;

	io_cluster_run(cluster, 10);
	message = to_peer(cluster, RAFT_IO_APPEND_ENTRIES_RESULT);
	cr_expect_eq(io->send(io, &heards[0].req, &message, heard_it), 0);
	message = to_peer(cluster, RAFT_IO_REQUEST_VOTE_RESULT);
	cr_expect_eq(io->send(io, &heards[1].req, &message, heard_it), 0);
	node->io.options.net = NULL; /* there is no link at all */
	message = to_peer(cluster, RAFT_IO_APPEND_ENTRIES_RESULT);
	cr_expect_eq(io->send(io, &heards[2].req, &message, heard_it), 0);
	node->io.rules.context = RULES_IN_COMPLETION; /* R1 drops it */
	node->io.rules.stale = true;
	cr_expect_eq(io->send(io, &heards[3].req, &message, heard_it), 0);
	node->io.rules.context = RULES_ELSEWHERE;
	node->io.options.net = &node->net;
	io_cluster_run(cluster, 10);
	for (unsigned i = 0; i < ARRAY_LEN(heards); i++)
		cr_expect_eq(heards[i].calls, 1);
	cr_expect_eq(heards[3].status, 0, "dropped, and taken for sent");
	io_cluster_free(cluster);
}

Test(io, what_is_no_message_is_dropped)
{
	struct io_cluster *cluster = io_cluster_new(8);
	struct io_node *node = &cluster->nodes[0];
	uint8_t octets[64];

	io_cluster_run(cluster, 50);
	for (unsigned i = 0; i < 500; i++) {
		cluster->random.random.fill(&cluster->random.random, octets,
					    sizeof octets);
		octets[0] = 1;
		octets[1] %= 8;
		if (octets[1] == RAFT_IO_REQUEST_VOTE ||
		    octets[1] == RAFT_IO_APPEND_ENTRIES_RESULT)
			continue; /* those could be true */
		replica_io_receive(&node->io, cluster->nodes[1].id,
				   slice_of(octets, i % sizeof octets));
	}
	cr_expect_null(cluster->wrong);
	io_cluster_free(cluster);
}

Test(io, recovery_makes_the_survivor_the_only_voter)
{
	struct io_cluster *cluster = io_cluster_new(9);
	int leader = io_cluster_leader(cluster, 3000);
	struct io_node *node;
	unsigned committed;

	cr_assert_geq(leader, 0);
	cr_assert(io_node_propose(&cluster->nodes[leader]));
	io_cluster_run(cluster, 300);
	committed = cluster->committed;
	for (unsigned i = 0; i < IO_NODES; i++)
		io_node_crash(&cluster->nodes[i], DISK_SIM_DROP);
	node = &cluster->nodes[leader];
	io_node_recover(node);
	io_node_start(node);
	cr_expect_eq(io_cluster_leader(cluster, 2000), leader);
	cr_assert(io_node_propose(node));
	io_cluster_run(cluster, 200);
	cr_expect_eq(cluster->committed, committed + 1);
	cr_expect_null(cluster->wrong);
	io_cluster_free(cluster);
}
