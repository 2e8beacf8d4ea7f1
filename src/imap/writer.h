/*
 * What a server says, as octets: strings, lines, response codes (RFC 9051
 * section 7 and 9).
 *
 * Everything is appended to a struct buf. A line is made of a beginning, any
 * number of code and data helpers, and an end:
 *
 *   imap_begin_tagged(out, tag, IMAP_OK);            A1 OK
 *   imap_code_num(out, "UIDNEXT", 44);               [UIDNEXT 44]
 *   imap_end_text(out, "SELECT completed");          SELECT completed CRLF
 *
 * `utf8` says that UTF8=ACCEPT or IMAP4rev2 is enabled: names and quoted
 * strings may be UTF-8 then; otherwise names are modified UTF-7 and strings
 * with octets above 127 are literals.
 */
#ifndef IMAP_WRITER_H
#define IMAP_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/uidset.h"
#include "imap/words.h"

/* Strings longer than this are sent as literals, not quoted. */
#define IMAP_QUOTED_MAX 1024 /* octets */

enum imap_status_word {
	IMAP_OK,
	IMAP_NO,
	IMAP_BAD,
	IMAP_BYE,     /* untagged only */
	IMAP_PREAUTH, /* untagged only */
};

/* Response codes without data: RFC 9051 section 7.1, RFC 5530 and others. */
#define IMAP_CODE_LIST(X)                               \
	X(ALERT, "ALERT")                               \
	X(ALREADYEXISTS, "ALREADYEXISTS")               \
	X(AUTHENTICATIONFAILED, "AUTHENTICATIONFAILED") \
	X(AUTHORIZATIONFAILED, "AUTHORIZATIONFAILED")   \
	X(BADCHARSET, "BADCHARSET (UTF-8 US-ASCII)")    \
	X(CANNOT, "CANNOT")                             \
	X(CLIENTBUG, "CLIENTBUG")                       \
	X(CLOSED, "CLOSED")                             \
	X(COMPRESSIONACTIVE, "COMPRESSIONACTIVE")       \
	X(CONTACTADMIN, "CONTACTADMIN")                 \
	X(CORRUPTION, "CORRUPTION")                     \
	X(EXPIRED, "EXPIRED")                           \
	X(EXPUNGEISSUED, "EXPUNGEISSUED")               \
	X(HASCHILDREN, "HASCHILDREN")                   \
	X(INUSE, "INUSE")                               \
	X(LIMIT, "LIMIT")                               \
	X(NOMODSEQ, "NOMODSEQ")                         \
	X(NONEXISTENT, "NONEXISTENT")                   \
	X(NOPERM, "NOPERM")                             \
	X(NOTSAVED, "NOTSAVED")                         \
	X(OVERQUOTA, "OVERQUOTA")                       \
	X(PARSE, "PARSE")                               \
	X(PRIVACYREQUIRED, "PRIVACYREQUIRED")           \
	X(READ_ONLY, "READ-ONLY")                       \
	X(READ_WRITE, "READ-WRITE")                     \
	X(SERVERBUG, "SERVERBUG")                       \
	X(TOOBIG, "TOOBIG")                             \
	X(TRYCREATE, "TRYCREATE")                       \
	X(UIDNOTSTICKY, "UIDNOTSTICKY")                 \
	X(UNAVAILABLE, "UNAVAILABLE")                   \
	X(UNKNOWN_CTE, "UNKNOWN-CTE")                   \
	X(USEATTR, "USEATTR")

enum imap_code {
	IMAP_CODE_NONE,
#define X(name, text) IMAP_CODE_##name,
	IMAP_CODE_LIST(X)
#undef X
};

/* The code that tells a client of an error; IMAP_CODE_NONE if none fits. */
enum imap_code imap_code_of_err(enum err err);

/* ---- lines ---- */

/* "TAG OK "; an empty tag is "*". */
void imap_begin_tagged(struct buf *out, struct slice tag,
		       enum imap_status_word word);

/* "* OK " */
void imap_begin_untagged(struct buf *out, enum imap_status_word word);

