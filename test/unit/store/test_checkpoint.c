#include <criterion/criterion.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "host_disk.h"
#include "power.h"
#include "store/checkpoint.h"
#include "store/checkpoint_file.h"

#define MUTANT_RUNS 300

/* ---- the file ---- */

static uint8_t metas[2 * 4096];

static struct buf file_made(void)
{
	struct checkpoint_file file = {
		.page_size = 4096,
		.number = 12,
		.at = { 345, 6 },
		.metas = slice_of(metas, sizeof(metas)),
	};
	struct buf out = { 0 };

	memset(metas, 0xa5, sizeof(metas));
	checkpoint_file_encode(&file, &out);
	return out;
}

Test(checkpoint_file, comes_back_as_it_was)
{
	struct buf octets = file_made();
	struct checkpoint_file file;

	cr_assert_eq(checkpoint_file_decode(buf_slice(&octets), &file),
		     ERR_NONE);
	cr_assert_eq(file.page_size, 4096);
	cr_assert_eq(file.number, 12);
	cr_assert_eq(file.at.index, 345);
	cr_assert_eq(file.at.term, 6);
	cr_assert(slice_eq(file.metas, slice_of(metas, sizeof(metas))));
	buf_fini(&octets);
}

Test(checkpoint_file, torn_anywhere_is_damaged)
{
	struct buf octets = file_made();
	struct checkpoint_file file;

	for (size_t len = 0; len < octets.len; len += len < 64 ? 1 : 61) {
		/* A copy of its own: reading past its end is seen. */
		uint8_t *copy = mem_alloc(len);

		memcpy(copy, octets.data, len);
		cr_assert_eq(checkpoint_file_decode(slice_of(copy, len), &file),
			     ERR_CORRUPT);
		mem_free(copy);
	}
	buf_fini(&octets);
}

Test(checkpoint_file, one_flipped_bit_is_damage)
{
	struct buf octets = file_made();
	struct checkpoint_file file;

	for (size_t i = 0; i < octets.len; i += i < 64 ? 1 : 97) {
		octets.data[i] ^= 4;
		cr_assert_eq(checkpoint_file_decode(buf_slice(&octets), &file),
			     ERR_CORRUPT);
		octets.data[i] ^= 4;
	}
	buf_fini(&octets);
}

Test(checkpoint_file, of_a_later_release_is_not_read)
{
	struct buf octets = file_made();
	struct checkpoint_file file;
	uint64_t sum;

	octets.data[4] = 2; /* the version */
	sum = xxh3(slice_of(octets.data, octets.len - 8));
	for (unsigned i = 0; i < 8; i++)
		octets.data[octets.len - 8 + i] = (uint8_t)(sum >> (8 * i));
	cr_assert_eq(checkpoint_file_decode(buf_slice(&octets), &file),
		     ERR_VERSION);
	buf_fini(&octets);
}

/* ---- one environment ---- */

static const char *const tables[] = { "rows" };

struct fix {
	struct host_disk host;
	char *dir;
	struct store_env *env;
};

static enum err open_as(struct fix *f, bool clean)
{
	struct store_env_options options = {
		.path = f->dir,
		.map_size = 256 << 20,
		.max_readers = 2,
		.tables = tables,
		.table_count = 1,
		.disk = &f->host.disk,
		.clean = clean,
	};

	return store_env_open(&options, &f->env);
}

static void quiet(void *arg unused_arg, enum log_level level unused_arg,
		  const char *line unused_arg)
{
}

static void fix_init(struct fix *f)
{
	log_set_sink(quiet, NULL);
	f->dir = host_dir_new();
	host_disk_init(&f->host);
	cr_assert_eq(open_as(f, false), ERR_NONE);
}

static void fix_fini(struct fix *f)
{
	if (f->env)
		store_env_close(&f->env);
	host_dir_free(&f->dir);
}

static enum err put(struct fix *f, const char *key)
{
	struct store_txn *txn;
	enum err err = store_write_begin(f->env, &txn);

	if (err != ERR_NONE)
		return err;
	store_put(txn, 0, slice_str(key), 1, slice_str(key));
	return store_commit(&txn);
}

static void put_large(struct fix *f)
{
	static uint8_t fields[STORE_VALUE_MAX - 4096];
	struct store_txn *txn;

	cr_assert_eq(store_write_begin(f->env, &txn), ERR_NONE);
	store_put(txn, 0, SLICE_LIT("large"), 1,
		  slice_of(fields, sizeof(fields)));
	cr_assert_eq(store_commit(&txn), ERR_NONE);
}

static bool has(struct fix *f, const char *key)
{
	struct store_txn *txn;
	struct store_value value;
	bool found;

	cr_assert_eq(store_read_begin(f->env, &txn), ERR_NONE);
	found = store_get(txn, 0, slice_str(key), &value);
	store_end(&txn);
	return found;
}

static uint64_t last_index(struct fix *f)
{
	struct store_position at;

	store_checkpoint_last(f->env, &at);
	return at.index;
}

