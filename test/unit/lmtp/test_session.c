/*
 * LMTP conversations over a port that keeps its mail in memory.
 */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "lmtp/session.h"

struct lmtp_upload {
	struct buf trace;
	struct buf data;
};

/* The port: users john, jane and full (over quota); asks wait in `asked`. */
struct talk {
	struct lmtp_port port;
	struct lmtp_session *session;
	struct lmtp_ask *asked;
	struct lmtp_upload upload;
	bool uploading;
	unsigned begun;
	bool tls;
	size_t room;          /* octets until upload_add says "enough" */
	enum err begin_err;   /* of upload_begin */
	enum err deliver_err; /* of the whole delivery */
	struct buf delivered; /* "john:<octets>" of each delivery */
};

static struct talk *talk_of(struct lmtp_port *port)
{
	return container_of(port, struct talk, port);
}

static void port_ask(struct lmtp_port *port, struct lmtp_ask *ask)
{
	cr_assert_null(talk_of(port)->asked);
	talk_of(port)->asked = ask;
}

static enum err port_upload_begin(struct lmtp_port *port, void *first_target,
				  struct lmtp_upload **upload_r)
{
	struct talk *t = talk_of(port);

	cr_assert_not_null(first_target);
	cr_assert_not(t->uploading);
	if (t->begin_err)
		return t->begin_err;
	t->uploading = true;
	t->begun++;
	buf_clear(&t->upload.trace);
	buf_clear(&t->upload.data);
	*upload_r = &t->upload;
	return ERR_NONE;
}

static bool port_upload_add(struct lmtp_port *port, struct lmtp_upload *upload,
			    struct slice octets, bool trace)
{
	struct talk *t = talk_of(port);

	cr_assert(t->uploading);
	buf_add_slice(trace ? &upload->trace : &upload->data, octets);
	if (octets.len <= t->room) {
		t->room -= octets.len;
		return true;
	}
	t->room = 1000;
	return false;
}

static void port_upload_abort(struct lmtp_port *port,
			      struct lmtp_upload *upload unused_arg)
{
	cr_assert(talk_of(port)->uploading);
	talk_of(port)->uploading = false;
}

static void port_starttls(struct lmtp_port *port)
{
	talk_of(port)->tls = true;
}

static struct slice port_date(struct lmtp_port *port unused_arg,
			      struct arena *arena unused_arg)
{
	return SLICE_LIT("Tue, 24 Nov 2026 18:00:00 +0000");
}

static const struct lmtp_config config = {
	.hostname = "be1.example.org",
	.message_max = 10000,
	.detail_separator = '+',
	.timeout_ms = 300000,
	.login_timeout_ms = 60000,
};

static struct talk *talk_new(void)
{
	struct talk *t = mem_zalloc(1, sizeof(*t));

	t->port = (struct lmtp_port){
		.ask = port_ask,
		.upload_begin = port_upload_begin,
		.upload_add = port_upload_add,
		.upload_abort = port_upload_abort,
		.starttls = port_starttls,
		.date = port_date,
	};
	t->room = 1000000;
	t->session = lmtp_session_new(&config, &t->port, false, true,
				      "192.0.2.1:4711", 0);
	return t;
}

static void talk_free(struct talk *t)
{
	if (t->session)
		lmtp_session_free(&t->session);
	cr_assert_not(t->uploading);
	buf_fini(&t->upload.trace);
	buf_fini(&t->upload.data);
	buf_fini(&t->delivered);
	mem_free(t);
}

static void answer_recipient(struct lmtp_ask *ask)
{
	struct lmtp_ask_recipient *recipient =
		container_of(ask, struct lmtp_ask_recipient, ask);

	if (slice_has_prefix(recipient->user, SLICE_LIT("john")) ||
	    slice_has_prefix(recipient->user, SLICE_LIT("jane")) ||
	    slice_has_prefix(recipient->user, SLICE_LIT("full"))) {
		recipient->target = arena_printf(ask->arena, "%.*s/%.*s",
						 SLICE_FMT(recipient->user),
						 SLICE_FMT(recipient->detail));
		ask->err = ERR_NONE;
	} else {
		ask->err = ERR_NOTFOUND;
	}
}

