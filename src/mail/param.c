/*
 * Values with parameters: all are read first, as they stand; then the sections
 * of continued ones (RFC 2231 section 3) are joined where their first one was.
 *
 * Readers of mail are generous, and so is this: a ';' may be missing or stand
 * twice, values need not be tokens, a quote may lack its end. What is no
 * parameter is passed over.
 */
#include "mail/param.h"

#include "mail/lex.h"
#include "mail/word.h"

/* A parameter as it stands, with its name taken apart. */
struct param_raw {
	struct mail_param param;
	struct slice base; /* "a" of "a*1*" */
	unsigned section;  /* 1 of it */
	bool has_section;  /* it has one */
	bool encoded;      /* it ends in '*' */
	bool joined;       /* it went into a joined one */
};

struct param_parser {
	struct mail_lex lex;
	struct arena *arena;
	struct buf word;
	struct param_raw *raw; /* room for MAIL_PARAM_MAX */
	unsigned count;
};

const struct mail_param *mail_param_find(const struct mail_params *params,
					 struct slice name)
{
	for (uint32_t i = 0; i < params->count; i++)
		if (slice_eq_nocase(params->list[i].name, name))
			return &params->list[i];
	return NULL;
}

/* ---- reading ---- */

static bool param_is_value(uint8_t octet)
{
	return octet != ';' && !mail_lex_is_blank(octet);
}

static bool param_is_name(uint8_t octet)
{
	return octet != '=' && mail_lex_is_token(octet);
}

static struct slice param_keep(struct param_parser *p)
{
	return arena_slice(p->arena, buf_slice(&p->word));
}

/* A quote without end takes the rest: folds and NULs are out of it. */
static void param_open_quote(struct param_parser *p)
{
	struct mail_lex *lex = &p->lex;

	lex->rest = slice_trim(slice_from(lex->rest, 1));
	while (lex->rest.len > 0) {
		if (mail_lex_at(lex, '\r') || mail_lex_at(lex, '\n'))
			lex->rest = slice_from(lex->rest, 1);
		else
			mail_lex_octet(lex, &p->word);
	}
}

/*
 * Passes blanks; true: what follows belongs to a value without quotes, as in
 * "name=two words.txt", and is not another parameter whose ';' is missing.
 */
static bool param_goes_on(struct mail_lex *lex)
{
	size_t n = 0;

	while (lex->rest.len > 0 && mail_lex_is_blank(lex->rest.data[0]))
		lex->rest = slice_from(lex->rest, 1);
	while (n < lex->rest.len && param_is_value(lex->rest.data[n]) &&
	       lex->rest.data[n] != '=')
		n++;
	return n > 0 && lex->rest.data[0] != '(' &&
	       (n == lex->rest.len || lex->rest.data[n] != '=');
}

static struct slice param_value(struct param_parser *p)
{
	struct mail_lex *lex = &p->lex;

	buf_clear(&p->word);
	if (mail_lex_at(lex, '"')) {
		if (!mail_lex_quoted(lex, &p->word))
			param_open_quote(p);
		return param_keep(p);
	}
	while (mail_lex_run(lex, param_is_value, &p->word) &&
	       param_goes_on(lex))
		buf_add_octet(&p->word, ' ');
	return param_keep(p);
}

/*
 * "a*", "a*1", "a*1*" (RFC 2231 sections 3 and 4); another form of '*' leaves
 * the name alone.
 */
static void param_take_apart(struct param_raw *raw)
{
	struct slice name = raw->param.name;
	struct slice base = slice_cut(&name, '*');
	uint64_t section = 0;

	if (base.len == 0 || base.len == raw->param.name.len)
		return;
	raw->base = base;
	if (name.len == 0) {
		raw->encoded = true;
		return;
	}
	if (name.data[name.len - 1] == '*') {
		raw->encoded = true;
		name.len--;
	}
	raw->has_section = slice_to_u64(name, MAIL_PARAM_MAX - 1, &section) &&
			   (name.len == 1 || name.data[0] != '0');
	raw->section = (unsigned)section;
}

