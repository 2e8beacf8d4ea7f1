/*
 * Raft's messages on the wire: each comes back as it was sent, and what is cut
 * or longer than it says is refused before anything is allocated.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/pack.h"
#include "raft/message.h"

/* The message with the data of its entries behind it, as a peer gets it. */
static void wire(const struct raft_message *message, struct buf *out)
{
	message_encode(message, out);
	if (message->type != RAFT_IO_APPEND_ENTRIES)
		return;
	for (unsigned i = 0; i < message->append_entries.n_entries; i++)
		buf_add(out, message->append_entries.entries[i].buf.base,
			message->append_entries.entries[i].buf.len);
}

static void expect_refused_when_cut(const struct buf *octets)
{
	struct raft_message back;

	for (size_t len = 0; len < octets->len; len++)
		cr_expect_neq(
			message_decode(slice_of(octets->data, len), &back),
			ERR_NONE, "cut at %zu", len);
}

static void there_and_back(const struct raft_message *message,
			   struct raft_message *back_r)
{
	struct buf octets = { 0 };

	wire(message, &octets);
	cr_assert_eq(message_decode(buf_slice(&octets), back_r), ERR_NONE);
	cr_expect_eq(back_r->type, message->type);
	expect_refused_when_cut(&octets);
	buf_fini(&octets);
}

Test(message, append_entries)
{
	struct raft_entry entries[2];
	struct raft_message message;
	struct raft_message back;
	char one[] = "12345678";
	char two[] = "abcdefghijklmnop";

	entries[0] = compat_entry(3, RAFT_COMMAND,
				  (struct raft_buffer){ one, 8 }, NULL);
	entries[1] = compat_entry(4, RAFT_BARRIER,
				  (struct raft_buffer){ two, 16 }, NULL);
	compat_message_init(&message, RAFT_IO_APPEND_ENTRIES);
	message.append_entries.term = 5;
	message.append_entries.prev_log_index = 6;
	message.append_entries.prev_log_term = 2;
	message.append_entries.leader_commit = 4;
	message.append_entries.entries = entries;
	message.append_entries.n_entries = 2;
	there_and_back(&message, &back);
	cr_expect_eq(back.append_entries.term, 5);
	cr_expect_eq(back.append_entries.prev_log_index, 6);
	cr_expect_eq(back.append_entries.prev_log_term, 2);
	cr_expect_eq(back.append_entries.leader_commit, 4);
	cr_assert_eq(back.append_entries.n_entries, 2);
	cr_expect_eq(back.append_entries.entries[1].term, 4);
	cr_expect_eq(back.append_entries.entries[1].type, RAFT_BARRIER);
	cr_assert_eq(back.append_entries.entries[1].buf.len, 16);
	cr_expect_eq(memcmp(back.append_entries.entries[0].buf.base, one, 8),
		     0);
	cr_expect_eq(memcmp(back.append_entries.entries[1].buf.base, two, 16),
		     0);
	message_fini(&back);
}

Test(message, heartbeat)
{
	struct raft_message message;
	struct raft_message back;

	compat_message_init(&message, RAFT_IO_APPEND_ENTRIES);
	message.append_entries.term = 5;
	there_and_back(&message, &back);
	cr_expect_eq(back.append_entries.n_entries, 0);
	cr_expect_null(back.append_entries.entries);
	message_fini(&back);
}

Test(message, append_entries_result)
{
	struct raft_message message;
	struct raft_message back;

	compat_message_init(&message, RAFT_IO_APPEND_ENTRIES_RESULT);
	message.append_entries_result.term = 5;
	message.append_entries_result.rejected = 6;
	message.append_entries_result.last_log_index = 7;
	there_and_back(&message, &back);
	cr_expect_eq(back.append_entries_result.term, 5);
	cr_expect_eq(back.append_entries_result.rejected, 6);
	cr_expect_eq(back.append_entries_result.last_log_index, 7);
}

Test(message, request_vote)
{
	struct raft_message message;
	struct raft_message back;

	compat_message_init(&message, RAFT_IO_REQUEST_VOTE);
	message.request_vote.term = 5;
	message.request_vote.candidate_id = (uint64_t)7 << 32 | 1;
	message.request_vote.last_log_index = 8;
	message.request_vote.last_log_term = 4;
	message.request_vote.pre_vote = true;
	there_and_back(&message, &back);
	cr_expect_eq(back.request_vote.candidate_id,
		     message.request_vote.candidate_id);
	cr_expect_eq(back.request_vote.last_log_index, 8);
	cr_expect_eq(back.request_vote.last_log_term, 4);
	cr_expect(back.request_vote.pre_vote);
	cr_expect_not(back.request_vote.disrupt_leader);
}

Test(message, request_vote_result)
{
	struct raft_message message;
	struct raft_message back;

	compat_message_init(&message, RAFT_IO_REQUEST_VOTE_RESULT);
	message.request_vote_result.term = 5;
	message.request_vote_result.vote_granted = true;
	compat_set_pre_vote(&message, true);
	there_and_back(&message, &back);
	cr_expect_eq(back.request_vote_result.term, 5);
	cr_expect(back.request_vote_result.vote_granted);
	cr_expect(compat_get_pre_vote(&back));
}

