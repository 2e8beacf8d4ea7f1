/*
 * STORE and EXPUNGE: commands of the log, MAILGROUP_ROWS_MAX messages each.
 *
 * CHUNK -> (answer) -> CHUNK ... -> done
 *
 * UNCHANGEDSINCE is checked by apply (M26). A later chunk that is refused ends
 * the op with its error; what the earlier ones did is done, and the session
 * shows it before the NO (architecture.md 7).
 */
#include "base/fault.h"
#include "base/mem.h"
#include "server/imap_op.h"
#include "server/node.h"

/*
 * Messages that a MOVE has claimed are soon somewhere else, or here as they
 * were: STORE waits for that (architecture.md 7).
 */
#define STORE_INUSE_MS 5000 /* of one command: then NO [INUSE] */
#define STORE_AGAIN_MS 50

struct store_op {
	struct imap_op op;
	uint64_t patient_until_ms; /* 0: nothing was in use yet */
	uint32_t group;
	struct uidset rest; /* UIDs not proposed yet */
	struct uidset chunk;
};

static void store_fini(struct imap_op *base)
{
	struct store_op *op = (struct store_op *)base;

	uidset_fini(&op->rest);
	uidset_fini(&op->chunk);
}

static struct store_op *store_op_new(struct imap_link *link,
				     struct imap_ask *ask,
				     const struct uidset *uids)
{
	struct store_op *op = imap_op_new(link, ask, sizeof(*op));

	op->op.fini = store_fini;
	op->group = link->mailbox_group;
	uidset_copy(&op->rest, uids);
	return op;
}

/* ---- STORE ---- */

static void store_chunk(struct store_op *op);
static void store_propose(struct imap_op *base);

/* True: asked again later. */
static bool store_waits(struct store_op *op, enum err err)
{
	const struct imap_ask_store *ask =
		container_of(op->op.ask, struct imap_ask_store, ask);
	struct server_loop *loop = op->op.link->loop;
	uint64_t now = clock_mono_ms(io_loop_clock(loop->io));

	if (err != ERR_INUSE || ask->implied || loop->stop)
		return false;
	if (op->patient_until_ms == 0)
		op->patient_until_ms =
			now + TUNED(store_inuse_ms, STORE_INUSE_MS);
	if (now >= op->patient_until_ms)
		return false;
	imap_op_wait(&op->op, STORE_AGAIN_MS, store_propose);
	return true;
}

/* Chunks are few: the array is made anew for each. */
static void add_modseq(struct imap_ask_store *ask, uint64_t modseq)
{
	size_t count = ask->modseq_count;
	uint64_t *modseqs =
		arena_alloc(ask->ask.arena, (count + 1) * sizeof(*modseqs));

	if (!modseq)
		return;
	for (size_t i = 0; i < count; i++)
		modseqs[i] = ask->modseqs[i];
	modseqs[count] = modseq;
	ask->modseqs = modseqs;
	ask->modseq_count = count + 1;
}

static void store_answered(struct imap_op *base)
{
	struct store_op *op = (struct store_op *)base;
	struct imap_ask_store *ask =
		container_of(base->ask, struct imap_ask_store, ask);
	struct mailgroup_store_result result = { 0 };
	enum err err = base->proposal.err;

	if (!err)
		err = command_payload_err(mailgroup_store_result(
			buf_slice(&base->proposal.result), &result));
	if (!err) {
		add_modseq(ask, result.modseq);
		uidset_add_set(&ask->modified, &result.modified);
		uidset_add_set(&ask->expunged, &result.missing);
	}
	uidset_fini(&result.modified);
	uidset_fini(&result.missing);
	if (store_waits(op, err))
		return;
	if (err)
		imap_op_end(base, err);
	else
		store_chunk(op);
}

static enum mailgroup_store_mode mode_of(enum imap_store_op op)
{
	switch (op) {
	case IMAP_STORE_REPLACE:
		return MAILGROUP_STORE_REPLACE;
	case IMAP_STORE_ADD:
		return MAILGROUP_STORE_ADD;
	case IMAP_STORE_REMOVE:
		break;
	}
	return MAILGROUP_STORE_REMOVE;
}

static void store_propose(struct imap_op *base)
{
	struct store_op *op = (struct store_op *)base;
	const struct imap_ask_store *ask =
		container_of(op->op.ask, struct imap_ask_store, ask);
	struct mailgroup_store command = {
		.mailbox = ask->mailbox_id,
		.user = op->op.link->user.id,
		.mode = mode_of(ask->op),
		.flags = imap_flags_to(ask->flags),
		.mask = ask->op == IMAP_STORE_REPLACE
				? imap_flags_to(ask->flags_mask)
				: (uint8_t)MAILGROUP_FLAGS_ALL,
		.may_keywords = !ask->keywords_kept,
		.conditional = ask->conditional,
		.unchangedsince = ask->unchangedsince,
		.keywords = { ask->keywords, ask->keyword_count },
	};
	enum err err;

	command.uids = op->chunk;
	err = mailgroup_store_encode(&command, imap_op_body(&op->op));
	if (err)
		imap_op_end(&op->op, err);
	else
		imap_op_propose(&op->op, op->group, MAILGROUP_STORE,
				store_answered);
}

static void store_chunk(struct store_op *op)
{
	if (imap_op_next_chunk(&op->rest, &op->chunk))
		store_propose(&op->op);
	else
		imap_op_end(&op->op, ERR_NONE);
}

void op_store_begin(struct imap_link *link, struct imap_ask *ask)
{
	store_chunk(store_op_new(
		link, ask,
		container_of(ask, struct imap_ask_store, ask)->uids));
}

/* ---- EXPUNGE ---- */

static void expunge_chunk(struct store_op *op);

static void expunge_answered(struct imap_op *base)
{
	struct imap_ask_expunge *ask =
		container_of(base->ask, struct imap_ask_expunge, ask);
	struct mailgroup_expunge_result result = { 0 };
	enum err err = base->proposal.err;

	if (!err)
		err = command_payload_err(mailgroup_expunge_result(
			buf_slice(&base->proposal.result), &result));
	if (!err && result.modseq)
		ask->modseq = result.modseq;
	uidset_fini(&result.expunged);
	if (err)
		imap_op_end(base, err);
	else
		expunge_chunk((struct store_op *)base);
}

static void expunge_chunk(struct store_op *op)
{
	const struct imap_ask_expunge *ask =
		container_of(op->op.ask, struct imap_ask_expunge, ask);
	struct mailgroup_expunge command = {
		.mailbox = ask->mailbox_id,
		.only_deleted = true,
	};
	enum err err;

	if (!imap_op_next_chunk(&op->rest, &op->chunk)) {
		imap_op_end(&op->op, ERR_NONE);
		return;
	}
	command.uids = op->chunk;
	err = mailgroup_expunge_encode(&command, imap_op_body(&op->op));
	if (err)
		imap_op_end(&op->op, err);
	else
		imap_op_propose(&op->op, op->group, MAILGROUP_EXPUNGE,
				expunge_answered);
}

void op_expunge_begin(struct imap_link *link, struct imap_ask *ask)
{
	expunge_chunk(store_op_new(
		link, ask,
		container_of(ask, struct imap_ask_expunge, ask)->uids));
}
