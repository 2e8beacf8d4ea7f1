/*
 * Sequence sets: reading, and what they mean in a view.
 */
#include <criterion/criterion.h>

#include "base/attr.h"
#include "imap/seqset.h"

struct set {
	struct arena arena;
	struct imap_seqset set;
};

static struct set set_of(const char *text)
{
	struct slice rest = slice_str(text);
	struct set s = { 0 };

	cr_assert_eq(imap_seqset_parse(&rest, &s.arena, &s.set), ERR_NONE, "%s",
		     text);
	cr_assert_eq(rest.len, 0, "%s", text);
	return s;
}

static struct uidset uids_of(const char *text)
{
	struct uidset uids = { 0 };

	cr_assert_eq(uidset_parse(&uids, slice_str(text), 1000), ERR_NONE);
	return uids;
}

static void expect_uids(const struct uidset *uids, const char *wanted)
{
	struct buf out = { 0 };

	uidset_format(uids, &out);
	cr_assert_str_eq(buf_cstr(&out), wanted);
	buf_fini(&out);
}

Test(seqset, is_kept_as_written)
{
	static const char *const sets[] = {
		"1",
		"*",
		"$",
		"1:*",
		"*:1",
		"4:2",
		"2,4:7,9,12:*",
		"*:4,5:7",
		"4294967295",
		"1,1,1",
	};
	struct buf out = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		struct set s = set_of(sets[i]);

		imap_seqset_format(&s.set, &out);
		cr_assert_str_eq(buf_cstr(&out), sets[i]);
		buf_clear(&out);
		arena_fini(&s.arena);
	}
	buf_fini(&out);
}

Test(seqset, refuses_what_is_none)
{
	static const char *const sets[] = {
		"",           "0",   "01",   "1:",   ":1",
		"1,",         ",1",  "1:2:", "1,,2", "a",
		"4294967296", "1:0", "-1",   "1:$",  "99999999999999999999",
	};
	struct imap_seqset set;
	struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		struct slice text = slice_str(sets[i]);
		enum err err = imap_seqset_parse(&text, &arena, &set);

		cr_assert(err == ERR_SYNTAX || text.len > 0, "%s", sets[i]);
	}
	arena_fini(&arena);
}

Test(seqset, ends_where_the_set_ends)
{
	struct slice text = SLICE_LIT("1:3,5 FLAGS,7");
	struct arena arena = { 0 };
	struct imap_seqset set;

	cr_assert_eq(imap_seqset_parse(&text, &arena, &set), ERR_NONE);
	cr_assert_eq(set.count, 2);
	cr_assert(slice_eq(text, SLICE_LIT(" FLAGS,7")));
	text = SLICE_LIT("$,1");
	cr_assert_eq(imap_seqset_parse(&text, &arena, &set), ERR_NONE);
	cr_assert(set.saved);
	cr_assert(slice_eq(text, SLICE_LIT(",1")));
	arena_fini(&arena);
}

Test(seqset, has_a_greatest_number_of_ranges)
{
	struct buf text = { 0 };
	struct arena arena = { 0 };
	struct imap_seqset set;
	struct slice rest;

	buf_add_str(&text, "1");
	for (int i = 1; i < IMAP_SEQSET_MAX; i++)
		buf_add_str(&text, ",1");
	rest = buf_slice(&text);
	cr_assert_eq(imap_seqset_parse(&rest, &arena, &set), ERR_NONE);
	cr_assert_eq(set.count, IMAP_SEQSET_MAX);
	buf_add_str(&text, ",1");
	rest = buf_slice(&text);
	cr_assert_eq(imap_seqset_parse(&rest, &arena, &set), ERR_LIMIT);
	buf_fini(&text);
	arena_fini(&arena);
}

