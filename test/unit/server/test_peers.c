#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/tls.h"
#include "peers_rig.h"
#include "server/peers_internal.h"

/* Nodes 1 and 2, linked. */
static void two(struct peers_rig *rig, struct box **a_r, struct box **b_r)
{
	peers_rig_init(rig);
	*a_r = box_start(rig, 1);
	*b_r = box_start(rig, 2);
	peers_rig_introduce(rig);
	AWAIT(rig, linked(*a_r, *b_r));
}

Test(peers, two_nodes_link_and_frames_go_both_ways)
{
	struct peers_link_status link;
	struct peers_rig rig;
	struct box *a, *b;

	two(&rig, &a, &b);
	box_send(a, 2, 10);
	box_send(b, 1, 300000);
	box_send(a, 2, 5000000);
	AWAIT(&rig, SEEN(b->frames) == 2 && SEEN(a->frames) == 1);
	AWAIT(&rig, SEEN(a->sent) == 2 && SEEN(b->sent) == 1);
	cr_assert(SEEN(b->octets) == 5000010 && SEEN(a->octets) == 300000);
	cr_assert(a->frames_bad == 0 && b->frames_bad == 0);
	link = box_link(a, 2, PEER_LOG);
	cr_assert(link.dials && link.since_ms > 0);
	cr_assert(link.octets_out > 5000000 && link.octets_in > 300000);
	cr_assert_str_eq(link.address, a->rig->box[2].row.addresses[0]);
	cr_assert_str_eq(link.software, "Murder test");
	cr_assert(!box_link(b, 1, PEER_LOG).dials);
	peers_rig_fini(&rig);
}

Test(peers, a_frame_to_nobody_is_unavailable)
{
	struct peers_rig rig;
	struct box *a, *b;

	two(&rig, &a, &b);
	box_send(a, 3, 10);
	AWAIT(&rig, SEEN(a->unsent) == 1);
	box_stop(b);
	AWAIT(&rig, !box_link(a, 2, PEER_LOG).up);
	box_send(a, 2, 10);
	AWAIT(&rig, SEEN(a->unsent) == 2);
	cr_assert(a->sent == 0);
	peers_rig_fini(&rig);
}

static void tell_health(void *arg)
{
	struct box *box = arg;

	peers_tell(box->peers, 0, SLICE_LIT("health"));
}

Test(peers, three_nodes_link_each_with_each_and_hear_what_is_told_to_all)
{
	struct peers_rig rig;
	struct box *a, *b, *c;

	two(&rig, &a, &b);
	c = box_start(&rig, 3);
	peers_rig_introduce(&rig);
	AWAIT(&rig, linked(a, c) && linked(b, c) && linked(a, b));
	on_log(b, tell_health, b);
	AWAIT(&rig, SEEN(a->told) == 1 && SEEN(c->told) == 1);
	cr_assert(b->told == 0);
	peers_rig_fini(&rig);
}

/* ---- who is not let in ---- */

Test(peers, a_node_with_another_key_than_its_row_is_not_linked)
{
	struct peers_member rows[2];
	struct peers_rig rig;
	struct box *a, *b;

	peers_rig_init(&rig);
	a = box_start(&rig, 1);
	b = box_start(&rig, 2);
	rows[0] = a->row;
	rows[1] = b->row;
	rows[1].keys[0].octets[0] ^= 1;
	box_knows(a, rows, 2);
	box_knows(b, rows, 2);
	await_error(a, 2, PEER_LOG, "server has another key");
	await_error(a, 2, PEER_BULK, "server has another key");
	rows[1] = b->row;
	rows[0].keys[0].octets[0] ^= 1;
	box_knows(a, rows, 2);
	box_knows(b, rows, 2);
	await_error(a, 2, PEER_LOG,
		    "refused by the other side: the key is not the one in the "
		    "row of node 1");
	await_error(a, 2, PEER_BULK, "refused by the other side: the key is");
	cr_assert(a->up[PEER_LOG] == 0 && b->up[PEER_BULK] == 0);
	peers_rig_fini(&rig);
}

