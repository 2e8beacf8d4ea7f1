/*
 * Any octets as commands, applied one after another to both machines over a
 * state that has something in it: none may fail in the store, and afterwards
 * everything agrees with everything.
 *
 * The first octet chooses the machine; a command is {kind u8, length u8 or,
 * from 0x80 on, u16, body}.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/pack.h"
#include "base/panic.h"
#include "cluster/directory_command.h"
#include "cluster/directory_fsm.h"
#include "cluster/mailgroup_command.h"
#include "cluster/mailgroup_fsm.h"
#include "store/env.h"

#include "../unit/store/host_disk.h"

#define COMMANDS_MAX 64 /* of one input */
#define TABLES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct subject {
	struct replica_fsm *fsm;
	uint16_t first; /* kind */
	uint16_t end;
	uint64_t (*verify)(struct store_txn *txn,
			   void (*tell)(void *arg, const char *text),
			   void *arg);
	struct host_disk host;
	char *dir;
	struct store_env *env; /* NULL: not yet */
};

static struct directory_fsm directory;
static struct mailgroup_fsm mailgroup;
static struct subject subjects[2] = {
	{ .fsm = &directory.fsm,
	  .first = DIRECTORY_CREATE,
	  .end = DIRECTORY_COMMAND_END,
	  .verify = directory_verify },
	{ .fsm = &mailgroup.fsm,
	  .first = MAILGROUP_APPEND,
	  .end = MAILGROUP_COMMAND_END,
	  .verify = mailgroup_verify },
};

static void close_all(void)
{
	for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
		if (!subjects[i].env)
			continue;
		store_env_close(&subjects[i].env);
		host_dir_free(&subjects[i].dir);
	}
	directory_fsm_fini(&directory);
	mailgroup_fsm_fini(&mailgroup);
}

static void open_subject(struct subject *s)
{
	static const char *const own[] = { "meta", "proposer", "slot",
					   "missing" };
	const char *tables[TABLES_MAX];
	struct store_env_options options = {
		.path = s->dir = host_dir_new(),
		.map_size = 64 << 20,
		.max_readers = 2,
		.tables = tables,
		.disk = &s->host.disk,
	};

	for (unsigned i = 0; i < REPLICA_TABLE_COUNT; i++)
		tables[options.table_count++] = own[i];
	for (unsigned i = 0; i < s->fsm->table_count; i++)
		tables[options.table_count++] = s->fsm->tables[i];
	host_disk_init(&s->host);
	MUST(store_env_open(&options, &s->env) == ERR_NONE);
}

static void apply(struct subject *s, struct store_txn *txn, uint16_t kind,
		  struct slice body)
{
	static uint64_t index;
	struct command_result result = { .refusal = ERR_NONE };
	struct command command = {
		.op = { 1ull << 32, 1, index + 1 },
		.kind = kind,
		.version = 1,
		.proposed_at_ms = 1700000000000 + index,
		.body = body,
	};
	struct command_at at = { .index = ++index, .term = 1 };

	s->fsm->apply(s->fsm, txn, &command, &at, &result);
	MUST(store_txn_error(txn) == ERR_NONE);
	MUST(result.payload.len <= COMMAND_RESULT_MAX);
	buf_fini(&result.payload);
}

static void apply_buf(struct subject *s, struct store_txn *txn, uint16_t kind,
		      enum err err, struct buf *body)
{
	MUST(err == ERR_NONE);
	apply(s, txn, kind, buf_slice(body));
	buf_clear(body);
}

