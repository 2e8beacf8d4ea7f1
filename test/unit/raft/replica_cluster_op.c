/*
 * The machine of a cluster's groups, and operations that are checked
 * (replica_cluster.h).
 *
 * A register has a version that each write raises by one, so the order of
 * writes is known, and linearizability is one comparison: nothing that begins
 * after the end of an operation may see an older version than that one did.
 */
#include <string.h>

#include "base/mem.h"
#include "base/pack.h"
#include "base/panic.h"
#include "replica_cluster_impl.h"

#define TABLE_REGISTER REPLICA_TABLE_COUNT
#define TABLE_EFFECT (REPLICA_TABLE_COUNT + 1)
#define TABLE_BODY (REPLICA_TABLE_COUNT + 2)

static const char *const tables[] = { "register", "effect", "body" };

/* ---- machine ---- */

static uint64_t number_at(struct store_txn *txn, unsigned table,
			  struct slice key)
{
	struct store_value value;
	struct unpack in;

	if (!store_get(txn, table, key, &value))
		return 0;
	in = unpack_of(value.fields);
	return unpack_u64(&in);
}

static uint64_t number_add(struct store_txn *txn, unsigned table,
			   struct slice key)
{
	uint64_t number = number_at(txn, table, key) + 1;
	struct buf fields = { 0 };

	pack_u64(&fields, number);
	store_put(txn, table, key, 1, buf_slice(&fields));
	buf_fini(&fields);
	return number;
}

static enum err fsm_check(struct replica_fsm *fsm,
			  const struct command *command,
			  struct command_holders *holders_r)
{
	struct rc_member *member = container_of(fsm, struct rc_member, fsm);

	if (command->kind == RC_BODY)
		*holders_r = member->node->rc->holders;
	return command->body.len >= 9 ? ERR_NONE : ERR_SYNTAX;
}

/* {key u8, number u64, ..}: the new version is the answer. */
static void fsm_apply(struct replica_fsm *fsm, struct store_txn *txn,
		      const struct command *command,
		      const struct command_at *at,
		      struct command_result *result_r)
{
	struct slice key = slice_first(command->body, 1);
	struct slice number = slice_first(slice_from(command->body, 1), 8);

	(void)fsm;
	(void)at;
	number_add(txn, TABLE_EFFECT, number);
	if (command->kind == RC_BODY)
		number_add(txn, TABLE_BODY, number);
	pack_u64(&result_r->payload, number_add(txn, TABLE_REGISTER, key));
}

static void hash_of(struct slice number, struct sha256 *hash_r)
{
	sha256(number, hash_r);
}

void rc_body_hash(uint64_t number, struct sha256 *hash_r)
{
	struct buf octets = { 0 };

	pack_u64(&octets, number);
	hash_of(buf_slice(&octets), hash_r);
	buf_fini(&octets);
}

static void fsm_bodies(struct replica_fsm *fsm, const struct command *command,
		       replica_fsm_body *each, void *arg)
{
	struct sha256 hash;

	(void)fsm;
	if (command->kind != RC_BODY)
		return;
	hash_of(slice_first(slice_from(command->body, 1), 8), &hash);
	each(arg, &hash);
}

/* All in one go: there are few. */
static bool fsm_named(struct replica_fsm *fsm, struct store_txn *txn,
		      struct replica_fsm_place *place, unsigned rows,
		      replica_fsm_body *each, void *arg)
{
	struct store_cursor cursor;
	bool more;

	(void)fsm;
	(void)place;
	(void)rows;
	store_cursor_init(&cursor, txn, TABLE_BODY);
	for (more = store_cursor_seek(&cursor, SLICE_NONE); more;
	     more = store_cursor_next(&cursor)) {
		struct sha256 hash;

		hash_of(cursor.key, &hash);
		each(arg, &hash);
	}
	store_cursor_fini(&cursor);
	return false;
}

/* ---- comparing ---- */

static uint64_t table_hash(struct store_txn *txn, unsigned table, uint64_t hash)
{
	struct store_cursor cursor;
	bool more;

	store_cursor_init(&cursor, txn, table);
	for (more = store_cursor_seek(&cursor, SLICE_NONE); more;
	     more = store_cursor_next(&cursor)) {
		struct slice pieces[] = {
			slice_of(&hash, sizeof(hash)),
			cursor.key,
			cursor.value.fields,
		};

		hash = xxh3_pieces(pieces, ARRAY_LEN(pieces));
	}
	store_cursor_fini(&cursor);
	return hash;
}

uint64_t rc_state_hash(struct rc_member *member)
{
	struct store_txn *txn;
	uint64_t hash = 0;

	MUST(store_read_begin(replica_env(member->replica), &txn) == ERR_NONE);
	hash = table_hash(txn, REPLICA_TABLE_PROPOSER, hash);
	hash = table_hash(txn, REPLICA_TABLE_SLOT, hash);
	for (unsigned i = 0; i < ARRAY_LEN(tables); i++)
		hash = table_hash(txn, REPLICA_TABLE_COUNT + i, hash);
	store_end(&txn);
	return hash;
}

void rc_fsm_init(struct rc_member *member)
{
	member->fsm = (struct replica_fsm){
		.tables = tables,
		.table_count = ARRAY_LEN(tables),
		.check = fsm_check,
		.apply = fsm_apply,
		.bodies = fsm_bodies,
		.named = fsm_named,
	};
}

/* ---- looking at a copy ---- */

