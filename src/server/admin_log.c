/*
 * log.dump: every committed command that this node's kept log holds.
 *
 *   request  {"cmd":"log.dump"}
 *   answer   {"progress":{"log":[{...},...]}}, as often as there is more
 *   then     a line "more" for each of them, when the peer has taken it
 *   answer   {"ok":true,"result":{"commands":n}}
 *
 * So never more than one piece is in memory, however slow the peer is. The log
 * is read while it is written: what is committed when the dump begins is in it.
 *
 * Happy path: the commit indexes are noted; on a worker the log is opened and
 * read piece by piece. Failures: a log that does not hold together, or of which
 * a file was used again in between, ends the call: half a dump would be taken
 * for a whole one by nobody, since the answer is missing.
 */
#include "base/json.h"
#include "base/mem.h"
#include "cluster/describe.h"
#include "io/disk.h"
#include "raft/describe.h"
#include "raft/entry.h"
#include "raft/wal_walk.h"
#include "server/admin_call.h"

/* Octets of one piece, but for its last command (COMMAND_MAX). */
#define PIECE_OCTETS (256 * 1024)

struct group_dump {
	uint32_t group;
	uint64_t commit; /* index of the last entry that is told */
	uint64_t next;   /* index that must come; 0: any */
};

struct log_dump {
	struct wal_walk *walk;
	struct buf path;
	struct group_dump *groups;
	unsigned group_count;
	json_t *lines; /* of the piece */
	size_t octets;
	uint64_t commands;
	bool busy; /* a worker reads */
	enum err err;
	const char *why; /* of a log that does not hold together */
};

static void log_dump_fini(struct admin_call *call)
{
	struct log_dump *dump = call->state;

	wal_walk_close(&dump->walk);
	buf_fini(&dump->path);
	json_decref(dump->lines);
	mem_free(dump->groups);
	mem_free(dump);
}

/* ---- on a worker ---- */

static void add_line(struct log_dump *dump, struct buf *line)
{
	json_t *object;

	json_object_end(line);
	object = json_loadb((const char *)line->data, line->len,
			    JSON_REJECT_DUPLICATES, NULL);
	if (!object && !dump->err) {
		dump->err = ERR_CORRUPT;
		dump->why = "a command has no text";
	}
	json_array_append_new(dump->lines, object ? object : json_null());
	dump->octets += line->len;
}

/* Where the dump of a group begins, and where it ends. */
static void add_begin(struct log_dump *dump, const struct group_dump *group,
		      uint64_t first)
{
	struct buf line = { 0 };

	json_object_begin(&line, NULL);
	json_object_begin(&line, "begin");
	json_number(&line, "group", group->group);
	json_number(&line, "first", first);
	json_number(&line, "commit", group->commit);
	json_object_end(&line);
	add_line(dump, &line);
	buf_fini(&line);
}

static void add_command(struct log_dump *dump, uint32_t group,
			const struct command_at *at,
			const struct command *command)
{
	struct buf line = { 0 };

	json_object_begin(&line, NULL);
	describe_place(group, at, &command->op, &line);
	if (!describe_command(command, &line))
		cluster_describe(command, &line);
	add_line(dump, &line);
	buf_fini(&line);
	dump->commands++;
}

static enum err add_commands(struct log_dump *dump, const struct wal_step *read)
{
	struct command_at at = { .index = read->index,
				 .term = read->entry.term };
	struct command command;
	struct entry entry;
	enum err err = entry_decode(read->entry.data, &entry);

	if (err)
		return err;
	for (;; at.position++) {
		err = entry_next(&entry, &command);
		if (err)
			return err == ERR_END ? ERR_NONE : err;
		add_command(dump, read->group, &at, &command);
	}
}

static enum err add_other(struct log_dump *dump, const struct wal_step *read)
{
	struct command_at at = { .index = read->index,
				 .term = read->entry.term };
	struct buf line = { 0 };
	enum err err;

	json_object_begin(&line, NULL);
	describe_place(read->group, &at, NULL, &line);
	err = describe_entry(&read->entry, &line);
	if (!err) {
		add_line(dump, &line);
		dump->commands++;
	}
	buf_fini(&line);
	return err;
}

