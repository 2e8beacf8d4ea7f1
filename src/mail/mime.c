/*
 * The parser of parts.
 *
 * Octets become lines; a line is a delimiter of an open multipart, or a line
 * of the header of the innermost part, or of no further interest. A stack of
 * frames holds the parts that are open, the innermost on top. Of a line that
 * comes in pieces only as much is kept as the line can matter: in a header
 * what the header may have, else what a delimiter may have. Whatever comes,
 * there is no failure.
 *
 * All that the parser decides depends on whole lines, so any split of the
 * input gives the same result.
 */
#include "mail/mime.h"

#include "base/mem.h"
#include "base/panic.h"
#include "mail/content.h"
#include "mail/envelope.h"
#include "mail/header.h"
#include "mail/lex.h"

/* Octets of a line that can matter as a delimiter; the rest is padding. */
#define MIME_DELIMITER_MAX (MIME_BOUNDARY_MAX + 102)

/*
 * Above this no more parts begin, save the empty ones that multiparts which
 * are still open may need.
 */
#define MIME_PARTS_FULL (MIME_PARTS_MAX - MIME_DEPTH_MAX)

/* What the next line belongs to, if it is no delimiter. */
enum mime_state {
	MIME_HEADER, /* the header of the innermost part */
	MIME_BODY,   /* its body, or what surrounds the parts of a multipart */
};

/* A part that is open. */
struct mime_frame {
	struct mime_part *part;
	struct mime_part **tail; /* where its next child goes */
	struct slice boundary;   /* absent: no delimiter is looked for */
	uint64_t lines_before;   /* LFs before its body */
};

struct mime_parser {
	struct arena *arena;
	size_t arena_before; /* octets that others had taken of it */
	struct mime_part *root;
	unsigned parts;

	struct mime_frame frames[MIME_DEPTH_MAX];
	unsigned depth;      /* frames in use */
	unsigned boundaries; /* frames with a boundary */

	enum mime_state state;
	uint64_t begin; /* offset of the line in hand */
	uint64_t end;   /* and of the one behind it */
	uint64_t lines; /* LFs before it */
	unsigned eol;   /* octets of the line end before it */

	struct buf line; /* the beginning of a line that came in pieces */
	uint64_t pieces; /* octets of it, 0: at the start of a line */
	uint8_t last;    /* the last one */

	/* of the header of the innermost part */
	struct buf field; /* lines of a field that is wanted; or empty */
	bool header_over; /* it exceeded a limit */
	struct mail_content content;
	struct mail_envelope_maker envelope;
};

bool mime_part_is_text(const struct mime_part *part)
{
	return slice_eq_nocase(part->type, SLICE_LIT("text"));
}

/* ---- frames ---- */

static struct mime_frame *mime_top(struct mime_parser *p)
{
	MUST(p->depth > 0);
	return &p->frames[p->depth - 1];
}

static bool mime_full(const struct mime_parser *p)
{
	return p->parts >= MIME_PARTS_FULL;
}

/* A part as the next child of the top; the root if there is none. */
static struct mime_part *mime_add_part(struct mime_parser *p, uint64_t begin)
{
	struct mime_part *part = ARENA_NEW(p->arena, struct mime_part);

	part->header_begin = begin;
	p->parts++;
	MUST(p->parts <= MIME_PARTS_MAX);
	if (p->depth == 0) {
		p->root = part;
		return part;
	}
	part->parent = mime_top(p)->part;
	part->parent->child_count++;
	*mime_top(p)->tail = part;
	mime_top(p)->tail = &part->next;
	return part;
}

/* Begins a part whose header is at `begin`. */
static void mime_push(struct mime_parser *p, uint64_t begin)
{
	struct mime_part *part = mime_add_part(p, begin);

	MUST(p->depth < MIME_DEPTH_MAX);
	p->frames[p->depth++] = (struct mime_frame){
		.part = part,
		.tail = &part->child,
	};
	p->state = MIME_HEADER;
	p->header_over = false;
	buf_clear(&p->field);
	p->content = (struct mail_content){ .part = part, .arena = p->arena };
	if (!part->parent || part->parent->kind == MIME_MESSAGE)
		mail_envelope_begin(&p->envelope, p->arena);
	else
		p->envelope.env = NULL;
}

/* ---- headers ---- */

static void mime_field_end(struct mime_parser *p)
{
	struct mail_header_field field;

	if (p->field.len > 0 &&
	    mail_header_split(buf_slice(&p->field), &field)) {
		mail_content_add(&p->content, &field);
		if (p->envelope.env)
			mail_envelope_add(&p->envelope, &field);
	}
	buf_clear(&p->field);
}

static bool mime_wants(const struct mime_parser *p, struct slice line)
{
	struct mail_header_field field;

	if (!mail_header_split(line, &field))
		return false;
	return mail_content_wants(field.name) ||
	       (p->envelope.env && mail_envelope_wants(field.name));
}

