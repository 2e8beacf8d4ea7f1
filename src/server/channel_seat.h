/*
 * The far end of a channel: where a session of another node sits while it looks
 * at a mailbox of which this node has a copy (proxy/channel.h).
 */
#ifndef SERVER_CHANNEL_SEAT_H
#define SERVER_CHANNEL_SEAT_H

struct node;

/* Accepts channels from node->bulk; before links are up. */
void channel_seats_begin(struct node *node);

#endif
