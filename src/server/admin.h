/*
 * The admin socket: what `murderctl` talks to.
 *
 * A Unix socket, mode 0600, peer credentials checked (root or the daemon's own
 * user). One JSON object a line each way, versioned:
 *
 *   {"v":1,"cmd":"user.add","args":{"name":"john","password":"..."}}
 *   {"v":1,"ok":true,"result":{...}}            or
 *   {"v":1,"ok":false,"error":"EXISTS","text":"user john already exists"}
 *                                               and the end of the connection
 *
 * Long work sends {"v":1,"progress":{...}} lines before its answer. `import`
 * is followed by messages: a line {"size":n,"flags":[..],"date":..} and then n
 * octets each (server/admin_import.c), and `log.dump` by a line for each piece
 * that the peer has taken (server/admin_log.c).
 */
#ifndef SERVER_ADMIN_H
#define SERVER_ADMIN_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

#define ADMIN_LINE_MAX (1024 * 1024) /* octets of one request line */
#define ADMIN_CONNECTIONS_MAX 64

struct admin;
struct node;

/* On the main loop. `why` names the path and what is wrong with it. */
must_use enum err admin_open(struct node *node, struct buf *why);

/* Refuses new commands and closes idle connections; on the main loop. */
void admin_stop(struct admin *admin);

/* Cuts what is left, after admin_stop; true when nothing is. */
bool admin_drain(struct admin *admin);

/* After the main loop has ended. */
void admin_close(struct admin **adminp);

#endif
