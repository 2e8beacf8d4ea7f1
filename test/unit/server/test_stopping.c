/*
 * A node that stops while something is under way, and what its admin socket
 * says to those who ask at the wrong moment.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "rig.h"

static void refused(struct rig *rig, const char *request, const char *error)
{
	struct talk admin = talk_admin(rig);
	struct buf want = { 0 };

	buf_printf(&want, "{\"v\":1,\"ok\":false,\"error\":\"%s\"", error);
	talk_say(&admin, request);
	talk_expect(&admin, buf_cstr(&want));
	buf_fini(&want);
	talk_expect_end(&admin);
}

/* ---- stopping ---- */

/* The answer comes first, then BYE. */
Test(stopping, waits_for_a_command_that_is_being_written)
{
	struct rig *rig = rig_new();
	struct talk talk = talk_imap(rig, RIG_JOHN);
	struct stall wal;

	rig_stall_wal(rig, &wal);
	talk_say(&talk, "a APPEND INBOX {6}\r\n");
	talk_expect(&talk, "+ ");
	talk_say(&talk, "a: b\r\n\r\n");
	rig_await(rig, rig_has_proposed);
	rig_ask_to_stop(rig);
	stall_end(&wal);
	talk_until(&talk, "a OK ", NULL);
	talk_expect(&talk, "* BYE ");
	talk_expect_end(&talk);
	rig_stopped(rig);
	rig_start(rig);
	rig_free(&rig);
}

Test(stopping, waits_for_a_search_on_the_workers)
{
	struct rig *rig = rig_new();
	struct talk talk = talk_imap(rig, RIG_JOHN);
	struct stall pool;

	talk_append(&talk, "INBOX", "Subject: a\r\n\r\nwords\r\n");
	talk_say(&talk, "s SELECT INBOX\r\n");
	talk_until(&talk, "s OK ", NULL);
	rig_stall_pool(rig, &pool);
	talk_say(&talk, "c SEARCH BODY words\r\n");
	rig_await(rig, rig_waits_for_workers);
	rig_ask_to_stop(rig);
	stall_end(&pool);
	cr_assert(talk_until(&talk, "c OK ", "SEARCH 1"));
	talk_expect(&talk, "* BYE ");
	talk_expect_end(&talk);
	rig_stopped(rig);
	rig_free(&rig);
}

Test(stopping, tells_a_sweep_that_waits_for_the_groups)
{
	struct rig *rig = rig_new();
	struct talk admin;
	struct stall log;

	rig_stop(rig);
	rig_start(rig);
	rig_stall_log(rig, &log);
	admin = talk_admin(rig);
	talk_say(&admin, "{\"v\":1,\"cmd\":\"sweep\"}\n");
	/* One loop serves both in their order: the first has begun. */
	refused(rig, "{\"v\":1,\"cmd\":\"sweep\"}\n", "BUSY");
	rig_ask_to_stop(rig);
	talk_expect(&admin, "{\"v\":1,\"ok\":false,"
			    "\"error\":\"UNAVAILABLE\"");
	talk_end(&admin);
	stall_end(&log);
	rig_stopped(rig);
	rig_free(&rig);
}

#ifdef ENABLE_FAULTS
Test(stopping, is_not_what_ends_the_patience_of_a_sweep)
{
	struct rig *rig;
	struct stall log;

	setenv("MURDER_TUNE", "sweep_wait_ms=1", 1);
	rig = rig_new();
	rig_restart(rig);
	rig_stall_log(rig, &log);
	refused(rig, "{\"v\":1,\"cmd\":\"sweep\"}\n", "UNAVAILABLE");
	stall_end(&log);
	rig_free(&rig);
}
#endif

Test(stopping, ends_an_import_that_waits_for_octets)
{
	struct rig *rig = rig_new();
	struct talk admin = talk_admin(rig);

	talk_say(&admin, "{\"v\":1,\"cmd\":\"import\",\"args\":"
			 "{\"name\":\"user.john\"}}\n");
	talk_expect(&admin, "{\"v\":1,\"progress\":{\"ready\":true}}");
	talk_say(&admin, "{\"size\":100000,\"flags\":[]}\nSubject: h");
	rig_stop(rig);
	talk_end(&admin);
	rig_free(&rig);
}

/* ---- the admin socket ---- */

