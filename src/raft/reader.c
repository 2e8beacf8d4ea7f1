/*
 * Reads on their way to an index (reader.h).
 */
#include "raft/reader.h"

void reader_init(struct reader *reader, uint64_t life)
{
	*reader = (struct reader){ .seq = life / 2 };
	list_init(&reader->fresh);
	list_init(&reader->asked);
	list_init(&reader->noted);
}

static void read_run_done(struct task *task)
{
	struct read_index *read = container_of(task, struct read_index, task);

	read->done(read); /* may free it */
}

void reader_answer(struct read_index *read, enum err err, uint64_t index)
{
	list_remove(&read->link);
	read->err = err;
	read->index = index;
	task_post(read->home, &read->task, read_run_done);
}

void reader_add(struct reader *reader, struct read_index *read, uint64_t now_ms)
{
	uint32_t ms =
		read->deadline_ms != 0 ? read->deadline_ms : REPLICA_READ_MS;

	read->deadline_at_ms = now_ms + ms;
	list_append(&reader->fresh, &read->link);
}

uint64_t reader_ask(struct reader *reader, uint64_t now_ms)
{
	reader->seq++;
	reader->asked_at_ms = now_ms;
	LIST_FOREACH (&reader->fresh, it) {
		struct read_index *read =
			LIST_ENTRY(it, struct read_index, link);

		read->seq = reader->seq;
		read->asked_at_ms = now_ms;
	}
	list_splice(&reader->asked, &reader->fresh);
	return reader->seq;
}

void reader_again(struct reader *reader)
{
	list_splice(&reader->asked, &reader->fresh);
	list_splice(&reader->fresh, &reader->asked);
}

static struct read_index *first_of(const struct list *list)
{
	if (list_empty(list))
		return NULL;
	return LIST_ENTRY(list->next, struct read_index, link);
}

/* A later answer may name a lower index; what was told before stays true. */
void reader_note(struct reader *reader, uint64_t seq, uint64_t index)
{
	const struct read_index *last;
	struct read_index *read;

	if (seq > reader->seq)
		return; /* to another life */
	if (!list_empty(&reader->noted)) {
		last = LIST_ENTRY(reader->noted.prev, struct read_index, link);
		if (last->index > index)
			index = last->index;
	}
	while ((read = first_of(&reader->asked)) != NULL && read->seq <= seq) {
		read->index = index;
		list_remove(&read->link);
		list_append(&reader->noted, &read->link);
	}
}

struct read_index *reader_first_noted(const struct reader *reader)
{
	return first_of(&reader->noted);
}

static void list_tick(struct list *list, uint64_t now_ms)
{
	LIST_FOREACH_SAFE (list, it) {
		struct read_index *read =
			LIST_ENTRY(it, struct read_index, link);

		if (read->deadline_at_ms <= now_ms)
			reader_answer(read, ERR_TIMEOUT, 0);
	}
}

void reader_tick(struct reader *reader, uint64_t now_ms)
{
	list_tick(&reader->fresh, now_ms);
	list_tick(&reader->asked, now_ms);
	list_tick(&reader->noted, now_ms);
}

static void list_end(struct list *list, enum err err)
{
	struct read_index *read;

	while ((read = first_of(list)) != NULL)
		reader_answer(read, err, 0);
}

void reader_end(struct reader *reader, enum err err)
{
	list_end(&reader->fresh, err);
	list_end(&reader->asked, err);
	list_end(&reader->noted, err);
}
