/*
 * Any octets to an LMTP session: in any split the same replies and the same
 * deliveries, well formed, and in bounds.
 *
 * The first octet is the seed of the split. What the port answers depends on
 * what it is asked only: users "no*" do not exist, "full*" are over quota;
 * bodies that hold "unknown", "refuse" or "nospace" fail in these ways.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/panic.h"
#include "base/random.h"
#include "lmtp/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Octets that may wait: one reply to each octet would be too much; a piece has
 * at most PIECE_MAX of them, and the shortest command is five octets long.
 */
#define PIECE_MAX 64
#define REPLY_MAX 512

struct lmtp_upload {
	struct buf octets;
};

struct talk {
	struct lmtp_port port;
	struct lmtp_session *session;
	struct lmtp_ask *asked;
	struct lmtp_upload upload;
	bool uploading;
	bool starttls;
	size_t room;
	struct buf said;
	struct buf delivered;
};

static const struct lmtp_config config = {
	.hostname = "be1.example.org",
	.message_max = 2000,
	.detail_separator = '+',
	.timeout_ms = 300000,
	.login_timeout_ms = 60000,
};

static struct talk *talk_of(struct lmtp_port *port)
{
	return container_of(port, struct talk, port);
}

/* ---- the port ---- */

static void port_ask(struct lmtp_port *port, struct lmtp_ask *ask)
{
	MUST(!talk_of(port)->asked);
	talk_of(port)->asked = ask;
}

static enum err port_upload_begin(struct lmtp_port *port, void *first_target,
				  struct lmtp_upload **upload_r)
{
	struct talk *talk = talk_of(port);
	struct slice target = slice_str(first_target);

	MUST(!talk->uploading);
	if (slice_has_prefix(target, SLICE_LIT("busy")))
		return ERR_BUSY;
	talk->uploading = true;
	buf_clear(&talk->upload.octets);
	*upload_r = &talk->upload;
	return ERR_NONE;
}

static bool port_upload_add(struct lmtp_port *port, struct lmtp_upload *upload,
			    struct slice octets, bool trace)
{
	struct talk *talk = talk_of(port);
	size_t before = upload->octets.len;

	MUST(talk->uploading);
	if (!trace)
		buf_add_slice(&upload->octets, octets);
	MUST(upload->octets.len <= config.message_max);
	return before / talk->room == upload->octets.len / talk->room;
}

static void port_upload_abort(struct lmtp_port *port,
			      struct lmtp_upload *upload unused_arg)
{
	MUST(talk_of(port)->uploading);
	talk_of(port)->uploading = false;
}

static void port_starttls(struct lmtp_port *port)
{
	talk_of(port)->starttls = true;
}

static struct slice port_date(struct lmtp_port *port unused_arg,
			      struct arena *arena unused_arg)
{
	return SLICE_LIT("Tue, 24 Nov 2026 18:00:00 +0000");
}

/* ---- answers ---- */

static void answer_recipient(struct lmtp_ask_recipient *ask)
{
	ask->target =
		arena_printf(ask->ask.arena, "%.*s/%.*s", SLICE_FMT(ask->user),
			     SLICE_FMT(ask->detail));
	if (slice_has_prefix(ask->user, SLICE_LIT("no")))
		ask->ask.err = ERR_NOTFOUND;
}

static bool holds(const struct talk *talk, const char *word)
{
	const struct buf *octets = &talk->upload.octets;

	return octets->len &&
	       memmem(octets->data, octets->len, word, strlen(word));
}

static void answer_upload(struct talk *talk, struct lmtp_ask_upload *ask)
{
	MUST(talk->uploading);
	if (ask->finish && holds(talk, "nospace"))
		ask->ask.err = ERR_FULL;
}

static void answer_deliver(struct talk *talk, struct lmtp_ask_deliver *ask)
{
	MUST(talk->uploading);
	MUST(ask->count > 0);
	talk->uploading = false;
	if (holds(talk, "unknown"))
		ask->ask.err = ERR_LEADER_LOST;
	else if (holds(talk, "refuse"))
		ask->ask.err = ERR_UNAVAILABLE;
	for (size_t i = 0; i < ask->count && !ask->ask.err; i++) {
		struct lmtp_delivery *delivery = &ask->deliveries[i];
		const char *target = delivery->target;

		if (strncmp(target, "full", 4) == 0)
			delivery->err = ERR_OVERQUOTA;
		else
			buf_printf(&talk->delivered, "%s <%.*s> %zu\n", target,
				   SLICE_FMT(ask->mail_from),
				   talk->upload.octets.len);
	}
}

