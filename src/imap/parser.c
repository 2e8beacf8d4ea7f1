/*
 * The framing of commands: lines, literals, messages, and what is skipped.
 *
 * A command is collected as text, its literals among it, and read by the
 * grammar when its last line has ended. Only APPEND is read as it comes,
 * because its messages are not kept. The common command, one line in one piece,
 * is read from the octets of the caller and copied once, into the arena.
 *
 * Failures: an error ends the command for the session at once (BAD), whatever
 * of it is still to come. The stream then stands somewhere in the command; the
 * skipping states bring it to the start of the next one.
 */
#include "imap/parser.h"

#include "base/mem.h"
#include "base/panic.h"
#include "imap/grammar.h"

/* The longest literal marker, "~{9223372036854775807+}", and its CR. */
#define MARKER_MAX 24

enum parser_state {
	PARSER_LINE,         /* expects more of a line of the command */
	PARSER_ANNOUNCED,    /* gave LITERAL: expects accept or refuse */
	PARSER_LITERAL,      /* expects `left` octets of an argument */
	PARSER_BODY,         /* expects `left` octets of a message */
	PARSER_RAW,          /* expects more of a line that is no command */
	PARSER_SKIP_LINE,    /* throws away up to the end of the line */
	PARSER_SKIP_LITERAL, /* throws away `left` octets, then SKIP_LINE */
};

struct parser_limits {
	size_t line;
	size_t literal;
	size_t command;
};

static const struct parser_limits limits_nonauth = {
	IMAP_NONAUTH_MAX,
	IMAP_NONAUTH_MAX,
	IMAP_NONAUTH_MAX,
};
static const struct parser_limits limits_auth = {
	IMAP_LINE_MAX,
	IMAP_LITERAL_MAX,
	IMAP_COMMAND_MAX,
};

struct imap_parser {
	enum parser_state state;
	bool ended; /* the session has to call start or want_line */
	struct imap_parser_mode mode;
	struct imap_parser_mode next_mode; /* from the next start on */
	const struct parser_limits *limits;
	struct arena *arena;

	struct buf text;   /* of the command so far; of APPEND: the piece */
	size_t line_at;    /* in text: where the current line begins */
	size_t args_at;    /* in text: behind the head; 0 without one */
	unsigned literals; /* arguments that were literals */
	uint64_t left;     /* octets of a literal that are still to come */
	struct imap_command *command; /* NULL: the head was not read yet */

	uint8_t tail[MARKER_MAX]; /* SKIP_LINE: the end of the line so far */
	size_t tail_len;

	/* of the last event */
	struct imap_literal literal;
	struct imap_bad bad;
	struct slice out; /* piece of a message, or a line */
};

struct imap_parser *imap_parser_new(void)
{
	struct imap_parser *parser =
		(struct imap_parser *)mem_zalloc(1, sizeof(*parser));

	parser->ended = true;
	parser->limits = &limits_nonauth;
	return parser;
}

void imap_parser_free(struct imap_parser **parserp)
{
	struct imap_parser *parser = *parserp;

	*parserp = NULL;
	if (parser == NULL)
		return;
	buf_fini(&parser->text);
	mem_free(parser);
}

void imap_parser_set_mode(struct imap_parser *parser,
			  const struct imap_parser_mode *mode)
{
	parser->next_mode = *mode;
}

static void begin(struct imap_parser *parser)
{
	MUST(parser->ended);
	parser->ended = false;
	parser->mode = parser->next_mode;
	parser->limits =
		parser->mode.authenticated ? &limits_auth : &limits_nonauth;
	buf_fini(&parser->text); /* an idle session holds no memory here */
	parser->line_at = 0;
	parser->args_at = 0;
	parser->literals = 0;
	parser->command = NULL;
	parser->out = SLICE_NONE;
}

void imap_parser_start(struct imap_parser *parser, struct arena *arena)
{
	begin(parser);
	parser->arena = arena;
}

void imap_parser_want_line(struct imap_parser *parser)
{
	begin(parser);
	MUST(parser->state == PARSER_LINE);
	parser->state = PARSER_RAW;
}

/* ---- the end of a command ---- */

static enum imap_feed end_done(struct imap_parser *parser)
{
	parser->ended = true;
	return IMAP_FEED_DONE;
}

