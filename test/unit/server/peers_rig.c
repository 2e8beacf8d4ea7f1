#include "peers_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/clock.h"

#define GROUP 7

/* ---- waiting ---- */

struct call {
	struct task task;
	void (*run)(void *arg);
	void *arg;
	bool done;
};

static void wake_up(struct timer *timer unused_arg)
{
}

uint64_t rig_now_ms(struct peers_rig *rig)
{
	return clock_mono_ms(io_loop_clock(rig->home));
}

void rig_look_again(struct peers_rig *rig, uint64_t start_ms, const char *what,
		    int line)
{
	struct timer timer;

	timer_init(&timer, wake_up);
	timer_set(io_loop_timers(rig->home), &timer, 1);
	while (timer_is_set(&timer))
		io_loop_turn(rig->home);
	cr_assert(rig_now_ms(rig) - start_ms < 30000, "line %d: never: %s",
		  line, what);
}

static void call_run(struct task *task)
{
	struct call *call = container_of(task, struct call, task);

	call->run(call->arg);
	__atomic_store_n(&call->done, true, __ATOMIC_SEQ_CST);
}

static void on_loop(struct peers_rig *rig, struct io_loop *loop,
		    void (*run)(void *arg), void *arg)
{
	struct call call = { .run = run, .arg = arg };

	task_post(io_loop_executor(loop), &call.task, call_run);
	AWAIT(rig, SEEN(call.done));
}

void on_log(struct box *box, void (*run)(void *arg), void *arg)
{
	on_loop(box->rig, box->log, run, arg);
}

void on_bulk(struct box *box, void (*run)(void *arg), void *arg)
{
	on_loop(box->rig, peers_bulk_loop(box->peers), run, arg);
}

