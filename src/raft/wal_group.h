/*
 * What the log knows of one group: term, vote, marker and where its entries
 * stand. The same steps are taken when records are read at start and when
 * operations are written later, so both arrive at the same state.
 *
 * Internal to the log (wal_*.c).
 */
#ifndef RAFT_WAL_GROUP_H
#define RAFT_WAL_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "raft/wal.h"
#include "raft/wal_record.h"

/* The entries of one record that are still needed. */
struct wal_run {
	uint64_t index;
	uint64_t lsn; /* of the record */
	uint32_t count;
	uint32_t size; /* octets of the record */
};

/* An entry as found at start. */
struct wal_loaded {
	uint64_t term;
	uint8_t *data; /* NULL: its record was not met yet */
	uint32_t len;
	uint8_t type;
};

struct wal_group {
	struct wal *wal;
	uint32_t id;
	bool known; /* some record told of it */

	struct wal_state state; /* marker slices: of the bufs below */
	struct buf conf;
	struct buf data;

	struct wal_run *runs; /* by index, without overlap */
	size_t run_count;
	size_t run_cap;

	/* entries state.first.. as read; NULL once forgotten */
	struct wal_loaded *loaded;
	uint64_t loaded_first;
	size_t loaded_count;
	size_t loaded_cap;
};

/* Embedded in the table of the log. */
void wal_group_init(struct wal_group *group, struct wal *wal, uint32_t id);
void wal_group_fini(struct wal_group *group);

/* Nothing that a restart would have to know. */
bool wal_group_is_blank(const struct wal_group *group);

/* What a record of that type does to the group. */
void wal_group_do_term(struct wal_group *group, uint64_t term);
void wal_group_do_vote(struct wal_group *group, uint64_t vote);

/* A record of `count` entries, the first of `index`, was written at `lsn`. */
void wal_group_do_append(struct wal_group *group, uint64_t index,
			 uint32_t count, uint64_t lsn, uint32_t size);
void wal_group_do_truncate(struct wal_group *group, uint64_t index);
void wal_group_do_marker(struct wal_group *group,
			 const struct wal_marker *marker, uint64_t first,
			 bool reset);
void wal_group_do_drop(struct wal_group *group);

/* The run that begins with `index` stands at `lsn` from now on. */
void wal_group_do_copy(struct wal_group *group, uint64_t index, uint32_t count,
		       uint64_t lsn, uint32_t size);

/* The run that begins with `index`, or NULL. */
const struct wal_run *wal_group_find_run(const struct wal_group *group,
					 uint64_t index);

/* Lowest lsn of a record with needed entries; UINT64_MAX: none. */
uint64_t wal_group_needed(const struct wal_group *group);

/*
 * One record of this group, read at start; any type but WAL_MARK. ERR_CORRUPT:
 * it does not fit to what came before.
 */
must_use enum err wal_group_replay(struct wal_group *group,
				   const struct wal_record *record);

/* After the last record: is every entry there? Else the first that lacks. */
bool wal_group_complete(const struct wal_group *group, uint64_t *missing_r);

#endif
