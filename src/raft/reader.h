/*
 * Reads of a node that must see everything acknowledged before them, on their
 * way: not asked for yet -> asked for, under a number -> an index is known.
 *
 * Who is asked is the owner's business: the voters, by a round of this node's
 * own, or the leader elsewhere. An answer to number n is one to all that were
 * asked for by then. Numbers only rise, whoever is asked, so an answer that
 * comes late is worth what it was.
 */
#ifndef RAFT_READER_H
#define RAFT_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "base/task.h"

struct read_index;

typedef void read_index_done(struct read_index *read);

#define REPLICA_READ_MS 3000 /* deadline; then degraded mode [S5] */

/* One wait for a read-index round; storage is the caller's until `done`. */
struct read_index {
	struct executor *home;
	void *owner;
	uint32_t deadline_ms; /* 0 = REPLICA_READ_MS */

	enum err err;   /* ERR_NONE, ERR_TIMEOUT, ERR_UNAVAILABLE */
	uint64_t index; /* applied at least this far */

	/* raft/'s own */
	read_index_done *done;
	void *source; /* replica or remote */
	struct list link;
	struct task task;
	uint64_t deadline_at_ms;
	uint64_t asked_at_ms;
	uint64_t seq;
};

struct reader {
	struct list fresh; /* not asked for */
	struct list asked;
	struct list noted; /* `index` is known; in its order */
	uint64_t seq;      /* of the last question */
	uint64_t asked_at_ms;
};

/*
 * `life`: a random number, another one at each start, where numbers begin: an
 * answer to an earlier life says nothing.
 */
void reader_init(struct reader *reader, uint64_t life);

/* Begins to wait; the deadline counts from now. */
void reader_add(struct reader *reader, struct read_index *read,
		uint64_t now_ms);

/* All that is not asked for is, under a new number, which is returned. */
uint64_t reader_ask(struct reader *reader, uint64_t now_ms);

/* Nothing is asked for: who was asked leads no more. */
void reader_again(struct reader *reader);

/* What was asked for up to `seq` needs to see the log up to `index`. */
void reader_note(struct reader *reader, uint64_t seq, uint64_t index);

/* The first whose index is known; NULL: none. */
struct read_index *reader_first_noted(const struct reader *reader);

/* Ends one of them; `done` runs later, on its home. */
void reader_answer(struct read_index *read, enum err err, uint64_t index);

/* Deadlines: ERR_TIMEOUT. */
void reader_tick(struct reader *reader, uint64_t now_ms);

/* Ends all. */
void reader_end(struct reader *reader, enum err err);

static inline bool reader_wants(const struct reader *reader)
{
	return !list_empty(&reader->fresh);
}

/* Something was asked for and not answered. */
static inline bool reader_waits(const struct reader *reader)
{
	return !list_empty(&reader->asked);
}

#endif
