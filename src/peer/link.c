/*
 * The core of one connection.
 *
 * Happy path: the dialer's HELLO is in `out` from the beginning; the acceptor
 * reads it, checks what it can, and asks its owner; the answer opens both ends.
 * Then frames are passed on, and BEATs keep a quiet link alive.
 *
 * Failures: link_over, with a text. An acceptor tells the dialer by REFUSE; a
 * dialer that does not like the answer just hangs up.
 */
#include "peer/link.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/panic.h"

#define ALWAYS (PEER_BIT(PEER_BEAT) | PEER_BIT(PEER_REFUSE))

/* ---- small things ---- */

/* What comes from the other side may land in a log or a terminal. */
static void copy_text(char *to, size_t max, struct slice from)
{
	size_t len = from.len < max ? from.len : max;

	for (size_t i = 0; i < len; i++)
		to[i] = from.data[i] >= 0x20 && from.data[i] < 0x7f
				? (char)from.data[i]
				: '?';
	to[len] = '\0';
}

static const char *kind_name(enum peer_kind kind)
{
	switch (kind) {
	case PEER_LOG:
		return "log";
	case PEER_BULK:
		return "bulk";
	case PEER_JOIN:
		return "join";
	}
	return "unknown";
}

static bool kind_known(enum peer_kind kind)
{
	return kind == PEER_LOG || kind == PEER_BULK || kind == PEER_JOIN;
}

/* What may come on an open link. */
static unsigned kind_allows(const struct peer_link *link)
{
	switch (link->kind) {
	case PEER_LOG:
		return ALWAYS | PEER_BIT(PEER_GROUP) | PEER_BIT(PEER_NODE);
	case PEER_BULK:
		return ALWAYS | PEER_BIT(PEER_OPEN) | PEER_BIT(PEER_DATA) |
		       PEER_BIT(PEER_CREDIT) | PEER_BIT(PEER_CLOSE);
	case PEER_JOIN:
		return ALWAYS | PEER_BIT(link->dials ? PEER_ANSWER : PEER_ASK);
	}
	PANIC("link kind %d", (int)link->kind);
}

static enum peer_link_event link_over(struct peer_link *link, const char *fmt,
				      ...) printf_like(2, 3);

static enum peer_link_event link_over(struct peer_link *link, const char *fmt,
				      ...)
{
	va_list args;

	link->state = PEER_LINK_ENDED;
	va_start(args, fmt);
	(void)vsnprintf(link->why, sizeof(link->why), fmt, args);
	va_end(args);
	return PEER_LINK_OVER;
}

static void link_put(struct peer_link *link, uint64_t now_ms,
		     const struct peer_frame *frame)
{
	peer_frame_encode(frame, &link->out);
	link->said_ms = now_ms;
}

/* The same, and the dialer is told. */
static enum peer_link_event link_refuse(struct peer_link *link,
					const char *text)
{
	struct peer_frame frame = { .type = PEER_REFUSE };

	frame.text = slice_str(text);
	peer_frame_encode(&frame, &link->out);
	return link_over(link, "%s", text);
}

/* ---- HELLO ---- */

static void say_hello(struct peer_link *link, uint64_t now_ms, uint16_t min,
		      uint16_t max)
{
	struct peer_frame frame = { .type = PEER_HELLO };

	frame.hello = (struct peer_hello){
		.version_min = min,
		.version_max = max,
		.kind = link->kind,
		.node = link->own_node,
		.to = link->peer,
		.start = link->own_start,
		.feature_level = link->own_feature_level,
		.cluster = slice_str(link->own_cluster),
		.software = slice_str(link->own_software),
	};
	link_put(link, now_ms, &frame);
}

static void note_hello(struct peer_link *link, const struct peer_hello *hello)
{
	link->peer_start = hello->start;
	link->peer_feature_level = hello->feature_level;
	copy_text(link->peer_cluster, PEER_CLUSTER_MAX, hello->cluster);
	copy_text(link->peer_software, PEER_SOFTWARE_MAX, hello->software);
}

/* The highest that both speak; 0: there is none. */
static uint16_t choose_version(const struct peer_hello *hello)
{
	uint16_t version = hello->version_max < PEER_VERSION_MAX
				   ? hello->version_max
				   : PEER_VERSION_MAX;

	return version >= PEER_VERSION_MIN && version >= hello->version_min
		       ? version
		       : 0;
}

