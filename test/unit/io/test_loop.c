#include "io/loop.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/attr.h"
#include "io/clock.h"
#include "io/loop_uv.h"
#include "peer.h"

/* ---- tasks ---- */

struct note {
	struct task task;
	int number;
	int *seen; /* array */
	int *count;
};

static void note_run(struct task *task)
{
	struct note *note = container_of(task, struct note, task);

	note->seen[(*note->count)++] = note->number;
}

Test(loop, tasks_run_in_the_order_of_posting)
{
	struct io_loop *loop = io_loop_new("test");
	struct note notes[3];
	int seen[3], count = 0;

	for (int i = 0; i < 3; i++) {
		notes[i] = (struct note){ .number = i,
					  .seen = seen,
					  .count = &count };
		task_post(io_loop_executor(loop), &notes[i].task, note_run);
	}
	io_loop_turn(loop);
	cr_assert(count == 3);
	cr_assert(seen[0] == 0 && seen[1] == 1 && seen[2] == 2);
	io_loop_free(&loop);
}

struct repost {
	struct task task;
	struct io_loop *loop;
	int left;
	unsigned turns;
};

static void repost_run(struct task *task)
{
	struct repost *repost = container_of(task, struct repost, task);

	if (repost->left-- > 0)
		task_post(io_loop_executor(repost->loop), task, repost_run);
}

Test(loop, a_task_posted_by_a_task_runs_in_the_next_turn)
{
	struct io_loop *loop = io_loop_new("test");
	struct repost repost = { .loop = loop, .left = 2 };

	task_post(io_loop_executor(loop), &repost.task, repost_run);
	io_loop_turn(loop);
	cr_assert(repost.left == 1);
	io_loop_turn(loop);
	cr_assert(repost.left == 0);
	io_loop_turn(loop);
	cr_assert(repost.left == -1);
	io_loop_free(&loop);
}

#define POSTERS 4
#define POSTS 5000

struct counter {
	unsigned last[POSTERS]; /* on the loop's thread only */
	unsigned count;
	bool ordered;
};

struct post {
	struct task task;
	struct counter *counter;
	unsigned poster;
	unsigned number;
};

struct poster {
	pthread_t thread;
	struct io_loop *loop;
	struct post posts[POSTS];
};

static void post_run(struct task *task)
{
	struct post *post = container_of(task, struct post, task);
	struct counter *counter = post->counter;

	if (post->number != counter->last[post->poster] + 1)
		counter->ordered = false;
	counter->last[post->poster] = post->number;
	counter->count++;
}

static void *poster_main(void *arg)
{
	struct poster *poster = arg;

	for (unsigned i = 0; i < POSTS; i++)
		task_post(io_loop_executor(poster->loop),
			  &poster->posts[i].task, post_run);
	return NULL;
}

Test(loop, tasks_of_many_threads_all_run_each_thread_in_its_order)
{
	static struct poster posters[POSTERS];
	struct counter counter = { .ordered = true };
	struct io_loop *loop = io_loop_new("test");

	io_loop_start(loop);
	for (unsigned i = 0; i < POSTERS; i++) {
		posters[i].loop = loop;
		for (unsigned j = 0; j < POSTS; j++)
			posters[i].posts[j] = (struct post){
				.counter = &counter,
				.poster = i,
				.number = j + 1,
			};
		cr_assert(pthread_create(&posters[i].thread, NULL, poster_main,
					 &posters[i]) == 0);
	}
	for (unsigned i = 0; i < POSTERS; i++)
		cr_assert(pthread_join(posters[i].thread, NULL) == 0);
	io_loop_stop(loop);
	io_loop_join(loop);
	cr_assert(counter.count == POSTERS * POSTS);
	cr_assert(counter.ordered);
	io_loop_free(&loop);
}

/* Two loops throw one task to and fro: each post must wake the other. */
struct ball {
	struct task task;
	struct io_loop *loops[2];
	unsigned throws;
};

static void ball_run(struct task *task)
{
	struct ball *ball = container_of(task, struct ball, task);

	cr_assert(io_loop_here(ball->loops[ball->throws % 2]));
	cr_assert(!io_loop_here(ball->loops[(ball->throws + 1) % 2]));
	if (++ball->throws == 2000) {
		io_loop_stop(ball->loops[0]);
		io_loop_stop(ball->loops[1]);
		return;
	}
	task_post(io_loop_executor(ball->loops[ball->throws % 2]), task,
		  ball_run);
}

