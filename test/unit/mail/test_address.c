/*
 * Address lists: the forms of RFC 5322, the obsolete ones, and what people
 * write instead.
 */
#include "mail/address.h"

#include <criterion/criterion.h>

#include "base/attr.h"
#include "show.h"

static void expect(struct slice field, const char *shown)
{
	struct arena arena = { 0 };
	struct mail_address *list = NULL;
	struct buf out = { 0 };

	mail_address_parse(field, &arena, &list);
	show_addresses(list, &out);
	cr_assert_str_eq(buf_cstr(&out), shown);
	buf_fini(&out);
	arena_fini(&arena);
}

#define EXPECT(field, shown) expect(SLICE_LIT(field), shown)

Test(address, plain_and_angled_ones_are_read)
{
	EXPECT("user@example.org", "-|-|user|example.org");
	EXPECT(" <user@example.org>", "-|-|user|example.org");
	EXPECT(" Some One <user@example.org>", "Some One|-|user|example.org");
	EXPECT("a@x.org, b@y.org,c@z.org",
	       "-|-|a|x.org, -|-|b|y.org, -|-|c|z.org");
}

Test(address, quotes_come_off_and_pairs_are_resolved)
{
	EXPECT("\"One, Some\" <u@h>", "One, Some|-|u|h");
	EXPECT("\"a \\\"b\\\" \\\\c\" <u@h>", "a \"b\" \\c|-|u|h");
	EXPECT("\"john doe\"@h", "-|-|john doe|h");
	EXPECT("\"\" <u@h>", "-|-|u|h");
	EXPECT("\"a\" \"b\" c <u@h>", "a b c|-|u|h");
}

Test(address, encoded_words_stay_as_they_are)
{
	EXPECT("=?utf-8?Q?J=C3=B6rg?= <j@h>", "=?utf-8?Q?J=C3=B6rg?=|-|j|h");
	EXPECT("\"=?utf-8?B?w7Y=?= x\" <j@h>", "=?utf-8?B?w7Y=?= x|-|j|h");
	EXPECT("J\xc3\xb6rg <j\xc3\xb6@h\xc3\xb6>",
	       "J\xc3\xb6rg|-|j\xc3\xb6|h\xc3\xb6");
}

Test(address, a_comment_serves_as_name_if_there_is_none)
{
	EXPECT("u@h (Some One)", "Some One|-|u|h");
	EXPECT("<u@h> (Some One)", "Some One|-|u|h");
	EXPECT("Name <u@h> (not this)", "Name|-|u|h");
	EXPECT("u@h (a (nested \\) one) b)", "a (nested ) one) b|-|u|h");
	EXPECT("u (c) @ (d) h (Name)", "Name|-|u|h");
}

Test(address, folds_are_blanks)
{
	EXPECT(" One\r\n Two\r\n\t<u@h>,\r\n v@h\r\n",
	       "One Two|-|u|h, -|-|v|h");
	EXPECT("\"One\r\n Two\" <u@h>", "One Two|-|u|h");
	EXPECT("u@h (One\n Two)", "One Two|-|u|h");
}

Test(address, groups_are_brackets_around_their_members)
{
	EXPECT("Friends: a@h, B <b@h>;",
	       "-|-|Friends|-, -|-|a|h, B|-|b|h, -|-|-|-");
	EXPECT("undisclosed-recipients:;",
	       "-|-|undisclosed-recipients|-, -|-|-|-");
	EXPECT("\"My Group\" : ; , x@h", "-|-|My Group|-, -|-|-|-, -|-|x|h");
	EXPECT("open: a@h", "-|-|open|-, -|-|a|h, -|-|-|-");
	EXPECT("a: b@h, c: d@h;;", "-|-|a|-, -|-|b|h, -|-|d|h, -|-|-|-");
}

Test(address, obsolete_forms_are_read)
{
	EXPECT("<@a.org,@b.org:u@h>", "-|@a.org,@b.org|u|h");
	EXPECT("Name <@a.org : u@h>", "Name|@a.org|u|h");
	EXPECT("first . last @ host . example . org",
	       "-|-|first.last|host.example.org");
	EXPECT("John Q. Public <u@h>", "John Q. Public|-|u|h");
	EXPECT(",,a@h,,b@h,", "-|-|a|h, -|-|b|h");
	EXPECT("u@[192.0.2.1], v@[IPv6:2001:db8::1]",
	       "-|-|u|[192.0.2.1], -|-|v|[IPv6:2001:db8::1]");
}

