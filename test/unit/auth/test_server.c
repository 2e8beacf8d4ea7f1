/*
 * SASL exchanges, seen from the server.
 */
#include <criterion/criterion.h>

#include "auth/server.h"
#include "base/attr.h"
#include "scram_client.h"

static enum auth_step feed(struct auth_server *server, struct slice text)
{
	return auth_server_feed(server, text, true);
}

static struct auth_server *begin(enum auth_mechanism mechanism)
{
	return auth_server_new(mechanism, SLICE_NONE, false, SLICE_NONE);
}

static void expect_text(struct slice got, const char *text)
{
	cr_expect(slice_eq(got, slice_str(text)), "\"%.*s\", not \"%s\"",
		  SLICE_FMT(got), text);
}

/* ---- names ---- */

Test(auth_server, mechanisms_have_names)
{
	cr_expect_eq(auth_mechanism_find(SLICE_LIT("plain")), AUTH_PLAIN);
	cr_expect_eq(auth_mechanism_find(SLICE_LIT("SCRAM-SHA-256")),
		     AUTH_SCRAM_SHA_256);
	cr_expect_eq(auth_mechanism_find(SLICE_LIT("SCRAM-SHA-256-PLUS")),
		     AUTH_SCRAM_SHA_256_PLUS);
	cr_expect_eq(auth_mechanism_find(SLICE_LIT("SCRAM-SHA-1")), 0);
	cr_expect_eq(auth_mechanism_find(SLICE_NONE), 0);
	cr_expect_str_eq(auth_mechanism_name(AUTH_EXTERNAL), "EXTERNAL");
}

/* ---- PLAIN: RFC 4616 section 4 ---- */

Test(auth_server, plain)
{
	struct auth_server *server = begin(AUTH_PLAIN);

	cr_expect_eq(auth_server_feed(server, SLICE_NONE, false),
		     AUTH_STEP_CHALLENGE);
	expect_text(auth_server_challenge(server), "");
	cr_expect_eq(feed(server, SLICE_LIT("\0tim\0tanstaaftanstaaf")),
		     AUTH_STEP_PASSWORD);
	expect_text(auth_server_authzid(server), "");
	expect_text(auth_server_authcid(server), "tim");
	expect_text(auth_server_password(server), "tanstaaftanstaaf");
	auth_server_free(&server);
	cr_expect_null(server);
}

Test(auth_server, plain_for_another)
{
	struct auth_server *server = begin(AUTH_PLAIN);

	cr_expect_eq(feed(server, SLICE_LIT("Ursel\0Kurt\0xipj3plmq")),
		     AUTH_STEP_PASSWORD);
	expect_text(auth_server_authzid(server), "Ursel");
	expect_text(auth_server_authcid(server), "Kurt");
	expect_text(auth_server_password(server), "xipj3plmq");
	auth_server_free(&server);
}

Test(auth_server, messages_that_are_none_of_plain)
{
	const struct slice cases[] = {
		SLICE_LIT(""),
		SLICE_LIT("x"),
		SLICE_LIT("\0"),
		SLICE_LIT("\0john"),
		SLICE_LIT("\0john\0"),
		SLICE_LIT("\0\0secret"),
		SLICE_LIT("\0john\0sec\0ret"),
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct auth_server *server = begin(AUTH_PLAIN);

		cr_expect_eq(feed(server, cases[i]), AUTH_STEP_BAD, "%zu", i);
		auth_server_free(&server);
	}
}

Test(auth_server, names_passwords_and_messages_have_limits)
{
	struct buf text = { 0 };
	struct auth_server *server = begin(AUTH_PLAIN);

	buf_add(&text, "\0", 1);
	for (size_t i = 0; i < AUTH_USER_MAX + 1; i++)
		buf_add_octet(&text, 'x');
	buf_add(&text, "\0y", 2);
	cr_expect_eq(feed(server, buf_slice(&text)), AUTH_STEP_BAD);
	auth_server_free(&server);
	server = begin(AUTH_PLAIN);
	buf_clear(&text);
	buf_add(&text, "\0x\0", 3);
	for (size_t i = 0; i < AUTH_PASSWORD_MAX + 1; i++)
		buf_add_octet(&text, 'y');
	cr_expect_eq(feed(server, buf_slice(&text)), AUTH_STEP_BAD);
	auth_server_free(&server);
	server = begin(AUTH_SCRAM_SHA_256);
	buf_clear(&text);
	buf_add_str(&text, "n,,n=x,r=");
	while (text.len <= AUTH_RESPONSE_MAX)
		buf_add_octet(&text, 'y');
	cr_expect_eq(feed(server, buf_slice(&text)), AUTH_STEP_BAD);
	auth_server_free(&server);
	buf_fini(&text);
}

