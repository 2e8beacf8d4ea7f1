/*
 * The proposer of a node in a group (proposer.h).
 *
 * Happy path: a proposal takes the lowest free slot; submitted, it waits until
 * the owner fetches it for an entry or a frame; when apply has recorded an
 * answer for its op id, the slot is free and the caller hears it.
 *
 * Failures: the entry or frame may be lost: it is fetched again under the same
 * op id. At the deadline of a command that ever left a CANCEL takes its place;
 * one that never did is refused. So it goes with one that a leader does not
 * take. Only what apply recorded is an answer.
 *
 * Lists, so that nothing walks over all slots but a tick that has a deadline
 * to look for: reserving -> pending -> passed -> out, and back to pending.
 *
 * "Model step" is a step of test/model/propose.pml: change it there first.
 */
#include "raft/proposer_impl.h"

#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "raft/entry.h"

uint64_t proposer_now(struct proposer *proposer)
{
	return MUTANT("M40") ? clock_wall_ms(proposer->options.clock)
			     : clock_mono_ms(proposer->options.clock);
}

static uint32_t incarnation_of(const struct proposer *proposer)
{
	return atomic_load(&proposer->incarnation);
}

void proposal_init(struct proposal *proposal, struct executor *home,
		   void *owner)
{
	*proposal = (struct proposal){ .home = home, .owner = owner };
	list_init(&proposal->link);
}

void proposal_fini(struct proposal *proposal)
{
	MUST(proposal->state == PROPOSAL_IDLE);
	buf_fini(&proposal->body);
	buf_fini(&proposal->inline_body);
	buf_fini(&proposal->result);
}

static struct proposal *first_of(const struct list *list)
{
	return LIST_ENTRY(list->next, struct proposal, link);
}

/* ---- slots ---- */

static void slots_reset(struct proposer *proposer)
{
	memset(proposer->slots, 0, sizeof proposer->slots);
	memset(proposer->free_slots, 0xff, sizeof proposer->free_slots);
	atomic_store(&proposer->slots_taken, 0);
}

/* Model step P5. False: all are taken. */
static bool slot_take(struct proposer *proposer, struct proposal *proposal)
{
	for (unsigned i = 0; i < ARRAY_LEN(proposer->free_slots); i++) {
		uint64_t bits = proposer->free_slots[i];
		uint32_t slot;

		if (bits == 0)
			continue;
		slot = i * 64 + (uint32_t)__builtin_ctzll(bits);
		proposer->free_slots[i] = bits & (bits - 1);
		proposer->slots[slot].taken = true;
		atomic_fetch_add(&proposer->slots_taken, 1);
		proposal->op = (struct op_id){
			.proposer = proposer_of(proposer->options.node,
						incarnation_of(proposer)),
			.slot = slot,
			.turn = proposer->slots[slot].turn + 1,
		};
		return true;
	}
	return false;
}

/* `resolved`: its turn is over; else the next proposal gets the same turn. */
static void slot_free(struct proposer *proposer, uint32_t slot, bool resolved)
{
	struct proposer_slot *it = &proposer->slots[slot];

	MUST(it->taken);
	*it = (struct proposer_slot){ .turn = it->turn + resolved };
	proposer->free_slots[slot / 64] |= 1ull << (slot % 64);
	atomic_fetch_sub(&proposer->slots_taken, 1);
}

/* ---- answers to callers ---- */

static void proposal_run_done(struct task *task)
{
	struct proposal *proposal = container_of(task, struct proposal, task);

	proposal->done(proposal); /* may free it */
}

void proposer_tell(struct proposal *proposal, enum err err,
		   enum proposal_state state)
{
	list_remove(&proposal->link);
	proposal->err = err;
	proposal->state = (int)state;
	task_post(proposal->home, &proposal->task, proposal_run_done);
}

static size_t proposal_octets(const struct proposal *proposal)
{
	return proposal->body.len + proposal->inline_body.len +
	       ENTRY_COMMAND_HEAD_MAX;
}

void proposer_queue(struct proposer *proposer, struct proposal *proposal)
{
	list_remove(&proposal->link);
	proposal->state = PROPOSAL_QUEUED;
	list_append(&proposer->pending, &proposal->link);
	proposer->pending_octets += proposal_octets(proposal);
}

