/*
 * Parts of messages: offsets are in order, every split gives the same parts,
 * and what is cached comes back equal.
 *
 * The first octet says how the message is split.
 */
#include "../unit/mail/show.h"
#include "base/panic.h"
#include "mail/structure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_part(const struct mime_part *part, uint64_t size)
{
	const struct mime_part *parent = part->parent;

	MUST(part->header_begin <= part->body_begin);
	MUST(part->body_begin <= part->body_end);
	MUST(part->body_end <= (parent ? parent->body_end : size));
	MUST(part->header_begin >= (parent ? parent->body_begin : 0));
	MUST(part->lines <= mime_part_size(part));
	MUST(part->type.data && part->subtype.data);
	MUST((part->kind == MIME_LEAF) == (part->child == NULL));
	if (part->next)
		MUST(part->body_end <= part->next->header_begin);
	if (!parent)
		MUST(part->header_begin == 0 && part->body_end == size);
	if (parent && parent->kind == MIME_MESSAGE) {
		MUST(part->header_begin == parent->body_begin);
		MUST(part->body_end == parent->body_end);
	}
}

static void check_parts(const struct mime_part *root, uint64_t size)
{
	const struct mime_part *part = root;
	unsigned count = 0;

	while (part) {
		check_part(part, size);
		MUST(++count <= MIME_PARTS_MAX);
		if (part->child) {
			part = part->child;
			continue;
		}
		while (part && !part->next)
			part = part->parent;
		part = part ? part->next : NULL;
	}
}

/* Steps grow and wrap, so that all sizes occur in one message. */
static void parse_in_pieces(struct slice text, size_t step, struct buf *shown)
{
	struct arena arena = { 0 };
	struct mime_parser *parser = mime_parser_new(&arena);

	while (text.len > 0) {
		mime_parser_feed(parser, slice_first(text, step));
		text = slice_from(text, step);
		step = step % 61 + 1;
	}
	show_parts(mime_parser_finish(parser), shown);
	mime_parser_free(&parser);
	arena_fini(&arena);
}

static void check_cached(const struct mime_part *root, struct slice shown)
{
	struct arena arena = { 0 };
	struct buf octets = { 0 };
	struct buf back = { 0 };
	const struct mime_part *view;

	MUST(mail_structure_encode(root, MAIL_STRUCTURE_MAX, &octets) ==
	     ERR_NONE);
	MUST(mail_structure_decode(buf_slice(&octets), &arena, &view) ==
	     ERR_NONE);
	show_parts(view, &back);
	MUST(slice_eq(buf_slice(&back), shown));
	buf_fini(&octets);
	buf_fini(&back);
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct buf whole = { 0 };
	struct buf pieces = { 0 };
	const struct mime_part *root;
	struct slice text;

	if (size == 0)
		return 0;
	text = slice_of(data + 1, size - 1);
	root = mime_parse(text, &arena);
	check_parts(root, text.len);
	show_parts(root, &whole);
	parse_in_pieces(text, data[0] + 1U, &pieces);
	MUST(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
	check_cached(root, buf_slice(&whole));
	buf_fini(&whole);
	buf_fini(&pieces);
	arena_fini(&arena);
	return 0;
}
