/*
 * Sets of UIDs: against a table of booleans by seed, and by example.
 */
#include "base/uidset.h"

#include <signal.h>

#include <criterion/criterion.h>

#include "base/pack.h"
#include "base/random.h"

#define TOP 200 /* highest number of the table */

static struct uidset set_of(const char *text)
{
	struct uidset set = { 0 };

	cr_assert_eq(uidset_parse(&set, slice_str(text), 100), ERR_NONE);
	return set;
}

static void expect(const struct uidset *set, const char *text)
{
	struct buf buf = { 0 };

	uidset_format(set, &buf);
	cr_assert_str_eq(buf_cstr(&buf), text);
	buf_fini(&buf);
}

Test(uidset, ranges_that_touch_become_one)
{
	struct uidset set = { 0 };

	uidset_add(&set, 5, 6);
	uidset_add(&set, 1, 2);
	uidset_add(&set, 9, 9);
	expect(&set, "1:2,5:6,9");
	uidset_add(&set, 3, 4);
	expect(&set, "1:6,9");
	uidset_add(&set, 8, 8);
	expect(&set, "1:6,8:9");
	uidset_add(&set, 1, 100);
	expect(&set, "1:100");
	uidset_add(&set, 50, 60);
	expect(&set, "1:100");
	uidset_fini(&set);
}

Test(uidset, the_highest_numbers_do_not_wrap)
{
	struct uidset set = { 0 };

	uidset_add(&set, UINT32_MAX, UINT32_MAX);
	uidset_add(&set, UINT32_MAX - 1, UINT32_MAX - 1);
	uidset_add(&set, 1, 1);
	expect(&set, "1,4294967294:4294967295");
	uidset_add(&set, 1, UINT32_MAX);
	expect(&set, "1:4294967295");
	cr_assert_eq(uidset_size(&set), UINT32_MAX);
	cr_assert_eq(uidset_nth(&set, UINT32_MAX - 1), UINT32_MAX);
	cr_assert_eq(uidset_rank(&set, UINT32_MAX), UINT32_MAX - 1);
	uidset_remove(&set, UINT32_MAX, UINT32_MAX);
	uidset_remove(&set, 1, 1);
	expect(&set, "2:4294967294");
	uidset_fini(&set);
}

Test(uidset, zero_is_no_number, .signal = SIGABRT)
{
	struct uidset set = { 0 };

	uidset_add(&set, 0, 1);
}

Test(uidset, a_range_in_reverse_is_a_bug, .signal = SIGABRT)
{
	struct uidset set = { 0 };

	uidset_add(&set, 2, 1);
}

Test(uidset, nth_behind_the_end_panics, .signal = SIGABRT)
{
	struct uidset set = set_of("3:5");

	uidset_nth(&set, 3);
}

Test(uidset, positions)
{
	struct uidset set = set_of("10:12,20,30:31");

	cr_assert_eq(uidset_size(&set), 6);
	cr_assert_eq(uidset_nth(&set, 0), 10);
	cr_assert_eq(uidset_nth(&set, 3), 20);
	cr_assert_eq(uidset_nth(&set, 5), 31);
	cr_assert_eq(uidset_rank(&set, 0), 0);
	cr_assert_eq(uidset_rank(&set, 1), 0);
	cr_assert_eq(uidset_rank(&set, 12), 2);
	cr_assert_eq(uidset_rank(&set, 13), 3);
	cr_assert_eq(uidset_rank(&set, 31), 5);
	cr_assert_eq(uidset_rank(&set, UINT32_MAX), 6);
	uidset_fini(&set);
}

Test(uidset, a_set_may_be_combined_with_itself)
{
	struct uidset set = set_of("1:3,7");

	uidset_add_set(&set, &set);
	uidset_intersect(&set, &set);
	uidset_copy(&set, &set);
	expect(&set, "1:3,7");
	uidset_remove_set(&set, &set);
	expect(&set, "");
	uidset_fini(&set);
}

/* ---- the table ---- */

struct model {
	bool in[TOP + 1];
};

