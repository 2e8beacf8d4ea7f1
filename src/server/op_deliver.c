/*
 * LMTP: one body, one command for each group that has recipients
 * (architecture.md 7).
 *
 * upload: RESERVE a slot of the first recipient's group; the body gets the
 *     hold {group, op id} while it comes
 * DELIVER: for each group in turn: RESERVE (but the first) -> OFFER (offer.h):
 *     the command, when a majority of the group's voters holds the body ->
 *     answers of its recipients
 *
 * `delivered` in the group's state makes a retry harmless: its key is
 * SHA-256(owner, MAIL FROM, octets as received), so the trace header that
 * differs each time does not count [S14].
 *
 * An unknown outcome of one group's command ends the ask as unknown: the
 * session closes without replies, and the retry finds what was done.
 */
#include "server/op_deliver.h"

#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/pack.h"
#include "base/panic.h"
#include "cluster/mailgroup_command.h"
#include "server/node.h"
#include "server/offer.h"
#include "server/upload.h"

/* One message on its way. */
struct lmtp_upload {
	struct deliver *deliver;
};

struct deliver {
	struct lmtp_link *link; /* NULL: abandoned, waits for its slot */
	struct lmtp_upload handle;
	struct upload *upload;
	struct sha256_state *received; /* octets as received */
	struct sha256 received_hash;
	struct upload_result body;

	struct proposal proposal;
	struct proposer *proposer; /* of the group being done */
	uint32_t group;
	bool reserving;
	bool reserved;
	enum err reserve_err;
	uint32_t first_group; /* to which the body went while it came */
	struct courier_targets targets; /* of that group */
	struct offer offer;

	struct lmtp_ask_upload *waiting;
	struct task check; /* looks at `waiting` after the call */
	bool checking;
	struct lmtp_ask_deliver *ask;
	struct task begin; /* of DELIVER, after the call */
	bool *done;        /* per delivery: its group was done */
};

static struct deliver *deliver_of(struct lmtp_upload *upload)
{
	return upload->deliver;
}

static struct node *node_of(const struct deliver *deliver)
{
	return deliver->link->head.loop->node;
}

/* ---- the message ---- */

static void deliver_free(struct deliver *deliver)
{
	if (deliver->upload)
		upload_free(&deliver->upload);
	if (deliver->received)
		sha256_free(&deliver->received);
	if (deliver->reserved)
		proposer_release(deliver->proposer, &deliver->proposal);
	proposal_fini(&deliver->proposal);
	mem_free(deliver);
}

/* Frees what nobody wants, unless something of it is still under way. */
static void free_if_idle(struct deliver *deliver)
{
	if (!deliver->link && !deliver->reserving && !deliver->checking)
		deliver_free(deliver);
}

static void abandon(struct deliver *deliver)
{
	deliver->link->deliver = NULL;
	deliver->link = NULL;
	free_if_idle(deliver);
}

void deliver_abandon(struct lmtp_link *link)
{
	if (link->deliver)
		abandon(link->deliver);
}

/* Answers ASK_UPLOAD if what it waits for is there. */
static void check_waiting(struct deliver *deliver)
{
	struct lmtp_ask_upload *ask = deliver->waiting;

	if (!ask || deliver->reserving)
		return;
	if (deliver->reserve_err)
		ask->ask.err = deliver->reserve_err;
	else if (!ask->finish && upload_is_starved(deliver->upload))
		return;
	else if (ask->finish && !upload_done(deliver->upload, &deliver->body))
		return;
	else if (ask->finish)
		ask->ask.err = deliver->body.err;
	deliver->waiting = NULL;
	lmtp_link_answer(deliver->link, &ask->ask);
}

static void upload_moved(struct upload *upload unused_arg, void *arg)
{
	check_waiting(arg);
}

static void first_reserved(struct proposal *proposal)
{
	struct deliver *deliver = proposal->owner;
	struct body_hold hold;

	deliver->reserving = false;
	deliver->reserve_err = proposal->err;
	deliver->reserved = !proposal->err;
	if (!deliver->link) {
		free_if_idle(deliver);
		return;
	}
	if (deliver->reserved) {
		hold = upload_hold_of(deliver->group, &deliver->proposal.op);
		upload_set_hold(deliver->upload, &hold);
	}
	check_waiting(deliver);
}

static void reserve(struct deliver *deliver, uint32_t group,
		    proposal_done *done)
{
	deliver->group = group;
	deliver->proposer = node_proposer(node_of(deliver), group);
	MUST(deliver->proposer); /* the recipient was found on this node */
	proposal_fini(&deliver->proposal);
	proposal_init(&deliver->proposal, deliver->link->head.loop->executor,
		      deliver);
	deliver->reserving = true;
	proposer_reserve(deliver->proposer, &deliver->proposal, done);
}

static struct lmtp_link *link_of(struct lmtp_port *port)
{
	return container_of(port, struct lmtp_link, port);
}

