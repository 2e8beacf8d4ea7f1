/*
 * One connection between two nodes: who speaks first, who is let in, and when
 * it is given up. Pure: octets and time in, octets and events out.
 *
 *   dialer                         acceptor
 *   HELLO {what it can, is, wants} -->
 *                                  <-- HELLO {the version chosen}  or REFUSE
 *   then both: frames of the link's kind; BEAT when there are none
 *
 * The node at the other end is known by its key before (TLS); HELLO is what it
 * says, and the driver compares the two. Whatever is wrong ends in
 * PEER_LINK_OVER with a text for operators, which the other side is told too
 * where it can be.
 */
#ifndef PEER_LINK_H
#define PEER_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "peer/frame.h"

#define PEER_BEAT_MS 1000  /* nothing was sent for so long: BEAT */
#define PEER_DEAD_MS 5000  /* nothing has come: the link is dead */
#define PEER_HELLO_MS 5000 /* for HELLO and its answer */

struct peer_link_config {
	bool dials;
	enum peer_kind kind; /* the dialer's wish; acceptors take any */
	uint32_t peer;       /* who is dialled; 0: whoever (JOIN) */
	/* this node; texts are copied */
	uint32_t node; /* 0: no member yet */
	uint32_t start;
	uint32_t feature_level;
	struct slice cluster;
	struct slice software;
};

enum peer_link_state {
	PEER_LINK_WAIT_HELLO,  /* acceptor: the dialer's HELLO */
	PEER_LINK_WAIT_ACCEPT, /* acceptor: the owner's decision */
	PEER_LINK_WAIT_ANSWER, /* dialer: HELLO or REFUSE */
	PEER_LINK_OPEN,
	PEER_LINK_ENDED, /* terminal: `why` */
};

struct peer_link {
	enum peer_link_state state;
	struct peer_reader reader;
	struct buf out; /* to be sent; the owner empties it */

	bool dials;
	enum peer_kind kind; /* of an acceptor: known from HELLO on */
	uint32_t own_node;
	uint32_t own_start;
	uint32_t own_feature_level;
	char own_cluster[PEER_CLUSTER_MAX + 1];
	char own_software[PEER_SOFTWARE_MAX + 1];

	/* the other side; of an acceptor: from PEER_LINK_HELLO on */
	uint32_t peer;
	uint32_t peer_start;
	uint32_t peer_feature_level;
	char peer_cluster[PEER_CLUSTER_MAX + 1];
	char peer_software[PEER_SOFTWARE_MAX + 1];
	uint16_t version; /* that both speak */

	uint64_t begun_ms;
	uint64_t heard_ms;
	uint64_t said_ms;
	uint64_t ticked_ms;
	char why[PEER_TEXT_MAX + 1]; /* it ended; printable */
};

enum peer_link_event {
	PEER_LINK_MORE,  /* `in` is used up */
	PEER_LINK_HELLO, /* acceptor: call peer_link_accept or _refuse */
	PEER_LINK_UP,    /* dialer: accepted */
	PEER_LINK_FRAME, /* a frame of the link's kind */
	PEER_LINK_OVER,  /* send `out`, then close; `why` has the reason */
};

/* TLS is up. A dialer's HELLO stands in `out` afterwards. */
void peer_link_init(struct peer_link *link,
		    const struct peer_link_config *config, uint64_t now_ms);
void peer_link_fini(struct peer_link *link);

/*
 * Reads up to the next event; call again while `in` has octets. The frame is
 * borrowed until the next call. Not while an accept is awaited.
 */
enum peer_link_event peer_link_feed(struct peer_link *link, uint64_t now_ms,
				    struct slice *in,
				    struct peer_frame *frame_r);

/* The owner's decision on PEER_LINK_HELLO; refusing ends the link. */
void peer_link_accept(struct peer_link *link, uint64_t now_ms);
void peer_link_refuse(struct peer_link *link, const char *text);

/* Appends a frame to `out`; open links only, others drop it. */
void peer_link_send(struct peer_link *link, uint64_t now_ms,
		    const struct peer_frame *frame);

/* The owner has sent something past `out` (a large frame). */
void peer_link_said(struct peer_link *link, uint64_t now_ms);

/*
 * Time passes: a BEAT may stand in `out` afterwards. False: the link is over.
 * To be called at least each PEER_BEAT_MS.
 */
bool peer_link_tick(struct peer_link *link, uint64_t now_ms);

#endif
