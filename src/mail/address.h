/*
 * Address lists of header fields (RFC 5322 sections 3.4 and 4.4) in the form
 * in which IMAP shows them (RFC 9051 section 7.5.2, envelope).
 *
 * Nothing is decoded: names keep their encoded words. Strings never hold NUL
 * (it becomes U+FFFD) or line ends. Whatever stands in a
 * field gives a list; what is no address is kept as well as it can be, so that
 * a reader sees that something was there.
 */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include "base/arena.h"
#include "base/slice.h"

/* Addresses of one field; the rest is ignored. Real fields have hundreds. */
#define MAIL_ADDRESSES_MAX 10000

/* What takes the place of a missing part, as IMAP clients know it. */
#define MAIL_MISSING_MAILBOX "MISSING_MAILBOX"
#define MAIL_MISSING_HOST "MISSING_DOMAIN"

/*
 * A slice with data == NULL is NIL; an empty string has data.
 *
 * A group is: {mailbox = its name, host NIL}, its members, {all NIL}.
 */
struct mail_address {
	struct mail_address *next;
	struct slice name;  /* display name or comment, quotes taken off */
	struct slice route; /* "@a,@b" of "<@a,@b:user@host>" */
	struct slice mailbox;
	struct slice host;
};

/*
 * Appends the addresses of one field to the list that ends at `*tail`.
 *
 *   value  what stands behind the colon, folded or not
 *   arena  owner of the addresses and of all their strings
 *
 * Returns the new end of the list.
 */
struct mail_address **mail_address_parse(struct slice value,
					 struct arena *arena,
					 struct mail_address **tail);

#endif
