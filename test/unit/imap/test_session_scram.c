/*
 * AUTHENTICATE SCRAM-SHA-256 and -PLUS within a session (RFC 9051 section
 * 6.2.2, RFC 7677): lines, base64, and the server's proof as one more
 * challenge.
 */
#include <criterion/criterion.h>

/* tidy: allow layers: a client of tests, which auth's tests have too */
#include "../auth/scram_client.h"
#include "base/base64.h"
#include "scene.h"

struct login {
	struct fake_store *store;
	struct scene_client client;
	struct scram_client scram;
	struct buf text;
};

static void login_init(struct login *login, const char *user,
		       const char *password, const char *gs2)
{
	*login = (struct login){
		.store = fake_store_new(),
		.scram = { .gs2 = gs2,
			   .user = user,
			   .nonce = "fyko+d2lbbFgONRv9qkxdawL",
			   .password = password },
	};
	scene_given_john(login->store);
	scene_client_init(&login->client, login->store, true);
	buf_clear(imap_session_output(login->client.session));
}

static void login_fini(struct login *login)
{
	scene_client_fini(&login->client);
	scram_client_fini(&login->scram);
	fake_store_free(&login->store);
	buf_fini(&login->text);
}

/* `before`, then login->text in base64, then CRLF. */
static void say(struct login *login, const char *before)
{
	struct buf line = { 0 };

	buf_add_str(&line, before);
	base64_encode(buf_slice(&login->text), &line);
	buf_add_str(&line, "\r\n");
	buf_clear(&login->text);
	scene_say(&login->client, buf_slice(&line));
	buf_fini(&line);
}

/* Takes "+ base64" CRLF into login->text. */
static void hear(struct login *login)
{
	struct buf *out = imap_session_output(login->client.session);
	struct slice line = buf_slice(out);

	cr_assert(slice_has_prefix(line, SLICE_LIT("+ ")), "%s", buf_cstr(out));
	line = slice_trim(slice_from(line, 2));
	buf_clear(&login->text);
	cr_assert_eq(base64_decode(line, &login->text), ERR_NONE);
	buf_clear(out);
}

static void say_first(struct login *login, const char *mechanism)
{
	struct buf before = { 0 };

	buf_printf(&before, "A1 AUTHENTICATE %s ", mechanism);
	scram_client_first(&login->scram, &login->text);
	say(login, buf_cstr(&before));
	buf_fini(&before);
}

static void say_final(struct login *login)
{
	struct buf server_first = { 0 };

	hear(login);
	buf_add_slice(&server_first, buf_slice(&login->text));
	buf_clear(&login->text);
	cr_assert(scram_client_final(&login->scram, buf_slice(&server_first),
				     &login->text));
	say(login, "");
	buf_fini(&server_first);
}

static void expect_in(struct login *login)
{
	struct buf *out = imap_session_output(login->client.session);

	cr_expect(slice_has_prefix(buf_slice(out),
				   SLICE_LIT("A1 OK [CAPABILITY ")),
		  "%s", buf_cstr(out));
	cr_expect(slice_eq(imap_session_user(login->client.session),
			   SLICE_LIT("john")));
}

Test(session_scram, the_server_proves_itself_in_one_more_challenge)
{
	struct login login;

	login_init(&login, "john", "secret", "n,,");
	say_first(&login, "SCRAM-SHA-256");
	say_final(&login);
	hear(&login);
	cr_expect(scram_client_check(&login.scram, buf_slice(&login.text)));
	cr_expect_eq(imap_session_user(login.client.session).len, 0);
	scene_say(&login.client, SLICE_LIT("\r\n"));
	expect_in(&login);
	login_fini(&login);
}

