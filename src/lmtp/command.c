/*
 * Reads LMTP command lines.
 *
 * A line is a verb, then what the verb's row of the table reads. Paths may
 * carry a source route (skipped, RFC 5321 appendix C) and a quoted local part;
 * octets above 127 are taken as UTF-8 (RFC 6531) and checked as such.
 */
#include "lmtp/command.h"

#include <stddef.h>

#include "base/unicode.h"

#define LOCAL_MAX 256  /* octets; RFC 5321 wants 64, lists use more */
#define DOMAIN_MAX 255 /* octets; RFC 5321 section 4.5.3.1.2 */

typedef enum err read_argument(struct slice rest, struct arena *arena,
			       struct lmtp_command *command);

static enum err read_none(struct slice rest, struct arena *arena unused_arg,
			  struct lmtp_command *command unused_arg)
{
	return slice_trim(rest).len ? ERR_SYNTAX : ERR_NONE;
}

static enum err read_any(struct slice rest, struct arena *arena unused_arg,
			 struct lmtp_command *command)
{
	command->argument = slice_trim(rest);
	return ERR_NONE;
}

static enum err read_name(struct slice rest, struct arena *arena,
			  struct lmtp_command *command)
{
	struct slice name = slice_trim(rest);

	if (name.len == 0 || slice_find(name, ' ') != name.len ||
	    !utf8_valid(name))
		return ERR_SYNTAX;
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] < 0x21 || name.data[i] == 0x7f)
			return ERR_SYNTAX;
	command->argument = arena_slice(arena, name);
	return ERR_NONE;
}

/* "@a,@b:" in front of the mailbox. */
static void skip_route(struct slice *in)
{
	size_t colon = slice_find(*in, ':');

	if (in->len && in->data[0] == '@' && colon < in->len)
		*in = slice_from(*in, colon + 1);
}

static bool is_plain_local(uint8_t c)
{
	return c > 0x20 && c != 0x7f && c != '@' && c != '>' && c != '<' &&
	       c != '"' && c != '\\' && c != ',' && c != ';' && c != '(' &&
	       c != ')' && c != '[' && c != ']' && c != ':';
}

/* Local-part; what is quoted is unquoted into `out` (as long as `in`). */
static bool read_local(struct slice *in, uint8_t *out, size_t *len_r)
{
	bool quoted = in->len && in->data[0] == '"';
	size_t at = quoted ? 1 : 0;
	size_t len = 0;

	for (; at < in->len; at++) {
		uint8_t c = in->data[at];

		if (quoted ? c == '"' : !is_plain_local(c))
			break;
		if (quoted && c == '\\' && ++at < in->len)
			c = in->data[at];
		if (at >= in->len || c < 0x20 || c == 0x7f)
			return false;
		out[len++] = c;
	}
	if (quoted && (at >= in->len || in->data[at++] != '"'))
		return false;
	*in = slice_from(*in, at);
	*len_r = len;
	return len > 0;
}

static bool is_domain_octet(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	       c == '[' || c == ']' || c == ':' || c >= 0x80;
}

/* "@domain", lower case; nothing is fine too: a local user. */
static bool read_domain(struct slice *in, uint8_t *out, size_t *len_r)
{
	size_t at = 1;

	*len_r = 0;
	if (in->len == 0 || in->data[0] != '@')
		return true;
	for (; at < in->len && is_domain_octet(in->data[at]); at++) {
		uint8_t c = in->data[at];

		out[at - 1] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
	}
	*len_r = at - 1;
	*in = slice_from(*in, at);
	return *len_r > 0;
}

/* "<" path ">", moving `in` past it. */
static enum err read_path(struct slice *in, struct arena *arena,
			  struct lmtp_path *path)
{
	uint8_t *text = arena_alloc(arena, in->len + 2);
	size_t local_len = 0;
	size_t domain_len = 0;

	if (in->len == 0 || in->data[0] != '<')
		return ERR_SYNTAX;
	*in = slice_from(*in, 1);
	if (in->len && in->data[0] == '>') {
		*in = slice_from(*in, 1);
		return ERR_NONE;
	}
	skip_route(in);
	if (!read_local(in, text, &local_len) ||
	    !read_domain(in, text + local_len + 1, &domain_len) ||
	    in->len == 0 || in->data[0] != '>')
		return ERR_SYNTAX;
	*in = slice_from(*in, 1);
	if (local_len > LOCAL_MAX || domain_len > DOMAIN_MAX)
		return ERR_LIMIT;
	path->local = slice_of(text, local_len);
	path->domain = slice_of(text + local_len + 1, domain_len);
	text[local_len] = '@';
	path->address =
		slice_of(text, local_len + (domain_len ? domain_len + 1 : 0));
	return utf8_valid(path->address) ? ERR_NONE : ERR_SYNTAX;
}

