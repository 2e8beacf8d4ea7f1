/*
 * A client of a session, for tests and for scenes.
 */
#include <criterion/criterion.h>

#include "scene.h"

const struct imap_config scene_config = {
	.hostname = "fe1.example.org",
	.software = "Murder",
	.version = "1.0",
	.separator = '/',
	.prefix_personal = "",
	.prefix_others = "Other Users/",
	.prefix_shared = "Shared Folders/",
	.append_limit = 1000000,
	.login_timeout_ms = 60000,
	.idle_timeout_ms = 1800000,
	.login_delay_ms = 2000,
};

static const struct imap_transport transport_plain = {
	.can_starttls = true,
	.peer = "192.0.2.1:4711",
};

const struct imap_transport scene_transport_tls = {
	.tls = true,
	.peer = "192.0.2.1:4711",
	.tls_exporter = { (const uint8_t *)"exported octets", 15 },
};

void scene_client_init(struct scene_client *client, struct fake_store *store,
		       bool tls)
{
	fake_port_init(&client->port, store);
	random_seeded_init(&client->random, 1);
	client->session = imap_session_new(
		&scene_config, &client->port.port, &client->random.random,
		tls ? &scene_transport_tls : &transport_plain, 0);
	client->port.session = client->session;
}

static void tick(struct scene_client *client)
{
	(void)imap_session_tick(client->session, client->port.now_ms);
}

void scene_say(struct scene_client *client, struct slice text)
{
	for (;;) {
		size_t taken;

		fake_port_run(&client->port);
		tick(client);
		if (!text.len || client->port.asked)
			return;
		taken = imap_session_feed(client->session, client->port.now_ms,
					  text);
		if (!taken && !client->port.asked)
			return;
		text = slice_from(text, taken);
	}
}

void scene_client_login(struct scene_client *client, struct fake_store *store,
			const char *name)
{
	struct buf line = { 0 };

	scene_client_init(client, store, true);
	buf_printf(&line, "in LOGIN %s secret\r\n", name);
	scene_say(client, buf_slice(&line));
	buf_fini(&line);
	cr_assert_eq(imap_session_user(client->session).len, strlen(name));
	buf_clear(imap_session_output(client->session));
}

void scene_client_fini(struct scene_client *client)
{
	if (!client->session)
		return;
	fake_port_run(&client->port);
	imap_session_free(&client->session);
	fake_port_fini(&client->port);
}

void scene_expect(struct scene_client *client, const char *text)
{
	struct buf *out = imap_session_output(client->session);

	cr_expect_str_eq(buf_cstr(out), text);
	buf_clear(out);
}