static void model_check(const struct model *model, const struct uidset *set)
{
	uint64_t size = 0;

	for (uint32_t uid = 1; uid <= TOP; uid++) {
		cr_assert_eq(uidset_has(set, uid), model->in[uid]);
		cr_assert_eq(uidset_rank(set, uid), size);
		if (!model->in[uid])
			continue;
		cr_assert_eq(uidset_nth(set, size), uid);
		size++;
	}
	cr_assert_eq(uidset_size(set), size);
	for (size_t i = 1; i < set->count; i++)
		cr_assert_gt(set->ranges[i].first, set->ranges[i - 1].last + 1);
}

static void model_fill(struct model *model, uint32_t first, uint32_t last,
		       bool in)
{
	for (uint32_t uid = first; uid <= last; uid++)
		model->in[uid] = in;
}

static void draw_range(struct random *random, struct uid_range *range_r)
{
	range_r->first = (uint32_t)random_range(random, 1, TOP);
	range_r->last = (uint32_t)random_range(
		random, range_r->first,
		range_r->first + 20 < TOP ? range_r->first + 20 : TOP);
}

static void draw_set(struct random *random, struct uidset *set,
		     struct model *model)
{
	struct uid_range range;

	for (uint64_t n = random_range(random, 0, 8); n > 0; n--) {
		draw_range(random, &range);
		uidset_add(set, range.first, range.last);
		model_fill(model, range.first, range.last, true);
	}
}

Test(uidset, adding_and_removing_behave_as_a_table)
{
	struct random_seeded random;
	struct model model = { { false } };
	struct uidset set = { 0 };

	random_seeded_init(&random, 11);
	for (int step = 0; step < 2000; step++) {
		struct uid_range range;
		bool add = random_range(&random.random, 0, 1) == 1;

		draw_range(&random.random, &range);
		if (add)
			uidset_add(&set, range.first, range.last);
		else
			uidset_remove(&set, range.first, range.last);
		model_fill(&model, range.first, range.last, add);
		model_check(&model, &set);
	}
	uidset_fini(&set);
}

Test(uidset, operations_on_two_sets_behave_as_on_two_tables)
{
	struct random_seeded random;

	random_seeded_init(&random, 12);
	for (int step = 0; step < 1000; step++) {
		struct model a = { { false } };
		struct model b = { { false } };
		struct uidset left = { 0 };
		struct uidset right = { 0 };
		uint64_t which = random_range(&random.random, 0, 2);

		draw_set(&random.random, &left, &a);
		draw_set(&random.random, &right, &b);
		if (which == 0)
			uidset_add_set(&left, &right);
		else if (which == 1)
			uidset_remove_set(&left, &right);
		else
			uidset_intersect(&left, &right);
		for (uint32_t uid = 1; uid <= TOP; uid++)
			a.in[uid] = which == 0   ? a.in[uid] || b.in[uid]
				    : which == 1 ? a.in[uid] && !b.in[uid]
						 : a.in[uid] && b.in[uid];
		model_check(&a, &left);
		model_check(&b, &right);
		uidset_fini(&left);
		uidset_fini(&right);
	}
}

/* ---- text ---- */

Test(uidset, text_is_read_in_any_order)
{
	struct uidset set = set_of("9:12,7,3:1,10:11,2");

	expect(&set, "1:3,7,9:12");
	uidset_fini(&set);
}

Test(uidset, the_empty_text_is_the_empty_set)
{
	struct uidset set = set_of("5");

	cr_assert_eq(uidset_parse(&set, SLICE_NONE, 1), ERR_NONE);
	expect(&set, "");
	uidset_fini(&set);
}

Test(uidset, what_is_no_sequence_set_is_refused)
{
	static const char *const bad[] = {
		"*",   "1:*", "0",          "01",           "1,", ",1", "1,,2",
		"1:",  ":1",  "1:2:3",      " 1",           "1 ", "-1", "a",
		"0:5", "5:0", "4294967296", "1:4294967296", ",",  "1;2"
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct uidset set = set_of("5");

		cr_assert_eq(uidset_parse(&set, slice_str(bad[i]), 10),
			     ERR_SYNTAX, "%s", bad[i]);
		expect(&set, "");
		uidset_fini(&set);
	}
}

