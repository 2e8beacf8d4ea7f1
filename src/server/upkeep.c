/*
 * Upkeep of the bodies, on the main loop.
 *
 * Every UPKEEP_MS: a checkpoint of the index if one is due. Until it is true:
 * has every local group answered a read-index round begun after the start?
 */
#include "server/upkeep.h"

#include "base/mem.h"
#include "server/node.h"

#define UPKEEP_MS 5000

struct upkeep {
	struct node *node;
	struct executor *home;
	struct timer timer;
	bool stopped;

	struct body_checkpoint checkpoint;
	bool checkpointing;
	uint64_t checkpoint_at_ms; /* when the last one began */

	struct read_index read;
	bool reading;
	unsigned caught_up; /* groups that have answered, in order */
};

static void again(struct upkeep *upkeep)
{
	if (!upkeep->stopped)
		timer_set(io_loop_timers(upkeep->node->main), &upkeep->timer,
			  UPKEEP_MS);
}

/* ---- caught up ---- */

static void next_group(struct upkeep *upkeep);

static void group_answered(struct read_index *read)
{
	struct upkeep *upkeep = read->owner;

	upkeep->reading = false;
	if (read->err)
		return; /* tried again at the next tick */
	upkeep->caught_up++;
	next_group(upkeep);
}

static void next_group(struct upkeep *upkeep)
{
	struct node *node = upkeep->node;

	if (upkeep->stopped || upkeep->reading)
		return;
	if (upkeep->caught_up == node->group_count) {
		body_store_caught_up(node->bodies, true);
		return;
	}
	upkeep->reading = true;
	upkeep->read = (struct read_index){
		.home = upkeep->home,
		.owner = upkeep,
	};
	replica_read_index(node->groups[upkeep->caught_up].replica,
			   &upkeep->read, group_answered);
}

/* ---- checkpoints ---- */

static void checkpointed(struct body_checkpoint *checkpoint)
{
	struct upkeep *upkeep = checkpoint->owner;

	upkeep->checkpointing = false;
}

static void checkpoint_if_due(struct upkeep *upkeep)
{
	struct node *node = upkeep->node;
	uint64_t now = clock_mono_ms(io_loop_clock(node->main));

	if (upkeep->checkpointing ||
	    !body_store_checkpoint_due(node->bodies,
				       now - upkeep->checkpoint_at_ms))
		return;
	upkeep->checkpointing = true;
	upkeep->checkpoint_at_ms = now;
	upkeep->checkpoint = (struct body_checkpoint){
		.home = upkeep->home,
		.owner = upkeep,
	};
	body_store_checkpoint(node->bodies, &upkeep->checkpoint, checkpointed);
}

static void tick(struct timer *timer)
{
	struct upkeep *upkeep = container_of(timer, struct upkeep, timer);

	checkpoint_if_due(upkeep);
	if (upkeep->caught_up < upkeep->node->group_count)
		next_group(upkeep);
	again(upkeep);
}

struct upkeep *upkeep_new(struct node *node)
{
	struct upkeep *upkeep = mem_zalloc(1, sizeof(*upkeep));

	upkeep->node = node;
	upkeep->home = io_loop_executor(node->main);
	timer_init(&upkeep->timer, tick);
	again(upkeep);
	return upkeep;
}

void upkeep_stop(struct upkeep *upkeep)
{
	upkeep->stopped = true;
	timer_stop(io_loop_timers(upkeep->node->main), &upkeep->timer);
}

void upkeep_free(struct upkeep **upkeepp)
{
	struct upkeep *upkeep = *upkeepp;

	*upkeepp = NULL;
	upkeep_stop(upkeep);
	mem_free(upkeep);
}
