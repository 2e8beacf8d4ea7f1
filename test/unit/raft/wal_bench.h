/*
 * A log on a simulated disk, and a model of what it must remember.
 *
 * Operations are issued by seed or by hand. The model knows the state of every
 * group after each prefix of them; what a log says after a crash must be the
 * state after some prefix that holds everything that was acknowledged. Of an
 * append a prefix of its entries may be there.
 */
#ifndef TEST_WAL_BENCH_H
#define TEST_WAL_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/disk_sim.h"
#include "base/random.h"
#include "base/task.h"
#include "base/timer.h"
#include "raft/wal.h"

#define BENCH_GROUPS 3
#define BENCH_OPS_MAX 512
#define BENCH_PRINTS_MAX 4096
#define BENCH_ENTRIES_MAX 4096 /* of a group, over all its life */

struct bench_entry {
	uint64_t term;
	uint8_t type;
	uint64_t hash; /* of its octets */
};

/* What a group must remember. */
struct bench_group {
	uint64_t term;
	uint64_t vote;
	uint64_t first;
	uint64_t last;
	uint64_t marker_index;
	uint64_t marker_term;
	struct bench_entry entries[BENCH_ENTRIES_MAX];
};

struct bench_op {
	struct wal_op op;
	struct wal_bench *bench;
	struct wal_entry *entries;
	unsigned count;
	uint8_t *data;
	unsigned print; /* of the state with it */
};

struct wal_bench {
	struct disk_sim *disk;
	struct task_queue queue; /* loop, writer and pool are one */
	struct clock_manual clock;
	struct timers timers;
	struct random_seeded random;
	struct wal_options options;
	struct wal *wal;
	struct buf why;

	unsigned failed; /* calls of the fail hook */
	char fail_text[512];

	struct bench_group groups[BENCH_GROUPS];
	uint64_t prints[BENCH_PRINTS_MAX]; /* of all groups, by prefix */
	unsigned print_count;
	struct bench_op ops[BENCH_OPS_MAX];
	unsigned issued;
	unsigned heard; /* completions; they come in order */
	unsigned acked; /* of them, before the power failed */
	bool disorder;  /* they did not */
};

/* A new disk and an opened, empty log. */
struct wal_bench *bench_new(uint64_t seed);
void bench_free(struct wal_bench *bench);

/* Opens the log that is on the disk; `bench->why` says why not. */
enum err bench_open(struct wal_bench *bench);

/* Without any farewell; what is posted is forgotten. */
void bench_close(struct wal_bench *bench);

/* Operations by hand; each changes model and log. */
void bench_append(struct wal_bench *bench, unsigned group, unsigned count,
		  uint32_t len);
void bench_truncate(struct wal_bench *bench, unsigned group, uint64_t index);
void bench_term(struct wal_bench *bench, unsigned group, uint64_t term);
void bench_vote(struct wal_bench *bench, unsigned group, uint64_t vote);
void bench_marker(struct wal_bench *bench, unsigned group, uint64_t index,
		  uint64_t first, bool reset);

/* One operation by seed. */
void bench_random_op(struct wal_bench *bench);

/* Runs all that is posted. */
void bench_drain(struct wal_bench *bench);

/* Moves the clock and fires what is due, then drains. */
void bench_wait(struct wal_bench *bench, uint64_t ms);

/*
 * Closes, crashes, opens and compares. NULL if the log says what it must;
 * model and log then go on from the prefix that was found.
 */
const char *bench_crash(struct wal_bench *bench, enum disk_sim_crash how);

/* The state now: what an opened log says of the groups and the model of it. */
uint64_t bench_print_log(const struct wal_bench *bench);
uint64_t bench_print_model(const struct wal_bench *bench);

/* ---- whole lives; NULL or what went wrong ---- */

/*
 * Random operations; the power fails, or the process is killed, at the `nth`
 * change (0: after them). What a log says after a kill, it says after a loss
 * of power too.
 */
const char *bench_life(uint64_t seed, uint64_t nth, enum disk_sim_crash how);

/* Changes that such a life makes: the range of `nth`. */
uint64_t bench_life_changes(uint64_t seed);

/* The `nth` call of this kind fails; then a kill, and a loss of power. */
const char *bench_fault(uint64_t seed, enum disk_sim_call call, uint64_t nth,
			enum err err);

#endif
