/*
 * The admin socket: connections, lines, answers.
 *
 * Happy path: a line is read, its command found, its handler called; the next
 * line is read when the call has ended.
 *
 * Failures: a request that fails, or is none, is answered with an error and
 * the connection is closed; a line that is too long closes it at once.
 */
#include "server/admin.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/panic.h"
#include "base/unicode.h"
#include "io/stream.h"
#include "server/admin_call.h"

#define ADMIN_VERSION 1

struct admin {
	struct node *node;
	struct io_listener *listener;
	struct list links;
	bool stopped;
};

struct admin_link {
	struct admin *admin;
	struct list link;
	struct io_stream *stream; /* NULL: gone */
	struct buf line;
	struct admin_call *call; /* under way; NULL: none */
	admin_raw *raw;
	bool refused; /* a request failed: nothing more is read */
};

static const struct {
	const char *name;
	admin_step *run;
	bool needs_init; /* refused before `init` */
} commands[] = {
	{ "init", admin_init, false },
	{ "status", admin_status, false },
	{ "stop", admin_stop_node, false },
	{ "verify", admin_verify, true },
	{ "sweep", admin_sweep, true },
	{ "routes", admin_routes, false },
	{ "join", admin_join, false },
	{ "token.create", admin_token_create, true },
	{ "token.list", admin_token_list, true },
	{ "node.set", admin_node_set, true },
	{ "promote", admin_node_promote, true },
	{ "demote", admin_node_demote, true },
	{ "drain", admin_node_drain, true },
	{ "undrain", admin_node_undrain, true },
	{ "leave", admin_node_leave, true },
	{ "remove", admin_node_remove, true },
	{ "user.add", admin_user_add, true },
	{ "user.passwd", admin_user_passwd, true },
	{ "user.list", admin_user_list, true },
	{ "user.remove", admin_user_remove, true },
	{ "mailbox.list", admin_mailbox_list, true },
	{ "mailbox.create", admin_mailbox_create, true },
	{ "mailbox.delete", admin_mailbox_delete, true },
	{ "mailbox.rename", admin_mailbox_rename, true },
	{ "mailbox.acl", admin_mailbox_acl, true },
	{ "import", admin_import, true },
	{ "log.dump", admin_log_dump, true },
};

/* ---- answers ---- */

static void send_line(struct admin_link *link, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	MUST(text);
	if (link->stream) {
		io_stream_write(link->stream, slice_str(text));
		io_stream_write(link->stream, SLICE_LIT("\n"));
	}
	free(text); /* tidy: allow free: jansson's memory */
	json_decref(object);
}

static void link_free(struct admin_link *link)
{
	list_remove(&link->link);
	buf_fini(&link->line);
	mem_free(link);
}

/* Frees the call; the connection goes on with its next line. */
static void call_free(struct admin_call *call)
{
	struct admin_link *link = call->link;

	if (call->fini)
		call->fini(call);
	proposal_fini(&call->proposal);
	json_decref(call->args);
	mem_free(call);
	link->call = NULL;
	link->raw = NULL;
	if (!link->stream)
		link_free(link);
	else if (link->admin->stopped || link->refused)
		io_stream_close(link->stream);
	else
		io_stream_resume(link->stream);
}

void admin_ok(struct admin_call *call, json_t *result)
{
	send_line(call->link,
		  json_pack("{s:i, s:b, s:o}", "v", ADMIN_VERSION, "ok", 1,
			    "result", result ? result : json_object()));
	call_free(call);
}

/*
 * Behind a request that failed there may be octets that belong to it, messages
 * of an import: they must not be taken for requests.
 */
static void send_failure(struct admin_link *link, enum err err,
			 struct slice text)
{
	link->refused = true;
	send_line(link, json_pack("{s:i, s:b, s:s, s:o}", "v", ADMIN_VERSION,
				  "ok", 0, "error", err_name(err), "text",
				  admin_string(text)));
}

void admin_fail(struct admin_call *call, enum err err, const char *fmt, ...)
{
	struct buf text = { 0 };
	va_list args;

	va_start(args, fmt);
	buf_vprintf(&text, fmt, args);
	va_end(args);
	send_failure(call->link, err, buf_slice(&text));
	buf_fini(&text);
	call_free(call);
}

void admin_progress(struct admin_call *call, json_t *progress)
{
	send_line(call->link, json_pack("{s:i, s:o}", "v", ADMIN_VERSION,
					"progress", progress));
}

json_t *admin_string(struct slice text)
{
	json_t *string = json_stringn((const char *)text.data, text.len);

	return string ? string : json_string("\xef\xbf\xbd");
}

/* ---- arguments and requests ---- */

struct slice admin_text_or_none(const struct admin_call *call, const char *name)
{
	const json_t *value = json_object_get(call->args, name);

	if (!json_is_string(value))
		return SLICE_NONE;
	return slice_of(json_string_value(value), json_string_length(value));
}

bool admin_text(struct admin_call *call, const char *name, struct slice *text_r)
{
	*text_r = admin_text_or_none(call, name);
	if (text_r->len)
		return true;
	admin_fail(call, ERR_INVALID, "argument \"%s\" is missing", name);
	return false;
}