Test(seqset, knows_whether_it_is_plain_and_ascending)
{
	static const struct {
		const char *text;
		bool plain;
		bool ascending;
	} sets[] = {
		{ "1:3,5", true, true },    { "5,1:3", true, false },
		{ "3:1", true, false },     { "1,1", true, false },
		{ "1:3,3:4", true, false }, { "1:*", false, false },
		{ "$", false, false },      { "1:2,3", true, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		struct set s = set_of(sets[i].text);

		cr_assert_eq(imap_seqset_is_plain(&s.set), sets[i].plain);
		cr_assert_eq(imap_seqset_is_ascending(&s.set),
			     sets[i].ascending);
		arena_fini(&s.arena);
	}
}

/* set, view, UIDs by sequence numbers ("!": BAD), UIDs by UIDs */
static const struct {
	const char *set;
	const char *view;
	const char *seqs;
	const char *uids;
} resolved[] = {
	{ "1", "10,20,30", "10", "" },
	{ "*", "10,20,30", "30", "30" },
	{ "1:*", "10,20,30", "10,20,30", "10,20,30" },
	{ "*:2", "10,20,30", "20,30", "10,20,30" },
	{ "3:1", "10,20,30", "10,20,30", "" },
	{ "4", "10,20,30", "!", "" },
	{ "2:4", "10,20,30", "!", "" },
	{ "2:3,1", "10:12,20", "10:12", "" },
	{ "3:4", "10:12,20:29", "12,20", "" },
	{ "2,4,6,13", "1:3,10:14,20:24", "2,10,12,24", "2,13" },
	{ "13,2,6,4", "1:3,10:14,20:24", "2,10,12,24", "2,13" },
	{ "1,1,1:2", "5:6", "5:6", "" },
	{ "15:20,100:*", "10,20,30", "!", "20,30" },
	/* "*" is the last message, also if a range begins above it */
	{ "3291:*", "10,20,30", "!", "30" },
	{ "1", "", "!", "" },
	{ "*", "", "!", "" },
	{ "1:*", "", "!", "" },
	{ "$", "10,20,30", "20", "20" },
	{ "4294967295", "4294967295", "!", "4294967295" },
	{ "1", "4294967295", "4294967295", "" },
	{ "1:4294967295", "1:4294967295", "1:4294967295", "1:4294967295" },
};

Test(seqset, is_resolved_against_a_view)
{
	struct uidset saved = uids_of("20,40");

	for (size_t i = 0; i < ARRAY_LEN(resolved); i++) {
		struct set s = set_of(resolved[i].set);
		struct uidset view = uids_of(resolved[i].view);
		struct uidset out = { 0 };
		enum err err =
			imap_seqset_resolve_seqs(&s.set, &view, &saved, &out);

		if (resolved[i].seqs[0] == '!') {
			cr_assert_eq(err, ERR_SYNTAX, "%s", resolved[i].set);
			expect_uids(&out, "");
		} else {
			cr_assert_eq(err, ERR_NONE, "%s", resolved[i].set);
			expect_uids(&out, resolved[i].seqs);
		}
		uidset_clear(&out);
		imap_seqset_resolve_uids(&s.set, &view, &saved, &out);
		expect_uids(&out, resolved[i].uids);
		uidset_fini(&out);
		uidset_fini(&view);
		arena_fini(&s.arena);
	}
	uidset_fini(&saved);
}

Test(seqset, of_saved_results_may_have_none)
{
	struct set s = set_of("$");
	struct uidset view = uids_of("1:10");
	struct uidset out = { 0 };

	cr_assert_eq(imap_seqset_resolve_seqs(&s.set, &view, NULL, &out),
		     ERR_NONE);
	imap_seqset_resolve_uids(&s.set, &view, NULL, &out);
	expect_uids(&out, "");
	uidset_fini(&view);
	arena_fini(&s.arena);
}

Test(seqset, gives_numbers_without_a_view)
{
	struct set s = set_of("5:3,*,100:200,150:*");
	struct uidset out = { 0 };

	imap_seqset_numbers(&s.set, 7, &out);
	expect_uids(&out, "3:5,7:200");
	uidset_fini(&out);
	arena_fini(&s.arena);
}

Test(seqset, turns_uids_back_into_sequence_numbers)
{
	struct uidset view = uids_of("1:3,10:14,20:24");
	struct uidset uids = uids_of("2,5,11:13,24,99");
	struct uidset none = { 0 };
	struct uidset out = { 0 };

	imap_seqs_of_uids(&uids, &view, &out);
	expect_uids(&out, "2,5:7,13");
	uidset_clear(&out);
	imap_seqs_of_uids(&uids, &none, &out);
	imap_seqs_of_uids(&none, &view, &out);
	expect_uids(&out, "");
	uidset_fini(&out);
	uidset_fini(&view);
	uidset_fini(&uids);
}
