/*
 * Repair: two rounds over all names.
 *
 * SLICE (worker: some names; of the missing round only those that are not
 * here) -> for each: of the scrub CHECK (worker) -> FETCH what is not good ->
 * pause -> SLICE ... -> end
 *
 * Failures: what cannot be had is told in the log and counted, and the round
 * comes again soon.
 */
#include "server/repair.h"

#include "base/base64.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"

/* Bodies that a round tells of; an operator needs no list of thousands. */
#define TELL_MAX 10

struct round;

struct round_fetch {
	struct round *round;
	struct courier_fetch fetch;
	bool busy;
};

struct round {
	struct repair *repair;
	bool scrub;
	struct timer timer;
	struct task task;
	bool busy;
	bool again; /* woken meanwhile */
	uint64_t began_ms;
	struct repair_round_status status;

	/* this round */
	struct repair_place place;
	bool more;
	struct repair_name names[REPAIR_SLICE];
	unsigned count;
	unsigned at;
	uint64_t looked; /* a worker's, while it has the round */
	unsigned fetching;
	struct round_fetch fetches[REPAIR_AT_ONCE];
	enum err err; /* of a check */
};

struct repair {
	struct repair_config config;
	bool stopped;
	struct round missing;
	struct round scrub;
};

static void round_step(struct round *round);

static void round_wait(struct round *round, uint64_t delay_ms)
{
	timer_set(round->repair->config.timers, &round->timer, delay_ms);
}

/* ---- the end ---- */

static uint64_t next_in_ms(const struct round *round)
{
	const struct repair_config *config = &round->repair->config;
	uint64_t took_ms = clock_mono_ms(config->clock) - round->began_ms;

	if (!round->scrub && round->again)
		return REPAIR_PAUSE_MS;
	if (!round->scrub && round->status.failed)
		return TUNED(repair_retry_ms, REPAIR_RETRY_MS);
	if (!round->scrub)
		return TUNED(repair_again_ms, REPAIR_AGAIN_MS);
	return took_ms < config->scrub_ms ? config->scrub_ms - took_ms
					  : REPAIR_PAUSE_MS;
}

static void round_end(struct round *round)
{
	const struct repair_round_status *status = &round->status;

	round->busy = false;
	round->status.running = false;
	if (round->repair->stopped)
		return;
	round->status.rounds++;
	if (status->lacked)
		LOG_INFO("%s of bodies: %llu looked at, %llu %s, %llu mended",
			 round->scrub ? "scrub" : "repair",
			 (unsigned long long)status->looked,
			 (unsigned long long)status->lacked,
			 round->scrub ? "damaged" : "missing",
			 (unsigned long long)status->mended);
	round_wait(round, next_in_ms(round));
	round->again = false;
}

/* ---- FETCH ---- */

static void tell_failure(struct round *round, const struct courier_fetch *fetch)
{
	struct buf name = { 0 };

	if (round->status.failed++ >= TELL_MAX)
		return;
	hex_encode(slice_of(fetch->hash.octets, SHA256_SIZE), &name);
	LOG_WARN("group %u: body %s is not good here, and cannot be had: %s",
		 fetch->group, buf_cstr(&name), err_text(fetch->err));
	buf_fini(&name);
}

static void fetched(struct courier_fetch *fetch)
{
	struct round_fetch *slot = fetch->owner;
	struct round *round = slot->round;

	slot->busy = false;
	round->fetching--;
	if (!fetch->err)
		round->status.mended++;
	else if (!round->repair->stopped)
		tell_failure(round, fetch);
	round_step(round);
}

static void fetch_name(struct round *round, const struct repair_name *name)
{
	struct round_fetch *slot = round->fetches;

	while (slot->busy)
		slot++;
	MUST(slot < round->fetches + REPAIR_AT_ONCE);
	round->status.lacked++;
	round->fetching++;
	slot->busy = true;
	slot->round = round;
	slot->fetch = (struct courier_fetch){
		.home = round->repair->config.home,
		.owner = slot,
		.hash = name->hash,
		.group = name->group,
	};
	courier_fetch(round->repair->config.courier, &slot->fetch, fetched);
}

/* ---- CHECK ---- */

static void checked(struct task *task)
{
	struct round *round = container_of(task, struct round, task);
	const struct repair_name *name = &round->names[round->at++];

	round->status.looked++;
	if (courier_can_fetch(round->err))
		fetch_name(round, name);
	else
		round_step(round);
}

static void check_run(struct task *task)
{
	struct round *round = container_of(task, struct round, task);
	const struct repair_config *config = &round->repair->config;

	round->err = body_check(config->bodies, &round->names[round->at].hash);
	task_post(config->home, task, checked);
}

