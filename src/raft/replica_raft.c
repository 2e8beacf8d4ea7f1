/*
 * Between raft's core and the state: starting and closing the core, and the
 * machine as raft sees it.
 *
 * Happy path of a committed entry: raft calls apply, the entry is compared
 * with its place in the log (R9), and goes to the applier. A snapshot is a
 * marker of 64 octets; the state stays where it is.
 */
#include "raft/replica_impl.h"

#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/pack.h"
#include "base/panic.h"

#define MARKER_SIZE 64 /* octets, room for what comes */
#define MARKER_VERSION 1

/* A follower that is promoted gets this long (canonical/dqlite's limits). */
#define CATCH_UP_ROUNDS 100
#define CATCH_UP_ROUND_MS 50000

/*
 * A leader sends a peer nothing but heartbeats until its snapshot is answered.
 * Ours are markers of 64 octets, and a follower keeps the newest (imports): so
 * what was lost may soon be sent again.
 */
#define INSTALL_SNAPSHOT_MS 10000

static struct replica *replica_of(struct raft_fsm *fsm)
{
	return fsm->data;
}

void replica_view(struct replica *replica, struct compat_view *view_r)
{
	compat_view(&replica->raft, view_r);
}

bool replica_is_raft_leader(struct replica *replica)
{
	return replica->raft_open && !replica->raft_closed &&
	       raft_state(&replica->raft) == RAFT_LEADER;
}

/* ---- the machine as raft sees it ---- */

static const char *entry_check(struct replica *replica, struct entry *entry,
			       enum err err)
{
	if (err == ERR_VERSION)
		return "an entry of the log was written by a later release";
	if (err != ERR_NONE)
		return "an entry of the log is damaged";
	if (entry->group != replica->options.group)
		return "an entry of the log belongs to another group";
	if (entry->index != raft_last_applied(&replica->raft) + 1)
		return "an entry of the log stands at the wrong index";
	return NULL;
}

/* It may neither fail nor block. */
static int fsm_apply(struct raft_fsm *fsm, const struct raft_buffer *buf,
		     void **result)
{
	struct replica *replica = replica_of(fsm);
	struct slice octets = slice_of(buf->base, buf->len);
	struct entry entry;
	const char *why;

	*result = NULL;
	if (replica->park_why != NULL)
		return 0;
	why = entry_check(replica, &entry, entry_decode(octets, &entry));
	if (why != NULL) {
		PROBE("R9: an entry did not fit");
		replica_park(replica, why);
		return 0;
	}
	applier_push(&replica->applier, entry.index, entry.term, octets);
	return 0;
}

static void marker_encode(struct replica *replica,
			  const struct compat_view *view, struct buf *out)
{
	pack_u32(out, MARKER_VERSION);
	pack_u32(out, replica->options.group);
	pack_u64(out, view->last_applied);
	pack_u64(out, view->term);
	pack_u64(out, compat_conf_hash(&replica->raft));
	while (out->len < MARKER_SIZE)
		pack_u64(out, 0);
}

static int fsm_snapshot(struct raft_fsm *fsm, struct raft_buffer *bufs[],
			unsigned *n_bufs)
{
	struct replica *replica = replica_of(fsm);
	struct compat_view view;
	struct buf marker = { 0 };

	replica_view(replica, &view);
	if (view.conf_uncommitted_index != 0 || replica->io.conf_hidden != 0 ||
	    view.conf_index > view.last_applied || replica->importing ||
	    replica->park_why != NULL) {
		PROBE("R11: no snapshot now");
		return RAFT_BUSY;
	}
	/* Not to be changed before the log is cut: read here and then. */
	raft_set_snapshot_trailing(
		&replica->raft,
		replica_io_trailing(&replica->io, view.last_applied));
	marker_encode(replica, &view, &marker);
	*bufs = raft_malloc(sizeof(**bufs));
	MUST(*bufs != NULL);
	(*bufs)->base = raft_malloc(marker.len);
	MUST((*bufs)->base != NULL);
	(*bufs)->len = marker.len;
	memcpy((*bufs)->base, marker.data, marker.len);
	*n_bufs = 1;
	buf_fini(&marker);
	return 0;
}

static int fsm_snapshot_finalize(struct raft_fsm *fsm,
				 struct raft_buffer *bufs[], unsigned *n_bufs)
{
	(void)fsm;
	if (*bufs != NULL)
		raft_free((*bufs)->base);
	raft_free(*bufs);
	*bufs = NULL;
	*n_bufs = 0;
	return 0;
}

/* The state is at or above the marker already: replica_raft_start, may_install.
 */
static int fsm_restore(struct raft_fsm *fsm, struct raft_buffer *buf)
{
	(void)fsm;
	raft_free(buf->base);
	return 0;
}

/* ---- what our raft_io tells ---- */

static void io_after(void *arg)
{
	replica_after(arg);
}

static void io_unavailable(void *arg)
{
	replica_die(arg, "the core of raft gave itself up");
}

static void io_want_checkpoint(void *arg, uint64_t index, uint64_t term)
{
	replica_checkpoint_want(arg, index, term);
}

static bool io_may_install(void *arg, struct raft_message *message)
{
	return replica_import_may_install(arg, message);
}

/* ---- starting ---- */

/* Somebody else has the state, too: it can be brought up from there. */
static bool has_peers(const struct replica *replica,
		      const struct raft_configuration *conf)
{
	bool is_voter;
	unsigned voters =
		compat_conf_voters(conf, replica->options.raft_id, &is_voter);

	return voters > (is_voter ? 1u : 0u) &&
	       replica->options.hooks.want_import != NULL;
}

