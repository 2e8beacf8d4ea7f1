/*
 * The frame codec.
 *
 * Happy path of the reader: the head tells type and length, both are checked,
 * then the body is passed on where it stands, or gathered if it comes in parts.
 *
 * Failures: a head that is not allowed or a body that does not decode is
 * terminal; `why` names it.
 */
#include "peer/frame.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/pack.h"
#include "base/panic.h"

#define FRAME_VERSION 1 /* of all types so far */

/* Memory that a reader keeps between frames; a large one is given back. */
#define READER_KEEP (64 * 1024) /* octets */

/* ---- writing ---- */

static void put_hello(const struct peer_hello *hello, struct buf *out)
{
	MUST(hello->cluster.len <= PEER_CLUSTER_MAX);
	MUST(hello->software.len <= PEER_SOFTWARE_MAX);
	pack_u16(out, hello->version_min);
	pack_u16(out, hello->version_max);
	pack_u8(out, (uint8_t)hello->kind);
	pack_u32(out, hello->node);
	pack_u32(out, hello->to);
	pack_u32(out, hello->start);
	pack_u32(out, hello->feature_level);
	pack_bytes(out, hello->cluster);
	pack_bytes(out, hello->software);
}

static void put_group(const struct peer_frame *frame, struct buf *out)
{
	pack_u32(out, frame->group.group);
	pack_u64(out, frame->group.from);
	pack_u64(out, frame->group.to);
	buf_add_slice(out, frame->group.payload);
}

static void put_open(const struct peer_frame *frame, struct buf *out)
{
	pack_u32(out, frame->open.stream);
	pack_u8(out, frame->open.kind);
	buf_add_slice(out, frame->open.head);
}

static void put_data(const struct peer_frame *frame, struct buf *out)
{
	MUST(frame->data.octets.len > 0);
	pack_u32(out, frame->data.stream);
	buf_add_slice(out, frame->data.octets);
}

static void put_close(const struct peer_frame *frame, struct buf *out)
{
	pack_u32(out, frame->close.stream);
	pack_u16(out, (uint16_t)frame->close.err);
	buf_add_slice(out, slice_first(frame->close.text, PEER_TEXT_MAX));
}

static void put_body(const struct peer_frame *frame, struct buf *out)
{
	switch (frame->type) {
	case PEER_HELLO:
		put_hello(&frame->hello, out);
		return;
	case PEER_REFUSE:
		buf_add_slice(out, slice_first(frame->text, PEER_TEXT_MAX));
		return;
	case PEER_BEAT:
		return;
	case PEER_GROUP:
		put_group(frame, out);
		return;
	case PEER_NODE:
	case PEER_ASK:
	case PEER_ANSWER:
		buf_add_slice(out, frame->payload);
		return;
	case PEER_OPEN:
		put_open(frame, out);
		return;
	case PEER_DATA:
		put_data(frame, out);
		return;
	case PEER_CREDIT:
		MUST(frame->credit.octets > 0);
		pack_u32(out, frame->credit.stream);
		pack_u32(out, frame->credit.octets);
		return;
	case PEER_CLOSE:
		put_close(frame, out);
		return;
	}
	PANIC("frame type %d", (int)frame->type);
}

/* Of a body, in octets; 0 is a limit as well. */
static size_t frame_max(enum peer_type type)
{
	switch (type) {
	case PEER_HELLO:
		return PEER_HELLO_MAX;
	case PEER_REFUSE:
		return PEER_TEXT_MAX;
	case PEER_BEAT:
		return 0;
	case PEER_GROUP:
		return PEER_GROUP_MAX;
	case PEER_NODE:
		return PEER_NODE_MAX;
	case PEER_OPEN:
		return PEER_OPEN_MAX;
	case PEER_DATA:
		return 4 + PEER_DATA_MAX;
	case PEER_CREDIT:
		return 8;
	case PEER_CLOSE:
		return 6 + PEER_TEXT_MAX;
	case PEER_ASK:
		return PEER_ASK_MAX;
	case PEER_ANSWER:
		return PEER_ANSWER_MAX;
	}
	PANIC("frame type %d", (int)type);
}

static void put_head(enum peer_type type, size_t length, struct buf *out)
{
	MUST(length <= frame_max(type));
	pack_u32(out, (uint32_t)length);
	pack_u8(out, (uint8_t)type);
	pack_u8(out, FRAME_VERSION);
	pack_u8(out, 0);
	pack_u8(out, 0);
}

