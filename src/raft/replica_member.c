/*
 * Changes of a group's configuration, and transfers (replica_member.h).
 *
 * Happy path of a change: it is compared with the newest configuration and with
 * what the replicas have reported, raft appends it, and it is answered when the
 * state shows it as committed. Then a barrier follows, so that every replica
 * has an entry behind it, and each of them cuts its log at the next quiet
 * moment: a marker that carries the new configuration.
 *
 * Failures: leadership is lost with the change in the log: nobody knows what
 * becomes of it. A promoted replica that is not quite level is waited for while
 * nothing is proposed, so that the change is appended in the step that has
 * looked at everything; libraft would append it later, by itself.
 *
 * "Model step" is a step of test/model/bodies.c: change it there first.
 */
#include "raft/replica_member.h"

#include <pthread.h>
#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/panic.h"
#include "raft/replica_impl.h"

/* ---- answers ---- */

static void change_run_done(struct task *task)
{
	struct replica_change *change =
		container_of(task, struct replica_change, task);

	change->done(change); /* may free it */
}

static void change_answer(struct replica_change *change, enum err err,
			  const char *why)
{
	change->err = err;
	change->why = why;
	task_post(change->home, &change->task, change_run_done);
}

/* ---- may it be appended? ---- */

struct verdict {
	enum err err;
	const char *why;
};

#define GOOD ((struct verdict){ ERR_NONE, NULL })

static struct verdict refuse(enum err err, const char *why)
{
	return (struct verdict){ err, why };
}

/* Model step B11. */
static struct verdict check_conf(struct replica *replica,
				 const struct replica_change *change)
{
	struct compat_view view;

	if (replica->state != REPLICA_RUNNING || replica->park_why != NULL)
		return refuse(ERR_UNAVAILABLE, "the replica does not serve");
	if (!rules_leader_ready(&replica->io.rules))
		return refuse(ERR_NOT_LEADER, "this replica does not lead");
	replica_view(replica, &view);
	if (MUTANT("M19"))
		return GOOD;
	if (replica->member.active != NULL)
		return refuse(ERR_INUSE, "another change is under way");
	if (view.conf_uncommitted_index != 0)
		return refuse(ERR_STALE, "the newest configuration is not "
					 "committed yet");
	if (change->conf_index != view.conf_index)
		return refuse(ERR_STALE, "there is a newer configuration");
	return GOOD;
}

/*
 * Model step B9. The barrier is the newest configuration itself: it is behind
 * the moment when the replica became a standby, and the last change of voters.
 */
static struct verdict check_promotion(struct replica *replica,
				      const struct replica_change *change)
{
	struct compat_view view;
	uint64_t barrier;

	replica_view(replica, &view);
	barrier = view.conf_index;
	if (MUTANT("M48"))
		barrier = replica->member.standby_since;
	if (replica_report_best(replica, change->raft_id) < barrier) {
		PROBE("member: a promotion waits for bodies");
		return refuse(ERR_MISSING_BODY,
			      "it has not reported all bodies that were named "
			      "before the last change");
	}
	return GOOD;
}

/* Model step B10. */
static struct verdict check_removal(struct replica *replica,
				    const struct replica_change *change)
{
	const struct raft_configuration *conf = compat_conf(&replica->raft);
	struct compat_view view;
	unsigned remaining = 0;
	unsigned good = 0;

	replica_view(replica, &view);
	for (unsigned i = 0; i < conf->n; i++) {
		const struct raft_server *server = &conf->servers[i];

		if (server->role != RAFT_VOTER || server->id == change->raft_id)
			continue;
		remaining++;
		if (replica_report_best(replica, server->id) >= view.conf_index)
			good++;
	}
	if (remaining == 0)
		return refuse(ERR_INVALID, "it is the only voter");
	if (good <= remaining / 2 && !change->lose_bodies) {
		PROBE("member: a removal waits for bodies");
		return refuse(ERR_MISSING_BODY,
			      "too few of the voters that remain have "
			      "reported all bodies that were named before the "
			      "last change");
	}
	return GOOD;
}

