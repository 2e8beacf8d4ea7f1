/*
 * The happy path of a walk: a header at the offset, the record behind it fits
 * into the window, all sums agree, and the next record stands behind it.
 *
 * Failures: where no record begins the walk tries the next possible place, so
 * one flipped bit hides one body and not those behind it. Because a message
 * could contain what looks like a record, its SHA-256 is computed as well: what
 * is found has the octets that its name says, whoever wrote it.
 */
#include "store/body_segment.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/panic.h"

#define WINDOW_SIZE (256u * 1024)
#define NAME_DIGITS 16
#define NAME_SUFFIX ".seg"

const char *body_segment_path(const char *dir, uint64_t segment,
			      struct buf *out)
{
	buf_clear(out);
	buf_printf(out, "%s/%016" PRIx64 NAME_SUFFIX, dir, segment);
	return buf_cstr(out);
}

static bool digit_value(char c, uint64_t *value_r)
{
	if (c >= '0' && c <= '9')
		*value_r = (uint64_t)(c - '0');
	else if (c >= 'a' && c <= 'f')
		*value_r = (uint64_t)(c - 'a') + 10;
	else
		return false;
	return true;
}

bool body_segment_number(const char *name, uint64_t *segment_r)
{
	uint64_t segment = 0;
	uint64_t digit;

	if (strlen(name) != NAME_DIGITS + strlen(NAME_SUFFIX) ||
	    strcmp(name + NAME_DIGITS, NAME_SUFFIX) != 0)
		return false;
	for (unsigned i = 0; i < NAME_DIGITS; i++) {
		if (!digit_value(name[i], &digit))
			return false;
		segment = segment << 4 | digit;
	}
	*segment_r = segment;
	return true;
}

enum err body_directory_make(struct disk *disk, const char *path)
{
	enum err err = disk->mkdir(disk, path);
	struct buf parent = { 0 };
	size_t len = strlen(path);

	if (err == ERR_EXISTS)
		return ERR_NONE;
	if (err != ERR_NONE)
		return err;
	while (len > 1 && path[len - 1] != '/')
		len--;
	buf_add(&parent, path, len);
	if (path[len - 1] != '/')
		buf_clear(&parent);
	else if (len > 1)
		parent.len--;
	err = disk->sync_dir(disk, parent.len > 0 ? buf_cstr(&parent) : ".");
	buf_fini(&parent);
	return err;
}

enum err body_walk_init(struct body_walk *walk, struct disk *disk, int fd,
			uint64_t segment, uint64_t offset)
{
	*walk = (struct body_walk){
		.disk = disk,
		.fd = fd,
		.segment = segment,
		.offset = body_align(offset),
		.end = offset,
	};
	return disk->size(disk, fd, &walk->size);
}

void body_walk_fini(struct body_walk *walk)
{
	buf_fini(&walk->window);
}

/* `len` octets from `offset`; false with ERR_NONE: the file ends before. */
static bool window_get(struct body_walk *walk, uint64_t offset, size_t len,
		       struct slice *octets_r, enum err *err_r)
{
	uint64_t left = walk->size - offset;
	size_t size = left < WINDOW_SIZE ? (size_t)left : WINDOW_SIZE;

	MUST(len <= WINDOW_SIZE);
	*err_r = ERR_NONE;
	if (offset > walk->size || len > left)
		return false;
	if (offset < walk->window_at ||
	    offset + len > walk->window_at + walk->window.len) {
		buf_clear(&walk->window);
		*err_r = walk->disk->read(walk->disk, walk->fd, offset,
					  buf_reserve(&walk->window, size),
					  size);
		if (*err_r != ERR_NONE)
			return false;
		walk->window.len = size;
		walk->window_at = offset;
	}
	*octets_r = slice_from(buf_slice(&walk->window),
			       (size_t)(offset - walk->window_at));
	*octets_r = slice_first(*octets_r, len);
	return true;
}

static bool name_fits(const struct body_record *record, struct slice octets)
{
	struct sha256 hash;

	/* What a codec has changed is named by what comes out of it. */
	if (record->kind == BODY_KIND_HOLD || record->codec != BODY_CODEC_NONE)
		return true;
	sha256(octets, &hash);
	return sha256_eq(&hash, &record->hash);
}