static void count(unsigned *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

/* ---- what a box hears ---- */

static uint8_t pattern(uint64_t at)
{
	return (uint8_t)(at * 31 + (at >> 8));
}

static void hear_frame(void *arg, uint32_t group, uint64_t from, uint64_t to,
		       struct slice frame)
{
	struct box *box = arg;
	bool good =
		group == GROUP && (uint32_t)from == 1 && to >> 32 == box->node;

	for (size_t i = 0; i < frame.len; i++)
		good &= frame.data[i] == pattern(i);
	if (!good)
		count(&box->frames_bad);
	__atomic_add_fetch(&box->octets, frame.len, __ATOMIC_SEQ_CST);
	count(&box->frames);
}

static void hear_told(void *arg, uint32_t node, struct slice payload)
{
	struct box *box = arg;

	if (node && slice_eq(payload, SLICE_LIT("health")))
		count(&box->told);
}

static void hear_link(void *arg, uint32_t node unused_arg, enum peer_kind kind,
		      bool up)
{
	struct box *box = arg;

	count(up ? &box->up[kind] : &box->down[kind]);
}

static void hear_ask(void *arg, struct peers_asked *asked)
{
	struct box *box = arg;
	struct buf answer = { 0 };

	count(&box->asks);
	if (box->refuse_joins) {
		peers_refuse(box->peers, asked, box->refuse_joins);
		return;
	}
	buf_add_str(&answer, "welcome: ");
	buf_add_slice(&answer, asked->ask);
	buf_add(&answer, asked->key_hash.octets, SHA256_SIZE);
	peers_answer(box->peers, asked, buf_slice(&answer));
	buf_fini(&answer);
}

/* ---- life ---- */

void peers_rig_init(struct peers_rig *rig)
{
	*rig = (struct peers_rig){ 0 };
	rig->home = io_loop_new("home");
}

static void accept_link(void *arg, struct io_loop *loop unused_arg,
			struct io_accepted *accepted)
{
	struct box *box = arg;

	peers_accept(box->peers, accepted);
}

/* Before the log loop runs. */
static void box_listen(struct box *box)
{
	struct io_listener_config config = {
		.place = { .host = "127.0.0.1", .port = box->port },
		.fd = -1,
		.accept = accept_link,
		.arg = box,
	};
	struct io_loop *loops[] = { peers_bulk_loop(box->peers) };
	struct buf why = { 0 };

	cr_assert(!io_listener_open(box->log, loops, 1, &config, &why,
				    &box->listener),
		  "%s", buf_cstr(&why));
	box->port = io_listener_port(box->listener);
	buf_fini(&why);
}

static void box_open(struct box *box)
{
	struct peers_options options = {
		.data = box->dir,
		.name = "box",
		.cluster = box->cluster,
		.node = box->node,
		.start_count = box->start,
		.feature_level = 1,
		.software = "Murder test",
		.random = random_secure(),
		.hooks = {
			.arg = box,
			.receive = hear_frame,
			.told = hear_told,
			.link = hear_link,
			.ask = hear_ask,
		},
	};
	struct buf why = { 0 };

	options.log = box->log = io_loop_new("log");
	cr_assert(!peers_new(&options, &why, &box->peers), "%s",
		  buf_cstr(&why));
	box_listen(box);
	io_loop_start(box->log);
	peers_start(box->peers);
	buf_fini(&why);
}

static void box_make_row(struct box *box)
{
	struct buf why = { 0 };

	box->row = (struct peers_member){
		.node = box->node,
		.active = true,
		.address_count = 1,
		.key_count = 1,
	};
	cr_assert(!peers_make_key(box->dir, "box", &why, &box->row.keys[0]));
	(void)snprintf(box->row.addresses[0], PEERS_ADDRESS_MAX, "127.0.0.1:%u",
		       box->port);
	buf_fini(&why);
}

struct box *box_start(struct peers_rig *rig, uint32_t node)
{
	struct box *box = &rig->box[node];

	cr_assert(node <= RIG_NODES && !box->rig);
	box->rig = rig;
	box->node = node;
	box->start = 1;
	box->cluster = "c1";
	(void)snprintf(box->dir, sizeof(box->dir), "/tmp/murder-peers-XXXXXX");
	cr_assert(mkdtemp(box->dir));
	box_open(box);
	box_make_row(box);
	return box;
}

static void close_listener(void *arg)
{
	struct box *box = arg;

	io_listener_close(box->listener);
}

static void box_has_stopped(void *arg)
{
	struct box *box = arg;

	__atomic_store_n(&box->stopped, true, __ATOMIC_SEQ_CST);
}

void box_stop(struct box *box)
{
	on_log(box, close_listener, box);
	peers_stop(box->peers, box_has_stopped, box);
	AWAIT(box->rig, SEEN(box->stopped));
	io_loop_stop(box->log);
	io_loop_join(box->log);
	peers_free(&box->peers);
	io_listener_free(&box->listener);
	io_loop_free(&box->log);
	box->stopped = false;
}

void box_restart(struct box *box)
{
	box->start++;
	box_open(box);
}

static void box_remove(struct box *box)
{
	struct buf command = { 0 };

	if (box->peers)
		box_stop(box);
	buf_printf(&command, "%s/key.pem", box->dir);
	(void)remove(buf_cstr(&command));
	buf_clear(&command);
	buf_printf(&command, "%s/cert.pem", box->dir);
	(void)remove(buf_cstr(&command));
	(void)remove(box->dir);
	buf_fini(&command);
}

void peers_rig_fini(struct peers_rig *rig)
{
	for (unsigned i = 0; i <= RIG_NODES; i++)
		if (rig->box[i].rig)
			box_remove(&rig->box[i]);
	io_loop_free(&rig->home);
}

/* ---- members ---- */

void box_knows(struct box *box, const struct peers_member *rows,
	       unsigned rows_count)
{
	peers_set_members(box->peers, rows, rows_count);
}

void peers_rig_introduce(struct peers_rig *rig)
{
	struct peers_member rows[RIG_NODES];
	unsigned n = 0;

	for (unsigned i = 1; i <= RIG_NODES; i++)
		if (rig->box[i].peers)
			rows[n++] = rig->box[i].row;
	for (unsigned i = 1; i <= RIG_NODES; i++)
		if (rig->box[i].peers)
			box_knows(&rig->box[i], rows, n);
}

/* ---- frames ---- */

struct frame_out {
	struct net_send send;
	struct box *box;
	struct slice pieces[2];
	size_t len;
	uint8_t octets[];
};

static void frame_sent(struct net_send *send, enum err err)
{
	struct frame_out *out = container_of(send, struct frame_out, send);

	count(err ? &out->box->unsent : &out->box->sent);
	mem_free(out);
}

static void send_frame(void *arg)
{
	struct frame_out *out = arg;
	struct replica_net *net = peers_net(out->box->peers);

	net->send(net, &out->send);
}

void box_send(struct box *box, uint32_t to, size_t len)
{
	struct frame_out *out = mem_zalloc(1, sizeof(*out) + len);

	for (size_t i = 0; i < len; i++)
		out->octets[i] = pattern(i);
	out->box = box;
	out->pieces[0] = slice_of(out->octets, len / 3);
	out->pieces[1] = slice_of(out->octets + len / 3, len - len / 3);
	out->send = (struct net_send){
		.sent = frame_sent,
		.group = GROUP,
		.from = (uint64_t)box->node << 32 | 1,
		.to = (uint64_t)to << 32 | 1,
		.pieces = out->pieces,
		.count = 2,
	};
	on_log(box, send_frame, out);
}

/* ---- status ---- */

static void status_is_there(struct peers_status *status)
{
	struct call *call = status->owner;

	__atomic_store_n(&call->done, true, __ATOMIC_SEQ_CST);
}

struct peers_link_status box_link(struct box *box, uint32_t to,
				  enum peer_kind kind)
{
	struct peers_status *status = &box->status;
	struct call call = { 0 };

	status->home = io_loop_executor(box->rig->home);
	status->owner = &call;
	peers_get_status(box->peers, status, status_is_there);
	AWAIT(box->rig, SEEN(call.done));
	for (unsigned i = 0; i < status->count; i++)
		if (status->links[i].node == to &&
		    status->links[i].kind == kind)
			return status->links[i];
	return (struct peers_link_status){ 0 };
}

void await_error(struct box *box, uint32_t to, enum peer_kind kind,
		 const char *text)
{
	struct peers_link_status link;
	uint64_t start_ms = rig_now_ms(box->rig);

	do {
		rig_look_again(box->rig, start_ms, text, __LINE__);
		link = box_link(box, to, kind);
	} while (!strstr(link.error, text));
}

bool linked(struct box *a, struct box *b)
{
	return box_link(a, b->node, PEER_LOG).up &&
	       box_link(a, b->node, PEER_BULK).up &&
	       box_link(b, a->node, PEER_LOG).up &&
	       box_link(b, a->node, PEER_BULK).up;
}
