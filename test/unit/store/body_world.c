#include "body_world.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/panic.h"
#include "base/random.h"
#include "host_disk.h"

#define BODIES "bodies" /* on the simulated disk */

void body_world_init(struct body_world *world)
{
	*world = (struct body_world){
		.sim = disk_sim_new(),
		.dir = host_dir_new(),
		.segment_size = 256 * 1024,
		.index_map_size = 64 << 20,
	};
	disk_sim_make_dirs(world->sim, world->dir);
	task_queue_init(&world->queue);
}

void body_world_fini(struct body_world *world)
{
	if (world->store) {
		task_queue_drain(&world->queue);
		MUST(body_store_close(&world->store, false) == ERR_NONE);
	}
	disk_sim_free(&world->sim);
	host_dir_free(&world->dir);
}

enum err body_world_open(struct body_world *world, bool clean)
{
	char *index = host_path(world->dir, "index");
	struct body_options options = {
		.path = BODIES,
		.index_path = index,
		.disk = disk_sim_disk(world->sim),
		.writer = &world->queue.executor,
		.pool = &world->queue.executor,
		.segment_size = world->segment_size,
		.min_free = world->min_free,
		.index_map_size = world->index_map_size,
		.max_readers = 2,
		.clean = clean,
	};
	enum err err = body_store_open(&options, &world->store);

	mem_free(index);
	return err;
}

static void disk_fails(struct body_world *world, uint64_t times)
{
	for (unsigned call = 0; call < DISK_SIM_CALLS; call++)
		disk_sim_fail(world->sim, (enum disk_sim_call)call, 1, times,
			      ERR_IO);
}

void body_world_crash(struct body_world *world, struct random *random,
		      enum disk_sim_crash how)
{
	char *index = host_path(world->dir, "index");
	struct buf map = host_file_get(index, "data.mdb");

	disk_sim_crash(world->sim, random, how);
	/*
	 * The dead store may not be left alone, it owns memory. It gets at no
	 * file any more, and what it still does to its index is undone.
	 */
	disk_fails(world, UINT64_MAX);
	task_queue_drain(&world->queue);
	MUST(body_store_close(&world->store, false) == ERR_NONE);
	disk_fails(world, 0);
	host_file_put(index, "data.mdb", buf_slice(&map));
	buf_fini(&map);
	mem_free(index);
}

static void write_done(struct body_write *write)
{
	*(bool *)write->owner = true;
}

static void write_ready(struct body_write *write unused_arg)
{
}

struct body_result body_world_put(struct body_world *world, struct slice octets,
				  const struct body_hold *hold)
{
	bool done = false;
	struct body_write write = {
		.home = &world->queue.executor,
		.owner = &done,
	};

	if (hold)
		write.hold = *hold;
	body_write_begin(world->store, &write, write_ready);
	while (octets.len > 0) {
		size_t room = body_write_room(&write);
		struct slice piece = slice_first(octets, room);

		body_write_add(&write, piece);
		octets = slice_from(octets, piece.len);
		if (room == 0)
			MUST(task_queue_step(&world->queue));
	}
	body_write_finish(&write, write_done);
	while (!done)
		MUST(task_queue_step(&world->queue));
	return (struct body_result){ write.err, write.hash, write.length };
}

static void have_done(struct body_have *have)
{
	*(bool *)have->owner = true;
}

enum err body_world_have(struct body_world *world, const struct sha256 *hash,
			 const struct body_hold *hold)
{
	bool done = false;
	struct body_have have = {
		.home = &world->queue.executor,
		.owner = &done,
		.hash = *hash,
		.hold = *hold,
	};

	body_have(world->store, &have, have_done);
	while (!done)
		MUST(task_queue_step(&world->queue));
	return have.err;
}

static void checkpoint_done(struct body_checkpoint *checkpoint)
{
	*(bool *)checkpoint->owner = true;
}

enum err body_world_checkpoint(struct body_world *world)
{
	bool done = false;
	struct body_checkpoint checkpoint = {
		.home = &world->queue.executor,
		.owner = &done,
	};

	body_store_checkpoint(world->store, &checkpoint, checkpoint_done);
	while (!done)
		MUST(task_queue_step(&world->queue));
	return checkpoint.err;
}

bool body_world_is(struct body_world *world, struct slice octets)
{
	uint8_t *out = mem_alloc(octets.len + 1);
	struct sha256 hash;
	size_t got;
	bool is;

	sha256(octets, &hash);
	is = body_read(world->store, &hash, 0, out, octets.len + 1, &got) ==
		     ERR_NONE &&
	     slice_eq(slice_of(out, got), octets);
	mem_free(out);
	return is;
}

struct buf body_octets(uint64_t number, size_t len)
{
	struct random_seeded random;
	struct buf out = { 0 };

	random_seeded_init(&random, number);
	random.random.fill(&random.random, buf_reserve(&out, len), len);
	out.len = len;
	return out;
}

struct body_hold body_hold_of(uint64_t number)
{
	return (struct body_hold){
		.group = (uint32_t)(number % 3),
		.slot = (uint32_t)(number % 1024),
		.proposer = 1,
		.turn = number + 1,
	};
}

const char *body_world_segment(uint64_t segment)
{
	static char path[64];

	snprintf(path, sizeof(path), BODIES "/%016" PRIx64 ".seg", segment);
	return path;
}
