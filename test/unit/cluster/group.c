#include "group.h"

#include <criterion/criterion.h>

#include "base/panic.h"

static void published(void *arg, const uint64_t *mailboxes, size_t count,
		      uint64_t applied_index)
{
	struct group *g = arg;

	cr_assert_leq(count, PUBLISHED_MAX);
	cr_assert_eq(applied_index, g->m.index);
	memcpy(g->published, mailboxes, count * sizeof(*mailboxes));
	g->published_count = count;
}

void group_open_small(struct group *g, uint64_t map_size)
{
	memset(g, 0, sizeof(*g));
	mailgroup_fsm_init(&g->fsm, published, g);
	machine_open(&g->m, &g->fsm.fsm, map_size);
}

void group_open(struct group *g)
{
	group_open_small(g, MACHINE_MAP);
}

static void finding(void *arg, const char *text)
{
	(void)arg;
	cr_log_error("%s", text);
}

void group_verify(struct group *g)
{
	cr_assert_eq(mailgroup_verify(machine_ask(&g->m), finding, NULL), 0);
}

void group_close(struct group *g)
{
	group_verify(g);
	machine_close(&g->m);
	mailgroup_fsm_fini(&g->fsm);
}

enum err group_apply(struct group *g, enum err err, uint16_t kind)
{
	if (err != ERR_NONE)
		return err;
	cr_assert_eq(machine_check(&g->m, kind, MAILGROUP_COMMAND_VERSION),
		     ERR_NONE);
	return machine_apply(&g->m, kind, MAILGROUP_COMMAND_VERSION);
}

struct mailgroup_target group_target(uint64_t mailbox)
{
	return (struct mailgroup_target){
		.mailbox = mailbox,
		.root = 1000 + mailbox,
	};
}

struct sha256 group_hash(unsigned n)
{
	struct sha256 hash;

	sha256(slice_of(&n, sizeof(n)), &hash);
	return hash;
}

struct mailgroup_message group_message(unsigned n, uint8_t flags)
{
	return (struct mailgroup_message){
		.hash = group_hash(n),
		.size = 100 + n,
		.date_s = 1600000000 + (int64_t)n,
		.zone_min = -90,
		.flags = flags,
		.structure = SLICE_LIT("structure"),
	};
}

uint32_t group_append(struct group *g, uint64_t mailbox, unsigned count,
		      uint8_t flags)
{
	struct mailgroup_message messages[MAILGROUP_ROWS_MAX];
	struct mailgroup_append append = {
		.target = group_target(mailbox),
		.user = 1,
		.messages = messages,
		.count = count,
	};
	struct mailgroup_append_result result;

	for (unsigned i = 0; i < count; i++)
		messages[i] = group_message(i, flags);
	cr_assert_eq(group_apply(g,
				 mailgroup_append_encode(&append, &g->m.body),
				 MAILGROUP_APPEND),
		     ERR_NONE);
	cr_assert_eq(mailgroup_append_result(machine_payload(&g->m), &result),
		     ERR_NONE);
	cr_assert_eq(result.count, count);
	return result.first_uid;
}

struct uidset group_uids(const char *text)
{
	struct uidset set = { 0 };

	MUST(uidset_parse(&set, slice_str(text), 1000) == ERR_NONE);
	return set;
}

static enum err store(struct group *g, struct mailgroup_store *command,
		      struct mailgroup_store_result *result_r)
{
	enum err err =
		group_apply(g, mailgroup_store_encode(command, &g->m.body),
			    MAILGROUP_STORE);

	memset(result_r, 0, sizeof(*result_r));
	if (err == ERR_NONE)
		MUST(mailgroup_store_result(machine_payload(&g->m), result_r) ==
		     ERR_NONE);
	uidset_fini(&command->uids);
	return err;
}

enum err group_store(struct group *g, uint64_t mailbox, uint64_t user,
		     const char *uids, enum mailgroup_store_mode mode,
		     uint8_t flags, const char *keyword,
		     struct mailgroup_store_result *result_r)
{
	struct slice name = slice_str(keyword ? keyword : "");
	struct mailgroup_store command = {
		.mailbox = mailbox,
		.user = user,
		.mode = mode,
		.flags = flags,
		.mask = MAILGROUP_FLAGS_ALL,
		.may_keywords = true,
		.keywords = { &name, keyword ? 1 : 0 },
		.uids = group_uids(uids),
	};

