/*
 * Uploads: octets before and after the hold is known, and an owner that leaves
 * at any moment.
 */
#include <criterion/criterion.h>

/* tidy: allow layers: a bench of another folder serves here too */
#include "../store/body_world.h"
#include "base/log.h"
#include "server/upload.h"

struct owner {
	struct body_world world;
	struct upload *upload;
	unsigned live;
	unsigned events;
	bool inside; /* a call of ours is under way: no event may come */
};

static void quiet(void *arg unused_arg, enum log_level level unused_arg,
		  const char *line unused_arg)
{
}

static void moved(struct upload *upload, void *arg)
{
	struct owner *o = arg;

	cr_assert(!o->inside);
	cr_assert_eq(upload, o->upload);
	o->events++;
}

static void owner_init(struct owner *o)
{
	log_set_sink(quiet, NULL);
	*o = (struct owner){ 0 };
	body_world_init(&o->world);
	cr_assert_eq(body_world_open(&o->world, false), ERR_NONE);
	o->upload = upload_new(o->world.store, &o->live,
			       &o->world.queue.executor, moved, o);
	cr_assert_eq(o->live, 1);
}

static void owner_fini(struct owner *o)
{
	unsigned events = o->events;

	if (o->upload)
		upload_free(&o->upload);
	task_queue_drain(&o->world.queue);
	cr_assert_eq(o->events, events, "nobody listens any more");
	cr_assert_eq(o->live, 0);
	body_world_fini(&o->world);
}

static void set_hold(struct owner *o)
{
	struct body_hold hold = body_hold_of(1);

	o->inside = true;
	upload_set_hold(o->upload, &hold);
	o->inside = false;
}

static bool add(struct owner *o, struct slice octets)
{
	bool room;

	o->inside = true;
	room = upload_add(o->upload, octets);
	o->inside = false;
	return room;
}

static void finish(struct owner *o)
{
	o->inside = true;
	upload_finish(o->upload);
	o->inside = false;
}

static const char message[] = "From: a\r\nSubject: b\r\n\r\nbody\r\n";

Test(upload, of_a_message_gives_its_name_and_structure)
{
	struct owner o;
	struct upload_result result;
	struct sha256 hash;

	owner_init(&o);
	set_hold(&o);
	cr_assert(add(&o, slice_str(message)));
	cr_assert(!upload_done(o.upload, &result));
	finish(&o);
	cr_assert(!upload_done(o.upload, &result), "never at once");
	task_queue_drain(&o.world.queue);
	cr_assert_eq(o.events, 1);
	cr_assert(upload_done(o.upload, &result));
	cr_assert_eq(result.err, ERR_NONE);
	cr_assert_eq(result.size, strlen(message));
	cr_assert_gt(result.structure.len, 0);
	sha256(slice_str(message), &hash);
	cr_assert(sha256_eq(&hash, &result.hash));
	upload_free(&o.upload);
	cr_assert(body_world_is(&o.world, slice_str(message)));
	owner_fini(&o);
}

Test(upload, octets_wait_for_the_hold_and_the_owner_is_not_called)
{
	struct owner o;
	struct upload_result result;

	owner_init(&o);
	cr_assert(!add(&o, slice_str(message)), "there is no hold yet");
	cr_assert(upload_is_starved(o.upload));
	task_queue_drain(&o.world.queue);
	cr_assert_eq(o.events, 0);
	set_hold(&o);
	cr_assert(!upload_is_starved(o.upload));
	finish(&o);
	task_queue_drain(&o.world.queue);
	cr_assert(upload_done(o.upload, &result));
	cr_assert_eq(result.err, ERR_NONE);
	owner_fini(&o);
}

Test(upload, that_outruns_the_disk_waits_for_an_event)
{
	struct owner o;
	struct upload_result result;
	struct buf octets = body_octets(1, 3 * BODY_CHUNK);

	owner_init(&o);
	set_hold(&o);
	cr_assert(!add(&o, buf_slice(&octets)));
	cr_assert(upload_is_starved(o.upload));
	task_queue_drain(&o.world.queue);
	cr_assert_eq(o.events, 1);
	cr_assert(!upload_is_starved(o.upload));
	finish(&o);
	task_queue_drain(&o.world.queue);
	cr_assert(upload_done(o.upload, &result));
	cr_assert_eq(result.size, octets.len);
	buf_fini(&octets);
	owner_fini(&o);
}

/* Begins one and leaves it after so many tasks; true: it was at its end. */
static bool leaves_after(unsigned tasks, bool hold, bool end, size_t len)
{
	struct buf octets = body_octets(1, len);
	struct owner o;
	struct upload_result result;
	bool done;

	owner_init(&o);
	if (hold)
		set_hold(&o);
	add(&o, buf_slice(&octets));
	if (end)
		finish(&o);
	while (tasks-- > 0)
		task_queue_step(&o.world.queue);
	done = upload_done(o.upload, &result);
	upload_free(&o.upload);
	owner_fini(&o);
	buf_fini(&octets);
	return done;
}

Test(upload, may_be_left_at_any_moment)
{
	static const size_t lengths[] = { 1, BODY_CHUNK, 5 * BODY_CHUNK };

	for (size_t i = 0; i < 3; i++) {
		unsigned tasks = 0;

		leaves_after(0, false, false, lengths[i]);
		leaves_after(0, false, true, lengths[i]);
		leaves_after(0, true, false, lengths[i]);
		leaves_after(1, true, false, lengths[i]);
		while (!leaves_after(tasks, true, true, lengths[i]))
			cr_assert_lt(++tasks, 1000);
		cr_assert_gt(tasks, 0);
	}
}
