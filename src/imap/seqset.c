/*
 * Sequence sets: reading, resolving against a view, writing.
 *
 * The happy path is one range or a few, read in one pass into the arena. "*"
 * is kept as 0. Resolving sequence numbers walks the ranges of the view once
 * for each range of the set, by rank; a number above the count is the only
 * failure.
 */
#include "imap/seqset.h"

#include "base/panic.h"

/* A number from 1 to 2^32-1 without leading zeroes, or "*". */
static bool take_number(struct slice *text, uint32_t *number_r)
{
	uint64_t number = 0;
	size_t len = 0;

	if (text->len > 0 && text->data[0] == '*') {
		*number_r = IMAP_SEQ_STAR;
		*text = slice_from(*text, 1);
		return true;
	}
	while (len < text->len && len < 11) {
		unsigned digit = (unsigned)text->data[len] - '0';

		if (digit > 9)
			break;
		number = number * 10 + digit;
		len++;
	}
	if (len == 0 || text->data[0] == '0' || number > UINT32_MAX)
		return false;
	*number_r = (uint32_t)number;
	*text = slice_from(*text, len);
	return true;
}

static bool take_range(struct slice *text, struct imap_seq_range *range_r)
{
	if (!take_number(text, &range_r->first))
		return false;
	range_r->last = range_r->first;
	if (text->len == 0 || text->data[0] != ':')
		return true;
	*text = slice_from(*text, 1);
	return take_number(text, &range_r->last);
}

/* One more than there are commas: exact for a set, a bound for other text. */
static size_t count_ranges(struct slice text)
{
	size_t count = 1;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t octet = text.data[i];

		if (octet == ',')
			count++;
		else if (octet != '*' && octet != ':' &&
			 (octet < '0' || octet > '9'))
			break;
	}
	return count;
}

enum err imap_seqset_parse(struct slice *text, struct arena *arena,
			   struct imap_seqset *set_r)
{
	struct imap_seq_range *ranges;
	size_t count;

	*set_r = (struct imap_seqset){ NULL, 0, false };
	if (text->len > 0 && text->data[0] == '$') {
		*text = slice_from(*text, 1);
		set_r->saved = true;
		return ERR_NONE;
	}
	count = count_ranges(*text);
	if (count > IMAP_SEQSET_MAX)
		return ERR_LIMIT;
	ranges = (struct imap_seq_range *)arena_alloc(arena,
						      count * sizeof(*ranges));
	set_r->ranges = ranges;
	for (;;) {
		MUST(set_r->count < count);
		if (!take_range(text, &ranges[set_r->count]))
			return ERR_SYNTAX;
		set_r->count++;
		if (text->len == 0 || text->data[0] != ',')
			return ERR_NONE;
		*text = slice_from(*text, 1);
	}
}

bool imap_seqset_is_plain(const struct imap_seqset *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->ranges[i].first == IMAP_SEQ_STAR ||
		    set->ranges[i].last == IMAP_SEQ_STAR)
			return false;
	return !set->saved;
}

bool imap_seqset_is_ascending(const struct imap_seqset *set)
{
	uint32_t before = 0;

	if (!imap_seqset_is_plain(set))
		return false;
	for (size_t i = 0; i < set->count; i++) {
		const struct imap_seq_range *range = &set->ranges[i];

		if (range->first <= before || range->last < range->first)
			return false;
		before = range->last;
	}
	return true;
}

/* The range with its symbols replaced, lower end first. */
static struct uid_range concrete(struct imap_seq_range range, uint32_t star)
{
	uint32_t a = range.first == IMAP_SEQ_STAR ? star : range.first;
	uint32_t b = range.last == IMAP_SEQ_STAR ? star : range.last;

	return a <= b ? (struct uid_range){ a, b } : (struct uid_range){ b, a };
}

void imap_seqset_numbers(const struct imap_seqset *set, uint32_t star,
			 struct uidset *out)
{
	MUST(!set->saved);
	MUST(star > 0);
	for (size_t i = 0; i < set->count; i++) {
		struct uid_range range = concrete(set->ranges[i], star);

		uidset_add(out, range.first, range.last);
	}
}