static void answer_deliver(struct talk *t, struct lmtp_ask *ask)
{
	struct lmtp_ask_deliver *deliver =
		container_of(ask, struct lmtp_ask_deliver, ask);

	t->uploading = false;
	ask->err = t->deliver_err;
	for (size_t i = 0; i < deliver->count && !ask->err; i++) {
		const char *target = deliver->deliveries[i].target;

		if (strncmp(target, "full", 4) == 0) {
			deliver->deliveries[i].err = ERR_OVERQUOTA;
			continue;
		}
		buf_printf(&t->delivered, "%s:%.*s|", target,
			   SLICE_FMT(buf_slice(&t->upload.data)));
	}
}

/* Answers what was asked, until nothing is. */
static void answer_all(struct talk *t)
{
	while (t->asked) {
		struct lmtp_ask *ask = t->asked;

		t->asked = NULL;
		switch (ask->kind) {
		case LMTP_ASK_RECIPIENT:
			answer_recipient(ask);
			break;
		case LMTP_ASK_UPLOAD:
			break;
		case LMTP_ASK_DELIVER:
			answer_deliver(t, ask);
			break;
		}
		lmtp_session_answer(t->session, 0, ask);
	}
}

/* Says `text`, `step` octets at a time. */
static void say_in_steps(struct talk *t, const char *text, size_t step)
{
	struct slice rest = slice_str(text);

	answer_all(t);
	while (rest.len && !lmtp_session_closing(t->session)) {
		size_t taken = lmtp_session_feed(t->session, 0,
						 slice_first(rest, step));

		rest = slice_from(rest, taken);
		answer_all(t);
		if (t->tls)
			break;
	}
}

static void say(struct talk *t, const char *text)
{
	say_in_steps(t, text, strlen(text));
}

static void expect(struct talk *t, const char *text)
{
	struct buf *out = lmtp_session_output(t->session);

	cr_expect_str_eq(buf_cstr(out), text);
	buf_clear(out);
}

/* Forgets what was said so far. */
static void skip(struct talk *t)
{
	buf_clear(lmtp_session_output(t->session));
}

static struct talk *greeted(void)
{
	struct talk *t = talk_new();

	say(t, "LHLO mx.example.org\r\n");
	skip(t);
	return t;
}

#define MESSAGE "Subject: x\r\n\r\nhello\r\n"

Test(lmtp_session, greets_and_tells_what_it_can)
{
	struct talk *t = talk_new();

	expect(t, "220 be1.example.org LMTP ready\r\n");
	say(t, "LHLO mx.example.org\r\n");
	expect(t, "250-be1.example.org\r\n250-PIPELINING\r\n"
		  "250-SIZE 10000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
		  "250-CHUNKING\r\n250-STARTTLS\r\n"
		  "250 ENHANCEDSTATUSCODES\r\n");
	talk_free(t);
}

Test(lmtp_session, each_recipient_gets_an_answer_after_the_commit)
{
	struct talk *t = greeted();

	say(t, "MAIL FROM:<a@example.org>\r\nRCPT TO:<john>\r\n"
	       "RCPT TO:<nobody@example.org>\r\nRCPT TO:<full>\r\n"
	       "RCPT TO:<jane+lists@example.org>\r\nDATA\r\n");
	expect(t, "250 2.1.0 sender ok\r\n250 2.1.5 recipient ok\r\n"
		  "550 5.1.1 no such user here\r\n250 2.1.5 recipient ok\r\n"
		  "250 2.1.5 recipient ok\r\n"
		  "354 go ahead, end with <CRLF>.<CRLF>\r\n");
	say(t, MESSAGE ".\r\n");
	expect(t, "250 2.1.5 delivered\r\n452 4.2.2 mailbox is full\r\n"
		  "250 2.1.5 delivered\r\n");
	cr_expect_str_eq(buf_cstr(&t->delivered),
			 "john/:" MESSAGE "|jane@example.org/lists:" MESSAGE
			 "|");
	talk_free(t);
}

Test(lmtp_session, the_trace_header_is_told_apart_from_the_data)
{
	struct talk *t = greeted();

	say(t, "MAIL FROM:<a@example.org>\r\nRCPT TO:<john>\r\nDATA\r\n");
	say(t, MESSAGE ".\r\n");
	cr_expect_str_eq(buf_cstr(&t->upload.trace),
			 "Return-Path: <a@example.org>\r\n"
			 "Received: from mx.example.org (192.0.2.1:4711)\r\n"
			 "\tby be1.example.org (Murder) with LMTP;\r\n"
			 "\tTue, 24 Nov 2026 18:00:00 +0000\r\n");
	talk_free(t);
}

