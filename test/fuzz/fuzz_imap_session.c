/*
 * A whole IMAP session over mail in memory, with answers, changes of others and
 * failures at random times.
 *
 * The first octet chooses how the rest is said, the second one is the seed of
 * what else happens.
 *
 * - Polite: each line of the rest is a command; the client gives it a tag,
 *   sends literals when it may, and reads what is said. Each command must get
 *   one tagged answer, or the session closes; all responses must be well
 *   formed, whatever stands in literals. The client counts messages and must
 *   come to the same number as the session; no expunge may come while FETCH,
 *   STORE or SEARCH count, too.
 * - Rude: the rest is sent as it is, in pieces, and read now and then.
 *
 * In both cases what waits to be sent is bounded.
 */
#include <stddef.h>
#include <stdint.h>

#include "../unit/imap/scene.h"
#include "base/mem.h"
#include "base/panic.h"
#include "imap/session_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Octets that may wait: the mark, one READ and one slice of few messages. */
#define OUTPUT_MAX (IMAP_OUTPUT_HIGH + IMAP_READ_OCTETS_MAX + 64 * 1024)

/* Literals that the polite client is ready to send. */
#define LITERAL_MAX 5000

/* Lines that it says in one SASL exchange before it gives up. */
#define EXCHANGE_MAX 6

struct fuzz {
	struct fake_store *store;
	struct fake_port port;
	struct imap_session *session;
	struct random_seeded random;
	struct slice rest; /* of the input */
	struct buf said;   /* by the session, since the command began */
	bool calm;         /* nothing else happens */
	uint64_t messages; /* as the client counts them */
	bool opening;      /* SELECT: the first EXISTS is of another mailbox */
};

static const struct imap_config config = {
	.hostname = "fe1.example.org",
	.software = "Murder",
	.version = "1.0",
	.separator = '/',
	.prefix_personal = "",
	.prefix_others = "Other Users/",
	.prefix_shared = "Shared Folders/",
	.append_limit = 3000,
	.login_timeout_ms = 60000,
	.idle_timeout_ms = 1800000,
	.login_delay_ms = 2000,
	.plain_without_tls = true,
};

static bool one_in(struct fuzz *fuzz, uint64_t n)
{
	return !fuzz->calm && random_range(&fuzz->random.random, 1, n) == 1;
}

/* ---- what others do ---- */

static struct fake_mailbox *some_mailbox(struct fuzz *fuzz)
{
	uint64_t id =
		random_range(&fuzz->random.random, 1, fuzz->store->last_id);

	if (fuzz->port.watcher.mailbox && one_in(fuzz, 2))
		return fuzz->port.watcher.mailbox;
	return fake_mailbox_get(fuzz->store, id);
}

static void change_some(struct fuzz *fuzz, struct fake_mailbox *mailbox)
{
	struct fake_user *jane = fake_user_find(fuzz->store, SLICE_LIT("jane"));
	struct fake_message *message;
	struct slice keyword = SLICE_LIT("$Other");
	struct fake_change change = {
		.op = one_in(fuzz, 2) ? IMAP_STORE_ADD : IMAP_STORE_REMOVE,
		.flags = one_in(fuzz, 2) ? IMAP_FLAG_SEEN : IMAP_FLAG_DELETED,
		.keywords = &keyword,
		.keyword_count = one_in(fuzz, 4),
	};

	if (!mailbox->count)
		return;
	message = &mailbox->messages[random_range(&fuzz->random.random, 0,
						  mailbox->count - 1)];
	if (one_in(fuzz, 2))
		fake_message_expunge(mailbox, message->uid,
				     mailbox->modseq + 1);
	else
		fake_message_change(mailbox, message, jane, &change,
				    mailbox->modseq + 1);
}

static void others_act(struct fuzz *fuzz)
{
	struct fake_mailbox *mailbox = some_mailbox(fuzz);

	if (one_in(fuzz, 30))
		mailbox->deleted = true;
	else if (one_in(fuzz, 15))
		fake_acl_set(mailbox, SLICE_LIT("john"),
			     (uint32_t)random_u64(&fuzz->random.random) &
				     FAKE_RIGHTS_ALL);
	else if (one_in(fuzz, 2))
		fake_message_add(mailbox, SLICE_LIT(MESSAGE_2));
	else
		change_some(fuzz, mailbox);
	fake_changed(mailbox);
}

