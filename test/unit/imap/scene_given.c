/*
 * Stores that several tests begin with.
 */
#include "base/panic.h"
#include "scene.h"

struct fake_mailbox *scene_mailbox(struct fake_store *store, const char *name)
{
	struct fake_mailbox *mailbox = fake_mailbox_find(
		store, fake_user_find(store, SLICE_LIT("john")),
		slice_str(name));

	MUST(mailbox);
	return mailbox;
}

void scene_fill(struct fake_mailbox *mailbox, uint32_t uidnext)
{
	while (mailbox->uidnext < uidnext) {
		struct buf text = { 0 };

		buf_printf(&text, "Subject: %u\r\n\r\n%u\r\n", mailbox->uidnext,
			   mailbox->uidnext);
		fake_message_add(mailbox, buf_slice(&text));
		buf_fini(&text);
	}
}

static void given_special(struct fake_store *store, struct fake_user *user)
{
	fake_mailbox_add(store, user, SLICE_LIT("Drafts"))->special_use =
		IMAP_USE_DRAFTS;
	fake_mailbox_add(store, user, SLICE_LIT("Sent"))->special_use =
		IMAP_USE_SENT;
	fake_mailbox_add(store, user, SLICE_LIT("Trash"))->special_use =
		IMAP_USE_TRASH;
	fake_mailbox_add(store, user, SLICE_LIT("Work/2024"));
}

static void given_shared(struct fake_store *store, struct fake_user *owner)
{
	struct fake_mailbox *plans =
		fake_mailbox_add(store, owner, SLICE_LIT("Plans"));
	struct fake_mailbox *diary =
		fake_mailbox_add(store, owner, SLICE_LIT("Diary"));

	fake_acl_set(plans, SLICE_LIT("john"),
		     IMAP_RIGHT_LOOKUP | IMAP_RIGHT_READ | IMAP_RIGHT_SEEN |
			     IMAP_RIGHT_WRITE | IMAP_RIGHT_INSERT);
	fake_acl_set(diary, SLICE_LIT("john"),
		     IMAP_RIGHT_LOOKUP | IMAP_RIGHT_READ);
	fake_message_add(plans, SLICE_LIT(MESSAGE_3));
	fake_message_add(diary, SLICE_LIT(MESSAGE_4));
}

void scene_given_john(struct fake_store *store)
{
	struct fake_user *john = fake_user_add(store, "john", "secret");
	struct fake_mailbox *inbox = scene_mailbox(store, "INBOX");

	fake_message_add(inbox, SLICE_LIT(MESSAGE_1));
	fake_message_add(inbox, SLICE_LIT(MESSAGE_2));
	fake_message_add(inbox, SLICE_LIT(MESSAGE_3));
	fake_message_add(inbox, SLICE_LIT(MESSAGE_4));
	given_special(store, john);
	given_shared(store, fake_user_add(store, "jane", "secret"));
	fake_user_add(store, "admin", "secret");
}
