/*
 * Commands and parser events as text.
 */
#include "transcript.h"

#include "base/attr.h"
#include "base/mem.h"
#include "base/panic.h"
#include "base/random.h"
#include "imap/search_program.h"
#include "imap/writer.h"
#include "mail/date.h"

/* ---- commands ---- */

static void add_text(struct buf *out, struct slice s)
{
	buf_add_octet(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		uint8_t octet = s.data[i];

		if (octet < 0x20 || octet > 0x7e || octet == '\\')
			buf_printf(out, "\\%02x", octet);
		else
			buf_add_octet(out, octet);
	}
	buf_add_octet(out, '"');
}

static void add_word(struct buf *out, const char *label, struct slice s)
{
	buf_add_str(out, label);
	add_text(out, s);
}

/* A name that cannot be is shown as it came, behind a "!". */
static void add_mailbox(struct buf *out, const struct imap_mailbox *mailbox)
{
	buf_add_octet(out, ' ');
	if (mailbox->valid)
		add_text(out, mailbox->name);
	else
		add_word(out, "!", mailbox->raw);
}

static void add_set(struct buf *out, const struct imap_seqset *set)
{
	buf_add_octet(out, ' ');
	imap_seqset_format(set, out);
}

static void add_flags(struct buf *out, const struct imap_flag_list *list)
{
	buf_add_octet(out, ' ');
	imap_write_flags(out, list->flags, list->keywords, list->keyword_count);
}

static void add_append(struct buf *out, const struct imap_append *append)
{
	static const char *const forms[] = { "", " literal8", " utf8" };

	add_mailbox(out, &append->mailbox);
	for (const struct imap_append_item *item = append->first; item != NULL;
	     item = item->next) {
		add_flags(out, &item->flags);
		if (item->has_date) {
			buf_add_octet(out, ' ');
			imap_write_date_time(out, item->internal_date_s,
					     item->internal_zone_min);
		}
		buf_add_str(out, forms[item->form]);
		buf_printf(out, " {%llu}", (unsigned long long)item->size);
	}
	buf_printf(out, " x%zu", append->count);
}

static void add_select(struct buf *out, const struct imap_select *select)
{
	add_mailbox(out, &select->mailbox);
	if (select->condstore)
		buf_add_str(out, " condstore");
	if (!select->qresync)
		return;
	buf_printf(out, " qresync %u %llu", select->uidvalidity,
		   (unsigned long long)select->modseq);
	if (select->has_known_uids)
		add_set(out, &select->known_uids);
	if (select->has_match) {
		buf_add_str(out, " match");
		add_set(out, &select->match_seqs);
		add_set(out, &select->match_uids);
	}
}

static void add_status_items(struct buf *out, uint32_t items)
{
	buf_add_str(out, " status");
	for (; items != 0; items &= items - 1) {
		buf_add_octet(out, ' ');
		buf_add_str(out, imap_status_item_name((enum imap_status_item)(
					 items & -items)));
	}
}

static void add_bits(struct buf *out, const char *const *names, size_t count,
		     uint32_t bits)
{
	for (size_t i = 0; i < count; i++) {
		if ((bits & (UINT32_C(1) << i)) == 0)
			continue;
		buf_add_octet(out, ' ');
		buf_add_str(out, names[i]);
	}
}

static void add_list(struct buf *out, const struct imap_list *list)
{
	static const char *const selects[] = { "SUBSCRIBED", "REMOTE",
					       "RECURSIVEMATCH",
					       "SPECIAL-USE" };
	static const char *const returns[] = { "SUBSCRIBED", "CHILDREN",
					       "SPECIAL-USE", "STATUS" };

	if (list->extended)
		buf_add_str(out, " extended");
	if (list->select != 0)
		buf_add_str(out, " select");
	add_bits(out, selects, ARRAY_LEN(selects), list->select);
	add_mailbox(out, &list->reference);
	for (size_t i = 0; i < list->pattern_count; i++)
		add_mailbox(out, &list->patterns[i]);
	if (list->returns != 0)
		buf_add_str(out, " return");
	add_bits(out, returns, ARRAY_LEN(returns), list->returns);
	if (list->status != 0)
		add_status_items(out, list->status);
}

static void add_fetch(struct buf *out, const struct imap_fetch *fetch)
{
	add_set(out, &fetch->set);
	for (size_t i = 0; i < fetch->count; i++) {
		const struct imap_fetch_item *item = &fetch->items[i];

		buf_add_octet(out, ' ');
		if (item->peek)
			buf_add_str(out, "peek ");
		imap_fetch_item_write_name(item, out);
		if (item->partial)
			buf_printf(out, "+%llu",
				   (unsigned long long)item->length);
	}
	if (fetch->has_changedsince)
		buf_printf(out, " changedsince %llu",
			   (unsigned long long)fetch->changedsince);
	if (fetch->vanished)
		buf_add_str(out, " vanished");
}

