#include <criterion/criterion.h>

#include "base/mem.h"
#include "base/random.h"
#include "cluster/names.h"
#include "cluster/namespace.h"

static struct namespace_view view(const char *user)
{
	struct namespace_view ns;

	namespace_init(&ns, slice_str(user));
	return ns;
}

struct pair {
	const char *client;
	const char *name;
};

static void both_ways(const struct namespace_view *ns, const struct pair *pairs,
		      size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct slice client = slice_str(pairs[i].client);
		struct slice name = slice_str(pairs[i].name);
		struct buf out = { 0 };

		cr_assert_eq(namespace_to_internal(ns, client, &out), ERR_NONE,
			     "%s", pairs[i].client);
		cr_assert(slice_eq(buf_slice(&out), name), "%s gives %.*s",
			  pairs[i].client, SLICE_FMT(buf_slice(&out)));
		buf_clear(&out);
		cr_assert(namespace_to_client(ns, name, &out), "%s",
			  pairs[i].name);
		cr_assert(slice_eq(buf_slice(&out), client), "%s gives %.*s",
			  pairs[i].name, SLICE_FMT(buf_slice(&out)));
		buf_fini(&out);
	}
}

static void understood(const struct namespace_view *ns, const char *client,
		       const char *name)
{
	struct buf out = { 0 };

	cr_assert_eq(namespace_to_internal(ns, slice_str(client), &out),
		     ERR_NONE, "%s", client);
	cr_assert(slice_eq(buf_slice(&out), slice_str(name)), "%s gives %.*s",
		  client, SLICE_FMT(buf_slice(&out)));
	buf_fini(&out);
}

static void refused(const struct namespace_view *ns, const char *client,
		    enum err want)
{
	struct buf out = { 0 };

	cr_assert_eq(namespace_to_internal(ns, slice_str(client), &out), want,
		     "%s", client);
	cr_assert_eq(out.len, 0);
	buf_fini(&out);
}

static void hidden(const struct namespace_view *ns, const char *name)
{
	struct buf out = { 0 };

	cr_assert_not(namespace_to_client(ns, slice_str(name), &out), "%s",
		      name);
	buf_fini(&out);
}

static void prefix_is(const struct namespace_view *ns, enum namespace_kind kind,
		      const char *want)
{
	struct buf out = { 0 };

	cr_assert(namespace_prefix(ns, kind, &out));
	cr_assert(slice_eq(buf_slice(&out), slice_str(want)));
	buf_fini(&out);
}

Test(namespace, alternate_view)
{
	static const struct pair pairs[] = {
		{ "INBOX", "user.john" },
		{ "Sent", "user.john.Sent" },
		{ "Sent/2024", "user.john.Sent.2024" },
		{ "v1.0", "user.john.v1^0" },
		{ "INBOX/x", "user.john.INBOX.x" },
		{ "INBOX/x/y", "user.john.INBOX.x.y" },
		{ "Inboxes", "user.john.Inboxes" },
		{ "Other Users/jane", "user.jane" },
		{ "Other Users/jane/Sent", "user.jane.Sent" },
		{ "Other Users/j.doe/a.b", "user.j^doe.a^b" },
		{ "Other Users/x@d.org", "d.org!user.x" },
		{ "Other Users/x.y@d.org/Sent", "d.org!user.x^y.Sent" },
		{ "Shared Folders/news", "news" },
		{ "Shared Folders/news/comp.lang", "news.comp^lang" },
		{ "Alt Folders/Other Users", "user.john.Other Users" },
		{ "Alt Folders/Shared Folders/x",
		  "user.john.Shared Folders.x" },
		{ "Alt Folders/Alt Folders", "user.john.Alt Folders" },
		{ "Alt Folders/inbox/x", "user.john.inbox.x" },
		{ "Alt Folders/INBOX", "user.john.INBOX" },
		{ "user/jane", "user.john.user.jane" },
	};
	struct namespace_view ns = view("john");

	both_ways(&ns, pairs, ARRAY_LEN(pairs));
	understood(&ns, "inbox", "user.john");
	understood(&ns, "iNbOx/x", "user.john.INBOX.x");
	understood(&ns, "Sent/", "user.john.Sent");
	understood(&ns, "Other Users/john/Sent", "user.john.Sent");
}