static uint64_t look(struct rc *rc, unsigned node, unsigned group,
		     unsigned table, struct slice key)
{
	struct replica *replica = rc->nodes[node].members[group].replica;
	struct store_txn *txn;
	uint64_t number;

	MUST(store_read_begin(replica_env(replica), &txn) == ERR_NONE);
	number = number_at(txn, table, key);
	store_end(&txn);
	return number;
}

uint64_t rc_effects(struct rc *rc, unsigned node, unsigned group,
		    uint64_t number)
{
	struct buf key = { 0 };
	uint64_t effects;

	pack_u64(&key, number);
	effects = look(rc, node, group, TABLE_EFFECT, buf_slice(&key));
	buf_fini(&key);
	return effects;
}

static uint64_t version_at(const struct rc_op *op)
{
	uint8_t key = (uint8_t)op->key;

	return look(op->rc, op->node, op->group, TABLE_REGISTER,
		    slice_of(&key, 1));
}

/* ---- operations ---- */

static struct rc_member *member_of(const struct rc_op *op)
{
	return &op->rc->nodes[op->node].members[op->group];
}

/* It has ended: what comes later must not see less. */
static void op_judge(struct rc_op *op)
{
	if (op->floors == NULL || op->err != ERR_NONE)
		return;
	if (op->version < op->floor)
		op->rc->wrong = op->what == RC_OP_READ
					? "a read was stale"
					: "a write came before an older one";
	if (op->version > op->floors[op->key])
		op->floors[op->key] = op->version;
}

static void write_done(struct proposal *proposal)
{
	struct rc_op *op = proposal->owner;
	struct unpack in = unpack_of(buf_slice(&proposal->result));

	op->answers++;
	op->err = proposal->err;
	if (op->err == ERR_NONE)
		op->version = unpack_u64(&in);
	op_judge(op);
}

static void read_done(struct read_index *read)
{
	struct rc_op *op = read->owner;

	op->answers++;
	op->err = read->err;
	if (op->err == ERR_NONE && member_of(op)->replica != NULL)
		op->version = version_at(op);
	else if (op->err == ERR_NONE)
		op->floors = NULL; /* there is no copy to look at */
	op_judge(op);
}

static void op_init(struct rc_op *op, struct rc *rc, unsigned node,
		    unsigned group, uint64_t *floors)
{
	*op = (struct rc_op){
		.rc = rc,
		.node = node,
		.group = group,
		.begun = true,
		.number = ++rc->numbers,
		.floors = floors,
	};
	MUST(rc->nodes[node].up);
}

static struct proposer *proposer_at(const struct rc_op *op)
{
	struct rc_member *member = member_of(op);

	return member->replica != NULL ? replica_proposer(member->replica)
				       : remote_proposer(member->remote);
}

static void op_encode(struct rc_op *op, uint16_t kind)
{
	struct rc *rc = op->rc;
	struct buf *body = &op->proposal.body;

	proposal_init(&op->proposal, &rc->nodes[op->node].queue.executor, op);
	op->proposal.kind = kind;
	op->proposal.deadline_ms = rc->deadline_ms;
	pack_u8(body, (uint8_t)op->key);
	pack_u64(body, op->number);
	if (kind == RC_LARGE)
		memset(buf_reserve(body, rc->large), 'x', rc->large);
	if (kind == RC_LARGE)
		body->len += rc->large;
}

static void op_propose(struct rc_op *op, uint16_t kind)
{
	op_encode(op, kind);
	proposer_propose(proposer_at(op), &op->proposal, write_done);
}

void rc_write(struct rc_op *op, struct rc *rc, unsigned node, unsigned group,
	      unsigned key, uint64_t *floors)
{
	op_init(op, rc, node, group, floors);
	op->key = key;
	op->floor = floors != NULL ? floors[key] + 1 : 0;
	op_propose(op, RC_WRITE);
}

void rc_propose(struct rc_op *op, struct rc *rc, unsigned node, unsigned group,
		uint16_t kind)
{
	op_init(op, rc, node, group, NULL);
	op_propose(op, kind);
}

void rc_claim(struct rc_op *op, struct rc *rc, unsigned node, unsigned group,
	      const struct op_id *claim)
{
	op_init(op, rc, node, group, NULL);
	op_encode(op, RC_WRITE);
	proposer_propose_as(proposer_at(op), &op->proposal, claim, write_done);
}

void rc_read(struct rc_op *op, struct rc *rc, unsigned node, unsigned group,
	     unsigned key, uint64_t *floors)
{
	op_init(op, rc, node, group, floors);
	op->what = RC_OP_READ;
	op->key = key;
	op->floor = floors != NULL ? floors[key] : 0;
	op->read.home = &rc->nodes[node].queue.executor;
	op->read.owner = op;
	if (member_of(op)->replica != NULL)
		replica_read_index(member_of(op)->replica, &op->read,
				   read_done);
	else
		remote_read_index(member_of(op)->remote, &op->read, read_done);
}

bool rc_op_is_over(const struct rc_op *op)
{
	return !op->begun || op->closed || op->answers > 0;
}

void rc_op_bury(struct rc_op *op)
{
	if (rc_op_is_over(op))
		return;
	op->closed = true;
	op->proposal.state = PROPOSAL_IDLE;
}

void rc_op_fini(struct rc_op *op)
{
	if (op->begun && op->what == RC_OP_WRITE)
		proposal_fini(&op->proposal);
	op->begun = false;
}

void rc_wait(struct rc *rc, const struct rc_op *op, uint64_t ms)
{
	uint64_t end = rc->clock.mono + ms;

	while (!rc_op_is_over(op) && rc->clock.mono < end)
		rc_step(rc);
}
