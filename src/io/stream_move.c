/*
 * A stream goes from one loop to another.
 *
 * Happy path: its timers and hooks are taken off the old loop, libuv lets go of
 * the socket, a task carries it over, and there it is as if it had just come
 * up. The handshake and what was read stay with it.
 *
 * Failures: none; a connection that breaks on the way is found broken after.
 */
#include "base/attr.h"
#include "base/mem.h"
#include "base/panic.h"
#include "io/stream_uv.h"

struct stream_move {
	struct task task;
	struct io_stream *stream;
	struct io_loop *loop;
	const struct io_stream_ops *ops;
	void *owner;
};

static void move_arrive(struct task *task)
{
	struct stream_move *move = container_of(task, struct stream_move, task);
	struct io_stream *stream = move->stream;

	stream->loop = move->loop;
	stream->ops = move->ops;
	stream->owner = move->owner;
	stream->move = NULL;
	mem_free(move);
	stream->paused = false;
	stream->unread = stream->ssl != NULL; /* may have come before */
	stream_set_fd(stream, stream->fd);
	stream_set_open(stream);
}

void stream_move_on(struct io_stream *stream)
{
	struct stream_move *move = stream->move;

	atomic_fetch_sub(&stream->loop->load, 1);
	atomic_fetch_add(&move->loop->load, 1);
	task_post(&move->loop->executor, &move->task, move_arrive);
}

void io_stream_move(struct io_stream *stream, struct io_loop *loop,
		    const struct io_stream_ops *ops, void *owner)
{
	struct timers *timers = &stream->loop->timers;
	struct stream_move *move = mem_zalloc(1, sizeof(*move));

	MUST(stream->state == STREAM_OPEN && stream->is_up);
	MUST(stream->out.queued == 0 && !stream->upgrade);
	move->stream = stream;
	move->loop = loop;
	move->ops = ops;
	move->owner = owner;
	stream->move = move;
	stream->state = STREAM_MOVING;
	stream->idle_ms = 0;
	timer_stop(timers, &stream->idle_timer);
	timer_stop(timers, &stream->work_timer);
	io_hook_cancel(&stream->flush);
	io_hook_cancel(&stream->more);
	stream_drop_poll(stream);
}
