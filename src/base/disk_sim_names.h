/*
 * The directories of a simulated disk: what is durable, and what changed since.
 *
 * Belongs to disk_sim.c. `step` as in disk_sim_data.h.
 */
#ifndef BASE_DISK_SIM_NAMES_H
#define BASE_DISK_SIM_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/disk.h"
#include "base/disk_sim_data.h"
#include "base/err.h"
#include "base/list.h"
#include "base/slice.h"
#include "base/tree.h"

/* A file or a directory: it lives as long as a name or a descriptor does. */
struct sim_node {
	struct list link; /* in sim_names.nodes */
	unsigned refs;    /* names of both kinds, changes, descriptors */
	bool is_dir;
	struct sim_data data;    /* of a file */
	struct tree now;         /* entries of a directory, as it is seen */
	struct tree durable;     /* entries that a power loss leaves */
	struct sim_node *parent; /* of a directory, as it is seen */
};

struct sim_names {
	struct sim_node *root;
	struct list nodes;
	struct list changes; /* of names, not yet durable, oldest first */
	bool orphans;        /* there are nodes without references */
};

/* Where a path leads. `node` is NULL if nothing has that name. */
struct sim_place {
	struct sim_node *dir; /* NULL: the path is the root */
	struct slice name;    /* borrowed from the path */
	struct sim_node *node;
};

void sim_names_init(struct sim_names *names);

/* Also frees nodes that are referred to. */
void sim_names_fini(struct sim_names *names);

void sim_node_ref(struct sim_node *node);
void sim_node_unref(struct sim_names *names, struct sim_node *node);

/* ERR_NOTFOUND: a directory on the way is missing; ERR_IO: it is a file. */
must_use enum err sim_names_find(struct sim_names *names, const char *path,
				 struct sim_place *place_r);

/* `place` is free and not the root. */
struct sim_node *sim_names_create(struct sim_names *names,
				  const struct sim_place *place, bool is_dir,
				  uint64_t step);

/* `place` is a file. */
void sim_names_unlink(struct sim_names *names, const struct sim_place *place,
		      uint64_t step);

/*
 * ERR_NOTFOUND: nothing to rename; ERR_IO: a directory onto a file or the other
 * way round, onto a directory with entries, or into itself.
 */
must_use enum err sim_names_rename(struct sim_names *names,
				   const struct sim_place *from,
				   const struct sim_place *to, uint64_t step);

/* Makes what happened in a directory durable, and what that depends on. */
void sim_names_sync(struct sim_names *names, const struct sim_node *dir);

/* Names and data of all files; no descriptor may be open. */
void sim_names_crash(struct sim_names *names, const struct sim_fate *fate);

/* Names in a directory, sorted. `each` may change the directory. */
void sim_names_list(const struct sim_node *dir, disk_list_each *each,
		    void *arg);

#endif