Test(namespace, standard_view)
{
	static const struct pair pairs[] = {
		{ "INBOX", "user.john" },
		{ "INBOX/Sent", "user.john.Sent" },
		{ "INBOX/INBOX/x", "user.john.INBOX.x" },
		{ "user/jane", "user.jane" },
		{ "user/j.doe/Sent", "user.j^doe.Sent" },
		{ "user/x@d.org/Sent", "d.org!user.x.Sent" },
		{ "news", "news" },
		{ "news/comp.lang", "news.comp^lang" },
		{ "Other Users/x", "Other Users.x" },
	};
	struct namespace_view ns = view("john");

	ns.alternate = false;
	both_ways(&ns, pairs, ARRAY_LEN(pairs));
	understood(&ns, "user/john/Sent", "user.john.Sent");
	refused(&ns, "user", ERR_NOTFOUND);
}

Test(namespace, separator_dot)
{
	static const struct pair alternate[] = {
		{ "INBOX", "user.john" },
		{ "Sent.2024", "user.john.Sent.2024" },
		{ "a^b", "user.john.a^b" },
		{ "Other Users.j^doe.x", "user.j^doe.x" },
		{ "Other Users.x@d^org.Sent", "d.org!user.x.Sent" },
		{ "Shared Folders.news.x", "news.x" },
	};
	static const struct pair standard[] = {
		{ "INBOX.Sent", "user.john.Sent" },
		{ "user.jane.Sent", "user.jane.Sent" },
		{ "user.x@d^org", "d.org!user.x" },
		{ "news.x", "news.x" },
	};
	struct namespace_view ns = view("john");

	ns.separator = '.';
	both_ways(&ns, alternate, ARRAY_LEN(alternate));
	refused(&ns, "a/b", ERR_INVALID);
	ns.alternate = false;
	both_ways(&ns, standard, ARRAY_LEN(standard));
}

Test(namespace, a_user_of_a_domain_sees_it_without)
{
	static const struct pair pairs[] = {
		{ "INBOX", "example.org!user.john" },
		{ "Sent", "example.org!user.john.Sent" },
		{ "Other Users/jane", "example.org!user.jane" },
		{ "Other Users/x@d.org", "d.org!user.x" },
		{ "Other Users/x@default.org", "user.x" },
		{ "Shared Folders/news", "example.org!news" },
	};
	struct namespace_view ns = view("john@example.org");

	ns.default_domain = SLICE_LIT("default.org");
	both_ways(&ns, pairs, ARRAY_LEN(pairs));
	understood(&ns, "Other Users/jane@example.org",
		   "example.org!user.jane");
	hidden(&ns, "news");
	hidden(&ns, "d.org!news");
	hidden(&ns, "default.org!user.x");
	ns.default_domain = SLICE_NONE;
	hidden(&ns, "user.x");
}

Test(namespace, a_user_of_the_default_domain)
{
	static const struct pair pairs[] = {
		{ "INBOX", "user.john" },
		{ "Other Users/jane", "user.jane" },
		{ "Other Users/x@d.org", "d.org!user.x" },
		{ "Shared Folders/news", "news" },
	};
	struct namespace_view ns = view("john");

	ns.default_domain = SLICE_LIT("default.org");
	both_ways(&ns, pairs, ARRAY_LEN(pairs));
	understood(&ns, "Other Users/jane@default.org", "user.jane");
	hidden(&ns, "d.org!news");
}

Test(namespace, the_administrators_view)
{
	static const struct pair pairs[] = {
		{ "user/john", "user.john" },
		{ "user/john/Sent", "user.john.Sent" },
		{ "user/j.doe/Sent", "user.j^doe.Sent" },
		{ "user/john/Sent@example.org", "example.org!user.john.Sent" },
		{ "news/x", "news.x" },
		{ "news/x@d.org", "d.org!news.x" },
		{ "news/a@b@", "news.a@b" },
	};
	struct namespace_view ns = view("");

	ns.admin = true;
	both_ways(&ns, pairs, ARRAY_LEN(pairs));
	refused(&ns, "INBOX", ERR_INVALID);
	refused(&ns, "user", ERR_NOTFOUND);
	refused(&ns, "news@", ERR_INVALID);
	refused(&ns, "user/john@a/b", ERR_INVALID);
	refused(&ns, "@d.org", ERR_INVALID);
}

