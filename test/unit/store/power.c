#include "power.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/panic.h"
#include "base/random.h"
#include "host_disk.h"
#include "store/checkpoint.h"
#include "store/env.h"

#define TABLES 2
#define KEYS 60
#define PAGE 4096
#define PAGES_MAX 4096
#define INDEX_MAX 64   /* checkpoints in one run */
#define EVENTS_MAX 160 /* the power goes at one of these at the latest */
#define MAP_SIZE ((uint64_t)PAGES_MAX * PAGE)

static const char *const tables[TABLES] = { "one", "two" };

/* stamp of each row; 0: absent. */
struct model {
	uint32_t rows[TABLES][KEYS];
};

/* What a page may be after the loss: [0] is what the last fsync wrote. */
struct page {
	uint8_t *versions;
	size_t count;
	size_t cap;
	bool born; /* [0] is an fsync's, else the page may be missing */
};

struct power {
	const struct power_options *options;
	struct random_seeded random;
	struct host_disk host;
	char *dir;
	struct store_env *env;

	struct model now;
	struct model at[INDEX_MAX]; /* of the checkpoint with this index */
	uint64_t index;
	uint32_t stamp;

	struct buf map; /* its file, as last looked at */
	struct page pages[PAGES_MAX];
	size_t page_count;

	struct buf file;      /* `checkpoint` as a running process sees it */
	struct buf file_safe; /* as it is after the loss unless renamed since */
	bool temp_synced;

	bool writing;  /* no commits inside of a commit */
	bool stopping; /* nor while a clean stop is under way */
	bool inside;   /* of a checkpoint */
	char *frozen;  /* directory as the dead process left it, or NULL */
	unsigned events;
	unsigned lost_at;
	char *lost; /* directory with what is left */
};

static uint64_t draw(struct power *p, uint64_t max)
{
	return random_range(&p->random.random, 0, max);
}

/* ---- pages ---- */

static void page_push(struct page *page, const uint8_t *octets)
{
	size_t last = (page->count - 1) * PAGE;

	if (page->count > 0 && memcmp(page->versions + last, octets, PAGE) == 0)
		return;
	if (page->count == page->cap) {
		page->cap = page->cap * 2 + 2;
		page->versions = mem_realloc(page->versions, page->cap * PAGE);
	}
	memcpy(page->versions + page->count * PAGE, octets, PAGE);
	page->count++;
}

/* After each commit: which pages were written, and with what. */
static void pages_look(struct power *p)
{
	host_file_read(p->dir, "data.mdb", &p->map);
	p->page_count = p->map.len / PAGE;
	MUST(p->page_count <= PAGES_MAX);
	for (size_t i = 0; i < p->page_count; i++)
		page_push(&p->pages[i], p->map.data + i * PAGE);
}

/* An fsync: only the newest version of each page is left. */
static void pages_settle(struct power *p)
{
	for (size_t i = 0; i < p->page_count; i++) {
		struct page *page = &p->pages[i];
		size_t last = (page->count - 1) * PAGE;

		memmove(page->versions, page->versions + last, PAGE);
		page->count = 1;
		page->born = true;
	}
}

static const uint8_t *page_after_loss(struct power *p, struct page *page)
{
	static const uint8_t zeroes[PAGE];
	size_t choices = page->count + (page->born ? 0 : 1);
	size_t choice = draw(p, choices - 1);

	if (choice == page->count)
		return zeroes;
	return page->versions + choice * PAGE;
}

static void map_after_loss(struct power *p, const char *dir)
{
	struct buf map = { 0 };

	for (size_t i = 0; i < p->page_count; i++) {
		if (!p->pages[i].born && draw(p, 9) == 0)
			break; /* the file had not grown so far */
		buf_add(&map, page_after_loss(p, &p->pages[i]), PAGE);
	}
	host_file_put(dir, "data.mdb", buf_slice(&map));
	buf_fini(&map);
}

/* ---- the loss ---- */

static void lose_power(struct power *p)
{
	bool newer = draw(p, 1) == 0;
	struct buf *file = newer ? &p->file : &p->file_safe;

	p->lost = host_dir_new();
	pages_look(p);
	map_after_loss(p, p->lost);
	if (file->len > 0)
		host_file_put(p->lost, "checkpoint", buf_slice(file));
}

/* The process goes, the machine stays: the files are as they were. */
static char *move_house(struct power *p)
{
	struct buf map = host_file_get(p->dir, "data.mdb");
	char *dir = host_dir_new();

	host_file_put(dir, "data.mdb", buf_slice(&map));
	if (p->file.len > 0)
		host_file_put(dir, "checkpoint", buf_slice(&p->file));
	buf_fini(&map);
	return dir;
}