/* ---- LOGIN ---- */

Test(auth_server, login)
{
	struct auth_server *server = begin(AUTH_LOGIN);

	cr_expect_eq(auth_server_feed(server, SLICE_NONE, false),
		     AUTH_STEP_CHALLENGE);
	expect_text(auth_server_challenge(server), "Username:");
	cr_expect_eq(feed(server, SLICE_LIT("john")), AUTH_STEP_CHALLENGE);
	expect_text(auth_server_challenge(server), "Password:");
	cr_expect_eq(feed(server, SLICE_LIT("secret")), AUTH_STEP_PASSWORD);
	expect_text(auth_server_authcid(server), "john");
	expect_text(auth_server_password(server), "secret");
	auth_server_free(&server);
}

Test(auth_server, login_without_a_name_or_password)
{
	struct auth_server *server = begin(AUTH_LOGIN);

	cr_expect_eq(feed(server, SLICE_NONE), AUTH_STEP_BAD);
	auth_server_free(&server);
	server = begin(AUTH_LOGIN);
	cr_expect_eq(feed(server, SLICE_LIT("john")), AUTH_STEP_CHALLENGE);
	cr_expect_eq(feed(server, SLICE_NONE), AUTH_STEP_BAD);
	auth_server_free(&server);
}

/* ---- EXTERNAL: RFC 4422 appendix A ---- */

Test(auth_server, external)
{
	struct auth_server *server = auth_server_new(AUTH_EXTERNAL, SLICE_NONE,
						     false, SLICE_LIT("be1"));

	cr_expect_eq(feed(server, SLICE_LIT("fred@example.com")),
		     AUTH_STEP_PROVED);
	expect_text(auth_server_authcid(server), "be1");
	expect_text(auth_server_authzid(server), "fred@example.com");
	expect_text(auth_server_challenge(server), "");
	auth_server_free(&server);
}

Test(auth_server, external_without_an_identity_below)
{
	struct auth_server *server = begin(AUTH_EXTERNAL);

	cr_expect_eq(feed(server, SLICE_NONE), AUTH_STEP_FAIL);
	auth_server_free(&server);
}

/* ---- SCRAM ---- */

#define CHANNEL SLICE_LIT("exported octets")

struct scram {
	struct auth_server *server;
	struct scram_client client;
	struct auth_keys keys;
	struct buf out;
};

static void scram_init(struct scram *s, enum auth_mechanism mechanism,
		       const char *gs2)
{
	struct random_seeded random;

	*s = (struct scram){
		.server = auth_server_new(mechanism, CHANNEL, true, SLICE_NONE),
		.client = { .gs2 = gs2,
			    .user = "user",
			    .nonce = "rOprNGfwEbeRWgbNEkqO",
			    .password = "pencil" },
	};
	random_seeded_init(&random, 1);
	cr_assert_eq(
		auth_keys_make(&s->keys, SLICE_LIT("pencil"), &random.random),
		ERR_NONE);
}

static void scram_fini(struct scram *s)
{
	auth_server_free(&s->server);
	scram_client_fini(&s->client);
	buf_fini(&s->out);
}

static enum auth_step say_first(struct scram *s)
{
	buf_clear(&s->out);
	scram_client_first(&s->client, &s->out);
	return feed(s->server, buf_slice(&s->out));
}

static enum auth_step say_final(struct scram *s)
{
	buf_clear(&s->out);
	cr_assert(scram_client_final(
		&s->client, auth_server_challenge(s->server), &s->out));
	return feed(s->server, buf_slice(&s->out));
}

/* To the verdict. */
static enum auth_step play(struct scram *s)
{
	enum auth_step step = say_first(s);

	if (step != AUTH_STEP_KEYS)
		return step;
	step = auth_server_keys(s->server, &s->keys);
	return step == AUTH_STEP_CHALLENGE ? say_final(s) : step;
}

