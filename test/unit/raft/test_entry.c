/*
 * Log entries: what goes in comes out, and nothing else is taken for one.
 */
#include <criterion/criterion.h>

#include "base/fault.h"
#include "raft/entry.h"

static struct command a_command(uint32_t slot)
{
	return (struct command){
		.op = { (uint64_t)7 << 32 | 3, slot, 9 },
		.kind = COMMAND_FSM_FIRST + 2,
		.version = 1,
		.proposed_at_ms = 1700000000123,
		.body = SLICE_LIT("a body"),
		.inline_body = SLICE_LIT("Subject: x\r\n\r\n"),
	};
}

static void build(struct entry_builder *builder, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct command command = a_command(i);

		cr_assert(entry_builder_add(builder, &command));
	}
	entry_builder_end(builder, 5, 11, 13);
}

Test(entry, gives_back_what_was_put_in)
{
	struct entry_builder builder = { 0 };
	struct entry entry;
	struct command command;

	build(&builder, 3);
	cr_assert_eq(entry_decode(buf_slice(&builder.octets), &entry),
		     ERR_NONE);
	cr_expect_eq(entry.group, 5);
	cr_expect_eq(entry.term, 11);
	cr_expect_eq(entry.index, 13);
	cr_expect_eq(entry.count, 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct command want = a_command(i);

		cr_assert_eq(entry_next(&entry, &command), ERR_NONE);
		cr_expect_eq(command.op.proposer, want.op.proposer);
		cr_expect_eq(command.op.slot, i);
		cr_expect_eq(command.op.turn, want.op.turn);
		cr_expect_eq(command.kind, want.kind);
		cr_expect_eq(command.version, want.version);
		cr_expect_eq(command.proposed_at_ms, want.proposed_at_ms);
		cr_expect(slice_eq(command.body, want.body));
		cr_expect(slice_eq(command.inline_body, want.inline_body));
	}
	cr_expect_eq(entry_next(&entry, &command), ERR_END);
	entry_builder_fini(&builder);
}

Test(entry, is_a_multiple_of_eight_octets_long)
{
	for (unsigned count = 1; count < 9; count++) {
		struct entry_builder builder = { 0 };

		build(&builder, count);
		cr_expect_eq(builder.octets.len % 8, 0);
		entry_builder_fini(&builder);
	}
}

Test(entry, a_flipped_bit_anywhere_is_noticed)
{
	struct entry_builder builder = { 0 };
	struct entry entry;

	build(&builder, 2);
	for (size_t i = 0; i < builder.octets.len; i++) {
		builder.octets.data[i] ^= 4;
		cr_expect_eq(entry_decode(buf_slice(&builder.octets), &entry),
			     ERR_CORRUPT, "octet %zu", i);
		builder.octets.data[i] ^= 4;
	}
	entry_builder_fini(&builder);
}

Test(entry, a_cut_entry_is_noticed)
{
	struct entry_builder builder = { 0 };
	struct entry entry;

	build(&builder, 2);
	for (size_t len = 0; len < builder.octets.len; len++)
		cr_expect_eq(entry_decode(slice_of(builder.octets.data, len),
					  &entry),
			     ERR_CORRUPT);
	entry_builder_fini(&builder);
}

Test(entry, takes_512_commands_and_no_more)
{
	struct entry_builder builder = { 0 };
	struct command command = a_command(0);

	for (unsigned i = 0; i < COMMAND_ENTRY_COUNT_MAX; i++)
		cr_assert(entry_builder_add(&builder, &command));
	cr_expect_not(entry_builder_add(&builder, &command));
	entry_builder_fini(&builder);
}

Test(entry, stays_below_256_KiB_and_takes_the_largest_command)
{
	static uint8_t octets[COMMAND_MAX];
	struct entry_builder builder = { 0 };
	struct command command = a_command(0);

	command.body = slice_of(octets, COMMAND_MAX);
	command.inline_body = slice_of(octets, COMMAND_INLINE_MAX);
	cr_expect_eq(command_check(&command), ERR_NONE);
	cr_assert(entry_builder_add(&builder, &command));
	cr_expect_not(entry_builder_add(&builder, &command));
	entry_builder_end(&builder, 1, 1, 1);
	cr_expect_leq(builder.octets.len, COMMAND_ENTRY_MAX);
	entry_builder_fini(&builder);
}

static unsigned let_through(void)
{
	static uint8_t octets[COMMAND_MAX + 1];
	struct command command = a_command(COMMAND_SLOTS);
	unsigned count = command_check(&command) == ERR_NONE;

	command = a_command(0);
	command.body = slice_of(octets, COMMAND_MAX + 1);
	count += command_check(&command) == ERR_NONE;
	command = a_command(0);
	command.inline_body = slice_of(octets, COMMAND_INLINE_MAX + 1);
	count += command_check(&command) == ERR_NONE;
	return count;
}

Test(entry, commands_above_a_limit_are_refused_before_they_are_in_the_log)
{
	cr_expect_eq(let_through(), 0);
}

#ifdef ENABLE_FAULTS
Test(entry_mutants, M55_encoder_limit_off_is_caught)
{
	fault_set_mutant("M55");
	cr_expect_gt(let_through(), 0);
}
#endif
