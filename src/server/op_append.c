/*
 * APPEND: bodies to disk while they come, then one command (architecture.md
 * 4 "Bodies", 7).
 *
 * upload_begin: FIND in the local copy, RESERVE a slot of the group
 *     '-> octets flow; each body gets the hold {group, op id}
 * ASK_UPLOAD finish: the body and its hold are durable
 * ASK_APPEND: DIRECTORY (read index) -> FIND again -> OFFER (offer.h): the
 *     command, when a majority of the voters holds all bodies -> done
 *
 * One APPEND has one slot, however many messages it brings (MULTIAPPEND). The
 * name is looked up again under a read index before the proposal: what was
 * seen at upload_begin was only good for refusing early. If the mailbox then
 * lives in another group, the slot is one of the wrong group and the client is
 * told to try again: nothing was proposed.
 */
#include "server/op_append.h"

#include "base/mem.h"
#include "base/panic.h"
#include "server/imap_op.h"
#include "server/node.h"
#include "server/offer.h"
#include "server/upload.h"

struct imap_upload {
	struct append *append;
	struct list link;
	struct upload *upload;
};

/* What the link holds from the first upload_begin to the end of APPEND. */
struct append {
	struct imap_link *link; /* NULL: abandoned, waits for its slot */
	struct proposer *proposer;
	uint32_t group;
	struct courier_targets targets; /* where its bodies belong */
	struct proposal proposal;
	bool reserving;
	bool reserved;
	enum err err; /* of the reservation */
	struct list uploads;
	struct imap_op *waiting; /* ASK_UPLOAD under way */
	struct imap_upload *waiting_for;
};

/* ---- the slot ---- */

static void append_free(struct append *append)
{
	struct list *link;

	while ((link = list_take(&append->uploads))) {
		struct imap_upload *upload =
			LIST_ENTRY(link, struct imap_upload, link);

		upload_free(&upload->upload);
		mem_free(upload);
	}
	if (append->reserved)
		proposer_release(append->proposer, &append->proposal);
	proposal_fini(&append->proposal);
	mem_free(append);
}

void append_abandon(struct append **appendp)
{
	struct append *append = *appendp;

	*appendp = NULL;
	append->link = NULL;
	if (!append->reserving)
		append_free(append);
}

static void set_hold(const struct append *append, struct imap_upload *upload)
{
	struct body_hold hold =
		upload_hold_of(append->group, &append->proposal.op);

	upload_set_hold(upload->upload, &hold);
}

static void check_waiting(struct append *append);

static void reserved(struct proposal *proposal)
{
	struct append *append = proposal->owner;

	append->reserving = false;
	append->err = proposal->err;
	append->reserved = !proposal->err;
	if (!append->link) {
		append_free(append);
		return;
	}
	LIST_FOREACH (&append->uploads, it)
		if (append->reserved)
			set_hold(append,
				 LIST_ENTRY(it, struct imap_upload, link));
	check_waiting(append);
}

static struct append *append_new(struct imap_link *link, uint32_t group,
				 struct proposer *proposer)
{
	struct append *append = mem_zalloc(1, sizeof(*append));

	if (courier_find_targets(link->loop->node->courier, group,
				 &append->targets)) {
		mem_free(append);
		return NULL;
	}
	append->link = link;
	append->group = group;
	append->proposer = proposer;
	append->reserving = true;
	list_init(&append->uploads);
	proposal_init(&append->proposal, link->loop->executor, append);
	proposer_reserve(proposer, &append->proposal, reserved);
	return append;
}

/* ---- uploads ---- */

/* From the local copy: may this name take this message? */
static enum err look(struct imap_link *link, struct slice name,
		     struct imap_found *found_r)
{
	struct store_env *env = replica_env(node_directory(link->loop->node));
	struct arena arena = { 0 };
	struct store_txn *txn;
	enum err err;

	if (!env || store_read_begin(env, &txn))
		return ERR_UNAVAILABLE;
	err = imap_find_new(link, txn, name, &arena, found_r);
	if (!err && !(found_r->rights & RIGHT_INSERT))
		err = ERR_DENIED;
	if (store_txn_error(txn))
		err = ERR_UNAVAILABLE;
	store_end(&txn);
	arena_fini(&arena);
	return err;
}

static void upload_moved(struct upload *upload unused_arg, void *arg)
{
	struct imap_upload *imap_upload = arg;

	check_waiting(imap_upload->append);
}

static struct imap_link *link_of(struct imap_port *port)
{
	return container_of(port, struct imap_link, port);
}