static struct verdict check_add(struct replica *replica,
				const struct replica_change *change)
{
	size_t len = change->address == NULL ? 0 : strlen(change->address);

	if (change->raft_id == 0 || len == 0 || len > COMPAT_ADDRESS_MAX)
		return refuse(ERR_INVALID, "no raft id, or no address");
	if (compat_conf(&replica->raft)->n >= COMPAT_SERVERS_MAX)
		return refuse(ERR_LIMIT, "the group has too many replicas");
	if (compat_server(&replica->raft, change->raft_id) != NULL)
		return refuse(ERR_EXISTS, "the raft id is in the group");
	return GOOD;
}

static struct verdict check_server(struct replica *replica,
				   const struct replica_change *change)
{
	const struct raft_server *server =
		compat_server(&replica->raft, change->raft_id);
	int role = change->kind == REPLICA_ASSIGN ? (int)change->role : -1;

	if (server == NULL)
		return refuse(ERR_NOTFOUND, "the group has no such replica");
	if (server->role == role)
		return refuse(ERR_INVALID, "it has this role already");
	if (role == RAFT_VOTER)
		return check_promotion(replica, change);
	if (server->role == RAFT_VOTER)
		return check_removal(replica, change);
	return GOOD;
}

static struct verdict check(struct replica *replica,
			    const struct replica_change *change)
{
	struct verdict verdict = check_conf(replica, change);

	if (verdict.err != ERR_NONE)
		return verdict;
	return change->kind == REPLICA_ADD ? check_add(replica, change)
					   : check_server(replica, change);
}

/* ---- appending ---- */

static bool has_all_entries(struct replica *replica, uint64_t raft_id)
{
	struct compat_view view;

	replica_view(replica, &view);
	return replica_io_matched(&replica->io, raft_id) == view.last_index;
}

static enum err append(struct replica *replica,
		       const struct replica_change *change)
{
	struct raft *raft = &replica->raft;
	struct raft_change *req = &replica->member.req;

	switch (change->kind) {
	case REPLICA_ADD:
		return compat_add(raft, req, change->raft_id, change->address);
	case REPLICA_ASSIGN:
		return compat_assign(raft, req, change->raft_id,
				     (int)change->role);
	case REPLICA_REMOVE:
		return compat_remove(raft, req, change->raft_id);
	}
	return ERR_INVALID;
}

static const char *const kind_names[] = {
	[REPLICA_ADD] = "add",
	[REPLICA_ASSIGN] = "assign",
	[REPLICA_REMOVE] = "remove",
};

static void change_append(struct replica *replica,
			  struct replica_change *change)
{
	struct compat_view view;
	enum err err;

	CRASH_POINT("member_before_change");
	err = append(replica, change);
	if (err != ERR_NONE) {
		PROBE("member: raft refused a change");
		change_answer(change, err, "raft refuses it now");
		return;
	}
	CRASH_POINT("member_after_change");
	replica_view(replica, &view);
	change->term = view.term;
	change->index = view.conf_index;
	replica->member.active = change;
	LOG_INFO("group %u: %s replica %llx, role %d: entry %llu",
		 replica->options.group, kind_names[change->kind],
		 (unsigned long long)change->raft_id, (int)change->role,
		 (unsigned long long)change->index);
	rules_after(&replica->io.rules);
}

/* A promotion of one that is not quite level: nothing is proposed meanwhile. */
static bool must_wait(struct replica *replica,
		      const struct replica_change *change)
{
	return change->kind == REPLICA_ASSIGN &&
	       change->role == REPLICA_VOTER &&
	       !has_all_entries(replica, change->raft_id);
}