Test(auth_server, scram)
{
	struct scram s;

	scram_init(&s, AUTH_SCRAM_SHA_256, "n,,");
	cr_expect_eq(auth_server_feed(s.server, SLICE_NONE, false),
		     AUTH_STEP_CHALLENGE);
	expect_text(auth_server_challenge(s.server), "");
	cr_expect_eq(say_first(&s), AUTH_STEP_KEYS);
	expect_text(auth_server_authcid(s.server), "user");
	expect_text(auth_server_authzid(s.server), "");
	cr_expect_eq(auth_server_keys(s.server, &s.keys), AUTH_STEP_CHALLENGE);
	cr_expect_eq(say_final(&s), AUTH_STEP_PROVED);
	cr_expect(
		scram_client_check(&s.client, auth_server_challenge(s.server)));
	scram_fini(&s);
}

Test(auth_server, scram_nonces_are_fresh)
{
	struct scram one;
	struct scram two;

	scram_init(&one, AUTH_SCRAM_SHA_256, "n,,");
	scram_init(&two, AUTH_SCRAM_SHA_256, "n,,");
	cr_assert_eq(say_first(&one), AUTH_STEP_KEYS);
	cr_assert_eq(say_first(&two), AUTH_STEP_KEYS);
	cr_assert_eq(auth_server_keys(one.server, &one.keys),
		     AUTH_STEP_CHALLENGE);
	cr_assert_eq(auth_server_keys(two.server, &two.keys),
		     AUTH_STEP_CHALLENGE);
	cr_expect_not(slice_eq(auth_server_challenge(one.server),
			       auth_server_challenge(two.server)));
	scram_fini(&one);
	scram_fini(&two);
}

Test(auth_server, scram_with_a_wrong_password)
{
	struct scram s;

	scram_init(&s, AUTH_SCRAM_SHA_256, "n,,");
	s.client.password = "pencils";
	cr_expect_eq(play(&s), AUTH_STEP_FAIL);
	scram_fini(&s);
}

/* Up to the proof it looks like any other. */
Test(auth_server, scram_of_an_unknown_user)
{
	struct scram s;

	scram_init(&s, AUTH_SCRAM_SHA_256, "n,,");
	auth_keys_fake(&s.keys, SLICE_LIT("secret"), SLICE_LIT("user"));
	cr_expect_eq(say_first(&s), AUTH_STEP_KEYS);
	cr_expect_eq(auth_server_keys(s.server, &s.keys), AUTH_STEP_CHALLENGE);
	cr_expect_eq(say_final(&s), AUTH_STEP_FAIL);
	scram_fini(&s);
}

Test(auth_server, scram_plus_binds_the_channel)
{
	struct scram s;

	scram_init(&s, AUTH_SCRAM_SHA_256_PLUS, "p=tls-exporter,,");
	s.client.binding = CHANNEL;
	cr_expect_eq(play(&s), AUTH_STEP_PROVED);
	cr_expect(
		scram_client_check(&s.client, auth_server_challenge(s.server)));
	scram_fini(&s);
}

Test(auth_server, scram_plus_over_another_channel)
{
	struct scram s;

	scram_init(&s, AUTH_SCRAM_SHA_256_PLUS, "p=tls-exporter,,");
	s.client.binding = SLICE_LIT("the octets of a man in the middle");
	cr_expect(play(&s) != AUTH_STEP_PROVED);
	scram_fini(&s);
}

/* RFC 5802 section 6: the client could bind, and believes that we cannot. */
Test(auth_server, a_downgrade_is_noticed)
{
	struct scram s;

	scram_init(&s, AUTH_SCRAM_SHA_256, "y,,");
	cr_expect(play(&s) != AUTH_STEP_PROVED);
	scram_fini(&s);
}

Test(auth_server, without_plus_on_offer_there_is_no_downgrade)
{
	struct scram s;

	scram_init(&s, AUTH_SCRAM_SHA_256, "y,,");
	auth_server_free(&s.server);
	s.server = begin(AUTH_SCRAM_SHA_256);
	cr_expect_eq(play(&s), AUTH_STEP_PROVED);
	scram_fini(&s);
}

