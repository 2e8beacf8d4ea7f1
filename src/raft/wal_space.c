/*
 * Room for the log: the next file is made ready before it is needed, released
 * ones are kept for imports up to a limit and then used again.
 *
 * A file is released by the head of a newer one that says "needed from here",
 * once a batch in that newer file is durable. Only then it may be overwritten:
 * until that moment a restart would begin with it.
 *
 * The disk gets full: a ballast file gives its octets back, so that the log
 * can go on for the records that must be written while leaders refuse
 * proposals (R13). When there is no next file at all, the process ends.
 */
#include "raft/wal_internal.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"

/* ---- on the pool ---- */

static void job_drop(struct wal *wal)
{
	for (;;) {
		struct list *link = list_take(&wal->drop);
		struct wal_segment *segment;

		if (link == NULL)
			return;
		segment = LIST_ENTRY(link, struct wal_segment, link);
		wal_file_close(&wal->place, &segment->fd);
		if (segment->head.start != wal->make.recycle &&
		    wal_file_remove(&wal->place, segment->head.start) !=
			    ERR_NONE)
			LOG_WARN("%s: an old file cannot be removed",
				 wal->place.path);
		mem_free(segment);
	}
}

static enum err job_make(struct wal *wal)
{
	enum err err;

	if (wal->make.head.size == 0)
		return ERR_NONE;
	err = wal_file_make(&wal->place, &wal->make, &wal->made_fd);
	if (err != ERR_FULL || wal->ballast_gone)
		return err;
	LOG_ERROR("%s: the disk is full; the ballast file is given up",
		  wal->place.path);
	wal->ballast_gone = true;
	if (wal_ballast_drop(&wal->place) != ERR_NONE)
		return ERR_FULL;
	return wal_file_make(&wal->place, &wal->make, &wal->made_fd);
}

/* The ballast comes back when it leaves the wanted room free. */
static enum err job_ballast(struct wal *wal)
{
	struct disk *disk = wal->place.disk;
	enum err err =
		disk->free_space(disk, wal->place.path, &wal->free_space);

	if (err != ERR_NONE || !wal->ballast_gone)
		return err;
	if (wal->free_space < wal->min_free + wal->segment_size)
		return ERR_NONE;
	err = wal_ballast_make(&wal->place, wal->segment_size);
	if (err == ERR_NONE)
		wal->ballast_gone = false;
	return err == ERR_FULL ? ERR_NONE : err;
}

static void file_done(struct task *task);

static void file_run(struct task *task)
{
	struct wal *wal = container_of(task, struct wal, file_task);

	job_drop(wal);
	wal->made_err = job_make(wal);
	if (wal->made_err == ERR_NONE)
		wal->made_err = job_ballast(wal);
	task_post(wal->loop, task, file_done);
}

/* ---- on the loop ---- */

static void space_die(struct wal *wal, const char *what, enum err err)
{
	wal->failed = true;
	wal_die(wal, what, wal->current->head.start, err);
}

static void next_set(struct wal *wal)
{
	struct wal_segment *next = mem_zalloc(1, sizeof(*next));

	list_init(&next->link);
	next->head = wal->make.head;
	next->fd = wal->made_fd;
	wal->made_fd = -1;
	wal->next = next;
	if (!list_empty(&wal->queue))
		wal_kick(wal);
}

static void full_set(struct wal *wal, bool full)
{
	if (full != wal->full)
		LOG_WARN("%s: free disk space is %s the limit", wal->place.path,
			 full ? "below" : "above");
	wal->full = full;
}

