/*
 * Drops abandoned copies, on the main loop, now and then.
 *
 * For each mail group: READ INDEX (after a start the log is still being
 * replayed) -> LOOK on a worker for the next one -> DROP until nothing is left
 * of it -> LOOK behind it ...
 *
 * A group that does not answer, and a DROP that is refused, are left to the
 * next round, which then comes soon: right after a start a group may just have
 * no leader yet. Each failure doubles the time to the next round, for a round
 * walks through all mailboxes.
 */
#include "server/copies.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "cluster/mailgroup_command.h"
#include "server/node.h"

#define COPIES_FIRST_MS 1000         /* after the start, or a first failure */
#define COPIES_AGAIN_MS (600 * 1000) /* between rounds */
#define COPIES_OLD_MS (3600 * 1000)  /* no COPY takes so long */
#define COPIES_SLICE 10000           /* mailboxes of one transaction */

struct copies {
	struct node *node;
	struct executor *home;
	struct timer timer;
	uint64_t retry_ms; /* to the next round, if this one fails */
	struct task task;
	bool busy;
	bool stopped;

	/* this round */
	uint64_t now_ms;
	bool failed;
	unsigned group; /* place in node->groups; being looked at */
	uint64_t mailbox;
	struct op_id copy; /* what the look has found; turn 0: nothing */
	struct proposal proposal;
	struct read_index read;
};

bool copies_is_abandoned(const struct op_id *copy, uint64_t since_ms,
			 uint32_t node, uint32_t incarnation, uint64_t now_ms)
{
	if (copy->proposer >> 32 == node &&
	    (uint32_t)copy->proposer < incarnation)
		return true;
	return now_ms > since_ms && now_ms - since_ms > COPIES_OLD_MS;
}

/* The end of a round. */
static void round_end(struct copies *copies)
{
	uint64_t wait_ms = copies->failed ? copies->retry_ms : COPIES_AGAIN_MS;

	copies->busy = false;
	copies->retry_ms = copies->failed ? 2 * wait_ms : COPIES_FIRST_MS;
	if (copies->retry_ms > COPIES_AGAIN_MS)
		copies->retry_ms = COPIES_AGAIN_MS;
	if (!copies->stopped)
		timer_set(io_loop_timers(copies->node->main), &copies->timer,
			  wait_ms);
}

static void group_next(struct copies *copies);

static struct replica *replica_of(const struct copies *copies)
{
	return node_group(copies->node, copies->group)->replica;
}

/* ---- LOOK ---- */

/* A slice of the group's mailboxes; false: there are no more. */
static bool look_at_some(struct copies *copies, struct store_txn *txn)
{
	uint32_t node = copies->node->identity.node;
	uint32_t incarnation = replica_incarnation(replica_of(copies));
	uint64_t since_ms;
	struct op_id copy;

	for (unsigned i = 0; i < COPIES_SLICE; i++) {
		copies->mailbox = mailgroup_mailbox_next(txn, copies->mailbox);
		if (!copies->mailbox)
			return false;
		if (!mailgroup_copying(txn, copies->mailbox, &copy,
				       &since_ms) ||
		    !copies_is_abandoned(&copy, since_ms, node, incarnation,
					 copies->now_ms))
			continue;
		copies->copy = copy;
		return true;
	}
	return true;
}

static void looked(struct task *task);

/* On a worker: up to the next abandoned copy, or the end of the group. */
static void look(struct task *task)
{
	struct copies *copies = container_of(task, struct copies, task);
	struct store_env *env = replica_env(replica_of(copies));
	bool more = env != NULL;

	while (more && copies->copy.turn == 0) {
		struct store_txn *txn;

		if (store_read_begin(env, &txn)) {
			copies->failed = true;
			break;
		}
		more = look_at_some(copies, txn);
		copies->failed |= store_txn_error(txn) != ERR_NONE;
		store_end(&txn);
	}
	task_post(copies->home, task, looked);
}

static void look_on(struct copies *copies)
{
	copies->copy = (struct op_id){ 0 };
	task_post(io_pool_executor(copies->node->pool), &copies->task, look);
}

/* ---- DROP ---- */

static void drop(struct copies *copies);

static void dropped(struct proposal *proposal)
{
	struct copies *copies = proposal->owner;
	struct mailgroup_more_result result = { 0 };
	enum err err = proposal->err;

	if (!err)
		err = mailgroup_more_result(buf_slice(&proposal->result),
					    &result);
	copies->failed |= err != ERR_NONE;
	if (!err && result.more && !copies->stopped)
		drop(copies);
	else
		look_on(copies);
}

static void drop(struct copies *copies)
{
	struct mailgroup_copy_drop command = {
		.copy = copies->copy,
		.mailbox = copies->mailbox,
	};

	proposal_fini(&copies->proposal);
	proposal_init(&copies->proposal, copies->home, copies);
	MUST(mailgroup_copy_drop_encode(&command, &copies->proposal.body) ==
	     ERR_NONE);
	copies->proposal.kind = MAILGROUP_COPY_DROP;
	copies->proposal.version = MAILGROUP_COMMAND_VERSION;
	replica_propose(replica_of(copies), &copies->proposal, dropped);
}

static void looked(struct task *task)
{
	struct copies *copies = container_of(task, struct copies, task);

	if (copies->copy.turn == 0 || copies->stopped) {
		copies->group++;
		group_next(copies);
		return;
	}
	LOG_INFO("group %u: a COPY of many messages into mailbox %llx was "
		 "never finished: what there is of it is dropped",
		 node_group(copies->node, copies->group)->number,
		 (unsigned long long)copies->mailbox);
	drop(copies);
}

/* ---- a round ---- */

static void caught_up(struct read_index *read)
{
	struct copies *copies = read->owner;

	if (!read->err) {
		copies->mailbox = 0;
		look_on(copies);
		return;
	}
	copies->failed = true;
	copies->group++;
	group_next(copies);
}

static void group_next(struct copies *copies)
{
	if (copies->stopped || copies->group == copies->node->group_count) {
		round_end(copies);
		return;
	}
	copies->read = (struct read_index){
		.home = copies->home,
		.owner = copies,
	};
	replica_read_index(replica_of(copies), &copies->read, caught_up);
}

static void fired(struct timer *timer)
{
	struct copies *copies = container_of(timer, struct copies, timer);
	struct node *node = copies->node;

	copies->busy = true;
	copies->failed = false;
	copies->now_ms = clock_wall_ms(io_loop_clock(node->main));
	copies->group = 1; /* behind the directory */
	group_next(copies);
}

/* ---- life ---- */

struct copies *copies_new(struct node *node)
{
	struct copies *copies = mem_zalloc(1, sizeof(*copies));

	copies->node = node;
	copies->home = io_loop_executor(node->main);
	copies->retry_ms = COPIES_FIRST_MS;
	proposal_init(&copies->proposal, copies->home, copies);
	timer_init(&copies->timer, fired);
	timer_set(io_loop_timers(node->main), &copies->timer,
		  TUNED(copies_first_ms, COPIES_FIRST_MS));
	return copies;
}

void copies_stop(struct copies *copies)
{
	copies->stopped = true;
	timer_stop(io_loop_timers(copies->node->main), &copies->timer);
}

bool copies_is_busy(const struct copies *copies)
{
	return copies->busy;
}

void copies_free(struct copies **copiesp)
{
	struct copies *copies = *copiesp;

	*copiesp = NULL;
	copies_stop(copies);
	proposal_fini(&copies->proposal);
	mem_free(copies);
}
