/*
 * Several replicas of a group: writes and reads at any node, whoever leads.
 */
#include <criterion/criterion.h>

#include "replica_cluster.h"

static struct rc *of_three(uint64_t seed)
{
	const struct rc_options options = { seed, 3, 3, 1 };

	return rc_new(&options);
}

Test(cluster, a_write_at_any_replica_is_done_once_and_seen_at_all)
{
	struct rc *rc = of_three(1);
	uint64_t floors[RC_KEYS] = { 0 };
	struct rc_op writes[3];
	struct rc_op reads[3];

	cr_assert_geq(rc_leader(rc, 0, 5000), 0);
	for (unsigned i = 0; i < 3; i++) {
		rc_write(&writes[i], rc, i, 0, 0, floors);
		rc_wait(rc, &writes[i], 2000);
		cr_expect_eq(writes[i].answers, 1);
		cr_expect_eq(writes[i].err, ERR_NONE);
		cr_expect_eq(writes[i].version, i + 1);
	}
	for (unsigned i = 0; i < 3; i++) {
		rc_read(&reads[i], rc, i, 0, 0, floors);
		rc_wait(rc, &reads[i], 2000);
		cr_expect_eq(reads[i].err, ERR_NONE);
		cr_expect_eq(reads[i].version, 3);
	}
	cr_expect_null(rc->wrong);
	for (unsigned i = 0; i < 3; i++)
		rc_op_fini(&writes[i]);
	rc_free(rc);
}
