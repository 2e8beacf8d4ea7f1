/*
 * Strings, lines and response codes.
 *
 * Everything is appended where it will be sent from; nothing is formatted by
 * printf. Strings choose their form: an atom if every octet allows it, quoted
 * if every octet allows that, else a literal.
 */
#include "imap/writer.h"

#include "base/attr.h"
#include "base/panic.h"
#include "base/unicode.h"
#include "imap/scan.h"
#include "imap/utf7.h"
#include "mail/date.h"

/* ---- strings ---- */

static void write_literal_head(struct buf *out, const char *open, uint64_t size)
{
	buf_add_str(out, open);
	buf_add_u64(out, size);
	buf_add_str(out, "}\r\n");
}

void imap_write_literal_head(struct buf *out, uint64_t size)
{
	write_literal_head(out, "{", size);
}

void imap_write_literal8_head(struct buf *out, uint64_t size)
{
	write_literal_head(out, "~{", size);
}

/* What a string is made of decides its form. */
struct census {
	size_t nul;
	bool line_end;
	bool high;
};

static struct census take_census(struct slice s)
{
	struct census census = { 0 };

	for (size_t i = 0; i < s.len; i++) {
		uint8_t octet = s.data[i];

		census.nul += octet == '\0';
		census.line_end |= octet == '\r' || octet == '\n';
		census.high |= octet >= 0x80;
	}
	return census;
}

static void write_quoted(struct buf *out, struct slice s)
{
	buf_add_octet(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '\0')
			continue;
		if (s.data[i] == '"' || s.data[i] == '\\')
			buf_add_octet(out, '\\');
		buf_add_octet(out, s.data[i]);
	}
	buf_add_octet(out, '"');
}

static void write_literal(struct buf *out, struct slice s, size_t nul)
{
	imap_write_literal_head(out, s.len - nul);
	if (nul == 0) {
		buf_add_slice(out, s);
		return;
	}
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] != '\0')
			buf_add_octet(out, s.data[i]);
}

void imap_write_string(struct buf *out, bool utf8, struct slice s)
{
	struct census census = take_census(s);

	if (census.line_end || s.len > IMAP_QUOTED_MAX ||
	    (census.high && !(utf8 && utf8_valid(s))))
		write_literal(out, s, census.nul);
	else
		write_quoted(out, s);
}

void imap_write_nstring(struct buf *out, bool utf8, struct slice s)
{
	if (s.data == NULL)
		buf_add_str(out, "NIL");
	else
		imap_write_string(out, utf8, s);
}

/* "NIL" is no atom: in some places it would be read as the absence of all. */
static bool is_atom(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!imap_octet_is(s.data[i], IMAP_OCTET_ASTRING))
			return false;
	return s.len > 0 && !slice_eq_nocase(s, SLICE_LIT("NIL"));
}

void imap_write_astring(struct buf *out, bool utf8, struct slice s)
{
	if (is_atom(s))
		buf_add_slice(out, s);
	else
		imap_write_string(out, utf8, s);
}

void imap_write_mailbox(struct buf *out, bool utf8, struct slice name)
{
	struct buf utf7 = { 0 };

	if (utf8 || (ascii_only(name) && slice_find(name, '&') == name.len)) {
		imap_write_astring(out, utf8, name);
		return;
	}
	/* A name that is no UTF-8 goes out as it is: better than not at all. */
	if (imap_utf7_encode(name, &utf7) == ERR_NONE)
		imap_write_astring(out, false, buf_slice(&utf7));
	else
		imap_write_astring(out, false, name);
	buf_fini(&utf7);
}

/* ---- flags and dates ---- */

static void begin_item(struct buf *out, bool *first)
{
	if (!*first)
		buf_add_octet(out, ' ');
	*first = false;
}

static void write_system_flags(struct buf *out, uint32_t flags, bool *first)
{
	for (; flags != 0; flags &= flags - 1) {
		begin_item(out, first);
		buf_add_str(out,
			    imap_flag_name((enum imap_flag)(flags & -flags)));
	}
}

static void write_flags(struct buf *out, uint32_t flags,
			const struct slice *keywords, size_t count, bool star)
{
	bool first = true;

	buf_add_octet(out, '(');
	write_system_flags(out, flags, &first);
	for (size_t i = 0; i < count; i++) {
		begin_item(out, &first);
		buf_add_slice(out, keywords[i]);
	}
	if (star) {
		begin_item(out, &first);
		buf_add_str(out, "\\*");
	}
	buf_add_octet(out, ')');
}

void imap_write_flags(struct buf *out, uint32_t flags,
		      const struct slice *keywords, size_t count)
{
	write_flags(out, flags, keywords, count, false);
}

