/*
 * LIST and LSUB over a sorted stream of names: patterns, and which names are
 * told with which attributes (RFC 9051 section 6.3.9, RFC 5258, RFC 3501
 * section 6.3.9).
 */
#ifndef IMAP_LIST_MATCH_H
#define IMAP_LIST_MATCH_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"
#include "imap/command.h"
#include "imap/port.h"
#include "imap/writer.h"

/* ---- patterns ---- */

/* Octets of a pattern without its wildcards; no name is longer. */
#define IMAP_PATTERN_MAX 1024

struct imap_pattern;

/*
 * Compiles a pattern, in UTF-8, with the reference in front: "*" matches any
 * octets, "%" any but the separator. A first component "inbox" in any case is
 * INBOX. Lives in `arena`. One that is too long matches nothing.
 */
struct imap_pattern *imap_pattern_new(struct arena *arena,
				      struct slice reference,
				      struct slice pattern, char separator);

/*
 * Time grows with the name's length times the pattern's length / 64, however
 * many wildcards there are.
 */
bool imap_pattern_match(const struct imap_pattern *pattern, struct slice name);

/* What every match begins with; for imap_ask_list. Borrowed from the arena. */
struct slice imap_pattern_prefix(const struct imap_pattern *pattern);

/* ---- which names are told ---- */

/*
 * Called for each name that is told, in no particular order.
 *
 *   entry  as it was added, or made up (`exists` false) for a name above a
 *          listed one; valid during the call
 *   line   ready for imap_write_list; valid during the call
 */
typedef void imap_list_tell(void *arg, const struct imap_list_entry *entry,
			    const struct imap_list_line *line);

/*
 * Judges names as they come.
 *
 * A name is told if it matches a pattern and satisfies the selection (it
 * exists; with SUBSCRIBED or LSUB it is subscribed; with SPECIAL-USE it has
 * one), or if some name below it satisfies the selection without matching a
 * pattern, and the command is one that tells so: RECURSIVEMATCH (CHILDINFO),
 * LSUB (\Noselect), plain LIST of a name that does not exist (\NonExistent
 * \HasChildren). RFC 5258 sections 3.3 and 3.5.
 */
struct imap_list_walk;

/* `list` and its slices must outlive the walk. */
struct imap_list_walk *imap_list_walk_new(const struct imap_list *list,
					  bool lsub, char separator,
					  imap_list_tell *tell, void *arg);
void imap_list_walk_free(struct imap_list_walk **walkp);

/*
 * What all names of interest begin with (for imap_ask_list); the longest
 * common beginning of all patterns. Borrowed until free.
 */
struct slice imap_list_walk_prefix(const struct imap_list_walk *walk);

/*
 * The next name; strictly above the one before in the order of octets. The
 * entry is not kept.
 */
void imap_list_walk_add(struct imap_list_walk *walk,
			const struct imap_list_entry *entry);

/* After the last name: tells what was waiting for names below it. */
void imap_list_walk_end(struct imap_list_walk *walk);

#endif
