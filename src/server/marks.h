/*
 * Which bodies the rows of this node's groups name: the mark of mark and sweep
 * (architecture.md 4, F3).
 *
 * Marks are the first eight octets of a body's name: two bodies that share
 * them are kept or dropped as one, which is on the safe side.
 *
 * marks_scan walks all rows once, in short transactions. Afterwards
 * marks_has looks first whether a group has moved on since, and if so adds
 * what its mailboxes have got: every new row has a UID of at least the UIDNEXT
 * that the mailbox had. So the answer holds for the newest state, not for that
 * of the scan.
 *
 * For one thread at a time.
 */
#ifndef SERVER_MARKS_H
#define SERVER_MARKS_H

#include <stdbool.h>

#include "base/digest.h"
#include "base/err.h"

struct marks;
struct node;

struct marks *marks_new(struct node *node);
void marks_free(struct marks **marksp);

/* Walks everything; blocks. ERR_UNAVAILABLE: a group is parked. */
must_use enum err marks_scan(struct marks *marks);

/*
 * Does a row name the body, in a snapshot begun within this call? True also
 * when a group cannot be read: then nothing may be dropped. Blocks.
 */
bool marks_has(struct marks *marks, const struct sha256 *hash);

#endif
