/*
 * Scenes as JSON: what is given and the script, for test/scenario/scenes.py,
 * which plays them on a real server.
 *
 * A string holds octets, each as the character of that number. Fields have the
 * names that they have in fake_store.h.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/panic.h"
#include "scene.h"

static void string(struct buf *out, struct slice text)
{
	buf_add_octet(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		uint8_t octet = text.data[i];

		if (octet < 0x20 || octet > 0x7e || octet == '"' ||
		    octet == '\\')
			buf_printf(out, "\\u%04x", octet);
		else
			buf_add_octet(out, octet);
	}
	buf_add_octet(out, '"');
}

/* The comma behind what stands before in the list. */
static void next(struct buf *out)
{
	uint8_t last = out->data[out->len - 1];

	if (last != '[' && last != '{')
		buf_add_octet(out, ',');
}

static void key(struct buf *out, const char *name)
{
	next(out);
	buf_printf(out, "\"%s\":", name);
}

static void number(struct buf *out, const char *name, int64_t value)
{
	key(out, name);
	buf_printf(out, "%" PRId64, value);
}

static void text(struct buf *out, const char *name, struct slice value)
{
	key(out, name);
	string(out, value);
}

/* ---- messages ---- */

static void keywords(struct buf *out, const struct fake_mailbox *mailbox,
		     const struct fake_message *message)
{
	key(out, "keywords");
	buf_add_octet(out, '[');
	for (size_t i = 0; i < mailbox->keyword_count; i++) {
		if (!(message->keywords[i / 64] >> (i % 64) & 1))
			continue;
		next(out);
		string(out, mailbox->keywords[i]);
	}
	buf_add_octet(out, ']');
}

static void add_message(struct buf *out, const struct fake_mailbox *mailbox,
			const struct fake_message *message)
{
	next(out);
	buf_add_octet(out, '{');
	number(out, "uid", message->uid);
	number(out, "flags", message->flags);
	number(out, "seen", message->seen);
	keywords(out, mailbox, message);
	number(out, "modseq", (int64_t)message->modseq);
	number(out, "date_s", message->date_s);
	number(out, "zone_min", message->zone_min);
	text(out, "octets", buf_slice(&message->body->octets));
	number(out, "err", (int64_t)message->body->err);
	buf_add_octet(out, '}');
}

static void add_vanished(struct buf *out, const struct fake_vanished *vanished)
{
	next(out);
	buf_add_octet(out, '{');
	number(out, "uid", vanished->uid);
	number(out, "modseq", (int64_t)vanished->modseq);
	buf_add_octet(out, '}');
}

/* ---- mailboxes ---- */

/* The letters of RFC 4314. */
static void add_rights(struct buf *out, uint32_t rights)
{
	struct buf letters = { 0 };

	imap_rights_format(rights, &letters);
	text(out, "rights", buf_slice(&letters));
	buf_fini(&letters);
}

static void add_acl(struct buf *out, const struct fake_mailbox *mailbox)
{
	key(out, "acl");
	buf_add_octet(out, '[');
	LIST_FOREACH (&mailbox->acl, it) {
		const struct fake_acl *acl =
			LIST_ENTRY(it, struct fake_acl, link);

		next(out);
		buf_add_octet(out, '{');
		text(out, "identifier", acl->identifier);
		add_rights(out, acl->rights);
		buf_add_octet(out, '}');
	}
	buf_add_octet(out, ']');
}

static void add_mailbox(struct buf *out, const struct fake_mailbox *mailbox)
{
	next(out);
	buf_add_octet(out, '{');
	text(out, "owner", mailbox->owner ? mailbox->owner->name : SLICE_NONE);
	text(out, "name", mailbox->name);
	text(out, "id", mailbox->id_text);
	number(out, "degraded", mailbox->degraded);
	number(out, "uidvalidity", mailbox->uidvalidity);
	number(out, "uidnext", mailbox->uidnext);
	number(out, "modseq", (int64_t)mailbox->modseq);
	number(out, "special_use", mailbox->special_use);
	add_acl(out, mailbox);
	key(out, "messages");
	buf_add_octet(out, '[');
	for (size_t i = 0; i < mailbox->count; i++)
		add_message(out, mailbox, &mailbox->messages[i]);
	buf_add_octet(out, ']');
	key(out, "vanished");
	buf_add_octet(out, '[');
	for (size_t i = 0; i < mailbox->vanished_count; i++)
		add_vanished(out, &mailbox->vanished[i]);
	buf_add_str(out, "]}");
}

static void add_mailboxes(struct buf *out, const struct fake_store *store)
{
	key(out, "mailboxes");
	buf_add_octet(out, '[');
	LIST_FOREACH (&store->mailboxes, it)
		add_mailbox(out, LIST_ENTRY(it, struct fake_mailbox, link));
	buf_add_octet(out, ']');
}

/* ---- users ---- */

static void add_user(struct buf *out, const struct fake_user *user)
{
	next(out);
	buf_add_octet(out, '{');
	text(out, "name", user->name);
	text(out, "password", user->password);
	number(out, "index", user->index);
	number(out, "disabled", user->disabled);
	key(out, "subscribed");
	buf_add_octet(out, '[');
	LIST_FOREACH (&user->subscribed, it) {
		next(out);
		string(out,
		       LIST_ENTRY(it, struct fake_subscription, link)->name);
	}
	buf_add_str(out, "]}");
}

static void add_users(struct buf *out, const struct fake_store *store)
{
	key(out, "users");
	buf_add_octet(out, '[');
	LIST_FOREACH (&store->users, it)
		add_user(out, LIST_ENTRY(it, struct fake_user, link));
	buf_add_octet(out, ']');
}

static void add_scene(struct buf *out, const struct fake_store *store,
		      const char *script)
{
	buf_add_octet(out, '{');
	text(out, "suite", slice_str(criterion_current_test->category));
	text(out, "test", slice_str(criterion_current_test->name));
	text(out, "script", slice_str(script));
	number(out, "now_s", store->now_s);
	add_users(out, store);
	add_mailboxes(out, store);
	buf_add_str(out, "}\n");
}

bool scene_export(scene_given *given, const char *script)
{
	const char *path = getenv("SCENE_EXPORT");
	struct fake_store *store;
	struct buf out = { 0 };
	int fd;

	if (!path)
		return false;
	store = fake_store_new();
	given(store);
	add_scene(&out, store, script);
	/* tests run side by side: each writes its line in one go */
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, out.data, out.len), (ssize_t)out.len);
	cr_assert_eq(close(fd), 0);
	buf_fini(&out);
	fake_store_free(&store);
	return true;
}