static void add_store(struct buf *out, const struct imap_store *store)
{
	static const char *const ops[] = { " =", " +", " -" };

	add_set(out, &store->set);
	if (store->has_unchangedsince)
		buf_printf(out, " unchangedsince %llu",
			   (unsigned long long)store->unchangedsince);
	buf_add_str(out, ops[store->op]);
	if (store->silent)
		buf_add_str(out, " silent");
	add_flags(out, &store->flags);
}

static void add_search(struct buf *out, const struct imap_search_args *args)
{
	static const char *const returns[] = { "MIN", "MAX", "ALL", "COUNT",
					       "SAVE" };

	if (args->has_return)
		buf_add_str(out, " return");
	add_bits(out, returns, ARRAY_LEN(returns), args->returns);
	buf_add_octet(out, ' ');
	if (args->program == NULL)
		buf_add_str(out, "badcharset");
	else
		transcript_search(args->program, out);
}

static void add_id(struct buf *out, const struct imap_id *id)
{
	for (size_t i = 0; i < id->count; i++) {
		add_word(out, " ", id->pairs[i].field);
		if (id->pairs[i].nil)
			buf_add_str(out, "=NIL");
		else
			add_word(out, "=", id->pairs[i].value);
	}
}

static void add_acl(struct buf *out, const struct imap_command *command)
{
	const struct imap_acl *acl = &command->acl;

	add_mailbox(out, &acl->mailbox);
	add_word(out, " ", acl->identifier);
	if (command->kind != IMAP_SETACL)
		return;
	buf_add_octet(out, ' ');
	if (acl->mode != '\0')
		buf_add_octet(out, (uint8_t)acl->mode);
	add_text(out, acl->rights);
}

static void add_authenticate(struct buf *out,
			     const struct imap_authenticate *args)
{
	add_word(out, " ", args->mechanism);
	if (args->has_initial)
		add_word(out, " ", args->initial);
}

static void add_create(struct buf *out, const struct imap_create *create)
{
	add_mailbox(out, &create->mailbox);
	for (uint32_t uses = create->special_use; uses != 0; uses &= uses - 1) {
		buf_add_octet(out, ' ');
		buf_add_str(out, imap_special_use_name((enum imap_special_use)(
					 uses & -uses)));
	}
	if (create->unknown_use)
		buf_add_str(out, " unknown");
}

/* Commands about messages; false: it is none of them. */
static bool add_message_args(struct buf *out,
			     const struct imap_command *command)
{
	if (command->kind == IMAP_APPEND) {
		add_append(out, &command->append);
	} else if (command->kind == IMAP_COPY || command->kind == IMAP_MOVE) {
		add_set(out, &command->copy.set);
		add_mailbox(out, &command->copy.mailbox);
	} else if (command->kind == IMAP_EXPUNGE) {
		if (command->uid)
			add_set(out, &command->expunge);
	} else if (command->kind == IMAP_FETCH) {
		add_fetch(out, &command->fetch);
	} else if (command->kind == IMAP_SEARCH) {
		add_search(out, &command->search);
	} else if (command->kind == IMAP_STORE) {
		add_store(out, &command->store);
	} else {
		return false;
	}
	return true;
}

/* Commands about mailboxes; false: it is none of them. */
static bool add_mailbox_args(struct buf *out,
			     const struct imap_command *command)
{
	if (command->kind == IMAP_CREATE) {
		add_create(out, &command->create);
	} else if (command->kind == IMAP_DELETE ||
		   command->kind == IMAP_GETACL ||
		   command->kind == IMAP_MYRIGHTS ||
		   command->kind == IMAP_SUBSCRIBE ||
		   command->kind == IMAP_UNSUBSCRIBE) {
		add_mailbox(out, &command->mailbox);
	} else if (command->kind == IMAP_DELETEACL ||
		   command->kind == IMAP_LISTRIGHTS ||
		   command->kind == IMAP_SETACL) {
		add_acl(out, command);
	} else if (command->kind == IMAP_EXAMINE ||
		   command->kind == IMAP_SELECT) {
		add_select(out, &command->select);
	} else if (command->kind == IMAP_LIST || command->kind == IMAP_LSUB) {
		add_list(out, &command->list);
	} else if (command->kind == IMAP_RENAME) {
		add_mailbox(out, &command->rename.from);
		add_mailbox(out, &command->rename.to);
	} else if (command->kind == IMAP_STATUS) {
		add_mailbox(out, &command->status.mailbox);
		add_status_items(out, command->status.items);
	} else {
		return false;
	}
	return true;
}

