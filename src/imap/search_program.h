/*
 * The form of a search program; known to grammar_search.c, which makes it, and
 * to search.c and search_match.c, which bind and run it.
 */
#ifndef IMAP_SEARCH_PROGRAM_H
#define IMAP_SEARCH_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/uidset.h"
#include "imap/search.h"
#include "imap/seqset.h"

/*
 * Nesting of parentheses, NOT and OR. Clients chain ORs to search for one of
 * many values, each one a level deeper.
 */
#define SEARCH_DEPTH_MAX 256

enum search_key {
	SEARCH_TRUE,
	SEARCH_FALSE,
	SEARCH_AND, /* of the operands; without any: true */
	SEARCH_OR,
	SEARCH_NOT, /* one operand */
	SEARCH_FLAG,
	SEARCH_KEYWORD,
	SEARCH_SEQS, /* set of sequence numbers */
	SEARCH_UIDS,
	SEARCH_MODSEQ,
	SEARCH_LARGER,
	SEARCH_SMALLER,
	SEARCH_BEFORE,
	SEARCH_ON,
	SEARCH_SINCE,
	SEARCH_OLDER,
	SEARCH_YOUNGER,
	SEARCH_EMAILID,
	SEARCH_SENTBEFORE,
	SEARCH_SENTON,
	SEARCH_SENTSINCE,
	SEARCH_SUBJECT,
	SEARCH_FROM,
	SEARCH_TO,
	SEARCH_CC,
	SEARCH_BCC,
	SEARCH_HEADER,
	SEARCH_BODY,
	SEARCH_TEXT,
};

/* What must be at hand to decide a key, cheapest first. */
enum search_grade {
	SEARCH_GRADE_ROW,
	SEARCH_GRADE_STRUCTURE,
	SEARCH_GRADE_HEADER, /* octets of the header */
	SEARCH_GRADE_BODY,   /* octets of all of the message */
};

#define SEARCH_GRADES 4

#define SEARCH_NO_BIT UINT32_MAX /* no message has that keyword */

struct search_node {
	enum search_key key;
	enum search_grade grade;   /* of the dearest key in it */
	struct search_node *child; /* first operand; cheaper ones first */
	struct search_node *next;  /* next operand of the same node */
	union {
		struct {
			uint32_t flag; /* enum imap_flag */
			bool set;      /* wanted: set or not */
		} flag;
		struct {
			struct slice name;
			bool set;
			uint32_t bit; /* bound: SEARCH_NO_BIT or below 128 */
		} keyword;
		struct {
			struct imap_seqset written;
			struct uidset uids; /* bound; ranges in the arena */
		} set;
		struct {
			struct slice field;  /* SEARCH_HEADER */
			struct slice needle; /* UTF-8 */
			size_t index;        /* of the compiled needle */
		} text;
		uint64_t number; /* MODSEQ, LARGER, SMALLER, OLDER, YOUNGER */
		int32_t day;     /* days since 1970-01-01 */
		struct slice id; /* EMAILID */
	};
};

struct imap_search {
	struct search_node *root;
	size_t keys;
	size_t needles; /* texts, numbered from 0 */
	uint32_t wants; /* enum imap_rows_want */
	bool has_modseq;
	bool has_saved;
	bool bound;
	int64_t now_s; /* bound */
};

/* What is needed to decide a key, and what its rows must carry. */
enum search_grade search_grade_of(enum search_key key);
uint32_t search_wants_of(enum search_key key); /* enum imap_rows_want */

/* SEARCH_HEADER of this field is decided by the envelope: no header is read. */
bool search_in_envelope(struct slice field);

#endif