Test(uidset, too_many_ranges_are_refused)
{
	struct uidset set = { 0 };

	cr_assert_eq(uidset_parse(&set, SLICE_LIT("1,3,5"), 3), ERR_NONE);
	cr_assert_eq(uidset_parse(&set, SLICE_LIT("1,2,3,4"), 3), ERR_LIMIT);
	expect(&set, "");
	uidset_fini(&set);
}

Test(uidset, a_long_list_in_falling_order_is_quick, .timeout = 5)
{
	struct uidset set = { 0 };
	struct buf text = { 0 };

	for (uint32_t uid = 200000; uid > 2; uid -= 2) {
		buf_add_u64(&text, uid);
		buf_add_octet(&text, ',');
	}
	buf_add_str(&text, "1");
	cr_assert_eq(uidset_parse(&set, buf_slice(&text), 200000), ERR_NONE);
	cr_assert_eq(set.count, 100000);
	buf_fini(&text);
	uidset_fini(&set);
}

/* ---- octets ---- */

Test(uidset, the_packed_form_is_fixed)
{
	struct uidset set = set_of("1:3,5,300:301");
	struct buf buf = { 0 };

	uidset_pack(&set, &buf);
	cr_assert(slice_eq(buf_slice(&buf),
			   SLICE_LIT("\x03\x00\x02\x00\x00\xa5\x02\x01")));
	buf_fini(&buf);
	uidset_fini(&set);
}

Test(uidset, a_packed_set_comes_back_and_no_shorter_one_does)
{
	struct random_seeded random;

	random_seeded_init(&random, 13);
	for (int step = 0; step < 200; step++) {
		struct model model = { { false } };
		struct uidset set = { 0 };
		struct uidset again = { 0 };
		struct buf buf = { 0 };

		draw_set(&random.random, &set, &model);
		uidset_pack(&set, &buf);
		for (size_t len = 0; len < buf.len; len++) {
			struct slice cut = slice_of(buf.data, len);

			cr_assert_eq(uidset_unpack(&again, cut, 100),
				     ERR_CORRUPT);
			cr_assert_eq(again.count, 0);
		}
		cr_assert_eq(uidset_unpack(&again, buf_slice(&buf), 100),
			     ERR_NONE);
		cr_assert(uidset_eq(&set, &again));
		buf_add_octet(&buf, 0);
		cr_assert_eq(uidset_unpack(&again, buf_slice(&buf), 100),
			     ERR_CORRUPT);
		buf_fini(&buf);
		uidset_fini(&set);
		uidset_fini(&again);
	}
}

Test(uidset, packed_numbers_above_the_highest_are_damage)
{
	struct uidset set = { 0 };
	struct buf buf = { 0 };

	pack_var(&buf, 1);
	pack_var(&buf, UINT32_MAX - 1);
	pack_var(&buf, 0);
	cr_assert_eq(uidset_unpack(&set, buf_slice(&buf), 9), ERR_NONE);
	expect(&set, "4294967295");
	buf_clear(&buf);
	pack_var(&buf, 1);
	pack_var(&buf, UINT32_MAX - 1);
	pack_var(&buf, 1);
	cr_assert_eq(uidset_unpack(&set, buf_slice(&buf), 9), ERR_CORRUPT);
	buf_clear(&buf);
	pack_var(&buf, 2);
	pack_var(&buf, 0);
	pack_var(&buf, UINT32_MAX - 1);
	cr_assert_eq(uidset_unpack(&set, buf_slice(&buf), 9), ERR_CORRUPT,
		     "no number is left for the second range");
	pack_var(&buf, 0);
	pack_var(&buf, 0);
	cr_assert_eq(uidset_unpack(&set, buf_slice(&buf), 9), ERR_CORRUPT);
	buf_fini(&buf);
	uidset_fini(&set);
}

Test(uidset, a_packed_count_above_the_limit_is_refused_unread)
{
	struct uidset set = { 0 };
	struct buf buf = { 0 };

	pack_var(&buf, UINT64_MAX);
	cr_assert_eq(uidset_unpack(&set, buf_slice(&buf), 100), ERR_LIMIT);
	buf_fini(&buf);
	uidset_fini(&set);
}