Test(peers, a_node_of_another_cluster_is_not_linked)
{
	struct peers_rig rig;
	struct box *a, *b;

	peers_rig_init(&rig);
	a = box_start(&rig, 1);
	b = box_start(&rig, 2);
	peers_set_self(a->peers, "c9", 1, 1);
	peers_rig_introduce(&rig);
	await_error(a, 2, PEER_LOG,
		    "node 1 belongs to cluster c9, node 2 to cluster c1");
	peers_set_self(a->peers, "c1", 1, 1);
	AWAIT(&rig, linked(a, b));
	peers_rig_fini(&rig);
}

Test(peers, who_is_no_active_member_is_not_linked)
{
	struct peers_member rows[2];
	struct peers_rig rig;
	struct box *a, *b;

	peers_rig_init(&rig);
	a = box_start(&rig, 1);
	b = box_start(&rig, 2);
	rows[0] = a->row;
	rows[1] = b->row;
	box_knows(a, rows, 2);
	box_knows(b, rows + 1, 1);
	await_error(a, 2, PEER_LOG, "node 1 is no active member");
	rows[0].active = false;
	box_knows(b, rows, 2);
	await_error(a, 2, PEER_BULK, "node 1 is no active member");
	cr_assert(b->up[PEER_LOG] == 0 && b->up[PEER_BULK] == 0);
	rows[0].active = true;
	box_knows(b, rows, 2);
	AWAIT(&rig, linked(a, b));
	peers_rig_fini(&rig);
}

Test(peers, an_address_of_another_member_or_of_none_is_told)
{
	struct peers_rig rig;
	struct box *a, *b, *c;

	two(&rig, &a, &b);
	c = box_start(&rig, 3);
	memcpy(c->row.addresses[0], b->row.addresses[0],
	       sizeof(c->row.addresses[0]));
	peers_rig_introduce(&rig);
	/* The key tells it before anything is said. */
	await_error(a, 3, PEER_LOG, "server has another key");
	(void)snprintf(c->row.addresses[0], PEERS_ADDRESS_MAX, "nonsense");
	peers_rig_introduce(&rig);
	await_error(a, 3, PEER_LOG, "\"nonsense\" is no address");
	/* All addresses are tried. */
	c->row.address_count = 2;
	(void)snprintf(c->row.addresses[1], PEERS_ADDRESS_MAX, "127.0.0.1:%u",
		       c->port);
	peers_rig_introduce(&rig);
	AWAIT(&rig, linked(a, c) && linked(b, c));
	peers_rig_fini(&rig);
}

/* ---- coming and going ---- */

static void cut(void *arg)
{
	struct peers_side *side = arg;

	io_stream_abort(side->peer[0]->conn->stream, ERR_IO);
}

Test(peers, links_that_were_cut_come_again)
{
	struct peers_rig rig;
	struct box *a, *b;

	two(&rig, &a, &b);
	on_log(a, cut, &a->peers->log);
	on_bulk(b, cut, &b->peers->bulk);
	AWAIT(&rig, SEEN(a->up[PEER_LOG]) == 2 && SEEN(b->up[PEER_BULK]) == 2);
	AWAIT(&rig, linked(a, b));
	cr_assert(SEEN(a->down[PEER_LOG]) == 1 && b->down[PEER_LOG] == 1);
	box_send(a, 2, 100);
	AWAIT(&rig, SEEN(b->frames) == 1);
	peers_rig_fini(&rig);
}

Test(peers, a_node_that_has_started_again_is_linked_again)
{
	struct peers_rig rig;
	struct box *a, *b;

	two(&rig, &a, &b);
	for (unsigned i = 0; i < 2; i++) { /* who is dialled, who dials */
		struct box *box = i == 0 ? b : a;

		box_stop(box);
		box_restart(box);
		peers_rig_introduce(&rig);
		AWAIT(&rig, linked(a, b));
		box_send(a, 2, 100);
		AWAIT(&rig, SEEN(b->frames) == i + 1);
	}
	peers_rig_fini(&rig);
}

static void forget_conn(void *arg)
{
	struct peers_peer *peer = ((struct peers_side *)arg)->peer[0];

	/* As if its end had never been heard of: the peer dials anew. */
	peer->conn->peer = NULL;
	peer->conn = NULL;
	timer_set(io_loop_timers(peer->side->loop), &peer->redial, 0);
}

