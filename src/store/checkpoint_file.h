/*
 * The file of a checkpoint: {magic, version, page size, number, index, term,
 * two meta pages, xxh3}. Pure: octets in, fields out.
 */
#ifndef STORE_CHECKPOINT_FILE_H
#define STORE_CHECKPOINT_FILE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "store/checkpoint.h"

/* Page sizes that LMDB knows, in octets. */
#define CHECKPOINT_PAGE_MIN 256
#define CHECKPOINT_PAGE_MAX (64 * 1024)

/* Longest file, in octets: two metas and the fields around them. */
#define CHECKPOINT_FILE_MAX (2 * CHECKPOINT_PAGE_MAX + 64)

struct checkpoint_file {
	uint32_t page_size;
	uint64_t number; /* of the LMDB transaction that made the state */
	struct store_position at;
	struct slice metas; /* two pages */
};

/* Appends the octets, with their checksum. */
void checkpoint_file_encode(const struct checkpoint_file *file,
			    struct buf *out);

/* `metas` is borrowed. ERR_CORRUPT; ERR_VERSION: of a later release. */
must_use enum err checkpoint_file_decode(struct slice octets,
					 struct checkpoint_file *file_r);

#endif
