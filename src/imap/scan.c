/*
 * Tokens of commands.
 *
 * Each token is read by one table lookup an octet; strings come out as slices
 * of the text, copied only if a backslash must go. A token that does not fit
 * leaves one error text, the first, which becomes the text of the BAD reply.
 */
#include "imap/scan.h"

#include "base/buf.h"
#include "base/unicode.h"
#include "imap/utf7.h"
#include "mail/date.h"

#define Q IMAP_OCTET_QUOTED
#define W (Q | IMAP_OCTET_LIST)
#define R (W | IMAP_OCTET_ASTRING | IMAP_OCTET_TAG)
#define P (W | IMAP_OCTET_ASTRING | IMAP_OCTET_ATOM)
#define A (P | IMAP_OCTET_TAG)
#define D (A | IMAP_OCTET_DIGIT)

/*
 * By RFC 9051 section 9: P is "+", R is "]", W are the wildcards, Q is what
 * stands only in quotes. NUL, CR, LF, '"' and '\' are nowhere.
 */
static const uint8_t octet_classes[256] = {
	/* clang-format off */
	0, Q, Q, Q, Q, Q, Q, Q, Q, Q, 0, Q, Q, 0, Q, Q,
	Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q,
	Q, A, 0, A, A, W, A, A, Q, Q, W, P, A, A, A, A,
	D, D, D, D, D, D, D, D, D, D, A, A, A, A, A, A,
	A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A,
	A, A, A, A, A, A, A, A, A, A, A, A, 0, R, A, A,
	A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A,
	A, A, A, A, A, A, A, A, A, A, A, Q, A, A, A, Q,
	Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q,
	Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q,
	Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q,
	Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q,
	Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q,
	Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q,
	Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q,
	Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q, Q,
	/* clang-format on */
};

#undef Q
#undef W
#undef R
#undef P
#undef A
#undef D

bool imap_octet_is(uint8_t octet, enum imap_octet octet_class)
{
	return (octet_classes[octet] & octet_class) != 0;
}

bool imap_scan_fail(struct imap_scan *scan, const char *error)
{
	if (scan->error == NULL)
		scan->error = error;
	return false;
}

bool imap_scan_octet(struct imap_scan *scan, char octet, const char *error)
{
	return imap_scan_try(scan, octet) || imap_scan_fail(scan, error);
}

bool imap_scan_sp(struct imap_scan *scan)
{
	if (imap_scan_try(scan, ' '))
		return true;
	return imap_scan_fail(scan, imap_scan_at_end(scan) ? "Missing argument"
							   : "Space expected");
}

bool imap_scan_end(struct imap_scan *scan)
{
	return imap_scan_at_end(scan) ||
	       imap_scan_fail(scan, "Unexpected text behind the command");
}

bool imap_scan_list_next(struct imap_scan *scan, bool first, bool *more_r)
{
	*more_r = !imap_scan_try(scan, ')');
	return !*more_r || first || imap_scan_sp(scan);
}

bool imap_scan_run(struct imap_scan *scan, enum imap_octet octet_class,
		   const char *error, struct slice *run_r)
{
	const uint8_t *begin = scan->pos;

	while (scan->pos < scan->end && imap_octet_is(*scan->pos, octet_class))
		scan->pos++;
	*run_r = slice_of(begin, (size_t)(scan->pos - begin));
	return run_r->len > 0 || imap_scan_fail(scan, error);
}

bool imap_scan_atom(struct imap_scan *scan, struct slice *atom_r)
{
	return imap_scan_run(scan, IMAP_OCTET_ATOM, "Atom expected", atom_r);
}

static bool is_word_octet(uint8_t octet)
{
	uint8_t lower = octet | 0x20;

	return (lower >= 'a' && lower <= 'z') ||
	       imap_octet_is(octet, IMAP_OCTET_DIGIT) || octet == '.' ||
	       octet == '-';
}

struct slice imap_scan_word(struct imap_scan *scan)
{
	const uint8_t *begin = scan->pos;

