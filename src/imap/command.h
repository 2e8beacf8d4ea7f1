/*
 * IMAP commands as structures: what the parser makes and the session runs.
 *
 * A command, and whatever its slices and pointers name, lives in the arena that
 * was given to the parser; nothing is freed singly.
 *
 * Syntax: RFC 9051 and RFC 3501 section 9, with RFC 2177 (IDLE), 2342
 * (NAMESPACE), 2971 (ID), 3502 (MULTIAPPEND), 3516 (BINARY), 3691 (UNSELECT),
 * 4314 (ACL), 4315 (UIDPLUS), 4466, 4731 (ESEARCH), 4959 (SASL-IR), 5032
 * (WITHIN), 5161 (ENABLE), 5182 (SEARCHRES), 5258 (LIST-EXTENDED), 5819
 * (LIST-STATUS), 6154 (SPECIAL-USE), 6851 (MOVE), 6855 (UTF8=ACCEPT), 7162
 * (CONDSTORE, QRESYNC), 7889 (APPENDLIMIT), 8438 (STATUS=SIZE), 8474
 * (OBJECTID).
 */
#ifndef IMAP_COMMAND_H
#define IMAP_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "imap/fetch_items.h"
#include "imap/seqset.h"
#include "imap/words.h"

struct imap_search; /* imap/search.h */

/* Arguments in lists, where nothing else says how many. */
#define IMAP_ARGS_MAX 1000

/*
 * ID: 30 pairs of at most 30 and 1,024 octets (RFC 2971 section 3.3). Pairs
 * above the limits are left out: nobody must fail to log in over them.
 */
#define IMAP_ID_PAIRS_MAX 30
#define IMAP_ID_FIELD_MAX 30
#define IMAP_ID_VALUE_MAX 1024

/* States of a session in which a command may come (RFC 9051 section 3). */
enum imap_state {
	IMAP_STATE_NONAUTH = 1 << 0,
	IMAP_STATE_AUTH = 1 << 1,
	IMAP_STATE_SELECTED = 1 << 2,
};

#define IMAP_IN_ANY (IMAP_STATE_NONAUTH | IMAP_STATE_AUTH | IMAP_STATE_SELECTED)
#define IMAP_IN_AUTH (IMAP_STATE_AUTH | IMAP_STATE_SELECTED)

/* name on the wire, states in which it may come; sorted by name */
#define IMAP_COMMAND_LIST(X)                \
	X(APPEND, IMAP_IN_AUTH)             \
	X(AUTHENTICATE, IMAP_STATE_NONAUTH) \
	X(CAPABILITY, IMAP_IN_ANY)          \
	X(CHECK, IMAP_STATE_SELECTED)       \
	X(CLOSE, IMAP_STATE_SELECTED)       \
	X(COPY, IMAP_STATE_SELECTED)        \
	X(CREATE, IMAP_IN_AUTH)             \
	X(DELETE, IMAP_IN_AUTH)             \
	X(DELETEACL, IMAP_IN_AUTH)          \
	X(ENABLE, IMAP_IN_AUTH)             \
	X(EXAMINE, IMAP_IN_AUTH)            \
	X(EXPUNGE, IMAP_STATE_SELECTED)     \
	X(FETCH, IMAP_STATE_SELECTED)       \
	X(GETACL, IMAP_IN_AUTH)             \
	X(ID, IMAP_IN_ANY)                  \
	X(IDLE, IMAP_IN_AUTH)               \
	X(LIST, IMAP_IN_AUTH)               \
	X(LISTRIGHTS, IMAP_IN_AUTH)         \
	X(LOGIN, IMAP_STATE_NONAUTH)        \
	X(LOGOUT, IMAP_IN_ANY)              \
	X(LSUB, IMAP_IN_AUTH)               \
	X(MOVE, IMAP_STATE_SELECTED)        \
	X(MYRIGHTS, IMAP_IN_AUTH)           \
	X(NAMESPACE, IMAP_IN_AUTH)          \
	X(NOOP, IMAP_IN_ANY)                \
	X(RENAME, IMAP_IN_AUTH)             \
	X(SEARCH, IMAP_STATE_SELECTED)      \
	X(SELECT, IMAP_IN_AUTH)             \
	X(SETACL, IMAP_IN_AUTH)             \
	X(STARTTLS, IMAP_STATE_NONAUTH)     \
	X(STATUS, IMAP_IN_AUTH)             \
	X(STORE, IMAP_STATE_SELECTED)       \
	X(SUBSCRIBE, IMAP_IN_AUTH)          \
	X(UNSELECT, IMAP_STATE_SELECTED)    \
	X(UNSUBSCRIBE, IMAP_IN_AUTH)