Test(peers, a_newer_link_takes_the_place_of_an_older_one)
{
	struct peers_rig rig;
	struct box *a, *b;

	two(&rig, &a, &b);
	on_log(a, forget_conn, &a->peers->log);
	AWAIT(&rig, SEEN(b->up[PEER_LOG]) == 2);
	await_error(b, 1, PEER_LOG, "replaced by a new one");
	AWAIT(&rig, linked(a, b));
	peers_rig_fini(&rig);
}

Test(peers, a_member_that_was_removed_is_cut_at_once)
{
	struct peers_rig rig;
	struct box *a, *b;

	two(&rig, &a, &b);
	box_knows(b, &b->row, 1);
	AWAIT(&rig,
	      SEEN(b->down[PEER_LOG]) == 1 && SEEN(b->down[PEER_BULK]) == 1);
	await_error(a, 2, PEER_LOG, "node 1 is no active member");
	cr_assert(SEEN(b->up[PEER_LOG]) == 1);
	box_send(b, 1, 10);
	AWAIT(&rig, SEEN(b->unsent) == 1);
	peers_rig_introduce(&rig);
	AWAIT(&rig, linked(a, b));
	peers_rig_fini(&rig);
}

Test(peers, a_key_is_changed_without_a_restart)
{
	struct peers_rig rig;
	struct box *a, *b;
	struct buf cert = { 0 };
	struct buf key = { 0 };
	struct buf why = { 0 };
	const char *name = "box";

	two(&rig, &a, &b);
	buf_printf(&cert, "%s/cert.pem", b->dir);
	buf_printf(&key, "%s/key.pem", b->dir);
	cr_assert(
		!io_tls_selfsigned(buf_cstr(&cert), buf_cstr(&key), &name, 1));
	b->row.key_count = 2;
	cr_assert(!io_tls_key_hash(buf_cstr(&cert), &why, &b->row.keys[1]));
	peers_rig_introduce(&rig);
	cr_assert(!peers_reload_key(b->peers, &why));
	cr_assert(linked(a, b) && a->down[PEER_LOG] == 0);
	/* The old hash goes: links with the old key as well. */
	b->row.key_count = 1;
	b->row.keys[0] = b->row.keys[1];
	peers_rig_introduce(&rig);
	AWAIT(&rig, SEEN(a->up[PEER_LOG]) == 2 && SEEN(a->up[PEER_BULK]) == 2);
	await_error(a, 2, PEER_LOG, "the key of node 2 was taken away");
	AWAIT(&rig, linked(a, b));
	buf_fini(&cert);
	buf_fini(&key);
	buf_fini(&why);
	peers_rig_fini(&rig);
}

/* ---- streams ---- */

#define KIND 5

/* Both ends of a stream from one box to another. */
struct flow {
	struct box *from;
	struct box *to;
	struct peer_stream *out;
	struct peer_stream *in;
	uint64_t total;
	uint64_t sent; /* atomic, as what follows */
	uint64_t got;
	bool hold; /* the reader takes nothing */
	bool finished;
	bool out_closed;
	bool in_closed;
	enum err out_err;
};

static void flow_write(struct flow *flow)
{
	static const uint8_t octets[65536];

	while (flow->sent < flow->total) {
		struct slice part = slice_of(octets, sizeof(octets));
		size_t took;

		part = slice_first(part, flow->total - flow->sent);
		took = peer_stream_write(flow->out, part);
		__atomic_add_fetch(&flow->sent, took, __ATOMIC_SEQ_CST);
		if (took < part.len)
			return;
	}
	peer_stream_finish(flow->out);
}

static size_t flow_octets(struct peer_stream *stream, struct slice in)
{
	struct flow *flow = peer_stream_owner(stream);

	if (SEEN(flow->hold))
		return 0;
	__atomic_add_fetch(&flow->got, in.len, __ATOMIC_SEQ_CST);
	return in.len;
}

static void flow_room(struct peer_stream *stream)
{
	flow_write(peer_stream_owner(stream));
}

static void flow_finished(struct peer_stream *stream)
{
	struct flow *flow = peer_stream_owner(stream);

	__atomic_store_n(&flow->finished, true, __ATOMIC_SEQ_CST);
	peer_stream_finish(stream);
}

static void out_closed(struct peer_stream *stream, enum err err,
		       struct slice text unused_arg)
{
	struct flow *flow = peer_stream_owner(stream);

	flow->out_err = err;
	__atomic_store_n(&flow->out_closed, true, __ATOMIC_SEQ_CST);
}

