/*
 * A state machine over a real environment, driven without a log: commands are
 * applied one after another in write transactions, as an applier would.
 */
#ifndef TEST_MACHINE_H
#define TEST_MACHINE_H

#include "base/buf.h"
#include "raft/fsm.h"
#include "store/env.h"

struct machine {
	char *dir;
	struct store_env *env;
	struct replica_fsm *fsm;
	struct store_txn *write;        /* open between apply and commit */
	struct store_txn *read;         /* open between ask and commit */
	uint64_t index;                 /* of the newest command */
	uint64_t now_ms;                /* the proposer's clock */
	struct op_id op;                /* the next command's; its turn rises */
	struct command_result result;   /* of the newest command */
	struct command_holders holders; /* of the newest command checked */
	struct buf body;                /* for the caller's encoders */
	struct buf *log;                /* what was applied, unless NULL */
};

#define MACHINE_MAP (64ull * 1024 * 1024)

void machine_open(struct machine *m, struct replica_fsm *fsm,
		  uint64_t map_size);
void machine_close(struct machine *m);

/* What the leader asks before it proposes `body`, which stays. */
enum err machine_check(struct machine *m, uint16_t kind, uint8_t version);

/*
 * Applies `body` and clears it; gives the refusal. The transaction stays open
 * for more until machine_commit, machine_ask or machine_close.
 */
enum err machine_apply(struct machine *m, uint16_t kind, uint8_t version);

/* Ends what reads and opens m->write, for who applies by other ways. */
void machine_begin(struct machine *m);

/* Commits what was applied and lets the machine publish. */
void machine_commit(struct machine *m);

/* A snapshot that sees all that was applied; stays open until a write. */
struct store_txn *machine_ask(struct machine *m);

uint64_t machine_hash(struct machine *m);

/*
 * Applies what another machine has logged, `batch` commands in a transaction.
 */
void machine_replay(struct machine *m, struct slice log, unsigned batch);

/* The payload of the newest result. */
static inline struct slice machine_payload(const struct machine *m)
{
	return buf_slice(&m->result.payload);
}

#endif
