/*
 * Scenes: reading the script, and the ways to play it.
 */
#include "scene.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

/* ---- the script ---- */

#define CLIENTS 2

static void tick(struct scene_client *client)
{
	(void)imap_session_tick(client->session, client->port.now_ms);
}

enum way {
	WAY_WHOLE,
	WAY_OCTETS,
	WAY_STOP, /* the server, at a step */
	WAY_FREE, /* the session, at a step */
	WAY_DENY, /* the right to read the selected mailbox goes, at a step */
	WAY_FAIL, /* an ask, with `fail` */
};

struct play {
	enum way way;
	unsigned at; /* the step, or the ask of client 0 that fails */
	enum err fail;
	unsigned steps; /* so far */
	unsigned asks;
	bool over;   /* the step was there */
	bool failed; /* the ask was there */
	bool strict; /* what is said is looked at */
	const char *script;
	struct fake_store *store;
	struct scene_client clients[CLIENTS];
	struct buf expected[CLIENTS];
};

/* Something happened to the first client; what was planned may be due. */
static void step(struct play *play)
{
	struct scene_client *client = &play->clients[0];

	play->steps++;
	if (play->over || play->steps != play->at || play->way < WAY_STOP ||
	    play->way == WAY_FAIL || !client->session)
		return;
	play->over = true;
	if (play->way == WAY_DENY)
		imap_session_rights(client->session, client->port.now_ms, 0);
	if (play->way == WAY_STOP)
		imap_session_shutdown(client->session, client->port.now_ms,
				      "server is stopping");
}

static bool is_write(enum imap_ask_kind kind)
{
	static const enum imap_ask_kind writes[] = {
		IMAP_ASK_STORE,     IMAP_ASK_EXPUNGE, IMAP_ASK_COPY,
		IMAP_ASK_APPEND,    IMAP_ASK_CREATE,  IMAP_ASK_DELETE,
		IMAP_ASK_RENAME,    IMAP_ASK_SET_ACL, IMAP_ASK_UPLOAD,
		IMAP_ASK_SUBSCRIBE,
	};

	for (size_t i = 0; i < ARRAY_LEN(writes); i++)
		if (writes[i] == kind)
			return true;
	return false;
}

static void check_failed(struct play *play, enum imap_ask_kind kind,
			 size_t said)
{
	struct scene_client *client = &play->clients[0];

	if (!is_write(kind) || err_outcome(play->fail) != OUTCOME_UNKNOWN)
		return;
	cr_expect(imap_session_closing(client->session), "ask %u of: %s",
		  play->asks, play->script);
	cr_expect_eq(imap_session_output(client->session)->len, said,
		     "ask %u of: %s", play->asks, play->script);
}

/* Answers one ask, if there is one. */
static bool answer(struct play *play, struct scene_client *client)
{
	bool fails = false;
	enum imap_ask_kind kind;
	size_t said;

	if (!client->port.asked)
		return false;
	kind = client->port.asked->kind;
	said = imap_session_output(client->session)->len;
	if (client == &play->clients[0]) {
		fails = play->way == WAY_FAIL && ++play->asks == play->at;
		step(play);
	}
	if (fails) {
		play->failed = true;
		client->port.fault =
			(struct fake_fault){ kind, 0, play->fail, false };
	}
	(void)fake_port_step(&client->port);
	if (fails)
		check_failed(play, kind, said);
	return true;
}

/* All clients: one may wake another. */
static void settle(struct play *play)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < CLIENTS; i++) {
			if (!play->clients[i].session)
				continue;
			more |= answer(play, &play->clients[i]);
			tick(&play->clients[i]);
			more |= play->clients[i].port.asked != NULL;
		}
	}
}

static void feed(struct play *play, struct scene_client *client,
		 struct slice text)
{
	size_t piece = play->way == WAY_OCTETS ? 1 : text.len;

	while (text.len) {
		size_t taken =
			imap_session_feed(client->session, client->port.now_ms,
					  slice_first(text, piece));

		text = slice_from(text, taken);
		settle(play);
		if (!taken && !imap_session_wants_input(client->session))
			return;
	}
}

