/*
 * The Content- fields of a part: each is kept as it comes; the kind of the
 * part follows when all are known. There are no failures.
 */
#include "mail/content.h"

#include "base/attr.h"
#include "mail/lex.h"
#include "mail/param.h"

enum content_field {
	CONTENT_TYPE,
	CONTENT_TRANSFER_ENCODING,
	CONTENT_ID,
	CONTENT_DESCRIPTION,
	CONTENT_DISPOSITION,
	CONTENT_MD5,
	CONTENT_LANGUAGE,
	CONTENT_LOCATION,
	CONTENT_NONE, /* not wanted; also their number */
};

#define CONTENT_PREFIX "Content-"

static const char *const content_names[CONTENT_NONE] = {
	[CONTENT_TYPE] = "Type",
	[CONTENT_TRANSFER_ENCODING] = "Transfer-Encoding",
	[CONTENT_ID] = "ID",
	[CONTENT_DESCRIPTION] = "Description",
	[CONTENT_DISPOSITION] = "Disposition",
	[CONTENT_MD5] = "MD5",
	[CONTENT_LANGUAGE] = "Language",
	[CONTENT_LOCATION] = "Location",
};

static enum content_field content_find(struct slice name)
{
	struct slice prefix = SLICE_LIT(CONTENT_PREFIX);
	unsigned i;

	if (!slice_has_prefix_nocase(name, prefix))
		return CONTENT_NONE;
	name = slice_from(name, prefix.len);
	for (i = 0; i < CONTENT_NONE; i++)
		if (slice_eq_nocase(name, slice_str(content_names[i])))
			break;
	return (enum content_field)i;
}

bool mail_content_wants(struct slice name)
{
	return content_find(name) != CONTENT_NONE;
}

/* ---- fields ---- */

static void content_add_string(struct mail_content *content,
			       struct slice *place, struct slice value)
{
	if (!place->data)
		*place = mail_header_text(value, content->arena);
}

static void content_add_type(struct mail_content *content, struct slice value)
{
	struct mime_part *part = content->part;

	if (content->type_seen)
		return;
	content->type_seen = true;
	(void)mail_content_type_parse(value, content->arena, &part->type,
				      &part->subtype, &part->params);
}

/* The first word: what stands behind it is no part of an encoding. */
static void content_add_encoding(struct mail_content *content,
				 struct slice value)
{
	struct mail_params ignored;

	if (!content->part->encoding.data)
		(void)mail_disposition_parse(value, content->arena,
					     &content->part->encoding,
					     &ignored);
}

static void content_add_disposition(struct mail_content *content,
				    struct slice value)
{
	struct mime_part *part = content->part;

	if (!part->disposition.data)
		(void)mail_disposition_parse(value, content->arena,
					     &part->disposition,
					     &part->disposition_params);
}

/* Tags with commas between them (RFC 3282). */
static void content_add_languages(struct mail_content *content,
				  struct slice value)
{
	struct mail_lex lex = { .rest = value };
	struct slice tags[MAIL_LANGUAGES_MAX];
	struct buf word = { 0 };
	uint32_t count = 0;

	if (content->part->languages)
		return;
	mail_lex_skip(&lex);
	while (count < MAIL_LANGUAGES_MAX &&
	       mail_lex_run(&lex, mail_lex_is_token, &word)) {
		tags[count++] = arena_slice(content->arena, buf_slice(&word));
		buf_clear(&word);
		mail_lex_skip(&lex);
		if (!mail_lex_take(&lex, ','))
			break;
	}
	buf_fini(&word);
	if (count == 0)
		return;
	content->part->language_count = count;
	content->part->languages =
		arena_alloc(content->arena, count * sizeof(tags[0]));
	memcpy(content->part->languages, tags, count * sizeof(tags[0]));
}

