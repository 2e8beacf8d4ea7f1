/*
 * A message goes to all replicas of its group while it comes: who is slow,
 * dead, full or wrong, and what a client may rely on when it is done.
 */
#include <criterion/criterion.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/courier_spread.h"
#include "server/upload.h"
#include "town.h"

struct send {
	struct town *town;
	struct upload *upload;
	unsigned live;
	unsigned events;
	struct courier_targets targets;
	struct body_hold hold;
};

static void quiet(void *arg unused_arg, enum log_level level unused_arg,
		  const char *line unused_arg)
{
}

static void moved(struct upload *upload unused_arg, void *arg)
{
	struct send *send = arg;

	send->events++;
}

static struct body_hold group_hold(uint64_t number)
{
	return (struct body_hold){
		.group = TOWN_GROUP,
		.slot = 1,
		.proposer = 1ull << 32 | 1,
		.turn = number,
	};
}

/* An upload that begins at a node. */
static struct send *send_new(struct town *town, unsigned from)
{
	struct send *send = mem_zalloc(1, sizeof(*send));
	struct town_node *node = &town->nodes[from];

	log_set_sink(quiet, NULL);
	send->town = town;
	send->hold = group_hold(1);
	cr_assert_eq(
		courier_find_targets(node->courier, TOWN_GROUP, &send->targets),
		ERR_NONE);
	send->upload = upload_new(node->world.store, &send->live,
				  &node->world.queue.executor, moved, send);
	upload_spread(send->upload, node->courier, &send->targets);
	upload_set_hold(send->upload, &send->hold);
	return send;
}

/* Also frees the town, which must come to rest. */
static void send_free(struct send **sendp)
{
	struct send *send = *sendp;

	if (send->upload)
		upload_free(&send->upload);
	town_free(&send->town);
	cr_assert_eq(send->live, 0);
	mem_free(send);
	*sendp = NULL;
}

static bool is_done(const struct send *send, struct upload_result *result_r)
{
	return upload_done(send->upload, result_r);
}

static uint64_t holders(const struct send *send)
{
	struct courier_holders list;
	uint64_t who = 0;

	upload_holders(send->upload, &list);
	for (size_t i = 0; i < list.count; i++)
		who |= 1u << ((list.raft_ids[i] >> 32) - 1);
	return who;
}

/* All of it, in pieces, as fast as it is taken; then the end. */
static void send_all(struct send *send, struct slice octets)
{
	while (octets.len > 0) {
		struct slice piece = slice_first(octets, 16384);

		octets = slice_from(octets, piece.len);
		if (upload_add(send->upload, piece))
			continue;
		for (unsigned i = 0; i < 100000; i++)
			if (!upload_is_starved(send->upload) ||
			    !town_step(send->town))
				break;
		cr_assert(!upload_is_starved(send->upload));
	}
	upload_finish(send->upload);
}

static enum err send_whole(struct send *send, struct slice octets)
{
	struct upload_result result;
	struct sha256 name;

	send_all(send, octets);
	town_run(send->town);
	cr_assert(is_done(send, &result));
	sha256(octets, &name);
	if (!result.err) {
		cr_assert(sha256_eq(&name, &result.hash));
		cr_assert_eq(result.size, octets.len);
	}
	return result.err;
}

#define SMALL 1000
#define LARGE (5 * BODY_CHUNK + 17)

static const size_t lengths[] = { 1, SMALL, BODY_CHUNK, LARGE };

Test(spread, brings_the_body_to_every_replica)
{
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct buf octets = body_octets(i, lengths[i]);
		struct send *send = send_new(town_new(3), 0);

		cr_assert_eq(send_whole(send, buf_slice(&octets)), ERR_NONE);
		cr_assert_eq(send->events > 0, true);
		cr_assert_eq(holders(send), 7);
		cr_assert_eq(town_who_has(send->town, buf_slice(&octets)), 7);
		cr_assert_eq(send->town->nodes[1].came, 1);
		send_free(&send);
		buf_fini(&octets);
	}
}

Test(spread, of_one_replica_opens_no_stream_and_names_it)
{
	struct buf octets = body_octets(1, LARGE);
	struct town *town = town_new(2);
	struct send *send;

	town->voters = 1;
	send = send_new(town, 0);
	cr_assert_eq(send_whole(send, buf_slice(&octets)), ERR_NONE);
	cr_assert_eq(holders(send), 1);
	cr_assert_eq(town->nodes[0].opened, 0);
	cr_assert_eq(town_who_has(town, buf_slice(&octets)), 1);
	send_free(&send);
	buf_fini(&octets);
}

Test(spread, from_a_node_without_a_replica_leaves_its_disk_alone)
{
	struct buf octets = body_octets(1, LARGE);
	struct town *town = town_new(4);
	struct send *send;

	town->voters = 7;
	send = send_new(town, 3);
	cr_assert_eq(send_whole(send, buf_slice(&octets)), ERR_NONE);
	cr_assert_eq(holders(send), 7);
	cr_assert_eq(town_who_has(town, buf_slice(&octets)), 7);
	send_free(&send);
	buf_fini(&octets);
}

