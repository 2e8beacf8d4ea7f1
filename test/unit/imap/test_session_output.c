/*
 * Output that the client does not read: memory is bounded, and all is said in
 * the end.
 */
#include <criterion/criterion.h>

#include "scene.h"

/* What may be added by one step behind the mark: one READ, or one slice. */
#define STEP_MAX (IMAP_READ_OCTETS_MAX + 64 * 1024)

struct slow {
	struct fake_store *store;
	struct scene_client client;
	struct buf said;
	size_t most; /* octets that waited */
};

static void slow_init(struct slow *slow)
{
	*slow = (struct slow){ .store = fake_store_new() };
	scene_given_john(slow->store);
}

static void slow_fini(struct slow *slow)
{
	scene_client_fini(&slow->client);
	fake_store_free(&slow->store);
	buf_fini(&slow->said);
}

static void look(struct slow *slow)
{
	size_t len = imap_session_output(slow->client.session)->len;

	if (len > slow->most)
		slow->most = len;
}

/* The client reads up to `max` octets. */
static void drain(struct slow *slow, size_t max)
{
	struct buf *out = imap_session_output(slow->client.session);
	struct slice some = slice_first(buf_slice(out), max);

	look(slow);
	buf_add_slice(&slow->said, some);
	buf_drop(out, some.len);
	imap_session_sent(slow->client.session, 0);
	fake_port_run(&slow->client.port);
	look(slow);
}

static void drain_all(struct slow *slow, size_t max)
{
	while (imap_session_output(slow->client.session)->len)
		drain(slow, max);
}

static void say(struct slow *slow, const char *text)
{
	scene_say(&slow->client, slice_str(text));
	look(slow);
}

static void login(struct slow *slow)
{
	scene_client_login(&slow->client, slow->store, "john");
}

static void expect_end(const struct slow *slow, const char *end)
{
	cr_expect(slice_has_suffix(buf_slice(&slow->said), slice_str(end)),
		  "%.*s",
		  SLICE_FMT(slice_from(
			  buf_slice(&slow->said),
			  slow->said.len > 100 ? slow->said.len - 100 : 0)));
}

/* A message of `lines` lines of 76 octets, in base64 if there is a header. */
static void given_long(struct slow *slow, const char *header, size_t lines)
{
	struct buf text = { 0 };

	buf_add_str(&text, header);
	buf_add_str(&text, "\r\n");
	for (size_t i = 0; i < lines; i++)
		buf_printf(&text, "%074zu\r\n", i);
	fake_message_add(scene_mailbox(slow->store, "Sent"), buf_slice(&text));
	buf_fini(&text);
}

#define BASE64 "Content-Transfer-Encoding: base64\r\n"

Test(session_output, a_long_body_goes_as_it_is_read)
{
	struct slow slow;

	slow_init(&slow);
	given_long(&slow, "", 40000);
	login(&slow);
	say(&slow, "A1 EXAMINE Sent\r\nA2 FETCH 1 BODY[]\r\nA3 NOOP\r\n");
	drain_all(&slow, 100000);
	cr_expect_leq(slow.most, IMAP_OUTPUT_HIGH + STEP_MAX);
	cr_expect_gt(slow.said.len, 40000 * 76);
	expect_end(&slow, ")\r\nA2 OK FETCH completed\r\n");
	say(&slow, "A3 NOOP\r\n");
	drain_all(&slow, 100000);
	expect_end(&slow, "\r\nA3 OK NOOP completed\r\n");
	slow_fini(&slow);
}

/* Too long to keep: decoded once for its size, once more to be sent. */
Test(session_output, a_long_binary)
{
	struct slow slow;
	size_t zeros = 0;

	slow_init(&slow);
	given_long(&slow, BASE64, 40000);
	login(&slow);
	say(&slow, "A1 EXAMINE Sent\r\nA2 FETCH 1 BINARY[1]\r\n");
	drain_all(&slow, 100000);
	cr_expect_leq(slow.most, IMAP_OUTPUT_HIGH + STEP_MAX);
	expect_end(&slow, ")\r\nA2 OK FETCH completed\r\n");
	/* 40,000 lines of 74 digits are 2,220,000 octets. */
	for (size_t i = 0; i + 9 < slow.said.len && !zeros; i++)
		if (memcmp(slow.said.data + i, "{2220000}", 9) == 0)
			zeros = slow.said.len - i - 11;
	cr_expect_eq(zeros, 2220000 + strlen(")\r\nA2 OK FETCH completed\r\n"));
	slow_fini(&slow);
}

