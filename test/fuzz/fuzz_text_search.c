/*
 * Search: a matcher fed in pieces finds what memmem finds in the whole folded
 * text; searching a message reads within its bounds and ends.
 *
 * Input: octets of the needle (one octet), how to split (one octet), the
 * needle, the text.
 */
#include "base/panic.h"
#include "base/unicode.h"
#include "mail/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fold(struct slice text, struct buf *out)
{
	unicode_casemap(text, out);
	for (size_t i = 0; i < out->len; i++)
		if (out->data[i] >= 'a' && out->data[i] <= 'z')
			out->data[i] = (uint8_t)(out->data[i] - 'a' + 'A');
}

static bool expected(struct slice needle, struct slice text)
{
	struct buf n = { 0 };
	struct buf t = { 0 };
	bool hit;

	fold(needle, &n);
	fold(text, &t);
	hit = n.len == 0 || (t.len > 0 && memmem(t.data, t.len, n.data, n.len));
	buf_fini(&n);
	buf_fini(&t);
	return hit;
}

static bool found(const struct mail_needle *needle, struct slice text,
		  size_t step)
{
	struct mail_matcher m = { .hit = false };
	bool hit;

	mail_matcher_init(&m, needle);
	for (; text.len > 0; text = slice_from(text, step))
		mail_matcher_feed(&m, slice_first(text, step));
	hit = mail_matcher_finish(&m);
	mail_matcher_fini(&m);
	return hit;
}

static enum err read_memory(void *arg, uint64_t offset, size_t len,
			    struct buf *out)
{
	const struct slice *text = arg;

	MUST(offset + len <= text->len && len <= MAIL_TEXT_READ);
	buf_add(out, text->data + offset, len);
	return ERR_NONE;
}

static void search_message(const struct mail_needle *needle, struct slice text)
{
	struct arena arena = { 0 };
	struct mail_text state = { .read = { 0 } };
	const struct mime_part *root = mime_parse(text, &arena);
	bool in_body;
	bool in_all;

	MUST(mail_text_search_body(&state, root, read_memory, &text, needle,
				   &in_body) == ERR_NONE);
	MUST(mail_text_search_all(&state, root, read_memory, &text, needle,
				  &in_all) == ERR_NONE);
	MUST(in_all || !in_body);
	mail_text_search_header(&state, text, SLICE_LIT("a"), needle);
	mail_text_search_addresses(&state, root->envelope->to, needle);
	mail_text_fini(&state);
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mail_needle *needle;
	struct slice key;
	struct slice text;

	if (size < 2)
		return 0;
	text = slice_of(data + 2, size - 2);
	key = slice_first(text, data[0]);
	text = slice_from(text, key.len);
	needle = mail_needle_new(key);
	/* longer runs are cut, at the price of marks across the cut */
	if (text.len <= MAIL_MATCH_WAIT_MAX)
		MUST(found(needle, text, data[1] + 1U) == expected(key, text));
	search_message(needle, text);
	mail_needle_free(&needle);
	return 0;
}
