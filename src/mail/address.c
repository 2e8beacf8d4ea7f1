/*
 * Address lists.
 *
 * An item is first looked at from afar: the octet that ends its plain words
 * says what it is ('<': a name and an address in angles, ':': a group, else an
 * address or what somebody wrote instead). Then it is read as that. What
 * remains before the next comma is dropped. So each octet is read a fixed
 * number of times, and damage in one address leaves the others alone.
 */
#include "mail/address.h"

#include "mail/lex.h"

struct address_parser {
	struct mail_lex lex;
	struct buf comment; /* the last one of this item */
	struct buf word;    /* scratch */
	struct arena *arena;
	struct mail_address **tail;
	unsigned count;
	bool in_group;
	uint8_t stop;       /* what looking ahead found */
	size_t stop_left;   /* octets of the field from there on */
	bool stop_unquoted; /* lex.unquoted at that time */
};

static void address_append(struct address_parser *p, struct mail_address addr)
{
	struct mail_address *copy = ARENA_NEW(p->arena, struct mail_address);

	*copy = addr;
	*p->tail = copy;
	p->tail = &copy->next;
	p->count++;
}

/* Octets `from` to `to` of the words that were read; NIL if there are none. */
static struct slice address_keep(struct address_parser *p, size_t from,
				 size_t to)
{
	if (from == to)
		return SLICE_NONE;
	return arena_slice(p->arena, slice_of(p->word.data + from, to - from));
}

/* The comment serves as a name: "user@host (Some Name)". */
static struct slice address_comment(struct address_parser *p)
{
	struct slice text = slice_trim(buf_slice(&p->comment));

	return text.len > 0 ? arena_slice(p->arena, text) : SLICE_NONE;
}

/* What is missing is filled in: NIL would make it a group. */
static void address_append_mailbox(struct address_parser *p,
				   struct mail_address addr)
{
	if (!addr.name.data)
		addr.name = address_comment(p);
	if (!addr.mailbox.data)
		addr.mailbox = SLICE_LIT(MAIL_MISSING_MAILBOX);
	if (!addr.host.data)
		addr.host = SLICE_LIT(MAIL_MISSING_HOST);
	address_append(p, addr);
}

/* ---- looking ahead ---- */

static bool address_is_stop(uint8_t octet)
{
	return octet == '<' || octet == ':' || octet == ',' || octet == ';';
}

static bool address_at_stop(const struct address_parser *p)
{
	return p->lex.rest.len == 0 || address_is_stop(p->lex.rest.data[0]);
}

/* Passes what is one unit: comment, quoted text, domain literal, octet. */
static void address_pass(struct address_parser *p)
{
	struct mail_lex *lex = &p->lex;

	buf_clear(&p->word);
	if (mail_lex_at(lex, '('))
		mail_lex_skip(lex);
	else if (mail_lex_at(lex, '"') && mail_lex_quoted(lex, &p->word))
		return;
	else if (mail_lex_at(lex, '[') &&
		 mail_lex_domain_literal(lex, &p->word))
		return;
	else
		mail_lex_octet(lex, &p->word);
}

static void address_find_stop(struct address_parser *p)
{
	struct slice start = p->lex.rest;

	while (!address_at_stop(p))
		address_pass(p);
	p->stop = ',';
	if (p->lex.rest.len > 0)
		p->stop = p->lex.rest.data[0];
	p->stop_left = p->lex.rest.len;
	p->lex.rest = start;
}

/*
 * What ends the words of this item; ',' at the end of the field. It holds for
 * the next items too as long as they begin before it, and as long as no quote
 * was found to be none, after which the octets read otherwise.
 */
static uint8_t address_look_ahead(struct address_parser *p)
{
	bool known = p->lex.rest.len > p->stop_left;

	while (!known || p->stop_unquoted != p->lex.unquoted) {
		p->stop_unquoted = p->lex.unquoted;
		address_find_stop(p);
		known = true;
	}
	buf_clear(&p->comment);
	return p->stop;
}

