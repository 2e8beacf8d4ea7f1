/*
 * The LMTP session: lines in, replies out, one message at a time.
 *
 * Happy path: LHLO, MAIL, RCPT (asked of the port one by one, as they come),
 * DATA or BDAT streams into the port's upload, its end is asked to be durable,
 * then the delivery is asked and each accepted recipient gets its reply.
 *
 * Failures: a message that cannot be taken (too large, disk full) is read to
 * its end and refused for each recipient; an unknown outcome closes the
 * connection without replies, so that the sender tries again.
 */
#include "lmtp/session.h"

#include <string.h>

#include "base/mem.h"
#include "base/panic.h"
#include "lmtp/command.h"
#include "lmtp/data.h"

/* Recipients of one message that the port is asked for: most are refused. */
#define LMTP_ASKED_MAX (2 * LMTP_RECIPIENTS_MAX)

/* Scratch for unstuffed data: what is given to the upload at once. */
#define LMTP_CHUNK 16384 /* octets */

enum lmtp_state {
	LMTP_STATE_COMMAND, /* expects a line */
	LMTP_STATE_ASKED,   /* waits for the port */
	LMTP_STATE_DATA,    /* expects octets after DATA */
	LMTP_STATE_CHUNK,   /* expects octets of a BDAT chunk */
	LMTP_STATE_TLS,     /* waits for the handshake */
	LMTP_STATE_CLOSED,
};

struct lmtp_recipient {
	struct slice address;
	void *target;
};

/* What MAIL began; cleared by RSET, by the end of a message, by LHLO. */
struct lmtp_transaction {
	bool open; /* MAIL was accepted */
	struct slice mail_from;
	struct lmtp_recipient *recipients;
	size_t count;
	size_t asked; /* recipients, also those that were refused */
	struct lmtp_upload *upload;
	bool begun;      /* DATA or the first BDAT was seen */
	enum err refuse; /* why the message will be refused */
	uint64_t size;   /* octets of data so far */
};

struct lmtp_session {
	const struct lmtp_config *config;
	struct lmtp_port *port;
	char *peer;
	bool tls;
	bool can_starttls;
	bool greeted; /* LHLO was accepted */
	enum lmtp_state state;
	enum lmtp_state after_upload; /* where to go on when there is room */
	unsigned bad;
	uint64_t deadline_ms;
	struct buf line;
	bool line_too_long;
	struct buf helo;
	struct buf out;
	struct buf chunk;
	struct arena line_arena; /* of one line */
	struct arena arena;      /* of the transaction */
	struct lmtp_transaction mail;
	struct lmtp_data data;
	uint64_t chunk_left; /* BDAT: octets still to come */
	bool chunk_last;
	bool asking;
	bool shutdown;
	union {
		struct lmtp_ask head;
		struct lmtp_ask_recipient recipient;
		struct lmtp_ask_upload upload;
		struct lmtp_ask_deliver deliver;
	} ask;
};

static void reply(struct lmtp_session *session, const char *text)
{
	buf_add_str(&session->out, text);
	buf_add_str(&session->out, "\r\n");
}

static void bad(struct lmtp_session *session, const char *text)
{
	reply(session, text);
	if (++session->bad < LMTP_BAD_MAX)
		return;
	reply(session, "421 4.7.0 too many bad commands");
	session->state = LMTP_STATE_CLOSED;
}

static void transaction_reset(struct lmtp_session *session)
{
	if (session->mail.upload)
		session->port->upload_abort(session->port,
					    session->mail.upload);
	session->mail = (struct lmtp_transaction){ 0 };
	session->chunk_left = 0;
	session->chunk_last = false;
	arena_clear(&session->arena);
}

static void ask(struct lmtp_session *session, enum lmtp_ask_kind kind)
{
	MUST(!session->asking);
	session->ask.head.kind = kind;
	session->ask.head.arena = &session->arena;
	session->ask.head.err = ERR_NONE;
	session->ask.head.owner = NULL;
	session->asking = true;
	session->state = LMTP_STATE_ASKED;
	session->port->ask(session->port, &session->ask.head);
}

/* ---- the message ---- */

/* The text behind "4xx"/"5xx" of a refused message or recipient. */
static const char *refusal_text(enum err err)
{
	switch ((int)err) {
	case ERR_NOTFOUND:
	case ERR_GONE:
		return "550 5.1.1 no such user here";
	case ERR_DISABLED:
		return "550 5.2.1 mailbox is disabled";
	case ERR_DENIED:
		return "550 5.7.1 delivery not permitted";
	case ERR_TOO_BIG:
		return "552 5.3.4 message is too large";
	case ERR_OVERQUOTA:
		return "452 4.2.2 mailbox is full";
	case ERR_FULL:
		return "452 4.3.1 no space left";
	case ERR_INVALID:
	case ERR_SYNTAX:
		return "501 5.1.3 bad address";
	default:
		return "451 4.3.0 temporary failure, try again";
	}
}

