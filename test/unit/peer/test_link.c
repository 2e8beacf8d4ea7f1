#include <criterion/criterion.h>
#include <string.h>

#include "peer/link.h"

/* Both ends of a connection, and a clock. */
struct pair {
	struct peer_link_config a_config; /* the dialer's */
	struct peer_link_config b_config;
	struct peer_link a;
	struct peer_link b;
	uint64_t now;
};

static void pair_init(struct pair *pair)
{
	*pair = (struct pair){
		.a_config = {
			.dials = true,
			.kind = PEER_LOG,
			.peer = 2,
			.node = 1,
			.start = 11,
			.feature_level = 1,
			.cluster = SLICE_LIT("c1"),
			.software = SLICE_LIT("Murder 1.0"),
		},
		.b_config = {
			.node = 2,
			.start = 22,
			.feature_level = 1,
			.cluster = SLICE_LIT("c1"),
			.software = SLICE_LIT("Murder 1.1"),
		},
		.now = 1000000,
	};
}

static void pair_open(struct pair *pair)
{
	peer_link_init(&pair->a, &pair->a_config, pair->now);
	peer_link_init(&pair->b, &pair->b_config, pair->now);
}

static void pair_fini(struct pair *pair)
{
	peer_link_fini(&pair->a);
	peer_link_fini(&pair->b);
}

/* What `from` has to say, in parts; the first event that it causes. */
static enum peer_link_event tell(struct pair *pair, struct peer_link *from,
				 struct peer_link *to, size_t part,
				 struct peer_frame *frame_r)
{
	enum peer_link_event event = PEER_LINK_MORE;

	while (from->out.len > 0 && event == PEER_LINK_MORE) {
		struct slice in = slice_first(buf_slice(&from->out), part);
		size_t len = in.len;

		event = peer_link_feed(to, pair->now, &in, frame_r);
		/* a frame may be borrowed from `out`: leave it there */
		if (event == PEER_LINK_FRAME && from->out.len == len)
			return event;
		buf_drop(&from->out, len - in.len);
	}
	return event;
}

static void pair_up(struct pair *pair, size_t part)
{
	struct peer_frame frame;

	pair_open(pair);
	cr_assert(tell(pair, &pair->a, &pair->b, part, &frame) ==
		  PEER_LINK_HELLO);
	peer_link_accept(&pair->b, pair->now);
	cr_assert(tell(pair, &pair->b, &pair->a, part, &frame) == PEER_LINK_UP);
}

Test(peer_link, both_ends_open_and_know_each_other_in_any_split)
{
	static const size_t parts[] = { 1, 7, 1000 };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct pair pair;

		pair_init(&pair);
		pair_up(&pair, parts[i]);
		cr_assert(pair.a.state == PEER_LINK_OPEN);
		cr_assert(pair.b.state == PEER_LINK_OPEN);
		cr_assert(pair.b.kind == PEER_LOG && pair.b.peer == 1);
		cr_assert(pair.b.peer_start == 11 && pair.a.peer_start == 22);
		cr_assert(pair.a.version == 1 && pair.b.version == 1);
		cr_assert_str_eq(pair.a.peer_software, "Murder 1.1");
		pair_fini(&pair);
	}
}

Test(peer_link, frames_of_its_kind_pass_and_others_end_it)
{
	struct peer_frame frame = { .type = PEER_GROUP };
	struct peer_frame read;
	struct pair pair;

	pair_init(&pair);
	pair_up(&pair, 1000);
	frame.group.payload = SLICE_LIT("entries");
	peer_link_send(&pair.a, pair.now, &frame);
	cr_assert(tell(&pair, &pair.a, &pair.b, 1000, &read) ==
		  PEER_LINK_FRAME);
	cr_assert(slice_eq(read.group.payload, SLICE_LIT("entries")));
	buf_clear(&pair.a.out);
	frame = (struct peer_frame){ .type = PEER_DATA };
	frame.data.octets = SLICE_LIT("body");
	peer_link_send(&pair.a, pair.now, &frame);
	cr_assert(tell(&pair, &pair.a, &pair.b, 1000, &read) == PEER_LINK_OVER);
	cr_assert_str_eq(pair.b.why,
			 "frame of type 7 has no place on this link");
	/* and the other side hears why */
	cr_assert(tell(&pair, &pair.b, &pair.a, 1000, &read) == PEER_LINK_OVER);
	cr_assert_str_eq(pair.a.why, "refused by the other side: frame of type "
				     "7 has no place on this link");
	pair_fini(&pair);
}