static bool address_at_end(const struct address_parser *p)
{
	return p->lex.rest.len == 0 || mail_lex_at(&p->lex, ',') ||
	       mail_lex_at(&p->lex, ';');
}

/* Behind an address: another one whose comma is missing. */
static bool address_goes_on(struct address_parser *p)
{
	struct mail_lex before = p->lex;
	bool found;

	if (address_at_end(p) || !(mail_lex_is_atext(before.rest.data[0]) ||
				   strchr("<\"", before.rest.data[0])))
		return false;
	p->lex.comment = NULL; /* it is not of this item */
	while (!address_at_end(p) && !mail_lex_at(&p->lex, '@'))
		address_pass(p);
	found = mail_lex_at(&p->lex, '@');
	p->lex.rest = before.rest;
	p->lex.comment = before.comment;
	return found;
}

/* To the end of the item: what stands there is no part of an address. */
static void address_drop(struct address_parser *p)
{
	mail_lex_skip(&p->lex);
	if (address_goes_on(p))
		return;
	while (!address_at_end(p))
		address_pass(p);
}

/* ---- the words of an item ---- */

static bool address_is_name(uint8_t octet)
{
	return !mail_lex_is_blank(octet) && !address_is_stop(octet) &&
	       octet != '(' && octet != '"';
}

/* The display name before '<' or ':', words joined by one SP. */
static struct slice address_phrase(struct address_parser *p)
{
	struct mail_lex *lex = &p->lex;

	buf_clear(&p->word);
	for (mail_lex_skip(lex); !address_at_stop(p); mail_lex_skip(lex)) {
		if (p->word.len > 0)
			buf_add_octet(&p->word, ' ');
		if (mail_lex_at(lex, '"') && mail_lex_quoted(lex, &p->word))
			continue;
		do
			mail_lex_octet(lex, &p->word);
		while (lex->rest.len > 0 && address_is_name(lex->rest.data[0]));
	}
	return address_keep(p, 0, p->word.len);
}

static bool address_is_local(uint8_t octet)
{
	return !mail_lex_is_blank(octet) && !memchr("@<>,;(\"", octet, 7);
}

struct address_words {
	unsigned count;
	size_t last;     /* where the last one begins in `word` */
	size_t last_end; /* where the one before it ends */
	bool quoted;     /* the last one was in quotes */
};

/*
 * The words before '@' or the end of an address into `word`. Dots join their
 * neighbours (obs-local-part); other words are apart by one SP.
 */
static void address_local(struct address_parser *p,
			  struct address_words *words_r)
{
	struct mail_lex *lex = &p->lex;

	*words_r = (struct address_words){ 0 };
	buf_clear(&p->word);
	for (;;) {
		size_t len = p->word.len;
		bool joined = len > 0 && (p->word.data[len - 1] == '.' ||
					  mail_lex_at(lex, '.'));

		if (len > 0 && !joined)
			buf_add_octet(&p->word, ' ');
		if (mail_lex_at(lex, '"') && mail_lex_quoted(lex, &p->word))
			words_r->quoted = true;
		else if (mail_lex_run(lex, address_is_local, &p->word))
			words_r->quoted = false;
		else if (mail_lex_at(lex, '"'))
			mail_lex_octet(lex, &p->word);
		else {
			p->word.len = len;
			return;
		}
		if (!joined) {
			words_r->count++;
			words_r->last = len > 0 ? len + 1 : 0;
			words_r->last_end = len;
		}
		mail_lex_skip(lex);
	}
}

static bool address_is_domain(uint8_t octet)
{
	return mail_lex_is_atext(octet);
}

/* At '@': appends the domain, without blanks around its dots. */
static void address_domain(struct address_parser *p)
{
	struct mail_lex *lex = &p->lex;
	bool dot = true;

	mail_lex_take(lex, '@');
	if (mail_lex_at(lex, '[') && mail_lex_domain_literal(lex, &p->word)) {
		mail_lex_skip(lex);
		return;
	}
	while (dot || mail_lex_at(lex, '.')) {
		dot = mail_lex_at(lex, '.');
		if (dot)
			mail_lex_octet(lex, &p->word);
		else if (!mail_lex_run(lex, address_is_domain, &p->word))
			return;
		mail_lex_skip(lex);
	}
}

