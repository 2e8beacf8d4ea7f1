/*
 * A mail group as a replicated state machine (raft/fsm.h).
 */
#ifndef CLUSTER_MAILGROUP_FSM_H
#define CLUSTER_MAILGROUP_FSM_H

#include "base/arena.h"
#include "base/buf.h"
#include "raft/fsm.h"

/*
 * The mailboxes that the entries since the last call changed, each once, by
 * rising id, after their commit, on the applier. It must not block: it copies
 * what it needs and posts.
 */
typedef void mailgroup_publish(void *arg, const uint64_t *mailboxes,
			       size_t count, uint64_t applied_index);

struct mailgroup_fsm {
	struct replica_fsm fsm;

	/* own */
	mailgroup_publish *publish; /* may be NULL */
	void *arg;
	struct arena arena; /* of one apply */
	struct buf scratch; /* of one row */
	uint32_t local_uid; /* M23 only: what must not exist */
	struct buf changed; /* u64 mailbox ids since the last commit */
};

/* `publish` and `arg` outlive the machine; no command may be under way. */
void mailgroup_fsm_init(struct mailgroup_fsm *fsm, mailgroup_publish *publish,
			void *arg);
void mailgroup_fsm_fini(struct mailgroup_fsm *fsm);

#endif