/* Completes a record of a shared segment; false: it is none. */
static bool shared_get(struct body_walk *walk, struct body_record *record,
		       struct slice *octets_r, enum err *err_r)
{
	size_t stored = (size_t)record->stored;
	size_t tail = (size_t)body_tail_size(stored);
	struct slice all;
	struct slice octets;
	struct slice sums;

	if (!window_get(walk, body_octets_at(record), stored + tail, &all,
			err_r))
		return false;
	octets = slice_first(all, stored);
	sums = slice_first(slice_from(all, stored), tail - BODY_TRAILER_SIZE);
	if (body_trailer_decode(slice_from(all, stored), record) != ERR_NONE ||
	    !body_sums_match(octets, sums) || !name_fits(record, octets))
		return false;
	*octets_r = octets;
	return true;
}

/* ---- streams ---- */

static bool stream_octets_fit(struct body_walk *walk,
			      const struct body_record *record,
			      struct slice sums, enum err *err_r)
{
	struct sha256_state *state = sha256_new();
	uint64_t at = body_octets_at(record);
	uint64_t left = record->stored;
	struct sha256 hash;
	bool fit = true;

	while (fit && left > 0) {
		size_t len = left < BODY_CHUNK ? (size_t)left : BODY_CHUNK;
		size_t sum_len = (size_t)body_block_count(len) * BODY_SUM_SIZE;
		struct slice octets;

		fit = window_get(walk, at, len, &octets, err_r) &&
		      body_sums_match(octets, slice_first(sums, sum_len));
		if (!fit)
			break;
		sha256_add(state, octets);
		sums = slice_from(sums, sum_len);
		at += len;
		left -= len;
	}
	sha256_finish(&state, &hash);
	return fit && (record->codec != BODY_CODEC_NONE ||
		       sha256_eq(&hash, &record->hash));
}

static bool stream_get(struct body_walk *walk, struct body_record *record,
		       enum err *err_r)
{
	struct disk *disk = walk->disk;
	struct buf tail = { 0 };
	bool fits = false;
	size_t len;

	*err_r = ERR_NONE;
	if (record->offset != 0 ||
	    !body_stream_stored(walk->size, &record->stored))
		return false;
	len = (size_t)body_tail_size(record->stored);
	*err_r = disk->read(disk, walk->fd,
			    body_octets_at(record) + record->stored,
			    buf_reserve(&tail, len), len);
	tail.len = len;
	if (*err_r == ERR_NONE)
		fits = body_trailer_decode(buf_slice(&tail), record) ==
			       ERR_NONE &&
		       stream_octets_fit(walk, record,
					 slice_first(buf_slice(&tail),
						     len - BODY_TRAILER_SIZE),
					 err_r);
	buf_fini(&tail);
	return fits;
}

/* ---- walking ---- */

static bool record_get(struct body_walk *walk, struct body_record *record,
		       struct slice *octets_r, enum err *err_r)
{
	if (record->kind == BODY_KIND_STREAM)
		return stream_get(walk, record, err_r);
	return shared_get(walk, record, octets_r, err_r);
}

static void walk_behind(struct body_walk *walk,
			const struct body_record *record)
{
	walk->end = record->offset + body_record_size(record->stored);
	if (walk->end > walk->size)
		walk->end = walk->size; /* a stream is not filled up */
	walk->offset =
		record->kind == BODY_KIND_STREAM ? walk->size : walk->end;
}

enum err body_walk_next(struct body_walk *walk, struct body_record *record_r,
			struct slice *octets_r)
{
	struct slice header;
	enum err err;

	*octets_r = SLICE_NONE;
	while (window_get(walk, walk->offset, BODY_HEADER_SIZE, &header,
			  &err)) {
		err = body_header_decode(header, walk->segment, walk->offset,
					 record_r);
		if (err == ERR_VERSION)
			return err;
		if (err == ERR_NONE &&
		    record_get(walk, record_r, octets_r, &err)) {
			walk_behind(walk, record_r);
			return ERR_NONE;
		}
		if (err == ERR_IO)
			return err;
		walk->offset += BODY_ALIGN;
	}
	return err == ERR_NONE ? ERR_END : err;
}
