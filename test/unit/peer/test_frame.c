#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/pack.h"
#include "base/random.h"
#include "peer/frame.h"

#define ALL (~0u)

static struct slice filled(size_t len)
{
	static uint8_t octets[PEER_NODE_MAX];

	cr_assert(len <= sizeof(octets));
	memset(octets, 'x', len);
	return slice_of(octets, len);
}

/* One of each type, with the largest body where that is cheap. */
static struct peer_frame sample(enum peer_type type)
{
	struct peer_frame frame = { .type = type };

	switch (type) {
	case PEER_HELLO:
		frame.hello = (struct peer_hello){
			.version_min = 1,
			.version_max = 7,
			.kind = PEER_BULK,
			.node = 0xfffffffe,
			.to = 3,
			.start = 77,
			.feature_level = 9,
			.cluster = SLICE_LIT("0123456789abcdef"),
			.software = SLICE_LIT("Murder 1.0"),
		};
		break;
	case PEER_REFUSE:
		frame.text = SLICE_LIT("this is node 3");
		break;
	case PEER_BEAT:
		break;
	case PEER_GROUP:
		frame.group.group = 5;
		frame.group.from = 1ull << 32 | 1;
		frame.group.to = 2ull << 32 | 9;
		frame.group.payload = filled(5000);
		break;
	case PEER_NODE:
		frame.payload = filled(PEER_NODE_MAX);
		break;
	case PEER_ASK:
	case PEER_ANSWER:
		frame.payload = SLICE_LIT("token");
		break;
	case PEER_OPEN:
		frame.open.stream = 1;
		frame.open.kind = 4;
		frame.open.head = SLICE_LIT("john");
		break;
	case PEER_DATA:
		frame.data.stream = 2;
		frame.data.octets = filled(PEER_DATA_MAX);
		break;
	case PEER_CREDIT:
		frame.credit.stream = 0xffffffff;
		frame.credit.octets = 65536;
		break;
	case PEER_CLOSE:
		frame.close.stream = 4;
		frame.close.err = ERR_CANCELLED;
		frame.close.text = SLICE_LIT("the client has gone");
		break;
	}
	return frame;
}

static void add_samples(struct buf *out)
{
	for (int type = PEER_HELLO; type <= PEER_ANSWER; type++) {
		struct peer_frame frame = sample((enum peer_type)type);

		peer_frame_encode(&frame, out);
	}
}

/* Encoded again a frame that was read must give the same octets. */
static void feed_in_parts(struct slice in, struct random *random, size_t max,
			  struct buf *again)
{
	struct peer_reader reader;

	peer_reader_init(&reader, ALL);
	while (in.len > 0) {
		size_t len = (size_t)random_range(random, 1, max);
		struct slice part = slice_first(in, len);
		struct peer_frame frame;

		in = slice_from(in, part.len);
		while (peer_reader_feed(&reader, &part, &frame) ==
		       PEER_FEED_FRAME)
			peer_frame_encode(&frame, again);
		cr_assert(reader.state != PEER_READER_BAD, "%s", reader.why);
		cr_assert(part.len == 0);
	}
	cr_assert(reader.state == PEER_READER_HEAD);
	peer_reader_fini(&reader);
}

Test(peer_frame, every_type_is_read_as_it_was_written_in_any_split)
{
	static const size_t splits[] = { 1, 2, 9, 100, 5000, 1000000 };
	struct random_seeded random;
	struct buf octets = { 0 };

	random_seeded_init(&random, 1);
	add_samples(&octets);
	for (size_t i = 0; i < ARRAY_LEN(splits); i++) {
		struct buf again = { 0 };

		feed_in_parts(buf_slice(&octets), &random.random, splits[i],
			      &again);
		cr_assert(slice_eq(buf_slice(&octets), buf_slice(&again)),
			  "split %zu", splits[i]);
		buf_fini(&again);
	}
	buf_fini(&octets);
}

