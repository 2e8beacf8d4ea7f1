/*
 * Tables for people: cells are collected, then written in columns.
 */
#include "cluster/overview.h"

#include <inttypes.h>

#include "base/panic.h"

/* ---- tables ---- */

#define COLUMNS_MAX 8

struct table {
	struct buf text;  /* of all cells */
	struct buf cells; /* struct cell */
	unsigned columns;
	size_t widths[COLUMNS_MAX];
};

struct cell {
	size_t at;
	size_t len;
};

static size_t cell_count(const struct table *table)
{
	return table->cells.len / sizeof(struct cell);
}

/* What was added to table->text since the last cell is the next one. */
static void cell_end(struct table *table, size_t from)
{
	struct cell cell = { from, table->text.len - from };
	size_t column = cell_count(table) % table->columns;

	if (cell.len == 0) {
		buf_add_octet(&table->text, '-');
		cell.len = 1;
	}
	if (cell.len > table->widths[column])
		table->widths[column] = cell.len;
	buf_add(&table->cells, &cell, sizeof(cell));
}

static void cell_slice(struct table *table, struct slice text)
{
	size_t from = table->text.len;

	buf_add_slice(&table->text, text);
	cell_end(table, from);
}

static void cell_text(struct table *table, const char *text)
{
	cell_slice(table, slice_str(text));
}

static void cell_number(struct table *table, uint64_t number)
{
	size_t from = table->text.len;

	buf_add_u64(&table->text, number);
	cell_end(table, from);
}

static struct table table_begin(const char *const *heads, unsigned columns)
{
	struct table table = { .columns = columns };

	MUST(columns <= COLUMNS_MAX);
	for (unsigned i = 0; i < columns; i++)
		cell_text(&table, heads[i]);
	return table;
}

/* Two spaces between columns, none behind the last. */
static void table_end(struct table *table, struct buf *out)
{
	for (size_t i = 0; i < cell_count(table); i++) {
		size_t column = i % table->columns;
		struct cell cell;

		memcpy(&cell, table->cells.data + i * sizeof(cell),
		       sizeof(cell));
		buf_add(out, table->text.data + cell.at, cell.len);
		if (column == table->columns - 1) {
			buf_add_octet(out, '\n');
			continue;
		}
		for (size_t n = cell.len; n < table->widths[column] + 2; n++)
			buf_add_octet(out, ' ');
	}
	buf_fini(&table->text);
	buf_fini(&table->cells);
}

/* ---- nodes ---- */

static const char *state_text(enum directory_member_state state)
{
	switch (state) {
	case DIRECTORY_MEMBER_ACTIVE:
		return "active";
	case DIRECTORY_MEMBER_DRAINING:
		return "draining";
	case DIRECTORY_MEMBER_LEAVING:
		return "leaving";
	case DIRECTORY_MEMBER_REMOVED:
		break;
	}
	return "removed";
}

static void roles_cell(struct table *table, uint8_t roles)
{
	static const char *const names[] = { "master", "frontend", "backend" };
	size_t from = table->text.len;

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if ((roles >> i & 1) == 0)
			continue;
		if (table->text.len > from)
			buf_add_octet(&table->text, ',');
		buf_add_str(&table->text, names[i]);
	}
	cell_end(table, from);
}

/* Whole seconds up to two minutes, then minutes, hours, days. */
static void silence_cell(struct table *table, uint64_t ms, uint64_t healthy_ms)
{
	uint64_t s = ms / 1000;
	size_t from = table->text.len;

	if (ms == PLAN_NEVER)
		buf_add_str(&table->text, "never heard");
	else if (ms <= healthy_ms)
		buf_add_octet(&table->text, '-');
	else if (s < 120)
		buf_printf(&table->text, "%" PRIu64 " s", s);
	else if (s < 120ull * 60)
		buf_printf(&table->text, "%" PRIu64 " min", s / 60);
	else if (s < 48ull * 3600)
		buf_printf(&table->text, "%" PRIu64 " h", s / 3600);
	else
		buf_printf(&table->text, "%" PRIu64 " d", s / 86400);
	cell_end(table, from);
}

/* Of mail groups: replicas that it has by the record, and those it leads. */
static void count_of(const struct plan_cluster *cluster, uint32_t node,
		     unsigned *replicas_r, unsigned *leads_r)
{
	*replicas_r = 0;
	*leads_r = 0;
	for (unsigned i = 0; i < cluster->group_count; i++) {
		const struct plan_group *group = &cluster->groups[i];

		for (unsigned j = 0; group->group && j < group->replica_count;
		     j++) {
			const struct plan_replica *replica =
				&group->replicas[j];

			if (replica->node != node)
				continue;
			*replicas_r += replica->recorded ? 1 : 0;
			*leads_r += replica->raft_id == group->leader ? 1 : 0;
		}
	}
}