Test(namespace, what_no_client_can_mean)
{
	struct namespace_view ns = view("john");

	refused(&ns, "", ERR_INVALID);
	refused(&ns, "/", ERR_INVALID);
	refused(&ns, "/x", ERR_INVALID);
	refused(&ns, "a//b", ERR_INVALID);
	refused(&ns, "a^b", ERR_INVALID);
	refused(&ns, "a!b", ERR_INVALID);
	refused(&ns, "Other Users", ERR_NOTFOUND);
	refused(&ns, "Other Users/", ERR_NOTFOUND);
	refused(&ns, "Shared Folders", ERR_NOTFOUND);
	refused(&ns, "Alt Folders", ERR_NOTFOUND);
	refused(&ns, "Alt Folders/x", ERR_INVALID);
	refused(&ns, "Other Users/jane@", ERR_INVALID);
	refused(&ns, "Other Users/@d.org", ERR_INVALID);
	refused(&ns, "Shared Folders/user/jane", ERR_INVALID);
	refused(&ns, "Shared Folders/inbox", ERR_INVALID);
}

Test(namespace, what_no_client_sees)
{
	struct namespace_view ns = view("john");

	hidden(&ns, "user.jane.a/b");
	hidden(&ns, "user");
	hidden(&ns, "INBOX.x");
	hidden(&ns, "d.org!user.jane.a!b");
}

Test(namespace, prefixes_of_the_namespace_command)
{
	struct namespace_view ns = view("john");
	struct buf out = { 0 };

	prefix_is(&ns, NAMESPACE_PERSONAL, "");
	prefix_is(&ns, NAMESPACE_OTHERS, "Other Users/");
	prefix_is(&ns, NAMESPACE_SHARED, "Shared Folders/");
	ns.alternate = false;
	ns.separator = '.';
	prefix_is(&ns, NAMESPACE_PERSONAL, "INBOX.");
	prefix_is(&ns, NAMESPACE_OTHERS, "user.");
	prefix_is(&ns, NAMESPACE_SHARED, "");
	ns.admin = true;
	prefix_is(&ns, NAMESPACE_OTHERS, "user.");
	cr_assert_not(namespace_prefix(&ns, NAMESPACE_PERSONAL, &out));
	cr_assert_eq(namespace_kind_of(&ns, SLICE_LIT("user.john")),
		     NAMESPACE_OTHERS);
	ns.admin = false;
	cr_assert_eq(namespace_kind_of(&ns, SLICE_LIT("user.john.x")),
		     NAMESPACE_PERSONAL);
	cr_assert_eq(namespace_kind_of(&ns, SLICE_LIT("user.jane")),
		     NAMESPACE_OTHERS);
	cr_assert_eq(namespace_kind_of(&ns, SLICE_LIT("news.x")),
		     NAMESPACE_SHARED);
}

/* Octets that mean something, more often than they would by chance. */
static size_t draw(struct random *random, char *name, size_t max)
{
	static const char *const words[] = {
		"INBOX",   "inbox", "Other Users", "Shared Folders",
		"jane",    "john",  "user",        "Alt Folders",
		"x@d.org", "d.org", "/",           "/",
		".",       "^",     "@",           "!",
		"a",       "news",  "default.org",
	};
	size_t len = 0;
	uint64_t count = random_range(random, 0, 6);

	for (uint64_t i = 0; i < count; i++) {
		const char *word =
			words[random_range(random, 0, ARRAY_LEN(words) - 1)];

		if (len + strlen(word) > max)
			break;
		memcpy(name + len, word, strlen(word));
		len += strlen(word);
	}
	return len;
}

static struct namespace_view draw_view(struct random *random)
{
	static const char *const users[] = { "john", "john@d.org",
					     "jane@example.org", "j.doe" };
	struct namespace_view ns = view(users[random_range(random, 0, 3)]);

	ns.alternate = random_range(random, 0, 1) == 0;
	ns.separator = random_range(random, 0, 1) == 0 ? '/' : '.';
	ns.admin = random_range(random, 0, 4) == 0;
	if (random_range(random, 0, 1) == 0)
		ns.default_domain = SLICE_LIT("default.org");
	return ns;
}