static struct executor *home(const struct admin_call *call)
{
	return io_loop_executor(call->node->main);
}

static void read_answered(struct read_index *read)
{
	struct admin_call *call = read->owner;

	if (read->err)
		admin_fail(call, ERR_UNAVAILABLE, "the group does not answer");
	else
		call->next(call);
}

void admin_read_index(struct admin_call *call, uint32_t group, admin_step *next)
{
	struct replica *replica = node_replica(call->node, group);

	if (!replica) {
		admin_fail(call, ERR_UNAVAILABLE, "no replica of group %u",
			   group);
		return;
	}
	call->next = next;
	call->read = (struct read_index){ .home = home(call), .owner = call };
	replica_read_index(replica, &call->read, read_answered);
}

static void worked(struct task *task)
{
	struct admin_call *call = container_of(task, struct admin_call, task);

	call->next(call);
}

static void work(struct task *task)
{
	struct admin_call *call = container_of(task, struct admin_call, task);

	call->work(call);
	task_post(home(call), &call->task, worked);
}

void admin_on_pool(struct admin_call *call, admin_step *run, admin_step *next)
{
	call->work = run;
	call->next = next;
	task_post(io_pool_executor(call->node->pool), &call->task, work);
}

struct buf *admin_body(struct admin_call *call)
{
	proposal_fini(&call->proposal);
	proposal_init(&call->proposal, home(call), call);
	return &call->proposal.body;
}

static void proposal_answered(struct proposal *proposal)
{
	struct admin_call *call = proposal->owner;

	if (proposal->err)
		admin_fail(call, proposal->err, "%s: %s", call->what,
			   err_text(proposal->err));
	else
		call->next(call);
}

void admin_propose(struct admin_call *call, uint32_t group, uint16_t kind,
		   enum err err, const char *what, admin_step *next)
{
	struct replica *replica = node_replica(call->node, group);

	if (!err && !replica)
		err = ERR_UNAVAILABLE;
	if (err) {
		admin_fail(call, err, "%s: %s", what, err_text(err));
		return;
	}
	call->next = next;
	call->what = what;
	call->proposal.kind = kind;
	call->proposal.version = 1;
	replica_propose(replica, &call->proposal, proposal_answered);
}

bool admin_read(struct admin_call *call, uint32_t group,
		struct store_txn **txn_r)
{
	struct replica *replica = node_replica(call->node, group);
	struct store_env *env = replica ? replica_env(replica) : NULL;

	if (env && store_read_begin(env, txn_r) == ERR_NONE)
		return true;
	admin_fail(call, ERR_UNAVAILABLE, "group %u cannot be read", group);
	return false;
}

/* ---- lists: there may be a million rows ---- */

struct admin_list {
	const char *key;
	admin_list_walk *walk;
	json_t *items;
	enum err err;
};

static void list_fini(struct admin_call *call)
{
	struct admin_list *list = call->state;

	json_decref(list->items);
	mem_free(list);
}

static void list_work(struct admin_call *call)
{
	struct admin_list *list = call->state;
	struct store_env *env = replica_env(node_directory(call->node));
	struct store_txn *txn;

	list->err = env ? store_read_begin(env, &txn) : ERR_UNAVAILABLE;
	if (list->err)
		return;
	list->walk(call, txn, list->items);
	list->err = store_txn_error(txn);
	store_end(&txn);
}

static void list_done(struct admin_call *call)
{
	const struct admin_list *list = call->state;

	if (list->err)
		admin_fail(call, list->err, "the directory cannot be read: %s",
			   err_text(list->err));
	else
		admin_ok(call, json_pack("{s:O}", list->key, list->items));
}

static void list_begin(struct admin_call *call)
{
	admin_on_pool(call, list_work, list_done);
}

void admin_list(struct admin_call *call, const char *key, admin_list_walk *walk)
{
	struct admin_list *list = mem_zalloc(1, sizeof(*list));

	list->key = key;
	list->walk = walk;
	list->items = json_array();
	call->state = list;
	call->fini = list_fini;
	admin_read_index(call, 0, list_begin);
}

void admin_set_raw(struct admin_call *call, admin_raw *raw)
{
	call->link->raw = raw;
	if (call->link->stream)
		io_stream_resume(call->link->stream);
}

void admin_resume(struct admin_call *call)
{
	if (call->link->stream)
		io_stream_resume(call->link->stream);
}

bool admin_is_gone(const struct admin_call *call)
{
	return call->link->stream == NULL;
}

/* ---- lines ---- */

static void run(struct admin_link *link, const char *name, json_t *args)
{
	struct node *node = link->admin->node;
	struct admin_call *call;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		if (commands[i].needs_init && !node->identity.ready) {
			send_failure(link, ERR_UNAVAILABLE,
				     SLICE_LIT("not initialised: run "
					       "`murderctl init` first"));
			return;
		}
		call = mem_zalloc(1, sizeof(*call));
		call->link = link;
		call->node = node;
		call->args = args ? json_incref(args) : json_object();
		proposal_init(&call->proposal, home(call), call);
		link->call = call;
		commands[i].run(call);
		return;
	}
	send_failure(link, ERR_NOTFOUND, SLICE_LIT("unknown command"));
}

