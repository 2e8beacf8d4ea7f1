#include <criterion/criterion.h>

#include <string.h>

#include "base/mem.h"
#include "cluster/welcome.h"

static struct welcome_token token_new(void)
{
	struct welcome_token token = { .name = "n2",
				       .address = "10.0.0.1:2005" };

	memset(token.secret, 0xfb, sizeof(token.secret));
	memset(token.key_hash.octets, 0x7e, SHA256_SIZE);
	return token;
}

Test(welcome, a_token_is_one_word_and_comes_back)
{
	struct welcome_token token = token_new();
	struct welcome_token back;
	struct buf text = { 0 };

	welcome_token_write(&token, &text);
	for (size_t i = 0; i < text.len; i++)
		cr_assert(strchr("+/= \n'\"", (char)text.data[i]) == NULL);
	cr_assert_eq(welcome_token_read(buf_slice(&text), &back), ERR_NONE);
	cr_assert_eq(memcmp(&token, &back, sizeof(token)), 0);
	buf_fini(&text);
}

Test(welcome, a_token_that_lost_letters_is_none)
{
	struct welcome_token token = token_new();
	struct welcome_token back;
	struct buf text = { 0 };

	welcome_token_write(&token, &text);
	for (size_t len = 0; len < text.len; len++)
		cr_assert_eq(welcome_token_read(
				     slice_first(buf_slice(&text), len), &back),
			     ERR_SYNTAX);
	cr_assert_eq(welcome_token_read(slice_from(buf_slice(&text), 1), &back),
		     ERR_SYNTAX);
	buf_fini(&text);
}

static struct welcome_ask ask_new(void)
{
	return (struct welcome_ask){
		.secret = SLICE_LIT("0123456789abcdef01234567"),
		.name = SLICE_LIT("n2"),
		.addresses = { SLICE_LIT("10.0.0.2:2005"),
			       SLICE_LIT("[fd00::2]:2005") },
		.address_count = 2,
		.feature_level = 1,
	};
}

Test(welcome, a_question_comes_back_and_no_shorter_one_does)
{
	struct welcome_ask ask = ask_new();
	struct welcome_ask back;
	struct buf octets = { 0 };

	cr_assert_eq(welcome_ask_encode(&ask, &octets), ERR_NONE);
	cr_assert_eq(welcome_ask_decode(buf_slice(&octets), &back), ERR_NONE);
	cr_assert_eq(back.address_count, 2);
	cr_assert(slice_eq(back.addresses[1], ask.addresses[1]));
	cr_assert(slice_eq(back.secret, ask.secret));
	for (size_t len = 0; len < octets.len; len++)
		cr_assert_neq(
			welcome_ask_decode(slice_first(buf_slice(&octets), len),
					   &back),
			ERR_NONE);
	buf_fini(&octets);
}

Test(welcome, a_question_without_an_address_is_not_asked)
{
	struct welcome_ask ask = ask_new();
	struct buf octets = { 0 };

	ask.address_count = 0;
	cr_assert_eq(welcome_ask_encode(&ask, &octets), ERR_INVALID);
	cr_assert_eq(octets.len, 0);
	buf_fini(&octets);
}

Test(welcome, an_answer_brings_all_members)
{
	struct welcome_member members[3] = { 0 };
	struct welcome welcome = {
		.cluster = SLICE_LIT("00112233445566778899aabbccddeeff"),
		.node = 4,
		.raft_id = 4ull << 32 | 1,
		.members = members,
		.member_count = 3,
	};
	struct arena arena = { 0 };
	struct buf octets = { 0 };
	struct welcome back;

	for (unsigned i = 0; i < 3; i++) {
		members[i].node = i + 1;
		members[i].addresses[0] = SLICE_LIT("h:1");
		members[i].address_count = 1;
		members[i].key_count = 1 + i % 2;
		memset(members[i].keys[0].octets, (int)i, SHA256_SIZE);
	}
	cr_assert_eq(welcome_encode(&welcome, &octets), ERR_NONE);
	cr_assert_eq(welcome_decode(buf_slice(&octets), &arena, &back),
		     ERR_NONE);
	cr_assert_eq(back.member_count, 3);
	cr_assert_eq(back.raft_id, welcome.raft_id);
	cr_assert_eq(back.members[1].key_count, 2);
	cr_assert_eq(back.members[2].keys[0].octets[5], 2);
	octets.data[0]++;
	cr_assert_eq(welcome_decode(buf_slice(&octets), &arena, &back),
		     ERR_VERSION);
	arena_fini(&arena);
	buf_fini(&octets);
}
