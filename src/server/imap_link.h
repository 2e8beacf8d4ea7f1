/*
 * One IMAP client: the stream below, the session core, the port between.
 *
 * The driver is dull on purpose: octets in, output out, deadlines to a timer.
 * What the session asks goes to the ops (imap_op.h), which answer through
 * imap_link_answer.
 */
#ifndef SERVER_IMAP_LINK_H
#define SERVER_IMAP_LINK_H

#include "base/arena.h"
#include "base/timer.h"
#include "cluster/namespace.h"
#include "cluster/rights.h"
#include "imap/session.h"
#include "io/stream.h"
#include "server/loop.h"

struct imap_op;
struct append; /* op_append.c: uploads of the APPEND under way */
struct list_names;

/* Whom the session serves; filled at login. */
struct imap_user {
	struct buf name; /* empty: nobody yet */
	uint64_t id;     /* key of seen state */
	uint32_t group;  /* home */
	uint32_t key_version;
	struct identity identity; /* borrows name */
	struct namespace_view ns; /* borrows name and settings */
};

/*
 * Ops work for a link: a client of this node, with stream and session, or the
 * seat of a session of another node, which has neither (channel_seat.c).
 */
struct imap_link {
	struct server_link head;
	struct server_loop *loop; /* the same as head.loop */
	struct imap_port port;
	struct imap_session *session;
	struct timer tick;
	struct imap_user user;
	struct watcher watcher; /* the selected mailbox */
	uint32_t mailbox_group; /* where it lives */
	bool mailbox_gone;      /* the directory has it no more */
	bool far;               /* it is read over a channel (channel_near.h) */
	/*
	 * Log index of its group that the session has seen, or written at: a
	 * copy that is behind it is not shown. While `far`.
	 */
	uint64_t floor;
	struct list channels; /* struct channel_near */
	bool ending;          /* all else is freed, channels are left */
	void (*answered)(struct imap_link *link,
			 struct imap_ask *ask); /* of a seat; else NULL */
	bool deserted; /* nobody is at the other end of the seat any more */
	struct append *append;
	struct list_names *list;  /* of a LIST that has more slices */
	struct imap_op *starting; /* begun inside the session's call */
	bool above;               /* the stream's queue is above its mark */
	bool full;                /* enough was queued in this turn */
	struct timer refill;      /* ends `full` in the next turn */
	bool paused;
	bool closing;
};

/* A client has arrived; `implicit_tls`: on a port where TLS comes first. */
void imap_link_accept(struct server_loop *loop, struct io_accepted *accepted,
		      bool implicit_tls);

/* Gives an ask back to the session; from the link's loop, late. */
void imap_link_answer(struct imap_link *link, struct imap_ask *ask);

/* Nobody waits for answers any more. */
bool imap_link_is_deserted(const struct imap_link *link);

/* The selected mailbox has changed: whoever idles is told. */
void imap_link_changed(struct imap_link *link);

/* The same while an ask is under way: it is told with its command's end. */
void imap_link_is_behind(struct imap_link *link);

/* The session has seen the group at this log index. */
void imap_link_saw(struct imap_link *link, uint32_t group, uint64_t index);

/* It has written there: what it did is told with the command's end. */
void imap_link_wrote(struct imap_link *link, uint32_t group, uint64_t index);

/* The last channel has ended. */
void imap_link_channels_ended(struct imap_link *link);

/* The mailbox is not selected any more, or was not in the end. */
void imap_link_unwatch(struct imap_link *link);

/*
 * The user's rights in the watched mailbox, by the local copy; link->
 * mailbox_gone says whether it is there. False: the directory cannot be read.
 */
bool imap_link_rights(struct imap_link *link, uint32_t *rights_r);

#endif
