#include <criterion/criterion.h>
#include <string.h>

#include "base/mem.h"
#include "base/pack.h"
#include "base/random.h"
#include "peer/mux.h"

#define KIND 3
#define LEGS 4000

/* One end of a stream and its owner. */
struct leg {
	struct rig *rig;
	unsigned number; /* of the stream; the other end has the same */
	bool opener;
	struct peer_stream *stream; /* NULL: over */
	uint64_t sent;
	uint64_t got;
	size_t take; /* octets of a call that are taken; SIZE_MAX: all */
	bool random; /* takes some octets only, as it comes */
	bool paused;
	bool finished; /* this end has */
	bool ended;    /* the other has, and it was told */
	unsigned rooms;
	bool closed;
	bool gave_up; /* this end closed it */
	enum err err;
	char text[64];
};

struct end {
	struct peer_mux mux;
	struct peer_reader reader;
	struct buf wire; /* on the way to the other end */
	unsigned wakes;
};

/* Two muxes and the queue between them. */
struct rig {
	struct end end[2];
	struct peer_acceptors acceptors[2];
	struct random_seeded random;
	struct leg *legs[2]; /* by stream, of each end */
	unsigned count;
	bool refuse; /* what is opened */
};

static uint64_t chance(struct rig *rig, uint64_t of)
{
	return random_range(&rig->random.random, 0, of - 1);
}

/* ---- owners ---- */

/* The octet at `at` that the opener, or the other one, writes. */
static uint8_t pattern(unsigned stream, bool opener, uint64_t at)
{
	return (uint8_t)(at * 7 + (at >> 9) + stream * 13 + opener);
}

static size_t leg_octets(struct peer_stream *stream, struct slice in)
{
	struct leg *leg = peer_stream_owner(stream);
	size_t take = leg->take < in.len ? leg->take : in.len;

	cr_assert(!leg->paused && !leg->ended && !leg->closed);
	cr_assert(in.len > 0 && in.len <= PEER_WINDOW);
	if (leg->random && chance(leg->rig, 3) == 0)
		take = (size_t)chance(leg->rig, in.len + 1);
	for (size_t i = 0; i < take; i++)
		cr_assert(in.data[i] ==
			  pattern(leg->number, !leg->opener, leg->got + i));
	leg->got += take;
	leg->paused = take < in.len;
	return take;
}

static void leg_room(struct peer_stream *stream)
{
	struct leg *leg = peer_stream_owner(stream);

	cr_assert(peer_stream_room(stream) >= PEER_ROOM / 2);
	leg->rooms++;
}

static void leg_finished(struct peer_stream *stream)
{
	struct leg *leg = peer_stream_owner(stream);

	cr_assert(!leg->ended && !leg->closed);
	leg->ended = true;
}

static void leg_closed(struct peer_stream *stream, enum err err,
		       struct slice text)
{
	struct leg *leg = peer_stream_owner(stream);

	cr_assert(!leg->closed && !leg->gave_up);
	leg->closed = true;
	leg->stream = NULL;
	leg->err = err;
	text = slice_first(text, sizeof(leg->text) - 1);
	if (text.len > 0)
		memcpy(leg->text, text.data, text.len);
}

static const struct peer_stream_ops leg_ops = {
	.octets = leg_octets,
	.room = leg_room,
	.finished = leg_finished,
	.closed = leg_closed,
};

static void accept_leg(void *arg, struct peer_stream *stream, struct slice head)
{
	struct rig *rig = arg;
	struct unpack in = unpack_of(head);
	unsigned number = unpack_u32(&in);
	unsigned side = unpack_u8(&in) ? 0 : 1;
	struct leg *leg = &rig->legs[side][number];

	cr_assert(unpack_end(&in));
	if (rig->refuse) {
		peer_stream_close(stream, ERR_DENIED, "not today");
		return;
	}
	leg->stream = stream;
	peer_stream_adopt(stream, &leg_ops, leg);
}

/* A stream from `side`; NULL: the mux has none to give. */
static struct leg *leg_open(struct rig *rig, unsigned side)
{
	unsigned number = rig->count;
	struct leg *leg = &rig->legs[side][number];
	struct buf head = { 0 };

	for (unsigned i = 0; i < 2; i++)
		rig->legs[i][number] = (struct leg){
			.rig = rig,
			.number = number,
			.opener = i == side,
			.take = SIZE_MAX,
		};
	pack_u32(&head, number);
	pack_u8(&head, (uint8_t)side);
	leg->stream = peer_mux_open(&rig->end[side].mux, KIND, buf_slice(&head),
				    &leg_ops, leg);
	buf_fini(&head);
	if (!leg->stream)
		return NULL;
	rig->count++;
	return leg;
}

