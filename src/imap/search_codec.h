/*
 * Bound search programs as octets: for a node that matches the rows of its
 * copy for the session of another node.
 *
 * What a program meant when it was bound goes along: UIDs for sequence numbers
 * and "$", bits for keywords, the time for YOUNGER and OLDER. So both nodes
 * mean the same messages, whatever has happened in the mailbox since.
 */
#ifndef IMAP_SEARCH_CODEC_H
#define IMAP_SEARCH_CODEC_H

#include "imap/search.h"

/* Appends the program, which is bound. */
void imap_search_encode(const struct imap_search *search, struct buf *out);

/*
 * The program that was encoded, bound, in `arena`; texts are borrowed from
 * `in`. ERR_SYNTAX: it is none; ERR_LIMIT: more than IMAP_SEARCH_KEYS_MAX keys
 * or nested deeper than SEARCH_DEPTH_MAX.
 */
must_use enum err imap_search_decode(struct slice in, struct arena *arena,
				     struct imap_search **search_r);

#endif
