/*
 * Crash points, mutants and probes (design: fault testing).
 *
 * All are nothing in a release build; --enable-faults compiles them in.
 *
 *   CRASH_POINT("wal_after_write")  MURDER_CRASH_AT=wal_after_write:3 lets the
 *           third pass _exit(86); ":3:stop" raises SIGSTOP instead
 *   MUTANT("M06")  true if MURDER_MUTANT names it: a deliberately broken path
 *           that a test must catch; mutants.txt lists them
 *   PROBE("text")  counts that an interesting state was reached
 *   TUNED(snapshot_entries, 8192)  8192, or what MURDER_TUNE says:
 *           "snapshot_entries=50,sweep_ms=2000". For sizes and times so large
 *           that what lies behind them would not be seen in a test; what is
 *           correct with one value is correct with any
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef ENABLE_FAULTS

/* What the macros below call. */
void fault_crash_point(const char *name);
bool fault_mutant(const char *name);
void fault_probe(const char *text);

uint64_t fault_tuned(const char *name, uint64_t value);

/* Unit tests; NULL: none. Borrowed. */
void fault_set_tune(const char *text);

/* True once: at the n-th allocation from now (mem.h, mem_fail_at). */
bool fault_alloc_fails(void);
void fault_set_alloc_at(uint64_t n);

/* "name:count" or "name:count:stop", copied; NULL: none. Else panics. */
void fault_set_crash_at(const char *spec);

/* Unit tests switch a mutant on and off; NULL: none. Borrowed. */
void fault_set_mutant(const char *name);

/* How often the probe was hit since start. */
uint64_t fault_probe_hits(const char *text);

#define CRASH_POINT(name) fault_crash_point(name)
#define MUTANT(name) fault_mutant(name)
#define PROBE(text) fault_probe(text)
#define TUNED(name, value) fault_tuned(#name, value)
#define ALLOC_FAILS() fault_alloc_fails() /* base/mem.c only */

#else

#define CRASH_POINT(name) ((void)0)
#define MUTANT(name) false
#define PROBE(text) ((void)0)
#define TUNED(name, value) ((uint64_t)(value))
#define ALLOC_FAILS() false

/* Of unit tests: nothing is tuned. */
static inline void fault_set_tune(const char *text)
{
	(void)text;
}

#endif

#endif