/* What the acceptor can judge alone; NULL: nothing is wrong. */
static const char *hello_fault(const struct peer_link *link,
			       const struct peer_hello *hello, char *text,
			       size_t size)
{
	if (choose_version(hello) == 0)
		(void)snprintf(text, size,
			       "node %u speaks versions %u to %u of the link "
			       "protocol, node %u speaks %u to %u: upgrade the "
			       "older one",
			       hello->node, hello->version_min,
			       hello->version_max, link->own_node,
			       PEER_VERSION_MIN, PEER_VERSION_MAX);
	else if (!kind_known(hello->kind))
		(void)snprintf(text, size,
			       "node %u wants a link of kind %u, which node %u "
			       "does not know: upgrade the older one",
			       hello->node, (unsigned)hello->kind,
			       link->own_node);
	else if (hello->kind == PEER_JOIN)
		return link->own_node ? NULL
				      : "this node is no member of a cluster: "
					"ask one that is";
	else if (strcmp(link->peer_cluster, link->own_cluster) != 0)
		(void)snprintf(text, size,
			       "node %u belongs to cluster %s, node %u to "
			       "cluster %s",
			       hello->node, link->peer_cluster, link->own_node,
			       link->own_cluster);
	else if (hello->to != link->own_node)
		(void)snprintf(text, size,
			       "this is node %u, not node %u: the addresses of "
			       "members are mixed up",
			       link->own_node, hello->to);
	else
		return NULL;
	return text;
}

static enum peer_link_event take_hello(struct peer_link *link,
				       const struct peer_hello *hello)
{
	char text[PEER_TEXT_MAX];
	const char *fault;

	note_hello(link, hello);
	fault = hello_fault(link, hello, text, sizeof(text));
	if (fault)
		return link_refuse(link, fault);
	link->version = choose_version(hello);
	link->kind = hello->kind;
	link->peer = hello->node;
	link->state = PEER_LINK_WAIT_ACCEPT;
	return PEER_LINK_HELLO;
}

static enum peer_link_event take_answer(struct peer_link *link,
					const struct peer_hello *hello)
{
	note_hello(link, hello);
	if (hello->version_min != hello->version_max ||
	    choose_version(hello) == 0)
		return link_over(link,
				 "node %u answers with version %u of the link "
				 "protocol, which was not offered",
				 hello->node, hello->version_max);
	if (hello->kind != link->kind)
		return link_over(link, "a %s link was answered as a %s link",
				 kind_name(link->kind), kind_name(hello->kind));
	if (link->peer != 0 && hello->node != link->peer)
		return link_over(link, "node %u answers in place of node %u",
				 hello->node, link->peer);
	if (link->kind != PEER_JOIN &&
	    strcmp(link->peer_cluster, link->own_cluster) != 0)
		return link_over(link, "node %u belongs to cluster %s, not %s",
				 hello->node, link->peer_cluster,
				 link->own_cluster);
	link->version = hello->version_max;
	link->peer = hello->node;
	link->reader.allow = kind_allows(link);
	link->state = PEER_LINK_OPEN;
	return PEER_LINK_UP;
}

/* ---- life ---- */

void peer_link_init(struct peer_link *link,
		    const struct peer_link_config *config, uint64_t now_ms)
{
	*link = (struct peer_link){
		.state = config->dials ? PEER_LINK_WAIT_ANSWER
				       : PEER_LINK_WAIT_HELLO,
		.dials = config->dials,
		.kind = config->kind,
		.own_node = config->node,
		.own_start = config->start,
		.own_feature_level = config->feature_level,
		.peer = config->dials ? config->peer : 0,
		.begun_ms = now_ms,
		.heard_ms = now_ms,
		.said_ms = now_ms,
		.ticked_ms = now_ms,
	};
	MUST(config->cluster.len <= PEER_CLUSTER_MAX);
	copy_text(link->own_cluster, PEER_CLUSTER_MAX, config->cluster);
	copy_text(link->own_software, PEER_SOFTWARE_MAX, config->software);
	peer_reader_init(&link->reader,
			 PEER_BIT(PEER_HELLO) | PEER_BIT(PEER_REFUSE));
	if (config->dials)
		say_hello(link, now_ms, PEER_VERSION_MIN, PEER_VERSION_MAX);
}

