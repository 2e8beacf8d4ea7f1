/*
 * MOVE across groups, at random: movers in both directions, runners, an
 * expunger, a STORE, quotas, seals and purges; any frame that was ever proposed
 * is applied now, later, again, or never. The properties are those of
 * test/model/move.pml, and have its names.
 */
#include <criterion/criterion.h>

#include <stdlib.h>

#include "base/mem.h"
#include "base/random.h"
#include "move.h"

#define STEPS 8000
#define CHECK_EVERY 200
#define MESSAGES 600
#define BOXES 4 /* 11 and 12 in group 1, 21 and 22 in group 2 */
#define MOVERS 6
#define FRAMES 64
#define ENDERS 8 /* slots of the node for END; MOVERS.. */

struct mover {
	bool asked; /* and has not heard yet */
	uint32_t source_group;
	struct op_id op;
	struct mailgroup_target target;
};

struct fate {
	bool is_there; /* was appended */
	bool expunged;
	bool flagged; /* a STORE was acknowledged */
};

struct world {
	struct move_pair pair;
	struct random_seeded seeded;
	struct random *random;
	struct fate fates[MESSAGES];
	unsigned messages;
	struct mover movers[MOVERS];
	struct move_frame frames[FRAMES]; /* kind 0: none */
	struct op_id ends[ENDERS];        /* newest of each slot */
	uint32_t end_groups[ENDERS];
	uint64_t done; /* MOVEs that were heard to be done */
	uint64_t refused;
	struct buf payload;
};

static uint64_t draw(struct world *w, uint64_t max)
{
	return random_range(w->random, 0, max);
}

static uint32_t group_of(uint64_t box)
{
	return (uint32_t)(box / 10);
}

static uint64_t draw_box(struct world *w)
{
	return 10 * (1 + draw(w, 1)) + 1 + draw(w, 1);
}

static struct store_txn *ask(struct world *w, uint32_t group)
{
	return machine_ask(&move_group(&w->pair, group)->m);
}

/* ---- which message is it ---- */

static unsigned number_of(const struct mailgroup_row *row)
{
	return (unsigned)(row->size - group_message(0, 0).size);
}

/* Calls `each` for all rows of a mailbox. */
static void walk(struct world *w, uint64_t box,
		 void (*each)(struct world *w, const struct mailgroup_row *row,
			      void *arg),
		 void *arg)
{
	struct mailgroup_walk walk;
	struct mailgroup_row row;

	mailgroup_walk_begin(&walk, ask(w, group_of(box)), box, 1, 1,
			     UINT32_MAX - 1, MAILGROUP_STATE | MAILGROUP_FIXED);
	while (mailgroup_walk_next(&walk, &row))
		each(w, &row, arg);
	mailgroup_walk_end(&walk);
}

static struct uidset draw_uids(struct world *w, uint64_t box)
{
	struct uidset all = { 0 };
	struct uidset uids = { 0 };

	mailgroup_uids(ask(w, group_of(box)), box, &all);
	for (unsigned i = 0; i < 3 && all.count > 0; i++) {
		uint32_t uid = uidset_nth(&all, draw(w, uidset_size(&all) - 1));

		uidset_add(&uids, uid, uid);
	}
	if (uids.count == 0)
		uidset_add(&uids, 1, 1);
	uidset_fini(&all);
	return uids;
}

/* ---- the world ---- */

static void step_append(struct world *w)
{
	uint64_t box = draw_box(w);
	struct group *g = move_group(&w->pair, group_of(box));
	struct mailgroup_message message = group_message(w->messages, 0);
	struct mailgroup_append command = {
		.target = group_target(box),
		.user = 1,
		.messages = &message,
		.count = 1,
	};

	if (w->messages == MESSAGES)
		return;
	if (group_apply(g, mailgroup_append_encode(&command, &g->m.body),
			MAILGROUP_APPEND) == ERR_NONE)
		w->fates[w->messages].is_there = true;
	w->messages++;
}

/* Those that are there before: what goes is told by the answer. */
static void note_expunged(struct world *w, const struct mailgroup_row *row,
			  void *arg)
{
	const struct uidset *gone = arg;

	if (!gone || uidset_has(gone, row->uid))
		w->fates[number_of(row)].expunged = true;
}

