/*
 * The part of `status` that concerns the whole cluster: its members, where
 * each group's replicas are and how they stand, links, and what the managers
 * want and why.
 *
 * LOAD (worker): the directory's rows -> what is reported -> the state of the
 * links -> the answer
 */
#include "base/arena.h"
#include "base/mem.h"
#include "cluster/plan.h"
#include "server/admin_call.h"
#include "server/manager.h"
#include "server/reports.h"

struct cluster_state {
	json_t *result; /* of the whole command */
	struct arena arena;
	struct plan_cluster cluster;
	enum err err;
	struct peers_status links;
};

static void state_fini(struct admin_call *call)
{
	struct cluster_state *state = call->state;

	json_decref(state->result);
	arena_fini(&state->arena);
	mem_free(state);
}

/* ---- members ---- */

static const char *member_state_text(enum directory_member_state state)
{
	switch (state) {
	case DIRECTORY_MEMBER_ACTIVE:
		return "active";
	case DIRECTORY_MEMBER_DRAINING:
		return "draining";
	case DIRECTORY_MEMBER_LEAVING:
		return "leaving";
	case DIRECTORY_MEMBER_REMOVED:
		return "removed";
	}
	return "";
}

static json_t *member_json(const struct node *node,
			   const struct plan_member *member)
{
	uint64_t age = reports_age_ms(node->reports, member->node);
	json_t *item = json_pack("{s:I, s:o, s:s, s:o, s:o, s:I}", "node",
				 (json_int_t)member->node, "name",
				 admin_string(member->name), "state",
				 member_state_text(member->state), "roles",
				 admin_roles_json(member->roles), "zone",
				 admin_string(member->zone), "weight",
				 (json_int_t)member->weight);

	if (age != UINT64_MAX)
		json_object_set_new(item, "heard_ms",
				    json_integer((json_int_t)age));
	return item;
}

static json_t *members_json(const struct node *node,
			    const struct plan_cluster *cluster)
{
	json_t *items = json_array();

	for (unsigned i = 0; i < cluster->member_count; i++) {
		const struct plan_member *member = &cluster->members[i];

		if (member->state != DIRECTORY_MEMBER_REMOVED)
			json_array_append_new(items, member_json(node, member));
	}
	return items;
}

/* ---- groups ---- */

static const char *vote_text(enum plan_vote vote)
{
	switch (vote) {
	case PLAN_VOTE_NONE:
		return "none";
	case PLAN_VOTE_SPARE:
		return "spare";
	case PLAN_VOTE_STANDBY:
		return "standby";
	case PLAN_VOTE_VOTER:
		return "voter";
	}
	return "";
}

static json_t *replica_json(const struct plan_group *group,
			    const struct plan_replica *replica)
{
	uint64_t lag = group->last_index > replica->applied_index
			       ? group->last_index - replica->applied_index
			       : 0;
	json_t *item = json_pack(
		"{s:I, s:s, s:s, s:b, s:b, s:b}", "node",
		(json_int_t)replica->node, "wanted",
		!replica->recorded                         ? "gone"
		: replica->role == DIRECTORY_REPLICA_VOTER ? "voter"
							   : "standby",
		"is", vote_text(replica->vote), "leader",
		(int)(replica->raft_id == group->leader), "open",
		(int)replica->open, "parked", (int)replica->parked);

	json_object_set_new(
		item, "serving",
		json_boolean(replica->state == DIRECTORY_REPLICA_SERVING));
	if (!replica->open)
		return item;
	json_object_set_new(item, "applied_index",
			    json_integer((json_int_t)replica->applied_index));
	if (group->leader)
		json_object_set_new(item, "lag", json_integer((json_int_t)lag));
	json_object_set_new(item, "missing_bodies",
			    json_integer((json_int_t)replica->missing_bodies));
	if (replica->importing)
		json_object_set_new(item, "import_permille",
				    json_integer(replica->import_permille));
	return item;
}

static json_t *group_json(const struct plan_group *group)
{
	json_t *replicas = json_array();

	for (unsigned i = 0; i < group->replica_count; i++)
		json_array_append_new(replicas,
				      replica_json(group, &group->replicas[i]));
	return json_pack("{s:I, s:I, s:I, s:I, s:o}", "group",
			 (json_int_t)group->group, "wanted",
			 (json_int_t)group->wanted, "leader",
			 (json_int_t)(group->leader >> 32), "homes",
			 (json_int_t)group->homes, "replicas", replicas);
}

static json_t *groups_json(const struct plan_cluster *cluster)
{
	json_t *items = json_array();

	for (unsigned i = 0; i < cluster->group_count; i++)
		json_array_append_new(items, group_json(&cluster->groups[i]));
	return items;
}

/* ---- links ---- */

static json_t *link_json(const struct peers_link_status *link)
{
	return json_pack("{s:I, s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:o, s:o, s:o}",
			 "node", (json_int_t)link->node, "kind",
			 link->kind == PEER_LOG ? "log" : "bulk", "up",
			 (int)link->up, "dials", (int)link->dials, "feature_level",
			 (json_int_t)link->feature_level, "since_ms",
			 (json_int_t)link->since_ms, "octets_in",
			 (json_int_t)link->octets_in, "octets_out",
			 (json_int_t)link->octets_out, "address",
			 admin_string(slice_str(link->address)), "software",
			 admin_string(slice_str(link->software)), "error",
			 admin_string(slice_str(link->up ? "" : link->error)));
}

static void linked(struct peers_status *status)
{
	struct admin_call *call = status->owner;
	struct cluster_state *state = call->state;
	json_t *items = json_array();

	for (unsigned i = 0; i < status->count; i++)
		json_array_append_new(items, link_json(&status->links[i]));
	json_object_set_new(state->result, "links", items);
	admin_ok(call, json_incref(state->result));
}

/* ---- LOAD ---- */

static void loaded(struct admin_call *call)
{
	struct cluster_state *state = call->state;
	struct node *node = call->node;
	uint64_t now = clock_mono_ms(io_loop_clock(node->main));

	if (!state->err) {
		reports_fill(node->reports, &state->cluster, now,
			     &state->arena);
		json_object_set_new(state->result, "members",
				    members_json(node, &state->cluster));
		json_object_set_new(state->result, "cluster_groups",
				    groups_json(&state->cluster));
		json_object_set_new(state->result, "managers",
				    manager_json(node->manager));
	}
	state->links.home = io_loop_executor(node->main);
	state->links.owner = call;
	peers_get_status(node->peers, &state->links, linked);
}

static void load(struct admin_call *call)
{
	struct cluster_state *state = call->state;
	struct store_env *env = replica_env(node_directory(call->node));
	struct store_txn *txn;

	state->err = ERR_UNAVAILABLE;
	if (!env || store_read_begin(env, &txn))
		return;
	state->err = plan_load(&state->cluster, txn, &state->arena);
	store_end(&txn);
}

void admin_cluster(struct admin_call *call, json_t *result)
{
	struct cluster_state *state = mem_zalloc(1, sizeof(*state));

	state->result = result;
	call->state = state;
	call->fini = state_fini;
	admin_on_pool(call, load, loaded);
}
