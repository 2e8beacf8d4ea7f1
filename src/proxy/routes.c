/*
 * The routing table.
 */
#include "proxy/routes.h"

#include "base/panic.h"

static const char *const names[] = {
	[PROXY_HERE] = "here",
	[PROXY_FLOW] = "flow",
	[PROXY_MAILBOX] = "mailbox's group",
	[PROXY_SELECTED] = "selected",
	[PROXY_SEVERAL] = "several",
};

/* A new command is put into one of these lists, or does not compile. */
enum proxy_route proxy_route_of(enum imap_kind kind)
{
	switch (kind) {
	case IMAP_AUTHENTICATE:
	case IMAP_CAPABILITY:
	case IMAP_DELETEACL:
	case IMAP_ENABLE:
	case IMAP_GETACL:
	case IMAP_ID:
	case IMAP_LISTRIGHTS:
	case IMAP_LOGIN:
	case IMAP_LOGOUT:
	case IMAP_LSUB:
	case IMAP_MYRIGHTS:
	case IMAP_NAMESPACE:
	case IMAP_SETACL:
	case IMAP_STARTTLS:
	case IMAP_SUBSCRIBE:
	case IMAP_UNSELECT:
	case IMAP_UNSUBSCRIBE:
		return PROXY_HERE;
	case IMAP_APPEND:
	case IMAP_CREATE:
	case IMAP_DELETE:
	case IMAP_RENAME:
		return PROXY_FLOW;
	case IMAP_EXAMINE:
	case IMAP_SELECT:
	case IMAP_STATUS:
		return PROXY_MAILBOX;
	case IMAP_CHECK:
	case IMAP_CLOSE:
	case IMAP_COPY:
	case IMAP_EXPUNGE:
	case IMAP_FETCH:
	case IMAP_IDLE:
	case IMAP_MOVE:
	case IMAP_NOOP:
	case IMAP_SEARCH:
	case IMAP_STORE:
		return PROXY_SELECTED;
	case IMAP_LIST:
		return PROXY_SEVERAL;
	}
	PANIC("command %d has no route", (int)kind);
}

const char *proxy_route_name(enum proxy_route route)
{
	return names[route];
}

enum proxy_way proxy_way_of(enum imap_ask_kind kind)
{
	switch (kind) {
	case IMAP_ASK_USER_KEYS:
	case IMAP_ASK_PASSWORD:
	case IMAP_ASK_LIST:
	case IMAP_ASK_GET_ACL:
	case IMAP_ASK_RIGHTS:
		return PROXY_WAY_DIRECTORY;
	case IMAP_ASK_STORE:
	case IMAP_ASK_EXPUNGE:
	case IMAP_ASK_COPY:
	case IMAP_ASK_UPLOAD:
	case IMAP_ASK_APPEND:
	case IMAP_ASK_CREATE:
	case IMAP_ASK_DELETE:
	case IMAP_ASK_RENAME:
	case IMAP_ASK_SUBSCRIBE:
	case IMAP_ASK_SET_ACL:
		return PROXY_WAY_LOG;
	case IMAP_ASK_OPEN:
	case IMAP_ASK_SYNC:
	case IMAP_ASK_STATUS:
	case IMAP_ASK_ROWS:
	case IMAP_ASK_READ:
	case IMAP_ASK_STRUCTURE:
	case IMAP_ASK_SEARCH:
	case IMAP_ASK_CHANGES:
		return PROXY_WAY_COPY;
	}
	PANIC("ask %d has no way", (int)kind);
}

static const enum imap_kind kinds[] = {
#define X(name, states) IMAP_##name,
	IMAP_COMMAND_LIST(X)
#undef X
};

void proxy_routes_print(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		buf_printf(out, "%-12s  %s\n", imap_kind_name(kinds[i]),
			   proxy_route_name(proxy_route_of(kinds[i])));
}
