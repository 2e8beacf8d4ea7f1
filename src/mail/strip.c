/*
 * Line ends of mail from files: runs between bare LFs are copied whole. There
 * are no failures.
 */
#include "mail/strip.h"

void mail_strip_feed(struct mail_strip *strip, struct slice in, struct buf *out)
{
	size_t before = out->len;

	while (in.len > 0) {
		size_t lf = slice_find(in, '\n');

		buf_add_slice(out, slice_first(in, lf));
		if (lf > 0)
			strip->cr = in.data[lf - 1] == '\r';
		if (lf == in.len)
			break;
		if (!strip->cr) {
			buf_add_octet(out, '\r');
			strip->added++;
		}
		buf_add_octet(out, '\n');
		strip->cr = false;
		strip->lines++;
		in = slice_from(in, lf + 1);
	}
	strip->octets += out->len - before;
}