void imap_write_row_flags(struct buf *out, uint32_t flags,
			  const uint64_t bits[2], const struct slice *keywords,
			  size_t count)
{
	bool first = true;

	MUST(count <= IMAP_KEYWORDS_MAX);
	buf_add_octet(out, '(');
	write_system_flags(out, flags, &first);
	for (size_t i = 0; i < count; i++) {
		if ((bits[i / 64] >> (i % 64) & 1) == 0)
			continue;
		begin_item(out, &first);
		buf_add_slice(out, keywords[i]);
	}
	buf_add_octet(out, ')');
}

void imap_write_date_time(struct buf *out, int64_t unix_s, int32_t zone_min)
{
	buf_add_octet(out, '"');
	mail_date_format_internal((struct mail_date){ unix_s, zone_min }, out);
	buf_add_octet(out, '"');
}

/* ---- lines ---- */

static const char *const status_words[] = {
	[IMAP_OK] = "OK ",   [IMAP_NO] = "NO ",           [IMAP_BAD] = "BAD ",
	[IMAP_BYE] = "BYE ", [IMAP_PREAUTH] = "PREAUTH ",
};

void imap_begin_tagged(struct buf *out, struct slice tag,
		       enum imap_status_word word)
{
	MUST((size_t)word < ARRAY_LEN(status_words));
	if (tag.len == 0)
		buf_add_octet(out, '*');
	else
		buf_add_slice(out, tag);
	buf_add_octet(out, ' ');
	buf_add_str(out, status_words[word]);
}

void imap_begin_untagged(struct buf *out, enum imap_status_word word)
{
	imap_begin_tagged(out, SLICE_NONE, word);
}

void imap_begin_data(struct buf *out, const char *name)
{
	buf_add_str(out, "* ");
	buf_add_str(out, name);
}

void imap_begin_numbered(struct buf *out, uint32_t number, const char *name)
{
	buf_add_str(out, "* ");
	buf_add_u64(out, number);
	buf_add_octet(out, ' ');
	buf_add_str(out, name);
}

void imap_end_data(struct buf *out)
{
	buf_add_str(out, "\r\n");
}

/* resp-text must not be empty, or what stands in it would be read as a code. */
void imap_end_text(struct buf *out, const char *text)
{
	MUST(text[0] != '\0' && text[0] != '[');
	for (; *text != '\0'; text++)
		buf_add_octet(out, *text == '\r' || *text == '\n'
					   ? ' '
					   : (uint8_t)*text);
	imap_end_data(out);
}

void imap_write_tagged(struct buf *out, struct slice tag,
		       enum imap_status_word word, enum imap_code code,
		       const char *text)
{
	imap_begin_tagged(out, tag, word);
	imap_code(out, code);
	imap_end_text(out, text);
}

void imap_write_untagged(struct buf *out, enum imap_status_word word,
			 enum imap_code code, const char *text)
{
	imap_write_tagged(out, SLICE_NONE, word, code, text);
}

void imap_write_continue(struct buf *out, struct slice text)
{
	buf_add_str(out, "+ ");
	buf_add_slice(out, text);
	imap_end_data(out);
}

/* ---- response codes ---- */

static const char *const code_texts[] = { [IMAP_CODE_NONE] = NULL,
#define X(name, text) [IMAP_CODE_##name] = "[" text "] ",
					  IMAP_CODE_LIST(X)
#undef X
};

void imap_code(struct buf *out, enum imap_code code)
{
	MUST((size_t)code < ARRAY_LEN(code_texts));
	if (code != IMAP_CODE_NONE)
		buf_add_str(out, code_texts[code]);
}