enum err deliver_upload_begin(struct lmtp_port *port, void *first_target,
			      struct lmtp_upload **upload_r)
{
	struct lmtp_link *link = link_of(port);
	struct node *node = link->head.loop->node;
	const struct deliver_target *target = first_target;
	struct deliver *deliver;

	MUST(!link->deliver);
	if (!node_proposer(node, target->group))
		return ERR_UNAVAILABLE;
	deliver = mem_zalloc(1, sizeof(*deliver));
	if (courier_find_targets(node->courier, target->group,
				 &deliver->targets)) {
		mem_free(deliver);
		return ERR_UNAVAILABLE;
	}
	deliver->first_group = target->group;
	deliver->link = link;
	deliver->handle.deliver = deliver;
	deliver->received = sha256_new();
	deliver->upload =
		upload_new(node->bodies, &node->uploads,
			   link->head.loop->executor, upload_moved, deliver);
	upload_spread(deliver->upload, node->courier, &deliver->targets);
	link->deliver = deliver;
	reserve(deliver, target->group, first_reserved);
	*upload_r = &deliver->handle;
	return ERR_NONE;
}

bool deliver_upload_add(struct lmtp_port *port unused_arg,
			struct lmtp_upload *upload, struct slice octets,
			bool trace)
{
	struct deliver *deliver = deliver_of(upload);

	if (!trace)
		sha256_add(deliver->received, octets);
	return upload_add(deliver->upload, octets);
}

void deliver_upload_abort(struct lmtp_port *port unused_arg,
			  struct lmtp_upload *upload)
{
	abandon(deliver_of(upload));
}

static void upload_ask_begin(struct lmtp_ask *ask)
{
	struct lmtp_ask_upload *upload =
		container_of(ask, struct lmtp_ask_upload, ask);
	struct deliver *deliver = deliver_of(upload->upload);

	deliver->waiting = upload;
	if (!upload->finish)
		return;
	sha256_finish(&deliver->received, &deliver->received_hash);
	upload_finish(deliver->upload);
}

/* ---- DELIVER ---- */

static struct deliver_target *target_at(const struct deliver *deliver, size_t i)
{
	return deliver->ask->deliveries[i].target;
}

static void end(struct deliver *deliver, enum err err)
{
	struct lmtp_link *link = deliver->link;
	struct lmtp_ask *ask = &deliver->ask->ask;

	ask->err = err;
	abandon(deliver);
	lmtp_link_answer(link, ask);
}

static void next_group(struct deliver *deliver);

/* All recipients of the group get this answer. */
static void group_failed(struct deliver *deliver, enum err err)
{
	if (err_outcome(err) == OUTCOME_UNKNOWN) {
		end(deliver, err);
		return;
	}
	for (size_t i = 0; i < deliver->ask->count; i++)
		if (target_at(deliver, i)->group == deliver->group &&
		    !deliver->done[i]) {
			deliver->done[i] = true;
			deliver->ask->deliveries[i].err = err;
		}
	next_group(deliver);
}

static void group_answered(struct offer *offer)
{
	struct deliver *deliver = offer->owner;
	struct mailgroup_deliver_result result;
	enum err err = offer->err;
	size_t n = 0;

	if (!err)
		err = command_payload_err(mailgroup_deliver_result(
			buf_slice(&offer->proposal->result), &result));
	if (err) {
		group_failed(deliver, err);
		return;
	}
	for (size_t i = 0; i < deliver->ask->count; i++) {
		if (target_at(deliver, i)->group != deliver->group ||
		    deliver->done[i])
			continue;
		if (n == result.count)
			break;
		deliver->done[i] = true;
		err = result.deliveries[n++].err;
		/*
		 * The folder went after RCPT had found it. Not 550: the sender
		 * tries again, and then it is INBOX.
		 */
		deliver->ask->deliveries[i].err =
			err == ERR_GONE ? ERR_BUSY : err;
	}
	next_group(deliver);
}

/* SHA-256(owner, MAIL FROM, octets as received); lengths keep them apart. */
static void key_of(const struct deliver *deliver,
		   const struct deliver_target *target, struct sha256 *key_r)
{
	struct buf text = { 0 };

	pack_u64(&text, target->mailbox);
	pack_bytes(&text, target->user);
	pack_bytes(&text, deliver->ask->mail_from);
	buf_add(&text, deliver->received_hash.octets, SHA256_SIZE);
	sha256(buf_slice(&text), key_r);
	buf_fini(&text);
}

/* Up to MAILGROUP_TARGETS_MAX recipients; the rest is a command of its own. */
static size_t fill_deliveries(const struct deliver *deliver,
			      struct mailgroup_delivery *deliveries)
{
	size_t count = 0;

	for (size_t i = 0; i < deliver->ask->count; i++) {
		const struct deliver_target *target = target_at(deliver, i);
		struct mailgroup_delivery *to = &deliveries[count];

		if (target->group != deliver->group || deliver->done[i])
			continue;
		if (++count > MAILGROUP_TARGETS_MAX)
			return MAILGROUP_TARGETS_MAX;
		to->target = (struct mailgroup_target){
			target->mailbox,
			target->root,
			target->quota_octets,
			target->quota_messages,
		};
		to->user = target->user_id;
		key_of(deliver, target, &to->key);
	}
	return count;
}

