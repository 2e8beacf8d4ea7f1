/*
 * Real files for tests: struct disk over POSIX, with a place to look in before
 * each call, and faults by count.
 */
#ifndef TEST_HOST_DISK_H
#define TEST_HOST_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/disk.h"

enum host_call {
	HOST_OPEN,
	HOST_READ,
	HOST_WRITE,
	HOST_SYNC,
	HOST_ALLOCATE,
	HOST_TRUNCATE,
	HOST_RENAME,
	HOST_UNLINK,
	HOST_SYNC_DIR,
};

struct host_disk {
	struct disk disk;

	/* Called before each call that changes something; may be NULL. */
	void (*before)(void *arg, enum host_call call, const char *path);
	void *arg;

	/* The n-th call that changes something fails with fail_with. */
	uint64_t fail_at; /* 0: never */
	enum err fail_with;
	_Atomic uint64_t calls; /* that change something, so far */
	bool hit;               /* the fault was met */
	_Atomic uint64_t syncs; /* of files */
};

void host_disk_init(struct host_disk *host);

/* A new directory, in memory unless TMPDIR is set; freed by the caller. */
char *host_dir_new(void);

/* Removes it with all that is in it, and frees the name. */
void host_dir_free(char **dirp);

/* path/name, freed by the caller. */
char *host_path(const char *dir, const char *name);

/* Whole files, the short way; panic on errors. */
void host_file_read(const char *dir, const char *name, struct buf *out);
struct buf host_file_get(const char *dir, const char *name);
void host_file_put(const char *dir, const char *name, struct slice octets);

#endif
