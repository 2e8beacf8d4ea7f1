/*
 * Does apply kill this process again and again? The index under way stands in
 * a small file beside the environment; a process that died there finds it at
 * its next start (architecture.md 4, [F9]).
 *
 * The file is never synced: it has to outlive the process, not the power. It
 * is written by the applier, once an entry.
 */
#ifndef RAFT_DEATHS_H
#define RAFT_DEATHS_H

#include <stdint.h>

#include "base/disk.h"
#include "base/err.h"

/* Deaths at one index after which a group starts parked. */
#define DEATHS_MAX 3

struct deaths {
	struct disk *disk;
	int fd;
	uint64_t index; /* where the last process died; 0: nowhere */
	uint32_t count; /* how often in a row */
};

/* Opens or makes the file in directory `path`. Blocks. */
must_use enum err deaths_open(struct deaths *deaths, struct disk *disk,
			      const char *path);
void deaths_close(struct deaths *deaths);

/* Before an entry is applied, and when what was applied is committed. */
must_use enum err deaths_enter(struct deaths *deaths, uint64_t index);
must_use enum err deaths_leave(struct deaths *deaths);

#endif