static void step_expunge(struct world *w)
{
	uint64_t box = draw_box(w);
	struct group *g = move_group(&w->pair, group_of(box));
	struct uidset uids = draw_uids(w, box);
	struct mailgroup_expunge command = { .mailbox = box };
	struct uidset gone = { 0 };

	/* One of them only, so that most are moved about. */
	uidset_add(&command.uids, uids.ranges[0].first, uids.ranges[0].first);
	uidset_copy(&gone, &command.uids);
	if (!mailgroup_claimed(ask(w, group_of(box)), box) &&
	    !group_status(g, box, 1).sealed)
		walk(w, box, note_expunged, &gone);
	else
		uidset_clear(&command.uids);
	if (command.uids.count > 0)
		cr_assert_eq(group_apply(g,
					 mailgroup_expunge_encode(&command,
								  &g->m.body),
					 MAILGROUP_EXPUNGE),
			     ERR_NONE);
	uidset_fini(&gone);
	uidset_fini(&command.uids);
	uidset_fini(&uids);
}

/* Those of an open claim of this mailbox; false: there is none. */
static bool claimed_uids(struct world *w, uint64_t box, struct uidset *uids)
{
	struct mailgroup_open_claim claim;
	uint32_t group = 0;
	uint32_t slot = 0;
	bool found = mailgroup_claim_next(ask(w, group_of(box)), &group, &slot,
					  &claim) &&
		     claim.source == box;

	if (found)
		uidset_copy(uids, &claim.uids);
	uidset_fini(&claim.uids);
	return found;
}

/* EXPUNGE of claimed messages takes none of them. */
static void step_expunge_claimed(struct world *w)
{
	uint64_t box = draw_box(w);
	struct group *g = move_group(&w->pair, group_of(box));
	struct mailgroup_expunge command = { .mailbox = box };
	struct mailgroup_expunge_result result;

	if (claimed_uids(w, box, &command.uids) &&
	    group_apply(g, mailgroup_expunge_encode(&command, &g->m.body),
			MAILGROUP_EXPUNGE) == ERR_NONE) {
		cr_assert_eq(mailgroup_expunge_result(machine_payload(&g->m),
						      &result),
			     ERR_NONE);
		cr_assert_eq(result.expunged.count, 0);
	}
	uidset_fini(&command.uids);
}

static void note_flagged(struct world *w, const struct mailgroup_row *row,
			 void *arg)
{
	const struct uidset *uids = arg;

	if (uidset_has(uids, row->uid))
		w->fates[number_of(row)].flagged = true;
}

static void step_store(struct world *w)
{
	uint64_t box = draw_box(w);
	struct group *g = move_group(&w->pair, group_of(box));
	struct mailgroup_store command = {
		.mailbox = box,
		.user = 1,
		.mode = MAILGROUP_STORE_ADD,
		.flags = MAILGROUP_FLAGGED,
		.mask = MAILGROUP_FLAGS_ALL,
	};

	if (draw(w, 3) == 0 || !claimed_uids(w, box, &command.uids))
		command.uids = draw_uids(w, box);
	if (group_apply(g, mailgroup_store_encode(&command, &g->m.body),
			MAILGROUP_STORE) == ERR_NONE)
		walk(w, box, note_flagged, &command.uids);
	uidset_fini(&command.uids);
}

/* Seldom, and never all mailboxes of a group. */
static void step_seal(struct world *w)
{
	uint64_t box = 10 * (1 + draw(w, 1)) + 1;

	if (draw(w, 150) == 0)
		cr_assert_eq(
			group_seal(move_group(&w->pair, group_of(box)), box),
			ERR_NONE);
}

static void step_purge(struct world *w)
{
	uint64_t box = 10 * (1 + draw(w, 1)) + 1;
	struct group *g = move_group(&w->pair, group_of(box));
	struct mailgroup_purge command = { box };
	uint32_t claimed = mailgroup_claimed(ask(w, group_of(box)), box);
	struct mailgroup_status status = group_status(g, box, 1);
	enum err err;

	if (draw(w, 10) != 0)
		return;
	if (status.sealed && claimed == 0)
		walk(w, box, note_expunged, NULL);
	err = group_apply(g, mailgroup_purge_encode(&command, &g->m.body),
			  MAILGROUP_PURGE);
	cr_assert_eq(err, !status.sealed ? ERR_INVALID
			  : claimed > 0  ? ERR_INUSE
					 : ERR_NONE);
}

/* ---- frames ---- */

static void put(struct world *w, struct move_frame frame)
{
	struct move_frame *at = &w->frames[draw(w, FRAMES - 1)];

	move_frame_fini(at);
	*at = frame;
}

static void apply(struct world *w, const struct move_frame *frame)
{
	enum err refusal;

	(void)move_apply(&w->pair, frame, &refusal, &w->payload);
}

static void step_frame(struct world *w)
{
	const struct move_frame *frame = &w->frames[draw(w, FRAMES - 1)];

	if (frame->kind != 0)
		apply(w, frame);
}

/* ---- movers ---- */