enum imap_code imap_code_of_err(enum err err)
{
	switch (err) {
	case ERR_EXISTS:
		return IMAP_CODE_ALREADYEXISTS;
	case ERR_NOTFOUND:
	case ERR_GONE:
	case ERR_NONEXISTENT_PARENT:
		return IMAP_CODE_NONEXISTENT;
	case ERR_DENIED:
		return IMAP_CODE_NOPERM;
	case ERR_LIMIT:
		return IMAP_CODE_LIMIT;
	case ERR_TOO_BIG:
		return IMAP_CODE_TOOBIG;
	case ERR_OVERQUOTA:
		return IMAP_CODE_OVERQUOTA;
	case ERR_INVALID:
	case ERR_CANNOT:
		return IMAP_CODE_CANNOT;
	case ERR_INUSE:
	case ERR_LOCKED:
		return IMAP_CODE_INUSE;
	case ERR_EXPUNGED:
		return IMAP_CODE_EXPUNGEISSUED;
	case ERR_UNSAVED:
		return IMAP_CODE_NOTSAVED;
	case ERR_HASCHILDREN:
		return IMAP_CODE_HASCHILDREN;
	case ERR_CHARSET:
		return IMAP_CODE_BADCHARSET;
	case ERR_UNKNOWN_CTE:
		return IMAP_CODE_UNKNOWN_CTE;
	case ERR_AUTH:
		return IMAP_CODE_AUTHENTICATIONFAILED;
	case ERR_DISABLED:
		return IMAP_CODE_CONTACTADMIN;
	case ERR_CORRUPT:
		return IMAP_CODE_CORRUPTION;
	case ERR_CLIENTBUG:
		return IMAP_CODE_CLIENTBUG;
	case ERR_FULL:
	case ERR_MOVED:
	case ERR_UNAVAILABLE:
	case ERR_BUSY:
	case ERR_NOT_LEADER:
	case ERR_CANCELLED:
	case ERR_TAKEN:
	case ERR_LEADER_LOST:
	case ERR_FENCED:
	case ERR_TIMEOUT:
	case ERR_CLOSED:
	case ERR_IO:
	case ERR_MISSING_BODY:
	case ERR_STALE:
		return IMAP_CODE_UNAVAILABLE;
	case ERR_NONE:
	case ERR_SYNTAX:
	case ERR_VERSION:
	case ERR_END:
	case ERR_EXPIRED: /* of no IMAP command */
		break;
	}
	return IMAP_CODE_NONE;
}

/* Texts for people, from those for operators: a capital letter in front. */
void imap_write_err(struct buf *out, struct slice tag, enum err err)
{
	const char *text = err_text(err);
	uint8_t first = (uint8_t)text[0];

	MUST(err != ERR_NONE);
	imap_begin_tagged(out, tag, err == ERR_SYNTAX ? IMAP_BAD : IMAP_NO);
	imap_code(out, imap_code_of_err(err));
	if (first >= 'a' && first <= 'z')
		first = (uint8_t)(first - 'a' + 'A');
	buf_add_octet(out, first);
	imap_end_text(out, text + 1);
}

static void begin_code(struct buf *out, const char *name)
{
	buf_add_octet(out, '[');
	buf_add_str(out, name);
	buf_add_octet(out, ' ');
}

static void end_code(struct buf *out)
{
	buf_add_str(out, "] ");
}

void imap_code_num(struct buf *out, const char *name, uint64_t number)
{
	begin_code(out, name);
	buf_add_u64(out, number);
	end_code(out);
}

void imap_code_mailboxid(struct buf *out, struct slice id)
{
	begin_code(out, "MAILBOXID");
	buf_add_octet(out, '(');
	buf_add_slice(out, id);
	buf_add_octet(out, ')');
	end_code(out);
}

void imap_code_modified(struct buf *out, const struct uidset *set)
{
	begin_code(out, "MODIFIED");
	uidset_format(set, out);
	end_code(out);
}

void imap_code_appenduid(struct buf *out, uint32_t uidvalidity,
			 const struct uidset *uids)
{
	begin_code(out, "APPENDUID");
	buf_add_u64(out, uidvalidity);
	buf_add_octet(out, ' ');
	uidset_format(uids, out);
	end_code(out);
}

void imap_code_copyuid(struct buf *out, uint32_t uidvalidity,
		       const struct uidset *source, const struct uidset *copies)
{
	MUST(uidset_size(source) == uidset_size(copies));
	begin_code(out, "COPYUID");
	buf_add_u64(out, uidvalidity);
	buf_add_octet(out, ' ');
	uidset_format(source, out);
	buf_add_octet(out, ' ');
	uidset_format(copies, out);
	end_code(out);
}

void imap_code_permanentflags(struct buf *out, uint32_t flags,
			      const struct slice *keywords, size_t count,
			      bool star)
{
	begin_code(out, "PERMANENTFLAGS");
	write_flags(out, flags, keywords, count, star);
	end_code(out);
}

static void write_names(struct buf *out, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_add_octet(out, ' ');
		buf_add_str(out, names[i]);
	}
}

void imap_code_capability(struct buf *out, const char *const *names,
			  size_t count)
{
	buf_add_str(out, "[CAPABILITY");
	write_names(out, names, count);
	end_code(out);
}

void imap_write_capability(struct buf *out, const char *const *names,
			   size_t count)
{
	imap_begin_data(out, "CAPABILITY");
	write_names(out, names, count);
	imap_end_data(out);
}

void imap_write_enabled(struct buf *out, const char *const *names, size_t count)
{
	imap_begin_data(out, "ENABLED");
	write_names(out, names, count);
	imap_end_data(out);
}
