/*
 * Deliveries over LMTP: op_deliver.c.
 */
#ifndef SERVER_OP_DELIVER_H
#define SERVER_OP_DELIVER_H

#include "server/lmtp_link.h"

/* The port's functions (lmtp/session.h). */
void deliver_ask(struct lmtp_port *port, struct lmtp_ask *ask);
must_use enum err deliver_upload_begin(struct lmtp_port *port,
				       void *first_target,
				       struct lmtp_upload **upload_r);
bool deliver_upload_add(struct lmtp_port *port, struct lmtp_upload *upload,
			struct slice octets, bool trace);
void deliver_upload_abort(struct lmtp_port *port, struct lmtp_upload *upload);
struct slice deliver_date(struct lmtp_port *port, struct arena *arena);

/* The link goes: what was not proposed is thrown away. */
void deliver_abandon(struct lmtp_link *link);

/* A recipient that may receive: lmtp_ask_recipient.target. */
struct deliver_target {
	struct slice user; /* normalised */
	uint64_t user_id;
	uint64_t mailbox;
	uint64_t root;
	uint32_t group;
	uint64_t quota_octets;
	uint64_t quota_messages;
};

/* The ask RECIPIENT, on its own (op_recipient.c). */
void deliver_recipient(struct lmtp_link *link, struct lmtp_ask *ask);

#endif
