#include <criterion/criterion.h>

#include <semaphore.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "base/random.h"
#include "body_world.h"
#include "crew.h"
#include "host_disk.h"

#define LOOPS 3
#define WRITERS 8 /* of each loop */
#define ROUNDS 40 /* bodies of each writer */
#define READS 400

struct yard {
	struct host_disk host;
	char *dir;
	struct crew writer;
	struct crew pool;
	struct crew loops[LOOPS];
	struct body_store *store;
	_Atomic unsigned written;
	_Atomic unsigned wrong;
	sem_t ended; /* clients */
	sem_t swept;
};

struct client {
	struct body_write write;
	struct yard *yard;
	struct crew *home;
	unsigned number;
	unsigned round;
	struct buf octets;
	size_t at;
	struct task task;
};

static size_t length_of(unsigned number)
{
	return number % 13 == 12 ? 150000 : 100 + number % 5000;
}

static void yard_init(struct yard *y)
{
	struct body_options options = { .segment_size = 1 << 20,
					.index_map_size = 64 << 20,
					.max_readers = 8 };
	char *path;

	host_disk_init(&y->host);
	y->dir = host_dir_new();
	path = host_path(y->dir, "bodies");
	crew_init(&y->writer, 1);
	crew_init(&y->pool, 3);
	for (unsigned i = 0; i < LOOPS; i++)
		crew_init(&y->loops[i], 1);
	options.path = path;
	options.disk = &y->host.disk;
	options.writer = &y->writer.executor;
	options.pool = &y->pool.executor;
	cr_assert_eq(sem_init(&y->ended, 0, 0), 0);
	cr_assert_eq(sem_init(&y->swept, 0, 0), 0);
	cr_assert_eq(body_store_open(&options, &y->store), ERR_NONE);
	mem_free(path);
}

static void yard_fini(struct yard *y)
{
	cr_assert_eq(body_store_close(&y->store, true), ERR_NONE);
	for (unsigned i = 0; i < LOOPS; i++)
		crew_fini(&y->loops[i]);
	crew_fini(&y->writer);
	crew_fini(&y->pool);
	cr_assert_eq(sem_destroy(&y->ended), 0);
	cr_assert_eq(sem_destroy(&y->swept), 0);
	host_dir_free(&y->dir);
}

static void client_begin(struct task *task);

static void client_done(struct body_write *write)
{
	struct client *c = write->owner;

	if (write->err != ERR_NONE || write->length != c->octets.len)
		atomic_fetch_add(&c->yard->wrong, 1);
	atomic_fetch_add(&c->yard->written, 1);
	buf_fini(&c->octets);
	if (++c->round < ROUNDS)
		task_post(&c->home->executor, &c->task, client_begin);
	else
		sem_post(&c->yard->ended);
}

static void client_go_on(struct body_write *write)
{
	struct client *c = write->owner;

	while (c->at < c->octets.len) {
		struct slice rest = slice_from(buf_slice(&c->octets), c->at);
		struct slice piece = slice_first(rest, body_write_room(write));

		if (piece.len == 0)
			return;
		body_write_add(write, piece);
		c->at += piece.len;
	}
	body_write_finish(write, client_done);
}

static void client_begin(struct task *task)
{
	struct client *c = container_of(task, struct client, task);
	unsigned number = c->number * ROUNDS + c->round;

	c->octets = body_octets(number, length_of(number));
	c->at = 0;
	c->write = (struct body_write){
		.home = &c->home->executor,
		.owner = c,
		.hold = body_hold_of(number),
	};
	body_write_begin(c->yard->store, &c->write, client_go_on);
	client_go_on(&c->write);
}

/* Bodies that are there or not yet, never others. */
static void *reader_main(void *arg)
{
	struct yard *y = arg;
	struct random_seeded random;

	random_seeded_init(&random, 1);
	for (unsigned i = 0; i < READS; i++) {
		unsigned number = (unsigned)random_range(
			&random.random, 0, LOOPS * WRITERS * ROUNDS - 1);
		struct buf octets = body_octets(number, length_of(number));
		uint8_t *out = mem_alloc(octets.len);
		struct sha256 hash;
		size_t got;
		enum err err;

		sha256(buf_slice(&octets), &hash);
		err = body_read(y->store, &hash, 0, out, octets.len, &got);
		if (err == ERR_NONE &&
		    !slice_eq(slice_of(out, got), buf_slice(&octets)))
			atomic_fetch_add(&y->wrong, 1);
		if (err != ERR_NONE && err != ERR_MISSING_BODY)
			atomic_fetch_add(&y->wrong, 1);
		mem_free(out);
		buf_fini(&octets);
	}
	return NULL;
}

static bool is_resolved(void *arg unused_arg, const struct body_hold *hold)
{
	return hold->turn % 2 == 0;
}

static bool is_named(void *arg unused_arg, const struct sha256 *hash)
{
	return hash->octets[0] % 8 == 0;
}

static void sweep_done(struct body_sweep *sweep)
{
	struct yard *y = sweep->owner;

	if (sweep->err != ERR_NONE)
		atomic_fetch_add(&y->wrong, 1);
	sem_post(&y->swept);
}

static void sem_take(sem_t *sem, unsigned times)
{
	while (times-- > 0)
		cr_assert_eq(sem_wait(sem), 0);
}

static void sweep_all(struct yard *y)
{
	struct body_sweep sweep = {
		.home = &y->loops[0].executor,
		.owner = y,
		.is_resolved = is_resolved,
		.is_named = is_named,
	};

	body_sweep(y->store, &sweep, sweep_done);
	sem_take(&y->swept, 1);
}

Test(body_threads, write_read_and_sweep_at_the_same_time)
{
	static struct yard y;
	static struct client clients[LOOPS * WRITERS];
	struct body_stats stats;
	pthread_t readers[2];

	yard_init(&y);
	body_store_caught_up(y.store, true);
	for (unsigned i = 0; i < 2; i++)
		cr_assert_eq(pthread_create(&readers[i], NULL, reader_main, &y),
			     0);
	for (unsigned i = 0; i < LOOPS * WRITERS; i++) {
		clients[i].yard = &y;
		clients[i].home = &y.loops[i % LOOPS];
		clients[i].number = i;
		task_post(&clients[i].home->executor, &clients[i].task,
			  client_begin);
	}
	sem_take(&y.ended, LOOPS * WRITERS / 2);
	sweep_all(&y);
	sem_take(&y.ended, LOOPS * WRITERS / 2);
	for (unsigned i = 0; i < 2; i++)
		cr_assert_eq(pthread_join(readers[i], NULL), 0);
	sweep_all(&y);
	cr_assert_eq(y.written, LOOPS * WRITERS * ROUNDS);
	cr_assert_eq(y.wrong, 0);
	body_store_get_stats(y.store, &stats);
	cr_assert_lt(stats.bodies, LOOPS * WRITERS * ROUNDS);
	cr_assert_eq(stats.damaged, 0);
	yard_fini(&y);
}