Test(namespace, what_is_shown_is_understood_the_same)
{
	struct random_seeded seeded;
	unsigned shown = 0;

	random_seeded_init(&seeded, 11);
	for (int i = 0; i < 40000; i++) {
		struct namespace_view ns = draw_view(&seeded.random);
		char octets[64];
		struct slice name = slice_of(
			octets, draw(&seeded.random, octets, sizeof(octets)));
		struct buf client = { 0 };
		struct buf back = { 0 };

		if (names_check(name) == ERR_NONE &&
		    namespace_to_client(&ns, name, &client)) {
			shown++;
			cr_assert_eq(namespace_to_internal(
					     &ns, buf_slice(&client), &back),
				     ERR_NONE, "%.*s shown as %.*s",
				     SLICE_FMT(name),
				     SLICE_FMT(buf_slice(&client)));
			cr_assert(slice_eq(buf_slice(&back), name),
				  "%.*s shown as %.*s is %.*s", SLICE_FMT(name),
				  SLICE_FMT(buf_slice(&client)),
				  SLICE_FMT(buf_slice(&back)));
		}
		buf_fini(&client);
		buf_fini(&back);
	}
	cr_assert_gt(shown, 1000);
}

Test(namespace, what_is_understood_is_shown_and_comes_to_rest)
{
	struct random_seeded seeded;
	unsigned understood_count = 0;

	random_seeded_init(&seeded, 12);
	for (int i = 0; i < 40000; i++) {
		struct namespace_view ns = draw_view(&seeded.random);
		char octets[64];
		struct slice client = slice_of(
			octets, draw(&seeded.random, octets, sizeof(octets)));
		struct buf name = { 0 };
		struct buf shown = { 0 };
		struct buf again = { 0 };

		if (namespace_to_internal(&ns, client, &name) == ERR_NONE &&
		    names_check(buf_slice(&name)) == ERR_NONE) {
			understood_count++;
			cr_assert(namespace_to_client(&ns, buf_slice(&name),
						      &shown),
				  "%.*s is %.*s and not shown",
				  SLICE_FMT(client),
				  SLICE_FMT(buf_slice(&name)));
			cr_assert_eq(namespace_to_internal(
					     &ns, buf_slice(&shown), &again),
				     ERR_NONE);
			cr_assert(
				slice_eq(buf_slice(&again), buf_slice(&name)));
		}
		buf_fini(&name);
		buf_fini(&shown);
		buf_fini(&again);
	}
	cr_assert_gt(understood_count, 1000);
}

static void fault(char separator, const char *prefix, const char *want)
{
	const char *what = namespace_prefix_fault(separator, slice_str(prefix));

	if (!want)
		cr_assert_null(what, "\"%s\" %s", prefix, what);
	else
		cr_assert(what && strcmp(what, want) == 0, "\"%s\" %s", prefix,
			  what ? what : "is taken");
}

Test(namespace, a_prefix_is_a_name_that_nothing_else_has)
{
	fault('/', "Other Users", NULL);
	fault('.', "Other Users", NULL);
	fault('/', "user", NULL);
	fault('/', "Andere.Nutzer", NULL);
	fault('.', "a^b", NULL);
	fault('/', "G\xc3\xa4ste", NULL);
	fault('/', "", "is empty");
	fault('/', "a/b", "contains the separator");
	fault('.', "a.b", "contains the separator");
	fault('/', "inBox", "is the INBOX of every user");
	fault('/', "Alt Folders",
	      "is kept for folders that are called like a prefix");
	fault('/', "\xff", "is not UTF-8");
	fault('/', "Ga\xcc\x88ste", "is not in Unicode's composed form (NFC)");
	fault('/', "a^b", "cannot be the name of a mailbox");
	fault('.', "a/b", "cannot be the name of a mailbox");
	fault('/', "a%", "cannot be the name of a mailbox");
	fault('/', "a\tb", "cannot be the name of a mailbox");
	fault('/', "a!b", "cannot be the name of a mailbox");
}

/* What passes the check works: names below it come back as they went in. */
Test(namespace, a_prefix_that_passes_serves)
{
	static const char *const prefixes[] = { "user", "Andere.Nutzer", "~x",
						"#y", "a\"b" };

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		struct namespace_view ns = view("john");
		struct buf client = { 0 };
		struct buf back = { 0 };

		fault('/', prefixes[i], NULL);
		ns.others = slice_str(prefixes[i]);
		cr_assert(namespace_to_client(&ns, SLICE_LIT("user.jane.Sent"),
					      &client));
		cr_assert_eq(
			namespace_to_internal(&ns, buf_slice(&client), &back),
			ERR_NONE);
		cr_assert(slice_eq(buf_slice(&back),
				   SLICE_LIT("user.jane.Sent")));
		buf_fini(&client);
		buf_fini(&back);
	}
}
