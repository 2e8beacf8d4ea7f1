/*
 * Commands of other nodes at the leader (foreign.h).
 */
#include "raft/foreign.h"

#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "raft/entry.h"

void foreign_init(struct foreign *foreign)
{
	*foreign = (struct foreign){ 0 };
	list_init(&foreign->queue);
	list_init(&foreign->passed);
	list_init(&foreign->out);
}

void foreign_free(struct foreign_command *it)
{
	mem_free(it);
}

static void list_clear(struct list *list)
{
	for (;;) {
		struct list *link = list_take(list);

		if (link == NULL)
			return;
		foreign_free(LIST_ENTRY(link, struct foreign_command, link));
	}
}

void foreign_clear(struct foreign *foreign)
{
	struct list *buckets = foreign->buckets;

	if (foreign->count == 0)
		return;
	list_clear(&foreign->queue);
	list_clear(&foreign->passed);
	list_clear(&foreign->out);
	foreign_init(foreign);
	foreign->buckets = buckets;
	for (unsigned i = 0; i < FOREIGN_BUCKETS; i++)
		list_init(&buckets[i]);
}

void foreign_fini(struct foreign *foreign)
{
	foreign_clear(foreign);
	mem_free(foreign->buckets);
	foreign->buckets = NULL;
}

static struct list *bucket_of(struct foreign *foreign, const struct op_id *op)
{
	uint64_t mix = (op->proposer ^ op->proposer >> 32) * 31 + op->slot;

	return &foreign->buckets[mix % FOREIGN_BUCKETS];
}

static bool is_op(const struct foreign_command *it, const struct op_id *op)
{
	return it->command.op.proposer == op->proposer &&
	       it->command.op.slot == op->slot &&
	       it->command.op.turn == op->turn;
}

static bool has_it(struct list *bucket, uint64_t from,
		   const struct command *command)
{
	LIST_FOREACH (bucket, link) {
		const struct foreign_command *it =
			LIST_ENTRY(link, struct foreign_command, chain);

		if (is_op(it, &command->op) && it->from == from &&
		    it->command.kind == command->kind)
			return true;
	}
	return false;
}

static void buckets_make(struct foreign *foreign)
{
	if (foreign->buckets != NULL)
		return;
	foreign->buckets =
		mem_zalloc(FOREIGN_BUCKETS, sizeof(*foreign->buckets));
	for (unsigned i = 0; i < FOREIGN_BUCKETS; i++)
		list_init(&foreign->buckets[i]);
}

/* Command and bodies in one piece of memory. */
static struct foreign_command *copy_of(const struct command *command)
{
	size_t body = command->body.len;
	size_t inline_body = command->inline_body.len;
	struct foreign_command *it =
		mem_alloc(sizeof(*it) + body + inline_body);
	uint8_t *octets = (uint8_t *)(it + 1);

	it->command = *command;
	if (body > 0)
		memcpy(octets, command->body.data, body);
	if (inline_body > 0)
		memcpy(octets + body, command->inline_body.data, inline_body);
	it->command.body = slice_of(octets, body);
	it->command.inline_body = slice_of(octets + body, inline_body);
	it->octets = body + inline_body + ENTRY_COMMAND_HEAD_MAX;
	return it;
}

static uint64_t limit_for(const struct command *command)
{
	if (command->kind == COMMAND_CANCEL ||
	    command->kind == COMMAND_REGISTER)
		return 2 * (uint64_t)FOREIGN_PENDING_MAX;
	return FOREIGN_PENDING_MAX;
}

enum err foreign_add(struct foreign *foreign, uint64_t from,
		     const struct command *command)
{
	struct foreign_command *it;
	struct list *bucket;

	buckets_make(foreign);
	bucket = bucket_of(foreign, &command->op);
	if (has_it(bucket, from, command)) {
		PROBE("foreign: a repetition was passed over");
		return ERR_EXISTS;
	}
	if (foreign->pending_octets + command->body.len +
		    command->inline_body.len + ENTRY_COMMAND_HEAD_MAX >
	    limit_for(command))
		return ERR_BUSY;
	it = copy_of(command);
	it->from = from;
	it->queued = true;
	list_append(&foreign->queue, &it->link);
	list_append(bucket, &it->chain);
	foreign->pending_octets += it->octets;
	foreign->count++;
	return ERR_NONE;
}

struct foreign_command *foreign_next(const struct foreign *foreign)
{
	if (list_empty(&foreign->queue))
		return NULL;
	return LIST_ENTRY(foreign->queue.next, struct foreign_command, link);
}

void foreign_pass(struct foreign *foreign, struct foreign_command *it)
{
	list_remove(&it->link);
	list_append(&foreign->passed, &it->link);
	foreign->pending_octets -= it->octets;
	it->queued = false;
}

static void unlink_it(struct foreign *foreign, struct foreign_command *it)
{
	list_remove(&it->link);
	list_remove(&it->chain);
	foreign->count--;
}

void foreign_drop(struct foreign *foreign, struct foreign_command *it)
{
	foreign->pending_octets -= it->octets;
	unlink_it(foreign, it);
	foreign_free(it);
}

void foreign_settle(struct foreign *foreign, bool left)
{
	if (left) {
		list_splice(&foreign->out, &foreign->passed);
		return;
	}
	while (!list_empty(&foreign->passed)) {
		struct foreign_command *it = LIST_ENTRY(
			foreign->passed.prev, struct foreign_command, link);

		list_remove(&it->link);
		list_prepend(&foreign->queue, &it->link);
		it->queued = true;
		foreign->pending_octets += it->octets;
	}
}

struct foreign_command *foreign_take(struct foreign *foreign,
				     const struct op_id *op)
{
	if (foreign->count == 0)
		return NULL;
	LIST_FOREACH (bucket_of(foreign, op), link) {
		struct foreign_command *it =
			LIST_ENTRY(link, struct foreign_command, chain);

		if (!is_op(it, op))
			continue;
		if (it->queued)
			foreign->pending_octets -= it->octets;
		unlink_it(foreign, it);
		return it;
	}
	return NULL;
}