Test(session_scram, without_an_initial_response)
{
	struct login login;

	login_init(&login, "john", "secret", "n,,");
	scene_say(&login.client,
		  SLICE_LIT("A1 AUTHENTICATE scram-sha-256\r\n"));
	hear(&login);
	cr_expect_eq(login.text.len, 0);
	scram_client_first(&login.scram, &login.text);
	say(&login, "");
	say_final(&login);
	hear(&login);
	scene_say(&login.client, SLICE_LIT("\r\n"));
	expect_in(&login);
	login_fini(&login);
}

Test(session_scram, bound_to_the_channel)
{
	struct login login;

	login_init(&login, "john", "secret", "p=tls-exporter,,");
	login.scram.binding = SLICE_LIT("exported octets");
	say_first(&login, "SCRAM-SHA-256-PLUS");
	say_final(&login);
	hear(&login);
	scene_say(&login.client, SLICE_LIT("\r\n"));
	expect_in(&login);
	login_fini(&login);
}

Test(session_scram, admin_proves_and_john_is_served)
{
	struct login login;

	login_init(&login, "admin", "secret", "n,a=john,");
	say_first(&login, "SCRAM-SHA-256");
	say_final(&login);
	hear(&login);
	scene_say(&login.client, SLICE_LIT("\r\n"));
	expect_in(&login);
	login_fini(&login);
}

static void expect_refused(struct login *login)
{
	scene_expect(&login->client, "");
	login->client.port.now_ms += 2000;
	scene_say(&login->client, SLICE_NONE);
	scene_expect(&login->client, "A1 NO [AUTHENTICATIONFAILED] wrong user "
				     "or password\r\n");
	cr_expect_eq(imap_session_user(login->client.session).len, 0);
}

Test(session_scram, a_wrong_password_and_an_unknown_user_look_alike)
{
	static const char *const users[] = { "john", "nobody" };

	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		struct login login;

		login_init(&login, users[i], "wrong", "n,,");
		say_first(&login, "SCRAM-SHA-256");
		say_final(&login);
		expect_refused(&login);
		login_fini(&login);
	}
}

Test(session_scram, the_user_was_disabled)
{
	struct login login;

	login_init(&login, "john", "secret", "n,,");
	fake_user_find(login.store, SLICE_LIT("john"))->disabled = true;
	say_first(&login, "SCRAM-SHA-256");
	say_final(&login);
	hear(&login);
	scene_say(&login.client, SLICE_LIT("\r\n"));
	scene_expect(&login.client,
		     "A1 NO [CONTACTADMIN] account is disabled\r\n");
	login_fini(&login);
}

Test(session_scram, the_last_line_must_be_empty)
{
	struct login login;

	login_init(&login, "john", "secret", "n,,");
	say_first(&login, "SCRAM-SHA-256");
	say_final(&login);
	hear(&login);
	scene_say(&login.client, SLICE_LIT("AAAA\r\n"));
	scene_expect(&login.client, "A1 BAD an empty line was expected\r\n");
	cr_expect_eq(imap_session_user(login.client.session).len, 0);
	login_fini(&login);
}

Test(session_scram, it_is_cancelled_behind_the_proof)
{
	struct login login;

	login_init(&login, "john", "secret", "n,,");
	say_first(&login, "SCRAM-SHA-256");
	say_final(&login);
	hear(&login);
	scene_say(&login.client, SLICE_LIT("*\r\n"));
	scene_expect(&login.client, "A1 BAD authentication cancelled\r\n");
	cr_expect_eq(imap_session_user(login.client.session).len, 0);
	login_fini(&login);
}

Test(session_scram, keys_cannot_be_had_for_now)
{
	struct login login;

	login_init(&login, "john", "secret", "n,,");
	login.client.port.fault = (struct fake_fault){ IMAP_ASK_USER_KEYS, 0,
						       ERR_UNAVAILABLE, false };
	say_first(&login, "SCRAM-SHA-256");
	scene_expect(&login.client,
		     "A1 NO [UNAVAILABLE] service unavailable\r\n");
	login_fini(&login);
}
