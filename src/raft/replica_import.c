/*
 * Bringing a replica up (replica_import.h): the marker that is kept, entries
 * from a peer, and the end. The other way is replica_import_copy.c.
 *
 * Happy path: a snapshot comes whose marker is above the state; raft does not
 * see it, and gets no ticks. The owner is asked and brings entries, which go to
 * the applier as if raft had given them. When the state is at the marker, the
 * message goes to raft, which empties its log and goes on behind it.
 *
 * Failures: the state is ahead of the log meanwhile, so META says that this is
 * no loss (R10); a replica that dies is asked for again by its leader, or, if
 * its own log begins behind its state, asks before it takes part. A peer that
 * is gone: the owner asks another.
 */
#include "raft/replica_import.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/panic.h"
#include "raft/import_piece.h"
#include "raft/message.h"
#include "raft/replica_impl.h"

/* ---- asking ---- */

static void ask(struct replica *replica)
{
	const struct replica_hooks *hooks = &replica->options.hooks;
	struct replica_import *import = &replica->import;

	import->asked_ms = replica_now(replica);
	import->want.next = replica->applier.handed + 1;
	hooks->want_import(hooks->arg, replica, &import->want);
}

static void import_begin(struct replica *replica,
			 const struct replica_want *want)
{
	struct replica_import *import = &replica->import;

	LOG_INFO("group %u: the state is at %llu and is to be brought to %llu",
		 replica->options.group,
		 (unsigned long long)replica->applier.done,
		 (unsigned long long)want->index);
	import->state = IMPORT_ASKED;
	import->want = *want;
	import->began = replica->applier.done;
	replica->importing = true;
	replica->io.rules.snapshotting = true;
	ask(replica);
}

void replica_import_at_start(struct replica *replica,
			     const struct wal_state *state)
{
	const struct replica_want want = {
		.index = state->marker.index,
		.term = state->marker.term,
	};

	replica->import.at_start = true;
	import_begin(replica, &want);
}

static void message_drop(struct replica *replica)
{
	struct replica_import *import = &replica->import;

	if (import->kept)
		message_fini(&import->message);
	import->kept = false;
}

/* Takes the message. */
static void message_keep(struct replica *replica, struct raft_message *message)
{
	message_drop(replica);
	replica->import.kept = true;
	replica->import.message = *message;
	replica->import.message.server_address =
		NULL; /* raft's, and old then */
}

static struct replica_want want_of(const struct raft_message *message)
{
	return (struct replica_want){
		.index = message->install_snapshot.last_index,
		.term = message->install_snapshot.last_term,
		.from = message->server_id,
	};
}

/*
 * The newest message is kept, whatever is under way: its leader waits for an
 * answer to this one and sends none for a minute.
 */
bool replica_import_may_install(struct replica *replica,
				struct raft_message *message)
{
	const struct replica_want want = want_of(message);
	struct replica_import *import = &replica->import;

	if (import->state == IMPORT_IDLE &&
	    (replica->applier.done >= want.index || MUTANT("M18")))
		return true;
	if (import->at_start || replica->options.hooks.want_import == NULL) {
		message_fini(message);
		return false;
	}
	PROBE("import: a marker above the state is kept");
	message_keep(replica, message);
	if (import->state == IMPORT_IDLE)
		import_begin(replica, &want);
	return false;
}

bool replica_import_wanted(struct replica *replica, struct replica_want *want_r)
{
	struct replica_import *import = &replica->import;

	import->want.next = replica->applier.handed + 1;
	*want_r = import->want;
	return import->state == IMPORT_ASKED || import->state == IMPORT_ENTRIES;
}

/* ---- entries ---- */

/* ERR_CORRUPT: it is not what stands at this index of this group (R9). */
static enum err check_command(const struct replica *replica, uint64_t index,
			      const struct wal_entry *given)
{
	struct entry entry;
	enum err err = entry_decode(given->data, &entry);

	if (err != ERR_NONE)
		return err;
	if (entry.group != replica->options.group || entry.index != index ||
	    entry.term != given->term)
		return ERR_CORRUPT;
	return ERR_NONE;
}

static enum err take_entry(struct replica *replica, uint64_t index,
			   const struct wal_entry *entry)
{
	struct applier *applier = &replica->applier;
	enum err err;

	if (index <= applier->handed)
		return ERR_NONE; /* it has it already */
	if (index != applier->handed + 1)
		return ERR_STALE;
	if (entry->type != RAFT_COMMAND) {
		applier_push(applier, index, entry->term, SLICE_NONE);
		return ERR_NONE;
	}
	err = check_command(replica, index, entry);
	if (err == ERR_NONE)
		applier_push(applier, index, entry->term, entry->data);
	return err;
}

static enum err take_piece(struct replica *replica, struct import_piece *piece)
{
	struct wal_entry entry;
	uint64_t index;
	enum err err;