static bool is_behind(const struct replica *replica,
		      const struct wal_state *state)
{
	return replica->applier.meta.applied_index < state->marker.index;
}

/* Why the log cannot go on from this state; NULL: it can (R10). */
static const char *log_check(struct replica *replica,
			     const struct wal_state *state)
{
	const struct meta *meta = &replica->applier.meta;
	struct raft_configuration conf;
	const char *why = NULL;

	if (meta->applied_index > state->last && !replica->importing)
		return "the log has lost entries that the state has";
	if (state->marker.index == 0)
		return NULL;
	if (compat_conf_decode(state->marker.conf, &conf) != ERR_NONE)
		return "the configuration in the log's marker is damaged";
	if (is_behind(replica, state) && !has_peers(replica, &conf))
		why = "the state is older than the log's beginning";
	raft_configuration_close(&conf);
	return why;
}

static void io_open(struct replica *replica)
{
	const struct replica_options *options = &replica->options;
	const struct replica_io_options io = {
		.group = options->group,
		.id = options->raft_id,
		.raft = &replica->raft,
		.wal = options->wal,
		.net = options->net,
		.loop = options->log_loop,
		.pool = options->pool,
		.timers = options->timers,
		.clock = options->clock,
		.random = options->random,
		.heartbeat_ms = options->heartbeat_ms,
		.hooks = {
			.arg = replica,
			.after = io_after,
			.unavailable = io_unavailable,
			.want_checkpoint = io_want_checkpoint,
			.may_install = io_may_install,
		},
	};

	replica_io_init(&replica->io, &io);
}

static void core_init(struct replica *replica)
{
	struct raft *raft = &replica->raft;

	replica->raft_fsm = (struct raft_fsm){
		.version = 2,
		.data = replica,
		.apply = fsm_apply,
		.snapshot = fsm_snapshot,
		.restore = fsm_restore,
		.snapshot_finalize = fsm_snapshot_finalize,
	};
	MUST(raft_init(raft, &replica->io.raft_io, &replica->raft_fsm,
		       replica->options.raft_id, replica->address) == 0);
	replica->raft_open = true;
	compat_set_limits(raft);
	raft_set_election_timeout(raft, replica->options.election_ms);
	raft_set_heartbeat_timeout(raft, replica->options.heartbeat_ms);
	raft_set_install_snapshot_timeout(raft, INSTALL_SNAPSHOT_MS);
	raft_set_snapshot_threshold(raft, REPLICA_SNAPSHOT_ENTRIES);
	raft_set_pre_vote(raft, true);
	raft_set_max_catch_up_rounds(raft, CATCH_UP_ROUNDS);
	raft_set_max_catch_up_round_duration(raft, CATCH_UP_ROUND_MS);
}

static void first_conf(struct replica *replica, struct raft_configuration *conf)
{
	const struct replica_options *options = &replica->options;
	const struct replica_voter alone = { options->raft_id,
					     replica->address };
	const struct replica_voter *voters = options->voters;
	unsigned count = options->voter_count;

	if (voters == NULL) {
		voters = &alone;
		count = 1;
	}
	raft_configuration_init(conf);
	for (unsigned i = 0; i < count; i++)
		MUST(raft_configuration_add(conf, voters[i].raft_id,
					    voters[i].address,
					    RAFT_VOTER) == 0);
}

static void core_bootstrap(struct replica *replica)
{
	struct raft_configuration conf;

	first_conf(replica, &conf);
	/* Not pristine: the group exists already, and goes on. */
	if (replica->applier.meta.applied_index == 0 &&
	    raft_bootstrap(&replica->raft, &conf) == 0)
		LOG_INFO("group %u: made, with %u voters",
			 replica->options.group, conf.n);
	raft_configuration_close(&conf);
}

void replica_raft_begin(struct replica *replica)
{
	if (raft_start(&replica->raft) != 0)
		replica_park(replica, "raft refuses to start with this log");
	else
		rules_after(&replica->io.rules);
}

bool replica_raft_start(struct replica *replica)
{
	struct wal_state state;
	const char *why;

	io_open(replica);
	wal_group_get_state(replica->io.log, &state);
	why = log_check(replica, &state);
	if (why != NULL) {
		replica_park(replica, why);
		replica_io_fini(&replica->io);
		return false;
	}
	core_init(replica);
	if (replica->options.bootstrap)
		core_bootstrap(replica);
	replica->state = REPLICA_RUNNING;
	if (is_behind(replica, &state))
		replica_import_at_start(replica, &state);
	else
		replica_raft_begin(replica);
	return replica->park_why == NULL;
}

void replica_set_pace(struct replica *replica, unsigned election_ms,
		      unsigned heartbeat_ms)
{
	uint64_t drawn;

	replica->options.election_ms = election_ms;
	replica->options.heartbeat_ms = heartbeat_ms;
	if (!replica->raft_open || replica->io.closing)
		return;
	drawn = random_range(replica->options.random, election_ms,
			     2 * (uint64_t)election_ms);
	compat_set_election(&replica->raft, election_ms, (unsigned)drawn);
	raft_set_heartbeat_timeout(&replica->raft, heartbeat_ms);
	replica_io_set_pace(&replica->io, heartbeat_ms);
}

/* ---- closing ---- */

static void core_closed(struct raft *raft)
{
	struct replica *replica = container_of(raft, struct replica, raft);

	replica->raft_closed = true;
	replica_stop_step(replica);
}

void replica_raft_close(struct replica *replica)
{
	if (!replica->raft_open || replica->io.closing)
		return;
	raft_close(&replica->raft, core_closed);
}
