/*
 * The same log makes the same state, byte by byte: in another environment,
 * whatever the transactions, whether anybody listens.
 */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "cluster/state_hash.h"
#include "dir_model.h"
#include "group_model.h"

#define STEPS 800

/* Gives the hash of a machine that applied the log by itself. */
static uint64_t replayed(struct replica_fsm *fsm, struct slice log,
			 unsigned batch)
{
	struct machine m;
	uint64_t hash;

	machine_open(&m, fsm, MACHINE_MAP);
	machine_replay(&m, log, batch);
	hash = machine_hash(&m);
	machine_close(&m);
	return hash;
}

Test(determinism, a_mail_group_replayed_is_the_same)
{
	struct random_seeded random;
	struct group group;
	struct model model;
	struct buf log = { 0 };
	uint64_t hash;
	static const unsigned batches[] = { 1, 7, STEPS * 2 };

	random_seeded_init(&random, 5);
	group_open(&group);
	group.m.log = &log;
	model_init(&model, &group, &random.random);
	for (unsigned i = 0; i < STEPS; i++)
		model_step(&model);
	hash = machine_hash(&group.m);
	for (size_t i = 0; i < ARRAY_LEN(batches); i++) {
		struct mailgroup_fsm fsm;

		mailgroup_fsm_init(&fsm, NULL, NULL);
		cr_assert_eq(replayed(&fsm.fsm, buf_slice(&log), batches[i]),
			     hash);
		mailgroup_fsm_fini(&fsm);
	}
	model_fini(&model);
	buf_fini(&log);
	group_close(&group);
}

Test(determinism, a_directory_replayed_is_the_same)
{
	struct dir_model *model = mem_alloc(sizeof(*model));
	struct dir *dir = mem_alloc(sizeof(*dir));
	struct random_seeded random;
	struct buf log = { 0 };
	uint64_t hash;

	random_seeded_init(&random, 6);
	dir_open(dir);
	machine_commit(&dir->m);
	dir->m.log = &log;
	dir_model_init(model, dir, &random.random);
	for (unsigned i = 0; i < STEPS; i++)
		dir_model_step(model);
	hash = machine_hash(&dir->m);
	for (unsigned batch = 1; batch <= 64; batch *= 8) {
		struct dir *other = mem_alloc(sizeof(*other));

		dir_open(other);
		machine_replay(&other->m, buf_slice(&log), batch);
		cr_assert_eq(machine_hash(&other->m), hash);
		dir_close(other);
		mem_free(other);
	}
	buf_fini(&log);
	dir_close(dir);
	mem_free(dir);
	mem_free(model);
}

Test(determinism, the_hash_sees_every_row)
{
	struct group g;
	struct state_hash state;
	struct mailgroup_claim claim = {
		.source = 1,
		.group = 2,
		.target = { .mailbox = 7 },
		.uids = group_uids("2"),
	};
	uint64_t hashes[5];
	uint64_t sliced;

	group_open(&g);
	hashes[0] = machine_hash(&g.m);
	group_append(&g, 1, 3, 0);
	hashes[1] = machine_hash(&g.m);
	group_append(&g, 2, 1, 0);
	hashes[2] = machine_hash(&g.m);
	cr_assert_eq(group_seal(&g, 2), ERR_NONE);
	hashes[3] = machine_hash(&g.m);
	cr_assert_eq(group_apply(&g, mailgroup_claim_encode(&claim, &g.m.body),
				 MAILGROUP_CLAIM),
		     ERR_NONE);
	uidset_fini(&claim.uids);
	hashes[4] = machine_hash(&g.m);
	for (unsigned i = 0; i < ARRAY_LEN(hashes); i++)
		for (unsigned j = 0; j < i; j++)
			cr_assert_neq(hashes[i], hashes[j]);
	for (uint64_t rows = 1; rows < 9; rows++) {
		state_hash_begin(&state, REPLICA_TABLE_COUNT,
				 g.fsm.fsm.table_count);
		while (state_hash_step(&state, machine_ask(&g.m), rows))
			continue;
		sliced = state.hash;
		cr_assert_eq(sliced, hashes[4]);
	}
	group_close(&g);
}