static enum imap_feed end_bad(struct imap_parser *parser, enum imap_feed event,
			      enum imap_code code, const char *text)
{
	parser->ended = true;
	parser->bad.tag = imap_parser_tag(parser);
	parser->bad.code = code;
	parser->bad.text = text;
	return event;
}

/* The line goes on behind what stands in `text`; a marker may straddle. */
static void skip_line(struct imap_parser *parser, struct slice text)
{
	struct slice end = text;

	if (end.len > MARKER_MAX)
		end = slice_from(end, end.len - MARKER_MAX);
	if (end.len > 0)
		memcpy(parser->tail, end.data, end.len);
	parser->tail_len = end.len;
	parser->state = PARSER_SKIP_LINE;
}

/* False: it is too long to be skipped. */
static bool skip_literal(struct imap_parser *parser, uint64_t size)
{
	parser->left = size;
	parser->state = PARSER_SKIP_LITERAL;
	return size <= IMAP_SKIP_MAX;
}

/*
 * A line was refused that ends in a literal. A client that waits for "+" will
 * not send it (RFC 9051 section 4.3); else it is on its way.
 */
static enum imap_feed refuse_literal(struct imap_parser *parser,
				     const struct imap_marker *marker,
				     enum imap_code code, const char *text)
{
	enum imap_feed event = IMAP_FEED_BAD;

	parser->state = PARSER_LINE;
	if (!marker->sync && !skip_literal(parser, marker->size)) {
		event = IMAP_FEED_FATAL;
		code = IMAP_CODE_TOOBIG;
	}
	return end_bad(parser, event, code, text);
}

static enum imap_feed refuse_line(struct imap_parser *parser,
				  const struct imap_marker *marker,
				  const char *text)
{
	if (marker != NULL)
		return refuse_literal(parser, marker, IMAP_CODE_NONE, text);
	parser->state = PARSER_LINE;
	return end_bad(parser, IMAP_FEED_BAD, IMAP_CODE_NONE, text);
}

/* ---- literal markers ---- */

/* Cuts decimal digits off the end; a number that is too great is UINT64_MAX. */
static bool cut_digits(struct slice *line, uint64_t *number_r)
{
	size_t begin = line->len;

	while (begin > 0 &&
	       imap_octet_is(line->data[begin - 1], IMAP_OCTET_DIGIT))
		begin--;
	if (begin == line->len)
		return false;
	if (!slice_to_u64(slice_from(*line, begin), INT64_MAX, number_r))
		*number_r = UINT64_MAX;
	line->len = begin;
	return true;
}

static bool cut_octet(struct slice *line, char octet)
{
	if (line->len == 0 || line->data[line->len - 1] != (uint8_t)octet)
		return false;
	line->len--;
	return true;
}

/*
 * "{n}" or "{n+}" at the end of a line, whatever stands before it (RFC 7888
 * section 3). Moves the end of `line` to its beginning.
 */
static bool cut_marker(struct slice *line, struct imap_marker *marker_r)
{
	struct slice rest = *line;

	if (!cut_octet(&rest, '}'))
		return false;
	marker_r->sync = !cut_octet(&rest, '+');
	if (!cut_digits(&rest, &marker_r->size) || !cut_octet(&rest, '{'))
		return false;
	marker_r->literal8 = cut_octet(&rest, '~');
	*line = rest;
	return true;
}

/* ---- lines ---- */

static void scan_init(const struct imap_parser *parser, struct imap_scan *scan,
		      struct slice text)
{
	*scan = (struct imap_scan){ .arena = parser->arena,
				    .utf8 = parser->mode.utf8 };
	scan->pos = text.data;
	scan->end = text.data + text.len;
}

/* `*text` loses its head. The tag is kept also if the rest is wrong. */
static bool read_head(struct imap_parser *parser, struct slice *text,
		      const char **error_r)
{
	struct imap_command *command =
		ARENA_NEW(parser->arena, struct imap_command);
	struct imap_scan scan;
	bool ok;

	scan_init(parser, &scan, *text);
	ok = imap_grammar_head(&scan, command);
	command->tag = arena_slice(parser->arena, command->tag);
	parser->command = command;
	parser->args_at = (size_t)(scan.pos - text->data);
	*text = slice_from(*text, parser->args_at);
	*error_r = scan.error;
	return ok;
}