static struct group_dump *find_group(const struct log_dump *dump, uint32_t id)
{
	for (unsigned i = 0; i < dump->group_count; i++)
		if (dump->groups[i].group == id)
			return &dump->groups[i];
	return NULL;
}

static enum err add_entry(struct log_dump *dump, const struct wal_step *read)
{
	struct group_dump *group = find_group(dump, read->group);

	if (!group || read->index > group->commit)
		return ERR_NONE;
	if (group->next == 0)
		add_begin(dump, group, read->index);
	else if (read->index != group->next) {
		dump->why = "entries of a group are missing";
		return ERR_CORRUPT;
	}
	group->next = read->index + 1;
	return describe_has_commands(&read->entry) ? add_commands(dump, read)
						   : add_other(dump, read);
}

static bool is_complete(const struct log_dump *dump)
{
	for (unsigned i = 0; i < dump->group_count; i++) {
		const struct group_dump *group = &dump->groups[i];

		if (group->next != 0 && group->next <= group->commit)
			return false;
	}
	return true;
}

static void read_piece(struct admin_call *call)
{
	struct log_dump *dump = call->state;
	struct wal_step read;

	if (!dump->walk)
		dump->err = wal_walk_open(io_disk(), buf_cstr(&dump->path),
					  &dump->walk);
	while (!dump->err && dump->octets < PIECE_OCTETS) {
		dump->err = wal_walk_next(dump->walk, &read);
		if (!dump->err)
			dump->err = add_entry(dump, &read);
	}
	if (dump->err == ERR_END && !is_complete(dump)) {
		dump->err = ERR_CORRUPT;
		dump->why = "the log ends before what is committed";
	}
}

/* ---- on the main loop ---- */

static void fail(struct admin_call *call)
{
	const struct log_dump *dump = call->state;

	if (admin_is_gone(call))
		admin_fail(call, ERR_CLOSED, "the peer is gone");
	else if (dump->err == ERR_STALE)
		admin_fail(call, ERR_BUSY,
			   "a file of the log was used again meanwhile: begin "
			   "anew");
	else
		admin_fail(call, dump->err, "the log cannot be read: %s",
			   dump->why ? dump->why : err_text(dump->err));
}

static void piece_read(struct admin_call *call)
{
	struct log_dump *dump = call->state;

	dump->busy = false;
	if (admin_is_gone(call) || (dump->err && dump->err != ERR_END)) {
		fail(call);
		return;
	}
	if (dump->octets) {
		admin_progress(call, json_pack("{s:o}", "log", dump->lines));
		dump->lines = json_array();
		dump->octets = 0;
		admin_resume(call); /* until the peer says "more" */
		return;
	}
	admin_ok(call,
		 json_pack("{s:I}", "commands", (json_int_t)dump->commands));
}

static void read_next(struct admin_call *call)
{
	struct log_dump *dump = call->state;

	dump->busy = true;
	admin_on_pool(call, read_piece, piece_read);
}

/* The peer has taken a piece: the line "more". Empty: it is gone. */
static size_t more(struct admin_call *call, struct slice in)
{
	const struct log_dump *dump = call->state;
	size_t len = slice_find(in, '\n');

	if (dump->busy)
		return 0;
	if (in.len == 0)
		fail(call);
	else if (len == in.len)
		return in.len;
	else if (dump->err)
		piece_read(call);
	else
		read_next(call);
	return len + 1;
}

void admin_log_dump(struct admin_call *call)
{
	struct node *node = call->node;
	struct log_dump *dump = mem_zalloc(1, sizeof(*dump));

	call->state = dump;
	call->fini = log_dump_fini;
	dump->lines = json_array();
	dump->group_count = node->group_count;
	dump->groups = mem_zalloc(dump->group_count, sizeof(*dump->groups));
	for (unsigned i = 0; i < dump->group_count; i++) {
		const struct node_group *group = node_group(node, i);
		struct replica_status status;

		replica_get_status(group->replica, &status);
		dump->groups[i].group = group->number;
		dump->groups[i].commit = status.commit_index;
	}
	buf_printf(&dump->path, "%s/wal", node->settings->data);
	admin_set_raw(call, more);
	read_next(call);
}
