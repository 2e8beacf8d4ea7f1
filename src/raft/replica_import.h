/*
 * Bringing a replica up whose group has gone on without it (libraft.md 5,
 * architecture.md 10).
 *
 * The leader sends a snapshot: a marker that stands for a state which this
 * replica has not got. The marker is kept; the owner is asked (the hook
 * want_import) and brings what is missing from a peer that has it, in one of
 * two ways: the committed entries from the peer's kept log, or, if these are
 * gone, a copy of its environment. When the state has reached the marker, raft
 * gets it. Until then the replica leads nothing; by a copy its environment is
 * away for a moment.
 *
 * A replica whose state is older than its own log's beginning does the same
 * before it takes part at all.
 *
 * What the octets travel on is the owner's business.
 */
#ifndef RAFT_REPLICA_IMPORT_H
#define RAFT_REPLICA_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct replica;
struct store_copy;
struct wal_reader;

/* How often the owner is asked again, while nothing comes. */
#define REPLICA_IMPORT_ASK_MS 5000

struct replica_want {
	uint64_t next;  /* the first entry that is missing */
	uint64_t index; /* of the marker: up to here at least */
	uint64_t term;
	uint64_t from; /* raft id of the leader; 0: not known */
};

/* ---- at the target; on the log loop unless said otherwise ---- */

/* Is an import wanted, and from where on? Changes as entries come. */
bool replica_import_wanted(struct replica *replica,
			   struct replica_want *want_r);

/*
 * Entries of the group, in order and committed: a piece (import_piece.h). What
 * the state has already is skipped.
 *
 *   ERR_BUSY       the state is behind with what it got: the same again in a
 *                  moment
 *   ERR_STALE      no import is wanted, or a copy is under way; or there is a
 *                  gap between this and what the state has
 *   ERR_SYNTAX, ERR_CORRUPT, ERR_VERSION: ask another peer
 */
must_use enum err replica_import_entries(struct replica *replica,
					 struct slice piece);

typedef void replica_import_done(void *arg, enum err err);

/*
 * A copy begins: of `size` octets. `done` runs on the log loop, late; after
 * ERR_NONE replica_import_copy_write may be called. ERR_STALE: no import is
 * wanted, or another copy is under way; ERR_FULL.
 */
void replica_import_copy_begin(struct replica *replica, uint64_t size,
			       replica_import_done *done, void *arg);

/* Blocking, on a worker: the next octets of the copy. ERR_FULL, ERR_IO. */
must_use enum err replica_import_copy_write(struct replica *replica,
					    struct slice octets);

/*
 * All octets were written. The copy is looked at and takes the place of the
 * state, which is durable when `done` runs with ERR_NONE.
 *
 *   ERR_STALE      the copy is older than the marker
 *   ERR_CORRUPT, ERR_VERSION: it is no state of such a group
 *   ERR_CANCELLED  the replica stops, or was parked
 *   ERR_FULL, ERR_IO
 */
void replica_import_copy_end(struct replica *replica, replica_import_done *done,
			     void *arg);

/*
 * The peer is gone: another is to be asked. Not between a call and its `done`,
 * and no write is under way.
 */
void replica_import_cancel(struct replica *replica);

/* ---- at the source ---- */

/*
 * On the log loop: the committed entries from `first` on. To be closed before
 * the replica's log is.
 */
struct wal_reader *replica_export_entries(struct replica *replica,
					  uint64_t first);

/*
 * Blocking, on a worker: the next piece. ERR_END: there was no more when it was
 * opened; ERR_NOTFOUND: the log has not got them any more; ERR_IO.
 */
must_use enum err replica_export_piece(struct wal_reader *reader,
				       uint32_t group, struct buf *out);

/*
 * Blocking, on a worker: a copy of the state, at least as new as now; read by
 * store_copy_read (store/copy.h). One at a time and node. ERR_UNAVAILABLE: it
 * has none that could be trusted; ERR_FULL, ERR_IO.
 */
must_use enum err replica_export_copy(struct replica *replica,
				      struct store_copy **copy_r);

#endif
