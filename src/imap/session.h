/*
 * An IMAP session: the pure core of one client connection (RFC 9051, 3501).
 *
 * In: octets, answers to asks, changes of the selected mailbox, room for
 * output, ticks. Out: octets in `imap_session_output`, asks to the port, the
 * wish to close. No I/O, no clock, no thread: the driver in server/ reads,
 * calls, sends; tests and fuzzers drive the same core.
 *
 * Commands run one at a time, in order; what a client pipelines waits in the
 * driver (imap_session_feed takes only what it can use).
 */
#ifndef IMAP_SESSION_H
#define IMAP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/random.h"
#include "base/slice.h"
#include "imap/port.h"

/* With this much output the session waits until some was sent. */
#define IMAP_OUTPUT_HIGH (256 * 1024) /* octets */

/* For the client to read its last lines; then they are thrown away. */
#define IMAP_LINGER_MS (30 * 1000)

/* Bad commands in a row before the connection is closed. */
#define IMAP_BAD_MAX 10

/* Settings, shared by all sessions; must outlive them. */
struct imap_config {
	const char *hostname;        /* for the greeting */
	const char *software;        /* ID "name" */
	const char *version;         /* ID "version" */
	char separator;              /* '/' or '.' */
	const char *prefix_personal; /* "" (altnamespace) or "INBOX/" */
	const char *prefix_others; /* "Other Users/"; NULL: namespace hidden */
	const char *prefix_shared; /* "Shared Folders/"; NULL: hidden */
	uint64_t append_limit;     /* octets of one message */
	uint32_t login_timeout_ms; /* before authentication */
	uint32_t idle_timeout_ms;  /* after it; >= 30 min (RFC 9051 5.4) */
	uint32_t login_delay_ms;   /* before the answer to a wrong password */
	bool plain_without_tls; /* LOGINDISABLED is not shown (tests, bench) */
	bool compress;          /* later */
};

struct imap_session;

/* What the transport below is, told at start and after STARTTLS. */
struct imap_transport {
	bool tls;
	bool local; /* Unix socket or loopback channel: counts as secure */
	bool can_starttls;
	const char *peer;          /* for log lines */
	struct slice tls_exporter; /* RFC 9266 channel binding; empty: none */
};

/* `port` and `random` outlive the session. Sends the greeting. */
struct imap_session *imap_session_new(const struct imap_config *config,
				      struct imap_port *port,
				      struct random *random,
				      const struct imap_transport *transport,
				      uint64_t now_ms);

/* No ask may be outstanding (imap_session_busy). */
void imap_session_free(struct imap_session **sessionp);

/* Takes a prefix of `in` and says how long it was; 0 while it cannot. */
size_t imap_session_feed(struct imap_session *session, uint64_t now_ms,
			 struct slice in);

/* It would take octets now; else the driver stops reading. */
bool imap_session_wants_input(const struct imap_session *session);

/* Gives an ask back with its answer. */
void imap_session_answer(struct imap_session *session, uint64_t now_ms,
			 struct imap_ask *ask);

/* The selected mailbox changed in the local copy: IDLE looks. */
void imap_session_changed(struct imap_session *session, uint64_t now_ms);

/*
 * The user's rights in the selected mailbox are these now (enum imap_right):
 * PERMANENTFLAGS is told anew. Whoever may no longer read it is told BYE.
 */
void imap_session_rights(struct imap_session *session, uint64_t now_ms,
			 uint32_t rights);

/* Output was sent: a command that waits for that goes on. */
void imap_session_sent(struct imap_session *session, uint64_t now_ms);

/* TLS is up after starttls, or the peer closed its side (`feed` of nothing). */
void imap_session_tls_up(struct imap_session *session, uint64_t now_ms,
			 const struct imap_transport *transport);

/*
 * Deadlines: login, idleness, delay after a wrong password. Returns when it
 * wants to be called next (monotonic ms; UINT64_MAX: never).
 */
uint64_t imap_session_tick(struct imap_session *session, uint64_t now_ms);

/* Octets for the client; the driver sends and drops them. */
struct buf *imap_session_output(struct imap_session *session);

/* Send what is left, then close. */
bool imap_session_closing(const struct imap_session *session);

/* An ask is outstanding: free only after its answer. */
bool imap_session_busy(const struct imap_session *session);

/* The connection is gone, or the server stops: BYE where one can be sent. */
void imap_session_shutdown(struct imap_session *session, uint64_t now_ms,
			   const char *why);

/* The user after authentication; empty before. For status and logs. */
struct slice imap_session_user(const struct imap_session *session);

#endif