static void start(struct play *play, struct scene_client *client,
		  const char *name)
{
	if (client->session)
		return;
	scene_client_login(client, play->store, name);
	if (play->way != WAY_OCTETS)
		return;
	client->port.room = 3;
	client->port.list_max = 1;
	client->port.rows_max = 1;
}

/* ---- what clients say ---- */

/* <NUL> and <n*x>; what else stands between < and > is left as it is. */
static void expand(struct slice line, struct buf *out)
{
	while (line.len) {
		size_t end = slice_find(line, '>');
		unsigned long count;
		char *behind;

		if (line.data[0] != '<' || end == line.len) {
			buf_add_octet(out, line.data[0]);
			line = slice_from(line, 1);
			continue;
		}
		count = strtoul((const char *)line.data + 1, &behind, 10);
		if (slice_has_prefix(line, SLICE_LIT("<NUL>"))) {
			buf_add_octet(out, '\0');
		} else if (*behind == '*' && behind[2] == '>') {
			while (count-- > 0)
				buf_add_octet(out, (uint8_t)behind[1]);
		} else {
			buf_add_octet(out, '<');
			line = slice_from(line, 1);
			continue;
		}
		line = slice_from(line, end + 1);
	}
}

static void add_said(struct slice line, struct buf *out)
{
	bool open = slice_has_suffix(line, SLICE_LIT("<>"));

	expand(slice_first(line, line.len - (open ? 2 : 0)), out);
	if (!open)
		buf_add_str(out, "\r\n");
}

/* The first client's are steps, half and whole. */
static void say(struct play *play, struct scene_client *client,
		struct slice text)
{
	start(play, client, "john");
	if (client != &play->clients[0] || play->way < WAY_STOP) {
		feed(play, client, text);
		return;
	}
	feed(play, client, slice_first(text, text.len / 2));
	step(play);
	feed(play, client, slice_from(text, text.len / 2));
	step(play);
}

/* ---- what else happens ---- */

static const struct {
	const char *name;
	enum imap_ask_kind kind;
} kinds[] = {
	{ "PASSWORD", IMAP_ASK_PASSWORD }, { "LIST", IMAP_ASK_LIST },
	{ "OPEN", IMAP_ASK_OPEN },         { "SYNC", IMAP_ASK_SYNC },
	{ "STATUS", IMAP_ASK_STATUS },     { "ROWS", IMAP_ASK_ROWS },
	{ "READ", IMAP_ASK_READ },         { "STRUCTURE", IMAP_ASK_STRUCTURE },
	{ "SEARCH", IMAP_ASK_SEARCH },     { "STORE", IMAP_ASK_STORE },
	{ "EXPUNGE", IMAP_ASK_EXPUNGE },   { "COPY", IMAP_ASK_COPY },
	{ "UPLOAD", IMAP_ASK_UPLOAD },     { "APPEND", IMAP_ASK_APPEND },
	{ "CREATE", IMAP_ASK_CREATE },     { "DELETE", IMAP_ASK_DELETE },
	{ "RENAME", IMAP_ASK_RENAME },     { "SUBSCRIBE", IMAP_ASK_SUBSCRIBE },
	{ "CHANGES", IMAP_ASK_CHANGES },   { "SET_ACL", IMAP_ASK_SET_ACL },
};

static enum err err_of(struct slice name)
{
	for (int i = 1; i <= ERR_STALE; i++)
		if (slice_eq(name, slice_str(err_name((enum err)i))))
			return (enum err)i;
	cr_assert_fail("no error %.*s", SLICE_FMT(name));
	return ERR_NONE;
}

static void verb_fail(struct scene_client *client, struct slice args)
{
	struct slice name = slice_cut(&args, ' ');
	struct fake_fault fault = { .err = err_of(slice_cut(&args, ' ')) };
	bool found = false;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!slice_eq(name, slice_str(kinds[i].name)))
			continue;
		fault.kind = kinds[i].kind;
		found = true;
	}
	cr_assert(found, "no ask %.*s", SLICE_FMT(name));
	fault.done = args.len > 0;
	client->port.fault = fault;
}

static void verb_wait(struct play *play, struct slice args)
{
	uint64_t ms;

	cr_assert(slice_to_u64(args, UINT32_MAX, &ms));
	for (size_t i = 0; i < CLIENTS; i++)
		play->clients[i].port.now_ms += ms;
	settle(play);
}

