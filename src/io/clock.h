/*
 * The machine's clock, uncached: for worker and writer threads. A loop has its
 * own (io/loop.h).
 */
#ifndef IO_CLOCK_H
#define IO_CLOCK_H

#include "base/clock.h"

/* Safe from any thread. */
struct clock *io_clock(void);

#endif