void proposer_unqueue(struct proposer *proposer, struct proposal *proposal)
{
	MUST(proposal->state == PROPOSAL_QUEUED);
	list_remove(&proposal->link);
	proposer->pending_octets -= proposal_octets(proposal);
}

/* It never took effect and never will. */
static void proposal_refuse(struct proposer *proposer,
			    struct proposal *proposal, enum err err)
{
	MUST(!proposal->sent);
	if (proposal->state == PROPOSAL_QUEUED)
		proposer_unqueue(proposer, proposal);
	slot_free(proposer, proposal->op.slot, false);
	proposer_tell(proposal, err, PROPOSAL_IDLE);
}

void proposer_kick(struct proposer *proposer)
{
	if (proposer_has_next(proposer))
		proposer->options.port->waiting(proposer->options.port_arg);
}

/* ---- reserving ---- */

static bool is_open(const struct proposer *proposer)
{
	return !proposer->closed && proposer->registered != REGISTER_FENCED;
}

static void submit(struct proposer *proposer, struct proposal *proposal);

static void reserving_serve(struct proposer *proposer)
{
	while (!list_empty(&proposer->reserving) &&
	       proposer->registered == REGISTER_DONE) {
		struct proposal *proposal = first_of(&proposer->reserving);
		bool both = proposal->state == PROPOSAL_QUEUED;

		if (!slot_take(proposer, proposal))
			return;
		list_remove(&proposal->link);
		proposer->reserving_count--;
		if (both)
			submit(proposer, proposal);
		else
			proposer_tell(proposal, ERR_NONE, PROPOSAL_RESERVED);
	}
}

/* `proposal->state`: RESERVING, or QUEUED to be submitted at once. */
static void reserve_run(struct task *task)
{
	struct proposal *proposal = container_of(task, struct proposal, task);
	struct proposer *proposer = proposal->proposer;

	proposal->deadline_at_ms = proposer_now(proposer) + REPLICA_RESERVE_MS;
	if (!is_open(proposer)) {
		proposer_tell(proposal, ERR_UNAVAILABLE, PROPOSAL_IDLE);
		return;
	}
	if (proposer->reserving_count == PROPOSER_RESERVING_MAX) {
		proposer_tell(proposal, ERR_BUSY, PROPOSAL_IDLE);
		return;
	}
	list_append(&proposer->reserving, &proposal->link);
	proposer->reserving_count++;
	reserving_serve(proposer);
}

static void proposal_begin(struct proposer *proposer, struct proposal *proposal,
			   proposal_done *done, enum proposal_state state)
{
	MUST(proposal->state == PROPOSAL_IDLE);
	proposal->proposer = proposer;
	proposal->done = done;
	proposal->state = (int)state;
	proposal->sent = false;
	proposal->recorded = false;
	list_init(&proposal->link);
	buf_clear(&proposal->result);
	task_post(proposer->options.loop, &proposal->task, reserve_run);
}

void proposer_reserve(struct proposer *proposer, struct proposal *proposal,
		      proposal_done *done)
{
	proposal_begin(proposer, proposal, done, PROPOSAL_RESERVING);
}

void proposer_propose(struct proposer *proposer, struct proposal *proposal,
		      proposal_done *done)
{
	proposal_begin(proposer, proposal, done, PROPOSAL_QUEUED);
}

/* ---- releasing ---- */

struct release {
	struct task task;
	struct proposer *proposer;
	struct op_id op;
	bool resolved;
};

static void release_run(struct task *task)
{
	struct release *release = container_of(task, struct release, task);
	struct proposer *proposer = release->proposer;

	slot_free(proposer, release->op.slot, release->resolved);
	reserving_serve(proposer);
	mem_free(release);
}

void proposer_release(struct proposer *proposer, struct proposal *proposal)
{
	struct release *release = mem_zalloc(1, sizeof(*release));

	MUST(proposal->state == PROPOSAL_RESERVED ||
	     proposal->state == PROPOSAL_KEPT);
	release->resolved = proposal->state == PROPOSAL_KEPT;
	proposal->state = PROPOSAL_IDLE;
	release->proposer = proposer;
	release->op = proposal->op;
	task_post(proposer->options.loop, &release->task, release_run);
}

/* ---- submitting ---- */

