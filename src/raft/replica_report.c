/*
 * Reports of replicas to their leader (replica_report.h).
 *
 * Happy path: a tick finds half a second gone by, or something new to say; the
 * report goes to who is believed to lead. There it is kept with its time. A
 * lost report is made good by the next one.
 *
 * The best frontier that a replica ever reported counts for ever: what it had
 * then it has, and a replica that lost its disk comes back under another id.
 */
#include "raft/replica_report.h"

#include <pthread.h>
#include <string.h>

#include "base/fault.h"
#include "base/pack.h"
#include "base/panic.h"
#include "raft/frame.h"
#include "raft/missing.h"
#include "raft/replica_impl.h"

/* ---- codec ---- */

enum report_flag {
	REPORT_PARKED = 1,
	REPORT_IMPORTING = 2,
};

void replica_report_encode(const struct replica_report *report, struct buf *out)
{
	uint8_t flags = 0;

	if (report->parked)
		flags |= REPORT_PARKED;
	if (report->importing)
		flags |= REPORT_IMPORTING;
	frame_begin(out, FRAME_REPORT);
	pack_u32(out, report->start_count);
	pack_u8(out, flags);
	pack_var(out, report->applied);
	pack_var(out, report->frontier);
	pack_var(out, report->missing);
	pack_var(out, report->import_done);
	pack_var(out, report->import_total);
}

enum err replica_report_decode(struct slice fields,
			       struct replica_report *report_r)
{
	struct unpack in = unpack_of(fields);
	uint8_t flags;

	report_r->start_count = unpack_u32(&in);
	flags = unpack_u8(&in);
	report_r->parked = (flags & REPORT_PARKED) != 0;
	report_r->importing = (flags & REPORT_IMPORTING) != 0;
	report_r->applied = unpack_var(&in, UINT64_MAX);
	report_r->frontier = unpack_var(&in, UINT64_MAX);
	report_r->missing = unpack_var(&in, UINT64_MAX);
	report_r->import_done = unpack_var(&in, UINT64_MAX);
	report_r->import_total = unpack_var(&in, UINT64_MAX);
	return unpack_end(&in) ? ERR_NONE : ERR_SYNTAX;
}

/* ---- about ourselves ---- */

/*
 * How far the state is. Entries that are no commands never get there; when the
 * applier has done all that raft gave it, they count as applied.
 */
static uint64_t applied_of(struct replica *replica)
{
	const struct applier *applier = &replica->applier;
	struct compat_view view;

	if (!replica->raft_open || replica->raft_closed ||
	    applier->done < applier->handed)
		return applier->done;
	replica_view(replica, &view);
	return view.last_applied > applier->done && !replica->importing
		       ? view.last_applied
		       : applier->done;
}

uint64_t replica_frontier(struct replica *replica)
{
	return missing_frontier(atomic_load(&replica->applier.missing_lowest),
				applied_of(replica));
}

static void report_make(struct replica *replica,
			struct replica_report *report_r)
{
	*report_r = (struct replica_report){
		.start_count = replica->options.start_count,
		.parked = replica->park_why != NULL,
		.importing = replica->importing,
		.applied = applied_of(replica),
		.missing = atomic_load(&replica->applier.missing_count),
	};
	if (!report_r->parked)
		report_r->frontier = replica_frontier(replica);
	replica_import_progress(replica, &report_r->import_done,
				&report_r->import_total);
}

/* ---- what the leader keeps; under `lock` ---- */

static struct replica_heard *heard_find(struct replica *replica, uint64_t id)
{
	struct replica_reports *reports = &replica->reports;

	for (unsigned i = 0; i < reports->count; i++)
		if (reports->heard[i].raft_id == id)
			return &reports->heard[i];
	return NULL;
}

/* Who is in the group no more makes room. */
static void heard_forget(struct replica *replica)
{
	struct replica_reports *reports = &replica->reports;
	unsigned kept = 0;

	for (unsigned i = 0; i < reports->count; i++)
		if (compat_server(&replica->raft, reports->heard[i].raft_id))
			reports->heard[kept++] = reports->heard[i];
	reports->count = kept;
}

static struct replica_heard *heard_get(struct replica *replica, uint64_t id)
{
	struct replica_reports *reports = &replica->reports;
	struct replica_heard *heard = heard_find(replica, id);

