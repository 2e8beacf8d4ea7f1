/*
 * Compares mail/ with GMime over real mail: ENVELOPE and BODYSTRUCTURE.
 *
 *     corpus_mime [-v] DIRECTORY
 *
 * Each directory in it is a folder, each file below a message. Prints a table
 * and TAP lines. It fails if fewer than 99 % of the messages are equal, or if
 * a difference has no rule (differences.c); -v shows all differences.
 */
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gmime/gmime.h>

#include "compare.h"
#include "mail/strip.h"
#include "mail/structure.h"

#define RULES_MAX 64
#define FOLDERS_MAX 64

/* Per cent of the messages that must be equal without any rule. */
#define EQUAL_MIN 99

struct folder {
	const char *name;
	unsigned messages;
	unsigned equal;
	unsigned silent;  /* GMime says nothing: there is no header field */
	unsigned covered; /* differences with a rule */
	unsigned bare;    /* without one */
};

struct corpus {
	bool verbose;
	struct folder folders[FOLDERS_MAX];
	unsigned folder_count;
	unsigned rule_hits[RULES_MAX];
	uint64_t octets;
	uint64_t parse_ns; /* what mail/ alone takes */
	struct facts ours;
	struct facts theirs;
	struct arena arena;
	struct buf structure;
	struct buf file;
	struct buf message;
};

/* ---- one message ---- */

static void print_difference(const char *path, const struct difference *diff,
			     const char *rule)
{
	printf("# %s: %s [%s] %s\n#   ours   \"%.*s\"\n#   theirs \"%.*s\"\n",
	       rule, path, diff->place, diff->what, SLICE_FMT(diff->ours),
	       SLICE_FMT(diff->theirs));
}

static void judge(struct corpus *c, struct folder *folder, const char *path,
		  const struct difference *diff)
{
	for (size_t i = 0; difference_rules[i].name; i++) {
		if (!difference_rules[i].covers(diff))
			continue;
		c->rule_hits[i]++;
		folder->covered++;
		if (c->verbose)
			print_difference(path, diff, difference_rules[i].name);
		return;
	}
	folder->bare++;
	print_difference(path, diff, "NO RULE");
}

static bool values_equal(struct slice a, struct slice b)
{
	return (a.data != NULL) == (b.data != NULL) && slice_eq_nocase(a, b);
}