/*
 * The header of the top ends and its body begins at `body`, with `lines` LFs
 * before it.
 */
static void mime_header_end(struct mime_parser *p, uint64_t body,
			    uint64_t lines)
{
	struct mime_frame *top = mime_top(p);
	struct mime_part *parent = top->part->parent;
	bool in_digest = parent && parent->kind == MIME_MULTIPART &&
			 slice_eq_nocase(parent->subtype, SLICE_LIT("digest"));
	bool may_open =
		p->depth < MIME_DEPTH_MAX && !mime_full(p) && !p->header_over;

	mime_field_end(p);
	if (p->envelope.env)
		top->part->envelope = mail_envelope_finish(&p->envelope);
	mail_content_finish(&p->content, in_digest, may_open, &top->boundary);
	top->part->body_begin = body;
	top->lines_before = lines;
	p->state = MIME_BODY;
	if (top->boundary.data)
		p->boundaries++;
	if (top->part->kind == MIME_MESSAGE)
		mime_push(p, body);
}

static bool mime_header_too_large(const struct mime_parser *p,
				  const struct mime_part *part)
{
	return p->end - part->header_begin > MIME_HEADER_MAX ||
	       arena_used(p->arena) - p->arena_before > MIME_MEMORY_MAX;
}

static void mime_header_line(struct mime_parser *p, struct slice line)
{
	bool continues = line.data[0] == ' ' || line.data[0] == '\t';

	if (slice_eq(line, SLICE_LIT("\r\n")) ||
	    slice_eq(line, SLICE_LIT("\n"))) {
		mime_header_end(p, p->end, p->lines + 1);
		return;
	}
	if (!continues)
		mime_field_end(p);
	if (mime_header_too_large(p, mime_top(p)->part))
		p->header_over = true;
	if (p->header_over)
		buf_clear(&p->field);
	else if (continues ? p->field.len > 0 : mime_wants(p, line))
		buf_add_slice(&p->field, line);
}

/* ---- ends ---- */

/* A multipart without parts: IMAP must show one. */
static void mime_add_empty(struct mime_parser *p, uint64_t at)
{
	struct mime_part *part = mime_add_part(p, at);

	part->body_begin = at;
	part->body_end = at;
	mail_content_default(part, p->arena);
}

/* The innermost part ends at `end`, with `lines` LFs before. */
static void mime_pop(struct mime_parser *p, uint64_t end, uint64_t lines)
{
	struct mime_frame *top = mime_top(p);
	struct mime_part *part = top->part;

	MUST(p->state == MIME_BODY);
	MUST(part->header_begin <= part->body_begin);
	MUST(part->body_begin <= end);
	part->body_end = end;
	part->lines = lines - top->lines_before;
	if (part->kind == MIME_MULTIPART && part->child_count == 0)
		mime_add_empty(p, end);
	if (top->boundary.data)
		p->boundaries--;
	p->depth--;
}

/* Ends parts until `depth` of them are open. */
static void mime_end(struct mime_parser *p, unsigned depth, uint64_t end,
		     uint64_t lines)
{
	if (p->depth <= depth)
		return;
	while (p->state == MIME_HEADER) /* again for a message within */
		mime_header_end(p, end, lines);
	while (p->depth > depth)
		mime_pop(p, end, lines);
}

/* ---- delimiters ---- */

struct mime_delimiter {
	unsigned depth; /* of the multipart that it belongs to */
	bool close;
};

/* The octets behind "--" that can matter, without the blanks at the end. */
static struct slice mime_delimiter_text(struct slice line)
{
	struct slice text =
		slice_from(slice_first(line, MIME_DELIMITER_MAX), 2);

	while (text.len > 0 && mail_lex_is_blank(text.data[text.len - 1]))
		text.len--;
	return text;
}

/* Innermost first: see mime.h for who wins. */
static bool mime_find_delimiter(const struct mime_parser *p, struct slice line,
				struct mime_delimiter *found_r)
{
	struct slice text = mime_delimiter_text(line);
	size_t best = 0;

	for (unsigned depth = p->depth; depth > 0; depth--) {
		struct slice boundary = p->frames[depth - 1].boundary;
		struct slice rest;

		if (boundary.len <= best || !slice_has_prefix(text, boundary))
			continue;
		rest = slice_from(text, boundary.len);
		best = boundary.len;
		found_r->depth = depth;
		found_r->close = slice_has_prefix(rest, SLICE_LIT("--"));
		if (rest.len == 0 || (found_r->close && rest.len == 2))
			break;
	}
	return best > 0;
}

/* The line end before it belongs to it, unless something ends with that. */
static void mime_delimiter(struct mime_parser *p,
			   const struct mime_delimiter *found)
{
	const struct mime_part *part = mime_top(p)->part;
	uint64_t start =
		p->state == MIME_HEADER ? part->header_begin : part->body_begin;
	bool within = p->begin > start;
	struct mime_frame *frame = &p->frames[found->depth - 1];

	mime_end(p, found->depth, p->begin - (within ? p->eol : 0),
		 p->lines - (within ? 1 : 0));
	if (found->close) {
		frame->boundary = SLICE_NONE;
		p->boundaries--;
	} else {
		mime_push(p, p->end);
	}
}

