#include <criterion/criterion.h>

#include "base/mem.h"
#include "cluster/names.h"

static enum err check(const char *name)
{
	return names_check(slice_str(name));
}

static void expect(struct slice got, const char *want)
{
	cr_assert(slice_eq(got, slice_str(want)), "%.*s, not %s",
		  SLICE_FMT(got), want);
}

Test(names, good_names_may_be_created)
{
	static const char *const names[] = {
		"user.john",
		"user.john.Sent",
		"user.john^doe.Sent",
		"user.john.a^b.c",
		"example.org!user.john",
		"example.org!shared.news",
		"shared",
		"shared.INBOX",
		"users.john",
		"user.john.INBOX.x",
		"user.john.x.inbox",
		"user.john.\xc3\xa4rger",
		"user.john.a b&c",
		"user.user",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		cr_assert_eq(check(names[i]), ERR_NONE, "%s", names[i]);
}

Test(names, bad_names_may_not)
{
	static const char *const names[] = {
		"",
		".",
		"user",
		"user.",
		"user..x",
		"user.john.",
		".shared",
		"shared..news",
		"a/b",
		"a%b",
		"a*",
		"shared.a!b!c",
		"example..org!shared",
		".!shared",
		"!user.john",
		"example.org!",
		"example.org!user",
		"ex^ample!shared",
		"a@b!shared",
		"user.john@example^org",
		"INBOX",
		"inbox.x",
		"example.org!Inbox",
		"user.john.INBOX",
		"user.john.inbox",
		"user.john.Inbox.x",
		"shared.a\tb",
		"shared.\x7f",
		"shared.\xc2\x85",
		"shared.\xff",
		"shared.\xed\xa0\x80",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		cr_assert_eq(check(names[i]), ERR_INVALID, "%s", names[i]);
	cr_assert_eq(names_check(slice_of("a\0b", 3)), ERR_INVALID);
}

Test(names, the_limit_is_490_octets)
{
	char name[NAMES_MAILBOX_MAX + 2];

	memset(name, 'x', sizeof(name));
	cr_assert_eq(names_check(slice_of(name, NAMES_MAILBOX_MAX)), ERR_NONE);
	cr_assert_eq(names_check(slice_of(name, NAMES_MAILBOX_MAX + 1)),
		     ERR_LIMIT);
	cr_assert_eq(names_check_foreign(slice_of(name, NAMES_MAILBOX_MAX)),
		     ERR_NONE);
	cr_assert_eq(names_check_foreign(slice_of(name, NAMES_MAILBOX_MAX + 1)),
		     ERR_LIMIT);
}

Test(names, a_foreign_name_keeps_its_octets)
{
	cr_assert_eq(names_check_foreign(SLICE_LIT("user.x.&-\xff/%")),
		     ERR_NONE);
	cr_assert_eq(names_check_foreign(SLICE_NONE), ERR_INVALID);
	cr_assert_eq(names_check_foreign(slice_of("a\0b", 3)), ERR_INVALID);
}

Test(names, users_have_an_inbox_and_get_their_name_back)
{
	static const struct {
		const char *user;
		const char *inbox;
	} cases[] = {
		{ "john", "user.john" },
		{ "john.doe", "user.john^doe" },
		{ "john@example.org", "example.org!user.john" },
		{ "j.d@mail.example.org", "mail.example.org!user.j^d" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice user = slice_str(cases[i].user);
		struct buf inbox = { 0 };
		struct buf owner = { 0 };

		cr_assert_eq(names_check_user(user), ERR_NONE);
		names_add_inbox(user, &inbox);
		expect(buf_slice(&inbox), cases[i].inbox);
		cr_assert(names_add_owner(buf_slice(&inbox), &owner));
		expect(buf_slice(&owner), cases[i].user);
		cr_assert(names_is_owner(buf_slice(&inbox), user));
		buf_add_str(&inbox, ".Sent.2024");
		cr_assert(names_is_owner(buf_slice(&inbox), user));
		cr_assert_not(
			names_is_owner(buf_slice(&inbox), SLICE_LIT("jack")));
		buf_fini(&inbox);
		buf_fini(&owner);
	}
}

Test(names, what_is_no_user)
{
	static const char *const users[] = {
		"",   "@example.org", "john@", "a^b",   "a/b",     "a!b",
		"a%", "a*",           "a b@",  "a@b@c", "x@a/b.c",
	};
	char name[NAMES_USER_MAX + 1];

	for (size_t i = 0; i < ARRAY_LEN(users); i++)
		cr_assert_eq(names_check_user(slice_str(users[i])), ERR_INVALID,
			     "%s", users[i]);
	memset(name, 'x', sizeof(name));
	cr_assert_eq(names_check_user(slice_of(name, NAMES_USER_MAX)),
		     ERR_NONE);
	cr_assert_eq(names_check_user(slice_of(name, NAMES_USER_MAX + 1)),
		     ERR_LIMIT);
}

Test(names, roots_parents_and_leaves)
{
	static const struct {
		const char *name;
		const char *root;
		const char *parent; /* NULL: none */
		const char *leaf;
		bool personal;
	} cases[] = {
		{ "user.john", "user.john", NULL, "john", true },
		{ "user.john.a", "user.john", "user.john", "a", true },
		{ "user.john.a.b", "user.john", "user.john.a", "b", true },
		{ "d.org!user.j", "d.org!user.j", NULL, "j", true },
		{ "d.org!user.j.x", "d.org!user.j", "d.org!user.j", "x", true },
		{ "shared", "shared", NULL, "shared", false },
		{ "shared.a", "shared", "shared", "a", false },
		{ "d.org!news.a.b", "d.org!news", "d.org!news.a", "b", false },
		{ "users.a", "users", "users", "a", false },
		{ "user", "user", NULL, "user", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice name = slice_str(cases[i].name);
		struct slice parent;

		expect(names_root(name), cases[i].root);
		expect(names_leaf(name), cases[i].leaf);
		cr_assert_eq(names_is_personal(name), cases[i].personal);
		cr_assert_eq(names_parent(name, &parent),
			     cases[i].parent != NULL);
		if (cases[i].parent)
			expect(parent, cases[i].parent);
		cr_assert_eq(names_is_root(name), !cases[i].parent);
	}
}

Test(names, below_means_by_components)
{
	struct slice top = SLICE_LIT("user.john");

	cr_assert(names_is_below(SLICE_LIT("user.john.x"), top));
	cr_assert_not(names_is_below(SLICE_LIT("user.john"), top));
	cr_assert_not(names_is_below(SLICE_LIT("user.johnny"), top));
	cr_assert_not(names_is_below(SLICE_LIT("user.johnny.x"), top));
	cr_assert(names_is_inbox_shadow(SLICE_LIT("user.john.INBOX")));
	cr_assert(names_is_inbox_shadow(SLICE_LIT("user.john.inbox")));
	cr_assert_not(names_is_inbox_shadow(SLICE_LIT("user.john.INBOX.x")));
	cr_assert_not(names_is_inbox_shadow(SLICE_LIT("user.john")));
	cr_assert_not(names_is_inbox_shadow(SLICE_LIT("shared.INBOX")));
}

Test(names, any_octets_do_no_harm)
{
	uint8_t octets[6];

	for (uint32_t n = 0; n < 60000; n++) {
		static const uint8_t alphabet[] = "u.!@^x/\xff";
		uint32_t rest = n;
		struct buf out = { 0 };
		struct slice name;
		struct slice parent;

		for (size_t i = 0; i < sizeof(octets); i++, rest /= 8)
			octets[i] = alphabet[rest % 8];
		name = slice_of(octets, n % 7);
		if (names_check(name) == ERR_NONE)
			cr_assert_eq(names_check_foreign(name), ERR_NONE);
		if (names_check_user(name) == ERR_NONE)
			cr_assert_gt(name.len, 0);
		cr_assert_leq(names_root(name).len, name.len);
		cr_assert_leq(names_leaf(name).len, name.len);
		(void)names_parent(name, &parent);
		(void)names_is_owner(name, SLICE_LIT("u"));
		(void)names_add_owner(name, &out);
		buf_fini(&out);
	}
}
