/*
 * The runner of intents: one step at a time, on the main loop.
 *
 *   LOOK: the next intent that has something to do now -> STEP: a command in
 *   its group -> (more: again) -> INTENT_STEP in the directory -> LOOK
 *
 * Every step may be repeated without harm: SEAL of a sealed mailbox, PURGE of
 * an empty one. A step that is refused for now stands back for the others and
 * is tried again in the next round: a group that does not answer holds up
 * nobody else. New intents have higher ids, so whoever is woken goes on where
 * the round has come to; those that wait are not looked at each time.
 */
#include "server/intents.h"

#include "base/log.h"
#include "base/mem.h"
#include "cluster/directory_command.h"
#include "cluster/mailgroup_command.h"
#include "raft/slots.h"
#include "server/node.h"

#define INTENTS_RETRY_MS 5000 /* the next round, after a refusal */
#define INTENTS_LOOK_MS 60000 /* for those whose time has not come yet */

/* Steps of PURGE: sealed, then its rows may go when the time has come. */
enum purge_step {
	PURGE_SEAL = 0,
	PURGE_WAIT = 1,
};

struct intents {
	struct node *node;
	struct executor *home;
	struct timer retry;
	struct task wake;
	unsigned waking; /* atomic: the task is posted */
	bool busy;       /* a step is under way */
	bool again;      /* woken meanwhile */
	bool stopped;
	uint64_t after; /* this round has looked at all up to this id */
	bool refused;   /* a step of this round */

	/* the step under way */
	struct directory_intent intent; /* without its slices */
	struct buf ids;
	struct buf name;
	size_t next; /* octet in `ids` */
	struct proposal proposal;
	struct read_index read;
};

static void look(struct intents *intents);

/* The next round begins at the first intent; who is woken does not delay it. */
static void round_end(struct intents *intents)
{
	struct io_loop *loop = intents->node->main;
	uint64_t ms = intents->refused ? INTENTS_RETRY_MS : INTENTS_LOOK_MS;
	uint64_t at = clock_mono_ms(io_loop_clock(loop)) + ms;

	intents->busy = false;
	if (!intents->stopped &&
	    (!timer_is_set(&intents->retry) || intents->retry.at_ms > at))
		timer_set(io_loop_timers(loop), &intents->retry, ms);
}

/* The step is refused for now: the others have their turn. */
static void stand_back(struct intents *intents)
{
	intents->refused = true;
	look(intents);
}

static void fired(struct timer *timer)
{
	struct intents *intents = container_of(timer, struct intents, retry);

	if (intents->stopped)
		return;
	if (intents->busy) {
		timer_set(io_loop_timers(intents->node->main), timer,
			  INTENTS_RETRY_MS);
		return;
	}
	intents->after = 0;
	intents->refused = false;
	look(intents);
}

static void woken(struct task *task)
{
	struct intents *intents = container_of(task, struct intents, wake);

	__atomic_store_n(&intents->waking, 0u, __ATOMIC_SEQ_CST);
	if (intents->busy)
		intents->again = true;
	else if (!intents->stopped)
		look(intents);
}

void intents_wake(struct intents *intents)
{
	if (__atomic_exchange_n(&intents->waking, 1u, __ATOMIC_SEQ_CST))
		return;
	task_post(intents->home, &intents->wake, woken);
}

/* ---- proposing ---- */

static struct buf *body_of(struct intents *intents)
{
	proposal_fini(&intents->proposal);
	proposal_init(&intents->proposal, intents->home, intents);
	return &intents->proposal.body;
}

static void propose(struct intents *intents, uint32_t group, uint16_t kind,
		    enum err err, proposal_done *done)
{
	struct replica *replica = node_replica(intents->node, group);

	if (err || !replica || intents->stopped) {
		stand_back(intents);
		return;
	}
	intents->proposal.kind = kind;
	intents->proposal.version = 1;
	replica_propose(replica, &intents->proposal, done);
}

static void ended(struct proposal *proposal)
{
	struct intents *intents = proposal->owner;
	enum err err = proposal->err;

	/* Somebody else has done the step: STALE, NOTFOUND. */
	if (err && err != ERR_STALE && err != ERR_NOTFOUND) {
		stand_back(intents);
		return;
	}
	/* Its next step may be due already. */
	intents->after = intents->intent.id - 1;
	look(intents);
}