/* "* NAME": data responses; the caller goes on with SP. */
void imap_begin_data(struct buf *out, const char *name);

/* "* 12 NAME": numbered ones. */
void imap_begin_numbered(struct buf *out, uint32_t number, const char *name);

/* Text for people (CR and LF in it become SP; never empty), then CRLF. */
void imap_end_text(struct buf *out, const char *text);

/* CRLF. */
void imap_end_data(struct buf *out);

/* A whole line with a code (or IMAP_CODE_NONE) and text. */
void imap_write_tagged(struct buf *out, struct slice tag,
		       enum imap_status_word word, enum imap_code code,
		       const char *text);
void imap_write_untagged(struct buf *out, enum imap_status_word word,
			 enum imap_code code, const char *text);

/*
 * "TAG NO [CODE] text" for an error whose outcome is NOT_DONE; a read may
 * also answer so after ERR_IO or ERR_TIMEOUT. ERR_SYNTAX makes it a BAD.
 */
void imap_write_err(struct buf *out, struct slice tag, enum err err);

/* "+ text" CRLF; text may be empty ("+ " CRLF). */
void imap_write_continue(struct buf *out, struct slice text);

/* ---- response codes: each "[...] " ---- */

/* IMAP_CODE_NONE writes nothing. */
void imap_code(struct buf *out, enum imap_code code);

/* UIDNEXT, UIDVALIDITY, UNSEEN, HIGHESTMODSEQ. */
void imap_code_num(struct buf *out, const char *name, uint64_t number);

/* "[MAILBOXID (F1)] " */
void imap_code_mailboxid(struct buf *out, struct slice id);

/* "[MODIFIED 7,9] " */
void imap_code_modified(struct buf *out, const struct uidset *set);

/* RFC 4315 section 3; several UIDs after MULTIAPPEND. */
void imap_code_appenduid(struct buf *out, uint32_t uidvalidity,
			 const struct uidset *uids);
void imap_code_copyuid(struct buf *out, uint32_t uidvalidity,
		       const struct uidset *source,
		       const struct uidset *copies);

/* `star`: new keywords may be made ("\*"). */
void imap_code_permanentflags(struct buf *out, uint32_t flags,
			      const struct slice *keywords, size_t count,
			      bool star);

/* Names separated by SP behind "CAPABILITY", in brackets and as a line. */
void imap_code_capability(struct buf *out, const char *const *names,
			  size_t count);
void imap_write_capability(struct buf *out, const char *const *names,
			   size_t count);
void imap_write_enabled(struct buf *out, const char *const *names,
			size_t count);

/* ---- strings ---- */

/* The head of a literal: "{12}" CRLF, and "~{12}" CRLF for octets with NUL. */
void imap_write_literal_head(struct buf *out, uint64_t size);
void imap_write_literal8_head(struct buf *out, uint64_t size);

/* Quoted if it can be, else a literal. NULs are left out: no string has any. */
void imap_write_string(struct buf *out, bool utf8, struct slice s);

/* The same, NIL for data == NULL. */
void imap_write_nstring(struct buf *out, bool utf8, struct slice s);

/* An atom if it can be, else a string. */
void imap_write_astring(struct buf *out, bool utf8, struct slice s);

/* A name given in UTF-8: modified UTF-7 if need be, as an astring. */
void imap_write_mailbox(struct buf *out, bool utf8, struct slice name);

/* "(\Seen $Junk)" */
void imap_write_flags(struct buf *out, uint32_t flags,
		      const struct slice *keywords, size_t count);

/* The same for a row: bit n of `bits` is keywords[n]. */
void imap_write_row_flags(struct buf *out, uint32_t flags,
			  const uint64_t bits[2], const struct slice *keywords,
			  size_t count);

/* "\"17-Jul-1996 02:44:25 -0700\"": the moment, shown in the zone. */
void imap_write_date_time(struct buf *out, int64_t unix_s, int32_t zone_min);

/* ---- data responses: whole lines ---- */

