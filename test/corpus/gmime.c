/*
 * Facts from GMime, the oracle.
 *
 * It decodes names and parameters, so ours are decoded before they are
 * compared. Strings of the envelope are its raw values, unfolded here. It has
 * no ends for multiparts and messages within: of these no size is compared.
 */
#include "compare.h"

#include <string.h>

#include <gmime/gmime.h>

#include "mail/header.h"

struct theirs {
	struct facts *facts;
	struct slice message;
	struct buf value;
};

static void theirs_add(struct theirs *t, const char *place, const char *what,
		       const char *value)
{
	if (value)
		facts_add(t->facts, place, what, slice_str(value));
}

/* The raw value of a header field, on one line. */
static void theirs_add_raw(struct theirs *t, const char *place,
			   const char *what, GMimeObject *object,
			   const char *name)
{
	GMimeHeaderList *list = g_mime_object_get_header_list(object);
	GMimeHeader *header = g_mime_header_list_get_header(list, name);
	const char *raw = header ? g_mime_header_get_raw_value(header) : NULL;

	if (!raw)
		return;
	facts_add(t->facts, place, what,
		  mail_header_text(slice_str(raw), &t->facts->arena));
}

/* ---- envelopes ---- */

static void theirs_put_list(struct theirs *t, InternetAddressList *list)
{
	for (int i = 0; i < internet_address_list_length(list); i++) {
		InternetAddress *addr =
			internet_address_list_get_address(list, i);
		const char *name = internet_address_get_name(addr);
		const char *spec;

		buf_add_str(&t->value, name ? name : "");
		if (INTERNET_ADDRESS_IS_GROUP(addr)) {
			InternetAddressGroup *group =
				INTERNET_ADDRESS_GROUP(addr);

			buf_add_octet(&t->value, ':');
			theirs_put_list(
				t, internet_address_group_get_members(group));
			buf_add_octet(&t->value, ';');
			continue;
		}
		spec = internet_address_mailbox_get_addr(
			INTERNET_ADDRESS_MAILBOX(addr));
		buf_add_octet(&t->value, '<');
		buf_add_str(&t->value, spec ? spec : "");
		buf_add_octet(&t->value, '>');
	}
}

static bool theirs_add_list(struct theirs *t, const char *place,
			    const char *what, InternetAddressList *list)
{
	if (!list || internet_address_list_length(list) == 0)
		return false;
	buf_clear(&t->value);
	theirs_put_list(t, list);
	facts_add_addresses(t->facts, place, what, buf_slice(&t->value));
	return true;
}

static void theirs_add_envelope(struct theirs *t, const char *place,
				GMimeMessage *message)
{
	GMimeObject *object = GMIME_OBJECT(message);
	InternetAddressList *from = g_mime_message_get_from(message);

	theirs_add_raw(t, place, "date", object, "Date");
	theirs_add_raw(t, place, "subject", object, "Subject");
	theirs_add_list(t, place, "from", from);
	if (!theirs_add_list(t, place, "sender",
			     g_mime_message_get_sender(message)))
		theirs_add_list(t, place, "sender", from);
	if (!theirs_add_list(t, place, "reply-to",
			     g_mime_message_get_reply_to(message)))
		theirs_add_list(t, place, "reply-to", from);
	theirs_add_list(t, place, "to", g_mime_message_get_to(message));
	theirs_add_list(t, place, "cc", g_mime_message_get_cc(message));
	theirs_add_list(t, place, "bcc", g_mime_message_get_bcc(message));
	theirs_add_raw(t, place, "in-reply-to", object, "In-Reply-To");
	theirs_add_raw(t, place, "message-id", object, "Message-ID");
}

/* ---- parts ---- */

/* `text`: a charset is added if there is none, as IMAP servers do. */
static void theirs_add_params(struct theirs *t, const char *place,
			      const char *what, GMimeParamList *params,
			      bool text)
{
	buf_clear(&t->value);
	for (int i = 0; params && i < g_mime_param_list_length(params); i++) {
		GMimeParam *param =
			g_mime_param_list_get_parameter_at(params, i);
		const char *name = g_mime_param_get_name(param);
		const char *value = g_mime_param_get_value(param);

		text = text && g_ascii_strcasecmp(name, "charset") != 0;

		for (const char *c = name; *c; c++)
			buf_add_octet(&t->value, (uint8_t)*c | 0x20);
		buf_add_octet(&t->value, '=');
		buf_add_str(&t->value, value ? value : "");
		buf_add_octet(&t->value, ';');
	}
	if (text)
		buf_add_str(&t->value, "charset=us-ascii;");
	if (t->value.len > 0)
		facts_add(t->facts, place, what, buf_slice(&t->value));
}

