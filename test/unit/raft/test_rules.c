/*
 * The safety rules around libraft's core, on the library's own fixture: each
 * scenario goes wrong without its rule.
 */
#include <criterion/criterion.h>

#include "base/fault.h"
#include "base/mem.h"
#include "rules_cluster.h"

/* cowsql's library does not need R1 to R4; it must live with them. */
#define FIXED_IN_THE_LIBRARY COMPAT_COWSQL

#define A 0u
#define B 1u
#define C 2u

static struct compat_view view(struct cluster *cluster, unsigned i)
{
	struct compat_view v;

	compat_view(raft_fixture_get(&cluster->fixture, i), &v);
	return v;
}

/* Within 1,000 and 2,000: the fixture of 0.22 searches for ever beyond. */
static void patience(struct cluster *cluster, unsigned a, unsigned b,
		     unsigned c)
{
	struct raft_fixture *fixture = &cluster->fixture;

	raft_fixture_set_randomized_election_timeout(fixture, A, a);
	raft_fixture_set_randomized_election_timeout(fixture, B, b);
	raft_fixture_set_randomized_election_timeout(fixture, C, c);
}

/* Steps until this server leads; the clock is bounded. */
static void until_leader(struct cluster *cluster, unsigned server)
{
	raft_time end = raft_fixture_time(&cluster->fixture) + 20000;

	while (view(cluster, server).state != RAFT_LEADER) {
		cr_assert_lt(raft_fixture_time(&cluster->fixture), end,
			     "server %u was not elected", server);
		cluster_step(cluster);
	}
}

static void until_follower(struct cluster *cluster, unsigned server)
{
	raft_time end = raft_fixture_time(&cluster->fixture) + 20000;

	while (view(cluster, server).state == RAFT_LEADER) {
		cr_assert_lt(raft_fixture_time(&cluster->fixture), end);
		cluster_step(cluster);
	}
}

/* A is alone: which of the others leads in the end? */
static unsigned until_heir(struct cluster *cluster)
{
	raft_time end = raft_fixture_time(&cluster->fixture) + 20000;

	for (;;) {
		if (view(cluster, B).state == RAFT_LEADER)
			return B;
		if (view(cluster, C).state == RAFT_LEADER)
			return C;
		cr_assert_lt(raft_fixture_time(&cluster->fixture), end);
		cluster_step(cluster);
	}
}

/* A leads, all have all. */
static struct cluster *led_by_a(unsigned without)
{
	struct cluster *cluster = cluster_new(1, without);

	patience(cluster, 1000, 2000, 2000);
	until_leader(cluster, A);
	cluster_run(cluster, 500);
	cr_assert_eq(view(cluster, A).state, RAFT_LEADER);
	return cluster;
}

/* ---- R1 ---- */

/*
 * A has three writes that nobody else has. An heir is elected, the third one
 * goes away, A hears one empty heartbeat; then the heir writes. True: it
 * committed that with one copy.
 */
static bool one_copy_commits(unsigned without)
{
	struct cluster *cluster = led_by_a(without);
	struct raft_fixture *fixture = &cluster->fixture;
	unsigned heir;
	unsigned sent;
	uint64_t index;
	bool bad;

	cluster_isolate(cluster, A);
	for (unsigned i = 0; i < 3; i++)
		cr_assert(cluster_propose(cluster, A));
	patience(cluster, 2000, 1500, 1500);
	heir = until_heir(cluster);
	until_follower(cluster, A);
	cluster_isolate(cluster, heir == B ? C : B);
	cluster_heal(cluster, A, heir);
	raft_fixture_set_disk_latency(fixture, A, 300);
	cluster_run(cluster, 150);

	/* With an answer to a heartbeat on its way. */
	sent = raft_fixture_n_send(fixture, heir, RAFT_IO_APPEND_ENTRIES);
	while (raft_fixture_n_send(fixture, heir, RAFT_IO_APPEND_ENTRIES) ==
	       sent)
		cluster_step(cluster);
	cr_assert(cluster_propose(cluster, heir));
	index = view(cluster, heir).last_index;
	while (view(cluster, heir).commit_index < index) {
		cr_assert_eq(view(cluster, heir).state, RAFT_LEADER);
		cluster_step(cluster);
	}
	bad = view(cluster, A).last_stored < index;
	cluster_free(cluster);
	return bad;
}