/* `saved` without what has left the view. */
static void add_saved(const struct uidset *view, const struct uidset *saved,
		      struct uidset *uids)
{
	struct uidset still = { 0 };

	if (saved == NULL)
		return;
	uidset_copy(&still, saved);
	uidset_intersect(&still, view);
	uidset_add_set(uids, &still);
	uidset_fini(&still);
}

static uint64_t range_size(struct uid_range range)
{
	return (uint64_t)range.last - range.first + 1;
}

/* A range of a view, and how many UIDs are in the ranges before it. */
struct cursor {
	size_t at;
	uint64_t before;
};

/*
 * Adds the UIDs of the positions `want` (1-based, inside the view). Called
 * with rising positions: the cursor goes on where it stood.
 */
static void add_positions(const struct uidset *view, struct cursor *cursor,
			  struct uid_range want, struct uidset *uids)
{
	for (; cursor->at < view->count; cursor->at++) {
		struct uid_range range = view->ranges[cursor->at];
		uint64_t end = cursor->before + range_size(range);
		uint64_t low = (uint64_t)want.first - 1;
		uint64_t high = want.last < end ? want.last : end;

		if (low < cursor->before)
			low = cursor->before;
		low -= cursor->before;
		high -= cursor->before;
		if (low < high)
			uidset_add(uids, range.first + (uint32_t)low,
				   range.first + (uint32_t)high - 1);
		if (want.last <= end)
			return;
		cursor->before = end;
	}
}

enum err imap_seqset_resolve_seqs(const struct imap_seqset *set,
				  const struct uidset *view,
				  const struct uidset *saved,
				  struct uidset *uids)
{
	uint64_t count = uidset_size(view);
	struct cursor cursor = { 0, 0 };
	struct uidset seqs = { 0 };

	if (set->saved) {
		add_saved(view, saved, uids);
		return ERR_NONE;
	}
	for (size_t i = 0; i < set->count; i++) {
		struct uid_range range =
			concrete(set->ranges[i], (uint32_t)count);

		if (range.first == 0 || range.last > count) {
			uidset_fini(&seqs);
			return ERR_SYNTAX;
		}
		uidset_add(&seqs, range.first, range.last);
	}
	for (size_t i = 0; i < seqs.count; i++)
		add_positions(view, &cursor, seqs.ranges[i], uids);
	uidset_fini(&seqs);
	return ERR_NONE;
}

void imap_seqset_resolve_uids(const struct imap_seqset *set,
			      const struct uidset *view,
			      const struct uidset *saved, struct uidset *uids)
{
	struct uidset named = { 0 };

	if (set->saved) {
		add_saved(view, saved, uids);
		return;
	}
	if (view->count == 0)
		return;
	imap_seqset_numbers(set, view->ranges[view->count - 1].last, &named);
	uidset_intersect(&named, view);
	uidset_add_set(uids, &named);
	uidset_fini(&named);
}

void imap_seqs_of_uids(const struct uidset *uids, const struct uidset *view,
		       struct uidset *seqs)
{
	struct uidset known = { 0 };
	uint64_t before = 0; /* UIDs of the view below range `at` */
	size_t at = 0;

	uidset_copy(&known, uids);
	uidset_intersect(&known, view);
	for (size_t i = 0; i < known.count; i++) {
		struct uid_range range = known.ranges[i];
		uint32_t seq;

		while (view->ranges[at].last < range.first)
			before += range_size(view->ranges[at++]);
		seq = (uint32_t)(before + range.first - view->ranges[at].first +
				 1);
		uidset_add(seqs, seq, seq + range.last - range.first);
	}
	uidset_fini(&known);
}

static void format_number(uint32_t number, struct buf *out)
{
	if (number == IMAP_SEQ_STAR)
		buf_add_octet(out, '*');
	else
		buf_add_u64(out, number);
}

void imap_seqset_format(const struct imap_seqset *set, struct buf *out)
{
	if (set->saved)
		buf_add_octet(out, '$');
	for (size_t i = 0; i < set->count; i++) {
		if (i > 0)
			buf_add_octet(out, ',');
		format_number(set->ranges[i].first, out);
		if (set->ranges[i].last == set->ranges[i].first)
			continue;
		buf_add_octet(out, ':');
		format_number(set->ranges[i].last, out);
	}
}