static struct command command_of(const struct proposer *proposer,
				 const struct proposal *proposal)
{
	if (!command_op_is_claim(&proposal->op) &&
	    proposer->slots[proposal->op.slot].cancel)
		return (struct command){
			.op = proposal->op,
			.kind = COMMAND_CANCEL,
			.proposed_at_ms = proposal->proposed_at_ms,
		};
	return (struct command){
		.op = proposal->op,
		.kind = proposal->kind,
		.version = proposal->version,
		.proposed_at_ms = proposal->proposed_at_ms,
		.body = buf_slice(&proposal->body),
		.inline_body = buf_slice(&proposal->inline_body),
	};
}

enum err proposer_may(struct proposer *proposer,
		      const struct proposal *proposal)
{
	const struct proposer_options *options = &proposer->options;
	enum err err;

	if (!is_open(proposer))
		return ERR_UNAVAILABLE;
	err = options->port->may_submit(options->port_arg, proposal->kind);
	if (err != ERR_NONE)
		return err;
	if (proposer->pending_octets + proposal_octets(proposal) >
	    PROPOSER_PENDING_MAX)
		return ERR_BUSY;
	return ERR_NONE;
}

static enum err submit_check(struct proposer *proposer,
			     const struct proposal *proposal)
{
	struct command command = command_of(proposer, proposal);
	enum err err = proposer_may(proposer, proposal);

	/* An entry could not hold it. */
	return err == ERR_NONE ? command_check(&command) : err;
}

static void set_deadline(struct proposer *proposer, struct proposal *proposal,
			 uint32_t ms)
{
	proposal->deadline_at_ms = proposer_now(proposer) + ms;
	if (proposal->deadline_at_ms < proposer->deadline_floor)
		proposer->deadline_floor = proposal->deadline_at_ms;
}

/* A slot is its own already. */
static void submit(struct proposer *proposer, struct proposal *proposal)
{
	uint32_t ms = proposal->deadline_ms != 0 ? proposal->deadline_ms
						 : REPLICA_PROPOSE_MS;
	enum err err = submit_check(proposer, proposal);

	proposal->state = PROPOSAL_RESERVED;
	if (err != ERR_NONE) {
		proposal_refuse(proposer, proposal, err);
		return;
	}
	proposer->slots[proposal->op.slot].proposal = proposal;
	proposal->proposed_at_ms = clock_wall_ms(proposer->options.clock);
	set_deadline(proposer, proposal, ms);
	proposer_queue(proposer, proposal);
	proposer_kick(proposer);
}

static void submit_run(struct task *task)
{
	struct proposal *proposal = container_of(task, struct proposal, task);

	submit(proposal->proposer, proposal);
}

void proposer_submit(struct proposer *proposer, struct proposal *proposal,
		     proposal_done *done)
{
	MUST(proposal->state == PROPOSAL_RESERVED);
	MUST(proposal->proposer == proposer);
	proposal->done = done;
	task_post(proposer->options.loop, &proposal->task, submit_run);
}

/* ---- fetching ---- */

bool proposer_has_next(const struct proposer *proposer)
{
	return proposer->registered == REGISTER_WANTED ||
	       (proposer->registered == REGISTER_DONE &&
		!list_empty(&proposer->pending));
}

/* Model step P2: the first command of a start; nothing else before its answer.
 */
static struct command register_command(struct proposer *proposer)
{
	buf_clear(&proposer->register_body);
	slots_register_body(proposer->options.boot, &proposer->register_body);
	return (struct command){
		.op.proposer = proposer_of(proposer->options.node,
					   incarnation_of(proposer)),
		.kind = COMMAND_REGISTER,
		.proposed_at_ms = clock_wall_ms(proposer->options.clock),
		.body = buf_slice(&proposer->register_body),
	};
}

bool proposer_next(struct proposer *proposer, struct command *command_r)
{
	if (!proposer_has_next(proposer))
		return false;
	if (proposer->registered == REGISTER_WANTED)
		*command_r = register_command(proposer);
	else
		*command_r = command_of(proposer, first_of(&proposer->pending));
	return true;
}