	while (scan->pos < scan->end && is_word_octet(*scan->pos))
		scan->pos++;
	return slice_of(begin, (size_t)(scan->pos - begin));
}

int imap_word_cmp(const char *name, struct slice word)
{
	for (size_t i = 0; i < word.len; i++) {
		uint8_t octet = word.data[i];

		if (octet >= 'a' && octet <= 'z')
			octet = (uint8_t)(octet - 'a' + 'A');
		if (name[i] == '\0' || (uint8_t)name[i] < octet)
			return -1;
		if ((uint8_t)name[i] > octet)
			return 1;
	}
	return name[word.len] == '\0' ? 0 : 1;
}

bool imap_scan_try_word(struct imap_scan *scan, const char *word)
{
	const uint8_t *begin = scan->pos;

	if (slice_eq_nocase(imap_scan_word(scan), slice_str(word)))
		return true;
	scan->pos = begin;
	return false;
}

/* ---- strings ---- */

/* From the first backslash on: copied without the backslashes. */
static bool scan_escaped(struct imap_scan *scan, const uint8_t *begin,
			 struct slice *string_r)
{
	size_t most = (size_t)(scan->end - begin);
	uint8_t *copy = (uint8_t *)arena_alloc(scan->arena, most);
	size_t len = (size_t)(scan->pos - begin);

	memcpy(copy, begin, len);
	while (scan->pos < scan->end && *scan->pos != '"') {
		uint8_t octet = *scan->pos++;

		if (octet == '\\') {
			octet = imap_scan_peek(scan);
			if (octet != '"' && octet != '\\')
				return imap_scan_fail(scan, "Bad \\ in quotes");
			scan->pos++;
		} else if (!imap_octet_is(octet, IMAP_OCTET_QUOTED)) {
			return imap_scan_fail(scan, "Bad octet in quotes");
		}
		copy[len++] = octet;
	}
	*string_r = slice_of(copy, len);
	return true;
}

static bool scan_quoted(struct imap_scan *scan, struct slice *string_r)
{
	const uint8_t *begin = ++scan->pos;

	while (scan->pos < scan->end &&
	       imap_octet_is(*scan->pos, IMAP_OCTET_QUOTED))
		scan->pos++;
	*string_r = slice_of(begin, (size_t)(scan->pos - begin));
	if (imap_scan_peek(scan) == '\\' &&
	    !scan_escaped(scan, begin, string_r))
		return false;
	if (!imap_scan_octet(scan, '"', "Quoted string without end"))
		return false;
	/* RFC 6855 section 3: anything but UTF-8 in quotes is a BAD. */
	return utf8_valid(*string_r) ||
	       imap_scan_fail(scan, "Quoted string is not UTF-8");
}

/* The framing has seen to it that all octets of a literal are there. */
static bool scan_literal(struct imap_scan *scan, struct slice *string_r)
{
	uint64_t size;

	scan->pos++;
	if (!imap_scan_number(scan, 0, INT64_MAX, &size))
		return false;
	(void)imap_scan_try(scan, '+');
	if (!imap_scan_octet(scan, '}', "Bad literal") ||
	    !imap_scan_octet(scan, '\r', "Bad literal") ||
	    !imap_scan_octet(scan, '\n', "Bad literal"))
		return false;
	if (size > (size_t)(scan->end - scan->pos))
		return imap_scan_fail(scan, "Bad literal");
	*string_r = slice_of(scan->pos, (size_t)size);
	scan->pos += size;
	return true;
}

bool imap_scan_string(struct imap_scan *scan, struct slice *string_r)
{
	switch (imap_scan_peek(scan)) {
	case '"':
		return scan_quoted(scan, string_r);
	case '{':
		return scan_literal(scan, string_r);
	default:
		return imap_scan_fail(scan, "String expected");
	}
}

/* A string, or one or more octets of a class. */
static bool scan_string_or(struct imap_scan *scan, enum imap_octet octet_class,
			   struct slice *string_r)
{
	uint8_t next = imap_scan_peek(scan);