static void theirs_add_number(struct theirs *t, const char *place,
			      const char *what, uint64_t number)
{
	buf_clear(&t->value);
	buf_add_u64(&t->value, number);
	facts_add(t->facts, place, what, buf_slice(&t->value));
}

/* Where the encoded octets of a leaf are in the message. */
static void theirs_add_size(struct theirs *t, const char *place,
			    GMimePart *part)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeStream *stream =
		content ? g_mime_data_wrapper_get_stream(content) : NULL;
	struct slice octets = SLICE_NONE;
	uint64_t lines = 0;

	if (stream && g_mime_stream_length(stream) > 0)
		octets = slice_first(
			slice_from(t->message, (size_t)stream->bound_start),
			(size_t)g_mime_stream_length(stream));
	theirs_add_number(t, place, "size", octets.len);
	for (size_t i = 0; i < octets.len; i++)
		lines += octets.data[i] == '\n';
	if (g_mime_content_type_is_type(
		    g_mime_object_get_content_type(GMIME_OBJECT(part)), "text",
		    "*"))
		theirs_add_number(t, place, "lines", lines);
}

static void theirs_add_part(struct theirs *t, const char *place,
			    GMimeObject *object)
{
	GMimeContentType *type = g_mime_object_get_content_type(object);
	GMimeContentDisposition *disposition =
		g_mime_object_get_content_disposition(object);
	char *text = g_mime_content_type_get_mime_type(type);

	theirs_add(t, place, "type", text);
	g_free(text);
	theirs_add_params(t, place, "params",
			  g_mime_content_type_get_parameters(type),
			  g_mime_content_type_is_type(type, "text", "*"));
	theirs_add_raw(t, place, "encoding", object,
		       "Content-Transfer-Encoding");
	theirs_add_raw(t, place, "id", object, "Content-Id");
	theirs_add_raw(t, place, "description", object, "Content-Description");
	theirs_add_raw(t, place, "md5", object, "Content-MD5");
	theirs_add_raw(t, place, "location", object, "Content-Location");
	if (disposition) {
		theirs_add(t, place, "disposition",
			   g_mime_content_disposition_get_disposition(
				   disposition));
		theirs_add_params(
			t, place, "disposition params",
			g_mime_content_disposition_get_parameters(disposition),
			false);
	}
	if (GMIME_IS_PART(object))
		theirs_add_size(t, place, GMIME_PART(object));
}

static void theirs_walk_message(struct theirs *t, const char *place,
				GMimeMessage *message);

/* Depth: that of the message, which ours has parsed within its limit. */
static void theirs_walk(struct theirs *t, const char *place,
			GMimeObject *object)
{
	struct arena *arena = &t->facts->arena;

	theirs_add_part(t, place, object);
	if (GMIME_IS_MULTIPART(object)) {
		GMimeMultipart *multipart = GMIME_MULTIPART(object);
		int count = g_mime_multipart_get_count(multipart);

		theirs_add_number(t, place, "parts", (uint64_t)count);
		for (int i = 0; i < count; i++)
			theirs_walk(t,
				    arena_printf(arena, "%s.%d", place, i + 1),
				    g_mime_multipart_get_part(multipart, i));
	} else if (GMIME_IS_MESSAGE_PART(object)) {
		GMimeMessage *within = g_mime_message_part_get_message(
			GMIME_MESSAGE_PART(object));

		if (within)
			theirs_walk_message(
				t, arena_printf(arena, "%s.in", place), within);
	}
}

static void theirs_walk_message(struct theirs *t, const char *place,
				GMimeMessage *message)
{
	GMimeObject *part = g_mime_message_get_mime_part(message);

	theirs_add_envelope(t, place, message);
	if (part)
		theirs_walk(t, place, part);
}

bool facts_of_gmime(struct slice message, struct facts *facts)
{
	/* what raw 8 bit text is read as; its default is a guess */
	const char *charsets[] = { "utf-8", "iso-8859-1", NULL };
	struct theirs t = { .facts = facts, .message = message };
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(
		(const char *)message.data, message.len);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeParserOptions *options = g_mime_parser_options_new();
	GMimeMessage *parsed;

	g_mime_parser_set_persist_stream(parser, TRUE);
	g_mime_parser_options_set_fallback_charsets(options, charsets);
	parsed = g_mime_parser_construct_message(parser, options);
	g_mime_parser_options_free(options);
	if (parsed) {
		theirs_walk_message(&t, "", parsed);
		g_object_unref(parsed);
	}
	g_object_unref(parser);
	g_object_unref(stream);
	buf_fini(&t.value);
	return parsed != NULL;
}
