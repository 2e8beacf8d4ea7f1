#include <criterion/criterion.h>

#include "base/disk_sim.h"
#include "base/mem.h"
#include "body_world.h"
#include "store/body_record.h"
#include "store/body_segment.h"

static struct body_record record_of(struct slice octets, uint64_t segment,
				    uint64_t offset)
{
	struct body_record record = {
		.kind = BODY_KIND_BODY,
		.segment = segment,
		.offset = offset,
		.length = octets.len,
		.hold = { 1, 2, 3, 4 },
	};

	sha256(octets, &record.hash);
	return record;
}

Test(body_record, header_and_trailer_come_back)
{
	struct buf octets = body_octets(1, 40000);
	struct body_record in = record_of(buf_slice(&octets), 7, 128);
	struct body_record back;
	struct buf out = { 0 };
	struct slice tail;

	body_record_encode(&in, buf_slice(&octets), &out);
	cr_assert_eq(out.len, body_record_size(40000));
	cr_assert_eq(out.len % BODY_ALIGN, 0);
	cr_assert_eq(body_header_decode(buf_slice(&out), 7, 128, &back),
		     ERR_NONE);
	cr_assert_eq(back.stored, 40000);
	tail = slice_from(buf_slice(&out), BODY_HEADER_SIZE + 40000);
	tail = slice_first(tail, (size_t)body_tail_size(40000));
	cr_assert_eq(tail.len, 3 * BODY_SUM_SIZE + BODY_TRAILER_SIZE);
	cr_assert_eq(body_trailer_decode(tail, &back), ERR_NONE);
	cr_assert(sha256_eq(&back.hash, &in.hash));
	cr_assert_eq(back.length, 40000);
	cr_assert_eq(back.hold.group, 1);
	cr_assert_eq(back.hold.slot, 2);
	cr_assert_eq(back.hold.proposer, 3);
	cr_assert_eq(back.hold.turn, 4);
	buf_fini(&octets);
	buf_fini(&out);
}

Test(body_record, of_another_place_is_none)
{
	struct body_record in = record_of(SLICE_LIT("x"), 7, 128);
	struct body_record back;
	struct buf out = { 0 };

	body_record_encode(&in, SLICE_LIT("x"), &out);
	cr_assert_eq(body_header_decode(buf_slice(&out), 8, 128, &back),
		     ERR_CORRUPT);
	cr_assert_eq(body_header_decode(buf_slice(&out), 7, 192, &back),
		     ERR_CORRUPT);
	buf_fini(&out);
}

Test(body_record, the_size_of_a_stream_tells_its_length)
{
	uint64_t stored;

	for (uint64_t len = 0; len < 5 * BODY_BLOCK; len++) {
		uint64_t size = BODY_HEADER_SIZE + len + body_tail_size(len);

		cr_assert(body_stream_stored(size, &stored));
		cr_assert_eq(stored, len);
	}
	cr_assert_not(body_stream_stored(BODY_HEADER_SIZE, &stored));
	cr_assert_not(body_stream_stored(UINT64_MAX, &stored));
}

/* ---- walking ---- */

struct walked {
	unsigned count;
	uint64_t end;
	uint64_t lengths;
};

static struct walked walk_file(struct disk *disk, const char *path)
{
	struct walked walked = { 0 };
	struct body_record record;
	struct body_walk walk;
	struct slice octets;
	int fd;

	cr_assert_eq(disk->open(disk, path, DISK_READ, &fd), ERR_NONE);
	cr_assert_eq(body_walk_init(&walk, disk, fd, 7, 0), ERR_NONE);
	while (body_walk_next(&walk, &record, &octets) == ERR_NONE) {
		walked.count++;
		walked.lengths += record.length;
	}
	walked.end = walk.end;
	body_walk_fini(&walk);
	disk->close(disk, fd);
	return walked;
}

static struct walked walk_octets(struct slice octets)
{
	struct disk_sim *sim = disk_sim_new();
	struct disk *disk = disk_sim_disk(sim);
	struct walked walked;
	int fd;

