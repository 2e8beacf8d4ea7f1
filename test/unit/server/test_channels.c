/*
 * Sessions that read over channels: on a node that takes itself for another
 * one (server/loopback.h).
 */
#include <criterion/criterion.h>

#include "base/fault.h"
#include "base/mem.h"
#include "cluster/directory.h"
#include "proxy/channel.h"
#include "rig.h"
#include "server/loopback.h"
#include "server/streams.h"

#ifdef ENABLE_FAULTS

#define INBOX "user.john"

static struct rig *far_rig(void)
{
	fault_set_tune("channels=1");
	return rig_new();
}

static void far_free(struct rig **rigp)
{
	rig_await(*rigp, rig_is_idle);
	rig_free(rigp);
	fault_set_tune(NULL);
}

static void find(struct rig *rig, const char *name,
		 struct directory_mailbox *found)
{
	struct store_txn *txn = rig_read(rig, 0);

	cr_assert(directory_mailbox_find(txn, slice_str(name), found));
	store_end(&txn);
}

/* ---- on the loop of the bulk links ---- */

struct cut {
	struct task task;
	struct node *node;
	sem_t done;
};

static void cut_run(struct task *task)
{
	struct cut *cut = container_of(task, struct cut, task);

	loopback_cut(cut->node->loopback);
	sem_post(&cut->done);
}

/* The link dies, and with it all channels. */
static void cut_link(struct rig *rig)
{
	struct cut cut = { .node = rig->node };

	sem_init(&cut.done, 0, 0);
	task_post(rig->node->bulk_loop, &cut.task, cut_run);
	sem_wait(&cut.done);
	sem_destroy(&cut.done);
}

static bool has_seats(struct rig *rig)
{
	return atomic_load(&rig->node->seats) > 1;
}

/* ---- the death of a channel ---- */

Test(channels, commands_go_on_over_another_one)
{
	struct rig *rig = far_rig();
	struct talk talk = talk_imap(rig, RIG_JOHN);

	talk_append(&talk, "INBOX", "Subject: a\r\n\r\nb\r\n");
	talk_say(&talk, "s SELECT INBOX\r\n");
	cr_assert(talk_until(&talk, "s OK ", "* 1 EXISTS"));
	cut_link(rig);
	talk_say(&talk, "f FETCH 1 (BODY[TEXT])\r\n");
	cr_assert(talk_until(&talk, "f OK ", "* 1 FETCH (BODY[TEXT]"));
	cut_link(rig);
	talk_say(&talk, "t STORE 1 +FLAGS (\\Flagged)\r\n");
	cr_assert(talk_until(&talk, "t OK ", "\\Flagged"));
	cut_link(rig);
	talk_say(&talk, "r SEARCH FLAGGED\r\n");
	cr_assert(talk_until(&talk, "r OK ", "* SEARCH 1"));
	talk_logout(&talk);
	far_free(&rig);
}

/* A message that went while the session had no channel has its number. */
Test(channels, an_expunge_meanwhile_is_told_with_its_number)
{
	struct rig *rig = far_rig();
	struct talk talk = talk_imap(rig, RIG_JOHN);
	struct talk other = talk_imap(rig, RIG_JOHN);

	for (unsigned i = 0; i < 3; i++)
		talk_append(&talk, "INBOX", "Subject: a\r\n\r\nb\r\n");
	talk_say(&talk, "s SELECT INBOX\r\n");
	cr_assert(talk_until(&talk, "s OK ", "* 3 EXISTS"));
	cut_link(rig);
	talk_say(&other, "a SELECT INBOX\r\n"
			 "b STORE 2 +FLAGS.SILENT (\\Deleted)\r\n"
			 "c EXPUNGE\r\n");
	cr_assert(talk_until(&other, "c OK ", "* 2 EXPUNGE"));
	cut_link(rig);
	talk_say(&talk, "f FETCH 3 (UID)\r\n");
	cr_assert(talk_until(&talk, "f OK ", "* 3 FETCH (UID 3)"));
	talk_say(&talk, "n NOOP\r\n");
	cr_assert(talk_until(&talk, "n OK ", "* 2 EXPUNGE"));
	talk_say(&talk, "u FETCH 2 (UID)\r\n");
	cr_assert(talk_until(&talk, "u OK ", "* 2 FETCH (UID 3)"));
	talk_logout(&other);
	talk_logout(&talk);
	far_free(&rig);
}

