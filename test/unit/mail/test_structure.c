/*
 * The cached structure: there and back, limits, and damage of every octet.
 */
#include "mail/structure.h"

#include <criterion/criterion.h>

#include "base/attr.h"
#include "message.h"
#include "show.h"

static const char rich[] =
	"Date: Mon, 1 Jan 2001 00:00:00 +0000\r\nSubject: Hi\r\n"
	"From: One <a@h>\r\nReply-To: b@h\r\nTo: g: c@h, d@h;, <@r:e@h>\r\n"
	"Cc:\r\nMessage-ID: <1@h>\r\nIn-Reply-To:\r\n"
	"Content-Type: multipart/mixed; boundary=a; x=\"\"\r\n\r\n"
	"--a\r\nContent-Type: Text/PLAIN; Charset=utf-8; charset=X\r\n"
	"Content-ID: <i>\r\nContent-Description: d e\r\nContent-MD5: m\r\n"
	"Content-Location: l\r\nContent-Language: de, en\r\n"
	"Content-Disposition: inline; filename*=utf-8''a; size=7\r\n"
	"Content-Transfer-Encoding: 8bit\r\n\r\none\r\ntwo\r\n"
	"--a\r\nContent-Type: message/rfc822\r\n\r\n"
	"Subject: in\r\nContent-Type: multipart/digest; boundary=b\r\n\r\n"
	"--b\r\n\r\nFrom: x@h\r\n\r\nx\r\n--b--\r\n"
	"--a\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n"
	"--a--\r\n";

static void expect_there_and_back(const struct mime_part *root)
{
	struct arena arena = { 0 };
	struct buf octets = { 0 };
	struct buf again = { 0 };
	struct buf before = { 0 };
	struct buf after = { 0 };
	const struct mime_part *view;

	cr_assert_eq(mail_structure_encode(root, MAIL_STRUCTURE_MAX, &octets),
		     ERR_NONE);
	cr_assert_eq(mail_structure_decode(buf_slice(&octets), &arena, &view),
		     ERR_NONE);
	show_parts(root, &before);
	show_parts(view, &after);
	cr_assert_str_eq(buf_cstr(&after), buf_cstr(&before));
	cr_assert_eq(mail_structure_encode(view, MAIL_STRUCTURE_MAX, &again),
		     ERR_NONE);
	cr_assert(slice_eq(buf_slice(&octets), buf_slice(&again)));
	buf_fini(&octets);
	buf_fini(&again);
	buf_fini(&before);
	buf_fini(&after);
	arena_fini(&arena);
}

Test(structure, what_comes_back_is_what_was_parsed)
{
	static const char *const texts[] = {
		rich,
		"",
		"x",
		"Subject:\r\n\r\n",
		"\r\nbody\r\n",
		"Content-Type: multipart/mixed; boundary=b",
		"Content-Type: message/global\r\n\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct message m;

		message_init(&m, slice_str(texts[i]));
		expect_there_and_back(m.root);
		message_fini(&m);
	}
}

Test(structure, it_is_small)
{
	struct message m;
	struct buf octets = { 0 };

	message_init(&m, SLICE_LIT("Subject: Hi\r\nFrom: a@h\r\n"
				   "Content-Type: text/plain; "
				   "charset=utf-8\r\n\r\nx\r\n"));
	cr_assert_eq(mail_structure_encode(m.root, MAIL_STRUCTURE_CACHED_MAX,
					   &octets),
		     ERR_NONE);
	cr_assert_leq(octets.len, 40);
	buf_fini(&octets);
	message_fini(&m);
}

Test(structure, above_the_limit_nothing_is_appended)
{
	struct message m;
	struct buf octets = { 0 };
	size_t len;

	message_init(&m, slice_str(rich));
	buf_add_str(&octets, "before");
	cr_assert_eq(mail_structure_encode(m.root, MAIL_STRUCTURE_CACHED_MAX,
					   &octets),
		     ERR_NONE);
	len = octets.len - 6;
	octets.len = 6;
	cr_assert_eq(mail_structure_encode(m.root, len - 1, &octets),
		     ERR_LIMIT);
	cr_assert_str_eq(buf_cstr(&octets), "before");
	cr_assert_eq(mail_structure_encode(m.root, len, &octets), ERR_NONE);
	buf_fini(&octets);
	message_fini(&m);
}

Test(structure, deep_and_wide_ones_come_back)
{
	struct buf text = { 0 };
	struct message m;

	for (unsigned i = 0; i < MIME_DEPTH_MAX; i++)
		buf_add_str(&text, "Content-Type: message/rfc822\r\n\r\n");
	message_init(&m, buf_slice(&text));
	expect_there_and_back(m.root);
	message_fini(&m);
	buf_clear(&text);
	buf_add_str(&text, "Content-Type: multipart/x; boundary=b\r\n\r\n");
	for (unsigned i = 0; i < 2000; i++)
		buf_add_str(&text, "--b\r\n\r\n");
	message_init(&m, buf_slice(&text));
	expect_there_and_back(m.root);
	message_fini(&m);
	buf_fini(&text);
}

/* ---- damage ---- */

