/*
 * Files of the write-ahead log: their names and their first block.
 *
 * A file is named after the lsn of its first octet ("%016x.wal") and holds
 * `size` octets of the log; the next one begins where it ends. The first block
 * says whose it is and how far back the log is needed: a scan begins with the
 * file that holds `needed` of the newest one.
 */
#ifndef RAFT_WAL_SEGMENT_H
#define RAFT_WAL_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "raft/wal_record.h"

#define WAL_SEGMENT_MIN (64 * 1024) /* octets; a test's */
#define WAL_SEGMENT_MAX (1ull << 30)
#define WAL_SEGMENT_NAME_SIZE 21 /* with the final 0 */

struct wal_segment_head {
	uint64_t log_id; /* random, of the log's first start */
	uint64_t start;  /* lsn of octet 0; a multiple of WAL_BLOCK, not 0 */
	uint64_t size;   /* octets, this block included; such a multiple */
	uint64_t needed; /* no group needs a record below this lsn */
};

/* Appends one block. */
void wal_segment_encode(const struct wal_segment_head *head, struct buf *out);

/* ERR_CORRUPT: no such block; ERR_VERSION: of a later release. */
must_use enum err wal_segment_decode(struct slice in,
				     struct wal_segment_head *head_r);

void wal_segment_name(uint64_t start, char name_r[WAL_SEGMENT_NAME_SIZE]);

/* False: the file is not part of the log. */
bool wal_segment_parse_name(const char *name, uint64_t *start_r);

#endif