static void step_done(struct intents *intents, uint8_t to, bool end)
{
	struct directory_intent_step command = {
		.id = intents->intent.id,
		.from = intents->intent.step,
		.to = to,
		.end = end,
	};
	enum err err = directory_intent_step_encode(&command, body_of(intents));

	propose(intents, 0, DIRECTORY_INTENT_STEP, err, ended);
}

/* ---- PURGE ---- */

static void purge_next(struct intents *intents);

static bool next_id(struct intents *intents, uint64_t *id_r)
{
	struct directory_intent rest = intents->intent;

	rest.ids = slice_from(buf_slice(&intents->ids), intents->next);
	if (!directory_intent_next_id(&rest, id_r))
		return false;
	intents->next = intents->ids.len - rest.ids.len;
	return true;
}

static void sealed(struct proposal *proposal)
{
	struct intents *intents = proposal->owner;

	if (proposal->err && proposal->err != ERR_GONE)
		stand_back(intents);
	else
		purge_next(intents);
}

static void purged(struct proposal *proposal)
{
	struct intents *intents = proposal->owner;
	struct mailgroup_more_result result = { 0 };
	enum err err = proposal->err;
	struct buf body = { 0 };

	if (!err)
		err = mailgroup_more_result(buf_slice(&proposal->result),
					    &result);
	if (err) {
		stand_back(intents);
	} else if (result.more) {
		buf_add_slice(&body, buf_slice(&proposal->body));
		*body_of(intents) = body;
		propose(intents, intents->intent.group, MAILGROUP_PURGE,
			ERR_NONE, purged);
	} else {
		purge_next(intents);
	}
}

static void purge_next(struct intents *intents)
{
	uint64_t id;
	enum err err;

	if (!next_id(intents, &id)) {
		step_done(intents, PURGE_WAIT,
			  intents->intent.step == PURGE_WAIT);
		return;
	}
	if (intents->intent.step == PURGE_SEAL) {
		struct mailgroup_seal seal = { .mailbox = id };

		err = mailgroup_seal_encode(&seal, body_of(intents));
		propose(intents, intents->intent.group, MAILGROUP_SEAL, err,
			sealed);
	} else {
		struct mailgroup_purge purge = { .mailbox = id };

		err = mailgroup_purge_encode(&purge, body_of(intents));
		propose(intents, intents->intent.group, MAILGROUP_PURGE, err,
			purged);
	}
}

/* ---- REROOT ---- */

static void rerooted(struct proposal *proposal)
{
	struct intents *intents = proposal->owner;

	if (proposal->err)
		stand_back(intents);
	else
		step_done(intents, 0, true);
}

static void reroot(struct intents *intents)
{
	uint64_t *ids = mem_zalloc(DIRECTORY_INTENT_IDS_MAX, sizeof(*ids));
	struct mailgroup_reroot command = {
		.root = intents->intent.root,
		.mailboxes = ids,
	};
	enum err err;

	while (command.count < DIRECTORY_INTENT_IDS_MAX &&
	       next_id(intents, &ids[command.count]))
		command.count++;
	err = mailgroup_reroot_encode(&command, body_of(intents));
	mem_free(ids);
	propose(intents, intents->intent.group, MAILGROUP_REROOT, err,
		rerooted);
}

/* ---- FORGET ---- */

static void forget(struct intents *intents);

static void forgotten(struct proposal *proposal)
{
	struct intents *intents = proposal->owner;
	struct directory_user_forget_result result = { 0 };
	enum err err = proposal->err;

	if (!err)
		err = directory_user_forget_result(buf_slice(&proposal->result),
						   &result);
	if (err)
		stand_back(intents);
	else if (result.more)
		forget(intents);
	else
		step_done(intents, 0, true);
}

static void forget(struct intents *intents)
{
	struct directory_user_forget command = {
		.identifier = buf_slice(&intents->name),
	};
	enum err err = directory_user_forget_encode(&command, body_of(intents));

	propose(intents, 0, DIRECTORY_USER_FORGET, err, forgotten);
}

/* ---- FENCE ---- */

static void fenced(struct proposal *proposal)
{
	struct intents *intents = proposal->owner;

	if (proposal->err)
		stand_back(intents);
	else
		step_done(intents, 0, true);
}

