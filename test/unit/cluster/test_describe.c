/*
 * Commands as JSON: what identifies them is there, what is secret is not.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/mem.h"
#include "cluster/describe.h"
#include "cluster/directory_command.h"
#include "cluster/mailgroup_command.h"

/* The text of a command; the body is freed. */
static void expect_text(uint16_t kind, struct buf *body, const char *want)
{
	struct command command = { .kind = kind, .body = buf_slice(body) };
	struct buf out = { 0 };

	cluster_describe(&command, &out);
	cr_expect_str_eq(buf_cstr(&out), want, "%s", buf_cstr(&out));
	buf_fini(&out);
	buf_fini(body);
}

Test(describe, an_append_names_mailbox_and_hashes)
{
	struct slice keyword = SLICE_LIT("$v1");
	struct mailgroup_message message = {
		.size = 12,
		.flags = MAILGROUP_SEEN | MAILGROUP_DRAFT,
		.keywords = { .names = &keyword, .count = 1 },
	};
	struct mailgroup_append append = {
		.target = { .mailbox = 17, .root = 3 },
		.messages = &message,
		.count = 1,
	};
	struct buf body = { 0 };

	memset(message.hash.octets, 0xab, SHA256_SIZE);
	cr_assert_eq(mailgroup_append_encode(&append, &body), ERR_NONE);
	expect_text(MAILGROUP_APPEND, &body,
		    "\"kind\":\"APPEND\",\"mailbox\":17,\"messages\":[{"
		    "\"hash\":\"abababababababababababababababababababababab"
		    "abababababababababab\",\"size\":12,"
		    "\"flags\":[\"\\\\Seen\",\"\\\\Draft\"],"
		    "\"keywords\":[\"$v1\"]}]");
}

Test(describe, a_store_names_uids_mode_and_keywords)
{
	struct slice keyword = SLICE_LIT("$v2");
	struct mailgroup_store store = {
		.mailbox = 5,
		.mode = MAILGROUP_STORE_REPLACE,
		.mask = MAILGROUP_FLAGS_ALL,
		.conditional = true,
		.unchangedsince = 44,
		.keywords = { .names = &keyword, .count = 1 },
	};
	struct buf body = { 0 };

	uidset_add(&store.uids, 2, 4);
	cr_assert_eq(mailgroup_store_encode(&store, &body), ERR_NONE);
	uidset_fini(&store.uids);
	expect_text(MAILGROUP_STORE, &body,
		    "\"kind\":\"STORE\",\"mailbox\":5,\"uids\":\"2:4\","
		    "\"mode\":\"replace\",\"flags\":[],\"keywords\":[\"$v2\"],"
		    "\"unchangedsince\":44");
}

Test(describe, a_move_names_source_and_target)
{
	struct mailgroup_copy copy = {
		.source = 5,
		.target = { .mailbox = 6 },
		.move = true,
	};
	struct buf body = { 0 };

	uidset_add(&copy.uids, 9, 9);
	cr_assert_eq(mailgroup_copy_encode(&copy, &body), ERR_NONE);
	uidset_fini(&copy.uids);
	expect_text(MAILGROUP_COPY, &body,
		    "\"kind\":\"COPY\",\"mailbox\":5,\"target\":6,"
		    "\"uids\":\"9\",\"move\":true");
}

Test(describe, keys_of_a_user_are_not_shown)
{
	struct directory_user_add add = {
		.name = SLICE_LIT("john"),
		.keys = {
			.iterations = 4096,
			.salt = SLICE_LIT("salt-is-secret"),
			.stored_key =
				SLICE_LIT("0123456789abcdef0123456789abcdef"),
			.server_key =
				SLICE_LIT("fedcba9876543210fedcba9876543210"),
		},
		.enabled = true,
	};
	struct buf body = { 0 };

	cr_assert_eq(directory_user_add_encode(&add, &body), ERR_NONE);
	expect_text(DIRECTORY_USER_ADD, &body,
		    "\"kind\":\"USER_ADD\",\"name\":\"john\"");
}

Test(describe, the_secret_of_a_joiner_is_not_shown)
{
	struct directory_join join = {
		.secret = SLICE_LIT("0123456789abcdef0123456789abcdef"),
		.name = SLICE_LIT("n2"),
		.key_hash = SLICE_LIT("0123456789abcdef0123456789abcdef"),
		.addresses = { SLICE_LIT("10.0.0.2:3906") },
		.address_count = 1,
		.feature_level = 1,
	};
	struct buf body = { 0 };

	cr_assert_eq(directory_join_encode(&join, &body), ERR_NONE);
	expect_text(DIRECTORY_JOIN, &body, "\"kind\":\"JOIN\",\"name\":\"n2\"");
}

Test(describe, a_claim_names_both_sides)
{
	struct mailgroup_claim claim = {
		.source = 5,
		.group = 3,
		.target = { .mailbox = 6 },
	};
	struct buf body = { 0 };

	uidset_add(&claim.uids, 9, 10);
	cr_assert_eq(mailgroup_claim_encode(&claim, &body), ERR_NONE);
	uidset_fini(&claim.uids);
	expect_text(MAILGROUP_CLAIM, &body,
		    "\"kind\":\"CLAIM\",\"mailbox\":5,\"target\":6,"
		    "\"target_group\":3,\"uids\":\"9:10\"");
}

Test(describe, a_damaged_body_is_told_as_such)
{
	struct buf body = { 0 };

	buf_add_str(&body, "no command");
	expect_text(MAILGROUP_EXPUNGE, &body,
		    "\"kind\":\"EXPUNGE\",\"damaged\":true");
}

Test(describe, a_kind_of_a_later_release_has_its_number)
{
	struct buf body = { 0 };

	expect_text(9999, &body, "\"kind\":\"KIND 9999\"");
}

/* Every kind of this release has a name, and no damage is fatal. */
Test(describe, all_kinds_have_names)
{
	for (uint16_t kind = DIRECTORY_CREATE; kind < MAILGROUP_COMMAND_END;
	     kind++) {
		struct command command = { .kind = kind };
		struct buf out = { 0 };

		if (kind >= DIRECTORY_COMMAND_END && kind < MAILGROUP_APPEND)
			continue;
		cluster_describe(&command, &out);
		cr_expect_null(strstr(buf_cstr(&out), "KIND"), "%u", kind);
		buf_fini(&out);
	}
}