static void add_args(struct buf *out, const struct imap_command *command)
{
	if (add_message_args(out, command) || add_mailbox_args(out, command))
		return;
	if (command->kind == IMAP_AUTHENTICATE) {
		add_authenticate(out, &command->authenticate);
	} else if (command->kind == IMAP_ENABLE) {
		for (size_t i = 0; i < command->enable.count; i++)
			add_word(out, " ", command->enable.capabilities[i]);
	} else if (command->kind == IMAP_ID) {
		add_id(out, &command->id);
	} else if (command->kind == IMAP_LOGIN) {
		add_word(out, " ", command->login.user);
		add_word(out, " ", command->login.password);
	}
}

void transcript_command(const struct imap_command *command, struct buf *out)
{
	buf_add_slice(out, command->tag);
	buf_add_str(out, command->uid ? " UID " : " ");
	buf_add_str(out, imap_kind_name(command->kind));
	add_args(out, command);
}

/* ---- search programs ---- */

static const char *const key_names[] = {
	[SEARCH_TRUE] = "true",
	[SEARCH_FALSE] = "false",
	[SEARCH_AND] = "and",
	[SEARCH_OR] = "or",
	[SEARCH_NOT] = "not",
	[SEARCH_FLAG] = "flag",
	[SEARCH_KEYWORD] = "keyword",
	[SEARCH_SEQS] = "seqs",
	[SEARCH_UIDS] = "uids",
	[SEARCH_MODSEQ] = "modseq",
	[SEARCH_LARGER] = "larger",
	[SEARCH_SMALLER] = "smaller",
	[SEARCH_BEFORE] = "before",
	[SEARCH_ON] = "on",
	[SEARCH_SINCE] = "since",
	[SEARCH_OLDER] = "older",
	[SEARCH_YOUNGER] = "younger",
	[SEARCH_EMAILID] = "emailid",
	[SEARCH_SENTBEFORE] = "sentbefore",
	[SEARCH_SENTON] = "senton",
	[SEARCH_SENTSINCE] = "sentsince",
	[SEARCH_SUBJECT] = "subject",
	[SEARCH_FROM] = "from",
	[SEARCH_TO] = "to",
	[SEARCH_CC] = "cc",
	[SEARCH_BCC] = "bcc",
	[SEARCH_HEADER] = "header",
	[SEARCH_BODY] = "body",
	[SEARCH_TEXT] = "text",
};

static void add_key_args(const struct search_node *node, struct buf *out)
{
	if (node->key == SEARCH_FLAG)
		buf_printf(out, " %s%s", node->flag.set ? "" : "!",
			   imap_flag_name((enum imap_flag)node->flag.flag));
	else if (node->key == SEARCH_KEYWORD)
		add_word(out, node->keyword.set ? " " : " !",
			 node->keyword.name);
	else if (node->key == SEARCH_SEQS || node->key == SEARCH_UIDS)
		add_set(out, &node->set.written);
	else if (node->key == SEARCH_EMAILID)
		add_word(out, " ", node->id);
	else if (node->key == SEARCH_BEFORE || node->key == SEARCH_ON ||
		 node->key == SEARCH_SINCE ||
		 (node->key >= SEARCH_SENTBEFORE &&
		  node->key <= SEARCH_SENTSINCE))
		buf_printf(out, " day %d", node->day);
	else if (node->key >= SEARCH_MODSEQ && node->key < SEARCH_EMAILID)
		buf_printf(out, " %llu", (unsigned long long)node->number);
	else if (node->key == SEARCH_HEADER)
		add_word(out, " ", node->text.field);
	if (node->key >= SEARCH_SUBJECT)
		add_word(out, " ", node->text.needle);
}

/* Depth: SEARCH_DEPTH_MAX. */
static void add_node(const struct search_node *node, struct buf *out)
{
	buf_add_octet(out, '(');
	buf_add_str(out, key_names[node->key]);
	if (node->key < SEARCH_AND || node->key > SEARCH_NOT)
		add_key_args(node, out);
	for (const struct search_node *child = node->child; child != NULL;
	     child = child->next) {
		buf_add_octet(out, ' ');
		add_node(child, out);
	}
	buf_add_octet(out, ')');
}

