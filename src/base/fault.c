/*
 * Faults on demand: what --enable-faults compiles in (fault.h).
 *
 * The environment is read at the first question; afterwards a site that is not
 * meant costs an atomic load, a probe a lock and a look into a table.
 */
#include "base/fault.h"

#ifdef ENABLE_FAULTS

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/panic.h"
#include "base/slice.h"

#define CRASH_NAME_MAX 64 /* octets; longer than any name of a point */
#define CRASH_STATUS 86   /* what the harness expects of such a death */
#define PROBE_SLOTS 4096  /* a power of 2 */
#define PROBE_MAX 3072    /* probes: the table must keep holes */

static pthread_once_t environment_once = PTHREAD_ONCE_INIT;

/* Allocations until one fails; 0: never. */
static atomic_uint_fast64_t allocs_left;

static _Atomic(const char *) mutant;

static _Atomic(const char *) tune; /* name=number,... or NULL */

static struct {
	pthread_mutex_t lock;
	atomic_bool armed;
	bool stop; /* SIGSTOP instead of _exit */
	uint64_t left;
	char name[CRASH_NAME_MAX];
} crash = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct probe {
	const char *text; /* NULL: free */
	uint64_t hits;
};

static pthread_mutex_t probe_lock = PTHREAD_MUTEX_INITIALIZER;
static struct probe probes[PROBE_SLOTS];
static unsigned probe_count;

static void crash_arm(const char *spec)
{
	struct slice rest = slice_str(spec);
	struct slice name = slice_cut(&rest, ':');
	struct slice count = slice_cut(&rest, ':');

	if (name.len == 0 || name.len >= CRASH_NAME_MAX ||
	    !slice_to_u64(count, UINT64_MAX, &crash.left) || crash.left == 0 ||
	    (rest.len > 0 && !slice_eq(rest, SLICE_LIT("stop"))))
		PANIC("crash point \"%s\" is not name:count[:stop]", spec);
	memcpy(crash.name, name.data, name.len);
	crash.name[name.len] = 0;
	crash.stop = rest.len > 0;
}

static void crash_set(const char *spec)
{
	pthread_mutex_lock(&crash.lock);
	if (spec != NULL)
		crash_arm(spec);
	atomic_store(&crash.armed, spec != NULL);
	pthread_mutex_unlock(&crash.lock);
}

static void environment_read(void)
{
	const char *at = getenv("MURDER_MEM_FAIL_AT");
	uint64_t n;

	if (at != NULL) {
		if (!slice_to_u64(slice_str(at), UINT64_MAX, &n))
			PANIC("MURDER_MEM_FAIL_AT=%s is no number", at);
		atomic_store(&allocs_left, n);
	}
	atomic_store(&mutant, getenv("MURDER_MUTANT"));
	atomic_store(&tune, getenv("MURDER_TUNE"));
	crash_set(getenv("MURDER_CRASH_AT"));
}

static void environment(void)
{
	pthread_once(&environment_once, environment_read);
}

bool fault_alloc_fails(void)
{
	uint64_t left;

	environment();
	left = atomic_load(&allocs_left);
	while (left > 0)
		if (atomic_compare_exchange_weak(&allocs_left, &left, left - 1))
			return left == 1;
	return false;
}

void fault_set_alloc_at(uint64_t n)
{
	environment();
	atomic_store(&allocs_left, n);
}

void fault_set_crash_at(const char *spec)
{
	environment();
	crash_set(spec);
}

/* True at the pass that is meant. */
static bool crash_due(const char *name)
{
	bool due;

	pthread_mutex_lock(&crash.lock);
	due = atomic_load(&crash.armed) && strcmp(name, crash.name) == 0 &&
	      --crash.left == 0;
	if (due)
		atomic_store(&crash.armed, false);
	pthread_mutex_unlock(&crash.lock);
	return due;
}

void fault_crash_point(const char *name)
{
	environment();
	if (!atomic_load(&crash.armed) || !crash_due(name))
		return;
	LOG_WARN("crash point %s", name);
	if (!crash.stop)
		_exit(CRASH_STATUS);
	raise(SIGSTOP);
}

bool fault_mutant(const char *name)
{
	const char *chosen;

	environment();
	chosen = atomic_load(&mutant);
	return chosen != NULL && strcmp(chosen, name) == 0;
}

void fault_set_mutant(const char *name)
{
	environment();
	atomic_store(&mutant, name);
}

uint64_t fault_tuned(const char *name, uint64_t value)
{
	const char *text;
	struct slice rest, one;

	environment();
	text = atomic_load(&tune);
	rest = text != NULL ? slice_str(text) : SLICE_NONE;
	while (rest.len > 0) {
		one = slice_cut(&rest, ',');
		if (!slice_eq(slice_cut(&one, '='), slice_str(name)))
			continue;
		if (!slice_to_u64(one, UINT64_MAX, &value))
			PANIC("MURDER_TUNE: %s is no number", name);
	}
	return value;
}

void fault_set_tune(const char *text)
{
	environment();
	atomic_store(&tune, text);
}

/* Its slot, or the free one where it would stand. */
static struct probe *probe_find(const char *text)
{
	size_t slot = (size_t)xxh3(slice_str(text)) % PROBE_SLOTS;

	while (probes[slot].text != NULL &&
	       strcmp(probes[slot].text, text) != 0)
		slot = (slot + 1) % PROBE_SLOTS;
	return &probes[slot];
}

void fault_probe(const char *text)
{
	struct probe *probe;

	pthread_mutex_lock(&probe_lock);
	probe = probe_find(text);
	if (probe->text == NULL) {
		MUST(probe_count < PROBE_MAX);
		probe_count++;
		probe->text = text;
	}
	probe->hits++;
	pthread_mutex_unlock(&probe_lock);
}

uint64_t fault_probe_hits(const char *text)
{
	uint64_t hits;

	pthread_mutex_lock(&probe_lock);
	hits = probe_find(text)->hits;
	pthread_mutex_unlock(&probe_lock);
	return hits;
}

#else

/* A translation unit holds something (ISO C); a release needs none of this. */
typedef int fault_is_off;

#endif