/* No start count of the removed node is left: model step P13. */
static void fence(struct intents *intents)
{
	uint64_t node = 0;
	enum err err = next_id(intents, &node) ? ERR_NONE : ERR_CORRUPT;

	slots_fence_body(proposer_of((uint32_t)node, UINT32_MAX),
			 body_of(intents));
	propose(intents, intents->intent.group, COMMAND_FENCE, err, fenced);
}

/* ---- looking ---- */

/*
 * Only who has a replica of the group can do something there; others leave the
 * intent to those nodes. PURGE waits for its time; MOVE is not there yet.
 */
static bool is_due(const struct node *node,
		   const struct directory_intent *intent, uint64_t now_ms)
{
	if (!node_replica(node, intent->group))
		return false;
	switch (intent->kind) {
	case DIRECTORY_INTENT_PURGE:
		return intent->step == PURGE_SEAL ||
		       now_ms >= intent->not_before_ms;
	case DIRECTORY_INTENT_REROOT:
	case DIRECTORY_INTENT_FORGET:
	case DIRECTORY_INTENT_FENCE:
		return true;
	case DIRECTORY_INTENT_MOVE:
		break;
	}
	return false;
}

/* Copies the first due intent; false: there is none. */
static bool find_due(struct intents *intents, struct store_txn *txn)
{
	uint64_t now = clock_wall_ms(io_loop_clock(intents->node->main));
	struct directory_intent intent;
	struct directory_walk walk;
	bool found = false;

	directory_intent_walk(&walk, txn, intents->after);
	while (!found && directory_intent_next(&walk, &intent)) {
		found = is_due(intents->node, &intent, now);
		intents->after = intent.id;
	}
	if (found) {
		intents->intent = intent;
		buf_clear(&intents->ids);
		buf_add_slice(&intents->ids, intent.ids);
		buf_clear(&intents->name);
		buf_add_slice(&intents->name, intent.name);
		intents->next = 0;
	}
	directory_walk_end(&walk);
	return found;
}

static void begin(struct intents *intents)
{
	switch (intents->intent.kind) {
	case DIRECTORY_INTENT_PURGE:
		purge_next(intents);
		break;
	case DIRECTORY_INTENT_REROOT:
		reroot(intents);
		break;
	case DIRECTORY_INTENT_FORGET:
		forget(intents);
		break;
	case DIRECTORY_INTENT_FENCE:
		fence(intents);
		break;
	case DIRECTORY_INTENT_MOVE:
		break;
	}
}

static void looked(struct read_index *read)
{
	struct intents *intents = read->owner;
	struct store_env *env = replica_env(node_directory(intents->node));
	struct store_txn *txn;
	bool found;

	if (read->err || !env || store_read_begin(env, &txn)) {
		intents->refused = true;
		round_end(intents);
		return;
	}
	found = find_due(intents, txn);
	if (store_txn_error(txn))
		found = false;
	store_end(&txn);
	if (found)
		begin(intents);
	else if (intents->again)
		look(intents);
	else
		round_end(intents);
}

static void look(struct intents *intents)
{
	if (intents->stopped) {
		intents->busy = false;
		return;
	}
	intents->busy = true;
	intents->again = false;
	intents->read = (struct read_index){
		.home = intents->home,
		.owner = intents,
	};
	replica_read_index(node_directory(intents->node), &intents->read,
			   looked);
}

/* ---- life ---- */

struct intents *intents_new(struct node *node)
{
	struct intents *intents = mem_zalloc(1, sizeof(*intents));

	intents->node = node;
	intents->home = io_loop_executor(node->main);
	timer_init(&intents->retry, fired);
	proposal_init(&intents->proposal, intents->home, intents);
	intents_wake(intents);
	return intents;
}

void intents_stop(struct intents *intents)
{
	intents->stopped = true;
	timer_stop(io_loop_timers(intents->node->main), &intents->retry);
}

void intents_free(struct intents **intentsp)
{
	struct intents *intents = *intentsp;

	*intentsp = NULL;
	intents_stop(intents);
	proposal_fini(&intents->proposal);
	buf_fini(&intents->ids);
	buf_fini(&intents->name);
	mem_free(intents);
}
