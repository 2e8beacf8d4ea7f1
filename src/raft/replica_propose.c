/*
 * How the commands of a replica's proposer, and those of other nodes, come into
 * the group's log (proposer.h, foreign.h).
 *
 * Happy path: the replica leads: at the end of a turn all that waits becomes
 * one entry, the only one under way (R12); what comes meanwhile goes into the
 * next. It follows: at the end of a turn all that waits goes to the leader. In
 * either case the answers come from this replica's own state; the leader passes
 * on those that nodes without a replica wait for.
 *
 * Failures: another leader or another term: what became of an entry or a frame
 * is unknown, so all that is not answered is proposed again under the same op
 * ids, and so is at a follower what waits for long. What the leader does not
 * take (replica_leader.c) it refuses; that is an answer only for a command of
 * its own that never left.
 *
 * "Model step" is a step of test/model/propose.pml: change it there first.
 */
#include "raft/replica_impl.h"

#include <string.h>

#include "base/fault.h"
#include "base/panic.h"
#include "raft/forward.h"

/* ---- for everybody ---- */

struct proposer *replica_proposer(struct replica *replica)
{
	return &replica->proposer;
}

void replica_reserve(struct replica *replica, struct proposal *proposal,
		     proposal_done *done)
{
	proposer_reserve(&replica->proposer, proposal, done);
}

void replica_submit(struct replica *replica, struct proposal *proposal,
		    proposal_done *done)
{
	proposer_submit(&replica->proposer, proposal, done);
}

void replica_release(struct replica *replica, struct proposal *proposal)
{
	proposer_release(&replica->proposer, proposal);
}

void replica_propose(struct replica *replica, struct proposal *proposal,
		     proposal_done *done)
{
	proposer_propose(&replica->proposer, proposal, done);
}

void replica_propose_as(struct replica *replica, struct proposal *proposal,
			const struct op_id *op, proposal_done *done)
{
	proposer_propose_as(&replica->proposer, proposal, op, done);
}

/* ---- what is said to other nodes ---- */

void replica_tell_leader(struct replica *replica, uint64_t to)
{
	const struct frame_note note = {
		.term = replica->leader_term,
		.raft_id = replica->leader,
	};
	struct buf frame = { 0 };

	frame_put_note(&frame, FRAME_LEADER, &note);
	outbox_send(&replica->outbox, to, &frame);
	buf_fini(&frame);
}

static void tell_refused(struct replica *replica, uint64_t to,
			 const struct op_id *op, enum err err)
{
	const struct frame_refused refused = { *op, err };
	struct buf frame = { 0 };

	frame_begin(&frame, FRAME_REFUSED);
	frame_add_refused(&frame, &refused);
	outbox_send(&replica->outbox, to, &frame);
	buf_fini(&frame);
}

/* ---- entries ---- */

static bool build_own(struct replica *replica)
{
	struct proposer *proposer = &replica->proposer;
	struct command command;

	while (proposer_next(proposer, &command)) {
		enum err err = replica_leader_check(replica, &command);

		if (err != ERR_NONE) {
			proposer_drop(proposer, err);
			continue;
		}
		if (!entry_builder_add(&replica->builder, &command))
			return false;
		proposer_pass(proposer);
	}
	return true;
}

static bool build_foreign(struct replica *replica)
{
	struct foreign *foreign = &replica->foreign;
	struct foreign_command *it;

	while ((it = foreign_next(foreign)) != NULL) {
		enum err err = replica_leader_check(replica, &it->command);

		if (err != ERR_NONE) {
			tell_refused(replica, it->from, &it->command.op, err);
			foreign_drop(foreign, it);
			continue;
		}
		if (!entry_builder_add(&replica->builder, &it->command))
			return false;
		foreign_pass(foreign, it);
	}
	return true;
}

/* By turns, so that neither starves the other. */
static void build(struct replica *replica)
{
	bool (*const first)(struct replica *) =
		replica->foreign_first ? build_foreign : build_own;
	bool (*const second)(struct replica *) =
		replica->foreign_first ? build_own : build_foreign;

	entry_builder_clear(&replica->builder);
	replica->foreign_first = !replica->foreign_first;
	if (first(replica))
		(void)second(replica);
}

