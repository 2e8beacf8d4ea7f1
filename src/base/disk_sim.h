/*
 * A disk in memory that loses what was not synced: `struct disk` for tests and
 * for the simulator.
 *
 * What a process sees and what a power loss leaves are two things here. Data
 * and sizes become durable by `sync`, names by `sync_dir`, and never earlier by
 * luck: code that forgets one of them fails its test. In a crash
 *
 *   - each unsynced sector keeps an older state or a newer one, by seed, on its
 *     own; a sector is never mixed; writes to one sector keep their order;
 *   - the size of a file, with its truncations, falls back to one that it had
 *     since the last sync; octets that were never written read as zero;
 *   - each unsynced change of a name happened or not; a rename is never half
 *     done; changes of one name keep their order, and so do all changes around
 *     the rename of a directory.
 *
 * A sync that fails loses like Linux does: what it should have written is taken
 * for written, and a sync that succeeds later does not make it durable.
 *
 * Paths are divided by '/', with or without one in front; "." is the root,
 * which always exists; ".." panics. For one thread at a time. Nothing depends
 * on addresses, clocks or hashes: equal calls and seeds give equal disks.
 */
#ifndef BASE_DISK_SIM_H
#define BASE_DISK_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/disk.h"
#include "base/random.h"

#define DISK_SIM_SECTOR 512 /* octets that are written whole or not at all */

struct disk_sim;

struct disk_sim *disk_sim_new(void);
void disk_sim_free(struct disk_sim **simp);

/* The table for the code under test; lives as long as the simulation. */
struct disk *disk_sim_disk(struct disk_sim *sim);

/* Makes a directory with all above it, durable; existing ones are kept. */
void disk_sim_make_dirs(struct disk_sim *sim, const char *path);

/* ---- crashes ---- */

enum disk_sim_crash {
	/* The process died: the kernel has it all, still unsynced. */
	DISK_SIM_KILL,
	/* The power failed: everything unsynced is gone. */
	DISK_SIM_DROP,
	/* The power failed: what of it is there is drawn from `random`. */
	DISK_SIM_TEAR,
};

/*
 * Ends all open files and leaves the disk as the next start finds it. `random`
 * is for DISK_SIM_TEAR only, else NULL. Calls on descriptors of before give
 * ERR_IO, closing them is allowed.
 */
void disk_sim_crash(struct disk_sim *sim, struct random *random,
		    enum disk_sim_crash how);

/*
 * Lets the power fail during the `nth` changing call from now (1: the next):
 * calls go on to succeed and to be seen, but from that one on nothing is made
 * durable, and of what comes behind it a crash leaves nothing. So a process
 * need not handle its own death: let it run on, ask disk_sim_is_cut when it
 * acknowledges something, crash, start again. 0: it does not fail.
 *
 * Changing calls are open (DISK_CREATE, DISK_NEW), write, sync, allocate,
 * truncate, rename, unlink, mkdir and sync_dir. A crash repairs the power.
 */
void disk_sim_cut_at(struct disk_sim *sim, uint64_t nth);

/*
 * Lets the process be killed before the `nth` changing call from now: that one
 * and those behind it change nothing and fail with ERR_IO, until a crash. What
 * it did before is there after DISK_SIM_KILL, unsynced as it is. 0: never.
 */
void disk_sim_kill_at(struct disk_sim *sim, uint64_t nth);

/* The power has failed, or the process is dead. */
bool disk_sim_is_cut(const struct disk_sim *sim);

/* Changing calls so far: the range of `nth`. */
uint64_t disk_sim_changes(const struct disk_sim *sim);

/* ---- faults ---- */

enum disk_sim_call {
	DISK_SIM_OPEN,
	DISK_SIM_READ,
	DISK_SIM_WRITE,
	DISK_SIM_SYNC,
	DISK_SIM_SIZE,
	DISK_SIM_ALLOCATE,
	DISK_SIM_TRUNCATE,
	DISK_SIM_RENAME,
	DISK_SIM_UNLINK,
	DISK_SIM_MKDIR,
	DISK_SIM_SYNC_DIR,
	DISK_SIM_LIST,
	DISK_SIM_FREE_SPACE,
	DISK_SIM_CALLS, /* how many kinds there are */
};

/* How many calls of this kind were made, failed ones included. */
uint64_t disk_sim_calls(const struct disk_sim *sim, enum disk_sim_call call);

/*
 * Lets the `nth` call of this kind from now (1: the next) and the ones behind
 * it, `times` in all, fail with `err`; 0 times: none. A write that fails has
 * written the first half of its octets, a sync loses as said above, the other
 * calls have changed nothing. Faults outlive crashes.
 */
void disk_sim_fail(struct disk_sim *sim, enum disk_sim_call call, uint64_t nth,
		   uint64_t times, enum err err);

/*
 * Octets that the disk takes, each file rounded up to sectors; without limit by
 * default. Write and allocate fail with ERR_FULL beyond it, the former when it
 * has written what fits. A file takes space until it has lost its last name, in
 * the durable directory too, and its last descriptor.
 */
void disk_sim_set_space(struct disk_sim *sim, uint64_t octets);

/* Rot: flips the bits of `mask` in one octet of a file, durable at once. */
void disk_sim_flip(struct disk_sim *sim, const char *path, uint64_t offset,
		   uint8_t mask);

#endif