Test(peer_frame, fields_come_out_as_they_went_in)
{
	struct peer_frame frame = sample(PEER_HELLO);
	struct peer_frame read;
	struct peer_reader reader;
	struct buf octets = { 0 };
	struct slice in;

	peer_frame_encode(&frame, &octets);
	frame = sample(PEER_CLOSE);
	peer_frame_encode(&frame, &octets);
	in = buf_slice(&octets);
	peer_reader_init(&reader, ALL);
	cr_assert(peer_reader_feed(&reader, &in, &read) == PEER_FEED_FRAME);
	cr_assert(read.type == PEER_HELLO && read.hello.version_max == 7);
	cr_assert(read.hello.kind == PEER_BULK);
	cr_assert(read.hello.node == 0xfffffffe && read.hello.to == 3);
	cr_assert(read.hello.start == 77 && read.hello.feature_level == 9);
	cr_assert(slice_eq(read.hello.software, SLICE_LIT("Murder 1.0")));
	cr_assert(peer_reader_feed(&reader, &in, &read) == PEER_FEED_FRAME);
	cr_assert(read.type == PEER_CLOSE && read.close.stream == 4);
	cr_assert(read.close.err == ERR_CANCELLED);
	cr_assert(slice_eq(read.close.text, SLICE_LIT("the client has gone")));
	peer_reader_fini(&reader);
	buf_fini(&octets);
}

/* ---- what is refused ---- */

static void head(struct buf *out, uint32_t length, uint8_t type,
		 uint8_t version, uint8_t flags)
{
	pack_u32(out, length);
	pack_u8(out, type);
	pack_u8(out, version);
	pack_u8(out, flags);
	pack_u8(out, 0);
}

static void expect_bad(struct buf *octets, unsigned allow, const char *why)
{
	struct slice in = buf_slice(octets);
	struct peer_reader reader;
	struct peer_frame frame;

	peer_reader_init(&reader, allow);
	cr_assert(peer_reader_feed(&reader, &in, &frame) == PEER_FEED_BAD);
	cr_assert_str_eq(reader.why, why);
	in = SLICE_LIT("more");
	cr_assert(peer_reader_feed(&reader, &in, &frame) == PEER_FEED_BAD);
	peer_reader_fini(&reader);
	buf_fini(octets);
}

Test(peer_frame, a_length_above_the_limit_of_its_type_is_refused_by_its_head)
{
	struct buf octets = { 0 };

	head(&octets, PEER_HELLO_MAX + 1, PEER_HELLO, 1, 0);
	expect_bad(&octets, ALL, "frame of type 1 is too long");
	head(&octets, PEER_GROUP_MAX + 1, PEER_GROUP, 1, 0);
	expect_bad(&octets, ALL, "frame of type 4 is too long");
	head(&octets, 4 + PEER_DATA_MAX + 1, PEER_DATA, 1, 0);
	expect_bad(&octets, ALL, "frame of type 7 is too long");
	head(&octets, 1, PEER_BEAT, 1, 0);
	expect_bad(&octets, ALL, "frame of type 3 is too long");
}

Test(peer_frame, what_has_no_place_on_a_link_is_refused_by_its_head)
{
	struct buf octets = { 0 };

	head(&octets, PEER_GROUP_MAX, PEER_GROUP, 1, 0);
	expect_bad(&octets, PEER_BIT(PEER_HELLO),
		   "frame of type 4 has no place on this link");
}

Test(peer_frame, memory_grows_with_what_has_come_not_with_what_is_promised)
{
	struct buf octets = { 0 };
	struct peer_reader reader;
	struct peer_frame frame;
	struct slice in;

	head(&octets, PEER_GROUP_MAX, PEER_GROUP, 1, 0);
	buf_add_slice(&octets, filled(1000));
	in = buf_slice(&octets);
	peer_reader_init(&reader, ALL);
	cr_assert(peer_reader_feed(&reader, &in, &frame) == PEER_FEED_MORE);
	cr_assert(reader.body.cap <= 8192, "%zu", reader.body.cap);
	peer_reader_fini(&reader);
	buf_fini(&octets);
}

Test(peer_frame, a_large_frame_gives_its_memory_back)
{
	struct peer_frame frame = sample(PEER_NODE);
	struct peer_reader reader;
	struct buf octets = { 0 };
	struct slice in;

	peer_frame_encode(&frame, &octets);
	peer_frame_encode(&frame, &octets);
	peer_reader_init(&reader, ALL);
	in = slice_first(buf_slice(&octets), 9);
	cr_assert(peer_reader_feed(&reader, &in, &frame) == PEER_FEED_MORE);
	in = slice_from(buf_slice(&octets), 9);
	cr_assert(peer_reader_feed(&reader, &in, &frame) == PEER_FEED_FRAME);
	cr_assert(frame.payload.len == PEER_NODE_MAX);
	cr_assert(peer_reader_feed(&reader, &in, &frame) == PEER_FEED_FRAME);
	cr_assert(reader.body.cap <= 65536);
	peer_reader_fini(&reader);
	buf_fini(&octets);
}