/* All of it in one step, each time anew (twin `change_two_steps`). */
static void change_step(struct replica *replica, struct replica_change *change)
{
	struct replica_member *member = &replica->member;
	struct verdict verdict = check(replica, change);

	member->waiting = NULL;
	if (verdict.err != ERR_NONE) {
		change_answer(change, verdict.err, verdict.why);
	} else if (!must_wait(replica, change)) {
		change_append(replica, change);
	} else if (replica_now(replica) < change->deadline_at_ms) {
		PROBE("member: a promoted replica is not quite level");
		member->waiting = change;
	} else {
		change_answer(change, ERR_BUSY, "it lags behind the leader");
	}
}

static void change_run(struct task *task)
{
	struct replica_change *change =
		container_of(task, struct replica_change, task);
	struct replica *replica = change->replica;

	if (replica->member.waiting != NULL) {
		change_answer(change, ERR_INUSE, "another change is under way");
		return;
	}
	change->deadline_at_ms = replica_now(replica) + REPLICA_CATCH_UP_MS;
	change_step(replica, change);
	replica_propose_kick(replica);
}

void replica_change(struct replica *replica, struct replica_change *change,
		    replica_change_done *done)
{
	change->replica = replica;
	change->done = done;
	task_post(replica->options.log_loop, &change->task, change_run);
}

/* ---- what became of it ---- */

static bool is_committed(const struct replica_change *change,
			 const struct compat_view *view)
{
	return view->term == change->term &&
	       view->conf_index == change->index &&
	       view->conf_uncommitted_index == 0 &&
	       view->commit_index >= change->index;
}

/*
 * So that every replica applies something behind the configuration. The request
 * is raft's until it is applied: as of now, not of when we were called.
 */
static void add_barrier(struct replica *replica)
{
	struct replica_member *member = &replica->member;
	struct compat_view view;

	replica_view(replica, &view);
	if (view.state != RAFT_LEADER ||
	    (member->barrier_term == view.term &&
	     member->barrier_index > view.last_applied))
		return;
	if (compat_barrier(&replica->raft, &member->barrier) != 0)
		return; /* the next entry does as well */
	replica_view(replica, &view);
	member->barrier_term = view.term;
	member->barrier_index = view.last_index;
}

static void active_step(struct replica *replica, const struct compat_view *view)
{
	struct replica_member *member = &replica->member;
	struct replica_change *change = member->active;

	if (is_committed(change, view)) {
		member->active = NULL;
		change_answer(change, ERR_NONE, NULL);
		add_barrier(replica);
	} else if (view->state != RAFT_LEADER || view->term != change->term) {
		PROBE("member: leadership lost with a change in the log");
		member->active = NULL;
		change_answer(change, ERR_LEADER_LOST, NULL);
	}
}

/* ---- the configuration, for everybody ---- */

static bool was_standby(const struct replica_conf *conf, uint64_t raft_id)
{
	for (unsigned i = 0; i < conf->count; i++)
		if (conf->servers[i].raft_id == raft_id)
			return conf->servers[i].role == REPLICA_STANDBY;
	return false;
}

/* Since when the youngest of the standbys is one. */
static void note_standbys(struct replica *replica,
			  const struct compat_view *view)
{
	const struct raft_configuration *conf = compat_conf(&replica->raft);

	for (unsigned i = 0; i < conf->n; i++)
		if (conf->servers[i].role == RAFT_STANDBY &&
		    !was_standby(&replica->conf, conf->servers[i].id))
			replica->member.standby_since = view->conf_index;
}

static void conf_copy(struct replica *replica, const struct compat_view *view)
{
	const struct raft_configuration *conf = compat_conf(&replica->raft);
	struct replica_conf *ours = &replica->conf;

	ours->index = view->conf_index;
	ours->committed = view->conf_uncommitted_index == 0 &&
			  view->conf_index <= view->commit_index;
	ours->count = 0;
	for (unsigned i = 0; i < conf->n && i < COMPAT_SERVERS_MAX; i++) {
		struct replica_server *server = &ours->servers[ours->count++];
		size_t len = strlen(conf->servers[i].address);

		MUST(len <= COMPAT_ADDRESS_MAX);
		server->raft_id = conf->servers[i].id;
		server->role = (enum replica_role)conf->servers[i].role;
		memcpy(server->address, conf->servers[i].address, len + 1);
	}
}

