/*
 * FETCH under way: what session_fetch.c (rows and simple items),
 * session_fetch_body.c (items of bodies) and session_fetch_read.c (where their
 * octets come from) share.
 */
#ifndef IMAP_SESSION_FETCH_H
#define IMAP_SESSION_FETCH_H

#include "imap/session_internal.h"
#include "mail/decode.h"
#include "mail/header.h"
#include "mail/structure.h"

/* Decoded octets of BINARY that are kept between counting and sending. */
#define FETCH_KEEP_MAX (1024 * 1024)

/* Where the item under way is. */
enum fetch_stage {
	FETCH_BEGIN,  /* nothing of it was written */
	FETCH_RAW,    /* its literal: octets as they are */
	FETCH_FILTER, /* reads a header for HEADER.FIELDS */
	FETCH_COUNT,  /* decodes to learn the size */
	FETCH_DECODE, /* its literal: decoded octets */
};

struct session_fetch {
	const struct imap_fetch_item *items; /* with what is implied */
	size_t item_count;
	uint32_t want;  /* enum imap_rows_want */
	bool sets_seen; /* an item without .PEEK, and the right is there */

	struct uidset uids;   /* of the command, in the view */
	struct uidset asked;  /* VANISHED: numbers as the client wrote them */
	struct uidset unseen; /* of the slice: \Seen is set on them */
	uint64_t found;       /* rows that came */
	uint32_t next;        /* UID where the next slice begins; 0: none */
	bool marked;          /* \Seen of this slice was set */
	uint32_t slice_from;

	struct arena rows_arena; /* of one slice */
	struct imap_row *rows;
	const struct mime_part **roots; /* NULL: not decoded yet */
	size_t row_count;
	size_t row;  /* being told */
	size_t item; /* of it */
	bool in_row; /* "* n FETCH (" was written */
	bool spaced; /* so was what separates the item from the one before */

	struct arena read_arena; /* of one READ */
	struct imap_read_piece *pieces;
	size_t piece_count;

	enum fetch_stage stage;
	uint64_t offset; /* in the message: next octet to read */
	uint64_t end;    /* behind the last one */
	uint64_t skip;   /* decoded octets to leave out (partial) */
	uint64_t take;   /* decoded octets to send after them */
	uint64_t decoded;
	bool has_nul;
	bool kept; /* `scratch` holds all that was decoded */
	struct mail_header_filter filter;
	struct mail_decoder decoder;
	struct buf scratch;

	enum err err; /* of what could not be shown: told in the tagged NO */
};

/*
 * Writes one item that needs the body or the structure. True: it is whole.
 * False: octets were asked for, output must be sent first, or the session is
 * closed; fetch_run goes on later.
 */
must_use bool fetch_write_body_item(struct imap_session *session,
				    const struct imap_fetch_item *item);

/* Goes on after an answer, or when output was sent. */
void fetch_run(struct imap_session *session);

/* ---- session_fetch_read.c ---- */

/*
 * Makes the structure of the row ready, before anything of the row is written.
 * False: it was asked for; if it cannot be had the row is left out.
 */
must_use bool fetch_root_ready(struct imap_session *session);

/* The decoded structure of the row being told; it must be ready. */
const struct mime_part *fetch_root(const struct session_fetch *fetch);

/* HEADER.FIELDS and HEADER.FIELDS.NOT; BINARY and BINARY.SIZE. */
bool fetch_item_is_filter(const struct imap_fetch_item *item);
bool fetch_item_is_binary(const struct imap_fetch_item *item);

/*
 * Finds the item in the row being told: sets fetch->offset and ->end, and the
 * part whose encoding holds (NULL for the whole message). False: the message
 * has no such part.
 */
bool fetch_find(struct session_fetch *fetch, const struct imap_fetch_item *item,
		const struct mime_part **part_r);

enum fetch_supply {
	FETCH_SUPPLY_OCTETS, /* some */
	FETCH_SUPPLY_END,    /* all were taken */
	FETCH_SUPPLY_WAIT,   /* asked for */
	FETCH_SUPPLY_FAILED, /* the body cannot be read; fetch->err says why */
};

/* Are there octets of [offset, end)? */
enum fetch_supply fetch_look(struct imap_session *session);

/* The same, and takes the next ones; the offset moves behind them. */
enum fetch_supply fetch_take(struct imap_session *session,
			     struct slice *octets_r);

#endif