	if (heard != NULL)
		return heard;
	if (reports->count == COMPAT_SERVERS_MAX)
		heard_forget(replica);
	MUST(reports->count < COMPAT_SERVERS_MAX);
	heard = &reports->heard[reports->count++];
	*heard = (struct replica_heard){ .raft_id = id };
	return heard;
}

static void heard_put(struct replica *replica, uint64_t id,
		      const struct replica_report *report)
{
	struct replica_heard *heard;

	replica_lock(replica);
	heard = heard_get(replica, id);
	heard->report = *report;
	heard->at_ms = replica_now(replica);
	if (report->frontier > heard->best)
		heard->best = report->frontier;
	replica_unlock(replica);
}

void replica_report_receive(struct replica *replica, uint64_t from,
			    struct slice fields)
{
	struct replica_report report;

	if (replica_report_decode(fields, &report) != ERR_NONE)
		return;
	if (!replica->raft_open || replica->raft_closed ||
	    compat_server(&replica->raft, from) == NULL ||
	    from == replica->options.raft_id)
		return;
	heard_put(replica, from, &report);
	replica_member_heard(replica);
}

uint64_t replica_report_best(struct replica *replica, uint64_t id)
{
	const struct replica_heard *heard;

	if (id == replica->options.raft_id)
		return replica_frontier(replica);
	heard = heard_find(replica, id);
	return heard == NULL ? 0 : heard->best;
}

/* ---- sending ---- */

static bool is_news(const struct replica_report *before,
		    const struct replica_report *now)
{
	return before->parked != now->parked ||
	       before->importing != now->importing ||
	       (before->missing == 0) != (now->missing == 0);
}

static void send_to(struct replica *replica, uint64_t to,
		    const struct replica_report *report)
{
	struct buf frame = { 0 };

	replica_report_encode(report, &frame);
	outbox_send(&replica->outbox, to, &frame);
	buf_fini(&frame);
}

/* Who is parked has no raft that would know the leader: he tells all. */
static void send_to_all(struct replica *replica,
			const struct replica_report *report)
{
	const struct replica_conf *conf = &replica->conf;

	for (unsigned i = 0; i < conf->count; i++)
		if (conf->servers[i].raft_id != replica->options.raft_id)
			send_to(replica, conf->servers[i].raft_id, report);
}

static void send_out(struct replica *replica,
		     const struct replica_report *report)
{
	uint64_t leader;

	if (replica->state == REPLICA_PARKED) {
		send_to_all(replica, report);
		return;
	}
	leader = compat_leader(&replica->raft);
	if (leader != 0 && leader != replica->options.raft_id)
		send_to(replica, leader, report);
}

void replica_report_tick(struct replica *replica)
{
	struct replica_reports *reports = &replica->reports;
	uint64_t now = replica_now(replica);
	struct replica_report report;
	bool due = now - reports->sent_ms >= REPLICA_REPORT_MS;

	report_make(replica, &report);
	if (due || !reports->sent || is_news(&reports->own, &report) ||
	    reports->conf_index != replica->conf.index) {
		reports->sent = true;
		reports->sent_ms = now;
		reports->conf_index = replica->conf.index;
		send_out(replica, &report);
	}
	replica_lock(replica);
	reports->own = report;
	replica_unlock(replica);
}

/* ---- for everybody ---- */

static void health_of(struct replica *replica, uint64_t id, uint64_t now,
		      struct replica_health *health_r)
{
	const struct replica_heard *heard = heard_find(replica, id);

	*health_r = (struct replica_health){ id, UINT64_MAX, { 0 }, 0, 0 };
	if (id == replica->options.raft_id) {
		health_r->age_ms = 0;
		health_r->report = replica->reports.own;
		health_r->best = replica->reports.own.frontier;
		health_r->matched = atomic_load(&replica->published.last_index);
	} else if (heard != NULL && heard->at_ms != 0) {
		health_r->age_ms = now - heard->at_ms;
		health_r->report = heard->report;
		health_r->best = heard->best;
		health_r->matched = heard->matched;
	}
}

unsigned replica_get_health(struct replica *replica,
			    struct replica_health *list, unsigned max)
{
	const struct replica_conf *conf = &replica->conf;
	uint64_t now = replica_now(replica);
	bool leads = atomic_load(&replica->published.leader);
	unsigned count = 0;

	replica_lock(replica);
	for (unsigned i = 0; i < conf->count && count < max; i++) {
		uint64_t id = conf->servers[i].raft_id;

		if (leads || id == replica->options.raft_id)
			health_of(replica, id, now, &list[count++]);
	}
	replica_unlock(replica);
	return count;
}