Test(admin, what_is_no_request_is_refused_and_ends_the_connection)
{
	struct rig *rig = rig_new();

	refused(rig, "nonsense\n", "SYNTAX");
	refused(rig, "[]\n", "SYNTAX");
	refused(rig, "{\"v\":1}\n", "SYNTAX");
	refused(rig, "{\"v\":1,\"cmd\":\"status\",\"args\":3}\n", "SYNTAX");
	refused(rig, "{\"v\":2,\"cmd\":\"status\"}\n", "VERSION");
	refused(rig, "{\"v\":1,\"cmd\":\"nonsense\"}\n", "NOTFOUND");
	refused(rig, "{\"v\":1,\"cmd\":\"init\"}\n", "EXISTS");
	refused(rig, "{\"v\":1,\"cmd\":\"user.add\"}\n", "INVALID");
	rig_free(&rig);
}

Test(admin, a_line_without_end_closes_the_connection)
{
	struct rig *rig = rig_new();
	struct talk admin = talk_admin(rig);
	static char line[64 * 1024];

	memset(line, 'x', sizeof(line) - 1);
	for (unsigned i = 0; i < 20; i++)
		if (send(admin.fd, line, sizeof(line), MSG_NOSIGNAL) < 0)
			break;
	talk_expect_end(&admin);
	rig_free(&rig);
}

Test(admin, who_asks_and_goes_does_no_harm)
{
	static const char *const requests[] = {
		"{\"v\":1,\"cmd\":\"verify\"}\n",
		"{\"v\":1,\"cmd\":\"user.list\"}\n",
		"{\"v\":1,\"cmd\":\"mailbox.list\"}\n",
		"{\"v\":1,\"cmd\":\"sweep\"}\n",
	};
	struct rig *rig = rig_new();

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct talk admin = talk_admin(rig);
		struct stall pool;

		rig_stall_pool(rig, &pool);
		talk_say(&admin, requests[i]);
		rig_await(rig, rig_waits_for_workers);
		talk_end(&admin);
		stall_end(&pool);
	}
	rig_free(&rig);
}

/* At each step of an import. */
static void import_gone(const char *text, bool body_stalls, bool wal_stalls)
{
	struct rig *rig = rig_new();
	struct talk admin = talk_admin(rig);
	struct stall bodies;
	struct stall wal;

	talk_say(&admin, "{\"v\":1,\"cmd\":\"import\",\"args\":"
			 "{\"name\":\"user.john\"}}\n");
	talk_expect(&admin, "{\"v\":1,\"progress\":{\"ready\":true}}");
	if (body_stalls)
		rig_stall_bodies(rig, &bodies);
	if (wal_stalls)
		rig_stall_wal(rig, &wal);
	talk_say(&admin, text);
	if (wal_stalls)
		rig_await(rig, rig_has_proposed);
	talk_end(&admin);
	if (body_stalls)
		stall_end(&bodies);
	if (wal_stalls)
		stall_end(&wal);
	rig_await(rig, rig_is_idle);
	rig_free(&rig);
}

#define HEAD "{\"size\":10,\"flags\":[\"\\\\Seen\"]}\n"
#define END "{\"end\":true}\n"

Test(admin, an_import_may_be_left_at_every_step)
{
	import_gone("", false, false);
	import_gone("{\"size\":", false, false);
	import_gone(HEAD, false, false);
	import_gone(HEAD "Subject", false, false);
	import_gone(HEAD "Subject: a", false, false);
	import_gone(HEAD "Subject: a" END, true, false);
	import_gone(HEAD "Subject: a" END, false, true);
}

static void import_refused(const char *text, const char *error)
{
	struct rig *rig = rig_new();
	struct talk admin = talk_admin(rig);
	struct buf want = { 0 };

	talk_say(&admin, "{\"v\":1,\"cmd\":\"import\",\"args\":"
			 "{\"name\":\"user.john\"}}\n");
	talk_expect(&admin, "{\"v\":1,\"progress\":{\"ready\":true}}");
	buf_printf(&want, "{\"v\":1,\"ok\":false,\"error\":\"%s\"", error);
	talk_say(&admin, text);
	talk_expect(&admin, buf_cstr(&want));
	buf_fini(&want);
	talk_expect_end(&admin);
	rig_await(rig, rig_is_idle);
	rig_free(&rig);
}

Test(admin, an_import_refuses_what_is_no_message)
{
	import_refused("nonsense\n", "SYNTAX");
	import_refused("{\"size\":-1}\n", "SYNTAX");
	import_refused("{\"size\":99999999}\n", "TOO_BIG");
	import_refused("{\"size\":1,\"flags\":[\"a b\"]}\n", "INVALID");
	import_refused("{\"size\":1,\"flags\":[3]}\n", "INVALID");
	import_refused(HEAD "Subject: a{\"size\":-1}\n", "SYNTAX");
}
