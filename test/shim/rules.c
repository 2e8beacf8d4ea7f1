/*
 * Faults by count: MURDER_SHIM_FAIL=RULE[,RULE...]
 *
 *     RULE    OP:PATTERN:N[+]:WHAT
 *     OP      write sync dirsync allocate create rename unlink mkdir any
 *     PATTERN of the path below the directory, as in fnmatch(3), where a *
 *             also stands for slashes; a file is known by its newest name
 *     N       the n-th such call of this process; with + every one from there
 *             on; 0 is never and only counts
 *     WHAT    an errno (EIO ENOSPC EDQUOT): the call fails and does nothing
 *             short   a write of two octets or more does half and says so
 *             torn    a write does half and fails with EIO
 *             kill    the process is killed before the call
 *             limbo   a sync says it has worked, and has not
 *
 * A sync of a file that fails loses what it was to make durable, as Linux does:
 * a later sync of the same file succeeds without it. Of a directory it fails
 * for ever, as file systems do whose journal has failed.
 *
 * `counts` in the journal has two numbers of 64 bits for each rule, calls seen
 * and faults done, for the harness to see that its fault was felt.
 */
#include "test/shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RULES_MAX 32
#define RULE_SIZE 256 /* octets of one rule */

struct rule {
	enum rule_op op;
	char pattern[RULE_SIZE];
	uint64_t at;
	bool stays;
	enum rule_what what;
	int errnum; /* 0: kill, for RULE_ERROR */
};

struct count {
	atomic_uint_fast64_t seen;
	atomic_uint_fast64_t done;
};

static struct rule rules[RULES_MAX];
static size_t rule_count;
static struct count *counts;

static const struct {
	const char *name;
	enum rule_op op;
} op_names[] = {
	{ "write", RULE_WRITE },     { "sync", RULE_SYNC },
	{ "dirsync", RULE_DIRSYNC }, { "allocate", RULE_ALLOCATE },
	{ "create", RULE_CREATE },   { "rename", RULE_RENAME },
	{ "unlink", RULE_UNLINK },   { "mkdir", RULE_MKDIR },
	{ "any", RULE_ANY },
};

static const struct {
	const char *name;
	enum rule_what what;
	int errnum;
} what_names[] = {
	{ "EIO", RULE_ERROR, EIO },       { "ENOSPC", RULE_ERROR, ENOSPC },
	{ "EDQUOT", RULE_ERROR, EDQUOT }, { "short", RULE_SHORT, 0 },
	{ "torn", RULE_TORN, EIO },       { "kill", RULE_ERROR, 0 },
	{ "limbo", RULE_LIMBO, 0 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool rule_set_op(struct rule *rule, const char *name)
{
	for (size_t i = 0; i < COUNT(op_names); i++)
		if (strcmp(name, op_names[i].name) == 0) {
			rule->op = op_names[i].op;
			return true;
		}
	return false;
}

static bool rule_set_what(struct rule *rule, const char *name)
{
	for (size_t i = 0; i < COUNT(what_names); i++)
		if (strcmp(name, what_names[i].name) == 0) {
			rule->what = what_names[i].what;
			rule->errnum = what_names[i].errnum;
			return true;
		}
	return false;
}

static bool rule_set_at(struct rule *rule, const char *text)
{
	char *end;

	errno = 0;
	rule->at = strtoull(text, &end, 10);
	rule->stays = *end == '+';
	return errno == 0 && end > text && end[rule->stays] == '\0';
}

static bool rule_parse(char *text, struct rule *rule)
{
	char *words[4];
	char *rest = text;

	for (size_t i = 0; i < COUNT(words); i++)
		words[i] = strsep(&rest, ":");
	if (!words[3] || rest || strlen(words[1]) >= RULE_SIZE)
		return false;
	(void)snprintf(rule->pattern, RULE_SIZE, "%s", words[1]);
	return rule_set_op(rule, words[0]) && rule_set_at(rule, words[2]) &&
	       rule_set_what(rule, words[3]);
}

static void counts_map(void)
{
	size_t size = rule_count * sizeof(struct count);
	char path[PATH_MAX];
	long fd, at;

	shim_undo_path("", "counts", path);
	fd = syscall(SYS_openat, AT_FDCWD, path,
		     O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || syscall(SYS_ftruncate, fd, size) != 0)
		shim_die("%s: %s", path, strerror(errno));
	at = syscall(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
		     fd, 0);
	if (at == -1)
		shim_die("%s: %s", path, strerror(errno));
	(void)syscall(SYS_close, fd);
	counts = (struct count *)at;
}

void rules_start(void)
{
	const char *env = getenv("MURDER_SHIM_FAIL");
	char text[RULES_MAX * RULE_SIZE];
	char *rest = text;
	char *one;

	if (!env || !*env)
		return;
	if (strlen(env) >= sizeof(text))
		shim_die("MURDER_SHIM_FAIL is too long");
	(void)snprintf(text, sizeof(text), "%s", env);
	while ((one = strsep(&rest, ","))) {
		if (rule_count == RULES_MAX)
			shim_die("MURDER_SHIM_FAIL: too many rules");
		if (!rule_parse(one, &rules[rule_count++]))
			shim_die("MURDER_SHIM_FAIL=%s: see rules.c", env);
	}
	counts_map();
}

static enum rule_what rule_act(const struct rule *rule, uint64_t n,
			       const char *path)
{
	static const char *const done[] = { "", "fails", "is short", "is torn",
					    "does nothing" };

	(void)dprintf(STDERR_FILENO, "faultshim: %s %llu of %s %s\n",
		      op_names[rule->op].name, (unsigned long long)n, path,
		      rule->what == RULE_ERROR && !rule->errnum
			      ? "kills"
			      : done[rule->what]);
	if (rule->what == RULE_ERROR && rule->errnum == 0) {
		(void)kill(getpid(), SIGKILL);
		(void)pause();
	}
	if (rule->errnum)
		errno = rule->errnum;
	return rule->what;
}

enum rule_what rules_next(enum rule_op op, const char *path)
{
	enum rule_what what = RULE_NOTHING;

	for (size_t i = 0; i < rule_count; i++) {
		const struct rule *rule = &rules[i];
		uint64_t n;

		if ((rule->op != op && rule->op != RULE_ANY) ||
		    fnmatch(rule->pattern, path, 0) != 0)
			continue;
		n = atomic_fetch_add(&counts[i].seen, 1) + 1;
		if (rule->at == 0 || n < rule->at ||
		    (n > rule->at && !rule->stays))
			continue;
		atomic_fetch_add(&counts[i].done, 1);
		what = rule_act(rule, n, path);
	}
	return what;
}