/* Facts of `a`, and those that `b` alone has if `only` is set. */
static unsigned compare_side(struct corpus *c, struct folder *folder,
			     const char *path, bool theirs)
{
	const struct facts *from = theirs ? &c->theirs : &c->ours;
	const struct facts *to = theirs ? &c->ours : &c->theirs;
	unsigned differences = 0;

	for (size_t i = 0; i < from->count; i++) {
		const struct fact *fact = &from->list[i];
		struct slice other = facts_find(to, fact->place, fact->what);
		struct difference diff = {
			.place = fact->place,
			.what = fact->what,
			.ours = theirs ? other : fact->value,
			.theirs = theirs ? fact->value : other,
			.message = buf_slice(&c->message),
			.our_facts = &c->ours,
			.their_facts = &c->theirs,
		};

		if (values_equal(diff.ours, diff.theirs) ||
		    (theirs && other.data))
			continue;
		judge(c, folder, path, &diff);
		differences++;
	}
	return differences;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* As it is done for each message that is stored. */
static void parse_for_time(struct corpus *c, struct slice message)
{
	uint64_t start_ns = now_ns();

	arena_clear(&c->arena);
	buf_clear(&c->structure);
	if (mail_structure_encode(mime_parse(message, &c->arena),
				  MAIL_STRUCTURE_CACHED_MAX, &c->structure))
		buf_clear(&c->structure);
	c->parse_ns += now_ns() - start_ns;
}

static void compare_message(struct corpus *c, struct folder *folder,
			    const char *path)
{
	struct slice message = buf_slice(&c->message);
	unsigned differences;

	facts_clear(&c->ours);
	facts_clear(&c->theirs);
	parse_for_time(c, message);
	facts_of_ours(message, &c->ours);
	folder->messages++;
	c->octets += message.len;
	if (!facts_of_gmime(message, &c->theirs)) {
		folder->silent++;
		return;
	}
	differences = compare_side(c, folder, path, false);
	differences += compare_side(c, folder, path, true);
	folder->equal += differences == 0;
}

/* ---- files ---- */

static void read_file(struct buf *out, const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t got;

	buf_clear(out);
	if (!file) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
	do {
		got = fread(buf_reserve(out, 65536), 1, 65536, file);
		out->len += got;
	} while (got > 0);
	fclose(file);
}

static struct folder *find_folder(struct corpus *c, const char *name)
{
	for (unsigned i = 0; i < c->folder_count; i++)
		if (strcmp(c->folders[i].name, name) == 0)
			return &c->folders[i];
	if (c->folder_count == FOLDERS_MAX)
		exit(2);
	c->folders[c->folder_count].name = strdup(name);
	return &c->folders[c->folder_count++];
}

/* The directory below the root that `path` is in. */
static struct folder *folder_of(struct corpus *c, const char *root,
				const char *path)
{
	struct slice rest = slice_str(path + strlen(root));
	struct slice name;
	char text[256];

	while (slice_has_prefix(rest, SLICE_LIT("/")))
		rest = slice_from(rest, 1);
	name = slice_cut(&rest, '/');
	snprintf(text, sizeof(text), "%.*s", SLICE_FMT(name));
	return find_folder(c, text);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void walk(struct corpus *c, char *root)
{
	char *roots[] = { root, NULL };
	FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
	FTSENT *entry;

	while (tree && (entry = fts_read(tree))) {
		struct mail_strip strip = { .cr = false };

		if (entry->fts_info != FTS_F || entry->fts_level < 2)
			continue;
		read_file(&c->file, entry->fts_path);
		buf_clear(&c->message);
		mail_strip_feed(&strip, buf_slice(&c->file), &c->message);
		compare_message(c, folder_of(c, root, entry->fts_path),
				entry->fts_path);
	}
	if (tree)
		fts_close(tree);
}

/* ---- the result ---- */

static double per_cent_equal(const struct folder *f)
{
	unsigned compared = f->messages - f->silent;

	return compared > 0 ? 100.0 * f->equal / compared : 100.0;
}

static void print_table(const struct corpus *c)
{
	printf("# %-18s %8s %8s %8s %8s %8s %8s\n", "folder", "messages",
	       "silent", "equal", "%", "ruled", "bare");
	for (unsigned i = 0; i < c->folder_count; i++) {
		const struct folder *f = &c->folders[i];

		printf("# %-18s %8u %8u %8u %8.2f %8u %8u\n", f->name,
		       f->messages, f->silent, f->equal, per_cent_equal(f),
		       f->covered, f->bare);
	}
	for (size_t i = 0; difference_rules[i].name; i++)
		printf("# rule %-28s %6u  %s\n", difference_rules[i].name,
		       c->rule_hits[i], difference_rules[i].reason);
	printf("# %.1f MB; parts and cached structure of mail/: %.0f MB/s\n",
	       (double)c->octets / 1e6,
	       (double)c->octets * 1e3 / (double)c->parse_ns);
}

static bool print_tap(unsigned number, bool ok, const char *name)
{
	printf("%s %u %s\n", ok ? "ok" : "not ok", number, name);
	return ok;
}

static bool report(const struct corpus *c)
{
	struct folder all = { .name = "all" };
	bool ok;

	for (unsigned i = 0; i < c->folder_count; i++) {
		all.messages += c->folders[i].messages;
		all.silent += c->folders[i].silent;
		all.equal += c->folders[i].equal;
		all.bare += c->folders[i].bare;
	}
	print_table(c);
	ok = print_tap(1, all.messages > 0, "the corpus has messages");
	ok &= print_tap(2, per_cent_equal(&all) >= EQUAL_MIN,
			"99 per cent of the messages are equal");
	ok &= print_tap(3, all.bare == 0, "each difference has a rule");
	printf("1..3\n");
	return ok;
}

int main(int argc, char **argv)
{
	struct corpus c = { .verbose = argc > 2 && !strcmp(argv[1], "-v") };
	bool ok;

	if (argc < 2) {
		fprintf(stderr, "usage: corpus_mime [-v] DIRECTORY\n");
		return 2;
	}
	g_mime_init();
	walk(&c, argv[argc - 1]);
	ok = report(&c);
	g_mime_shutdown();
	facts_fini(&c.ours);
	facts_fini(&c.theirs);
	arena_fini(&c.arena);
	buf_fini(&c.structure);
	buf_fini(&c.file);
	buf_fini(&c.message);
	return ok ? 0 : 1;
}
