/*
 * Any text: a set that is written and read again unchanged, or none.
 */
#include "base/panic.h"
#include "base/uidset.h"

#define RANGES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ranges are in order and do not touch. */
static void check_ranges(const struct uidset *set)
{
	for (size_t i = 0; i < set->count; i++) {
		MUST(set->ranges[i].first > 0);
		MUST(set->ranges[i].first <= set->ranges[i].last);
		if (i > 0)
			MUST(set->ranges[i].first - 1 >
			     set->ranges[i - 1].last);
	}
}

static void check_text(const struct uidset *set)
{
	struct uidset again = { 0 };
	struct buf text = { 0 };

	uidset_format(set, &text);
	MUST(uidset_parse(&again, buf_slice(&text), RANGES_MAX) == ERR_NONE);
	MUST(uidset_eq(set, &again));
	buf_fini(&text);
	uidset_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uidset set = { 0 };
	enum err err;

	uidset_add(&set, 5, 9);
	err = uidset_parse(&set, slice_of(data, size), RANGES_MAX);
	MUST(err == ERR_NONE || err == ERR_SYNTAX || err == ERR_LIMIT);
	MUST(err == ERR_NONE || set.count == 0);
	MUST(set.count <= RANGES_MAX);
	check_ranges(&set);
	check_text(&set);
	uidset_fini(&set);
	return 0;
}
