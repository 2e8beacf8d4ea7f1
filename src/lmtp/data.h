/*
 * The octets after DATA: dots unstuffed, the end found (RFC 5321 4.5.2).
 *
 * Only CRLF.CRLF ends the data: a dot between bare LFs is data, so that two
 * servers never see two different messages in one.
 */
#ifndef LMTP_DATA_H
#define LMTP_DATA_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

enum lmtp_data_state {
	LMTP_DATA_LINE,   /* at the start of a line: a dot is special */
	LMTP_DATA_DOT,    /* saw the dot: CR may end, else it is dropped */
	LMTP_DATA_DOT_CR, /* saw dot and CR: LF ends */
	LMTP_DATA_TEXT,   /* within a line */
	LMTP_DATA_CR,     /* within a line, saw CR */
	LMTP_DATA_END,    /* terminal */
};

struct lmtp_data {
	enum lmtp_data_state state; /* zeroed: at the start */
};

/*
 * Takes octets off `*in` until the end or until `*in` is empty and appends the
 * message's octets to `out`. True: the end was found.
 */
bool lmtp_data_feed(struct lmtp_data *data, struct slice *in, struct buf *out);

#endif