static struct leg *other(struct leg *leg)
{
	struct rig *rig = leg->rig;
	bool first = leg == &rig->legs[0][leg->number];

	return &rig->legs[first ? 1 : 0][leg->number];
}

static size_t leg_write(struct leg *leg, size_t len)
{
	struct buf data = { 0 };
	size_t took;

	for (size_t i = 0; i < len; i++)
		buf_add_octet(&data,
			      pattern(leg->number, leg->opener, leg->sent + i));
	took = peer_stream_write(leg->stream, buf_slice(&data));
	leg->sent += took;
	buf_fini(&data);
	return took;
}

static void leg_write_buf(struct leg *leg, size_t len)
{
	struct buf data = { 0 };

	for (size_t i = 0; i < len; i++)
		buf_add_octet(&data,
			      pattern(leg->number, leg->opener, leg->sent + i));
	if (peer_stream_write_buf(leg->stream, &data)) {
		cr_assert(data.len == 0 && data.data == NULL);
		leg->sent += len;
	}
	buf_fini(&data);
}

static void leg_resume(struct leg *leg)
{
	leg->paused = false;
	peer_stream_resume(leg->stream);
}

static void leg_finish(struct leg *leg)
{
	leg->finished = true;
	peer_stream_finish(leg->stream);
}

static void leg_give_up(struct leg *leg, enum err err)
{
	struct peer_stream *stream = leg->stream;

	leg->gave_up = true;
	leg->stream = NULL;
	peer_stream_close(stream, err, "gave up");
}

/* ---- the rig ---- */

static void wake(void *arg)
{
	struct end *end = arg;

	end->wakes++;
}

static void rig_init(struct rig *rig, uint64_t seed)
{
	*rig = (struct rig){ 0 };
	random_seeded_init(&rig->random, seed);
	for (unsigned i = 0; i < 2; i++) {
		struct peer_mux_config config = {
			.odd = i == 0,
			.node = 2 - i,
			.acceptors = &rig->acceptors[i],
			.wake = wake,
			.arg = &rig->end[i],
		};

		rig->acceptors[i].by_kind[KIND].accept = accept_leg;
		rig->acceptors[i].by_kind[KIND].arg = rig;
		rig->legs[i] = mem_zalloc(LEGS, sizeof(struct leg));
		peer_mux_init(&rig->end[i].mux, &config);
		peer_reader_init(&rig->end[i].reader, ~0u);
	}
}

static void rig_fini(struct rig *rig)
{
	for (unsigned i = 0; i < 2; i++) {
		peer_mux_end(&rig->end[i].mux, "the test is over");
		peer_mux_fini(&rig->end[i].mux);
		peer_reader_fini(&rig->end[i].reader);
		buf_fini(&rig->end[i].wire);
		mem_free(rig->legs[i]);
	}
}

/* `len` octets on the way from `side` arrive. */
static void arrive(struct rig *rig, unsigned side, size_t len)
{
	struct end *from = &rig->end[side];
	struct end *to = &rig->end[1 - side];
	struct slice in = slice_first(buf_slice(&from->wire), len);
	struct peer_frame frame;

	len = in.len;
	while (peer_reader_feed(&to->reader, &in, &frame) == PEER_FEED_FRAME)
		cr_assert(peer_mux_feed(&to->mux, &frame) == ERR_NONE, "%s",
			  to->mux.why);
	cr_assert(in.len == 0);
	buf_drop(&from->wire, len);
}

static bool turn(struct rig *rig, unsigned side, size_t max)
{
	struct end *end = &rig->end[side];
	size_t limit = end->wire.len + max;
	bool more = peer_mux_turn(&end->mux, &end->wire, limit);

	cr_assert(end->wire.len <= limit + PEER_OPEN_MAX + 2 * PEER_DATA_MAX);
	return more;
}

/* Until neither side has anything to say. */
static void settle(struct rig *rig)
{
	bool more;

	do {
		more = false;
		for (unsigned i = 0; i < 2; i++) {
			more |= turn(rig, i, 100000);
			more |= rig->end[i].wire.len > 0;
			arrive(rig, i, SIZE_MAX);
		}
	} while (more);
}

/* ---- plain talks ---- */

