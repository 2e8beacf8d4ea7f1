/*
 * Headers: the filter in any split, parameters, encoded words.
 *
 * The first octet says how the header is split, and what the filter wants.
 */
#include "base/attr.h"
#include "base/panic.h"
#include "mail/header.h"
#include "mail/param.h"
#include "mail/word.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct slice names[] = {
	{ (const uint8_t *)"Subject", 7 },
	{ (const uint8_t *)"a", 1 },
};

static void filter(struct slice in, bool exclude, size_t step, struct buf *out)
{
	struct mail_header_filter f;

	mail_header_filter_init(&f, names, ARRAY_LEN(names), exclude);
	for (; in.len > 0; in = slice_from(in, step))
		mail_header_filter_feed(&f, slice_first(in, step), out);
	mail_header_filter_finish(&f, out);
	mail_header_filter_fini(&f);
}

/* The fields that passed are those that iteration gives. */
static void check_filter(struct slice header, size_t step)
{
	struct mail_header_field field;
	struct buf whole = { 0 };
	struct buf pieces = { 0 };
	struct buf fields = { 0 };
	struct slice rest = header;

	filter(header, true, SIZE_MAX, &whole);
	filter(header, true, step, &pieces);
	MUST(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
	buf_clear(&whole);
	buf_clear(&pieces);
	filter(header, false, SIZE_MAX, &whole);
	filter(header, false, step, &pieces);
	MUST(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
	while (mail_header_next(&rest, &field))
		if (slice_eq_nocase(field.name, names[0]) ||
		    slice_eq_nocase(field.name, names[1]))
			buf_add_slice(&fields, field.whole);
	MUST(slice_has_prefix(buf_slice(&whole), buf_slice(&fields)));
	MUST(whole.len - fields.len <= 2); /* the empty line */
	buf_fini(&whole);
	buf_fini(&pieces);
	buf_fini(&fields);
}

static void decode_value(struct slice value, struct mail_charsets *charsets)
{
	struct arena arena = { 0 };
	struct buf out = { 0 };
	struct slice type;
	struct slice subtype;
	struct mail_params params = { NULL, 0 };

	mail_word_decode(value, charsets, &out);
	if (mail_content_type_parse(value, &arena, &type, &subtype, &params))
		MUST(type.len > 0 && subtype.len > 0);
	else if (mail_disposition_parse(value, &arena, &type, &params))
		MUST(type.len > 0);
	MUST(params.count <= MAIL_PARAM_MAX);
	for (uint32_t i = 0; i < params.count; i++) {
		MUST(params.list[i].name.len > 0);
		MUST(mail_param_decode(&params, params.list[i].name, charsets,
				       &out));
	}
	buf_fini(&out);
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mail_charsets charsets = { { NULL } };
	struct mail_header_field field;
	struct slice header;

	if (size == 0)
		return 0;
	header = slice_of(data + 1, size - 1);
	check_filter(header, data[0] + 1U);
	while (mail_header_next(&header, &field))
		decode_value(field.value, &charsets);
	mail_charsets_fini(&charsets);
	return 0;
}
