/*
 * Charsets by iconv.
 *
 * A name is cleaned (iconv takes options behind a '/'), mapped, and looked for
 * among the kept converters; else a converter is opened. Octets go through
 * iconv; what it refuses is replaced one unit at a time, what it finds
 * incomplete waits. UTF-8 is checked here instead, without iconv.
 */
#include "mail/charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "base/mem.h"
#include "base/panic.h"
#include "base/unicode.h"

#define CHARSET_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Octets of an incomplete character that iconv may leave. */
#define CHARSET_WAIT_MAX 16

struct mail_converter {
	iconv_t iconv; /* not used if utf8 */
	bool utf8;
	bool ascii;    /* a superset of ASCII without shifts */
	unsigned unit; /* octets to pass over when one is no character */
	char name[MAIL_CHARSET_NAME_MAX + 1]; /* as iconv knows it */
	struct buf wait;                      /* of an incomplete character */
};

/* What mail uses and glibc does not know, or knows as less than is meant. */
static const struct {
	const char *mail;
	const char *iconv; /* NULL: none that anybody should use */
} charset_aliases[] = {
	{ "us-ascii", "UTF-8" },
	{ "ascii", "UTF-8" },
	{ "ansi_x3.4-1968", "UTF-8" },
	{ "iso646-us", "UTF-8" },
	{ "utf8", "UTF-8" },
	{ "unicode-1-1-utf-8", "UTF-8" },
	{ "unicode-1-1-utf-7", "UTF-7" },
	{ "x-unicode-2-0-utf-7", "UTF-7" },
	{ "ks_c_5601-1987", "CP949" },
	{ "ks_c_5601-1989", "CP949" },
	{ "ks_c_5601", "CP949" },
	{ "ksc5601", "CP949" },
	{ "x-windows-949", "CP949" },
	{ "gb2312", "GBK" }, /* as it is meant */
	{ "x-gbk", "GBK" },
	{ "x-sjis", "SHIFT_JIS" },
	{ "x-euc-jp", "EUC-JP" },
	{ "x-big5", "BIG5" },
	{ "cp-850", "CP850" },
	{ "windows-874", "CP874" },
	{ "iso-8859-6-i", "ISO-8859-6" },
	{ "iso-8859-6-e", "ISO-8859-6" },
	{ "iso-8859-8-i", "ISO-8859-8" },
	{ "iso-8859-8-e", "ISO-8859-8" },
	{ "x-mac-roman", "MACINTOSH" },
	{ "x-mac-cyrillic", "MAC-CYRILLIC" },
	{ "utf-7-imap", NULL }, /* mailbox names only, and imap/ decodes them */
	{ "internal", NULL },   /* in memory only */
	{ "wchar_t", NULL },
};

/* ---- opening ---- */

static bool charset_is_name(uint8_t octet)
{
	return (octet >= 'A' && octet <= 'Z') ||
	       (octet >= 'a' && octet <= 'z') ||
	       (octet >= '0' && octet <= '9') ||
	       (octet != 0 && strchr("-_.:()+", octet));
}

/* The name for iconv in capitals; false if it is none. */
static bool charset_map(struct slice name, char *mapped)
{
	size_t aliases = sizeof(charset_aliases) / sizeof(charset_aliases[0]);
	size_t n;

	name = slice_trim(name);
	for (size_t i = 0; i < aliases; i++) {
		if (!slice_eq_nocase(name, slice_str(charset_aliases[i].mail)))
			continue;
		if (!charset_aliases[i].iconv)
			return false;
		name = slice_str(charset_aliases[i].iconv);
		break;
	}
	if (name.len == 0 || name.len > MAIL_CHARSET_NAME_MAX)
		return false;
	for (n = 0; n < name.len; n++) {
		uint8_t octet = name.data[n];

		if (!charset_is_name(octet))
			return false;
		if (octet >= 'a' && octet <= 'z')
			octet = (uint8_t)(octet - 'a' + 'A');
		mapped[n] = (char)octet;
	}
	mapped[n] = 0;
	return true;
}

