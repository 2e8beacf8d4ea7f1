/*
 * What an IMAP session asks of the world, and the form of the answers.
 *
 * The session core does no I/O: it fills an ask, hands it to the port and goes
 * on when imap_session_answer gives it back. server/ fills the port in
 * production, test/unit/imap with a mailbox store in memory.
 *
 * Rules for all asks:
 *   - Storage is the session's; it lives until the answer. What the answer
 *     points at is allocated in `ask->arena` (the command's arena), views are
 *     references that the session takes over.
 *   - A session has at most one ask outstanding. The answer comes later, never
 *     inside the call, exactly once, also when the session is closing.
 *   - Names are UTF-8 as the client sees them (namespace applied, NFC not yet);
 *     the port maps them to internal names. A mailbox for which the user has
 *     no lookup right is ERR_NOTFOUND.
 *   - Rights of names are checked by the port; rights within the selected
 *     mailbox by the session (struct imap_ask_open, rights).
 *   - Outcome UNKNOWN (base/err.h) of an ask that writes: the session closes
 *     the connection without a tagged answer.
 */
#ifndef IMAP_PORT_H
#define IMAP_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/uidset.h"
#include "imap/view.h"
#include "imap/words.h"

struct imap_search; /* imap/search.h */

enum imap_ask_kind {
	IMAP_ASK_USER_KEYS,
	IMAP_ASK_PASSWORD,
	IMAP_ASK_LIST,
	IMAP_ASK_OPEN,
	IMAP_ASK_SYNC,
	IMAP_ASK_STATUS,
	IMAP_ASK_ROWS,
	IMAP_ASK_READ,
	IMAP_ASK_STRUCTURE,
	IMAP_ASK_SEARCH,
	IMAP_ASK_STORE,
	IMAP_ASK_EXPUNGE,
	IMAP_ASK_COPY,
	IMAP_ASK_UPLOAD,
	IMAP_ASK_APPEND,
	IMAP_ASK_CREATE,
	IMAP_ASK_DELETE,
	IMAP_ASK_RENAME,
	IMAP_ASK_SUBSCRIBE,
	IMAP_ASK_GET_ACL,
	IMAP_ASK_SET_ACL,
	IMAP_ASK_RIGHTS,
	IMAP_ASK_CHANGES,
};

/* The head of every ask. */
struct imap_ask {
	enum imap_ask_kind kind;
	struct arena *arena; /* for what the answer points at */
	enum err err;        /* the answer */
	void *owner;         /* the port's own, while it works */
};

/* ---- who ---- */

/* Keys of a user (RFC 5802); an unknown user gets keys made from a secret. */
struct imap_ask_user_keys {
	struct imap_ask ask;
	struct slice user; /* authentication identity, SASLprepped */
	/* answer */
	uint32_t iterations;
	struct slice salt;       /* raw octets */
	struct slice stored_key; /* 32 octets */
	struct slice server_key; /* 32 octets */
};

/*
 * Checks a password (on a worker: it costs a millisecond) and, with an
 * authorisation identity, the right to act for it. ERR_AUTH, ERR_DISABLED,
 * ERR_DENIED (the proxy right is missing).
 */
struct imap_ask_password {
	struct imap_ask ask;
	struct slice authcid;
	struct slice authzid;  /* empty: the same as authcid */
	struct slice password; /* empty after SCRAM: only the rights */
	bool proved;           /* SCRAM has proved the password already */
	/* answer */
	struct slice user; /* whom the session serves: normalised name */
};

/* ---- names ---- */

/* One mailbox as LIST sees it. */
struct imap_list_entry {
	struct slice name; /* UTF-8, client form */
	bool exists;       /* false: a name above others, or only subscribed */
	bool selectable;   /* may be selected */
	bool has_children; /* visible ones */
	bool no_inferiors; /* may not have children */
	bool subscribed;
	bool shared_with_others; /* RFC 5258 does not need it; for clients'
				    icons */
	uint32_t special_use;    /* enum imap_special_use */
	uint32_t rights;         /* the user's */
};

