/*
 * A message on its way from a client to the disks: the body is written while
 * it comes, and its structure is parsed on the way (architecture.md 4). With
 * upload_spread it goes to all replicas of its group, and is done when a
 * majority of the voters has it.
 *
 * Life: upload_new; upload_add ... in any split; upload_finish; `event`; then
 * the owner reads the result and calls upload_free. upload_free is allowed at
 * any time: what is still under way ends by itself.
 *
 * All calls and events are on the home executor.
 */
#ifndef SERVER_UPLOAD_H
#define SERVER_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/slice.h"
#include "raft/command.h"
#include "server/courier.h"
#include "store/body.h"

struct upload;

/* What an operation has on its bodies until its turn is resolved (F3). */
static inline struct body_hold upload_hold_of(uint32_t group,
					      const struct op_id *op)
{
	return (struct body_hold){
		.group = group,
		.slot = op->slot,
		.proposer = op->proposer,
		.turn = op->turn,
	};
}

/* There is room again after upload_add said false, or the end was reached. */
typedef void upload_event(struct upload *upload, void *arg);

struct upload_result {
	enum err err;           /* as of body_write_finish; ERR_UNAVAILABLE:
				 * a majority cannot be had */
	struct sha256 hash;     /* of the body, its name */
	uint64_t size;          /* octets */
	struct slice structure; /* mail/structure.h; empty: too large to keep;
				 * borrowed until upload_free */
};

/*
 * `live` is raised and, when the store has let go of the upload, which may be
 * after upload_free, lowered again (atomic): a store is closed at 0.
 */
struct upload *upload_new(struct body_store *bodies, unsigned *live,
			  struct executor *home, upload_event *event,
			  void *arg);

/*
 * The body belongs to these replicas; before upload_set_hold, once. If this
 * node is the only one, nothing changes; if it is none of them, its disk is
 * left alone. `targets` are copied.
 */
void upload_spread(struct upload *upload, struct courier *courier,
		   const struct courier_targets *targets);

/*
 * Whose body it is: known when the operation has its slot. Octets that came
 * before wait in memory (bounded: upload_add says false). No event comes from
 * here; upload_is_starved tells whether there is room now.
 */
void upload_set_hold(struct upload *upload, const struct body_hold *hold);

/* Takes all (a copy). False: enough for now, wait for the event. */
bool upload_add(struct upload *upload, struct slice octets);

/* upload_add has said false, and the event has not come yet. */
bool upload_is_starved(const struct upload *upload);

/* The end of the message. The event comes once more, after the hold is known.
 */
void upload_finish(struct upload *upload);

/* True after the event that follows upload_finish. */
bool upload_done(const struct upload *upload, struct upload_result *result_r);

/* Who has it by now; after upload_spread and the end, of a good one. */
void upload_holders(struct upload *upload, struct courier_holders *holders_r);

/* *uploadp becomes NULL; no event any more. */
void upload_free(struct upload **uploadp);

#endif