/* M1. The proposer repeats it until it is resolved; here, at once or later. */
static void step_ask(struct world *w)
{
	uint32_t slot = (uint32_t)draw(w, MOVERS - 1);
	struct mover *mover = &w->movers[slot];
	uint64_t source = draw_box(w);
	struct uidset uids;
	struct move_frame frame;

	if (mover->asked)
		return;
	mover->asked = true;
	mover->source_group = group_of(source);
	mover->target =
		group_target(10 * (3 - group_of(source)) + 1 + draw(w, 1));
	if (draw(w, 5) == 0)
		mover->target.quota_messages = 1 + draw(w, 40);
	uids = draw_uids(w, source);
	frame = move_claim(&w->pair, slot, mover->source_group, source, &uids,
			   &mover->target, 1);
	mover->op = frame.op;
	uidset_fini(&uids);
	apply(w, &frame);
	put(w, frame);
}

/* A claim of a mover that is open, as CLAIM's op id says. */
static bool draw_claim(struct world *w, struct mover *mover,
		       struct mailgroup_claim_result *claim_r)
{
	struct slice payload;
	enum err refusal;
	bool open;

	if (!mover->asked ||
	    !slots_result(ask(w, mover->source_group), &mover->op, &refusal,
			  &payload) ||
	    refusal != ERR_NONE)
		return false;
	cr_assert_eq(mailgroup_claim_result(payload, claim_r), ERR_NONE);
	uidset_fini(&claim_r->uids);
	open = claim_r->turn != 0 && !claim_r->ended;
	return open;
}

/* A slot for END: a command in it is resolved before the next. */
static bool draw_ender(struct world *w, uint32_t group, uint32_t *slot_r)
{
	uint32_t n = (uint32_t)draw(w, ENDERS - 1);

	*slot_r = MOVERS + n;
	if (w->end_groups[n] != 0 && w->end_groups[n] != group)
		return false;
	return w->ends[n].turn == 0 ||
	       slots_is_resolved(ask(w, group), &w->ends[n]);
}

static void run_end(struct world *w, const struct mover *mover,
		    const struct mailgroup_claim_result *claim)
{
	struct move_frame frame;
	uint32_t slot;

	if (!draw_ender(w, mover->source_group, &slot) ||
	    !move_end(&w->pair, slot, mover->source_group, claim->slot,
		      claim->turn, &frame))
		return;
	w->ends[slot - MOVERS] = frame.op;
	w->end_groups[slot - MOVERS] = mover->source_group;
	apply(w, &frame);
	put(w, frame);
}

/* A runner: one step, as often as it likes. */
static void run(struct world *w, struct mover *mover, unsigned what)
{
	struct mailgroup_claim_result claim;
	struct move_frame frame;

	if (!draw_claim(w, mover, &claim))
		return;
	if (what == 0) {
		frame = move_cancel(mover->source_group, claim.slot,
				    claim.turn);
		put(w, frame);
	} else if (what < 6) {
		cr_assert(move_append(&w->pair, mover->source_group, claim.slot,
				      claim.turn, &frame));
		if (what < 4)
			apply(w, &frame);
		put(w, frame);
	} else {
		run_end(w, mover, &claim);
	}
}

/* OK: this claim has made its rows, in order. */
static void check_ok(struct world *w, const struct mover *mover,
		     const struct mailgroup_claim_result *claim)
{
	struct op_id op = mailgroup_claim_op(mover->source_group, claim->slot,
					     claim->turn);
	struct mailgroup_append_result appended;
	struct slice payload;
	enum err refusal;

	/* Its slot may have been used again. */
	if (!slots_result(ask(w, 3 - mover->source_group), &op, &refusal,
			  &payload))
		return;
	cr_assert_eq(refusal, ERR_NONE, "OK");
	cr_assert_eq(mailgroup_append_result(payload, &appended), ERR_NONE);
	cr_assert_eq(appended.first_uid, claim->first_uid, "OK");
	cr_assert_eq(appended.count, uidset_size(&claim->uids), "OK");
}

/* M10. */
static void hear(struct world *w, struct mover *mover)
{
	struct mailgroup_claim_result claim = { 0 };
	struct slice payload;
	enum err refusal;

	if (!mover->asked || !slots_result(ask(w, mover->source_group),
					   &mover->op, &refusal, &payload))
		return;
	if (refusal == ERR_NONE)
		cr_assert_eq(mailgroup_claim_result(payload, &claim), ERR_NONE);
	if (refusal != ERR_NONE) {
		w->refused++;
		mover->asked = false;
	} else if (claim.turn == 0) {
		mover->asked = false;
	} else if (claim.ended) {
		check_ok(w, mover, &claim);
		w->done++;
		mover->asked = false;
	}
	uidset_fini(&claim.uids);
}