static void verb_start(struct play *play, struct scene_client *client,
		       struct slice verb, struct slice args)
{
	char *name = mem_dup(args.data, args.len);

	cr_assert_null(client->session);
	if (slice_eq(verb, SLICE_LIT("login")))
		start(play, client, name);
	else
		scene_client_init(client, play->store,
				  slice_eq(verb, SLICE_LIT("greet")));
	buf_clear(imap_session_output(client->session));
	mem_free(name);
}

static void verb_select(struct play *play, struct scene_client *client,
			struct slice args, bool qresync)
{
	struct buf line = { 0 };
	struct buf *out = imap_session_output(client->session);

	if (qresync)
		buf_add_str(&line, "s ENABLE QRESYNC\r\n");
	buf_printf(&line, "s SELECT \"%.*s\"\r\n", SLICE_FMT(args));
	feed(play, client, buf_slice(&line));
	buf_fini(&line);
	cr_expect(!play->strict ||
		  slice_has_suffix(buf_slice(out),
				   SLICE_LIT("SELECT completed\r\n")));
	buf_clear(out);
}

static void verb_limit(struct scene_client *client, struct slice args)
{
	uint64_t count;

	cr_assert(slice_to_u64(args, UINT32_MAX, &count));
	client->port.list_max = (size_t)count;
	client->port.rows_max = (size_t)count;
}

static void run_verb(struct play *play, struct scene_client *client,
		     struct slice args)
{
	struct slice verb = slice_cut(&args, ' ');

	if (slice_eq(verb, SLICE_LIT("login")) ||
	    slice_eq(verb, SLICE_LIT("greet")) ||
	    slice_eq(verb, SLICE_LIT("plain"))) {
		verb_start(play, client, verb, args);
		return;
	}
	start(play, client, "john");
	if (play->way == WAY_FAIL && slice_eq(verb, SLICE_LIT("fail")))
		return; /* has its own */
	if (slice_eq(verb, SLICE_LIT("fail")))
		verb_fail(client, args);
	else if (slice_eq(verb, SLICE_LIT("select")))
		verb_select(play, client, args, false);
	else if (slice_eq(verb, SLICE_LIT("qresync")))
		verb_select(play, client, args, true);
	else if (slice_eq(verb, SLICE_LIT("wait")))
		verb_wait(play, args);
	else if (slice_eq(verb, SLICE_LIT("limit")))
		verb_limit(client, args);
	else if (slice_eq(verb, SLICE_LIT("closed")))
		cr_expect(!play->strict ||
			  imap_session_closing(client->session));
	else if (!slice_eq(verb, SLICE_LIT("tls")))
		cr_assert_fail("no verb %.*s", SLICE_FMT(verb));
	else if (client->port.starttls)
		imap_session_tls_up(client->session, client->port.now_ms,
				    &scene_transport_tls);
}

/* ---- playing ---- */

/* SCENE_SHOW=1: what is said, in the form of a script. */
static void show(const struct play *play, size_t client, uint8_t mark,
		 struct slice text)
{
	if (play->way != WAY_WHOLE || !getenv("SCENE_SHOW"))
		return;
	while (text.len || mark != 'S') {
		struct slice line = slice_cut(&text, '\n');

		if (line.len && line.data[line.len - 1] == '\r')
			line.len--;
		printf("%s%c%s%.*s\n", client ? "2" : "", mark,
		       mark == '#' ? " " : ": ", SLICE_FMT(line));
		if (!text.len)
			break;
	}
	fflush(stdout);
}

/* Takes what was said, with capabilities cut short. */
static void take_said(struct buf *out, struct buf *said)
{
	struct slice rest = buf_slice(out);
	struct slice code = SLICE_LIT("[CAPABILITY ");

	while (rest.len) {
		if (slice_has_prefix(rest, code)) {
			buf_add_slice(said, code);
			buf_add_str(said, "...");
			rest = slice_from(rest, slice_find(rest, ']'));
		}
		buf_add_octet(said, rest.data[0]);
		rest = slice_from(rest, 1);
	}
	buf_clear(out);
}

