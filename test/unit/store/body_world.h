/*
 * A body store for tests: all executors are one queue, the segments stand on a
 * simulated disk and the index in a real directory.
 */
#ifndef TEST_BODY_WORLD_H
#define TEST_BODY_WORLD_H

#include "base/disk_sim.h"
#include "base/task.h"
#include "store/body.h"

struct body_world {
	struct disk_sim *sim;
	char *dir; /* of the index, real */
	struct task_queue queue;
	struct body_store *store;
	uint64_t segment_size;
	uint64_t index_map_size;
	uint64_t min_free;
};

void body_world_init(struct body_world *world);
void body_world_fini(struct body_world *world);

must_use enum err body_world_open(struct body_world *world, bool clean);

/* A death: the store is left alone and the disk crashes. */
void body_world_crash(struct body_world *world, struct random *random,
		      enum disk_sim_crash how);

/* A write from beginning to end. */
struct body_result {
	enum err err;
	struct sha256 hash;
	uint64_t length;
};

struct body_result body_world_put(struct body_world *world, struct slice octets,
				  const struct body_hold *hold);
enum err body_world_have(struct body_world *world, const struct sha256 *hash,
			 const struct body_hold *hold);
enum err body_world_checkpoint(struct body_world *world);

/* The whole body is there and is this. */
bool body_world_is(struct body_world *world, struct slice octets);

/* Octets that follow from a number, `len` of them; freed by the caller. */
struct buf body_octets(uint64_t number, size_t len);

/* A hold that follows from a number. */
struct body_hold body_hold_of(uint64_t number);

/* Path of the n-th segment file, in a static buffer. */
const char *body_world_segment(uint64_t segment);

#endif