	if (next == '"' || next == '{')
		return imap_scan_string(scan, string_r);
	return imap_scan_run(scan, octet_class, "Missing argument", string_r);
}

bool imap_scan_astring(struct imap_scan *scan, struct slice *string_r)
{
	return scan_string_or(scan, IMAP_OCTET_ASTRING, string_r);
}

bool imap_scan_nstring(struct imap_scan *scan, struct slice *string_r)
{
	if (!imap_scan_try_word(scan, "NIL"))
		return imap_scan_string(scan, string_r);
	*string_r = SLICE_NONE;
	return true;
}

bool imap_scan_number(struct imap_scan *scan, uint64_t min, uint64_t max,
		      uint64_t *number_r)
{
	struct slice digits;

	if (!imap_scan_run(scan, IMAP_OCTET_DIGIT, "Number expected", &digits))
		return false;
	if (!slice_to_u64(digits, max, number_r) || *number_r < min)
		return imap_scan_fail(scan, "Number out of range");
	return true;
}

/* ---- mailbox names ---- */

/*
 * RFC 6855 section 3: neither controls (C0, DEL, C1) nor the separators of
 * lines and paragraphs. `utf8` is well-formed.
 */
static bool is_name(struct slice utf8)
{
	for (size_t i = 0; i < utf8.len; i++) {
		uint8_t octet = utf8.data[i];

		if (octet < 0x20 || octet == 0x7f)
			return false;
		if (octet == 0xc2 && utf8.data[i + 1] < 0xa0)
			return false;
		if (octet == 0xe2 && utf8.data[i + 1] == 0x80 &&
		    (utf8.data[i + 2] | 1) == 0xa9)
			return false;
	}
	return true;
}

static bool decode_utf7(struct imap_scan *scan, struct slice raw,
			struct slice *name_r)
{
	struct buf utf8 = { 0 };
	enum err err = imap_utf7_decode(raw, &utf8);

	if (err == ERR_NONE)
		*name_r = arena_slice(scan->arena, buf_slice(&utf8));
	buf_fini(&utf8);
	return err == ERR_NONE;
}

/*
 * Names in 8 bits are UTF-8 also if the client has not enabled it: RFC 6855
 * section 3 wants servers to take them.
 */
static void decode_mailbox(struct imap_scan *scan, struct imap_mailbox *mailbox)
{
	struct slice raw = mailbox->raw;

	mailbox->name = SLICE_NONE;
	if (slice_eq_nocase(raw, SLICE_LIT("INBOX"))) {
		mailbox->name = SLICE_LIT("INBOX");
		mailbox->valid = true;
		return;
	}
	mailbox->valid = false;
	if (!scan->utf8 && ascii_only(raw) && slice_find(raw, '&') < raw.len) {
		if (!decode_utf7(scan, raw, &mailbox->name))
			return;
	} else {
		if (!utf8_valid(raw))
			return;
		mailbox->name = raw;
	}
	mailbox->valid = is_name(mailbox->name);
	if (!mailbox->valid)
		mailbox->name = SLICE_NONE;
}

bool imap_scan_mailbox(struct imap_scan *scan, struct imap_mailbox *mailbox_r)
{
	if (!imap_scan_astring(scan, &mailbox_r->raw))
		return false;
	decode_mailbox(scan, mailbox_r);
	return true;
}

bool imap_scan_list_mailbox(struct imap_scan *scan,
			    struct imap_mailbox *mailbox_r)
{
	if (!scan_string_or(scan, IMAP_OCTET_LIST, &mailbox_r->raw))
		return false;
	decode_mailbox(scan, mailbox_r);
	return true;
}

/* ---- sets, flags, dates ---- */

bool imap_scan_set(struct imap_scan *scan, struct imap_seqset *set_r)
{
	struct slice text =
		slice_of(scan->pos, (size_t)(scan->end - scan->pos));
	enum err err = imap_seqset_parse(&text, scan->arena, set_r);

	if (err == ERR_LIMIT)
		return imap_scan_fail(scan, "Too many ranges in the set");
	if (err != ERR_NONE)
		return imap_scan_fail(scan, "Bad sequence set");
	scan->pos = text.data;
	return true;
}

