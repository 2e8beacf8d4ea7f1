/*
 * What stands in the log, as JSON for `murderctl log dump`: what is raft/'s own
 * of entries and commands. The machines describe their kinds themselves.
 */
#ifndef RAFT_DESCRIBE_H
#define RAFT_DESCRIBE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "raft/command.h"
#include "raft/wal.h"

/*
 * Appends fields to an open object: group, index, term, and who proposed it:
 * "node" and "start" (of a claim: the group with its top bit, and its epoch),
 * "slot", "turn".
 */
void describe_place(uint32_t group, const struct command_at *at,
		    const struct op_id *op, struct buf *out);

/*
 * Appends "kind" and the fields of raft/'s own commands. False: the kind is
 * the machine's, nothing was appended.
 */
must_use bool describe_command(const struct command *command, struct buf *out);

/*
 * Appends "kind" and the fields of an entry that holds no commands: a barrier,
 * or a configuration with its servers. ERR_CORRUPT: it is no such thing.
 */
must_use enum err describe_entry(const struct wal_entry *entry,
				 struct buf *out);

/* Whether it holds commands (entry.h). */
bool describe_has_commands(const struct wal_entry *entry);

#endif
