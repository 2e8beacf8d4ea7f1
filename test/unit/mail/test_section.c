/*
 * Sections: the example of RFC 9051 section 6.4.5 and its odd ends.
 */
#include <criterion/criterion.h>

#include "mail/structure.h"
#include "message.h"

#define MULTI(boundary) \
	"Content-Type: multipart/mixed; boundary=" boundary "\r\n\r\n"

/* HEADER, TEXT, 1, 2, 3 (message), 3.1, 3.2, 4 (multipart), 4.1, 4.2.. */
static const char example[] = "Subject: top\r\n" MULTI(
	"a") "--a\r\n\r\none\r\n"
	     "--a\r\nContent-Type: application/octet-stream\r\n\r\ntwo\r\n"
	     "--a\r\nContent-Type: message/rfc822\r\n\r\n"
	     "Subject: three\r\n" MULTI(
		     "b") "--b\r\n\r\nthree one\r\n"
			  "--b\r\nContent-Type: image/gif\r\n\r\nthree two\r\n"
			  "--b--\r\n"
			  "--a\r\n" MULTI(
				  "c") "--c\r\nContent-Type: "
				       "image/gif\r\n\r\nfour one\r\n"
				       "--c\r\nContent-Type: "
				       "message/rfc822\r\n\r\n"
				       "Subject: four two\r\n\r\nfour two\r\n"
				       "--c--\r\n"
				       "--a--\r\n";

static struct message m;

static void setup(void)
{
	message_init(&m, SLICE_LIT(""));
	message_fini(&m);
	m = (struct message){ .text = slice_str(example) };
	m.root = mime_parse(m.text, &m.arena);
}

static void teardown(void)
{
	message_fini(&m);
}

TestSuite(section, .init = setup, .fini = teardown);

Test(section, of_the_message_itself)
{
	message_expect(&m, "", example);
	message_expect(&m, "HEADER", "Subject: top\r\n" MULTI("a"));
	message_expect(&m, "TEXT", strstr(example, "--a\r\n"));
	message_expect(&m, "MIME", NULL);
}

Test(section, numbers_count_parts)
{
	message_expect(&m, "1", "one");
	message_expect(&m, "2", "two");
	message_expect(&m, "4.1", "four one");
	message_expect(&m, "5", NULL);
	message_expect(&m, "0", NULL);
	message_expect(&m, "4.3", NULL);
}

Test(section, mime_is_the_header_of_a_part)
{
	message_expect(&m, "1.MIME", "\r\n");
	message_expect(&m, "2.MIME",
		       "Content-Type: application/octet-stream\r\n\r\n");
	message_expect(&m, "3.MIME", "Content-Type: message/rfc822\r\n\r\n");
	message_expect(&m, "4.MIME", MULTI("c"));
}

Test(section, a_message_part_is_passed_through)
{
	message_expect(&m, "3.1", "three one");
	message_expect(&m, "3.2", "three two");
	message_expect(&m, "3.HEADER", "Subject: three\r\n" MULTI("b"));
	message_expect(&m, "3.TEXT",
		       "--b\r\n\r\nthree one\r\n--b\r\n"
		       "Content-Type: image/gif\r\n\r\nthree two\r\n--b--");
	message_expect(&m, "4.2.HEADER", "Subject: four two\r\n\r\n");
	message_expect(&m, "4.2.TEXT", "four two");
	message_expect(&m, "4.2.1", "four two");
	message_expect(&m, "4.2.2", NULL);
	message_expect(&m, "4.2.1.1", NULL);
}

Test(section, header_and_text_want_a_message)
{
	message_expect(&m, "1.HEADER", NULL);
	message_expect(&m, "1.TEXT", NULL);
	message_expect(&m, "4.HEADER", NULL);
}

Test(section, the_body_of_a_simple_message_is_its_part_1)
{
	struct message simple;

	message_init(&simple, SLICE_LIT("Subject: x\r\n\r\nbody"));
	message_expect(&simple, "1", "body");
	message_expect(&simple, "TEXT", "body");
	message_expect(&simple, "1.MIME", "Subject: x\r\n\r\n");
	message_expect(&simple, "2", NULL);
	message_expect(&simple, "1.1", NULL);
	message_expect(&simple, "1.HEADER", NULL);
	message_fini(&simple);
}

Test(section, a_message_may_be_one_itself)
{
	struct message outer;

	message_init(&outer, SLICE_LIT("Content-Type: message/rfc822\r\n\r\n"
				       "Subject: in\r\n\r\nbody"));
	message_expect(&outer, "1", "Subject: in\r\n\r\nbody");
	message_expect(&outer, "1.HEADER", "Subject: in\r\n\r\n");
	message_expect(&outer, "1.1", "body");
	message_expect(&outer, "HEADER",
		       "Content-Type: message/rfc822\r\n\r\n");
	message_fini(&outer);
}

Test(section, tells_whose_octets_they_are)
{
	uint32_t numbers[] = { 4, 2 };
	struct mail_range range;
	const struct mime_part *part;

	cr_assert_eq(mail_section_find(m.root, numbers, 2, MAIL_SECTION_ALL,
				       &range, &part),
		     ERR_NONE);
	cr_assert_eq(part->kind, MIME_MESSAGE);
	cr_assert_eq(mail_section_find(m.root, numbers, 2, MAIL_SECTION_TEXT,
				       &range, &part),
		     ERR_NONE);
	cr_assert_not_null(part->envelope);
	cr_assert_eq(part->body_begin, range.offset);
}
