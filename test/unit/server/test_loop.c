/*
 * Who is told of what, on a loop that the test turns by hand.
 */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "base/random.h"
#include "server/loop.h"
#include "server/node.h"

struct listener {
	struct watcher watcher;
	struct server_loop *loop;
	unsigned changed;
	unsigned rights;
	struct listener *cuts; /* leaves when this one is told */
	bool leaves;
	uint64_t goes_to; /* watches another mailbox when it is told */
};

struct bench {
	struct settings settings;
	struct node node;
	struct server_loop *loop;
	struct listener listeners[4];
};

static void react(struct listener *listener)
{
	if (listener->cuts)
		server_loop_unwatch(listener->loop, &listener->cuts->watcher);
	if (listener->leaves)
		server_loop_unwatch(listener->loop, &listener->watcher);
	if (listener->goes_to)
		server_loop_watch(listener->loop, &listener->watcher,
				  listener->goes_to);
}

static void changed(struct watcher *watcher)
{
	struct listener *listener =
		container_of(watcher, struct listener, watcher);

	listener->changed++;
	react(listener);
}

static void rights(struct watcher *watcher)
{
	struct listener *listener =
		container_of(watcher, struct listener, watcher);

	listener->rights++;
	react(listener);
}

static struct bench *bench_new(void)
{
	struct bench *b = mem_zalloc(1, sizeof(*b));

	b->settings.login_remember_ms = 1000;
	b->node.settings = &b->settings;
	b->node.random = random_secure();
	b->loop = server_loop_new(&b->node, 0);
	for (unsigned i = 0; i < 4; i++) {
		b->listeners[i].loop = b->loop;
		b->listeners[i].watcher.changed = changed;
		b->listeners[i].watcher.rights = rights;
	}
	return b;
}

static void watch(struct bench *b, unsigned i, uint64_t mailbox)
{
	server_loop_watch(b->loop, &b->listeners[i].watcher, mailbox);
}

/* Runs what was published. */
static void turn(struct bench *b)
{
	io_loop_stop(b->loop->io);
	io_loop_run(b->loop->io);
}

static void bench_free(struct bench *b)
{
	for (unsigned i = 0; i < 4; i++)
		server_loop_unwatch(b->loop, &b->listeners[i].watcher);
	cr_assert_eq(b->loop->watched, 0);
	server_loop_free(&b->loop);
	mem_free(b);
}

Test(loop, tells_those_who_watch_and_nobody_else)
{
	const uint64_t ids[] = { 5, 6, 9 };
	struct bench *b = bench_new();

	watch(b, 0, 5);
	watch(b, 1, 5);
	watch(b, 2, 7);
	server_loop_publish(b->loop, ids, 3);
	cr_assert_eq(b->listeners[0].changed, 0, "never inside the call");
	turn(b);
	cr_assert_eq(b->listeners[0].changed, 1);
	cr_assert_eq(b->listeners[1].changed, 1);
	cr_assert_eq(b->listeners[2].changed, 0);
	cr_assert_eq(b->listeners[0].rights, 0);
	bench_free(b);
}

Test(loop, does_not_keep_news_for_nobody)
{
	const uint64_t id = 5;
	struct bench *b = bench_new();

	server_loop_publish(b->loop, &id, 1);
	watch(b, 0, 5);
	server_loop_publish(b->loop, &id, 1);
	server_loop_unwatch(b->loop, &b->listeners[0].watcher);
	turn(b);
	cr_assert_eq(b->listeners[0].changed, 0);
	bench_free(b);
}

Test(loop, a_watcher_that_is_told_may_leave_and_others_with_it)
{
	const uint64_t id = 5;
	struct bench *b = bench_new();

	for (unsigned i = 0; i < 4; i++)
		watch(b, i, 5);
	b->listeners[0].leaves = true;
	b->listeners[1].cuts = &b->listeners[2]; /* told after it */
	b->listeners[3].cuts = &b->listeners[1]; /* told before it */
	server_loop_publish(b->loop, &id, 1);
	turn(b);
	cr_assert_eq(b->listeners[0].changed, 1);
	cr_assert_eq(b->listeners[1].changed, 1);
	cr_assert_eq(b->listeners[2].changed, 0);
	cr_assert_eq(b->listeners[3].changed, 1);
	cr_assert_null(b->listeners[0].watcher.mailbox);
	cr_assert_null(b->listeners[1].watcher.mailbox);
	bench_free(b);
}

Test(loop, the_last_watcher_may_leave_while_it_is_told)
{
	struct bench *b = bench_new();

	watch(b, 0, 5);
	watch(b, 1, 6);
	watch(b, 2, 7);
	for (unsigned i = 0; i < 3; i++)
		b->listeners[i].leaves = true;
	b->listeners[0].cuts = &b->listeners[1]; /* the next mailbox goes */
	server_loop_publish_rights(b->loop, NULL, 0);
	turn(b);
	cr_assert_eq(b->listeners[0].rights, 1);
	cr_assert_eq(b->listeners[1].rights, 0);
	cr_assert_eq(b->listeners[2].rights, 1);
	cr_assert_eq(b->loop->watched, 0);
	bench_free(b);
}

Test(loop, a_watcher_that_moves_on_is_told_of_the_other_mailbox)
{
	const uint64_t ids[] = { 5, 6 };
	struct bench *b = bench_new();

	watch(b, 0, 5);
	watch(b, 1, 5);
	b->listeners[0].goes_to = 6;
	server_loop_publish(b->loop, ids, 2);
	turn(b);
	cr_assert_eq(b->listeners[0].changed, 2);
	cr_assert_eq(b->listeners[1].changed, 1);
	bench_free(b);
}

static struct imap_view *view_of(uint64_t mailbox, uint64_t modseq)
{
	struct uidset uids = { 0 };

	uidset_add(&uids, 1, 3);
	return imap_view_new(mailbox, modseq, 4, &uids);
}

Test(loop, the_newest_view_is_kept_while_somebody_watches)
{
	struct bench *b = bench_new();
	struct imap_view *first = view_of(5, 10);
	struct imap_view *second = view_of(5, 11);

	server_loop_offer_view(b->loop, first);
	cr_assert_null(server_loop_view(b->loop, 5), "nobody watches");
	watch(b, 0, 5);
	server_loop_offer_view(b->loop, first);
	cr_assert_eq(first->refs, 2);
	server_loop_offer_view(b->loop, second);
	cr_assert_eq(first->refs, 1);
	cr_assert_eq(server_loop_view(b->loop, 5), second);
	cr_assert_null(server_loop_view(b->loop, 6));
	server_loop_unwatch(b->loop, &b->listeners[0].watcher);
	cr_assert_eq(second->refs, 1);
	imap_view_unref(&first);
	imap_view_unref(&second);
	bench_free(b);
}
