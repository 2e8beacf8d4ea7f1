/*
 * Reading bodies: by blocks with a checksum each.
 *
 * The happy path of a small body is one read: its octets and the sums behind
 * them. Of a large one, the blocks that are wanted and their sums.
 *
 * Failures: a segment that is gone means that the body has moved since it was
 * located, so it is located again. A block that does not fit its sum is read
 * once more, since memory and buses flip bits too, then the body is forgotten.
 */
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "store/body_impl.h"

/* Octets read at once: blocks, and the sums of a small body. */
#define READ_MAX BODY_CHUNK
#define SCRATCH_SIZE (READ_MAX + READ_MAX / BODY_BLOCK * BODY_SUM_SIZE)

/* A body moves once in a sweep: more often is a bug. */
#define LOCATE_TRIES 8

/* One body being read. */
struct reading {
	struct body_store *store;
	const struct sha256 *hash;
	struct body_place place;
	struct body_file *file;
	uint8_t *scratch; /* SCRATCH_SIZE */
};

static enum err reading_open(struct reading *reading, struct body_store *store,
			     const struct sha256 *hash, uint8_t *scratch)
{
	enum err err = ERR_NOTFOUND;

	*reading = (struct reading){
		.store = store,
		.hash = hash,
		.scratch = scratch,
	};
	for (unsigned i = 0; i < LOCATE_TRIES && err == ERR_NOTFOUND; i++) {
		err = body_locate(store, hash, &reading->place);
		if (err != ERR_NONE)
			return err;
		if (reading->place.codec != BODY_CODEC_NONE)
			return ERR_VERSION;
		err = body_files_get(&store->files, reading->place.segment,
				     &reading->file);
	}
	if (err != ERR_NOTFOUND)
		return err;
	body_report_damage(store, hash, &reading->place);
	return ERR_CORRUPT; /* the index names a segment that is not there */
}

static void reading_close(struct reading *reading)
{
	body_files_put(&reading->store->files, reading->file);
}

/* Blocks [block, block + count) and their sums, in one call or two. */
static enum err blocks_get(struct reading *reading, uint64_t block,
			   uint64_t len, struct slice *octets_r,
			   struct slice *sums_r)
{
	struct disk *disk = reading->store->disk;
	const struct body_place *place = &reading->place;
	uint64_t octets_at = place->offset + BODY_HEADER_SIZE;
	uint64_t from = octets_at + block * BODY_BLOCK;
	uint64_t sums_at = octets_at + place->stored + block * BODY_SUM_SIZE;
	uint64_t sums_len = body_block_count(len) * BODY_SUM_SIZE;
	uint8_t *sums = reading->scratch + len;
	int fd = reading->file->fd;
	enum err err;

	if (from + len == octets_at + place->stored && block == 0) {
		err = disk->read(disk, fd, from, reading->scratch,
				 (size_t)(len + sums_len));
	} else {
		err = disk->read(disk, fd, from, reading->scratch, (size_t)len);
		if (err == ERR_NONE)
			err = disk->read(disk, fd, sums_at, sums,
					 (size_t)sums_len);
	}
	*octets_r = slice_of(reading->scratch, (size_t)len);
	*sums_r = slice_of(sums, (size_t)sums_len);
	return err == ERR_END ? ERR_CORRUPT : err;
}

static enum err blocks_check(struct reading *reading, uint64_t block,
			     uint64_t len, struct slice *octets_r)
{
	struct slice sums;
	enum err err = ERR_CORRUPT;

	for (unsigned i = 0; i < 2 && err == ERR_CORRUPT; i++) {
		err = blocks_get(reading, block, len, octets_r, &sums);
		if (err == ERR_NONE && !MUTANT("M45") &&
		    !body_sums_match(*octets_r, sums))
			err = ERR_CORRUPT;
	}
	return err;
}

/* The whole blocks around [offset, offset + len), at most READ_MAX octets. */
static enum err reading_step(struct reading *reading, uint64_t offset,
			     size_t len, struct slice *octets_r)
{
	uint64_t stored = reading->place.stored;
	uint64_t block = offset / BODY_BLOCK;
	uint64_t first = block * BODY_BLOCK;
	uint64_t end =
		(offset + len + BODY_BLOCK - 1) / BODY_BLOCK * BODY_BLOCK;
	enum err err;

	if (end > first + READ_MAX)
		end = first + READ_MAX;
	if (end > stored)
		end = stored;
	err = blocks_check(reading, block, end - first, octets_r);
	if (err != ERR_NONE)
		return err;
	*octets_r = slice_first(slice_from(*octets_r, (size_t)(offset - first)),
				len);
	return ERR_NONE;
}