static void conf_publish(struct replica *replica,
			 const struct compat_view *view)
{
	const struct replica_conf *ours = &replica->conf;
	bool committed = view->conf_uncommitted_index == 0 &&
			 view->conf_index <= view->commit_index;
	const struct replica_hooks *hooks = &replica->options.hooks;
	bool first = ours->index == 0;

	if (ours->index == view->conf_index && ours->committed == committed)
		return;
	note_standbys(replica, view);
	replica_lock(replica);
	conf_copy(replica, view);
	replica_unlock(replica);
	if (committed && !first)
		replica->member.cut_behind = view->conf_index;
	if (hooks->changed != NULL)
		hooks->changed(hooks->arg, replica);
}

void replica_get_conf(struct replica *replica, struct replica_conf *conf_r)
{
	replica_lock(replica);
	*conf_r = replica->conf;
	replica_unlock(replica);
}

/* A marker with the newest configuration is not written yet. */
bool replica_member_wants_cut(struct replica *replica)
{
	struct replica_member *member = &replica->member;
	struct wal_state state;

	if (member->cut_behind == 0)
		return false;
	wal_group_get_state(replica->io.log, &state);
	if (state.marker.index >= member->cut_behind)
		member->cut_behind = 0;
	return member->cut_behind != 0;
}

/* ---- driven by the replica ---- */

bool replica_member_holds(const struct replica *replica)
{
	return replica->member.waiting != NULL;
}

void replica_member_after(struct replica *replica,
			  const struct compat_view *view)
{
	struct replica_member *member = &replica->member;

	conf_publish(replica, view);
	if (member->active != NULL)
		active_step(replica, view);
	if (member->waiting != NULL && !member->stepping) {
		member->stepping = true; /* the step comes back to us */
		change_step(replica, member->waiting);
		member->stepping = false;
	}
}

void replica_member_heard(struct replica *replica)
{
	if (replica->member.waiting != NULL)
		replica_after(replica);
}

void replica_member_end(struct replica *replica)
{
	struct replica_member *member = &replica->member;

	if (member->active != NULL)
		change_answer(member->active, ERR_CLOSED, NULL);
	if (member->waiting != NULL)
		change_answer(member->waiting, ERR_UNAVAILABLE,
			      "the replica does not serve");
	member->active = NULL;
	member->waiting = NULL;
}

/* ---- transfers ---- */

enum err replica_transfer(struct replica *replica, uint64_t raft_id)
{
	const struct raft_server *server;
	enum err err;

	if (replica->state != REPLICA_RUNNING || replica->park_why != NULL ||
	    !replica_is_raft_leader(replica))
		return ERR_NOT_LEADER;
	server = compat_server(&replica->raft, raft_id);
	if (server == NULL || server->role != RAFT_VOTER ||
	    raft_id == replica->options.raft_id)
		return ERR_INVALID;
	if (!has_all_entries(replica, raft_id) && !MUTANT("M44"))
		return ERR_BUSY;
	err = compat_transfer(&replica->raft, &replica->member.transfer,
			      raft_id);
	rules_after(&replica->io.rules);
	return err;
}

enum err replica_transfer_any(struct replica *replica)
{
	const struct raft_configuration *conf;

	if (!replica->raft_open || replica->raft_closed)
		return ERR_NOT_LEADER;
	conf = compat_conf(&replica->raft);
	for (unsigned i = 0; i < conf->n; i++) {
		uint64_t id = conf->servers[i].id;

		if (id != replica->options.raft_id &&
		    conf->servers[i].role == RAFT_VOTER &&
		    has_all_entries(replica, id))
			return replica_transfer(replica, id);
	}
	return ERR_BUSY;
}