Test(peer_frame, an_unknown_frame_is_skipped_only_if_it_is_marked)
{
	struct peer_frame frame = sample(PEER_CREDIT);
	struct peer_reader reader;
	struct buf octets = { 0 };
	struct slice in;

	head(&octets, 5, 200, 1, PEER_MAY_SKIP);
	buf_add_str(&octets, "later");
	head(&octets, 0, PEER_BEAT, 2, PEER_MAY_SKIP);
	peer_frame_encode(&frame, &octets);
	peer_reader_init(&reader, ALL);
	for (size_t i = 0; i + 1 < octets.len; i++) {
		in = slice_of(octets.data + i, 1);
		cr_assert(peer_reader_feed(&reader, &in, &frame) ==
			  PEER_FEED_MORE);
	}
	in = slice_of(octets.data + octets.len - 1, 1);
	cr_assert(peer_reader_feed(&reader, &in, &frame) == PEER_FEED_FRAME);
	cr_assert(frame.type == PEER_CREDIT && frame.credit.octets == 65536);
	peer_reader_fini(&reader);
	buf_clear(&octets);
	head(&octets, 5, 200, 1, 0);
	expect_bad(&octets, ALL,
		   "a frame of type 200 that this release does not know");
	head(&octets, 8, PEER_CREDIT, 2, 0);
	expect_bad(&octets, ALL,
		   "a frame of type 8 that this release does not know");
	head(&octets, 0xffffffff, 200, 1, PEER_MAY_SKIP);
	expect_bad(&octets, ALL, "frame of type 200 is too long");
}

Test(peer_frame, a_body_that_does_not_decode_is_refused)
{
	struct buf octets = { 0 };

	head(&octets, 4, PEER_CREDIT, 1, 0);
	pack_u32(&octets, 1);
	expect_bad(&octets, ALL, "malformed frame of type 8");
	head(&octets, 8, PEER_CREDIT, 1, 0);
	pack_u64(&octets, 1); /* no octets */
	expect_bad(&octets, ALL, "malformed frame of type 8");
	head(&octets, 4, PEER_DATA, 1, 0);
	pack_u32(&octets, 1); /* no octets */
	expect_bad(&octets, ALL, "malformed frame of type 7");
	head(&octets, 19, PEER_GROUP, 1, 0);
	buf_add_slice(&octets, filled(19));
	expect_bad(&octets, ALL, "malformed frame of type 4");
	head(&octets, 0, PEER_HELLO, 1, 0);
	expect_bad(&octets, ALL, "malformed frame of type 1");
}

Test(peer_frame, a_hello_may_grow_at_its_end)
{
	struct peer_frame frame = sample(PEER_HELLO);
	struct peer_reader reader;
	struct buf octets = { 0 };
	struct slice in;

	peer_frame_encode(&frame, &octets);
	buf_add_str(&octets, "of a later release");
	octets.data[0] = (uint8_t)(octets.len - PEER_HEAD_SIZE);
	in = buf_slice(&octets);
	peer_reader_init(&reader, ALL);
	cr_assert(peer_reader_feed(&reader, &in, &frame) == PEER_FEED_FRAME);
	cr_assert(frame.hello.start == 77 && in.len == 0);
	peer_reader_fini(&reader);
	buf_fini(&octets);
}

Test(peer_frame, the_head_of_a_group_frame_goes_before_its_payload)
{
	struct peer_frame frame = sample(PEER_GROUP);
	struct buf whole = { 0 };
	struct buf parts = { 0 };

	peer_frame_encode(&frame, &whole);
	peer_frame_group_head(frame.group.group, frame.group.from,
			      frame.group.to, frame.group.payload.len, &parts);
	buf_add_slice(&parts, frame.group.payload);
	cr_assert(slice_eq(buf_slice(&whole), buf_slice(&parts)));
	buf_fini(&whole);
	buf_fini(&parts);
}
