/*
 * Where each command of a client is carried out, and with it each ask of the
 * session (architecture.md 8). `murderctl routes` prints the table.
 *
 * The session stays where the client's connection is, whatever the command;
 * the table says whose help it needs.
 */
#ifndef PROXY_ROUTES_H
#define PROXY_ROUTES_H

#include "base/buf.h"
#include "imap/command.h"
#include "imap/port.h"

enum proxy_route {
	PROXY_HERE, /* session and directory: every node has both */
	PROXY_FLOW, /* commands of the log, proposed here; bodies from here */
	PROXY_MAILBOX,  /* a copy of the group of the mailbox that it names */
	PROXY_SELECTED, /* a copy of the group of the selected mailbox */
	PROXY_SEVERAL,  /* copies of several groups */
};

/* One for each command. */
enum proxy_route proxy_route_of(enum imap_kind kind);

/* "selected" */
const char *proxy_route_name(enum proxy_route route);

/* How the port answers an ask. */
enum proxy_way {
	PROXY_WAY_DIRECTORY, /* from the directory, of which all have a copy */
	PROXY_WAY_LOG,       /* proposed here, under an op id of this node */
	PROXY_WAY_COPY, /* read from a copy of a mail group: over a channel if
			 * this node has none */
};

/* One for each ask. */
enum proxy_way proxy_way_of(enum imap_ask_kind kind);

/* The table for people: a line a command. Appended. */
void proxy_routes_print(struct buf *out);

#endif
