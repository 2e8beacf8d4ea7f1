/*
 * Codec of log entries (entry.h): pure, no I/O.
 *
 * Happy path: a builder collects commands; when the entry's place in the log
 * is known its head is written. apply decodes the head, compares it with the
 * place at hand, and takes the commands one by one. Limits are checked on both
 * sides: what a decoder refuses would stop every replica.
 */
#include "raft/entry.h"

#include "base/digest.h"
#include "base/fault.h"
#include "base/pack.h"
#include "base/panic.h"

#define ENTRY_MAGIC 0x5952544eu /* "NTRY" */
#define ENTRY_VERSION 1
#define ENTRY_CHECKSUM_AT 32
#define ENTRY_COMMANDS_MAX (COMMAND_ENTRY_MAX - ENTRY_HEAD - 7)

/* One command of the largest size always fits into an entry. */
_Static_assert(COMMAND_MAX + COMMAND_INLINE_MAX + ENTRY_COMMAND_HEAD_MAX <
		       ENTRY_COMMANDS_MAX,
	       "an entry holds the largest command");

enum err command_check(const struct command *command)
{
	if (MUTANT("M55"))
		return ERR_NONE;
	if (command->body.len > COMMAND_MAX ||
	    command->inline_body.len > COMMAND_INLINE_MAX ||
	    command->op.slot >= COMMAND_SLOTS)
		return ERR_LIMIT;
	return ERR_NONE;
}

/* ---- one command ---- */

void entry_command_pack(const struct command *command, struct buf *out)
{
	pack_u64(out, command->op.proposer);
	pack_var(out, command->op.slot);
	pack_var(out, command->op.turn);
	pack_u16(out, command->kind);
	pack_u8(out, command->version);
	pack_var(out, command->proposed_at_ms);
	pack_bytes(out, command->body);
	pack_bytes(out, command->inline_body);
}

bool entry_command_unpack(struct unpack *in, struct command *command_r)
{
	command_r->op.proposer = unpack_u64(in);
	command_r->op.slot = (uint32_t)unpack_var(in, COMMAND_SLOTS - 1);
	command_r->op.turn = unpack_var(in, UINT64_MAX);
	command_r->kind = unpack_u16(in);
	command_r->version = unpack_u8(in);
	command_r->proposed_at_ms = unpack_var(in, UINT64_MAX);
	command_r->body = unpack_bytes(in, COMMAND_MAX);
	command_r->inline_body = unpack_bytes(in, COMMAND_INLINE_MAX);
	return unpack_ok(in);
}

/* ---- writing ---- */

void entry_builder_clear(struct entry_builder *builder)
{
	static const uint8_t head[ENTRY_HEAD];

	buf_clear(&builder->octets);
	buf_add(&builder->octets, head, sizeof head);
	builder->count = 0;
}

void entry_builder_fini(struct entry_builder *builder)
{
	buf_fini(&builder->octets);
	builder->count = 0;
}

bool entry_builder_add(struct entry_builder *builder,
		       const struct command *command)
{
	struct buf *out = &builder->octets;
	size_t size = ENTRY_COMMAND_HEAD_MAX + command->body.len +
		      command->inline_body.len;

	if (out->len == 0)
		entry_builder_clear(builder);
	if (builder->count == COMMAND_ENTRY_COUNT_MAX ||
	    out->len + size > ENTRY_HEAD + ENTRY_COMMANDS_MAX)
		return false;
	entry_command_pack(command, out);
	builder->count++;
	return true;
}

static uint64_t entry_checksum(struct slice octets)
{
	struct slice pieces[2] = {
		slice_first(octets, ENTRY_CHECKSUM_AT),
		slice_from(octets, ENTRY_HEAD),
	};

	return xxh3_pieces(pieces, ARRAY_LEN(pieces));
}

void entry_builder_end(struct entry_builder *builder, uint32_t group,
		       uint64_t term, uint64_t index)
{
	struct buf *out = &builder->octets;
	size_t end;

	MUST(builder->count > 0);
	while (out->len % 8 != 0)
		buf_add_octet(out, 0);
	end = out->len;
	MUST(end <= COMMAND_ENTRY_MAX);
	out->len = 0;
	pack_u32(out, ENTRY_MAGIC);
	pack_u16(out, ENTRY_VERSION);
	pack_u16(out, 0);
	pack_u32(out, group);
	pack_u32(out, builder->count);
	pack_u64(out, term);
	pack_u64(out, index);
	MUST(out->len == ENTRY_CHECKSUM_AT);
	pack_u64(out, entry_checksum(slice_of(out->data, end)));
	out->len = end;
}

/* ---- reading ---- */

enum err entry_decode(struct slice octets, struct entry *entry_r)
{
	struct unpack in = unpack_of(octets);
	uint32_t magic = unpack_u32(&in);
	uint16_t version = unpack_u16(&in);
	uint16_t zero = unpack_u16(&in);

	entry_r->group = unpack_u32(&in);
	entry_r->count = unpack_u32(&in);
	entry_r->term = unpack_u64(&in);
	entry_r->index = unpack_u64(&in);
	if (unpack_u64(&in) != entry_checksum(octets) || !unpack_ok(&in))
		return ERR_CORRUPT;
	if (magic != ENTRY_MAGIC)
		return ERR_CORRUPT;
	if (version != ENTRY_VERSION || zero != 0)
		return ERR_VERSION;
	if (octets.len % 8 != 0 || octets.len > COMMAND_ENTRY_MAX ||
	    entry_r->count == 0 || entry_r->count > COMMAND_ENTRY_COUNT_MAX)
		return ERR_CORRUPT;
	entry_r->rest = in.rest;
	entry_r->left = entry_r->count;
	return ERR_NONE;
}

/* Behind the last command: less than a word, all zero. */
static enum err entry_end(const struct entry *entry)
{
	for (size_t i = 0; i < entry->rest.len; i++)
		if (entry->rest.data[i] != 0)
			return ERR_CORRUPT;
	return entry->rest.len < 8 ? ERR_END : ERR_CORRUPT;
}

enum err entry_next(struct entry *entry, struct command *command_r)
{
	struct unpack in = unpack_of(entry->rest);

	if (entry->left == 0)
		return entry_end(entry);
	if (!entry_command_unpack(&in, command_r))
		return ERR_CORRUPT;
	entry->rest = in.rest;
	entry->left--;
	return ERR_NONE;
}