Test(channels, who_idles_hears_of_changes_over_another_one)
{
	struct rig *rig = far_rig();
	struct talk talk = talk_imap(rig, RIG_JOHN);
	struct talk other = talk_imap(rig, RIG_JOHN);

	talk_say(&talk, "s SELECT INBOX\r\n");
	cr_assert(talk_until(&talk, "s OK ", "* 0 EXISTS"));
	talk_say(&talk, "i IDLE\r\n");
	talk_expect(&talk, "+ ");
	cut_link(rig);
	rig_await(rig, has_seats);
	talk_append(&other, "INBOX", "Subject: a\r\n\r\nb\r\n");
	talk_expect(&talk, "* 1 EXISTS");
	talk_say(&talk, "DONE\r\n");
	talk_until(&talk, "i OK ", NULL);
	talk_logout(&other);
	talk_logout(&talk);
	far_free(&rig);
}

/* Its answer would have come over a channel that is no more. */
Test(channels, a_search_under_way_is_begun_again)
{
	struct rig *rig = far_rig();
	struct talk talk = talk_imap(rig, RIG_JOHN);
	struct stall pool;

	talk_append(&talk, "INBOX", "Subject: a\r\n\r\nneedle\r\n");
	talk_say(&talk, "s SELECT INBOX\r\n");
	cr_assert(talk_until(&talk, "s OK ", "* 1 EXISTS"));
	rig_stall_pool(rig, &pool);
	talk_say(&talk, "r SEARCH BODY needle\r\n");
	rig_await(rig, rig_waits_for_workers);
	cut_link(rig);
	stall_end(&pool);
	cr_assert(talk_until(&talk, "r OK ", "* SEARCH 1"));
	talk_logout(&talk);
	far_free(&rig);
}

Test(channels, a_client_that_goes_takes_its_channels_with_it)
{
	struct rig *rig = far_rig();
	struct talk talk = talk_imap(rig, RIG_JOHN);
	struct stall pool;

	talk_append(&talk, "INBOX", "Subject: a\r\n\r\nneedle\r\n");
	talk_say(&talk, "s SELECT INBOX\r\n");
	cr_assert(talk_until(&talk, "s OK ", "* 1 EXISTS"));
	rig_stall_pool(rig, &pool);
	talk_say(&talk, "r SEARCH BODY needle\r\n");
	rig_await(rig, rig_waits_for_workers);
	talk_end(&talk);
	stall_end(&pool);
	far_free(&rig);
}

Test(channels, a_node_stops_with_channels_open)
{
	struct rig *rig = far_rig();
	struct talk talk = talk_imap(rig, RIG_JOHN);
	struct talk idle = talk_imap(rig, RIG_JANE);

	talk_say(&talk, "s SELECT INBOX\r\n");
	cr_assert(talk_until(&talk, "s OK ", "* 0 EXISTS"));
	talk_say(&idle, "s SELECT INBOX\r\n");
	cr_assert(talk_until(&idle, "s OK ", "* 0 EXISTS"));
	talk_say(&idle, "i IDLE\r\n");
	talk_expect(&idle, "+ ");
	rig_ask_to_stop(rig);
	talk_expect(&talk, "* BYE");
	talk_expect(&idle, "* BYE");
	talk_end(&talk);
	talk_end(&idle);
	rig_stopped(rig);
	rig_start(rig);
	far_free(&rig);
}

/* ---- what the far end allows ---- */

/* A peer that says what it likes. */
struct peer {
	struct task task;
	struct node *node;
	struct peer_stream *stream;
	struct channel_hello hello;
	struct buf say;
	struct channel_reader reader;
	enum channel_read read;
	bool closed;
	sem_t done;
};

static size_t peer_octets(struct peer_stream *stream, struct slice in)
{
	struct peer *peer = peer_stream_owner(stream);
	struct slice rest = in;

	peer->read = channel_reader_feed(&peer->reader, &rest);
	if (peer->read == CHANNEL_READ_DONE)
		sem_post(&peer->done);
	return in.len - rest.len;
}

static void peer_closed(struct peer_stream *stream, enum err err unused_arg,
			struct slice text unused_arg)
{
	struct peer *peer = peer_stream_owner(stream);

