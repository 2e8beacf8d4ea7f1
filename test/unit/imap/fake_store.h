/*
 * Mail in memory: users, mailboxes with rights, messages, what vanished. For
 * tests and fuzz targets of IMAP sessions; several sessions share a store and
 * see what the others do. fake_port.h makes an imap_port of it.
 *
 * It behaves as a mail group does (architecture.md 6): one MODSEQ for each
 * command that changes something, none for one that does not; \Seen is each
 * user's own; UIDs rise. Tests may set any field before a session looks.
 */
#ifndef TEST_IMAP_FAKE_STORE_H
#define TEST_IMAP_FAKE_STORE_H

#include "base/arena.h"
#include "base/list.h"
#include "imap/port.h"

#define FAKE_RIGHTS_ALL                                           \
	(IMAP_RIGHT_LOOKUP | IMAP_RIGHT_READ | IMAP_RIGHT_SEEN |  \
	 IMAP_RIGHT_WRITE | IMAP_RIGHT_INSERT | IMAP_RIGHT_POST | \
	 IMAP_RIGHT_CREATE | IMAP_RIGHT_DELETE_MAILBOX |          \
	 IMAP_RIGHT_DELETE_MESSAGE | IMAP_RIGHT_EXPUNGE | IMAP_RIGHT_ADMIN)

/* Whatever the list says. */
#define FAKE_RIGHTS_OWNER                                                    \
	(IMAP_RIGHT_LOOKUP | IMAP_RIGHT_CREATE | IMAP_RIGHT_DELETE_MAILBOX | \
	 IMAP_RIGHT_ADMIN)

/* The octets of messages, by their hash. */
struct fake_body {
	struct list link;
	struct sha256 hash;
	struct buf octets;
	struct buf structure;
	enum err err; /* of each READ: ERR_MISSING_BODY, ERR_CORRUPT */
};

struct fake_user {
	struct list link;
	struct fake_store *store;
	struct slice name;
	struct slice password;
	unsigned index; /* bit of fake_message.seen */
	bool disabled;
	struct list subscribed; /* struct fake_subscription */
};

struct fake_subscription {
	struct list link;
	struct slice name; /* as the user sees it */
};

struct fake_message {
	uint32_t uid;
	uint32_t flags; /* shared: all but \Seen */
	uint32_t seen;  /* bit n: by user n */
	uint64_t keywords[2];
	uint64_t modseq;
	int64_t date_s;
	int32_t zone_min;
	struct fake_body *body;
};

struct fake_vanished {
	uint32_t uid;
	uint64_t modseq;
};

struct fake_acl {
	struct list link;
	struct slice identifier;
	uint32_t rights;
};

struct fake_mailbox {
	struct list link;
	struct fake_store *store;
	uint64_t id;
	struct slice id_text;
	struct fake_user *owner; /* NULL: shared */
	struct slice name;       /* "INBOX", "Sent/2024": below the owner */
	bool deleted;
	bool degraded; /* opens read-only */
	uint32_t uidvalidity;
	uint32_t uidnext;
	uint64_t modseq;
	uint32_t special_use;
	struct slice keywords[IMAP_KEYWORDS_MAX];
	size_t keyword_count;
	struct fake_message *messages;
	size_t count;
	struct fake_vanished *vanished;
	size_t vanished_count;
	struct list acl; /* struct fake_acl; a new one has its owner's */
};

/* Who is told of a changed mailbox, or of other rights in it. */
struct fake_watcher {
	struct list link;
	struct fake_mailbox *mailbox; /* NULL: none */
	void (*changed)(struct fake_watcher *watcher);
	void (*rights)(struct fake_watcher *watcher);
};

struct fake_store {
	struct arena arena;
	struct list users;
	struct list mailboxes;
	struct list bodies;
	struct list watchers;
	unsigned user_count;
	uint64_t last_id;
	uint32_t last_uidvalidity;
	bool no_structures; /* rows come without a cached one */
	int64_t now_s;
};

struct fake_store *fake_store_new(void);
void fake_store_free(struct fake_store **storep);

/* ---- what is given ---- */

/* A user with an INBOX. Names and passwords are copied. */
struct fake_user *fake_user_add(struct fake_store *store, const char *name,
				const char *password);

/* `owner` NULL: a shared one. UIDVALIDITY counts up from 1. */
struct fake_mailbox *fake_mailbox_add(struct fake_store *store,
				      struct fake_user *owner,
				      struct slice name);

/* A message at the end; date 17-Jul-1996 02:44:25 -0700, no flags. */
struct fake_message *fake_message_add(struct fake_mailbox *mailbox,
				      struct slice octets);

/* `rights` 0 removes the entry. Tells the watchers. */
void fake_acl_set(struct fake_mailbox *mailbox, struct slice identifier,
		  uint32_t rights);
void fake_subscribe(struct fake_user *user, struct slice name, bool subscribe);

/* ---- looking ---- */

struct fake_user *fake_user_find(struct fake_store *store, struct slice name);

/* The form in which names are kept: NFC; in `arena`. */
struct slice fake_normal(struct slice name, struct arena *arena);

/* As `user` names it; NULL: there is none, or he may not see it. */
struct fake_mailbox *fake_mailbox_find(struct fake_store *store,
				       struct fake_user *user,
				       struct slice name);
struct fake_mailbox *fake_mailbox_get(struct fake_store *store, uint64_t id);

/* The name that `user` sees, in `arena`. */
struct slice fake_mailbox_name(const struct fake_mailbox *mailbox,
			       const struct fake_user *user,
			       struct arena *arena);
uint32_t fake_rights(const struct fake_mailbox *mailbox,
		     const struct fake_user *user);
bool fake_subscribed(const struct fake_user *user, struct slice name);

/* NULL: gone. */
struct fake_message *fake_message_find(struct fake_mailbox *mailbox,
				       uint32_t uid);
void fake_mailbox_uids(const struct fake_mailbox *mailbox, struct uidset *uids);

/* NULL: no such body. */
struct fake_body *fake_body_find(struct fake_store *store,
				 const struct sha256 *hash);

/* As the user sees it; strings are borrowed from the store. */
void fake_row(const struct fake_message *message, const struct fake_user *user,
	      uint32_t want, struct imap_row *row_r);

/* ---- changes, told to the watchers ---- */

struct fake_change {
	enum imap_store_op op;
	uint32_t flags;
	uint32_t mask; /* REPLACE: flags that change */
	bool keywords_kept;
	const struct slice *keywords;
	size_t keyword_count;
};

/* Of one message; true: it changed, and has `modseq` now. */
bool fake_message_change(struct fake_mailbox *mailbox,
			 struct fake_message *message,
			 const struct fake_user *user,
			 const struct fake_change *change, uint64_t modseq);
void fake_message_expunge(struct fake_mailbox *mailbox, uint32_t uid,
			  uint64_t modseq);

/* A copy in another mailbox, with that MODSEQ; `keywords`: with them. */
struct fake_message *fake_message_copy(struct fake_mailbox *target,
				       const struct fake_mailbox *source,
				       const struct fake_message *message,
				       uint64_t modseq, bool keywords);

/* The bit of a keyword, made if `create`; IMAP_KEYWORDS_MAX: none. */
size_t fake_keyword(struct fake_mailbox *mailbox, struct slice name,
		    bool create);

/* Tells the watchers. */
void fake_changed(struct fake_mailbox *mailbox);

#endif