static enum err checkpoint(struct fix *f, uint64_t index)
{
	enum err err = store_checkpoint_begin(f->env, index, 1);

	return err != ERR_NONE ? err : store_checkpoint_sync(f->env);
}

static enum err reopen(struct fix *f, bool clean)
{
	store_env_close(&f->env);
	return open_as(f, clean);
}

Test(checkpoint, what_came_after_it_is_gone_after_a_crash)
{
	struct fix f;

	fix_init(&f);
	cr_assert_eq(last_index(&f), 0);
	cr_assert_eq(put(&f, "before"), ERR_NONE);
	cr_assert_eq(checkpoint(&f, 7), ERR_NONE);
	cr_assert_eq(put(&f, "after"), ERR_NONE);
	cr_assert_eq(reopen(&f, false), ERR_NONE);
	cr_assert_eq(last_index(&f), 7);
	cr_assert(has(&f, "before"));
	cr_assert_not(has(&f, "after"));
	fix_fini(&f);
}

Test(checkpoint, a_clean_stop_loses_nothing)
{
	struct fix f;

	fix_init(&f);
	cr_assert_eq(checkpoint(&f, 7), ERR_NONE);
	cr_assert_eq(put(&f, "after"), ERR_NONE);
	cr_assert_eq(reopen(&f, true), ERR_NONE);
	cr_assert(has(&f, "after"));
	cr_assert_eq(last_index(&f), 7, "not older than the state");
	cr_assert_eq(reopen(&f, false), ERR_NONE);
	cr_assert(has(&f, "after"), "the clean start made a checkpoint");
	fix_fini(&f);
}

Test(checkpoint, data_without_one_is_not_trusted)
{
	struct fix f;
	char *path;

	fix_init(&f);
	cr_assert_eq(put(&f, "row"), ERR_NONE);
	path = host_path(f.dir, "checkpoint");
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(reopen(&f, false), ERR_CORRUPT);
	cr_assert_null(f.env);
	cr_assert_eq(open_as(&f, true), ERR_NONE, "an import has none");
	cr_assert(has(&f, "row"));
	mem_free(path);
	fix_fini(&f);
}

Test(checkpoint, a_damaged_one_is_not_trusted)
{
	struct fix f;
	struct buf file;

	fix_init(&f);
	cr_assert_eq(put(&f, "row"), ERR_NONE);
	file = host_file_get(f.dir, "checkpoint");
	file.data[100] ^= 1;
	host_file_put(f.dir, "checkpoint", buf_slice(&file));
	buf_fini(&file);
	cr_assert_eq(reopen(&f, false), ERR_CORRUPT);
	fix_fini(&f);
}

Test(checkpoint, of_another_map_is_refused)
{
	struct fix f;
	struct buf file;

	fix_init(&f);
	cr_assert_eq(put(&f, "row"), ERR_NONE);
	cr_assert_eq(checkpoint(&f, 1), ERR_NONE);
	file = host_file_get(f.dir, "checkpoint");
	host_file_put(f.dir, "data.mdb", SLICE_LIT("short"));
	store_env_close(&f.env);
	cr_assert_eq(open_as(&f, false), ERR_CORRUPT);
	buf_fini(&file);
	fix_fini(&f);
}

Test(checkpoint, a_start_that_died_early_starts_again)
{
	struct fix f;
	char *path;

	fix_init(&f);
	store_env_close(&f.env);
	path = host_path(f.dir, "checkpoint");
	cr_assert_eq(unlink(path), 0);
	host_file_put(f.dir, "data.mdb", SLICE_LIT("torn first page"));
	cr_assert_eq(open_as(&f, false), ERR_NONE);
	cr_assert_eq(put(&f, "row"), ERR_NONE);
	mem_free(path);
	fix_fini(&f);
}

Test(checkpoint, is_due_by_octets_or_by_age)
{
	struct fix f;
	unsigned i;

	fix_init(&f);
	cr_assert_eq(checkpoint(&f, 1), ERR_NONE);
	cr_assert_not(store_checkpoint_due(f.env, UINT64_MAX));
	cr_assert_eq(put(&f, "row"), ERR_NONE);
	cr_assert_not(store_checkpoint_due(f.env, STORE_CHECKPOINT_AGE_MS - 1));
	cr_assert(store_checkpoint_due(f.env, STORE_CHECKPOINT_AGE_MS));
	cr_assert_eq(checkpoint(&f, 1), ERR_NONE);
	cr_assert_not(store_checkpoint_due(f.env, UINT64_MAX));

	for (i = 0; !store_checkpoint_due(f.env, 0); i++)
		put_large(&f);
	cr_assert(i > 60 && i < 70, "%u times a MiB", i);
	fix_fini(&f);
}

