/*
 * Facts from mail/.
 */
#include "compare.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/unicode.h"
#include "mail/charset.h"
#include "mail/mime.h"
#include "mail/word.h"

struct ours {
	struct facts *facts;
	struct mail_charsets charsets;
	struct buf value;
};

void facts_fini(struct facts *facts)
{
	mem_free(facts->list);
	arena_fini(&facts->arena);
	*facts = (struct facts){ .list = NULL };
}

void facts_clear(struct facts *facts)
{
	facts->count = 0;
	arena_clear(&facts->arena);
}

void facts_add(struct facts *facts, const char *place, const char *what,
	       struct slice value)
{
	if (facts->count == facts->cap) {
		facts->cap = facts->cap ? 2 * facts->cap : 256;
		facts->list = mem_realloc(facts->list,
					  facts->cap * sizeof(struct fact));
	}
	facts->list[facts->count++] = (struct fact){
		.place = place,
		.what = what,
		.value = value.data ? arena_slice(&facts->arena, value)
				    : SLICE_NONE,
	};
}

void facts_add_addresses(struct facts *facts, const char *place,
			 const char *what, struct slice value)
{
	struct buf plain = { 0 };

	for (size_t i = 0; i < value.len; i++)
		if (!strchr("\"\\ \t\r\n", value.data[i]) || !value.data[i])
			buf_add_octet(&plain, value.data[i]);
	facts_add(facts, place, what, slice_of(plain.data, plain.len));
	buf_fini(&plain);
}

struct slice facts_find(const struct facts *facts, const char *place,
			const char *what)
{
	for (size_t i = 0; i < facts->count; i++)
		if (strcmp(facts->list[i].what, what) == 0 &&
		    strcmp(facts->list[i].place, place) == 0)
			return facts->list[i].value;
	return SLICE_NONE;
}

/* ---- ours ---- */

static void ours_add(struct ours *o, const char *place, const char *what,
		     struct slice value)
{
	if (value.data)
		facts_add(o->facts, place, what, value);
}

/* "mailbox@host", without what was filled in for a missing part. */
static void ours_put_mailbox(struct ours *o, const struct mail_address *a)
{
	buf_add_octet(&o->value, '<');
	if (!slice_eq(a->mailbox, SLICE_LIT(MAIL_MISSING_MAILBOX)))
		buf_add_slice(&o->value, a->mailbox);
	if (!slice_eq(a->host, SLICE_LIT(MAIL_MISSING_HOST))) {
		buf_add_octet(&o->value, '@');
		buf_add_slice(&o->value, a->host);
	}
	buf_add_octet(&o->value, '>');
}

/* Raw 8 bit names are read as Latin-1 if they are no UTF-8, as GMime does. */
static void ours_put_text(struct ours *o, struct slice text)
{
	struct buf decoded = { 0 };

	mail_word_decode(text, &o->charsets, &decoded);
	if (utf8_valid(buf_slice(&decoded)))
		buf_add_slice(&o->value, buf_slice(&decoded));
	else if (mail_charset_decode(&o->charsets, SLICE_LIT("iso-8859-1"),
				     buf_slice(&decoded), &o->value))
		abort();
	buf_fini(&decoded);
}

/* Each as "name<mailbox@host>", a group as "name:", its members, ";". */
static void ours_add_addresses(struct ours *o, const char *place,
			       const char *what,
			       const struct mail_address *list)
{
	buf_clear(&o->value);
	for (const struct mail_address *a = list; a; a = a->next) {
		if (!a->host.data) {
			ours_put_text(o, a->mailbox);
			buf_add_octet(&o->value, a->mailbox.data ? ':' : ';');
			continue;
		}
		ours_put_text(o, a->name);
		ours_put_mailbox(o, a);
	}
	if (list)
		facts_add_addresses(o->facts, place, what,
				    buf_slice(&o->value));
}

static void ours_add_envelope(struct ours *o, const char *place,
			      const struct mail_envelope *env)
{
	ours_add(o, place, "date", env->date);
	ours_add(o, place, "subject", env->subject);
	ours_add_addresses(o, place, "from", env->from);
	ours_add_addresses(o, place, "sender", env->sender);
	ours_add_addresses(o, place, "reply-to", env->reply_to);
	ours_add_addresses(o, place, "to", env->to);
	ours_add_addresses(o, place, "cc", env->cc);
	ours_add_addresses(o, place, "bcc", env->bcc);
	ours_add(o, place, "in-reply-to", env->in_reply_to);
	ours_add(o, place, "message-id", env->message_id);
}

/* Sorted by nothing: in the order of the message, names in small letters. */
static void ours_add_params(struct ours *o, const char *place, const char *what,
			    const struct mail_params *params)
{
	buf_clear(&o->value);
	for (uint32_t i = 0; i < params->count; i++) {
		struct slice name = params->list[i].name;

		if (name.data[name.len - 1] == '*')
			name.len--;
		for (size_t c = 0; c < name.len; c++)
			buf_add_octet(&o->value, name.data[c] | 0x20);
		buf_add_octet(&o->value, '=');
		mail_param_decode(params, name, &o->charsets, &o->value);
		buf_add_octet(&o->value, ';');
	}
	if (params->count > 0)
		facts_add(o->facts, place, what, buf_slice(&o->value));
}

static void ours_add_number(struct ours *o, const char *place, const char *what,
			    uint64_t number)
{
	buf_clear(&o->value);
	buf_add_u64(&o->value, number);
	facts_add(o->facts, place, what, buf_slice(&o->value));
}

static void ours_add_part(struct ours *o, const char *place,
			  const struct mime_part *part)
{
	buf_clear(&o->value);
	buf_add_slice(&o->value, part->type);
	buf_add_octet(&o->value, '/');
	buf_add_slice(&o->value, part->subtype);
	facts_add(o->facts, place, "type", buf_slice(&o->value));
	ours_add_params(o, place, "params", &part->params);
	ours_add(o, place, "encoding", part->encoding);
	ours_add(o, place, "id", part->id);
	ours_add(o, place, "description", part->description);
	ours_add(o, place, "md5", part->md5);
	ours_add(o, place, "location", part->location);
	ours_add(o, place, "disposition", part->disposition);
	ours_add_params(o, place, "disposition params",
			&part->disposition_params);
	if (part->kind == MIME_LEAF)
		ours_add_number(o, place, "size", mime_part_size(part));
	if (mime_part_is_text(part))
		ours_add_number(o, place, "lines", part->lines);
	if (part->kind == MIME_MULTIPART)
		ours_add_number(o, place, "parts", part->child_count);
}

/* Depth: MIME_DEPTH_MAX. */
static void ours_walk(struct ours *o, const char *place,
		      const struct mime_part *part)
{
	unsigned n = 0;

	if (part->envelope)
		ours_add_envelope(o, place, part->envelope);
	ours_add_part(o, place, part);
	for (const struct mime_part *c = part->child; c; c = c->next) {
		struct arena *arena = &o->facts->arena;

		if (part->kind == MIME_MESSAGE)
			ours_walk(o, arena_printf(arena, "%s.in", place), c);
		else
			ours_walk(o, arena_printf(arena, "%s.%u", place, ++n),
				  c);
	}
}

void facts_of_ours(struct slice message, struct facts *facts)
{
	struct arena arena = { 0 };
	struct ours o = { .facts = facts };

	ours_walk(&o, "", mime_parse(message, &arena));
	mail_charsets_fini(&o.charsets);
	buf_fini(&o.value);
	arena_fini(&arena);
}
