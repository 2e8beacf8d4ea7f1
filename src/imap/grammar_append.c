/*
 * APPEND (RFC 9051 section 6.3.12, RFC 3502, 3516, 6855), in pieces.
 *
 *   A1 APPEND saved (\Seen) {5}  message  SP {7}  message  (end)
 *            `------ piece 1 --'         `-2--'            `-3-'
 *
 * Each piece ends in a literal or in the end of the command. Where the reading
 * of a piece arrives at its end says what the literal is.
 */
#include "imap/grammar.h"

#include "base/panic.h"
#include "imap/parser.h"

/* A place for a literal behind SP or "(": the marker stands right here. */
static bool at_marker(const struct imap_scan *scan,
		      const struct imap_marker *marker)
{
	return marker != NULL && imap_scan_at_end(scan);
}

/* Flags and date, each with its SP, in front of the literal. */
static bool append_options(struct imap_scan *scan,
			   struct imap_append_item *item)
{
	if (imap_scan_peek(scan) == '(' &&
	    (!imap_scan_flag_list(scan, &item->flags) || !imap_scan_sp(scan)))
		return false;
	item->has_date = imap_scan_peek(scan) == '"';
	return !item->has_date ||
	       (imap_scan_date_time(scan, &item->internal_date_s,
				    &item->internal_zone_min) &&
		imap_scan_sp(scan));
}

/* UTF8 SP "(" literal8 ")": the ")" begins the next piece. */
static bool append_form(struct imap_scan *scan,
			const struct imap_marker *marker,
			struct imap_append_item *item)
{
	item->form = IMAP_APPEND_LITERAL;
	if (marker->literal8)
		item->form = IMAP_APPEND_LITERAL8;
	if (!imap_scan_try_word(scan, "UTF8"))
		return true;
	item->form = IMAP_APPEND_UTF8;
	if (!marker->literal8)
		return imap_scan_fail(scan, "UTF8 needs a literal8");
	return imap_scan_sp(scan) &&
	       imap_scan_octet(scan, '(', "\"(\" expected");
}

static enum imap_append_piece append_message(struct imap_scan *scan,
					     struct imap_append *append,
					     const struct imap_marker *marker)
{
	struct imap_append_item *item =
		ARENA_NEW(scan->arena, struct imap_append_item);

	if (marker == NULL) {
		(void)imap_scan_fail(scan, "Literal expected");
		return IMAP_PIECE_BAD;
	}
	if (!append_options(scan, item) || !append_form(scan, marker, item) ||
	    !imap_scan_end(scan))
		return IMAP_PIECE_BAD;
	if (append->count == IMAP_APPEND_MAX) {
		(void)imap_scan_fail(scan, "Too many messages");
		return IMAP_PIECE_BAD;
	}
	item->size = marker->size;
	if (append->last == NULL)
		append->first = item;
	else
		append->last->next = item;
	append->last = item;
	append->count++;
	return IMAP_PIECE_MESSAGE;
}

static enum imap_append_piece append_first(struct imap_scan *scan,
					   struct imap_append *append,
					   const struct imap_marker *marker)
{
	if (!imap_scan_sp(scan))
		return IMAP_PIECE_BAD;
	if (at_marker(scan, marker) && !marker->literal8)
		return IMAP_PIECE_ARGUMENT;
	if (!imap_scan_mailbox(scan, &append->mailbox) || !imap_scan_sp(scan))
		return IMAP_PIECE_BAD;
	return append_message(scan, append, marker);
}

enum imap_append_piece imap_grammar_append(struct imap_scan *scan,
					   struct imap_append *append,
					   const struct imap_marker *marker)
{
	if (append->last == NULL)
		return append_first(scan, append, marker);
	if (append->last->form == IMAP_APPEND_UTF8 &&
	    !imap_scan_octet(scan, ')', "\")\" expected"))
		return IMAP_PIECE_BAD;
	if (marker == NULL)
		return imap_scan_end(scan) ? IMAP_PIECE_DONE : IMAP_PIECE_BAD;
	if (!imap_scan_sp(scan))
		return IMAP_PIECE_BAD;
	return append_message(scan, append, marker);
}