/* ---- refusals ---- */

static void expect_refusal(struct pair *pair, const char *why)
{
	struct peer_frame frame;
	char told[PEER_TEXT_MAX + 64] = "refused by the other side: ";

	pair_open(pair);
	cr_assert(tell(pair, &pair->a, &pair->b, 1, &frame) == PEER_LINK_OVER);
	cr_assert_str_eq(pair->b.why, why);
	cr_assert(tell(pair, &pair->b, &pair->a, 1, &frame) == PEER_LINK_OVER);
	memcpy(told + strlen(told), why, strlen(why) + 1);
	cr_assert_str_eq(pair->a.why, told);
	pair_fini(pair);
}

Test(peer_link, a_node_of_another_cluster_is_refused_with_both_names)
{
	struct pair pair;

	pair_init(&pair);
	pair.a_config.cluster = SLICE_LIT("c2\n");
	expect_refusal(&pair, "node 1 belongs to cluster c2?, node 2 to "
			      "cluster c1");
}

Test(peer_link, who_means_another_node_is_told_who_answers)
{
	struct pair pair;

	pair_init(&pair);
	pair.a_config.peer = 3;
	expect_refusal(&pair, "this is node 2, not node 3: the addresses of "
			      "members are mixed up");
}

Test(peer_link, a_kind_of_a_later_release_is_refused)
{
	struct pair pair;

	pair_init(&pair);
	pair.a_config.kind = (enum peer_kind)(PEER_JOIN + 1);
	expect_refusal(&pair,
		       "node 1 wants a link of kind 4, which node 2 does not "
		       "know: upgrade the older one");
}

Test(peer_link, who_has_no_version_in_common_is_told_both_ranges)
{
	struct peer_frame frame = { .type = PEER_HELLO };
	struct peer_frame read;
	struct buf octets = { 0 };
	struct slice in;
	struct pair pair;

	pair_init(&pair);
	pair_open(&pair);
	frame.hello.version_min = 2;
	frame.hello.version_max = 3;
	frame.hello.kind = PEER_LOG;
	frame.hello.node = 1;
	frame.hello.cluster = SLICE_LIT("c1");
	peer_frame_encode(&frame, &octets);
	in = buf_slice(&octets);
	cr_assert(peer_link_feed(&pair.b, pair.now, &in, &read) ==
		  PEER_LINK_OVER);
	cr_assert_str_eq(pair.b.why,
			 "node 1 speaks versions 2 to 3 of the link protocol, "
			 "node 2 speaks 1 to 1: upgrade the older one");
	buf_fini(&octets);
	pair_fini(&pair);
}

Test(peer_link, a_join_needs_no_cluster_but_a_member_to_ask)
{
	struct peer_frame frame = { .type = PEER_ASK };
	struct pair pair;

	pair_init(&pair);
	pair.a_config.kind = PEER_JOIN;
	pair.a_config.node = 0;
	pair.a_config.peer = 0;
	pair.a_config.cluster = SLICE_NONE;
	pair_up(&pair, 1000);
	cr_assert(pair.a.peer == 2 && pair.b.peer == 0);
	cr_assert_str_eq(pair.a.peer_cluster, "c1");
	frame.payload = SLICE_LIT("token");
	peer_link_send(&pair.a, pair.now, &frame);
	cr_assert(tell(&pair, &pair.a, &pair.b, 1000, &frame) ==
		  PEER_LINK_FRAME);
	pair_fini(&pair);
	pair.b_config.node = 0;
	expect_refusal(&pair, "this node is no member of a cluster: ask one "
			      "that is");
}

