/*
 * Output of a connection that the kernel has not taken: copies, borrowed
 * memory and ranges of files, in the order of writing. No I/O but reading files
 * into records; no callbacks but releases. For this folder only.
 */
#ifndef IO_OUTQ_H
#define IO_OUTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/err.h"
#include "base/list.h"
#include "base/slice.h"
#include "io/stream.h"

/* Copies are collected in pieces of this size: one TLS record. */
#define OUTQ_PIECE_SIZE (16 * 1024)

/* Borrowed memory up to this size is copied: a piece costs 72 octets. */
#define OUTQ_COPY_MAX 512

struct outq {
	struct list pieces;
	uint64_t queued; /* octets in all pieces */
};

void outq_init(struct outq *q);

/* Releases everything, sent or not. */
void outq_fini(struct outq *q);

void outq_copy(struct outq *q, struct slice data);
void outq_hold(struct outq *q, struct slice data, io_release *release,
	       void *arg);
void outq_file(struct outq *q, int fd, uint64_t offset, uint64_t len,
	       io_release *release, void *arg);

/*
 * Points `iov` at the memory in front, at most `max` octets; returns how many
 * entries are used: 0 if a file is in front or nothing.
 */
size_t outq_iov(const struct outq *q, uint64_t max, struct iovec *iov,
		size_t count);

/* Is a range of a file in front? If so: at most `max` octets of it. */
bool outq_front_file(const struct outq *q, uint64_t max, int *fd_r,
		     uint64_t *offset_r, size_t *len_r);

/*
 * The first octets in one run, at most `max` of them: where they stand, or
 * gathered in `scratch` (`max` octets). The same call gives the same octets
 * until outq_sent. ERR_IO: a file could not be read or is too short.
 */
must_use enum err outq_run(const struct outq *q, uint8_t *scratch, size_t max,
			   struct slice *run_r);

/* Drops `len` octets from the front and releases what is used up. */
void outq_sent(struct outq *q, uint64_t len);

#endif