static enum err read_parameter(struct slice parameter,
			       struct lmtp_command *command)
{
	struct slice value = parameter;
	struct slice name = slice_cut(&value, '=');

	if (slice_eq_nocase(name, SLICE_LIT("SIZE"))) {
		command->has_size = true;
		return slice_to_u64(value, UINT64_MAX, &command->size)
			       ? ERR_NONE
			       : ERR_SYNTAX;
	}
	if (slice_eq_nocase(parameter, SLICE_LIT("SMTPUTF8"))) {
		command->smtputf8 = true;
		return ERR_NONE;
	}
	if (slice_eq_nocase(parameter, SLICE_LIT("BODY=8BITMIME"))) {
		command->eight_bit = true;
		return ERR_NONE;
	}
	return slice_eq_nocase(parameter, SLICE_LIT("BODY=7BIT")) ? ERR_NONE
								  : ERR_INVALID;
}

/* "FROM:<path>" or "TO:<path>", then parameters. */
static enum err read_envelope(struct slice rest, struct slice keyword,
			      struct arena *arena, struct lmtp_command *command)
{
	enum err err;

	rest = slice_trim(rest);
	if (!slice_has_prefix_nocase(rest, keyword))
		return ERR_SYNTAX;
	rest = slice_trim(slice_from(rest, keyword.len));
	err = read_path(&rest, arena, &command->path);
	if (!err && rest.len && rest.data[0] != ' ')
		err = ERR_SYNTAX;
	while (!err && (rest = slice_trim(rest)).len)
		err = read_parameter(slice_cut(&rest, ' '), command);
	return err;
}

static enum err read_mail(struct slice rest, struct arena *arena,
			  struct lmtp_command *command)
{
	return read_envelope(rest, SLICE_LIT("FROM:"), arena, command);
}

static enum err read_rcpt(struct slice rest, struct arena *arena,
			  struct lmtp_command *command)
{
	enum err err = read_envelope(rest, SLICE_LIT("TO:"), arena, command);

	if (err)
		return err;
	if (command->has_size || command->smtputf8 || command->eight_bit)
		return ERR_INVALID;
	return command->path.local.len ? ERR_NONE : ERR_SYNTAX;
}

/* "BDAT" SP chunk-size [ SP "LAST" ] (RFC 3030 section 2) */
static enum err read_bdat(struct slice rest, struct arena *arena unused_arg,
			  struct lmtp_command *command)
{
	struct slice size;

	rest = slice_trim(rest);
	size = slice_cut(&rest, ' ');
	rest = slice_trim(rest);
	command->last = slice_eq_nocase(rest, SLICE_LIT("LAST"));
	if (rest.len && !command->last)
		return ERR_SYNTAX;
	return slice_to_u64(size, UINT64_MAX, &command->size) ? ERR_NONE
							      : ERR_SYNTAX;
}

static const struct {
	const char *name;
	enum lmtp_verb verb;
	read_argument *read;
} verbs[] = {
	{ "LHLO", LMTP_LHLO, read_name },
	{ "MAIL", LMTP_MAIL, read_mail },
	{ "RCPT", LMTP_RCPT, read_rcpt },
	{ "DATA", LMTP_DATA, read_none },
	{ "BDAT", LMTP_BDAT, read_bdat },
	{ "RSET", LMTP_RSET, read_none },
	{ "NOOP", LMTP_NOOP, read_any },
	{ "VRFY", LMTP_VRFY, read_any },
	{ "QUIT", LMTP_QUIT, read_none },
	{ "STARTTLS", LMTP_STARTTLS, read_none },
	{ "HELO", LMTP_HELO, read_any },
	{ "EHLO", LMTP_HELO, read_any },
};

enum err lmtp_command_read(struct slice line, struct arena *arena,
			   struct lmtp_command *command_r)
{
	struct slice rest = line;
	struct slice verb = slice_cut(&rest, ' ');

	*command_r = (struct lmtp_command){ .verb = LMTP_UNKNOWN };
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (!slice_eq_nocase(verb, slice_str(verbs[i].name)))
			continue;
		command_r->verb = verbs[i].verb;
		return verbs[i].read(rest, arena, command_r);
	}
	return ERR_SYNTAX;
}