static void answer(struct talk *talk)
{
	struct lmtp_ask *ask = talk->asked;

	talk->asked = NULL;
	switch (ask->kind) {
	case LMTP_ASK_RECIPIENT:
		answer_recipient(
			container_of(ask, struct lmtp_ask_recipient, ask));
		break;
	case LMTP_ASK_UPLOAD:
		answer_upload(talk,
			      container_of(ask, struct lmtp_ask_upload, ask));
		break;
	case LMTP_ASK_DELIVER:
		answer_deliver(talk,
			       container_of(ask, struct lmtp_ask_deliver, ask));
		break;
	}
	lmtp_session_answer(talk->session, 0, ask);
}

/* ---- a talk ---- */

static void take_said(struct talk *talk, size_t fed)
{
	struct buf *out = lmtp_session_output(talk->session);

	MUST(out->len <= (fed / 5 + 2) * REPLY_MAX + LMTP_RECIPIENTS_MAX * 64);
	buf_add_slice(&talk->said, buf_slice(out));
	buf_clear(out);
}

static void feed(struct talk *talk, struct slice piece)
{
	while (piece.len && !lmtp_session_closing(talk->session)) {
		size_t taken = lmtp_session_feed(talk->session, 0, piece);

		piece = slice_from(piece, taken);
		while (talk->asked)
			answer(talk);
		take_said(talk, taken);
		if (talk->starttls) {
			talk->starttls = false;
			lmtp_session_tls_up(talk->session, 0);
		}
		MUST(taken || lmtp_session_wants_input(talk->session) ||
		     lmtp_session_closing(talk->session));
	}
}

/* Three digits, SP or "-", text; all lines of a reply have one code. */
static void check_replies(struct slice said)
{
	struct slice code = SLICE_NONE; /* of the reply that goes on */

	while (said.len) {
		size_t end = slice_find(said, '\n');
		struct slice line = slice_first(said, end);

		MUST(end < said.len);
		MUST(line.len >= 5 && line.data[line.len - 1] == '\r');
		MUST(slice_find(slice_first(line, line.len - 1), '\r') ==
		     line.len - 1);
		for (int i = 0; i < 3; i++)
			MUST(line.data[i] >= '0' && line.data[i] <= '9');
		MUST(line.data[3] == ' ' || line.data[3] == '-');
		MUST(!code.data || slice_eq(code, slice_first(line, 3)));
		code = line.data[3] == '-' ? slice_first(line, 3) : SLICE_NONE;
		said = slice_from(said, end + 1);
	}
	MUST(!code.data);
}

/* `piece` 0: random ones. */
static void play(struct talk *talk, struct slice text, size_t piece,
		 uint64_t seed)
{
	struct random_seeded random;

	random_seeded_init(&random, seed);
	*talk = (struct talk){
		.port = {
			.ask = port_ask,
			.upload_begin = port_upload_begin,
			.upload_add = port_upload_add,
			.upload_abort = port_upload_abort,
			.starttls = port_starttls,
			.date = port_date,
		},
		.room = piece == 1 ? 7 : 1000,
	};
	talk->session = lmtp_session_new(&config, &talk->port, false, true,
					 "192.0.2.1:4711", 0);
	while (text.len) {
		size_t len = piece ? piece
				   : (size_t)random_range(&random.random, 1,
							  PIECE_MAX);

		feed(talk, slice_first(text, len));
		text = slice_from(text, len);
	}
	lmtp_session_free(&talk->session);
	MUST(!talk->uploading);
	check_replies(buf_slice(&talk->said));
}

static void talk_fini(struct talk *talk)
{
	buf_fini(&talk->upload.octets);
	buf_fini(&talk->said);
	buf_fini(&talk->delivered);
}

static void must_be_same(const struct talk *a, const struct talk *b)
{
	MUST(slice_eq(buf_slice(&a->said), buf_slice(&b->said)));
	MUST(slice_eq(buf_slice(&a->delivered), buf_slice(&b->delivered)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data + 1, size - 1);
	struct talk random;
	struct talk octets;
	struct talk whole;

	if (size < 2)
		return 0;
	play(&whole, text, text.len, 0);
	play(&octets, text, 1, 0);
	play(&random, text, 0, data[0]);
	must_be_same(&whole, &octets);
	must_be_same(&whole, &random);
	talk_fini(&whole);
	talk_fini(&octets);
	talk_fini(&random);
	return 0;
}