static enum err encode(struct offer *offer, struct buf *out)
{
	struct deliver *deliver = offer->owner;
	struct arena *arena = deliver->ask->ask.arena;
	struct io_loop *io = deliver->link->head.loop->io;
	struct mailgroup_deliver command = {
		.holders = { offer->holders.raft_ids, offer->holders.count },
		.hash = deliver->body.hash,
		.size = deliver->body.size,
		.date_s = (int64_t)(clock_wall_ms(io_loop_clock(io)) / 1000),
		.structure = deliver->body.structure,
	};
	struct mailgroup_delivery *deliveries =
		arena_zalloc(arena, MAILGROUP_TARGETS_MAX, sizeof(*deliveries));
	enum err err;

	command.deliveries = deliveries;
	command.count = fill_deliveries(deliver, deliveries);
	err = mailgroup_deliver_encode(&command, out);
	if (err != ERR_LIMIT)
		return err;
	command.structure = SLICE_NONE; /* made when asked for */
	return mailgroup_deliver_encode(&command, out);
}

static void hash_at(const struct offer *offer, size_t n unused_arg,
		    struct sha256 *hash_r)
{
	const struct deliver *deliver = offer->owner;

	*hash_r = deliver->body.hash;
}

/* The first group's replicas have the body under the slot's hold already. */
static void group_offer(struct deliver *deliver, bool first)
{
	struct server_loop *loop = deliver->link->head.loop;

	deliver->offer = (struct offer){
		.courier = loop->node->courier,
		.clock = io_loop_clock(loop->io),
		.home = loop->executor,
		.owner = deliver,
		.proposer = deliver->proposer,
		.proposal = &deliver->proposal,
		.group = deliver->group,
		.source = deliver->first_group,
		.count = 1,
		.kind = MAILGROUP_DELIVER,
		.version = MAILGROUP_COMMAND_VERSION,
		.hash_at = hash_at,
		.encode = encode,
	};
	if (first) {
		deliver->offer.targets = &deliver->targets;
		upload_holders(deliver->upload, &deliver->offer.holders);
	}
	deliver->reserved = false; /* the slot goes with the offer */
	offer_submit(&deliver->offer, group_answered);
}

static void group_reserved(struct proposal *proposal)
{
	struct deliver *deliver = proposal->owner;

	deliver->reserving = false;
	deliver->reserved = !proposal->err;
	if (proposal->err)
		group_failed(deliver, proposal->err);
	else
		group_offer(deliver, false);
}

/* The group of the first recipient without an answer; none: the end. */
static void next_group(struct deliver *deliver)
{
	size_t i = 0;

	while (i < deliver->ask->count && deliver->done[i])
		i++;
	if (deliver->reserved) {
		proposer_release(deliver->proposer, &deliver->proposal);
		deliver->reserved = false;
	}
	if (i == deliver->ask->count)
		end(deliver, ERR_NONE);
	else
		reserve(deliver, target_at(deliver, i)->group, group_reserved);
}

/* The slot of the upload belongs to the first recipient's group. */
static void first_group(struct task *task)
{
	group_offer(container_of(task, struct deliver, begin), true);
}

static void deliver_begin(struct lmtp_ask *ask)
{
	struct lmtp_ask_deliver *deliver_ask =
		container_of(ask, struct lmtp_ask_deliver, ask);
	struct deliver *deliver = deliver_of(deliver_ask->upload);

	deliver->ask = deliver_ask;
	deliver->done = arena_zalloc(ask->arena, deliver_ask->count,
				     sizeof(*deliver->done));
	/* It may fail at once: never answered inside the call. */
	task_post(deliver->link->head.loop->executor, &deliver->begin,
		  first_group);
}

/* ---- the port ---- */

/* What is waited for may be there already; never answered inside the call. */
static void check_later(struct task *task)
{
	struct deliver *deliver = container_of(task, struct deliver, check);

	deliver->checking = false;
	if (deliver->link)
		check_waiting(deliver);
	else
		free_if_idle(deliver);
}

void deliver_ask(struct lmtp_port *port, struct lmtp_ask *ask)
{
	struct lmtp_link *link = link_of(port);

	switch (ask->kind) {
	case LMTP_ASK_RECIPIENT:
		deliver_recipient(link, ask);
		break;
	case LMTP_ASK_UPLOAD:
		upload_ask_begin(ask);
		if (link->deliver->checking)
			break;
		link->deliver->checking = true;
		task_post(link->head.loop->executor, &link->deliver->check,
			  check_later);
		break;
	case LMTP_ASK_DELIVER:
		deliver_begin(ask);
		break;
	}
}

struct slice deliver_date(struct lmtp_port *port, struct arena *arena)
{
	struct lmtp_link *link = link_of(port);
	uint64_t now = clock_wall_ms(io_loop_clock(link->head.loop->io)) / 1000;
	time_t seconds = (time_t)now;
	char text[64];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	return slice_str(arena_printf(arena, "%s", text));
}