Test(peer_mux, octets_go_both_ways_and_both_ends_are_told_the_end)
{
	struct rig rig;
	struct leg *a, *b;

	rig_init(&rig, 1);
	a = leg_open(&rig, 0);
	b = other(a);
	cr_assert(leg_write(a, 1000) == 1000);
	settle(&rig);
	cr_assert(b->got == 1000 && !b->ended);
	cr_assert(peer_stream_node(b->stream) == 1);
	leg_finish(a);
	leg_write(b, 5);
	settle(&rig);
	cr_assert(a->got == 5 && b->ended && !a->ended && !b->closed);
	leg_finish(b);
	settle(&rig);
	cr_assert(a->ended && a->closed && a->err == ERR_NONE);
	cr_assert(b->closed && b->err == ERR_NONE);
	rig_fini(&rig);
}

Test(peer_mux, both_sides_open_streams_without_meeting)
{
	struct rig rig;
	struct leg *a, *b;

	rig_init(&rig, 1);
	a = leg_open(&rig, 0);
	b = leg_open(&rig, 1);
	leg_write(a, 10);
	leg_write(b, 20);
	settle(&rig);
	cr_assert(other(a)->got == 10 && other(b)->got == 20);
	rig_fini(&rig);
}

Test(peer_mux, who_gives_up_is_heard_with_error_and_text)
{
	struct rig rig;
	struct leg *a;

	rig_init(&rig, 1);
	a = leg_open(&rig, 0);
	leg_write(a, 100000);
	turn(&rig, 0, 20000);
	arrive(&rig, 0, SIZE_MAX);
	leg_give_up(a, ERR_OVERQUOTA);
	leg_write(other(a), 5000); /* is on the way when it ends */
	settle(&rig);
	cr_assert(other(a)->closed && other(a)->err == ERR_OVERQUOTA);
	cr_assert_str_eq(other(a)->text, "gave up");
	cr_assert(other(a)->got < 100000);
	cr_assert(tree_empty(&rig.end[0].mux.streams));
	cr_assert(tree_empty(&rig.end[1].mux.streams));
	rig_fini(&rig);
}

Test(peer_mux, a_stream_given_up_before_it_is_sent_was_never_there)
{
	struct rig rig;

	rig_init(&rig, 1);
	leg_give_up(leg_open(&rig, 0), ERR_CANCELLED);
	settle(&rig);
	cr_assert(rig.end[1].mux.peer_id == 0);
	leg_write(leg_open(&rig, 0), 7);
	settle(&rig);
	cr_assert(rig.end[1].mux.peer_id == 3 && rig.legs[1][1].got == 7);
	rig_fini(&rig);
}

Test(peer_mux, an_acceptor_may_refuse_and_unknown_kinds_are_refused)
{
	struct rig rig;
	struct leg *a;

	rig_init(&rig, 1);
	rig.refuse = true;
	a = leg_open(&rig, 0);
	settle(&rig);
	cr_assert(a->closed && a->err == ERR_DENIED);
	cr_assert_str_eq(a->text, "not today");
	rig.acceptors[1].by_kind[KIND].accept = NULL;
	a = leg_open(&rig, 0);
	settle(&rig);
	cr_assert(a->closed && a->err == ERR_CANNOT);
	rig_fini(&rig);
}

Test(peer_mux, a_dead_link_ends_every_stream_as_unavailable)
{
	struct rig rig;
	struct leg *a, *b;

	rig_init(&rig, 1);
	a = leg_open(&rig, 0);
	b = leg_open(&rig, 0);
	leg_write(a, 100);
	settle(&rig);
	peer_mux_end(&rig.end[0].mux, "reset by peer");
	cr_assert(a->closed && a->err == ERR_UNAVAILABLE);
	cr_assert(b->closed && b->err == ERR_UNAVAILABLE);
	cr_assert_str_eq(a->text, "reset by peer");
	cr_assert(!leg_open(&rig, 0));
	rig_fini(&rig);
}

/* ---- credit and fairness ---- */

Test(peer_mux, a_slow_reader_stops_its_own_stream_only)
{
	struct rig rig;
	struct leg *slow, *quick;
	uint64_t wrote = 0;

	rig_init(&rig, 1);
	slow = leg_open(&rig, 0);
	quick = leg_open(&rig, 0);
	settle(&rig);
	other(slow)->take = 0;
	for (unsigned i = 0; i < 20; i++) {
		leg_write(slow, 100000);
		wrote += leg_write(quick, 100000);
		settle(&rig);
	}
	/* one window on the other side, the room on this one */
	cr_assert(slow->sent == PEER_WINDOW + PEER_ROOM, "%llu",
		  (unsigned long long)slow->sent);
	cr_assert(other(slow)->got == 0);
	cr_assert(wrote == 2000000 && other(quick)->got == wrote);
	other(slow)->take = SIZE_MAX;
	leg_resume(other(slow));
	settle(&rig);
	cr_assert(other(slow)->got == slow->sent);
	cr_assert(slow->rooms == 1 && quick->rooms == 0);
	rig_fini(&rig);
}

