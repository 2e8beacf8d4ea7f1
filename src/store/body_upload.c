/*
 * One upload: octets come in on the caller's loop and leave for the disk.
 *
 *   small: collect -> the writer's queue
 *   large: collect, and each full chunk flies to the pool, one at a time
 *          -> the last flight closes the segment -> the writer's queue
 *
 * The happy path of a large body never touches the writer's thread until its
 * segment is durable; there it is only made known.
 *
 * Failures: what goes wrong in a flight is kept until the end, and later octets
 * are dropped. A segment that does not become a body is removed.
 */
#include "base/fault.h"
#include "base/mem.h"
#include "base/panic.h"
#include "store/body_impl.h"

struct body_upload {
	struct body_store *store;
	struct body_write *write;
	struct sha256_state *sha; /* of what has flown; of all at the end */
	enum err err;             /* the first failure */

	/* The caller's executor. */
	struct buf fill;
	bool flying;   /* the fields below are the pool's */
	bool starved;  /* the caller waits for `ready` */
	bool ending;   /* finish was called */
	bool aborting; /* abort was called */

	/* The pool's while it flies. */
	struct buf flight;
	struct buf sums;
	struct body_record record; /* of a segment of its own */
	bool open;                 /* it has been begun */
	int fd;
	uint64_t size; /* of the segment when it is complete */
	struct task task;
};

struct slice body_upload_octets(const struct body_upload *upload)
{
	return buf_slice(&upload->fill);
}

const struct body_record *body_upload_record(const struct body_upload *upload)
{
	return upload->open ? &upload->record : NULL;
}

uint64_t body_upload_size(const struct body_upload *upload)
{
	return upload->size;
}

static void upload_free(struct body_upload **uploadp)
{
	struct body_upload *upload = *uploadp;

	*uploadp = NULL;
	if (upload->sha)
		sha256_free(&upload->sha);
	buf_fini(&upload->fill);
	buf_fini(&upload->flight);
	buf_fini(&upload->sums);
	mem_free(upload);
}

/* ---- the end of it ---- */

static void write_answer(struct task *task)
{
	struct body_write *write = container_of(task, struct body_write, task);

	upload_free(&write->upload);
	write->done(write);
}

void body_upload_answer(struct body_upload *upload, enum err err)
{
	struct body_write *write = upload->write;

	write->err = err;
	task_post(write->home, &write->task, write_answer);
}

static void upload_queue(struct body_upload *upload)
{
	struct body_store *store = upload->store;

	body_lock(store);
	list_append(&store->writes, &upload->write->link);
	body_writer_wake(store);
	body_unlock(store);
}

/* The digest is complete: is it the one that was asked for? */
static enum err upload_name(struct body_upload *upload)
{
	struct body_write *write = upload->write;

	sha256_finish(&upload->sha, &write->hash);
	if (write->expect && MUTANT("M45"))
		write->hash = *write->expect;
	if (write->expect && !sha256_eq(write->expect, &write->hash))
		return ERR_INVALID;
	return ERR_NONE;
}

/* ---- a segment of its own: on the pool ---- */

static enum err stream_open(struct body_upload *upload)
{
	struct body_store *store = upload->store;
	struct disk *disk = store->disk;
	struct buf path = { 0 };
	uint64_t segment = atomic_fetch_add(&store->next_segment, 1);
	enum err err =
		disk->open(disk, body_segment_path(store->path, segment, &path),
			   DISK_NEW, &upload->fd);

	buf_fini(&path);
	if (err != ERR_NONE)
		return err;
	upload->open = true;
	upload->record = (struct body_record){
		.kind = BODY_KIND_STREAM,
		.codec = BODY_CODEC_NONE,
		.segment = segment,
		.hold = upload->write->hold,
	};
	return ERR_NONE;
}

static enum err stream_header(struct body_upload *upload)
{
	struct disk *disk = upload->store->disk;
	struct buf header = { 0 };
	struct slice octets;
	enum err err;

	body_header_encode(&upload->record, &header);
	octets = buf_slice(&header);
	err = disk->write(disk, upload->fd, 0, &octets, 1);
	buf_fini(&header);
	return err;
}

static enum err stream_write(struct body_upload *upload)
{
	struct disk *disk = upload->store->disk;
	struct slice octets = buf_slice(&upload->flight);
	uint64_t at = BODY_HEADER_SIZE + upload->record.stored;
	enum err err;

	if (upload->record.stored + octets.len > BODY_MAX)
		return ERR_TOO_BIG;
	err = disk->write(disk, upload->fd, at, &octets, 1);
	if (err != ERR_NONE)
		return err;
	body_sums_encode(octets, &upload->sums);
	sha256_add(upload->sha, octets);
	upload->record.stored += octets.len;
	return ERR_NONE;
}

/* Carries out what is in `flight`; the file exists from the first one on. */
static void flight_land(struct body_upload *upload)
{
	enum err err = upload->err;

	if (err == ERR_NONE)
		err = body_store_room(upload->store, upload->flight.len);
	if (err == ERR_NONE && !upload->open) {
		err = stream_open(upload);
		if (err == ERR_NONE)
			err = stream_header(upload);
	}
	if (err == ERR_NONE && upload->flight.len > 0)
		err = stream_write(upload);
	if (err != upload->err)
		upload->err = body_store_error(upload->store, err);
	buf_clear(&upload->flight);
}

