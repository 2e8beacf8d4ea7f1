/*
 * The safety rules around libraft's core (rules.h).
 *
 * Happy path of a message: rules_recv notes what raft is about to handle,
 * raft's callback runs, answers that it sends on the way pass rules_send,
 * which knows from the note what may be acknowledged; then rules_after looks
 * at the state that raft is in now.
 */
#include "raft/rules.h"

#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/panic.h"

void rules_init(struct rules *rules, struct raft *raft,
		const struct rules_port *port, void *port_arg,
		unsigned heartbeat_ms)
{
	*rules = (struct rules){
		.raft = raft,
		.port = port,
		.port_arg = port_arg,
		.heartbeat_ms = heartbeat_ms,
	};
}

static void held_clear(struct rules *rules)
{
	for (unsigned i = 0; i < rules->held_count; i++)
		mem_free(rules->held[i].address);
	rules->held_count = 0;
}

void rules_fini(struct rules *rules)
{
	held_clear(rules);
	mem_free(rules->held);
	rules->held = NULL;
	rules->held_cap = 0;
}

static struct compat_view view(struct rules *rules)
{
	struct compat_view v;

	compat_view(rules->raft, &v);
	return v;
}

/* ---- R1: what a follower acknowledges ---- */

/* False: this acknowledgement must not leave. */
static bool ack_clamp(struct rules *rules,
		      struct raft_append_entries_result *result)
{
	uint64_t limit = result->last_log_index;

	switch (rules->context) {
	case RULES_IN_APPEND_ENTRIES:
		limit = rules->limit;
		break;
	case RULES_IN_COMPLETION:
		if (rules->stale) {
			PROBE("R1: an acknowledgement to a new leader");
			return false;
		}
		limit = rules->limit;
		break;
	case RULES_IN_INSTALL:
		limit = view(rules).last_stored;
		break;
	case RULES_ELSEWHERE:
		break;
	}
	if (result->last_log_index > limit) {
		PROBE("R1: an acknowledgement was clamped");
		result->last_log_index = limit;
	}
	return true;
}

/*
 * R2: replication begins with the barrier. A core that must not be refused has
 * put a barrier of its own into the same step.
 */
static bool must_wait_for_barrier(struct rules *rules,
				  const struct raft_message *message)
{
	struct compat_view v = view(rules);

	if (message->type != RAFT_IO_APPEND_ENTRIES || MUTANT("M03") ||
	    !COMPAT_SEND_MAY_FAIL)
		return false;
	return v.state == RAFT_LEADER && rules->led_term != v.term;
}

int rules_send(struct rules *rules, struct raft_io_send *req,
	       const struct raft_message *message, raft_io_send_cb cb)
{
	const struct rules_port *port = rules->port;
	struct raft_message copy = *message;

	if (must_wait_for_barrier(rules, message))
		return RAFT_NOCONNECTION;
	if (message->type == RAFT_IO_APPEND_ENTRIES_RESULT &&
	    message->append_entries_result.rejected == 0 && !MUTANT("M02") &&
	    !ack_clamp(rules, &copy.append_entries_result)) {
		port->send_dropped(rules->port_arg, req, cb);
		return 0;
	}
	return port->send(rules->port_arg, req, &copy, cb);
}

/* ---- appends ---- */

/* One append between raft and the disk. */
struct guarded_append {
	struct raft_io_append req; /* what the raft_io sees */
	struct rules *rules;
	struct raft_io_append *theirs;
	raft_io_append_cb cb;
	uint64_t term;
	uint64_t last_index;
};

static void append_done(struct raft_io_append *req, int status)
{
	struct guarded_append *append = req->data;
	struct rules *rules = append->rules;

	rules->appends--;
	rules->context = RULES_IN_COMPLETION;
	rules->limit = append->last_index;
	rules->stale = view(rules).term != append->term;
	append->theirs->cb = append->cb;
	append->cb(append->theirs, status);
	rules->context = RULES_ELSEWHERE;
	mem_free(append);
	rules_after(rules);
}

int rules_append(struct rules *rules, struct raft_io_append *req,
		 const struct raft_entry *entries, unsigned n,
		 raft_io_append_cb cb)
{
	struct compat_view v = view(rules);
	struct guarded_append *append = mem_zalloc(1, sizeof(*append));
	int rv;

	append->rules = rules;
	append->theirs = req;
	append->cb = cb;
	append->term = v.term;
	append->last_index = v.last_index;
	append->req.data = append;
	rules->appends++;
	rv = rules->port->append(rules->port_arg, &append->req, entries, n,
				 append_done);
	if (rv != 0) {
		rules->appends--;
		mem_free(append);
	}
	return rv;
}

