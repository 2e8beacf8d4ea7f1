/*
 * A parsed message to ask questions of.
 */
#ifndef TEST_UNIT_MAIL_MESSAGE_H
#define TEST_UNIT_MAIL_MESSAGE_H

#include "base/arena.h"
#include "base/slice.h"
#include "mail/mime.h"

struct message {
	struct arena arena;
	struct slice text; /* borrowed */
	const struct mime_part *root;
};

/* Parses it whole, and in pieces of each size: all must give the same. */
void message_init(struct message *m, struct slice text);
void message_fini(struct message *m);

/* The octets of "1.2", "HEADER", "2.MIME" are these; NULL: there is none. */
void message_expect(const struct message *m, const char *section,
		    const char *octets);

/* Part "1.2" (or "": the root) is "type/subtype". */
void message_expect_type(const struct message *m, const char *section,
			 const char *type);

/* show_parts of it. */
void message_expect_shown(const struct message *m, const char *shown);

#endif