static void settle(struct replica *replica, bool left)
{
	proposer_settle(&replica->proposer, left);
	foreign_settle(&replica->foreign, left);
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
		settle(replica, false);
		return;
	}
	flight->active = true;
	settle(replica, true);
	CRASH_POINT("proposed");
	rules_after(&replica->io.rules);
}

static bool may_lead_entry(struct replica *replica)
{
	if (!replica_is_live(replica) || replica->flight.active ||
	    replica_member_holds(replica) || replica->importing)
		return false;
	if (replica->applier.queued_octets > APPLIER_BACKLOG_MAX)
		return false;
	return rules_leader_ready(&replica->io.rules);
}

static bool may_forward(const struct replica *replica)
{
	return replica_follows(replica) && !outbox_is_full(&replica->outbox);
}

static void propose_run(struct task *task)
{
	struct replica *replica =
		container_of(task, struct replica, propose_task);
	struct compat_view view;

	replica->propose_posted = false;
	if (may_forward(replica)) {
		forward_commands(&replica->proposer, &replica->outbox,
				 replica->leader);
		return;
	}
	if (!may_lead_entry(replica))
		return;
	build(replica);
	if (replica->builder.count == 0)
		return;
	replica_view(replica, &view);
	flight_begin(replica, &view);
}

static bool has_something(const struct replica *replica)
{
	return proposer_has_next(&replica->proposer) ||
	       foreign_next(&replica->foreign) != NULL;
}

/* At the end of the turn, so that all of it goes into one entry or frame. */
void replica_propose_kick(struct replica *replica)
{
	if (replica->propose_posted || !has_something(replica))
		return;
	if (!may_forward(replica) && !may_lead_entry(replica))
		return;
	replica->propose_posted = true;
	task_post(replica->options.log_loop, &replica->propose_task,
		  propose_run);
}

void replica_propose_after(struct replica *replica,
			   const struct compat_view *view)
{
	struct replica_flight *flight = &replica->flight;

	if (flight->active && view->last_applied >= flight->index)
		flight->active = false;
	replica_propose_kick(replica);
}

/*
 * The commands of others are forgotten: their proposers see the new leader,
 * too, or ask for it.
 */
void replica_propose_led_anew(struct replica *replica)
{
	if (replica->flight.active)
		PROBE("propose: leadership lost with an entry under way");
	replica->flight.active = false;
	foreign_clear(&replica->foreign);
	proposer_repeat(&replica->proposer);
}

/* ---- commands of other nodes ---- */

/* Nobody speaks for another node; a claim's op id is of no node. */
static bool may_speak_for(uint64_t from, const struct op_id *op)
{
	return proposer_node(op->proposer) == (uint32_t)(from >> 32) ||
	       command_op_is_claim(op);
}

static enum err take_command(struct replica *replica, uint64_t from,
			     const struct command *command)
{
	if (!may_speak_for(from, &command->op))
		return ERR_DENIED;
	if (replica_is_full_for(replica, command->kind))
		return ERR_FULL;
	return foreign_add(&replica->foreign, from, command);
}

static void receive_commands(struct replica *replica, uint64_t from,
			     struct slice fields)
{
	struct command command;
	struct buf refusals = { 0 };
	enum err err;

	frame_begin(&refusals, FRAME_REFUSED);
	while (frame_next_command(&fields, &command) == ERR_NONE) {
		struct frame_refused refused = { .op = command.op };

		err = take_command(replica, from, &command);
		if (err == ERR_NONE || err == ERR_EXISTS)
			continue;
		refused.err = err;
		frame_add_refused(&refusals, &refused);
	}
	if (refusals.len > FRAME_HEAD)
		outbox_send(&replica->outbox, from, &refusals);
	buf_fini(&refusals);
	replica_propose_kick(replica);
}

static void receive_refusals(struct replica *replica, struct slice fields)
{
	struct frame_refused refused;

	while (frame_next_refused(&fields, &refused) == ERR_NONE)
		proposer_refused(&replica->proposer, &refused.op, refused.err);
}

void replica_propose_receive(struct replica *replica, uint64_t from,
			     enum frame_kind kind, struct slice fields)
{
	if (kind == FRAME_REFUSED)
		receive_refusals(replica, fields);
	else if (replica->leader == replica->options.raft_id)
		receive_commands(replica, from, fields);
	else
		replica_tell_leader(replica, from);
}

