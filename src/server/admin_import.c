/*
 * import: messages into one mailbox, in batches of one command each.
 *
 *   request  {"cmd":"import","args":{"name":"user.john","folder":".Sent"}}
 *   answer   {"progress":{"ready":true}}
 *   then, as often as wanted, a line {"size":n,"flags":["\\Seen","$Junk"],
 *   "date":seconds} and n octets; {"end":true} ends it
 *   answer   {"ok":true,"result":{"messages":m,"empty":e}}
 *
 * A progress line follows each batch that is durable. Line ends are made CRLF
 * on the way (mail/strip.h). "folder" may be absent; it is one of a Maildir++:
 * components behind dots, in modified UTF-7. The mailbox is made if it is
 * absent; one that stands below a user's INBOX is then subscribed, too.
 *
 * FIND the mailbox (or CREATE -> SUBSCRIBE -> FIND) -> RESERVE -> messages ...
 * -> uploads durable -> OFFER (offer.h) of an APPEND -> RESERVE ... -> end
 */
#include <string.h>

#include "base/mem.h"
#include "base/panic.h"
#include "base/unicode.h"
#include "cluster/directory_command.h"
#include "cluster/mailgroup_command.h"
#include "imap/scan.h"
#include "mail/strip.h"
#include "server/admin_call.h"
#include "server/maildir_name.h"
#include "server/offer.h"
#include "server/upload.h"

#define BATCH_MESSAGES 100             /* one command of the log */
#define BATCH_OCTETS (4 * 1024 * 1024) /* on their way to disk */
#define HEAD_MAX 65536                 /* octets of a message's line */

struct message {
	struct upload *upload;
	uint32_t flags; /* enum mailgroup_flag */
	struct slice *keywords;
	size_t keyword_count;
	int64_t date_s;
	bool has_date;
};

enum import_state {
	IMPORT_FIND,    /* looks for the mailbox */
	IMPORT_RESERVE, /* waits for a slot */
	IMPORT_HEAD,    /* expects the line of a message */
	IMPORT_BODY,    /* expects its octets */
	IMPORT_ROOM,    /* waits for room in the upload */
	IMPORT_DURABLE, /* waits for the bodies of the batch */
	IMPORT_APPEND,  /* waits for the command */
};

struct import {
	struct admin_call *call;
	enum import_state state;
	struct buf name;
	struct directory_mailbox mailbox; /* its slices are not kept */
	struct proposer *proposer;
	struct courier_targets targets; /* where its bodies belong */
	struct proposal proposal;
	struct offer offer;
	bool reserved;
	bool created; /* the mailbox was made by this import */
	uint64_t user_id;
	bool end;  /* {"end":true} was seen */
	bool dead; /* the call has ended; a slot is still awaited */

	struct arena arena; /* of the batch */
	struct message messages[BATCH_MESSAGES];
	size_t count;
	uint64_t octets;
	struct buf head;
	uint64_t left; /* octets of the message still to come */
	struct mail_strip strip;
	struct buf chunk;

	uint64_t done; /* messages */
	uint64_t empty;
};

/* ---- the end ---- */

static void drop_batch(struct import *import)
{
	for (size_t i = 0; i < import->count; i++)
		upload_free(&import->messages[i].upload);
	import->count = 0;
	import->octets = 0;
	arena_clear(&import->arena);
}

static void import_free(struct import *import)
{
	drop_batch(import);
	if (import->reserved)
		proposer_release(import->proposer, &import->proposal);
	proposal_fini(&import->proposal);
	arena_fini(&import->arena);
	buf_fini(&import->name);
	buf_fini(&import->head);
	buf_fini(&import->chunk);
	mem_free(import);
}

static void import_fini(struct admin_call *call)
{
	struct import *import = call->state;

	import->call = NULL;
	import->dead = true;
	if (import->state != IMPORT_RESERVE && import->state != IMPORT_APPEND)
		import_free(import);
}

static void fail(struct import *import, enum err err, const char *what)
{
	admin_fail(import->call, err, "%s: %s; %llu %s imported before", what,
		   err_text(err), (unsigned long long)import->done,
		   import->done == 1 ? "message was" : "messages were");
}

/* ---- a batch ---- */

static void reserve(struct import *import);

static void batch_appended(struct offer *offer)
{
	struct import *import = offer->owner;

	if (import->dead) {
		import_free(import);
		return;
	}
	import->state = IMPORT_HEAD;
	if (offer->err) {
		fail(import, offer->err, "append");
		return;
	}
	import->done += import->count;
	drop_batch(import);
	admin_progress(import->call, json_pack("{s:I}", "messages",
					       (json_int_t)import->done));
	if (import->end)
		admin_ok(import->call,
			 json_pack("{s:I, s:I}", "messages",
				   (json_int_t)import->done, "empty",
				   (json_int_t)import->empty));
	else
		reserve(import);
}

