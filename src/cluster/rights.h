/*
 * Rights (RFC 4314) as bits, and access control lists as text.
 *
 * A list is kept in the form of the MUPDATE wire, which is Cyrus's:
 * `john\tlrswipkxtea\t-jane\tw\t`: an identifier, a tab, letters, a tab; a '-'
 * before the identifier makes the entry negative. Our own mailboxes keep it
 * normalised; those of foreign servers as it came, octet by octet.
 *
 * All functions are pure.
 */
#ifndef CLUSTER_RIGHTS_H
#define CLUSTER_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum right {
	RIGHT_LOOKUP = 1 << 0,         /* l */
	RIGHT_READ = 1 << 1,           /* r */
	RIGHT_SEEN = 1 << 2,           /* s */
	RIGHT_WRITE = 1 << 3,          /* w: flags but \Seen and \Deleted */
	RIGHT_INSERT = 1 << 4,         /* i */
	RIGHT_POST = 1 << 5,           /* p */
	RIGHT_CREATE = 1 << 6,         /* k */
	RIGHT_DELETE_MAILBOX = 1 << 7, /* x */
	RIGHT_DELETE_MESSAGE = 1 << 8, /* t: \Deleted */
	RIGHT_EXPUNGE = 1 << 9,        /* e */
	RIGHT_ANNOTATE = 1 << 10,      /* n (RFC 5257) */
	RIGHT_ADMIN = 1 << 11,         /* a */
};

#define RIGHTS_ALL 0xfffu

/* What an owner has whatever the list says: he can always repair it. */
#define RIGHTS_OWNER_ALWAYS \
	(RIGHT_LOOKUP | RIGHT_CREATE | RIGHT_DELETE_MAILBOX | RIGHT_ADMIN)

#define RIGHTS_TEXT_MAX 16 /* octets of rights_add_text, with slack */

/* Octets of one list; an entry costs about 30, so about 250 of them. */
#define ACL_MAX 8192

/*
 * Letters to bits; the obsolete 'c' is k and x, 'd' is t and e (RFC 4314
 * section 2.1.1). False: a letter that is no right (`*rights_r` has the
 * others: what foreign lists need).
 */
bool rights_of_text(struct slice text, uint32_t *rights_r);

/* Appends the letters in the order "lrswipkxtena". */
void rights_add_text(uint32_t rights, struct buf *out);

struct acl_entry {
	struct slice identifier; /* without '-' */
	bool negative;
	uint32_t rights;
};

/* Takes the next entry off the front of `*acl`; false: none, or damaged. */
bool acl_next(struct slice *acl, struct acl_entry *entry_r);

/* Not empty, within NAMES_IDENTIFIER_MAX, no control character, no '-' first.
 */
must_use enum err acl_check_identifier(struct slice identifier);

/* Entries up to the end, ERR_INVALID if not; ERR_LIMIT above ACL_MAX. */
must_use enum err acl_check(struct slice acl);

enum acl_change {
	ACL_REPLACE, /* rights 0: the entry goes */
	ACL_ADD,
	ACL_REMOVE,
};

/*
 * Appends `acl` with the entry of {identifier, negative} changed. Entries keep
 * their order, a new one goes to the end. ERR_LIMIT: longer than ACL_MAX.
 */
must_use enum err acl_set(struct slice acl, const struct acl_entry *entry,
			  enum acl_change change, struct buf *out);

/* Appends one entry: lists of one's own making. */
void acl_add_entry(const struct acl_entry *entry, struct buf *out);

/* Who asks: an empty user is one who logged in as anonymous. */
struct identity {
	struct slice user;
	const struct slice *groups; /* as identifiers: "group:staff" */
	size_t group_count;
};

#define IDENTITY_GROUPS_MAX 64

/*
 * The rights of `who` in the mailbox `name` with list `acl`: all positive
 * entries that match together, less all negative ones (RFC 4314 section 2).
 * "anyone" matches all, "anonymous" an empty user, "owner" the owner, who also
 * has RIGHTS_OWNER_ALWAYS.
 */
uint32_t acl_rights(struct slice acl, struct slice name,
		    const struct identity *who);

#endif
