/*
 * A session loop: connections, the mailboxes that they watch, shared views.
 *
 * One per core by default; a session stays on its loop. Everything here is for
 * the loop's own thread, except server_loop_publish.
 */
#ifndef SERVER_LOOP_H
#define SERVER_LOOP_H

#include <stdint.h>

#include "base/list.h"
#include "base/tree.h"
#include "imap/view.h"
#include "io/loop.h"

struct io_stream;
struct loop_stop;
struct node;
struct remember;

struct server_loop {
	struct node *node;
	struct io_loop *io;
	struct executor *executor; /* of io */
	struct list links;         /* struct server_link: all connections */
	unsigned link_count;
	struct tree mailboxes;     /* struct watched_mailbox by id */
	unsigned watched;          /* how many; appliers look at it (atomic) */
	struct remember *remember; /* verified passwords */
	struct loop_stop *stop;    /* node.c; NULL: not stopping */
};

/* The head of every connection of a session loop: IMAP, LMTP. */
struct server_link {
	struct list link; /* in loop->links */
	struct server_loop *loop;
	struct io_stream *stream; /* NULL: closed */
	/* The server stops: say so and close as soon as may be. */
	void (*shutdown)(struct server_link *link);
	/* A command waits for its answer, which the client ought to hear. */
	bool (*is_busy)(struct server_link *link);
};

/* Enters the loop's list; `leave` takes it out and tells a stopping node. */
void server_link_enter(struct server_link *link, struct server_loop *loop);
void server_link_leave(struct server_link *link);

struct server_loop *server_loop_new(struct node *node, unsigned number);

/* A connection is gone: the last one of a stopping node tells it. */
void server_loop_left(struct server_loop *loop);

/* After its thread has ended; no connection is left. */
void server_loop_free(struct server_loop **loopp);

/* ---- who watches what ---- */

/* A selected mailbox as this loop knows it; exists while it is watched. */
struct watched_mailbox {
	struct tree_node node;
	uint64_t id;
	struct list watchers;     /* struct watcher */
	struct imap_view *latest; /* newest view made here; may be NULL */
	bool telling;             /* its watchers are being told */
};

struct watcher;

typedef void watcher_changed(struct watcher *watcher);

struct watcher {
	struct list link;
	struct watched_mailbox *mailbox; /* NULL: watches nothing */
	watcher_changed *changed; /* the mailbox changed in the local copy */
	watcher_changed *rights;  /* its access list may have changed */
};

/* `watcher` watches one mailbox at a time. */
void server_loop_watch(struct server_loop *loop, struct watcher *watcher,
		       uint64_t mailbox_id);
void server_loop_unwatch(struct server_loop *loop, struct watcher *watcher);

/* Remembers the newest view of a watched mailbox; takes a reference. */
void server_loop_offer_view(struct server_loop *loop, struct imap_view *view);

/* Borrowed; NULL if none is known. */
struct imap_view *server_loop_view(struct server_loop *loop,
				   uint64_t mailbox_id);

/*
 * From any thread (appliers): these mailboxes changed. Copies the ids; the
 * watchers are told in a later turn of their loop.
 */
void server_loop_publish(struct server_loop *loop, const uint64_t *ids,
			 size_t count);

/* The same for access lists; count 0: any mailbox's may have changed. */
void server_loop_publish_rights(struct server_loop *loop, const uint64_t *ids,
				size_t count);

#endif
