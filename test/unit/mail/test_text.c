/*
 * Search in messages: what is searched, and decoded how.
 */
#include "mail/text.h"

#include <criterion/criterion.h>

#include "base/attr.h"
#include "message.h"

/* Reads from memory, counts, and fails when told to. */
struct reader {
	struct slice text;
	unsigned reads;
	unsigned fail_at; /* 0: never */
};

static enum err reader_read(void *arg, uint64_t offset, size_t len,
			    struct buf *out)
{
	struct reader *reader = arg;

	cr_assert_leq(len, MAIL_TEXT_READ);
	cr_assert_leq(offset + len, reader->text.len);
	if (++reader->reads == reader->fail_at)
		return ERR_IO;
	buf_add(out, reader->text.data + offset, len);
	return ERR_NONE;
}

typedef enum err search_function(struct mail_text *text,
				 const struct mime_part *root,
				 mail_text_read *read, void *arg,
				 const struct mail_needle *needle, bool *hit_r);

static bool search(search_function *function, struct slice message,
		   const char *key)
{
	struct arena arena = { 0 };
	struct mail_text text = { .read = { 0 } };
	struct reader reader = { .text = message };
	struct mail_needle *needle = mail_needle_new(slice_str(key));
	bool hit = false;

	cr_assert_eq(function(&text, mime_parse(message, &arena), reader_read,
			      &reader, needle, &hit),
		     ERR_NONE);
	mail_needle_free(&needle);
	mail_text_fini(&text);
	arena_fini(&arena);
	return hit;
}

static bool body(const char *message, const char *key)
{
	return search(mail_text_search_body, slice_str(message), key);
}

static bool all(const char *message, const char *key)
{
	return search(mail_text_search_all, slice_str(message), key);
}

Test(text, body_means_the_body_and_all_the_header_too)
{
	static const char message[] = "Subject: apple\r\n\r\nA Pear tree\r\n";

	cr_assert(body(message, "pear"));
	cr_assert(!body(message, "apple"));
	cr_assert(all(message, "pear"));
	cr_assert(all(message, "APPLE"));
	cr_assert(all(message, "subject: a"));
	cr_assert(!all(message, "plum"));
	cr_assert(body(message, ""));
}

Test(text, a_header_is_unfolded_and_decoded)
{
	static const char message[] = "Subject: one\r\n two "
				      "=?utf-8?Q?caf=C3=A9?=\r\n\r\n";

	cr_assert(all(message, "one two caf\xc3\x89"));
	cr_assert(!body(message, "one"));
}

Test(text, transfer_encodings_come_off)
{
	cr_assert(body("Content-Transfer-Encoding: base64\r\n\r\n"
		       "SGVs\r\nbG8=\r\n",
		       "hello"));
	cr_assert(body("Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		       "Hel=\r\nlo=2C\r\n",
		       "hello,"));
	cr_assert(body("Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		       "hello=4",
		       "hello=4"));
	cr_assert(body("Content-Transfer-Encoding: x-other\r\n\r\nSGVsbG8=\r\n",
		       "SGVsbG8="));
}

Test(text, charsets_become_utf8)
{
	cr_assert(body("Content-Type: text/plain; charset=iso-8859-1\r\n\r\n"
		       "caf\xe9",
		       "CAF\xc3\x89"));
	cr_assert(body("Content-Type: text/plain; charset=utf-16be\r\n"
		       "Content-Transfer-Encoding: base64\r\n\r\n"
		       "AGgAZQBsAGwAbw==\r\n",
		       "hello"));
	cr_assert(body("Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n"
		       "\x1b$BF|K\\\x1b(B",
		       "\xe6\x97\xa5\xe6\x9c\xac"));
	cr_assert(body("Content-Type: text/plain; charset=utf-8\r\n\r\n"
		       "caf\xc3\xa9",
		       "caf\xc3\xa9"));
	cr_assert(
		body("Content-Type: text/plain; charset=utf-8\r\n\r\ncut \xc3",
		     "cut \xef\xbf\xbd"));
	cr_assert(body("Content-Type: text/plain\r\n\r\ncaf\xc3\xa9",
		       "caf\xc3\xa9"));
	cr_assert(body("Content-Type: text/plain; charset*=us-ascii''utf-7"
		       "\r\n\r\n+IKw-",
		       "\xe2\x82\xac"));
}

Test(text, of_an_unknown_charset_the_octets_are_searched)
{
	cr_assert(body("Content-Type: text/plain; charset=nonsense\r\n\r\n"
		       "hello \xe9",
		       "hello \xe9"));
}

#define ALTERNATIVE                                                      \
	"Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n"  \
	"--b\r\nContent-Type: image/png; name=picture\r\n\r\nbinary\r\n" \
	"--b\r\nContent-Type: text/html\r\n\r\n<b>rich</b>\r\n"          \
	"--b\r\nContent-Type: message/rfc822\r\n\r\n"                    \
	"Subject: embedded\r\n\r\nletter\r\n"                            \
	"--b\r\nContent-Type: message/delivery-status\r\n\r\n"           \
	"Status: 5.1.1\r\n"                                              \
	"--b--\r\nepilogue\r\n"

