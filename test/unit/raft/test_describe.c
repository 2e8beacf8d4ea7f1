/*
 * raft/'s own entries and commands as JSON.
 */
#include <criterion/criterion.h>

#include <raft.h>

#include "base/json.h"
#include "raft/compat.h"
#include "raft/describe.h"
#include "raft/slots.h"

static void expect_text(struct buf *out, const char *want)
{
	cr_expect_str_eq(buf_cstr(out), want, "%s", buf_cstr(out));
	buf_fini(out);
}

Test(describe, a_place_names_the_node_and_its_start)
{
	struct command_at at = { .index = 7, .term = 2, .position = 3 };
	struct op_id op = { .proposer = proposer_of(5, 9),
			    .slot = 1,
			    .turn = 4 };
	struct buf out = { 0 };

	json_object_begin(&out, NULL);
	describe_place(2, &at, &op, &out);
	json_object_end(&out);
	expect_text(&out, "{\"group\":2,\"index\":7,\"term\":2,\"position\":3,"
			  "\"node\":5,\"start\":9,\"slot\":1,\"turn\":4}");
}

Test(describe, a_fence_says_who_is_given_up)
{
	struct buf body = { 0 };
	struct buf out = { 0 };
	struct command command = { .kind = COMMAND_FENCE };

	slots_fence_body(proposer_of(3, 8), &body);
	command.body = buf_slice(&body);
	json_object_begin(&out, NULL);
	cr_expect(describe_command(&command, &out));
	expect_text(&out, "{\"kind\":\"FENCE\","
			  "\"fenced\":{\"node\":3,\"start\":8}");
	buf_fini(&body);
}

Test(describe, a_register_does_not_show_its_boot_value)
{
	struct buf body = { 0 };
	struct buf out = { 0 };
	struct command command = { .kind = COMMAND_REGISTER };

	slots_register_body(1234567890123, &body);
	command.body = buf_slice(&body);
	json_object_begin(&out, NULL);
	cr_expect(describe_command(&command, &out));
	expect_text(&out, "{\"kind\":\"REGISTER\"");
	buf_fini(&body);
}

Test(describe, kinds_of_machines_are_left_to_them)
{
	struct command command = { .kind = COMMAND_FSM_FIRST };
	struct buf out = { 0 };

	cr_expect_not(describe_command(&command, &out));
	cr_expect_eq(out.len, 0);
	command.kind = 0;
	cr_expect_not(describe_command(&command, &out));
}

Test(describe, a_configuration_lists_its_servers)
{
	struct raft_configuration conf;
	struct buf octets = { 0 };
	struct buf out = { 0 };
	struct wal_entry entry = { .term = 1, .type = RAFT_CHANGE };

	raft_configuration_init(&conf);
	cr_assert_eq(raft_configuration_add(&conf, UINT64_C(2) << 32 | 1, "n2",
					    RAFT_VOTER),
		     0);
	compat_conf_encode(&conf, &octets);
	raft_configuration_close(&conf);
	entry.data = buf_slice(&octets);
	cr_expect_not(describe_has_commands(&entry));
	json_object_begin(&out, NULL);
	cr_expect_eq(describe_entry(&entry, &out), ERR_NONE);
	expect_text(&out, "{\"kind\":\"CONFIGURATION\",\"servers\":[{"
			  "\"node\":2,\"replica\":1,\"address\":\"n2\","
			  "\"role\":\"voter\"}]");
	entry.data = slice_first(entry.data, entry.data.len / 2);
	cr_expect_eq(describe_entry(&entry, &out), ERR_CORRUPT);
	buf_fini(&out);
	buf_fini(&octets);
}
