/*
 * Copies of environments: made at one node, taken in the place of another's.
 * Whenever the process dies on the way, what opens is the old one or the new.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "host_disk.h"
#include "store/checkpoint.h"
#include "store/copy.h"
#include "store/env.h"

enum {
	FRUIT,
	TABLES
};

static const char *const tables[] = { "fruit" };

struct place {
	struct host_disk host;
	char *dir;
	struct store_env_options options;
	struct store_env *env;
};

static void place_init(struct place *p)
{
	*p = (struct place){ .dir = host_dir_new() };
	host_disk_init(&p->host);
	p->options = (struct store_env_options){
		.path = p->dir,
		.map_size = 16 << 20,
		.max_readers = 4,
		.tables = tables,
		.table_count = TABLES,
		.disk = &p->host.disk,
	};
}

static void place_free(struct place *p)
{
	if (p->env != NULL)
		store_env_close(&p->env);
	host_dir_free(&p->dir);
}

static void open_at(struct place *p, const char *path, bool clean)
{
	struct store_env_options options = p->options;

	options.path = path;
	options.clean = clean;
	cr_assert_eq(store_env_open(&options, &p->env), ERR_NONE);
}

static void write_one(struct store_env *env, const char *key, const char *text)
{
	struct store_txn *txn;

	cr_assert_eq(store_write_begin(env, &txn), ERR_NONE);
	store_put(txn, FRUIT, slice_str(key), 1, slice_str(text));
	cr_assert_eq(store_commit(&txn), ERR_NONE);
}

static bool reads(struct store_env *env, const char *key, const char *text)
{
	struct store_txn *txn;
	struct store_value value;
	bool ok;

	cr_assert_eq(store_read_begin(env, &txn), ERR_NONE);
	ok = store_get(txn, FRUIT, slice_str(key), &value) &&
	     slice_eq(value.fields, slice_str(text));
	store_end(&txn);
	return ok;
}

/* Brings a copy of `source` beside the environment of `to`, in pieces. */
static void bring(struct place *to, struct store_env *source)
{
	struct store_copy *copy;
	uint8_t piece[5000];
	uint64_t at = 0;
	size_t got;
	int fd;

	cr_assert_eq(store_copy_open(source, &copy), ERR_NONE);
	cr_assert_eq(store_side_begin(&to->host.disk, to->dir, &fd), ERR_NONE);
	do {
		cr_assert_eq(
			store_copy_read(copy, at, piece, sizeof piece, &got),
			ERR_NONE);
		cr_assert_eq(store_side_write(fd, at, slice_of(piece, got)),
			     ERR_NONE);
		at += got;
	} while (got == sizeof piece);
	cr_assert_eq(at, store_copy_size(copy));
	cr_assert_eq(store_side_sync(fd), ERR_NONE);
	close(fd);
	store_copy_close(&copy);
}

/* What the owner does with a side before it is ready. */
static void prepare(struct place *to)
{
	char *side = store_side_path(to->dir);
	struct store_env *env = to->env;

	open_at(to, side, true);
	write_one(to->env, "plum", "changed on the side");
	cr_assert_eq(store_checkpoint_begin(to->env, 9, 2), ERR_NONE);
	cr_assert_eq(store_checkpoint_sync(to->env), ERR_NONE);
	store_env_close(&to->env);
	to->env = env;
	mem_free(side);
}

static void expect_new(struct place *to)
{
	struct store_position position;

	cr_expect(reads(to->env, "apple", "of the source"));
	cr_expect(reads(to->env, "plum", "changed on the side"));
	store_checkpoint_last(to->env, &position);
	cr_expect_eq(position.index, 9);
}

Test(copy, takes_the_place_of_another_environment)
{
	struct place source;
	struct place to;

	place_init(&source);
	place_init(&to);
	open_at(&source, source.dir, false);
	open_at(&to, to.dir, false);
	write_one(source.env, "apple", "of the source");
	write_one(to.env, "apple", "of the target");
	bring(&to, source.env);
	prepare(&to);
	cr_expect(reads(to.env, "apple", "of the target"));
	store_env_close(&to.env);
	cr_assert_eq(store_side_ready(&to.host.disk, to.dir), ERR_NONE);
	cr_assert_eq(store_side_swap(&to.host.disk, to.dir), ERR_NONE);
	open_at(&to, to.dir, false);
	expect_new(&to);
	place_free(&source);
	place_free(&to);
}