void peer_frame_encode(const struct peer_frame *frame, struct buf *out)
{
	size_t at = out->len;
	struct buf head = { 0 };

	(void)buf_reserve(out, PEER_HEAD_SIZE);
	out->len += PEER_HEAD_SIZE;
	put_body(frame, out);
	put_head(frame->type, out->len - at - PEER_HEAD_SIZE, &head);
	memcpy(out->data + at, head.data, PEER_HEAD_SIZE);
	buf_fini(&head);
}

void peer_frame_group_head(uint32_t group, uint64_t from, uint64_t to,
			   size_t len, struct buf *out)
{
	put_head(PEER_GROUP, PEER_GROUP_HEAD + len, out);
	pack_u32(out, group);
	pack_u64(out, from);
	pack_u64(out, to);
}

/* ---- decoding a body ---- */

static bool get_hello(struct unpack in, struct peer_hello *hello)
{
	hello->version_min = unpack_u16(&in);
	hello->version_max = unpack_u16(&in);
	hello->kind = unpack_u8(&in); /* the link judges it */
	hello->node = unpack_u32(&in);
	hello->to = unpack_u32(&in);
	hello->start = unpack_u32(&in);
	hello->feature_level = unpack_u32(&in);
	hello->cluster = unpack_bytes(&in, PEER_CLUSTER_MAX);
	hello->software = unpack_bytes(&in, PEER_SOFTWARE_MAX);
	/* What a later release has appended is not looked at. */
	return unpack_ok(&in) && hello->version_min > 0 &&
	       hello->version_min <= hello->version_max;
}

static bool get_group(struct unpack in, struct peer_frame *frame)
{
	frame->group.group = unpack_u32(&in);
	frame->group.from = unpack_u64(&in);
	frame->group.to = unpack_u64(&in);
	frame->group.payload = in.rest;
	return unpack_ok(&in);
}

static bool get_open(struct unpack in, struct peer_frame *frame)
{
	frame->open.stream = unpack_u32(&in);
	frame->open.kind = unpack_u8(&in);
	frame->open.head = in.rest;
	return unpack_ok(&in);
}

static bool get_data(struct unpack in, struct peer_frame *frame)
{
	frame->data.stream = unpack_u32(&in);
	frame->data.octets = in.rest;
	return unpack_ok(&in) && in.rest.len > 0;
}

static bool get_credit(struct unpack in, struct peer_frame *frame)
{
	frame->credit.stream = unpack_u32(&in);
	frame->credit.octets = unpack_u32(&in);
	return unpack_end(&in) && frame->credit.octets > 0;
}

static bool get_close(struct unpack in, struct peer_frame *frame)
{
	frame->close.stream = unpack_u32(&in);
	frame->close.err = (enum err)unpack_u16(&in);
	frame->close.text = in.rest;
	return unpack_ok(&in);
}

static bool get_body(struct slice body, struct peer_frame *frame)
{
	struct unpack in = unpack_of(body);

	switch (frame->type) {
	case PEER_HELLO:
		return get_hello(in, &frame->hello);
	case PEER_REFUSE:
		frame->text = body;
		return true;
	case PEER_BEAT:
		return true;
	case PEER_GROUP:
		return get_group(in, frame);
	case PEER_NODE:
	case PEER_ASK:
	case PEER_ANSWER:
		frame->payload = body;
		return true;
	case PEER_OPEN:
		return get_open(in, frame);
	case PEER_DATA:
		return get_data(in, frame);
	case PEER_CREDIT:
		return get_credit(in, frame);
	case PEER_CLOSE:
		return get_close(in, frame);
	}
	PANIC("frame type %d", (int)frame->type);
}

/* ---- reading ---- */

void peer_reader_init(struct peer_reader *reader, unsigned allow)
{
	*reader = (struct peer_reader){ .allow = allow };
}

void peer_reader_fini(struct peer_reader *reader)
{
	buf_fini(&reader->body);
}

static enum peer_feed reader_bad(struct peer_reader *reader, const char *fmt,
				 ...) printf_like(2, 3);

static enum peer_feed reader_bad(struct peer_reader *reader, const char *fmt,
				 ...)
{
	va_list args;

	reader->state = PEER_READER_BAD;
	va_start(args, fmt);
	(void)vsnprintf(reader->why, sizeof(reader->why), fmt, args);
	va_end(args);
	buf_fini(&reader->body);
	return PEER_FEED_BAD;
}