Test(session_output, a_part_of_a_long_binary)
{
	struct slow slow;

	slow_init(&slow);
	given_long(&slow, BASE64, 40000);
	login(&slow);
	say(&slow, "A1 EXAMINE Sent\r\n");
	buf_clear(imap_session_output(slow.client.session));
	say(&slow, "A2 FETCH 1 BINARY[1]<2219998.10>\r\n");
	drain_all(&slow, 100000);
	cr_expect(slice_has_prefix(
		buf_slice(&slow.said),
		SLICE_LIT("* 1 FETCH (BINARY[1]<2219998> {2}\r\n")));
	cr_expect_eq(slow.said.len,
		     strlen("* 1 FETCH (BINARY[1]<2219998> {2}\r\nxx)\r\n"
			    "A2 OK FETCH completed\r\n"));
	slow_fini(&slow);
}

/* Three digits in the middle, and a NUL somewhere: "AA==" is one. */
Test(session_output, a_part_of_a_long_binary_with_nul)
{
	struct slow slow;

	slow_init(&slow);
	given_long(&slow, BASE64 "\r\nAA==", 40000);
	login(&slow);
	say(&slow, "A1 EXAMINE Sent\r\n");
	buf_clear(imap_session_output(slow.client.session));
	say(&slow, "A2 FETCH 1 BINARY[1]<0.3>\r\n");
	drain_all(&slow, 100000);
	cr_expect(slice_has_prefix(buf_slice(&slow.said),
				   SLICE_LIT("* 1 FETCH (BINARY[1]<0> ~{3}\r\n"
					     "\0")));
	expect_end(&slow, ")\r\nA2 OK FETCH completed\r\n");
	slow_fini(&slow);
}

Test(session_output, a_long_binary_breaks_off_in_its_literal)
{
	struct slow slow;

	slow_init(&slow);
	given_long(&slow, BASE64, 40000);
	login(&slow);
	say(&slow, "A1 EXAMINE Sent\r\n");
	buf_clear(imap_session_output(slow.client.session));
	/* 12 READs count it, then it is read again. */
	slow.client.port.fault = (struct fake_fault){ IMAP_ASK_READ, 14,
						      ERR_UNAVAILABLE, false };
	say(&slow, "A2 FETCH 1 BINARY[1]\r\n");
	drain_all(&slow, 100000);
	cr_expect(imap_session_closing(slow.client.session));
	cr_expect_gt(slow.said.len, 100000);
	cr_expect_lt(slow.said.len, 2220000);
	slow_fini(&slow);
}

/* Fields behind the first MiB are not looked at. */
Test(session_output, a_header_without_end)
{
	struct slow slow;
	struct buf header = { 0 };

	slow_init(&slow);
	for (int i = 0; i < 20000; i++)
		buf_printf(&header, "X-%d: %070d\r\n", i, i);
	buf_add_str(&header, "Subject: late\r\n");
	given_long(&slow, buf_cstr(&header), 1);
	login(&slow);
	say(&slow, "A1 EXAMINE Sent\r\n");
	buf_clear(imap_session_output(slow.client.session));
	say(&slow, "A2 FETCH 1 BODY[HEADER.FIELDS (X-1 Subject)]\r\n");
	drain_all(&slow, 100000);
	cr_expect(slice_has_prefix(
		buf_slice(&slow.said),
		SLICE_LIT("* 1 FETCH (BODY[HEADER.FIELDS (X-1 Subject)] "
			  "{77}\r\nX-1: 0000")));
	buf_fini(&header);
	slow_fini(&slow);
}

/* The head has promised octets that do not come: there is no way on. */
Test(session_output, a_body_breaks_off_in_its_literal)
{
	struct slow slow;

	slow_init(&slow);
	given_long(&slow, "", 10000);
	login(&slow);
	slow.client.port.fault =
		(struct fake_fault){ IMAP_ASK_READ, 1, ERR_UNAVAILABLE, false };
	say(&slow, "A1 EXAMINE Sent\r\nA2 FETCH 1 BODY[]\r\n");
	drain_all(&slow, 100000);
	cr_expect(imap_session_closing(slow.client.session));
	cr_expect_lt(slow.said.len, 10000 * 76);
	slow_fini(&slow);
}

