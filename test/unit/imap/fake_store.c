/*
 * Mail in memory. Everything lives until the store is freed; a deleted mailbox
 * is marked, an expunged message is taken out of its array.
 */
#include "fake_store.h"

#include "base/mem.h"
#include "base/panic.h"
#include "base/unicode.h"
#include "mail/structure.h"

#define FAKE_USERS_MAX 32 /* bits of fake_message.seen */

struct fake_store *fake_store_new(void)
{
	struct fake_store *store = mem_zalloc(1, sizeof(*store));

	list_init(&store->users);
	list_init(&store->mailboxes);
	list_init(&store->bodies);
	list_init(&store->watchers);
	store->now_s = 837596665; /* 17-Jul-1996 09:44:25 +0000 */
	return store;
}

void fake_store_free(struct fake_store **storep)
{
	struct fake_store *store = *storep;
	struct list *link;

	*storep = NULL;
	MUST(list_empty(&store->watchers));
	while ((link = list_take(&store->bodies))) {
		struct fake_body *body =
			LIST_ENTRY(link, struct fake_body, link);

		buf_fini(&body->octets);
		buf_fini(&body->structure);
		mem_free(body);
	}
	while ((link = list_take(&store->mailboxes))) {
		struct fake_mailbox *mailbox =
			LIST_ENTRY(link, struct fake_mailbox, link);

		mem_free(mailbox->messages);
		mem_free(mailbox->vanished);
		mem_free(mailbox);
	}
	arena_fini(&store->arena);
	mem_free(store);
}

/* ---- bodies ---- */

struct fake_body *fake_body_find(struct fake_store *store,
				 const struct sha256 *hash)
{
	LIST_FOREACH (&store->bodies, it) {
		struct fake_body *body = LIST_ENTRY(it, struct fake_body, link);

		if (sha256_eq(&body->hash, hash))
			return body;
	}
	return NULL;
}

static struct fake_body *body_add(struct fake_store *store, struct slice octets)
{
	struct arena arena = { 0 };
	struct fake_body *body;
	struct sha256 hash;

	sha256(octets, &hash);
	body = fake_body_find(store, &hash);
	if (body)
		return body;
	body = mem_zalloc(1, sizeof(*body));
	body->hash = hash;
	buf_add_slice(&body->octets, octets);
	MUST(mail_structure_encode(mime_parse(octets, &arena),
				   MAIL_STRUCTURE_MAX,
				   &body->structure) == ERR_NONE);
	arena_fini(&arena);
	list_append(&store->bodies, &body->link);
	return body;
}

/* ---- users ---- */

struct fake_user *fake_user_add(struct fake_store *store, const char *name,
				const char *password)
{
	struct fake_user *user = ARENA_NEW(&store->arena, struct fake_user);

	MUST(store->user_count < FAKE_USERS_MAX);
	user->name = arena_slice(&store->arena, slice_str(name));
	user->password = arena_slice(&store->arena, slice_str(password));
	user->store = store;
	user->index = store->user_count++;
	list_init(&user->subscribed);
	list_append(&store->users, &user->link);
	fake_mailbox_add(store, user, SLICE_LIT("INBOX"));
	return user;
}

struct fake_user *fake_user_find(struct fake_store *store, struct slice name)
{
	LIST_FOREACH (&store->users, it) {
		struct fake_user *user = LIST_ENTRY(it, struct fake_user, link);

		if (slice_eq(user->name, name))
			return user;
	}
	return NULL;
}

static struct fake_subscription *subscription_find(const struct fake_user *user,
						   struct slice name)
{
	LIST_FOREACH (&user->subscribed, it) {
		struct fake_subscription *subscription =
			LIST_ENTRY(it, struct fake_subscription, link);

		if (slice_eq(subscription->name, name))
			return subscription;
	}
	return NULL;
}

bool fake_subscribed(const struct fake_user *user, struct slice name)
{
	return subscription_find(user, name) != NULL;
}

