/*
 * Repair: brings the bodies that rows name and this node lacks, and looks at
 * each one that it has from time to time (the scrub), mending what is damaged.
 *
 * Two rounds, both slow and in the background:
 *
 *   missing  what the groups' tables of missing bodies list (raft/missing.h)
 *            is fetched, REPAIR_AT_ONCE at a time. After the start, when
 *            woken, and each minute
 *   scrub    one body after the other is read and compared with its name,
 *            all of them once in the time of the setting
 *
 * On one executor; what blocks is done by workers.
 */
#ifndef SERVER_REPAIR_H
#define SERVER_REPAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/timer.h"
#include "raft/missing.h"
#include "server/courier.h"
#include "store/body.h"

#define REPAIR_AT_ONCE 2 /* fetches: clients come first */
#define REPAIR_SLICE 256 /* names */
#define REPAIR_PAUSE_MS 20
#define REPAIR_FIRST_MS 5000
#define REPAIR_RETRY_MS (60ull * 1000) /* a round had failures */
#define REPAIR_AGAIN_MS (60ull * 1000) /* it costs a look at a counter */

/* The scrub looks at one body in this time, if there are so few. */
#define REPAIR_SCRUB_SLOW_MS 60000

struct repair;

/* Where a walk over all names stands; zeroed: at the beginning. */
struct repair_place {
	unsigned group; /* place in the node's list */
	uint64_t mailbox;
	uint32_t uid;
	struct missing_body missing; /* of the missing round */
};

struct repair_name {
	uint32_t group;
	struct sha256 hash;
};

struct repair_config {
	struct courier *courier;
	struct body_store *bodies;
	struct executor *home;
	struct timers *timers; /* of home */
	struct clock *clock;
	struct executor *pool;
	uint64_t scrub_ms; /* for all bodies once; 0: no scrub */
	/*
	 * Up to `max` names from the place on, which is moved; false: that was
	 * all. With `missing` those of the tables of missing bodies, else of
	 * all rows. Called on the pool.
	 */
	bool (*names)(void *arg, bool missing, struct repair_place *place,
		      struct repair_name *names, unsigned max,
		      unsigned *count_r);
	void *arg;
};

struct repair_round_status {
	bool running;
	uint64_t rounds; /* that came to their end */
	uint64_t looked; /* bodies, in this or the last round */
	uint64_t lacked; /* not here, or damaged */
	uint64_t mended;
	uint64_t failed; /* nobody has it, or nobody could be asked */
};

struct repair_status {
	struct repair_round_status missing;
	struct repair_round_status scrub;
};

/* `config` is copied. The first round begins a little later. */
struct repair *repair_new(const struct repair_config *config);

/* There may be more to repair: a group has come, an import has ended. */
void repair_wake(struct repair *repair);

void repair_get_status(const struct repair *repair,
		       struct repair_status *status_r);

/* Begins nothing any more. */
void repair_stop(struct repair *repair);

/* Something is under way. */
bool repair_is_busy(const struct repair *repair);

/* Stopped and not busy. */
void repair_free(struct repair **repairp);

#endif