static void set_fault(struct fuzz *fuzz)
{
	static const enum err errs[] = {
		ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_NOTFOUND, ERR_GONE,
		ERR_LIMIT,       ERR_IO,      ERR_CORRUPT,
	};

	fuzz->port.fault = (struct fake_fault){
		.kind = fuzz->port.asked->kind,
		.err = errs[random_range(&fuzz->random.random, 0,
					 ARRAY_LEN(errs) - 1)],
	};
}

/* ---- the driver ---- */

static void look(const struct fuzz *fuzz)
{
	MUST(imap_session_output(fuzz->session)->len <= OUTPUT_MAX);
}

static void tick(struct fuzz *fuzz)
{
	if (one_in(fuzz, 2000))
		fuzz->port.now_ms += 70000;
	(void)imap_session_tick(fuzz->session, fuzz->port.now_ms);
}

static void drain(struct fuzz *fuzz)
{
	struct buf *out = imap_session_output(fuzz->session);

	look(fuzz);
	buf_add_slice(&fuzz->said, buf_slice(out));
	buf_clear(out);
	imap_session_sent(fuzz->session, fuzz->port.now_ms);
}

static void answer(struct fuzz *fuzz)
{
	if (one_in(fuzz, 8))
		others_act(fuzz);
	if (fuzz->port.asked && one_in(fuzz, 40))
		set_fault(fuzz);
	(void)fake_port_step(&fuzz->port);
	tick(fuzz);
}

/* Until the session waits for its client. */
static void settle(struct fuzz *fuzz)
{
	while (imap_session_busy(fuzz->session) ||
	       imap_session_output(fuzz->session)->len) {
		drain(fuzz);
		answer(fuzz);
	}
	if (!imap_session_closing(fuzz->session) &&
	    !imap_session_wants_input(fuzz->session)) {
		fuzz->port.now_ms += config.login_delay_ms; /* of a NO */
		tick(fuzz);
		drain(fuzz);
	}
}

static void say(struct fuzz *fuzz, struct slice text)
{
	while (text.len && !imap_session_closing(fuzz->session)) {
		size_t taken = imap_session_feed(fuzz->session,
						 fuzz->port.now_ms, text);

		text = slice_from(text, taken);
		settle(fuzz);
		if (fuzz->port.starttls) {
			static const struct imap_transport tls = {
				.tls = true,
				.peer = "fuzz",
			};

			fuzz->port.starttls = false;
			imap_session_tls_up(fuzz->session, fuzz->port.now_ms,
					    &tls);
			return;
		}
		MUST(taken || imap_session_closing(fuzz->session) ||
		     imap_session_wants_input(fuzz->session));
	}
}

/* ---- reading what the session says ---- */

/* The octets of a literal announced at the end of a line; false: none. */
static bool announced(struct slice line, uint64_t *size_r, bool *sync_r)
{
	size_t begin = line.len;

	if (!line.len || line.data[line.len - 1] != '}')
		return false;
	line.len--;
	*sync_r = !slice_has_suffix(line, SLICE_LIT("+"));
	line.len -= !*sync_r;
	begin = line.len;
	while (begin > 0 && line.data[begin - 1] >= '0' &&
	       line.data[begin - 1] <= '9')
		begin--;
	if (begin == 0 || begin == line.len || line.data[begin - 1] != '{')
		return false;
	return slice_to_u64(slice_from(line, begin), UINT64_MAX, size_r);
}

/*
 * Cuts the next response, with its literals, off `*said`; its first line comes
 * back. What is said must be whole responses.
 */
static struct slice next_response(struct slice *said)
{
	struct slice first = SLICE_NONE;
	struct slice line;
	uint64_t size;
	bool sync;

	do {
		size_t end = slice_find(*said, '\n');

		MUST(end < said->len && end > 0);
		MUST(said->data[end - 1] == '\r');
		line = slice_first(*said, end - 1);
		if (!first.data)
			first = line;
		*said = slice_from(*said, end + 1);
		size = 0;
		if (announced(line, &size, &sync)) {
			MUST(sync);
			MUST(size <= said->len);
			*said = slice_from(*said, (size_t)size);
		} else {
			return first;
		}
	} while (true);
}

