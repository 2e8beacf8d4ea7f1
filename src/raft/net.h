/*
 * What the log needs of the network: frames to the replicas of peers.
 *
 * server/ fills the table (links with TLS); tests fill it with queues. Frames
 * that arrive go to replica_receive. A frame may be lost, and those after it
 * delivered; it is never changed, cut or delivered twice.
 */
#ifndef RAFT_NET_H
#define RAFT_NET_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

/*
 * Largest frame: all entries that a leader keeps in memory (libraft sends a
 * peer that is behind the whole tail) and their heads.
 */
#define NET_FRAME_MAX (64 * 1024 * 1024)

struct net_send;

/* On the log loop, once, never inside the send. */
typedef void net_sent(struct net_send *send, enum err err);

/* Storage of the sender's until `sent` has run. */
struct net_send {
	net_sent *sent;
	uint32_t group;
	uint64_t from; /* raft ids; the node is the upper half */
	uint64_t to;
	const struct slice *pieces; /* borrowed until `sent` has run */
	size_t count;
	void *impl; /* the table's */
};

struct replica_net {
	/*
	 * From the log loop; takes the frame in any case and calls `sent`:
	 * ERR_NONE when the octets left this process (or were dropped behind
	 * its back), ERR_UNAVAILABLE when there is no link.
	 */
	void (*send)(struct replica_net *net, struct net_send *send);
};

#endif