Test(auth_server, binding_goes_with_plus_only)
{
	struct scram s;

	scram_init(&s, AUTH_SCRAM_SHA_256, "p=tls-exporter,,");
	s.client.binding = CHANNEL;
	cr_expect_eq(play(&s), AUTH_STEP_BAD);
	scram_fini(&s);
	scram_init(&s, AUTH_SCRAM_SHA_256_PLUS, "n,,");
	cr_expect_eq(play(&s), AUTH_STEP_BAD);
	scram_fini(&s);
	scram_init(&s, AUTH_SCRAM_SHA_256_PLUS, "p=tls-unique,,");
	s.client.binding = CHANNEL;
	cr_expect(play(&s) != AUTH_STEP_PROVED);
	scram_fini(&s);
}

Test(auth_server, scram_names_are_decoded)
{
	struct scram s;

	scram_init(&s, AUTH_SCRAM_SHA_256, "n,a=ad=3Dmin=2C,");
	s.client.user = "us=2Cer=3D";
	cr_expect_eq(play(&s), AUTH_STEP_PROVED);
	expect_text(auth_server_authcid(s.server), "us,er=");
	expect_text(auth_server_authzid(s.server), "ad=min,");
	scram_fini(&s);
}

Test(auth_server, first_messages_that_are_none_of_scram)
{
	static const char *const cases[] = {
		"",
		"n",
		"n,",
		"n,,",
		"n,,n=",
		"n,,n=user",
		"n,,r=abc,n=user",
		"n,,m=ext,n=user,r=abc",
		"n,user,n=user,r=abc",
		"n,,n=us=er,r=abc",
		"n,,n=us=2",
		"n,,n=us=41er,r=abc",
		"x,,n=user,r=abc",
		"n,,n=user,x=abc",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scram s;
		enum auth_step step;

		scram_init(&s, AUTH_SCRAM_SHA_256, "n,,");
		step = feed(s.server, slice_str(cases[i]));
		if (step == AUTH_STEP_KEYS)
			step = auth_server_keys(s.server, &s.keys);
		cr_expect_eq(step, AUTH_STEP_BAD, "%s: %d", cases[i],
			     (int)step);
		scram_fini(&s);
	}
}

Test(auth_server, final_messages_that_are_none_of_scram)
{
	static const char *const cases[] = {
		"",
		"c=biws",
		"c=biws,r=abc",
		"c=biws,r=abc,p=",
		"c=biws,r=abc,p=AAAA",
		"p=AAAA,r=abc,c=biws",
		"nonsense",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scram s;
		enum auth_step step;

		scram_init(&s, AUTH_SCRAM_SHA_256, "n,,");
		cr_assert_eq(say_first(&s), AUTH_STEP_KEYS);
		cr_assert_eq(auth_server_keys(s.server, &s.keys),
			     AUTH_STEP_CHALLENGE);
		step = feed(s.server, slice_str(cases[i]));
		cr_expect(step == AUTH_STEP_BAD || step == AUTH_STEP_FAIL,
			  "%s: %d", cases[i], (int)step);
		scram_fini(&s);
	}
}

/* The proof belongs to this nonce. */
Test(auth_server, an_exchange_cannot_be_replayed)
{
	struct scram first;
	struct scram again;

	scram_init(&first, AUTH_SCRAM_SHA_256, "n,,");
	cr_assert_eq(play(&first), AUTH_STEP_PROVED);
	scram_init(&again, AUTH_SCRAM_SHA_256, "n,,");
	cr_assert_eq(say_first(&again), AUTH_STEP_KEYS);
	cr_assert_eq(auth_server_keys(again.server, &again.keys),
		     AUTH_STEP_CHALLENGE);
	cr_expect(feed(again.server, buf_slice(&first.out)) !=
		  AUTH_STEP_PROVED);
	scram_fini(&first);
	scram_fini(&again);
}

Test(auth_server, freed_at_each_step)
{
	for (int steps = 0; steps < 4; steps++) {
		struct scram s;

		scram_init(&s, AUTH_SCRAM_SHA_256, "n,,");
		if (steps > 0)
			(void)say_first(&s);
		if (steps > 1)
			(void)auth_server_keys(s.server, &s.keys);
		if (steps > 2)
			(void)say_final(&s);
		scram_fini(&s);
	}
}