/* An argument will follow as a literal: is that right so far? */
static enum imap_feed announce_argument(struct imap_parser *parser,
					const struct imap_marker *marker)
{
	const struct parser_limits *limits = parser->limits;

	if (!imap_grammar_takes_literals(parser->command->kind) ||
	    marker->literal8)
		return refuse_line(parser, marker, "Unexpected literal");
	if (marker->size > limits->literal ||
	    (!marker->sync && !parser->mode.literal_plus &&
	     marker->size > IMAP_LITERAL_MINUS_MAX))
		return refuse_literal(parser, marker, IMAP_CODE_TOOBIG,
				      "Literal too long");
	if (parser->literals == IMAP_LITERALS_MAX)
		return refuse_line(parser, marker, "Too many literals");
	if (parser->text.len + 2 + marker->size > limits->command)
		return refuse_literal(parser, marker, IMAP_CODE_TOOBIG,
				      "Command too long");
	parser->literals++;
	buf_add_str(&parser->text, "\r\n");
	parser->literal = (struct imap_literal){
		.size = marker->size,
		.sync = marker->sync,
	};
	parser->left = marker->size;
	if (!marker->sync) {
		parser->state = PARSER_LITERAL;
		return IMAP_FEED_MORE;
	}
	parser->state = PARSER_ANNOUNCED;
	return IMAP_FEED_LITERAL;
}

/* The session judges the size, but for what LITERAL- forbids. */
static enum imap_feed announce_message(struct imap_parser *parser,
				       const struct imap_marker *marker)
{
	if (marker->size > INT64_MAX ||
	    (!marker->sync && !parser->mode.literal_plus &&
	     marker->size > IMAP_LITERAL_MINUS_MAX))
		return refuse_literal(parser, marker, IMAP_CODE_TOOBIG,
				      "Literal too long");
	parser->literal = (struct imap_literal){
		.size = marker->size,
		.sync = marker->sync,
		.message = true,
	};
	parser->left = marker->size;
	parser->state = PARSER_ANNOUNCED;
	buf_clear(&parser->text); /* what was read is in the arena */
	parser->line_at = 0;
	parser->args_at = 0;
	return IMAP_FEED_LITERAL;
}

static enum imap_feed read_append(struct imap_parser *parser, struct slice args,
				  const struct imap_marker *marker)
{
	struct imap_scan scan;

	scan_init(parser, &scan, arena_slice(parser->arena, args));
	switch (imap_grammar_append(&scan, &parser->command->append, marker)) {
	case IMAP_PIECE_ARGUMENT:
		MUST(marker != NULL);
		return announce_argument(parser, marker);
	case IMAP_PIECE_MESSAGE:
		MUST(marker != NULL);
		return announce_message(parser, marker);
	case IMAP_PIECE_DONE:
		return end_done(parser);
	case IMAP_PIECE_BAD:
		break;
	}
	return refuse_line(parser, marker, scan.error);
}

/*
 * A line has ended: `text` is all of the command so far, or of the piece of an
 * APPEND, without the marker of the literal that follows (NULL: none).
 */
static enum imap_feed read_text(struct imap_parser *parser, struct slice text,
				const struct imap_marker *marker)
{
	struct imap_scan scan;
	const char *error;

	if (parser->command != NULL)
		text = slice_from(text, parser->args_at);
	else if (!read_head(parser, &text, &error))
		return refuse_line(parser, marker, error);
	if (parser->command->kind == IMAP_APPEND)
		return read_append(parser, text, marker);
	if (marker != NULL)
		return announce_argument(parser, marker);
	scan_init(parser, &scan, arena_slice(parser->arena, text));
	if (!imap_grammar_args(&scan, parser->command))
		return refuse_line(parser, NULL, scan.error);
	return end_done(parser);
}

/* Octets that may still be added to the current line. */
static size_t line_room(const struct imap_parser *parser)
{
	size_t line =
		parser->limits->line - (parser->text.len - parser->line_at);
	size_t command = parser->limits->command - parser->text.len;

	return line < command ? line : command;
}

static bool ends_in_brace(struct slice line)
{
	(void)cut_octet(&line, '\r');
	return cut_octet(&line, '}');
}

/*
 * Takes octets of one line; true at its end. `*text_r` is then all of the text
 * without the line end: a whole line in one piece, without a literal before or
 * behind it, is borrowed from `in` and not stored.
 */
