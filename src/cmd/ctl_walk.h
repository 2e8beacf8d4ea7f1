/*
 * murderctl import: paths in, messages out. A path is a file, a folder with all
 * below it, a Maildir, an mbox or a tar.
 */
#ifndef CMD_CTL_WALK_H
#define CMD_CTL_WALK_H

#include <stdint.h>

#include "cmd/ctl.h"
#include "cmd/ctl_letter.h"

/* Takes letter->flags over; its octets are borrowed. False: that is enough. */
typedef bool letter_each(void *arg, struct letter *letter);

struct letter_walk {
	enum ctl_format format;
	letter_each *each; /* NULL: only adds up the sizes */
	void *arg;

	uint64_t octets; /* of the files met */
	uint64_t failed; /* files that could not be read */

	/* its own */
	char *keywords_of; /* the folder whose keywords these are */
	struct maildir_keywords keywords;
};

/*
 * False: `each` has had enough. Of a Maildir its own messages are given, not
 * those of its folders.
 */
bool letter_walk_path(struct letter_walk *walk, char *path);

/* Is a folder with a "cur" more than a folder in this format? */
bool letter_walk_knows_maildirs(const struct letter_walk *walk);

/* Frees what the walk keeps between two paths. */
void letter_walk_fini(struct letter_walk *walk);

#endif