Test(checkpoint, dirt_is_counted_in_pages)
{
	struct fix f;
	uint64_t one;

	fix_init(&f);
	cr_assert_eq(put(&f, "row"), ERR_NONE);
	cr_assert_eq(checkpoint(&f, 1), ERR_NONE);
	cr_assert_eq(put(&f, "row"), ERR_NONE);
	one = store_checkpoint_dirty(f.env);
	cr_assert(one >= 4096 && one <= 6 * 4096, "%u", (unsigned)one);
	for (unsigned i = 0; i < 99; i++)
		cr_assert_eq(put(&f, "row"), ERR_NONE);
	cr_assert(store_checkpoint_dirty(f.env) >= 90 * one);
	cr_assert(store_checkpoint_dirty(f.env) <= 110 * one);
	fix_fini(&f);
}

/* ---- failures of the disk, by count ---- */

Test(checkpoint, a_full_disk_keeps_the_older_one)
{
	struct fix f;
	bool hit = true;
	uint64_t n;

	fix_init(&f);
	cr_assert_eq(put(&f, "first"), ERR_NONE);
	cr_assert_eq(checkpoint(&f, 1), ERR_NONE);
	for (n = 1; hit; n++) {
		enum err err;

		cr_assert_eq(put(&f, "second"), ERR_NONE);
		f.host.calls = 0;
		f.host.hit = false;
		f.host.fail_at = n;
		f.host.fail_with = ERR_FULL;
		err = checkpoint(&f, 1 + n);
		hit = f.host.hit;
		f.host.fail_at = 0;
		if (!hit)
			break;
		if (err == ERR_IO)
			break; /* the directory's fsync: the end of writing */
		cr_assert_eq(err, ERR_FULL);
		cr_assert_eq(last_index(&f), 1);
		cr_assert(store_checkpoint_dirty(f.env) > 0);
	}
	cr_assert_eq(n, 6, "unlink, open, write, sync, rename, then sync_dir");
	cr_assert_eq(put(&f, "third"), ERR_IO);
	cr_assert_eq(checkpoint(&f, 9), ERR_IO);
	cr_assert_eq(reopen(&f, false), ERR_NONE);
	cr_assert(has(&f, "first"));
	fix_fini(&f);
}

Test(checkpoint, an_io_error_is_the_end_of_writing)
{
	for (uint64_t n = 1; n <= 6; n++) {
		struct fix f;

		fix_init(&f);
		cr_assert_eq(put(&f, "first"), ERR_NONE);
		f.host.calls = 0;
		f.host.fail_at = n;
		f.host.fail_with = ERR_IO;
		cr_assert_eq(checkpoint(&f, 1), ERR_IO);
		cr_assert(f.host.hit);
		f.host.fail_at = 0;
		cr_assert_eq(put(&f, "second"), ERR_IO);
		cr_assert_eq(checkpoint(&f, 2), ERR_IO, "never repeated");
		cr_assert(has(&f, "first"), "reading goes on");
		fix_fini(&f);
	}
}

Test(checkpoint, two_at_once_are_a_bug, .signal = SIGABRT)
{
	struct fix f;

	fix_init(&f);
	cr_assert_eq(store_checkpoint_begin(f.env, 1, 1), ERR_NONE);
	host_dir_free(&f.dir); /* nobody does it after the death */
	cr_assert_eq(store_checkpoint_begin(f.env, 2, 1), ERR_NONE);
}

/* ---- loss of power ---- */

static void survive(struct power_options options, unsigned runs)
{
	for (unsigned i = 0; i < runs; i++) {
		const char *wrong;

		options.seed = i;
		wrong = power_run(&options);
		cr_assert_null(wrong, "seed %u: %s", i, wrong);
	}
}

Test(power, any_mixture_of_unsynced_pages_comes_back)
{
	survive((struct power_options){ 0 }, 300);
}

Test(power, comes_back_with_commits_between_all_steps)
{
	survive((struct power_options){ .busy = true }, 100);
}

Test(power, comes_back_after_kills_and_restarts)
{
	survive((struct power_options){ .kills = true }, 100);
}

Test(power, comes_back_after_clean_stops_as_well)
{
	survive((struct power_options){ .busy = true,
					.kills = true,
					.stops = true },
		100);
}

#ifdef ENABLE_FAULTS

/* A broken build may die in any way: each run has a process of its own. */
static bool run_goes_wrong(const struct power_options *options)
{
	char *dir = host_dir_new(); /* a dead child leaves its files here */
	int status;
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		setenv("TMPDIR", dir, 1);
		log_set_sink(quiet, NULL);
		close(2);
		_exit(power_run(options) ? 1 : 0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	host_dir_free(&dir);
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void mutant_falls(const char *name)
{
	unsigned caught = 0;

	fault_set_mutant(name);
	for (unsigned i = 0; i < MUTANT_RUNS && caught == 0; i++) {
		struct power_options options = { .seed = i, .kills = i % 2 };

		if (run_goes_wrong(&options))
			caught++;
	}
	fault_set_mutant(NULL);
	cr_assert_gt(caught, 0, "%s lives", name);
}

Test(power, M41_directory_fsync_missing_is_noticed)
{
	mutant_falls("M41");
}

Test(power, M43_checkpoint_without_its_pin_is_noticed)
{
	mutant_falls("M43");
}

Test(power, M46_metas_not_put_back_is_noticed)
{
	mutant_falls("M46");
}

#endif
