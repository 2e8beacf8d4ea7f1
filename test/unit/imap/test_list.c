/*
 * Patterns, and which names LIST and LSUB tell: the examples of RFC 5258
 * section 5, and corners of the order in which names come.
 */
#include <criterion/criterion.h>

#include <stdlib.h>

#include "base/attr.h"
#include "imap/list_match.h"
#include "imap/parser.h"

/* ---- patterns ---- */

static const struct {
	const char *pattern;
	const char *name;
	bool match;
} patterns[] = {
	{ "a", "a", true },
	{ "a", "ab", false },
	{ "a", "A", false },
	{ "*", "a/b/c", true },
	{ "*", "", true },
	{ "%", "", true },
	{ "%", "a", true },
	{ "%", "a/b", false },
	{ "%/%", "a/b", true },
	{ "%/%", "a/b/c", false },
	{ "%/*", "a/b/c", true },
	{ "a%", "abc", true },
	{ "a%", "a", true },
	{ "a*c", "abcbc", true },
	{ "a*c", "abcbd", false },
	{ "a%c", "a/c", false },
	{ "a%c", "abbc", true },
	{ "*a%b*c", "xaybzc", true },
	{ "*a%b*c", "xa/bzac", false },
	{ "*a%b*c", "xa/a-b/c", true },
	{ "%%a", "bba", true },
	{ "%*a", "b/ba", true },
	{ "*%a", "b/ba", true },
	{ "**", "a/b", true },
	{ "*2", "foo2/bar22", true },
	{ "*2", "foo2/bar1", false },
	{ "foo/", "foo", false },
	/* INBOX in any case, and what is below it */
	{ "inbox", "INBOX", true },
	{ "InBoX/%", "INBOX/a", true },
	{ "i%", "INBOX", true },
	{ "*x", "INBOX", true },
	{ "*b*", "INBOX", true },
	{ "i%", "Ia", false },
	{ "inbox", "inboxes", false },
	{ "inboxes", "INBOXES", false },
	{ "in%", "INBOXES", false },
	{ "inbox/A", "INBOX/a", false },
};

Test(pattern, matches_names)
{
	struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct imap_pattern *pattern =
			imap_pattern_new(&arena, SLICE_LIT(""),
					 slice_str(patterns[i].pattern), '/');

		cr_assert_eq(imap_pattern_match(pattern,
						slice_str(patterns[i].name)),
			     patterns[i].match, "%s against %s",
			     patterns[i].name, patterns[i].pattern);
	}
	arena_fini(&arena);
}

Test(pattern, has_the_reference_in_front)
{
	struct arena arena = { 0 };
	struct imap_pattern *pattern = imap_pattern_new(
		&arena, SLICE_LIT("~/Mail/"), SLICE_LIT("%"), '/');

	cr_assert(imap_pattern_match(pattern, SLICE_LIT("~/Mail/foo")));
	cr_assert(!imap_pattern_match(pattern, SLICE_LIT("~/Mail/foo/b")));
	cr_assert(slice_eq(imap_pattern_prefix(pattern), SLICE_LIT("~/Mail/")));
	arena_fini(&arena);
}

Test(pattern, has_a_prefix_unless_it_may_be_inbox)
{
	static const struct {
		const char *pattern;
		const char *prefix;
	} prefixes[] = {
		{ "*", "" },
		{ "foo%", "foo" },
		{ "foo", "foo" },
		{ "inb*", "" },
		{ "Inbo%", "" },
		{ "inbox", "INBOX" },
		{ "inbox/*", "INBOX/" },
		{ "inboxe*", "inboxe" },
		{ "ix*", "ix" },
	};
	struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		struct imap_pattern *pattern =
			imap_pattern_new(&arena, SLICE_NONE,
					 slice_str(prefixes[i].pattern), '/');

		cr_assert(slice_eq(imap_pattern_prefix(pattern),
				   slice_str(prefixes[i].prefix)),
			  "%s", prefixes[i].pattern);
	}
	arena_fini(&arena);
}

