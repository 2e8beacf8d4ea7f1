/*
 * Members: from the directory's rows to the links.
 *
 * LOOK (worker): all rows, copied -> main loop: peers_set_members; is this
 * node itself removed? then it stops -> again if woken meanwhile
 *
 * A directory without a row of this node is one that has only begun to arrive:
 * it is not believed, the links stay with what the node was told when it
 * joined.
 */
#include "server/node_members.h"

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/directory.h"
#include "cluster/welcome.h"
#include "io/disk.h"
#include "server/node.h"
#include "server/small_file.h"

#define MEMBERS_RETRY_MS 1000

/* Octets of <data>/welcome. */
#define WELCOME_FILE_MAX 65536

struct members {
	struct node *node;
	struct executor *home;
	struct timer retry;
	struct task wake;
	bool waking; /* atomic: the task is posted */
	bool busy;
	bool again; /* woken meanwhile */
	bool stopped;

	/* the look under way */
	struct task task;
	struct peers_member *table;
	unsigned count;
	bool has_self;
	bool removed; /* this node itself */
	enum err err;
};

/* ---- LOOK ---- */

static void copy_text(char *out, size_t size, struct slice text)
{
	size_t len = text.len < size - 1 ? text.len : size - 1;

	memcpy(out, text.data, len);
	out[len] = '\0';
}

static void copy_key(struct peers_member *out, struct slice hash)
{
	if (hash.len == SHA256_SIZE)
		memcpy(out->keys[out->key_count++].octets, hash.data,
		       SHA256_SIZE);
}

static void copy_member(const struct directory_member *member,
			struct peers_member *out)
{
	out->node = member->node;
	out->active = member->state != DIRECTORY_MEMBER_REMOVED;
	out->address_count = member->address_count;
	for (unsigned i = 0; i < member->address_count; i++)
		copy_text(out->addresses[i], sizeof(out->addresses[i]),
			  member->addresses[i]);
	copy_key(out, member->key_hash);
	copy_key(out, member->next_key_hash);
}

static void read_rows(struct members *members, struct store_txn *txn)
{
	uint32_t self = members->node->identity.node;
	struct directory_walk walk;
	struct directory_member member;

	directory_member_walk(&walk, txn);
	while (directory_member_next(&walk, &member)) {
		bool removed = member.state == DIRECTORY_MEMBER_REMOVED;

		if (member.node == self) {
			members->has_self = true;
			members->removed = removed;
		}
		if (!removed && members->count < PEERS_MAX)
			copy_member(&member, &members->table[members->count++]);
	}
	directory_walk_end(&walk);
}

static void looked(struct task *task);

static void look_run(struct task *task)
{
	struct members *members = container_of(task, struct members, task);
	struct store_env *env = replica_env(node_directory(members->node));
	struct store_txn *txn;

	members->table = mem_zalloc(PEERS_MAX, sizeof(*members->table));
	members->count = 0;
	members->has_self = false;
	members->removed = false;
	members->err = ERR_UNAVAILABLE;
	if (env && store_read_begin(env, &txn) == ERR_NONE) {
		read_rows(members, txn);
		members->err = store_txn_error(txn);
		store_end(&txn);
	}
	task_post(members->home, task, looked);
}

static void look(struct members *members)
{
	members->again = false;
	members->busy = true;
	task_post(io_pool_executor(members->node->pool), &members->task,
		  look_run);
}

static void tell_links(struct members *members)
{
	struct node *node = members->node;

	if (!members->has_self)
		return;
	peers_set_members(node->peers, members->table, members->count);
	if (!members->removed)
		return;
	LOG_ERROR("this node was removed from its cluster: stopping");
	node_stop(node);
}

static void looked(struct task *task)
{
	struct members *members = container_of(task, struct members, task);

	members->busy = false;
	if (!members->stopped && !members->err)
		tell_links(members);
	mem_free(members->table);
	members->table = NULL;
	if (members->stopped)
		return;
	if (members->err)
		timer_set(io_loop_timers(members->node->main), &members->retry,
			  MEMBERS_RETRY_MS);
	else if (members->again)
		look(members);
}

/* ---- before the directory has come ---- */

void members_welcome(struct node *node, const struct welcome *welcome)
{
	struct peers_member *table = mem_zalloc(PEERS_MAX, sizeof(*table));
	unsigned count = 0;

	for (size_t i = 0; i < welcome->member_count; i++) {
		const struct welcome_member *member = &welcome->members[i];
		struct peers_member *out = &table[count++];

		out->node = member->node;
		out->active = true;
		out->address_count = member->address_count;
		for (unsigned a = 0; a < member->address_count; a++)
			copy_text(out->addresses[a], sizeof(out->addresses[a]),
				  member->addresses[a]);
		out->key_count = member->key_count;
		memcpy(out->keys, member->keys, sizeof(out->keys));
	}
	peers_set_members(node->peers, table, count);
	mem_free(table);
}

void members_welcome_file(struct node *node)
{
	struct arena arena = { 0 };
	struct buf octets = { 0 };
	struct welcome welcome;
	enum err err = small_file_read(io_disk(), node->settings->data,
				       "welcome", WELCOME_FILE_MAX, &octets);

	if (!err)
		err = welcome_decode(buf_slice(&octets), &arena, &welcome);
	if (!err)
		members_welcome(node, &welcome);
	else if (err != ERR_NOTFOUND)
		LOG_ERROR("%s/welcome: %s", node->settings->data,
			  err_text(err));
	arena_fini(&arena);
	buf_fini(&octets);
}

/* ---- life ---- */

static void wake_run(struct task *task)
{
	struct members *members = container_of(task, struct members, wake);

	__atomic_store_n(&members->waking, false, __ATOMIC_SEQ_CST);
	if (members->stopped)
		return;
	members->again = true;
	if (!members->busy)
		look(members);
}

void members_wake(struct members *members)
{
	if (!__atomic_exchange_n(&members->waking, true, __ATOMIC_SEQ_CST))
		task_post(members->home, &members->wake, wake_run);
}

static void retry(struct timer *timer)
{
	struct members *members = container_of(timer, struct members, retry);

	if (!members->busy)
		look(members);
}

struct members *members_new(struct node *node)
{
	struct members *members = mem_zalloc(1, sizeof(*members));

	members->node = node;
	members->home = io_loop_executor(node->main);
	timer_init(&members->retry, retry);
	return members;
}

void members_stop(struct members *members)
{
	members->stopped = true;
	timer_stop(io_loop_timers(members->node->main), &members->retry);
}

bool members_is_busy(const struct members *members)
{
	return members->busy;
}

void members_free(struct members **membersp)
{
	mem_free((*membersp)->table);
	mem_free(*membersp);
	*membersp = NULL;
}