enum imap_kind {
#define X(name, states) IMAP_##name,
	IMAP_COMMAND_LIST(X)
#undef X
};

/* A mailbox name or a pattern of LIST. */
struct imap_mailbox {
	struct slice raw; /* octets as the client sent them */
	/*
	 * UTF-8, not normalised (NFC is made where names become internal);
	 * "INBOX" in any case is "INBOX" here. Empty if not `valid`.
	 */
	struct slice name;
	/*
	 * False: neither UTF-8 nor correct modified UTF-7, or with control
	 * characters (RFC 6855 section 3). No such mailbox can exist: CREATE
	 * and targets are NO [CANNOT], others NO [NONEXISTENT].
	 */
	bool valid;
};

/* Flags of STORE and APPEND. "\Recent" is accepted and dropped. */
struct imap_flag_list {
	uint32_t flags;               /* enum imap_flag */
	const struct slice *keywords; /* as written */
	size_t keyword_count;
};

/* SELECT and EXAMINE (RFC 7162 section 3.2.5.1 for what is behind qresync). */
struct imap_select {
	struct imap_mailbox mailbox;
	bool condstore;
	bool qresync; /* below: only with it */
	uint32_t uidvalidity;
	uint64_t modseq;
	bool has_known_uids;
	struct imap_seqset known_uids;
	bool has_match; /* seq-match-data: same number of both, ascending */
	struct imap_seqset match_seqs;
	struct imap_seqset match_uids;
};

/* CREATE with USE (RFC 6154 section 3). */
struct imap_create {
	struct imap_mailbox mailbox;
	uint32_t special_use; /* enum imap_special_use */
	bool unknown_use;     /* an attribute that we do not know: USEATTR */
};

struct imap_rename {
	struct imap_mailbox from;
	struct imap_mailbox to;
};

/* Selection options of LIST (RFC 5258 section 3.1). */
enum imap_list_select {
	IMAP_LIST_SUBSCRIBED = 1 << 0,
	IMAP_LIST_REMOTE = 1 << 1,
	IMAP_LIST_RECURSIVEMATCH = 1 << 2,
	IMAP_LIST_SPECIAL_USE = 1 << 3, /* RFC 6154 section 5.1 */
};

/* Return options (section 3.2). */
enum imap_list_return {
	IMAP_LIST_RETURN_SUBSCRIBED = 1 << 0,
	IMAP_LIST_RETURN_CHILDREN = 1 << 1,
	IMAP_LIST_RETURN_SPECIAL_USE = 1 << 2,
	IMAP_LIST_RETURN_STATUS = 1 << 3, /* RFC 5819 */
};

/* LIST and LSUB. */
struct imap_list {
	/* Options or several patterns: LIST "" "" has no special meaning. */
	bool extended;
	uint32_t select;  /* enum imap_list_select */
	uint32_t returns; /* enum imap_list_return */
	uint32_t status;  /* enum imap_status_item */
	struct imap_mailbox reference;
	const struct imap_mailbox *patterns; /* at least one */
	size_t pattern_count;
};

struct imap_status {
	struct imap_mailbox mailbox;
	uint32_t items; /* enum imap_status_item */
};

/* How the octets of a message come (RFC 3501, 3516, 6855). */
enum imap_append_form {
	IMAP_APPEND_LITERAL,  /* {n}: without NUL, the parser sees to it */
	IMAP_APPEND_LITERAL8, /* ~{n}: may hold NUL */
	IMAP_APPEND_UTF8,     /* UTF8 (~{n}): header fields in UTF-8 */
};

