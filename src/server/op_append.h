/*
 * Uploads of an APPEND: op_append.c.
 */
#ifndef SERVER_OP_APPEND_H
#define SERVER_OP_APPEND_H

#include "imap/port.h"

struct append;

/* The port's upload functions (imap/port.h). */
must_use enum err append_upload_begin(struct imap_port *port, struct slice name,
				      uint64_t size,
				      struct imap_upload **upload_r);
bool append_upload_add(struct imap_port *port, struct imap_upload *upload,
		       struct slice octets);
void append_upload_abort(struct imap_port *port, struct imap_upload *upload);

/* The session goes while an APPEND is being uploaded: nothing was proposed. */
void append_abandon(struct append **appendp);

#endif