void *imap_scan_add(struct imap_scan *scan, struct imap_vec *vec, size_t size,
		    size_t max)
{
	if (vec->count == max) {
		(void)imap_scan_fail(scan, "Too many arguments");
		return NULL;
	}
	if (vec->count == vec->cap) {
		size_t cap = vec->cap == 0 ? 4 : vec->cap * 2;
		void *items = arena_zalloc(scan->arena, cap, size);

		if (vec->count > 0)
			memcpy(items, vec->items, vec->count * size);
		vec->items = items;
		vec->cap = cap;
	}
	return (uint8_t *)vec->items + size * vec->count++;
}

/*
 * "\Recent" may come back from clients that copy what FETCH told them; it
 * cannot be set, so it is dropped. Other unknown system flags are refused, for
 * they could not be kept.
 */
static bool scan_system_flag(struct imap_scan *scan,
			     struct imap_flag_list *list)
{
	const uint8_t *begin = scan->pos++;
	struct slice name;
	uint32_t flag;

	if (!imap_scan_atom(scan, &name))
		return false;
	name = slice_of(begin, name.len + 1);
	flag = imap_flag_find(name);
	if (flag == 0 && !slice_eq_nocase(name, SLICE_LIT("\\Recent")))
		return imap_scan_fail(scan, "Unknown system flag");
	list->flags |= flag;
	return true;
}

static bool scan_flag(struct imap_scan *scan, struct imap_flag_list *list,
		      struct imap_vec *keywords)
{
	struct slice *keyword;

	if (imap_scan_peek(scan) == '\\')
		return scan_system_flag(scan, list);
	keyword = (struct slice *)imap_scan_add(
		scan, keywords, sizeof(*keyword), IMAP_ARGS_MAX);
	return keyword != NULL && imap_scan_atom(scan, keyword);
}

bool imap_scan_flag_list(struct imap_scan *scan, struct imap_flag_list *list_r)
{
	struct imap_vec keywords = { 0 };
	bool more;

	*list_r = (struct imap_flag_list){ 0 };
	if (!imap_scan_octet(scan, '(', "List of flags expected"))
		return false;
	for (bool first = true;; first = false) {
		if (!imap_scan_list_next(scan, first, &more))
			return false;
		if (!more)
			break;
		if (!scan_flag(scan, list_r, &keywords))
			return false;
	}
	list_r->keywords = (const struct slice *)keywords.items;
	list_r->keyword_count = keywords.count;
	return true;
}

bool imap_scan_bare_flags(struct imap_scan *scan, struct imap_flag_list *list_r)
{
	struct imap_vec keywords = { 0 };

	*list_r = (struct imap_flag_list){ 0 };
	do {
		if (!scan_flag(scan, list_r, &keywords))
			return false;
	} while (imap_scan_try(scan, ' '));
	list_r->keywords = (const struct slice *)keywords.items;
	list_r->keyword_count = keywords.count;
	return true;
}

bool imap_scan_date_time(struct imap_scan *scan, int64_t *unix_s_r,
			 int32_t *zone_min_r)
{
	struct mail_date date;
	struct slice text;

	if (imap_scan_peek(scan) != '"' || !imap_scan_string(scan, &text) ||
	    mail_date_parse_internal(text, &date) != ERR_NONE)
		return imap_scan_fail(scan, "Bad date-time");
	*unix_s_r = date.unix_s;
	*zone_min_r = date.zone_min;
	return true;
}

bool imap_scan_date(struct imap_scan *scan, int32_t *day_r)
{
	struct slice text;

	if (!scan_string_or(scan, IMAP_OCTET_ATOM, &text))
		return false;
	return mail_date_parse_day(text, day_r) == ERR_NONE ||
	       imap_scan_fail(scan, "Bad date");
}
