/*
 * init, status, stop, verify.
 */
#include "base/base64.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/directory.h"
#include "cluster/mailgroup.h"
#include "server/admin.h"
#include "server/admin_call.h"
#include "server/claims.h"
#include "server/repair.h"
#include "server/upkeep.h"

/* ---- init, stop ---- */

static void init_done(void *arg, enum err err, const char *why)
{
	struct admin_call *call = arg;
	const struct identity_file *identity = &call->node->identity;

	if (err)
		admin_fail(call, err, "%s", why[0] ? why : err_text(err));
	else
		admin_ok(call,
			 json_pack("{s:s, s:I, s:s, s:I}", "cluster",
				   identity->cluster, "node",
				   (json_int_t)identity->node, "name",
				   identity->name, "groups",
				   (json_int_t)identity->replica_count - 1));
}

void admin_init(struct admin_call *call)
{
	struct slice name = admin_text_or_none(call, "name");

	node_init(call->node, name.len ? name : SLICE_LIT("n1"), init_done,
		  call);
}

void admin_stop_node(struct admin_call *call)
{
	struct node *node = call->node;

	admin_ok(call, NULL);
	node_stop(node);
}

/* ---- sweep ---- */

static void swept(void *arg, const struct upkeep_result *result)
{
	struct admin_call *call = arg;

	if (result->err == ERR_UNAVAILABLE)
		admin_fail(call, result->err,
			   "not all groups can be read (murderctl status): "
			   "nothing was dropped");
	else if (result->err)
		admin_fail(call, result->err, "sweep: %s",
			   err_text(result->err));
	else
		admin_ok(call, json_pack("{s:I, s:I, s:I}", "bodies",
					 (json_int_t)result->bodies, "holds",
					 (json_int_t)result->holds, "octets",
					 (json_int_t)result->octets));
}

void admin_sweep(struct admin_call *call)
{
	enum err err = upkeep_sweep(call->node->upkeep, swept, call);

	if (err == ERR_BUSY)
		admin_fail(call, err, "a sweep is under way");
	else if (err)
		admin_fail(call, err,
			   "a group is parked (murderctl status): nothing may "
			   "be dropped");
}

/* ---- status ---- */

/* What readers and verify have met; a parked group says why it is. */
static void add_damage(json_t *json, struct store_env *env)
{
	struct store_damage damage;

	store_env_get_damage(env, &damage);
	json_object_set_new(json, "damaged",
			    json_integer((json_int_t)damage.count));
	if (damage.count)
		json_object_set_new(json, "damaged_last",
				    admin_string(slice_str(damage.where)));
}

/* MOVEs to other groups that have not ended. */
static void add_claims(json_t *json, const struct node_group *group,
		       struct store_env *env)
{
	struct io_loop *loop = group->node->main;
	struct claims_count count = { 0 };
	struct store_txn *txn;

	if (group->number == 0 || store_read_begin(env, &txn))
		return;
	claims_count(txn, clock_wall_ms(io_loop_clock(loop)), &count);
	store_end(&txn);
	json_object_set_new(json, "claims",
			    json_integer((json_int_t)count.open));
	json_object_set_new(json, "claimed",
			    json_integer((json_int_t)count.messages));
	json_object_set_new(json, "claims_long",
			    json_integer((json_int_t)count.open_long));
}

static json_t *group_json(const struct node_group *group)
{
	struct replica_status status;
	struct store_env *env = replica_env(group->replica);
	uint64_t used = 0;
	uint64_t size = 0;
	json_t *json;

	replica_get_status(group->replica, &status);
	if (env)
		store_env_fill(env, &used, &size);
	json = json_pack("{s:I, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "group", (json_int_t)group->number, "leader",
			 (int)status.leader, "parked", (int)status.parked,
			 "term", (json_int_t)status.term, "last_index",
			 (json_int_t)status.last_index, "commit_index",
			 (json_int_t)status.commit_index, "applied_index",
			 (json_int_t)status.applied_index, "checkpoint_index",
			 (json_int_t)status.checkpoint_index, "map_used",
			 (json_int_t)used, "slots_taken",
			 (json_int_t)status.slots_taken);
	if (env) {
		add_damage(json, env);
		add_claims(json, group, env);
	}
	if (status.parked_why)
		json_object_set_new(json, "parked_why",
				    json_string(status.parked_why));
	return json;
}

