/*
 * Carries out claims that are left open, on the main loop.
 *
 * A round: for each mail group that this node leads: READ INDEX (after a start
 * the log is still being replayed) -> LOOK on a worker for the next claim that
 * is due -> RUN (claim_run.c) -> LOOK behind it ...
 *
 * Failures: a claim whose target does not answer is left open, and with it, for
 * this round, all others towards that group: a message is appended there once
 * or never, so there is no other way to find out. A round that left something
 * comes again soon, then less and less often.
 */
#include "server/claims.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "raft/slots.h"
#include "server/claim_run.h"
#include "server/node.h"

#define CLAIMS_FIRST_MS 500       /* after the start, or a first failure */
#define CLAIMS_AGAIN_MS 10000     /* between rounds */
#define CLAIMS_RETRY_MAX_MS 60000 /* of a target that is gone */
#define CLAIMS_OLD_MS 30000       /* its own runner had time enough */

struct claims {
	struct node *node;
	struct executor *home;
	struct timer timer;
	uint64_t retry_ms; /* to the next round, if this one fails */
	struct task task;
	struct task wake;
	unsigned waking; /* atomic: the task is posted */
	bool busy;
	bool again; /* woken meanwhile */
	bool stopped;

	/* this round */
	uint64_t now_ms;
	bool failed;
	unsigned group;       /* place in node->groups; being looked at */
	uint32_t next_target; /* where the look goes on */
	uint32_t next_slot;
	bool found;
	struct mailgroup_open_claim claim; /* without its set */
	struct read_index read;
	struct claim_run run;
};

static struct node_group *group_of(const struct claims *claims)
{
	return node_group(claims->node, claims->group);
}

static void group_next(struct claims *claims);
static void look_on(struct claims *claims);

/* The end of a round. */
static void round_end(struct claims *claims)
{
	uint64_t wait_ms = claims->failed
				   ? claims->retry_ms
				   : TUNED(claims_again_ms, CLAIMS_AGAIN_MS);

	claims->busy = false;
	claims->retry_ms = claims->failed ? 2 * wait_ms : CLAIMS_FIRST_MS;
	if (claims->retry_ms > CLAIMS_RETRY_MAX_MS)
		claims->retry_ms = CLAIMS_RETRY_MAX_MS;
	if (claims->again)
		wait_ms = 0;
	if (!claims->stopped)
		timer_set(io_loop_timers(claims->node->main), &claims->timer,
			  wait_ms);
}

/* ---- RUN ---- */

static void ran(struct claim_run *run)
{
	struct claims *claims = run->owner;

	if (run->err) {
		claims->failed = true;
		claims->next_target = run->group + 1;
		claims->next_slot = 0;
	}
	look_on(claims);
}

static void run(struct claims *claims)
{
	claims->run = (struct claim_run){
		.node = claims->node,
		.home = claims->home,
		.owner = claims,
		.source_group = group_of(claims)->number,
		.group = claims->claim.group,
		.slot = claims->claim.slot,
		.turn = claims->claim.turn,
	};
	LOG_INFO("group %u: a MOVE to group %u was left open: it is carried "
		 "out (slot %u, turn %llu)",
		 claims->run.source_group, claims->run.group, claims->run.slot,
		 (unsigned long long)claims->run.turn);
	claim_run_start(&claims->run, ran);
}

/* ---- LOOK ---- */

/* Its proposer is dead, or has had time enough. */
static bool is_due(const struct claims *claims, struct store_txn *txn,
		   const struct mailgroup_open_claim *claim)
{
	uint64_t proposer = claim->op.proposer;
	const struct node *node = claims->node;

	/* An earlier life of this node; it may not be registered anew yet. */
	if (proposer_node(proposer) == node->identity.node &&
	    proposer_incarnation(proposer) <
		    replica_incarnation(group_of(claims)->replica))
		return true;
	if (slots_registered(txn, proposer_node(proposer)) >
	    proposer_incarnation(proposer))
		return true;
	return claims->now_ms > claim->since_ms &&
	       claims->now_ms - claim->since_ms >=
		       TUNED(claims_old_ms, CLAIMS_OLD_MS);
}

static void look_at_all(struct claims *claims, struct store_txn *txn)
{
	while (!claims->found &&
	       mailgroup_claim_next(txn, &claims->next_target,
				    &claims->next_slot, &claims->claim)) {
		claims->found = is_due(claims, txn, &claims->claim);
		uidset_fini(&claims->claim.uids);
	}
}

