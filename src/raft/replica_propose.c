/*
 * The proposer of a replica: its slots, what waits in them, and the one entry
 * that is under way (architecture.md 4, propose).
 *
 * Happy path: a proposal takes the lowest free slot; submitted, it waits with
 * others until the entry before is committed; all of them become one entry;
 * when the state has recorded an answer for its op id, the slot is free and
 * the caller hears it.
 *
 * Failures: leadership lost with the entry under way: what became of it is
 * unknown, so its commands are proposed again under the same op ids. At the
 * deadline of a command that was ever in an entry a CANCEL takes its place;
 * one that never was is refused. So it goes with one that the leader does not
 * take (replica_leader.c). Only what apply recorded is an answer.
 *
 * Proposals under the op id of a claim have no slot: replica_claim.c.
 *
 * "Model step" is a step of test/model/propose.pml: change it there first.
 */
#include "raft/replica_impl.h"

#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"

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

/* ---- slots ---- */

static void slots_reset(struct replica *replica)
{
	memset(replica->slots, 0, sizeof replica->slots);
	memset(replica->free_slots, 0xff, sizeof replica->free_slots);
	replica->slots_taken = 0;
}

static void publish_slots(struct replica *replica)
{
	atomic_store(&replica->published.slots_taken, replica->slots_taken);
}

/* Model step P5. False: all are taken. */
static bool slot_take(struct replica *replica, struct proposal *proposal)
{
	for (unsigned i = 0; i < ARRAY_LEN(replica->free_slots); i++) {
		uint64_t bits = replica->free_slots[i];
		uint32_t slot;

		if (bits == 0)
			continue;
		slot = i * 64 + (uint32_t)__builtin_ctzll(bits);
		replica->free_slots[i] = bits & (bits - 1);
		replica->slots[slot].taken = true;
		replica->slots_taken++;
		publish_slots(replica);
		proposal->op = (struct op_id){
			.proposer = proposer_of(
				proposer_node(replica->options.raft_id),
				replica->incarnation),
			.slot = slot,
			.turn = replica->slots[slot].turn + 1,
		};
		return true;
	}
	return false;
}

/* `resolved`: its turn is over; else the next proposal gets the same turn. */
static void slot_free(struct replica *replica, uint32_t slot, bool resolved)
{
	struct proposer_slot *it = &replica->slots[slot];

	MUST(it->taken);
	it->taken = false;
	it->cancel = false;
	it->proposal = NULL;
	if (resolved)
		it->turn++;
	replica->free_slots[slot / 64] |= 1ull << (slot % 64);
	replica->slots_taken--;
	publish_slots(replica);
}

/* ---- answers to callers ---- */

static void proposal_run_done(struct task *task)
{
	struct proposal *proposal = container_of(task, struct proposal, task);

	proposal->done(proposal); /* may free it */
}

