/*
 * Sets of UIDs as rows of bits: 4,096 UIDs a row, zeroes at the end left out,
 * no row where all are zero. Which messages exist, and which a user has seen.
 */
#ifndef CLUSTER_MAILGROUP_BITS_H
#define CLUSTER_MAILGROUP_BITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "base/uidset.h"
#include "store/env.h"

#define MAILGROUP_CHUNK 4096u /* UIDs of a row */
#define MAILGROUP_CHUNK_OCTETS (MAILGROUP_CHUNK / 8)

/* ---- one row's octets ---- */

static inline bool mailgroup_bit(struct slice bits, uint32_t uid)
{
	uint32_t at = uid % MAILGROUP_CHUNK;

	return at / 8 < bits.len && (bits.data[at / 8] >> (at % 8) & 1) != 0;
}

/* How many bits below `end` (a UID of the row, or the first behind) are set. */
uint32_t mailgroup_bits_count(struct slice bits, uint32_t end);

/* ---- which set: the UIDs of a mailbox, or those a user has seen ---- */

struct mailgroup_bits_of {
	unsigned table; /* MAILGROUP_TABLE_UIDS or _SEEN */
	uint64_t mailbox;
	uint64_t user; /* of _SEEN */
};

/* The bitmap of what exists, and of what a user has seen. */
struct mailgroup_bits_of mailgroup_bits_uids(uint64_t mailbox);
struct mailgroup_bits_of mailgroup_bits_seen(uint64_t mailbox, uint64_t user);

/* Borrowed; empty where there is no row. */
struct slice mailgroup_bits_get(struct store_txn *txn,
				const struct mailgroup_bits_of *of,
				uint32_t chunk);

/* Adds the UIDs below `end` that are in the set. */
void mailgroup_bits_add_to(struct store_txn *txn,
			   const struct mailgroup_bits_of *of, uint32_t end,
			   struct uidset *uids);

/* How many UIDs with first <= UID < end are in it; `first` begins a chunk. */
uint32_t mailgroup_bits_between(struct store_txn *txn,
				const struct mailgroup_bits_of *of,
				uint32_t first, uint32_t end);

/* ---- changing a set: a row at a time in memory ---- */

struct mailgroup_bits {
	struct store_txn *txn;
	struct mailgroup_bits_of of;
	bool loaded;
	bool dirty;
	uint32_t chunk;
	uint8_t octets[MAILGROUP_CHUNK_OCTETS];
};

/* `of` says which bitmap; nothing is read yet. */
void mailgroup_bits_init(struct mailgroup_bits *bits, struct store_txn *txn,
			 struct mailgroup_bits_of of);

/* Rising UIDs load and store each row once. */
bool mailgroup_bits_has(struct mailgroup_bits *bits, uint32_t uid);

/* Both give whether it was set before. */
bool mailgroup_bits_set(struct mailgroup_bits *bits, uint32_t uid);
bool mailgroup_bits_clear(struct mailgroup_bits *bits, uint32_t uid);

/* Stores the row in memory: before anything else looks at the table. */
void mailgroup_bits_flush(struct mailgroup_bits *bits);

#endif
