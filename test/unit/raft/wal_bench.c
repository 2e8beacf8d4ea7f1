/*
 * The log's test bench (wal_bench.h).
 */
#include "wal_bench.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"

#define BENCH_PATH "data/wal"

/* ---- model ---- */

static void print_u64(struct buf *out, uint64_t value)
{
	buf_add(out, &value, sizeof value);
}

static void print_head(struct buf *out, const struct wal_state *state)
{
	print_u64(out, state->term);
	print_u64(out, state->vote);
	print_u64(out, state->first);
	print_u64(out, state->last);
	print_u64(out, state->marker.index);
	print_u64(out, state->marker.term);
}

static void print_entry(struct buf *out, const struct bench_entry *entry)
{
	print_u64(out, entry->term);
	buf_add_octet(out, entry->type);
	print_u64(out, entry->hash);
}

static struct bench_entry entry_of(const struct wal_entry *entry)
{
	return (struct bench_entry){ entry->term, entry->type,
				     xxh3(entry->data) };
}

uint64_t bench_print_model(const struct wal_bench *bench)
{
	struct buf out = { 0 };
	uint64_t print;

	for (unsigned g = 0; g < BENCH_GROUPS; g++) {
		const struct bench_group *group = &bench->groups[g];
		const struct wal_state state = {
			.term = group->term,
			.vote = group->vote,
			.first = group->first,
			.last = group->last,
			.marker = { .index = group->marker_index,
				    .term = group->marker_term },
		};

		print_head(&out, &state);
		for (uint64_t i = group->first; i <= group->last; i++)
			print_entry(&out, &group->entries[i]);
	}
	print = xxh3(buf_slice(&out));
	buf_fini(&out);
	return print;
}

uint64_t bench_print_log(const struct wal_bench *bench)
{
	struct buf out = { 0 };
	uint64_t print;

	for (unsigned g = 0; g < BENCH_GROUPS; g++) {
		struct wal_group *group = wal_group_open(bench->wal, g);
		struct wal_state state;
		struct wal_entry entry;
		struct bench_entry mine;

		wal_group_get_state(group, &state);
		print_head(&out, &state);
		for (uint64_t i = state.first; i <= state.last; i++) {
			wal_group_get_entry(group, i, &entry);
			mine = entry_of(&entry);
			print_entry(&out, &mine);
		}
	}
	print = xxh3(buf_slice(&out));
	buf_fini(&out);
	return print;
}

static void print_add(struct wal_bench *bench)
{
	MUST(bench->print_count < BENCH_PRINTS_MAX);
	bench->prints[bench->print_count++] = bench_print_model(bench);
}

/* ---- life of the bench ---- */

static void bench_failed(void *arg, const char *text)
{
	struct wal_bench *bench = arg;

	bench->failed++;
	snprintf(bench->fail_text, sizeof bench->fail_text, "%s", text);
}