	while ((err = import_piece_next(piece, &index, &entry)) == ERR_NONE) {
		err = take_entry(replica, index, &entry);
		if (err != ERR_NONE)
			return err;
	}
	return err == ERR_END ? ERR_NONE : err;
}

enum err replica_import_entries(struct replica *replica, struct slice octets)
{
	struct replica_import *import = &replica->import;
	struct import_piece piece;
	enum err err = import_piece_open(octets, &piece);

	if (err != ERR_NONE)
		return err;
	if (piece.group != replica->options.group)
		return ERR_CORRUPT;
	if (replica->park_why != NULL ||
	    (import->state != IMPORT_ASKED && import->state != IMPORT_ENTRIES))
		return ERR_STALE;
	if (replica->applier.queued_octets > APPLIER_BACKLOG_MAX)
		return ERR_BUSY;
	import->state = IMPORT_ENTRIES;
	import->asked_ms = replica_now(replica);
	/* In the transaction of the first of them (R10). */
	replica->applier.import = import->want.index;
	CRASH_POINT("import_entries");
	return take_piece(replica, &piece);
}

/* ---- the end ---- */

/* Raft installs the marker that the state is at or above. */
static void message_give(struct replica *replica)
{
	struct replica_import *import = &replica->import;
	struct raft_message message = import->message;

	CRASH_POINT("import_before_marker");
	import->kept = false;
	message.server_address =
		compat_address(&replica->raft, message.server_id);
	rules_recv(&replica->io.rules, &message);
}

/* A newer one may have come meanwhile, and be above the state again. */
static void message_give_or_go_on(struct replica *replica)
{
	const struct replica_want want = want_of(&replica->import.message);

	if (replica->applier.done >= want.index)
		message_give(replica);
	else
		import_begin(replica, &want);
}

void replica_import_step(struct replica *replica)
{
	struct replica_import *import = &replica->import;
	bool at_start = import->at_start;

	if (import->state == IMPORT_SWAPPING)
		replica_import_swap(replica);
	if (import->state != IMPORT_ENTRIES ||
	    replica->applier.done < import->want.index ||
	    replica->park_why != NULL || replica->state != REPLICA_RUNNING)
		return;
	LOG_INFO("group %u: the state has been brought to %llu",
		 replica->options.group,
		 (unsigned long long)replica->applier.done);
	import->state = IMPORT_IDLE;
	import->at_start = false;
	replica->io.rules.snapshotting = false;
	if (at_start)
		replica_raft_begin(replica);
	else if (import->kept)
		message_give_or_go_on(replica);
}

void replica_import_after(struct replica *replica,
			  const struct compat_view *view)
{
	if (replica->import.state != IMPORT_IDLE)
		replica_import_step(replica);
	if (!replica->importing || replica->import.state != IMPORT_IDLE ||
	    view->last_stored < replica->applier.handed)
		return;
	PROBE("import: the log has reached the state");
	replica->importing = false;
	applier_set_import(&replica->applier, 0);
}

void replica_import_tick(struct replica *replica)
{
	struct replica_import *import = &replica->import;

	if (replica->importing && replica_is_raft_leader(replica)) {
		enum err err = replica_transfer_any(replica);

		if (err == ERR_NONE)
			LOG_INFO("group %u: handed over: its state is being "
				 "brought up",
				 replica->options.group);
	}
	if (import->state != IMPORT_ASKED && import->state != IMPORT_ENTRIES)
		return;
	if (replica_now(replica) - import->asked_ms < REPLICA_IMPORT_ASK_MS)
		return;
	import->state = IMPORT_ASKED;
	ask(replica);
}

void replica_import_cancel(struct replica *replica)
{
	struct replica_import *import = &replica->import;

	if (import->state == IMPORT_COPYING)
		replica_import_copy_drop(replica);
	if (import->state != IMPORT_IDLE && import->state <= IMPORT_COPYING) {
		import->state = IMPORT_ASKED;
		/* Soon, but not from within the call. */
		import->asked_ms = 0;
	}
}

void replica_import_stop(struct replica *replica)
{
	struct replica_import *import = &replica->import;

	message_drop(replica);
	if (import->out)
		return;
	if (import->state == IMPORT_SWAPPING)
		replica_import_copy_cancel(replica);
	replica_import_copy_drop(replica);
	import->state = IMPORT_IDLE;
}

void replica_import_progress(struct replica *replica, uint64_t *done_r,
			     uint64_t *total_r)
{
	const struct replica_import *import = &replica->import;

	*done_r = 0;
	*total_r = 0;
	if (import->state == IMPORT_IDLE)
		return;
	if (import->state >= IMPORT_COPYING) {
		*done_r = atomic_load(&import->written);
		*total_r = import->size;
	} else if (import->want.index > import->began) {
		*done_r = replica->applier.done - import->began;
		*total_r = import->want.index - import->began;
	}
}