Test(peer_mux, a_large_stream_lets_a_small_one_pass)
{
	struct rig rig;
	struct leg *large, *small;

	rig_init(&rig, 1);
	large = leg_open(&rig, 0);
	leg_write(large, PEER_ROOM);
	turn(&rig, 0, 1);
	small = leg_open(&rig, 0);
	leg_write(small, 100);
	/* two frames of the large one at most before it */
	turn(&rig, 0, 2 * PEER_DATA_MAX + 1);
	arrive(&rig, 0, SIZE_MAX);
	cr_assert(other(small)->got == 100);
	cr_assert(other(large)->got < PEER_ROOM / 2);
	rig_fini(&rig);
}

Test(peer_mux, memory_that_was_taken_arrives_whole)
{
	struct rig rig;
	struct leg *a;

	rig_init(&rig, 1);
	a = leg_open(&rig, 0);
	leg_write(a, 10);
	leg_write_buf(a, 200000);
	leg_write(a, 10);
	leg_write_buf(a, 200000);
	cr_assert(a->sent == 400020 && peer_stream_room(a->stream) == 0);
	leg_write_buf(a, 1); /* not taken: there is no room */
	cr_assert(a->sent == 400020);
	leg_finish(a);
	settle(&rig);
	cr_assert(other(a)->got == 400020 && other(a)->ended);
	rig_fini(&rig);
}

Test(peer_mux, above_the_number_of_streams_none_is_opened)
{
	static const struct peer_stream_ops ops = {
		.octets = leg_octets,
		.closed = leg_closed,
	};
	struct leg leg = { 0 };
	struct rig rig;

	rig_init(&rig, 1);
	for (unsigned i = 0; i < PEER_STREAMS_MAX; i++)
		cr_assert(peer_mux_open(&rig.end[0].mux, KIND, SLICE_NONE,
					&leg_ops, &leg));
	cr_assert(
		!peer_mux_open(&rig.end[0].mux, KIND, SLICE_NONE, &ops, &leg));
	while (!tree_empty(&rig.end[0].mux.streams)) {
		leg.closed = false;
		peer_stream_close((struct peer_stream *)(void *)tree_first(
					  &rig.end[0].mux.streams),
				  ERR_CANCELLED, "");
	}
	rig_fini(&rig);
}

/* ---- peers that break the rules ---- */

static void expect_broken(struct rig *rig, const struct peer_frame *frame,
			  const char *why)
{
	struct peer_mux *mux = &rig->end[1].mux;

	cr_assert(peer_mux_feed(mux, frame) == ERR_SYNTAX);
	cr_assert_str_eq(mux->why, why);
}

Test(peer_mux, a_peer_that_breaks_the_rules_is_found_out)
{
	struct peer_frame frame = { .type = PEER_DATA };
	struct rig rig;
	struct leg *a;

	rig_init(&rig, 1);
	frame.data.stream = 1;
	frame.data.octets = SLICE_LIT("x");
	expect_broken(&rig, &frame, "stream 1: was never opened");
	frame.data.stream = 2;
	expect_broken(&rig, &frame, "stream 2: was never opened");
	a = leg_open(&rig, 0);
	leg_open(&rig, 1); /* stream 2, not sent */
	expect_broken(&rig, &frame, "stream 2: was not opened yet");
	settle(&rig);
	frame = (struct peer_frame){ .type = PEER_OPEN };
	frame.open.stream = 1;
	expect_broken(&rig, &frame, "stream 1: opened out of order");
	frame.open.stream = 4;
	expect_broken(&rig, &frame, "stream 4: opened out of order");
	frame = (struct peer_frame){ .type = PEER_CREDIT };
	frame.credit.stream = 1;
	frame.credit.octets = 1;
	expect_broken(&rig, &frame, "stream 1: more credit than octets");
	leg_finish(a);
	settle(&rig);
	frame = (struct peer_frame){ .type = PEER_CLOSE };
	frame.close.stream = 1;
	expect_broken(&rig, &frame, "stream 1: ended twice");
	frame = (struct peer_frame){ .type = PEER_DATA };
	frame.data.stream = 1;
	frame.data.octets = SLICE_LIT("x");
	expect_broken(&rig, &frame, "stream 1: octets after the end");
	rig_fini(&rig);
}