void mail_content_add(struct mail_content *content,
		      const struct mail_header_field *field)
{
	struct mime_part *part = content->part;

	switch (content_find(field->name)) {
	case CONTENT_TYPE:
		content_add_type(content, field->value);
		break;
	case CONTENT_TRANSFER_ENCODING:
		content_add_encoding(content, field->value);
		break;
	case CONTENT_ID:
		content_add_string(content, &part->id, field->value);
		break;
	case CONTENT_DESCRIPTION:
		content_add_string(content, &part->description, field->value);
		break;
	case CONTENT_DISPOSITION:
		content_add_disposition(content, field->value);
		break;
	case CONTENT_MD5:
		content_add_string(content, &part->md5, field->value);
		break;
	case CONTENT_LANGUAGE:
		content_add_languages(content, field->value);
		break;
	case CONTENT_LOCATION:
		content_add_string(content, &part->location, field->value);
		break;
	case CONTENT_NONE:
		break;
	}
}

/* ---- kinds ---- */

static void content_set_type(struct mime_part *part, struct slice type,
			     struct slice subtype)
{
	part->type = type;
	part->subtype = subtype;
	part->params = (struct mail_params){ NULL, 0 };
	part->kind = MIME_LEAF;
}

/* Text has a charset (RFC 2045 section 5.2). */
static void content_add_charset(struct mime_part *part, struct arena *arena)
{
	struct mail_params *params = &part->params;
	struct mail_param *list;

	if (mail_param_find(params, SLICE_LIT("charset")) ||
	    mail_param_find(params, SLICE_LIT("charset*")))
		return;
	list = arena_zalloc(arena, params->count + 1, sizeof(*list));
	if (params->count > 0)
		memcpy(list, params->list, params->count * sizeof(*list));
	list[params->count] = (struct mail_param){
		.name = SLICE_LIT("charset"),
		.value = SLICE_LIT("us-ascii"),
	};
	params->list = list;
	params->count++;
}

void mail_content_default(struct mime_part *part, struct arena *arena)
{
	content_set_type(part, SLICE_LIT("text"), SLICE_LIT("plain"));
	content_add_charset(part, arena);
}

static struct slice content_boundary(const struct mime_part *part)
{
	const struct mail_param *param =
		mail_param_find(&part->params, SLICE_LIT("boundary"));
	struct slice boundary = SLICE_NONE;

	if (param)
		boundary = param->value;
	/* RFC 2046 section 5.1.1: it cannot end in blanks, lines can. */
	while (boundary.len > 0 &&
	       mail_lex_is_blank(boundary.data[boundary.len - 1]))
		boundary.len--;
	if (boundary.len == 0 || boundary.len > MIME_BOUNDARY_MAX)
		return SLICE_NONE;
	return boundary;
}

enum mime_kind mail_content_kind(struct slice type, struct slice subtype)
{
	if (slice_eq_nocase(type, SLICE_LIT("multipart")))
		return MIME_MULTIPART;
	if (slice_eq_nocase(type, SLICE_LIT("message")) &&
	    (slice_eq_nocase(subtype, SLICE_LIT("rfc822")) ||
	     slice_eq_nocase(subtype, SLICE_LIT("global"))))
		return MIME_MESSAGE;
	return MIME_LEAF;
}

void mail_content_finish(struct mail_content *content, bool in_digest,
			 bool may_open, struct slice *boundary_r)
{
	struct mime_part *part = content->part;

	*boundary_r = SLICE_NONE;
	if (!content->type_seen && in_digest)
		content_set_type(part, SLICE_LIT("message"),
				 SLICE_LIT("rfc822"));
	else if (!part->type.data)
		mail_content_default(part, content->arena);
	part->kind = mail_content_kind(part->type, part->subtype);
	if (part->kind == MIME_MULTIPART)
		*boundary_r = content_boundary(part);
	if (part->kind == MIME_MULTIPART && !boundary_r->data)
		mail_content_default(part, content->arena);
	if (part->kind != MIME_LEAF && !may_open)
		content_set_type(part, SLICE_LIT("application"),
				 SLICE_LIT("octet-stream"));
	if (part->kind != MIME_MULTIPART)
		*boundary_r = SLICE_NONE;
	if (mime_part_is_text(part))
		content_add_charset(part, content->arena);
}
