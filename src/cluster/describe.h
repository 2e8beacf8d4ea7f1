/*
 * Commands of the directory and of mail groups as JSON, for `murderctl log
 * dump`: what identifies them (names, ids, UIDs, keywords, hashes), never keys,
 * salts or the octets of a message.
 */
#ifndef CLUSTER_DESCRIBE_H
#define CLUSTER_DESCRIBE_H

#include "base/buf.h"
#include "raft/command.h"

/*
 * Appends fields to an open object: "kind" and what the command is about. Pure:
 * the same command gives the same text on every node. A body that no encoder
 * made is {"damaged":true}, a kind of a later release has its number.
 */
void cluster_describe(const struct command *command, struct buf *out);

#endif