void transcript_search(const struct imap_search *search, struct buf *out)
{
	add_node(search->root, out);
}

/* ---- events ---- */

struct talk {
	struct imap_parser *parser;
	struct arena arena;
	struct buf body;
	struct buf *out;
	bool fatal;
};

static void restart(struct talk *talk)
{
	arena_clear(&talk->arena);
	imap_parser_start(talk->parser, &talk->arena);
}

static void add_bad(struct talk *talk, const char *word)
{
	const struct imap_bad *bad = imap_parser_bad(talk->parser);

	/* How far a message came before the error depends on the split. */
	buf_clear(&talk->body);
	buf_printf(talk->out, "%s %.*s ", word, SLICE_FMT(bad->tag));
	imap_code(talk->out, bad->code);
	buf_printf(talk->out, "%s\n", bad->text);
}

static void add_done(struct talk *talk)
{
	const struct imap_command *command = imap_parser_command(talk->parser);

	buf_add_str(talk->out, "DONE ");
	transcript_command(command, talk->out);
	buf_add_octet(talk->out, '\n');
	if (command->kind == IMAP_IDLE || command->kind == IMAP_AUTHENTICATE)
		imap_parser_want_line(talk->parser);
	else
		restart(talk);
}

static void take_event(struct talk *talk, enum imap_feed event)
{
	const struct imap_literal *literal;

	switch (event) {
	case IMAP_FEED_MORE:
		return;
	case IMAP_FEED_LITERAL:
		literal = imap_parser_literal(talk->parser);
		buf_printf(talk->out, "%s %llu%s\n",
			   literal->message ? "MESSAGE" : "LITERAL",
			   (unsigned long long)literal->size,
			   literal->sync ? "" : "+");
		imap_parser_accept(talk->parser);
		return;
	case IMAP_FEED_BODY:
		MUST(imap_parser_body(talk->parser).len > 0);
		buf_add_slice(&talk->body, imap_parser_body(talk->parser));
		return;
	case IMAP_FEED_BODY_END:
		add_word(talk->out, "body ", buf_slice(&talk->body));
		buf_add_octet(talk->out, '\n');
		buf_clear(&talk->body);
		return;
	case IMAP_FEED_DONE:
		add_done(talk);
		return;
	case IMAP_FEED_LINE:
		add_word(talk->out, "LINE ", imap_parser_line(talk->parser));
		buf_add_octet(talk->out, '\n');
		restart(talk);
		return;
	case IMAP_FEED_BAD:
		add_bad(talk, "BAD");
		restart(talk);
		return;
	case IMAP_FEED_FATAL:
		add_bad(talk, "FATAL");
		talk->fatal = true;
		return;
	}
}

/*
 * The piece is a copy of its own size, so that a read beyond it is noticed.
 * Events without octets may be due once the last octet is taken.
 */
static void feed_piece(struct talk *talk, struct slice piece)
{
	char *copy = mem_dup(piece.data, piece.len);
	struct slice in = slice_of(copy, piece.len);
	enum imap_feed event;

	do {
		event = imap_parser_feed(talk->parser, &in);
		take_event(talk, event);
	} while (!talk->fatal && (in.len > 0 || event != IMAP_FEED_MORE));
	mem_free(copy);
}

static void talk_init(struct talk *talk, const struct imap_parser_mode *mode,
		      struct buf *out)
{
	*talk = (struct talk){ .out = out };
	talk->parser = imap_parser_new();
	imap_parser_set_mode(talk->parser, mode);
	restart(talk);
}

static void talk_fini(struct talk *talk)
{
	imap_parser_free(&talk->parser);
	arena_fini(&talk->arena);
	buf_fini(&talk->body);
}

void transcript_run(const struct imap_parser_mode *mode, struct slice input,
		    size_t piece, struct buf *out)
{
	struct talk talk;

	talk_init(&talk, mode, out);
	while (input.len > 0 && !talk.fatal) {
		feed_piece(&talk, slice_first(input, piece));
		input = slice_from(input, piece);
	}
	talk_fini(&talk);
}

void transcript_run_random(const struct imap_parser_mode *mode,
			   struct slice input, uint64_t seed, struct buf *out)
{
	struct random_seeded random;
	struct talk talk;

	random_seeded_init(&random, seed);
	talk_init(&talk, mode, out);
	while (input.len > 0 && !talk.fatal) {
		size_t piece = (size_t)random_range(&random.random, 1, 40);

		feed_piece(&talk, slice_first(input, piece));
		input = slice_from(input, piece);
	}
	talk_fini(&talk);
}