static struct mover *draw_mover(struct world *w)
{
	return &w->movers[draw(w, MOVERS - 1)];
}

static void step(struct world *w)
{
	switch (draw(w, 11)) {
	case 0:
		step_append(w);
		break;
	case 1:
		step_expunge(w);
		break;
	case 2:
		step_store(w);
		break;
	case 3:
		step_seal(w);
		break;
	case 4:
		step_purge(w);
		break;
	case 5:
		step_expunge_claimed(w);
		break;
	case 6:
		step_frame(w);
		break;
	case 7:
		step_ask(w);
		break;
	case 8:
		hear(w, draw_mover(w));
		break;
	default:
		run(w, draw_mover(w), (unsigned)draw(w, 9));
		break;
	}
}

/* ---- properties ---- */

struct count {
	unsigned copies[MESSAGES];
	unsigned flagged[MESSAGES];
};

static void count_row(struct world *w, const struct mailgroup_row *row,
		      void *arg)
{
	struct count *count = arg;

	(void)w;
	count->copies[number_of(row)]++;
	if ((row->flags & MAILGROUP_FLAGGED) != 0)
		count->flagged[number_of(row)]++;
}

static void count_all(struct world *w, struct count *count)
{
	memset(count, 0, sizeof(*count));
	for (uint64_t box = 11; box <= 22; box++)
		if (box <= 12 || box >= 21)
			walk(w, box, count_row, count);
}

static void check_always(struct world *w)
{
	struct count *count = mem_zalloc(1, sizeof(*count));

	count_all(w, count);
	for (unsigned i = 0; i < w->messages; i++)
		cr_assert(count->copies[i] > 0 || w->fates[i].expunged ||
				  !w->fates[i].is_there,
			  "LOST: message %u", i);
	mem_free(count);
	for (uint32_t g = 1; g <= MOVE_GROUPS; g++)
		group_verify(move_group(&w->pair, g));
}

static void check_rest(struct world *w)
{
	struct count *count = mem_zalloc(1, sizeof(*count));

	count_all(w, count);
	for (unsigned i = 0; i < w->messages; i++) {
		const struct fate *fate = &w->fates[i];

		cr_assert_eq(count->copies[i],
			     fate->is_there && !fate->expunged ? 1 : 0,
			     "TWICE: message %u is there %u times", i,
			     count->copies[i]);
		cr_assert(!fate->flagged || count->copies[i] == 0 ||
				  count->flagged[i] == 1,
			  "FLAG: message %u", i);
	}
	mem_free(count);
}

static bool is_open(struct world *w)
{
	struct mailgroup_open_claim claim;
	bool open = false;

	for (uint32_t g = 1; g <= MOVE_GROUPS && !open; g++) {
		uint32_t group = 0;
		uint32_t slot = 0;

		open = mailgroup_claim_next(ask(w, g), &group, &slot, &claim);
		uidset_fini(&claim.uids);
	}
	return open;
}

/* The world outside does nothing any more; the runners come to their end. */
static void rest(struct world *w)
{
	for (unsigned i = 0; i < 10000 && is_open(w); i++)
		run(w, draw_mover(w), (unsigned)draw(w, 9));
	cr_assert_not(is_open(w), "STUCK");
	for (unsigned i = 0; i < MOVERS; i++) {
		hear(w, &w->movers[i]);
		cr_assert_not(w->movers[i].asked, "STUCK");
	}
	for (unsigned i = 0; i < 500; i++)
		step_frame(w); /* late ones change nothing */
}

static void play(uint64_t seed)
{
	const char *text = getenv("MURDER_SEED");
	struct world *w = mem_zalloc(1, sizeof(*w));

	seed = text ? strtoull(text, NULL, 10) : seed;
	cr_log_info("seed %lu", (unsigned long)seed);
	random_seeded_init(&w->seeded, seed);
	w->random = &w->seeded.random;
	move_open(&w->pair);
	for (unsigned i = 1; i <= STEPS; i++) {
		step(w);
		if (i % CHECK_EVERY == 0)
			check_always(w);
	}
	rest(w);
	check_rest(w);
	cr_assert_gt(w->done, 30, "%lu done", (unsigned long)w->done);
	cr_assert_gt(w->refused, 10, "%lu refused", (unsigned long)w->refused);
	for (unsigned i = 0; i < FRAMES; i++)
		move_frame_fini(&w->frames[i]);
	buf_fini(&w->payload);
	move_close(&w->pair);
	mem_free(w);
}

Test(moves, at_random_leave_each_message_once_1)
{
	play(1);
}

Test(moves, at_random_leave_each_message_once_2)
{
	play(2);
}

Test(moves, at_random_leave_each_message_once_3)
{
	play(3);
}