static void check_client(struct play *play, size_t client, unsigned number)
{
	struct buf *expected = &play->expected[client];
	struct buf said = { 0 };

	take_said(imap_session_output(play->clients[client].session), &said);
	show(play, client, 'S', buf_slice(&said));
	if (play->strict && !getenv("SCENE_SHOW") &&
	    !slice_eq(buf_slice(&said), buf_slice(expected)))
		cr_assert_fail("%s, client %zu before line %u:\n"
			       "--- expected\n%s--- said\n%s---\n",
			       play->way == WAY_WHOLE ? "whole" : "octets",
			       client + 1, number, buf_cstr(expected),
			       buf_cstr(&said));
	buf_fini(&said);
	buf_clear(expected);
}

static void check(struct play *play, unsigned number)
{
	for (size_t i = 0; i < CLIENTS; i++)
		if (play->clients[i].session)
			check_client(play, i, number);
}

/* "2C" is client 1. Moves `line` behind the mark. */
static size_t whose(struct slice *line, uint8_t *mark_r)
{
	size_t client = 0;

	if (line->len && line->data[0] == '2') {
		client = 1;
		*line = slice_from(*line, 1);
	}
	cr_assert_gt(line->len, 1);
	*mark_r = line->data[0];
	cr_assert(strchr("CPS#", *mark_r), "%.*s", SLICE_FMT(*line));
	*line = slice_from(*line, *mark_r == '#' ? 2 : 3);
	return client;
}

static void expect(struct play *play, size_t client, struct slice line)
{
	buf_add_slice(&play->expected[client], line);
	buf_add_str(&play->expected[client], "\r\n");
}

static void play_line(struct play *play, size_t client, uint8_t mark,
		      struct slice line, struct buf *said)
{
	show(play, client, mark, line);
	if (mark == '#') {
		run_verb(play, &play->clients[client], line);
		return;
	}
	add_said(line, said);
	if (mark == 'P')
		return;
	say(play, &play->clients[client], buf_slice(said));
	buf_clear(said);
}

static void play_script(struct play *play)
{
	struct slice script = slice_str(play->script);
	struct buf said = { 0 }; /* what P lines have put together */
	unsigned number = 0;

	while (script.len && !play->over) {
		struct slice line = slice_cut(&script, '\n');
		uint8_t mark;
		size_t client = whose(&line, &mark);

		number++;
		if (mark == 'S') {
			expect(play, client, line);
			continue;
		}
		check(play, number);
		play_line(play, client, mark, line, &said);
	}
	if (!play->over)
		check(play, number + 1);
	buf_fini(&said);
}

static void play(struct play *play, scene_given *given)
{
	play->strict = play->way == WAY_WHOLE || play->way == WAY_OCTETS;
	play->store = fake_store_new();
	given(play->store);
	play_script(play);
	for (size_t i = 0; i < CLIENTS; i++) {
		scene_client_fini(&play->clients[i]);
		buf_fini(&play->expected[i]);
	}
	fake_store_free(&play->store);
}

static void play_all(scene_given *given, const char *script, enum way way,
		     enum err fail)
{
	for (unsigned at = 1;; at++) {
		struct play p = {
			.way = way, .at = at, .fail = fail, .script = script
		};

		play(&p, given);
		if (!p.over && !p.failed)
			break;
	}
}

void scene_play_once(scene_given *given, const char *script)
{
	struct play p = { .way = WAY_WHOLE, .script = script };

	if (!scene_export(given, script))
		play(&p, given);
}

void scene_play(scene_given *given, const char *script)
{
	struct play octets = { .way = WAY_OCTETS, .script = script };

	if (scene_export(given, script))
		return;
	scene_play_once(given, script);
	play(&octets, given);
	play_all(given, script, WAY_STOP, ERR_NONE);
	play_all(given, script, WAY_FREE, ERR_NONE);
	play_all(given, script, WAY_DENY, ERR_NONE);
	play_all(given, script, WAY_FAIL, ERR_UNAVAILABLE);
	play_all(given, script, WAY_FAIL, ERR_TIMEOUT);
	play_all(given, script, WAY_FAIL, ERR_GONE);
	play_all(given, script, WAY_FAIL, ERR_NOTFOUND);
}