static void looked(struct task *task)
{
	struct claims *claims = container_of(task, struct claims, task);

	if (claims->found && !claims->stopped) {
		run(claims);
		return;
	}
	claims->group++;
	group_next(claims);
}

/* On a worker. */
static void look(struct task *task)
{
	struct claims *claims = container_of(task, struct claims, task);
	struct store_env *env = replica_env(group_of(claims)->replica);
	struct store_txn *txn;

	if (env && store_read_begin(env, &txn) == ERR_NONE) {
		look_at_all(claims, txn);
		claims->failed |= store_txn_error(txn) != ERR_NONE;
		store_end(&txn);
	} else {
		claims->failed = true;
	}
	task_post(claims->home, task, looked);
}

static void look_on(struct claims *claims)
{
	claims->found = false;
	task_post(io_pool_executor(claims->node->pool), &claims->task, look);
}

/* ---- a round ---- */

static void caught_up(struct read_index *read)
{
	struct claims *claims = read->owner;

	if (!read->err) {
		claims->next_target = 0;
		claims->next_slot = 0;
		look_on(claims);
		return;
	}
	claims->failed = true;
	claims->group++;
	group_next(claims);
}

static bool leads(const struct claims *claims)
{
	struct replica_status status;

	replica_get_status(group_of(claims)->replica, &status);
	return status.leader;
}

static void group_next(struct claims *claims)
{
	while (!claims->stopped && claims->group < claims->node->group_count &&
	       !leads(claims))
		claims->group++;
	if (claims->stopped || claims->group == claims->node->group_count) {
		round_end(claims);
		return;
	}
	claims->read = (struct read_index){
		.home = claims->home,
		.owner = claims,
	};
	replica_read_index(group_of(claims)->replica, &claims->read, caught_up);
}

static void round_begin(struct claims *claims)
{
	claims->busy = true;
	claims->again = false;
	claims->failed = false;
	claims->now_ms = clock_wall_ms(io_loop_clock(claims->node->main));
	claims->group = 1; /* behind the directory */
	group_next(claims);
}

static void fired(struct timer *timer)
{
	struct claims *claims = container_of(timer, struct claims, timer);

	if (!claims->stopped && !claims->busy)
		round_begin(claims);
}

static void woken(struct task *task)
{
	struct claims *claims = container_of(task, struct claims, wake);

	__atomic_store_n(&claims->waking, 0u, __ATOMIC_SEQ_CST);
	claims->again = claims->busy;
	if (claims->stopped || claims->busy)
		return;
	timer_stop(io_loop_timers(claims->node->main), &claims->timer);
	round_begin(claims);
}

void claims_wake(struct claims *claims)
{
	if (__atomic_exchange_n(&claims->waking, 1u, __ATOMIC_SEQ_CST))
		return;
	task_post(claims->home, &claims->wake, woken);
}

/* ---- life ---- */

struct claims *claims_new(struct node *node)
{
	struct claims *claims = mem_zalloc(1, sizeof(*claims));

	claims->node = node;
	claims->home = io_loop_executor(node->main);
	claims->retry_ms = CLAIMS_FIRST_MS;
	timer_init(&claims->timer, fired);
	timer_set(io_loop_timers(node->main), &claims->timer, CLAIMS_FIRST_MS);
	return claims;
}

void claims_stop(struct claims *claims)
{
	claims->stopped = true;
	timer_stop(io_loop_timers(claims->node->main), &claims->timer);
}

bool claims_is_busy(const struct claims *claims)
{
	return claims->busy;
}

void claims_free(struct claims **claimsp)
{
	struct claims *claims = *claimsp;

	*claimsp = NULL;
	claims_stop(claims);
	mem_free(claims);
}

/* ---- for people ---- */

void claims_count(struct store_txn *txn, uint64_t now_ms,
		  struct claims_count *count_r)
{
	struct mailgroup_open_claim claim;
	uint32_t group = 0;
	uint32_t slot = 0;

	*count_r = (struct claims_count){ 0 };
	while (mailgroup_claim_next(txn, &group, &slot, &claim)) {
		count_r->open++;
		count_r->messages += uidset_size(&claim.uids);
		if (now_ms > claim.since_ms &&
		    now_ms - claim.since_ms >= CLAIMS_LONG_MS)
			count_r->open_long++;
		uidset_fini(&claim.uids);
	}
}
