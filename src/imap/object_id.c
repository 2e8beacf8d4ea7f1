/*
 * EMAILID: writing it, and comparing what a client searches for.
 */
#include "imap/object_id.h"

#include "base/base64.h"

void imap_email_id_format(const struct sha256 *body, struct buf *out)
{
	buf_add_octet(out, 'M');
	hex_encode(slice_of(body->octets, IMAP_EMAIL_ID_OCTETS), out);
}

static bool is_digit_of(uint8_t octet, unsigned value)
{
	return octet == (uint8_t) "0123456789abcdef"[value];
}

bool imap_email_id_is(struct slice id, const struct sha256 *body)
{
	if (id.len != 1 + 2 * IMAP_EMAIL_ID_OCTETS || id.data[0] != 'M')
		return false;
	for (size_t i = 0; i < IMAP_EMAIL_ID_OCTETS; i++)
		if (!is_digit_of(id.data[1 + 2 * i], body->octets[i] >> 4) ||
		    !is_digit_of(id.data[2 + 2 * i], body->octets[i] & 15))
			return false;
	return true;
}