static void fill(struct import *import, struct mailgroup_message *to)
{
	uint64_t now = clock_wall_ms(io_loop_clock(import->call->node->main));

	for (size_t i = 0; i < import->count; i++) {
		const struct message *from = &import->messages[i];
		struct upload_result body;

		MUST(upload_done(from->upload, &body));
		to[i] = (struct mailgroup_message){
			.hash = body.hash,
			.size = body.size,
			.date_s = from->has_date ? from->date_s
						 : (int64_t)(now / 1000),
			.flags = (uint8_t)from->flags,
			.keywords = { from->keywords, from->keyword_count },
			.structure = body.structure,
		};
	}
}

static enum err encode(struct offer *offer, struct buf *out)
{
	struct import *import = offer->owner;
	struct mailgroup_message *messages =
		arena_zalloc(&import->arena, import->count, sizeof(*messages));
	struct mailgroup_append command = {
		.target = { import->mailbox.id, import->mailbox.root, 0, 0 },
		.user = import->user_id,
		.holders = { offer->holders.raft_ids, offer->holders.count },
		.messages = messages,
		.count = import->count,
	};
	enum err err;

	if (import->dead)
		return ERR_CANCELLED;
	fill(import, messages);
	err = mailgroup_append_encode(&command, out);
	if (err != ERR_LIMIT)
		return err;
	for (size_t i = 0; i < import->count; i++)
		messages[i].structure = SLICE_NONE; /* made when asked for */
	return mailgroup_append_encode(&command, out);
}

static void hash_at(const struct offer *offer, size_t n, struct sha256 *hash_r)
{
	const struct import *import = offer->owner;
	struct upload_result body;

	MUST(upload_done(import->messages[n].upload, &body));
	*hash_r = body.hash;
}

static void batch_offer(struct import *import)
{
	struct node *node = import->call->node;
	struct courier_holders *all = &import->offer.holders;

	import->offer = (struct offer){
		.courier = node->courier,
		.clock = io_loop_clock(node->main),
		.home = io_loop_executor(node->main),
		.owner = import,
		.proposer = import->proposer,
		.proposal = &import->proposal,
		.group = import->mailbox.group,
		.source = import->mailbox.group,
		.count = import->count,
		.kind = MAILGROUP_APPEND,
		.version = MAILGROUP_COMMAND_VERSION,
		.targets = &import->targets,
		.hash_at = hash_at,
		.encode = encode,
	};
	upload_holders(import->messages[0].upload, all);
	for (size_t i = 1; i < import->count; i++) {
		struct courier_holders one;

		upload_holders(import->messages[i].upload, &one);
		courier_holders_keep(all, &one);
	}
	import->reserved = false; /* the slot goes with the offer */
	offer_submit(&import->offer, batch_appended);
}

/* All bodies are durable: the command; or an error of one of them. */
static void check_batch(struct import *import)
{
	struct upload_result result;
	enum err err = ERR_NONE;

	for (size_t i = 0; i < import->count; i++) {
		if (!upload_done(import->messages[i].upload, &result))
			return;
		if (!err)
			err = result.err;
	}
	if (err) {
		fail(import, err, "message");
		return;
	}
	import->state = IMPORT_APPEND;
	batch_offer(import);
}

static void upload_moved(struct upload *upload unused_arg, void *arg)
{
	struct import *import = arg;

	if (import->state == IMPORT_ROOM) {
		import->state = IMPORT_BODY;
		admin_resume(import->call);
	} else if (import->state == IMPORT_DURABLE) {
		check_batch(import);
	}
}

static void finish_batch(struct import *import)
{
	if (import->count == 0) {
		admin_ok(import->call,
			 json_pack("{s:I, s:I}", "messages",
				   (json_int_t)import->done, "empty",
				   (json_int_t)import->empty));
		return;
	}
	import->state = IMPORT_DURABLE;
	check_batch(import);
}

/* ---- a message ---- */

static bool is_keyword(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!imap_octet_is(name.data[i], IMAP_OCTET_ATOM))
			return false;
	return name.len > 0 && name.len <= MAILGROUP_KEYWORD_NAME_MAX;
}

/* False: no keyword can be called so. One that is there already is left out. */
static bool add_keyword(struct import *import, struct slice name,
			struct message *message)
{
	if (!is_keyword(name))
		return false;
	for (size_t i = 0; i < message->keyword_count; i++)
		if (slice_eq_nocase(message->keywords[i], name))
			return true;
	message->keywords[message->keyword_count++] =
		arena_slice(&import->arena, name);
	return true;
}

