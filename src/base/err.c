/*
 * The list of err.h as a table.
 *
 * Its index is the number that stands in results on disk, so a gap is a number
 * of another release: such an error has no name here and an unknown outcome.
 * Two errors with one number are refused by the compiler (-Woverride-init).
 */
#include "base/err.h"

struct err_entry {
	const char *name;
	const char *text;
	enum outcome outcome;
};

static const struct err_entry entries[] = {
#define X(name, number, text, outcome) \
	[number] = { #name, text, OUTCOME_##outcome },
	ERR_LIST(X)
#undef X
};

static const struct err_entry *entry_find(enum err err)
{
	size_t number = (size_t)err;

	if (number >= ARRAY_LEN(entries) || entries[number].name == NULL)
		return NULL;
	return &entries[number];
}

const char *err_text(enum err err)
{
	const struct err_entry *entry = entry_find(err);

	return entry != NULL ? entry->text : "unknown error";
}

const char *err_name(enum err err)
{
	const struct err_entry *entry = entry_find(err);

	return entry != NULL ? entry->name : "UNKNOWN";
}

enum outcome err_outcome(enum err err)
{
	const struct err_entry *entry = entry_find(err);

	return entry != NULL ? entry->outcome : OUTCOME_UNKNOWN;
}