enum err append_upload_begin(struct imap_port *port, struct slice name,
			     uint64_t size, struct imap_upload **upload_r)
{
	struct imap_link *link = link_of(port);
	struct node *node = link->loop->node;
	struct imap_upload *upload;
	struct imap_found found;
	struct proposer *proposer;
	enum err err;

	if (size > node->settings->message_max)
		return ERR_TOO_BIG;
	err = look(link, name, &found);
	if (err)
		return err;
	proposer = node_proposer(node, found.group);
	if (!proposer)
		return ERR_UNAVAILABLE;
	if (!link->append)
		link->append = append_new(link, found.group, proposer);
	if (!link->append)
		return ERR_UNAVAILABLE;
	upload = mem_zalloc(1, sizeof(*upload));
	upload->append = link->append;
	upload->upload = upload_new(node->bodies, &node->uploads,
				    link->loop->executor, upload_moved, upload);
	upload_spread(upload->upload, node->courier, &link->append->targets);
	list_append(&link->append->uploads, &upload->link);
	if (link->append->reserved)
		set_hold(link->append, upload);
	*upload_r = upload;
	return ERR_NONE;
}

bool append_upload_add(struct imap_port *port unused_arg,
		       struct imap_upload *upload, struct slice octets)
{
	return upload_add(upload->upload, octets);
}

void append_upload_abort(struct imap_port *port, struct imap_upload *upload)
{
	struct imap_link *link = link_of(port);
	struct append *append = upload->append;

	MUST(append == link->append);
	list_remove(&upload->link);
	upload_free(&upload->upload);
	mem_free(upload);
	if (list_empty(&append->uploads))
		append_abandon(&link->append);
}

/* ---- ASK_UPLOAD ---- */

static struct imap_ask_upload *upload_ask(struct imap_op *op)
{
	return container_of(op->ask, struct imap_ask_upload, ask);
}

/* Ends the waiting op if what it waits for is there. */
static void check_waiting(struct append *append)
{
	struct imap_op *op = append->waiting;
	struct upload_result result;

	if (!op)
		return;
	if (append->err) {
		append->waiting = NULL;
		imap_op_end(op, append->err);
		return;
	}
	if (append->reserving)
		return;
	if (!upload_ask(op)->finish) {
		if (upload_is_starved(append->waiting_for->upload))
			return;
		append->waiting = NULL;
		imap_op_end(op, ERR_NONE);
		return;
	}
	if (!upload_done(append->waiting_for->upload, &result))
		return;
	append->waiting = NULL;
	imap_op_end(op, result.err);
}

void op_upload_begin(struct imap_link *link, struct imap_ask *ask)
{
	struct imap_op *op = imap_op_new(link, ask, sizeof(*op));
	struct append *append = link->append;
	struct imap_ask_upload *upload = upload_ask(op);

	MUST(append && !append->waiting);
	append->waiting = op;
	append->waiting_for = upload->upload;
	if (upload->finish)
		upload_finish(upload->upload->upload);
	check_waiting(append);
}

/* ---- ASK_APPEND ---- */

struct append_op {
	struct imap_op op;
	struct append *append; /* taken over from the link */
	struct imap_found found;
	uint64_t quota_octets;
	uint64_t quota_messages;
	struct offer offer;
};

static struct imap_ask_append *append_ask(struct imap_op *op)
{
	return container_of(op->ask, struct imap_ask_append, ask);
}

static void append_fini(struct imap_op *base)
{
	append_free(((struct append_op *)base)->append);
}

static void append_answered(struct offer *offer)
{
	struct append_op *op = offer->owner;
	struct imap_ask_append *ask = append_ask(&op->op);
	struct mailgroup_append_result result;
	enum err err = offer->err;

	if (!err)
		err = command_payload_err(mailgroup_append_result(
			buf_slice(&offer->proposal->result), &result));
	imap_link_wrote(op->op.link, op->found.group, offer->proposal->index);
	if (!err) {
		ask->uidvalidity = op->found.uidvalidity;
		uidset_add(&ask->uids, result.first_uid,
			   result.first_uid + result.count - 1);
	}
	/* The mailbox was deleted after it was found: as if it had not been
	 * there. */
	imap_op_end(&op->op, err == ERR_GONE ? ERR_NOTFOUND : err);
}

static void fill_message(const struct imap_append_message *from,
			 uint64_t now_ms, struct mailgroup_message *to)
{
	struct upload_result body;

	MUST(upload_done(from->upload->upload, &body));
	*to = (struct mailgroup_message){
		.hash = body.hash,
		.size = body.size,
		.date_s = from->has_date ? from->internal_date_s
					 : (int64_t)(now_ms / 1000),
		.zone_min =
			(int16_t)(from->has_date ? from->internal_zone_min : 0),
		.flags = imap_flags_to(from->flags),
		.keywords = { from->keywords, from->keyword_count },
		.structure = body.structure,
	};
}