static void in_closed(struct peer_stream *stream, enum err err unused_arg,
		      struct slice text unused_arg)
{
	struct flow *flow = peer_stream_owner(stream);

	__atomic_store_n(&flow->in_closed, true, __ATOMIC_SEQ_CST);
}

static const struct peer_stream_ops out_ops = {
	.octets = flow_octets,
	.room = flow_room,
	.closed = out_closed,
};

static const struct peer_stream_ops in_ops = {
	.octets = flow_octets,
	.finished = flow_finished,
	.closed = in_closed,
};

static void flow_accept(void *arg, struct peer_stream *stream,
			struct slice head)
{
	struct flow *flow = arg;

	cr_assert(slice_eq(head, SLICE_LIT("flow")));
	flow->in = stream;
	peer_stream_adopt(stream, &in_ops, flow);
}

static void flow_open(void *arg)
{
	struct flow *flow = arg;

	flow->out =
		peer_stream_open(peers_bulk(flow->from->peers), flow->to->node,
				 KIND, SLICE_LIT("flow"), &out_ops, flow);
	cr_assert(flow->out);
	flow_write(flow);
}

static void flow_listen(void *arg)
{
	struct flow *flow = arg;
	struct peer_bulk *bulk = peers_bulk(flow->to->peers);

	bulk->accept(bulk, KIND, flow_accept, flow);
}

static void flow_begin(struct flow *flow, struct box *from, struct box *to,
		       uint64_t total)
{
	flow->from = from;
	flow->to = to;
	flow->total = total;
	on_bulk(to, flow_listen, flow);
	on_bulk(from, flow_open, flow);
}

static void flow_resume(void *arg)
{
	struct flow *flow = arg;

	flow->hold = false;
	peer_stream_resume(flow->in);
}

Test(peers, frames_pass_at_once_beside_a_stream_of_50_mb)
{
	enum {
		TOTAL = 50 * 1000 * 1000
	};
	struct flow flow = { 0 };
	uint64_t worst_ms = 0;
	unsigned frames = 0;
	struct peers_rig rig;
	struct box *a, *b;

	two(&rig, &a, &b);
	flow_begin(&flow, b, a, TOTAL);
	while (!SEEN(flow.out_closed)) {
		uint64_t start_ms = rig_now_ms(&rig);
		uint64_t took_ms;

		box_send(b, 1, 200);
		frames++;
		AWAIT(&rig, SEEN(a->frames) == frames);
		took_ms = rig_now_ms(&rig) - start_ms;
		worst_ms = took_ms > worst_ms ? took_ms : worst_ms;
	}
	cr_assert(flow.out_err == ERR_NONE && flow.got == TOTAL);
	cr_assert(frames > 10, "%u", frames);
	/* A loaded machine has its own delays; a stream's would be seconds. */
	cr_assert(worst_ms < 500, "%llu ms", (unsigned long long)worst_ms);
	peers_rig_fini(&rig);
}

Test(peers, a_slow_reader_holds_its_writer_back)
{
	struct flow flow = { .hold = true };
	struct peers_rig rig;
	struct box *a, *b;
	uint64_t sent;

	two(&rig, &a, &b);
	flow_begin(&flow, a, b, 5 * 1000 * 1000);
	AWAIT(&rig, SEEN(flow.sent) == PEER_WINDOW + PEER_ROOM);
	/* A frame there and back: whatever could have moved has moved. */
	box_send(a, 2, 10);
	AWAIT(&rig, SEEN(b->frames) == 1);
	sent = SEEN(flow.sent);
	cr_assert(sent == PEER_WINDOW + PEER_ROOM && SEEN(flow.got) == 0);
	on_bulk(b, flow_resume, &flow);
	AWAIT(&rig, SEEN(flow.out_closed) && SEEN(flow.in_closed));
	cr_assert(flow.got == 5 * 1000 * 1000 && flow.out_err == ERR_NONE);
	peers_rig_fini(&rig);
}