static bool take_flags(struct import *import, const json_t *flags,
		       struct message *message)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} known[] = {
		{ "\\Seen", MAILGROUP_SEEN },
		{ "\\Answered", MAILGROUP_ANSWERED },
		{ "\\Flagged", MAILGROUP_FLAGGED },
		{ "\\Deleted", MAILGROUP_DELETED },
		{ "\\Draft", MAILGROUP_DRAFT },
	};
	size_t count = json_array_size(flags);

	message->keywords = arena_zalloc(&import->arena, count + 1,
					 sizeof(*message->keywords));
	for (size_t i = 0; i < count; i++) {
		const char *name = json_string_value(json_array_get(flags, i));
		bool system = false;

		for (size_t j = 0; name && j < ARRAY_LEN(known); j++)
			if (strcmp(name, known[j].name) == 0) {
				message->flags |= known[j].flag;
				system = true;
			}
		if (!system &&
		    (!name || !add_keyword(import, slice_str(name), message)))
			return false;
	}
	return true;
}

static void set_hold(struct import *import, struct upload *upload)
{
	struct body_hold hold =
		upload_hold_of(import->mailbox.group, &import->proposal.op);

	upload_set_hold(upload, &hold);
}

/* {"size":..}; false: the call has ended. */
static bool take_head(struct import *import)
{
	json_t *head =
		json_loadb((const char *)import->head.data, import->head.len,
			   JSON_REJECT_DUPLICATES, NULL);
	json_int_t size = json_integer_value(json_object_get(head, "size"));
	const json_t *date = json_object_get(head, "date");
	struct node *node = import->call->node;
	struct message *message;
	bool good;

	buf_clear(&import->head);
	if (json_is_true(json_object_get(head, "end"))) {
		import->end = true;
		json_decref(head);
		finish_batch(import);
		return false;
	}
	if (!json_is_object(head) || size < 0 ||
	    (uint64_t)size > node->settings->message_max) {
		json_decref(head);
		fail(import, size > 0 ? ERR_TOO_BIG : ERR_SYNTAX, "message");
		return false;
	}
	if (size == 0) {
		import->empty++;
		json_decref(head);
		return true;
	}
	message = &import->messages[import->count];
	*message = (struct message){ .has_date = json_is_integer(date),
				     .date_s = json_integer_value(date) };
	good = take_flags(import, json_object_get(head, "flags"), message);
	json_decref(head);
	if (!good) {
		fail(import, ERR_INVALID, "flag");
		return false;
	}
	import->count++;
	message->upload =
		upload_new(node->bodies, &node->uploads,
			   io_loop_executor(node->main), upload_moved, import);
	upload_spread(message->upload, node->courier, &import->targets);
	set_hold(import, message->upload);
	import->strip = (struct mail_strip){ 0 };
	import->left = (uint64_t)size;
	import->state = IMPORT_BODY;
	return true;
}

static size_t feed_head(struct import *import, struct slice in)
{
	size_t len = slice_find(in, '\n');

	if (import->head.len + len > HEAD_MAX) {
		fail(import, ERR_LIMIT, "message");
		return in.len;
	}
	buf_add_slice(&import->head, slice_first(in, len));
	if (len == in.len)
		return len;
	take_head(import);
	return len + 1;
}

static size_t feed_body(struct import *import, struct slice in)
{
	struct message *message = &import->messages[import->count - 1];
	struct slice piece = slice_first(
		in, import->left < in.len ? (size_t)import->left : in.len);
	bool room;

	buf_clear(&import->chunk);
	mail_strip_feed(&import->strip, piece, &import->chunk);
	import->left -= piece.len;
	import->octets += import->chunk.len;
	room = upload_add(message->upload, buf_slice(&import->chunk));
	if (import->left == 0) {
		upload_finish(message->upload);
		import->state = IMPORT_HEAD;
		if (import->count == BATCH_MESSAGES ||
		    import->octets >= BATCH_OCTETS)
			finish_batch(import);
	} else if (!room) {
		import->state = IMPORT_ROOM;
	}
	return piece.len;
}

static size_t take_octets(struct admin_call *call, struct slice in)
{
	struct import *import = call->state;

	if (admin_is_gone(call)) {
		if (import->state != IMPORT_FIND &&
		    import->state != IMPORT_RESERVE &&
		    import->state != IMPORT_APPEND)
			fail(import, ERR_CLOSED, "connection");
		return 0;
	}
	if (import->state == IMPORT_HEAD)
		return feed_head(import, in);
	if (import->state == IMPORT_BODY)
		return feed_body(import, in);
	return 0;
}