/* At the '=' behind a name. */
static void param_add(struct param_parser *p, struct slice name)
{
	struct param_raw *raw = &p->raw[p->count++];

	mail_lex_take(&p->lex, '=');
	*raw = (struct param_raw){ .param.name = name };
	raw->param.value = param_value(p);
	param_take_apart(raw);
}

static void param_read_all(struct param_parser *p)
{
	struct mail_lex *lex = &p->lex;

	mail_lex_skip(lex);
	while (lex->rest.len > 0 && p->count < MAIL_PARAM_MAX) {
		buf_clear(&p->word);
		if (mail_lex_take(lex, ';'))
			continue;
		if (!mail_lex_run(lex, param_is_name, &p->word)) {
			mail_lex_octet(lex, &p->word);
			mail_lex_skip(lex);
			continue;
		}
		mail_lex_skip(lex);
		if (mail_lex_at(lex, '='))
			param_add(p, param_keep(p));
		mail_lex_skip(lex);
	}
}

/* ---- joining ---- */

/* attribute-char of RFC 2231 section 7: need not be encoded. */
static bool param_is_attribute(uint8_t octet)
{
	return octet < 0x80 && mail_lex_is_token(octet) && octet != '*' &&
	       octet != '\'' && octet != '%';
}

static void param_encode(struct slice text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		if (param_is_attribute(text.data[i]))
			buf_add_octet(out, text.data[i]);
		else
			buf_printf(out, "%%%02X", (unsigned)text.data[i]);
	}
}

/*
 * Finds the sections 0, 1, .. that go with raw parameter `first` (section 0).
 * Returns how many there are, 0 if the set has a gap or a double.
 */
static unsigned param_sections(struct param_parser *p,
			       const struct param_raw *first,
			       struct param_raw **section)
{
	unsigned found = 0;

	memset(section, 0, MAIL_PARAM_MAX * sizeof(*section));
	for (unsigned i = 0; i < p->count; i++) {
		struct param_raw *raw = &p->raw[i];

		if (!raw->has_section ||
		    !slice_eq_nocase(raw->base, first->base))
			continue;
		section[raw->section] = raw; /* a double leaves a gap */
		found++;
	}
	for (unsigned i = 0; i < found; i++)
		if (!section[i])
			return 0;
	return found;
}

static struct mail_param param_join(struct param_parser *p,
				    struct param_raw *const *section,
				    unsigned count)
{
	struct mail_param joined;
	bool encoded = false;

	buf_clear(&p->word);
	for (unsigned i = 0; i < count; i++)
		encoded = encoded || section[i]->encoded;
	buf_add_slice(&p->word, section[0]->base);
	if (encoded)
		buf_add_octet(&p->word, '*');
	joined.name = param_keep(p);
	buf_clear(&p->word);
	if (encoded && !section[0]->encoded)
		buf_add_str(&p->word, "''"); /* no charset, no language */
	for (unsigned i = 0; i < count; i++) {
		section[i]->joined = true;
		if (encoded && !section[i]->encoded)
			param_encode(section[i]->param.value, &p->word);
		else
			buf_add_slice(&p->word, section[i]->param.value);
	}
	joined.value = param_keep(p);
	return joined;
}

static void param_join_all(struct param_parser *p, struct mail_params *out_r)
{
	struct param_raw *section[MAIL_PARAM_MAX];

	out_r->list = arena_zalloc(p->arena, p->count, sizeof(*out_r->list));
	out_r->count = 0;
	for (unsigned i = 0; i < p->count; i++) {
		struct param_raw *raw = &p->raw[i];
		struct mail_param *to = &out_r->list[out_r->count];
		unsigned count = 0;

		if (raw->has_section && !raw->joined)
			count = param_sections(p, raw, section);
		if (raw->joined)
			continue;
		*to = count > 0 ? param_join(p, section, count) : raw->param;
		out_r->count++;
	}
}