Test(loop, a_post_wakes_a_loop_that_waits)
{
	struct ball ball = { .loops = { io_loop_new("left"),
					io_loop_new("right") } };

	io_loop_start(ball.loops[0]);
	io_loop_start(ball.loops[1]);
	task_post(io_loop_executor(ball.loops[0]), &ball.task, ball_run);
	io_loop_join(ball.loops[0]);
	io_loop_join(ball.loops[1]);
	cr_assert(ball.throws == 2000);
	io_loop_free(&ball.loops[0]);
	io_loop_free(&ball.loops[1]);
}

Test(loop, stop_runs_what_was_posted_before_and_what_that_posts)
{
	struct io_loop *loop = io_loop_new("test");
	struct repost repost = { .loop = loop, .left = 3 };

	task_post(io_loop_executor(loop), &repost.task, repost_run);
	io_loop_stop(loop);
	io_loop_stop(loop);
	io_loop_run(loop);
	cr_assert(repost.left == -1);
	io_loop_free(&loop);
}

/* ---- hooks ---- */

struct trace {
	char text[16];
	size_t len;
};

struct trace_hook {
	struct io_hook hook;
	struct trace *trace;
	char letter;
	struct io_loop *loop;
	struct io_hook *next;
};

static void trace_run(struct io_hook *hook)
{
	struct trace_hook *th = container_of(hook, struct trace_hook, hook);

	th->trace->text[th->trace->len++] = th->letter;
	if (th->next)
		io_loop_at_turn_end(th->loop, th->next);
}

struct trace_task {
	struct task task;
	struct trace_hook *hooks; /* 3 */
	struct io_loop *loop;
};

static void trace_task_run(struct task *task)
{
	struct trace_task *tt = container_of(task, struct trace_task, task);
	struct trace *trace = tt->hooks[0].trace;

	io_loop_at_turn_end(tt->loop, &tt->hooks[0].hook);
	io_loop_at_turn_end(tt->loop, &tt->hooks[0].hook);
	io_loop_at_turn_end(tt->loop, &tt->hooks[1].hook);
	trace->text[trace->len++] = 't';
}

Test(loop, hooks_run_once_after_the_tasks_and_may_set_others)
{
	struct io_loop *loop = io_loop_new("test");
	struct trace trace = { 0 };
	struct trace_hook hooks[3] = { 0 };
	struct trace_task task = { .hooks = hooks, .loop = loop };

	for (size_t i = 0; i < 3; i++) {
		hooks[i].trace = &trace;
		hooks[i].letter = (char)('a' + i);
		hooks[i].loop = loop;
		hooks[i].hook.run = trace_run;
	}
	hooks[0].next = &hooks[2].hook;
	task_post(io_loop_executor(loop), &task.task, trace_task_run);
	io_loop_turn(loop);
	cr_assert_str_eq(trace.text, "tabc");
	io_loop_at_turn_end(loop, &hooks[0].hook);
	io_hook_cancel(&hooks[0].hook);
	io_hook_cancel(&hooks[0].hook);
	io_loop_free(&loop); /* panics if one was left */
}

Test(loop, a_hook_for_the_next_turn_makes_it_not_wait)
{
	struct io_loop *loop = io_loop_new("test");
	struct trace trace = { 0 };
	struct trace_hook hook = { .trace = &trace, .letter = 'n' };

	io_hook_init(&hook.hook, trace_run);
	loop_at_next_turn(loop, &hook.hook);
	io_loop_turn(loop); /* would wait for ever */
	cr_assert_str_eq(trace.text, "n");
	io_loop_free(&loop);
}

/* ---- time ---- */

struct alarm {
	struct timer timer;
	struct io_loop *loop;
	unsigned fired;
	struct note *note;
};

static void alarm_fire(struct timer *timer)
{
	struct alarm *alarm = container_of(timer, struct alarm, timer);

	alarm->fired++;
	if (alarm->note)
		task_post(io_loop_executor(alarm->loop), &alarm->note->task,
			  note_run);
}

