/*
 * murderctl's end of the admin socket (server/admin.h): one request at a time,
 * blocking.
 */
#ifndef CMD_ADMIN_CLIENT_H
#define CMD_ADMIN_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct admin_client {
	int fd;
	struct buf in; /* read, not yet a line */
};

/* ERR_UNAVAILABLE: nobody listens; ERR_DENIED: not root or the owner. */
must_use enum err admin_client_open(struct admin_client *client,
				    const char *path);
void admin_client_close(struct admin_client *client);

/* Sends {"v":1,"cmd":..,"args":..}; `args` is taken over, may be NULL. */
must_use enum err admin_client_request(struct admin_client *client,
				       const char *command, json_t *args);

/* Octets behind a request (import). ERR_CLOSED: see what was answered. */
must_use enum err admin_client_send(struct admin_client *client,
				    struct slice octets);

/*
 * The next line, as an object of the caller's. `wait` false: ERR_END if none
 * has come yet. ERR_CLOSED: the daemon is gone; ERR_SYNTAX.
 */
must_use enum err admin_client_read(struct admin_client *client, bool wait,
				    json_t **line_r);

#endif
