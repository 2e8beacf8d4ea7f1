/*
 * What encoders let through applies without a store error (F9): at the limits,
 * with damaged octets, on a map that is nearly full.
 */
#include <criterion/criterion.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/random.h"
#include "cluster/mailgroup_row.h"
#include "dir.h"
#include "group.h"
#include "store/checkpoint.h"

/* ---- the longest of everything ---- */

Test(limits, the_longest_names_users_and_identifiers_apply)
{
	char user[NAMES_USER_MAX + 1] = { 0 };
	char name[NAMES_MAILBOX_MAX + 1] = { 0 };
	struct dir d;

	memset(user, 'u', NAMES_USER_MAX);
	memset(name, 'n', NAMES_MAILBOX_MAX);
	memcpy(name, "user.", 5);
	memcpy(name + 5, user, NAMES_USER_MAX);
	name[5 + NAMES_USER_MAX] = '.';
	dir_open(&d);
	cr_assert_eq(dir_user(&d, user, 0), ERR_NONE);
	cr_assert_eq(dir_create(&d, name), ERR_NONE);
	cr_assert_eq(dir_set_acl(&d, name, user, "lr", ACL_REPLACE), ERR_NONE);
	cr_assert_eq(dir_subscribe(&d, user, name, true), ERR_NONE);
	cr_assert(directory_is_subscribed(
		machine_ask(&d.m), dir_user_of(&d, user).id, slice_str(name)));
	dir_close(&d);
}

Test(limits, the_deepest_name_makes_all_its_parents)
{
	struct buf name = { 0 };
	struct dir d;

	buf_add_str(&name, "a");
	while (name.len + 2 <= NAMES_MAILBOX_MAX)
		buf_add_str(&name, ".a");
	dir_open(&d);
	cr_assert_eq(dir_create(&d, buf_cstr(&name)), ERR_NONE);
	cr_assert_eq(dir_rename(&d, "a", "b", 0), ERR_NONE);
	buf_fini(&name);
	dir_close(&d);
}

static void fill_members(struct dir *d, uint32_t count)
{
	char name[] = "n000";

	for (uint32_t i = 2; i <= count; i++) {
		struct directory_member member;

		name[1] = (char)('0' + i / 100);
		name[2] = (char)('0' + i / 10 % 10);
		name[3] = (char)('0' + i % 10);
		member = dir_new_member(name, (uint8_t)i);
		cr_assert_eq(dir_member_add(d, &member), ERR_NONE);
	}
}

Test(limits, the_largest_member_applies)
{
	static char text[DIRECTORY_ADDRESS_MAX];
	struct directory_member member = dir_new_member("n", 2);
	struct dir d;

	memset(text, 't', sizeof(text));
	member.name = slice_of(text, DIRECTORY_NODE_NAME_MAX);
	member.zone = slice_of(text, DIRECTORY_ZONE_MAX);
	member.weight = UINT32_MAX;
	member.feature_level = UINT32_MAX;
	member.next_key_hash = slice_of(text, SHA256_SIZE);
	member.address_count = DIRECTORY_ADDRESSES_MAX;
	for (unsigned i = 0; i < DIRECTORY_ADDRESSES_MAX; i++)
		member.addresses[i] = slice_of(text, sizeof(text));
	dir_open(&d);
	cr_assert_eq(dir_member_add(&d, &member), ERR_NONE);
	cr_assert_eq(dir_member(&d, 2).addresses[7].len, sizeof(text));
	member.name.len++;
	cr_assert_eq(dir_member_add(&d, &member), ERR_LIMIT);
	dir_close(&d);
}

Test(limits, the_largest_group_applies)
{
	static char zones[DIRECTORY_ZONES_MAX];
	struct directory_group_put *put = mem_zalloc(1, sizeof(*put));
	struct dir d;

	memset(zones, 'z', sizeof(zones));
	for (size_t i = DIRECTORY_ZONE_MAX; i < sizeof(zones) - 1;
	     i += DIRECTORY_ZONE_MAX + 1)
		zones[i] = ',';
	put->add = true;
	put->group.zone = slice_of(zones, sizeof(zones));
	put->group.wanted = DIRECTORY_WANTED_ALL;
	put->group.replica_count = DIRECTORY_REPLICAS_MAX;
	for (unsigned i = 0; i < DIRECTORY_REPLICAS_MAX; i++)
		put->group.replicas[i] = (struct directory_replica){
			i + 1,
			directory_raft_id(i + 1, UINT32_MAX),
			DIRECTORY_REPLICA_STANDBY,
			DIRECTORY_REPLICA_SERVING,
		};
	dir_open(&d);
	fill_members(&d, DIRECTORY_REPLICAS_MAX);
	cr_assert_eq(directory_group_put_encode(put, &d.m.body), ERR_NONE);
	cr_assert_eq(machine_apply(&d.m, DIRECTORY_GROUP_PUT, 1), ERR_NONE);
	put->group.replicas[9].raft_id = 0;
	cr_assert_eq(directory_group_put_encode(put, &d.m.body), ERR_NONE);
	cr_assert_eq(machine_apply(&d.m, DIRECTORY_GROUP_PUT, 1), ERR_LIMIT);
	put->group.replica_count++;
	cr_assert_eq(directory_group_put_encode(put, &d.m.body), ERR_LIMIT);
	mem_free(put);
	dir_close(&d);
}