Test(peer_mux, more_octets_than_granted_end_the_link)
{
	static const uint8_t octets[PEER_DATA_MAX];
	struct peer_frame frame = { .type = PEER_DATA };
	struct rig rig;
	struct leg *a;

	rig_init(&rig, 1);
	a = leg_open(&rig, 0);
	settle(&rig);
	other(a)->take = 0;
	frame.data.stream = 1;
	frame.data.octets = slice_of(octets, sizeof(octets));
	for (unsigned i = 0; i < PEER_WINDOW / PEER_DATA_MAX; i++)
		cr_assert(peer_mux_feed(&rig.end[1].mux, &frame) == ERR_NONE);
	expect_broken(&rig, &frame, "stream 1: more octets than granted");
	rig_fini(&rig);
}

/* ---- against plain queues ---- */

static void random_write(struct rig *rig, struct leg *leg)
{
	size_t len = (size_t)chance(rig, 8) == 0
			     ? (size_t)chance(rig, PEER_ROOM)
			     : (size_t)chance(rig, 2000);

	if (leg->finished)
		return;
	if (chance(rig, 4) == 0)
		leg_write_buf(leg, len);
	else
		leg_write(leg, len);
}

static void random_act(struct rig *rig, struct leg *leg)
{
	switch (chance(rig, 40)) {
	case 0:
		leg_give_up(leg, ERR_CANCELLED);
		return;
	case 1:
	case 2:
		if (!leg->finished)
			leg_finish(leg);
		return;
	case 3:
	case 4:
	case 5:
	case 6:
		if (leg->paused)
			leg_resume(leg);
		return;
	default:
		random_write(rig, leg);
	}
}

static void random_step(struct rig *rig)
{
	unsigned side = (unsigned)chance(rig, 2);
	unsigned recent = rig->count < 12 ? rig->count : 12;
	struct leg *leg;

	if (rig->count + 1 < LEGS && (recent < 4 || chance(rig, 30) == 0)) {
		leg = leg_open(rig, side);
		if (leg)
			leg->random = other(leg)->random = true;
		return;
	}
	switch (chance(rig, 4)) {
	case 0:
		turn(rig, side, (size_t)chance(rig, 50000));
		return;
	case 1:
		arrive(rig, side, (size_t)chance(rig, 60000));
		return;
	default:
		leg = &rig->legs[side][rig->count - 1 - chance(rig, recent)];
		if (leg->stream)
			random_act(rig, leg);
	}
}

/* Everybody reads on and finishes. */
static void wind_up(struct rig *rig)
{
	bool waits;

	do {
		waits = false;
		settle(rig);
		for (unsigned i = 0; i < 2 * rig->count; i++) {
			struct leg *leg = &rig->legs[i & 1][i / 2];

			if (!leg->stream)
				continue;
			leg->random = false;
			if (!leg->finished)
				leg_finish(leg);
			if (leg->paused)
				leg_resume(leg);
			waits = true;
		}
	} while (waits);
}

static void check_leg(struct leg *leg)
{
	struct leg *peer = other(leg);

	cr_assert(leg->got <= peer->sent);
	if (leg->gave_up)
		return;
	if (!leg->closed) { /* the opener had given up before */
		cr_assert(!leg->opener && peer->gave_up && leg->got == 0);
		return;
	}
	if (leg->err == ERR_NONE) {
		cr_assert(leg->ended && leg->got == peer->sent);
	} else {
		cr_assert(leg->err == ERR_CANCELLED && peer->gave_up);
		cr_assert_str_eq(leg->text, "gave up");
	}
}

Test(peer_mux, streams_are_queues_whatever_happens_around_them)
{
	unsigned whole = 0;

	for (uint64_t seed = 1; seed <= 3; seed++) {
		struct rig rig;

		rig_init(&rig, seed);
		for (unsigned i = 0; i < 3000; i++)
			random_step(&rig);
		wind_up(&rig);
		for (unsigned i = 0; i < 2 * rig.count; i++) {
			struct leg *leg = &rig.legs[i & 1][i / 2];

			check_leg(leg);
			whole += leg->err == ERR_NONE && leg->got > 0;
		}
		cr_assert(rig.end[0].mux.own_count == 0);
		cr_assert(rig.end[0].mux.peer_count == 0);
		cr_assert(tree_empty(&rig.end[1].mux.streams));
		rig_fini(&rig);
	}
	cr_assert(whole > 30, "%u", whole);
}
