/*
 * Uploads: octets go to the body writer, to the other replicas if there are
 * any (courier_spread.h), and through the MIME parser.
 *
 * Happy path: octets wait until the hold is known, then flow to body_write as
 * far as it has room; at the end the structure is encoded and the body is
 * asked to be durable.
 *
 * Failures: a body that cannot be stored shows at the end, in the result. An
 * upload that nobody wants any more aborts its write and frees itself when
 * the store has let go of it. With other replicas the own disk is one of many:
 * if it fails, or falls too far behind, a majority of the others will do.
 */
#include "server/upload.h"

#include "base/arena.h"
#include "base/mem.h"
#include "base/panic.h"
#include "mail/mime.h"
#include "mail/structure.h"
#include "server/courier_spread.h"

struct upload {
	struct body_store *bodies;
	unsigned *live;
	struct executor *home;
	upload_event *event;
	void *arg;
	struct body_write write;
	bool begun;         /* the hold is known */
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

	struct courier *courier; /* NULL: this node is the only one */
	uint64_t alone_id;       /* then: its raft id */
	struct courier_targets *targets;
	struct spread *spread;    /* from upload_set_hold on */
	bool elsewhere;           /* this node has no replica */
	struct sha256_state *sha; /* then: what the others must say */
	uint64_t size;
	bool decided;
	struct spread_verdict verdict;
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
	if (upload->sha)
		sha256_free(&upload->sha);
	arena_fini(&upload->arena);
	buf_fini(&upload->waiting);
	buf_fini(&upload->structure);
	mem_free(upload->targets);
	mem_free(upload);
}

/* ---- many replicas ---- */

/* A majority has it, or never will: the end, which is told once. */
static void decide(struct upload *upload)
{
	struct sha256 own;

	upload->decided = spread_decide(upload->spread, &upload->verdict);
	if (!upload->decided || !upload->elsewhere || upload->verdict.err)
		return;
	sha256_finish(&upload->sha, &own);
	/* They agree, but on something else than what was sent. */
	if (!sha256_eq(&own, &upload->verdict.hash))
		upload->verdict.err = ERR_UNAVAILABLE;
}

static void spread_moved(void *arg)
{
	struct upload *upload = arg;

	if (upload->last && !upload->decided) {
		decide(upload);
		if (upload->decided)
			upload->event(upload, upload->arg);
		return;
	}
	if (!upload->starved || spread_lag(upload->spread) > SPREAD_ROOM)
		return;
	upload->starved = false;
	upload->event(upload, upload->arg);
}

static void tell_local(struct upload *upload)
{
	struct spread_local *local = spread_local(upload->spread);

	if (local->state == SPREAD_FAILED)
		return; /* it was left behind */
	local->lag = upload->waiting.len;
	if (!upload->finished)
		return;
	local->state = upload->write.err ? SPREAD_FAILED : SPREAD_DURABLE;
	local->err = upload->write.err;
	local->hash = upload->write.hash;
}

/* ---- this node's disk ---- */

static void write_done(struct body_write *write)
{
	struct upload *upload = write->owner;

	upload->finished = true;
	if (upload->courier && !write->err)
		courier_tell_came(upload->courier, &write->hash);
	if (upload->orphan) {
		destroy(upload);
	} else if (upload->spread) {
		tell_local(upload);
		spread_moved(upload);
	} else {
		upload->event(upload, upload->arg);
	}
}

/* It would cost too much memory to wait for it: the others have to do. */
static void leave_local(struct upload *upload)
{
	struct spread_local *local = spread_local(upload->spread);

	local->state = SPREAD_FAILED;
	local->err = ERR_BUSY;
	buf_fini(&upload->waiting);
	upload->ending = true;
	body_write_abort(&upload->write, write_done);
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
	if (upload->spread && upload->waiting.len > SPREAD_BEHIND_MAX)
		leave_local(upload);
	if (upload->waiting.len || !upload->last || upload->ending)
		return;
	buf_fini(&upload->waiting);
	upload->ending = true;
	body_write_finish(&upload->write, write_done);
}

static void write_ready(struct body_write *write)
{
	struct upload *upload = write->owner;

	pump(upload);
	if (upload->orphan)
		return;
	if (upload->spread) {
		tell_local(upload);
		spread_moved(upload);
		return;
	}
	if (!upload->starved || upload->waiting.len)
		return;
	upload->starved = false;
	upload->event(upload, upload->arg);
}

