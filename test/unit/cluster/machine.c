#include "machine.h"

#include <criterion/criterion.h>

#include "base/mem.h"
#include "base/pack.h"
#include "base/panic.h"
#include "cluster/state_hash.h"
#include "io/disk.h"
#include "scratch.h"

#define TABLES_MAX 64

void machine_open(struct machine *m, struct replica_fsm *fsm, uint64_t map_size)
{
	static const char *const own[] = { "meta", "proposer", "slot",
					   "missing" };
	const char *tables[TABLES_MAX];
	unsigned count = 0;

	memset(m, 0, sizeof(*m));
	for (unsigned i = 0; i < REPLICA_TABLE_COUNT; i++)
		tables[count++] = own[i];
	for (unsigned i = 0; i < fsm->table_count; i++)
		tables[count++] = fsm->tables[i];
	m->dir = scratch_new();
	m->fsm = fsm;
	m->now_ms = 1700000000000;
	m->op = (struct op_id){ .proposer = 1ull << 32, .slot = 3 };
	struct store_env_options options = {
		.path = m->dir,
		.map_size = map_size,
		.max_readers = 4,
		.tables = tables,
		.table_count = count,
		.disk = io_disk(),
	};
	MUST(store_env_open(&options, &m->env) == ERR_NONE);
}

static void end_reading(struct machine *m)
{
	if (m->read)
		store_end(&m->read);
}

void machine_begin(struct machine *m)
{
	end_reading(m);
	if (!m->write)
		MUST(store_write_begin(m->env, &m->write) == ERR_NONE);
}

void machine_close(struct machine *m)
{
	end_reading(m);
	if (m->write)
		store_end(&m->write);
	store_env_close(&m->env);
	scratch_free(&m->dir);
	buf_fini(&m->result.payload);
	buf_fini(&m->body);
}

enum err machine_check(struct machine *m, uint16_t kind, uint8_t version)
{
	struct command command = {
		.op = m->op,
		.kind = kind,
		.version = version,
		.proposed_at_ms = m->now_ms,
		.body = buf_slice(&m->body),
	};

	m->holders = (struct command_holders){ 0 };
	return m->fsm->check(m->fsm, &command, &m->holders);
}

enum err machine_apply(struct machine *m, uint16_t kind, uint8_t version)
{
	struct command command = {
		.op = m->op,
		.kind = kind,
		.version = version,
		.proposed_at_ms = m->now_ms,
		.body = buf_slice(&m->body),
	};
	struct command_at at = { .index = ++m->index, .term = 1 };

	if (m->log) {
		pack_u16(m->log, kind);
		pack_u64(m->log, m->now_ms);
		pack_bytes(m->log, command.body);
	}
	command.op.turn = ++m->op.turn;
	machine_begin(m);
	buf_clear(&m->result.payload);
	m->result.refusal = ERR_NONE;
	m->fsm->apply(m->fsm, m->write, &command, &at, &m->result);
	cr_assert_eq(store_txn_error(m->write), ERR_NONE,
		     "kind %u at index %lu: %s", kind, (unsigned long)m->index,
		     err_text(store_txn_error(m->write)));
	cr_assert_leq(m->result.payload.len, COMMAND_RESULT_MAX);
	buf_clear(&m->body);
	return m->result.refusal;
}

void machine_commit(struct machine *m)
{
	if (!m->write)
		return;
	cr_assert_eq(store_commit(&m->write), ERR_NONE);
	m->fsm->committed(m->fsm, m->index);
}

struct store_txn *machine_ask(struct machine *m)
{
	machine_commit(m);
	if (!m->read)
		MUST(store_read_begin(m->env, &m->read) == ERR_NONE);
	return m->read;
}

uint64_t machine_hash(struct machine *m)
{
	return state_hash(machine_ask(m), REPLICA_TABLE_COUNT,
			  m->fsm->table_count);
}

void machine_replay(struct machine *m, struct slice log, unsigned batch)
{
	struct unpack in = unpack_of(log);
	unsigned count = 0;

	while (in.rest.len > 0) {
		uint16_t kind = unpack_u16(&in);

		m->now_ms = unpack_u64(&in);
		buf_add_slice(&m->body, unpack_bytes(&in, COMMAND_MAX));
		MUST(unpack_ok(&in));
		(void)machine_apply(m, kind, 1);
		if (++count % batch == 0)
			machine_commit(m);
	}
	machine_commit(m);
}