Test(limits, the_largest_keyword_list_and_structure_apply)
{
	static char texts[MAILGROUP_KEYWORDS_MAX][MAILGROUP_KEYWORD_NAME_MAX];
	static uint8_t octets[MAILGROUP_STRUCTURE_MAX];
	struct slice names[MAILGROUP_KEYWORDS_MAX];
	struct mailgroup_message message = group_message(1, 0x1f);
	struct mailgroup_append append = {
		.target = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX },
		.user = UINT64_MAX,
		.messages = &message,
		.count = 1,
	};
	struct group g;

	for (unsigned i = 0; i < MAILGROUP_KEYWORDS_MAX; i++) {
		memset(texts[i], 'k', sizeof(texts[i]));
		texts[i][0] = (char)('!' + i % 64);
		texts[i][1] = (char)('!' + i / 64);
		names[i] = slice_of(texts[i], sizeof(texts[i]));
	}
	message.keywords =
		(struct mailgroup_keyword_list){ names,
						 MAILGROUP_KEYWORDS_MAX };
	message.structure = slice_of(octets, sizeof(octets));
	message.size = MAILGROUP_SIZE_MAX;
	message.date_s = INT64_MIN;
	group_open(&g);
	cr_assert_eq(group_apply(&g,
				 mailgroup_append_encode(&append, &g.m.body),
				 MAILGROUP_APPEND),
		     ERR_NONE);
	cr_assert_eq(group_row(&g, UINT64_MAX, UINT64_MAX, 1).date_s,
		     INT64_MIN);
	cr_assert_eq(group_row(&g, UINT64_MAX, UINT64_MAX, 1).structure.len,
		     MAILGROUP_STRUCTURE_MAX);
	group_close(&g);
}

Test(limits, a_result_of_a_thousand_lonely_uids_fits)
{
	struct mailgroup_store command = {
		.mailbox = 1,
		.mode = MAILGROUP_STORE_ADD,
		.flags = MAILGROUP_FLAGGED,
		.mask = MAILGROUP_FLAGS_ALL,
	};
	struct mailgroup_store_result result;
	struct group g;

	for (uint32_t i = 0; i < MAILGROUP_ROWS_MAX; i++)
		uidset_add(&command.uids, i * 4000000 + 1, i * 4000000 + 1);
	group_open(&g);
	cr_assert_eq(group_apply(&g,
				 mailgroup_store_encode(&command, &g.m.body),
				 MAILGROUP_STORE),
		     ERR_NONE);
	cr_assert_eq(mailgroup_store_result(machine_payload(&g.m), &result),
		     ERR_NONE);
	cr_assert(uidset_eq(&result.missing, &command.uids));
	uidset_fini(&result.missing);
	uidset_fini(&command.uids);
	group_close(&g);
}

/* ---- UIDs and MODSEQs come to their end ---- */

static void given_numbers(struct group *g, uint32_t uidnext, uint64_t modseq)
{
	struct mailgroup_mailbox row = {
		.uidnext = uidnext,
		.highestmodseq = modseq,
	};
	struct buf scratch = { 0 };

	cr_assert_eq(store_write_begin(g->m.env, &g->m.write), ERR_NONE);
	mailgroup_mailbox_put(g->m.write, &scratch, 1, &row);
	buf_fini(&scratch);
}

static enum err append_two(struct group *g)
{
	struct mailgroup_message messages[2] = { group_message(0, 0),
						 group_message(1, 0) };
	struct mailgroup_append append = {
		.target = group_target(1),
		.messages = messages,
		.count = 2,
	};

	return group_apply(g, mailgroup_append_encode(&append, &g->m.body),
			   MAILGROUP_APPEND);
}

Test(limits, the_last_uid_is_given_once)
{
	struct group g;
	struct mailgroup_copy_stage stage = {
		.source = 1,
		.target = group_target(1),
		.uids = group_uids("1"),
	};

	group_open(&g);
	given_numbers(&g, UINT32_MAX - 2, 5);
	cr_assert_eq(append_two(&g), ERR_NONE);
	cr_assert_eq(append_two(&g), ERR_LIMIT);
	cr_assert_eq(group_status(&g, 1, 1).uidnext, UINT32_MAX);
	group_expect_uids(&g, 1, "4294967293:4294967294");
	cr_assert_eq(group_apply(&g,
				 mailgroup_copy_stage_encode(&stage, &g.m.body),
				 MAILGROUP_COPY_STAGE),
		     ERR_LIMIT);
	uidset_fini(&stage.uids);
	group_close(&g);
}