/* With structures if they fit, else without: they are made when asked for. */
static enum err encode(struct offer *offer, struct buf *out)
{
	struct append_op *op = offer->owner;
	const struct imap_ask_append *ask = append_ask(&op->op);
	struct mailgroup_message *messages =
		arena_zalloc(ask->ask.arena, ask->count, sizeof(*messages));
	struct mailgroup_append command = {
		.target = { op->found.id, op->found.root, op->quota_octets,
			    op->quota_messages },
		.user = op->op.link->user.id,
		.holders = { offer->holders.raft_ids, offer->holders.count },
		.messages = messages,
		.count = ask->count,
	};
	uint64_t now_ms = clock_wall_ms(io_loop_clock(op->op.link->loop->io));
	enum err err;

	for (size_t i = 0; i < ask->count; i++)
		fill_message(&ask->messages[i], now_ms, &messages[i]);
	err = mailgroup_append_encode(&command, out);
	if (err != ERR_LIMIT)
		return err;
	for (size_t i = 0; i < ask->count; i++)
		messages[i].structure = SLICE_NONE;
	return mailgroup_append_encode(&command, out);
}

/* Flags that the user may not set are left out (RFC 4314 section 4). */
static void strip_flags(struct append_op *op)
{
	struct imap_ask_append *ask = append_ask(&op->op);
	uint32_t rights = op->found.rights;
	uint32_t mask = imap_flags_allowed(rights);
	struct imap_append_message *messages =
		arena_alloc(ask->ask.arena, ask->count * sizeof(*messages));

	for (size_t i = 0; i < ask->count; i++) {
		messages[i] = ask->messages[i];
		messages[i].flags &= mask;
		if (!(rights & RIGHT_WRITE))
			messages[i].keyword_count = 0;
	}
	ask->messages = messages;
}

static void hash_at(const struct offer *offer, size_t n, struct sha256 *hash_r)
{
	struct append_op *op = offer->owner;
	struct upload_result body;

	MUST(upload_done(append_ask(&op->op)->messages[n].upload->upload,
			 &body));
	*hash_r = body.hash;
}

/* Who has all of them: of several messages, perhaps no majority. */
static void find_holders(struct append_op *op, struct courier_holders *all_r)
{
	const struct imap_ask_append *ask = append_ask(&op->op);

	upload_holders(ask->messages[0].upload->upload, all_r);
	for (size_t i = 1; i < ask->count; i++) {
		struct courier_holders one;

		upload_holders(ask->messages[i].upload->upload, &one);
		courier_holders_keep(all_r, &one);
	}
}

static void append_offer(struct append_op *op)
{
	struct append *append = op->append;
	struct server_loop *loop = op->op.link->loop;

	op->offer = (struct offer){
		.courier = loop->node->courier,
		.clock = io_loop_clock(loop->io),
		.home = loop->executor,
		.owner = op,
		.proposer = append->proposer,
		.proposal = &append->proposal,
		.group = append->group,
		.source = append->group,
		.count = append_ask(&op->op)->count,
		.kind = MAILGROUP_APPEND,
		.version = MAILGROUP_COMMAND_VERSION,
		.targets = &append->targets,
		.hash_at = hash_at,
		.encode = encode,
	};
	find_holders(op, &op->offer.holders);
	append->reserved = false; /* the slot goes with the offer */
	offer_submit(&op->offer, append_answered);
}

static void append_find(struct imap_op *base)
{
	struct append_op *op = (struct append_op *)base;
	struct imap_ask_append *ask = append_ask(base);
	struct append *append = op->append;
	struct store_txn *txn;
	enum err err;

	if (!imap_op_read(base, node_directory(base->link->loop->node), &txn))
		return;
	err = imap_find_new(base->link, txn, ask->name, ask->ask.arena,
			    &op->found);
	if (!err)
		imap_find_quota(txn, &op->found, &op->quota_octets,
				&op->quota_messages);
	if (!imap_op_read_end(base, &txn))
		return;
	if (!err && !(op->found.rights & RIGHT_INSERT))
		err = ERR_DENIED;
	if (!err && op->found.group != append->group)
		err = ERR_BUSY;
	if (err) {
		imap_op_end(base, err);
		return;
	}
	strip_flags(op);
	append_offer(op);
}

void op_append_begin(struct imap_link *link, struct imap_ask *ask)
{
	struct append_op *op = imap_op_new(link, ask, sizeof(*op));

	MUST(link->append && link->append->reserved);
	op->op.fini = append_fini;
	op->append = link->append;
	link->append = NULL;
	imap_op_read_index(&op->op, node_directory(link->loop->node),
			   append_find);
}