/* One message of an APPEND, without its octets. */
struct imap_append_item {
	struct imap_flag_list flags;
	bool has_date;
	int64_t internal_date_s; /* seconds since 1970 UTC */
	int32_t internal_zone_min;
	enum imap_append_form form;
	uint64_t size; /* octets announced */
	struct imap_append_item *next;
};

/* Grows while the parser reads: the last item is the one on its way. */
struct imap_append {
	struct imap_mailbox mailbox;
	struct imap_append_item *first;
	struct imap_append_item *last;
	size_t count;
};

struct imap_authenticate {
	struct slice mechanism;
	bool has_initial;     /* RFC 4959 */
	struct slice initial; /* base64 as sent; "=" means: no octets */
};

struct imap_login {
	struct slice user;
	struct slice password;
};

struct imap_enable {
	const struct slice *capabilities;
	size_t count;
};

struct imap_id_pair {
	struct slice field;
	struct slice value;
	bool nil; /* NIL was given as the value */
};

struct imap_id {
	const struct imap_id_pair *pairs; /* none for NIL */
	size_t count;
};

struct imap_fetch {
	struct imap_seqset set;
	const struct imap_fetch_item *items; /* ALL, FAST, FULL are expanded */
	size_t count;
	bool has_changedsince;
	uint64_t changedsince; /* RFC 7162 section 3.1.4.1; > 0 */
	bool vanished;         /* section 3.2.6; only UID FETCH */
};

struct imap_store {
	struct imap_seqset set;
	enum imap_store_op op;
	bool silent;
	bool has_unchangedsince;
	uint64_t unchangedsince; /* RFC 7162 section 3.1.3; may be 0 */
	struct imap_flag_list flags;
};

/* COPY and MOVE. */
struct imap_copy {
	struct imap_seqset set;
	struct imap_mailbox mailbox;
};

/* RETURN options of SEARCH (RFC 4731, 5182). */
enum imap_search_return {
	IMAP_SEARCH_MIN = 1 << 0,
	IMAP_SEARCH_MAX = 1 << 1,
	IMAP_SEARCH_ALL = 1 << 2,
	IMAP_SEARCH_COUNT = 1 << 3,
	IMAP_SEARCH_SAVE = 1 << 4,
};

struct imap_search_args {
	bool has_return;  /* answer with ESEARCH; "RETURN ()" means ALL */
	uint32_t returns; /* enum imap_search_return; 0 without RETURN */
	/*
	 * NULL: CHARSET named a set that we cannot read; the answer is
	 * NO [BADCHARSET].
	 */
	struct imap_search *program;
};

/* SETACL, DELETEACL, LISTRIGHTS; GETACL and MYRIGHTS have only a mailbox. */
struct imap_acl {
	struct imap_mailbox mailbox;
	struct slice identifier; /* with its "-" of negative rights */
	char mode;               /* SETACL: '+' add, '-' remove, 0 replace */
	struct slice rights;     /* SETACL: letters; imap_rights_parse */
};

struct imap_command {
	struct slice tag;
	enum imap_kind kind;
	bool uid; /* UID was in front: FETCH STORE SEARCH COPY MOVE EXPUNGE */
	union {
		struct imap_append append;
		struct imap_authenticate authenticate;
		struct imap_copy copy; /* COPY, MOVE */
		struct imap_create create;
		struct imap_enable enable;
		struct imap_seqset expunge; /* UID EXPUNGE (RFC 4315) */
		struct imap_fetch fetch;
		struct imap_id id;
		struct imap_list list; /* LIST, LSUB */
		struct imap_login login;
		/* DELETE SUBSCRIBE UNSUBSCRIBE GETACL MYRIGHTS */
		struct imap_mailbox mailbox;
		struct imap_rename rename;
		struct imap_search_args search;
		struct imap_select select; /* SELECT, EXAMINE */
		struct imap_acl acl;       /* SETACL DELETEACL LISTRIGHTS */
		struct imap_status status;
		struct imap_store store;
	};
};

/* "FETCH": for replies ("FETCH completed") and logs. */
const char *imap_kind_name(enum imap_kind kind);

/* enum imap_state bits in which the command may come. */
uint32_t imap_kind_states(enum imap_kind kind);

/* False: there is no such command. The name may be in any case. */
bool imap_kind_find(struct slice name, enum imap_kind *kind_r);

#endif
