/*
 * Does an environment kill this process again and again? A small file in its
 * directory says what is under way; a process that died of it finds that at
 * its next start (architecture.md 4, [F9]). LMDB trusts its pages: damaged
 * ones may be found out by a signal only.
 *
 *     opening    everything from opening the environment to its first answer
 *     draining   one transaction of the applier; the place is the index at
 *                which it begins: damage kills there, whatever is applied
 *     applying   one entry of the log; the place is its index: a poisoned one
 *                kills in any transaction
 *
 * What is under way is not synced: it has to outlive the process, not the
 * power. So a loss of power may bring a count back that was over; that nothing
 * adds up that way, the end of deaths is made durable.
 */
#ifndef STORE_DEATHS_H
#define STORE_DEATHS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/disk.h"
#include "base/err.h"

/* Deaths in a row at one place after which it is not tried again. */
#define DEATHS_MAX 3

struct deaths {
	struct disk *disk;
	int fd;
	uint64_t place; /* where the last process died; 0: nowhere */
	uint32_t count; /* how often in a row */
};

/* Opens or makes the file `name` in directory `path`. Blocks. */
must_use enum err deaths_open(struct deaths *deaths, struct disk *disk,
			      const char *path, const char *name);
void deaths_close(struct deaths *deaths);

/* DEATHS_MAX are enough. */
bool deaths_too_many(const struct deaths *deaths);

/* Before what may kill, and behind it. `place` is not 0. */
must_use enum err deaths_enter(struct deaths *deaths, uint64_t place);
must_use enum err deaths_leave(struct deaths *deaths);

/*
 * The same around the opening of the environment in directory `path`, which is
 * made if it is absent. ERR_CORRUPT: deaths_too_many, and said so in the log.
 * deaths_close at the end in any case.
 */
must_use enum err deaths_enter_opening(struct deaths *deaths, struct disk *disk,
				       const char *path);
must_use enum err deaths_leave_opening(struct deaths *deaths);

#endif
