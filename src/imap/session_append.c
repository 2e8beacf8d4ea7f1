/*
 * APPEND, with several messages at once (RFC 9051 section 6.3.12; RFC 3502,
 * 3516, 6855, 7889).
 *
 * For each literal: upload_begin -> pieces -> ASK_UPLOAD finish (its body is
 * durable) -> next literal, or the end of the command: ASK_APPEND -> done
 *
 * A literal that cannot be taken is refused before the client sends it, or
 * read and thrown away if it does not wait.
 */
#include "base/mem.h"
#include "base/panic.h"
#include "imap/session_internal.h"

struct session_append {
	struct imap_upload *upload; /* on its way; NULL: none */
	struct imap_append_message *messages;
	size_t count;
	size_t cap;
	bool given; /* to ASK_APPEND, which ends the uploads */
};

void session_append_free(struct imap_session *session)
{
	struct session_append *append = session->append;

	if (!append)
		return;
	session->append = NULL;
	if (append->upload)
		session->port->upload_abort(session->port, append->upload);
	for (size_t i = 0; i < append->count && !append->given; i++)
		session->port->upload_abort(session->port,
					    append->messages[i].upload);
	mem_free(append->messages);
	mem_free(append);
}

/* The literal is not taken; the command ends with this answer. */
static void refuse(struct imap_session *session, enum imap_status_word word,
		   enum imap_code code, const char *text)
{
	struct slice tag = imap_parser_tag(session->parser);

	session->command = imap_parser_command(session->parser);
	if (!imap_parser_refuse(session->parser)) {
		session_bye(session, IMAP_CODE_TOOBIG,
			    "literal is too large to skip");
		return;
	}
	MUST(slice_eq(tag, session->command->tag));
	session->phase = PHASE_RUN;
	imap_code(session_end_begin(session, word), code);
	session_end_text(session, text);
}

static void refuse_err(struct imap_session *session, enum err err)
{
	if (err == ERR_NOTFOUND)
		refuse(session, IMAP_NO, IMAP_CODE_TRYCREATE,
		       "no such mailbox");
	else
		refuse(session, IMAP_NO, imap_code_of_err(err), err_text(err));
}

void session_append_literal(struct imap_session *session)
{
	const struct imap_literal *literal =
		imap_parser_literal(session->parser);
	const struct imap_append *args =
		&imap_parser_command(session->parser)->append;
	struct imap_upload *upload;
	enum err err;

	if (session->state == IMAP_STATE_NONAUTH) {
		refuse(session, IMAP_BAD, IMAP_CODE_NONE, "log in first");
		return;
	}
	if (!args->mailbox.valid) {
		refuse(session, IMAP_NO, IMAP_CODE_CANNOT,
		       "no such name can be");
		return;
	}
	if (literal->size == 0) {
		/* RFC 3502 section 6.3.11: an empty message ends it. */
		refuse(session, IMAP_NO, IMAP_CODE_NONE, "empty message");
		return;
	}
	err = literal->size > session->config->append_limit
		      ? ERR_TOO_BIG
		      : session->port->upload_begin(session->port,
						    args->mailbox.name,
						    literal->size, &upload);
	if (err) {
		refuse_err(session, err);
		return;
	}
	if (!session->append)
		session->append = mem_zalloc(1, sizeof(*session->append));
	session->append->upload = upload;
	imap_parser_accept(session->parser);
	if (literal->sync)
		imap_write_continue(&session->out, SLICE_LIT("OK"));
}

/* ---- octets ---- */

static void room(struct imap_session *session)
{
	if (session->ask.head.err)
		refuse_err(session, session->ask.head.err);
	else
		session->phase = PHASE_READ;
}

static void ask_upload(struct imap_session *session, bool finish,
		       session_resume *resume)
{
	session_ask_new(session, IMAP_ASK_UPLOAD);
	session->ask.upload.upload = session->append->upload;
	session->ask.upload.finish = finish;
	session->phase = PHASE_UPLOAD;
	session_ask(session, resume);
}

void session_append_body(struct imap_session *session, struct slice octets)
{
	struct session_append *append = session->append;

	if (!session->port->upload_add(session->port, append->upload, octets))
		ask_upload(session, false, room);
}

static void uploaded(struct imap_session *session)
{
	const struct imap_append *args =
		&imap_parser_command(session->parser)->append;
	const struct imap_append_item *item = args->last;
	struct session_append *append = session->append;
	enum err err = session->ask.head.err;

	if (err_outcome(err) == OUTCOME_UNKNOWN) {
		session_drop(session);
		return;
	}
	if (err) {
		refuse_err(session, err);
		return;
	}
	if (append->count == append->cap) {
		append->cap = append->cap ? 2 * append->cap : 1;
		append->messages =
			mem_realloc(append->messages,
				    append->cap * sizeof(*append->messages));
	}
	append->messages[append->count++] = (struct imap_append_message){
		.upload = append->upload,
		.flags = item->flags.flags,
		.keywords = item->flags.keywords,
		.keyword_count = item->flags.keyword_count,
		.has_date = item->has_date,
		.internal_date_s = item->internal_date_s,
		.internal_zone_min = item->internal_zone_min,
	};
	append->upload = NULL;
	session->phase = PHASE_READ;
}

void session_append_body_end(struct imap_session *session)
{
	ask_upload(session, true, uploaded);
}

/* ---- the command ---- */

static void appended(struct imap_session *session)
{
	struct imap_ask_append *answer = &session->ask.append;
	struct uidset uids = answer->uids;

	if (answer->ask.err == ERR_NOTFOUND) {
		session_no(session, IMAP_CODE_TRYCREATE, "no such mailbox");
	} else if (answer->ask.err) {
		session_err(session, answer->ask.err, true);
	} else {
		imap_code_appenduid(session_end_begin(session, IMAP_OK),
				    answer->uidvalidity, &uids);
		session_end_text(session, "APPEND completed");
	}
	uidset_fini(&uids);
}

void session_run_append(struct imap_session *session)
{
	struct session_append *append = session->append;

	MUST(append && append->count > 0 && !append->upload);
	append->given = true;
	session_ask_new(session, IMAP_ASK_APPEND);
	session->ask.append.name = session->command->append.mailbox.name;
	session->ask.append.messages = append->messages;
	session->ask.append.count = append->count;
	session_ask(session, appended);
}