/*
 * What the code does between its death and the return to live() is not seen:
 * the files were taken at the moment of the death.
 */
static void event(struct power *p)
{
	if (p->lost || p->frozen)
		return;
	if (++p->events == p->lost_at)
		lose_power(p);
	else if (p->inside && p->options->kills && draw(p, 19) == 0)
		p->frozen = move_house(p);
}

/* ---- rows ---- */

static void row_key(struct store_key *key, uint32_t n)
{
	store_key_init(key);
	store_key_u32(key, n * 2654435761u); /* spread over the pages */
}

static size_t row_len(uint32_t stamp)
{
	return stamp % 41 == 0 ? 9000 : 4 + stamp * 7 % 150;
}

static void row_fill(struct buf *fields, uint32_t stamp)
{
	size_t len = row_len(stamp);

	buf_clear(fields);
	while (fields->len < len)
		buf_add(fields, &stamp, sizeof(stamp));
	fields->len = len;
}

static void change_row(struct power *p, struct store_txn *txn,
		       struct buf *fields)
{
	unsigned t = (unsigned)draw(p, TABLES - 1);
	uint32_t n = (uint32_t)draw(p, KEYS - 1);
	struct store_key key;

	row_key(&key, n);
	if (draw(p, 3) == 0) {
		store_del(txn, t, store_key_slice(&key));
		p->now.rows[t][n] = 0;
		return;
	}
	row_fill(fields, ++p->stamp);
	store_put(txn, t, store_key_slice(&key), 1, buf_slice(fields));
	p->now.rows[t][n] = p->stamp;
}

static void commit_some(struct power *p)
{
	struct buf fields = { 0 };
	struct store_txn *txn;
	uint64_t changes = draw(p, 5);

	p->writing = true;
	MUST(store_write_begin(p->env, &txn) == ERR_NONE);
	for (uint64_t i = 0; i <= changes; i++)
		change_row(p, txn, &fields);
	MUST(store_commit(&txn) == ERR_NONE);
	p->writing = false;
	buf_fini(&fields);
	pages_look(p);
	event(p);
}

/* The applier goes on while a checkpoint is made. */
static void between_steps(struct power *p)
{
	unsigned commits = p->options->busy ? 2 : (unsigned)draw(p, 1);

	if (!p->env || p->writing || p->stopping)
		return;
	while (commits-- > 0 && !p->lost && !p->frozen)
		commit_some(p);
}

/* ---- the disk below ---- */

static void file_renamed(struct power *p)
{
	buf_clear(&p->file);
	if (!p->temp_synced)
		return; /* a name without octets */
	buf_fini(&p->file);
	p->file = host_file_get(p->dir, "checkpoint.tmp");
}

static void before(void *arg, enum host_call call, const char *path)
{
	struct power *p = arg;

	if (call == HOST_SYNC_DIR && strcmp(path, p->dir) != 0)
		return; /* the directory above, which is always there */
	if (!p->frozen)
		between_steps(p);
	if (p->frozen)
		return;
	if (call == HOST_RENAME)
		file_renamed(p);
	if (call == HOST_WRITE)
		p->temp_synced = false;
	if (call == HOST_SYNC)
		p->temp_synced = true;
	event(p);
	if (call == HOST_SYNC_DIR && !p->frozen) {
		buf_clear(&p->file_safe);
		buf_add_slice(&p->file_safe, buf_slice(&p->file));
	}
}

static void synced(void *arg, struct store_env *env unused_arg)
{
	struct power *p = arg;

	if (p->frozen)
		return;
	pages_look(p);
	pages_settle(p);
	between_steps(p);
	event(p);
}

/* ---- life ---- */

static enum err open_in(struct power *p, const char *dir, bool clean)
{
	struct store_env_options options = {
		.path = dir,
		.map_size = MAP_SIZE,
		.max_readers = 2,
		.tables = tables,
		.table_count = TABLES,
		.disk = &p->host.disk,
		.clean = clean,
		.synced = synced,
		.synced_arg = p,
	};

	return store_env_open(&options, &p->env);
}

static void checkpoint(struct power *p)
{
	if (p->index + 1 == INDEX_MAX)
		return;
	p->at[++p->index] = p->now;
	p->inside = true;
	MUST(store_checkpoint_begin(p->env, p->index, 1) == ERR_NONE);
	between_steps(p);
	MUST(store_checkpoint_sync(p->env) == ERR_NONE);
	p->inside = false;
}