void peer_link_fini(struct peer_link *link)
{
	peer_reader_fini(&link->reader);
	buf_fini(&link->out);
}

void peer_link_accept(struct peer_link *link, uint64_t now_ms)
{
	MUST(link->state == PEER_LINK_WAIT_ACCEPT);
	link->reader.allow = kind_allows(link);
	link->state = PEER_LINK_OPEN;
	say_hello(link, now_ms, link->version, link->version);
}

void peer_link_refuse(struct peer_link *link, const char *text)
{
	if (link->state != PEER_LINK_ENDED)
		(void)link_refuse(link, text);
}

/* ---- octets ---- */

static enum peer_link_event take_refusal(struct peer_link *link,
					 struct slice text)
{
	char copy[PEER_TEXT_MAX + 1];

	copy_text(copy, PEER_TEXT_MAX, text);
	return link_over(link, "refused by the other side: %s", copy);
}

static enum peer_link_event link_frame(struct peer_link *link,
				       const struct peer_frame *frame)
{
	if (frame->type == PEER_REFUSE)
		return take_refusal(link, frame->text);
	switch (link->state) {
	case PEER_LINK_WAIT_HELLO:
		return take_hello(link, &frame->hello);
	case PEER_LINK_WAIT_ANSWER:
		return take_answer(link, &frame->hello);
	case PEER_LINK_OPEN:
		return frame->type == PEER_BEAT ? PEER_LINK_MORE
						: PEER_LINK_FRAME;
	case PEER_LINK_WAIT_ACCEPT:
	case PEER_LINK_ENDED:
		break;
	}
	PANIC("frame in link state %d", (int)link->state);
}

enum peer_link_event peer_link_feed(struct peer_link *link, uint64_t now_ms,
				    struct slice *in,
				    struct peer_frame *frame_r)
{
	enum peer_link_event event = PEER_LINK_MORE;

	MUST(link->state != PEER_LINK_WAIT_ACCEPT);
	if (in->len > 0)
		link->heard_ms = now_ms;
	while (event == PEER_LINK_MORE && link->state != PEER_LINK_ENDED) {
		enum peer_feed feed =
			peer_reader_feed(&link->reader, in, frame_r);

		if (feed == PEER_FEED_MORE)
			return PEER_LINK_MORE;
		if (feed == PEER_FEED_BAD)
			return link_refuse(link, link->reader.why);
		event = link_frame(link, frame_r);
	}
	return link->state == PEER_LINK_ENDED ? PEER_LINK_OVER : event;
}

void peer_link_send(struct peer_link *link, uint64_t now_ms,
		    const struct peer_frame *frame)
{
	if (link->state == PEER_LINK_OPEN)
		link_put(link, now_ms, frame);
}

void peer_link_said(struct peer_link *link, uint64_t now_ms)
{
	link->said_ms = now_ms;
}

/* ---- time ---- */

static bool tick_open(struct peer_link *link, uint64_t now_ms)
{
	struct peer_frame beat = { .type = PEER_BEAT };

	/*
	 * A process that stood still has heard nothing meanwhile and read
	 * nothing yet: that is no news of the peer.
	 */
	if (now_ms - link->ticked_ms > 2 * PEER_BEAT_MS)
		link->heard_ms += now_ms - link->ticked_ms - PEER_BEAT_MS;
	link->ticked_ms = now_ms;
	if (now_ms - link->heard_ms >= PEER_DEAD_MS) {
		(void)link_over(link, "nothing was heard for %llu ms",
				(unsigned long long)(now_ms - link->heard_ms));
		return false;
	}
	/* A tick comes late rather than early. */
	if (now_ms - link->said_ms >= PEER_BEAT_MS - PEER_BEAT_MS / 4)
		link_put(link, now_ms, &beat);
	return true;
}

bool peer_link_tick(struct peer_link *link, uint64_t now_ms)
{
	switch (link->state) {
	case PEER_LINK_WAIT_HELLO:
	case PEER_LINK_WAIT_ACCEPT:
	case PEER_LINK_WAIT_ANSWER:
		if (now_ms - link->begun_ms < PEER_HELLO_MS)
			return true;
		(void)link_over(link, "no HELLO came in time");
		return false;
	case PEER_LINK_OPEN:
		return tick_open(link, now_ms);
	case PEER_LINK_ENDED:
		return false;
	}
	PANIC("link state %d", (int)link->state);
}