static bool take_line(struct imap_parser *parser, struct slice *in,
		      struct slice *text_r, bool *too_long_r)
{
	size_t room = line_room(parser);
	size_t at = slice_find(*in, '\n');
	bool whole = at < in->len && at <= room;
	struct slice piece = slice_first(*in, at < room ? at : room);

	*too_long_r = at > room;
	*in = slice_from(*in, whole ? at + 1 : piece.len);
	if (whole && parser->text.len == 0 && !ends_in_brace(piece)) {
		(void)cut_octet(&piece, '\r');
		*text_r = piece;
		return true;
	}
	buf_add_slice(&parser->text, piece);
	if (whole && parser->text.len > parser->line_at &&
	    parser->text.data[parser->text.len - 1] == '\r')
		parser->text.len--;
	*text_r = buf_slice(&parser->text);
	return whole;
}

static enum imap_feed refuse_long_line(struct imap_parser *parser)
{
	struct slice text = buf_slice(&parser->text);
	const char *unused;

	skip_line(parser, text);
	if (parser->command == NULL) /* for the tag */
		(void)read_head(parser, &text, &unused);
	return end_bad(parser, IMAP_FEED_BAD, IMAP_CODE_NONE, "Line too long");
}

static enum imap_feed step_line(struct imap_parser *parser, struct slice *in)
{
	struct imap_marker marker;
	struct slice line;
	struct slice text;
	bool too_long;

	if (!take_line(parser, in, &text, &too_long))
		return too_long ? refuse_long_line(parser) : IMAP_FEED_MORE;
	line = slice_from(text, parser->line_at);
	if (!cut_marker(&line, &marker))
		return read_text(parser, text, NULL);
	return read_text(parser, slice_first(text, parser->line_at + line.len),
			 &marker);
}

/* ---- lines that are no command ---- */

static enum imap_feed step_raw(struct imap_parser *parser, struct slice *in)
{
	bool too_long;

	if (!take_line(parser, in, &parser->out, &too_long)) {
		if (!too_long)
			return IMAP_FEED_MORE;
		skip_line(parser, buf_slice(&parser->text));
		return end_bad(parser, IMAP_FEED_BAD, IMAP_CODE_NONE,
			       "Line too long");
	}
	parser->state = PARSER_LINE;
	if (slice_find(parser->out, '\0') < parser->out.len)
		return end_bad(parser, IMAP_FEED_BAD, IMAP_CODE_NONE,
			       "NUL in a line");
	parser->ended = true;
	return IMAP_FEED_LINE;
}

/* ---- literals ---- */

/* Takes what there is of the `left` octets. */
static struct slice take_left(struct imap_parser *parser, struct slice *in)
{
	struct slice piece = *in;

	if (piece.len > parser->left)
		piece.len = (size_t)parser->left;
	*in = slice_from(*in, piece.len);
	parser->left -= piece.len;
	return piece;
}

static enum imap_feed refuse_nul(struct imap_parser *parser)
{
	bool skipped = skip_literal(parser, parser->left);

	return end_bad(parser, skipped ? IMAP_FEED_BAD : IMAP_FEED_FATAL,
		       IMAP_CODE_NONE, "NUL in a literal");
}

static enum imap_feed step_literal(struct imap_parser *parser, struct slice *in)
{
	struct slice piece = take_left(parser, in);

	if (slice_find(piece, '\0') < piece.len)
		return refuse_nul(parser);
	if (piece.len > 0)
		buf_add_slice(&parser->text, piece);
	if (parser->left > 0)
		return IMAP_FEED_MORE;
	parser->state = PARSER_LINE;
	parser->line_at = parser->text.len;
	return IMAP_FEED_MORE;
}

/* A NUL in a plain literal ends the piece before it, then the command. */
static enum imap_feed step_body(struct imap_parser *parser, struct slice *in)
{
	bool plain = parser->command->append.last->form == IMAP_APPEND_LITERAL;
	struct slice rest = *in;
	size_t nul;

	if (parser->left == 0) {
		parser->state = PARSER_LINE;
		return IMAP_FEED_BODY_END;
	}
	if (in->len == 0)
		return IMAP_FEED_MORE;
	if (rest.len > parser->left)
		rest.len = (size_t)parser->left;
	nul = plain ? slice_find(rest, '\0') : rest.len;
	if (nul == 0)
		return refuse_nul(parser);
	parser->out = slice_first(rest, nul);
	*in = slice_from(*in, nul);
	parser->left -= nul;
	return IMAP_FEED_BODY;
}