static void take_line(struct admin_link *link)
{
	json_t *request =
		json_loadb((const char *)link->line.data, link->line.len,
			   JSON_REJECT_DUPLICATES, NULL);
	json_t *args = json_object_get(request, "args");
	const char *name = json_string_value(json_object_get(request, "cmd"));
	json_int_t version = json_integer_value(json_object_get(request, "v"));

	/* It may have held a password. */
	secret_wipe(link->line.data, link->line.len);
	buf_clear(&link->line);
	if (!name || (args && !json_is_object(args)))
		send_failure(link, ERR_SYNTAX, SLICE_LIT("not a request"));
	else if (version != ADMIN_VERSION)
		send_failure(link, ERR_VERSION,
			     SLICE_LIT("murderctl and murderd are of different "
				       "versions"));
	else
		run(link, name, args);
	json_decref(request);
	if (link->refused && !link->call)
		io_stream_close(link->stream);
}

static size_t stream_input(struct io_stream *stream, struct slice in)
{
	struct admin_link *link = io_stream_owner(stream);
	size_t taken = 0;

	while (taken < in.len && !link->refused) {
		struct slice rest = slice_from(in, taken);
		size_t len = slice_find(rest, '\n');
		size_t more;

		if (link->call) {
			more = link->raw ? link->raw(link->call, rest) : 0;
			if (more == 0)
				break;
			taken += more;
			continue;
		}
		if (link->line.len + len > ADMIN_LINE_MAX) {
			io_stream_abort(stream, ERR_LIMIT);
			return in.len;
		}
		buf_add_slice(&link->line, slice_first(rest, len));
		taken += len;
		if (len == rest.len)
			break;
		taken++;
		take_line(link);
	}
	if (link->refused)
		return in.len;
	if (taken < in.len)
		io_stream_pause(stream);
	return taken;
}

static void stream_up(struct io_stream *stream)
{
	const struct io_addr *peer = io_stream_peer(stream);

	/* The mode of the socket says the same; some systems ignore it. */
	if (peer->kind != IO_ADDR_UNIX ||
	    (peer->local.uid != 0 && peer->local.uid != geteuid()))
		io_stream_abort(stream, ERR_DENIED);
}

static void stream_closed(struct io_stream *stream, enum err err unused_arg)
{
	struct admin_link *link = io_stream_owner(stream);

	link->stream = NULL;
	if (!link->call)
		link_free(link);
	else if (link->raw)
		link->raw(link->call, SLICE_NONE);
}

static const struct io_stream_ops stream_ops = {
	.up = stream_up,
	.input = stream_input,
	.closed = stream_closed,
};

static void accept_admin(void *arg, struct io_loop *loop,
			 struct io_accepted *accepted)
{
	struct admin *admin = arg;
	struct admin_link *link;

	if (admin->stopped) {
		io_accepted_drop(accepted);
		return;
	}
	link = mem_zalloc(1, sizeof(*link));
	link->admin = admin;
	list_append(&admin->links, &link->link);
	link->stream =
		io_stream_accept(loop, accepted, NULL, &stream_ops, link);
}

/* ---- life ---- */

enum err admin_open(struct node *node, struct buf *why)
{
	struct io_listener_config config = {
		.fd = -1,
		.mode = 0600,
		.limit = ADMIN_CONNECTIONS_MAX,
		.accept = accept_admin,
	};
	struct admin *admin = mem_zalloc(1, sizeof(*admin));
	enum err err = io_place_parse(slice_str(node->settings->admin_socket),
				      &config.place);

	admin->node = node;
	list_init(&admin->links);
	config.arg = admin;
	if (err)
		buf_printf(why, "admin socket \"%s\": %s",
			   node->settings->admin_socket, err_text(err));
	else
		err = io_listener_open(node->main, &node->main, 1, &config, why,
				       &admin->listener);
	if (err) {
		mem_free(admin);
		return err;
	}
	node->admin = admin;
	return ERR_NONE;
}

void admin_stop(struct admin *admin)
{
	if (admin->stopped)
		return;
	admin->stopped = true;
	io_listener_close(admin->listener);
	LIST_FOREACH (&admin->links, it) {
		struct admin_link *link =
			LIST_ENTRY(it, struct admin_link, link);

		if (!link->stream)
			continue;
		if (!link->call)
			io_stream_close(link->stream);
		else if (link->raw)
			io_stream_abort(link->stream, ERR_UNAVAILABLE);
	}
}

bool admin_drain(struct admin *admin)
{
	LIST_FOREACH (&admin->links, it) {
		struct admin_link *link =
			LIST_ENTRY(it, struct admin_link, link);

		if (link->stream)
			io_stream_abort(link->stream, ERR_UNAVAILABLE);
	}
	return list_empty(&admin->links);
}

void admin_close(struct admin **adminp)
{
	struct admin *admin = *adminp;

	*adminp = NULL;
	MUST(list_empty(&admin->links));
	io_listener_free(&admin->listener);
	mem_free(admin);
}