void fake_subscribe(struct fake_user *user, struct slice name, bool subscribe)
{
	struct fake_subscription *subscription = subscription_find(user, name);

	if (subscription && !subscribe)
		list_remove(&subscription->link);
	if (subscription || !subscribe)
		return;
	subscription = ARENA_NEW(&user->store->arena, struct fake_subscription);
	subscription->name = arena_slice(&user->store->arena, name);
	list_append(&user->subscribed, &subscription->link);
}

/* ---- mailboxes ---- */

struct fake_mailbox *fake_mailbox_add(struct fake_store *store,
				      struct fake_user *owner,
				      struct slice name)
{
	struct fake_mailbox *mailbox = mem_zalloc(1, sizeof(*mailbox));

	mailbox->store = store;
	mailbox->id = ++store->last_id;
	mailbox->id_text = slice_str(arena_printf(
		&store->arena, "F%llu", (unsigned long long)mailbox->id));
	mailbox->owner = owner;
	mailbox->name = arena_slice(&store->arena, name);
	mailbox->uidvalidity = ++store->last_uidvalidity;
	mailbox->uidnext = 1;
	mailbox->modseq = 1;
	list_init(&mailbox->acl);
	list_append(&store->mailboxes, &mailbox->link);
	if (owner)
		fake_acl_set(mailbox, owner->name, FAKE_RIGHTS_ALL);
	return mailbox;
}

struct fake_mailbox *fake_mailbox_get(struct fake_store *store, uint64_t id)
{
	LIST_FOREACH (&store->mailboxes, it) {
		struct fake_mailbox *mailbox =
			LIST_ENTRY(it, struct fake_mailbox, link);

		if (mailbox->id == id)
			return mailbox;
	}
	PANIC("no mailbox %llu", (unsigned long long)id);
}

struct slice fake_mailbox_name(const struct fake_mailbox *mailbox,
			       const struct fake_user *user,
			       struct arena *arena)
{
	bool inbox = slice_eq(mailbox->name, SLICE_LIT("INBOX"));

	if (mailbox->owner == user)
		return mailbox->name;
	if (!mailbox->owner)
		return slice_str(arena_printf(arena, "Shared Folders/%.*s",
					      SLICE_FMT(mailbox->name)));
	return slice_str(arena_printf(
		arena, "Other Users/%.*s%s%.*s",
		SLICE_FMT(mailbox->owner->name), inbox ? "" : "/",
		inbox ? 0 : (int)mailbox->name.len, mailbox->name.data));
}

struct slice fake_normal(struct slice name, struct arena *arena)
{
	struct buf text = { 0 };
	struct slice normal;

	MUST(unicode_nfc(name, &text) == ERR_NONE);
	normal = arena_slice(arena, buf_slice(&text));
	buf_fini(&text);
	return normal;
}

struct fake_mailbox *fake_mailbox_find(struct fake_store *store,
				       struct fake_user *user,
				       struct slice name)
{
	struct fake_mailbox *found = NULL;
	struct arena arena = { 0 };
	struct slice normal = fake_normal(name, &arena);

	LIST_FOREACH (&store->mailboxes, it) {
		struct fake_mailbox *mailbox =
			LIST_ENTRY(it, struct fake_mailbox, link);

		if (!mailbox->deleted &&
		    (fake_rights(mailbox, user) & IMAP_RIGHT_LOOKUP) &&
		    slice_eq(fake_mailbox_name(mailbox, user, &arena), normal))
			found = mailbox;
	}
	arena_fini(&arena);
	return found;
}

/* ---- rights ---- */

static struct fake_acl *acl_find(const struct fake_mailbox *mailbox,
				 struct slice identifier)
{
	LIST_FOREACH (&mailbox->acl, it) {
		struct fake_acl *acl = LIST_ENTRY(it, struct fake_acl, link);

		if (slice_eq(acl->identifier, identifier))
			return acl;
	}
	return NULL;
}