Test(rules, R1_a_follower_acknowledges_only_what_it_has_checked)
{
	cr_expect_not(one_copy_commits(WITHOUT_R2));
	cr_expect(FIXED_IN_THE_LIBRARY ||
		  one_copy_commits(WITHOUT_R1 | WITHOUT_R2));
}

Test(rules, R1_holds_in_lives_that_go_wrong_without_it)
{
	static const uint64_t seeds[] = { 135, 281 };

	for (unsigned i = 0; i < ARRAY_LEN(seeds); i++) {
		cr_expect_null(cluster_life(seeds[i], 0));
		cr_expect_null(cluster_life(seeds[i], WITHOUT_R2));
	}
	cr_expect(FIXED_IN_THE_LIBRARY ||
		  cluster_life(seeds[0], WITHOUT_R1 | WITHOUT_R2) != NULL);
}

static struct raft_message a_vote(struct cluster *cluster, unsigned from,
				  uint64_t term)
{
	struct raft *raft = raft_fixture_get(&cluster->fixture, from);
	struct raft_message message;

	compat_message_init(&message, RAFT_IO_REQUEST_VOTE);
	message.server_id = cluster_id(from);
	message.server_address = compat_address(raft, cluster_id(from));
	message.request_vote.term = term;
	message.request_vote.candidate_id = cluster_id(from);
	message.request_vote.last_log_index = 1000;
	message.request_vote.last_log_term = term - 1;
	message.request_vote.disrupt_leader = true;
	return message;
}

/* As if it came over the network. */
static void deliver(struct cluster *cluster, unsigned to,
		    struct raft_message *message)
{
	struct cluster_server *server = &cluster->servers[to];

	if (cluster->without & WITHOUT_R4) {
		server->recv(raft_fixture_get(&cluster->fixture, to)->io,
			     message);
		rules_after(&server->rules);
		return;
	}
	rules_recv(&server->rules, message);
}

Test(rules, R1_a_late_completion_acknowledges_nothing_to_a_new_term)
{
	struct cluster *cluster = led_by_a(WITHOUT_R4);
	struct raft_fixture *fixture = &cluster->fixture;
	struct raft_message vote;
	unsigned sent;

	raft_fixture_set_disk_latency(fixture, B, 300);
	cr_assert(cluster_propose(cluster, A));
	while (cluster->servers[B].rules.appends == 0)
		cluster_step(cluster);
	cluster_isolate(cluster, B); /* no heartbeats to answer */
	vote = a_vote(cluster, C, view(cluster, B).term + 1);
	deliver(cluster, B, &vote);
	sent = raft_fixture_n_send(fixture, B, RAFT_IO_APPEND_ENTRIES_RESULT);
	cluster_run(cluster, 20);
	sent = raft_fixture_n_send(fixture, B, RAFT_IO_APPEND_ENTRIES_RESULT);
	while (cluster->servers[B].rules.appends > 0)
		cluster_step(cluster);
	cluster_run(cluster, 20);
	cr_expect_eq(
		raft_fixture_n_send(fixture, B, RAFT_IO_APPEND_ENTRIES_RESULT),
		sent);
	cluster_free(cluster);
}

/* ---- R2 ---- */

/*
 * Figure 8 of the Raft paper: an entry of an older term reaches a majority
 * under a new leader, is counted, and is overwritten by a third one. True: two
 * servers applied different commands.
 */
static bool counted_entry_is_overwritten(unsigned without)
{
	struct cluster *cluster = led_by_a(without);
	unsigned heir;
	unsigned third;
	bool bad;

	cluster_isolate(cluster, A);
	cr_assert(cluster_propose(cluster, A));
	patience(cluster, 1000, 1500, 1500);
	heir = until_heir(cluster);
	third = heir == B ? C : B;
	cluster_isolate(cluster, heir);
	cr_assert(cluster_propose(cluster, heir));
	until_follower(cluster, A);
	until_follower(cluster, heir);

	cluster_heal(cluster, A, third);
	until_leader(cluster, A);
	for (unsigned i = 0; i < 60 && cluster->committed == 0; i++)
		cluster_step(cluster);
	cluster_isolate(cluster, A);

	cluster_heal(cluster, B, C);
	cluster_run(cluster, 6000);
	(void)cluster_propose(cluster, B);
	(void)cluster_propose(cluster, C);
	cluster_run(cluster, 500);
	cluster_heal(cluster, A, B);
	cluster_heal(cluster, A, C);
	cluster_run(cluster, 4000);
	bad = cluster->wrong != NULL;
	cluster_free(cluster);
	return bad;
}