static uint64_t part_checks(const struct mime_part *part)
{
	uint64_t lines = part->lines;

	cr_assert_leq(part->header_begin, part->body_begin);
	cr_assert_leq(part->body_begin, part->body_end);
	cr_assert_not_null(part->type.data);
	cr_assert_not_null(part->subtype.data);
	if (part->parent) {
		cr_assert_leq(part->parent->body_begin, part->header_begin);
		cr_assert_leq(part->body_end, part->parent->body_end);
	}
	if (part->next)
		cr_assert_leq(part->body_end, part->next->header_begin);
	cr_assert_eq(part->child != NULL, part->kind != MIME_LEAF);
	cr_assert_eq(part->envelope != NULL,
		     !part->parent || part->parent->kind == MIME_MESSAGE);
	return lines;
}

/* Whatever is accepted holds the promises, and reads in all its fields. */
static void expect_sound(struct slice octets)
{
	struct arena arena = { 0 };
	struct buf shown = { 0 };
	const struct mime_part *view;

	if (mail_structure_decode(octets, &arena, &view) == ERR_NONE) {
		show_parts(view, &shown);
		for (const struct mime_part *p = view; p; p = p->child)
			for (const struct mime_part *s = p; s; s = s->next)
				part_checks(s);
	} else {
		cr_assert_null(view);
	}
	buf_fini(&shown);
	arena_fini(&arena);
}

Test(structure, damage_is_found_or_does_no_harm)
{
	struct message m;
	struct buf octets = { 0 };

	message_init(&m, slice_str(rich));
	cr_assert_eq(mail_structure_encode(m.root, MAIL_STRUCTURE_CACHED_MAX,
					   &octets),
		     ERR_NONE);
	for (size_t i = 0; i < octets.len; i++) {
		uint8_t was = octets.data[i];

		for (unsigned to = 0; to < 256; to += 5) {
			octets.data[i] = (uint8_t)(was ^ (to + 1));
			expect_sound(buf_slice(&octets));
		}
		octets.data[i] = was;
		expect_sound(slice_first(buf_slice(&octets), i));
	}
	buf_fini(&octets);
	message_fini(&m);
}

static enum err decode(struct slice octets)
{
	struct arena arena = { 0 };
	const struct mime_part *view;
	enum err err = mail_structure_decode(octets, &arena, &view);

	arena_fini(&arena);
	return err;
}

Test(structure, what_is_none_is_refused)
{
	struct message m;
	struct buf octets = { 0 };

	cr_assert_eq(decode(SLICE_NONE), ERR_CORRUPT);
	cr_assert_eq(decode(SLICE_LIT("\1")), ERR_CORRUPT);
	cr_assert_eq(decode(SLICE_LIT("\2")), ERR_VERSION);
	message_init(&m, slice_str(rich));
	cr_assert_eq(mail_structure_encode(m.root, MAIL_STRUCTURE_CACHED_MAX,
					   &octets),
		     ERR_NONE);
	for (size_t len = 0; len < octets.len; len++)
		cr_assert_eq(decode(slice_first(buf_slice(&octets), len)),
			     ERR_CORRUPT, "%zu", len);
	buf_add_octet(&octets, 0);
	cr_assert_eq(decode(buf_slice(&octets)), ERR_CORRUPT);
	buf_fini(&octets);
	message_fini(&m);
}

/* version, a text leaf of no octets: bits, offsets, lines, types, params */
#define EMPTY_PART "\0\0\0\0\0\1\3\0"

Test(structure, promises_are_checked)
{
	/* envelope: bits and four empty lists */
	cr_assert_eq(decode(SLICE_LIT("\1" EMPTY_PART "\0\0\0\0\0")), ERR_NONE);
	/* the root does not begin at 0 */
	cr_assert_eq(decode(SLICE_LIT("\1\0\1\0\0\0\1\3\0\0\0\0\0\0")),
		     ERR_CORRUPT);
	/* more lines than octets */
	cr_assert_eq(decode(SLICE_LIT("\1\0\0\0\0\1\1\3\0\0\0\0\0\0")),
		     ERR_CORRUPT);
	/* a leaf of type multipart */
	cr_assert_eq(decode(SLICE_LIT("\1\0\0\0\0\0\x37\x39\0\0\0\0\0\0")),
		     ERR_CORRUPT);
	/* a multipart of type text */
	cr_assert_eq(
		decode(SLICE_LIT("\1\1\0\0\0\0\1\3\0\1\0\0\0\0\0" EMPTY_PART)),
		ERR_CORRUPT);
	/* a multipart without children */
	cr_assert_eq(decode(SLICE_LIT("\1\1\0\0\0\0\x37\x39\0\0\0\0\0\0\0")),
		     ERR_CORRUPT);
	/* a child that is longer than its parent */
	cr_assert_eq(decode(SLICE_LIT("\1\1\0\0\5\0\x37\x39\0\1\0\0\0\0\0"
				      "\0\0\0\5\0\1\3\0")),
		     ERR_NONE);
	cr_assert_eq(decode(SLICE_LIT("\1\1\0\0\5\0\x37\x39\0\1\0\0\0\0\0"
				      "\0\0\0\6\0\1\3\0")),
		     ERR_CORRUPT);
	/* a line end, a NUL in a string */
	cr_assert_eq(decode(SLICE_LIT("\1\0\0\0\0\0\1\2\n\0\0\0\0\0\0")),
		     ERR_CORRUPT);
	cr_assert_eq(decode(SLICE_LIT("\1\0\0\0\0\0\1\2\0\0\0\0\0\0\0")),
		     ERR_CORRUPT);
	cr_assert_eq(decode(SLICE_LIT("\1\0\0\0\0\0\1\2x\0\0\0\0\0\0")),
		     ERR_NONE);
}