void proposer_pass(struct proposer *proposer)
{
	struct proposal *proposal;

	MUST(proposer_has_next(proposer));
	if (proposer->registered == REGISTER_WANTED) {
		proposer->registered = REGISTER_SENT;
		proposer->register_passed = true;
		return;
	}
	proposal = first_of(&proposer->pending);
	proposer_unqueue(proposer, proposal);
	proposal->state = PROPOSAL_PROPOSED;
	list_append(&proposer->passed, &proposal->link);
}

void proposer_drop(struct proposer *proposer, enum err err)
{
	struct proposal *proposal = first_of(&proposer->pending);
	struct proposer_slot *slot = &proposer->slots[proposal->op.slot];

	MUST(proposer->registered == REGISTER_DONE);
	if (command_op_is_claim(&proposal->op)) {
		proposer_claim_refused(proposer, proposal, err);
		return;
	}
	if (!proposal->sent) {
		proposal_refuse(proposer, proposal, err);
		return;
	}
	MUST(!slot->cancel);
	slot->cancel = true;
	slot->refusal = err;
}

static void settle_back(struct proposer *proposer)
{
	while (!list_empty(&proposer->passed))
		proposer_queue(proposer, first_of(&proposer->passed));
	if (proposer->register_passed)
		proposer->registered = REGISTER_WANTED;
	proposer->register_passed = false;
}

static void leave(struct proposer *proposer, struct proposal *proposal,
		  uint64_t now)
{
	list_remove(&proposal->link);
	list_append(&proposer->out, &proposal->link);
	proposal->sent = true;
	proposal->left_at_ms = now;
	if (MUTANT("M01") && !command_op_is_claim(&proposal->op)) {
		/* as if one disk were enough */
		slot_free(proposer, proposal->op.slot, true);
		proposer_tell(proposal, ERR_NONE, PROPOSAL_IDLE);
	}
}

void proposer_settle(struct proposer *proposer, bool left)
{
	uint64_t now = proposer_now(proposer);

	if (!left) {
		settle_back(proposer);
		return;
	}
	while (!list_empty(&proposer->passed))
		leave(proposer, first_of(&proposer->passed), now);
	if (proposer->register_passed)
		proposer->register_left_ms = now;
	proposer->register_passed = false;
}

bool proposer_is_quiet(const struct proposer *proposer)
{
	return list_empty(&proposer->out) &&
	       proposer->registered != REGISTER_SENT;
}

void proposer_repeat_old(struct proposer *proposer, uint64_t age_ms)
{
	uint64_t now = proposer_now(proposer);

	MUST(list_empty(&proposer->passed) && !proposer->register_passed);
	while (!list_empty(&proposer->out) &&
	       now - first_of(&proposer->out)->left_at_ms >= age_ms)
		proposer_queue(proposer, first_of(&proposer->out));
	if (proposer->registered == REGISTER_SENT &&
	    now - proposer->register_left_ms >= age_ms)
		proposer->registered = REGISTER_WANTED;
	proposer_kick(proposer);
}

void proposer_repeat(struct proposer *proposer)
{
	proposer_repeat_old(proposer, 0);
}

/* ---- answers of the state ---- */

/* Model step P12: for none of what waits is this an answer. */
static void fenced(struct proposer *proposer)
{
	const struct proposer_options *options = &proposer->options;

	if (proposer->registered == REGISTER_FENCED)
		return;
	LOG_ERROR("group %u: another life of this node exists, or it was "
		  "removed: this one is over",
		  options->group);
	proposer->registered = REGISTER_FENCED;
	proposer_end(proposer, ERR_FENCED);
	options->port->fenced(options->port_arg);
}

static void answer_taken(struct proposer *proposer, uint64_t highest)
{
	const struct proposer_options *options = &proposer->options;

	if (highest >= UINT32_MAX) {
		fenced(proposer);
		return;
	}
	LOG_WARN("group %u: start count %u of this node is taken; the group "
		 "knows %llu",
		 options->group, incarnation_of(proposer),
		 (unsigned long long)highest);
	proposer->registered = REGISTER_RAISING;
	options->port->raise(options->port_arg, (uint32_t)highest + 1);
}

void proposer_raised(struct proposer *proposer, uint32_t start_count)
{
	if (proposer->registered != REGISTER_RAISING)
		return;
	MUST(start_count > incarnation_of(proposer));
	atomic_store(&proposer->incarnation, start_count);
	proposer->registered = REGISTER_WANTED;
	proposer_kick(proposer);
}