void fake_acl_set(struct fake_mailbox *mailbox, struct slice identifier,
		  uint32_t rights)
{
	struct arena *arena = &mailbox->store->arena;
	struct fake_acl *acl = acl_find(mailbox, identifier);

	if (!acl) {
		acl = ARENA_NEW(arena, struct fake_acl);
		acl->identifier = arena_slice(arena, identifier);
		list_append(&mailbox->acl, &acl->link);
	}
	acl->rights = rights;
	if (!rights)
		list_remove(&acl->link);
	LIST_FOREACH_SAFE (&mailbox->store->watchers, it) {
		struct fake_watcher *watcher =
			LIST_ENTRY(it, struct fake_watcher, link);

		if (watcher->mailbox == mailbox)
			watcher->rights(watcher);
	}
}

uint32_t fake_rights(const struct fake_mailbox *mailbox,
		     const struct fake_user *user)
{
	const struct fake_acl *own = acl_find(mailbox, user->name);
	const struct fake_acl *anyone = acl_find(mailbox, SLICE_LIT("anyone"));

	return (own ? own->rights : 0) | (anyone ? anyone->rights : 0) |
	       (mailbox->owner == user ? FAKE_RIGHTS_OWNER : 0);
}

/* ---- messages ---- */

struct fake_message *fake_message_find(struct fake_mailbox *mailbox,
				       uint32_t uid)
{
	for (size_t i = 0; i < mailbox->count; i++)
		if (mailbox->messages[i].uid == uid)
			return &mailbox->messages[i];
	return NULL;
}

void fake_mailbox_uids(const struct fake_mailbox *mailbox, struct uidset *uids)
{
	for (size_t i = 0; i < mailbox->count; i++)
		uidset_add(uids, mailbox->messages[i].uid,
			   mailbox->messages[i].uid);
}

static struct fake_message *message_new(struct fake_mailbox *mailbox,
					uint64_t modseq)
{
	struct fake_message *message;

	mailbox->messages = mem_realloc(
		mailbox->messages, (mailbox->count + 1) * sizeof(*message));
	message = &mailbox->messages[mailbox->count++];
	*message = (struct fake_message){
		.uid = mailbox->uidnext++,
		.modseq = modseq,
		.date_s = 837596665,
		.zone_min = -7 * 60,
	};
	mailbox->modseq = modseq;
	return message;
}

struct fake_message *fake_message_add(struct fake_mailbox *mailbox,
				      struct slice octets)
{
	struct fake_body *body = body_add(mailbox->store, octets);
	struct fake_message *message =
		message_new(mailbox, mailbox->modseq + 1);

	message->body = body;
	return message;
}

struct fake_message *fake_message_copy(struct fake_mailbox *target,
				       const struct fake_mailbox *source,
				       const struct fake_message *message,
				       uint64_t modseq, bool keywords)
{
	struct fake_message from = *message; /* may move with its array */
	struct fake_message *copy = message_new(target, modseq);

	copy->flags = from.flags;
	copy->seen = from.seen;
	copy->date_s = from.date_s;
	copy->zone_min = from.zone_min;
	copy->body = from.body;
	for (size_t i = 0; keywords && i < source->keyword_count; i++) {
		size_t bit = IMAP_KEYWORDS_MAX;

		if (from.keywords[i / 64] >> (i % 64) & 1)
			bit = fake_keyword(target, source->keywords[i], true);
		if (bit < IMAP_KEYWORDS_MAX)
			copy->keywords[bit / 64] |= UINT64_C(1) << (bit % 64);
	}
	return copy;
}

void fake_row(const struct fake_message *message, const struct fake_user *user,
	      uint32_t want, struct imap_row *row_r)
{
	*row_r = (struct imap_row){
		.uid = message->uid,
		.flags = message->flags,
		.keywords = { message->keywords[0], message->keywords[1] },
		.modseq = message->modseq,
	};
	if (message->seen >> user->index & 1)
		row_r->flags |= IMAP_FLAG_SEEN;
	if (!(want & IMAP_ROWS_FIXED))
		return;
	row_r->internal_date_s = message->date_s;
	row_r->internal_zone_min = message->zone_min;
	row_r->size = message->body->octets.len;
	row_r->body = message->body->hash;
	if (want & IMAP_ROWS_STRUCTURE)
		row_r->structure = buf_slice(&message->body->structure);
}

