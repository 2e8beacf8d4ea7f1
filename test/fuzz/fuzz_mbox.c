/*
 * An mbox and the name of a Maildir's file: each message is taken once, none
 * grows, and the flags are those that IMAP knows.
 */
#include <string.h>

#include "base/panic.h"
#include "cmd/ctl_letter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The lines that begin with "From ". */
static size_t count_messages(struct slice text)
{
	size_t count = 0;

	while (text.len > 0) {
		size_t line = slice_find(text, '\n');

		count += mbox_is_from_line(text) ? 1 : 0;
		text = slice_from(text, line < text.len ? line + 1 : line);
	}
	return count;
}

static void check_flags(json_t *flags)
{
	for (size_t i = 0; i < json_array_size(flags); i++)
		MUST(json_is_string(json_array_get(flags, i)));
	json_decref(flags);
}

static void check_mbox(struct slice text)
{
	size_t messages = count_messages(text);
	struct buf octets = { 0 };

	while (mbox_is_from_line(text)) {
		size_t before = text.len;
		struct letter letter = mbox_take(&text, &octets);

		MUST(text.len < before);
		MUST(letter.octets.len < before - text.len);
		check_flags(letter.flags);
		messages--;
	}
	MUST(text.len > 0 || messages == 0);
	buf_fini(&octets);
}

static void check_name(struct slice name)
{
	static char label[] = "$label";
	struct maildir_keywords keywords = { { NULL } };
	struct buf path = { 0 };

	keywords.names[3] = label;
	buf_add_slice(&path, name);
	check_flags(maildir_flags(buf_cstr(&path), &keywords));
	buf_fini(&path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size);

	check_mbox(text);
	check_name(text);
	return 0;
}
