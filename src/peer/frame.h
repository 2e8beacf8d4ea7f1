/*
 * Frames between nodes: how they stand on a link, octet by octet.
 *
 *   length u32, type u8, version u8, flags u8, 0 u8, then `length` octets
 *
 * Numbers are little-endian (base/pack.h). The head never changes, nor does the
 * beginning of HELLO; later releases append to HELLO. A frame of an unknown
 * type, or of a later version of its type, ends the link with a clear text,
 * unless its sender has marked it as one that may be skipped.
 *
 * Pure, resumable at any octet. Lengths are checked by the head, and memory
 * grows with the octets that have come, not with those that are promised.
 */
#ifndef PEER_FRAME_H
#define PEER_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define PEER_HEAD_SIZE 8 /* octets */

/* Of the whole protocol; HELLO says what a node can (link.h chooses). */
#define PEER_VERSION_MIN 1
#define PEER_VERSION_MAX 1

/* Limits of bodies, in octets. */
#define PEER_HELLO_MAX 1024 /* strangers may send that much, no more */
#define PEER_TEXT_MAX 512   /* why a link or a stream ends; longer is cut */
#define PEER_NODE_MAX 65536 /* health of all groups of a node: 1,024 x 64 */
#define PEER_OPEN_MAX 16384 /* first words of a stream: ids, a user's name */
#define PEER_DATA_MAX 16384 /* one TLS record; who waits, waits for that */
#define PEER_ASK_MAX 65536  /* a joiner's token and its addresses */
#define PEER_ANSWER_MAX 1048576 /* what a joiner is told: all member rows */

#define PEER_GROUP_HEAD 20 /* group u32, from u64, to u64 */

/* NET_FRAME_MAX of raft/net.h, the largest payload of a group. */
#define PEER_GROUP_MAX (PEER_GROUP_HEAD + 64 * 1024 * 1024)

#define PEER_CLUSTER_MAX 64  /* octets of a cluster's id */
#define PEER_SOFTWARE_MAX 64 /* octets of "Murder 1.0" */

/* What a link is for. On the wire. */
enum peer_kind {
	PEER_LOG = 1,  /* GROUP, NODE */
	PEER_BULK = 2, /* streams (mux.h) */
	PEER_JOIN = 3, /* ASK, ANSWER: from a node that is no member yet */
};

/* On the wire; numbers are never used again. */
enum peer_type {
	PEER_HELLO = 1,
	PEER_REFUSE = 2, /* the answer to HELLO, or the last word */
	PEER_BEAT = 3,
	PEER_GROUP = 4,
	PEER_NODE = 5,
	PEER_OPEN = 6,
	PEER_DATA = 7,
	PEER_CREDIT = 8,
	PEER_CLOSE = 9,
	PEER_ASK = 10,
	PEER_ANSWER = 11,
};

#define PEER_BIT(type) (1u << (type))

/* Of `flags`: who does not know the frame may go on without it. */
#define PEER_MAY_SKIP 1

struct peer_hello {
	uint16_t version_min; /* of the protocol; in an answer: the choice */
	uint16_t version_max;
	enum peer_kind kind;
	uint32_t node;  /* who speaks; 0: no member yet */
	uint32_t to;    /* who is meant; 0: whoever listens there */
	uint32_t start; /* start count of the speaker */
	uint32_t feature_level;
	struct slice cluster; /* empty: no member yet */
	struct slice software;
};

/* A frame; slices are borrowed from where it was read. */
struct peer_frame {
	enum peer_type type;
	union {
		struct peer_hello hello;
		struct slice text;    /* REFUSE */
		struct slice payload; /* NODE, ASK, ANSWER */
		struct {
			uint32_t group;
			uint64_t from;
			uint64_t to;
			struct slice payload;
		} group;
		struct {
			uint32_t stream;
			uint8_t kind;
			struct slice head;
		} open;
		struct {
			uint32_t stream;
			struct slice octets; /* at least one */
		} data;
		struct {
			uint32_t stream;
			uint32_t octets; /* at least one */
		} credit;
		struct {
			uint32_t stream;
			enum err err; /* ERR_NONE: its sender has no more */
			struct slice text;
		} close;
	};
};

/*
 * Appends the frame. What it holds must be within the limits above (texts are
 * cut); a payload is copied.
 */
void peer_frame_encode(const struct peer_frame *frame, struct buf *out);

/*
 * Appends a GROUP frame without its payload, of which `len` octets must follow
 * (at most PEER_GROUP_MAX - PEER_GROUP_HEAD).
 */
void peer_frame_group_head(uint32_t group, uint64_t from, uint64_t to,
			   size_t len, struct buf *out);

enum peer_reader_state {
	PEER_READER_HEAD, /* gathers PEER_HEAD_SIZE octets */
	PEER_READER_BODY, /* gathers or passes on `length` octets */
	PEER_READER_SKIP, /* drops `left` octets */
	PEER_READER_BAD,  /* terminal: `why` says what was wrong */
};

struct peer_reader {
	enum peer_reader_state state;
	unsigned allow; /* PEER_BIT of the types that may come now */
	enum peer_type type;
	size_t length;   /* of the body */
	size_t left;     /* to be dropped */
	struct buf body; /* head or body as far as it has come */
	bool lent;       /* `body` is a frame that was passed on */
	char why[80];
};

/* What may come is set by `allow`, at any time between two frames. */
void peer_reader_init(struct peer_reader *reader, unsigned allow);
void peer_reader_fini(struct peer_reader *reader);

enum peer_feed {
	PEER_FEED_MORE,  /* `in` is used up */
	PEER_FEED_FRAME, /* a frame; `in` stands behind it */
	PEER_FEED_BAD,   /* and nothing will be read any more */
};

/*
 * Reads up to the end of the next frame. It is borrowed from `in` or from the
 * reader, until the next call.
 */
enum peer_feed peer_reader_feed(struct peer_reader *reader, struct slice *in,
				struct peer_frame *frame_r);

#endif