Test(text, of_parts_those_that_are_text_are_searched)
{
	cr_assert(body(ALTERNATIVE, "rich"));
	cr_assert(body(ALTERNATIVE, "letter"));
	cr_assert(body(ALTERNATIVE, "status: 5.1"));
	cr_assert(body(ALTERNATIVE, "subject: embedded"));
	cr_assert(!body(ALTERNATIVE, "binary"));
	cr_assert(!body(ALTERNATIVE, "preamble"));
	cr_assert(!body(ALTERNATIVE, "epilogue"));
	cr_assert(!body(ALTERNATIVE, "picture"));
	cr_assert(all(ALTERNATIVE, "picture"));
}

Test(text, one_text_does_not_run_into_the_next)
{
	cr_assert(!body(ALTERNATIVE, "</b>Subject"));
	cr_assert(!body(ALTERNATIVE, "embeddedletter"));
}

/* The needle lies across the border of two reads. */
Test(text, bodies_are_read_in_pieces)
{
	struct buf message = { 0 };

	buf_add_str(&message, "\r\n");
	for (size_t at = MAIL_TEXT_READ - 3; at < MAIL_TEXT_READ + 8; at++) {
		message.len = 2;
		while (message.len < at)
			buf_add_octet(&message, 'x');
		buf_add_str(&message, "needle");
		while (message.len < 3 * MAIL_TEXT_READ)
			buf_add_octet(&message, 'y');
		cr_assert(search(mail_text_search_body, buf_slice(&message),
				 "xneedley"));
		cr_assert(!search(mail_text_search_body, buf_slice(&message),
				  "xneedlex"));
	}
	buf_fini(&message);
}

Test(text, a_hit_ends_the_reading)
{
	struct arena arena = { 0 };
	struct mail_text text = { .read = { 0 } };
	struct reader reader = { .reads = 0 };
	struct mail_needle *needle = mail_needle_new(SLICE_LIT("hit"));
	struct buf message = { 0 };
	bool hit = false;

	buf_add_str(&message, "\r\nhit");
	while (message.len < 10 * MAIL_TEXT_READ)
		buf_add_octet(&message, 'x');
	reader.text = buf_slice(&message);
	cr_assert_eq(mail_text_search_body(&text,
					   mime_parse(reader.text, &arena),
					   reader_read, &reader, needle, &hit),
		     ERR_NONE);
	cr_assert(hit);
	cr_assert_eq(reader.reads, 1);
	buf_fini(&message);
	mail_needle_free(&needle);
	mail_text_fini(&text);
	arena_fini(&arena);
}

Test(text, a_failed_read_is_the_result)
{
	struct arena arena = { 0 };
	struct mail_text text = { .read = { 0 } };
	struct mail_needle *needle = mail_needle_new(SLICE_LIT("nowhere"));
	struct slice message = SLICE_LIT(ALTERNATIVE);
	const struct mime_part *root = mime_parse(message, &arena);
	struct reader reader = { .text = message, .fail_at = UINT32_MAX };
	unsigned reads;
	bool hit;

	cr_assert_eq(mail_text_search_all(&text, root, reader_read, &reader,
					  needle, &hit),
		     ERR_NONE);
	reads = reader.reads;
	cr_assert_gt(reads, 3);
	for (unsigned n = 1; n <= reads; n++) {
		reader = (struct reader){ .text = message, .fail_at = n };
		cr_assert_eq(mail_text_search_all(&text, root, reader_read,
						  &reader, needle, &hit),
			     ERR_IO);
		cr_assert(!hit);
		cr_assert_eq(reader.reads, n);
	}
	mail_needle_free(&needle);
	mail_text_fini(&text);
	arena_fini(&arena);
}

static bool header(const char *name, const char *key)
{
	struct mail_text text = { .read = { 0 } };
	struct mail_needle *needle = mail_needle_new(slice_str(key));
	bool hit = mail_text_search_header(
		&text,
		SLICE_LIT("To: a@h\r\nSubject: one\r\n two\r\n"
			  "Subject: =?utf-8?Q?t=C3=A9l?=\r\nX:\r\n\r\n"),
		slice_str(name), needle);

	mail_needle_free(&needle);
	mail_text_fini(&text);
	return hit;
}

Test(text, any_field_of_the_name_may_hold_it)
{
	cr_assert(header("subject", "ONE TWO"));
	cr_assert(header("Subject", "T\xc3\x89L"));
	cr_assert(!header("Subject", "a@h"));
	cr_assert(header("X", ""));
	cr_assert(!header("X", "a"));
	cr_assert(!header("Cc", ""));
}

Test(text, addresses_are_searched_as_they_are_written)
{
	struct arena arena = { 0 };
	struct mail_address *list = NULL;
	struct mail_text text = { .read = { 0 } };
	static const struct {
		const char *key;
		bool hit;
	} cases[] = {
		{ "j\xc3\xb6rg <j@example.org>", true },
		{ "j@example", true },
		{ "friends", true },
		{ "<u@h>", true },
		{ "=?utf", false },
		{ "-", false },
	};

	mail_address_parse(SLICE_LIT("=?utf-8?Q?J=C3=B6rg?= <j@example.org>, "
				     "Friends: u@h;"),
			   &arena, &list);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct mail_needle *needle =
			mail_needle_new(slice_str(cases[i].key));

		cr_assert_eq(mail_text_search_addresses(&text, list, needle),
			     cases[i].hit, "%s", cases[i].key);
		mail_needle_free(&needle);
	}
	mail_text_fini(&text);
	arena_fini(&arena);
}
