/*
 * Reports of nodes as octets (report.h): the layout of one group is one
 * function for both directions (codec.h).
 */
#include "cluster/report.h"

#include "base/mem.h"
#include "cluster/codec.h"

#define REPORT_VERSION 1
#define REPORT_FLAGS_ALL 31

/* Octets of a group without servers, and of a server, at most. */
#define GROUP_OCTETS_MAX 112
#define SERVER_OCTETS_MAX 16

static void server_codec(struct codec *codec, struct report_server *server)
{
	unsigned vote = server->vote;

	codec_var64(codec, &server->raft_id);
	codec_choice(codec, &vote, REPORT_VOTE_SPARE, REPORT_VOTE_VOTER);
	server->vote = vote;
}

static void leader_codec(struct codec *codec, struct report_group *group)
{
	void *servers = group->servers;
	size_t count;

	codec_var64(codec, &group->term);
	codec_var64(codec, &group->last_index);
	codec_var64(codec, &group->config_index);
	codec_var64(codec, &group->voters_index);
	codec_var32(codec, &group->feature_level);
	count = codec_array(codec, &group->server_count, REPORT_SERVERS_MAX,
			    sizeof(*group->servers), &servers);
	group->servers = servers;
	for (size_t i = 0; i < count; i++)
		server_codec(codec, &group->servers[i]);
}

static void group_codec(struct codec *codec, struct report_group *group)
{
	codec_var32(codec, &group->group);
	codec_var64(codec, &group->raft_id);
	codec_bits(codec, &group->flags, REPORT_FLAGS_ALL);
	codec_var64(codec, &group->applied_index);
	codec_var64(codec, &group->frontier);
	codec_var64(codec, &group->missing_bodies);
	codec_var32(codec, &group->permille);
	if (group->flags & REPORT_LEADS)
		leader_codec(codec, group);
}

static void report_codec(struct codec *codec, struct report *report)
{
	void *groups = report->groups;
	uint8_t version = REPORT_VERSION;
	size_t count;

	codec_u8(codec, &version);
	if (version != REPORT_VERSION)
		codec_fail(codec, ERR_VERSION);
	codec_var32(codec, &report->node);
	codec_var32(codec, &report->feature_level);
	count = codec_array(codec, &report->group_count, REPORT_GROUPS_MAX,
			    sizeof(*report->groups), &groups);
	report->groups = groups;
	for (size_t i = 0; i < count; i++)
		group_codec(codec, &report->groups[i]);
}

/* How many groups from `first` on are sure to fit. */
static size_t take_count(const struct report *report, size_t first)
{
	size_t octets = GROUP_OCTETS_MAX; /* and the head */
	size_t count = 0;

	while (first + count < report->group_count &&
	       count < REPORT_GROUPS_MAX) {
		const struct report_group *group =
			&report->groups[first + count];

		octets += GROUP_OCTETS_MAX +
			  group->server_count * SERVER_OCTETS_MAX;
		if (octets > REPORT_MAX)
			break;
		count++;
	}
	return count;
}

size_t report_encode(const struct report *report, size_t first, struct buf *out)
{
	struct codec codec = codec_encoder(out, REPORT_MAX);
	struct report some = *report;

	some.group_count = take_count(report, first);
	some.groups = some.group_count ? report->groups + first : NULL;
	report_codec(&codec, &some);
	return codec_end(&codec) == ERR_NONE ? some.group_count : 0;
}

enum err report_decode(struct slice octets, struct arena *arena,
		       struct report *report_r)
{
	struct codec codec = codec_decoder(octets, arena);

	*report_r = (struct report){ 0 };
	report_codec(&codec, report_r);
	return codec_end(&codec);
}