/* States beyond one word; a mismatch late in the name; many wildcards. */
Test(pattern, may_be_long_and_full_of_wildcards)
{
	struct arena arena = { 0 };
	struct buf text = { 0 };
	struct buf name = { 0 };
	struct imap_pattern *pattern;

	for (int i = 0; i < 500; i++) {
		buf_add_str(&text, "*a%");
		buf_add_str(&name, "aa");
	}
	pattern = imap_pattern_new(&arena, SLICE_NONE, buf_slice(&text), '/');
	cr_assert(imap_pattern_match(pattern, buf_slice(&name)));
	cr_assert(!imap_pattern_match(pattern,
				      slice_first(buf_slice(&name), 499)));
	buf_add_octet(&text, 'b');
	pattern = imap_pattern_new(&arena, SLICE_NONE, buf_slice(&text), '/');
	cr_assert(!imap_pattern_match(pattern, buf_slice(&name)));
	buf_add_octet(&name, 'b');
	cr_assert(imap_pattern_match(pattern, buf_slice(&name)));
	for (int i = 0; i < IMAP_PATTERN_MAX; i++)
		buf_add_octet(&text, 'a');
	pattern = imap_pattern_new(&arena, SLICE_NONE, buf_slice(&text), '/');
	cr_assert(!imap_pattern_match(pattern, buf_slice(&text)));
	buf_fini(&text);
	buf_fini(&name);
	arena_fini(&arena);
}

/* ---- the walk ---- */

/* Letters behind a name: what the entry is. Sorted by octets. */
struct tree {
	const char *name;
	const char *is; /* s subscribed, x does not exist, c has children,
			   n no inferiors, N not selectable, u \Sent */
};

struct told {
	struct buf lines[50];
	size_t count;
};

static void take_line(void *arg, const struct imap_list_entry *entry,
		      const struct imap_list_line *line)
{
	struct told *told = (struct told *)arg;
	struct buf *out = &told->lines[told->count++];

	cr_assert_lt(told->count, ARRAY_LEN(told->lines));
	cr_assert(slice_eq(entry->name, line->name));
	imap_write_list(out, false, line);
	out->len -= 2; /* CRLF */
}

static struct imap_list_entry entry_of(const struct tree *node)
{
	const char *is = node->is;

	return (struct imap_list_entry){
		.name = slice_str(node->name),
		.exists = strchr(is, 'x') == NULL,
		.selectable = strchr(is, 'N') == NULL,
		.has_children = strchr(is, 'c') != NULL,
		.no_inferiors = strchr(is, 'n') != NULL,
		.subscribed = strchr(is, 's') != NULL,
		.special_use = strchr(is, 'u') != NULL ? IMAP_USE_SENT : 0,
	};
}

static void walk_tree(const struct imap_command *command,
		      const struct tree *tree, struct told *told)
{
	struct imap_list_walk *walk =
		imap_list_walk_new(&command->list, command->kind == IMAP_LSUB,
				   '/', take_line, told);
	struct slice prefix = imap_list_walk_prefix(walk);

	for (; tree->name != NULL; tree++) {
		struct imap_list_entry entry = entry_of(tree);

		if (slice_has_prefix(entry.name, prefix))
			imap_list_walk_add(walk, &entry);
	}
	imap_list_walk_end(walk);
	imap_list_walk_free(&walk);
}

static int compare(const void *a, const void *b)
{
	return slice_cmp(buf_slice((const struct buf *)a),
			 buf_slice((const struct buf *)b));
}

/* Names are told in no particular order: both sides are sorted. */
static void expect(const struct tree *tree, const char *text,
		   const char *wanted)
{
	struct imap_parser *parser = imap_parser_new();
	struct slice in = slice_str(text);
	struct arena arena = { 0 };
	struct buf lines = { 0 };
	struct told told = { 0 };

	imap_parser_start(parser, &arena);
	cr_assert_eq(imap_parser_feed(parser, &in), IMAP_FEED_DONE);
	walk_tree(imap_parser_command(parser), tree, &told);
	qsort(told.lines, told.count, sizeof(told.lines[0]), compare);
	for (size_t i = 0; i < told.count; i++) {
		buf_add_slice(&lines, buf_slice(&told.lines[i]));
		buf_add_octet(&lines, '\n');
		buf_fini(&told.lines[i]);
	}
	cr_assert_str_eq(buf_cstr(&lines), wanted, "%s%sinstead of\n%s", text,
			 buf_cstr(&lines), wanted);
	buf_fini(&lines);
	arena_fini(&arena);
	imap_parser_free(&parser);
}

/* RFC 5258 section 5, example 1; Fruit/Peach is only subscribed. */
static const struct tree fruit[] = {
	{ "Fruit", "c" },         { "Fruit/Apple", "" },
	{ "Fruit/Banana", "s" },  { "Fruit/Peach", "xs" },
	{ "INBOX", "sn" },        { "Tofu", "" },
	{ "Vegetable", "sc" },    { "Vegetable/Broccoli", "s" },
	{ "Vegetable/Corn", "" }, { NULL, NULL },
};