	cr_assert_eq(disk->open(disk, "s", DISK_NEW, &fd), ERR_NONE);
	cr_assert_eq(disk->write(disk, fd, 0, &octets, 1), ERR_NONE);
	disk->close(disk, fd);
	walked = walk_file(disk, "s");
	disk_sim_free(&sim);
	return walked;
}

/* Three records, the last one at a new block. */
static struct buf three_records(uint64_t ends[3])
{
	static const size_t lens[3] = { 700, 0, 20000 };
	struct buf out = { 0 };

	for (unsigned i = 0; i < 3; i++) {
		struct buf octets = body_octets(i, lens[i]);
		struct body_record record;

		if (i == 2)
			while (out.len % 4096 != 0)
				buf_add_octet(&out, 0);
		record = record_of(buf_slice(&octets), 7, out.len);
		body_record_encode(&record, buf_slice(&octets), &out);
		ends[i] = out.len;
		buf_fini(&octets);
	}
	return out;
}

Test(body_segment, a_walk_finds_all_records)
{
	uint64_t ends[3];
	struct buf all = three_records(ends);
	struct walked walked;

	for (unsigned i = 0; i < 10000; i++)
		buf_add_octet(&all, 0); /* preallocated */
	walked = walk_octets(buf_slice(&all));
	cr_assert_eq(walked.count, 3);
	cr_assert_eq(walked.lengths, 20700);
	cr_assert_eq(walked.end, ends[2]);
	buf_fini(&all);
}

Test(body_segment, a_tail_torn_at_any_octet_hides_what_is_not_whole)
{
	uint64_t ends[3];
	struct buf all = three_records(ends);

	for (size_t len = 0; len < all.len; len += len < 1500 ? 1 : 53) {
		struct slice torn = slice_first(buf_slice(&all), len);
		unsigned whole = 0;
		unsigned nearly = 0; /* only filling is missing */
		struct walked walked = walk_octets(torn);

		for (unsigned i = 0; i < 3; i++) {
			whole += ends[i] <= len;
			nearly += ends[i] - BODY_ALIGN < len;
		}
		cr_assert_geq(walked.count, whole);
		cr_assert_leq(walked.count, nearly);
	}
	buf_fini(&all);
}

Test(body_segment, one_flipped_bit_hides_one_record_only)
{
	uint64_t ends[3];
	struct buf all = three_records(ends);

	for (size_t i = 0; i < all.len; i += i < 1500 ? 1 : 31) {
		struct walked walked;

		all.data[i] ^= 0x20;
		walked = walk_octets(buf_slice(&all));
		all.data[i] ^= 0x20;
		cr_assert_geq(walked.count, 2, "octet %zu", i);
	}
	buf_fini(&all);
}

Test(body_segment, a_record_inside_of_a_message_is_no_other_body)
{
	struct buf victim = body_octets(1, 100);
	struct buf evil = { 0 };
	struct buf out = { 0 };
	struct body_record record;
	struct walked walked;

	/* It claims the victim's name for other octets. */
	record = record_of(buf_slice(&victim), 7, BODY_ALIGN);
	record.length = 4;
	body_record_encode(&record, SLICE_LIT("evil"), &evil);
	record = record_of(buf_slice(&evil), 7, 0);
	body_record_encode(&record, buf_slice(&evil), &out);
	out.data[8] ^= 1; /* the outer header is damaged */
	walked = walk_octets(buf_slice(&out));
	cr_assert_eq(walked.count, 0);
	buf_fini(&victim);
	buf_fini(&evil);
	buf_fini(&out);
}

Test(body_segment, names_are_numbers)
{
	struct buf path = { 0 };
	uint64_t segment;

	cr_assert_str_eq(body_segment_path("d", 0xab12, &path),
			 "d/000000000000ab12.seg");
	cr_assert(body_segment_number("000000000000ab12.seg", &segment));
	cr_assert_eq(segment, 0xab12);
	cr_assert_not(body_segment_number("index", &segment));
	cr_assert_not(body_segment_number("00000000000xab12.seg", &segment));
	cr_assert_not(body_segment_number("000000000000ab12.tmp", &segment));
	buf_fini(&path);
}
