/*
 * The fixture for whole messages. That all splits give the same is asked of
 * each message that any test parses.
 */
#include "message.h"

#include <criterion/criterion.h>

#include "mail/structure.h"
#include "show.h"

/* Splits are tried for messages up to so many octets. */
#define SPLIT_MAX 600

static void expect_same_in_steps(const struct message *m, size_t step,
				 struct slice shown)
{
	struct arena arena = { 0 };
	struct mime_parser *parser = mime_parser_new(&arena);
	struct slice rest = m->text;
	struct buf out = { 0 };

	for (; rest.len > 0; rest = slice_from(rest, step))
		mime_parser_feed(parser, slice_first(rest, step));
	show_parts(mime_parser_finish(parser), &out);
	cr_assert(slice_eq(shown, buf_slice(&out)), "in steps of %zu:\n%s",
		  step, buf_cstr(&out));
	mime_parser_free(&parser);
	arena_fini(&arena);
	buf_fini(&out);
}

void message_init(struct message *m, struct slice text)
{
	struct buf shown = { 0 };

	*m = (struct message){ .text = text };
	m->root = mime_parse(text, &m->arena);
	show_parts(m->root, &shown);
	for (size_t step = 1; step < text.len && text.len < SPLIT_MAX; step++)
		expect_same_in_steps(m, step, buf_slice(&shown));
	buf_fini(&shown);
}

void message_fini(struct message *m)
{
	arena_fini(&m->arena);
}

/* "1.2.MIME" to numbers and a kind. */
static size_t section_read(const char *text, uint32_t *numbers,
			   enum mail_section *section_r)
{
	struct slice rest = slice_str(text);
	size_t count = 0;
	uint64_t n;

	*section_r = MAIL_SECTION_ALL;
	while (rest.len > 0) {
		struct slice word = slice_cut(&rest, '.');

		if (slice_to_u64(word, UINT32_MAX, &n))
			numbers[count++] = (uint32_t)n;
		else if (slice_eq(word, SLICE_LIT("HEADER")))
			*section_r = MAIL_SECTION_HEADER;
		else if (slice_eq(word, SLICE_LIT("TEXT")))
			*section_r = MAIL_SECTION_TEXT;
		else
			*section_r = MAIL_SECTION_MIME;
	}
	return count;
}

void message_expect(const struct message *m, const char *section,
		    const char *octets)
{
	uint32_t numbers[MIME_DEPTH_MAX];
	enum mail_section kind;
	size_t count = section_read(section, numbers, &kind);
	struct mail_range range;
	enum err err =
		mail_section_find(m->root, numbers, count, kind, &range, NULL);
	struct slice found;

	cr_assert_eq(err, octets ? ERR_NONE : ERR_NOTFOUND, "%s: %s", section,
		     err_name(err));
	if (!octets)
		return;
	cr_assert_leq(range.offset + range.len, m->text.len, "%s", section);
	found = slice_of(m->text.data + range.offset, range.len);
	cr_assert(slice_eq(found, slice_str(octets)), "%s: \"%.*s\"", section,
		  SLICE_FMT(found));
}

void message_expect_type(const struct message *m, const char *section,
			 const char *type)
{
	uint32_t numbers[MIME_DEPTH_MAX];
	enum mail_section kind;
	size_t count = section_read(section, numbers, &kind);
	struct mail_range range;
	const struct mime_part *part = NULL;
	struct buf is = { 0 };

	cr_assert_eq(
		mail_section_find(m->root, numbers, count, kind, &range, &part),
		ERR_NONE, "%s", section);
	buf_add_slice(&is, part->type);
	buf_add_octet(&is, '/');
	buf_add_slice(&is, part->subtype);
	cr_assert_str_eq(buf_cstr(&is), type, "%s", section);
	buf_fini(&is);
}

void message_expect_shown(const struct message *m, const char *shown)
{
	struct buf out = { 0 };

	show_parts(m->root, &out);
	cr_assert_str_eq(buf_cstr(&out), shown);
	buf_fini(&out);
}
