/*
 * Segments of bodies: whatever stands in a file, a walk comes to its end, and
 * what it calls a body has the octets that its name says.
 *
 * Checksums keep a fuzzer out, so the input also says how to spoil a segment
 * of good records: {record length u16 ...} 0xffff {offset u32, octet u8 ...}.
 */
#include <stdint.h>

#include "base/disk_sim.h"
#include "base/pack.h"
#include "base/panic.h"
#include "store/body_segment.h"

#define SEGMENT 7
#define RECORDS_MAX 32
#define LIST_END 0xffff

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct body_record *record, struct slice octets)
{
	struct sha256 hash;

	MUST(record->segment == SEGMENT);
	MUST(record->offset % BODY_ALIGN == 0);
	if (record->kind != BODY_KIND_BODY || record->codec != BODY_CODEC_NONE)
		return;
	MUST(record->length == octets.len);
	sha256(octets, &hash);
	MUST(sha256_eq(&hash, &record->hash));
}

/* How many records there are. */
static unsigned walk(struct slice octets)
{
	struct disk_sim *sim = disk_sim_new();
	struct disk *disk = disk_sim_disk(sim);
	struct body_record record;
	struct body_walk in;
	struct slice body;
	unsigned count = 0;
	uint64_t next = 0;
	int fd;

	MUST(disk->open(disk, "s", DISK_NEW, &fd) == ERR_NONE);
	MUST(disk->write(disk, fd, 0, &octets, 1) == ERR_NONE);
	MUST(body_walk_init(&in, disk, fd, SEGMENT, 0) == ERR_NONE);
	while (body_walk_next(&in, &record, &body) == ERR_NONE) {
		MUST(record.offset >= next);
		MUST(in.offset > record.offset);
		check(&record, body);
		next = in.offset;
		count++;
	}
	body_walk_fini(&in);
	disk->close(disk, fd);
	disk_sim_free(&sim);
	return count;
}

static void record_add(struct buf *segment, uint16_t len)
{
	static const uint8_t octets[UINT16_MAX];
	struct slice body = slice_of(octets, len);
	struct body_record record = {
		.kind = len % 5 == 4 ? BODY_KIND_HOLD : BODY_KIND_BODY,
		.segment = SEGMENT,
		.offset = segment->len,
		.length = len,
		.hold = { 1, 2, len, 4 },
	};

	if (record.kind == BODY_KIND_HOLD)
		body = SLICE_NONE;
	sha256(slice_of(octets, len), &record.hash);
	body_record_encode(&record, body, segment);
}

static void spoil(struct buf *segment, struct unpack *in)
{
	while (in->rest.len > 0 && unpack_ok(in)) {
		uint32_t at = unpack_u32(in);
		uint8_t octet = unpack_u8(in);

		if (unpack_ok(in) && segment->len > 0)
			segment->data[at % segment->len] ^= octet;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct unpack in = unpack_of(slice_of(data, size));
	struct buf segment = { 0 };
	unsigned records = 0;

	walk(slice_of(data, size));
	while (records < RECORDS_MAX) {
		uint16_t len = unpack_u16(&in);

		if (!unpack_ok(&in) || len == LIST_END)
			break;
		record_add(&segment, len);
		records++;
	}
	MUST(walk(buf_slice(&segment)) == records);
	spoil(&segment, &in);
	MUST(walk(buf_slice(&segment)) <= records);
	buf_fini(&segment);
	return 0;
}