Test(session_output, pipelined_commands_wait)
{
	struct slow slow;
	struct buf text = { 0 };
	struct slice rest;
	size_t lines = 0;

	slow_init(&slow);
	login(&slow);
	for (int i = 0; i < 30000; i++)
		buf_printf(&text, "a%d NOOP\r\n", i);
	rest = buf_slice(&text);
	while (rest.len) {
		size_t taken = imap_session_feed(slow.client.session, 0, rest);

		rest = slice_from(rest, taken);
		cr_assert(taken ||
			  !imap_session_wants_input(slow.client.session));
		drain(&slow, 100000);
	}
	drain_all(&slow, 100000);
	cr_expect_leq(slow.most, IMAP_OUTPUT_HIGH + 1000);
	for (size_t i = 0; i < slow.said.len; i++)
		lines += slow.said.data[i] == '\n';
	cr_expect_eq(lines, 30000);
	buf_fini(&text);
	slow_fini(&slow);
}

Test(session_output, a_long_list_waits)
{
	struct slow slow;
	struct fake_user *john;

	slow_init(&slow);
	john = fake_user_find(slow.store, SLICE_LIT("john"));
	for (int i = 0; i < 1500; i++) {
		struct buf name = { 0 };

		buf_printf(&name, "%0400d", i);
		fake_mailbox_add(slow.store, john, buf_slice(&name));
		buf_fini(&name);
	}
	login(&slow);
	slow.client.port.list_max = 100;
	say(&slow, "A1 LIST \"\" * RETURN (STATUS (MESSAGES))\r\n");
	drain_all(&slow, 100000);
	cr_expect_leq(slow.most, IMAP_OUTPUT_HIGH + STEP_MAX);
	cr_expect_gt(slow.said.len, 1500 * 2 * 400);
	expect_end(&slow, "(MESSAGES 0)\r\nA1 OK LIST completed\r\n");
	slow_fini(&slow);
}

Test(session_output, a_long_resynchronisation_waits)
{
	struct slow slow;
	struct fake_mailbox *sent;

	slow_init(&slow);
	sent = scene_mailbox(slow.store, "Sent");
	for (int i = 0; i < 10000; i++)
		fake_message_add(sent, SLICE_LIT(MESSAGE_3));
	login(&slow);
	say(&slow, "A1 ENABLE QRESYNC\r\nA2 SELECT Sent (QRESYNC (3 1))\r\n");
	drain_all(&slow, 100000);
	cr_expect_leq(slow.most, IMAP_OUTPUT_HIGH + STEP_MAX);
	expect_end(&slow, "* 10000 FETCH (UID 10000 FLAGS () MODSEQ (10001))"
			  "\r\nA2 OK [READ-WRITE] SELECT completed\r\n");
	say(&slow, "A3 STORE 1:* FLAGS ()\r\n");
	drain_all(&slow, 100000);
	expect_end(&slow, "* 10000 FETCH (UID 10000 FLAGS () MODSEQ (10001))"
			  "\r\nA3 OK STORE completed\r\n");
	cr_expect_leq(slow.most, IMAP_OUTPUT_HIGH + STEP_MAX);
	slow_fini(&slow);
}

Test(session_output, idle_waits)
{
	struct slow slow;
	struct scene_client other;

	slow_init(&slow);
	login(&slow);
	scene_client_login(&other, slow.store, "john");
	say(&slow, "A1 SELECT INBOX\r\nA2 IDLE\r\n");
	scene_say(&other, SLICE_LIT("B1 SELECT INBOX\r\n"));
	for (int i = 0; i < 3000; i++) {
		scene_say(&other,
			  i % 2 ? SLICE_LIT("B STORE 1:4 -FLAGS (\\Seen)\r\n")
				: SLICE_LIT("B STORE 1:4 +FLAGS (\\Seen)\r\n"));
		buf_clear(imap_session_output(other.session));
		fake_port_run(&slow.client.port);
	}
	look(&slow);
	cr_expect_leq(slow.most, IMAP_OUTPUT_HIGH + 1000);
	drain_all(&slow, 100000);
	expect_end(&slow, "* 4 FETCH (UID 4 FLAGS ())\r\n");
	say(&slow, "DONE\r\n");
	drain_all(&slow, 100000);
	expect_end(&slow, "* 4 FETCH (UID 4 FLAGS ())\r\n"
			  "A2 OK IDLE completed\r\n");
	scene_client_fini(&other);
	slow_fini(&slow);
}

