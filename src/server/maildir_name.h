/*
 * Folders of a Maildir++ as names of mailboxes.
 */
#ifndef SERVER_MAILDIR_NAME_H
#define SERVER_MAILDIR_NAME_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

/*
 * Appends a folder's name, as the directory keeps it, to that of the mailbox
 * that the Maildir is: ".Sent.2024" to "user.john". Its components are in
 * modified UTF-7, or in UTF-8, as some servers are set to write.
 *
 * False: no folder is called so; what is in `name` then is of no use. Whether
 * the whole can be a mailbox is for names_check.
 */
must_use bool maildir_name_add(struct slice folder, struct buf *name);

#endif