Test(rules, R2_a_leader_commits_an_entry_of_its_own_term_first)
{
	cr_expect_not(counted_entry_is_overwritten(0));
	cr_expect(FIXED_IN_THE_LIBRARY ||
		  counted_entry_is_overwritten(WITHOUT_R2));
}

Test(rules, R2_a_leader_is_ready_when_its_barrier_is_applied)
{
	struct cluster *cluster = cluster_new(1, 0);

	patience(cluster, 1000, 2000, 2000);
	until_leader(cluster, A);
	cr_expect_not(rules_leader_ready(&cluster->servers[A].rules));
	cr_expect(cluster_wait_ready(cluster, A, 500));
	cr_expect_not(rules_leader_ready(&cluster->servers[B].rules));
	cluster_isolate(cluster, A);
	until_follower(cluster, A);
	cr_expect_not(rules_leader_ready(&cluster->servers[A].rules));
	cluster_free(cluster);
}

/* ---- R3 ---- */

/* True: it began an election while entries were on their way to its disk. */
static bool busy_follower_campaigns(unsigned without)
{
	struct cluster *cluster = led_by_a(without);
	bool bad = false;

	raft_fixture_set_disk_latency(&cluster->fixture, B, 5000);
	patience(cluster, 1000, 1000, 2000);
	cr_assert(cluster_propose(cluster, A));
	while (cluster->servers[B].rules.appends == 0)
		cluster_step(cluster);
	cluster_isolate(cluster, B);
	while (cluster->servers[B].rules.appends > 0) {
		cluster_step(cluster);
		bad = bad || view(cluster, B).state != RAFT_FOLLOWER;
	}
	cluster_free(cluster);
	return bad;
}

Test(rules, R3_no_election_while_entries_are_being_stored)
{
	cr_expect_not(busy_follower_campaigns(0));
	cr_expect(FIXED_IN_THE_LIBRARY || busy_follower_campaigns(WITHOUT_R3));
}

Test(rules, R3_a_vote_is_denied_while_entries_are_being_stored)
{
	struct cluster *cluster = led_by_a(0);
	struct raft_fixture *fixture = &cluster->fixture;
	struct raft_message vote;
	uint64_t term;
	unsigned sent;

	raft_fixture_set_disk_latency(fixture, B, 300);
	cr_assert(cluster_propose(cluster, A));
	while (cluster->servers[B].rules.appends == 0)
		cluster_step(cluster);
	term = view(cluster, B).term;
	vote = a_vote(cluster, C, term + 1);
	sent = raft_fixture_n_send(fixture, B, RAFT_IO_REQUEST_VOTE_RESULT);
	deliver(cluster, B, &vote);
	cluster_run(cluster, 10);
	cr_expect_eq(
		raft_fixture_n_send(fixture, B, RAFT_IO_REQUEST_VOTE_RESULT),
		sent + 1);
	cr_expect_eq(view(cluster, B).term, term);
	cr_expect_eq(view(cluster, B).voted_for, cluster_id(A));
	cluster_free(cluster);
}

/* ---- R4 ---- */

static void transferred(struct raft_transfer *req)
{
	(void)req;
}

/*
 * A, which wants to hand over to B, votes for C; then B asks in the same term.
 * True: A voted twice.
 */