/* ---- the mailbox ---- */

static void reserved(struct proposal *proposal)
{
	struct import *import = proposal->owner;

	import->reserved = !proposal->err;
	if (import->dead) {
		import_free(import);
		return;
	}
	import->state = IMPORT_HEAD;
	if (proposal->err)
		fail(import, proposal->err, "import");
	else if (admin_is_gone(import->call))
		fail(import, ERR_CLOSED, "connection");
	else
		admin_resume(import->call);
}

static void reserve(struct import *import)
{
	import->state = IMPORT_RESERVE;
	proposal_fini(&import->proposal);
	proposal_init(&import->proposal,
		      io_loop_executor(import->call->node->main), import);
	proposer_reserve(import->proposer, &import->proposal, reserved);
}

static void begin(struct import *import)
{
	struct admin_call *call = import->call;

	import->proposer = node_proposer(call->node, import->mailbox.group);
	if (!import->proposer ||
	    courier_find_targets(call->node->courier, import->mailbox.group,
				 &import->targets)) {
		fail(import, ERR_UNAVAILABLE, "group");
		return;
	}
	admin_progress(call, json_pack("{s:b}", "ready", 1));
	reserve(import);
}

static void find(struct admin_call *call);

static void made(struct admin_call *call)
{
	admin_read_index(call, 0, find);
}

/* Nobody subscribes a mailbox for others: a shared one is only made. */
static void subscribe(struct admin_call *call)
{
	struct import *import = call->state;
	struct buf owner = { 0 };
	struct directory_subscribe command = {
		.name = buf_slice(&import->name),
		.subscribed = true,
	};
	enum err err;

	if (names_is_root(command.name) ||
	    !names_add_owner(command.name, &owner)) {
		made(call);
		return;
	}
	command.user = buf_slice(&owner);
	err = directory_subscribe_encode(&command, admin_body(call));
	buf_fini(&owner);
	admin_propose(call, 0, DIRECTORY_SUBSCRIBE, err,
		      "the mailbox cannot be subscribed", made);
}

static void create(struct import *import)
{
	struct directory_create command = {
		.name = buf_slice(&import->name),
	};
	enum err err =
		directory_create_encode(&command, admin_body(import->call));

	import->created = true;
	admin_propose(import->call, 0, DIRECTORY_CREATE, err,
		      "the mailbox cannot be made", subscribe);
}

/* Whose \Seen the flags set: the owner's; of a shared mailbox everybody's. */
static uint64_t owner_id(struct store_txn *txn, struct slice name)
{
	struct buf owner = { 0 };
	struct directory_user user = { 0 };

	if (names_add_owner(name, &owner))
		directory_user_find(txn, buf_slice(&owner), &user);
	buf_fini(&owner);
	return user.id;
}

static void find(struct admin_call *call)
{
	struct import *import = call->state;
	struct store_txn *txn;
	bool found;

	if (!admin_read(call, 0, &txn))
		return;
	found = directory_mailbox_find(txn, buf_slice(&import->name),
				       &import->mailbox);
	import->user_id = owner_id(txn, buf_slice(&import->name));
	store_end(&txn);
	if (found)
		begin(import);
	else if (import->created)
		fail(import, ERR_NOTFOUND, "mailbox");
	else
		create(import);
}

/* False: it is no name, and the call has ended. */
static bool take_name(struct import *import, struct slice name,
		      struct slice folder)
{
	struct buf text = { 0 };
	bool good;

	buf_add_slice(&text, name);
	good = (!folder.len || maildir_name_add(folder, &text)) &&
	       !unicode_nfc(buf_slice(&text), &import->name) &&
	       !names_check(buf_slice(&import->name));
	buf_fini(&text);
	if (!good)
		admin_fail(import->call, ERR_INVALID,
			   "\"%.*s%.*s\" is no mailbox name", SLICE_FMT(name),
			   SLICE_FMT(folder));
	return good;
}

void admin_import(struct admin_call *call)
{
	struct import *import = mem_zalloc(1, sizeof(*import));
	struct slice name;

	import->call = call;
	proposal_init(&import->proposal, io_loop_executor(call->node->main),
		      import);
	call->state = import;
	call->fini = import_fini;
	/* What follows is no request, also if this one is refused. */
	admin_set_raw(call, take_octets);
	if (!admin_text(call, "name", &name) ||
	    !take_name(import, name, admin_text_or_none(call, "folder")))
		return;
	admin_read_index(call, 0, find);
}