/* How many tagged answers there are; *goes_on_r: a "+" was the last one. */
static unsigned count_tagged(const struct fuzz *fuzz, struct slice tag,
			     bool *goes_on_r)
{
	struct slice said = buf_slice(&fuzz->said);
	unsigned count = 0;

	*goes_on_r = false;
	while (said.len) {
		struct slice line = next_response(&said);
		struct slice word = slice_cut(&line, ' ');

		*goes_on_r = slice_eq(word, SLICE_LIT("+"));
		if (*goes_on_r || slice_eq(word, SLICE_LIT("*")))
			continue;
		MUST(slice_eq(word, tag));
		word = slice_cut(&line, ' ');
		MUST(slice_eq(word, SLICE_LIT("OK")) ||
		     slice_eq(word, SLICE_LIT("NO")) ||
		     slice_eq(word, SLICE_LIT("BAD")));
		count++;
	}
	return count;
}

/* ---- counting messages ---- */

static bool is_one_of(struct slice word, const char *const *words)
{
	for (; *words; words++)
		if (slice_eq_nocase(word, slice_str(*words)))
			return true;
	return false;
}

static void count_vanished(struct fuzz *fuzz, struct slice set)
{
	struct uidset uids = { 0 };

	if (slice_has_prefix(set, SLICE_LIT("(EARLIER)")))
		return;
	MUST(uidset_parse(&uids, set, 10000) == ERR_NONE);
	MUST(uidset_size(&uids) <= fuzz->messages);
	fuzz->messages -= uidset_size(&uids);
	uidset_fini(&uids);
}

/* One untagged response; `no_expunge`: the command counts by position. */
static void count_response(struct fuzz *fuzz, struct slice line,
			   bool no_expunge)
{
	struct slice word = slice_cut(&line, ' ');
	uint64_t number;

	if (slice_eq(word, SLICE_LIT("VANISHED"))) {
		MUST(!no_expunge ||
		     slice_has_prefix(line, SLICE_LIT("(EARLIER)")));
		count_vanished(fuzz, line);
		return;
	}
	if (!slice_to_u64(word, UINT32_MAX, &number))
		return;
	word = slice_cut(&line, ' ');
	if (slice_eq(word, SLICE_LIT("EXISTS"))) {
		MUST(number >= fuzz->messages || fuzz->opening);
		fuzz->messages = number;
		fuzz->opening = false;
	} else if (slice_eq(word, SLICE_LIT("EXPUNGE"))) {
		MUST(!no_expunge);
		MUST(number >= 1 && number <= fuzz->messages);
		fuzz->messages--;
	} else if (slice_eq(word, SLICE_LIT("FETCH"))) {
		MUST(number >= 1 && number <= fuzz->messages);
	} else {
		MUST(slice_eq(word, SLICE_LIT("RECENT")));
	}
}

/* `command`: the line that the client said, behind its tag. */
static void count_messages(struct fuzz *fuzz, struct slice command)
{
	static const char *const opens[] = { "SELECT", "EXAMINE", NULL };
	static const char *const counts[] = { "FETCH", "STORE", "SEARCH",
					      NULL };
	const struct session_mailbox *mailbox = &fuzz->session->mailbox;
	struct slice said = buf_slice(&fuzz->said);
	struct slice word = slice_cut(&command, ' ');

	fuzz->opening = is_one_of(word, opens);
	while (said.len) {
		struct slice line = next_response(&said);

		if (slice_eq(slice_cut(&line, ' '), SLICE_LIT("*")))
			count_response(fuzz, line, is_one_of(word, counts));
	}
	if (!mailbox->open)
		fuzz->messages = 0;
	else
		MUST(fuzz->messages == uidset_size(&mailbox->view->uids));
}

/* ---- the polite client ---- */

/* Sends the octets of a literal: letters, and the text that the input has. */
static void say_literal(struct fuzz *fuzz, uint64_t size)
{
	struct buf text = { 0 };
	struct slice some = slice_first(fuzz->rest, (size_t)size);

	buf_add_slice(&text, some);
	fuzz->rest = slice_from(fuzz->rest, some.len);
	while (text.len < size)
		buf_add_octet(&text, 'x');
	say(fuzz, buf_slice(&text));
	buf_fini(&text);
}

/* Says the rest of a command; false: the client cannot go on. */
static bool say_command(struct fuzz *fuzz, struct slice tag)
{
	bool goes_on = true;

	for (;;) {
		struct slice line = slice_cut(&fuzz->rest, '\n');
		uint64_t size = 0;
		bool sync = false;
		bool literal = announced(line, &size, &sync);

		say(fuzz, line);
		say(fuzz, SLICE_LIT("\r\n"));
		if (!literal || imap_session_closing(fuzz->session))
			return true;
		if (size > LITERAL_MAX)
			return false;
		if (sync && (count_tagged(fuzz, tag, &goes_on) || !goes_on))
			return true;
		say_literal(fuzz, size);
	}
}

