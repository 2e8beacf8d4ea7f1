/*
 * Parts as text. Each string is bounded by what surrounds it, so that two
 * different trees never look the same.
 */
#include "show.h"

#include <inttypes.h>

static void show_nil(struct slice s, struct buf *out)
{
	if (s.data)
		buf_add_slice(out, s);
	else
		buf_add_str(out, "-");
}

void show_addresses(const struct mail_address *list, struct buf *out)
{
	for (const struct mail_address *a = list; a; a = a->next) {
		if (a != list)
			buf_add_str(out, ", ");
		show_nil(a->name, out);
		buf_add_octet(out, '|');
		show_nil(a->route, out);
		buf_add_octet(out, '|');
		show_nil(a->mailbox, out);
		buf_add_octet(out, '|');
		show_nil(a->host, out);
	}
}

void show_params(const struct mail_params *params, struct buf *out)
{
	for (uint32_t i = 0; i < params->count; i++) {
		if (i > 0)
			buf_add_str(out, "; ");
		buf_add_slice(out, params->list[i].name);
		buf_add_octet(out, '=');
		buf_add_slice(out, params->list[i].value);
	}
}

static void show_string(const char *name, struct slice value, struct buf *out)
{
	if (!value.data)
		return;
	buf_printf(out, " %s=\"", name);
	buf_add_slice(out, value);
	buf_add_octet(out, '"');
}

static void show_list(const char *name, const struct mail_address *list,
		      struct buf *out)
{
	if (!list)
		return;
	buf_printf(out, " %s=[", name);
	show_addresses(list, out);
	buf_add_octet(out, ']');
}

void show_envelope(const struct mail_envelope *env, struct buf *out)
{
	show_string("date", env->date, out);
	show_string("subject", env->subject, out);
	show_list("from", env->from, out);
	if (env->sender != env->from)
		show_list("sender", env->sender, out);
	if (env->reply_to != env->from)
		show_list("reply-to", env->reply_to, out);
	show_list("to", env->to, out);
	show_list("cc", env->cc, out);
	show_list("bcc", env->bcc, out);
	show_string("in-reply-to", env->in_reply_to, out);
	show_string("message-id", env->message_id, out);
}

static void show_part(const struct mime_part *part, struct buf *out)
{
	static const char kinds[] = { '.', '*', '@' };

	buf_printf(out, "%" PRIu64 "+%" PRIu64 "+%" PRIu64 "/%" PRIu64 "%c ",
		   part->header_begin, part->body_begin - part->header_begin,
		   mime_part_size(part), part->lines, kinds[part->kind]);
	buf_add_slice(out, part->type);
	buf_add_octet(out, '/');
	buf_add_slice(out, part->subtype);
	buf_add_str(out, " (");
	show_params(&part->params, out);
	buf_add_str(out, ")");
	show_string("enc", part->encoding, out);
	show_string("id", part->id, out);
	show_string("desc", part->description, out);
	show_string("md5", part->md5, out);
	show_string("loc", part->location, out);
	show_string("disp", part->disposition, out);
	if (part->disposition_params.count > 0) {
		buf_add_str(out, " (");
		show_params(&part->disposition_params, out);
		buf_add_str(out, ")");
	}
	for (uint32_t i = 0; i < part->language_count; i++)
		show_string("lang", part->languages[i], out);
	if (part->envelope) {
		buf_add_str(out, " {");
		show_envelope(part->envelope, out);
		buf_add_str(out, " }");
	}
	buf_add_octet(out, '\n');
}

void show_parts(const struct mime_part *root, struct buf *out)
{
	const struct mime_part *part = root;
	unsigned depth = 0;

	while (part) {
		for (unsigned i = 0; i < depth; i++)
			buf_add_octet(out, '\t');
		show_part(part, out);
		if (part->child) {
			part = part->child;
			depth++;
			continue;
		}
		while (part && !part->next) {
			part = part->parent;
			depth--;
		}
		if (part)
			part = part->next;
	}
}