/* ---- skipping ---- */

static enum imap_feed step_skip_literal(struct imap_parser *parser,
					struct slice *in)
{
	(void)take_left(parser, in);
	if (parser->left == 0)
		skip_line(parser, SLICE_NONE);
	return IMAP_FEED_MORE;
}

static void keep_tail(struct imap_parser *parser, struct slice piece)
{
	size_t old = parser->tail_len;

	if (piece.len > MARKER_MAX)
		piece = slice_from(piece, piece.len - MARKER_MAX);
	if (old + piece.len > MARKER_MAX) {
		size_t drop = old + piece.len - MARKER_MAX;

		memmove(parser->tail, parser->tail + drop, old - drop);
		old -= drop;
	}
	memcpy(parser->tail + old, piece.data, piece.len);
	parser->tail_len = old + piece.len;
}

/*
 * At the end of the line the command is over, but for a literal that the
 * client has sent without waiting.
 */
static enum imap_feed step_skip_line(struct imap_parser *parser,
				     struct slice *in)
{
	size_t at = slice_find(*in, '\n');
	bool whole = at < in->len;
	struct imap_marker marker;
	struct slice line;

	if (at > 0)
		keep_tail(parser, slice_first(*in, at));
	*in = slice_from(*in, whole ? at + 1 : at);
	if (!whole)
		return IMAP_FEED_MORE;
	line = slice_of(parser->tail, parser->tail_len);
	(void)cut_octet(&line, '\r');
	parser->state = PARSER_LINE;
	if (!cut_marker(&line, &marker) || marker.sync)
		return IMAP_FEED_MORE;
	if (!skip_literal(parser, marker.size))
		return end_bad(parser, IMAP_FEED_FATAL, IMAP_CODE_TOOBIG,
			       "Literal too long");
	return IMAP_FEED_MORE;
}

/* ---- dispatch ---- */

static enum imap_feed step(struct imap_parser *parser, struct slice *in)
{
	switch (parser->state) {
	case PARSER_LINE:
		return step_line(parser, in);
	case PARSER_LITERAL:
		return step_literal(parser, in);
	case PARSER_BODY:
		return step_body(parser, in);
	case PARSER_RAW:
		return step_raw(parser, in);
	case PARSER_SKIP_LINE:
		return step_skip_line(parser, in);
	case PARSER_SKIP_LITERAL:
		return step_skip_literal(parser, in);
	case PARSER_ANNOUNCED:
		break;
	}
	PANIC("octets in state %d of a parser", (int)parser->state);
}

enum imap_feed imap_parser_feed(struct imap_parser *parser, struct slice *in)
{
	enum imap_feed event;

	MUST(!parser->ended);
	if (in->len == 0 && parser->state != PARSER_BODY)
		return IMAP_FEED_MORE;
	do
		event = step(parser, in);
	while (event == IMAP_FEED_MORE && in->len > 0);
	return event;
}

void imap_parser_accept(struct imap_parser *parser)
{
	MUST(parser->state == PARSER_ANNOUNCED);
	parser->state = parser->literal.message ? PARSER_BODY : PARSER_LITERAL;
}

bool imap_parser_refuse(struct imap_parser *parser)
{
	MUST(!parser->ended);
	parser->ended = true;
	if (parser->state == PARSER_BODY)
		return skip_literal(parser, parser->left);
	if (parser->state == PARSER_LINE) { /* after BODY_END */
		skip_line(parser, buf_slice(&parser->text));
		return true;
	}
	MUST(parser->state == PARSER_ANNOUNCED);
	parser->state = PARSER_LINE;
	return parser->literal.sync || skip_literal(parser, parser->left);
}

/* ---- what an event carries ---- */

const struct imap_literal *imap_parser_literal(const struct imap_parser *parser)
{
	return &parser->literal;
}

struct slice imap_parser_body(const struct imap_parser *parser)
{
	return parser->out;
}

struct slice imap_parser_line(const struct imap_parser *parser)
{
	return parser->out;
}

struct imap_command *imap_parser_command(const struct imap_parser *parser)
{
	return parser->command;
}

const struct imap_bad *imap_parser_bad(const struct imap_parser *parser)
{
	return &parser->bad;
}

struct slice imap_parser_tag(const struct imap_parser *parser)
{
	return parser->command == NULL ? SLICE_NONE : parser->command->tag;
}
