/*
 * A whole node in the test's process, with its threads, and clients that talk
 * to it over Unix sockets.
 *
 * What a scenario cannot reach is the middle of things: here a test stalls one
 * of the node's threads, so that an operation stands where the test wants it,
 * lets the client go or the node stop, and lets the thread go on.
 *
 * Nothing waits for a time to pass: conversations block for their answer, and
 * rig_await looks again until the node has come to the state wanted.
 */
#ifndef TEST_RIG_H
#define TEST_RIG_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

#include "base/buf.h"
#include "server/node.h"
#include "server/settings.h"

/* Users of each rig; in different mail groups. Passwords are "secret". */
#define RIG_JOHN "john"
#define RIG_JANE "jane"

struct rig {
	char *dir;
	struct settings settings;
	struct node *node;
	struct io_loop *main;
	pthread_t thread; /* of the main loop */
};

/* A node with two mail groups and the users above. */
struct rig *rig_new(void);

/* One that waits for its init. */
struct rig *rig_bare(void);

/* Stops the node regularly and frees all; the clean mark must be there. */
void rig_free(struct rig **rigp);

/* The node stops and starts again on its data. */
void rig_restart(struct rig *rig);
void rig_stop(struct rig *rig);
void rig_start(struct rig *rig);

/* Begins to stop and returns; rig_stopped waits for the end. */
void rig_ask_to_stop(struct rig *rig);
void rig_stopped(struct rig *rig);

/* Until `is` says so; fails the test after a long time. */
void rig_await(struct rig *rig, bool (*is)(struct rig *rig));

/* Nothing is left of what clients have begun: slots, uploads, connections. */
bool rig_is_idle(struct rig *rig);

/* A slot is taken in some group; a command is in some log, not durable. */
bool rig_has_slot(struct rig *rig);
bool rig_has_proposed(struct rig *rig);

/* Something waits for a worker. */
bool rig_waits_for_workers(struct rig *rig);

/* ---- behind the clients' backs ---- */

/* Puts a command into a group's log and waits for its answer. */
enum err rig_propose(struct rig *rig, uint32_t group, uint16_t kind,
		     struct buf *body);

/* A snapshot of a group, ended by store_end. */
struct store_txn *rig_read(struct rig *rig, uint32_t group);

/* Imports `count` messages of a few octets by the admin socket. */
void rig_fill(struct rig *rig, const char *mailbox, unsigned count);

/* ---- stalls ---- */

#define RIG_STALLS_MAX 8 /* threads of one executor */

/* One thread of an executor that runs nothing until it is let go. */
struct stall {
	struct stall_one {
		struct task task;
		struct stall *stall;
	} ones[RIG_STALLS_MAX];
	sem_t entered;
	sem_t leave;
	sem_t left;
	unsigned count;
};

/* `count` threads of it; returns when they stand still. */
void stall_begin(struct stall *stall, struct executor *executor,
		 unsigned count);

/* Lets them go on; nobody looks at `stall` any more. */
void stall_end(struct stall *stall);

/*
 * All workers; the log, and with it every read index; the writers; the appliers
 * are node->groups[n].applier's.
 */
void rig_stall_pool(struct rig *rig, struct stall *stall);
void rig_stall_log(struct rig *rig, struct stall *stall);
void rig_stall_wal(struct rig *rig, struct stall *stall);
void rig_stall_bodies(struct rig *rig, struct stall *stall);
void rig_stall_applier(struct rig *rig, uint32_t group, struct stall *stall);

/* ---- conversations ---- */

struct talk {
	int fd;
	struct buf in; /* read, not yet given */
};

struct talk talk_imap(struct rig *rig, const char *user); /* logged in */
struct talk talk_imap_greeted(struct rig *rig);           /* not logged in */
struct talk talk_lmtp(struct rig *rig);                   /* LHLO was said */
struct talk talk_admin(struct rig *rig);

void talk_say(struct talk *talk, const char *text);

/* The next line begins so; the line is gone then. */
void talk_expect(struct talk *talk, const char *prefix);

/* Lines up to one that begins so; true: one of them has `text` in it. */
bool talk_until(struct talk *talk, const char *prefix, const char *text);

/* The other end has closed the connection, and says nothing more. */
void talk_expect_end(struct talk *talk);

/* Closes this end, at whatever point it stands. */
void talk_end(struct talk *talk);

/* Logs out and closes. */
void talk_logout(struct talk *talk);

/* Says an APPEND of `text` to a mailbox, up to its tagged OK. */
void talk_append(struct talk *talk, const char *mailbox, const char *text);

#endif
