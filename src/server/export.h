/*
 * The other side of imports (server/import.h): entries and copies for peers.
 */
#ifndef SERVER_EXPORT_H
#define SERVER_EXPORT_H

#include <stdbool.h>

struct exports;
struct node;

/* On the main loop, before the links start: it accepts their streams. */
struct exports *exports_new(struct node *node);

/* A worker reads for one. Any thread. */
bool exports_are_busy(const struct exports *exports);

/* When no thread runs any more. */
void exports_free(struct exports **exportsp);

#endif
