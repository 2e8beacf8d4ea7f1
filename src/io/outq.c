/*
 * A list of pieces. Small writes are copied into the last piece while it has
 * room, so a burst of short answers becomes one write and one TLS record; an
 * empty queue owns no memory.
 */
#include "io/outq.h"

#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "io/sys.h"

/* The first copy of a burst: most answers are shorter. */
#define OUTQ_FIRST_SIZE 1024

struct out_piece {
	struct list link;
	const uint8_t *data; /* NULL: a file */
	int fd;
	uint64_t offset;     /* first octet not sent, in the data or the file */
	uint64_t len;        /* octets not sent */
	size_t cap;          /* room of `copy`; 0: not ours */
	io_release *release; /* NULL: nothing to do */
	void *arg;
	uint8_t copy[];
};

static struct out_piece *outq_piece(struct list *link)
{
	return LIST_ENTRY(link, struct out_piece, link);
}

static struct out_piece *outq_front(const struct outq *q)
{
	return list_empty(&q->pieces) ? NULL : outq_piece(q->pieces.next);
}

static struct out_piece *outq_add(struct outq *q, size_t cap)
{
	struct out_piece *piece = mem_alloc(sizeof(*piece) + cap);

	*piece = (struct out_piece){ .fd = -1, .cap = cap };
	list_init(&piece->link);
	list_append(&q->pieces, &piece->link);
	return piece;
}

static void outq_drop(struct out_piece *piece)
{
	list_remove(&piece->link);
	if (piece->release)
		piece->release(piece->arg);
	mem_free(piece);
}

void outq_init(struct outq *q)
{
	list_init(&q->pieces);
	q->queued = 0;
}

void outq_fini(struct outq *q)
{
	struct out_piece *piece;

	while ((piece = outq_front(q)))
		outq_drop(piece);
	q->queued = 0;
}

/* Room behind what was copied last; 0 if the last piece is no copy. */
static size_t outq_room(const struct outq *q)
{
	struct out_piece *last;

	if (list_empty(&q->pieces))
		return 0;
	last = outq_piece(q->pieces.prev);
	return last->cap == 0 ? 0 : last->cap - last->offset - last->len;
}

/* A new piece for copies: the first of a burst is small. */
static void outq_grow(struct outq *q, size_t len)
{
	bool small = list_empty(&q->pieces) && len <= OUTQ_FIRST_SIZE;
	struct out_piece *piece =
		outq_add(q, small ? OUTQ_FIRST_SIZE : OUTQ_PIECE_SIZE);

	piece->data = piece->copy;
}

void outq_copy(struct outq *q, struct slice data)
{
	while (data.len > 0) {
		struct slice part;
		struct out_piece *last;

		if (outq_room(q) == 0)
			outq_grow(q, data.len);
		part = slice_first(data, outq_room(q));
		last = outq_piece(q->pieces.prev);
		memcpy(last->copy + last->offset + last->len, part.data,
		       part.len);
		last->len += part.len;
		q->queued += part.len;
		data = slice_from(data, part.len);
	}
}

void outq_hold(struct outq *q, struct slice data, io_release *release,
	       void *arg)
{
	struct out_piece *piece;

	if (data.len <= OUTQ_COPY_MAX) {
		outq_copy(q, data);
		release(arg);
		return;
	}
	piece = outq_add(q, 0);
	piece->data = data.data;
	piece->len = data.len;
	piece->release = release;
	piece->arg = arg;
	q->queued += data.len;
}

void outq_file(struct outq *q, int fd, uint64_t offset, uint64_t len,
	       io_release *release, void *arg)
{
	struct out_piece *piece;

	if (len == 0) {
		release(arg);
		return;
	}
	piece = outq_add(q, 0);
	piece->fd = fd;
	piece->offset = offset;
	piece->len = len;
	piece->release = release;
	piece->arg = arg;
	q->queued += len;
}

static uint64_t outq_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

size_t outq_iov(const struct outq *q, uint64_t max, struct iovec *iov,
		size_t count)
{
	size_t used = 0;

	LIST_FOREACH (&q->pieces, link) {
		const struct out_piece *piece = outq_piece(link);

		if (!piece->data || used == count || max == 0)
			break;
		/* sendmsg takes what it does not change as not const */
		iov[used].iov_base =
			(void *)(uintptr_t)(piece->data + piece->offset);
		iov[used].iov_len = outq_min(piece->len, max);
		max -= iov[used++].iov_len;
	}
	return used;
}

bool outq_front_file(const struct outq *q, uint64_t max, int *fd_r,
		     uint64_t *offset_r, size_t *len_r)
{
	const struct out_piece *piece = outq_front(q);

	if (!piece || piece->data)
		return false;
	*fd_r = piece->fd;
	*offset_r = piece->offset;
	*len_r = outq_min(piece->len, max);
	return true;
}

static enum err outq_read_file(int fd, uint64_t offset, uint8_t *out,
			       size_t len)
{
	while (len > 0) {
		ssize_t got = pread(fd, out, len, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			LOG_ERROR("file to send: cannot read: %s",
				  got ? sys_text(errno) : "too short");
			return ERR_IO;
		}
		out += got;
		offset += (uint64_t)got;
		len -= (size_t)got;
	}
	return ERR_NONE;
}

static enum err outq_gather(const struct outq *q, uint8_t *scratch, size_t max,
			    struct slice *run_r)
{
	size_t len = 0;
	enum err err = ERR_NONE;

	LIST_FOREACH (&q->pieces, link) {
		const struct out_piece *piece = outq_piece(link);
		size_t part = outq_min(piece->len, max - len);

		if (part == 0)
			break;
		if (piece->data)
			memcpy(scratch + len, piece->data + piece->offset,
			       part);
		else
			err = outq_read_file(piece->fd, piece->offset,
					     scratch + len, part);
		if (err != ERR_NONE)
			return err;
		len += part;
	}
	*run_r = slice_of(scratch, len);
	return ERR_NONE;
}

enum err outq_run(const struct outq *q, uint8_t *scratch, size_t max,
		  struct slice *run_r)
{
	const struct out_piece *piece = outq_front(q);
	bool alone = piece && piece->link.next == &q->pieces;

	if (piece && piece->data && (alone || piece->len >= max)) {
		*run_r = slice_of(piece->data + piece->offset,
				  outq_min(piece->len, max));
		return ERR_NONE;
	}
	return outq_gather(q, scratch, max, run_r);
}

void outq_sent(struct outq *q, uint64_t len)
{
	MUST(len <= q->queued);
	q->queued -= len;
	while (len > 0) {
		struct out_piece *piece = outq_front(q);
		uint64_t part;

		MUST(piece);
		part = outq_min(piece->len, len);
		piece->offset += part;
		piece->len -= part;
		len -= part;
		if (piece->len == 0)
			outq_drop(piece);
	}
}
