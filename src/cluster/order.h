/*
 * What the managers of a cluster ask of a group's leader (plan.h), from the
 * node that leads the directory to the one that leads the group. An order may
 * be lost, or come twice: it names the configuration that it was decided on,
 * and the leader tests everything that must be safe itself.
 */
#ifndef CLUSTER_ORDER_H
#define CLUSTER_ORDER_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum order_kind {
	ORDER_ADD = 1,  /* raft_id at `address`, as a spare */
	ORDER_ASSIGN,   /* raft_id becomes `vote` */
	ORDER_REMOVE,   /* raft_id, which does not vote */
	ORDER_TRANSFER, /* raft_id shall lead */
	ORDER_LEVEL,    /* the group's feature level rises to `level` */
};

#define ORDER_ADDRESS_MAX 255 /* octets: a node's name */

struct order {
	uint32_t group;
	enum order_kind kind;
	uint64_t raft_id;
	uint64_t config_index; /* that it was decided on; 0: of no concern */
	struct slice address;  /* ADD */
	unsigned vote;         /* ASSIGN: enum report_vote */
	uint32_t level;        /* LEVEL */
};

/* Appends. ERR_LIMIT, ERR_INVALID. */
must_use enum err order_encode(const struct order *order, struct buf *out);

/* Borrows. ERR_SYNTAX, ERR_LIMIT, ERR_INVALID, ERR_VERSION. */
must_use enum err order_decode(struct slice octets, struct order *order_r);

#endif
