/*
 * What the leader asks of a command before it puts it into the log.
 *
 * An entry that every replica has is there for ever: one that they cannot
 * decode, or whose bodies too few of them have, stops them all or loses mail.
 * So the leader does not believe a proposer, its own node's neither: it looks
 * at the octets again with the decoder that apply will use (F9), and counts
 * the holders of the bodies among the voters of the configuration that it has
 * at this moment (F4). It is asked in the step that builds the entry.
 *
 * Failures are answers: nothing is in the log yet, so it was not done.
 */
#include "raft/replica_impl.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/panic.h"
#include "raft/missing.h"

/*
 * Model step B2 (test/model/bodies.c). Of the newest configuration, committed
 * or not: it may be the one to stay.
 */
static bool is_majority(const struct replica *replica,
			const struct command_holders *holders)
{
	return compat_voters_among(&replica->raft, holders->raft_ids,
				   holders->count) >
	       compat_voter_count(&replica->raft) / 2;
}

bool replica_is_full_for(const struct replica *replica, uint16_t kind)
{
	const struct replica_fsm *fsm = replica->options.fsm;

	if (!wal_is_full(replica->options.wal) &&
	    !atomic_load(&replica->applier.is_full))
		return false;
	if (kind < COMMAND_FSM_FIRST)
		return false;
	return fsm->frees_space == NULL || !fsm->frees_space(kind);
}

enum err replica_leader_check(const struct replica *replica,
			      const struct command *command)
{
	struct replica_fsm *fsm = replica->options.fsm;
	struct command_holders holders = { 0 };
	struct missing_lost_command lost;
	enum err err = command_check(command);

	if (err == ERR_NONE && command->kind == COMMAND_LOST)
		err = missing_lost_decode(command->body, &lost);
	if (err == ERR_NONE && command->kind >= COMMAND_FSM_FIRST &&
	    fsm->check != NULL)
		err = fsm->check(fsm, command, &holders);
	if (err != ERR_NONE) {
		MUST(err_outcome(err) == OUTCOME_NOT_DONE);
		LOG_ERROR("group %u: a command of kind %u is not proposed: its "
			  "octets are wrong: %s",
			  replica->options.group, command->kind, err_text(err));
		return err;
	}
	if (holders.needed && !is_majority(replica, &holders)) {
		PROBE("propose: the bodies are not with a majority of voters");
		return ERR_STALE;
	}
	return ERR_NONE;
}
