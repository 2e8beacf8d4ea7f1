/*
 * Envelopes and body structures as IMAP shows them.
 *
 * Follows the tree of parts, to the depth that mail/ allows (MIME_DEPTH_MAX).
 * Strings go out as they stand in the message.
 */
#include "imap/envelope_writer.h"

#include "imap/writer.h"

static void space(struct buf *out)
{
	buf_add_octet(out, ' ');
}

/* ---- envelope ---- */

static void write_address(struct buf *out, bool utf8,
			  const struct mail_address *address)
{
	buf_add_octet(out, '(');
	imap_write_nstring(out, utf8, address->name);
	space(out);
	imap_write_nstring(out, utf8, address->route);
	space(out);
	imap_write_nstring(out, utf8, address->mailbox);
	space(out);
	imap_write_nstring(out, utf8, address->host);
	buf_add_octet(out, ')');
}

static void write_addresses(struct buf *out, bool utf8,
			    const struct mail_address *list)
{
	if (list == NULL) {
		buf_add_str(out, "NIL ");
		return;
	}
	buf_add_octet(out, '(');
	for (; list != NULL; list = list->next)
		write_address(out, utf8, list);
	buf_add_str(out, ") ");
}

void imap_write_envelope(struct buf *out, bool utf8,
			 const struct mail_envelope *env)
{
	buf_add_octet(out, '(');
	imap_write_nstring(out, utf8, env->date);
	space(out);
	imap_write_nstring(out, utf8, env->subject);
	space(out);
	write_addresses(out, utf8, env->from);
	write_addresses(out, utf8, env->sender);
	write_addresses(out, utf8, env->reply_to);
	write_addresses(out, utf8, env->to);
	write_addresses(out, utf8, env->cc);
	write_addresses(out, utf8, env->bcc);
	imap_write_nstring(out, utf8, env->in_reply_to);
	space(out);
	imap_write_nstring(out, utf8, env->message_id);
	buf_add_octet(out, ')');
}

/* ---- body structure ---- */

/* body-fld-param */
static void write_params(struct buf *out, bool utf8,
			 const struct mail_params *params)
{
	if (params->count == 0) {
		buf_add_str(out, "NIL");
		return;
	}
	for (uint32_t i = 0; i < params->count; i++) {
		buf_add_octet(out, i == 0 ? '(' : ' ');
		imap_write_string(out, utf8, params->list[i].name);
		space(out);
		imap_write_string(out, utf8, params->list[i].value);
	}
	buf_add_octet(out, ')');
}

/* body-fld-dsp */
static void write_disposition(struct buf *out, bool utf8,
			      const struct mime_part *part)
{
	if (part->disposition.data == NULL) {
		buf_add_str(out, "NIL");
		return;
	}
	buf_add_octet(out, '(');
	imap_write_string(out, utf8, part->disposition);
	space(out);
	write_params(out, utf8, &part->disposition_params);
	buf_add_octet(out, ')');
}

/* body-fld-lang: one is a string, more are a list */
static void write_languages(struct buf *out, bool utf8,
			    const struct mime_part *part)
{
	if (part->language_count == 0) {
		buf_add_str(out, "NIL");
		return;
	}
	if (part->language_count == 1) {
		imap_write_string(out, utf8, part->languages[0]);
		return;
	}
	for (uint32_t i = 0; i < part->language_count; i++) {
		buf_add_octet(out, i == 0 ? '(' : ' ');
		imap_write_string(out, utf8, part->languages[i]);
	}
	buf_add_octet(out, ')');
}

/* The extension data that all parts share; each item has its SP in front. */
static void write_extensions(struct buf *out, bool utf8,
			     const struct mime_part *part)
{
	space(out);
	write_disposition(out, utf8, part);
	space(out);
	write_languages(out, utf8, part);
	space(out);
	imap_write_nstring(out, utf8, part->location);
}

/* body-fields */
static void write_fields(struct buf *out, bool utf8,
			 const struct mime_part *part)
{
	write_params(out, utf8, &part->params);
	space(out);
	imap_write_nstring(out, utf8, part->id);
	space(out);
	imap_write_nstring(out, utf8, part->description);
	space(out);
	if (part->encoding.data == NULL)
		buf_add_str(out, "\"7BIT\"");
	else
		imap_write_string(out, utf8, part->encoding);
	space(out);
	buf_add_u64(out, mime_part_size(part));
}

static void write_part(struct buf *out, bool utf8, const struct mime_part *part,
		       bool extended);

static void write_multipart(struct buf *out, bool utf8,
			    const struct mime_part *part, bool extended)
{
	for (const struct mime_part *child = part->child; child != NULL;
	     child = child->next)
		write_part(out, utf8, child, extended);
	space(out);
	imap_write_string(out, utf8, part->subtype);
	if (!extended)
		return;
	space(out);
	write_params(out, utf8, &part->params);
	write_extensions(out, utf8, part);
}

static void write_single(struct buf *out, bool utf8,
			 const struct mime_part *part, bool extended)
{
	imap_write_string(out, utf8, part->type);
	space(out);
	imap_write_string(out, utf8, part->subtype);
	space(out);
	write_fields(out, utf8, part);
	if (part->kind == MIME_MESSAGE) {
		space(out);
		imap_write_envelope(out, utf8, part->child->envelope);
		space(out);
		write_part(out, utf8, part->child, extended);
	}
	if (part->kind == MIME_MESSAGE || mime_part_is_text(part)) {
		space(out);
		buf_add_u64(out, part->lines);
	}
	if (!extended)
		return;
	space(out);
	imap_write_nstring(out, utf8, part->md5);
	write_extensions(out, utf8, part);
}

/* Depth: MIME_DEPTH_MAX. */
static void write_part(struct buf *out, bool utf8, const struct mime_part *part,
		       bool extended)
{
	buf_add_octet(out, '(');
	if (part->kind == MIME_MULTIPART)
		write_multipart(out, utf8, part, extended);
	else
		write_single(out, utf8, part, extended);
	buf_add_octet(out, ')');
}

void imap_write_body(struct buf *out, bool utf8, const struct mime_part *part,
		     bool extended)
{
	write_part(out, utf8, part, extended);
}
