/*
 * The table of commands: names and the states in which they may come.
 */
#include "imap/command.h"

#include "base/attr.h"
#include "base/panic.h"
#include "imap/scan.h"

static const struct {
	const char *name;
	uint32_t states;
} kinds[] = {
#define X(name, states) { #name, states },
	IMAP_COMMAND_LIST(X)
#undef X
};

const char *imap_kind_name(enum imap_kind kind)
{
	MUST((size_t)kind < ARRAY_LEN(kinds));
	return kinds[kind].name;
}

uint32_t imap_kind_states(enum imap_kind kind)
{
	MUST((size_t)kind < ARRAY_LEN(kinds));
	return kinds[kind].states;
}

/* By bisection: the list is sorted, a test sees to it. */
bool imap_kind_find(struct slice name, enum imap_kind *kind_r)
{
	size_t low = 0;
	size_t high = ARRAY_LEN(kinds);

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = imap_word_cmp(kinds[middle].name, name);

		if (order == 0) {
			*kind_r = (enum imap_kind)middle;
			return true;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}