Test(list, example_1_all_names)
{
	expect(fruit, "A01 LIST \"\" \"*\"\r\n",
	       "* LIST (\\HasChildren) \"/\" Fruit\n"
	       "* LIST (\\HasChildren) \"/\" Vegetable\n"
	       "* LIST (\\HasNoChildren) \"/\" Fruit/Apple\n"
	       "* LIST (\\HasNoChildren) \"/\" Fruit/Banana\n"
	       "* LIST (\\HasNoChildren) \"/\" Tofu\n"
	       "* LIST (\\HasNoChildren) \"/\" Vegetable/Broccoli\n"
	       "* LIST (\\HasNoChildren) \"/\" Vegetable/Corn\n"
	       "* LIST (\\Noinferiors) \"/\" INBOX\n");
}

Test(list, example_2_subscribed_names)
{
	expect(fruit, "A02 LIST (SUBSCRIBED) \"\" \"*\"\r\n",
	       "* LIST (\\Noinferiors \\Subscribed) \"/\" INBOX\n"
	       "* LIST (\\NonExistent \\Subscribed) \"/\" Fruit/Peach\n"
	       "* LIST (\\Subscribed) \"/\" Fruit/Banana\n"
	       "* LIST (\\Subscribed) \"/\" Vegetable\n"
	       "* LIST (\\Subscribed) \"/\" Vegetable/Broccoli\n");
}

Test(list, example_3_children)
{
	expect(fruit, "A03 LIST () \"\" \"%\" RETURN (CHILDREN)\r\n",
	       "* LIST (\\HasChildren) \"/\" Fruit\n"
	       "* LIST (\\HasChildren) \"/\" Vegetable\n"
	       "* LIST (\\HasNoChildren) \"/\" Tofu\n"
	       "* LIST (\\Noinferiors) \"/\" INBOX\n");
}

Test(list, example_6_subscriptions_returned)
{
	expect(fruit, "A06 LIST (REMOTE) \"\" \"*\" RETURN (SUBSCRIBED)\r\n",
	       "* LIST () \"/\" Fruit\n"
	       "* LIST () \"/\" Fruit/Apple\n"
	       "* LIST () \"/\" Tofu\n"
	       "* LIST () \"/\" Vegetable/Corn\n"
	       "* LIST (\\Noinferiors \\Subscribed) \"/\" INBOX\n"
	       "* LIST (\\Subscribed) \"/\" Fruit/Banana\n"
	       "* LIST (\\Subscribed) \"/\" Vegetable\n"
	       "* LIST (\\Subscribed) \"/\" Vegetable/Broccoli\n");
}

Test(list, example_7_several_patterns)
{
	static const struct tree tree[] = {
		{ "Drafts", "n" },    { "INBOX", "" },        { "Sent", "c" },
		{ "Sent/March", "" }, { "Sent/March/1", "" }, { NULL, NULL },
	};

	expect(tree, "BBB LIST \"\" (\"INBOX\" \"Drafts\" \"Sent/%\")\r\n",
	       "* LIST () \"/\" INBOX\n"
	       "* LIST () \"/\" Sent/March\n"
	       "* LIST (\\Noinferiors) \"/\" Drafts\n");
}

static const struct tree foo[] = {
	{ "Foo", "c" },   { "Foo/Bar", "" }, { "Foo/Baz", "s" },
	{ "INBOX", "n" }, { "Moo", "" },     { NULL, NULL },
};

Test(list, example_8_a_parent_of_subscribed_names)
{
	expect(foo, "C02 LIST (SUBSCRIBED) \"\" \"*\"\r\n",
	       "* LIST (\\Subscribed) \"/\" Foo/Baz\n");
	expect(foo, "C02 LIST (SUBSCRIBED) \"\" \"%\"\r\n", "");
	expect(foo, "C04 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\"\r\n",
	       "* LIST () \"/\" Foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\n");
}

Test(list, example_8_a1_a_subscribed_parent)
{
	static const struct tree tree[] = {
		{ "Foo", "cs" },  { "Foo/Bar", "" }, { "Foo/Baz", "s" },
		{ "INBOX", "n" }, { "Moo", "" },     { NULL, NULL },
	};

	expect(tree, "C04 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\"\r\n",
	       "* LIST (\\Subscribed) \"/\" Foo "
	       "(\"CHILDINFO\" (\"SUBSCRIBED\"))\n");
}

