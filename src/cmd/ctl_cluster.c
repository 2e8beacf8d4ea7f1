/*
 * Results of murderctl about the cluster as text: tokens, joining.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "cmd/ctl.h"

#define TIME_MAX 32 /* "2026-11-25 14:03:07" */

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static uint64_t number(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

/* Local time of a point in seconds. */
static const char *time_text(uint64_t seconds, char out[TIME_MAX])
{
	time_t at = (time_t)seconds;
	struct tm local;

	localtime_r(&at, &local);
	if (strftime(out, TIME_MAX, "%Y-%m-%d %H:%M:%S", &local) == 0)
		out[0] = '\0';
	return out;
}

void ctl_print_token(const json_t *result)
{
	char until[TIME_MAX];

	printf("Run this on %s, once, until %s:\n\n  murderctl join %s\n",
	       text(result, "name"),
	       time_text(number(result, "expires"), until),
	       text(result, "token"));
}

static void print_roles(const json_t *roles)
{
	const json_t *role;
	size_t index;

	json_array_foreach(roles, index, role)
		printf("%s%s", index ? "," : "", json_string_value(role));
}

void ctl_print_tokens(const json_t *result)
{
	const json_t *tokens = json_object_get(result, "tokens");
	const json_t *token;
	char until[TIME_MAX];
	size_t index;

	if (!json_array_size(tokens)) {
		printf("no tokens\n");
		return;
	}
	printf("%-20s  %-19s  %-6s  %s\n", "for", "until", "node", "roles");
	json_array_foreach(tokens, index, token)
	{
		uint64_t node = number(token, "node");

		printf("%-20s  %-19s  ", text(token, "name"),
		       time_text(number(token, "expires"), until));
		if (node)
			printf("%-6" PRIu64, node);
		else
			printf("%-6s", "-");
		printf("  ");
		print_roles(json_object_get(token, "roles"));
		printf("\n");
	}
}

void ctl_print_joined(const json_t *result)
{
	printf("joined as node %" PRIu64 " (%s)\n", number(result, "node"),
	       text(result, "name"));
}