/* ---- R2: the barrier ---- */

static void held_replay(struct rules *rules)
{
	struct rules_held *held = rules->held;
	unsigned count = rules->held_count;

	rules->held = NULL;
	rules->held_count = 0;
	rules->held_cap = 0;
	for (unsigned i = 0; i < count; i++) {
		struct raft_message message;

		compat_message_init(&message, RAFT_IO_APPEND_ENTRIES_RESULT);
		message.server_id = held[i].id;
		message.server_address = held[i].address;
		message.append_entries_result = held[i].result;
		rules->port->recv(rules->port_arg, &message);
		mem_free(held[i].address);
	}
	mem_free(held);
}

static void held_put(struct rules *rules, const struct raft_message *message)
{
	struct rules_held *held = NULL;

	PROBE("R2: a success came before the barrier was stored");
	for (unsigned i = 0; i < rules->held_count; i++)
		if (rules->held[i].id == message->server_id)
			held = &rules->held[i];
	if (held == NULL) {
		if (rules->held_count == rules->held_cap) {
			rules->held_cap += 8; /* voters, few at a time */
			rules->held = mem_realloc(
				rules->held, rules->held_cap * sizeof(*held));
		}
		held = &rules->held[rules->held_count++];
		held->id = message->server_id;
		held->address = mem_dup(message->server_address,
					strlen(message->server_address));
	}
	held->result = message->append_entries_result;
}

/* A success that would be counted before our own entry is on our disk. */
static bool must_hold(const struct rules *rules, const struct compat_view *v,
		      const struct raft_message *message)
{
	const struct raft_append_entries_result *result =
		&message->append_entries_result;

	if (message->type != RAFT_IO_APPEND_ENTRIES_RESULT ||
	    v->state != RAFT_LEADER || MUTANT("M03"))
		return false;
	if (result->rejected != 0 || result->term != v->term)
		return false;
	return rules->led_term != v->term ||
	       v->last_stored < rules->barrier_index;
}

static void lead(struct rules *rules, const struct compat_view *v)
{
	if (MUTANT("M03")) {
		rules->led_term = v->term;
		rules->barrier_index = v->last_index;
		return;
	}
	held_clear(rules);
	/*
	 * Set first: the barrier itself goes out by rules_send. It may fail
	 * only when a transfer is under way, so it is tried again later.
	 */
	rules->led_term = v->term;
	rules->barrier_index = v->last_index + 1;
	if (compat_barrier(rules->raft, &rules->barrier) != 0) {
		PROBE("R2: the barrier was refused");
		rules->led_term = 0;
	}
}

bool rules_leader_ready(struct rules *rules)
{
	struct compat_view v = view(rules);

	return v.state == RAFT_LEADER && rules->led_term == v.term &&
	       v.last_applied >= rules->barrier_index;
}

void rules_after(struct rules *rules)
{
	struct compat_view v = view(rules);

	if (rules->closed)
		return;
	if (v.state == RAFT_UNAVAILABLE) {
		rules->port->unavailable(rules->port_arg);
		return;
	}
	if (v.state != RAFT_LEADER) {
		rules->led_term = 0;
		held_clear(rules);
	} else if (rules->led_term != v.term) {
		lead(rules, &v);
	} else if (rules->held_count > 0 &&
		   v.last_stored >= rules->barrier_index) {
		held_replay(rules);
	}
	rules->port->after(rules->port_arg);
}

/* ---- R3, R4: votes ---- */

static bool is_quiet(const struct rules *rules, const struct compat_view *v)
{
	return v->state == RAFT_FOLLOWER &&
	       (rules->appends > 0 || rules->snapshotting);
}

struct denial {
	struct raft_io_send req;
};

static void denial_sent(struct raft_io_send *req, int status)
{
	(void)status;
	mem_free(container_of(req, struct denial, req));
}

