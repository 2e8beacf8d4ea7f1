/*
 * One LMTP client: the stream below, the session core, the port between.
 */
#ifndef SERVER_LMTP_LINK_H
#define SERVER_LMTP_LINK_H

#include "base/timer.h"
#include "io/stream.h"
#include "lmtp/session.h"
#include "server/loop.h"

struct lmtp_link {
	struct server_link head;
	struct lmtp_port port;
	struct lmtp_session *session;
	struct timer tick;
	struct deliver *deliver; /* op_deliver.c: the message under way */
	bool above;              /* the stream's queue is above its mark */
	bool paused;
	bool closing;
};

void lmtp_link_accept(struct server_loop *loop, struct io_accepted *accepted);

/* Gives an ask back to the session; on the link's loop, late. */
void lmtp_link_answer(struct lmtp_link *link, struct lmtp_ask *ask);

#endif