/*
 * The next at most IMAP_LIST_CHUNK visible mailboxes (and subscribed names)
 * behind `after`, sorted by the octets of the client name. `prefix` narrows:
 * only names that begin with it are wanted (others may come all the same).
 */
#define IMAP_LIST_CHUNK 1000

struct imap_ask_list {
	struct imap_ask ask;
	struct slice prefix;
	struct slice after;   /* last name seen; empty: from the start */
	bool subscribed_only; /* only subscribed names, existing or not */
	/* answer */
	struct imap_list_entry *entries;
	size_t count;
	bool more;
};

/* ERR_CANNOT: a special use that another mailbox has, the name of a tree. */
struct imap_ask_create {
	struct imap_ask ask;
	struct slice name; /* without a trailing separator */
	uint32_t special_use;
	/* answer */
	struct slice mailbox_id; /* OBJECTID text */
};

/* ERR_HASCHILDREN, ERR_CANNOT (INBOX), ERR_NOTFOUND, ERR_DENIED. */
struct imap_ask_delete {
	struct imap_ask ask;
	struct slice name;
};

struct imap_ask_rename {
	struct imap_ask ask;
	struct slice from;
	struct slice to;
};

/* ERR_NOTFOUND: there is nothing to subscribe. */
struct imap_ask_subscribe {
	struct imap_ask ask;
	struct slice name;
	bool subscribe; /* false: UNSUBSCRIBE */
};

struct imap_acl_entry {
	struct slice identifier; /* "-" in front: negative rights */
	uint32_t rights;
};

struct imap_ask_get_acl {
	struct imap_ask ask;
	struct slice name;
	/* answer */
	struct imap_acl_entry *entries;
	size_t count;
};

enum imap_acl_change {
	IMAP_ACL_SET,
	IMAP_ACL_ADD,
	IMAP_ACL_REMOVE,
	IMAP_ACL_DELETE, /* the whole entry */
};

struct imap_ask_set_acl {
	struct imap_ask ask;
	struct slice name;
	struct slice identifier; /* "-" in front kept */
	enum imap_acl_change change;
	uint32_t rights;
};

/* MYRIGHTS, and LISTRIGHTS when `identifier` is not empty. */
struct imap_ask_rights {
	struct imap_ask ask;
	struct slice name;
	struct slice identifier;
	/* answer */
	uint32_t rights;   /* the user's; LISTRIGHTS: always granted */
	uint32_t optional; /* LISTRIGHTS: may be granted or not */
};

/* ---- a mailbox ---- */

/* SELECT and EXAMINE: opens; the port watches it until imap_port.close. */
struct imap_ask_open {
	struct imap_ask ask;
	struct slice name;
	bool read_only; /* EXAMINE */
	/* answer */
	struct imap_view *view; /* a reference, taken over */
	uint64_t mailbox_id;
	struct slice mailbox_id_text;
	uint32_t uidvalidity;
	uint32_t rights;        /* the user's */
	bool degraded;          /* no majority: read only for now (part 2) */
	uint32_t first_unseen;  /* UID, 0 = none */
	struct slice *keywords; /* names; bit n of a row is keywords[n] */
	size_t keyword_count;
};

struct imap_row {
	uint32_t uid;
	uint32_t flags;       /* enum imap_flag; \Seen is this user's */
	uint64_t keywords[2]; /* bit n: keyword n is set */
	uint64_t modseq;
	/* below: only if asked for (IMAP_ROWS_FIXED) */
	int64_t internal_date_s;   /* seconds since 1970 UTC */
	int32_t internal_zone_min; /* offset of the zone it was given in */
	uint64_t size;             /* RFC822.SIZE */
	struct sha256 body;        /* name of the body */
	struct slice structure; /* mail/structure.h; empty: too large to keep */
};

