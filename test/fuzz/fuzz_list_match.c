/*
 * Patterns of LIST against a slow model, and the walk over names: whatever the
 * names, it tells each at most once and only those that match.
 *
 * The input is a pattern, a NUL, and names separated by NULs.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/panic.h"
#include "imap/list_match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAME_MAX_MODEL 64 /* octets: the model takes their product */

static uint8_t lower(uint8_t octet)
{
	return octet >= 'A' && octet <= 'Z' ? octet | 0x20 : octet;
}

/* INBOX, and the beginning of names below it, in any case. */
static bool same(struct slice name, size_t at, uint8_t octet)
{
	bool inbox = slice_has_prefix(name, SLICE_LIT("INBOX")) &&
		     (name.len == 5 || name.data[5] == '/');

	if (name.data[at] == octet)
		return true;
	return inbox && at < 5 && lower(name.data[at]) == octet;
}

/* One row of the table a pattern octet; row[i]: the first i octets match. */
static bool model(struct slice pattern, struct slice name)
{
	bool row[NAME_MAX_MODEL + 1] = { true };

	for (size_t p = 0; p < pattern.len; p++) {
		uint8_t octet = pattern.data[p];

		if (octet == '*' || octet == '%') {
			for (size_t i = 0; i < name.len; i++)
				row[i + 1] |= row[i] && (octet == '*' ||
							 name.data[i] != '/');
			continue;
		}
		for (size_t i = name.len; i > 0; i--)
			row[i] = row[i - 1] && same(name, i - 1, octet);
		row[0] = false;
	}
	return row[name.len];
}

struct walk_check {
	const struct imap_pattern *pattern;
	size_t told;
};

static void tell(void *arg, const struct imap_list_entry *entry,
		 const struct imap_list_line *line)
{
	struct walk_check *check = (struct walk_check *)arg;

	MUST(slice_eq(entry->name, line->name));
	MUST(imap_pattern_match(check->pattern, line->name));
	check->told++;
}

/* Names that do not rise are left out. */
static void walk_names(struct imap_list_walk *walk, struct slice names)
{
	struct slice last = SLICE_NONE;

	while (names.len > 0) {
		struct slice name = slice_cut(&names, 0);
		struct imap_list_entry entry = {
			.name = name,
			.exists = true,
			.subscribed = (name.len & 1) != 0,
		};

		if (name.len == 0 || slice_cmp(last, name) >= 0)
			continue;
		imap_list_walk_add(walk, &entry);
		last = name;
	}
	imap_list_walk_end(walk);
}

static void check_walk(struct slice pattern, struct slice names,
		       uint32_t select, struct arena *arena)
{
	struct imap_mailbox name = { pattern, pattern, true };
	struct imap_list list = {
		.select = select,
		.reference = { .valid = true },
		.patterns = &name,
		.pattern_count = 1,
	};
	struct walk_check check = {
		.pattern = imap_pattern_new(arena, SLICE_NONE, pattern, '/'),
	};
	struct imap_list_walk *walk =
		imap_list_walk_new(&list, select == 0, '/', tell, &check);

	walk_names(walk, names);
	imap_list_walk_free(&walk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice names = slice_of(data, size);
	struct slice pattern = slice_cut(&names, 0);
	struct arena arena = { 0 };
	struct imap_pattern *compiled =
		imap_pattern_new(&arena, SLICE_NONE, pattern, '/');
	struct slice rest = names;

	/* "inbox" in the pattern is INBOX before the model sees it. */
	if (pattern.len >= 5 && (pattern.len == 5 || pattern.data[5] == '/') &&
	    slice_has_prefix_nocase(pattern, SLICE_LIT("inbox"))) {
		char *copy = arena_dup(&arena, pattern.data, pattern.len);

		memcpy(copy, "INBOX", 5);
		pattern = slice_of(copy, pattern.len);
	}
	while (rest.len > 0) {
		struct slice name = slice_cut(&rest, 0);

		if (name.len > NAME_MAX_MODEL || pattern.len > IMAP_PATTERN_MAX)
			continue;
		MUST(imap_pattern_match(compiled, name) ==
		     model(pattern, name));
	}
	check_walk(pattern, names, 0, &arena);
	check_walk(pattern, names, IMAP_LIST_REMOTE, &arena);
	check_walk(pattern, names,
		   IMAP_LIST_SUBSCRIBED | IMAP_LIST_RECURSIVEMATCH, &arena);
	arena_fini(&arena);
	return 0;
}
