#include <criterion/criterion.h>

#include "base/mem.h"
#include "cluster/names.h"
#include "cluster/rights.h"

static uint32_t bits(const char *letters)
{
	uint32_t rights;

	cr_assert(rights_of_text(slice_str(letters), &rights));
	return rights;
}

static uint32_t rights_in(const char *acl, const char *name, const char *user)
{
	struct slice group = SLICE_LIT("group:staff");
	struct identity who = { slice_str(user), &group, 1 };

	return acl_rights(slice_str(acl), slice_str(name), &who);
}

static void expect_set(const char *acl, const char *identifier, bool negative,
		       const char *letters, enum acl_change change,
		       const char *want)
{
	struct acl_entry entry = { slice_str(identifier), negative,
				   bits(letters) };
	struct buf out = { 0 };

	cr_assert_eq(acl_set(slice_str(acl), &entry, change, &out), ERR_NONE);
	cr_assert(slice_eq(buf_slice(&out), slice_str(want)), "%.*s",
		  SLICE_FMT(buf_slice(&out)));
	buf_fini(&out);
}

Test(rights, letters_and_bits_are_the_same)
{
	struct buf out = { 0 };

	for (uint32_t rights = 0; rights <= RIGHTS_ALL; rights++) {
		uint32_t back;

		buf_clear(&out);
		rights_add_text(rights, &out);
		cr_assert_leq(out.len, RIGHTS_TEXT_MAX);
		cr_assert(rights_of_text(buf_slice(&out), &back));
		cr_assert_eq(back, rights);
	}
	buf_fini(&out);
}

Test(rights, obsolete_letters_mean_what_rfc_4314_says)
{
	uint32_t rights;

	cr_assert_eq(bits("c"), RIGHT_CREATE | RIGHT_DELETE_MAILBOX);
	cr_assert_eq(bits("d"), RIGHT_DELETE_MESSAGE | RIGHT_EXPUNGE);
	cr_assert_not(rights_of_text(SLICE_LIT("lz9"), &rights));
	cr_assert_eq(rights, RIGHT_LOOKUP);
}

Test(rights, entries_are_set_changed_and_go)
{
	expect_set("", "john", false, "lr", ACL_REPLACE, "john\tlr\t");
	expect_set("john\tlr\t", "john", false, "s", ACL_ADD, "john\tlrs\t");
	expect_set("john\tlrs\t", "john", false, "r", ACL_REMOVE, "john\tls\t");
	expect_set("john\tlrs\t", "john", false, "", ACL_REPLACE, "");
	expect_set("john\tlrs\t", "john", false, "lrs", ACL_REMOVE, "");
	expect_set("john\tlr\t", "john", true, "w", ACL_ADD,
		   "john\tlr\t-john\tw\t");
	expect_set("a\tl\tb\tr\tc\ts\t", "b", false, "x", ACL_REPLACE,
		   "a\tl\tb\tx\tc\ts\t");
	expect_set("a\tl\t", "b", false, "r", ACL_REMOVE, "a\tl\t");
}

Test(rights, a_list_has_a_limit)
{
	struct buf acl = { 0 };
	enum err err = ERR_NONE;
	unsigned entries = 0;

	while (err == ERR_NONE) {
		struct buf next = { 0 };
		struct buf name = { 0 };
		struct acl_entry entry = { .rights = RIGHTS_ALL };

		buf_printf(&name, "user%06u@example.org", entries);
		entry.identifier = buf_slice(&name);
		err = acl_set(buf_slice(&acl), &entry, ACL_REPLACE, &next);
		if (err == ERR_NONE) {
			entries++;
			cr_assert_eq(acl_check(buf_slice(&next)), ERR_NONE);
			buf_fini(&acl);
			acl = next;
		} else {
			cr_assert_eq(next.len, 0);
			buf_fini(&next);
		}
		buf_fini(&name);
	}
	cr_assert_eq(err, ERR_LIMIT);
	cr_assert_gt(entries, 200);
	buf_fini(&acl);
}

Test(rights, positive_entries_together_less_negative_ones)
{
	const char *acl = "anyone\tlr\tjane\tsw\tgroup:staff\ti\t"
			  "-jane\tr\t-group:boss\tlrswi\t";

	cr_assert_eq(rights_in(acl, "shared", "jane"), bits("lswi"));
	cr_assert_eq(rights_in(acl, "shared", "jack"), bits("lri"));
	cr_assert_eq(rights_in("anonymous\tl\t", "shared", ""), bits("l"));
	cr_assert_eq(rights_in("anonymous\tl\t", "shared", "jane"), 0);
}

Test(rights, an_owner_can_always_repair_his_list)
{
	cr_assert_eq(rights_in("", "user.jane.x", "jane"), RIGHTS_OWNER_ALWAYS);
	cr_assert_eq(rights_in("-jane\tlkxa\towner\trs\t", "user.jane", "jane"),
		     RIGHTS_OWNER_ALWAYS | bits("rs"));
	cr_assert_eq(rights_in("owner\trs\t", "user.jane", "jack"), 0);
	cr_assert_eq(rights_in("", "d.org!user.jane", "jane@d.org"),
		     RIGHTS_OWNER_ALWAYS);
	cr_assert_eq(rights_in("", "d.org!user.jane", "jane"), 0);
}

Test(rights, damaged_lists_are_told)
{
	cr_assert_eq(acl_check(SLICE_NONE), ERR_NONE);
	cr_assert_eq(acl_check(SLICE_LIT("john")), ERR_INVALID);
	cr_assert_eq(acl_check(SLICE_LIT("john\tlr")), ERR_INVALID);
	cr_assert_eq(acl_check(SLICE_LIT("\tlr\t")), ERR_INVALID);
	cr_assert_eq(acl_check(SLICE_LIT("--john\tlr\t")), ERR_INVALID);
	cr_assert_eq(acl_check(SLICE_LIT("john\tlr9\t-x\t\t")), ERR_NONE);
	cr_assert_eq(acl_check_identifier(SLICE_LIT("a\nb")), ERR_INVALID);
}