Test(spread, goes_to_standbys_but_does_not_count_them)
{
	struct buf octets = body_octets(1, SMALL);
	struct town *town = town_new(4);
	struct send *send;

	town->voters = 7;
	town->standbys = 8;
	send = send_new(town, 0);
	town_cut(town, 0, 1);
	town_cut(town, 0, 2);
	cr_assert_eq(send_whole(send, buf_slice(&octets)), ERR_UNAVAILABLE);
	cr_assert_eq(town_who_has(town, buf_slice(&octets)), 9);
	send_free(&send);
	buf_fini(&octets);
}

Test(spread, is_done_without_a_slow_replica_which_gets_it_later)
{
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct buf octets = body_octets(i, lengths[i]);
		struct send *send = send_new(town_new(3), 0);

		send->town->nodes[2].frozen = true;
		cr_assert_eq(send_whole(send, buf_slice(&octets)), ERR_NONE);
		cr_assert_eq(holders(send), 3);
		upload_free(&send->upload);
		send->town->nodes[2].frozen = false;
		town_run(send->town);
		cr_assert_eq(town_who_has(send->town, buf_slice(&octets)), 7);
		send_free(&send);
		buf_fini(&octets);
	}
}

Test(spread, is_done_without_the_own_disk_when_that_is_slow)
{
	struct buf octets = body_octets(1, SMALL);
	struct send *send = send_new(town_new(3), 0);
	struct upload_result result;

	disk_sim_fail(send->town->nodes[0].world.sim, DISK_SIM_WRITE, 1, 1,
		      ERR_FULL);
	send_all(send, buf_slice(&octets));
	town_run(send->town);
	cr_assert(is_done(send, &result));
	cr_assert_eq(result.err, ERR_NONE);
	cr_assert_eq(holders(send), 6);
	send_free(&send);
	buf_fini(&octets);
}

Test(spread, slows_the_client_down_to_what_a_majority_takes)
{
	struct buf octets = body_octets(1, 64 * BODY_CHUNK);
	struct slice rest = buf_slice(&octets);
	struct send *send = send_new(town_new(3), 0);
	size_t sent = 0;

	send->town->nodes[1].frozen = true;
	send->town->nodes[2].frozen = true;
	while (!upload_is_starved(send->upload) && rest.len > 0) {
		struct slice piece = slice_first(rest, 16384);

		upload_add(send->upload, piece);
		rest = slice_from(rest, piece.len);
		sent += piece.len;
		town_run(send->town);
	}
	/* The room of a stream, and what a majority may be behind. */
	cr_assert_gt(rest.len, 0);
	cr_assert_leq(sent, PEER_ROOM + PEER_WINDOW + SPREAD_ROOM + 65536);
	send->town->nodes[1].frozen = false;
	town_run(send->town);
	cr_assert(!upload_is_starved(send->upload));
	send_all(send, rest);
	town_run(send->town);
	cr_assert_eq(holders(send), 3, "the third was left behind");
	cr_assert_eq(town_who_has(send->town, buf_slice(&octets)), 3);
	send_free(&send);
	buf_fini(&octets);
}

Test(spread, survives_a_dead_replica)
{
	struct buf octets = body_octets(1, LARGE);
	struct send *send = send_new(town_new(3), 0);

	town_isolate(send->town, 2);
	cr_assert_eq(send_whole(send, buf_slice(&octets)), ERR_NONE);
	cr_assert_eq(holders(send), 3);
	send_free(&send);
	buf_fini(&octets);
}

Test(spread, without_a_majority_ends_as_never_done)
{
	struct buf octets = body_octets(1, LARGE);
	struct send *send = send_new(town_new(5), 0);

	town_isolate(send->town, 2);
	town_isolate(send->town, 3);
	town_isolate(send->town, 4);
	cr_assert_eq(send_whole(send, buf_slice(&octets)), ERR_UNAVAILABLE);
	send_free(&send);
	buf_fini(&octets);
}

Test(spread, gives_replicas_up_that_do_not_move)
{
	struct buf octets = body_octets(1, SMALL);
	struct send *send = send_new(town_new(3), 0);
	struct upload_result result;

	send->town->nodes[1].frozen = true;
	send->town->nodes[2].frozen = true;
	send_all(send, buf_slice(&octets));
	town_run(send->town);
	cr_assert(!is_done(send, &result));
	town_pass(send->town, 12000);
	cr_assert(is_done(send, &result));
	cr_assert_eq(result.err, ERR_UNAVAILABLE);
	send_free(&send);
	buf_fini(&octets);
}

Test(spread, says_that_the_disks_are_full)
{
	struct buf octets = body_octets(1, SMALL);
	struct send *send = send_new(town_new(3), 0);

	for (unsigned i = 1; i < 3; i++)
		disk_sim_set_space(send->town->nodes[i].world.sim, 0);
	cr_assert_eq(send_whole(send, buf_slice(&octets)), ERR_FULL);
	send_free(&send);
	buf_fini(&octets);
}

