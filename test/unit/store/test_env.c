#include <criterion/criterion.h>

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "store/checkpoint.h"
#include "store/env.h"
#include "host_disk.h"

#define READERS 4

enum {
	FRUIT,
	TREE,
	TABLES
};

static const char *const tables[] = { "fruit", "tree" };

struct fix {
	struct host_disk host;
	char *dir;
	struct store_env_options options;
	struct store_env *env;
};

static void open_env(struct fix *f)
{
	f->options.disk = &f->host.disk; /* the fixture has come to rest */
	cr_assert_eq(store_env_open(&f->options, &f->env), ERR_NONE);
}

static struct fix fix_new(uint64_t map_size)
{
	struct fix f = { .dir = host_dir_new() };

	host_disk_init(&f.host);
	f.options = (struct store_env_options){
		.path = f.dir,
		.map_size = map_size,
		.max_readers = READERS,
		.tables = tables,
		.table_count = TABLES,
	};
	return f;
}

static void fix_free(struct fix *f)
{
	if (f->env)
		store_env_close(&f->env);
	host_dir_free(&f->dir);
}

static struct store_txn *writer(struct fix *f)
{
	struct store_txn *txn;

	cr_assert_eq(store_write_begin(f->env, &txn), ERR_NONE);
	return txn;
}

static struct store_txn *reader(struct fix *f)
{
	struct store_txn *txn;

	cr_assert_eq(store_read_begin(f->env, &txn), ERR_NONE);
	return txn;
}

static void put(struct store_txn *txn, unsigned table, const char *key,
		const char *fields)
{
	store_put(txn, table, slice_str(key), 1, slice_str(fields));
}

static void put_one(struct fix *f, const char *key, const char *fields)
{
	struct store_txn *txn = writer(f);

	put(txn, FRUIT, key, fields);
	cr_assert_eq(store_commit(&txn), ERR_NONE);
}

static bool has(struct store_txn *txn, const char *key, const char *fields)
{
	struct store_value value;

	return store_get(txn, FRUIT, slice_str(key), &value) &&
	       slice_eq(value.fields, slice_str(fields));
}

static bool reads(struct fix *f, const char *key, const char *fields)
{
	struct store_txn *txn = reader(f);
	bool ok = has(txn, key, fields);

	store_end(&txn);
	return ok;
}

static void checkpoint(struct fix *f, uint64_t index)
{
	cr_assert_eq(store_checkpoint_begin(f->env, index, 1), ERR_NONE);
	cr_assert_eq(store_checkpoint_sync(f->env), ERR_NONE);
}

Test(env, what_is_committed_is_read)
{
	struct fix f = fix_new(1 << 20);
	struct store_txn *txn;
	struct store_value value;

	open_env(&f);
	txn = writer(&f);
	store_put(txn, FRUIT, SLICE_LIT("apple"), 3, SLICE_LIT("red"));
	cr_assert(has(txn, "apple", "red"), "the writer sees its own");
	cr_assert_not(reads(&f, "apple", "red"));
	cr_assert_eq(store_commit(&txn), ERR_NONE);

	txn = reader(&f);
	cr_assert(store_get(txn, FRUIT, SLICE_LIT("apple"), &value));
	cr_assert_eq(value.version, 3);
	cr_assert_eq(store_count(txn, FRUIT), 1);
	cr_assert_not(store_get(txn, TREE, SLICE_LIT("apple"), &value));
	cr_assert_eq(store_txn_error(txn), ERR_NONE, "absence is no error");
	store_end(&txn);
	fix_free(&f);
}

Test(env, an_ended_write_leaves_nothing)
{
	struct fix f = fix_new(1 << 20);
	struct store_txn *txn;

	open_env(&f);
	txn = writer(&f);
	put(txn, FRUIT, "apple", "red");
	store_end(&txn);
	cr_assert_not(reads(&f, "apple", "red"));
	fix_free(&f);
}

Test(env, a_snapshot_does_not_see_later_commits)
{
	struct fix f = fix_new(1 << 20);
	struct store_txn *old;

	open_env(&f);
	put_one(&f, "apple", "red");
	old = reader(&f);
	put_one(&f, "apple", "green");
	cr_assert(has(old, "apple", "red"));
	cr_assert(reads(&f, "apple", "green"));
	store_end(&old);
	fix_free(&f);
}

