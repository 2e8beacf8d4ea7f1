/*
 * Channels: how a node that has no replica of a mailbox's group answers its
 * client through a node that has one (architecture.md 8).
 *
 * What is divided, and where. The client's node keeps all that makes a session:
 * the core that parses, counts and writes, its view, the user's rights. What
 * travels is the core's *asks* that read a copy of the group (proxy/routes.h,
 * PROXY_WAY_COPY): by mailbox id and UID, answered with rows, sets and octets.
 * At the far end the ops of server/ answer them, the same that answer a client
 * of that node: one path, same answers.
 *
 * Architecture.md 8 has the client's commands travel to a second session core.
 * The asks travel instead, for these reasons:
 *   - Two cores would have two views, two "$", two sets of what was ENABLEd, to
 *     be kept alike; and the first must parse all commands anyway, for names
 *     and literals. Asks carry no state: sequence numbers, EXPUNGE and flags
 *     are counted in one place, where the client is.
 *   - Writes are no asks of this kind. They are commands of the log, proposed
 *     by the client's node in a slot of its own (invariant 2), with a replica
 *     or without. So only reads are on a channel: when it dies, nothing is
 *     unknown, and what was asked is asked again at another replica. The
 *     client sees nothing of it.
 *   - Literals and bodies of APPEND never come near a channel.
 * Foreign servers know no asks: to them commands will go as they are, by the
 * same table of routes.
 *
 * What a session has seen it sees everywhere (invariant 9): an ask says the
 * log index that the copy must have applied, the highest that an answer or a
 * write of this session has shown; synchronising asks make the far end do a
 * read-index round of its own.
 *
 * A channel is a stream of the bulk link for one session and one group:
 *
 *   OPEN's head  version u8, group u32, user
 *   frame        length u32, type u8, then `length` octets
 *
 * ASK and ANSWER alternate; CHANGED comes between, once until the next SYNC;
 * LEAVE ends the watching. Octets, credit and close are the stream's business
 * (peer/mux.h): an end that does not read stops the other.
 *
 * Pure. Everything decoded here comes from another node and is checked.
 */
#ifndef PROXY_CHANNEL_H
#define PROXY_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/uidset.h"
#include "imap/port.h"

#define CHANNEL_USER_MAX 200 /* octets, as of a user's row */

/*
 * Octets of one frame. The largest are answers about a whole mailbox: a million
 * changed rows, or as many holes in its UIDs. They are no larger than what the
 * session holds of them.
 */
#define CHANNEL_FRAME_MAX (64 * 1024 * 1024)

#define CHANNEL_HEAD 5 /* octets before a frame's own */

/* ---- opening ---- */

struct channel_hello {
	uint32_t group;
	struct slice user; /* whom the client's node has authenticated */
};

/* Appends the head. */
void channel_hello_encode(const struct channel_hello *hello, struct buf *out);

/* Borrows from `in`. ERR_VERSION, ERR_SYNTAX. */
must_use enum err channel_hello_decode(struct slice in,
				       struct channel_hello *hello_r);

/* ---- frames ---- */

/* On the wire; numbers are never used again. */
enum channel_type {
	CHANNEL_ASK = 1,
	CHANNEL_ANSWER = 2,
	CHANNEL_CHANGED = 3, /* the mailbox that is watched */
	CHANNEL_LEAVE = 4,   /* it is watched no more */
};

/* Begins a frame at the end of `out`; returns where, for channel_frame_end. */
size_t channel_frame_begin(struct buf *out, enum channel_type type);

/* What stands behind `at` is the frame: at most CHANNEL_FRAME_MAX octets. */
void channel_frame_end(struct buf *out, size_t at);

enum channel_read {
	CHANNEL_READ_MORE, /* all octets were taken */
	CHANNEL_READ_DONE, /* `type` and `body` are a frame's */
	CHANNEL_READ_BAD,  /* terminal: no such frame */
};

/* Zeroed: nothing was read. */
struct channel_reader {
	uint8_t head[CHANNEL_HEAD];
	size_t have; /* octets of the head */
	size_t length;
	enum channel_type type;
	struct buf body; /* grows with what has come */
};

/* Frees what was read; zero it to read again. */
void channel_reader_fini(struct channel_reader *reader);

/* Takes octets up to the end of a frame; the next call begins the next. */
enum channel_read channel_reader_feed(struct channel_reader *reader,
				      struct slice *in);

/* ---- asks ---- */

/* What an ASK says beside the ask itself. */
struct channel_ask {
	uint64_t mailbox;
	uint64_t floor; /* log index that the copy must have applied */
	/*
	 * The view that the far end is known to hold: that of the last SYNC,
	 * or of its answer, or of OPEN's. NULL: none.
	 */
	const struct imap_view *base;
};

/* Appends an ASK; only PROXY_WAY_COPY. */
void channel_ask_encode(struct imap_ask *ask, const struct channel_ask *with,
			struct buf *out);

/* What was asked, at the far end. */
struct channel_asked {
	uint64_t mailbox;
	uint64_t floor;
	union {
		struct imap_ask head;
		struct imap_ask_open open;
		struct imap_ask_sync sync;
		struct imap_ask_status status;
		struct imap_ask_rows rows;
		struct imap_ask_read read;
		struct imap_ask_structure structure;
		struct imap_ask_search search;
		struct imap_ask_changes changes;
	} ask;
	/* owned: what the ask borrows */
	struct uidset uids;
	struct imap_view *view;
};

/*
 * The body of an ASK; texts are borrowed from `in`, other things are in
 * `arena`, which becomes the ask's. `base`: the view held here; may be NULL.
 * ERR_SYNTAX, ERR_LIMIT: nothing to free.
 */
must_use enum err channel_ask_decode(struct slice in, struct arena *arena,
				     struct imap_view *base,
				     struct channel_asked *asked_r);

/* Frees what the ask borrows and what its answer owns. */
void channel_asked_fini(struct channel_asked *asked);

/* ---- answers ---- */

/* What an ANSWER says beside the ask's own. */
struct channel_answer {
	bool changed;     /* the watched mailbox, since its last SYNC */
	uint64_t applied; /* log index of the copy that was read */
};

/* Appends an ANSWER to the ask; a SYNC is answered against its own view. */
void channel_answer_encode(struct imap_ask *ask,
			   const struct channel_answer *with, struct buf *out);

/*
 * Fills the ask that was encoded; what it points at is in its arena.
 * ERR_SYNTAX, ERR_LIMIT: no answer to it; nothing to free.
 */
must_use enum err channel_answer_decode(struct slice in, struct imap_ask *ask,
					struct channel_answer *with_r);

#endif