Test(address, what_is_missing_is_filled_in)
{
	EXPECT("root", "-|-|root|MISSING_DOMAIN");
	EXPECT("Nobody At All", "Nobody At All|-|MISSING_MAILBOX|"
				"MISSING_DOMAIN");
	EXPECT("\"Nobody\"", "Nobody|-|MISSING_MAILBOX|MISSING_DOMAIN");
	EXPECT("Name <>", "Name|-|MISSING_MAILBOX|MISSING_DOMAIN");
	EXPECT("Name <u@>", "Name|-|u|MISSING_DOMAIN");
	EXPECT("@h", "-|-|MISSING_MAILBOX|h");
	EXPECT("(nobody)", "");
	EXPECT("", "");
	EXPECT(" \r\n ", "");
	EXPECT(";", "");
}

Test(address, damage_in_one_leaves_the_others_alone)
{
	EXPECT("a@b@c, x@h", "-|-|a|b, -|-|x|h");
	EXPECT("<u@h, x@h", "-|-|u|h, -|-|x|h");
	EXPECT("u@h> junk, x@h", "-|-|u|h, -|-|x|h");
	EXPECT("Name <u@h> junk, x@h", "Name|-|u|h, -|-|x|h");
	EXPECT("Some One u@h", "Some One|-|u|h");
	EXPECT("user@host <u@h>", "user@host|-|u|h");
	EXPECT("\"open <u@h>, x@h", "\"open|-|u|h, -|-|x|h");
	EXPECT("\" @9h,\"C\" &<@b\">@b\"i",
	       "-|-|\"|9h, \"C \" &|@b|\"|MISSING_DOMAIN");
	EXPECT("u@h (open, x@h", "open, x@h|-|u|h");
	EXPECT("<<<u@h>>>", "-|-|u|h");
	EXPECT("a<b>c", "a|-|b|MISSING_DOMAIN");
	EXPECT(")(, x@h", ", x@h|-|)|MISSING_DOMAIN");
}

Test(address, nul_becomes_a_replacement_character)
{
	EXPECT("a\0b <c\0d@h>", "a\xef\xbf\xbd"
				"b|-|c\xef\xbf\xbd"
				"d|h");
	EXPECT("\"x\0\" <u@h>", "x\xef\xbf\xbd|-|u|h");
}

Test(address, further_fields_join_the_list)
{
	struct arena arena = { 0 };
	struct mail_address *list = NULL;
	struct mail_address **tail = &list;
	struct buf out = { 0 };

	tail = mail_address_parse(SLICE_LIT("a@h"), &arena, tail);
	tail = mail_address_parse(SLICE_LIT(""), &arena, tail);
	mail_address_parse(SLICE_LIT("b@h"), &arena, tail);
	show_addresses(list, &out);
	cr_assert_str_eq(buf_cstr(&out), "-|-|a|h, -|-|b|h");
	buf_fini(&out);
	arena_fini(&arena);
}

Test(address, a_field_gives_no_more_than_the_maximum)
{
	struct arena arena = { 0 };
	struct mail_address *list = NULL;
	struct buf field = { 0 };
	unsigned count = 0;

	for (unsigned i = 0; i < MAIL_ADDRESSES_MAX + 10; i++)
		buf_add_str(&field, "a,");
	mail_address_parse(buf_slice(&field), &arena, &list);
	for (struct mail_address *a = list; a; a = a->next)
		count++;
	cr_assert_eq(count, MAIL_ADDRESSES_MAX);
	buf_fini(&field);
	arena_fini(&arena);
}

Test(address, a_comma_may_be_missing)
{
	EXPECT("a@h b@h", "-|-|a|h, -|-|b|h");
	EXPECT("A <a@h> B <b@h>", "A|-|a|h, B|-|b|h");
	EXPECT("<a@h><b@h>\r\n \"C\" <c@h>", "-|-|a|h, -|-|b|h, C|-|c|h");
	EXPECT("a@h (A) b@h (B)", "A|-|a|h, B|-|b|h");
	EXPECT("a@h (A) b (B) @h", "A|-|a|h, B|-|b|h");
	EXPECT("g: a@h b@h;", "-|-|g|-, -|-|a|h, -|-|b|h, -|-|-|-");
}

/* Quadratic time would take minutes on these. */
Test(address, hostile_fields_take_linear_time, .timeout = 5)
{
	static const char *const patterns[] = {
		"(",  "\"\\\"", "<",  "[",   "@", "@[", ":",   "<@",   "\"",
		"a:", "<@,",    "\\", "(\\", ".", " ",  "a@(", "a@h ", "a b "
	};
	struct buf field = { 0 };

	for (size_t p = 0; p < ARRAY_LEN(patterns); p++) {
		struct arena arena = { 0 };
		struct mail_address *list = NULL;

		buf_clear(&field);
		while (field.len < 200 * 1000)
			buf_add_str(&field, patterns[p]);
		mail_address_parse(buf_slice(&field), &arena, &list);
		arena_fini(&arena);
	}
	buf_fini(&field);
}