Test(copy, whoever_reads_the_old_one_reads_on)
{
	struct place source;
	struct place to;
	struct store_env *old;

	place_init(&source);
	place_init(&to);
	open_at(&source, source.dir, false);
	open_at(&to, to.dir, false);
	write_one(source.env, "apple", "of the source");
	write_one(to.env, "apple", "of the target");
	bring(&to, source.env);
	prepare(&to);
	cr_assert_eq(store_side_ready(&to.host.disk, to.dir), ERR_NONE);
	cr_assert_eq(store_side_swap(&to.host.disk, to.dir), ERR_NONE);
	old = to.env;
	open_at(&to, to.dir, false);
	expect_new(&to);
	cr_expect(reads(old, "apple", "of the target"));
	write_one(to.env, "apple", "written since");
	cr_expect(reads(old, "apple", "of the target"));
	store_env_close(&old);
	cr_expect(reads(to.env, "apple", "written since"));
	place_free(&source);
	place_free(&to);
}

Test(copy, is_of_one_moment)
{
	struct place source;
	struct place to;
	struct store_copy *copy;
	uint64_t size;

	place_init(&source);
	place_init(&to);
	open_at(&source, source.dir, false);
	write_one(source.env, "apple", "of the source");
	cr_assert_eq(store_copy_open(source.env, &copy), ERR_NONE);
	size = store_copy_size(copy);
	write_one(source.env, "apple", "later");
	cr_expect_eq(store_copy_size(copy), size);
	store_copy_close(&copy);
	place_free(&source);
	place_free(&to);
}

Test(copy, a_side_that_was_not_ready_goes)
{
	struct place source;
	struct place to;

	place_init(&source);
	place_init(&to);
	open_at(&source, source.dir, false);
	open_at(&to, to.dir, false);
	write_one(source.env, "apple", "of the source");
	write_one(to.env, "apple", "of the target");
	bring(&to, source.env);
	prepare(&to);
	store_env_close(&to.env);
	cr_assert_eq(store_side_settle(&to.host.disk, to.dir), ERR_NONE);
	cr_assert_eq(store_side_swap(&to.host.disk, to.dir), ERR_NONE,
		     "with nothing there it does nothing");
	open_at(&to, to.dir, false);
	place_free(&source);
	place_free(&to);
}

#ifdef ENABLE_FAULTS

/* In a child that dies at this point. */
static int die_at(const char *point)
{
	struct place source;
	struct place to;
	int status;
	int was = 0; /* 1: old, 2: new */
	pid_t child;

	place_init(&source);
	place_init(&to);
	open_at(&source, source.dir, false);
	open_at(&to, to.dir, false);
	write_one(source.env, "apple", "of the source");
	write_one(to.env, "apple", "of the target");
	store_env_close(&to.env);
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		char spec[64];

		snprintf(spec, sizeof spec, "%s:1", point);
		fault_set_crash_at(spec);
		open_at(&to, to.dir, true);
		bring(&to, source.env);
		prepare(&to);
		store_env_close(&to.env);
		if (store_side_ready(&to.host.disk, to.dir) != ERR_NONE ||
		    store_side_swap(&to.host.disk, to.dir) != ERR_NONE)
			_exit(1);
		_exit(0);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 86, "%s", point);
	cr_assert_eq(store_side_settle(&to.host.disk, to.dir), ERR_NONE);
	open_at(&to, to.dir, true);
	if (reads(to.env, "apple", "of the target"))
		was = 1;
	if (reads(to.env, "apple", "of the source") &&
	    reads(to.env, "plum", "changed on the side"))
		was = 2;
	place_free(&source);
	place_free(&to);
	return was;
}

Test(copy, a_death_leaves_the_old_one_or_the_new_one)
{
	cr_expect_eq(die_at("import_cleared"), 1);
	cr_expect_eq(die_at("import_before_ready"), 1);
	cr_expect_eq(die_at("import_ready"), 2);
	cr_expect_eq(die_at("import_before_swap"), 2);
	cr_expect_eq(die_at("import_half_swapped"), 2);
	cr_expect_eq(die_at("import_swapped"), 2);
	cr_expect_eq(die_at("import_before_end"), 2);
}

#endif