/* IDLE and AUTHENTICATE go on with lines. */
static bool end_exchange(struct fuzz *fuzz, struct slice tag)
{
	bool goes_on = false;

	for (int i = 0; !imap_session_closing(fuzz->session) &&
			count_tagged(fuzz, tag, &goes_on) == 0;
	     i++) {
		struct slice line = slice_cut(&fuzz->rest, '\n');

		if (i >= EXCHANGE_MAX)
			return false;
		say(fuzz, i % 2 ? SLICE_LIT("*") : line);
		say(fuzz, SLICE_LIT("\r\n"));
	}
	return true;
}

static void be_polite(struct fuzz *fuzz)
{
	struct buf tag = { 0 };
	bool ok = true;

	for (unsigned i = 0; fuzz->rest.len && ok; i++) {
		struct slice command = fuzz->rest;
		bool goes_on;

		buf_clear(&tag);
		buf_printf(&tag, "t%u", i);
		buf_clear(&fuzz->said);
		say(fuzz, buf_slice(&tag));
		say(fuzz, SLICE_LIT(" "));
		ok = say_command(fuzz, buf_slice(&tag)) &&
		     end_exchange(fuzz, buf_slice(&tag));
		if (imap_session_closing(fuzz->session))
			break;
		if (!ok)
			break;
		MUST(count_tagged(fuzz, buf_slice(&tag), &goes_on) == 1);
		count_messages(fuzz, slice_cut(&command, '\n'));
	}
	buf_fini(&tag);
}

/* ---- the rude client ---- */

static void be_rude(struct fuzz *fuzz)
{
	while (fuzz->rest.len && !imap_session_closing(fuzz->session)) {
		size_t piece =
			(size_t)random_range(&fuzz->random.random, 1, 50);
		size_t taken =
			imap_session_feed(fuzz->session, fuzz->port.now_ms,
					  slice_first(fuzz->rest, piece));

		fuzz->rest = slice_from(fuzz->rest, taken);
		look(fuzz);
		while (imap_session_busy(fuzz->session) && !one_in(fuzz, 3))
			answer(fuzz);
		tick(fuzz);
		if (!taken || one_in(fuzz, 4))
			drain(fuzz);
		buf_clear(&fuzz->said);
		if (one_in(fuzz, 500))
			imap_session_shutdown(fuzz->session, fuzz->port.now_ms,
					      "stop");
		if (!taken && !imap_session_busy(fuzz->session) &&
		    !imap_session_wants_input(fuzz->session))
			return;
	}
}

/* ---- */

static void begin(struct fuzz *fuzz, const uint8_t *data, size_t size)
{
	static const struct imap_transport transport = {
		.can_starttls = true,
		.peer = "fuzz",
		.tls_exporter = { (const uint8_t *)"exported", 8 },
	};

	fuzz->store = fake_store_new();
	scene_given_john(fuzz->store);
	fuzz->store->no_structures = data[0] & 4;
	fake_port_init(&fuzz->port, fuzz->store);
	fuzz->port.room = 100;
	fuzz->port.rows_max = data[0] & 8 ? 2 : 512;
	fuzz->port.list_max = data[0] & 8 ? 2 : 1000;
	random_seeded_init(&fuzz->random, data[1]);
	fuzz->session = imap_session_new(&config, &fuzz->port.port,
					 &fuzz->random.random, &transport, 0);
	fuzz->port.session = fuzz->session;
	fuzz->rest = slice_of(data + 2, size - 2);
	fuzz->calm = true;
	if (!(data[0] & 16))
		say(fuzz, SLICE_LIT("in LOGIN john secret\r\n"));
	settle(fuzz);
	fuzz->calm = data[0] & 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz fuzz = { 0 };

	if (size < 2)
		return 0;
	begin(&fuzz, data, size);
	if (data[0] & 1)
		be_rude(&fuzz);
	else
		be_polite(&fuzz);
	fuzz.calm = true;
	fake_port_run(&fuzz.port);
	imap_session_free(&fuzz.session);
	fake_port_fini(&fuzz.port);
	fake_store_free(&fuzz.store);
	buf_fini(&fuzz.said);
	return 0;
}
