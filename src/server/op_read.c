/*
 * Octets of bodies for FETCH, and structures that are too large to keep.
 *
 * Both read the disk and run on a worker. A body that is not on this node, or
 * is damaged here, is fetched from another replica first (courier.h); what
 * nobody has stays ERR_MISSING_BODY.
 */
#include "server/op_read.h"

#include "base/mem.h"
#include "mail/mime.h"
#include "mail/structure.h"
#include "server/imap_op.h"
#include "server/node.h"

/* ---- READ ---- */

/*
 * PIECES (worker) -> done; or some bodies are not here, or damaged: FETCH them,
 * all at once -> PIECES that failed (worker) -> done
 */
struct read_op {
	struct imap_op op;
	struct courier_fetch *fetches; /* one a body; NULL: none were tried */
	size_t fetching;
	bool *damaged; /* of the pieces, at the first reading */
};

static struct imap_ask_read *read_ask(struct imap_op *op)
{
	return container_of(op->ask, struct imap_ask_read, ask);
}

static void give_piece(const struct body_piece *piece,
		       struct imap_read_piece *to)
{
	to->err = piece->err;
	if (!to->err && piece->got != to->len)
		to->err = ERR_CORRUPT;
	to->octets = slice_of(piece->out, piece->got);
}

static void read_work(struct imap_op *base)
{
	struct read_op *op = (struct read_op *)base;
	struct imap_ask_read *ask = read_ask(base);
	struct body_piece *pieces = mem_zalloc(ask->count, sizeof(*pieces));
	size_t count = 0;

	for (size_t i = 0; i < ask->count; i++) {
		const struct imap_read_piece *want = &ask->pieces[i];

		if (op->fetches && !courier_can_fetch(want->err))
			continue;
		pieces[count].hash = want->body;
		pieces[count].offset = want->offset;
		pieces[count].len = want->len;
		pieces[count].out = arena_alloc(ask->ask.arena, want->len);
		count++;
	}
	body_read_many(base->link->loop->node->bodies, pieces, count);
	count = 0;
	for (size_t i = 0; i < ask->count; i++)
		if (!op->fetches || courier_can_fetch(ask->pieces[i].err))
			give_piece(&pieces[count++], &ask->pieces[i]);
	mem_free(pieces);
}

/*
 * The store has forgotten what it found damaged; if nobody else has it, that is
 * what the client is told.
 */
static void read_again_done(struct imap_op *base)
{
	struct read_op *op = (struct read_op *)base;
	struct imap_ask_read *ask = read_ask(base);

	for (size_t i = 0; i < ask->count; i++)
		if (op->damaged[i] && ask->pieces[i].err == ERR_MISSING_BODY)
			ask->pieces[i].err = ERR_CORRUPT;
	imap_op_end(base, ERR_NONE);
}

/* What could not be fetched now is another thing than what is lost. */
static void note_failure(struct imap_op *op, const struct courier_fetch *fetch)
{
	struct imap_ask_read *ask = read_ask(op);

	if (!fetch->err || courier_can_fetch(fetch->err))
		return;
	for (size_t i = 0; i < ask->count; i++)
		if (courier_can_fetch(ask->pieces[i].err) &&
		    sha256_eq(&ask->pieces[i].body, &fetch->hash))
			ask->pieces[i].err = ERR_UNAVAILABLE;
}

static void read_fetched(struct courier_fetch *fetch)
{
	struct read_op *op = fetch->owner;

	note_failure(&op->op, fetch);
	if (--op->fetching == 0)
		imap_op_on_pool(&op->op, read_work, read_again_done);
}

static bool is_fetching(const struct read_op *op, const struct sha256 *hash)
{
	for (size_t i = 0; i < op->fetching; i++)
		if (sha256_eq(&op->fetches[i].hash, hash))
			return true;
	return false;
}

static void read_fetch(struct read_op *op)
{
	struct imap_link *link = op->op.link;
	struct imap_ask_read *ask = read_ask(&op->op);

	op->fetches =
		arena_zalloc(ask->ask.arena, ask->count, sizeof(*op->fetches));
	op->damaged =
		arena_zalloc(ask->ask.arena, ask->count, sizeof(*op->damaged));
	for (size_t i = 0; i < ask->count; i++) {
		struct courier_fetch *fetch = &op->fetches[op->fetching];

		op->damaged[i] = ask->pieces[i].err == ERR_CORRUPT;
		if (!courier_can_fetch(ask->pieces[i].err) ||
		    is_fetching(op, &ask->pieces[i].body))
			continue;
		fetch->home = link->loop->executor;
		fetch->owner = op;
		fetch->hash = ask->pieces[i].body;
		fetch->group = link->mailbox_group;
		op->fetching++;
	}
	/* Answers come from later turns: `fetching` stands still meanwhile. */
	for (size_t i = 0, count = op->fetching; i < count; i++)
		courier_fetch(link->loop->node->courier, &op->fetches[i],
			      read_fetched);
}

static void read_done(struct imap_op *base)
{
	const struct imap_ask_read *ask = read_ask(base);

	for (size_t i = 0; i < ask->count; i++)
		if (courier_can_fetch(ask->pieces[i].err)) {
			read_fetch((struct read_op *)base);
			return;
		}
	imap_op_end(base, ERR_NONE);
}

void op_read_begin(struct imap_link *link, struct imap_ask *ask)
{
	imap_op_on_pool(imap_op_new(link, ask, sizeof(struct read_op)),
			read_work, read_done);
}

/* ---- STRUCTURE ---- */

#define STRUCTURE_CHUNK 65536 /* octets read and parsed at a time */

struct structure_op {
	struct imap_op op;
	struct courier_fetch fetch;
	bool fetched; /* or tried */
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

static void structure_done(struct imap_op *base);

static void structure_fetched(struct courier_fetch *fetch)
{
	struct structure_op *op = fetch->owner;

	if (fetch->err)
		imap_op_end(&op->op, fetch->err);
	else
		imap_op_on_pool(&op->op, structure_work, structure_done);
}

static void structure_done(struct imap_op *base)
{
	struct structure_op *op = (struct structure_op *)base;
	struct imap_ask_structure *ask =
		container_of(base->ask, struct imap_ask_structure, ask);

	if (op->fetched || !courier_can_fetch(op->err)) {
		imap_op_end(base, op->err);
		return;
	}
	op->fetched = true;
	op->fetch = (struct courier_fetch){
		.home = base->link->loop->executor,
		.owner = op,
		.hash = ask->body,
		.group = base->link->mailbox_group,
	};
	courier_fetch(base->link->loop->node->courier, &op->fetch,
		      structure_fetched);
}

void op_structure_begin(struct imap_link *link, struct imap_ask *ask)
{
	imap_op_on_pool(imap_op_new(link, ask, sizeof(struct structure_op)),
			structure_work, structure_done);
}