static void reply_all(struct lmtp_session *session, enum err err)
{
	for (size_t i = 0; i < session->mail.count; i++)
		reply(session, refusal_text(err));
}

/* Return-Path and Received: all that delivery adds to a message. */
static bool add_trace(struct lmtp_session *session)
{
	struct slice date = session->port->date(session->port, &session->arena);

	buf_clear(&session->chunk);
	buf_printf(&session->chunk,
		   "Return-Path: <%.*s>\r\n"
		   "Received: from %.*s (%s)\r\n"
		   "\tby %s (Murder) with %s;\r\n\t%.*s\r\n",
		   SLICE_FMT(session->mail.mail_from),
		   SLICE_FMT(buf_slice(&session->helo)), session->peer,
		   session->config->hostname, session->tls ? "LMTPS" : "LMTP",
		   SLICE_FMT(date));
	return session->port->upload_add(session->port, session->mail.upload,
					 buf_slice(&session->chunk), true);
}

static void ask_room(struct lmtp_session *session)
{
	session->after_upload = session->state;
	session->ask.upload.upload = session->mail.upload;
	session->ask.upload.finish = false;
	ask(session, LMTP_ASK_UPLOAD);
}

static void message_begin(struct lmtp_session *session)
{
	session->mail.begun = true;
	session->mail.refuse = session->port->upload_begin(
		session->port, session->mail.recipients[0].target,
		&session->mail.upload);
	if (session->mail.refuse)
		session->mail.upload = NULL;
	else if (!add_trace(session))
		ask_room(session);
}

/* Octets of the message; after a refusal they are counted and dropped. */
static void message_add(struct lmtp_session *session, struct slice octets)
{
	struct lmtp_transaction *mail = &session->mail;

	mail->size += octets.len;
	if (!mail->refuse && mail->size > session->config->message_max)
		mail->refuse = ERR_TOO_BIG;
	if (mail->refuse && mail->upload) {
		session->port->upload_abort(session->port, mail->upload);
		mail->upload = NULL;
	}
	if (mail->upload && octets.len &&
	    !session->port->upload_add(session->port, mail->upload, octets,
				       false))
		ask_room(session);
}

static void message_end(struct lmtp_session *session)
{
	if (session->mail.refuse) {
		reply_all(session, session->mail.refuse);
		transaction_reset(session);
		session->state = LMTP_STATE_COMMAND;
		return;
	}
	session->ask.upload.upload = session->mail.upload;
	session->ask.upload.finish = true;
	ask(session, LMTP_ASK_UPLOAD);
}

static void deliver(struct lmtp_session *session)
{
	struct lmtp_transaction *mail = &session->mail;
	struct lmtp_ask_deliver *deliver = &session->ask.deliver;

	deliver->upload = mail->upload;
	deliver->mail_from = mail->mail_from;
	deliver->count = mail->count;
	deliver->deliveries = arena_zalloc(&session->arena, mail->count,
					   sizeof(*deliver->deliveries));
	for (size_t i = 0; i < mail->count; i++) {
		deliver->deliveries[i].target = mail->recipients[i].target;
		deliver->deliveries[i].address = mail->recipients[i].address;
	}
	mail->upload = NULL; /* the ask ends it in any case */
	ask(session, LMTP_ASK_DELIVER);
}

/* ---- commands ---- */

static void do_lhlo(struct lmtp_session *session,
		    const struct lmtp_command *command)
{
	buf_clear(&session->helo);
	buf_add_slice(&session->helo, command->argument);
	transaction_reset(session);
	session->greeted = true;
	buf_printf(&session->out,
		   "250-%s\r\n250-PIPELINING\r\n250-SIZE %llu\r\n"
		   "250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n%s"
		   "250 ENHANCEDSTATUSCODES\r\n",
		   session->config->hostname,
		   (unsigned long long)session->config->message_max,
		   session->can_starttls && !session->tls ? "250-STARTTLS\r\n"
							  : "");
}

