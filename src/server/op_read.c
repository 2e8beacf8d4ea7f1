/*
 * Octets of bodies for FETCH, and structures that are too large to keep.
 *
 * Both read the disk and run on a worker.
 */
#include "server/op_read.h"

#include "base/mem.h"
#include "mail/mime.h"
#include "mail/structure.h"
#include "server/imap_op.h"
#include "server/node.h"

/* ---- READ ---- */

static void read_work(struct imap_op *op)
{
	struct imap_ask_read *ask =
		container_of(op->ask, struct imap_ask_read, ask);
	struct body_piece *pieces = mem_zalloc(ask->count, sizeof(*pieces));

	for (size_t i = 0; i < ask->count; i++) {
		const struct imap_read_piece *want = &ask->pieces[i];

		pieces[i].hash = want->body;
		pieces[i].offset = want->offset;
		pieces[i].len = want->len;
		pieces[i].out = arena_alloc(ask->ask.arena, want->len);
	}
	body_read_many(op->link->loop->node->bodies, pieces, ask->count);
	for (size_t i = 0; i < ask->count; i++) {
		struct imap_read_piece *got = &ask->pieces[i];

		got->err = pieces[i].err;
		if (!got->err && pieces[i].got != got->len)
			got->err = ERR_CORRUPT;
		got->octets = slice_of(pieces[i].out, pieces[i].got);
	}
	mem_free(pieces);
}

static void read_done(struct imap_op *op)
{
	imap_op_end(op, ERR_NONE);
}

void op_read_begin(struct imap_link *link, struct imap_ask *ask)
{
	imap_op_on_pool(imap_op_new(link, ask, sizeof(struct imap_op)),
			read_work, read_done);
}

/* ---- STRUCTURE ---- */

#define STRUCTURE_CHUNK 65536 /* octets read and parsed at a time */

struct structure_op {
	struct imap_op op;
	enum err err;
};

enum err structure_of_body(struct body_store *bodies, const struct sha256 *hash,
			   struct buf *out)
{
	struct arena arena = { 0 };
	struct mime_parser *parser = mime_parser_new(&arena);
	uint8_t *chunk = mem_alloc(STRUCTURE_CHUNK);
	uint64_t offset = 0;
	size_t got = 0;
	enum err err;

	do {
		err = body_read(bodies, hash, offset, chunk, STRUCTURE_CHUNK,
				&got);
		if (err)
			break;
		mime_parser_feed(parser, slice_of(chunk, got));
		offset += got;
	} while (got == STRUCTURE_CHUNK);
	if (!err)
		err = mail_structure_encode(mime_parser_finish(parser),
					    MAIL_STRUCTURE_MAX, out);
	mem_free(chunk);
	mime_parser_free(&parser);
	arena_fini(&arena);
	return err;
}

static void structure_work(struct imap_op *base)
{
	struct structure_op *op = (struct structure_op *)base;
	struct imap_ask_structure *ask =
		container_of(base->ask, struct imap_ask_structure, ask);
	struct buf octets = { 0 };

	op->err = structure_of_body(base->link->loop->node->bodies, &ask->body,
				    &octets);
	if (!op->err)
		ask->structure =
			arena_slice(ask->ask.arena, buf_slice(&octets));
	buf_fini(&octets);
}

static void structure_done(struct imap_op *base)
{
	imap_op_end(base, ((struct structure_op *)base)->err);
}

void op_structure_begin(struct imap_link *link, struct imap_ask *ask)
{
	imap_op_on_pool(imap_op_new(link, ask, sizeof(struct structure_op)),
			structure_work, structure_done);
}
