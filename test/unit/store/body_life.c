#include "body_life.h"

#include "base/mem.h"
#include "base/panic.h"
#include "base/random.h"
#include "body_world.h"

#define BODIES 24   /* different ones */
#define OPS 400     /* operations in one run: each is a hold */
#define OPS_OPEN 12 /* at a time */
#define CALLS_MAX 160
#define TURNS_MAX 4000

enum op_state {
	OP_FREE,
	OP_ASKED,    /* no answer yet */
	OP_HELD,     /* acknowledged: the hold stands */
	OP_RESOLVED, /* by the group's state: for ever */
};

/* One operation of a client: an upload or a "have it". */
struct op {
	enum op_state state;
	unsigned body;
	struct body_write write;
	struct body_have have;
	struct life *life;
	struct slice rest; /* not uploaded yet */
};

struct life {
	const struct body_life_options *options;
	struct random_seeded random;
	struct body_world world;
	struct buf bodies[BODIES];
	struct sha256 names[BODIES];
	unsigned rows[BODIES]; /* that name it */
	struct op ops[OPS];
	unsigned op_count;
	unsigned asked;
	struct body_sweep sweep;
	struct body_checkpoint checkpoint;
	bool dead;
	bool by_kill; /* else the power fails */
	bool sweeping;
	bool checkpointing;
	const char *wrong;
};

static uint64_t draw(struct life *l, uint64_t max)
{
	return random_range(&l->random.random, 0, max);
}

/* ---- the group's state, as the sweep asks for it ---- */

static bool is_resolved(void *arg, const struct body_hold *hold)
{
	struct life *l = arg;

	return l->ops[hold->turn - 1].state == OP_RESOLVED;
}

static bool is_named(void *arg, const struct sha256 *hash)
{
	struct life *l = arg;

	for (unsigned i = 0; i < BODIES; i++)
		if (sha256_eq(hash, &l->names[i]))
			return l->rows[i] > 0;
	l->wrong = "the store asks for a body that nobody wrote";
	return true;
}

/* ---- operations ---- */

static bool is_alive(struct life *l)
{
	return !l->dead && !disk_sim_is_cut(l->world.sim);
}

static void op_answered(struct op *op, enum err err)
{
	struct life *l = op->life;

	l->asked--;
	if (err == ERR_NONE && is_alive(l))
		op->state = OP_HELD;
	else
		op->state = OP_RESOLVED; /* cancelled: nothing names it */
	if (err == ERR_INVALID || err == ERR_TOO_BIG || err == ERR_CORRUPT)
		l->wrong = "an answer that cannot be";
}

static void write_done(struct body_write *write)
{
	op_answered(write->owner, write->err);
}

static void have_done(struct body_have *have)
{
	op_answered(have->owner, have->err);
}

static void write_go_on(struct body_write *write)
{
	struct op *op = write->owner;

	while (op->rest.len > 0 && body_write_room(write) > 0) {
		struct slice piece =
			slice_first(op->rest, body_write_room(write));

		body_write_add(write, piece);
		op->rest = slice_from(op->rest, piece.len);
	}
	if (op->rest.len == 0)
		body_write_finish(write, write_done);
}

static void op_write(struct op *op)
{
	struct life *l = op->life;

	op->rest = buf_slice(&l->bodies[op->body]);
	op->write = (struct body_write){
		.home = &l->world.queue.executor,
		.owner = op,
		.hold = body_hold_of((uint64_t)(op - l->ops)),
	};
	body_write_begin(l->world.store, &op->write, write_go_on);
	write_go_on(&op->write);
}

static void op_have(struct op *op)
{
	struct life *l = op->life;

	op->have = (struct body_have){
		.home = &l->world.queue.executor,
		.owner = op,
		.hash = l->names[op->body],
		.hold = body_hold_of((uint64_t)(op - l->ops)),
	};
	body_have(l->world.store, &op->have, have_done);
}

static void op_begin(struct life *l)
{
	struct op *op = &l->ops[l->op_count];

	if (l->op_count == OPS || l->asked == OPS_OPEN)
		return;
	l->op_count++;
	l->asked++;
	op->state = OP_ASKED;
	op->life = l;
	op->body = (unsigned)draw(l, BODIES - 1);
	if (draw(l, 2) == 0)
		op_have(op);
	else
		op_write(op);
}

/* The group applies the command of some operation, or its cancel. */
static void op_resolve(struct life *l)
{
	struct op *op;

	if (l->op_count == 0)
		return;
	op = &l->ops[draw(l, l->op_count - 1)];
	if (op->state != OP_HELD)
		return;
	if (draw(l, 3) > 0)
		l->rows[op->body]++;
	op->state = OP_RESOLVED;
}

static void row_expunge(struct life *l)
{
	unsigned body = (unsigned)draw(l, BODIES - 1);

	if (l->rows[body] > 0)
		l->rows[body]--;
}

static void sweep_done(struct body_sweep *sweep)
{
	((struct life *)sweep->owner)->sweeping = false;
}

static void sweep_begin(struct life *l)
{
	if (l->sweeping || !l->options->sweeps)
		return;
	l->sweeping = true;
	l->sweep = (struct body_sweep){
		.home = &l->world.queue.executor,
		.owner = l,
		.is_resolved = is_resolved,
		.is_named = is_named,
		.arg = l,
	};
	body_sweep(l->world.store, &l->sweep, sweep_done);
}

