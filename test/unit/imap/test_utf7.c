/*
 * Modified UTF-7: one form for each name.
 */
#include <criterion/criterion.h>

#include "base/attr.h"
#include "imap/utf7.h"

static const struct {
	const char *utf8;
	const char *utf7;
} names[] = {
	{ "", "" },
	{ "INBOX", "INBOX" },
	{ "a b~+/\\\"%*", "a b~+/\\\"%*" },
	{ "&", "&-" },
	{ "a&b&&", "a&-b&-&-" },
	{ "\xc3\xa4", "&AOQ-" },
	{ "\xc3\xa4&", "&AOQ-&-" },
	{ "&\xc3\xa4", "&-&AOQ-" },
	{ "Entw\xc3\xbcrfe", "Entw&APw-rfe" },
	{ "\x7f", "&AH8-" },
	/* RFC 3501 section 5.1.3 */
	{ "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/"
	  "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa"
	  "\x9e",
	  "~peter/mail/&U,BTFw-/&ZeVnLIqe-" },
	{ "\xe5\x8f\xb0\xe5\x8c\x97\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
	  "&U,BTF2XlZyyKng-" },
	{ "\xe2\x98\xba!", "&Jjo-!" },
	/* above the BMP: surrogates */
	{ "\xf0\x9f\x98\x80", "&2D3eAA-" },
	{ "\xf4\x8f\xbf\xbf", "&2,,f,w-" },
	{ "\xef\xbf\xbf", "&,,8-" },
};

Test(utf7, goes_both_ways)
{
	struct buf out = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cr_assert_eq(imap_utf7_encode(slice_str(names[i].utf8), &out),
			     ERR_NONE);
		cr_assert_str_eq(buf_cstr(&out), names[i].utf7);
		buf_clear(&out);
		cr_assert_eq(imap_utf7_decode(slice_str(names[i].utf7), &out),
			     ERR_NONE, "%s", names[i].utf7);
		cr_assert_str_eq(buf_cstr(&out), names[i].utf8);
		buf_clear(&out);
	}
	buf_fini(&out);
}

static const char *const bad[] = {
	"&",                  /* no end */
	"&AOQ",               /* no end */
	"&Jjo!",              /* no shift back (RFC 3501) */
	"&U,BTFw-&ZeVnLIqe-", /* a superfluous shift (RFC 3501) */
	"&AGE-",              /* "a" in base64 */
	"&ACY-",              /* "&" in base64 */
	"&AOR-",              /* padding that is not 0 */
	"&AOQA-",             /* more padding than needed */
	"&A-",                /* half a digit pair */
	"&AO-",               /* not even 16 bits */
	"&AOQ/-",             /* "/" is no digit */
	"&AO\xc3Q-",
	"a\x7f",
	"a\x1f",
	"\xc3\xa4",
	"&2D0-",    /* half a pair */
	"&3gA-",    /* the other half */
	"&3gDYPQ-", /* halves the wrong way round */
	"&2D3YPQ-", /* two first halves */
	"&2D0AYQ-",
};

Test(utf7, refuses_other_forms_and_takes_back_what_it_wrote)
{
	struct buf out = { 0 };

	buf_add_str(&out, "kept");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cr_assert_eq(imap_utf7_decode(slice_str(bad[i]), &out),
			     ERR_SYNTAX, "%s", bad[i]);
		cr_assert_str_eq(buf_cstr(&out), "kept");
	}
	cr_assert_eq(imap_utf7_decode(SLICE_LIT("a\0b"), &out), ERR_SYNTAX);
	cr_assert_eq(imap_utf7_decode(SLICE_LIT("&\0-"), &out), ERR_SYNTAX);
	buf_fini(&out);
}

Test(utf7, encodes_only_utf8)
{
	struct buf out = { 0 };

	cr_assert_eq(imap_utf7_encode(SLICE_LIT("\xc3"), &out), ERR_SYNTAX);
	cr_assert_eq(imap_utf7_encode(SLICE_LIT("\xed\xa0\x80"), &out),
		     ERR_SYNTAX);
	cr_assert_eq(out.len, 0);
	buf_fini(&out);
}