Test(peers, a_cut_link_ends_its_streams)
{
	struct flow flow = { .hold = true };
	struct peers_rig rig;
	struct box *a, *b;

	two(&rig, &a, &b);
	flow_begin(&flow, a, b, 5 * 1000 * 1000);
	AWAIT(&rig, SEEN(flow.sent) == PEER_WINDOW + PEER_ROOM);
	on_bulk(b, cut, &b->peers->bulk);
	AWAIT(&rig, SEEN(flow.out_closed) && SEEN(flow.in_closed));
	cr_assert(flow.out_err == ERR_UNAVAILABLE);
	AWAIT(&rig, linked(a, b));
	peers_rig_fini(&rig);
}

Test(peers, it_stops_in_the_middle_of_everything)
{
	struct flow flow = { .hold = true };
	struct peers_rig rig;
	struct box *a, *b;

	two(&rig, &a, &b);
	flow_begin(&flow, a, b, 5 * 1000 * 1000);
	for (unsigned i = 0; i < 10; i++)
		box_send(a, 2, 3000000);
	box_stop(a);
	cr_assert(SEEN(flow.out_closed));
	cr_assert(a->sent + a->unsent == 10);
	peers_rig_fini(&rig);
}

/* ---- joining ---- */

struct joining {
	struct peers_join join;
	bool done;
};

static void joined(struct peers_join *join)
{
	struct joining *joining = join->owner;

	__atomic_store_n(&joining->done, true, __ATOMIC_SEQ_CST);
}

static void ask_to_join(struct joining *joining, struct box *from,
			struct box *to, const struct sha256 *pin)
{
	*joining = (struct joining){ 0 };
	joining->join = (struct peers_join){
		.address = to->row.addresses[0],
		.pin = pin,
		.ask = SLICE_LIT("token"),
		.home = io_loop_executor(from->rig->home),
		.owner = joining,
	};
	peers_join(from->peers, &joining->join, joined);
	AWAIT(from->rig, SEEN(joining->done));
}

Test(peers, a_node_that_joins_asks_and_is_answered_under_its_key)
{
	struct sha256 wrong = { { 1 } };
	struct joining joining;
	struct peers_rig rig;
	struct box *a, *b;
	struct buf want = { 0 };

	peers_rig_init(&rig);
	a = box_start(&rig, 1);
	b = box_start(&rig, 2);
	peers_set_self(b->peers, "", 0, 0);
	ask_to_join(&joining, b, a, &a->row.keys[0]);
	cr_assert(joining.join.err == ERR_NONE, "%s", joining.join.text);
	buf_add_str(&want, "welcome: token");
	buf_add(&want, b->row.keys[0].octets, SHA256_SIZE);
	cr_assert(slice_eq(buf_slice(&joining.join.answer), buf_slice(&want)));
	buf_fini(&joining.join.answer);
	buf_fini(&want);

	ask_to_join(&joining, b, a, &wrong);
	cr_assert(joining.join.err == ERR_UNAVAILABLE);
	cr_assert_str_eq(joining.join.text, "server has another key");
	cr_assert(SEEN(a->asks) == 1);

	/* the other way round: who is no member cannot be asked */
	ask_to_join(&joining, a, b, &b->row.keys[0]);
	cr_assert(joining.join.err == ERR_UNAVAILABLE);
	cr_assert(strstr(joining.join.text, "no member of a cluster"));
	peers_rig_fini(&rig);
}

Test(peers, who_may_not_join_is_told_why)
{
	struct joining joining;
	struct peers_rig rig;
	struct box *a, *b;

	peers_rig_init(&rig);
	a = box_start(&rig, 1);
	b = box_start(&rig, 2);
	a->refuse_joins = "the token was used before";
	ask_to_join(&joining, b, a, &a->row.keys[0]);
	cr_assert(joining.join.err == ERR_UNAVAILABLE);
	cr_assert_str_eq(
		joining.join.text,
		"refused by the other side: the token was used before");
	(void)snprintf(a->row.addresses[0], PEERS_ADDRESS_MAX, "nonsense");
	ask_to_join(&joining, b, a, &a->row.keys[0]);
	cr_assert(joining.join.err == ERR_INVALID);
	box_stop(a);
	(void)snprintf(a->row.addresses[0], PEERS_ADDRESS_MAX, "127.0.0.1:%u",
		       a->port);
	ask_to_join(&joining, b, a, &a->row.keys[0]);
	cr_assert(joining.join.err == ERR_UNAVAILABLE);
	cr_assert_str_eq(joining.join.text, "Connection refused");
	peers_rig_fini(&rig);
}