/* Model step P4. It may be said again after a repetition. */
static void answer_register(struct proposer *proposer,
			    const struct slots_answer *answer)
{
	if ((proposer->registered != REGISTER_SENT &&
	     proposer->registered != REGISTER_WANTED) ||
	    answer->boot != proposer->options.boot)
		return; /* of an earlier life, or said again */
	proposer->register_passed = false;
	if (answer->verdict == SLOTS_TAKEN) {
		answer_taken(proposer, answer->highest);
		return;
	}
	MUST(answer->verdict == SLOTS_REGISTERED);
	proposer->registered = REGISTER_DONE;
	slots_reset(proposer);
	reserving_serve(proposer);
}

/* The CANCEL has won: the caller hears why it was needed. */
static enum err verdict_of(const struct proposer_slot *slot, enum err refusal)
{
	if (refusal == ERR_CANCELLED && slot->cancel &&
	    slot->refusal != ERR_NONE)
		return slot->refusal;
	return refusal;
}

/* Model step P11. */
static void answer_resolved(struct proposer *proposer,
			    struct slots_answer *answer, uint64_t index)
{
	struct proposer_slot *slot = &proposer->slots[answer->op.slot];
	struct proposal *proposal = slot->proposal;
	enum err err = verdict_of(slot, answer->result.refusal);
	struct buf payload;

	if (proposal == NULL || proposal->op.turn != answer->op.turn)
		return; /* said again */
	if (proposal->state == PROPOSAL_QUEUED)
		proposer_unqueue(proposer, proposal);
	else
		MUST(proposal->state == PROPOSAL_PROPOSED);
	payload = proposal->result;
	proposal->result = answer->result.payload;
	answer->result.payload = payload;
	proposal->index = index;
	proposal->recorded = true;
	CRASH_POINT("answer_before_it_leaves");
	if (proposal->keep) {
		slot->proposal = NULL; /* and taken, until it is released */
		proposer_tell(proposal, err, PROPOSAL_KEPT);
		return;
	}
	slot_free(proposer, answer->op.slot, true);
	proposer_tell(proposal, err, PROPOSAL_IDLE);
}

void proposer_answer(struct proposer *proposer, struct slots_answer *answer,
		     uint64_t index)
{
	uint32_t incarnation = proposer_incarnation(answer->op.proposer);

	if (command_op_is_claim(&answer->op)) {
		proposer_claims_answer(proposer, answer, index);
		return;
	}
	if (proposer_node(answer->op.proposer) != proposer->options.node)
		return;
	if (incarnation > incarnation_of(proposer) &&
	    proposer->registered == REGISTER_DONE) {
		fenced(proposer);
		return;
	}
	if (incarnation != incarnation_of(proposer))
		return;
	if (answer->kind == COMMAND_REGISTER)
		answer_register(proposer, answer);
	else if (answer->verdict == SLOTS_FENCED)
		fenced(proposer);
	else if (answer->verdict == SLOTS_RESOLVED)
		answer_resolved(proposer, answer, index);
	reserving_serve(proposer);
	proposer_kick(proposer);
}

/* ---- a leader's refusal ---- */

/*
 * Not an answer: another frame of it may be in another leader's log. A refused
 * CANCEL or REGISTER is repeated when it is old.
 */
void proposer_refused(struct proposer *proposer, const struct op_id *op,
		      enum err err)
{
	struct proposer_slot *slot = &proposer->slots[op->slot];
	struct proposal *proposal = slot->proposal;

	if (command_op_is_claim(op)) {
		proposer_claims_refused(proposer, op, err);
		return;
	}
	if (op->proposer !=
	    proposer_of(proposer->options.node, incarnation_of(proposer)))
		return;
	if (proposal == NULL || proposal->op.turn != op->turn || slot->cancel ||
	    !proposal->sent)
		return;
	PROBE("propose: a leader elsewhere refused what may be in a log");
	slot->cancel = true;
	slot->refusal = err;
	if (proposal->state == PROPOSAL_PROPOSED)
		proposer_queue(proposer, proposal);
	proposer_kick(proposer);
}

/* ---- deadlines ---- */

