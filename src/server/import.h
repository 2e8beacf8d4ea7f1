/*
 * Imports: a replica that its group has gone on without is brought up from a
 * peer (raft/replica_import.h; architecture.md 10, S10): by the entries that it
 * lacks from the peer's kept log, or, if these are gone, by a copy of its
 * state.
 *
 * The raft of this replica has asked, and asks again while nothing comes; so a
 * peer that dies or cannot help needs no care here: the next try is another's.
 */
#ifndef SERVER_IMPORT_H
#define SERVER_IMPORT_H

#include <stdbool.h>

#include "raft/replica.h"
#include "raft/replica_import.h"

struct imports;
struct node;

/* On the main loop, before the links start. */
struct imports *imports_new(struct node *node);

/* The hook want_import of a replica: on the log loop. */
void imports_want(struct imports *imports, uint32_t group,
		  struct replica *replica, const struct replica_want *want);

/* Some are under way, here or to a peer. Any thread. */
bool imports_are_busy(const struct imports *imports);

/* When no thread runs any more. */
void imports_free(struct imports **importsp);

#endif
