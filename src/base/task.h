/*
 * Tasks and executors: the seam between logic and threads.
 *
 * An executor runs tasks one after another, in the order in which they were
 * posted. A loop is one; so is the WAL writer's thread, a group's applier and,
 * without the order, a pool of workers. Logic never starts a thread and never
 * locks: it posts. Under a test driver all executors are one queue that the
 * test steps through, so a run can be replayed exactly.
 */
#ifndef BASE_TASK_H
#define BASE_TASK_H

#include "base/list.h"

struct task;

typedef void task_run(struct task *task);

/* Embedded in the operation it belongs to; owned by the executor until run. */
struct task {
	struct list link;
	task_run *run;
};

struct executor {
	/* From any thread. `task` must live, and be posted once, until run. */
	void (*post)(struct executor *executor, struct task *task);
};

static inline void task_post(struct executor *executor, struct task *task,
			     task_run *run)
{
	task->run = run;
	executor->post(executor, task);
}

/*
 * The executor of test drivers: a queue that stands until it is stepped.
 *
 * Init with task_queue_init; its `executor` is what logic sees.
 */
struct task_queue {
	struct executor executor;
	struct list tasks;
};

/* Empty; its tasks run only when it is stepped. */
void task_queue_init(struct task_queue *queue);

/* Runs the oldest task; false if there is none. */
bool task_queue_step(struct task_queue *queue);

/* Runs until none is left; returns how many ran. */
unsigned task_queue_drain(struct task_queue *queue);

#endif
