/*
 * The identity file is written by a worker.
 *
 * Happy path: wishes gather in `next`; when no write is under way they become
 * `current`, the identity is copied, a worker writes it, all of `current` hear
 * it. Failures are told to those who asked; the next write tries again.
 */
#include "server/keeper.h"

#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/disk.h"
#include "server/node.h"

struct keeper {
	struct node *node;
	struct list next;    /* waiting */
	struct list current; /* being written */
	struct identity_file copy;
	enum err err;
	bool writing;
	struct task task;
};

static void write_next(struct keeper *keeper);

static void written(struct task *task)
{
	struct keeper *keeper = container_of(task, struct keeper, task);
	enum err err = keeper->err;
	struct list done;
	struct list *link;

	CRASH_POINT("identity_written");
	if (keeper->err)
		LOG_ERROR("%s/node cannot be written: %s",
			  keeper->node->settings->data, err_text(keeper->err));
	identity_fini(&keeper->copy);
	keeper->writing = false;
	list_init(&done);
	list_splice(&done, &keeper->current);
	write_next(keeper);
	while ((link = list_take(&done))) {
		struct keeper_write *write =
			LIST_ENTRY(link, struct keeper_write, link);

		write->err = err;
		write->done(write); /* may free it */
	}
}

static void write_copy(struct task *task)
{
	struct keeper *keeper = container_of(task, struct keeper, task);
	const struct node *node = keeper->node;

	keeper->err =
		identity_write(io_disk(), node->settings->data, &keeper->copy);
	task_post(io_loop_executor(node->main), task, written);
}

static void copy_identity(struct keeper *keeper)
{
	const struct identity_file *from = &keeper->node->identity;
	size_t octets = from->replica_count * sizeof(*from->replicas);

	keeper->copy = *from;
	keeper->copy.replicas =
		mem_zalloc(from->replica_count, sizeof(*from->replicas));
	memcpy(keeper->copy.replicas, from->replicas, octets);
}

static void write_next(struct keeper *keeper)
{
	if (keeper->writing || list_empty(&keeper->next))
		return;
	list_splice(&keeper->current, &keeper->next);
	keeper->writing = true;
	copy_identity(keeper);
	task_post(io_pool_executor(keeper->node->pool), &keeper->task,
		  write_copy);
}

void keeper_write(struct keeper *keeper, struct keeper_write *write,
		  keeper_done *done)
{
	write->done = done;
	write->err = ERR_NONE;
	list_append(&keeper->next, &write->link);
	write_next(keeper);
}

bool keeper_is_busy(const struct keeper *keeper)
{
	return keeper->writing || !list_empty(&keeper->next);
}

struct keeper *keeper_new(struct node *node)
{
	struct keeper *keeper = mem_zalloc(1, sizeof(*keeper));

	keeper->node = node;
	list_init(&keeper->next);
	list_init(&keeper->current);
	return keeper;
}

void keeper_free(struct keeper **keeperp)
{
	struct keeper *keeper = *keeperp;

	*keeperp = NULL;
	if (keeper->writing)
		identity_fini(&keeper->copy);
	mem_free(keeper);
}
