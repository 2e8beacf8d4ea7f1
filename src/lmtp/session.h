/*
 * An LMTP session (RFC 2033): the pure core of one delivering client.
 *
 * PIPELINING, SIZE (RFC 1870), 8BITMIME (RFC 6152), SMTPUTF8 (RFC 6531),
 * ENHANCEDSTATUSCODES (RFC 2034), CHUNKING (RFC 3030, with BINARYMIME not
 * offered), STARTTLS (RFC 3207). One answer per recipient after the commit;
 * an unknown outcome closes the connection without the replies that are
 * missing: the sender tries again and `delivered` answers for what is there.
 *
 * In: octets, answers, ticks. Out: octets, asks, close: as imap/session.h.
 */
#ifndef LMTP_SESSION_H
#define LMTP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define LMTP_RECIPIENTS_MAX 1000 /* of one message; RFC 5321 wants >= 100 */
#define LMTP_LINE_MAX 2048       /* octets; RFC 5321 4.5.3.1 with SMTPUTF8 */
#define LMTP_BAD_MAX 10          /* bad commands before the close */

/* With this many octets of replies the session waits until some were sent. */
#define LMTP_OUTPUT_HIGH (64 * 1024)

struct lmtp_config {
	const char *hostname;
	uint64_t message_max;  /* octets; SIZE */
	char detail_separator; /* user+detail: '+'; 0: none */
	uint32_t timeout_ms;   /* idle client */
	uint32_t login_timeout_ms;
};

enum lmtp_ask_kind {
	LMTP_ASK_RECIPIENT, /* may this address receive? */
	LMTP_ASK_UPLOAD,    /* room for more octets, or the end */
	LMTP_ASK_DELIVER,   /* into the mailboxes of all recipients */
};

struct lmtp_ask {
	enum lmtp_ask_kind kind;
	struct arena *arena; /* of the transaction */
	enum err err;
	void *owner; /* the port's own */
};

/* ERR_NOTFOUND 550 5.1.1, ERR_OVERQUOTA 452 4.2.2, ERR_DISABLED, ... */
struct lmtp_ask_recipient {
	struct lmtp_ask ask;
	struct slice address; /* without <>, local part unquoted */
	struct slice user;    /* local part without detail [@domain] */
	struct slice detail;  /* folder after the separator; may be empty */
	/* answer */
	void *target; /* the port's handle, arena-allocated */
};

struct lmtp_upload; /* the port's: one message on its way to disk */

struct lmtp_ask_upload {
	struct lmtp_ask ask;
	struct lmtp_upload *upload;
	bool finish;
};

/* One per recipient; `err` is the answer: NONE 250, NOT_DONE kinds 4xx/5xx. */
struct lmtp_delivery {
	void *target;
	struct slice address;
	enum err err;
};

/*
 * Ends the upload in any case. `ask.err` UNKNOWN: close without the replies
 * that are missing. Each delivery's err is set otherwise.
 */
struct lmtp_ask_deliver {
	struct lmtp_ask ask;
	struct lmtp_upload *upload;
	struct slice mail_from; /* reverse path without <>, may be empty */
	struct lmtp_delivery *deliveries;
	size_t count;
};

struct lmtp_port {
	/* lmtp_session_answer gives it back; later, never inside the call. */
	void (*ask)(struct lmtp_port *port, struct lmtp_ask *ask);

	/*
	 * A message begins, for at least the recipient `first_target`; its
	 * trace header (Return-Path, Received) is the first data that the
	 * session gives. ERR_FULL, ERR_BUSY: 452.
	 */
	must_use enum err (*upload_begin)(struct lmtp_port *port,
					  void *first_target,
					  struct lmtp_upload **upload_r);

	/*
	 * Takes all. `trace` octets do not count for the key of `delivered`:
	 * only octets as received do. False: enough, ask LMTP_ASK_UPLOAD.
	 */
	bool (*upload_add)(struct lmtp_port *port, struct lmtp_upload *upload,
			   struct slice octets, bool trace);
	void (*upload_abort)(struct lmtp_port *port,
			     struct lmtp_upload *upload);
	void (*starttls)(struct lmtp_port *port);

	/* "Tue, 24 Nov 2026 18:00:00 +0000" for Received; in `arena`. */
	struct slice (*date)(struct lmtp_port *port, struct arena *arena);
};

struct lmtp_session;

/*
 * `config` and `port` outlive the session; `peer` ("192.0.2.1:4711", for
 * Received and logs) is copied. The greeting is in the output at once.
 */
struct lmtp_session *lmtp_session_new(const struct lmtp_config *config,
				      struct lmtp_port *port, bool tls,
				      bool can_starttls, const char *peer,
				      uint64_t now_ms);

/* No ask may be outstanding (lmtp_session_busy). */
void lmtp_session_free(struct lmtp_session **sessionp);

/* Takes a prefix of `in` and says how long it was; 0 while it cannot. */
size_t lmtp_session_feed(struct lmtp_session *session, uint64_t now_ms,
			 struct slice in);

/* It would take octets now; else the driver stops reading. */
bool lmtp_session_wants_input(const struct lmtp_session *session);

/* Gives an ask back with its answer. */
void lmtp_session_answer(struct lmtp_session *session, uint64_t now_ms,
			 struct lmtp_ask *ask);

/* After starttls: the handshake is done, nothing from before counts. */
void lmtp_session_tls_up(struct lmtp_session *session, uint64_t now_ms);

/* Returns when it wants to be called next (monotonic ms; UINT64_MAX: never). */
uint64_t lmtp_session_tick(struct lmtp_session *session, uint64_t now_ms);

/* Octets for the client; the driver sends and drops them. */
struct buf *lmtp_session_output(struct lmtp_session *session);

/* Send what is left, then close. */
bool lmtp_session_closing(const struct lmtp_session *session);

/* An ask is outstanding: free only after its answer. */
bool lmtp_session_busy(const struct lmtp_session *session);

/* Server stops: 421 where one can be sent. */
void lmtp_session_shutdown(struct lmtp_session *session, uint64_t now_ms);

#endif