Test(env, deleting_tells_whether_there_was_something)
{
	struct fix f = fix_new(1 << 20);
	struct store_txn *txn;

	open_env(&f);
	put_one(&f, "apple", "red");
	txn = writer(&f);
	cr_assert(store_del(txn, FRUIT, SLICE_LIT("apple")));
	cr_assert_not(store_del(txn, FRUIT, SLICE_LIT("apple")));
	cr_assert_eq(store_commit(&txn), ERR_NONE);
	cr_assert_not(reads(&f, "apple", "red"));
	fix_free(&f);
}

Test(env, a_value_may_be_put_back_from_where_it_was_read)
{
	struct fix f = fix_new(1 << 20);
	struct store_txn *txn;
	struct store_value value;
	struct store_cursor c;

	open_env(&f);
	put_one(&f, "apple", "red");
	txn = writer(&f);
	for (char k = 'a'; k <= 'z'; k++) {
		cr_assert(store_get(txn, FRUIT, SLICE_LIT("apple"), &value));
		store_put(txn, FRUIT, slice_of(&k, 1), 1, value.fields);
	}
	store_cursor_init(&c, txn, FRUIT);
	cr_assert(store_cursor_seek(&c, SLICE_LIT("apple")));
	store_put(txn, FRUIT, c.key, 1, SLICE_LIT("green"));
	store_cursor_fini(&c);
	cr_assert(has(txn, "z", "red"));
	cr_assert(has(txn, "apple", "green"));
	cr_assert_eq(store_commit(&txn), ERR_NONE);
	fix_free(&f);
}

Test(env, all_readers_taken_is_busy_and_no_more)
{
	struct fix f = fix_new(1 << 20);
	struct store_txn *txns[READERS];
	struct store_txn *txn;

	open_env(&f);
	for (unsigned i = 0; i < READERS; i++)
		txns[i] = reader(&f);
	cr_assert_eq(store_read_begin(f.env, &txn), ERR_BUSY);
	store_end(&txns[2]);
	txn = reader(&f);
	store_end(&txn);
	txns[2] = reader(&f);
	for (unsigned i = 0; i < READERS; i++)
		store_end(&txns[i]);
	fix_free(&f);
}

/* ---- errors stick ---- */

static void quiet(void *arg unused_arg, enum log_level level unused_arg,
		  const char *line unused_arg)
{
}

/* Flips one bit in each page of the map's file that holds `text`. */
static void flip(struct fix *f, const char *text)
{
	struct buf file = host_file_get(f->dir, "data.mdb");
	unsigned flips = 0;
	uint8_t *at;

	while ((at = memmem(file.data, file.len, text, strlen(text))) != NULL) {
		*at ^= 0x10;
		flips++;
	}
	cr_assert(flips > 0);
	host_file_put(f->dir, "data.mdb", buf_slice(&file));
	buf_fini(&file);
}

Test(env, a_flipped_bit_is_never_served)
{
	struct fix f = fix_new(1 << 20);
	struct store_txn *txn;
	struct store_value value;
	struct store_cursor c;

	log_set_sink(quiet, NULL);
	open_env(&f);
	put_one(&f, "apple", "a red one");
	put_one(&f, "pear", "a green one");
	checkpoint(&f, 1);
	store_env_close(&f.env);
	flip(&f, "a red one");
	open_env(&f);

	txn = reader(&f);
	cr_assert(has(txn, "pear", "a green one"));
	cr_assert_not(store_get(txn, FRUIT, SLICE_LIT("apple"), &value));
	cr_assert_eq(store_txn_error(txn), ERR_CORRUPT);
	cr_assert_not(has(txn, "pear", "a green one"), "the error sticks");
	store_end(&txn);

	txn = reader(&f);
	store_cursor_init(&c, txn, FRUIT);
	cr_assert_not(store_cursor_seek(&c, SLICE_LIT("a")));
	cr_assert_eq(store_txn_error(txn), ERR_CORRUPT);
	store_cursor_fini(&c);
	store_end(&txn);
	fix_free(&f);
}