static void fill_directory(struct subject *s, struct store_txn *txn)
{
	static const uint8_t key[SHA256_SIZE];
	struct directory_member_add member = {
		.member = {
			.name = SLICE_LIT("n1"),
			.roles = DIRECTORY_ROLES_ALL,
			.state = DIRECTORY_MEMBER_ACTIVE,
			.feature_level = 1,
			.key_hash = slice_of(key, sizeof(key)),
		},
	};
	struct directory_group_put group = {
		.add = true,
		.group = {
			.wanted = 3,
			.weight = 1,
			.replica_count = 1,
			.replicas = { {
				.node = 1,
				.role = DIRECTORY_REPLICA_VOTER,
				.state = DIRECTORY_REPLICA_SERVING,
			} },
		},
	};
	struct directory_user_add user = { .name = SLICE_LIT("a") };
	struct directory_create create = { .name = SLICE_LIT("b.c") };
	struct buf body = { 0 };

	apply_buf(s, txn, DIRECTORY_MEMBER_ADD,
		  directory_member_add_encode(&member, &body), &body);
	for (int i = 0; i < 2; i++)
		apply_buf(s, txn, DIRECTORY_GROUP_PUT,
			  directory_group_put_encode(&group, &body), &body);
	apply_buf(s, txn, DIRECTORY_USER_ADD,
		  directory_user_add_encode(&user, &body), &body);
	apply_buf(s, txn, DIRECTORY_CREATE,
		  directory_create_encode(&create, &body), &body);
	buf_fini(&body);
}

/* Of mailbox 2 for one of group 1; a CLAIM_END finds it open. */
static void fill_claim(struct subject *s, struct store_txn *txn,
		       struct buf *body)
{
	struct mailgroup_claim claim = {
		.source = 2,
		.group = 1,
		.target = { .mailbox = 3, .root = 1 },
		.user = 1,
	};

	uidset_add(&claim.uids, 1, 2);
	uidset_add(&claim.uids, 9, 9);
	apply_buf(s, txn, MAILGROUP_CLAIM, mailgroup_claim_encode(&claim, body),
		  body);
	uidset_fini(&claim.uids);
}

static void fill_mailgroup(struct subject *s, struct store_txn *txn)
{
	static const struct slice names[] = { { (const uint8_t *)"k", 1 } };
	struct mailgroup_message messages[9] = { { .size = 1 } };
	struct mailgroup_append append = {
		.messages = messages,
		.count = ARRAY_LEN(messages),
		.user = 1,
	};
	struct buf body = { 0 };

	messages[0].keywords = (struct mailgroup_keyword_list){ names, 1 };
	messages[1].flags = MAILGROUP_SEEN | MAILGROUP_DELETED;
	for (uint64_t i = 1; i <= 2; i++) {
		append.target =
			(struct mailgroup_target){ .mailbox = i, .root = 1 };
		apply_buf(s, txn, MAILGROUP_APPEND,
			  mailgroup_append_encode(&append, &body), &body);
	}
	fill_claim(s, txn, &body);
	buf_fini(&body);
}

static struct subject *subject_get(unsigned n)
{
	static bool prepared;
	struct subject *s = &subjects[n];
	struct store_txn *txn;

	if (!prepared) {
		prepared = true;
		directory_fsm_init(&directory, NULL, NULL);
		mailgroup_fsm_init(&mailgroup, NULL, NULL);
		MUST(atexit(close_all) == 0);
	}
	if (s->env)
		return s;
	open_subject(s);
	MUST(store_write_begin(s->env, &txn) == ERR_NONE);
	if (n == 0)
		fill_directory(s, txn);
	else
		fill_mailgroup(s, txn);
	MUST(store_commit(&txn) == ERR_NONE);
	return s;
}

static void finding(void *arg, const char *text)
{
	(void)arg;
	PANIC("%s", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct unpack in = unpack_of(slice_of(data, size));
	struct subject *s = subject_get(unpack_u8(&in) % 2);
	struct store_txn *txn;

	MUST(store_write_begin(s->env, &txn) == ERR_NONE);
	for (int i = 0; i < COMMANDS_MAX && in.rest.len > 0; i++) {
		unsigned kind = s->first +
				unpack_u8(&in) % (unsigned)(s->end - s->first);
		size_t len = unpack_u8(&in);

		if (len >= 0x80)
			len = (len & 0x7f) << 8 | unpack_u8(&in);
		apply(s, txn, (uint16_t)kind, slice_first(in.rest, len));
		in.rest = slice_from(in.rest,
				     len < in.rest.len ? len : in.rest.len);
	}
	s->verify(txn, finding, NULL);
	store_end(&txn);
	return 0;
}
