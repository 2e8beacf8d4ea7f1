/*
 * From a group to nodes.
 *
 * Voters come before standbys, which may lag far behind. Each node begins with
 * another voter, so that the sessions of all frontends are not served by one:
 * any replica answers as well as the leader, after a read-index round.
 */
#include "server/channel_route.h"

#include "base/mem.h"
#include "cluster/directory.h"
#include "server/node.h"

struct route {
	const struct node *node;
	uint32_t *nodes;
	unsigned count;
	unsigned max;
};

static void add(struct route *route, uint32_t node)
{
	if (node == route->node->identity.node || route->count == route->max)
		return;
	for (unsigned i = 0; i < route->count; i++)
		if (route->nodes[i] == node)
			return;
	route->nodes[route->count++] = node;
}

static void add_replicas(struct route *route, const struct directory_group *row)
{
	unsigned first = route->node->identity.node % row->replica_count;

	for (unsigned i = 0; i < row->replica_count; i++) {
		const struct directory_replica *replica =
			&row->replicas[(first + i) % row->replica_count];

		if (replica->role == DIRECTORY_REPLICA_VOTER)
			add(route, replica->node);
	}
	for (unsigned i = 0; i < row->replica_count; i++)
		add(route, row->replicas[i].node);
}

unsigned channel_route(const struct node *node, uint32_t group, uint32_t *nodes,
		       unsigned max)
{
	struct replica *directory = node_directory(node);
	struct store_env *env = directory ? replica_env(directory) : NULL;
	struct route route = { node, nodes, 0, max };
	struct directory_group *row;
	struct store_txn *txn;

	if (node->loopback && max > 0) {
		nodes[0] = node->identity.node;
		return 1;
	}
	if (!env || store_read_begin(env, &txn))
		return 0;
	row = mem_zalloc(1, sizeof(*row));
	if (directory_group_find(txn, group, row) && row->replica_count > 0)
		add_replicas(&route, row);
	store_end(&txn);
	mem_free(row);
	return route.count;
}
