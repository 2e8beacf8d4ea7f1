/*
 * The directory as a replicated state machine (raft/fsm.h).
 */
#ifndef CLUSTER_DIRECTORY_FSM_H
#define CLUSTER_DIRECTORY_FSM_H

#include "base/arena.h"
#include "base/buf.h"
#include "raft/fsm.h"

enum directory_event_kind {
	DIRECTORY_EVENT_MAILBOX,      /* name: it or its list; id where known */
	DIRECTORY_EVENT_USER,         /* name, id: keys, enabled, quota, gone */
	DIRECTORY_EVENT_SUBSCRIPTION, /* id: of the user */
	DIRECTORY_EVENT_MEMBER,       /* id: node */
	DIRECTORY_EVENT_GROUP,        /* id: group */
	DIRECTORY_EVENT_SETTING,      /* name */
	DIRECTORY_EVENT_INTENT,       /* id */
	DIRECTORY_EVENT_MANY,         /* too many to tell: anything may have */
};

struct directory_event {
	enum directory_event_kind kind;
	uint64_t id;
	struct slice name; /* borrowed for the call */
};

/* Events of one drain; above, one DIRECTORY_EVENT_MANY stands for all. */
#define DIRECTORY_EVENTS_MAX 4096

/*
 * What the entries since the last call changed, after their commit, on the
 * applier. It must not block: it copies what it needs and posts.
 */
typedef void directory_publish(void *arg, const struct directory_event *events,
			       size_t count, uint64_t applied_index);

struct directory_fsm {
	struct replica_fsm fsm;

	/* own */
	directory_publish *publish; /* may be NULL */
	void *arg;
	struct arena arena; /* of one command */
	struct buf scratch; /* of one row */
	struct buf events;  /* of this drain */
	struct buf names;   /* theirs */
	unsigned event_count;
};

/* `publish` and `arg` outlive the machine; no command may be under way. */
void directory_fsm_init(struct directory_fsm *fsm, directory_publish *publish,
			void *arg);
void directory_fsm_fini(struct directory_fsm *fsm);

#endif
