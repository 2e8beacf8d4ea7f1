/*
 * Uploads: octets go to the body writer and through the MIME parser.
 *
 * Happy path: octets wait until the hold is known, then flow to body_write as
 * far as it has room; at the end the structure is encoded and the body is
 * asked to be durable.
 *
 * Failures: a body that cannot be stored shows at the end, in the result. An
 * upload that nobody wants any more aborts its write and frees itself when
 * the store has let go of it.
 */
#include "server/upload.h"

#include "base/arena.h"
#include "base/mem.h"
#include "base/panic.h"
#include "mail/mime.h"
#include "mail/structure.h"

struct upload {
	struct body_store *bodies;
	unsigned *live;
	struct executor *home;
	upload_event *event;
	void *arg;
	struct body_write write;
	bool writing;       /* body_write_begin was called */
	bool ending;        /* finish or abort was called */
	bool finished;      /* the writer has answered */
	bool orphan;        /* upload_free was called: nobody listens */
	bool starved;       /* upload_add has said false */
	bool last;          /* upload_finish was called */
	struct buf waiting; /* octets that the writer has not taken */
	struct arena arena;
	struct mime_parser *mime;
	struct buf structure;
};

struct upload *upload_new(struct body_store *bodies, unsigned *live,
			  struct executor *home, upload_event *event, void *arg)
{
	struct upload *upload = mem_zalloc(1, sizeof(*upload));

	__atomic_add_fetch(live, 1, __ATOMIC_SEQ_CST);
	upload->live = live;
	upload->bodies = bodies;
	upload->home = home;
	upload->event = event;
	upload->arg = arg;
	upload->mime = mime_parser_new(&upload->arena);
	return upload;
}

static void destroy(struct upload *upload)
{
	__atomic_sub_fetch(upload->live, 1, __ATOMIC_SEQ_CST);
	if (upload->mime)
		mime_parser_free(&upload->mime);
	arena_fini(&upload->arena);
	buf_fini(&upload->waiting);
	buf_fini(&upload->structure);
	mem_free(upload);
}

static void write_done(struct body_write *write)
{
	struct upload *upload = write->owner;

	upload->finished = true;
	if (upload->orphan)
		destroy(upload);
	else
		upload->event(upload, upload->arg);
}

/* Gives the writer what it takes; ends the body when all was given. */
static void pump(struct upload *upload)
{
	size_t room;

	if (!upload->writing || upload->ending)
		return;
	while (upload->waiting.len &&
	       (room = body_write_room(&upload->write)) > 0) {
		struct slice piece =
			slice_first(buf_slice(&upload->waiting), room);

		body_write_add(&upload->write, piece);
		buf_drop(&upload->waiting, piece.len);
	}
	if (upload->waiting.len || !upload->last)
		return;
	buf_fini(&upload->waiting);
	upload->ending = true;
	body_write_finish(&upload->write, write_done);
}

static void write_ready(struct body_write *write)
{
	struct upload *upload = write->owner;

	pump(upload);
	if (!upload->starved || upload->waiting.len || upload->orphan)
		return;
	upload->starved = false;
	upload->event(upload, upload->arg);
}

/* The owner stands in a callback of its own: it is not called from here. */
void upload_set_hold(struct upload *upload, const struct body_hold *hold)
{
	MUST(!upload->writing);
	upload->writing = true;
	upload->write.home = upload->home;
	upload->write.owner = upload;
	upload->write.hold = *hold;
	body_write_begin(upload->bodies, &upload->write, write_ready);
	pump(upload);
	if (upload->waiting.len == 0)
		upload->starved = false;
}

bool upload_add(struct upload *upload, struct slice octets)
{
	MUST(!upload->last);
	mime_parser_feed(upload->mime, octets);
	buf_add_slice(&upload->waiting, octets);
	pump(upload);
	upload->starved = upload->waiting.len > 0;
	return !upload->starved;
}

bool upload_is_starved(const struct upload *upload)
{
	return upload->starved;
}

void upload_finish(struct upload *upload)
{
	const struct mime_part *root;

	MUST(!upload->last);
	upload->last = true;
	root = mime_parser_finish(upload->mime);
	/* A larger one is made from the body whenever it is asked for. */
	if (mail_structure_encode(root, MAIL_STRUCTURE_CACHED_MAX,
				  &upload->structure) != ERR_NONE)
		buf_fini(&upload->structure);
	mime_parser_free(&upload->mime);
	arena_fini(&upload->arena);
	pump(upload);
}

bool upload_done(const struct upload *upload, struct upload_result *result_r)
{
	if (!upload->finished)
		return false;
	*result_r = (struct upload_result){
		.err = upload->write.err,
		.hash = upload->write.hash,
		.size = upload->write.length,
		.structure = buf_slice(&upload->structure),
	};
	return true;
}

void upload_free(struct upload **uploadp)
{
	struct upload *upload = *uploadp;

	*uploadp = NULL;
	if (!upload->writing || upload->finished) {
		destroy(upload);
		return;
	}
	upload->orphan = true;
	if (upload->ending)
		return;
	upload->ending = true;
	body_write_abort(&upload->write, write_done);
}