Test(list, example_8_a2_a_parent_that_does_not_exist)
{
	static const struct tree tree[] = {
		{ "Foo/Baz", "s" },
		{ "INBOX", "n" },
		{ "Moo", "" },
		{ NULL, NULL },
	};

	expect(tree, "C04 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\"\r\n",
	       "* LIST (\\NonExistent) \"/\" Foo "
	       "(\"CHILDINFO\" (\"SUBSCRIBED\"))\n");
}

Test(list, example_8_c_children_that_are_not_subscribed)
{
	static const struct tree tree[] = {
		{ "Foo", "cs" },  { "Foo/Bar", "" }, { "Foo/Baz", "" },
		{ "INBOX", "n" }, { "Moo", "s" },    { NULL, NULL },
	};

	expect(tree,
	       "C04 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\" "
	       "RETURN (CHILDREN)\r\n",
	       "* LIST (\\HasChildren \\Subscribed) \"/\" Foo\n"
	       "* LIST (\\HasNoChildren \\Subscribed) \"/\" Moo\n");
}

static const struct tree foo2[] = {
	{ "INBOX", "n" },      { "baz2", "c" },        { "baz2/bar2", "s" },
	{ "baz2/bar22", "s" }, { "baz2/bar222", "s" }, { "eps2", "cs" },
	{ "eps2/mamba", "s" }, { "foo2", "c" },        { "foo2/bar1", "s" },
	{ "foo2/bar2", "s" },  { "qux2/bar2", "s" },   { NULL, NULL },
};

Test(list, example_9_childinfo_whether_or_not_children_match)
{
	expect(foo2, "D03 LIST (RECURSIVEMATCH SUBSCRIBED) \"\" \"*2\"\r\n",
	       "* LIST () \"/\" foo2 (\"CHILDINFO\" (\"SUBSCRIBED\"))\n"
	       "* LIST (\\Subscribed) \"/\" baz2/bar2\n"
	       "* LIST (\\Subscribed) \"/\" baz2/bar22\n"
	       "* LIST (\\Subscribed) \"/\" baz2/bar222\n"
	       "* LIST (\\Subscribed) \"/\" eps2 "
	       "(\"CHILDINFO\" (\"SUBSCRIBED\"))\n"
	       "* LIST (\\Subscribed) \"/\" foo2/bar2\n"
	       "* LIST (\\Subscribed) \"/\" qux2/bar2\n");
	/* The RFC shows redundant ones here, which section 3.5 advises
	   against. */
	expect(foo2, "D03 LIST (RECURSIVEMATCH SUBSCRIBED) \"\" \"*\"\r\n",
	       "* LIST (\\Subscribed) \"/\" baz2/bar2\n"
	       "* LIST (\\Subscribed) \"/\" baz2/bar22\n"
	       "* LIST (\\Subscribed) \"/\" baz2/bar222\n"
	       "* LIST (\\Subscribed) \"/\" eps2 "
	       "(\"CHILDINFO\" (\"SUBSCRIBED\"))\n"
	       "* LIST (\\Subscribed) \"/\" eps2/mamba\n"
	       "* LIST (\\Subscribed) \"/\" foo2/bar1\n"
	       "* LIST (\\Subscribed) \"/\" foo2/bar2\n"
	       "* LIST (\\Subscribed) \"/\" qux2/bar2\n");
}

Test(list, example_10_childinfo_without_haschildren)
{
	static const struct tree tree[] = {
		{ "foo", "" },
		{ "foo/bar", "xs" },
		{ NULL, NULL },
	};

	expect(tree, "a1 LIST \"\" (\"foo\" \"foo/*\")\r\n",
	       "* LIST () \"/\" foo\n");
	expect(tree, "a2 LIST (SUBSCRIBED) \"\" \"foo/*\"\r\n",
	       "* LIST (\\NonExistent \\Subscribed) \"/\" foo/bar\n");
	expect(tree,
	       "a3 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" foo "
	       "RETURN (CHILDREN)\r\n",
	       "* LIST (\\HasNoChildren) \"/\" foo "
	       "(\"CHILDINFO\" (\"SUBSCRIBED\"))\n");
}