/*
 * What happened since `view`: the session compares the UIDs itself. With
 * `read_index` the local copy is first brought to what was acknowledged
 * anywhere (NOOP, CHECK, start of IDLE); without it the copy is read as is.
 * ERR_GONE: the mailbox was deleted.
 */
struct imap_ask_sync {
	struct imap_ask ask;
	struct imap_view *view; /* the session's own, borrowed */
	bool read_index;
	/* answer */
	struct imap_view *now;    /* a reference; may be the same as `view` */
	struct imap_row *changed; /* flags changed, UIDs in both views */
	size_t changed_count;
	struct slice *keywords;
	size_t keyword_count;
};

/* CHANGEDSINCE and QRESYNC: what vanished after `since`, within `known`. */
struct imap_ask_changes {
	struct imap_ask ask;
	uint64_t mailbox_id;
	uint64_t since;              /* mod-sequence */
	const struct uidset *within; /* NULL: all UIDs */
	/* answer */
	struct uidset vanished; /* memory owned by the ask: uidset_fini */
};

struct imap_ask_status {
	struct imap_ask ask;
	struct slice name;
	uint32_t items; /* enum imap_status_item */
	/* answer; RECENT is always 0 */
	uint64_t messages;
	uint64_t unseen;
	uint64_t deleted;
	uint64_t size; /* octets */
	uint64_t highestmodseq;
	uint32_t uidnext;
	uint32_t uidvalidity;
	struct slice mailbox_id;
};

/* ---- messages ---- */

enum imap_rows_want {
	IMAP_ROWS_FIXED = 1 << 0,     /* date, size, body */
	IMAP_ROWS_STRUCTURE = 1 << 1, /* the cached structure too */
};

#define IMAP_ROWS_CHUNK 512                /* rows of one answer */
#define IMAP_ROWS_OCTETS_MAX (1024 * 1024) /* structures of one answer */

/*
 * The next rows of `uids` (UIDs of the view) from `from` on. Rows that are
 * gone from the state are left out. `next` is where to go on, 0 at the end; an
 * answer without rows may have one.
 */
struct imap_ask_rows {
	struct imap_ask ask;
	uint64_t mailbox_id;
	const struct uidset *uids; /* borrowed */
	uint32_t from;
	uint64_t changed_since; /* only rows with a greater MODSEQ; 0: all */
	uint32_t want;          /* enum imap_rows_want */
	/* answer */
	struct imap_row *rows;
	size_t count;
	uint32_t next;
};

struct imap_read_piece {
	struct sha256 body;
	uint64_t offset;
	uint32_t len; /* octets; the answer is exactly as long, or `err` */
	/* answer */
	enum err err; /* ERR_MISSING_BODY, ERR_CORRUPT, ERR_IO */
	struct slice octets;
};

#define IMAP_READ_PIECES_MAX 64           /* of one ask */
#define IMAP_READ_OCTETS_MAX (256 * 1024) /* of one ask, in all */

/* Parts of bodies, read on a worker. */
struct imap_ask_read {
	struct imap_ask ask;
	struct imap_read_piece *pieces;
	size_t count;
};

/* Makes the structure from the body: for rows whose cached one is empty. */
struct imap_ask_structure {
	struct imap_ask ask;
	struct sha256 body;
	/* answer */
	struct slice structure;
};

/* Runs the program over `uids` in slices on workers. */
struct imap_ask_search {
	struct imap_ask ask;
	const struct imap_search *program; /* borrowed, only read */
	struct imap_view *view;            /* for sequence numbers */
	const struct uidset *uids;         /* candidates */
	/* answer */
	struct uidset matches; /* memory owned by the ask: uidset_fini */
	uint64_t max_modseq;   /* of the matches; for SEARCH with MODSEQ */
	uint64_t first_modseq; /* of the lowest and highest match: MIN, MAX */
	uint64_t last_modseq;
};

/*
 * One STORE, split into commands of the log by the port. ERR_LIMIT: too many
 * keywords. Rights: the session has removed the flags that it may not change.
 */
