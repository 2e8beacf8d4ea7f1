/*
 * Random lives of a cluster whose members change (member_cluster.h).
 */
#include "base/err.h"
#include "base/fault.h"
#include "base/mem.h"
#include "member_cluster.h"

#define NODES 5
#define OPS 150
#define LIFE_MS 8000
#define HEAL_MS 120000

struct life {
	struct mc mc;
	uint64_t floors[RC_KEYS];
	struct rc_op ops[OPS];
	unsigned begun;
};

static uint64_t draw(struct life *life, uint64_t min, uint64_t max)
{
	return rc_draw(life->mc.rc, min, max);
}

static void begin_op(struct life *life)
{
	struct rc *rc = life->mc.rc;
	struct rc_op *op = &life->ops[life->begun];
	unsigned node = (unsigned)draw(life, 0, NODES - 1);
	unsigned key = (unsigned)draw(life, 0, RC_KEYS - 1);

	if (life->begun == OPS || !rc->nodes[node].up)
		return;
	life->begun++;
	if (draw(life, 0, 2) == 0)
		rc_read(op, rc, node, 0, key, life->floors);
	else
		rc_write(op, rc, node, 0, key, life->floors);
}

static void kill(struct life *life, struct rc_node *node)
{
	rc_node_crash(node, draw(life, 0, 1) ? DISK_SIM_DROP : DISK_SIM_TEAR);
	mc_bury(&life->mc, node->index);
	for (unsigned i = 0; i < life->begun; i++)
		if (life->ops[i].node == node->index)
			rc_op_bury(&life->ops[i]);
}

static void disturb(struct life *life)
{
	struct rc *rc = life->mc.rc;
	struct rc_node *node = &rc->nodes[draw(life, 0, NODES - 1)];
	unsigned other = (unsigned)draw(life, 0, NODES - 1);

	switch (draw(life, 0, 9)) {
	case 0:
	case 1:
	case 2:
		if (node->up)
			kill(life, node);
		else
			rc_node_start(node);
		break;
	case 3:
		rc_isolate(rc, node->index);
		break;
	case 4:
		rc_cut(rc, node->index, other, true);
		break;
	case 5:
		rc->loss_per_mille = (unsigned)draw(life, 0, 100);
		break;
	case 6:
		node->writer_stalls = !node->writer_stalls;
		break;
	case 7:
		life->mc.voters = (unsigned)draw(life, 0, 2) * 2 + 1;
		break;
	default:
		rc_heal(rc);
		break;
	}
}

static void live(struct life *life)
{
	struct rc *rc = life->mc.rc;
	uint64_t end = rc->clock.mono + LIFE_MS;

	while (rc->clock.mono < end && rc->wrong == NULL) {
		mc_run(&life->mc, draw(life, 1, 60));
		if (draw(life, 0, 1) == 0)
			begin_op(life);
		if (draw(life, 0, 5) == 0)
			disturb(life);
	}
}

static bool all_over(const struct life *life)
{
	for (unsigned i = 0; i < life->begun; i++)
		if (!rc_op_is_over(&life->ops[i]))
			return false;
	return true;
}

static void heal(struct life *life)
{
	struct rc *rc = life->mc.rc;
	uint64_t end = rc->clock.mono + HEAL_MS;

	rc_heal(rc);
	life->mc.voters = NODES;
	for (unsigned i = 0; i < NODES; i++) {
		rc->nodes[i].writer_stalls = false;
		if (!rc->nodes[i].up)
			rc_node_start(&rc->nodes[i]);
	}
	if (!mc_settle(&life->mc, HEAL_MS) && rc->wrong == NULL)
		rc->wrong = "a healed group does not grow";
	if (rc->wrong != NULL)
		return;
	while (!all_over(life) && rc->clock.mono < end && rc->wrong == NULL)
		mc_run(&life->mc, 10);
	while (mc_compare(&life->mc) != NULL && rc->clock.mono < end)
		mc_run(&life->mc, 100);
	if (rc->wrong == NULL && !all_over(life))
		rc->wrong = "an outcome stays unknown though all is healed";
}

static void judge_write(struct life *life, const struct rc_op *op)
{
	struct rc *rc = life->mc.rc;

	for (unsigned i = 0; i < NODES; i++) {
		uint64_t effects = rc_effects(rc, i, 0, op->number);

		if (effects > 1)
			rc->wrong = "a write took effect twice";
		if (op->answers > 0 && op->err == ERR_NONE && effects == 0)
			rc->wrong = "an acknowledged write is not there";
		if (op->answers > 0 && effects > 0 &&
		    err_outcome(op->err) == OUTCOME_NOT_DONE)
			rc->wrong = "a refused write took effect";
	}
}

static void judge(struct life *life)
{
	struct rc *rc = life->mc.rc;

	heal(life);
	if (rc->wrong == NULL)
		rc->wrong = mc_compare(&life->mc);
	for (unsigned i = 0; i < life->begun && rc->wrong == NULL; i++)
		if (life->ops[i].what == RC_OP_WRITE)
			judge_write(life, &life->ops[i]);
}

const char *mc_life(uint64_t seed)
{
	struct life *life = mem_zalloc(1, sizeof(*life));
	const char *wrong;

	fault_set_tune("snapshot_entries=12,trailing_entries=4");
	mc_init(&life->mc, seed, NODES, seed % 2 == 0 ? 1 : 3);
	life->mc.keeps_spares = true;
	life->mc.only_copies = seed % 3 == 0;
	live(life);
	judge(life);
	wrong = life->mc.rc->wrong;
	for (unsigned i = 0; i < life->begun; i++) {
		rc_op_bury(&life->ops[i]);
		rc_op_fini(&life->ops[i]);
	}
	mc_fini(&life->mc);
	mem_free(life);
	fault_set_tune(NULL);
	return wrong;
}