/* ---- answers of the state ---- */

/* An ANSWER in the making; one receiver after the other. */
struct answer_frame {
	struct replica *replica;
	uint64_t to;
	struct buf octets;
};

static void answer_flush(struct answer_frame *frame)
{
	if (frame->octets.len > FRAME_HEAD)
		outbox_send(&frame->replica->outbox, frame->to, &frame->octets);
	buf_clear(&frame->octets);
}

static void answer_put(struct answer_frame *frame, uint64_t to,
		       const struct applier_answer *item)
{
	const struct slots_answer *answer = &item->answer;
	const struct frame_answer fields = {
		.op = answer->op,
		.kind = answer->kind,
		.verdict = answer->verdict,
		.refusal = answer->result.refusal,
		.payload = buf_slice(&answer->result.payload),
		.index = item->index,
		.highest = answer->highest,
		.boot = answer->boot,
	};

	if (frame->to != to)
		answer_flush(frame);
	frame->to = to;
	if (frame->octets.len == 0)
		frame_begin(&frame->octets, FRAME_ANSWER);
	if (frame_add_answer(&frame->octets, &fields))
		return;
	answer_flush(frame);
	frame_begin(&frame->octets, FRAME_ANSWER);
	MUST(frame_add_answer(&frame->octets, &fields));
}

/* A node without a replica has no incarnation of one in its raft id. */
static bool has_no_replica(uint64_t raft_id)
{
	return (uint32_t)raft_id == 0;
}

static void answer_foreign(struct replica *replica, struct answer_frame *frame,
			   const struct applier_answer *item)
{
	const struct op_id *op = &item->answer.op;
	struct foreign_command *it;

	while ((it = foreign_take(&replica->foreign, op)) != NULL) {
		if (has_no_replica(it->from) &&
		    item->answer.verdict != SLOTS_DROPPED)
			answer_put(frame, it->from, item);
		foreign_free(it);
	}
}

void replica_propose_answers(struct replica *replica, struct list *answers)
{
	struct answer_frame frame = { .replica = replica };

	for (;;) {
		struct list *link = list_take(answers);
		struct applier_answer *item;

		if (link == NULL)
			break;
		item = LIST_ENTRY(link, struct applier_answer, link);
		answer_foreign(replica, &frame, item);
		proposer_answer(&replica->proposer, &item->answer, item->index);
		applier_answer_free(item);
	}
	answer_flush(&frame);
	buf_fini(&frame.octets);
	replica_propose_kick(replica);
}

/* ---- time ---- */

void replica_propose_tick(struct replica *replica)
{
	proposer_tick(&replica->proposer);
	if (replica_follows(replica))
		proposer_repeat_old(&replica->proposer, REPLICA_REPEAT_MS);
	replica_propose_kick(replica);
}

/* ---- the proposer's port ---- */

static enum err port_may_submit(void *arg, uint16_t kind)
{
	struct replica *replica = arg;

	return replica_is_full_for(replica, kind) ? ERR_FULL : ERR_NONE;
}

static void port_waiting(void *arg)
{
	replica_propose_kick(arg);
}

static void port_raise(void *arg, uint32_t at_least)
{
	struct replica *replica = arg;
	const struct replica_hooks *hooks = &replica->options.hooks;

	hooks->raise(hooks->arg, replica, at_least);
}

static void port_fenced(void *arg)
{
	struct replica *replica = arg;
	const struct replica_hooks *hooks = &replica->options.hooks;

	if (hooks->fenced != NULL)
		hooks->fenced(hooks->arg, replica);
}

void replica_raised(struct replica *replica, uint32_t start_count)
{
	proposer_raised(&replica->proposer, start_count);
}

void replica_propose_init(struct replica *replica)
{
	static const struct proposer_port port = {
		.may_submit = port_may_submit,
		.waiting = port_waiting,
		.raise = port_raise,
		.fenced = port_fenced,
	};
	const struct replica_options *options = &replica->options;
	const struct proposer_options ours = {
		.group = options->group,
		.node = proposer_node(options->raft_id),
		.start_count = options->start_count,
		.boot = options->boot,
		.loop = options->log_loop,
		.clock = options->clock,
		.port = &port,
		.port_arg = replica,
	};

	proposer_init(&replica->proposer, &ours);
	foreign_init(&replica->foreign);
}