Test(list, example_11_missing_parents)
{
	static const struct tree tree[] = {
		{ "also/jazz", "" },
		{ "music/rock", "" },
		{ NULL, NULL },
	};

	expect(tree, "a1 LIST \"\" *\r\n",
	       "* LIST (\\HasNoChildren) \"/\" also/jazz\n"
	       "* LIST (\\HasNoChildren) \"/\" music/rock\n");
	expect(tree, "a2 LIST () \"\" %\r\n",
	       "* LIST (\\NonExistent \\HasChildren) \"/\" also\n"
	       "* LIST (\\NonExistent \\HasChildren) \"/\" music\n");
	expect(tree, "a2 LIST \"\" %\r\n",
	       "* LIST (\\Noselect \\HasChildren) \"/\" also\n"
	       "* LIST (\\Noselect \\HasChildren) \"/\" music\n");
	expect(tree, "a3.1 LIST \"\" (% music/rock)\r\n",
	       "* LIST () \"/\" music/rock\n"
	       "* LIST (\\NonExistent \\HasChildren) \"/\" also\n");
}

/* RFC 3501 section 6.3.9: "%" shows parents of subscribed names. */
Test(lsub, shows_parents_as_noselect)
{
	static const struct tree tree[] = {
		{ "a", "c" },          { "a/b/c", "s" },
		{ "comp/mail", "xs" }, { "comp/mail/mime", "s" },
		{ "news", "s" },       { NULL, NULL },
	};

	expect(tree, "A1 LSUB \"\" \"%\"\r\n",
	       "* LSUB () \"/\" news\n"
	       "* LSUB (\\Noselect) \"/\" a\n"
	       "* LSUB (\\Noselect) \"/\" comp\n");
	expect(tree, "A1 LSUB \"\" \"*\"\r\n",
	       "* LSUB () \"/\" a/b/c\n"
	       "* LSUB () \"/\" comp/mail\n"
	       "* LSUB () \"/\" comp/mail/mime\n"
	       "* LSUB () \"/\" news\n");
	expect(tree, "A1 LSUB \"comp/\" \"%\"\r\n",
	       "* LSUB () \"/\" comp/mail\n");
}

/* Octets below '/' come between a name and the names below it. */
Test(list, waits_for_names_below_behind_other_names)
{
	static const struct tree tree[] = {
		{ "a", "" },    { "a b", "" },    { "a b/c", "s" },
		{ "a-b", "s" }, { "a-b/c", "s" }, { "a/b", "s" },
		{ "a0", "" },   { NULL, NULL },
	};

	expect(tree, "x LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\"\r\n",
	       "* LIST () \"/\" \"a b\" (\"CHILDINFO\" (\"SUBSCRIBED\"))\n"
	       "* LIST () \"/\" a (\"CHILDINFO\" (\"SUBSCRIBED\"))\n"
	       "* LIST (\\Subscribed) \"/\" a-b "
	       "(\"CHILDINFO\" (\"SUBSCRIBED\"))\n");
}

Test(list, selects_special_uses)
{
	static const struct tree tree[] = {
		{ "Entw", "" },
		{ "Sent", "u" },
		{ NULL, NULL },
	};

	expect(tree, "t LIST (SPECIAL-USE) \"\" \"*\"\r\n",
	       "* LIST (\\Sent) \"/\" Sent\n");
	expect(tree, "t LIST \"\" \"%\" RETURN (SPECIAL-USE)\r\n",
	       "* LIST () \"/\" Entw\n"
	       "* LIST (\\Sent) \"/\" Sent\n");
	expect(tree, "t LIST \"\" \"%\" RETURN (CHILDREN)\r\n",
	       "* LIST (\\HasNoChildren) \"/\" Entw\n"
	       "* LIST (\\HasNoChildren) \"/\" Sent\n");
	expect(tree, "t LIST \"\" \"%\"\r\n",
	       "* LIST (\\HasNoChildren \\Sent) \"/\" Sent\n"
	       "* LIST (\\HasNoChildren) \"/\" Entw\n");
}

Test(list, ignores_patterns_that_can_match_nothing)
{
	expect(foo, "t LIST () \"\" \"\"\r\n", "");
	expect(foo, "t LIST \"\" (\"\" \"Moo\" \"&bad\")\r\n",
	       "* LIST () \"/\" Moo\n");
	expect(foo, "t LIST \"&bad\" \"*\"\r\n", "");
}

Test(list, shows_names_that_cannot_be_selected)
{
	static const struct tree tree[] = {
		{ "shared", "Nc" },
		{ "shared/a", "" },
		{ NULL, NULL },
	};

	expect(tree, "t LIST \"\" \"%\"\r\n",
	       "* LIST (\\Noselect \\HasChildren) \"/\" shared\n");
}