static bool votes_twice(unsigned without)
{
	struct cluster *cluster = led_by_a(without);
	struct raft_fixture *fixture = &cluster->fixture;
	struct raft *raft = raft_fixture_get(fixture, A);
	struct raft_transfer transfer = { 0 };
	struct raft_message vote;
	uint64_t term = view(cluster, A).term + 1;
	bool bad;

	cluster_isolate(cluster, A);
	cr_assert_eq(raft_transfer(raft, &transfer, cluster_id(B), transferred),
		     0);
	vote = a_vote(cluster, C, term);
	deliver(cluster, A, &vote);
	cr_assert_eq(view(cluster, A).voted_for, cluster_id(C));
	vote = a_vote(cluster, B, term);
	deliver(cluster, A, &vote);
	bad = view(cluster, A).voted_for != cluster_id(C);
	cluster_run(cluster, 1500); /* the transfer ends */
	cluster_free(cluster);
	return bad;
}

Test(rules, R4_one_vote_a_term)
{
	cr_expect_not(votes_twice(0));
	cr_expect(FIXED_IN_THE_LIBRARY || votes_twice(WITHOUT_R4));
}

/* ---- R7 ---- */

struct stub {
	uint64_t now;
	unsigned ticks;
	unsigned unavailable;
};

static void stub_tick(void *arg)
{
	((struct stub *)arg)->ticks++;
}

static uint64_t stub_now(void *arg)
{
	return ((struct stub *)arg)->now;
}

static void stub_unavailable(void *arg)
{
	((struct stub *)arg)->unavailable++;
}

static void stub_after(void *arg)
{
	(void)arg;
}

static const struct rules_port stub_port = {
	.tick = stub_tick,
	.now_ms = stub_now,
	.unavailable = stub_unavailable,
	.after = stub_after,
};

Test(rules, R7_after_a_stall_one_tick_is_skipped_and_never_two)
{
	struct cluster *cluster = cluster_new(1, 0);
	struct stub stub = { .now = 1000 };
	struct rules rules;

	rules_init(&rules, raft_fixture_get(&cluster->fixture, A), &stub_port,
		   &stub, 60);
	rules_tick(&rules);
	stub.now += 60;
	rules_tick(&rules);
	cr_expect_eq(stub.ticks, 2);
	stub.now += 121;
	rules_tick(&rules);
	cr_expect_eq(stub.ticks, 2);
	stub.now += 121;
	rules_tick(&rules);
	cr_expect_eq(stub.ticks, 3);
	rules_fini(&rules);
	cluster_free(cluster);
}

/* ---- R8 ---- */

Test(rules, R8_a_core_that_gave_itself_up_is_noticed)
{
	struct raft raft = { 0 }; /* RAFT_UNAVAILABLE */
	struct stub stub = { .now = 1000 };
	struct rules rules;

	rules_init(&rules, &raft, &stub_port, &stub, 60);
	rules_after(&rules);
	cr_expect_eq(stub.unavailable, 1);
	rules.closed = true;
	rules_after(&rules);
	cr_expect_eq(stub.unavailable, 1);
}

/* ---- broken builds ---- */

#ifdef ENABLE_FAULTS
Test(rules_mutants, M02_ack_clamp_off_is_caught)
{
	fault_set_mutant("M02");
	cr_expect(FIXED_IN_THE_LIBRARY || one_copy_commits(WITHOUT_R2));
}

Test(rules_mutants, M03_own_term_gate_off_is_caught)
{
	fault_set_mutant("M03");
	cr_expect(FIXED_IN_THE_LIBRARY || counted_entry_is_overwritten(0));
}

Test(rules_mutants, M04_two_votes_a_term_are_caught)
{
	fault_set_mutant("M04");
	cr_expect(FIXED_IN_THE_LIBRARY || votes_twice(0));
}
#endif

/* ---- all of them ---- */

/* Pieces that run beside each other; "make rules" goes on to 3,000. */
#define PIECE 50

static void live_through(uint64_t piece)
{
	for (uint64_t i = 1; i <= PIECE; i++) {
		uint64_t seed = piece * PIECE + i;
		const char *wrong = cluster_life(seed, 0);

		cr_expect_null(wrong, "seed %u: %s", (unsigned)seed, wrong);
	}
}

Test(rules, random_partitions_never_lose_what_was_applied_0)
{
	live_through(0);
}

Test(rules, random_partitions_never_lose_what_was_applied_1)
{
	live_through(1);
}

Test(rules, random_partitions_never_lose_what_was_applied_2)
{
	live_through(2);
}

Test(rules, random_partitions_never_lose_what_was_applied_3)
{
	live_through(3);
}