static void checkpoint_done(struct body_checkpoint *checkpoint)
{
	((struct life *)checkpoint->owner)->checkpointing = false;
}

static void checkpoint_begin(struct life *l)
{
	if (l->checkpointing)
		return;
	l->checkpointing = true;
	l->checkpoint = (struct body_checkpoint){
		.home = &l->world.queue.executor,
		.owner = l,
	};
	body_store_checkpoint(l->world.store, &l->checkpoint, checkpoint_done);
}

static void turn(struct life *l)
{
	switch (draw(l, 15)) {
	case 0:
	case 1:
		op_begin(l);
		break;
	case 2:
	case 3:
		op_resolve(l);
		break;
	case 4:
		row_expunge(l);
		break;
	case 5:
		sweep_begin(l);
		break;
	case 6:
		if (draw(l, 4) == 0)
			checkpoint_begin(l);
		break;
	default:
		task_queue_step(&l->world.queue);
		break;
	}
}

/* ---- judgement ---- */

struct needed {
	struct life *life;
	bool held[OPS];
};

static void hold_seen(void *arg, const struct sha256 *hash,
		      const struct body_hold *hold)
{
	struct needed *needed = arg;
	struct life *l = needed->life;
	struct op *op = &l->ops[hold->turn - 1];

	if (sha256_eq(&l->names[op->body], hash))
		needed->held[hold->turn - 1] = true;
	else
		l->wrong = "a hold on another body";
}

static void judge_bodies(struct life *l, const struct needed *needed)
{
	bool wanted[BODIES] = { false };

	for (unsigned i = 0; i < l->op_count; i++) {
		if (l->ops[i].state != OP_HELD)
			continue;
		wanted[l->ops[i].body] = true;
		if (!needed->held[i])
			l->wrong = "an acknowledged hold is gone";
	}
	for (unsigned i = 0; i < BODIES; i++) {
		uint64_t length;
		bool here = body_length(l->world.store, &l->names[i],
					&length) == ERR_NONE;

		if ((wanted[i] || l->rows[i] > 0) && !here)
			l->wrong = "a needed body is gone";
		if (here && !body_world_is(&l->world, buf_slice(&l->bodies[i])))
			l->wrong = "a body is not what it was";
	}
}

static void judge(struct life *l)
{
	struct needed *needed = mem_zalloc(1, sizeof(*needed));

	needed->life = l;
	if (body_store_holds(l->world.store, hold_seen, needed) != ERR_NONE)
		l->wrong = "holds cannot be read";
	judge_bodies(l, needed);
	mem_free(needed);
}

/* ---- life ---- */

static void live(struct life *l)
{
	uint64_t calls = draw(l, CALLS_MAX) + 1;

	l->by_kill = draw(l, 2) == 0;
	if (l->by_kill)
		disk_sim_kill_at(l->world.sim, calls);
	else
		disk_sim_cut_at(l->world.sim, calls);
	for (unsigned i = 0; i < TURNS_MAX && is_alive(l) && !l->wrong; i++)
		turn(l);
}

static void die(struct life *l)
{
	enum disk_sim_crash how = is_alive(l) || l->by_kill ? DISK_SIM_KILL
				  : draw(l, 1)              ? DISK_SIM_DROP
							    : DISK_SIM_TEAR;

	l->dead = true; /* what it hears from now on counts for nothing */
	body_world_crash(&l->world,
			 how == DISK_SIM_TEAR ? &l->random.random : NULL, how);
	for (unsigned i = 0; i < l->op_count; i++)
		if (l->ops[i].state == OP_ASKED)
			l->ops[i].state = OP_RESOLVED;
	l->dead = false;
	l->asked = 0;
	l->sweeping = false;
	l->checkpointing = false;
}

static bool start(struct life *l)
{
	enum err err = body_world_open(&l->world, false);

	if (err == ERR_FULL && l->options->full) {
		/* Somebody has made room: nothing may be lost. */
		disk_sim_set_space(l->world.sim, UINT64_MAX);
		err = body_world_open(&l->world, false);
	}
	if (err != ERR_NONE) {
		l->wrong = "it does not open";
		return false;
	}
	body_store_caught_up(l->world.store, true);
	judge(l);
	return true;
}

static void life_init(struct life *l, const struct body_life_options *options)
{
	l->options = options;
	random_seeded_init(&l->random, options->seed);
	body_world_init(&l->world);
	for (unsigned i = 0; i < BODIES; i++) {
		size_t len =
			i % 8 == 7 ? 70000 + i * 1000 : (size_t)draw(l, 9000);

		l->bodies[i] = body_octets(i, len);
		sha256(buf_slice(&l->bodies[i]), &l->names[i]);
	}
	if (options->full)
		disk_sim_set_space(l->world.sim, 900 * 1024);
}

const char *body_life_run(const struct body_life_options *options)
{
	struct life *l = mem_zalloc(1, sizeof(*l));
	const char *wrong;

	life_init(l, options);
	for (unsigned i = 0; i <= options->deaths && !l->wrong; i++) {
		if (!start(l) || i == options->deaths)
			break;
		live(l);
		die(l);
	}
	wrong = l->wrong;
	body_world_fini(&l->world);
	for (unsigned i = 0; i < BODIES; i++)
		buf_fini(&l->bodies[i]);
	mem_free(l);
	return wrong;
}