/* ---- what the owner calls ---- */

void upload_spread(struct upload *upload, struct courier *courier,
		   const struct courier_targets *targets)
{
	MUST(!upload->begun && !upload->courier);
	if (courier_is_alone(targets)) {
		upload->alone_id = targets->at[0].raft_id;
		return;
	}
	upload->courier = courier;
	upload->targets = mem_zalloc(1, sizeof(*targets));
	*upload->targets = *targets;
	upload->elsewhere = true;
	for (unsigned i = 0; i < targets->count; i++)
		upload->elsewhere &= !targets->at[i].local;
}

static void spread_begin(struct upload *upload, const struct body_hold *hold)
{
	upload->spread =
		spread_new(upload->courier, hold, upload->targets, upload->live,
			   upload->home, spread_moved, upload);
	if (upload->elsewhere)
		upload->sha = sha256_new();
}

/* Octets that are not to wait for the hold any more, to the others. */
static void spread_octets(struct upload *upload, struct slice octets)
{
	if (upload->sha)
		sha256_add(upload->sha, octets);
	spread_add(upload->spread, octets);
}

static bool is_starved(struct upload *upload)
{
	if (upload->spread)
		return spread_lag(upload->spread) > SPREAD_ROOM;
	return upload->waiting.len > 0;
}

/* The owner stands in a callback of its own: it is not called from here. */
void upload_set_hold(struct upload *upload, const struct body_hold *hold)
{
	MUST(!upload->begun);
	upload->begun = true;
	if (upload->courier) {
		spread_begin(upload, hold);
		spread_octets(upload, buf_slice(&upload->waiting));
		if (upload->last)
			spread_finish(upload->spread);
	}
	if (upload->elsewhere) {
		buf_fini(&upload->waiting);
		upload->starved = false;
		return;
	}
	upload->writing = true;
	upload->write.home = upload->home;
	upload->write.owner = upload;
	upload->write.hold = *hold;
	body_write_begin(upload->bodies, &upload->write, write_ready);
	pump(upload);
	if (upload->spread)
		tell_local(upload);
	if (!is_starved(upload))
		upload->starved = false;
}

bool upload_add(struct upload *upload, struct slice octets)
{
	MUST(!upload->last);
	mime_parser_feed(upload->mime, octets);
	upload->size += octets.len;
	if (upload->spread)
		spread_octets(upload, octets);
	if (!upload->begun || (upload->writing && !upload->ending))
		buf_add_slice(&upload->waiting, octets);
	pump(upload);
	if (upload->spread)
		tell_local(upload);
	upload->starved = is_starved(upload);
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
	if (upload->spread)
		spread_finish(upload->spread);
	pump(upload);
}

static struct upload_result result_of(const struct upload *upload)
{
	struct slice structure = buf_slice(&upload->structure);

	if (upload->spread)
		return (struct upload_result){
			.err = upload->verdict.err,
			.hash = upload->verdict.hash,
			.size = upload->size,
			.structure = structure,
		};
	return (struct upload_result){
		.err = upload->write.err,
		.hash = upload->write.hash,
		.size = upload->write.length,
		.structure = structure,
	};
}

bool upload_done(const struct upload *upload, struct upload_result *result_r)
{
	if (upload->spread ? !upload->decided : !upload->finished)
		return false;
	*result_r = result_of(upload);
	return true;
}

void upload_holders(struct upload *upload, struct courier_holders *holders_r)
{
	struct spread_verdict now;

	*holders_r = (struct courier_holders){ 0 };
	if (!upload->spread) {
		courier_holders_add(holders_r, upload->alone_id);
		return;
	}
	MUST(upload->decided && !upload->verdict.err);
	/* More may have come since. */
	*holders_r = spread_decide(upload->spread, &now) &&
				     sha256_eq(&now.hash, &upload->verdict.hash)
			     ? now.holders
			     : upload->verdict.holders;
}

void upload_free(struct upload **uploadp)
{
	struct upload *upload = *uploadp;
	bool goes_on = upload->spread && upload->last;

	*uploadp = NULL;
	if (upload->spread)
		spread_free(&upload->spread);
	if (!upload->writing || upload->finished) {
		destroy(upload);
		return;
	}
	upload->orphan = true;
	/* The others may have been enough, and this disk is only slower. */
	if (upload->ending || goes_on)
		return;
	upload->ending = true;
	body_write_abort(&upload->write, write_done);
}