/* ---- lines ---- */

/* No line will matter any more: the rest is body. */
static bool mime_at_rest(const struct mime_parser *p)
{
	return p->state == MIME_BODY && (p->boundaries == 0 || mime_full(p));
}

/*
 * A whole line of `len` octets, of which `line` are all or those that can
 * matter; `eol` octets are its line end.
 */
static void mime_line(struct mime_parser *p, struct slice line, uint64_t len,
		      unsigned eol)
{
	struct mime_delimiter found;

	p->end = p->begin + len;
	if (p->boundaries > 0 && !mime_full(p) &&
	    slice_has_prefix(line, SLICE_LIT("--")) &&
	    mime_find_delimiter(p, line, &found))
		mime_delimiter(p, &found);
	else if (p->state == MIME_HEADER)
		mime_header_line(p, line);
	p->begin = p->end;
	p->lines += eol > 0;
	p->eol = eol;
}

static unsigned mime_eol(bool lf, uint8_t before)
{
	if (!lf)
		return 0;
	return before == '\r' ? 2 : 1;
}

/* The whole lines in `in`, as long as lines matter; returns the rest. */
static struct slice mime_feed_lines(struct mime_parser *p, struct slice in)
{
	while (in.len > 0 && !mime_at_rest(p)) {
		size_t lf = slice_find(in, '\n');
		uint8_t before = lf > 0 ? in.data[lf - 1] : 0;

		if (lf == in.len)
			break;
		mime_line(p, slice_first(in, lf + 1), lf + 1,
			  mime_eol(true, before));
		in = slice_from(in, lf + 1);
	}
	return in;
}

static void mime_line_end(struct mime_parser *p, unsigned eol)
{
	struct slice line = buf_slice(&p->line);
	uint64_t len = p->pieces;

	p->pieces = 0;
	mime_line(p, line, len, eol);
	buf_clear(&p->line);
}

/* A piece of a line; returns what is behind it. */
static struct slice mime_feed_piece(struct mime_parser *p, struct slice in)
{
	size_t lf = slice_find(in, '\n');
	struct slice piece = slice_first(in, lf + 1);
	size_t keep = p->state == MIME_HEADER ? MIME_HEADER_MAX + 1
					      : MIME_DELIMITER_MAX;
	uint8_t before = piece.len > 1 ? piece.data[piece.len - 2] : p->last;

	keep = keep > p->line.len ? keep - p->line.len : 0;
	buf_add_slice(&p->line, slice_first(piece, keep));
	p->last = piece.data[piece.len - 1];
	p->pieces += piece.len;
	if (lf < in.len)
		mime_line_end(p, mime_eol(true, before));
	return slice_from(in, piece.len);
}

/* Lines that do not matter are only counted. */
static void mime_feed_rest(struct mime_parser *p, struct slice in)
{
	p->begin += in.len;
	while (in.len > 0) {
		size_t lf = slice_find(in, '\n');

		if (lf == in.len)
			break;
		p->lines++;
		in = slice_from(in, lf + 1);
	}
}

void mime_parser_feed(struct mime_parser *parser, struct slice octets)
{
	while (octets.len > 0) {
		if (parser->pieces > 0) {
			octets = mime_feed_piece(parser, octets);
			continue;
		}
		octets = mime_feed_lines(parser, octets);
		if (mime_at_rest(parser)) {
			mime_feed_rest(parser, octets);
			return;
		}
		if (octets.len > 0)
			octets = mime_feed_piece(parser, octets);
	}
}

/* ---- the whole ---- */

struct mime_parser *mime_parser_new(struct arena *arena)
{
	struct mime_parser *p = mem_zalloc(1, sizeof(*p));

	p->arena = arena;
	p->arena_before = arena_used(arena);
	mime_push(p, 0);
	return p;
}

struct mime_part *mime_parser_finish(struct mime_parser *parser)
{
	MUST(parser->depth > 0);
	if (parser->pieces > 0)
		mime_line_end(parser, 0);
	mime_end(parser, 0, parser->begin, parser->lines);
	MUST(parser->boundaries == 0);
	return parser->root;
}

void mime_parser_free(struct mime_parser **parserp)
{
	struct mime_parser *p = *parserp;

	*parserp = NULL;
	buf_fini(&p->line);
	buf_fini(&p->field);
	mem_free(p);
}

struct mime_part *mime_parse(struct slice message, struct arena *arena)
{
	struct mime_parser *parser = mime_parser_new(arena);
	struct mime_part *root;

	mime_parser_feed(parser, message);
	root = mime_parser_finish(parser);
	mime_parser_free(&parser);
	return root;
}
