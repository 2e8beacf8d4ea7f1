/*
 * The octets of one file of a simulated disk: what is durable, and what each
 * sector was since.
 *
 * Belongs to disk_sim.c. `step` numbers the calls that change the disk, from 1,
 * rising.
 */
#ifndef BASE_DISK_SIM_DATA_H
#define BASE_DISK_SIM_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/random.h"
#include "base/slice.h"
#include "base/tree.h"

/* What a power loss does to whatever is not durable. */
struct sim_fate {
	struct random *random; /* NULL: nothing of it survives */
	uint64_t keep_percent; /* how often the newest state does */
	uint64_t last_step;    /* later steps never reached the disk */
};

/* One of the states 0 (durable) to `newest`. */
size_t sim_fate_pick(const struct sim_fate *fate, size_t newest);

struct sim_size {
	uint64_t step;
	uint64_t size;
};

struct sim_data {
	struct tree sectors; /* by number; one that is absent is zero */
	struct list dirty;   /* those of them with states since the last sync */
	uint64_t size;       /* as processes see it; zeroes are behind it */
	uint64_t durable_size;  /* as of the last sync */
	struct sim_size *sizes; /* its changes since */
	size_t size_count;
	size_t size_cap;
};

void sim_data_init(struct sim_data *data);
void sim_data_fini(struct sim_data *data);

/* Octets [offset, offset + len) as processes see them. */
void sim_data_read(const struct sim_data *data, uint64_t offset, void *out,
		   size_t len);

/* Grows the file if need be. */
void sim_data_write(struct sim_data *data, uint64_t step, uint64_t offset,
		    struct slice octets);

/* Cuts, or grows by zeroes. */
void sim_data_resize(struct sim_data *data, uint64_t step, uint64_t size);

void sim_data_sync(struct sim_data *data);

/* What was to be synced counts as synced, but is not durable. */
void sim_data_sync_failed(struct sim_data *data);

/* Afterwards what processes see is what is durable. */
void sim_data_crash(struct sim_data *data, const struct sim_fate *fate);

/* Flips bits in every state of an octet. */
void sim_data_flip(struct sim_data *data, uint64_t offset, uint8_t mask);

#endif
