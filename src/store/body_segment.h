/*
 * Segments: files of records, and walking over what stands in one.
 *
 * A segment is written from its beginning to its end by one process and never
 * appended to by a later one. A shared segment holds records of at most
 * BODY_CHUNK octets and is preallocated; a stream segment holds one record.
 */
#ifndef STORE_BODY_SEGMENT_H
#define STORE_BODY_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/disk.h"
#include "store/body_record.h"

/* The path of a segment, as a C string in `out`. */
const char *body_segment_path(const char *dir, uint64_t segment,
			      struct buf *out);

/* The number in a name that body_segment_path made. */
bool body_segment_number(const char *name, uint64_t *segment_r);

/* Makes the directory, and its own name durable; fine if it exists. */
must_use enum err body_directory_make(struct disk *disk, const char *path);

struct body_walk {
	struct disk *disk;
	int fd;
	uint64_t segment;
	uint64_t size;   /* of the file */
	uint64_t offset; /* where the next record is looked for */
	uint64_t end;    /* behind the last record found */
	struct buf window;
	uint64_t window_at; /* offset of its first octet in the file */
};

/* `fd` is borrowed. ERR_IO. */
must_use enum err body_walk_init(struct body_walk *walk, struct disk *disk,
				 int fd, uint64_t segment, uint64_t offset);
void body_walk_fini(struct body_walk *walk);

/*
 * The next whole record: header, sums, trailer and SHA-256 fit. What lies
 * between records is passed over: filling, torn writes, rotten octets.
 *
 * `octets_r` is borrowed until the next call, and empty for a STREAM.
 *
 * ERR_END: there is none; ERR_VERSION: of a later release; ERR_IO.
 */
must_use enum err body_walk_next(struct body_walk *walk,
				 struct body_record *record_r,
				 struct slice *octets_r);

#endif
