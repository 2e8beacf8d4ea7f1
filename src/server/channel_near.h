/*
 * The near end of channels: how a session on this node reads mailboxes of which
 * this node has no copy (proxy/channel.h).
 *
 * A session has a channel for each group that it looks at, opened when it is
 * first needed. What is asked is asked again at another replica when a channel
 * dies or its end cannot answer: only reads travel, so nobody sees it.
 */
#ifndef SERVER_CHANNEL_NEAR_H
#define SERVER_CHANNEL_NEAR_H

#include "server/imap_op.h"

/* Channels of one session: STATUS of other groups takes turns. */
#define CHANNELS_MAX 4

/* Replicas of a group that are tried for one ask. */
#define CHANNEL_NODES_MAX 16

/*
 * Must this link ask others for mailboxes of the group? Under test
 * (MURDER_TUNE="channels=1") a node that has a copy asks itself.
 */
bool channel_is_far(const struct imap_link *link, uint32_t group);

/*
 * Has op->ask, about a mailbox of the group, answered by a replica elsewhere;
 * goes on at `next` when op->ask->err says how. ERR_UNAVAILABLE: nobody could.
 */
void imap_op_far(struct imap_op *op, uint32_t group, uint64_t mailbox,
		 imap_op_step *next);

/* An ask about the selected mailbox, from beginning to end. */
imap_op_begin op_far_begin;

/* The selected mailbox is left. */
void channels_leave(struct imap_link *link);

/* All channels end; imap_link_channels_ended is called when none is left. */
void channels_close(struct imap_link *link);

#endif
