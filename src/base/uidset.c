/*
 * Sets of numbers as sorted ranges that neither overlap nor touch.
 *
 * A range is found by binary search; one is put in or taken out by moving what
 * stands behind it. Operations on two sets walk both once and build a third.
 */
#include "base/uidset.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/pack.h"
#include "base/panic.h"

#define RANGES_MIN 4 /* capacity to begin with */

void uidset_fini(struct uidset *set)
{
	mem_free(set->ranges);
	*set = (struct uidset){ NULL, 0, 0 };
}

void uidset_clear(struct uidset *set)
{
	set->count = 0;
}

static void ranges_reserve(struct uidset *set, size_t count)
{
	size_t cap = set->cap > 0 ? set->cap : RANGES_MIN;

	if (count <= set->cap)
		return;
	while (cap < count)
		cap *= 2;
	MUST(cap <= SIZE_MAX / sizeof(*set->ranges));
	set->ranges = mem_realloc(set->ranges, cap * sizeof(*set->ranges));
	set->cap = cap;
}

static struct uid_range range_of(uint32_t first, uint32_t last)
{
	return (struct uid_range){ first, last };
}

static void ranges_append(struct uidset *set, struct uid_range range)
{
	ranges_reserve(set, set->count + 1);
	set->ranges[set->count++] = range;
}

/* Puts `count` ranges in the place of those in [from, to). */
static void ranges_replace(struct uidset *set, size_t from, size_t to,
			   const struct uid_range *ranges, size_t count)
{
	size_t behind = set->count - to;

	ranges_reserve(set, from + count + behind);
	if (behind > 0)
		memmove(set->ranges + from + count, set->ranges + to,
			behind * sizeof(*ranges));
	for (size_t i = 0; i < count; i++)
		set->ranges[from + i] = ranges[i];
	set->count = from + count + behind;
}

