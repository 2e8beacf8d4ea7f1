/*
 * A log entry: many commands behind one head that says where it belongs (R9).
 *
 *    0  magic    u32
 *    4  version  u16
 *    6  zero     u16
 *    8  group    u32
 *   12  count    u32  commands
 *   16  term     u64
 *   24  index    u64
 *   32  xxh3     u64  of octets 0..31 and of all that follows
 *   40  commands, then zeroes up to a multiple of 8 (libraft counts words)
 *
 * The proposer writes term and index as it expects them; apply compares. So a
 * log whose indexes have shifted is noticed before anything is applied.
 */
#ifndef RAFT_ENTRY_H
#define RAFT_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/pack.h"
#include "base/slice.h"
#include "raft/command.h"

#define ENTRY_HEAD 40 /* octets */

/* Octets that a command adds to its body and inline body, at most. */
#define ENTRY_COMMAND_HEAD_MAX 48

/*
 * What may not be proposed is found here, before it is in the log for ever.
 *
 * ERR_LIMIT: body, inline body or slot above its limit (command.h).
 */
must_use enum err command_check(const struct command *command);

/* ---- one command, in entries and in frames of proposers ---- */

/* Appends at most ENTRY_COMMAND_HEAD_MAX octets and the bodies. */
void entry_command_pack(const struct command *command, struct buf *out);

/* Borrowed from the octets. False: malformed or above a limit. */
must_use bool entry_command_unpack(struct unpack *in,
				   struct command *command_r);

/* ---- writing ---- */

/* An entry in the making; zeroed or entry_builder_clear before use. */
struct entry_builder {
	struct buf octets;
	uint32_t count;
};

/* Empty, memory kept; and memory given back. */
void entry_builder_clear(struct entry_builder *builder);
void entry_builder_fini(struct entry_builder *builder);

/*
 * Adds a command that passed command_check; false: the entry is full
 * (COMMAND_ENTRY_MAX octets or COMMAND_ENTRY_COUNT_MAX commands).
 */
must_use bool entry_builder_add(struct entry_builder *builder,
				const struct command *command);

/* Writes the head and pads; the entry is builder->octets. */
void entry_builder_end(struct entry_builder *builder, uint32_t group,
		       uint64_t term, uint64_t index);

/* ---- reading ---- */

struct entry {
	uint32_t group;
	uint32_t count; /* commands in all */
	uint64_t term;
	uint64_t index;
	struct slice rest; /* of the commands, what entry_next has not given */
	uint32_t left;
};

/*
 * Head and checksum; the commands are not looked at. ERR_CORRUPT: damaged;
 * ERR_VERSION: of a later release.
 */
must_use enum err entry_decode(struct slice octets, struct entry *entry_r);

/*
 * The next command, borrowed from the octets. ERR_END after the last one;
 * ERR_CORRUPT: malformed or above a limit.
 */
must_use enum err entry_next(struct entry *entry, struct command *command_r);

#endif
