/*
 * Bodies and results of commands of both machines: what a decoder takes, the
 * encoder makes again, octet by octet; so one command has one form.
 *
 * The first octet chooses the layout, the rest is the body.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/panic.h"
#include "cluster/directory_command.h"
#include "cluster/mailgroup_command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_same(struct buf *again, struct slice body)
{
	MUST(slice_eq(buf_slice(again), body));
	buf_fini(again);
}

#define DIRECTORY(x)                                                        \
	static void fuzz_directory_##x(struct slice body)                   \
	{                                                                   \
		static struct directory_##x command;                        \
		struct buf again = { 0 };                                   \
                                                                            \
		if (directory_##x##_decode(body, &command) != ERR_NONE)     \
			return;                                             \
		MUST(directory_##x##_encode(&command, &again) == ERR_NONE); \
		must_be_same(&again, body);                                 \
	}

DIRECTORY(create)
DIRECTORY(delete)
DIRECTORY(rename)
DIRECTORY(set_acl)
DIRECTORY(set_use)
DIRECTORY(subscribe)
DIRECTORY(user_add)
DIRECTORY(user_set)
DIRECTORY(user_remove)
DIRECTORY(user_forget)
DIRECTORY(member_add)
DIRECTORY(group_put)
DIRECTORY(setting_put)
DIRECTORY(intent_step)
DIRECTORY(member_set)
DIRECTORY(token_put)
DIRECTORY(token_drop)
DIRECTORY(join)
DIRECTORY(feature_raise)

#define MAILGROUP(x, end)                                                \
	static void fuzz_mailgroup_##x(struct slice body)                \
	{                                                                \
		struct mailgroup_##x command;                            \
		struct arena arena = { 0 };                              \
		struct buf again = { 0 };                                \
                                                                         \
		if (mailgroup_##x##_decode(body, &arena, &command) ==    \
		    ERR_NONE) {                                          \
			MUST(mailgroup_##x##_encode(&command, &again) == \
			     ERR_NONE);                                  \
			must_be_same(&again, body);                      \
		}                                                        \
		end;                                                     \
		arena_fini(&arena);                                      \
	}

MAILGROUP(append, (void)0)
MAILGROUP(deliver, (void)0)
MAILGROUP(store, uidset_fini(&command.uids))
MAILGROUP(expunge, uidset_fini(&command.uids))
MAILGROUP(copy, uidset_fini(&command.uids))
MAILGROUP(copy_stage, uidset_fini(&command.uids))
MAILGROUP(copy_reveal, (void)0)
MAILGROUP(copy_drop, (void)0)
MAILGROUP(seal, (void)0)
MAILGROUP(purge, (void)0)
MAILGROUP(reroot, (void)0)
MAILGROUP(claim, uidset_fini(&command.uids))
MAILGROUP(claim_end, (void)0)
MAILGROUP(append_stage, (void)0)

static void fuzz_store_result(struct slice body)
{
	struct mailgroup_store_result result;

	if (mailgroup_store_result(body, &result) == ERR_NONE)
		MUST(uidset_size(&result.missing) <= MAILGROUP_ROWS_MAX);
	uidset_fini(&result.modified);
	uidset_fini(&result.missing);
}

static void fuzz_claim_result(struct slice body)
{
	struct mailgroup_claim_result result;

	if (mailgroup_claim_result(body, &result) == ERR_NONE)
		MUST(uidset_size(&result.uids) <= MAILGROUP_ROWS_MAX);
	uidset_fini(&result.uids);
}

static void fuzz_deliver_result(struct slice body)
{
	static struct mailgroup_deliver_result result;

	if (mailgroup_deliver_result(body, &result) == ERR_NONE)
		MUST(result.count <= MAILGROUP_TARGETS_MAX);
}

static void fuzz_foreign(struct slice body)
{
	struct slice name;

	while (directory_rename_next_foreign(&body, &name))
		MUST(name.len <= NAMES_MAILBOX_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const layouts[])(struct slice body) = {
		fuzz_directory_create,        fuzz_directory_delete,
		fuzz_directory_rename,        fuzz_directory_set_acl,
		fuzz_directory_set_use,       fuzz_directory_subscribe,
		fuzz_directory_user_add,      fuzz_directory_user_set,
		fuzz_directory_user_remove,   fuzz_directory_user_forget,
		fuzz_directory_member_add,    fuzz_directory_group_put,
		fuzz_directory_setting_put,   fuzz_directory_intent_step,
		fuzz_mailgroup_append,        fuzz_mailgroup_deliver,
		fuzz_mailgroup_store,         fuzz_mailgroup_expunge,
		fuzz_mailgroup_copy,          fuzz_mailgroup_copy_stage,
		fuzz_mailgroup_copy_reveal,   fuzz_mailgroup_copy_drop,
		fuzz_mailgroup_seal,          fuzz_mailgroup_purge,
		fuzz_mailgroup_reroot,        fuzz_store_result,
		fuzz_deliver_result,          fuzz_foreign,
		fuzz_directory_member_set,    fuzz_directory_token_put,
		fuzz_directory_token_drop,    fuzz_directory_join,
		fuzz_directory_feature_raise, fuzz_mailgroup_claim,
		fuzz_mailgroup_claim_end,     fuzz_claim_result,
		fuzz_mailgroup_append_stage,
	};

	if (size > 0)
		layouts[data[0] % ARRAY_LEN(layouts)](
			slice_of(data + 1, size - 1));
	return 0;
}