/* ---- changes ---- */

size_t fake_keyword(struct fake_mailbox *mailbox, struct slice name,
		    bool create)
{
	for (size_t i = 0; i < mailbox->keyword_count; i++)
		if (slice_eq_nocase(mailbox->keywords[i], name))
			return i;
	if (!create || mailbox->keyword_count == IMAP_KEYWORDS_MAX)
		return IMAP_KEYWORDS_MAX;
	mailbox->keywords[mailbox->keyword_count] =
		arena_slice(&mailbox->store->arena, name);
	return mailbox->keyword_count++;
}

static void change_keywords(struct fake_mailbox *mailbox,
			    struct fake_message *message,
			    const struct fake_change *change)
{
	uint64_t bits[2] = { 0, 0 };

	for (size_t i = 0; i < change->keyword_count; i++) {
		size_t bit = fake_keyword(mailbox, change->keywords[i],
					  change->op != IMAP_STORE_REMOVE);

		if (bit < IMAP_KEYWORDS_MAX)
			bits[bit / 64] |= UINT64_C(1) << (bit % 64);
	}
	for (size_t i = 0; i < ARRAY_LEN(bits); i++) {
		if (change->op == IMAP_STORE_ADD)
			message->keywords[i] |= bits[i];
		else if (change->op == IMAP_STORE_REMOVE)
			message->keywords[i] &= ~bits[i];
		else if (!change->keywords_kept)
			message->keywords[i] = bits[i];
	}
}

static uint32_t changed_flags(const struct fake_change *change, uint32_t old)
{
	switch (change->op) {
	case IMAP_STORE_ADD:
		return old | change->flags;
	case IMAP_STORE_REMOVE:
		return old & ~change->flags;
	case IMAP_STORE_REPLACE:
		break;
	}
	return (old & ~change->mask) | (change->flags & change->mask);
}

bool fake_message_change(struct fake_mailbox *mailbox,
			 struct fake_message *message,
			 const struct fake_user *user,
			 const struct fake_change *change, uint64_t modseq)
{
	struct fake_message old = *message;
	uint32_t seen = UINT32_C(1) << user->index;
	uint32_t flags = changed_flags(
		change,
		message->flags | (message->seen & seen ? IMAP_FLAG_SEEN : 0));

	message->flags = flags & ~(uint32_t)IMAP_FLAG_SEEN;
	message->seen &= ~seen;
	if (flags & IMAP_FLAG_SEEN)
		message->seen |= seen;
	change_keywords(mailbox, message, change);
	if (message->flags == old.flags && message->seen == old.seen &&
	    message->keywords[0] == old.keywords[0] &&
	    message->keywords[1] == old.keywords[1])
		return false;
	message->modseq = modseq;
	if (modseq > mailbox->modseq)
		mailbox->modseq = modseq;
	return true;
}

void fake_message_expunge(struct fake_mailbox *mailbox, uint32_t uid,
			  uint64_t modseq)
{
	struct fake_message *message = fake_message_find(mailbox, uid);
	size_t at = (size_t)(message - mailbox->messages);

	MUST(message);
	mailbox->count--;
	memmove(message, message + 1, (mailbox->count - at) * sizeof(*message));
	mailbox->vanished = mem_realloc(mailbox->vanished,
					(mailbox->vanished_count + 1) *
						sizeof(*mailbox->vanished));
	mailbox->vanished[mailbox->vanished_count++] =
		(struct fake_vanished){ uid, modseq };
	if (modseq > mailbox->modseq)
		mailbox->modseq = modseq;
}

void fake_changed(struct fake_mailbox *mailbox)
{
	LIST_FOREACH_SAFE (&mailbox->store->watchers, it) {
		struct fake_watcher *watcher =
			LIST_ENTRY(it, struct fake_watcher, link);

		if (watcher->mailbox == mailbox)
			watcher->changed(watcher);
	}
}
