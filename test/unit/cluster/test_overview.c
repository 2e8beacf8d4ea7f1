#include <criterion/criterion.h>

#include "cluster/overview.h"

static struct plan_member member(uint32_t node, const char *name)
{
	return (struct plan_member){
		.node = node,
		.name = slice_str(name),
		.roles = DIRECTORY_ROLES_ALL,
		.zone = SLICE_LIT("a"),
		.weight = 1,
		.state = DIRECTORY_MEMBER_ACTIVE,
		.feature_level = 1,
	};
}

static struct plan_replica replica(uint32_t node)
{
	return (struct plan_replica){
		.node = node,
		.raft_id = directory_raft_id(node, 1),
		.recorded = true,
		.role = DIRECTORY_REPLICA_VOTER,
		.state = DIRECTORY_REPLICA_SERVING,
		.vote = PLAN_VOTE_VOTER,
		.open = true,
		.applied_index = 100,
		.frontier = 100,
	};
}

static void expect(const struct buf *out, const char *want)
{
	cr_assert(slice_eq(buf_slice(out), slice_str(want)), "%.*s",
		  SLICE_FMT(buf_slice(out)));
}

Test(overview, nodes_stand_in_columns_and_removed_ones_nowhere)
{
	struct plan_member members[] = { member(1, "n1"), member(2, "second"),
					 member(3, "n3"), member(4, "n4"),
					 member(5, "n5") };
	struct plan_replica replicas[] = { replica(1), replica(3) };
	struct plan_group group = {
		.group = 7,
		.recorded = true,
		.replicas = replicas,
		.replica_count = 2,
		.leader = directory_raft_id(3, 1),
	};
	struct plan_cluster cluster = {
		.members = members,
		.member_count = 5,
		.groups = &group,
		.group_count = 1,
	};
	struct buf out = { 0 };

	plan_limits_init(&cluster.limits);
	members[0].silent_ms = 200;
	members[1].roles = DIRECTORY_ROLE_MASTER;
	members[1].zone = SLICE_NONE;
	members[1].silent_ms = 95000;
	members[2].state = DIRECTORY_MEMBER_DRAINING;
	members[2].silent_ms = 7000000;
	members[3].state = DIRECTORY_MEMBER_REMOVED;
	members[4].silent_ms = PLAN_NEVER;
	overview_nodes(&cluster, &out);
	expect(&out, "NODE  NAME    STATE     ROLES                    ZONE  "
		     "SILENT       REPLICAS  LEADS\n"
		     "1     n1      active    master,frontend,backend  a     "
		     "-            1         0\n"
		     "2     second  active    master                   -     "
		     "95 s         0         0\n"
		     "3     n3      draining  master,frontend,backend  a     "
		     "116 min      1         1\n"
		     "5     n5      active    master,frontend,backend  a     "
		     "never heard  0         0\n");
	buf_fini(&out);
}

Test(overview, groups_show_what_is_wrong_with_each_replica)
{
	struct plan_member members[] = { member(1, "n1"), member(2, "n2"),
					 member(3, "n3"), member(4, "n4"),
					 member(5, "n5"), member(6, "n6") };
	struct plan_replica replicas[] = { replica(1), replica(2), replica(3),
					   replica(4), replica(5), replica(6) };
	struct plan_group group = {
		.group = 7,
		.recorded = true,
		.wanted = 3,
		.replicas = replicas,
		.replica_count = 6,
		.leader = directory_raft_id(1, 1),
		.last_index = 117,
		.config_index = 110,
		.config_committed = true,
	};
	struct plan_cluster cluster = {
		.feature_level = 1,
		.members = members,
		.member_count = 6,
		.groups = &group,
		.group_count = 1,
	};
	struct arena arena = { 0 };
	struct plan plan;
	struct buf out = { 0 };

	plan_limits_init(&cluster.limits);
	members[1].silent_ms = 40000;
	replicas[2].parked = true;
	replicas[3].role = DIRECTORY_REPLICA_STANDBY;
	replicas[3].state = DIRECTORY_REPLICA_JOINING;
	replicas[3].vote = PLAN_VOTE_STANDBY;
	replicas[3].importing = true;
	replicas[3].import_permille = 125;
	replicas[3].missing_bodies = 17;
	replicas[4].recorded = false;
	replicas[4].vote = PLAN_VOTE_SPARE;
	replicas[5].vote = PLAN_VOTE_STANDBY;
	replicas[5].frontier = 9;
	plan_make(&cluster, &plan, &arena);
	overview_groups(&cluster, &plan, &out);
	overview_rest(&cluster, &plan, &out);
	expect(&out, "GROUP  LEADER  VOTERS          STANDBYS      INDEX  "
		     "LAG  MISSING  WHAT\n"
		     "7      n1      n1 n2? n3! n6*  n4+12.5% n5-  117    "
		     "17   17       n5 is no member of the group any more\n");
	arena_fini(&arena);
	buf_fini(&out);
}

Test(overview, an_empty_cluster_is_a_line_of_names)
{
	const struct plan_cluster cluster = { .member_count = 0 };
	const struct plan plan = { .count = 0 };
	struct buf out = { 0 };

	overview_groups(&cluster, &plan, &out);
	overview_rest(&cluster, &plan, &out);
	expect(&out, "GROUP  LEADER  VOTERS  STANDBYS  INDEX  LAG  MISSING  "
		     "WHAT\n");
	buf_fini(&out);
}