static json_t *bodies_json(struct body_store *bodies)
{
	struct body_stats stats;
	struct buf last = { 0 };
	json_t *json;

	body_store_get_stats(bodies, &stats);
	json = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "bodies",
			 (json_int_t)stats.bodies, "octets",
			 (json_int_t)stats.live_octets, "segments",
			 (json_int_t)stats.segments, "segment_octets",
			 (json_int_t)stats.segment_octets, "holds",
			 (json_int_t)stats.holds, "damaged",
			 (json_int_t)stats.damaged);
	if (stats.damaged) {
		buf_printf(&last, "segment %llu, offset %llu, SHA-256 ",
			   (unsigned long long)stats.damaged_segment,
			   (unsigned long long)stats.damaged_offset);
		hex_encode(slice_of(stats.damaged_hash.octets, SHA256_SIZE),
			   &last);
		json_object_set_new(json, "damaged_last",
				    admin_string(buf_slice(&last)));
		buf_fini(&last);
	}
	return json;
}

static json_t *round_json(const struct repair_round_status *status)
{
	return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I}", "running",
			 (int)status->running, "rounds",
			 (json_int_t)status->rounds, "looked",
			 (json_int_t)status->looked, "lacked",
			 (json_int_t)status->lacked, "mended",
			 (json_int_t)status->mended, "failed",
			 (json_int_t)status->failed);
}

static void add_repair(json_t *result, const struct repair *repair)
{
	struct repair_status status;

	repair_get_status(repair, &status);
	json_object_set_new(result, "repair", round_json(&status.missing));
	json_object_set_new(result, "scrub", round_json(&status.scrub));
}

static json_t *listeners_json(const struct node *node)
{
	uint32_t connections = 0;

	for (unsigned i = 0; i < node->listener_count; i++)
		connections += io_listener_connections(node->listeners[i]);
	return json_pack("{s:I, s:I}", "listeners",
			 (json_int_t)node->listener_count, "connections",
			 (json_int_t)connections);
}

void admin_status(struct admin_call *call)
{
	const struct node *node = call->node;
	json_t *groups = json_array();
	json_t *result;

	for (unsigned i = 0; i < node->group_count && node->serving; i++)
		json_array_append_new(groups, group_json(node_group(node, i)));
	result = json_pack(
		"{s:s, s:b, s:s, s:I, s:s, s:I, s:o, s:o}", "version",
		PACKAGE_VERSION, "initialised", (int)node->identity.ready,
		"cluster", node->identity.cluster, "node",
		(json_int_t)node->identity.node, "name", node->identity.name,
		"starts", (json_int_t)node_start_count(node), "groups", groups,
		"network", listeners_json(node));
	/* Ends of channels, and sessions of other nodes served so far. */
	json_object_set_new(result, "channels",
			    json_pack("{s:I, s:I}", "open",
				      (json_int_t)atomic_load(&node->channels),
				      "seats",
				      (json_int_t)atomic_load(&node->seats)));
	if (!node->serving) {
		admin_ok(call, result);
		return;
	}
	json_object_set_new(result, "bodies", bodies_json(node->bodies));
	add_repair(result, node->repair);
	admin_cluster(call, result);
}

/* ---- verify ---- */

/* Findings that are told one by one; the rest is only counted. */
#define FINDINGS_TOLD 100

struct verify_state {
	unsigned group; /* being walked */
	uint64_t findings;
	uint64_t rows;
	uint64_t missing; /* rows whose body is not here */
	json_t *told;
	struct body_verify bodies;
};

static void verify_fini(struct admin_call *call)
{
	struct verify_state *state = call->state;

	json_decref(state->told);
	mem_free(state);
}

