#include "crew.h"

#include "base/panic.h"

static void crew_lock(struct crew *crew)
{
	MUST(pthread_mutex_lock(&crew->lock) == 0);
}

static void crew_unlock(struct crew *crew)
{
	MUST(pthread_mutex_unlock(&crew->lock) == 0);
}

static void *crew_main(void *arg)
{
	struct crew *crew = arg;

	crew_lock(crew);
	for (;;) {
		struct list *link = list_take(&crew->tasks);

		if (link) {
			struct task *task = LIST_ENTRY(link, struct task, link);

			crew_unlock(crew);
			task->run(task);
			crew_lock(crew);
		} else if (crew->ending) {
			break;
		} else {
			pthread_cond_wait(&crew->work, &crew->lock);
		}
	}
	crew_unlock(crew);
	return NULL;
}

static void crew_post(struct executor *executor, struct task *task)
{
	struct crew *crew = container_of(executor, struct crew, executor);

	crew_lock(crew);
	list_append(&crew->tasks, &task->link);
	MUST(pthread_cond_signal(&crew->work) == 0);
	crew_unlock(crew);
}

void crew_init(struct crew *crew, unsigned threads)
{
	crew->executor.post = crew_post;
	crew->ending = false;
	crew->count = threads;
	MUST(threads <= CREW_MAX);
	list_init(&crew->tasks);
	MUST(pthread_mutex_init(&crew->lock, NULL) == 0);
	MUST(pthread_cond_init(&crew->work, NULL) == 0);
	for (unsigned i = 0; i < threads; i++)
		MUST(pthread_create(&crew->threads[i], NULL, crew_main, crew) ==
		     0);
}

void crew_fini(struct crew *crew)
{
	crew_lock(crew);
	crew->ending = true;
	MUST(pthread_cond_broadcast(&crew->work) == 0);
	crew_unlock(crew);
	for (unsigned i = 0; i < crew->count; i++)
		MUST(pthread_join(crew->threads[i], NULL) == 0);
	MUST(list_empty(&crew->tasks));
	MUST(pthread_cond_destroy(&crew->work) == 0);
	MUST(pthread_mutex_destroy(&crew->lock) == 0);
}
