#include <criterion/criterion.h>

#include "base/mem.h"
#include "cluster/report.h"

static struct report report_new(size_t groups, size_t servers)
{
	struct report report = { .node = 3, .feature_level = 1 };

	report.groups = mem_zalloc(groups, sizeof(*report.groups));
	report.group_count = groups;
	for (size_t i = 0; i < groups; i++) {
		struct report_group *group = &report.groups[i];

		group->group = (uint32_t)i;
		group->raft_id = UINT64_MAX - i;
		group->applied_index = UINT64_MAX;
		group->frontier = UINT64_MAX;
		group->missing_bodies = UINT64_MAX;
		group->permille = UINT32_MAX;
		group->flags = i % 2 ? REPORT_LEADS : REPORT_PARKED;
		if (i % 2 == 0)
			continue;
		group->term = UINT64_MAX;
		group->last_index = UINT64_MAX;
		group->config_index = UINT64_MAX;
		group->voters_index = UINT64_MAX;
		group->feature_level = UINT32_MAX;
		group->servers = mem_zalloc(servers, sizeof(*group->servers));
		group->server_count = servers;
		for (size_t s = 0; s < servers; s++)
			group->servers[s] =
				(struct report_server){ UINT64_MAX - s,
							REPORT_VOTE_STANDBY };
	}
	return report;
}

static void report_free(struct report *report)
{
	for (size_t i = 0; i < report->group_count; i++)
		mem_free(report->groups[i].servers);
	mem_free(report->groups);
}

static void expect_group(const struct report_group *got,
			 const struct report_group *want)
{
	cr_assert_eq(got->group, want->group);
	cr_assert_eq(got->raft_id, want->raft_id);
	cr_assert_eq(got->flags, want->flags);
	cr_assert_eq(got->frontier, want->frontier);
	cr_assert_eq(got->server_count, want->server_count);
	for (size_t i = 0; i < want->server_count; i++) {
		cr_assert_eq(got->servers[i].raft_id, want->servers[i].raft_id);
		cr_assert_eq(got->servers[i].vote, want->servers[i].vote);
	}
}

/* The largest numbers everywhere: what is sure to fit does. */
Test(report, many_groups_go_in_several_messages)
{
	struct report report = report_new(1500, 5);
	size_t first = 0;
	unsigned messages = 0;

	while (first < report.group_count) {
		struct arena arena = { 0 };
		struct buf octets = { 0 };
		struct report back;
		size_t count = report_encode(&report, first, &octets);

		cr_assert_gt(count, 0);
		cr_assert_leq(octets.len, REPORT_MAX);
		cr_assert_eq(report_decode(buf_slice(&octets), &arena, &back),
			     ERR_NONE);
		cr_assert_eq(back.node, 3);
		cr_assert_eq(back.group_count, count);
		for (size_t i = 0; i < count; i++)
			expect_group(&back.groups[i],
				     &report.groups[first + i]);
		first += count;
		messages++;
		arena_fini(&arena);
		buf_fini(&octets);
	}
	cr_assert_gt(messages, 1);
	report_free(&report);
}

Test(report, what_is_cut_off_is_no_report)
{
	struct report report = report_new(2, 3);
	struct buf octets = { 0 };

	cr_assert_eq(report_encode(&report, 0, &octets), 2);
	for (size_t len = 0; len < octets.len; len++) {
		struct arena arena = { 0 };
		struct report back;

		cr_assert_neq(
			report_decode(slice_first(buf_slice(&octets), len),
				      &arena, &back),
			ERR_NONE);
		arena_fini(&arena);
	}
	buf_fini(&octets);
	report_free(&report);
}

Test(report, a_node_without_groups_reports_too)
{
	struct report report = { .node = 9 };
	struct arena arena = { 0 };
	struct buf octets = { 0 };
	struct report back;

	cr_assert_eq(report_encode(&report, 0, &octets), 0);
	cr_assert_eq(report_decode(buf_slice(&octets), &arena, &back),
		     ERR_NONE);
	cr_assert_eq(back.node, 9);
	cr_assert_eq(back.group_count, 0);
	arena_fini(&arena);
	buf_fini(&octets);
}