/* Octets of the head or the body into `body`, up to `size`. */
static bool reader_gather(struct peer_reader *reader, struct slice *in,
			  size_t size)
{
	struct slice part = slice_first(*in, size - reader->body.len);

	buf_add_slice(&reader->body, part);
	*in = slice_from(*in, part.len);
	return reader->body.len == size;
}

static bool reader_knows(unsigned type, unsigned version)
{
	return type >= PEER_HELLO && type <= PEER_ANSWER &&
	       version == FRAME_VERSION;
}

static enum peer_feed reader_unknown(struct peer_reader *reader, unsigned type,
				     unsigned flags)
{
	if (!(flags & PEER_MAY_SKIP))
		return reader_bad(reader,
				  "a frame of type %u that this release does "
				  "not know",
				  type);
	if (reader->length > PEER_GROUP_MAX)
		return reader_bad(reader, "frame of type %u is too long", type);
	reader->state = PEER_READER_SKIP;
	return PEER_FEED_MORE;
}

/* PEER_FEED_MORE: all is well. */
static enum peer_feed reader_head(struct peer_reader *reader)
{
	struct unpack head = unpack_of(buf_slice(&reader->body));
	unsigned type, version, flags;

	reader->length = unpack_u32(&head);
	type = unpack_u8(&head);
	version = unpack_u8(&head);
	flags = unpack_u8(&head);
	reader->left = reader->length;
	buf_clear(&reader->body);
	if (!reader_knows(type, version))
		return reader_unknown(reader, type, flags);
	reader->type = (enum peer_type)type;
	if (!(reader->allow & PEER_BIT(type)))
		return reader_bad(reader,
				  "frame of type %u has no place on this link",
				  type);
	if (reader->length > frame_max(reader->type))
		return reader_bad(reader, "frame of type %u is too long", type);
	reader->state = PEER_READER_BODY;
	return PEER_FEED_MORE;
}

static enum peer_feed reader_frame(struct peer_reader *reader,
				   struct slice body,
				   struct peer_frame *frame_r)
{
	*frame_r = (struct peer_frame){ .type = reader->type };
	if (!get_body(body, frame_r))
		return reader_bad(reader, "malformed frame of type %u",
				  (unsigned)reader->type);
	reader->state = PEER_READER_HEAD;
	return PEER_FEED_FRAME;
}

static enum peer_feed reader_body(struct peer_reader *reader, struct slice *in,
				  struct peer_frame *frame_r)
{
	struct slice body;

	if (reader->body.len == 0 && in->len >= reader->length) {
		body = slice_first(*in, reader->length);
		*in = slice_from(*in, reader->length);
		return reader_frame(reader, body, frame_r);
	}
	if (!reader_gather(reader, in, reader->length))
		return PEER_FEED_MORE;
	reader->lent = true;
	return reader_frame(reader, buf_slice(&reader->body), frame_r);
}

static void reader_skip(struct peer_reader *reader, struct slice *in)
{
	struct slice part = slice_first(*in, reader->left);

	*in = slice_from(*in, part.len);
	reader->left -= part.len;
	if (reader->left == 0)
		reader->state = PEER_READER_HEAD;
}

/* The frame that was passed on last is dead now. */
static void reader_forget(struct peer_reader *reader)
{
	if (!reader->lent)
		return;
	reader->lent = false;
	if (reader->body.cap > READER_KEEP)
		buf_fini(&reader->body);
	buf_clear(&reader->body);
}

/* One state's step; MORE: of this state, `in` may have octets for the next. */
static enum peer_feed reader_step(struct peer_reader *reader, struct slice *in,
				  struct peer_frame *frame_r)
{
	switch (reader->state) {
	case PEER_READER_HEAD:
		if (reader_gather(reader, in, PEER_HEAD_SIZE))
			return reader_head(reader);
		return PEER_FEED_MORE;
	case PEER_READER_BODY:
		return reader_body(reader, in, frame_r);
	case PEER_READER_SKIP:
		reader_skip(reader, in);
		return PEER_FEED_MORE;
	case PEER_READER_BAD:
		return PEER_FEED_BAD;
	}
	PANIC("reader state %d", (int)reader->state);
}

enum peer_feed peer_reader_feed(struct peer_reader *reader, struct slice *in,
				struct peer_frame *frame_r)
{
	enum peer_feed feed = PEER_FEED_MORE;

	reader_forget(reader);
	/* A body of no octets needs no input. */
	while (feed == PEER_FEED_MORE &&
	       (in->len > 0 ||
		(reader->state == PEER_READER_BODY && reader->length == 0)))
		feed = reader_step(reader, in, frame_r);
	return feed;
}