	peer->closed = true;
	sem_post(&peer->done);
}

static const struct peer_stream_ops peer_ops = {
	.octets = peer_octets,
	.closed = peer_closed,
};

static void peer_run(struct task *task)
{
	struct peer *peer = container_of(task, struct peer, task);
	struct buf head = { 0 };

	channel_hello_encode(&peer->hello, &head);
	peer->stream = peer_stream_open(
		peer->node->bulk, peer->node->identity.node,
		PEER_STREAM_CHANNEL, buf_slice(&head), &peer_ops, peer);
	cr_assert_eq(peer_stream_write(peer->stream, buf_slice(&peer->say)),
		     peer->say.len);
	buf_fini(&head);
}

static void peer_stop(struct task *task)
{
	struct peer *peer = container_of(task, struct peer, task);

	if (!peer->closed)
		peer_stream_close(peer->stream, ERR_CLOSED, "done");
	sem_post(&peer->done);
}

/* Says it in the name of `user`; until a frame or the end comes. */
static void peer_say(struct peer *peer, struct rig *rig, const char *user,
		     uint32_t group)
{
	peer->node = rig->node;
	peer->hello = (struct channel_hello){ group, slice_str(user) };
	sem_init(&peer->done, 0, 0);
	task_post(rig->node->bulk_loop, &peer->task, peer_run);
	sem_wait(&peer->done);
}

static void peer_end(struct peer *peer)
{
	task_post(peer->node->bulk_loop, &peer->task, peer_stop);
	sem_wait(&peer->done);
	sem_destroy(&peer->done);
	buf_fini(&peer->say);
	channel_reader_fini(&peer->reader);
}

/* What is answered when `user` looks at john's INBOX. */
static enum err status_of(struct rig *rig, const char *user)
{
	struct peer peer = { 0 };
	struct imap_ask_status status = { .ask.kind = IMAP_ASK_STATUS };
	struct directory_mailbox found;
	struct channel_ask ask = { 0 };
	struct channel_answer with;
	struct arena arena = { 0 };

	find(rig, INBOX, &found);
	ask.mailbox = found.id;
	status.ask.arena = &arena;
	channel_ask_encode(&status.ask, &ask, &peer.say);
	peer_say(&peer, rig, user, found.group);
	cr_assert_eq(peer.read, CHANNEL_READ_DONE);
	cr_assert_eq(channel_answer_decode(buf_slice(&peer.reader.body),
					   &status.ask, &with),
		     ERR_NONE);
	peer_end(&peer);
	arena_fini(&arena);
	return status.ask.err;
}

Test(channels, rights_are_looked_at_where_the_mail_is)
{
	struct rig *rig = far_rig();
	struct talk john = talk_imap(rig, RIG_JOHN);

	cr_assert_eq(status_of(rig, RIG_JOHN), ERR_NONE);
	cr_assert_eq(status_of(rig, RIG_JANE), ERR_DENIED);
	cr_assert_eq(status_of(rig, "nobody"), ERR_DENIED);
	talk_say(&john, "a SETACL INBOX jane lr\r\n");
	talk_expect(&john, "a OK ");
	cr_assert_eq(status_of(rig, RIG_JANE), ERR_NONE);
	talk_logout(&john);
	far_free(&rig);
}

Test(channels, who_says_what_is_no_ask_is_cut_off)
{
	struct rig *rig = far_rig();
	struct directory_mailbox found;
	struct peer peer = { 0 };
	size_t at = channel_frame_begin(&peer.say, CHANNEL_ASK);

	buf_add_str(&peer.say, "no ask at all");
	channel_frame_end(&peer.say, at);
	find(rig, INBOX, &found);
	peer_say(&peer, rig, RIG_JOHN, found.group);
	cr_assert(peer.closed);
	peer_end(&peer);
	far_free(&rig);
}

Test(channels, a_group_that_is_not_there_has_no_channel)
{
	struct rig *rig = far_rig();
	struct peer peer = { 0 };

	peer_say(&peer, rig, RIG_JOHN, 77);
	cr_assert(peer.closed);
	peer_end(&peer);
	far_free(&rig);
}

#else

Test(channels, need_a_build_with_faults)
{
}

#endif
