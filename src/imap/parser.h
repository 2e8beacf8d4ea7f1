/*
 * IMAP commands from octets, incrementally (RFC 9051 section 9).
 *
 * The session gives whatever it has read and gets events; any split of the
 * octets gives the same events, but for the cuts between pieces of a message.
 * Life of a command:
 *
 *   start(arena) --> feed ... MORE
 *                    feed ... LITERAL: accept (send "+ ") or refuse
 *                    feed ... BODY, BODY, .. BODY_END (only APPEND)
 *                    feed --> DONE | BAD | FATAL --> start(next arena)
 *
 * After DONE of AUTHENTICATE or IDLE the session may ask for lines instead
 * (imap_parser_want_line) before it starts the next command.
 *
 * Memory is bounded: lines, argument literals and the whole command have named
 * limits; message literals pass through in pieces. What follows an error (the
 * rest of the line, non-synchronising literals) is skipped without storing it.
 * Lines end in CRLF; a bare LF is accepted, a NUL or a bare CR is not.
 */
#ifndef IMAP_PARSER_H
#define IMAP_PARSER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "imap/command.h"
#include "imap/writer.h"

/* Octets of one line; RFC 7162 section 4 wants 8,192 at least. */
#define IMAP_LINE_MAX (64 * 1024)

/* Of one argument literal: no stored value is longer than a command, 128 KiB.
 */
#define IMAP_LITERAL_MAX (128 * 1024)

/* Of all lines and argument literals of one command. */
#define IMAP_COMMAND_MAX (256 * 1024)

/* The same three before authentication: LOGIN, ID and SASL are short. */
#define IMAP_NONAUTH_MAX (16 * 1024)

/* Argument literals of one command: SEARCH with many strings in UTF-8. */
#define IMAP_LITERALS_MAX 128

/* Messages of one APPEND: one row each, and a log command has 1,000 rows. */
#define IMAP_APPEND_MAX 1000

/* Octets of a non-synchronising literal under LITERAL- (RFC 7888). */
#define IMAP_LITERAL_MINUS_MAX 4096

/*
 * A refused non-synchronising literal up to this size is read and thrown away;
 * for a longer one the connection is closed (RFC 7888 section 4).
 */
#define IMAP_SKIP_MAX (64 * 1024 * 1024)

/* Octets of a tag; a longer one is answered without it. */
#define IMAP_TAG_MAX 255

/* Nesting of parentheses, NOT and OR. */
#define IMAP_DEPTH_MAX 32

enum imap_feed {
	IMAP_FEED_MORE, /* all octets were taken; give more */
	/*
	 * A synchronising literal, or the literal of a message, comes next:
	 * imap_parser_literal says which. Answer with imap_parser_accept or
	 * imap_parser_refuse before the next feed.
	 */
	IMAP_FEED_LITERAL,
	IMAP_FEED_BODY,     /* imap_parser_body: a piece of the message */
	IMAP_FEED_BODY_END, /* all octets of this message were given */
	IMAP_FEED_DONE,     /* imap_parser_command is complete */
	IMAP_FEED_LINE,     /* imap_parser_line, after want_line */
	/*
	 * The command is refused: imap_parser_bad says how to answer. It is
	 * over for the session, which starts the next one; what is left of it
	 * is skipped silently.
	 */
	IMAP_FEED_BAD,
	/* The same, but there is no way on: BYE with the text, and close. */
	IMAP_FEED_FATAL,
};

/* A literal that was announced. */
struct imap_literal {
	uint64_t size;
	bool sync;    /* the client waits for "+" */
	bool message; /* of APPEND: the command's last item describes it */
};

/* How to answer BAD and FATAL. */
struct imap_bad {
	struct slice tag;    /* empty: untagged BAD; lives in the arena */
	enum imap_code code; /* IMAP_CODE_NONE or TOOBIG */
	const char *text;    /* static, for people */
};

struct imap_parser_mode {
	bool authenticated; /* the large limits apply */
	bool utf8; /* UTF8=ACCEPT or IMAP4rev2 is enabled: names are UTF-8 */
	/* LITERAL+ is offered: no limit of 4,096; else LITERAL- is. */
	bool literal_plus;
};

struct imap_parser;

struct imap_parser *imap_parser_new(void);
void imap_parser_free(struct imap_parser **parserp);

/* Takes effect with the next command. The first mode is all false. */
void imap_parser_set_mode(struct imap_parser *parser,
			  const struct imap_parser_mode *mode);

/*
 * Ready for a command, whose memory is `arena`: empty or cleared by the caller,
 * untouched by others until the command has ended. Must be called before the
 * first feed and after every DONE, BAD and refusal.
 */
void imap_parser_start(struct imap_parser *parser, struct arena *arena);

/*
 * Takes octets from the front of `*in` up to the next event. Events but MORE
 * may leave octets: handle the event and call again.
 */
enum imap_feed imap_parser_feed(struct imap_parser *parser, struct slice *in);

/* After LITERAL. */
const struct imap_literal *
imap_parser_literal(const struct imap_parser *parser);

/* After LITERAL: its octets shall come. The session sends "+" if it is sync. */
void imap_parser_accept(struct imap_parser *parser);

/*
 * After LITERAL, BODY or BODY_END: the command is over, the session sends its
 * tagged NO or BAD and starts the next one. What the client has sent of this
 * one, or will send before it can know, is skipped. False: too much to skip;
 * send BYE [TOOBIG] and close.
 */
must_use bool imap_parser_refuse(struct imap_parser *parser);

/* After BODY: borrowed from `in`, valid until that memory changes. */
struct slice imap_parser_body(const struct imap_parser *parser);

/*
 * After DONE the whole command; after LITERAL of a message and until its
 * BODY_END an APPEND so far. Lives in the arena.
 */
struct imap_command *imap_parser_command(const struct imap_parser *parser);

/* After BAD or FATAL. */
const struct imap_bad *imap_parser_bad(const struct imap_parser *parser);

/*
 * After DONE or LINE, instead of start: the next feed that has a whole line
 * gives it as LINE, without CRLF. Longer than the line limit, or with a NUL:
 * BAD, with an empty tag.
 */
void imap_parser_want_line(struct imap_parser *parser);

/* After LINE: borrowed from `in` or from the parser; valid until the next feed.
 */
struct slice imap_parser_line(const struct imap_parser *parser);

/* The tag as far as it is known: for a BYE or NO in the middle; may be empty.
 */
struct slice imap_parser_tag(const struct imap_parser *parser);

#endif