static unsigned charset_unit(const char *name)
{
	struct slice s = slice_str(name);

	if (slice_has_prefix(s, SLICE_LIT("UTF-32")) ||
	    slice_has_prefix(s, SLICE_LIT("UCS-4")))
		return 4;
	if (slice_has_prefix(s, SLICE_LIT("UTF-16")) ||
	    slice_has_prefix(s, SLICE_LIT("UCS-2")))
		return 2;
	return 1;
}

/*
 * Text that means itself in any superset of ASCII without shifts, and
 * something else in HZ, UTF-7, ISO-2022, UTF-16 and EBCDIC.
 */
static bool converter_is_ascii(struct mail_converter *conv)
{
	static const char probe[] =
		"\t\r\n !\"#$%&'()*+,-./0123456789:;<=>?@"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
		"abcdefghijklmnopqrstuvwxyz{|}~ ~{<:~}~\n+AGE-"
		"\x1b$B0!\x1b(B\x1b$)C\x0e"
		"0!\x0f";
	struct buf out = { 0 };
	bool same;

	mail_converter_feed(conv, slice_str(probe), &out);
	mail_converter_finish(conv, &out);
	same = slice_eq(buf_slice(&out), slice_str(probe));
	buf_fini(&out);
	return same;
}

static struct mail_converter *converter_open(const char *name)
{
	struct mail_converter *conv = mem_zalloc(1, sizeof(*conv));

	conv->utf8 = strcmp(name, "UTF-8") == 0;
	conv->unit = charset_unit(name);
	memcpy(conv->name, name, strlen(name) + 1);
	if (!conv->utf8)
		conv->iconv = iconv_open("UTF-8", name);
	if (conv->iconv == (iconv_t)-1) {
		mem_free(conv);
		return NULL;
	}
	conv->ascii = conv->utf8 || converter_is_ascii(conv);
	return conv;
}

static void converter_close(struct mail_converter *conv)
{
	if (!conv->utf8)
		MUST(iconv_close(conv->iconv) == 0);
	buf_fini(&conv->wait);
	mem_free(conv);
}

/* Back to the initial shift state. */
static void converter_reset(struct mail_converter *conv)
{
	if (!conv->utf8)
		iconv(conv->iconv, NULL, NULL, NULL, NULL);
	buf_clear(&conv->wait);
}

/* ---- the cache ---- */

void mail_charsets_fini(struct mail_charsets *charsets)
{
	for (size_t i = 0; i < MAIL_CHARSETS_KEPT; i++) {
		if (charsets->kept[i])
			converter_close(charsets->kept[i]);
		charsets->kept[i] = NULL;
	}
}

/* Takes the n-th out; the later ones move up. */
static struct mail_converter *charsets_remove(struct mail_charsets *charsets,
					      size_t n)
{
	struct mail_converter *conv = charsets->kept[n];

	for (; n + 1 < MAIL_CHARSETS_KEPT; n++)
		charsets->kept[n] = charsets->kept[n + 1];
	charsets->kept[n] = NULL;
	return conv;
}

enum err mail_charsets_take(struct mail_charsets *charsets, struct slice name,
			    struct mail_converter **conv_r)
{
	char mapped[MAIL_CHARSET_NAME_MAX + 1];

	*conv_r = NULL;
	if (!charset_map(name, mapped))
		return ERR_CHARSET;
	for (size_t i = 0; i < MAIL_CHARSETS_KEPT && charsets->kept[i]; i++) {
		if (strcmp(charsets->kept[i]->name, mapped) != 0)
			continue;
		*conv_r = charsets_remove(charsets, i);
		return ERR_NONE;
	}
	*conv_r = converter_open(mapped);
	return *conv_r ? ERR_NONE : ERR_CHARSET;
}

void mail_charsets_put(struct mail_charsets *charsets,
		       struct mail_converter **convp)
{
	struct mail_converter *conv = *convp;
	size_t last = MAIL_CHARSETS_KEPT - 1;

	*convp = NULL;
	if (!conv)
		return;
	converter_reset(conv);
	if (charsets->kept[last])
		converter_close(charsets->kept[last]);
	memmove(&charsets->kept[1], &charsets->kept[0],
		last * sizeof(charsets->kept[0]));
	charsets->kept[0] = conv;
}

