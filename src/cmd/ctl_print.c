/*
 * Results of murderctl as text: tables for people.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cmd/ctl.h"

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static uint64_t number(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static bool flag(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* "1 body", "2 bodies" */
static void print_count(uint64_t count, const char *one, const char *many)
{
	printf("%" PRIu64 " %s", count, count == 1 ? one : many);
}

static void print_size(const char *before, uint64_t octets, const char *after)
{
	struct buf size = { 0 };

	units_format_size(octets, &size);
	printf("%s%s%s", before, buf_cstr(&size), after);
	buf_fini(&size);
}

static void print_group(const json_t *group)
{
	const char *state = flag(group, "parked")   ? "PARKED"
			    : flag(group, "leader") ? "leader"
						    : "follower";
	char name[24] = "directory";

	if (number(group, "group"))
		snprintf(name, sizeof(name), "%" PRIu64,
			 number(group, "group"));
	printf("  %-9s  %-8s  %12" PRIu64 "  %12" PRIu64 "  %12" PRIu64, name,
	       state, number(group, "last_index"),
	       number(group, "applied_index"),
	       number(group, "checkpoint_index"));
	print_size("  ", number(group, "map_used"), "\n");
	if (flag(group, "parked"))
		printf("             %s\n", text(group, "parked_why"));
	if (number(group, "claims_long")) {
		printf("             ");
		print_count(number(group, "claims_long"),
			    "MOVE to another group has",
			    "MOVEs to other groups have");
		printf(" been open for more than a minute\n");
	}
	if (number(group, "damaged")) {
		printf("             damaged rows were met ");
		print_count(number(group, "damaged"), "time", "times");
		printf(", last in %s: run `murderctl verify`\n",
		       text(group, "damaged_last"));
	}
}

static void print_groups(const json_t *groups)
{
	const json_t *group;
	size_t index;

	printf("\n  %-9s  %-8s  %12s  %12s  %12s  %s\n", "group", "state",
	       "last index", "applied", "checkpoint", "data");
	json_array_foreach(groups, index, group) print_group(group);
}

/* Nothing, as long as nothing was wrong. */
static void print_repair(const json_t *round, const char *what)
{
	if (!number(round, "lacked"))
		return;
	print_count(number(round, "lacked"), "body was", "bodies were");
	printf(" %s: %" PRIu64 " mended, %" PRIu64 " cannot be had now\n", what,
	       number(round, "mended"), number(round, "failed"));
}

void ctl_print_status(const json_t *result)
{
	const json_t *bodies = json_object_get(result, "bodies");
	const json_t *network = json_object_get(result, "network");

	printf("murderd %s, node %" PRIu64 " (%s), start %" PRIu64 "\n",
	       text(result, "version"), number(result, "node"),
	       text(result, "name"), number(result, "starts"));
	if (!flag(result, "initialised")) {
		printf("not initialised: run `murderctl init`\n");
		return;
	}
	printf("cluster %s\n", text(result, "cluster"));
	print_count(number(network, "connections"), "connection",
		    "connections");
	printf(" on ");
	print_count(number(network, "listeners"), "listener\n", "listeners\n");
	print_count(number(bodies, "bodies"), "body", "bodies");
	print_size(", ", number(bodies, "octets"), " in ");
	print_count(number(bodies, "segments"), "segment", "segments");
	print_size(" (", number(bodies, "segment_octets"), ")\n");
	if (number(bodies, "damaged")) {
		print_count(number(bodies, "damaged"), "damaged body was",
			    "damaged bodies were");
		printf(" met, last in %s: run `murderctl verify`\n",
		       text(bodies, "damaged_last"));
	}
	print_repair(json_object_get(result, "repair"), "missing");
	print_repair(json_object_get(result, "scrub"), "damaged");
	print_groups(json_object_get(result, "groups"));
}

void ctl_print_users(const json_t *result)
{
	const json_t *users = json_object_get(result, "users");
	const json_t *user;
	size_t index;

	if (!json_array_size(users)) {
		printf("no users\n");
		return;
	}
	printf("%-32s  %6s  %9s  %s\n", "user", "group", "mailboxes", "");
	json_array_foreach(users, index, user) printf(
		"%-32s  %6" PRIu64 "  %9" PRIu64 "  %s\n", text(user, "name"),
		number(user, "group"), number(user, "mailboxes"),
		flag(user, "enabled") ? "" : "disabled");
}

/* On one line, or a line each. */
static void print_acl(bool inside, json_t *acl)
{
	const char *identifier;
	json_t *rights;

	json_object_foreach(acl, identifier, rights)
		printf(inside ? "  %s %s" : "%s %s\n", identifier,
		       json_string_value(rights));
}

void ctl_print_mailboxes(const json_t *result)
{
	const json_t *mailboxes = json_object_get(result, "mailboxes");
	const json_t *mailbox;
	size_t index;

	json_array_foreach(mailboxes, index, mailbox)
	{
		printf("%-40s  group %" PRIu64 " ", text(mailbox, "name"),
		       number(mailbox, "group"));
		print_acl(true, json_object_get(mailbox, "acl"));
		printf("\n");
	}
}

void ctl_print_acl(const json_t *result)
{
	print_acl(false, json_object_get(result, "acl"));
}

void ctl_print_verify(const json_t *result)
{
	const json_t *told = json_object_get(result, "told");
	uint64_t findings = number(result, "findings");
	const json_t *one;
	size_t index;

	print_count(number(result, "messages"), "message, ", "messages, ");
	print_count(number(result, "bodies"), "body", "bodies");
	print_size(", ", number(result, "octets"), " read\n");
	json_array_foreach(told, index, one)
		printf("  group %" PRIu64 ": %s\n", number(one, "group"),
		       text(one, "text"));
	if (findings > json_array_size(told))
		printf("  and %" PRIu64 " more\n",
		       findings - json_array_size(told));
	if (findings)
		print_count(findings, "finding\n", "findings\n");
	else
		printf("everything is as it must be\n");
}

void ctl_print_routes(const json_t *result)
{
	const char *text = json_string_value(json_object_get(result, "routes"));

	fputs(text ? text : "", stdout);
}

void ctl_print_sweep(const json_t *result)
{
	print_count(number(result, "bodies"), "body dropped", "bodies dropped");
	print_size(", ", number(result, "octets"), " given back\n");
}