static void log_nothing(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

struct wal_bench *bench_new(uint64_t seed)
{
	struct wal_bench *bench = mem_zalloc(1, sizeof(*bench));

	log_set_sink(log_nothing, NULL);
	bench->disk = disk_sim_new();
	disk_sim_make_dirs(bench->disk, "data");
	task_queue_init(&bench->queue);
	clock_manual_init(&bench->clock, 1000, 0);
	timers_init(&bench->timers, &bench->clock.clock);
	random_seeded_init(&bench->random, seed);
	bench->options = (struct wal_options){
		.path = BENCH_PATH,
		.disk = disk_sim_disk(bench->disk),
		.loop = &bench->queue.executor,
		.writer = &bench->queue.executor,
		.pool = &bench->queue.executor,
		.timers = &bench->timers,
		.random = &bench->random.random,
		.segment_size = 64 * 1024,
		.keep_bytes = 128 * 1024,
		.min_free = 4096,
		.fail = bench_failed,
		.fail_arg = bench,
	};
	for (unsigned g = 0; g < BENCH_GROUPS; g++)
		bench->groups[g].first = 1;
	print_add(bench);
	MUST(bench_open(bench) == ERR_NONE);
	return bench;
}

static void ops_forget(struct wal_bench *bench)
{
	for (unsigned i = 0; i < bench->issued; i++) {
		mem_free(bench->ops[i].entries);
		mem_free(bench->ops[i].data);
	}
	bench->issued = 0;
	bench->heard = 0;
	bench->acked = 0;
}

void bench_free(struct wal_bench *bench)
{
	bench_close(bench);
	ops_forget(bench);
	timers_fini(&bench->timers);
	disk_sim_free(&bench->disk);
	buf_fini(&bench->why);
	mem_free(bench);
}

enum err bench_open(struct wal_bench *bench)
{
	return wal_open(&bench->options, &bench->wal, &bench->why);
}

void bench_close(struct wal_bench *bench)
{
	if (bench->wal != NULL)
		wal_close(&bench->wal);
	task_queue_init(&bench->queue);
}

void bench_drain(struct wal_bench *bench)
{
	task_queue_drain(&bench->queue);
}

void bench_wait(struct wal_bench *bench, uint64_t ms)
{
	clock_manual_advance(&bench->clock, ms);
	timers_run(&bench->timers);
	bench_drain(bench);
}

/* ---- operations ---- */

static void op_done(struct wal_op *op)
{
	struct bench_op *mine = container_of(op, struct bench_op, op);
	struct wal_bench *bench = mine->bench;

	if (mine != &bench->ops[bench->heard])
		bench->disorder = true;
	bench->heard++;
	/* What a dead process hears does not count. */
	if (!disk_sim_is_cut(bench->disk))
		bench->acked = bench->heard;
}

/* After the model was changed. */
static struct bench_op *op_next(struct wal_bench *bench)
{
	struct bench_op *op = &bench->ops[bench->issued];

	MUST(bench->issued < BENCH_OPS_MAX);
	print_add(bench);
	*op = (struct bench_op){ .bench = bench };
	op->print = bench->print_count - 1;
	bench->issued++;
	return op;
}

static struct wal_group *log_group(struct wal_bench *bench, unsigned group)
{
	return wal_group_open(bench->wal, group);
}

/* Octets by seed; the operation keeps them. */
static void op_fill(struct bench_op *op, uint64_t term, unsigned count,
		    uint32_t len)
{
	struct random *random = &op->bench->random.random;

	op->count = count;
	op->entries = mem_zalloc(count, sizeof(*op->entries));
	op->data = mem_alloc((size_t)count * len);
	random->fill(random, op->data, (size_t)count * len);
	for (unsigned i = 0; i < count; i++)
		op->entries[i] = (struct wal_entry){
			term, 1, slice_of(op->data + (size_t)i * len, len)
		};
}

void bench_append(struct wal_bench *bench, unsigned g, unsigned count,
		  uint32_t len)
{
	struct bench_group *group = &bench->groups[g];
	struct bench_op filled = { .bench = bench };
	uint64_t index = group->last + 1;
	struct bench_op *op;

	MUST(group->last + count < BENCH_ENTRIES_MAX);
	op_fill(&filled, group->term, count, len);
	for (unsigned i = 0; i < count; i++) {
		if (i > 0)
			print_add(bench);
		group->entries[++group->last] = entry_of(&filled.entries[i]);
	}
	op = op_next(bench);
	filled.print = op->print;
	*op = filled;
	wal_append(log_group(bench, g), &op->op, index, op->entries, count,
		   op_done);
}

void bench_truncate(struct wal_bench *bench, unsigned g, uint64_t index)
{
	struct bench_group *group = &bench->groups[g];

	if (index <= group->last)
		group->last = index - 1;
	wal_truncate(log_group(bench, g), &op_next(bench)->op, index, op_done);
}

void bench_term(struct wal_bench *bench, unsigned g, uint64_t term)
{
	bench->groups[g].term = term;
	bench->groups[g].vote = 0;
	wal_set_term(log_group(bench, g), &op_next(bench)->op, term, op_done);
}

void bench_vote(struct wal_bench *bench, unsigned g, uint64_t vote)
{
	bench->groups[g].vote = vote;
	wal_set_vote(log_group(bench, g), &op_next(bench)->op, vote, op_done);
}

void bench_marker(struct wal_bench *bench, unsigned g, uint64_t index,
		  uint64_t first, bool reset)
{
	struct bench_group *group = &bench->groups[g];
	const struct wal_marker marker = {
		.index = index,
		.term = group->term,
		.conf = SLICE_LIT("configuration"),
		.data = SLICE_LIT("marker"),
	};

	group->marker_index = index;
	group->marker_term = group->term;
	group->first = first;
	if (reset)
		group->last = index;
	wal_put_marker(log_group(bench, g), &op_next(bench)->op, &marker, first,
		       reset, op_done);
}

static uint64_t draw(struct wal_bench *bench, uint64_t min, uint64_t max)
{
	return random_range(&bench->random.random, min, max);
}

static void random_marker(struct wal_bench *bench, unsigned g)
{
	struct bench_group *group = &bench->groups[g];
	uint64_t index;

	if (group->last < group->first)
		return;
	if (draw(bench, 0, 9) == 0) {
		bench_marker(bench, g, group->last + 3, group->last + 4, true);
		return;
	}
	index = draw(bench, group->first, group->last);
	if (index < group->marker_index)
		return;
	bench_marker(bench, g, index, draw(bench, group->first, index + 1),
		     false);
}

void bench_random_op(struct wal_bench *bench)
{
	unsigned g = (unsigned)draw(bench, 0, BENCH_GROUPS - 1);
	struct bench_group *group = &bench->groups[g];
	uint64_t what = draw(bench, 0, 19);

	/* The last group is slow: its entries get old. */
	if (g == BENCH_GROUPS - 1 && draw(bench, 0, 3) != 0) {
		g = 0;
		group = &bench->groups[0];
	}
	if (group->term == 0 || what == 0)
		bench_term(bench, g, group->term + 1);
	else if (what == 1)
		bench_vote(bench, g, draw(bench, 1, 5));
	else if (what == 2 && group->last > group->marker_index)
		bench_truncate(
			bench, g,
			draw(bench, group->marker_index + 1, group->last + 1));
	else if (what <= 4)
		random_marker(bench, g);
	else
		bench_append(bench, g, (unsigned)draw(bench, 1, 4),
			     (uint32_t)draw(bench, 0, 5000));
}

/* ---- crashes ---- */

/* Goes on from prefix `k`: the model is what the log says. */
static void model_take(struct wal_bench *bench)
{
	for (unsigned g = 0; g < BENCH_GROUPS; g++) {
		struct bench_group *group = &bench->groups[g];
		struct wal_state state;
		struct wal_entry entry;

		wal_group_get_state(log_group(bench, g), &state);
		group->term = state.term;
		group->vote = state.vote;
		group->first = state.first;
		group->last = state.last;
		group->marker_index = state.marker.index;
		group->marker_term = state.marker.term;
		for (uint64_t i = state.first; i <= state.last; i++) {
			wal_group_get_entry(log_group(bench, g), i, &entry);
			group->entries[i] = entry_of(&entry);
		}
	}
}

const char *bench_crash(struct wal_bench *bench, enum disk_sim_crash how)
{
	unsigned k = bench->acked == 0 ? 0 : bench->ops[bench->acked - 1].print;
	uint64_t print;
	enum err err;

	if (bench->disorder)
		return "completions out of order";
	bench_close(bench);
	disk_sim_crash(bench->disk,
		       how == DISK_SIM_TEAR ? &bench->random.random : NULL,
		       how);
	err = bench_open(bench);
	if (err == ERR_IO || err == ERR_FULL)
		err = bench_open(bench); /* the next start has a whole disk */
	if (err != ERR_NONE)
		return buf_cstr(&bench->why);
	print = bench_print_log(bench);
	while (k < bench->print_count && bench->prints[k] != print)
		k++;
	if (k == bench->print_count)
		return "something acknowledged was lost, or invented";
	ops_forget(bench);
	model_take(bench);
	bench->print_count = 0;
	print_add(bench);
	MUST(bench->prints[0] == print);
	return NULL;
}

/* ---- lives ---- */

static void live(struct wal_bench *bench, unsigned ops)
{
	for (unsigned i = 0; i < ops; i++) {
		unsigned steps = (unsigned)draw(bench, 0, 6);

		bench_random_op(bench);
		while (steps-- > 0)
			task_queue_step(&bench->queue);
		if (draw(bench, 0, 15) == 0)
			bench_wait(bench, draw(bench, 100, 1500));
	}
}

#define LIFE_OPS 60

static const char *life_end(struct wal_bench *bench, enum disk_sim_crash how)
{
	const char *wrong = bench_crash(bench, how);

	if (wrong == NULL && how == DISK_SIM_KILL)
		wrong = bench_crash(bench, DISK_SIM_DROP);
	if (wrong != NULL)
		return wrong;
	live(bench, LIFE_OPS / 4);
	return bench_crash(bench, how);
}

const char *bench_life(uint64_t seed, uint64_t nth, enum disk_sim_crash how)
{
	static char text[600];
	struct wal_bench *bench = bench_new(seed);
	const char *wrong;

	if (how == DISK_SIM_KILL)
		disk_sim_kill_at(bench->disk, nth);
	else
		disk_sim_cut_at(bench->disk, nth);
	live(bench, LIFE_OPS);
	if (nth == 0)
		bench_drain(bench);
	/* A dead process has failed at everything. */
	if (bench->failed > 0 && how != DISK_SIM_KILL)
		wrong = bench->fail_text;
	else
		wrong = life_end(bench, how);
	if (wrong != NULL) {
		snprintf(text, sizeof text, "seed %llu, change %llu: %s",
			 (unsigned long long)seed, (unsigned long long)nth,
			 wrong);
		wrong = text;
	}
	bench_free(bench);
	return wrong;
}

uint64_t bench_life_changes(uint64_t seed)
{
	struct wal_bench *bench = bench_new(seed);
	uint64_t before = disk_sim_changes(bench->disk);
	uint64_t changes;

	live(bench, LIFE_OPS);
	changes = disk_sim_changes(bench->disk) - before;
	bench_free(bench);
	return changes;
}

const char *bench_fault(uint64_t seed, enum disk_sim_call call, uint64_t nth,
			enum err err)
{
	static char text[600];
	struct wal_bench *bench = bench_new(seed);
	const char *wrong = NULL;
	unsigned acked;

	disk_sim_fail(bench->disk, call, nth, 1, err);
	live(bench, LIFE_OPS);
	bench_drain(bench);
	acked = bench->acked;
	bench_wait(bench, 5000);
	if (bench->failed > 0 && bench->acked != acked)
		wrong = "completions after a failure";
	if (wrong == NULL)
		wrong = bench_crash(bench, DISK_SIM_KILL);
	if (wrong == NULL)
		wrong = bench_crash(bench, DISK_SIM_TEAR);
	if (wrong != NULL) {
		snprintf(text, sizeof text, "seed %llu, call %llu: %s",
			 (unsigned long long)seed, (unsigned long long)nth,
			 wrong);
		wrong = text;
	}
	bench_free(bench);
	return wrong;
}