Test(env, damage_is_counted_and_its_place_is_told)
{
	struct fix f = fix_new(1 << 20);
	struct store_damage damage;
	struct store_txn *txn;
	struct store_value value;

	log_set_sink(quiet, NULL);
	open_env(&f);
	put_one(&f, "apple", "a red one");
	checkpoint(&f, 1);
	store_env_get_damage(f.env, &damage);
	cr_assert_eq(damage.count, 0);
	cr_assert_str_eq(damage.where, "");
	store_env_close(&f.env);
	flip(&f, "a red one");
	open_env(&f);

	txn = reader(&f);
	cr_assert_not(store_get(txn, FRUIT, SLICE_LIT("apple"), &value));
	cr_assert_not(store_get(txn, FRUIT, SLICE_LIT("apple"), &value));
	store_end(&txn);
	store_env_get_damage(f.env, &damage);
	cr_assert_eq(damage.count, 1, "once a transaction");
	cr_assert_str_eq(damage.where, "table fruit, key 6170706c65");

	/* What a decoder of fields finds: the table is known. */
	txn = reader(&f);
	store_txn_fail(txn, ERR_VERSION);
	store_end(&txn);
	txn = reader(&f);
	cr_assert_not(store_get(txn, FRUIT, SLICE_LIT("pear"), &value));
	store_txn_fail(txn, ERR_CORRUPT);
	store_end(&txn);
	store_env_get_damage(f.env, &damage);
	cr_assert_eq(damage.count, 2, "a later release's is none");
	cr_assert_str_eq(damage.where, "table fruit");
	fix_free(&f);
}

Test(env, a_flipped_bit_in_a_key_is_found_too)
{
	struct fix f = fix_new(1 << 20);
	struct store_txn *txn;
	struct store_cursor c;

	log_set_sink(quiet, NULL);
	open_env(&f);
	put_one(&f, "quince-key", "yellow");
	checkpoint(&f, 1);
	store_env_close(&f.env);
	flip(&f, "quince-key");
	open_env(&f);
	txn = reader(&f);
	store_cursor_init(&c, txn, FRUIT);
	cr_assert_not(store_cursor_seek(&c, SLICE_LIT("")));
	cr_assert_eq(store_txn_error(txn), ERR_CORRUPT);
	store_cursor_fini(&c);
	store_end(&txn);
	fix_free(&f);
}

Test(env, a_file_without_its_tail_is_an_error_and_no_signal)
{
	struct fix f = fix_new(16 << 20);
	struct store_txn *txn;
	struct store_value value;
	char key[16];
	char *path;

	log_set_sink(quiet, NULL);
	open_env(&f);
	txn = writer(&f);
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "k%05u", i);
		put(txn, FRUIT, key, "some fields of a row");
	}
	cr_assert_eq(store_commit(&txn), ERR_NONE);
	checkpoint(&f, 1);
	store_env_close(&f.env);
	path = host_path(f.dir, "data.mdb");
	cr_assert_eq(truncate(path, 3 * 4096), 0);
	mem_free(path);

	if (store_env_open(&f.options, &f.env) == ERR_NONE) {
		txn = reader(&f);
		store_get(txn, FRUIT, SLICE_LIT("k01999"), &value);
		cr_assert_eq(store_txn_error(txn), ERR_CORRUPT);
		store_end(&txn);
	}
	fix_free(&f);
}

/* The root page of the table of tables: struct MDB_meta behind 16 octets. */
static uint64_t root_of_tables(const struct buf *file)
{
	uint64_t number[2], root[2];

	for (unsigned i = 0; i < 2; i++) {
		memcpy(&number[i], file->data + i * 4096 + 144, 8);
		memcpy(&root[i], file->data + i * 4096 + 128, 8);
	}
	return number[0] > number[1] ? root[0] : root[1];
}

