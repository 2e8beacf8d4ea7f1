/*
 * What a group's state machine gives to the log: its tables and its apply.
 *
 * cluster/ fills one for the directory and one for mail groups. Everything
 * that makes a command take effect once (slots, REGISTER, CANCEL, fencing)
 * stands around it in raft/ and is not the machine's business.
 */
#ifndef RAFT_FSM_H
#define RAFT_FSM_H

#include "base/digest.h"
#include "raft/command.h"
#include "store/env.h"

typedef void replica_fsm_body(void *arg, const struct sha256 *hash);

/* Where a walk through the rows goes on; zeroed to begin with. */
struct replica_fsm_place {
	uint64_t a; /* the machine's */
	uint64_t b;
};

/* Tables that raft/ owns in every group's environment: the first numbers. */
enum replica_table {
	REPLICA_TABLE_META,     /* applied index and term, import_pending */
	REPLICA_TABLE_PROPOSER, /* node -> registered incarnation, boot value */
	REPLICA_TABLE_SLOT,     /* {node, slot} -> turn, result */
	REPLICA_TABLE_MISSING,  /* bodies that are not here: missing.h */
	REPLICA_TABLE_COUNT,    /* the machine's tables follow */
};

struct replica_fsm {
	/* Names of the machine's tables; table n has REPLICA_TABLE_COUNT + n.
	 */
	const char *const *tables;
	unsigned table_count;

	/*
	 * What the leader asks before a command goes into the log, where every
	 * replica would have to live with it (F9): is its body one that an
	 * encoder could have made? Gives who has its bodies (F4; `holders_r`
	 * comes zeroed). A pure function, on the log loop; its errors are of
	 * OUTCOME_NOT_DONE. May be NULL: every body is good.
	 */
	enum err (*check)(struct replica_fsm *fsm,
			  const struct command *command,
			  struct command_holders *holders_r);

	/*
	 * A pure function of the transaction and the command, on the applier.
	 * Refusals are results; it never fails: damage is sticky in `txn` and
	 * parks the replica. ERR_VERSION as refusal for a kind or version that
	 * it does not know also parks.
	 */
	void (*apply)(struct replica_fsm *fsm, struct store_txn *txn,
		      const struct command *command,
		      const struct command_at *at,
		      struct command_result *result_r);

	/*
	 * After the commit of a drain, on the applier: publish what the
	 * commands since the last call changed. A new snapshot sees it all.
	 * May be NULL.
	 */
	void (*committed)(struct replica_fsm *fsm, uint64_t applied_index);

	/* Above the fill limit only such kinds are proposed (F9). */
	bool (*frees_space)(uint16_t kind);

	/*
	 * The bodies that a command brings into the group, as octets that
	 * `check` or apply has found right name them (F4). On the applier.
	 * Both may be NULL: the machine names no bodies.
	 */
	void (*bodies)(struct replica_fsm *fsm, const struct command *command,
		       replica_fsm_body *each, void *arg);

	/*
	 * All bodies that rows name, some of them twice, up to `rows` rows of
	 * it; moves `place`. False: that was all. On a worker, in a state that
	 * nobody changes.
	 */
	bool (*named)(struct replica_fsm *fsm, struct store_txn *txn,
		      struct replica_fsm_place *place, unsigned rows,
		      replica_fsm_body *each, void *arg);
};

#endif