Test(session_output, who_never_reads_is_cut)
{
	struct slow slow;
	struct imap_session *session;

	slow_init(&slow);
	given_long(&slow, "", 20000);
	login(&slow);
	session = slow.client.session;
	say(&slow, "A1 EXAMINE Sent\r\nA2 FETCH 1 BODY[]\r\n");
	cr_expect_eq(imap_session_tick(session, 0), 1800000);
	drain(&slow, 100);
	imap_session_sent(session, 1000);
	cr_expect_eq(imap_session_tick(session, 1000), 1801000);
	cr_expect_not(imap_session_closing(session));
	(void)imap_session_tick(session, 1801000);
	cr_expect(imap_session_closing(session));
	cr_expect_eq(imap_session_output(session)->len, 0);
	slow_fini(&slow);
}

/* A server that stops must not wait for ever. */
Test(session_output, the_last_lines_are_not_read)
{
	struct slow slow;
	struct imap_session *session;

	slow_init(&slow);
	login(&slow);
	session = slow.client.session;
	imap_session_shutdown(session, 1000, "stop");
	cr_expect_eq(imap_session_tick(session, 1000), 1000 + IMAP_LINGER_MS);
	cr_expect_gt(imap_session_output(session)->len, 0);
	cr_expect_eq(imap_session_tick(session, 1000 + IMAP_LINGER_MS),
		     UINT64_MAX);
	cr_expect_eq(imap_session_output(session)->len, 0);
	slow_fini(&slow);
}

Test(session_output, a_server_stops_in_a_literal)
{
	struct slow slow;

	slow_init(&slow);
	given_long(&slow, "", 20000);
	login(&slow);
	say(&slow, "A1 EXAMINE Sent\r\nA2 FETCH 1 BODY[]\r\n");
	imap_session_shutdown(slow.client.session, 0, "stop");
	cr_expect_not(imap_session_closing(slow.client.session));
	cr_expect_eq(imap_session_tick(slow.client.session, 0), IMAP_LINGER_MS);
	drain_all(&slow, 100000);
	expect_end(&slow, ")\r\nA2 OK FETCH completed\r\n"
			  "* BYE [UNAVAILABLE] server is stopping\r\n");
	cr_expect(imap_session_closing(slow.client.session));
	slow_fini(&slow);
}

/* BYE would be taken for octets of the literal. */
Test(session_output, the_right_to_read_goes_in_a_literal)
{
	struct slow slow;

	slow_init(&slow);
	given_long(&slow, "", 20000);
	login(&slow);
	say(&slow, "A1 EXAMINE Sent\r\nA2 FETCH 1 BODY[]\r\n");
	fake_acl_set(scene_mailbox(slow.store, "Sent"), SLICE_LIT("john"),
		     IMAP_RIGHT_LOOKUP);
	cr_expect(imap_session_closing(slow.client.session));
	drain_all(&slow, 100000);
	cr_expect_not(slice_has_suffix(buf_slice(&slow.said),
				       SLICE_LIT("was taken away\r\n")));
	slow_fini(&slow);
}

Test(session_output, the_right_to_read_goes_while_octets_are_asked_for)
{
	struct slow slow;

	slow_init(&slow);
	given_long(&slow, "", 20000);
	login(&slow);
	say(&slow, "A1 EXAMINE Sent\r\n");
	imap_session_feed(slow.client.session, 0,
			  SLICE_LIT("A2 FETCH 1 BODY[]\r\n"));
	(void)fake_port_step(&slow.client.port);
	cr_assert(imap_session_busy(slow.client.session));
	fake_acl_set(scene_mailbox(slow.store, "Sent"), SLICE_LIT("john"),
		     IMAP_RIGHT_LOOKUP);
	cr_expect(imap_session_closing(slow.client.session));
	slow_fini(&slow);
}

Test(session_output, a_session_is_freed_while_it_waits)
{
	struct slow slow;

	slow_init(&slow);
	given_long(&slow, BASE64, 20000);
	login(&slow);
	say(&slow, "A1 EXAMINE Sent\r\nA2 FETCH 1 (BODY[] BINARY[1])\r\n");
	drain(&slow, 300000);
	cr_expect_not(imap_session_busy(slow.client.session));
	slow_fini(&slow);
}
