/*
 * The port's frame: who is asking, faults, uploads.
 */
#include "fake_port.h"

#include "auth/keys.h"
#include "base/mem.h"
#include "base/panic.h"

static struct fake_port *port_of(struct imap_port *port)
{
	return container_of(port, struct fake_port, port);
}

/* ---- who ---- */

/* Keys with a salt of the name; an unknown user gets ones of no password. */
static enum err user_keys(struct fake_port *port,
			  struct imap_ask_user_keys *ask)
{
	const struct fake_user *user = fake_user_find(port->store, ask->user);
	struct random_seeded random;
	struct arena *arena = ask->ask.arena;
	struct auth_keys keys;

	random_seeded_init(&random, xxh3(ask->user));
	if (!user)
		auth_keys_fake(&keys, SLICE_LIT("secret"), ask->user);
	else
		MUST(auth_keys_make(&keys, user->password, &random.random) ==
		     ERR_NONE);
	ask->iterations = keys.iterations;
	ask->salt = arena_slice(arena, slice_of(keys.salt, keys.salt_len));
	ask->stored_key = arena_slice(
		arena, slice_of(keys.stored_key.octets, SHA256_SIZE));
	ask->server_key = arena_slice(
		arena, slice_of(keys.server_key.octets, SHA256_SIZE));
	return ERR_NONE;
}

/* "admin" may act for others. */
static enum err password(struct fake_port *port, struct imap_ask_password *ask)
{
	struct fake_user *user = fake_user_find(port->store, ask->authcid);

	if (!user || (!ask->proved && !slice_eq(user->password, ask->password)))
		return ERR_AUTH;
	if (user->disabled)
		return ERR_DISABLED;
	if (ask->authzid.len && !slice_eq(ask->authzid, ask->authcid)) {
		if (!slice_eq(user->name, SLICE_LIT("admin")))
			return ERR_DENIED;
		user = fake_user_find(port->store, ask->authzid);
		if (!user)
			return ERR_DENIED;
	}
	port->user = user;
	ask->user = user->name;
	return ERR_NONE;
}

/* ---- uploads ---- */

static enum err upload_begin(struct imap_port *base, struct slice name,
			     uint64_t size, struct imap_upload **upload_r)
{
	struct fake_port *port = port_of(base);
	const struct fake_mailbox *mailbox =
		fake_mailbox_find(port->store, port->user, name);
	struct imap_upload *upload;

	if (port->begin_err)
		return port->begin_err;
	if (!mailbox)
		return ERR_NOTFOUND;
	if (!(fake_rights(mailbox, port->user) & IMAP_RIGHT_INSERT))
		return ERR_DENIED;
	upload = mem_zalloc(1, sizeof(*upload));
	upload->port = port;
	upload->size = size;
	list_append(&port->uploads, &upload->link);
	*upload_r = upload;
	return ERR_NONE;
}

static bool upload_add(struct imap_port *base, struct imap_upload *upload,
		       struct slice octets)
{
	struct fake_port *port = port_of(base);
	size_t before = upload->octets.len;

	MUST(upload->port == port);
	MUST(!upload->full);
	MUST(!upload->finished);
	MUST(octets.len > 0);
	buf_add_slice(&upload->octets, octets);
	MUST(upload->octets.len <= upload->size);
	upload->full = before / port->room != upload->octets.len / port->room;
	return !upload->full;
}

static void upload_free(struct imap_upload *upload)
{
	list_remove(&upload->link);
	buf_fini(&upload->octets);
	mem_free(upload);
}

static void upload_abort(struct imap_port *base, struct imap_upload *upload)
{
	MUST(upload->port == port_of(base));
	upload_free(upload);
}

static enum err upload_wait(struct imap_ask_upload *ask)
{
	struct imap_upload *upload = ask->upload;

	upload->full = false;
	upload->finished = ask->finish;
	MUST(!ask->finish || upload->octets.len == upload->size);
	return ERR_NONE;
}

/* The uploads end whatever becomes of the append. */
static void end_uploads(struct imap_ask_append *ask)
{
	for (size_t i = 0; i < ask->count; i++) {
		MUST(ask->messages[i].upload->finished);
		upload_free(ask->messages[i].upload);
	}
}

/* ---- the frame ---- */

static void port_ask(struct imap_port *base, struct imap_ask *ask)
{
	struct fake_port *port = port_of(base);

	MUST(!port->asked);
	MUST(ask->arena);
	MUST(ask->kind <= IMAP_ASK_PASSWORD || port->user);
	port->asked = ask;
	port->asks++;
}

static void port_close(struct imap_port *base, uint64_t mailbox_id)
{
	struct fake_port *port = port_of(base);

	MUST(port->watcher.mailbox);
	MUST(port->watcher.mailbox->id == mailbox_id);
	port->watcher.mailbox = NULL;
}

static int64_t port_now_s(struct imap_port *base)
{
	return port_of(base)->store->now_s;
}

static void port_starttls(struct imap_port *base)
{
	port_of(base)->starttls = true;
}

