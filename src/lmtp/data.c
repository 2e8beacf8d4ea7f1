/*
 * Unstuffs the dots of DATA, octet by octet, with runs of text in one piece.
 */
#include "lmtp/data.h"

#include "base/panic.h"

/* Copies up to and including the next CR. */
static void take_text(struct lmtp_data *data, struct slice *in, struct buf *out)
{
	size_t len = slice_find(*in, '\r');

	if (len < in->len) {
		len++;
		data->state = LMTP_DATA_CR;
	}
	buf_add_slice(out, slice_first(*in, len));
	*in = slice_from(*in, len);
}

/* One octet in a state other than TEXT and END. */
static void take_octet(struct lmtp_data *data, uint8_t c, struct buf *out)
{
	switch (data->state) {
	case LMTP_DATA_LINE:
		if (c == '.') {
			data->state = LMTP_DATA_DOT;
			return;
		}
		break;
	case LMTP_DATA_DOT:
		if (c == '\r') {
			data->state = LMTP_DATA_DOT_CR;
			return;
		}
		break;
	case LMTP_DATA_DOT_CR:
		if (c == '\n') {
			data->state = LMTP_DATA_END;
			return;
		}
		buf_add_octet(out, '\r');
		break;
	case LMTP_DATA_CR:
		if (c == '\n') {
			buf_add_octet(out, c);
			data->state = LMTP_DATA_LINE;
			return;
		}
		break;
	case LMTP_DATA_TEXT:
	case LMTP_DATA_END:
		PANIC("data state %d", (int)data->state);
	}
	buf_add_octet(out, c);
	data->state = c == '\r' ? LMTP_DATA_CR : LMTP_DATA_TEXT;
}

bool lmtp_data_feed(struct lmtp_data *data, struct slice *in, struct buf *out)
{
	MUST(data->state != LMTP_DATA_END);
	while (in->len && data->state != LMTP_DATA_END) {
		if (data->state == LMTP_DATA_TEXT) {
			take_text(data, in, out);
			continue;
		}
		take_octet(data, in->data[0], out);
		*in = slice_from(*in, 1);
	}
	return data->state == LMTP_DATA_END;
}
