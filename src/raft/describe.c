/*
 * Entries and raft/'s own commands as JSON. Pure; what cannot be decoded is an
 * error, or "damaged" where the rest can still be told.
 */
#include "raft/describe.h"

#include <raft.h>

#include "base/json.h"
#include "base/pack.h"
#include "raft/compat.h"
#include "raft/slots.h"

void describe_place(uint32_t group, const struct command_at *at,
		    const struct op_id *op, struct buf *out)
{
	json_number(out, "group", group);
	json_number(out, "index", at->index);
	json_number(out, "term", at->term);
	json_number(out, "position", at->position);
	if (!op)
		return;
	json_number(out, "node", proposer_node(op->proposer));
	json_number(out, "start", proposer_incarnation(op->proposer));
	json_number(out, "slot", op->slot);
	json_number(out, "turn", op->turn);
}

static void describe_fence(const struct command *command, struct buf *out)
{
	struct unpack in = unpack_of(command->body);
	uint64_t proposer = unpack_u64(&in);

	if (!unpack_ok(&in)) {
		json_flag(out, "damaged", true);
		return;
	}
	json_object_begin(out, "fenced");
	json_number(out, "node", proposer_node(proposer));
	json_number(out, "start", proposer_incarnation(proposer));
	json_object_end(out);
}

bool describe_command(const struct command *command, struct buf *out)
{
	static const char *const names[] = {
		[COMMAND_REGISTER] = "REGISTER",
		[COMMAND_CANCEL] = "CANCEL",
		[COMMAND_FENCE] = "FENCE",
		[COMMAND_FEATURE_LEVEL] = "FEATURE_LEVEL",
		[COMMAND_LOST] = "LOST",
	};

	if (command->kind >= ARRAY_LEN(names) || !names[command->kind])
		return false;
	json_text(out, "kind", slice_str(names[command->kind]));
	if (command->kind == COMMAND_FENCE)
		describe_fence(command, out);
	return true;
}

static const char *role_name(int role)
{
	return role == RAFT_VOTER     ? "voter"
	       : role == RAFT_STANDBY ? "standby"
				      : "spare";
}

static enum err describe_configuration(struct slice octets, struct buf *out)
{
	struct raft_configuration conf;
	enum err err = compat_conf_decode(octets, &conf);

	if (err)
		return err;
	json_text(out, "kind", SLICE_LIT("CONFIGURATION"));
	json_array_begin(out, "servers");
	for (unsigned i = 0; i < conf.n; i++) {
		const struct raft_server *server = &conf.servers[i];

		json_object_begin(out, NULL);
		json_number(out, "node", server->id >> 32);
		json_number(out, "replica", server->id & UINT32_MAX);
		json_text(out, "address", slice_str(server->address));
		json_text(out, "role", slice_str(role_name(server->role)));
		json_object_end(out);
	}
	json_array_end(out);
	raft_configuration_close(&conf);
	return ERR_NONE;
}

bool describe_has_commands(const struct wal_entry *entry)
{
	return entry->type == RAFT_COMMAND;
}

enum err describe_entry(const struct wal_entry *entry, struct buf *out)
{
	if (entry->type == RAFT_CHANGE)
		return describe_configuration(entry->data, out);
	if (entry->type != RAFT_BARRIER)
		return ERR_CORRUPT;
	json_text(out, "kind", SLICE_LIT("BARRIER"));
	return ERR_NONE;
}