/* "* 23 EXISTS", "* 44 EXPUNGE", "* 0 RECENT" */
void imap_write_number(struct buf *out, uint32_t number, const char *name);

/* RFC 7162 section 3.2.10; an empty set writes nothing. */
void imap_write_vanished(struct buf *out, bool earlier,
			 const struct uidset *uids);

/* "* FLAGS (...)" */
void imap_write_flags_line(struct buf *out, uint32_t flags,
			   const struct slice *keywords, size_t count);

/* "* SEARCH 2 3 6 (MODSEQ 917162500)"; modseq 0: none asked for. */
void imap_write_search(struct buf *out, const struct uidset *numbers,
		       uint64_t modseq);

/* RFC 9051 section 7.3.4; what is not in `returns` is not written. */
struct imap_esearch {
	struct slice tag;
	bool uid;
	uint32_t returns; /* enum imap_search_return; MIN.. only with matches */
	const struct uidset *numbers; /* UIDs or sequence numbers */
	uint64_t modseq;              /* 0: none */
};

void imap_write_esearch(struct buf *out, const struct imap_esearch *esearch);

/* Attributes of LIST and LSUB (RFC 9051 section 7.3.1). */
enum imap_list_attr {
	IMAP_ATTR_NONEXISTENT = 1 << 0,
	IMAP_ATTR_NOSELECT = 1 << 1,
	IMAP_ATTR_NOINFERIORS = 1 << 2,
	IMAP_ATTR_HASCHILDREN = 1 << 3,
	IMAP_ATTR_HASNOCHILDREN = 1 << 4,
	IMAP_ATTR_SUBSCRIBED = 1 << 5,
	IMAP_ATTR_REMOTE = 1 << 6,
	IMAP_ATTR_MARKED = 1 << 7,
	IMAP_ATTR_UNMARKED = 1 << 8,
};

struct imap_list_line {
	bool lsub;
	uint32_t attrs;       /* enum imap_list_attr */
	uint32_t special_use; /* enum imap_special_use */
	char separator;       /* 0: NIL */
	struct slice name;    /* UTF-8 */
	uint32_t childinfo;   /* enum imap_list_select: CHILDINFO */
	struct slice oldname; /* UTF-8; empty: none (OLDNAME) */
};

void imap_write_list(struct buf *out, bool utf8,
		     const struct imap_list_line *line);

/* Values of STATUS; what is not in `items` is not written. */
struct imap_status_line {
	uint32_t items;    /* enum imap_status_item */
	struct slice name; /* UTF-8 */
	uint64_t messages;
	uint64_t recent;
	uint64_t unseen;
	uint64_t deleted;
	uint64_t size; /* octets */
	uint64_t deleted_storage;
	uint64_t highestmodseq;
	uint32_t uidnext;
	uint32_t uidvalidity;
	uint64_t append_limit;
	struct slice mailbox_id;
};

void imap_write_status(struct buf *out, bool utf8,
		       const struct imap_status_line *line);

/* Identifier and rights, alternating, behind "* ACL name". */
struct imap_acl_line {
	struct slice identifier;
	uint32_t rights; /* enum imap_right */
};

void imap_write_acl(struct buf *out, bool utf8, struct slice name,
		    const struct imap_acl_line *entries, size_t count);

/* `required` are always granted, each of `optional` may be. */
void imap_write_listrights(struct buf *out, bool utf8, struct slice name,
			   struct slice identifier, uint32_t required,
			   uint32_t optional);
void imap_write_myrights(struct buf *out, bool utf8, struct slice name,
			 uint32_t rights);

/* RFC 2342: personal, other users', shared; prefix NULL is NIL. */
struct imap_namespace {
	const char *prefix; /* UTF-8 */
	char separator;
};

void imap_write_namespace(struct buf *out, bool utf8,
			  const struct imap_namespace spaces[3]);

/* RFC 2971: field, value, field, value...; a NULL value is NIL; 0: NIL. */
void imap_write_id(struct buf *out, const char *const *strings, size_t count);

#endif
