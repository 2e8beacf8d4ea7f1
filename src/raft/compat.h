/*
 * The one place that knows which libraft this is: canonical's 0.15 (Debian 12)
 * or cowsql's 0.22 (Debian 13, Ubuntu 24.04). Everybody else includes this
 * header instead of <raft.h> and reads no member of struct raft.
 *
 * What differs and matters:
 *   - 0.22 has no raft_io.async_work and calls snapshot_async in place, so
 *     waiting for a checkpoint is done in snapshot_put (io.c);
 *   - 0.22 leaves it to its own raft_io to fire the callbacks of raft_apply,
 *     raft_barrier and raft_change, by a function that it does not export. So
 *     these get no callback at all, with either; what became of them is seen
 *     in the state (compat_view);
 *   - 0.22 stops in the middle of a step when send returns an error, so it must
 *     not; 0.15 may be told RAFT_NOCONNECTION at once (COMPAT_SEND_MAY_FAIL);
 *   - message types have other names, and more fields.
 */
#ifndef RAFT_COMPAT_H
#define RAFT_COMPAT_H

#include <stdbool.h>
#include <stdint.h>

#include <raft.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#ifdef HAVE_STRUCT_RAFT_APPEND_ENTRIES_RESULT_FEATURES
#define COMPAT_COWSQL 1
#define RAFT_IO_APPEND_ENTRIES RAFT_APPEND_ENTRIES
#define RAFT_IO_APPEND_ENTRIES_RESULT RAFT_APPEND_ENTRIES_RESULT
#define RAFT_IO_REQUEST_VOTE RAFT_REQUEST_VOTE
#define RAFT_IO_REQUEST_VOTE_RESULT RAFT_REQUEST_VOTE_RESULT
#define RAFT_IO_INSTALL_SNAPSHOT RAFT_INSTALL_SNAPSHOT
#define RAFT_IO_TIMEOUT_NOW RAFT_TIMEOUT_NOW
#else
#define COMPAT_COWSQL 0
#endif

#define COMPAT_SEND_MAY_FAIL (!COMPAT_COWSQL)

/* A server's address in a configuration: the node's name. */
#define COMPAT_ADDRESS_MAX 255

/* Servers of one configuration: 50 nodes of a directory and slack. */
#define COMPAT_SERVERS_MAX 128

/* What is read of a raft instance: nothing else is. */
struct compat_view {
	int state; /* RAFT_UNAVAILABLE, RAFT_FOLLOWER, ... */
	uint64_t term;
	uint64_t voted_for;
	uint64_t last_index;
	uint64_t last_stored;
	uint64_t commit_index;
	uint64_t last_applied;
	uint64_t conf_uncommitted_index; /* 0: none */
	uint64_t conf_index;             /* of the newest configuration */
};

/* A copy; cheap. */
void compat_view(struct raft *raft, struct compat_view *view_r);

/* Raft id of the leader that is followed; 0: none. */
uint64_t compat_leader(struct raft *raft);

/* The newest configuration, committed or not; valid until raft is called. */
const struct raft_configuration *compat_conf(const struct raft *raft);

/* A server of it, or NULL. */
const struct raft_server *compat_server(const struct raft *raft, uint64_t id);

/* A server's address; "" if the newest configuration has no such server. */
const char *compat_address(const struct raft *raft, uint64_t id);

/*
 * Either library denies a vote for no other reason than that this server's own
 * newest configuration makes it a standby; but the candidate may know of a
 * newer one, which it cannot commit without that vote (Raft, Ongaro's
 * dissertation, section 4.2.2: servers vote whatever their configuration says).
 * For the time of one REQUEST_VOTE a standby passes for a voter. Returns
 * whether it was one; then compat_vote_return is to be called.
 */
must_use bool compat_vote_lend(struct raft *raft);
void compat_vote_return(struct raft *raft);

/* Of the newest configuration, committed or not. */
unsigned compat_voter_count(const struct raft *raft);