/* All rows of all leaves stand at the end of the 64 KiB that a leaf can say. */
static void lead_astray(struct fix *f)
{
	struct buf file = host_file_get(f->dir, "data.mdb");
	uint64_t spared = root_of_tables(&file);

	for (uint64_t page = 2; page < file.len / 4096; page++) {
		uint8_t *at = file.data + page * 4096;
		unsigned rows = (at[12] + 256u * at[13]) / 2 - 8;

		if (at[10] != 2 || page == spared) /* mp_flags: P_LEAF */
			continue;
		memset(at + 16, 0xf8, rows * 2);
	}
	host_file_put(f->dir, "data.mdb", buf_slice(&file));
	buf_fini(&file);
}

Test(env, a_page_that_leads_astray_is_an_error_and_no_signal)
{
	struct fix f = fix_new(16 << 20);
	struct store_txn *txn;
	struct store_cursor c;

	log_set_sink(quiet, NULL);
	open_env(&f);
	put_one(&f, "apple", "a red one");
	put_one(&f, "pear", "a green one");
	checkpoint(&f, 1);
	store_env_close(&f.env);
	lead_astray(&f);
	open_env(&f);

	txn = reader(&f);
	store_cursor_init(&c, txn, FRUIT);
	cr_assert_not(store_cursor_seek(&c, SLICE_LIT("")));
	cr_assert_eq(store_txn_error(txn), ERR_CORRUPT);
	store_cursor_fini(&c);
	store_end(&txn);
	fix_free(&f);
}

Test(env, a_full_map_aborts_and_deleting_helps)
{
	struct fix f = fix_new(256 * 1024);
	struct store_txn *txn;
	char big[2000];
	char key[16];
	unsigned rows = 0;
	enum err err = ERR_NONE;
	uint64_t used;
	uint64_t size;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	open_env(&f);
	for (; err == ERR_NONE; rows++) {
		checkpoint(&f, 1); /* else old pages fill the map */
		txn = writer(&f);
		snprintf(key, sizeof(key), "k%05u", rows);
		put(txn, FRUIT, key, big);
		err = store_commit(&txn);
	}
	cr_assert_eq(err, ERR_FULL);
	cr_assert_not(reads(&f, key, big), "the failed row is not there");
	store_env_fill(f.env, &used, &size);
	cr_assert_eq(size, 256 * 1024);
	cr_assert(used > size / 2 && used <= size);

	/* One small row after another: a delete needs pages as well. */
	checkpoint(&f, 1);
	for (unsigned i = 0; i + 1 < rows; i++) {
		txn = writer(&f);
		snprintf(key, sizeof(key), "k%05u", i);
		store_del(txn, FRUIT, slice_str(key));
		err = store_commit(&txn);
		if (err == ERR_FULL)
			checkpoint(&f, 2);
	}
	store_env_fill(f.env, &used, &size);
	cr_assert(used < size / 2, "the fill comes down");
	fix_free(&f);
}

Test(env, a_decoder_can_fail_the_transaction)
{
	struct fix f = fix_new(1 << 20);
	struct store_txn *txn;

	open_env(&f);
	txn = writer(&f);
	put(txn, FRUIT, "apple", "red");
	store_txn_fail(txn, ERR_CORRUPT);
	store_txn_fail(txn, ERR_IO);
	put(txn, FRUIT, "pear", "green");
	cr_assert_eq(store_commit(&txn), ERR_CORRUPT, "the first is kept");
	cr_assert_not(reads(&f, "apple", "red"));
	fix_free(&f);
}

/* ---- cursors ---- */

static void fill(struct fix *f, const char *keys)
{
	struct store_txn *txn = writer(f);

	for (; *keys; keys++)
		store_put(txn, FRUIT, slice_of(keys, 1), 1, slice_of(keys, 1));
	cr_assert_eq(store_commit(&txn), ERR_NONE);
}

static bool at(const struct store_cursor *c, char key)
{
	return c->valid && c->key.len == 1 && c->key.data[0] == (uint8_t)key;
}

