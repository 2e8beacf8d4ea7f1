/*
 * The words of IMAP that syntax and sessions share: flags, rights, items.
 *
 * Each set is a bit mask; its names on the wire are in words.c.
 */
#ifndef IMAP_WORDS_H
#define IMAP_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Rights of RFC 4314, one bit each. */
enum imap_right {
	IMAP_RIGHT_LOOKUP = 1 << 0, /* l */
	IMAP_RIGHT_READ = 1 << 1,   /* r */
	IMAP_RIGHT_SEEN = 1 << 2,   /* s */
	IMAP_RIGHT_WRITE = 1 << 3,  /* w: flags but \Seen and \Deleted */
	IMAP_RIGHT_INSERT = 1 << 4, /* i */
	IMAP_RIGHT_POST = 1 << 5,   /* p */
	IMAP_RIGHT_CREATE = 1 << 6, /* k */
	IMAP_RIGHT_DELETE_MAILBOX = 1 << 7, /* x */
	IMAP_RIGHT_DELETE_MESSAGE = 1 << 8, /* t */
	IMAP_RIGHT_EXPUNGE = 1 << 9,        /* e */
	IMAP_RIGHT_ADMIN = 1 << 10,         /* a */
};

/* System flags; keywords are bits of their own (struct imap_row). */
enum imap_flag {
	IMAP_FLAG_ANSWERED = 1 << 0,
	IMAP_FLAG_FLAGGED = 1 << 1,
	IMAP_FLAG_DELETED = 1 << 2,
	IMAP_FLAG_SEEN = 1 << 3,
	IMAP_FLAG_DRAFT = 1 << 4,
};

#define IMAP_KEYWORDS_MAX 128 /* of one mailbox (architecture.md 6) */

/* Attributes of RFC 6154, one bit each. */
enum imap_special_use {
	IMAP_USE_ALL = 1 << 0,
	IMAP_USE_ARCHIVE = 1 << 1,
	IMAP_USE_DRAFTS = 1 << 2,
	IMAP_USE_FLAGGED = 1 << 3,
	IMAP_USE_JUNK = 1 << 4,
	IMAP_USE_SENT = 1 << 5,
	IMAP_USE_TRASH = 1 << 6,
	IMAP_USE_IMPORTANT = 1 << 7, /* RFC 8457 */
};

enum imap_status_item {
	IMAP_STATUS_MESSAGES = 1 << 0,
	IMAP_STATUS_UIDNEXT = 1 << 1,
	IMAP_STATUS_UIDVALIDITY = 1 << 2,
	IMAP_STATUS_UNSEEN = 1 << 3,
	IMAP_STATUS_DELETED = 1 << 4,
	IMAP_STATUS_SIZE = 1 << 5,
	IMAP_STATUS_HIGHESTMODSEQ = 1 << 6,
	IMAP_STATUS_RECENT = 1 << 7,
	IMAP_STATUS_MAILBOXID = 1 << 8,
	IMAP_STATUS_APPENDLIMIT = 1 << 9,
	IMAP_STATUS_DELETED_STORAGE = 1 << 10, /* RFC 9208; with quota */
};

enum imap_store_op {
	IMAP_STORE_REPLACE,
	IMAP_STORE_ADD,
	IMAP_STORE_REMOVE,
};

/*
 * The bit of a flag, attribute or item by its name ("\\Seen", "\\Sent",
 * "MESSAGES"), in any case; 0: there is none of that name.
 */
uint32_t imap_flag_find(struct slice name);
uint32_t imap_special_use_find(struct slice name);
uint32_t imap_status_item_find(struct slice name);

/* The name of one bit, with its backslash. */
const char *imap_flag_name(enum imap_flag flag);
const char *imap_special_use_name(enum imap_special_use use);
const char *imap_status_item_name(enum imap_status_item item);

/*
 * Reads right letters (RFC 4314 section 2.1); the virtual "c" stands for "kx"
 * and "d" for "te". ERR_SYNTAX: a letter that is no right.
 */
must_use enum err imap_rights_parse(struct slice letters, uint32_t *rights_r);

/*
 * Appends the letters of a set, with "c" and "d" as soon as one right that
 * they stand for is in it (section 2.1.1). An empty set appends nothing.
 */
void imap_rights_format(uint32_t rights, struct buf *out);

#endif
