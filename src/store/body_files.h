/*
 * Open segments for reading, shared by all threads: a bounded cache of file
 * descriptors. One that is in use outlives its place in the cache, and the
 * name of its file: who reads while a segment is given back to the disk reads
 * on.
 */
#ifndef STORE_BODY_FILES_H
#define STORE_BODY_FILES_H

#include <pthread.h>

#include "base/disk.h"
#include "base/list.h"
#include "base/tree.h"

struct body_file {
	struct tree_node node; /* first */
	struct list link;      /* in `idle` while nobody uses it */
	uint64_t segment;
	int fd;
	unsigned users;
	bool forgotten; /* not in the tree: closed with its last user */
};

struct body_files {
	struct disk *disk;
	const char *dir; /* borrowed for its life */
	pthread_mutex_t lock;
	struct tree open;
	struct list idle; /* longest unused first */
	unsigned idle_count;
};

void body_files_init(struct body_files *files, struct disk *disk,
		     const char *dir);

/* None may be in use. */
void body_files_fini(struct body_files *files);

/* ERR_NOTFOUND, ERR_IO. Until body_files_put. */
must_use enum err body_files_get(struct body_files *files, uint64_t segment,
				 struct body_file **file_r);
void body_files_put(struct body_files *files, struct body_file *file);

/* Before the segment's file is removed. */
void body_files_forget(struct body_files *files, uint64_t segment);

#endif