Test(cursor, walks_both_ways)
{
	struct fix f = fix_new(1 << 20);
	struct store_txn *txn;
	struct store_cursor c;

	open_env(&f);
	fill(&f, "bdf");
	txn = reader(&f);
	store_cursor_init(&c, txn, FRUIT);
	cr_assert(store_cursor_seek(&c, SLICE_LIT("")) && at(&c, 'b'));
	cr_assert(store_cursor_next(&c) && at(&c, 'd'));
	cr_assert(store_cursor_next(&c) && at(&c, 'f'));
	cr_assert_not(store_cursor_next(&c));
	cr_assert_not(c.valid);
	cr_assert(store_cursor_seek(&c, SLICE_LIT("c")) && at(&c, 'd'));
	cr_assert(store_cursor_prev(&c) && at(&c, 'b'));
	cr_assert_not(store_cursor_prev(&c));
	cr_assert(store_cursor_seek_before(&c, SLICE_LIT("d")) && at(&c, 'b'));
	cr_assert(store_cursor_seek_before(&c, SLICE_LIT("z")) && at(&c, 'f'));
	cr_assert_not(store_cursor_seek_before(&c, SLICE_LIT("b")));
	cr_assert_not(store_cursor_seek(&c, SLICE_LIT("g")));
	store_cursor_fini(&c);
	store_end(&txn);
	fix_free(&f);
}

Test(cursor, of_an_empty_table_stands_nowhere)
{
	struct fix f = fix_new(1 << 20);
	struct store_txn *txn;
	struct store_cursor c;

	open_env(&f);
	txn = reader(&f);
	store_cursor_init(&c, txn, TREE);
	cr_assert_not(store_cursor_seek(&c, SLICE_LIT("")));
	cr_assert_not(store_cursor_seek_before(&c, SLICE_LIT("a")));
	cr_assert_not(store_cursor_in(&c, SLICE_LIT("")));
	store_cursor_fini(&c);
	store_end(&txn);
	fix_free(&f);
}

Test(cursor, deleting_while_walking_misses_nothing)
{
	struct fix f = fix_new(1 << 20);
	struct store_txn *txn;
	struct store_cursor c;
	unsigned seen = 0;
	bool more;

	open_env(&f);
	fill(&f, "abcdefghij");
	txn = writer(&f);
	store_cursor_init(&c, txn, FRUIT);
	for (more = store_cursor_seek(&c, SLICE_LIT("")); more;
	     more = store_cursor_next(&c)) {
		if (seen++ % 2 == 0)
			store_cursor_del(&c);
	}
	store_cursor_fini(&c);
	cr_assert_eq(seen, 10);
	cr_assert_eq(store_count(txn, FRUIT), 5);
	cr_assert(has(txn, "b", "b"));
	cr_assert_not(has(txn, "c", "c"));
	cr_assert_eq(store_commit(&txn), ERR_NONE);
	fix_free(&f);
}

Test(cursor, goes_on_from_its_place_after_writes)
{
	struct fix f = fix_new(1 << 20);
	struct store_txn *txn;
	struct store_cursor c;

	open_env(&f);
	fill(&f, "bdf");
	txn = writer(&f);
	store_cursor_init(&c, txn, FRUIT);
	cr_assert(store_cursor_seek(&c, SLICE_LIT("d")));
	put(txn, FRUIT, "e", "e");
	store_cursor_del(&c);
	put(txn, FRUIT, "c", "c");
	cr_assert(at(&c, 'd'), "the key stays readable");
	cr_assert(store_cursor_next(&c) && at(&c, 'e'));
	store_cursor_del(&c);
	cr_assert(store_cursor_prev(&c) && at(&c, 'c'));
	store_cursor_fini(&c);
	store_end(&txn);
	fix_free(&f);
}

/* A table against a sorted array of flags, with two cursors in it. */
#define MODEL_KEYS 400

static void model_key(struct store_key *key, unsigned n)
{
	store_key_init(key);
	store_key_str(key, SLICE_LIT("a prefix that makes pages fill sooner"));
	store_key_u32(key, n);
}

static int model_next(const bool *present, int n, int step)
{
	do {
		n += step;
	} while (n >= 0 && n < MODEL_KEYS && !present[n]);
	return n >= 0 && n < MODEL_KEYS ? n : -1;
}

static int cursor_number(const struct store_cursor *c)
{
	struct slice key = c->key;
	struct slice name;
	uint32_t n;

	if (!c->valid)
		return -1;
	cr_assert(store_key_take_str(&key, &name));
	cr_assert(store_key_take_u32(&key, &n));
	return (int)n;
}