bool mail_charsets_known(struct mail_charsets *charsets, struct slice name)
{
	struct mail_converter *conv;
	bool known = mail_charsets_take(charsets, name, &conv) == ERR_NONE;

	mail_charsets_put(charsets, &conv);
	return known;
}

/* ---- UTF-8 ---- */

/*
 * Octets of the well-formed character at the front (RFC 3629 section 4); 0 if
 * there is none, -1 if what there is may become one.
 */
static int utf8_char(struct slice in)
{
	uint8_t lead = in.data[0];
	uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	int len = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

	if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4)
		return 0;
	for (int i = 1; i < len; i++) {
		if ((size_t)i == in.len)
			return -1;
		if (in.data[i] < low || in.data[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return len;
}

/* Appends what is complete; returns what is left. */
static struct slice converter_utf8(struct slice in, struct buf *out)
{
	size_t good = 0; /* octets that are only to be copied */

	while (good < in.len) {
		int len = utf8_char(slice_from(in, good));

		if (len > 0) {
			good += (size_t)len;
			continue;
		}
		buf_add_slice(out, slice_first(in, good));
		in = slice_from(in, good);
		good = 0;
		if (len < 0)
			return in;
		buf_add_str(out, CHARSET_REPLACEMENT);
		in = slice_from(in, 1);
	}
	buf_add_slice(out, in);
	return SLICE_NONE;
}

/* ---- conversion ---- */

/* One call of iconv; advances `in`. Returns 0, or errno. */
static int converter_step(struct mail_converter *conv, struct slice *in,
			  struct buf *out)
{
	/* iconv does not write to its input, its prototype is older. */
	char *from = (char *)(uintptr_t)in->data;
	size_t from_left = in->len;
	size_t room = in->len * 2 + 64;
	char *to = (char *)buf_reserve(out, room);
	size_t to_left = room;
	int err = 0;

	if (iconv(conv->iconv, &from, &from_left, &to, &to_left) == (size_t)-1)
		err = errno;
	if (err == E2BIG && to_left == room && from_left == in->len)
		err = EILSEQ; /* no progress with that much room */
	*in = slice_from(*in, in->len - from_left);
	out->len += room - to_left;
	return err;
}

/* Appends what is complete; returns what is left. */
static struct slice converter_iconv(struct mail_converter *conv,
				    struct slice in, struct buf *out)
{
	while (in.len > 0) {
		int err = converter_step(conv, &in, out);

		if (err == EINVAL && in.len <= CHARSET_WAIT_MAX)
			return in;
		if (err == 0 || err == E2BIG)
			continue;
		buf_add_str(out, CHARSET_REPLACEMENT);
		in = slice_from(in, in.len < conv->unit ? in.len : conv->unit);
	}
	return in;
}

void mail_converter_feed(struct mail_converter *conv, struct slice in,
			 struct buf *out)
{
	bool joined = conv->wait.len > 0;
	struct slice rest = in;

	if (joined) {
		buf_add_slice(&conv->wait, in);
		rest = buf_slice(&conv->wait);
	}
	rest = conv->utf8 ? converter_utf8(rest, out)
			  : converter_iconv(conv, rest, out);
	if (joined)
		buf_drop(&conv->wait, conv->wait.len - rest.len);
	else
		buf_add_slice(&conv->wait, rest);
}

void mail_converter_finish(struct mail_converter *conv, struct buf *out)
{
	if (conv->wait.len > 0)
		buf_add_str(out, CHARSET_REPLACEMENT);
	converter_reset(conv);
}

bool mail_converter_ascii_safe(const struct mail_converter *conv)
{
	return conv->ascii && conv->wait.len == 0;
}

enum err mail_charset_decode(struct mail_charsets *charsets, struct slice name,
			     struct slice in, struct buf *out)
{
	struct mail_converter *conv;
	enum err err = mail_charsets_take(charsets, name, &conv);

	if (err)
		return err;
	mail_converter_feed(conv, in, out);
	mail_converter_finish(conv, out);
	mail_charsets_put(charsets, &conv);
	return ERR_NONE;
}