static void reserving_tick(struct proposer *proposer, uint64_t now)
{
	LIST_FOREACH_SAFE (&proposer->reserving, it) {
		struct proposal *proposal =
			LIST_ENTRY(it, struct proposal, link);

		if (proposal->deadline_at_ms > now)
			return; /* all wait equally long */
		proposer->reserving_count--;
		proposer_tell(proposal,
			      proposer->registered == REGISTER_DONE
				      ? ERR_BUSY
				      : ERR_UNAVAILABLE,
			      PROPOSAL_IDLE);
	}
}

/*
 * Model step P9. It has left: a CANCEL takes its place, again and again. It
 * never did: refused.
 */
static void deadline(struct proposer *proposer, struct proposal *proposal)
{
	struct proposer_slot *slot = &proposer->slots[proposal->op.slot];

	if (!proposal->sent) {
		if (proposal->state == PROPOSAL_QUEUED)
			proposal_refuse(proposer, proposal, ERR_UNAVAILABLE);
		return;
	}
	if (MUTANT("M51")) {
		if (proposal->state == PROPOSAL_QUEUED)
			proposer_unqueue(proposer, proposal);
		slot_free(proposer, proposal->op.slot, true);
		proposer_tell(proposal, ERR_TIMEOUT, PROPOSAL_IDLE);
		return;
	}
	if (!slot->cancel)
		PROBE("propose: a deadline passed with the outcome unknown");
	slot->cancel = true;
	if (proposal->state == PROPOSAL_PROPOSED)
		proposer_queue(proposer, proposal);
	set_deadline(proposer, proposal, REPLICA_PROPOSE_MS); /* then again */
}

void proposer_tick(struct proposer *proposer)
{
	uint64_t now = proposer_now(proposer);

	reserving_tick(proposer, now);
	proposer_claims_tick(proposer, now);
	if (now < proposer->deadline_floor)
		return;
	proposer->deadline_floor = UINT64_MAX;
	for (uint32_t slot = 0; slot < COMMAND_SLOTS; slot++) {
		struct proposal *proposal = proposer->slots[slot].proposal;

		if (proposal == NULL)
			continue;
		if (proposal->deadline_at_ms <= now)
			deadline(proposer, proposal);
		else if (proposal->deadline_at_ms < proposer->deadline_floor)
			proposer->deadline_floor = proposal->deadline_at_ms;
	}
	proposer_kick(proposer);
}

/* ---- life ---- */

/* What is only reserved hears it when it is submitted. */
static void slot_end(struct proposer *proposer, struct proposal *proposal,
		     enum err unknown)
{
	if (!proposal->sent) {
		proposal_refuse(proposer, proposal, ERR_UNAVAILABLE);
		return;
	}
	if (proposal->state == PROPOSAL_QUEUED)
		proposer_unqueue(proposer, proposal);
	slot_free(proposer, proposal->op.slot, false);
	proposer_tell(proposal, unknown, PROPOSAL_IDLE);
}

void proposer_close(struct proposer *proposer)
{
	proposer->closed = true;
}

void proposer_end(struct proposer *proposer, enum err unknown)
{
	proposer->closed = true;
	while (!list_empty(&proposer->reserving)) {
		proposer->reserving_count--;
		proposer_tell(first_of(&proposer->reserving), ERR_UNAVAILABLE,
			      PROPOSAL_IDLE);
	}
	for (uint32_t slot = 0; slot < COMMAND_SLOTS; slot++)
		if (proposer->slots[slot].proposal != NULL)
			slot_end(proposer, proposer->slots[slot].proposal,
				 unknown);
	proposer_claims_end(proposer, unknown);
}

void proposer_init(struct proposer *proposer,
		   const struct proposer_options *options)
{
	MUST(options->boot != 0 && options->start_count != 0);
	proposer->options = *options;
	slots_reset(proposer);
	list_init(&proposer->reserving);
	list_init(&proposer->pending);
	list_init(&proposer->passed);
	list_init(&proposer->out);
	list_init(&proposer->claims);
	atomic_store(&proposer->incarnation, options->start_count);
	proposer->deadline_floor = UINT64_MAX;
	proposer->registered = REGISTER_WANTED;
}

void proposer_fini(struct proposer *proposer)
{
	buf_fini(&proposer->register_body);
}