Test(limits, the_last_modseq_is_given_once)
{
	struct group g;

	group_open(&g);
	given_numbers(&g, 1, (uint64_t)INT64_MAX - 2);
	cr_assert_eq(append_two(&g), ERR_NONE);
	cr_assert_eq(append_two(&g), ERR_LIMIT);
	cr_assert_eq(group_status(&g, 1, 1).highestmodseq,
		     (uint64_t)INT64_MAX - 1);
	group_close(&g);
}

/* ---- a leader that lets too much through ---- */

#ifdef ENABLE_FAULTS
Test(limits, m55_an_encoder_without_limits_is_caught)
{
	struct mailgroup_expunge expunge = {
		.mailbox = 1,
		.uids = group_uids("1:1001"),
	};
	char name[600] = { 0 };
	struct directory_create create = { .name = slice_of(name, 599) };
	struct group g;
	struct dir d;

	memset(name, 'x', 599);
	group_open(&g);
	dir_open(&d);
	cr_assert_eq(mailgroup_expunge_encode(&expunge, &g.m.body), ERR_LIMIT);
	cr_assert_eq(directory_create_encode(&create, &d.m.body), ERR_LIMIT);
	fault_set_mutant("M55");
	cr_assert_eq(mailgroup_expunge_encode(&expunge, &g.m.body), ERR_NONE);
	cr_assert_eq(directory_create_encode(&create, &d.m.body), ERR_NONE);
	fault_set_mutant(NULL);
	/* The leader looks again, and so does apply. */
	cr_assert_eq(machine_check(&g.m, MAILGROUP_EXPUNGE, 1), ERR_LIMIT);
	cr_assert_eq(machine_apply(&g.m, MAILGROUP_EXPUNGE, 1), ERR_LIMIT);
	cr_assert_neq(machine_check(&d.m, DIRECTORY_CREATE, 1), ERR_NONE);
	cr_assert_neq(machine_apply(&d.m, DIRECTORY_CREATE, 1), ERR_NONE);
	uidset_fini(&expunge.uids);
	group_close(&g);
	dir_close(&d);
}
#endif

/* ---- a map that is nearly full ---- */

#define SMALL_MAP (4ull * 1024 * 1024)

/*
 * A leader takes only what frees space above it (F9). The rest of the map is
 * for pages that were freed since the newest checkpoint and are still pinned.
 */
static bool is_full(struct group *g)
{
	uint64_t used;
	uint64_t size;

	machine_commit(&g->m);
	cr_assert_eq(store_checkpoint_begin(g->m.env, g->m.index, 1), ERR_NONE);
	cr_assert_eq(store_checkpoint_sync(g->m.env), ERR_NONE);
	store_env_fill(g->m.env, &used, &size);
	return used > size / 10 * 7;
}

static void fill(struct group *g, struct random *random, uint8_t *octets)
{
	struct mailgroup_message messages[3];
	struct mailgroup_append append = {
		.target = group_target(1 + random_range(random, 0, 3)),
		.messages = messages,
		.count = 3,
	};

	for (unsigned i = 0; i < 3; i++) {
		messages[i] = group_message(i, MAILGROUP_SEEN);
		messages[i].structure =
			slice_of(octets, random_range(random, 0,
						      MAILGROUP_STRUCTURE_MAX));
	}
	cr_assert_eq(group_apply(g,
				 mailgroup_append_encode(&append, &g->m.body),
				 MAILGROUP_APPEND),
		     ERR_NONE);
}

static void empty(struct group *g, struct random *random)
{
	uint64_t box = 1 + random_range(random, 0, 3);
	struct uidset all = { 0 };
	struct mailgroup_expunge command = { .mailbox = box };
	enum err err;

	mailgroup_uids(machine_ask(&g->m), box, &all);
	for (uint64_t i = 0; i < uidset_size(&all) && i < 10; i++)
		uidset_add(&command.uids, uidset_nth(&all, i),
			   uidset_nth(&all, i));
	if (command.uids.count > 0) {
		err = group_apply(
			g, mailgroup_expunge_encode(&command, &g->m.body),
			MAILGROUP_EXPUNGE);
		cr_assert_eq(err, ERR_NONE);
	}
	machine_commit(&g->m);
	uidset_fini(&all);
	uidset_fini(&command.uids);
}

Test(limits, a_nearly_full_map_refuses_nothing_that_frees_space)
{
	uint8_t *octets = mem_zalloc(1, MAILGROUP_STRUCTURE_MAX);
	struct random_seeded random;
	struct group g;
	unsigned times_full = 0;

	random_seeded_init(&random, 8);
	group_open_small(&g, SMALL_MAP);
	for (unsigned round = 0; round < 400; round++) {
		if (is_full(&g)) {
			times_full++;
			cr_assert(g.fsm.fsm.frees_space(MAILGROUP_EXPUNGE));
			cr_assert_not(g.fsm.fsm.frees_space(MAILGROUP_APPEND));
			empty(&g, &random.random);
		} else {
			fill(&g, &random.random, octets);
		}
	}
	cr_assert_gt(times_full, 50);
	mem_free(octets);
	group_close(&g);
}
