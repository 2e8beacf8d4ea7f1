/*
 * Raft's messages on the wire: {version u8, type u8, features u16, capacity
 * u16, fields}, little-endian. Entries: a table of {term, length, type}, then
 * the data one behind the other.
 *
 * Our own format, never the library's structs: nodes with either libraft talk
 * to each other, so the fields of the newer one are there from the first day.
 */
#ifndef RAFT_MESSAGE_H
#define RAFT_MESSAGE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "raft/compat.h"

/* Entries in one message: what 32 MiB of small ones come to. */
#define MESSAGE_ENTRIES_MAX (1u << 20)

/* Octets of an INSTALL_SNAPSHOT's data: a marker (replica.c). */
#define MESSAGE_DATA_MAX 4096

/*
 * Appends the message, without the data of its entries: these follow as
 * pieces of their own, in order, and need not be copied.
 */
void message_encode(const struct raft_message *message, struct buf *out);

/*
 * Memory of the result is raft_malloc'ed and raft's when it is handed over;
 * otherwise message_fini frees it. Sender and address are left to the caller.
 *
 * ERR_SYNTAX: no such message, or above a limit; ERR_VERSION: of a later
 * release, to be ignored.
 */
must_use enum err message_decode(struct slice in,
				 struct raft_message *message_r);

/* Frees what message_decode allocated and raft has not taken. */
void message_fini(struct raft_message *message);

#endif
