/*
 * Lives of a replica: proposals, checkpoints, markers and deaths at random
 * moments, by seed. What was acknowledged took effect once and is still there;
 * what was refused never did; nothing ever took effect twice.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/fault.h"
#include "base/mem.h"
#include "node_bench.h"
#include "raft/replica_impl.h"

#define LIFE_OPS 120
#define LIFE_DEATHS 4

struct op {
	struct ask ask;
	char body[16];
	bool begun;
	bool closed; /* its process died, or it was freed */
	enum err err;
	bool answered;
};

struct life {
	struct node *node;
	struct op ops[LIFE_OPS];
	unsigned begun;
	const char *wrong;
};

static uint64_t draw(struct life *life, uint64_t min, uint64_t max)
{
	return random_range(&life->node->random.random, min, max);
}

static void life_propose(struct life *life)
{
	struct op *op = &life->ops[life->begun];
	uint16_t kind = draw(life, 0, 9) == 0 ? KIND_REFUSE : KIND_DO;

	snprintf(op->body, sizeof op->body, "op%u", life->begun++);
	ask_init(&op->ask, life->node, kind, op->body);
	op->begun = true;
	ask_propose(&op->ask, life->node);
}

/* What was heard up to now is final. */
static void life_hear(struct life *life)
{
	for (unsigned i = 0; i < life->begun; i++) {
		struct op *op = &life->ops[i];

		if (op->closed || op->answered || op->ask.answers == 0)
			continue;
		op->answered = true;
		op->err = op->ask.err;
	}
}

/* The callers died with their process. */
static void life_bury(struct life *life)
{
	for (unsigned i = 0; i < life->begun; i++) {
		struct op *op = &life->ops[i];

		if (op->closed)
			continue;
		op->closed = true;
		op->ask.proposal.state = PROPOSAL_IDLE;
		proposal_fini(&op->ask.proposal);
	}
}

static void life_judge(struct life *life)
{
	for (unsigned i = 0; i < life->begun; i++) {
		struct op *op = &life->ops[i];
		uint64_t count = node_effects(life->node, op->body);

		if (count > 1)
			life->wrong = "a command took effect twice";
		if (!op->answered)
			continue;
		if (op->err == ERR_NONE && count != 1)
			life->wrong = "an acknowledged command is not there";
		if (err_outcome(op->err) == OUTCOME_NOT_DONE && count != 0)
			life->wrong = "a refused command took effect";
	}
}

static void life_begin(struct life *life)
{
	node_start(life->node);
	node_serve(life->node);
	if (life->node->parked != NULL) {
		life->wrong = life->node->parked;
		return;
	}
	raft_set_snapshot_threshold(&life->node->replica->raft, 8);
	life_judge(life);
}

static void life_die(struct life *life)
{
	life_hear(life);
	life_bury(life);
	node_crash(life->node,
		   draw(life, 0, 1) ? DISK_SIM_DROP : DISK_SIM_TEAR);
	life_begin(life);
}

static void life_step(struct life *life)
{
	uint64_t what = draw(life, 0, 19);

	if (what < 6 && life->begun < LIFE_OPS)
		life_propose(life);
	else if (what == 6)
		replica_checkpoint_last(life->node->replica);
	for (uint64_t i = draw(life, 0, 8); i > 0; i--)
		node_step(life->node);
	if (life->node->parked != NULL)
		life->wrong = life->node->parked;
}

/* NULL, or what went wrong. */
static const char *live(uint64_t seed)
{
	struct life *life = mem_zalloc(1, sizeof(*life));
	const char *wrong;

	life->node = node_new(seed);
	life_begin(life);
	for (unsigned death = 0; death < LIFE_DEATHS && life->wrong == NULL;
	     death++) {
		for (uint64_t i = draw(life, 1, 60);
		     i > 0 && life->wrong == NULL; i--)
			life_step(life);
		if (life->wrong == NULL)
			life_die(life);
	}
	if (life->wrong == NULL) {
		node_drain(life->node);
		life_hear(life);
		life_judge(life);
	}
	life_bury(life);
	wrong = life->wrong;
	node_free(life->node);
	mem_free(life);
	return wrong;
}

Test(lives, end_well)
{
	for (uint64_t seed = 1; seed <= 4; seed++) {
		const char *wrong = live(seed);

		cr_expect_null(wrong, "seed %u: %s", (unsigned)seed, wrong);
	}
}

#ifdef ENABLE_FAULTS
static bool some_life_goes_wrong(void)
{
	for (uint64_t seed = 1; seed <= 40; seed++)
		if (live(seed) != NULL)
			return true;
	return false;
}

Test(lives_mutants, M16_applied_index_not_in_the_transaction_is_caught)
{
	fault_set_mutant("M16");
	cr_expect(some_life_goes_wrong());
}

Test(lives_mutants, M17_replay_applies_twice_is_caught)
{
	fault_set_mutant("M17");
	cr_expect(some_life_goes_wrong());
}
#endif
