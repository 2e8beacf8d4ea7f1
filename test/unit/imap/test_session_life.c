/*
 * The life of a session: time, output that is not sent, a server that stops.
 */
#include <criterion/criterion.h>

#include "scene.h"

/* clang-format off */

/* ---- time ---- */

Test(session_life, login_takes_too_long)
{
	scene_play(scene_given_john,
	"# greet\n"
	"# wait 59999\n"
	"# wait 1\n"
	"S: * BYE no login in time\n"
	"# closed\n");
}

Test(session_life, commands_do_not_prolong_the_time_before_login)
{
	scene_play(scene_given_john,
	"# greet\n"
	"# wait 59000\n"
	"C: A1 NOOP\n"
	"S: A1 OK NOOP completed\n"
	"# wait 500\n"
	"C: A2 AUTHENTICATE PLAIN\n"
	"S: + \n"
	"# wait 500\n"
	"S: * BYE no login in time\n"
	"# closed\n");
}

Test(session_life, a_session_without_commands_ends)
{
	scene_play(scene_given_john,
	"C: A1 NOOP\n"
	"S: A1 OK NOOP completed\n"
	"# wait 1799999\n"
	"C: A2 NOOP\n"
	"S: A2 OK NOOP completed\n"
	"# wait 1799999\n"
	"# wait 1\n"
	"S: * BYE idle for too long\n"
	"# closed\n");
}

Test(session_life, tick_says_when_it_wants_to_be_called)
{
	struct fake_store *store = fake_store_new();
	struct scene_client client;

	scene_given_john(store);
	scene_client_init(&client, store, true);
	cr_expect_eq(imap_session_tick(client.session, 0), 60000);
	client.port.now_ms = 1000;
	scene_say(&client, SLICE_LIT("A1 LOGIN john wrong\r\n"));
	cr_expect_eq(imap_session_tick(client.session, 1000), 3000);
	client.port.now_ms = 3000;
	cr_expect_eq(imap_session_tick(client.session, 3000), 60000);
	scene_say(&client, SLICE_LIT("A2 LOGIN john secret\r\n"));
	cr_expect_eq(imap_session_tick(client.session, 3000), 1803000);
	imap_session_feed(client.session, 4000,
			  SLICE_LIT("A3 SELECT INBOX\r\n"));
	cr_expect(imap_session_busy(client.session));
	cr_expect_eq(imap_session_tick(client.session, 9999999), UINT64_MAX);
	client.port.now_ms = 10000;
	fake_port_run(&client.port);
	cr_expect_eq(imap_session_tick(client.session, 10000), 1810000);
	scene_client_fini(&client);
	fake_store_free(&store);
}

Test(session_life, nothing_is_said_in_clear_during_the_handshake)
{
	static const struct { bool stop; } cases[] = { { true }, { false } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fake_store *store = fake_store_new();
		struct scene_client client;

		scene_client_init(&client, store, false);
		scene_say(&client, SLICE_LIT("A1 STARTTLS\r\n"));
		buf_clear(imap_session_output(client.session));
		if (cases[i].stop)
			imap_session_shutdown(client.session, 0, "stop");
		else
			imap_session_tick(client.session, 60000);
		cr_expect(imap_session_closing(client.session));
		scene_expect(&client, "");
		scene_client_fini(&client);
		fake_store_free(&store);
	}
}

/* ---- the server stops ---- */

Test(session_life, a_stopping_server_says_bye)
{
	struct fake_store *store = fake_store_new();
	struct scene_client client;

	scene_given_john(store);
	scene_client_login(&client, store, "john");
	imap_session_shutdown(client.session, 0, "out for maintenance");
	scene_expect(&client, "* BYE [UNAVAILABLE] out for maintenance\r\n");
	cr_expect(imap_session_closing(client.session));
	scene_client_fini(&client);
	fake_store_free(&store);
}

Test(session_life, a_stopping_server_answers_the_command_under_way)
{
	struct fake_store *store = fake_store_new();
	struct scene_client client;

	scene_given_john(store);
	scene_client_login(&client, store, "john");
	imap_session_feed(client.session, 0, SLICE_LIT("A1 CREATE x\r\n"));
	imap_session_shutdown(client.session, 0, "out for maintenance");
	scene_expect(&client, "");
	cr_expect_not(imap_session_closing(client.session));
	fake_port_run(&client.port);
	scene_expect(&client, "A1 OK [MAILBOXID (F10)] CREATE completed\r\n"
		     "* BYE [UNAVAILABLE] server is stopping\r\n");
	cr_expect(imap_session_closing(client.session));
	scene_client_fini(&client);
	fake_store_free(&store);
}