void overview_nodes(const struct plan_cluster *cluster, struct buf *out)
{
	static const char *const heads[] = { "NODE",     "NAME", "STATE",
					     "ROLES",    "ZONE", "SILENT",
					     "REPLICAS", "LEADS" };
	struct table table = table_begin(heads, ARRAY_LEN(heads));

	for (unsigned i = 0; i < cluster->member_count; i++) {
		const struct plan_member *member = &cluster->members[i];
		unsigned replicas;
		unsigned leads;

		if (member->state == DIRECTORY_MEMBER_REMOVED)
			continue;
		count_of(cluster, member->node, &replicas, &leads);
		cell_number(&table, member->node);
		cell_slice(&table, member->name);
		cell_text(&table, state_text(member->state));
		roles_cell(&table, member->roles);
		cell_slice(&table, member->zone);
		silence_cell(&table, member->silent_ms,
			     cluster->limits.healthy_ms);
		cell_number(&table, replicas);
		cell_number(&table, leads);
	}
	table_end(&table, out);
}

/* ---- groups ---- */

static void add_name(struct buf *text, const struct plan_cluster *cluster,
		     uint32_t node)
{
	const struct plan_member *member = plan_member_find(cluster, node);

	if (member)
		buf_add_slice(text, member->name);
	else
		buf_printf(text, "#%" PRIu32, node);
}

static bool is_reported(const struct plan_cluster *cluster,
			const struct plan_replica *replica)
{
	const struct plan_member *member =
		plan_member_find(cluster, replica->node);

	return replica->open && member &&
	       member->silent_ms <= cluster->limits.healthy_ms;
}

static bool votes_by_record(const struct plan_replica *replica)
{
	return replica->recorded && replica->role == DIRECTORY_REPLICA_VOTER;
}

static void add_marks(struct buf *text, const struct plan_cluster *cluster,
		      const struct plan_replica *replica)
{
	if (!is_reported(cluster, replica))
		buf_add_octet(text, '?');
	else if (replica->parked)
		buf_add_octet(text, '!');
	if (!replica->recorded)
		buf_add_octet(text, '-');
	else if (replica->state == DIRECTORY_REPLICA_JOINING)
		buf_add_octet(text, '+');
	else if (votes_by_record(replica) != (replica->vote == PLAN_VOTE_VOTER))
		buf_add_octet(text, '*');
	if (replica->importing)
		buf_printf(text, "%u.%u%%", replica->import_permille / 10,
			   replica->import_permille % 10);
}

/* Those on the way out stand where their vote still puts them. */
static void replicas_cell(struct table *table,
			  const struct plan_cluster *cluster,
			  const struct plan_group *group, bool voters)
{
	size_t from = table->text.len;

	for (unsigned i = 0; i < group->replica_count; i++) {
		const struct plan_replica *replica = &group->replicas[i];
		bool votes = replica->recorded
				     ? votes_by_record(replica)
				     : replica->vote == PLAN_VOTE_VOTER;

		if (votes != voters ||
		    (!replica->recorded && replica->vote == PLAN_VOTE_NONE))
			continue;
		if (table->text.len > from)
			buf_add_octet(&table->text, ' ');
		add_name(&table->text, cluster, replica->node);
		add_marks(&table->text, cluster, replica);
	}
	cell_end(table, from);
}

static void leader_cell(struct table *table, const struct plan_cluster *cluster,
			const struct plan_group *group)
{
	size_t from = table->text.len;

	if (group->leader != 0)
		add_name(&table->text, cluster,
			 (uint32_t)(group->leader >> 32));
	cell_end(table, from);
}

/* How far the slowest of those that report is behind. */
static uint64_t lag_of(const struct plan_cluster *cluster,
		       const struct plan_group *group)
{
	uint64_t lag = 0;

	for (unsigned i = 0; i < group->replica_count; i++) {
		const struct plan_replica *replica = &group->replicas[i];

		if (replica->recorded && is_reported(cluster, replica) &&
		    !replica->importing && !replica->parked &&
		    replica->applied_index < group->last_index &&
		    group->last_index - replica->applied_index > lag)
			lag = group->last_index - replica->applied_index;
	}
	return lag;
}

static uint64_t missing_of(const struct plan_group *group)
{
	uint64_t missing = 0;

	for (unsigned i = 0; i < group->replica_count; i++)
		missing += group->replicas[i].missing_bodies;
	return missing;
}

void overview_groups(const struct plan_cluster *cluster,
		     const struct plan *plan, struct buf *out)
{
	static const char *const heads[] = { "GROUP",    "LEADER", "VOTERS",
					     "STANDBYS", "INDEX",  "LAG",
					     "MISSING",  "WHAT" };
	struct table table = table_begin(heads, ARRAY_LEN(heads));

	for (unsigned i = 0; i < plan->count && i < cluster->group_count; i++) {
		const struct plan_step *step = &plan->steps[i];
		const struct plan_group *group =
			plan_group_find(cluster, step->group);

		MUST(group);
		cell_number(&table, group->group);
		leader_cell(&table, cluster, group);
		replicas_cell(&table, cluster, group, true);
		replicas_cell(&table, cluster, group, false);
		cell_number(&table, group->last_index);
		cell_number(&table, lag_of(cluster, group));
		cell_number(&table, missing_of(group));
		cell_text(&table, step->why);
	}
	table_end(&table, out);
}

void overview_rest(const struct plan_cluster *cluster, const struct plan *plan,
		   struct buf *out)
{
	for (unsigned i = cluster->group_count; i < plan->count; i++)
		buf_printf(out, "%s\n", plan->steps[i].why);
}
