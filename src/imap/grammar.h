/*
 * The grammar of commands: from the text of one command to its structure.
 *
 * Used by parser.c only, which puts the text together. Functions return false
 * with scan->error set if the text is not of the grammar.
 */
#ifndef IMAP_GRAMMAR_H
#define IMAP_GRAMMAR_H

#include <stdbool.h>

#include "imap/command.h"
#include "imap/scan.h"

/* The tag alone; empty if the text does not begin with one. */
struct slice imap_grammar_tag(struct slice text);

/* Tag, UID and name: `tag`, `uid` and `kind` of the command. */
bool imap_grammar_head(struct imap_scan *scan, struct imap_command *command);

/* Arguments of this kind may be literals. */
bool imap_grammar_takes_literals(enum imap_kind kind);

/* All that follows the head of any command but APPEND. */
bool imap_grammar_args(struct imap_scan *scan, struct imap_command *command);

/* What an APPEND waits for behind a piece of its text. */
enum imap_append_piece {
	IMAP_PIECE_BAD,
	IMAP_PIECE_ARGUMENT, /* the literal is the mailbox name */
	IMAP_PIECE_MESSAGE,  /* the literal is a message: `last` is its item */
	IMAP_PIECE_DONE,     /* the command has ended */
};

/* A literal that was announced at the end of a line. */
struct imap_marker {
	uint64_t size;
	bool sync;
	bool literal8;
};

/*
 * The arguments of APPEND come in pieces, cut where a message stood: the first
 * one begins behind the head, others behind a message.
 *
 *   marker  the literal that ends the piece (not part of the text), or NULL at
 *           the end of the command
 *
 * A piece that waits for its mailbox name leaves nothing in `append`: it is
 * given again with the literal in it.
 */
enum imap_append_piece imap_grammar_append(struct imap_scan *scan,
					   struct imap_append *append,
					   const struct imap_marker *marker);

/* ---- one function a command, by file ---- */

/* grammar_mailbox.c */
bool imap_grammar_create(struct imap_scan *scan, struct imap_command *command);
bool imap_grammar_list(struct imap_scan *scan, struct imap_command *command);
bool imap_grammar_lsub(struct imap_scan *scan, struct imap_command *command);
bool imap_grammar_select(struct imap_scan *scan, struct imap_command *command);
bool imap_grammar_status(struct imap_scan *scan, struct imap_command *command);

/* grammar_fetch.c */
bool imap_grammar_fetch(struct imap_scan *scan, struct imap_command *command);
bool imap_grammar_store(struct imap_scan *scan, struct imap_command *command);

/* grammar_search.c */
bool imap_grammar_search(struct imap_scan *scan, struct imap_command *command);

#endif