/* Index of the first range that ends at `uid` or behind it, or count. */
static size_t ranges_find(const struct uidset *set, uint32_t uid)
{
	size_t low = 0;
	size_t high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->ranges[middle].last < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Index of the first range that starts behind `uid`, or count. */
static size_t ranges_find_behind(const struct uidset *set, uint32_t uid)
{
	size_t at = ranges_find(set, uid);

	return at < set->count && set->ranges[at].first <= uid ? at + 1 : at;
}

static uint32_t lower_of(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t higher_of(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* `range` starts where the last one does or behind it: grow that, or append. */
static void add_rising(struct uidset *set, struct uid_range range)
{
	struct uid_range *end;

	if (set->count == 0) {
		ranges_append(set, range);
		return;
	}
	end = &set->ranges[set->count - 1];
	if (range.first - 1 <= end->last)
		end->last = higher_of(end->last, range.last);
	else
		ranges_append(set, range);
}

void uidset_add(struct uidset *set, uint32_t first, uint32_t last)
{
	struct uid_range range = { first, last };
	size_t from;
	size_t to;

	MUST(first > 0);
	MUST(first <= last);
	if (set->count == 0 || first >= set->ranges[set->count - 1].first) {
		add_rising(set, range);
		return;
	}
	/* Ranges that overlap or touch it become one. */
	from = ranges_find(set, first - 1);
	to = ranges_find_behind(set, last < UINT32_MAX ? last + 1 : last);
	if (from < to) {
		range.first = lower_of(first, set->ranges[from].first);
		range.last = higher_of(last, set->ranges[to - 1].last);
	}
	ranges_replace(set, from, to, &range, 1);
}

void uidset_remove(struct uidset *set, uint32_t first, uint32_t last)
{
	struct uid_range pieces[2];
	size_t count = 0;
	size_t from;
	size_t to;

	MUST(first > 0);
	MUST(first <= last);
	from = ranges_find(set, first);
	to = ranges_find_behind(set, last);
	if (from >= to)
		return;
	if (set->ranges[from].first < first)
		pieces[count++] = range_of(set->ranges[from].first, first - 1);
	if (set->ranges[to - 1].last > last)
		pieces[count++] = range_of(last + 1, set->ranges[to - 1].last);
	ranges_replace(set, from, to, pieces, count);
}

/* `set` becomes what `result` holds. */
static void take_result(struct uidset *set, struct uidset *result)
{
	mem_free(set->ranges);
	*set = *result;
}

void uidset_add_set(struct uidset *set, const struct uidset *other)
{
	struct uidset result = { 0 };
	size_t i = 0;
	size_t j = 0;

	ranges_reserve(&result, set->count + other->count);
	while (i < set->count || j < other->count) {
		bool mine = j == other->count ||
			    (i < set->count &&
			     set->ranges[i].first <= other->ranges[j].first);

		add_rising(&result,
			   mine ? set->ranges[i++] : other->ranges[j++]);
	}
	take_result(set, &result);
}

/*
 * Adds what of `range` is not in `other`, whose ranges before `at` end before
 * it starts.
 */
static void add_without(struct uidset *result, struct uid_range range,
			const struct uidset *other, size_t at)
{
	for (; at < other->count && other->ranges[at].first <= range.last;
	     at++) {
		struct uid_range hole = other->ranges[at];

		if (hole.first > range.first)
			ranges_append(result,
				      range_of(range.first, hole.first - 1));
		if (hole.last >= range.last)
			return;
		range.first = hole.last + 1;
	}
	ranges_append(result, range);
}

void uidset_remove_set(struct uidset *set, const struct uidset *other)
{
	struct uidset result = { 0 };
	size_t j = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct uid_range range = set->ranges[i];

		while (j < other->count && other->ranges[j].last < range.first)
			j++;
		add_without(&result, range, other, j);
	}
	take_result(set, &result);
}

void uidset_intersect(struct uidset *set, const struct uidset *other)
{
	struct uidset result = { 0 };
	size_t i = 0;
	size_t j = 0;

	while (i < set->count && j < other->count) {
		struct uid_range a = set->ranges[i];
		struct uid_range b = other->ranges[j];
		struct uid_range both = { higher_of(a.first, b.first),
					  lower_of(a.last, b.last) };

		if (both.first <= both.last)
			ranges_append(&result, both);
		if (a.last < b.last)
			i++;
		else
			j++;
	}
	take_result(set, &result);
}

void uidset_copy(struct uidset *to, const struct uidset *from)
{
	if (to != from)
		ranges_replace(to, 0, to->count, from->ranges, from->count);
}

bool uidset_has(const struct uidset *set, uint32_t uid)
{
	size_t at = ranges_find(set, uid);

	return at < set->count && set->ranges[at].first <= uid;
}

bool uidset_eq(const struct uidset *a, const struct uidset *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->ranges[i].first != b->ranges[i].first ||
		    a->ranges[i].last != b->ranges[i].last)
			return false;
	return true;
}

static uint64_t range_size(const struct uid_range *range)
{
	return (uint64_t)range->last - range->first + 1;
}

uint64_t uidset_size(const struct uidset *set)
{
	uint64_t size = 0;

	for (size_t i = 0; i < set->count; i++)
		size += range_size(&set->ranges[i]);
	return size;
}

uint32_t uidset_nth(const struct uidset *set, uint64_t n)
{
	for (size_t i = 0; i < set->count; i++) {
		uint64_t size = range_size(&set->ranges[i]);

		if (n < size)
			return set->ranges[i].first + (uint32_t)n;
		n -= size;
	}
	PANIC("position behind the end of a set of %" PRIu64, uidset_size(set));
}

uint64_t uidset_rank(const struct uidset *set, uint32_t uid)
{
	uint64_t rank = 0;

	for (size_t i = 0; i < set->count && set->ranges[i].first < uid; i++) {
		struct uid_range range = set->ranges[i];

		if (range.last >= uid)
			range.last = uid - 1;
		rank += range_size(&range);
	}
	return rank;
}

void uidset_format(const struct uidset *set, struct buf *out)
{
	for (size_t i = 0; i < set->count; i++) {
		struct uid_range range = set->ranges[i];

		if (i > 0)
			buf_add_octet(out, ',');
		buf_add_u64(out, range.first);
		if (range.last == range.first)
			continue;
		buf_add_octet(out, ':');
		buf_add_u64(out, range.last);
	}
}

/* nz-number (RFC 9051 section 9): no sign, no 0 in front. */
static bool parse_number(struct slice text, uint32_t *number_r)
{
	uint64_t value;

	if (text.len == 0 || text.data[0] == '0' ||
	    !slice_to_u64(text, UINT32_MAX, &value))
		return false;
	*number_r = (uint32_t)value;
	return true;
}

/* "7", "1:3" and "3:1", which is the same. */
static bool parse_range(struct slice text, struct uid_range *range_r)
{
	size_t colon = slice_find(text, ':');
	uint32_t a;
	uint32_t b;

	if (!parse_number(slice_first(text, colon), &a))
		return false;
	b = a;
	if (colon < text.len && !parse_number(slice_from(text, colon + 1), &b))
		return false;
	*range_r = range_of(lower_of(a, b), higher_of(a, b));
	return true;
}

/* Ranges in the order of the text, not yet a set. */
static enum err parse_ranges(struct uidset *list, struct slice text,
			     size_t max_ranges)
{
	struct uid_range range;

	if (text.len > 0 && text.data[text.len - 1] == ',')
		return ERR_SYNTAX;
	while (text.len > 0) {
		if (!parse_range(slice_cut(&text, ','), &range))
			return ERR_SYNTAX;
		if (list->count == max_ranges)
			return ERR_LIMIT;
		ranges_append(list, range);
	}
	return ERR_NONE;
}

static int range_order(const void *a, const void *b)
{
	const struct uid_range *left = a;
	const struct uid_range *right = b;

	return (left->first > right->first) - (left->first < right->first);
}

/* Sorting first keeps a long list in falling order from taking for ever. */
enum err uidset_parse(struct uidset *set, struct slice text, size_t max_ranges)
{
	struct uidset list = { 0 };
	enum err err = parse_ranges(&list, text, max_ranges);

	uidset_clear(set);
	if (err == ERR_NONE && list.count > 0) {
		qsort(list.ranges, list.count, sizeof(*list.ranges),
		      range_order);
		for (size_t i = 0; i < list.count; i++)
			add_rising(set, list.ranges[i]);
	}
	uidset_fini(&list);
	return err;
}

/*
 * The count, then for each range the numbers between it and the one before
 * that are in neither, less the one that must be there, and its size less 1.
 * So each set has one form and each form is a set.
 */
void uidset_pack(const struct uidset *set, struct buf *out)
{
	uint64_t next = 1; /* lowest number that the range may start with */

	pack_var(out, set->count);
	for (size_t i = 0; i < set->count; i++) {
		struct uid_range range = set->ranges[i];

		pack_var(out, range.first - next);
		pack_var(out, range.last - range.first);
		next = (uint64_t)range.last + 2;
	}
}

static bool unpack_range(struct unpack *in, uint64_t next, struct uidset *set)
{
	uint64_t first;
	uint64_t last;

	if (next > UINT32_MAX)
		return false;
	first = next + unpack_var(in, UINT32_MAX - next);
	last = first + unpack_var(in, UINT32_MAX - first);
	if (!unpack_ok(in))
		return false;
	ranges_append(set, range_of((uint32_t)first, (uint32_t)last));
	return true;
}

enum err uidset_unpack(struct uidset *set, struct slice octets,
		       size_t max_ranges)
{
	struct unpack in = unpack_of(octets);
	uint64_t count = unpack_var(&in, UINT64_MAX);
	uint64_t next = 1;

	uidset_clear(set);
	if (unpack_ok(&in) && count > max_ranges)
		return ERR_LIMIT;
	for (uint64_t i = 0; i < count; i++) {
		if (!unpack_range(&in, next, set))
			break;
		next = (uint64_t)set->ranges[set->count - 1].last + 2;
	}
	if (set->count == count && unpack_end(&in))
		return ERR_NONE;
	uidset_clear(set);
	return ERR_CORRUPT;
}