static void add_finding(struct verify_state *state, uint32_t group,
			const char *text)
{
	state->findings++;
	if (json_array_size(state->told) < FINDINGS_TOLD)
		json_array_append_new(state->told,
				      json_pack("{s:I, s:s}", "group",
						(json_int_t)group, "text",
						text));
}

static void finding(void *arg, const char *text)
{
	struct admin_call *call = arg;
	struct verify_state *state = call->state;

	add_finding(state, node_group(call->node, state->group)->number, text);
}

static void check_body(void *arg, const struct sha256 *hash, uint64_t mailbox,
		       uint32_t uid)
{
	struct admin_call *call = arg;
	struct verify_state *state = call->state;
	struct buf text = { 0 };
	uint64_t length;

	state->rows++;
	if (body_length(call->node->bodies, hash, &length) == ERR_NONE)
		return;
	state->missing++;
	buf_printf(&text, "mailbox %llu UID %u: its body is not on this node",
		   (unsigned long long)mailbox, (unsigned)uid);
	finding(call, buf_cstr(&text));
	buf_fini(&text);
}

static void verify_rows(struct admin_call *call, struct store_txn *txn)
{
	struct verify_state *state = call->state;
	struct mailgroup_body_position position = { 0 };

	if (node_group(call->node, state->group)->number == 0) {
		directory_verify(txn, finding, call);
		return;
	}
	mailgroup_verify(txn, finding, call);
	while (mailgroup_bodies(txn, &position, 1000, check_body, call))
		;
}

static void verify_group(struct admin_call *call)
{
	struct verify_state *state = call->state;
	struct node_group *group = node_group(call->node, state->group);
	struct store_env *env = replica_env(group->replica);
	struct store_txn *txn;

	if (!env || store_read_begin(env, &txn)) {
		add_finding(state, group->number,
			    "the group is parked: it cannot be read");
		return;
	}
	verify_rows(call, txn);
	if (store_txn_error(txn))
		add_finding(state, group->number, "a damaged row was met");
	store_end(&txn);
}

static void verify_end(struct admin_call *call)
{
	struct verify_state *state = call->state;

	admin_ok(call, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:O}",
				 "findings", (json_int_t)state->findings,
				 "messages", (json_int_t)state->rows, "missing",
				 (json_int_t)state->missing, "bodies",
				 (json_int_t)state->bodies.bodies, "octets",
				 (json_int_t)state->bodies.octets, "damaged",
				 (json_int_t)state->bodies.damaged, "told",
				 state->told));
}

static void bodies_progress(struct body_verify *verify)
{
	struct admin_call *call = verify->owner;
	struct body_stats stats;

	verify->stop = admin_is_gone(call);
	body_store_get_stats(call->node->bodies, &stats);
	admin_progress(call, json_pack("{s:s, s:I, s:I}", "step", "bodies",
				       "done", (json_int_t)verify->octets, "of",
				       (json_int_t)stats.live_octets));
}

static void bodies_done(struct body_verify *verify)
{
	struct admin_call *call = verify->owner;
	struct verify_state *state = call->state;

	state->findings += verify->damaged;
	if (verify->err)
		admin_fail(call, verify->err, "bodies: %s",
			   err_text(verify->err));
	else
		verify_end(call);
}

static void verify_next(struct admin_call *call)
{
	struct verify_state *state = call->state;

	state->group++;
	if (state->group < call->node->group_count) {
		admin_progress(call,
			       json_pack("{s:s, s:I, s:I}", "step", "groups",
					 "done", (json_int_t)state->group, "of",
					 (json_int_t)call->node->group_count));
		admin_on_pool(call, verify_group, verify_next);
		return;
	}
	state->bodies = (struct body_verify){
		.home = io_loop_executor(call->node->main),
		.owner = call,
		.progress = bodies_progress,
	};
	body_verify(call->node->bodies, &state->bodies, bodies_done);
}

void admin_verify(struct admin_call *call)
{
	struct verify_state *state = mem_zalloc(1, sizeof(*state));

	state->told = json_array();
	call->state = state;
	call->fini = verify_fini;
	admin_on_pool(call, verify_group, verify_next);
}
