/*
 * What asks and answers of a channel have in common: sets, views, rows.
 */
#ifndef PROXY_CHANNEL_FIELDS_H
#define PROXY_CHANNEL_FIELDS_H

#include "base/arena.h"
#include "base/pack.h"
#include "base/uidset.h"
#include "imap/port.h"

/* On the wire; numbers are never used again. */
enum channel_kind {
	CHANNEL_OPEN = 1,
	CHANNEL_SYNC = 2,
	CHANNEL_STATUS = 3,
	CHANNEL_ROWS = 4,
	CHANNEL_READ = 5,
	CHANNEL_STRUCTURE = 6,
	CHANNEL_SEARCH = 7,
	CHANNEL_CHANGES = 8,
};

/* Octets of a keyword's name and of MAILBOXID's text; both are far shorter. */
#define CHANNEL_TEXT_MAX 1024

/* Only asks that read a copy (proxy/routes.h). */
enum channel_kind channel_kind_of(enum imap_ask_kind kind);

/* False: there is no such number. */
must_use bool channel_kind_find(uint8_t number, enum imap_ask_kind *kind_r);

/* 0 or 1; else the reader is bad. */
bool channel_unpack_bool(struct unpack *in);

/* 32 octets; of a bad reader zeroes. */
void channel_pack_sha256(struct buf *out, const struct sha256 *hash);
void channel_unpack_sha256(struct unpack *in, struct sha256 *hash_r);

/* A set that the reader cannot take makes it bad and leaves `uids` empty. */
void channel_pack_uids(struct buf *out, const struct uidset *uids);
void channel_unpack_uids(struct unpack *in, struct uidset *uids);

/* Names of keywords; the array is in the arena, as are the names. */
void channel_pack_keywords(struct buf *out, const struct slice *names,
			   size_t count);
void channel_unpack_keywords(struct unpack *in, struct arena *arena,
			     struct slice **names_r, size_t *count_r);

/* Rows as `want` says (enum imap_rows_want). */
void channel_pack_rows(struct buf *out, const struct imap_row *rows,
		       size_t count, uint32_t want);
void channel_unpack_rows(struct unpack *in, struct arena *arena, uint32_t want,
			 struct imap_row **rows_r, size_t *count_r);

#endif