static void changed(struct fake_watcher *watcher)
{
	struct fake_port *port =
		container_of(watcher, struct fake_port, watcher);

	imap_session_changed(port->session, port->now_ms);
}

static void rights(struct fake_watcher *watcher)
{
	struct fake_port *port =
		container_of(watcher, struct fake_port, watcher);

	imap_session_rights(port->session, port->now_ms,
			    fake_rights(watcher->mailbox, port->user));
}

void fake_port_init(struct fake_port *port, struct fake_store *store)
{
	*port = (struct fake_port){
		.port = {
			.ask = port_ask,
			.close = port_close,
			.upload_begin = upload_begin,
			.upload_add = upload_add,
			.upload_abort = upload_abort,
			.now_s = port_now_s,
			.starttls = port_starttls,
		},
		.store = store,
		.watcher = { .changed = changed, .rights = rights },
		.room = 64 * 1024,
		.list_max = IMAP_LIST_CHUNK,
		.rows_max = IMAP_ROWS_CHUNK,
	};
	list_init(&port->uploads);
	list_append(&store->watchers, &port->watcher.link);
}

void fake_port_fini(struct fake_port *port)
{
	MUST(!port->asked);
	MUST(!port->watcher.mailbox);
	MUST(list_empty(&port->uploads));
	list_remove(&port->watcher.link);
}

#define ASK(type) container_of(ask, struct type, ask)

static enum err answer_names(struct fake_port *port, struct imap_ask *ask)
{
	switch ((int)ask->kind) {
	case IMAP_ASK_LIST:
		return fake_list(port, ASK(imap_ask_list));
	case IMAP_ASK_CREATE:
		return fake_create(port, ASK(imap_ask_create));
	case IMAP_ASK_DELETE:
		return fake_delete(port, ASK(imap_ask_delete));
	case IMAP_ASK_RENAME:
		return fake_rename(port, ASK(imap_ask_rename));
	case IMAP_ASK_SUBSCRIBE:
		return fake_subscribe_ask(port, ASK(imap_ask_subscribe));
	case IMAP_ASK_GET_ACL:
		return fake_get_acl(port, ASK(imap_ask_get_acl));
	case IMAP_ASK_SET_ACL:
		return fake_set_acl(port, ASK(imap_ask_set_acl));
	case IMAP_ASK_RIGHTS:
		return fake_rights_ask(port, ASK(imap_ask_rights));
	}
	PANIC("ask %d", (int)ask->kind);
}

static enum err answer(struct fake_port *port, struct imap_ask *ask)
{
	switch ((int)ask->kind) {
	case IMAP_ASK_USER_KEYS:
		return user_keys(port, ASK(imap_ask_user_keys));
	case IMAP_ASK_PASSWORD:
		return password(port, ASK(imap_ask_password));
	case IMAP_ASK_OPEN:
		return fake_open(port, ASK(imap_ask_open));
	case IMAP_ASK_SYNC:
		return fake_sync(port, ASK(imap_ask_sync));
	case IMAP_ASK_STATUS:
		return fake_status(port, ASK(imap_ask_status));
	case IMAP_ASK_ROWS:
		return fake_rows(port, ASK(imap_ask_rows));
	case IMAP_ASK_READ:
		return fake_read(port, ASK(imap_ask_read));
	case IMAP_ASK_STRUCTURE:
		return fake_structure(port, ASK(imap_ask_structure));
	case IMAP_ASK_SEARCH:
		return fake_search(port, ASK(imap_ask_search));
	case IMAP_ASK_STORE:
		return fake_store_ask(port, ASK(imap_ask_store));
	case IMAP_ASK_EXPUNGE:
		return fake_expunge(port, ASK(imap_ask_expunge));
	case IMAP_ASK_COPY:
		return fake_copy(port, ASK(imap_ask_copy));
	case IMAP_ASK_UPLOAD:
		return upload_wait(ASK(imap_ask_upload));
	case IMAP_ASK_APPEND:
		return fake_append(port, ASK(imap_ask_append));
	case IMAP_ASK_CHANGES:
		return fake_changes(port, ASK(imap_ask_changes));
	}
	return answer_names(port, ask);
}

/* True: this ask is the one that the fault is for. */
static bool takes_fault(struct fake_port *port, const struct imap_ask *ask)
{
	struct fake_fault *fault = &port->fault;

	if (!fault->err || fault->kind != ask->kind)
		return false;
	return fault->skip-- == 0;
}

bool fake_port_step(struct fake_port *port)
{
	struct imap_ask *ask = port->asked;
	struct fake_fault fault;

	if (!ask)
		return false;
	port->asked = NULL;
	if (takes_fault(port, ask)) {
		fault = port->fault;
		port->fault = (struct fake_fault){ 0 };
		if (fault.done)
			(void)answer(port, ask);
		ask->err = fault.err;
	} else {
		ask->err = answer(port, ask);
	}
	if (ask->kind == IMAP_ASK_APPEND)
		end_uploads(ASK(imap_ask_append));
	imap_session_answer(port->session, port->now_ms, ask);
	return true;
}

void fake_port_run(struct fake_port *port)
{
	while (fake_port_step(port))
		;
}