struct imap_ask_store {
	struct imap_ask ask;
	uint64_t mailbox_id;
	const struct uidset *uids;
	enum imap_store_op op;
	uint32_t flags;      /* enum imap_flag */
	uint32_t flags_mask; /* REPLACE: flags that the user may change */
	bool keywords_kept;  /* REPLACE: keywords may not be changed */
	const struct slice *keywords;
	size_t keyword_count;
	bool conditional; /* UNCHANGEDSINCE was given */
	uint64_t unchangedsince;
	bool implied; /* by FETCH: not worth a wait */
	/* answer */
	uint64_t *modseqs; /* of this STORE's own changes, in the arena */
	size_t modseq_count;
	struct uidset modified; /* failed the condition; uidset_fini */
	struct uidset expunged; /* no longer there: EXPUNGEISSUED */
};

/* Messages with \Deleted among `uids`. */
struct imap_ask_expunge {
	struct imap_ask ask;
	uint64_t mailbox_id;
	const struct uidset *uids;
	/* answer */
	uint64_t modseq; /* of the expunge; 0 if there was nothing */
};

/*
 * COPY and MOVE, of those of `uids` that are still there (RFC 2180 section
 * 4.4.2). ERR_NOTFOUND: TRYCREATE.
 */
struct imap_ask_copy {
	struct imap_ask ask;
	uint64_t mailbox_id;
	const struct uidset *uids;
	struct slice target;
	bool move;
	/* answer: n-th source UID became n-th target UID */
	uint32_t uidvalidity;
	struct uidset source; /* uidset_fini both */
	struct uidset copies;
};

/* ---- new messages ---- */

/* A message on its way to disk; made by imap_port.upload_begin. */
struct imap_upload;

/* Waits for the upload: room for more octets, or (`finish`) its end. */
struct imap_ask_upload {
	struct imap_ask ask;
	struct imap_upload *upload;
	bool finish; /* all octets were given: hash, structure, durable */
};

struct imap_append_message {
	struct imap_upload *upload; /* finished */
	uint32_t flags;
	const struct slice *keywords;
	size_t keyword_count;
	bool has_date;
	int64_t internal_date_s;
	int32_t internal_zone_min;
};

/* All messages or none (RFC 3502). Ends the uploads in any case. */
struct imap_ask_append {
	struct imap_ask ask;
	struct slice name;
	const struct imap_append_message *messages;
	size_t count;
	/* answer */
	uint32_t uidvalidity;
	struct uidset uids; /* uidset_fini */
};

/* ---- the port ---- */

struct imap_port {
	/* Starts it; imap_session_answer(session, ask) gives it back. */
	void (*ask)(struct imap_port *port, struct imap_ask *ask);

	/* The selected mailbox is left: stop watching it. */
	void (*close)(struct imap_port *port, uint64_t mailbox_id);

	/*
	 * Before the literal of an APPEND to `name` is taken: an early check
	 * of size and of a name that can be seen to be wrong from the local
	 * copy. ERR_NONE: *upload_r takes octets; else the literal is refused
	 * (ERR_TOO_BIG, ERR_NOTFOUND, ERR_DENIED, ERR_FULL, ERR_BUSY).
	 */
	must_use enum err (*upload_begin)(struct imap_port *port,
					  struct slice name, uint64_t size,
					  struct imap_upload **upload_r);

	/*
	 * Takes all of `octets` (a copy). False: enough for now; ask
	 * IMAP_ASK_UPLOAD and give the next ones after its answer.
	 */
	bool (*upload_add)(struct imap_port *port, struct imap_upload *upload,
			   struct slice octets);

	/* Throws away an upload that no append will end. */
	void (*upload_abort)(struct imap_port *port,
			     struct imap_upload *upload);

	/* Seconds since 1970 UTC: SEARCH YOUNGER and OLDER. */
	int64_t (*now_s)(struct imap_port *port);

	/* Octet stream: TLS handshake after the output so far was sent. */
	void (*starttls)(struct imap_port *port);
};

#endif