static void file_done(struct task *task)
{
	struct wal *wal = container_of(task, struct wal, file_task);
	bool retry = wal->made_err == ERR_FULL;

	wal->file_busy = false;
	if (wal->made_fd >= 0)
		next_set(wal);
	if (wal->made_err != ERR_NONE && !retry) {
		space_die(wal, "cannot make the next file", wal->made_err);
		return;
	}
	full_set(wal,
		 retry || wal->ballast_gone || wal->free_space < wal->min_free);
	if (retry && !wal->writing && !list_empty(&wal->queue))
		wal_space_missing(wal);
	if (!wal->stopping)
		timer_set(wal->timers, &wal->space,
			  retry ? WAL_RETRY_MS : WAL_SPACE_MS);
	wal_maybe_stopped(wal);
}

static uint64_t needed(const struct wal *wal)
{
	uint64_t lowest = wal->current->head.start;

	for (size_t i = 0; i < wal->group_count; i++) {
		uint64_t lsn = wal_group_needed(wal->groups[i]);

		if (lsn < lowest)
			lowest = lsn;
	}
	return lowest;
}

/*
 * What is above the limit goes; the oldest of it may become the next file.
 *
 * After a start some of it may be needed again: the scan went by the head of
 * the next file and removed that file, so the current one, which says less,
 * counts until a new one is reached.
 */
static void drop_kept(struct wal *wal)
{
	while (wal->kept_bytes > wal->keep_bytes) {
		struct wal_segment *segment =
			LIST_ENTRY(wal->kept.next, struct wal_segment, link);

		MUST(!list_empty(&wal->kept));
		if (segment->head.start + segment->head.size >
		    wal->current->head.needed) {
			PROBE("wal: a released file is needed again");
			return;
		}
		list_remove(&segment->link);
		wal->kept_bytes -= segment->head.size;
		list_append(&wal->drop, &segment->link);
		if (wal->make.head.size == segment->head.size &&
		    wal->make.recycle == 0)
			wal->make.recycle = segment->head.start;
	}
}

/* While a batch is out the groups' picture is ahead of what is durable. */
static bool job_may_begin(const struct wal *wal)
{
	if (wal->file_busy || wal->writing)
		return false;
	return !wal->failed && !wal->stopping;
}

void wal_space_kick(struct wal *wal)
{
	struct wal_segment_head *head = &wal->make.head;
	bool waits;

	if (!job_may_begin(wal))
		return;
	/* Of the last job: the worker writes it while one is under way. */
	waits = wal->made_err == ERR_FULL && timer_is_set(&wal->space);
	wal->make = (struct wal_make){ 0 };
	if (wal->next == NULL && !waits) {
		head->log_id = wal->log_id;
		head->start =
			wal->current->head.start + wal->current->head.size;
		head->size = wal->segment_size;
		head->needed = needed(wal);
	}
	drop_kept(wal);
	if (head->size == 0 && list_empty(&wal->drop) && !wal->space_due)
		return;
	wal->space_due = false;
	wal->file_busy = true;
	timer_stop(wal->timers, &wal->space);
	task_post(wal->pool, &wal->file_task, file_run);
}

/* Released in order only: a gap would look like a lost file. */
void wal_space_switched(struct wal *wal)
{
	uint64_t from = wal->current->head.needed;

	for (;;) {
		struct wal_segment *segment = LIST_ENTRY(
			wal->segments.next, struct wal_segment, link);

		if (segment == wal->current || segment == wal->copy.segment ||
		    segment->head.start + segment->head.size > from)
			return;
		PROBE("wal: a file was released");
		list_remove(&segment->link);
		list_append(&wal->kept, &segment->link);
		wal->kept_bytes += segment->head.size;
	}
}

void wal_space_missing(struct wal *wal)
{
	PROBE("wal: writing waits for the next file");
	if (!wal->file_busy && wal->made_err == ERR_FULL)
		space_die(wal, "no room for the next file", ERR_FULL);
}

static void space_fire(struct timer *timer)
{
	struct wal *wal = container_of(timer, struct wal, space);

	wal->space_due = true;
	wal_space_kick(wal);
}

void wal_space_init(struct wal *wal)
{
	timer_init(&wal->space, space_fire);
}