static void do_mail(struct lmtp_session *session,
		    const struct lmtp_command *command)
{
	if (!session->greeted) {
		bad(session, "503 5.5.1 LHLO first");
	} else if (session->mail.open) {
		bad(session, "503 5.5.1 nested MAIL");
	} else if (command->has_size &&
		   command->size > session->config->message_max) {
		reply(session, "552 5.3.4 message is too large");
	} else {
		session->mail.open = true;
		session->mail.mail_from =
			arena_slice(&session->arena, command->path.address);
		session->mail.recipients =
			arena_zalloc(&session->arena, LMTP_RECIPIENTS_MAX,
				     sizeof(*session->mail.recipients));
		reply(session, "250 2.1.0 sender ok");
	}
}

/* user+detail: the user keeps the domain, the detail names a folder. */
static void split_detail(struct lmtp_session *session,
			 const struct lmtp_path *path,
			 struct lmtp_ask_recipient *recipient)
{
	struct slice local = arena_slice(&session->arena, path->local);
	struct slice detail = local;
	struct slice user = local;

	if (session->config->detail_separator)
		user = slice_cut(&detail,
				 (uint8_t)session->config->detail_separator);
	recipient->detail = user.len < local.len ? detail : SLICE_NONE;
	recipient->user = user;
	if (path->domain.len)
		recipient->user = slice_str(
			arena_printf(&session->arena, "%.*s@%.*s",
				     SLICE_FMT(user), SLICE_FMT(path->domain)));
}

static void do_rcpt(struct lmtp_session *session,
		    const struct lmtp_command *command)
{
	struct lmtp_ask_recipient *recipient = &session->ask.recipient;

	if (!session->mail.open || session->mail.begun) {
		bad(session, "503 5.5.1 MAIL first");
		return;
	}
	if (session->mail.count == LMTP_RECIPIENTS_MAX ||
	    session->mail.asked == LMTP_ASKED_MAX) {
		reply(session, "452 4.5.3 too many recipients");
		return;
	}
	session->mail.asked++;
	recipient->address =
		arena_slice(&session->arena, command->path.address);
	recipient->target = NULL;
	split_detail(session, &command->path, recipient);
	ask(session, LMTP_ASK_RECIPIENT);
}

/* DATA and the first BDAT need a sender and a recipient. */
static bool may_begin(struct lmtp_session *session)
{
	if (!session->mail.open)
		bad(session, "503 5.5.1 MAIL first");
	else if (session->mail.count == 0)
		reply(session, "503 5.5.1 no valid recipients");
	else
		return true;
	return false;
}

static void do_data(struct lmtp_session *session)
{
	if (session->mail.begun) {
		bad(session, "503 5.5.1 DATA after BDAT");
		return;
	}
	if (!may_begin(session))
		return;
	reply(session, "354 go ahead, end with <CRLF>.<CRLF>");
	session->data = (struct lmtp_data){ 0 };
	session->state = LMTP_STATE_DATA;
	message_begin(session);
}

/* The octets of a refused chunk come all the same and are read away. */
static void do_bdat(struct lmtp_session *session,
		    const struct lmtp_command *command)
{
	session->chunk_left = command->size;
	session->chunk_last = command->last;
	session->state = LMTP_STATE_CHUNK;
	if (session->mail.begun)
		return;
	if (!session->mail.open || session->mail.count == 0) {
		session->mail.refuse = ERR_CLIENTBUG;
		return;
	}
	message_begin(session);
}

static void do_starttls(struct lmtp_session *session)
{
	if (session->tls || !session->can_starttls) {
		bad(session, "502 5.5.1 STARTTLS is not available");
		return;
	}
	reply(session, "220 2.0.0 go ahead");
	transaction_reset(session);
	session->greeted = false;
	session->state = LMTP_STATE_TLS;
	session->port->starttls(session->port);
}

static void do_command(struct lmtp_session *session,
		       const struct lmtp_command *command)
{
	switch (command->verb) {
	case LMTP_LHLO:
		do_lhlo(session, command);
		break;
	case LMTP_MAIL:
		do_mail(session, command);
		break;
	case LMTP_RCPT:
		do_rcpt(session, command);
		break;
	case LMTP_DATA:
		do_data(session);
		break;
	case LMTP_BDAT:
		do_bdat(session, command);
		break;
	case LMTP_RSET:
		transaction_reset(session);
		reply(session, "250 2.0.0 ok");
		break;
	case LMTP_NOOP:
		reply(session, "250 2.0.0 ok");
		break;
	case LMTP_VRFY:
		reply(session, "252 2.5.0 try RCPT");
		break;
	case LMTP_QUIT:
		reply(session, "221 2.0.0 bye");
		session->state = LMTP_STATE_CLOSED;
		break;
	case LMTP_STARTTLS:
		do_starttls(session);
		break;
	case LMTP_HELO:
		bad(session, "500 5.5.1 this is LMTP: say LHLO");
		break;
	case LMTP_UNKNOWN:
		bad(session, "500 5.5.1 unknown command");
		break;
	}
}

