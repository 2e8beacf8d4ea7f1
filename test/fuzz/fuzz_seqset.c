/*
 * Sequence sets against a slow model: each message of a small view is asked
 * whether some range of the set names it.
 *
 * The first eight octets are the view (bit n: UID n + 1 is there), the rest is
 * the set.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/panic.h"
#include "imap/seqset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool names(const struct imap_seqset *set, uint32_t number, uint32_t star)
{
	for (size_t i = 0; i < set->count; i++) {
		uint32_t a = set->ranges[i].first;
		uint32_t b = set->ranges[i].last;

		a = a == IMAP_SEQ_STAR ? star : a;
		b = b == IMAP_SEQ_STAR ? star : b;
		if ((a <= number && number <= b) ||
		    (b <= number && number <= a))
			return true;
	}
	return false;
}

/* Some number of the set is no message of `count`. */
static bool goes_beyond(const struct imap_seqset *set, uint32_t count)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->ranges[i].first > count ||
		    set->ranges[i].last > count ||
		    (count == 0 && set->count > 0))
			return true;
	return false;
}

static void check_uids(const struct imap_seqset *set, const struct uidset *view,
		       const struct uidset *saved)
{
	uint32_t count = (uint32_t)uidset_size(view);
	uint32_t last = count == 0 ? 1 : uidset_nth(view, count - 1);
	struct uidset found = { 0 };

	imap_seqset_resolve_uids(set, view, saved, &found);
	for (uint32_t uid = 1; uid <= 65; uid++) {
		bool wanted = set->saved ? uidset_has(saved, uid)
					 : names(set, uid, last);

		MUST(uidset_has(&found, uid) ==
		     (wanted && uidset_has(view, uid)));
	}
	uidset_fini(&found);
}

static void check_seqs(const struct imap_seqset *set, const struct uidset *view,
		       const struct uidset *saved)
{
	uint32_t count = (uint32_t)uidset_size(view);
	struct uidset found = { 0 };
	struct uidset back = { 0 };
	enum err err = imap_seqset_resolve_seqs(set, view, saved, &found);

	if (set->saved || !goes_beyond(set, count)) {
		MUST(err == ERR_NONE);
		for (uint32_t seq = 1; seq <= count; seq++) {
			uint32_t uid = uidset_nth(view, seq - 1);
			bool wanted = set->saved ? uidset_has(saved, uid)
						 : names(set, seq, count);

			MUST(uidset_has(&found, uid) == wanted);
		}
		imap_seqs_of_uids(&found, view, &back);
		MUST(uidset_size(&back) == uidset_size(&found));
	} else {
		MUST(err == ERR_SYNTAX);
	}
	uidset_fini(&found);
	uidset_fini(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct uidset view = { 0 };
	struct uidset saved = { 0 };
	struct imap_seqset set;
	struct buf text = { 0 };
	struct slice rest;

	if (size < 8)
		return 0;
	for (uint32_t i = 0; i < 64; i++)
		if ((data[i / 8] >> (i % 8) & 1) != 0)
			uidset_add(&view, i + 1, i + 1);
	uidset_add(&saved, 3, 40);
	rest = slice_of(data + 8, size - 8);
	if (imap_seqset_parse(&rest, &arena, &set) == ERR_NONE) {
		struct slice read = slice_of(data + 8, size - 8 - rest.len);

		imap_seqset_format(&set, &text);
		/* "5:5" is written "5" */
		MUST(text.len <= read.len);
		check_uids(&set, &view, &saved);
		check_seqs(&set, &view, &saved);
	}
	buf_fini(&text);
	uidset_fini(&view);
	uidset_fini(&saved);
	arena_fini(&arena);
	return 0;
}
