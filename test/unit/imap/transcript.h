/*
 * What a parser makes of octets, as text: for tables in tests, and to compare
 * one split of the octets with another.
 */
#ifndef TEST_IMAP_TRANSCRIPT_H
#define TEST_IMAP_TRANSCRIPT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"
#include "imap/command.h"
#include "imap/parser.h"

struct imap_search;

/*
 * Feeds `input` in pieces of `piece` octets and appends one line an event:
 *
 *   DONE a1 SELECT "INBOX"       the command, in one canonical form
 *   LITERAL 5                    asked for, and accepted
 *   MESSAGE 5                    announced, and accepted
 *   body "hello"                 octets of a message, when it ends
 *   LINE DONE                    the line behind IDLE and AUTHENTICATE
 *   BAD a1 [TOOBIG] text
 *   FATAL a1 [TOOBIG] text       and no more
 *
 * Octets outside printable ASCII are "\xx".
 */
void transcript_run(const struct imap_parser_mode *mode, struct slice input,
		    size_t piece, struct buf *out);

/* The same with pieces of random lengths from `seed`. */
void transcript_run_random(const struct imap_parser_mode *mode,
			   struct slice input, uint64_t seed, struct buf *out);

void transcript_command(const struct imap_command *command, struct buf *out);
void transcript_search(const struct imap_search *search, struct buf *out);

#endif
