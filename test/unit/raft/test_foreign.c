/*
 * Commands of other nodes at the leader: repetitions, limits, answers.
 */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "raft/foreign.h"

#define FROM (5ull << 32 | 1)
#define OTHER (6ull << 32)

static struct command command_of(uint32_t slot, uint64_t turn)
{
	return (struct command){
		.op = { 5ull << 32 | 3, slot, turn },
		.kind = COMMAND_FSM_FIRST,
		.body = SLICE_LIT("body"),
		.inline_body = SLICE_LIT("inline"),
	};
}

static enum err add(struct foreign *foreign, uint64_t from, uint32_t slot,
		    uint64_t turn)
{
	struct command command = command_of(slot, turn);

	return foreign_add(foreign, from, &command);
}

/* All that waits goes into the log. */
static unsigned flush(struct foreign *foreign)
{
	struct foreign_command *it;
	unsigned count = 0;

	while ((it = foreign_next(foreign)) != NULL) {
		foreign_pass(foreign, it);
		count++;
	}
	foreign_settle(foreign, true);
	return count;
}

Test(foreign, a_command_is_copied_and_comes_in_order)
{
	struct foreign foreign;
	struct foreign_command *it;

	foreign_init(&foreign);
	cr_assert_eq(add(&foreign, FROM, 1, 1), ERR_NONE);
	cr_assert_eq(add(&foreign, FROM, 2, 1), ERR_NONE);
	it = foreign_next(&foreign);
	cr_expect_eq(it->command.op.slot, 1);
	cr_expect_eq(it->from, FROM);
	cr_expect(slice_eq(it->command.body, SLICE_LIT("body")));
	cr_expect(slice_eq(it->command.inline_body, SLICE_LIT("inline")));
	foreign_drop(&foreign, it);
	cr_expect_eq(foreign_next(&foreign)->command.op.slot, 2);
	foreign_fini(&foreign);
}

Test(foreign, a_repetition_is_passed_over_while_the_command_is_here)
{
	struct foreign foreign;
	struct foreign_command *it;
	struct command cancel = command_of(1, 7);

	foreign_init(&foreign);
	cr_assert_eq(add(&foreign, FROM, 1, 7), ERR_NONE);
	cr_expect_eq(add(&foreign, FROM, 1, 7), ERR_EXISTS, "it waits");
	cr_expect_eq(flush(&foreign), 1);
	cr_expect_eq(add(&foreign, FROM, 1, 7), ERR_EXISTS, "in the log");
	cancel.kind = COMMAND_CANCEL;
	cr_expect_eq(foreign_add(&foreign, FROM, &cancel), ERR_NONE);
	cr_expect_eq(add(&foreign, OTHER, 1, 7), ERR_NONE, "another asks");
	while ((it = foreign_take(&foreign, &cancel.op)) != NULL)
		foreign_free(it);
	cr_expect_eq(foreign.count, 0);
	cr_expect_eq(foreign.pending_octets, 0);
	cr_expect_eq(add(&foreign, FROM, 1, 7), ERR_NONE, "answered");
	foreign_fini(&foreign);
}

Test(foreign, an_answer_takes_its_own_turn_only)
{
	struct foreign foreign;
	struct op_id op = command_of(1, 6).op;

	foreign_init(&foreign);
	cr_assert_eq(add(&foreign, FROM, 1, 7), ERR_NONE);
	cr_expect_null(foreign_take(&foreign, &op));
	op.turn = 7;
	op.proposer++;
	cr_expect_null(foreign_take(&foreign, &op));
	cr_expect_eq(foreign.count, 1);
	foreign_fini(&foreign);
}

Test(foreign, what_raft_did_not_take_waits_again_in_its_order)
{
	struct foreign foreign;
	uint64_t octets;

	foreign_init(&foreign);
	for (uint32_t slot = 0; slot < 3; slot++)
		cr_assert_eq(add(&foreign, FROM, slot, 1), ERR_NONE);
	octets = foreign.pending_octets;
	foreign_pass(&foreign, foreign_next(&foreign));
	foreign_pass(&foreign, foreign_next(&foreign));
	foreign_settle(&foreign, false);
	cr_expect_eq(foreign.pending_octets, octets);
	for (uint32_t slot = 0; slot < 3; slot++) {
		cr_expect_eq(foreign_next(&foreign)->command.op.slot, slot);
		foreign_drop(&foreign, foreign_next(&foreign));
	}
	foreign_fini(&foreign);
}

Test(foreign, above_the_limit_only_what_resolves_is_taken)
{
	struct buf body = { 0 };
	struct foreign foreign;
	struct command command = command_of(0, 1);
	enum err err;

	foreign_init(&foreign);
	while (body.len < COMMAND_MAX)
		buf_add_octet(&body, 'x');
	command.body = buf_slice(&body);
	do {
		command.op.turn++;
		err = foreign_add(&foreign, FROM, &command);
	} while (err == ERR_NONE);
	cr_expect_eq(err, ERR_BUSY);
	cr_expect_leq(foreign.pending_octets, FOREIGN_PENDING_MAX);
	command.kind = COMMAND_CANCEL;
	command.body = SLICE_NONE;
	cr_expect_eq(foreign_add(&foreign, FROM, &command), ERR_NONE);
	foreign_clear(&foreign);
	cr_expect_eq(foreign.count, 0);
	cr_expect_null(foreign_next(&foreign));
	foreign_fini(&foreign);
	buf_fini(&body);
}