void replica_proposal_answer(struct proposal *proposal, enum err err,
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

static void pending_put(struct replica *replica, struct proposal *proposal)
{
	proposal->state = PROPOSAL_QUEUED;
	list_append(&replica->pending, &proposal->link);
	replica->pending_octets += proposal_octets(proposal);
}

static void pending_remove(struct replica *replica, struct proposal *proposal)
{
	MUST(proposal->state == PROPOSAL_QUEUED);
	list_remove(&proposal->link);
	replica->pending_octets -= proposal_octets(proposal);
}

/* It never took effect and never will. */
static void proposal_refuse(struct replica *replica, struct proposal *proposal,
			    enum err err)
{
	MUST(!proposal->sent);
	if (proposal->state == PROPOSAL_QUEUED)
		pending_remove(replica, proposal);
	slot_free(replica, proposal->op.slot, false);
	replica_proposal_answer(proposal, err, PROPOSAL_IDLE);
}

/* ---- reserving ---- */

static bool takes_proposals(const struct replica *replica)
{
	return (replica->state == REPLICA_RUNNING ||
		replica->state == REPLICA_OPEN) &&
	       replica->park_why == NULL &&
	       replica->registered != REGISTER_FENCED;
}

static void submit(struct replica *replica, struct proposal *proposal);

static void reserving_serve(struct replica *replica)
{
	while (!list_empty(&replica->reserving) &&
	       replica->registered == REGISTER_DONE) {
		struct proposal *proposal = LIST_ENTRY(replica->reserving.next,
						       struct proposal, link);
		bool both = proposal->state == PROPOSAL_QUEUED;

		if (!slot_take(replica, proposal))
			return;
		list_remove(&proposal->link);
		replica->reserving_count--;
		if (both)
			submit(replica, proposal);
		else
			replica_proposal_answer(proposal, ERR_NONE,
						PROPOSAL_RESERVED);
	}
}

/* `proposal->state`: RESERVING, or QUEUED to be submitted at once. */
static void reserve(struct replica *replica, struct proposal *proposal)
{
	proposal->deadline_at_ms = replica_now(replica) + REPLICA_RESERVE_MS;
	if (!takes_proposals(replica)) {
		replica_proposal_answer(proposal, ERR_UNAVAILABLE,
					PROPOSAL_IDLE);
		return;
	}
	if (replica->reserving_count == REPLICA_RESERVING_MAX) {
		replica_proposal_answer(proposal, ERR_BUSY, PROPOSAL_IDLE);
		return;
	}
	list_append(&replica->reserving, &proposal->link);
	replica->reserving_count++;
	reserving_serve(replica);
}

static void reserve_run(struct task *task)
{
	struct proposal *proposal = container_of(task, struct proposal, task);

	reserve(proposal->replica, proposal);
}

static void proposal_begin(struct replica *replica, struct proposal *proposal,
			   proposal_done *done, enum proposal_state state)
{
	MUST(proposal->state == PROPOSAL_IDLE);
	proposal->replica = replica;
	proposal->done = done;
	proposal->state = (int)state;
	proposal->sent = false;
	proposal->recorded = false;
	list_init(&proposal->link);
	buf_clear(&proposal->result);
	task_post(replica->options.log_loop, &proposal->task, reserve_run);
}

void replica_reserve(struct replica *replica, struct proposal *proposal,
		     proposal_done *done)
{
	proposal_begin(replica, proposal, done, PROPOSAL_RESERVING);
}

void replica_propose(struct replica *replica, struct proposal *proposal,
		     proposal_done *done)
{
	proposal_begin(replica, proposal, done, PROPOSAL_QUEUED);
}

/* ---- releasing ---- */

struct release {
	struct task task;
	struct replica *replica;
	struct op_id op;
	bool resolved;
};

static void release_run(struct task *task)
{
	struct release *release = container_of(task, struct release, task);
	struct replica *replica = release->replica;

	slot_free(replica, release->op.slot, release->resolved);
	reserving_serve(replica);
	mem_free(release);
}

void replica_release(struct replica *replica, struct proposal *proposal)
{
	struct release *release = mem_zalloc(1, sizeof(*release));

	MUST(proposal->state == PROPOSAL_RESERVED ||
	     proposal->state == PROPOSAL_KEPT);
	release->resolved = proposal->state == PROPOSAL_KEPT;
	proposal->state = PROPOSAL_IDLE;
	release->replica = replica;
	release->op = proposal->op;
	task_post(replica->options.log_loop, &release->task, release_run);
}

/* ---- submitting ---- */

static struct command command_of(const struct replica *replica,
				 const struct proposal *proposal)
{
	if (replica->slots[proposal->op.slot].cancel)
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

/* Below the limits of disk and map only what frees space goes (R13, F9). */
static bool is_full_for(const struct replica *replica, uint16_t kind)
{
	const struct replica_fsm *fsm = replica->options.fsm;

	if (!wal_is_full(replica->options.wal) &&
	    !atomic_load(&replica->applier.is_full))
		return false;
	if (kind < COMMAND_FSM_FIRST)
		return false;
	return fsm->frees_space == NULL || !fsm->frees_space(kind);
}

enum err replica_propose_may(const struct replica *replica,
			     const struct proposal *proposal)
{
	if (!takes_proposals(replica))
		return ERR_UNAVAILABLE;
	if (is_full_for(replica, proposal->kind))
		return ERR_FULL;
	if (replica->pending_octets + proposal_octets(proposal) >
	    REPLICA_PENDING_MAX)
		return ERR_BUSY;
	return ERR_NONE;
}

static enum err submit_check(const struct replica *replica,
			     const struct proposal *proposal)
{
	struct command command = command_of(replica, proposal);
	enum err err = replica_propose_may(replica, proposal);

	/* An entry could not hold it. */
	return err == ERR_NONE ? command_check(&command) : err;
}

/* A slot is its own already. */
static void submit(struct replica *replica, struct proposal *proposal)
{
	uint32_t ms = proposal->deadline_ms != 0 ? proposal->deadline_ms
						 : REPLICA_PROPOSE_MS;
	enum err err = submit_check(replica, proposal);

	proposal->state = PROPOSAL_RESERVED;
	if (err != ERR_NONE) {
		proposal_refuse(replica, proposal, err);
		return;
	}
	replica->slots[proposal->op.slot].proposal = proposal;
	proposal->deadline_at_ms = replica_now(replica) + ms;
	proposal->proposed_at_ms = clock_wall_ms(replica->options.clock);
	pending_put(replica, proposal);
	replica_propose_kick(replica);
}

static void submit_run(struct task *task)
{
	struct proposal *proposal = container_of(task, struct proposal, task);

	submit(proposal->replica, proposal);
}

void replica_submit(struct replica *replica, struct proposal *proposal,
		    proposal_done *done)
{
	MUST(proposal->state == PROPOSAL_RESERVED);
	MUST(proposal->replica == replica);
	proposal->done = done;
	task_post(replica->options.log_loop, &proposal->task, submit_run);
}

/* ---- entries ---- */

/* Model step P2: the first command of a start; nothing else before its answer.
 */
static void build_register(struct replica *replica)
{
	struct command command = {
		.op.proposer =
			proposer_of(proposer_node(replica->options.raft_id),
				    replica->incarnation),
		.kind = COMMAND_REGISTER,
		.proposed_at_ms = clock_wall_ms(replica->options.clock),
	};
	struct buf body = { 0 };

	slots_register_body(replica->options.boot, &body);
	command.body = buf_slice(&body);
	MUST(entry_builder_add(&replica->builder, &command));
	buf_fini(&body);
	replica->registered = REGISTER_SENT;
	replica->flight.has_register = true;
}

/*
 * The leader does not take it. That is an answer only if it never was in an
 * entry; else a CANCEL takes its place and finds out.
 */
static void not_taken(struct replica *replica, struct proposal *proposal,
		      enum err err)
{
	if (proposal->sent)
		replica->slots[proposal->op.slot].cancel = true;
	else
		proposal_refuse(replica, proposal, err);
}

static void build_pending(struct replica *replica)
{
	while (!list_empty(&replica->pending)) {
		struct proposal *proposal = LIST_ENTRY(replica->pending.next,
						       struct proposal, link);
		struct command command = command_of(replica, proposal);
		enum err err = replica_leader_check(replica, &command);

		if (err != ERR_NONE) {
			not_taken(replica, proposal, err);
			continue;
		}
		if (!entry_builder_add(&replica->builder, &command))
			return;
		pending_remove(replica, proposal);
		proposal->state = PROPOSAL_PROPOSED;
	}
}

static void build_some(struct replica *replica)
{
	build_pending(replica);
	replica_claim_build(replica);
}

/* What was in an entry that raft did not take, or lost, is proposed again. */
static void repropose(struct replica *replica, bool sent)
{
	for (uint32_t slot = 0; slot < COMMAND_SLOTS; slot++) {
		struct proposal *proposal = replica->slots[slot].proposal;

		if (proposal == NULL || proposal->state != PROPOSAL_PROPOSED)
			continue;
		proposal->sent = proposal->sent || sent;
		pending_put(replica, proposal);
	}
	replica_claim_repropose(replica);
	if (replica->registered == REGISTER_SENT)
		replica->registered = REGISTER_WANTED;
}

static void mark_sent(struct replica *replica)
{
	for (uint32_t slot = 0; slot < COMMAND_SLOTS; slot++) {
		struct proposal *proposal = replica->slots[slot].proposal;

		if (proposal != NULL && proposal->state == PROPOSAL_PROPOSED)
			proposal->sent = true;
	}
}

static void flight_begin(struct replica *replica,
			 const struct compat_view *view)
{
	struct replica_flight *flight = &replica->flight;
	const struct buf *octets = &replica->builder.octets;
	struct raft_buffer buf;

	flight->index = view->last_index + 1;
	flight->term = view->term;
	entry_builder_end(&replica->builder, replica->options.group,
			  flight->term, flight->index);
	buf.len = octets->len;
	buf.base = raft_malloc(buf.len);
	MUST(buf.base != NULL);
	memcpy(buf.base, octets->data, octets->len);
	if (compat_apply(&replica->raft, &flight->req, &buf) != 0) {
		PROBE("propose: raft refused an entry");
		raft_free(buf.base);
		repropose(replica, false);
		return;
	}
	flight->active = true;
	mark_sent(replica);
	CRASH_POINT("proposed");
	rules_after(&replica->io.rules);
}

static bool may_propose(struct replica *replica)
{
	if (replica->state != REPLICA_RUNNING || replica->flight.active ||
	    replica->park_why != NULL)
		return false;
	if (replica->applier.queued_octets > APPLIER_BACKLOG_MAX)
		return false;
	return rules_leader_ready(&replica->io.rules);
}

static void propose_run(struct task *task)
{
	struct replica *replica =
		container_of(task, struct replica, propose_task);
	struct compat_view view;

	replica->propose_posted = false;
	if (!may_propose(replica))
		return;
	entry_builder_clear(&replica->builder);
	replica->flight.has_register = false;
	if (replica->registered == REGISTER_WANTED)
		build_register(replica);
	else if (replica->registered == REGISTER_DONE)
		build_some(replica);
	if (replica->builder.count == 0)
		return;
	replica_view(replica, &view);
	flight_begin(replica, &view);
}

static bool has_something(const struct replica *replica)
{
	return replica->registered == REGISTER_WANTED ||
	       (replica->registered == REGISTER_DONE &&
		(!list_empty(&replica->pending) ||
		 replica_claim_has_something(replica)));
}

/* At the end of the turn, so that all of it goes into one entry. */
void replica_propose_kick(struct replica *replica)
{
	if (replica->propose_posted || !has_something(replica) ||
	    !may_propose(replica))
		return;
	replica->propose_posted = true;
	task_post(replica->options.log_loop, &replica->propose_task,
		  propose_run);
}

void replica_propose_after(struct replica *replica,
			   const struct compat_view *view)
{
	struct replica_flight *flight = &replica->flight;

	if (flight->active &&
	    (view->state != RAFT_LEADER || view->term != flight->term)) {
		PROBE("propose: leadership lost with an entry under way");
		flight->active = false;
		repropose(replica, true);
	} else if (flight->active && view->last_applied >= flight->index) {
		flight->active = false;
	}
	replica_propose_kick(replica);
}

/* ---- answers of the state ---- */

/* Model step P12: for none of what waits is this an answer. */
static void fenced(struct replica *replica)
{
	const struct replica_hooks *hooks = &replica->options.hooks;

	if (replica->registered == REGISTER_FENCED)
		return;
	LOG_ERROR("group %u: another life of this node exists, or it was "
		  "removed: this one is over",
		  replica->options.group);
	replica->registered = REGISTER_FENCED;
	replica_propose_end(replica, ERR_FENCED);
	if (hooks->fenced != NULL)
		hooks->fenced(hooks->arg, replica);
}

static void set_incarnation(struct replica *replica, uint32_t start_count)
{
	replica->incarnation = start_count;
	atomic_store(&replica->published.incarnation, start_count);
}

static void answer_taken(struct replica *replica, uint64_t highest)
{
	const struct replica_hooks *hooks = &replica->options.hooks;

	if (highest >= UINT32_MAX) {
		fenced(replica);
		return;
	}
	LOG_WARN("group %u: start count %u of this node is taken; the group "
		 "knows %llu",
		 replica->options.group, replica->incarnation,
		 (unsigned long long)highest);
	replica->registered = REGISTER_RAISING;
	hooks->raise(hooks->arg, replica, (uint32_t)highest + 1);
}

void replica_raised(struct replica *replica, uint32_t start_count)
{
	if (replica->registered != REGISTER_RAISING)
		return;
	MUST(start_count > replica->incarnation);
	set_incarnation(replica, start_count);
	replica->registered = REGISTER_WANTED;
	replica_propose_kick(replica);
}

/* Model step P4. */
static void answer_register(struct replica *replica,
			    const struct slots_answer *answer)
{
	if (replica->registered != REGISTER_SENT ||
	    answer->boot != replica->options.boot)
		return; /* of an earlier life, or said again */
	if (answer->verdict == SLOTS_TAKEN) {
		answer_taken(replica, answer->highest);
		return;
	}
	MUST(answer->verdict == SLOTS_REGISTERED);
	replica->registered = REGISTER_DONE;
	slots_reset(replica);
	reserving_serve(replica);
}

/* Model step P11. */
static void answer_resolved(struct replica *replica,
			    struct slots_answer *answer, uint64_t index)
{
	struct proposer_slot *slot = &replica->slots[answer->op.slot];
	struct proposal *proposal = slot->proposal;
	struct buf payload;

	if (proposal == NULL || proposal->op.turn != answer->op.turn)
		return; /* said again */
	if (proposal->state == PROPOSAL_QUEUED)
		pending_remove(replica, proposal);
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
		replica_proposal_answer(proposal, answer->result.refusal,
					PROPOSAL_KEPT);
		return;
	}
	slot_free(replica, answer->op.slot, true);
	replica_proposal_answer(proposal, answer->result.refusal,
				PROPOSAL_IDLE);
}

static void answer_one(struct replica *replica, struct applier_answer *item)
{
	struct slots_answer *answer = &item->answer;
	uint32_t incarnation = proposer_incarnation(answer->op.proposer);

	if (command_op_is_claim(&answer->op)) {
		replica_claim_answer(replica, answer, item->index);
		return;
	}
	if (proposer_node(answer->op.proposer) !=
	    proposer_node(replica->options.raft_id))
		return;
	if (incarnation > replica->incarnation &&
	    replica->registered == REGISTER_DONE) {
		fenced(replica);
		return;
	}
	if (incarnation != replica->incarnation)
		return;
	if (answer->kind == COMMAND_REGISTER)
		answer_register(replica, answer);
	else if (answer->verdict == SLOTS_FENCED)
		fenced(replica);
	else if (answer->verdict == SLOTS_RESOLVED)
		answer_resolved(replica, answer, item->index);
}

void replica_propose_answers(struct replica *replica, struct list *answers)
{
	for (;;) {
		struct list *link = list_take(answers);
		struct applier_answer *item;

		if (link == NULL)
			break;
		item = LIST_ENTRY(link, struct applier_answer, link);
		answer_one(replica, item);
		applier_answer_free(item);
	}
	reserving_serve(replica);
	replica_propose_kick(replica);
}

/* ---- deadlines ---- */

static void reserving_tick(struct replica *replica, uint64_t now)
{
	LIST_FOREACH_SAFE (&replica->reserving, it) {
		struct proposal *proposal =
			LIST_ENTRY(it, struct proposal, link);

		if (proposal->deadline_at_ms > now)
			return; /* all wait equally long */
		replica->reserving_count--;
		replica_proposal_answer(proposal,
					replica->registered == REGISTER_DONE
						? ERR_BUSY
						: ERR_UNAVAILABLE,
					PROPOSAL_IDLE);
	}
}

/*
 * Model step P9. Sent: a CANCEL takes its place, again and again. Never sent:
 * refused.
 */
static void deadline(struct replica *replica, struct proposal *proposal)
{
	struct proposer_slot *slot = &replica->slots[proposal->op.slot];

	if (!proposal->sent) {
		if (proposal->state == PROPOSAL_QUEUED)
			proposal_refuse(replica, proposal, ERR_UNAVAILABLE);
		return;
	}
	if (!slot->cancel)
		PROBE("propose: a deadline passed with the outcome unknown");
	slot->cancel = true;
	if (proposal->state == PROPOSAL_PROPOSED)
		pending_put(replica, proposal);
	proposal->deadline_at_ms =
		replica_now(replica) + REPLICA_PROPOSE_MS; /* then again */
}

void replica_propose_tick(struct replica *replica)
{
	uint64_t now = replica_now(replica);

	reserving_tick(replica, now);
	replica_claim_tick(replica, now);
	if (replica->slots_taken == 0)
		return;
	for (uint32_t slot = 0; slot < COMMAND_SLOTS; slot++) {
		struct proposal *proposal = replica->slots[slot].proposal;

		if (proposal != NULL && proposal->deadline_at_ms <= now)
			deadline(replica, proposal);
	}
	replica_propose_kick(replica);
}

/* ---- the end ---- */

/* What is only reserved hears it when it is submitted. */
static void slot_end(struct replica *replica, struct proposal *proposal,
		     enum err unknown)
{
	if (!proposal->sent) {
		proposal_refuse(replica, proposal, ERR_UNAVAILABLE);
		return;
	}
	if (proposal->state == PROPOSAL_QUEUED)
		pending_remove(replica, proposal);
	slot_free(replica, proposal->op.slot, false);
	replica_proposal_answer(proposal, unknown, PROPOSAL_IDLE);
}

void replica_propose_end(struct replica *replica, enum err unknown)
{
	while (!list_empty(&replica->reserving)) {
		replica->reserving_count--;
		replica_proposal_answer(LIST_ENTRY(replica->reserving.next,
						   struct proposal, link),
					ERR_UNAVAILABLE, PROPOSAL_IDLE);
	}
	for (uint32_t slot = 0; slot < COMMAND_SLOTS; slot++)
		if (replica->slots[slot].proposal != NULL)
			slot_end(replica, replica->slots[slot].proposal,
				 unknown);
	replica_claim_end(replica, unknown);
}

void replica_propose_init(struct replica *replica)
{
	slots_reset(replica);
	list_init(&replica->reserving);
	list_init(&replica->pending);
	list_init(&replica->claiming);
	set_incarnation(replica, replica->options.start_count);
	replica->registered = REGISTER_WANTED;
}
