/*
 * A node asks to join, and this one, a member, answers (architecture.md 10).
 *
 *   JOIN: the directory takes the token and makes it a member -> LOOK: has the
 *   directory's own group a replica on it? -> (RECORD: one is put there) ->
 *   LOOK -> the answer: cluster, node id, replica, members
 *
 * Whatever is lost on the way: who asks again with the same key and token gets
 * the same answer.
 */
#ifndef SERVER_ADMIT_H
#define SERVER_ADMIT_H

#include "server/peers.h"

struct node;

/* The hook `ask` of peers.h: on the bulk loop. */
void admit_ask(struct node *node, struct peers_asked *asked);

#endif
