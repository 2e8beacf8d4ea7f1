/*
 * murderctl import: what mbox files and Maildirs say of a message besides its
 * octets.
 */
#ifndef CMD_CTL_LETTER_H
#define CMD_CTL_LETTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/buf.h"
#include "base/slice.h"

/* A message to be sent to the daemon. */
struct letter {
	struct slice octets;
	json_t *flags; /* array, owned */
	time_t date;   /* 0: unknown */
};

/* ---- mbox (RFC 4155, with the quoting of mboxrd) ---- */

/* Does a message begin here? */
bool mbox_is_from_line(struct slice rest);

/*
 * One message off the front of an mbox, which begins with its From_ line. Its
 * octets are made in `out`, and its flags are the caller's.
 */
struct letter mbox_take(struct slice *rest, struct buf *out);

/* ---- Maildir ---- */

/* Letters a to z of file names (Dovecot's dovecot-keywords). */
#define MAILDIR_KEYWORDS 26

struct maildir_keywords {
	char *names[MAILDIR_KEYWORDS]; /* owned; NULL: not known */
};

/* Of a Maildir or one of its folders; none if it has no such file. */
void maildir_keywords_read(const char *folder,
			   struct maildir_keywords *keywords_r);

/* Forgets the names. */
void maildir_keywords_fini(struct maildir_keywords *keywords);

/* "...:2,FRSa": the flags of a message by its file's path; owned. */
json_t *maildir_flags(const char *path,
		      const struct maildir_keywords *keywords);

/* Has it a "cur"? */
bool maildir_is(const char *folder);

/* The folders of a Maildir++: ".Sent", ".Sent.2024", by name; owned. */
struct maildir_folders {
	char **names;
	size_t count;
};

/* None if there is no such folder, or it cannot be read. */
void maildir_folders_read(const char *maildir,
			  struct maildir_folders *folders_r);

/* Forgets the names. */
void maildir_folders_fini(struct maildir_folders *folders);

#endif
