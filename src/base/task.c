/*
 * The executor of test drivers: tasks stand in a list until they are stepped.
 */
#include "base/task.h"

static void queue_post(struct executor *executor, struct task *task)
{
	struct task_queue *queue =
		container_of(executor, struct task_queue, executor);

	list_append(&queue->tasks, &task->link);
}

void task_queue_init(struct task_queue *queue)
{
	queue->executor.post = queue_post;
	list_init(&queue->tasks);
}

bool task_queue_step(struct task_queue *queue)
{
	struct list *link = list_take(&queue->tasks);
	struct task *task;

	if (link == NULL)
		return false;
	task = LIST_ENTRY(link, struct task, link);
	task->run(task); /* may free the task: touch nothing after */
	return true;
}

unsigned task_queue_drain(struct task_queue *queue)
{
	unsigned count = 0;

	while (task_queue_step(queue))
		count++;
	return count;
}