Test(spread, goes_on_without_one_full_disk)
{
	struct buf octets = body_octets(1, LARGE);
	struct send *send = send_new(town_new(3), 0);

	disk_sim_set_space(send->town->nodes[1].world.sim, 0);
	cr_assert_eq(send_whole(send, buf_slice(&octets)), ERR_NONE);
	cr_assert_eq(holders(send), 5);
	send_free(&send);
	buf_fini(&octets);
}

Test(spread, is_refused_by_a_parked_store)
{
	struct buf octets = body_octets(1, SMALL);
	struct send *send = send_new(town_new(3), 0);

	body_store_park(send->town->nodes[1].world.store);
	cr_assert_eq(send_whole(send, buf_slice(&octets)), ERR_NONE);
	cr_assert_eq(holders(send), 5);
	send_free(&send);
	buf_fini(&octets);
}

Test(spread, is_refused_by_a_replica_of_another_life)
{
	struct buf octets = body_octets(1, SMALL);
	struct send *send = send_new(town_new(3), 0);

	/* Thrown away and built again since the targets were looked up. */
	send->town->nodes[1].raft_id = town_raft_id(1) + 1;
	cr_assert_eq(send_whole(send, buf_slice(&octets)), ERR_NONE);
	cr_assert_eq(holders(send), 5);
	send_free(&send);
	buf_fini(&octets);
}

Test(spread, is_refused_to_who_may_not_write)
{
	struct buf octets = body_octets(1, SMALL);
	struct send *send = send_new(town_new(3), 0);

	send->town->nodes[0].may_not = true;
	cr_assert_eq(send_whole(send, buf_slice(&octets)), ERR_UNAVAILABLE);
	send_free(&send);
	buf_fini(&octets);
}

/* Cuts a link after so many steps; true: it was done by then. */
static bool cut_after(unsigned steps, size_t len, bool crash)
{
	struct buf octets = body_octets(1, len);
	struct send *send = send_new(town_new(3), 0);
	struct upload_result result;
	bool done;

	town_isolate(send->town, 2);
	for (struct slice rest = buf_slice(&octets); rest.len > 0;) {
		struct slice piece = slice_first(rest, 50000);

		(void)upload_add(send->upload, piece);
		rest = slice_from(rest, piece.len);
	}
	upload_finish(send->upload);
	while (steps-- > 0)
		town_step(send->town);
	done = is_done(send, &result);
	if (crash)
		town_power_cut(send->town, 1);
	else
		town_cut(send->town, 0, 1);
	town_run(send->town);
	cr_assert(is_done(send, &result));
	if (done)
		cr_assert_eq(result.err, ERR_NONE);
	/* Model step B1: who is a holder has it, also after a power cut. */
	if (!result.err) {
		cr_assert_eq(holders(send), 3);
		cr_assert_eq(town_who_has(send->town, buf_slice(&octets)), 3);
	} else {
		cr_assert_eq(result.err, ERR_UNAVAILABLE);
	}
	send_free(&send);
	buf_fini(&octets);
	return done;
}

static void cut_in_each_state(bool crash)
{
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		unsigned steps = 0;

		while (!cut_after(steps, lengths[i], crash))
			cr_assert_lt(++steps, 1000);
		cr_assert_gt(steps, 0);
	}
}

Test(spread, knows_what_it_has_when_the_link_dies_at_any_moment)
{
	cut_in_each_state(false);
}

Test(spread, knows_what_it_has_when_the_replica_loses_power_at_any_moment)
{
	cut_in_each_state(true);
}

Test(spread, may_be_left_at_any_moment)
{
	struct buf octets = body_octets(1, LARGE);

	for (unsigned steps = 0; steps < 60; steps++)
		for (unsigned end = 0; end < 2; end++) {
			struct send *send = send_new(town_new(3), 0);

			(void)upload_add(send->upload, buf_slice(&octets));
			if (end)
				upload_finish(send->upload);
			for (unsigned i = 0; i < steps; i++)
				town_step(send->town);
			upload_free(&send->upload);
			town_run(send->town);
			cr_assert_eq(send->live, 0);
			cr_assert_eq(
				town_who_has(send->town, buf_slice(&octets)),
				end ? 7 : 0);
			send_free(&send);
		}
	buf_fini(&octets);
}

#ifdef ENABLE_FAULTS

static bool m21_lies(void)
{
	struct buf octets = body_octets(1, SMALL);
	struct send *send = send_new(town_new(3), 0);
	struct upload_result result;
	bool lies = false;

	town_isolate(send->town, 2);
	send->town->nodes[1].frozen = true;
	send_all(send, buf_slice(&octets));
	for (unsigned i = 0; i < 1000 && !lies; i++) {
		town_step(send->town);
		lies = is_done(send, &result) && !result.err &&
		       town_who_has(send->town, buf_slice(&octets)) != 3;
	}
	send_free(&send);
	buf_fini(&octets);
	return lies;
}

Test(spread, M21_proposed_before_a_majority_has_it_is_noticed)
{
	cr_assert(!m21_lies());
	fault_set_mutant("M21");
	cr_assert(m21_lies());
	fault_set_mutant(NULL);
}

#endif