static struct slice address_host(struct address_parser *p)
{
	if (!mail_lex_at(&p->lex, '@'))
		return SLICE_NONE;
	buf_clear(&p->word);
	address_domain(p);
	return address_keep(p, 0, p->word.len);
}

/* "@a,@b:" in front of an address (obs-route). */
static struct slice address_route(struct address_parser *p)
{
	buf_clear(&p->word);
	while (mail_lex_at(&p->lex, '@')) {
		if (p->word.len > 0)
			buf_add_octet(&p->word, ',');
		buf_add_octet(&p->word, '@');
		address_domain(p);
		while (mail_lex_take(&p->lex, ','))
			;
	}
	mail_lex_take(&p->lex, ':');
	return address_keep(p, 0, p->word.len);
}

/* ---- items ---- */

static void address_parse_angle(struct address_parser *p)
{
	struct mail_address addr = { .name = address_phrase(p) };
	struct address_words words;

	while (mail_lex_take(&p->lex, '<'))
		;
	addr.route = address_route(p);
	address_local(p, &words);
	addr.mailbox = address_keep(p, 0, p->word.len);
	addr.host = address_host(p);
	mail_lex_take(&p->lex, '>');
	address_drop(p); /* sees a comment that serves as the name */
	address_append_mailbox(p, addr);
}

/*
 * Without angles: "user@host". Of several words before '@' the last one is the
 * mailbox, the others are a name; words without '@' are a name, a single one
 * that is not quoted is a mailbox.
 */
static void address_parse_plain(struct address_parser *p)
{
	struct mail_address addr = { .next = NULL };
	struct address_words words;
	bool mailbox;

	mail_lex_skip(&p->lex);
	address_local(p, &words);
	mailbox = mail_lex_at(&p->lex, '@') ||
		  (words.count == 1 && !words.quoted);
	if (mailbox) {
		addr.name = address_keep(p, 0, words.last_end);
		addr.mailbox = address_keep(p, words.last, p->word.len);
	} else {
		addr.name = address_keep(p, 0, p->word.len);
	}
	addr.host = address_host(p);
	address_drop(p);
	if (addr.name.data || addr.mailbox.data || addr.host.data)
		address_append_mailbox(p, addr);
}

/* A ':' without a name, or within a group, is dropped. */
static void address_parse_group(struct address_parser *p)
{
	struct mail_address addr = { .mailbox = address_phrase(p) };

	mail_lex_take(&p->lex, ':');
	if (!addr.mailbox.data || p->in_group)
		return;
	address_append(p, addr);
	p->in_group = true;
}

static void address_end_group(struct address_parser *p)
{
	if (p->in_group)
		address_append(p, (struct mail_address){ .next = NULL });
	p->in_group = false;
}

static void address_parse_item(struct address_parser *p)
{
	if (mail_lex_take(&p->lex, ','))
		return;
	if (mail_lex_take(&p->lex, ';')) {
		address_end_group(p);
		return;
	}
	switch (address_look_ahead(p)) {
	case '<':
		address_parse_angle(p);
		break;
	case ':':
		address_parse_group(p);
		break;
	default:
		address_parse_plain(p);
	}
}

struct mail_address **mail_address_parse(struct slice value,
					 struct arena *arena,
					 struct mail_address **tail)
{
	struct address_parser p = {
		.lex.rest = value,
		.arena = arena,
		.tail = tail,
		.stop_left = value.len,
	};

	p.lex.comment = &p.comment;
	while (p.lex.rest.len > 0 && p.count < MAIL_ADDRESSES_MAX) {
		size_t left = p.lex.rest.len;

		address_parse_item(&p);
		if (p.lex.rest.len == left)
			address_pass(&p); /* no item begins with this */
	}
	address_end_group(&p);
	buf_fini(&p.comment);
	buf_fini(&p.word);
	return p.tail;
}