#define WHOLE                                                               \
	"LHLO mx.example.org\r\nMAIL FROM:<>\r\nRCPT TO:<john>\r\nDATA\r\n" \
	"a\r\n..b\r\n.\r\nMAIL FROM:<x@y> SIZE=3\r\nRCPT TO:<jane>\r\n"     \
	"BDAT 3\r\nxyzBDAT 2 LAST\r\n\r\nNOOP\r\nQUIT\r\n"

Test(lmtp_session, any_split_gives_the_same_conversation)
{
	struct talk *whole = talk_new();

	say(whole, WHOLE);
	cr_assert_str_eq(buf_cstr(&whole->delivered),
			 "john/:a\r\n.b\r\n|jane/:xyz\r\n|");
	for (size_t step = 1; step < sizeof(WHOLE); step++) {
		struct talk *t = talk_new();

		t->room = step; /* and waits for room at other places */
		say_in_steps(t, WHOLE, step);
		expect(t, buf_cstr(lmtp_session_output(whole->session)));
		cr_expect_str_eq(buf_cstr(&t->delivered),
				 buf_cstr(&whole->delivered));
		talk_free(t);
	}
	talk_free(whole);
}

Test(lmtp_session, an_unknown_outcome_closes_without_replies)
{
	struct talk *t = greeted();

	t->deliver_err = ERR_LEADER_LOST;
	say(t, "MAIL FROM:<>\r\nRCPT TO:<john>\r\nDATA\r\n");
	skip(t);
	say(t, MESSAGE ".\r\n");
	expect(t, "");
	cr_expect(lmtp_session_closing(t->session));
	talk_free(t);
}

Test(lmtp_session, a_message_that_is_too_large_is_read_and_refused)
{
	struct talk *t = greeted();

	say(t, "MAIL FROM:<> SIZE=10001\r\n");
	expect(t, "552 5.3.4 message is too large\r\n");
	say(t, "MAIL FROM:<>\r\nRCPT TO:<john>\r\nRCPT TO:<jane>\r\nDATA\r\n");
	skip(t);
	for (int i = 0; i < 1000; i++)
		say(t, "0123456789\r\n");
	cr_expect_not(t->uploading);
	say(t, ".\r\n");
	expect(t, "552 5.3.4 message is too large\r\n"
		  "552 5.3.4 message is too large\r\n");
	say(t, "NOOP\r\n");
	expect(t, "250 2.0.0 ok\r\n");
	talk_free(t);
}

Test(lmtp_session, a_full_disk_is_temporary)
{
	struct talk *t = greeted();

	t->begin_err = ERR_FULL;
	say(t, "MAIL FROM:<>\r\nRCPT TO:<john>\r\nDATA\r\n");
	skip(t);
	say(t, MESSAGE ".\r\n");
	expect(t, "452 4.3.1 no space left\r\n");
	talk_free(t);
}

Test(lmtp_session, data_needs_a_recipient)
{
	struct talk *t = greeted();

	say(t, "DATA\r\nMAIL FROM:<>\r\nDATA\r\n");
	expect(t, "503 5.5.1 MAIL first\r\n250 2.1.0 sender ok\r\n"
		  "503 5.5.1 no valid recipients\r\n");
	say(t, "BDAT 4 LAST\r\nabcd");
	expect(t, "503 5.5.1 no valid recipients\r\n");
	talk_free(t);
}

Test(lmtp_session, smtp_is_told_that_this_is_lmtp)
{
	struct talk *t = talk_new();

	skip(t);
	say(t, "EHLO x\r\n");
	expect(t, "500 5.5.1 this is LMTP: say LHLO\r\n");
	talk_free(t);
}

Test(lmtp_session, ten_bad_commands_end_it)
{
	struct talk *t = greeted();

	for (int i = 0; i < 20; i++)
		say(t, "BOGUS\r\n");
	cr_expect(lmtp_session_closing(t->session));
	talk_free(t);
}

Test(lmtp_session, a_line_that_is_too_long_is_refused_and_passed_over)
{
	struct talk *t = greeted();

	for (int i = 0; i < 5000; i++)
		say(t, "x");
	say(t, "\r\nNOOP\r\n");
	expect(t, "500 5.5.6 line is too long\r\n250 2.0.0 ok\r\n");
	talk_free(t);
}