static void model_step(struct store_txn *txn, struct store_cursor *c,
		       bool *present, struct random *random)
{
	uint8_t fields[200] = { 0 };
	unsigned n = (unsigned)random_range(random, 0, MODEL_KEYS - 1);
	int here = cursor_number(c);
	struct store_key key;

	model_key(&key, n);
	switch (random_range(random, 0, 5)) {
	case 0:
		store_put(txn, FRUIT, store_key_slice(&key), 1,
			  slice_of(fields, sizeof(fields)));
		present[n] = true;
		break;
	case 1:
		cr_assert_eq(store_del(txn, FRUIT, store_key_slice(&key)),
			     present[n]);
		present[n] = false;
		break;
	case 2:
		store_cursor_seek(c, store_key_slice(&key));
		here = model_next(present, (int)n - 1, 1);
		cr_assert_eq(cursor_number(c), here);
		break;
	case 3:
		if (!c->valid)
			break;
		store_cursor_del(c);
		present[here] = false;
		break;
	default:
		if (!c->valid)
			break;
		if (n % 2 == 0)
			store_cursor_next(c);
		else
			store_cursor_prev(c);
		here = model_next(present, here, n % 2 == 0 ? 1 : -1);
		cr_assert_eq(cursor_number(c), here);
	}
}

Test(cursor, agrees_with_a_model)
{
	struct fix f = fix_new(16 << 20);
	struct random_seeded random;
	bool present[MODEL_KEYS] = { false };
	struct store_txn *txn;
	struct store_cursor c[2];

	random_seeded_init(&random, 4);
	open_env(&f);
	for (unsigned round = 0; round < 40; round++) {
		txn = writer(&f);
		store_cursor_init(&c[0], txn, FRUIT);
		store_cursor_init(&c[1], txn, FRUIT);
		for (unsigned i = 0; i < 500; i++)
			model_step(txn, &c[i % 2], present, &random.random);
		store_cursor_fini(&c[0]);
		store_cursor_fini(&c[1]);
		cr_assert_eq(store_commit(&txn), ERR_NONE);
	}
	fix_free(&f);
}

/* ---- threads ---- */

struct worker {
	struct fix *fix;
	pthread_t thread;
	bool ok;
};

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	w->ok = true;
	for (unsigned i = 0; i < 500; i++) {
		struct store_txn *txn;
		struct store_value value;

		if (store_read_begin(w->fix->env, &txn) != ERR_NONE)
			continue;
		w->ok &= store_get(txn, FRUIT, SLICE_LIT("apple"), &value);
		store_end(&txn);
	}
	return NULL;
}

Test(env, snapshots_are_taken_on_many_threads)
{
	struct fix f = fix_new(4 << 20);
	struct worker w[READERS + 1];

	open_env(&f);
	put_one(&f, "apple", "0");
	for (unsigned i = 0; i < READERS + 1; i++) {
		w[i].fix = &f;
		cr_assert_eq(
			pthread_create(&w[i].thread, NULL, worker_main, &w[i]),
			0);
	}
	for (unsigned i = 0; i < 200; i++)
		put_one(&f, "apple", i % 2 ? "1" : "0");
	for (unsigned i = 0; i < READERS + 1; i++) {
		pthread_join(w[i].thread, NULL);
		cr_assert(w[i].ok);
	}
	fix_free(&f);
}

/* ---- copies ---- */

Test(env, a_copy_opens_as_an_environment)
{
	struct fix f = fix_new(1 << 20);
	struct fix g = fix_new(1 << 20);
	char *path = host_path(g.dir, "data.mdb");
	int fd;

	open_env(&f);
	put_one(&f, "apple", "red");
	cr_assert_eq(f.host.disk.open(&f.host.disk, path, DISK_NEW, &fd),
		     ERR_NONE);
	cr_assert_eq(store_env_copy(f.env, fd), ERR_NONE);
	close(fd);
	g.options.clean = true;
	open_env(&g);
	cr_assert(reads(&g, "apple", "red"));
	mem_free(path);
	fix_free(&f);
	fix_free(&g);
}