static enum err reading_failed(struct reading *reading, enum err err)
{
	struct body_store *store = reading->store;

	if (err == ERR_IO)
		atomic_fetch_add(&store->io_errors, 1);
	if (err != ERR_CORRUPT)
		return err;
	LOG_ERROR("%s: segment %llu: the body at %llu is damaged", store->path,
		  (unsigned long long)reading->place.segment,
		  (unsigned long long)reading->place.offset);
	body_report_damage(store, reading->hash, &reading->place);
	return err;
}

static enum err piece_read(struct reading *reading, struct body_piece *piece)
{
	uint64_t length = reading->place.length;
	uint8_t *out = piece->out;
	size_t left = piece->len;
	uint64_t offset = piece->offset;

	if (offset >= length)
		return ERR_NONE;
	if (left > length - offset)
		left = (size_t)(length - offset);
	while (left > 0) {
		struct slice octets;
		enum err err = reading_step(reading, offset, left, &octets);

		if (err != ERR_NONE)
			return reading_failed(reading, err);
		memcpy(out + piece->got, octets.data, octets.len);
		piece->got += octets.len;
		offset += octets.len;
		left -= octets.len;
	}
	return ERR_NONE;
}

/* Pieces of one body share its place and its file. */
static size_t run_length(const struct body_piece *pieces, size_t count)
{
	size_t n = 1;

	while (n < count && sha256_eq(&pieces[n].hash, &pieces[0].hash))
		n++;
	return n;
}

static void run_read(struct body_store *store, struct body_piece *pieces,
		     size_t count, uint8_t *scratch)
{
	struct reading reading;
	enum err err = reading_open(&reading, store, &pieces[0].hash, scratch);

	for (size_t i = 0; i < count; i++) {
		pieces[i].got = 0;
		pieces[i].err = err != ERR_NONE
					? err
					: piece_read(&reading, &pieces[i]);
		if (pieces[i].err != ERR_NONE)
			pieces[i].got = 0;
	}
	if (err == ERR_NONE)
		reading_close(&reading);
}

void body_read_many(struct body_store *store, struct body_piece *pieces,
		    size_t count)
{
	uint8_t *scratch = mem_alloc(SCRATCH_SIZE);

	while (count > 0) {
		size_t run = run_length(pieces, count);

		run_read(store, pieces, run, scratch);
		pieces += run;
		count -= run;
	}
	mem_free(scratch);
}

enum err body_read(struct body_store *store, const struct sha256 *hash,
		   uint64_t offset, void *out, size_t len, size_t *got_r)
{
	struct body_piece piece = {
		.hash = *hash,
		.offset = offset,
		.len = len,
		.out = out,
	};

	body_read_many(store, &piece, 1);
	*got_r = piece.got;
	return piece.err;
}

enum err body_length(struct body_store *store, const struct sha256 *hash,
		     uint64_t *length_r)
{
	struct body_place place;
	enum err err = body_locate(store, hash, &place);

	*length_r = err == ERR_NONE ? place.length : 0;
	return err;
}

static enum err whole_check(struct reading *reading)
{
	struct sha256_state *state = sha256_new();
	uint64_t offset = 0;
	enum err err = ERR_NONE;
	struct sha256 hash;

	while (err == ERR_NONE && offset < reading->place.length) {
		struct slice octets = SLICE_NONE;

		err = reading_step(reading, offset, READ_MAX, &octets);
		if (err == ERR_NONE)
			sha256_add(state, octets);
		offset += octets.len;
	}
	sha256_finish(&state, &hash);
	if (err == ERR_NONE && !sha256_eq(&hash, reading->hash))
		err = ERR_CORRUPT;
	return err == ERR_NONE ? ERR_NONE : reading_failed(reading, err);
}

enum err body_check(struct body_store *store, const struct sha256 *hash)
{
	uint8_t *scratch = mem_alloc(SCRATCH_SIZE);
	struct reading reading;
	enum err err = reading_open(&reading, store, hash, scratch);

	if (err == ERR_NONE) {
		err = whole_check(&reading);
		reading_close(&reading);
	}
	mem_free(scratch);
	return err;
}