Test(lmtp_session, starttls_forgets_what_was_said_before)
{
	struct talk *t = greeted();

	say(t, "MAIL FROM:<>\r\n");
	skip(t);
	say(t, "STARTTLS\r\n");
	expect(t, "220 2.0.0 go ahead\r\n");
	cr_assert(t->tls);
	cr_expect_not(lmtp_session_wants_input(t->session));
	t->tls = false;
	lmtp_session_tls_up(t->session, 0);
	say(t, "MAIL FROM:<>\r\n");
	expect(t, "503 5.5.1 LHLO first\r\n");
	talk_free(t);
}

Test(lmtp_session, a_silent_client_is_sent_away)
{
	struct talk *t = greeted();

	cr_expect_eq(lmtp_session_tick(t->session, 1000), 300000);
	lmtp_session_tick(t->session, 300000);
	expect(t, "421 4.4.2 timeout\r\n");
	cr_expect(lmtp_session_closing(t->session));
	talk_free(t);
}

Test(lmtp_session, a_stopping_server_answers_what_was_asked_first)
{
	struct talk *t = greeted();

	say(t, "MAIL FROM:<>\r\n");
	skip(t);
	lmtp_session_feed(t->session, 0, SLICE_LIT("RCPT TO:<john>\r\n"));
	cr_assert(lmtp_session_busy(t->session));
	lmtp_session_shutdown(t->session, 0);
	expect(t, "");
	answer_all(t);
	expect(t, "250 2.1.5 recipient ok\r\n421 4.3.2 server is stopping\r\n");
	cr_expect(lmtp_session_closing(t->session));
	talk_free(t);
}

Test(lmtp_session, recipients_are_counted_refused_ones_too)
{
	struct talk *t = greeted();

	say(t, "MAIL FROM:<>\r\n");
	for (int i = 0; i < 2 * LMTP_RECIPIENTS_MAX; i++) {
		skip(t);
		say(t, "RCPT TO:<nobody>\r\n");
	}
	expect(t, "550 5.1.1 no such user here\r\n");
	say(t, "RCPT TO:<john>\r\n");
	expect(t, "452 4.5.3 too many recipients\r\n");
	say(t, "RSET\r\nMAIL FROM:<>\r\nRCPT TO:<john>\r\n");
	expect(t, "250 2.0.0 ok\r\n250 2.1.0 sender ok\r\n"
		  "250 2.1.5 recipient ok\r\n");
	talk_free(t);
}

Test(lmtp_session, it_waits_for_a_client_that_does_not_read)
{
	struct talk *t = greeted();
	size_t taken;

	do {
		taken = lmtp_session_feed(t->session, 0, SLICE_LIT("NOOP\r\n"));
	} while (taken == 6);
	cr_expect_eq(taken, 0);
	cr_expect_not(lmtp_session_wants_input(t->session));
	cr_expect_lt(lmtp_session_output(t->session)->len,
		     LMTP_OUTPUT_HIGH + 100);
	skip(t);
	cr_expect(lmtp_session_wants_input(t->session));
	talk_free(t);
}

Test(lmtp_session, nothing_is_said_in_clear_during_the_handshake)
{
	struct talk *t = greeted();

	say(t, "STARTTLS\r\n");
	skip(t);
	lmtp_session_tick(t->session, 300000);
	expect(t, "");
	cr_expect(lmtp_session_closing(t->session));
	talk_free(t);
}

Test(lmtp_session, commands_in_the_wrong_place_or_form)
{
	static const struct {
		const char *line;
		const char *reply;
	} cases[] = {
		{ "RCPT TO:<john>\r\n", "503 5.5.1 MAIL first\r\n" },
		{ "MAIL FROM:<a@b> FOO=BAR\r\n",
		  "555 5.5.4 unknown parameter\r\n" },
		{ "MAIL a@b\r\n", "501 5.5.4 syntax error\r\n" },
		{ "STARTTLS\r\nSTARTTLS\r\n", "220 2.0.0 go ahead\r\n" },
		{ "VRFY john\r\n", "252 2.5.0 try RCPT\r\n" },
		{ "MAIL FROM:<>\r\nMAIL FROM:<>\r\n",
		  "250 2.1.0 sender ok\r\n503 5.5.1 nested MAIL\r\n" },
		{ "MAIL FROM:<>\r\nRCPT TO:<john>\r\nBDAT 1\r\nxDATA\r\n",
		  "250 2.1.0 sender ok\r\n250 2.1.5 recipient ok\r\n"
		  "250 2.0.0 chunk taken\r\n503 5.5.1 DATA after BDAT\r\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct talk *t = greeted();

		say(t, cases[i].line);
		expect(t, cases[i].reply);
		talk_free(t);
	}
}