static void do_line(struct lmtp_session *session)
{
	struct lmtp_command command;
	enum err err;

	if (session->line_too_long) {
		session->line_too_long = false;
		bad(session, "500 5.5.6 line is too long");
		return;
	}
	arena_clear(&session->line_arena);
	err = lmtp_command_read(buf_slice(&session->line), &session->line_arena,
				&command);
	if (command.verb == LMTP_UNKNOWN)
		bad(session, "500 5.5.1 unknown command");
	else if (err == ERR_INVALID)
		bad(session, "555 5.5.4 unknown parameter");
	else if (err == ERR_LIMIT)
		bad(session, "501 5.1.3 address is too long");
	else if (err)
		bad(session, "501 5.5.4 syntax error");
	else
		do_command(session, &command);
}

/* ---- octets in ---- */

static void feed_line(struct lmtp_session *session, struct slice *in)
{
	size_t len = slice_find(*in, '\n');
	bool whole = len < in->len;
	struct slice part = slice_first(*in, len);

	*in = slice_from(*in, whole ? len + 1 : len);
	if (session->line.len + part.len > LMTP_LINE_MAX)
		session->line_too_long = true;
	else
		buf_add_slice(&session->line, part);
	if (!whole)
		return;
	if (session->line.len &&
	    session->line.data[session->line.len - 1] == '\r')
		session->line.len--;
	do_line(session);
	buf_clear(&session->line);
}

static void feed_data(struct lmtp_session *session, struct slice *in)
{
	struct slice piece = slice_first(*in, LMTP_CHUNK);
	size_t before = piece.len;
	bool end;

	buf_clear(&session->chunk);
	end = lmtp_data_feed(&session->data, &piece, &session->chunk);
	*in = slice_from(*in, before - piece.len);
	if (end) {
		/* No state may change before the last octets are taken. */
		message_add(session, buf_slice(&session->chunk));
		if (session->asking)
			session->after_upload = LMTP_STATE_CLOSED;
		else
			message_end(session);
		return;
	}
	message_add(session, buf_slice(&session->chunk));
}

static void chunk_end(struct lmtp_session *session)
{
	session->state = LMTP_STATE_COMMAND;
	if (session->mail.refuse == ERR_CLIENTBUG) {
		transaction_reset(session);
		bad(session, "503 5.5.1 no valid recipients");
	} else if (session->chunk_last) {
		message_end(session);
	} else if (session->mail.refuse) {
		reply(session, refusal_text(session->mail.refuse));
	} else {
		reply(session, "250 2.0.0 chunk taken");
	}
}

static void feed_chunk(struct lmtp_session *session, struct slice *in)
{
	size_t len = in->len < session->chunk_left
			     ? in->len
			     : (size_t)session->chunk_left;
	struct slice piece = slice_first(*in, len);

	*in = slice_from(*in, len);
	session->chunk_left -= len;
	message_add(session, piece);
	if (session->chunk_left == 0 && !session->asking)
		chunk_end(session);
}

size_t lmtp_session_feed(struct lmtp_session *session, uint64_t now_ms,
			 struct slice in)
{
	size_t before = in.len;

	session->deadline_ms = now_ms + session->config->timeout_ms;
	while (lmtp_session_wants_input(session)) {
		if (session->state == LMTP_STATE_CHUNK)
			feed_chunk(session, &in);
		if (in.len == 0)
			break;
		if (session->state == LMTP_STATE_DATA)
			feed_data(session, &in);
		else if (session->state == LMTP_STATE_COMMAND)
			feed_line(session, &in);
	}
	return before - in.len;
}

bool lmtp_session_wants_input(const struct lmtp_session *session)
{
	return session->out.len < LMTP_OUTPUT_HIGH &&
	       (session->state == LMTP_STATE_COMMAND ||
		session->state == LMTP_STATE_DATA ||
		session->state == LMTP_STATE_CHUNK);
}

/* ---- answers ---- */

static void answer_recipient(struct lmtp_session *session)
{
	const struct lmtp_ask_recipient *recipient = &session->ask.recipient;
	struct lmtp_transaction *mail = &session->mail;

	session->state = LMTP_STATE_COMMAND;
	if (recipient->ask.err) {
		reply(session, refusal_text(recipient->ask.err));
		return;
	}
	mail->recipients[mail->count++] = (struct lmtp_recipient){
		recipient->address,
		recipient->target,
	};
	reply(session, "250 2.1.5 recipient ok");
}

