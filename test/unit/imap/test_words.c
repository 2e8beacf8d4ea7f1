/*
 * Names of flags, attributes, items and rights.
 */
#include <criterion/criterion.h>

#include "base/attr.h"
#include "imap/command.h"
#include "imap/words.h"

Test(words, have_names_in_any_case)
{
	cr_assert_eq(imap_flag_find(SLICE_LIT("\\sEEN")), IMAP_FLAG_SEEN);
	cr_assert_eq(imap_flag_find(SLICE_LIT("Seen")), 0);
	cr_assert_eq(imap_flag_find(SLICE_LIT("\\Recent")), 0);
	cr_assert_str_eq(imap_flag_name(IMAP_FLAG_DRAFT), "\\Draft");
	cr_assert_eq(imap_special_use_find(SLICE_LIT("\\junk")), IMAP_USE_JUNK);
	cr_assert_str_eq(imap_special_use_name(IMAP_USE_IMPORTANT),
			 "\\Important");
	cr_assert_eq(imap_status_item_find(SLICE_LIT("uidnext")),
		     IMAP_STATUS_UIDNEXT);
	cr_assert_eq(imap_status_item_find(SLICE_LIT("")), 0);
	cr_assert_str_eq(imap_status_item_name(IMAP_STATUS_DELETED_STORAGE),
			 "DELETED-STORAGE");
}

Test(words, give_each_bit_the_name_that_finds_it)
{
	for (uint32_t bit = 1; bit <= IMAP_STATUS_DELETED_STORAGE; bit <<= 1)
		cr_assert_eq(
			imap_status_item_find(slice_str(imap_status_item_name(
				(enum imap_status_item)bit))),
			bit);
	for (uint32_t bit = 1; bit <= IMAP_USE_IMPORTANT; bit <<= 1)
		cr_assert_eq(
			imap_special_use_find(slice_str(imap_special_use_name(
				(enum imap_special_use)bit))),
			bit);
	for (uint32_t bit = 1; bit <= IMAP_FLAG_DRAFT; bit <<= 1)
		cr_assert_eq(imap_flag_find(slice_str(
				     imap_flag_name((enum imap_flag)bit))),
			     bit);
}

/* From the letters of a client to those of the server. */
static const struct {
	const char *given;
	const char *shown;
} rights[] = {
	{ "", "" },
	{ "lrswipkxtea", "lrswipkxteacd" },
	{ "aetxkpiwsrl", "lrswipkxteacd" },
	/* RFC 4314 section 2.1.1, in the order that is ours */
	{ "lrswida", "lrswitead" },
	{ "lrswikda", "lrswikteacd" },
	{ "c", "kxc" },
	{ "d", "ted" },
	{ "t", "td" },
	{ "x", "xc" },
};

Test(rights, stand_for_each_other)
{
	struct buf out = { 0 };
	uint32_t set;

	for (size_t i = 0; i < ARRAY_LEN(rights); i++) {
		cr_assert_eq(
			imap_rights_parse(slice_str(rights[i].given), &set),
			ERR_NONE);
		imap_rights_format(set, &out);
		cr_assert_str_eq(buf_cstr(&out), rights[i].shown);
		buf_clear(&out);
	}
	buf_fini(&out);
}

Test(rights, are_no_other_letters)
{
	uint32_t set;

	cr_assert_eq(imap_rights_parse(SLICE_LIT("lrQ"), &set), ERR_SYNTAX);
	cr_assert_eq(imap_rights_parse(SLICE_LIT("L"), &set), ERR_SYNTAX);
	cr_assert_eq(imap_rights_parse(SLICE_LIT("0"), &set), ERR_SYNTAX);
	cr_assert_eq(imap_rights_parse(SLICE_LIT("l\0"), &set), ERR_SYNTAX);
}

/* The table is searched by bisection. */
Test(commands, are_all_found_by_their_names)
{
	enum imap_kind kind;

	for (int i = 0; i <= IMAP_UNSUBSCRIBE; i++) {
		const char *name = imap_kind_name((enum imap_kind)i);

		cr_assert(imap_kind_find(slice_str(name), &kind), "%s", name);
		cr_assert_eq((int)kind, i);
		if (i > 0)
			cr_assert_lt(
				strcmp(imap_kind_name((enum imap_kind)(i - 1)),
				       name),
				0);
	}
	cr_assert(imap_kind_find(SLICE_LIT("uNsElEcT"), &kind));
	cr_assert_eq(kind, IMAP_UNSELECT);
	cr_assert(!imap_kind_find(SLICE_LIT(""), &kind));
	cr_assert(!imap_kind_find(SLICE_LIT("SELEC"), &kind));
	cr_assert(!imap_kind_find(SLICE_LIT("SELECTS"), &kind));
	cr_assert(!imap_kind_find(SLICE_LIT("SELECT\0"), &kind));
}

Test(commands, know_their_states)
{
	cr_assert_eq(imap_kind_states(IMAP_LOGIN), IMAP_STATE_NONAUTH);
	cr_assert_eq(imap_kind_states(IMAP_FETCH), IMAP_STATE_SELECTED);
	cr_assert_eq(imap_kind_states(IMAP_LIST),
		     IMAP_STATE_AUTH | IMAP_STATE_SELECTED);
	cr_assert_eq(imap_kind_states(IMAP_NOOP), IMAP_STATE_NONAUTH |
							  IMAP_STATE_AUTH |
							  IMAP_STATE_SELECTED);
}
