/*
 * What a client sees of the names in the directory, and back.
 *
 *   internal           alternate              standard        admin
 *   user.john (own)    INBOX                  INBOX           user/john
 *   user.john.Sent     Sent                   INBOX/Sent      user/john/Sent
 *   user.john.INBOX.x  INBOX/x                INBOX/INBOX/x   ...
 *   user.jane.Sent     Other Users/jane/Sent  user/jane/Sent  user/jane/Sent
 *   s.news             Shared Folders/s/news  s/news          s/news
 *
 * Names are UTF-8 on both sides: modified UTF-7 belongs to the IMAP border.
 * A user of a domain sees the users of it without the domain, others as
 * `jane@example.org`, and the shared folders of the own domain only. Users
 * without a domain are those of the default domain: others see them with it,
 * or not at all where there is none. An admin sees
 * `user/john/Sent@example.org`, as in Cyrus.
 *
 * With separator '/' a client's '.' is '^' inside and its '^' is refused; with
 * separator '.' the '^' stands for itself on both sides and '/' is refused.
 *
 * Both directions are pure. What goes in, and comes out, comes back the same;
 * the own name below "Other Users" and the default domain spelled out are
 * understood, too, but never shown.
 */
#ifndef CLUSTER_NAMESPACE_H
#define CLUSTER_NAMESPACE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct namespace_view {
	char separator;    /* '/' or '.' */
	bool alternate;    /* personal mailboxes beside INBOX, not below */
	bool admin;        /* no INBOX of one's own: the administrator's view */
	struct slice user; /* whose view; unused if `admin` */
	struct slice default_domain; /* of users without one; may be empty */
	struct slice others;         /* "Other Users": alternate only */
	struct slice shared;         /* "Shared Folders": alternate only */
	struct slice clash; /* "Alt Folders": own names that look like these */
};

/* The defaults above for a user; all slices are static or borrowed. */
void namespace_init(struct namespace_view *ns, struct slice user);

/*
 * What is wrong with a text as `others` or `shared` in a view with this
 * separator, for an operator: "contains the separator"; static. NULL: nothing.
 */
const char *namespace_prefix_fault(char separator, struct slice prefix);

/*
 * Appends the internal name of what the client calls `client`. One separator
 * at the end is ignored (RFC 9051 section 6.3.4). INBOX in any case.
 *
 * ERR_INVALID: no client name of a mailbox can look like this; ERR_NOTFOUND:
 * it is the prefix of a namespace, no mailbox. The limits are not checked.
 */
must_use enum err namespace_to_internal(const struct namespace_view *ns,
					struct slice client, struct buf *out);

/* Appends what the client sees; false: the name is not in its view. */
bool namespace_to_client(const struct namespace_view *ns, struct slice name,
			 struct buf *out);

enum namespace_kind {
	NAMESPACE_PERSONAL,
	NAMESPACE_OTHERS,
	NAMESPACE_SHARED,
};

/* Which of the three a mailbox belongs to in this view (RFC 2342). */
enum namespace_kind namespace_kind_of(const struct namespace_view *ns,
				      struct slice name);

/*
 * Appends the prefix of the NAMESPACE answer, with the separator behind unless
 * it is empty ("Other Users/"); false: the view has no such namespace.
 */
bool namespace_prefix(const struct namespace_view *ns, enum namespace_kind kind,
		      struct buf *out);

#endif