Test(message, install_snapshot)
{
	struct raft_message message;
	struct raft_message back;
	struct raft_configuration conf;
	char data[] = "marker..";

	raft_configuration_init(&conf);
	raft_configuration_add(&conf, 1, "be1", RAFT_VOTER);
	raft_configuration_add(&conf, 2, "be2", RAFT_STANDBY);
	compat_message_init(&message, RAFT_IO_INSTALL_SNAPSHOT);
	message.install_snapshot.term = 5;
	message.install_snapshot.last_index = 9;
	message.install_snapshot.last_term = 4;
	message.install_snapshot.conf_index = 1;
	message.install_snapshot.conf = conf;
	message.install_snapshot.data = (struct raft_buffer){ data, 8 };
	there_and_back(&message, &back);
	cr_expect_eq(back.install_snapshot.last_index, 9);
	cr_expect_eq(back.install_snapshot.last_term, 4);
	cr_expect_eq(back.install_snapshot.conf_index, 1);
	cr_assert_eq(back.install_snapshot.conf.n, 2);
	cr_expect_str_eq(back.install_snapshot.conf.servers[1].address, "be2");
	cr_expect_eq(back.install_snapshot.conf.servers[1].role, RAFT_STANDBY);
	cr_expect_eq(back.install_snapshot.data.len, 8);
	message_fini(&back);
	raft_configuration_close(&conf);
}

Test(message, timeout_now)
{
	struct raft_message message;
	struct raft_message back;

	compat_message_init(&message, RAFT_IO_TIMEOUT_NOW);
	message.timeout_now.term = 5;
	message.timeout_now.last_log_index = 6;
	message.timeout_now.last_log_term = 4;
	there_and_back(&message, &back);
	cr_expect_eq(back.timeout_now.term, 5);
	cr_expect_eq(back.timeout_now.last_log_index, 6);
	cr_expect_eq(back.timeout_now.last_log_term, 4);
}

Test(message, a_later_version_is_told_from_nonsense)
{
	struct raft_message message;
	struct buf octets = { 0 };

	compat_message_init(&message, RAFT_IO_TIMEOUT_NOW);
	message_encode(&message, &octets);
	octets.data[0] = 2;
	cr_expect_eq(message_decode(buf_slice(&octets), &message), ERR_VERSION);
	octets.data[0] = 1;
	octets.data[1] = 99;
	cr_expect_eq(message_decode(buf_slice(&octets), &message), ERR_SYNTAX);
	buf_fini(&octets);
}

Test(message, a_count_that_the_octets_do_not_bear_is_refused)
{
	struct raft_message message;
	struct buf octets = { 0 };

	compat_message_init(&message, RAFT_IO_APPEND_ENTRIES);
	message_encode(&message, &octets);
	octets.len -= 4;
	pack_u32(&octets, 0xfffff);
	cr_expect_eq(message_decode(buf_slice(&octets), &message), ERR_SYNTAX);
	octets.len -= 4;
	pack_u32(&octets, 0xffffffff);
	cr_expect_eq(message_decode(buf_slice(&octets), &message), ERR_SYNTAX);
	buf_fini(&octets);
}

/* ---- configurations ---- */

Test(compat, configurations_come_back_from_the_librarys_encoding)
{
	struct raft_configuration conf;
	struct raft_configuration back;
	struct buf octets = { 0 };
	bool is_voter;

	raft_configuration_init(&conf);
	for (unsigned i = 1; i <= 20; i++) {
		char name[16];

		snprintf(name, sizeof name, "node%u", i);
		raft_configuration_add(&conf, (uint64_t)i << 32 | 1, name,
				       i <= 5 ? RAFT_VOTER : RAFT_STANDBY);
	}
	compat_conf_encode(&conf, &octets);
	cr_assert_eq(compat_conf_decode(buf_slice(&octets), &back), ERR_NONE);
	cr_assert_eq(back.n, 20);
	for (unsigned i = 0; i < 20; i++) {
		cr_expect_eq(back.servers[i].id, conf.servers[i].id);
		cr_expect_eq(back.servers[i].role, conf.servers[i].role);
		cr_expect_str_eq(back.servers[i].address,
				 conf.servers[i].address);
	}
	cr_expect_eq(
		compat_conf_voters(&back, (uint64_t)5 << 32 | 1, &is_voter), 5);
	cr_expect(is_voter);
	compat_conf_voters(&back, (uint64_t)6 << 32 | 1, &is_voter);
	cr_expect_not(is_voter);
	raft_configuration_close(&back);
	for (size_t len = 0; len < octets.len - 8; len++)
		cr_expect_eq(
			compat_conf_decode(slice_of(octets.data, len), &back),
			ERR_CORRUPT);
	raft_configuration_close(&conf);
	buf_fini(&octets);
}
