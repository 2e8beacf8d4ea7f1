/*
 * Random lives of a cluster (replica_cluster_life.h).
 */
#include "replica_cluster_life.h"

#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/pack.h"

#define LIFE_MS 6000
#define HEAL_MS 60000 /* deadlines, CANCELs, and slack */

struct life {
	struct rc *rc;
	uint64_t floors[RC_GROUPS_MAX][RC_KEYS];
	struct rc_op ops[RC_LIFE_OPS];
	unsigned begun;
};

static uint64_t draw(struct life *life, uint64_t min, uint64_t max)
{
	return rc_draw(life->rc, min, max);
}

/* ---- what happens ---- */

static void begin_op(struct life *life)
{
	struct rc *rc = life->rc;
	struct rc_op *op = &life->ops[life->begun];
	unsigned node = (unsigned)draw(life, 0, rc->options.nodes - 1);
	unsigned group = (unsigned)draw(life, 0, rc->options.groups - 1);
	unsigned key = (unsigned)draw(life, 0, RC_KEYS - 1);

	if (life->begun == RC_LIFE_OPS || !rc->nodes[node].up)
		return;
	life->begun++;
	rc->deadline_ms = draw(life, 0, 1) ? 0 : (uint32_t)draw(life, 20, 2000);
	if (draw(life, 0, 2) == 0)
		rc_read(op, rc, node, group, key, life->floors[group]);
	else
		rc_write(op, rc, node, group, key, life->floors[group]);
}

static void bury(struct life *life, unsigned node)
{
	for (unsigned i = 0; i < life->begun; i++)
		if (life->ops[i].node == node)
			rc_op_bury(&life->ops[i]);
}

static void kill_or_start(struct life *life, struct rc_node *node)
{
	if (!node->up) {
		rc_node_start(node);
	} else {
		rc_node_crash(node,
			      draw(life, 0, 1) ? DISK_SIM_DROP : DISK_SIM_TEAR);
		bury(life, node->index);
	}
}

static void disturb_links(struct life *life, unsigned node)
{
	struct rc *rc = life->rc;
	unsigned other = (unsigned)draw(life, 0, rc->options.nodes - 1);

	switch (draw(life, 0, 4)) {
	case 0:
		rc_isolate(rc, node);
		break;
	case 1:
		rc_cut(rc, node, other, true);
		break;
	case 2:
		rc_cut(rc, node, other, true);
		rc_cut(rc, other, node, true);
		break;
	case 3:
		rc->loss_per_mille = (unsigned)draw(life, 0, 200);
		rc->delay_max_ms = (unsigned)draw(life, 1, 80);
		break;
	default:
		rc_heal(rc);
		rc->delay_max_ms = 2;
		break;
	}
}

/* Often the leader: with it most is lost. */
static struct rc_node *victim(struct life *life)
{
	struct rc *rc = life->rc;
	int leader = rc_leader(rc, 0, 0);

	if (leader >= 0 && draw(life, 0, 2) == 0)
		return &rc->nodes[leader];
	return &rc->nodes[draw(life, 0, rc->options.nodes - 1)];
}

static void disturb(struct life *life)
{
	struct rc *rc = life->rc;
	struct rc_node *node = victim(life);

	switch (draw(life, 0, 9)) {
	case 0:
	case 1:
		kill_or_start(life, node);
		break;
	case 2:
		node->writer_stalls = !node->writer_stalls;
		break;
	case 3:
		node->applier_stalls = !node->applier_stalls;
		break;
	case 4:
	case 5:
		node->paused = !node->paused;
		break;
	case 6:
		rc->clock.wall += draw(life, 0, 3600000);
		rc->clock.wall -= draw(life, 0, 3600000);
		break;
	default:
		disturb_links(life, node->index);
		break;
	}
}

static void live(struct life *life)
{
	struct rc *rc = life->rc;
	uint64_t end = rc->clock.mono + LIFE_MS;

	while (rc->clock.mono < end && rc->wrong == NULL) {
		rc_run(rc, draw(life, 1, 40));
		if (draw(life, 0, 1) == 0)
			begin_op(life);
		if (draw(life, 0, 4) == 0)
			disturb(life);
	}
}

/* ---- the judge ---- */

static bool all_over(const struct life *life)
{
	for (unsigned i = 0; i < life->begun; i++)
		if (!rc_op_is_over(&life->ops[i]))
			return false;
	return true;
}