/* Their raft ids, into room for COMPAT_SERVERS_MAX; returns how many. */
unsigned compat_voters(const struct raft *raft, uint64_t *ids_r);

/* Of these, how many are its voters: named twice counts once. */
unsigned compat_voters_among(const struct raft *raft, const uint64_t *ids,
			     size_t count);

/* XXH3-64 of the newest configuration, encoded. */
uint64_t compat_conf_hash(const struct raft *raft);

/* Before raft_init: clears all, sets the version and what is read only. */
void compat_io_init(struct raft_io *io);

/* After raft_init: limits of the library that ours replace. */
void compat_set_limits(struct raft *raft);

/*
 * While it runs: 0.15 keeps the time that it has drawn until it was a
 * candidate once; `drawn_ms` takes its place.
 */
void compat_set_election(struct raft *raft, unsigned election_ms,
			 unsigned drawn_ms);

/*
 * One entry, one barrier. `*buf` is raft's when 0 is returned. The storage of
 * the request is raft's until its entry is applied or leadership lost.
 */
int compat_apply(struct raft *raft, struct raft_apply *req,
		 struct raft_buffer *buf);
int compat_barrier(struct raft *raft, struct raft_barrier *req);

/*
 * One change of the configuration, and a transfer of leadership. ERR_NONE: it
 * is under way, and `req` is raft's until the change is committed or leadership
 * lost. Errors: ERR_NOT_LEADER, ERR_INUSE (another change, a transfer),
 * ERR_NOTFOUND, ERR_EXISTS, ERR_INVALID (it has that role).
 */
must_use enum err compat_add(struct raft *raft, struct raft_change *req,
			     uint64_t id, const char *address);
must_use enum err compat_assign(struct raft *raft, struct raft_change *req,
				uint64_t id, int role);
must_use enum err compat_remove(struct raft *raft, struct raft_change *req,
				uint64_t id);
must_use enum err compat_transfer(struct raft *raft, struct raft_transfer *req,
				  uint64_t id);

/*
 * Configurations as the library encodes them (the same in both). Decoding
 * refuses what is malformed or above the limits above; on success the caller
 * closes it by raft_configuration_close.
 */
must_use enum err compat_conf_decode(struct slice octets,
				     struct raft_configuration *conf_r);
void compat_conf_encode(const struct raft_configuration *conf, struct buf *out);

/*
 * Rolling configurations back, for a library that cannot (confs.h); with 0.22
 * they do nothing. _hide: that the newest one is not committed; its index, or
 * 0. _show: it still stands in the log; nothing if it was committed since.
 * _set: this one is the newest, and committed.
 */
uint64_t compat_conf_hide(struct raft *raft);
void compat_conf_show(struct raft *raft, uint64_t hidden);
void compat_conf_set(struct raft *raft, struct slice octets, uint64_t index);

/* How many voters, and is this server one of them? */
unsigned compat_conf_voters(const struct raft_configuration *conf, uint64_t id,
			    bool *is_voter_r);

/* ---- fields of messages that differ ---- */

/* Clears the message and sets its type and the versions of its parts. */
void compat_message_init(struct raft_message *message, int type);

/* Of REQUEST_VOTE_RESULT; 0.15 knows "unknown" (neither), we never send it. */
bool compat_get_pre_vote(const struct raft_message *message);
void compat_set_pre_vote(struct raft_message *message, bool pre_vote);

/* Of both results; zero and ignored with 0.15. */
void compat_get_features(const struct raft_message *message,
			 uint16_t *features_r, uint16_t *capacity_r);
void compat_set_features(struct raft_message *message, uint16_t features,
			 uint16_t capacity);

/* An entry, with its type checked by the caller. */
struct raft_entry compat_entry(uint64_t term, uint8_t type,
			       struct raft_buffer buf, void *batch);
bool compat_entry_type_ok(uint8_t type);

#endif