static void answer_upload(struct lmtp_session *session)
{
	const struct lmtp_ask_upload *upload = &session->ask.upload;

	if (upload->ask.err)
		session->mail.refuse = upload->ask.err;
	if (upload->finish && !upload->ask.err) {
		deliver(session);
		return;
	}
	if (upload->finish || session->after_upload == LMTP_STATE_CLOSED) {
		message_add(session, SLICE_NONE);
		message_end(session);
		return;
	}
	session->state = session->after_upload;
	if (session->state == LMTP_STATE_CHUNK && session->chunk_left == 0)
		chunk_end(session);
}

static void answer_deliver(struct lmtp_session *session)
{
	const struct lmtp_ask_deliver *ended = &session->ask.deliver;

	if (err_outcome(ended->ask.err) == OUTCOME_UNKNOWN) {
		session->state = LMTP_STATE_CLOSED;
		return;
	}
	for (size_t i = 0; i < ended->count; i++) {
		enum err err = ended->ask.err ? ended->ask.err
					      : ended->deliveries[i].err;

		reply(session, err ? refusal_text(err) : "250 2.1.5 delivered");
	}
	transaction_reset(session);
	session->state = LMTP_STATE_COMMAND;
}

void lmtp_session_answer(struct lmtp_session *session, uint64_t now_ms,
			 struct lmtp_ask *answered)
{
	MUST(session->asking);
	MUST(answered == &session->ask.head);
	session->asking = false;
	session->deadline_ms = now_ms + session->config->timeout_ms;
	switch (answered->kind) {
	case LMTP_ASK_RECIPIENT:
		answer_recipient(session);
		break;
	case LMTP_ASK_UPLOAD:
		answer_upload(session);
		break;
	case LMTP_ASK_DELIVER:
		answer_deliver(session);
		break;
	}
	if (session->shutdown && !session->asking)
		lmtp_session_shutdown(session, now_ms);
}

/* ---- life ---- */

struct lmtp_session *lmtp_session_new(const struct lmtp_config *config,
				      struct lmtp_port *port, bool tls,
				      bool can_starttls, const char *peer,
				      uint64_t now_ms)
{
	struct lmtp_session *session = mem_zalloc(1, sizeof(*session));

	session->config = config;
	session->port = port;
	session->tls = tls;
	session->can_starttls = can_starttls;
	session->peer = mem_dup(peer, strlen(peer));
	session->deadline_ms = now_ms + config->timeout_ms;
	buf_printf(&session->out, "220 %s LMTP ready\r\n", config->hostname);
	return session;
}

void lmtp_session_free(struct lmtp_session **sessionp)
{
	struct lmtp_session *session = *sessionp;

	*sessionp = NULL;
	MUST(!session->asking);
	transaction_reset(session);
	arena_fini(&session->arena);
	arena_fini(&session->line_arena);
	buf_fini(&session->line);
	buf_fini(&session->helo);
	buf_fini(&session->out);
	buf_fini(&session->chunk);
	mem_free(session->peer);
	mem_free(session);
}

void lmtp_session_tls_up(struct lmtp_session *session, uint64_t now_ms)
{
	MUST(session->state == LMTP_STATE_TLS);
	session->tls = true;
	session->state = LMTP_STATE_COMMAND;
	session->deadline_ms = now_ms + session->config->timeout_ms;
}

uint64_t lmtp_session_tick(struct lmtp_session *session, uint64_t now_ms)
{
	if (session->asking || session->state == LMTP_STATE_CLOSED)
		return UINT64_MAX;
	if (now_ms < session->deadline_ms)
		return session->deadline_ms;
	if (session->state != LMTP_STATE_TLS)
		reply(session, "421 4.4.2 timeout");
	session->state = LMTP_STATE_CLOSED;
	return UINT64_MAX;
}

struct buf *lmtp_session_output(struct lmtp_session *session)
{
	return &session->out;
}

bool lmtp_session_closing(const struct lmtp_session *session)
{
	return session->state == LMTP_STATE_CLOSED;
}

bool lmtp_session_busy(const struct lmtp_session *session)
{
	return session->asking;
}

void lmtp_session_shutdown(struct lmtp_session *session,
			   uint64_t now_ms unused_arg)
{
	session->shutdown = true;
	if (session->asking || session->state == LMTP_STATE_CLOSED)
		return;
	if (session->state != LMTP_STATE_TLS)
		reply(session, "421 4.3.2 server is stopping");
	session->state = LMTP_STATE_CLOSED;
}