/* Says no without asking raft, which might say yes. */
static void deny(struct rules *rules, const struct compat_view *v,
		 const struct raft_message *message)
{
	const struct raft_request_vote *vote = &message->request_vote;
	struct denial *denial = mem_zalloc(1, sizeof(*denial));
	struct raft_message answer;

	PROBE("R3: a vote was denied while the disk is busy");
	compat_message_init(&answer, RAFT_IO_REQUEST_VOTE_RESULT);
	answer.server_id = message->server_id;
	answer.server_address = message->server_address;
	answer.request_vote_result.term = vote->pre_vote ? vote->term : v->term;
	compat_set_pre_vote(&answer, vote->pre_vote);
	if (rules->port->send(rules->port_arg, &denial->req, &answer,
			      denial_sent) != 0)
		mem_free(denial);
}

/* True: raft must not see this message. */
static bool is_refused(struct rules *rules, const struct compat_view *v,
		       const struct raft_message *message)
{
	const struct raft_request_vote *vote = &message->request_vote;

	if (message->type == RAFT_IO_TIMEOUT_NOW)
		return is_quiet(rules, v);
	if (message->type != RAFT_IO_REQUEST_VOTE)
		return false;
	if (!vote->pre_vote && vote->term == v->term && v->voted_for != 0 &&
	    v->voted_for != vote->candidate_id && !MUTANT("M04")) {
		PROBE("R4: a second vote was asked for");
		return true;
	}
	if (!is_quiet(rules, v))
		return false;
	deny(rules, v, message);
	return true;
}

/* ---- into raft ---- */

static void note_context(struct rules *rules,
			 const struct raft_message *message)
{
	const struct raft_append_entries *append = &message->append_entries;

	if (message->type == RAFT_IO_APPEND_ENTRIES) {
		rules->context = RULES_IN_APPEND_ENTRIES;
		rules->limit = append->prev_log_index + append->n_entries;
	} else if (message->type == RAFT_IO_INSTALL_SNAPSHOT) {
		rules->context = RULES_IN_INSTALL;
	}
}

/* Heartbeats without which a follower would begin an election. */
#define HEARTBEATS_MISSED 5

/*
 * A standby votes, too: it may be a voter and not know it yet. As it begins no
 * elections, it follows its last leader for ever and would tell everybody so:
 * after the time in which a voter loses patience it must not.
 */
static void vote_as_standby(struct rules *rules, struct raft_message *message)
{
	uint64_t now = rules->port->now_ms(rules->port_arg);
	uint64_t patience = HEARTBEATS_MISSED * (uint64_t)rules->heartbeat_ms;

	PROBE("rules: a standby was asked for its vote");
	if (now - rules->heard_ms > patience)
		message->request_vote.disrupt_leader = true;
	rules->port->recv(rules->port_arg, message);
	compat_vote_return(rules->raft);
}

static void give(struct rules *rules, struct raft_message *message)
{
	if (message->type == RAFT_IO_APPEND_ENTRIES)
		rules->heard_ms = rules->port->now_ms(rules->port_arg);
	if (message->type == RAFT_IO_REQUEST_VOTE &&
	    compat_vote_lend(rules->raft))
		vote_as_standby(rules, message);
	else
		rules->port->recv(rules->port_arg, message);
}

void rules_recv(struct rules *rules, struct raft_message *message)
{
	struct compat_view v = view(rules);

	if (is_refused(rules, &v, message)) {
		rules->port->discard(rules->port_arg, message);
		return;
	}
	if (must_hold(rules, &v, message)) {
		held_put(rules, message);
		return;
	}
	note_context(rules, message);
	give(rules, message);
	rules->context = RULES_ELSEWHERE;
	rules_after(rules);
}

void rules_tick(struct rules *rules)
{
	struct compat_view v = view(rules);
	uint64_t now = rules->port->now_ms(rules->port_arg);
	uint64_t since = now - rules->last_tick_ms;
	bool late = rules->ticked && since > 2 * (uint64_t)rules->heartbeat_ms;

	/* Never two in a row: a slow loop must not stop elections. */
	rules->ticked = !late;
	rules->last_tick_ms = now;
	if (late) {
		PROBE("R7: a late tick was skipped");
		return;
	}
	if (is_quiet(rules, &v)) {
		PROBE("R3: a tick was kept back while the disk is busy");
		return;
	}
	rules->port->tick(rules->port_arg);
	rules_after(rules);
}

void rules_enter_install(struct rules *rules)
{
	rules->context = RULES_IN_INSTALL;
}
