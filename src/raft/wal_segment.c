/*
 * Codec of a log file's first block and of its name (wal_segment.h): pure.
 */
#include "raft/wal_segment.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/pack.h"
#include "base/panic.h"

static const char magic[8] = { 'M', 'U', 'R', 'D', 'R', 'W', 'A', 'L' };

#define SEGMENT_VERSION 1
#define SEGMENT_FIELDS 48 /* octets under the checksum */

void wal_segment_encode(const struct wal_segment_head *head, struct buf *out)
{
	size_t start = out->len;

	buf_add(out, magic, sizeof magic);
	pack_u32(out, SEGMENT_VERSION);
	pack_u32(out, WAL_BLOCK);
	pack_u64(out, head->log_id);
	pack_u64(out, head->start);
	pack_u64(out, head->size);
	pack_u64(out, head->needed);
	MUST(out->len - start == SEGMENT_FIELDS);
	pack_u64(out, xxh3(slice_of(out->data + start, SEGMENT_FIELDS)));
	while (out->len - start < WAL_BLOCK)
		pack_u64(out, 0);
}

static bool head_is_sane(const struct wal_segment_head *head)
{
	if (head->start == 0 || head->start % WAL_BLOCK != 0)
		return false;
	if (head->size % WAL_BLOCK != 0 || head->size < WAL_SEGMENT_MIN ||
	    head->size > WAL_SEGMENT_MAX)
		return false;
	return head->needed <= head->start + head->size;
}

enum err wal_segment_decode(struct slice in, struct wal_segment_head *head_r)
{
	struct unpack fields = unpack_of(slice_first(in, SEGMENT_FIELDS));
	struct unpack rest = unpack_of(slice_from(in, SEGMENT_FIELDS));
	uint32_t version;
	uint32_t block;

	if (!slice_eq(unpack_raw(&fields, sizeof magic),
		      slice_of(magic, sizeof magic)))
		return ERR_CORRUPT;
	version = unpack_u32(&fields);
	block = unpack_u32(&fields);
	head_r->log_id = unpack_u64(&fields);
	head_r->start = unpack_u64(&fields);
	head_r->size = unpack_u64(&fields);
	head_r->needed = unpack_u64(&fields);
	if (!unpack_ok(&fields) || in.len < WAL_BLOCK ||
	    unpack_u64(&rest) != xxh3(slice_first(in, SEGMENT_FIELDS)))
		return ERR_CORRUPT;
	if (version != SEGMENT_VERSION || block != WAL_BLOCK)
		return ERR_VERSION;
	return head_is_sane(head_r) ? ERR_NONE : ERR_CORRUPT;
}

void wal_segment_name(uint64_t start, char name_r[WAL_SEGMENT_NAME_SIZE])
{
	int len = snprintf(name_r, WAL_SEGMENT_NAME_SIZE, "%016llx.wal",
			   (unsigned long long)start);

	MUST(len == WAL_SEGMENT_NAME_SIZE - 1);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool wal_segment_parse_name(const char *name, uint64_t *start_r)
{
	uint64_t start = 0;

	if (strlen(name) != WAL_SEGMENT_NAME_SIZE - 1 ||
	    strcmp(name + 16, ".wal") != 0)
		return false;
	for (unsigned i = 0; i < 16; i++) {
		int digit = hex_digit(name[i]);

		if (digit < 0)
			return false;
		start = start << 4 | (unsigned)digit;
	}
	*start_r = start;
	return true;
}