Test(peer_link, the_owner_may_refuse_and_the_dialer_hears_why)
{
	struct peer_frame frame;
	struct pair pair;

	pair_init(&pair);
	pair_open(&pair);
	cr_assert(tell(&pair, &pair.a, &pair.b, 1000, &frame) ==
		  PEER_LINK_HELLO);
	peer_link_refuse(&pair.b, "no such member");
	cr_assert(tell(&pair, &pair.b, &pair.a, 1000, &frame) ==
		  PEER_LINK_OVER);
	cr_assert_str_eq(pair.a.why,
			 "refused by the other side: no such member");
	pair_fini(&pair);
}

Test(peer_link, another_node_in_the_answer_ends_the_link)
{
	struct peer_frame frame = { .type = PEER_HELLO };
	struct buf octets = { 0 };
	struct slice in;
	struct pair pair;

	pair_init(&pair);
	pair_open(&pair);
	frame.hello = (struct peer_hello){
		.version_min = 1,
		.version_max = 1,
		.kind = PEER_LOG,
		.node = 5,
		.cluster = SLICE_LIT("c1"),
	};
	peer_frame_encode(&frame, &octets);
	in = buf_slice(&octets);
	cr_assert(peer_link_feed(&pair.a, pair.now, &in, &frame) ==
		  PEER_LINK_OVER);
	cr_assert_str_eq(pair.a.why, "node 5 answers in place of node 2");
	buf_fini(&octets);
	pair_fini(&pair);
}

/* ---- time ---- */

/* Both tick each second; what the dialer says arrives if `heard`. */
static bool pass(struct pair *pair, unsigned seconds, bool heard)
{
	struct peer_frame frame;

	for (unsigned i = 0; i < seconds; i++) {
		pair->now += PEER_BEAT_MS;
		if (!peer_link_tick(&pair->a, pair->now) ||
		    !peer_link_tick(&pair->b, pair->now))
			return false;
		if (heard)
			cr_assert(tell(pair, &pair->a, &pair->b, 1000,
				       &frame) == PEER_LINK_MORE);
		cr_assert(tell(pair, &pair->b, &pair->a, 1000, &frame) ==
			  PEER_LINK_MORE);
	}
	return true;
}

Test(peer_link, a_quiet_link_lives_by_its_beats_and_dies_without)
{
	struct pair pair;

	pair_init(&pair);
	pair_up(&pair, 1000);
	cr_assert(pass(&pair, 60, true));
	cr_assert(!pass(&pair, 5, false));
	cr_assert_str_eq(pair.b.why, "nothing was heard for 5000 ms");
	cr_assert(pair.a.state == PEER_LINK_OPEN);
	pair_fini(&pair);
}

Test(peer_link, a_process_that_stood_still_does_not_blame_the_peer)
{
	struct peer_frame frame;
	struct pair pair;

	pair_init(&pair);
	pair_up(&pair, 1000);
	cr_assert(pass(&pair, 2, true));
	pair.now += 60000;
	cr_assert(peer_link_tick(&pair.b, pair.now));
	cr_assert(pass(&pair, 2, true));
	(void)tell(&pair, &pair.a, &pair.b, 1000, &frame);
	cr_assert(!pass(&pair, 5, false));
	pair_fini(&pair);
}

Test(peer_link, who_says_no_hello_is_given_up)
{
	struct pair pair;

	pair_init(&pair);
	pair_open(&pair);
	cr_assert(peer_link_tick(&pair.b, pair.now + PEER_HELLO_MS - 1));
	cr_assert(!peer_link_tick(&pair.b, pair.now + PEER_HELLO_MS));
	cr_assert_str_eq(pair.b.why, "no HELLO came in time");
	pair_fini(&pair);
}

Test(peer_link, a_busy_link_sends_no_beats)
{
	struct pair pair;

	pair_init(&pair);
	pair_up(&pair, 1000);
	pair.now += PEER_BEAT_MS;
	peer_link_said(&pair.a, pair.now - 1);
	cr_assert(peer_link_tick(&pair.a, pair.now));
	cr_assert(pair.a.out.len == 0);
	cr_assert(peer_link_tick(&pair.b, pair.now));
	cr_assert(pair.b.out.len == PEER_HEAD_SIZE);
	pair_fini(&pair);
}