static void heal(struct life *life)
{
	struct rc *rc = life->rc;
	uint64_t end = rc->clock.mono + HEAL_MS;

	rc_heal(rc);
	rc->deadline_ms = 0;
	rc->delay_max_ms = 2;
	for (unsigned i = 0; i < rc->options.nodes; i++) {
		rc->nodes[i].paused = false;
		rc->nodes[i].writer_stalls = false;
		rc->nodes[i].applier_stalls = false;
		if (!rc->nodes[i].up)
			rc_node_start(&rc->nodes[i]);
	}
	while (!all_over(life) && rc->clock.mono < end && rc->wrong == NULL)
		rc_run(rc, 10);
	rc_run(rc, 3000);
	if (rc->wrong == NULL && !all_over(life))
		rc->wrong = "an outcome stays unknown though all is healed";
}

static void judge_write(struct life *life, const struct rc_op *op)
{
	struct rc *rc = life->rc;
	bool answered = op->answers > 0;

	for (unsigned i = 0; i < rc->options.replicas; i++) {
		uint64_t effects = rc_effects(rc, i, op->group, op->number);

		if (effects > 1)
			rc->wrong = "a write took effect twice";
		if (answered && op->err == ERR_NONE && effects == 0)
			rc->wrong = "an acknowledged write is not there";
		if (answered && effects > 0 &&
		    err_outcome(op->err) == OUTCOME_NOT_DONE)
			rc->wrong = "a refused write took effect";
		if (effects != rc_effects(rc, 0, op->group, op->number))
			rc->wrong = "two copies differ";
	}
	if (op->answers > 1)
		rc->wrong = "a caller was told twice";
	if (answered && err_outcome(op->err) == OUTCOME_UNKNOWN)
		rc->wrong = "a live node gave a write up";
}

/* All is healed: a last write and a last read must succeed at each node. */
static void judge_liveness(struct life *life)
{
	struct rc *rc = life->rc;

	for (unsigned i = 0; i < rc->options.nodes && rc->wrong == NULL; i++) {
		struct rc_op write;
		struct rc_op read;

		rc_write(&write, rc, i, 0, 0, life->floors[0]);
		rc_wait(rc, &write, 3000);
		rc_read(&read, rc, i, 0, 0, life->floors[0]);
		rc_wait(rc, &read, 3000);
		if (write.answers == 0 || write.err != ERR_NONE)
			rc->wrong = "a healed cluster does not write";
		else if (read.answers == 0 || read.err != ERR_NONE)
			rc->wrong = "a healed cluster does not read";
		rc_op_bury(&write);
		rc_op_bury(&read);
		rc_op_fini(&write);
	}
}

static void judge(struct life *life)
{
	heal(life);
	if (life->rc->wrong == NULL)
		judge_liveness(life);
	if (life->rc->wrong == NULL)
		rc_run(life->rc, 200); /* the last writes reach all copies */
	for (unsigned i = 0; i < life->begun && life->rc->wrong == NULL; i++)
		if (life->ops[i].what == RC_OP_WRITE)
			judge_write(life, &life->ops[i]);
	for (unsigned i = 0; i < life->rc->options.nodes; i++)
		if (life->rc->nodes[i].members[0].fenced > 0)
			life->rc->wrong = "a node was fenced by itself";
}

/* Three or five replicas, some nodes without one, one group or two. */
static struct rc_options shape_of(uint64_t seed)
{
	unsigned replicas = seed % 8 == 0 ? 5 : 3;

	return (struct rc_options){
		.seed = seed,
		.nodes = replicas + (seed % 3 == 0 ? 1 : 0),
		.replicas = replicas,
		.groups = seed % 5 == 0 ? 2 : 1,
	};
}

static struct life *life_new(uint64_t seed)
{
	struct life *life = mem_zalloc(1, sizeof(*life));
	const struct rc_options options = shape_of(seed);

	life->rc = rc_new(&options);
	live(life);
	judge(life);
	return life;
}

static void life_free(struct life *life)
{
	for (unsigned i = 0; i < life->begun; i++) {
		rc_op_bury(&life->ops[i]);
		rc_op_fini(&life->ops[i]);
	}
	rc_free(life->rc);
	mem_free(life);
}

const char *rc_life(uint64_t seed)
{
	struct life *life = life_new(seed);
	const char *wrong = life->rc->wrong;

	life_free(life);
	return wrong;
}

uint64_t rc_life_trace(uint64_t seed)
{
	struct life *life = life_new(seed);
	struct buf trace = { 0 };
	uint64_t hash;

	pack_u64(&trace, life->rc->clock.mono);
	for (unsigned i = 0; i < life->begun; i++) {
		pack_u64(&trace, life->ops[i].version);
		pack_u32(&trace, (uint32_t)life->ops[i].err);
	}
	hash = xxh3(buf_slice(&trace));
	buf_fini(&trace);
	life_free(life);
	return hash;
}