	return store(g, &command, result_r);
}

enum err group_store_since(struct group *g, uint64_t mailbox, const char *uids,
			   uint8_t flags, uint64_t since,
			   struct mailgroup_store_result *result_r)
{
	struct mailgroup_store command = {
		.mailbox = mailbox,
		.user = 1,
		.mode = MAILGROUP_STORE_ADD,
		.flags = flags,
		.mask = MAILGROUP_FLAGS_ALL,
		.conditional = true,
		.unchangedsince = since,
		.uids = group_uids(uids),
	};

	return store(g, &command, result_r);
}

void group_store_done(struct mailgroup_store_result *result)
{
	uidset_fini(&result->modified);
	uidset_fini(&result->missing);
}

enum err group_expunge(struct group *g, uint64_t mailbox, const char *uids,
		       bool only_deleted, struct uidset *expunged_r)
{
	struct mailgroup_expunge command = {
		.mailbox = mailbox,
		.only_deleted = only_deleted,
		.uids = group_uids(uids),
	};
	struct mailgroup_expunge_result result = { 0 };
	enum err err =
		group_apply(g, mailgroup_expunge_encode(&command, &g->m.body),
			    MAILGROUP_EXPUNGE);

	if (err == ERR_NONE)
		MUST(mailgroup_expunge_result(machine_payload(&g->m),
					      &result) == ERR_NONE);
	*expunged_r = result.expunged;
	uidset_fini(&command.uids);
	return err;
}

enum err group_copy(struct group *g, uint64_t source, uint64_t target,
		    const char *uids, bool move,
		    struct mailgroup_copy_result *result_r)
{
	struct mailgroup_copy command = {
		.source = source,
		.target = group_target(target),
		.move = move,
		.uids = group_uids(uids),
	};
	enum err err = group_apply(
		g, mailgroup_copy_encode(&command, &g->m.body), MAILGROUP_COPY);

	memset(result_r, 0, sizeof(*result_r));
	if (err == ERR_NONE)
		MUST(mailgroup_copy_result(machine_payload(&g->m), result_r) ==
		     ERR_NONE);
	uidset_fini(&command.uids);
	return err;
}

enum err group_seal(struct group *g, uint64_t mailbox)
{
	struct mailgroup_seal command = { mailbox };

	return group_apply(g, mailgroup_seal_encode(&command, &g->m.body),
			   MAILGROUP_SEAL);
}

struct mailgroup_status group_status(struct group *g, uint64_t mailbox,
				     uint64_t user)
{
	struct mailgroup_status status;

	mailgroup_status_get(machine_ask(&g->m), mailbox, user, &status);
	return status;
}

struct mailgroup_row group_row(struct group *g, uint64_t mailbox, uint64_t user,
			       uint32_t uid)
{
	struct mailgroup_row row;

	if (!mailgroup_row_find(machine_ask(&g->m), mailbox, user, uid,
				MAILGROUP_STATE | MAILGROUP_FIXED, &row))
		row.uid = 0;
	return row;
}

struct mailgroup_usage group_usage(struct group *g, uint64_t root)
{
	struct mailgroup_usage usage;

	mailgroup_usage_get(machine_ask(&g->m), root, &usage);
	return usage;
}

void group_expect(struct uidset *set, const char *text)
{
	struct buf out = { 0 };

	uidset_format(set, &out);
	cr_assert(slice_eq(buf_slice(&out), slice_str(text)), "%.*s, not %s",
		  SLICE_FMT(buf_slice(&out)), text);
	buf_fini(&out);
	uidset_fini(set);
}

void group_expect_uids(struct group *g, uint64_t mailbox, const char *text)
{
	struct uidset uids = { 0 };

	mailgroup_uids(machine_ask(&g->m), mailbox, &uids);
	group_expect(&uids, text);
}

void group_expect_changed(struct group *g, uint64_t mailbox, uint64_t since,
			  const char *text)
{
	struct uidset uids = { 0 };

	mailgroup_changed(machine_ask(&g->m), mailbox, since, &uids);
	group_expect(&uids, text);
}

void group_expect_vanished(struct group *g, uint64_t mailbox, uint64_t since,
			   const char *text)
{
	struct uidset uids = { 0 };

	cr_assert(
		mailgroup_vanished(machine_ask(&g->m), mailbox, since, &uids));
	group_expect(&uids, text);
}
