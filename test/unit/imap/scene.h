/*
 * Scenes: conversations of IMAP clients with sessions over one fake_store, as
 * text. Each line begins with who says it:
 *
 *   C: A1 SELECT INBOX       the client, with CRLF behind it
 *   P: A1 SELECT INBOX       the same, in one piece with the next line
 *   S: * 3 EXISTS            the session
 *   2C: ..., 2S: ...         a second client, of the same store
 *   # verb arguments         what else happens to the client (2# ...):
 *     # login NAME           who it is; before it says anything. The default
 *                            is john.
 *     # greet                it has not logged in
 *     # plain                the same, without TLS
 *     # tls                  the handshake of STARTTLS is over
 *     # select NAME          it says "s SELECT NAME", which succeeds
 *     # qresync NAME         the same behind "ENABLE QRESYNC"
 *     # fail KIND ERR [done] the next ask of that kind gets the error; it
 *                            takes effect all the same
 *     # wait MS              time passes
 *     # limit N              answers of LIST and ROWS have N entries at most
 *     # closed               the session must be closing now
 *
 * In what clients say <NUL> stands for that octet, <n*x> for n times x; a line
 * that ends in <> goes on without CRLF.
 *
 * What a session says must be there, and nothing else, when the next line is
 * somebody else's. Greetings and the answers of `select` are not looked at;
 * the code of capabilities is shown as [CAPABILITY ...].
 *
 * SCENE_SHOW=1 in the environment writes what is said, as a script.
 *
 * The same scenes are played on a real server by test/scenario/scenes.py: with
 * SCENE_EXPORT=FILE in the environment each is appended to that file as a line
 * of JSON, and not played.
 */
#ifndef TEST_IMAP_SCENE_H
#define TEST_IMAP_SCENE_H

#include "fake_port.h"

typedef void scene_given(struct fake_store *store);

/*
 * Plays the scene
 *   - as it is written;
 *   - octet by octet, with answers in slices of one entry: the same is said;
 *   - up to each of its steps (an ask, half of what is said, all of it), where
 *     the server stops, or the session is freed as soon as it may be, or the
 *     right to read the selected mailbox is taken away;
 *   - with each ask in turn failing: a write with an unknown outcome must
 *     close the session, all else must leave it alive.
 */
void scene_play(scene_given *given, const char *script);

/* Only the first: for scenes that are large. */
void scene_play_once(scene_given *given, const char *script);

/* True: scenes are exported; nothing is to be played. */
bool scene_export(scene_given *given, const char *script);

/* ---- for tests that need more than text ---- */

struct scene_client {
	struct fake_port port;
	struct imap_session *session;
	struct random_seeded random;
};

/* A setting for tests: every capability, limits that are easily reached. */
extern const struct imap_config scene_config;
extern const struct imap_transport scene_transport_tls;

/* Connected and greeted; `tls`: the transport below is. */
void scene_client_init(struct scene_client *client, struct fake_store *store,
		       bool tls);

/* The same, logged in as `name`, nothing said since. */
void scene_client_login(struct scene_client *client, struct fake_store *store,
			const char *name);
void scene_client_fini(struct scene_client *client);

/* Says it, and all asks are answered. */
void scene_say(struct scene_client *client, struct slice text);

/* What the session has said must be this, and is then forgotten. */
void scene_expect(struct scene_client *client, const char *text);

/* ---- what is given ---- */

/*
 * john, jane and admin, whose passwords are "secret". john's INBOX has UIDs 1
 * to 4 (MESSAGE_1 ..), UIDVALIDITY 1, MODSEQ 5; Sent, Drafts, Trash with their
 * special use, Work/2024 without Work. jane lets him read and write in
 * Other Users/jane/Plans, only look at Other Users/jane/Diary.
 */
void scene_given_john(struct fake_store *store);

/* Of `name` in john's mail; it must exist. */
struct fake_mailbox *scene_mailbox(struct fake_store *store, const char *name);

/* Messages like "Subject: 7\r\n\r\n7\r\n" until UIDNEXT is `uidnext`. */
void scene_fill(struct fake_mailbox *mailbox, uint32_t uidnext);

/* RFC 9051 section 8 */
#define MESSAGE_1                                            \
	"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"    \
	"From: Terry Gray <gray@cac.washington.edu>\r\n"     \
	"Subject: IMAP4rev2 WG mtg summary and minutes\r\n"  \
	"To: imap@cac.washington.edu\r\n"                    \
	"cc: minutes@CNRI.Reston.VA.US, \r\n"                \
	"   John Klensin <KLENSIN@MIT.EDU>\r\n"              \
	"Message-Id: <B27397-0100000@cac.washington.ed>\r\n" \
	"MIME-Version: 1.0\r\n"                              \
	"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n"     \
	"\r\n"                                               \
	"Hello\r\n"

/* A multipart: text, base64 with a NUL, a message in a message. */
#define MESSAGE_2                                       \
	"From: jane@example.org\r\n"                    \
	"Subject: parts\r\n"                            \
	"MIME-Version: 1.0\r\n"                         \
	"Content-Type: multipart/mixed; boundary=b\r\n" \
	"\r\n"                                          \
	"--b\r\n"                                       \
	"\r\n"                                          \
	"one\r\n"                                       \
	"--b\r\n"                                       \
	"Content-Type: image/png\r\n"                   \
	"Content-Transfer-Encoding: base64\r\n"         \
	"\r\n"                                          \
	"YQBiYw==\r\n"                                  \
	"--b\r\n"                                       \
	"Content-Type: message/rfc822\r\n"              \
	"\r\n"                                          \
	"Subject: inner\r\n"                            \
	"\r\n"                                          \
	"deep\r\n"                                      \
	"--b--\r\n"

#define MESSAGE_3 "Subject: three\r\n\r\n3\r\n"
#define MESSAGE_4 "Subject: four\r\n\r\n4\r\n"

#endif
