/*
 * Header fields (RFC 5322 section 2.2): iteration over a block and the subsets
 * that IMAP fetches.
 *
 * A header ends at the first empty line, or with its octets. A line without a
 * colon is no field; a line that begins with SP or HTAB continues the one
 * before. Lines end with LF; a CR before it belongs to the line end.
 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

struct mail_header_field {
	struct slice name;  /* without the blanks that may precede the colon */
	struct slice value; /* behind the colon: folds kept, no last line end */
	struct slice whole; /* the field as it stands, with its line ends */
};

/*
 * Cuts the next field off `*rest`; false at the end of the header, with `rest`
 * behind the empty line. Lines that are no field are passed over. The field
 * borrows from the octets of `rest`.
 */
bool mail_header_next(struct slice *rest, struct mail_header_field *field_r);

/*
 * Splits one whole field; false if it is none: no colon in its first line, or
 * nothing or blanks and controls before it.
 */
bool mail_header_split(struct slice whole, struct mail_header_field *field_r);

/* The first field of that name (ASCII letters in any case). */
bool mail_header_find(struct slice header, struct slice name,
		      struct mail_header_field *field_r);

/*
 * Appends the value on one line: line ends are left out, the blanks behind
 * them stay (RFC 5322 section 2.2.3), blanks at both ends go.
 */
void mail_header_unfold(struct slice value, struct buf *out);

/* That, in `arena`, with U+FFFD for NUL: as IMAP can show it. */
struct slice mail_header_text(struct slice value, struct arena *arena);

/*
 * HEADER.FIELDS and HEADER.FIELDS.NOT (RFC 9051 section 6.4.5): passes the
 * fields of a header that are wanted, as octets in any split.
 */
enum mail_header_filter_state {
	MAIL_HEADER_FILTER_LINE, /* at the start of a line */
	MAIL_HEADER_FILTER_CR,   /* a line that so far is CR only */
	MAIL_HEADER_FILTER_NAME, /* in a name: held back until it is known */
	MAIL_HEADER_FILTER_PASS, /* in a line that is wanted */
	MAIL_HEADER_FILTER_SKIP, /* in a line that is not */
	MAIL_HEADER_FILTER_END,  /* behind the empty line: all is ignored */
};

/* Octets of a name that are held back; a longer one matches nothing. */
#define MAIL_HEADER_NAME_MAX 1000

struct mail_header_filter {
	const struct slice *names; /* borrowed until finish */
	size_t count;
	bool exclude; /* HEADER.FIELDS.NOT */
	enum mail_header_filter_state state;
	bool pass; /* what holds for continuation lines */
	struct buf held;
};

void mail_header_filter_init(struct mail_header_filter *filter,
			     const struct slice *names, size_t count,
			     bool exclude);
void mail_header_filter_fini(struct mail_header_filter *filter);

/*
 * Appends to `out` what passes. The empty line that ends the header always
 * does; it is not invented if the message has none.
 */
void mail_header_filter_feed(struct mail_header_filter *filter, struct slice in,
			     struct buf *out);

/* End of the header without an empty line: what was held back is judged. */
void mail_header_filter_finish(struct mail_header_filter *filter,
			       struct buf *out);

#endif
