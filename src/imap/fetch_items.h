/*
 * The data items of FETCH (RFC 9051 section 6.4.5) and their names in replies.
 */
#ifndef IMAP_FETCH_ITEMS_H
#define IMAP_FETCH_ITEMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/*
 * Items of one FETCH. Clients ask for a dozen; some ask for BINARY.SIZE or
 * BODY of each part of a message.
 */
#define IMAP_FETCH_ITEMS_MAX 512

/*
 * Depth of a part number ("1.2.3"): deeper than any structure that mail/
 * parses, so a deeper one names no part.
 */
#define IMAP_SECTION_DEPTH_MAX 64

/* Header fields named in one section. */
#define IMAP_SECTION_FIELDS_MAX 512

enum imap_fetch_kind {
	IMAP_FETCH_FLAGS,
	IMAP_FETCH_UID,
	IMAP_FETCH_INTERNALDATE,
	IMAP_FETCH_RFC822_SIZE,
	IMAP_FETCH_ENVELOPE,
	IMAP_FETCH_BODY,          /* BODY without a section: no extensions */
	IMAP_FETCH_BODYSTRUCTURE, /* with extension data */
	IMAP_FETCH_MODSEQ,        /* RFC 7162 */
	IMAP_FETCH_EMAILID,       /* RFC 8474 */
	IMAP_FETCH_THREADID,
	IMAP_FETCH_SECTION,       /* BODY[...], BODY.PEEK[...] */
	IMAP_FETCH_BINARY,        /* BINARY[...], BINARY.PEEK[...] */
	IMAP_FETCH_BINARY_SIZE,   /* BINARY.SIZE[...] */
	IMAP_FETCH_RFC822,        /* BODY[] under its old name */
	IMAP_FETCH_RFC822_HEADER, /* BODY.PEEK[HEADER] under its old name */
	IMAP_FETCH_RFC822_TEXT,   /* BODY[TEXT] under its old name */
};

/* What of the part is meant. */
enum imap_section_text {
	IMAP_SECTION_ALL,               /* "": the part, or the message */
	IMAP_SECTION_HEADER,            /* HEADER */
	IMAP_SECTION_HEADER_FIELDS,     /* HEADER.FIELDS (...) */
	IMAP_SECTION_HEADER_FIELDS_NOT, /* HEADER.FIELDS.NOT (...) */
	IMAP_SECTION_TEXT,              /* TEXT */
	IMAP_SECTION_MIME,              /* MIME: never without a part */
};

struct imap_section {
	enum imap_section_text text;
	const uint32_t *part;       /* part numbers from outside in, each > 0 */
	size_t depth;               /* 0: the message itself */
	const struct slice *fields; /* as the client wrote them */
	size_t field_count;
};

struct imap_fetch_item {
	enum imap_fetch_kind kind;
	bool peek; /* the form that does not set \Seen was asked for */
	struct imap_section section;
	bool partial; /* "<offset.length>" was given */
	uint64_t offset;
	uint64_t length; /* > 0 */
};

/* Fetching the item sets \Seen (RFC 9051 section 6.4.5). */
bool imap_fetch_item_sets_seen(const struct imap_fetch_item *item);

/* The item cannot be answered from the row: octets of the body are needed. */
bool imap_fetch_item_needs_body(const struct imap_fetch_item *item);

/* ENVELOPE, BODY, BODYSTRUCTURE, and whatever needs to find a part. */
bool imap_fetch_item_needs_structure(const struct imap_fetch_item *item);

/*
 * Appends the name as the reply has it: "BODY[1.HEADER.FIELDS (DATE)]<0>";
 * without ".PEEK", with the origin octet of a partial.
 */
void imap_fetch_item_write_name(const struct imap_fetch_item *item,
				struct buf *out);

#endif