static enum err stream_trailer(struct body_upload *upload)
{
	struct disk *disk = upload->store->disk;
	struct body_record *record = &upload->record;
	struct slice sums = buf_slice(&upload->sums);
	struct buf trailer = { 0 };
	enum err err;

	record->length = record->stored;
	record->hash = upload->write->hash;
	body_trailer_encode(record, sums, &trailer);
	err = disk->write(disk, upload->fd,
			  body_octets_at(record) + record->stored,
			  (struct slice[]){ sums, buf_slice(&trailer) }, 2);
	upload->size = body_octets_at(record) + record->stored + sums.len +
		       trailer.len;
	buf_fini(&trailer);
	return err;
}

static enum err stream_complete(struct body_upload *upload)
{
	struct disk *disk = upload->store->disk;
	enum err err = stream_trailer(upload);

	CRASH_POINT("body_stream_before_sync");
	if (err == ERR_NONE)
		err = disk->sync(disk, upload->fd);
	CRASH_POINT("body_stream_before_dir_sync");
	if (err == ERR_NONE)
		err = disk->sync_dir(disk, upload->store->path);
	return body_store_error(upload->store, err);
}

/* After a failure or an abort: nothing is left. */
static void stream_drop(struct body_upload *upload)
{
	if (!upload->open)
		return;
	upload->open = false;
	body_segment_remove(upload->store, upload->record.segment);
}

static void last_run(struct task *task)
{
	struct body_upload *upload =
		container_of(task, struct body_upload, task);
	struct body_store *store = upload->store;

	flight_land(upload);
	if (upload->err == ERR_NONE)
		upload->err = upload_name(upload);
	if (upload->err == ERR_NONE)
		upload->err = stream_complete(upload);
	if (upload->open)
		store->disk->close(store->disk, upload->fd);
	if (upload->err == ERR_NONE) {
		upload_queue(upload);
		return;
	}
	stream_drop(upload);
	body_upload_answer(upload, upload->err);
}

static void abort_run(struct task *task)
{
	struct body_upload *upload =
		container_of(task, struct body_upload, task);
	struct body_store *store = upload->store;

	if (upload->open)
		store->disk->close(store->disk, upload->fd);
	stream_drop(upload);
	body_upload_answer(upload, ERR_CANCELLED);
}

/* ---- flights, seen from the caller's executor ---- */

static void flight_landed(struct task *task);

static void flight_run(struct task *task)
{
	struct body_upload *upload =
		container_of(task, struct body_upload, task);

	flight_land(upload);
	task_post(upload->write->home, task, flight_landed);
}

static void flight_start(struct body_upload *upload, task_run *run)
{
	struct buf empty = upload->flight;

	MUST(!upload->flying);
	upload->flying = true;
	upload->flight = upload->fill;
	upload->fill = empty;
	task_post(upload->store->pool, &upload->task, run);
}

/* A body is large once it has flown or its file exists. */
static bool is_large(const struct body_upload *upload)
{
	return upload->flying || upload->open || upload->err != ERR_NONE;
}

static void flight_landed(struct task *task)
{
	struct body_upload *upload =
		container_of(task, struct body_upload, task);

	upload->flying = false;
	if (upload->aborting || upload->ending) {
		flight_start(upload, upload->aborting ? abort_run : last_run);
		return;
	}
	if (upload->fill.len == BODY_CHUNK)
		flight_start(upload, flight_run);
	if (!upload->starved)
		return;
	upload->starved = false;
	upload->write->ready(upload->write);
}

/* ---- what the caller calls ---- */

void body_write_begin(struct body_store *store, struct body_write *write,
		      body_write_event *ready)
{
	struct body_upload *upload = mem_zalloc(1, sizeof(*upload));

	upload->store = store;
	upload->write = write;
	upload->sha = sha256_new();
	write->store = store;
	write->upload = upload;
	write->ready = ready;
	write->length = 0;
	list_init(&write->link);
}

size_t body_write_room(const struct body_write *write)
{
	const struct body_upload *upload = write->upload;
	size_t room = BODY_CHUNK - upload->fill.len;

	return upload->flying ? room : room + BODY_CHUNK;
}

void body_write_add(struct body_write *write, struct slice octets)
{
	struct body_upload *upload = write->upload;

	MUST(!upload->ending && !upload->aborting);
	MUST(octets.len <= body_write_room(write));
	write->length += octets.len;
	while (octets.len > 0) {
		size_t room = BODY_CHUNK - upload->fill.len;
		struct slice piece = slice_first(octets, room);

		if (room == 0) {
			flight_start(upload, flight_run);
			continue;
		}
		buf_add_slice(&upload->fill, piece);
		octets = slice_from(octets, piece.len);
	}
	upload->starved = body_write_room(write) == 0;
}

void body_write_finish(struct body_write *write, body_write_event *done)
{
	struct body_upload *upload = write->upload;
	enum err err;

	MUST(!upload->ending && !upload->aborting);
	upload->ending = true;
	write->done = done;
	if (upload->flying)
		return; /* flight_landed goes on */
	if (is_large(upload)) {
		flight_start(upload, last_run);
		return;
	}
	sha256_add(upload->sha, buf_slice(&upload->fill));
	err = upload_name(upload);
	if (err == ERR_NONE)
		upload_queue(upload);
	else
		body_upload_answer(upload, err);
}

void body_write_abort(struct body_write *write, body_write_event *done)
{
	struct body_upload *upload = write->upload;

	MUST(!upload->ending && !upload->aborting);
	upload->aborting = true;
	write->done = done;
	if (!upload->flying)
		flight_start(upload, abort_run);
}