static void param_parse(const struct mail_lex *lex, struct arena *arena,
			struct mail_params *params_r)
{
	struct param_raw raw[MAIL_PARAM_MAX];
	struct param_parser p = { .lex = *lex, .arena = arena, .raw = raw };

	*params_r = (struct mail_params){ NULL, 0 };
	param_read_all(&p);
	if (p.count > 0)
		param_join_all(&p, params_r);
	buf_fini(&p.word);
}

/* A token and what mail_lex_skip passes; absent if there is none. */
static struct slice param_token(struct mail_lex *lex, struct arena *arena)
{
	struct buf word = { 0 };
	struct slice token = SLICE_NONE;

	mail_lex_skip(lex);
	if (mail_lex_run(lex, mail_lex_is_token, &word))
		token = arena_slice(arena, buf_slice(&word));
	mail_lex_skip(lex);
	buf_fini(&word);
	return token;
}

bool mail_content_type_parse(struct slice value, struct arena *arena,
			     struct slice *type_r, struct slice *subtype_r,
			     struct mail_params *params_r)
{
	struct mail_lex lex = { .rest = value };
	struct slice type = param_token(&lex, arena);
	struct slice subtype = SLICE_NONE;

	if (mail_lex_take(&lex, '/'))
		subtype = param_token(&lex, arena);
	else if (slice_eq_nocase(type, SLICE_LIT("text")))
		subtype = SLICE_LIT("plain"); /* as old mailers wrote it */
	if (!type.data || !subtype.data)
		return false;
	*type_r = type;
	*subtype_r = subtype;
	param_parse(&lex, arena, params_r);
	return true;
}

bool mail_disposition_parse(struct slice value, struct arena *arena,
			    struct slice *token_r, struct mail_params *params_r)
{
	struct mail_lex lex = { .rest = value };
	struct slice token = param_token(&lex, arena);

	if (!token.data)
		return false;
	*token_r = token;
	param_parse(&lex, arena, params_r);
	return true;
}

/* ---- decoding ---- */

/* "%e2" to its octet; a '%' that begins none stands for itself. */
static void param_unescape(struct slice text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		int high = -1;
		int low = -1;

		if (text.data[i] == '%' && i + 2 < text.len) {
			high = mail_lex_hex(text.data[i + 1]);
			low = mail_lex_hex(text.data[i + 2]);
		}
		if (high < 0 || low < 0) {
			buf_add_octet(out, text.data[i]);
			continue;
		}
		buf_add_octet(out, (uint8_t)(high * 16 + low));
		i += 2;
	}
}

/* charset'language'text (RFC 2231 section 4). */
static void param_decode_extended(struct slice value,
				  struct mail_charsets *charsets,
				  struct buf *out)
{
	struct buf octets = { 0 };
	struct slice rest = value;
	struct slice charset = slice_cut(&rest, '\'');
	size_t quote = slice_find(rest, '\'');

	if (quote < rest.len) {
		rest = slice_from(rest, quote + 1);
	} else {
		rest = value; /* no charset, no language */
		charset = SLICE_NONE;
	}
	param_unescape(rest, &octets);
	if (mail_charset_decode(charsets, charset, buf_slice(&octets), out) !=
	    ERR_NONE)
		buf_add_slice(out, buf_slice(&octets));
	buf_fini(&octets);
}

static bool param_name_is_extended(struct slice name, struct slice base)
{
	return name.len == base.len + 1 && name.data[base.len] == '*' &&
	       slice_has_prefix_nocase(name, base);
}

bool mail_param_decode(const struct mail_params *params, struct slice name,
		       struct mail_charsets *charsets, struct buf *out)
{
	const struct mail_param *plain = mail_param_find(params, name);

	for (uint32_t i = 0; i < params->count; i++) {
		if (!param_name_is_extended(params->list[i].name, name))
			continue;
		param_decode_extended(params->list[i].value, charsets, out);
		return true;
	}
	if (plain)
		mail_word_decode(plain->value, charsets, out);
	return plain != NULL;
}
