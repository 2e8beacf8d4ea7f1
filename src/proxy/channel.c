/*
 * Frames of a channel.
 */
#include "proxy/channel.h"

#include <string.h>

#include "base/pack.h"
#include "base/panic.h"

#define CHANNEL_VERSION 1

void channel_hello_encode(const struct channel_hello *hello, struct buf *out)
{
	MUST(hello->user.len <= CHANNEL_USER_MAX);
	pack_u8(out, CHANNEL_VERSION);
	pack_u32(out, hello->group);
	pack_bytes(out, hello->user);
}

enum err channel_hello_decode(struct slice in, struct channel_hello *hello_r)
{
	struct unpack fields = unpack_of(in);
	uint8_t version = unpack_u8(&fields);

	if (unpack_ok(&fields) && version != CHANNEL_VERSION)
		return ERR_VERSION;
	hello_r->group = unpack_u32(&fields);
	hello_r->user = unpack_bytes(&fields, CHANNEL_USER_MAX);
	return unpack_end(&fields) && hello_r->user.len ? ERR_NONE : ERR_SYNTAX;
}

size_t channel_frame_begin(struct buf *out, enum channel_type type)
{
	size_t at = out->len;

	pack_u32(out, 0); /* channel_frame_end knows it */
	pack_u8(out, (uint8_t)type);
	return at;
}

void channel_frame_end(struct buf *out, size_t at)
{
	size_t length = out->len - at - CHANNEL_HEAD;
	struct buf number = { 0 };

	MUST(length <= CHANNEL_FRAME_MAX);
	pack_u32(&number, (uint32_t)length);
	memcpy(out->data + at, number.data, number.len);
	buf_fini(&number);
}

void channel_reader_fini(struct channel_reader *reader)
{
	buf_fini(&reader->body);
}

/* The head is whole. */
static bool read_head(struct channel_reader *reader)
{
	struct unpack head = unpack_of(slice_of(reader->head, CHANNEL_HEAD));
	uint8_t type;

	reader->length = unpack_u32(&head);
	type = unpack_u8(&head);
	if (type < CHANNEL_ASK || type > CHANNEL_LEAVE)
		return false;
	reader->type = (enum channel_type)type;
	return reader->length <= CHANNEL_FRAME_MAX;
}

enum channel_read channel_reader_feed(struct channel_reader *reader,
				      struct slice *in)
{
	size_t part;

	if (reader->have == CHANNEL_HEAD &&
	    reader->body.len == reader->length) {
		reader->have = 0;
		buf_clear(&reader->body);
	}
	while (reader->have < CHANNEL_HEAD) {
		if (in->len == 0)
			return CHANNEL_READ_MORE;
		reader->head[reader->have++] = in->data[0];
		*in = slice_from(*in, 1);
		if (reader->have == CHANNEL_HEAD && !read_head(reader))
			return CHANNEL_READ_BAD;
	}
	part = reader->length - reader->body.len;
	if (part > in->len)
		part = in->len;
	buf_add(&reader->body, in->data, part);
	*in = slice_from(*in, part);
	return reader->body.len == reader->length ? CHANNEL_READ_DONE
						  : CHANNEL_READ_MORE;
}
