/*
 * What a verify finds: counted, and told one line at a time.
 */
#ifndef CLUSTER_FINDINGS_H
#define CLUSTER_FINDINGS_H

#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "store/env.h"

struct findings {
	struct store_txn *txn;
	void (*tell)(void *arg, const char *text);
	void *arg;
	uint64_t count;
	struct buf text;
};

/* One more. */
void findings_add(struct findings *findings, const char *fmt, ...)
	printf_like(2, 3);

/* Adds one unless `good`; returns `good`. */
#define FINDINGS_WANT(findings, good, ...) \
	((good) || (findings_add((findings), __VA_ARGS__), false))

/* Tells a transaction that failed, frees the text, returns the count. */
uint64_t findings_end(struct findings *findings);

#endif
