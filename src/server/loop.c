/*
 * Session loops: who watches which mailbox, and which views are shared.
 */
#include "server/loop.h"

#include <string.h>

#include "auth/remember.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/panic.h"
#include "server/node.h"

/* The node stands first in its mailbox. */
static uint64_t id_of(const struct tree_node *node)
{
	return ((const struct watched_mailbox *)(const void *)node)->id;
}

static int order(const struct tree_node *a, const struct tree_node *b)
{
	return id_of(a) < id_of(b) ? -1 : id_of(a) > id_of(b);
}

static int seek(const void *key, const struct tree_node *node)
{
	uint64_t id = *(const uint64_t *)key;

	return id < id_of(node) ? -1 : id > id_of(node);
}

struct server_loop *server_loop_new(struct node *node, unsigned number)
{
	struct server_loop *loop = mem_zalloc(1, sizeof(*loop));
	struct buf name = { 0 };

	buf_printf(&name, "session-%u", number);
	loop->node = node;
	loop->io = io_loop_new(buf_cstr(&name));
	loop->executor = io_loop_executor(loop->io);
	loop->remember =
		remember_new(node->random, node->settings->login_remember_ms);
	list_init(&loop->links);
	tree_init(&loop->mailboxes, order);
	buf_fini(&name);
	return loop;
}

void server_loop_free(struct server_loop **loopp)
{
	struct server_loop *loop = *loopp;

	*loopp = NULL;
	MUST(list_empty(&loop->links));
	MUST(tree_empty(&loop->mailboxes));
	remember_free(&loop->remember);
	io_loop_free(&loop->io);
	mem_free(loop);
}

/* ---- connections ---- */

void server_link_enter(struct server_link *link, struct server_loop *loop)
{
	link->loop = loop;
	list_append(&loop->links, &link->link);
	loop->link_count++;
}

void server_link_leave(struct server_link *link)
{
	list_remove(&link->link);
	link->loop->link_count--;
	server_loop_left(link->loop);
}

/* ---- watching ---- */

static struct watched_mailbox *find(struct server_loop *loop, uint64_t id)
{
	struct tree_node *node = tree_find(&loop->mailboxes, &id, seek);

	return node ? TREE_ENTRY(node, struct watched_mailbox, node) : NULL;
}

void server_loop_watch(struct server_loop *loop, struct watcher *watcher,
		       uint64_t mailbox_id)
{
	struct watched_mailbox *mailbox;

	server_loop_unwatch(loop, watcher);
	mailbox = find(loop, mailbox_id);
	if (!mailbox) {
		mailbox = mem_zalloc(1, sizeof(*mailbox));
		mailbox->id = mailbox_id;
		list_init(&mailbox->watchers);
		tree_insert(&loop->mailboxes, &mailbox->node);
		__atomic_add_fetch(&loop->watched, 1, __ATOMIC_SEQ_CST);
	}
	watcher->mailbox = mailbox;
	list_append(&mailbox->watchers, &watcher->link);
}

/* Forgets a mailbox that nobody watches, unless its watchers are being told. */
static void release(struct server_loop *loop, struct watched_mailbox *mailbox)
{
	if (mailbox->telling || !list_empty(&mailbox->watchers))
		return;
	if (mailbox->latest)
		imap_view_unref(&mailbox->latest);
	tree_remove(&loop->mailboxes, &mailbox->node);
	mem_free(mailbox);
	__atomic_sub_fetch(&loop->watched, 1, __ATOMIC_SEQ_CST);
}

void server_loop_unwatch(struct server_loop *loop, struct watcher *watcher)
{
	struct watched_mailbox *mailbox = watcher->mailbox;

	if (!mailbox)
		return;
	list_remove(&watcher->link);
	watcher->mailbox = NULL;
	release(loop, mailbox);
}

void server_loop_offer_view(struct server_loop *loop, struct imap_view *view)
{
	struct watched_mailbox *mailbox = find(loop, view->mailbox_id);

	if (!mailbox)
		return;
	if (mailbox->latest)
		imap_view_unref(&mailbox->latest);
	mailbox->latest = imap_view_ref(view);
}

struct imap_view *server_loop_view(struct server_loop *loop,
				   uint64_t mailbox_id)
{
	struct watched_mailbox *mailbox = find(loop, mailbox_id);

	return mailbox ? mailbox->latest : NULL;
}

/* ---- what the appliers say ---- */

struct publication {
	struct task task;
	struct server_loop *loop;
	bool rights;
	size_t count;
	uint64_t ids[];
};

/* A watcher that is told may leave, and others with it, or begin anew. */
static void tell(struct server_loop *loop, struct watched_mailbox *mailbox,
		 bool rights)
{
	struct list waiting;
	struct list *link;

	list_init(&waiting);
	list_splice(&waiting, &mailbox->watchers);
	mailbox->telling = true;
	while ((link = list_take(&waiting))) {
		struct watcher *watcher =
			LIST_ENTRY(link, struct watcher, link);

		list_append(&mailbox->watchers, link);
		if (rights)
			watcher->rights(watcher);
		else
			watcher->changed(watcher);
	}
	mailbox->telling = false;
	release(loop, mailbox);
}

/* The first mailbox above `id`, which may be gone by now. */
static struct watched_mailbox *above(struct server_loop *loop, uint64_t id)
{
	uint64_t next = id + 1;
	struct tree_node *node = tree_lower(&loop->mailboxes, &next, seek);

	return node ? TREE_ENTRY(node, struct watched_mailbox, node) : NULL;
}

static void tell_all(struct server_loop *loop)
{
	struct watched_mailbox *mailbox = above(loop, 0);

	while (mailbox) {
		uint64_t id = mailbox->id;

		tell(loop, mailbox, true);
		mailbox = above(loop, id);
	}
}

static void published(struct task *task)
{
	struct publication *publication =
		container_of(task, struct publication, task);
	struct server_loop *loop = publication->loop;

	if (publication->rights && publication->count == 0)
		tell_all(loop);
	for (size_t i = 0; i < publication->count; i++) {
		struct watched_mailbox *mailbox =
			find(loop, publication->ids[i]);

		if (mailbox)
			tell(loop, mailbox, publication->rights);
	}
	mem_free(publication);
}

static void publish(struct server_loop *loop, const uint64_t *ids, size_t count,
		    bool rights)
{
	struct publication *publication;

	/* Whoever begins to watch later takes his picture later too. */
	if (__atomic_load_n(&loop->watched, __ATOMIC_SEQ_CST) == 0)
		return;
	publication = mem_alloc(sizeof(*publication) + count * sizeof(*ids));
	publication->loop = loop;
	publication->rights = rights;
	publication->count = count;
	if (count)
		memcpy(publication->ids, ids, count * sizeof(*ids));
	task_post(loop->executor, &publication->task, published);
}

void server_loop_publish(struct server_loop *loop, const uint64_t *ids,
			 size_t count)
{
	if (count)
		publish(loop, ids, count, false);
}

void server_loop_publish_rights(struct server_loop *loop, const uint64_t *ids,
				size_t count)
{
	publish(loop, ids, count, true);
}
