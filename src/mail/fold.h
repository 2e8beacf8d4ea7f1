/*
 * unicode_casemap of text outside ASCII, with a memory of single letters: the
 * general way costs far more than the search that follows.
 */
#ifndef MAIL_FOLD_H
#define MAIL_FOLD_H

#include "base/buf.h"
#include "base/slice.h"

struct mail_fold_letter;

/* A zeroed one knows nothing yet; it learns as it is used. */
struct mail_fold {
	struct mail_fold_letter *letters;
};

void mail_fold_fini(struct mail_fold *fold);

/* Appends what unicode_casemap appends for a run of octets above 127. */
void mail_fold_run(struct mail_fold *fold, struct slice run, struct buf *out);

#endif
