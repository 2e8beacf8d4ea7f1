/*
 * One LMTP command line, read into its parts (RFC 2033, RFC 5321 section 4.1).
 *
 * Pure: the line stands whole in the session's line buffer, whose length is
 * bounded (LMTP_LINE_MAX).
 */
#ifndef LMTP_COMMAND_H
#define LMTP_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

enum lmtp_verb {
	LMTP_LHLO,
	LMTP_MAIL,
	LMTP_RCPT,
	LMTP_DATA,
	LMTP_BDAT,
	LMTP_RSET,
	LMTP_NOOP,
	LMTP_VRFY,
	LMTP_QUIT,
	LMTP_STARTTLS,
	LMTP_HELO, /* HELO and EHLO: refused with a hint (RFC 2033 4.1) */
	LMTP_UNKNOWN,
};

/* A path without <>: local part unquoted, domain in lower case ASCII. */
struct lmtp_path {
	struct slice address; /* local@domain; empty for the null path */
	struct slice local;
	struct slice domain; /* may be empty: "postmaster", local users */
};

struct lmtp_command {
	enum lmtp_verb verb;
	struct slice argument; /* LHLO: the client's name */
	struct lmtp_path path; /* MAIL, RCPT */
	bool has_size;
	uint64_t size;  /* MAIL SIZE=, BDAT */
	bool last;      /* BDAT LAST */
	bool smtputf8;  /* MAIL SMTPUTF8 */
	bool eight_bit; /* MAIL BODY=8BITMIME */
};

/*
 * Reads `line` (without CRLF). What must be copied goes to `arena`, the rest
 * is borrowed from the line. Errors say what the reply is:
 *   ERR_SYNTAX 501 5.5.4, ERR_INVALID 555 5.5.4 (unknown parameter),
 *   ERR_LIMIT 501 5.1.3 (a part of the path is too long).
 * The verb is set in any case.
 */
must_use enum err lmtp_command_read(struct slice line, struct arena *arena,
				    struct lmtp_command *command_r);

#endif