/* So that all are looked at once in the time of the setting. */
static uint64_t scrub_pace_ms(const struct round *round)
{
	const struct repair_config *config = &round->repair->config;
	struct body_stats stats;
	uint64_t pace_ms;

	body_store_get_stats(config->bodies, &stats);
	pace_ms = config->scrub_ms / (stats.bodies + stats.pending + 1);
	return pace_ms < REPAIR_SCRUB_SLOW_MS ? pace_ms : REPAIR_SCRUB_SLOW_MS;
}

/* ---- SLICE ---- */

static void sliced(struct task *task)
{
	struct round *round = container_of(task, struct round, task);

	round->status.looked += round->looked;
	round_step(round);
}

/* Names that stand beside each other are often the same: copies. */
static bool is_wanted(const struct round *round, unsigned kept,
		      const struct repair_name *name)
{
	const struct repair_config *config = &round->repair->config;
	uint64_t length;

	if (kept && sha256_eq(&round->names[kept - 1].hash, &name->hash))
		return false;
	if (round->scrub || body_length(config->bodies, &name->hash, &length))
		return true;
	/* It came while the row was being made: the table must hear of it. */
	courier_tell_came(config->courier, &name->hash);
	return false;
}

static void slice_run(struct task *task)
{
	struct round *round = container_of(task, struct round, task);
	const struct repair_config *config = &round->repair->config;
	unsigned count = 0;
	unsigned kept = 0;

	round->more = config->names(config->arg, !round->scrub, &round->place,
				    round->names, REPAIR_SLICE, &count);
	for (unsigned i = 0; i < count; i++)
		if (is_wanted(round, kept, &round->names[i]))
			round->names[kept++] = round->names[i];
	round->looked = round->scrub ? 0 : count;
	round->count = kept;
	round->at = 0;
	task_post(config->home, task, sliced);
}

/* ---- the steps ---- */

/* Something has ended, or a slice was read: what is next? */
static void round_step(struct round *round)
{
	bool stopped = round->repair->stopped;

	while (!round->scrub && !stopped && round->at < round->count &&
	       round->fetching < REPAIR_AT_ONCE)
		fetch_name(round, &round->names[round->at++]);
	if (round->fetching > 0)
		return;
	if (stopped || (round->at == round->count && !round->more))
		round_end(round);
	else
		round_wait(round, round->at < round->count
					  ? scrub_pace_ms(round)
					  : REPAIR_PAUSE_MS);
}

static void round_begin(struct round *round)
{
	uint64_t rounds = round->status.rounds;

	round->busy = true;
	round->status = (struct repair_round_status){
		.running = true,
		.rounds = rounds,
	};
	round->began_ms = clock_mono_ms(round->repair->config.clock);
	round->place = (struct repair_place){ 0 };
	round->count = 0;
	round->at = 0;
}

static void waited(struct timer *timer)
{
	struct round *round = container_of(timer, struct round, timer);
	struct executor *pool = round->repair->config.pool;

	if (!round->busy)
		round_begin(round);
	task_post(pool, &round->task,
		  round->at < round->count ? check_run : slice_run);
}

/* ---- life ---- */

static void round_init(struct round *round, struct repair *repair, bool scrub)
{
	round->repair = repair;
	round->scrub = scrub;
	timer_init(&round->timer, waited);
}

struct repair *repair_new(const struct repair_config *config)
{
	struct repair *repair = mem_zalloc(1, sizeof(*repair));

	repair->config = *config;
	round_init(&repair->missing, repair, false);
	round_init(&repair->scrub, repair, true);
	round_wait(&repair->missing, TUNED(repair_first_ms, REPAIR_FIRST_MS));
	/* The setting's time is that of a round: it may begin at any point. */
	if (config->scrub_ms)
		round_wait(&repair->scrub,
			   TUNED(repair_first_ms, REPAIR_SCRUB_SLOW_MS));
	return repair;
}

void repair_wake(struct repair *repair)
{
	if (repair->stopped)
		return;
	if (repair->missing.busy)
		repair->missing.again = true;
	else
		round_wait(&repair->missing, REPAIR_PAUSE_MS);
}

void repair_get_status(const struct repair *repair,
		       struct repair_status *status_r)
{
	status_r->missing = repair->missing.status;
	status_r->scrub = repair->scrub.status;
}

static void round_stop(struct round *round)
{
	if (!timer_is_set(&round->timer))
		return; /* its worker or fetch ends it */
	timer_stop(round->repair->config.timers, &round->timer);
	round->busy = false;
}

void repair_stop(struct repair *repair)
{
	repair->stopped = true;
	round_stop(&repair->missing);
	round_stop(&repair->scrub);
}

bool repair_is_busy(const struct repair *repair)
{
	return repair->missing.busy || repair->scrub.busy;
}

void repair_free(struct repair **repairp)
{
	struct repair *repair = *repairp;

	*repairp = NULL;
	if (!repair->stopped)
		repair_stop(repair);
	MUST(!repair_is_busy(repair));
	mem_free(repair);
}