Test(loop, a_timer_ends_the_wait)
{
	struct io_loop *loop = io_loop_new("test");
	struct alarm soon = { .loop = loop }, late = { .loop = loop };
	uint64_t start_ms = peer_now_ms();

	timer_init(&soon.timer, alarm_fire);
	timer_init(&late.timer, alarm_fire);
	timer_set(io_loop_timers(loop), &late.timer, 3600 * 1000);
	timer_set(io_loop_timers(loop), &soon.timer, 20);
	TURN_UNTIL(loop, soon.fired == 1);
	cr_assert(peer_now_ms() - start_ms >= 19);
	cr_assert(late.fired == 0);
	timer_stop(io_loop_timers(loop), &late.timer);
	io_loop_free(&loop);
}

Test(loop, what_a_timer_posts_is_not_waited_for)
{
	struct io_loop *loop = io_loop_new("test");
	int seen[1], count = 0;
	struct note note = { .number = 7, .seen = seen, .count = &count };
	struct alarm alarm = { .loop = loop, .note = &note };

	timer_init(&alarm.timer, alarm_fire);
	timer_set(io_loop_timers(loop), &alarm.timer, 1);
	TURN_UNTIL(loop, count == 1);
	cr_assert(alarm.fired == 1 && seen[0] == 7);
	io_loop_free(&loop);
}

Test(loop, a_timer_due_at_once_fires)
{
	struct io_loop *loop = io_loop_new("test");
	struct alarm alarm = { .loop = loop };

	timer_init(&alarm.timer, alarm_fire);
	for (unsigned i = 1; i <= 3; i++) {
		timer_set(io_loop_timers(loop), &alarm.timer, 0);
		TURN_UNTIL(loop, alarm.fired == i);
	}
	io_loop_free(&loop);
}

Test(loop, the_monotonic_clock_stands_within_a_turn)
{
	struct io_loop *loop = io_loop_new("test");
	struct clock *clock = io_loop_clock(loop);
	uint64_t before = clock_mono_ms(clock);
	uint64_t start_ms = peer_now_ms();

	while (peer_now_ms() < start_ms + 5)
		;
	cr_assert(clock_mono_ms(clock) == before);
	cr_assert(clock_wall_ms(clock) >= clock_wall_ms(io_clock()) - 1000);
	io_loop_stop(loop);
	io_loop_turn(loop);
	cr_assert(clock_mono_ms(clock) >= before + 5);
	io_loop_free(&loop);
}

/* ---- signals ---- */

struct signalled {
	struct io_loop *loop;
	int last;
};

static void on_signal(void *arg, int signum)
{
	struct signalled *signalled = arg;

	signalled->last = signum;
	io_loop_stop(signalled->loop);
}

Test(loop, signals_call_their_handler_on_the_main_loop)
{
	struct io_loop *loop = io_loop_new("main");
	struct signalled signalled = { .loop = loop };

	io_loop_on_signal(loop, SIGTERM, on_signal, &signalled);
	io_loop_on_signal(loop, SIGHUP, on_signal, &signalled);
	cr_assert(kill(getpid(), SIGHUP) == 0);
	io_loop_run(loop);
	cr_assert(signalled.last == SIGHUP);
	io_loop_free(&loop);
}

struct mask {
	struct task task;
	sigset_t blocked;
	char name[16];
};

static void mask_run(struct task *task)
{
	struct mask *mask = container_of(task, struct mask, task);

	(void)pthread_sigmask(SIG_SETMASK, NULL, &mask->blocked);
	(void)pthread_getname_np(pthread_self(), mask->name,
				 sizeof(mask->name));
}

Test(loop, a_loop_of_its_own_thread_has_a_name_and_no_signals)
{
	struct io_loop *loop = io_loop_new("session-loop-number-0");
	struct mask mask = { 0 };
	sigset_t mine;

	io_loop_start(loop);
	task_post(io_loop_executor(loop), &mask.task, mask_run);
	io_loop_stop(loop);
	io_loop_join(loop);
	cr_assert(sigismember(&mask.blocked, SIGTERM) == 1);
	cr_assert(sigismember(&mask.blocked, SIGHUP) == 1);
	cr_assert_str_eq(mask.name, "session-loop-nu");
	(void)pthread_sigmask(SIG_SETMASK, NULL, &mine);
	cr_assert(sigismember(&mine, SIGTERM) == 0);
	io_loop_free(&loop);
}