static bool restart(struct power *p, bool clean)
{
	struct store_env *old = p->env;
	struct store_position at;
	enum err err;
	char *dir;

	p->stopping = true;
	if (clean)
		checkpoint(p);
	p->stopping = false;
	clean = clean && !p->frozen;
	dir = p->frozen ? p->frozen : move_house(p);
	p->frozen = NULL;
	p->env = NULL;
	store_env_close(&old);
	host_dir_free(&p->dir);
	p->dir = dir;
	err = open_in(p, dir, clean);
	if (err != ERR_NONE)
		return false;
	pages_look(p);
	store_checkpoint_last(p->env, &at);
	p->now = p->at[at.index];
	event(p);
	return true;
}

static bool live(struct power *p)
{
	const struct power_options *options = p->options;

	while (!p->lost) {
		uint64_t what = draw(p, 19);

		if (what < 3)
			checkpoint(p);
		else if (what == 3 && options->kills && !restart(p, false))
			return false;
		else if (what == 4 && options->stops && !restart(p, true))
			return false;
		else
			commit_some(p);
		if (p->frozen && !p->lost && !restart(p, false))
			return false;
	}
	return true;
}

/* ---- judgement ---- */

static bool row_is_right(struct store_txn *txn, unsigned t, uint32_t n,
			 uint32_t stamp)
{
	struct buf fields = { 0 };
	struct store_value value;
	struct store_key key;
	bool found;
	bool right;

	row_key(&key, n);
	found = store_get(txn, t, store_key_slice(&key), &value);
	right = found == (stamp != 0);
	if (found && right) {
		row_fill(&fields, stamp);
		right = slice_eq(value.fields, buf_slice(&fields));
	}
	buf_fini(&fields);
	return right;
}

static bool table_is_right(struct store_txn *txn, unsigned t,
			   const uint32_t *rows)
{
	uint64_t count = 0;
	uint64_t seen = 0;
	struct store_cursor c;
	bool more;

	for (uint32_t n = 0; n < KEYS; n++) {
		if (!row_is_right(txn, t, n, rows[n]))
			return false;
		count += rows[n] != 0;
	}
	store_cursor_init(&c, txn, t);
	for (more = store_cursor_seek(&c, SLICE_NONE); more;
	     more = store_cursor_next(&c))
		seen++;
	store_cursor_fini(&c);
	return seen == count && store_count(txn, t) == count;
}

static bool is_model(struct power *p, const struct model *model)
{
	struct store_txn *txn;
	bool right = true;

	MUST(store_read_begin(p->env, &txn) == ERR_NONE);
	for (unsigned t = 0; t < TABLES; t++)
		right = right && table_is_right(txn, t, model->rows[t]);
	right = right && store_txn_error(txn) == ERR_NONE;
	store_end(&txn);
	return right;
}

static const char *judge(struct power *p)
{
	struct store_position at;

	if (open_in(p, p->lost, false) != ERR_NONE)
		return "it does not open";
	store_checkpoint_last(p->env, &at);
	p->now = p->at[at.index];
	if (!is_model(p, &p->now))
		return "it is not the state of the checkpoint";
	for (unsigned i = 0; i < 8; i++) {
		struct buf fields = { 0 };
		struct store_txn *txn;

		MUST(store_write_begin(p->env, &txn) == ERR_NONE);
		for (unsigned row = 0; row < 8; row++)
			change_row(p, txn, &fields);
		buf_fini(&fields);
		if (store_commit(&txn) != ERR_NONE)
			return "it cannot be written";
	}
	if (!is_model(p, &p->now))
		return "it does not keep what is written then";
	return NULL;
}

static void power_free(struct power *p)
{
	if (p->env)
		store_env_close(&p->env);
	for (size_t i = 0; i < PAGES_MAX; i++)
		mem_free(p->pages[i].versions);
	buf_fini(&p->map);
	buf_fini(&p->file);
	buf_fini(&p->file_safe);
	if (p->lost)
		host_dir_free(&p->lost);
	if (p->frozen)
		host_dir_free(&p->frozen);
	host_dir_free(&p->dir);
	mem_free(p);
}

const char *power_run(const struct power_options *options)
{
	struct power *p = mem_zalloc(1, sizeof(*p));
	const char *wrong = "it does not open after a restart";
	struct store_env *dead = NULL;

	p->options = options;
	random_seeded_init(&p->random, options->seed);
	host_disk_init(&p->host);
	p->host.before = before;
	p->host.arg = p;
	p->lost_at = (unsigned)draw(p, EVENTS_MAX - 1) + 1;
	p->dir = host_dir_new();
	if (open_in(p, p->dir, false) == ERR_NONE && live(p)) {
		dead = p->env;
		p->env = NULL;
		p->host.before = NULL;
		wrong = judge(p);
	}
	if (dead)
		store_env_close(&dead);
	power_free(p);
	return wrong;
}
