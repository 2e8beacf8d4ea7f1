/*
 * One end of a connection as a test sees it: it notes what the stream tells
 * and holds both ends on one loop, which the test turns itself.
 */
#ifndef TEST_IO_PEER_H
#define TEST_IO_PEER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "io/listener.h"
#include "io/loop.h"
#include "io/stream.h"
#include "io/tls.h"

struct peer {
	struct io_stream *stream;
	struct buf in;
	size_t take; /* octets of one `input` that it takes; 0: all */
	unsigned ups;
	unsigned inputs;
	unsigned above;
	unsigned below;
	unsigned idle;
	bool ended;
	bool closed;
	enum err err;
	char why[128];
	/* Called by `input` with all that came, before it returns; or NULL */
	void (*on_input)(struct peer *peer);
	void *arg;
};

extern const struct io_stream_ops peer_ops;
extern const struct io_stream_ops peer_ops_no_end; /* without input_end */

/* A directory of the test's own, with a pair of certificate and key. */
struct place {
	char dir[64];
	char cert[96];
	char key[96];
};

void place_init(struct place *place);
void place_fini(struct place *place);

/* A loop, a listener on a free port of 127.0.0.1, and both ends of a talk. */
struct talk {
	struct io_loop *loop;
	struct io_listener *listener;
	struct io_tls *server_tls; /* implicit TLS if set before talk_open */
	struct io_tls *client_tls;
	struct io_tls_peer want; /* who the client expects */
	struct sha256 pin;
	struct peer server;
	struct peer client;
};

void talk_init(struct talk *talk);

/* Contexts of the place's pair for both ends; the client pins its key. */
void talk_use_tls(struct talk *talk, const struct place *place);

/* Connects; returns when both ends are up (or one is closed). */
void talk_open(struct talk *talk);

/* Without a listener: both ends of a socketpair, plain. */
void talk_open_pair(struct talk *talk);

/* Aborts both ends and forgets them; talk_open may follow. */
void talk_hang_up(struct talk *talk);

/* Aborts what is open and frees everything. */
void talk_fini(struct talk *talk);

/* Turns the loop until `cond`; fails the test after 20 s. */
#define TURN_UNTIL(loop, cond)                                           \
	do {                                                             \
		uint64_t turn_start_ms = peer_now_ms();                  \
		while (!(cond)) {                                        \
			peer_check_time(turn_start_ms, #cond, __LINE__); \
			io_loop_turn(loop);                              \
		}                                                        \
	} while (0)

uint64_t peer_now_ms(void);
void peer_check_time(uint64_t start_ms, const char *what, int line);

void peer_say(struct peer *peer, const char *text);

/* Turns until `peer` has got exactly `text`, and forgets it. */
void expect_text(struct talk *talk, struct peer *peer, const char *text);

/* `len` octets of a pattern from `offset` on, owned by the caller. */
void pattern_fill(struct buf *out, size_t offset, size_t len);
bool pattern_is(struct slice data, size_t offset);

#endif
