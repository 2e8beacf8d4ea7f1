/*
 * Questions of nodes that are no members yet: one link, one question, one
 * answer.
 *
 * Happy path of the joiner: dial, TLS with the pinned key, HELLO, ASK, ANSWER.
 * Of the member: ASK goes to the hook, whose answer may come from any thread
 * and much later; the joiner may have gone by then.
 *
 * Failures: a link that breaks before the answer is ERR_UNAVAILABLE with its
 * text: whether the question took effect is for the one who asks to find out.
 */
#include <stdio.h>

#include "base/mem.h"
#include "base/panic.h"
#include "server/peers_internal.h"

/* ---- the joiner ---- */

static void join_told(struct task *task)
{
	struct peers_join *join = container_of(task, struct peers_join, task);

	join->done(join); /* may free it */
}

static void join_finish(struct peers_join *join, enum err err, const char *text)
{
	struct peers *peers = join->peers;

	join->err = err;
	(void)snprintf(join->text, sizeof(join->text), "%s", text);
	task_post(join->home, &join->task, join_told);
	peers->joining--;
	peers_side_check(&peers->bulk);
}

static void join_begin(struct task *task)
{
	struct peers_join *join = container_of(task, struct peers_join, task);
	struct peers *peers = join->peers;

	peers->joining++;
	if (peers->bulk.stopping)
		join_finish(join, ERR_UNAVAILABLE, "this node stops");
	else if (!peers_conn_dial(&peers->bulk, NULL, join, join->address))
		join_finish(join, ERR_INVALID, "that is no address");
}

void peers_join(struct peers *peers, struct peers_join *join,
		peers_join_done *done)
{
	MUST(join->ask.len <= PEER_ASK_MAX);
	join->peers = peers;
	join->done = done;
	join->err = ERR_NONE;
	join->answer = (struct buf){ 0 };
	join->text[0] = '\0';
	task_post(io_loop_executor(peers->bulk_loop), &join->task, join_begin);
}

static void join_ask(struct peers_conn *conn)
{
	struct peer_frame frame = { .type = PEER_ASK };

	frame.payload = conn->join->ask;
	peer_link_send(&conn->core, peers_conn_now(conn), &frame);
	peers_conn_flush(conn);
}

static void join_answered(struct peers_conn *conn, struct slice answer)
{
	struct peers_join *join = conn->join;

	conn->join = NULL;
	buf_add_slice(&join->answer, answer);
	join_finish(join, ERR_NONE, "");
	peers_conn_end(conn, "answered");
}

/* ---- the member ---- */

struct asked {
	struct peers_asked asked;
	struct peers *peers;
	struct peers_conn *conn; /* NULL: gone */
	struct buf ask;
	struct buf answer;
	bool refused;
	struct task task;
};

static void asked_begin(struct peers_conn *conn, struct slice ask)
{
	struct peers *peers = conn->side->peers;
	const struct peers_hooks *hooks = &peers->options.hooks;
	struct asked *asked = mem_zalloc(1, sizeof(*asked));

	asked->peers = peers;
	asked->conn = conn;
	conn->asked = asked;
	peers->asked++;
	buf_add_slice(&asked->ask, ask);
	asked->asked.key_hash = conn->key;
	asked->asked.addr = *io_stream_peer(conn->stream);
	asked->asked.ask = buf_slice(&asked->ask);
	hooks->ask(hooks->arg, &asked->asked);
}

static void asked_tell(struct asked *asked)
{
	struct peer_frame frame = { .type = PEER_ANSWER };
	struct peers_conn *conn = asked->conn;

	conn->asked = NULL;
	frame.payload = buf_slice(&asked->answer);
	if (asked->refused)
		peer_link_refuse(&conn->core, buf_cstr(&asked->answer));
	else
		peer_link_send(&conn->core, peers_conn_now(conn), &frame);
	peers_conn_end(conn, "answered");
}

static void asked_end(struct task *task)
{
	struct asked *asked = container_of(task, struct asked, task);
	struct peers *peers = asked->peers;

	if (asked->conn)
		asked_tell(asked);
	buf_fini(&asked->ask);
	buf_fini(&asked->answer);
	mem_free(asked);
	peers->asked--;
	peers_side_check(&peers->bulk);
}

static void asked_answer(struct peers *peers, struct peers_asked *pub,
			 struct slice answer, bool refused)
{
	struct asked *asked = container_of(pub, struct asked, asked);

	MUST(answer.len <= PEER_ANSWER_MAX);
	buf_add_slice(&asked->answer, answer);
	asked->refused = refused;
	task_post(io_loop_executor(peers->bulk_loop), &asked->task, asked_end);
}

void peers_answer(struct peers *peers, struct peers_asked *asked,
		  struct slice answer)
{
	asked_answer(peers, asked, answer, false);
}

void peers_refuse(struct peers *peers, struct peers_asked *asked,
		  const char *text)
{
	asked_answer(peers, asked, slice_str(text), true);
}

/* ---- events of the link ---- */

void peers_join_up(struct peers_conn *conn)
{
	timer_set(io_loop_timers(conn->side->loop), &conn->deadline,
		  PEERS_JOIN_MS);
	if (conn->join)
		join_ask(conn);
}

void peers_join_frame(struct peers_conn *conn, const struct peer_frame *frame)
{
	if (conn->join)
		join_answered(conn, frame->payload);
	else if (conn->asked)
		peers_conn_end(conn, "a joiner asks twice");
	else
		asked_begin(conn, frame->payload);
}

void peers_join_down(struct peers_conn *conn)
{
	struct peers_join *join = conn->join;

	conn->join = NULL;
	if (conn->asked)
		conn->asked->conn = NULL;
	conn->asked = NULL;
	if (!conn->dials && conn->up)
		conn->side->joins--;
	if (join)
		join_finish(join, ERR_UNAVAILABLE, conn->why);
}
