/*
 * Commands about mailboxes: SELECT, EXAMINE, CREATE, LIST, LSUB, STATUS.
 */
#include "imap/grammar.h"

#include "base/attr.h"

/* ---- SELECT, EXAMINE (RFC 4466 section 2.4, RFC 7162) ---- */

/* The numbers of a set that is plain and ascending. */
static uint64_t set_size(const struct imap_seqset *set)
{
	uint64_t size = 0;

	for (size_t i = 0; i < set->count; i++)
		size += (uint64_t)set->ranges[i].last - set->ranges[i].first +
			1;
	return size;
}

static bool qresync_match(struct imap_scan *scan, struct imap_select *select)
{
	if (!imap_scan_octet(scan, '(', "List expected") ||
	    !imap_scan_set(scan, &select->match_seqs) || !imap_scan_sp(scan) ||
	    !imap_scan_set(scan, &select->match_uids) ||
	    !imap_scan_octet(scan, ')', "\")\" expected"))
		return false;
	select->has_match = true;
	return (imap_seqset_is_ascending(&select->match_seqs) &&
		imap_seqset_is_ascending(&select->match_uids) &&
		set_size(&select->match_seqs) ==
			set_size(&select->match_uids)) ||
	       imap_scan_fail(scan, "Bad match data of QRESYNC");
}

/* Known UIDs and match data: each may be absent. */
static bool qresync_optional(struct imap_scan *scan, struct imap_select *select)
{
	if (!imap_scan_try(scan, ' '))
		return true;
	if (imap_scan_peek(scan) != '(') {
		select->has_known_uids = true;
		if (!imap_scan_set(scan, &select->known_uids))
			return false;
		if (!imap_seqset_is_plain(&select->known_uids))
			return imap_scan_fail(scan, "Bad UIDs of QRESYNC");
		if (!imap_scan_try(scan, ' '))
			return true;
	}
	return qresync_match(scan, select);
}

static bool select_qresync(struct imap_scan *scan, struct imap_select *select)
{
	uint64_t uidvalidity;

	if (!imap_scan_sp(scan) ||
	    !imap_scan_octet(scan, '(', "List expected") ||
	    !imap_scan_number(scan, 1, UINT32_MAX, &uidvalidity) ||
	    !imap_scan_sp(scan) ||
	    !imap_scan_number(scan, 1, INT64_MAX, &select->modseq) ||
	    !qresync_optional(scan, select) ||
	    !imap_scan_octet(scan, ')', "\")\" expected"))
		return false;
	select->qresync = true;
	select->uidvalidity = (uint32_t)uidvalidity;
	return true;
}

static bool select_param(struct imap_scan *scan, struct imap_select *select)
{
	if (imap_scan_try_word(scan, "CONDSTORE")) {
		select->condstore = true;
		return true;
	}
	if (!select->qresync && imap_scan_try_word(scan, "QRESYNC"))
		return select_qresync(scan, select);
	return imap_scan_fail(scan, "Unknown parameter");
}

bool imap_grammar_select(struct imap_scan *scan, struct imap_command *command)
{
	struct imap_select *select = &command->select;

	if (!imap_scan_sp(scan) || !imap_scan_mailbox(scan, &select->mailbox))
		return false;
	if (imap_scan_at_end(scan))
		return true;
	if (!imap_scan_sp(scan) || !imap_scan_octet(scan, '(', "List expected"))
		return false;
	do {
		if (!select_param(scan, select))
			return false;
	} while (imap_scan_try(scan, ' '));
	return imap_scan_octet(scan, ')', "\")\" expected");
}

/* ---- CREATE (RFC 6154 section 3) ---- */

static bool create_use(struct imap_scan *scan, struct imap_create *create)
{
	const uint8_t *begin = scan->pos;
	struct slice atom;
	uint32_t use;

	if (!imap_scan_octet(scan, '\\', "Attribute expected") ||
	    !imap_scan_atom(scan, &atom))
		return false;
	use = imap_special_use_find(slice_of(begin, atom.len + 1));
	create->special_use |= use;
	create->unknown_use |= use == 0;
	return true;
}

static bool create_uses(struct imap_scan *scan, struct imap_create *create)
{
	bool more;

	if (!imap_scan_sp(scan) || !imap_scan_octet(scan, '(', "List expected"))
		return false;
	for (bool first = true;; first = false) {
		if (!imap_scan_list_next(scan, first, &more))
			return false;
		if (!more)
			return true;
		if (!create_use(scan, create))
			return false;
	}
}

bool imap_grammar_create(struct imap_scan *scan, struct imap_command *command)
{
	struct imap_create *create = &command->create;

	if (!imap_scan_sp(scan) || !imap_scan_mailbox(scan, &create->mailbox))
		return false;
	if (imap_scan_at_end(scan))
		return true;
	if (!imap_scan_sp(scan) || !imap_scan_octet(scan, '(', "List expected"))
		return false;
	if (!imap_scan_try_word(scan, "USE"))
		return imap_scan_fail(scan, "Unknown parameter");
	return create_uses(scan, create) &&
	       imap_scan_octet(scan, ')', "\")\" expected");
}

/* ---- STATUS ---- */

/* "(MESSAGES UNSEEN)": one item at least. */
static bool status_items(struct imap_scan *scan, uint32_t *items_r)
{
	*items_r = 0;
	if (!imap_scan_sp(scan) || !imap_scan_octet(scan, '(', "List expected"))
		return false;
	do {
		uint32_t item = imap_status_item_find(imap_scan_word(scan));

		if (item == 0)
			return imap_scan_fail(scan, "Unknown status item");
		*items_r |= item;
	} while (imap_scan_try(scan, ' '));
	return imap_scan_octet(scan, ')', "\")\" expected");
}

bool imap_grammar_status(struct imap_scan *scan, struct imap_command *command)
{
	return imap_scan_sp(scan) &&
	       imap_scan_mailbox(scan, &command->status.mailbox) &&
	       status_items(scan, &command->status.items);
}

/* ---- LIST (RFC 5258 section 6, RFC 5819, RFC 6154) ---- */

struct option {
	const char *name;
	uint32_t bit;
};

static const struct option select_options[] = {
	{ "SUBSCRIBED", IMAP_LIST_SUBSCRIBED },
	{ "REMOTE", IMAP_LIST_REMOTE },
	{ "RECURSIVEMATCH", IMAP_LIST_RECURSIVEMATCH },
	{ "SPECIAL-USE", IMAP_LIST_SPECIAL_USE },
};

static const struct option return_options[] = {
	{ "SUBSCRIBED", IMAP_LIST_RETURN_SUBSCRIBED },
	{ "CHILDREN", IMAP_LIST_RETURN_CHILDREN },
	{ "SPECIAL-USE", IMAP_LIST_RETURN_SPECIAL_USE },
	{ "STATUS", IMAP_LIST_RETURN_STATUS },
};

/* RFC 5258 section 3: an option that we do not know is a BAD. */
static bool list_option(struct imap_scan *scan, const struct option *options,
			size_t count, uint32_t *bit_r)
{
	struct slice name = imap_scan_word(scan);

	for (size_t i = 0; i < count; i++) {
		if (!slice_eq_nocase(name, slice_str(options[i].name)))
			continue;
		*bit_r = options[i].bit;
		return true;
	}
	return imap_scan_fail(scan, "Unknown option");
}

/* Behind the "(". */
static bool list_select(struct imap_scan *scan, struct imap_list *list)
{
	uint32_t option = 0;
	bool more;

	list->extended = true;
	for (bool first = true;; first = false) {
		if (!imap_scan_list_next(scan, first, &more))
			return false;
		if (!more)
			break;
		if (!list_option(scan, select_options,
				 ARRAY_LEN(select_options), &option))
			return false;
		list->select |= option;
	}
	/* Section 3.1: RECURSIVEMATCH needs an option to modify. */
	if ((list->select & IMAP_LIST_RECURSIVEMATCH) != 0 &&
	    (list->select & IMAP_LIST_SUBSCRIBED) == 0)
		return imap_scan_fail(scan, "RECURSIVEMATCH without option");
	return imap_scan_sp(scan);
}

static bool list_returns(struct imap_scan *scan, struct imap_list *list)
{
	uint32_t option = 0;
	bool more;

	list->extended = true;
	if (!imap_scan_sp(scan))
		return false;
	if (!imap_scan_try_word(scan, "RETURN"))
		return imap_scan_fail(scan, "RETURN expected");
	if (!imap_scan_sp(scan) || !imap_scan_octet(scan, '(', "List expected"))
		return false;
	for (bool first = true;; first = false) {
		if (!imap_scan_list_next(scan, first, &more))
			return false;
		if (!more)
			return true;
		if (!list_option(scan, return_options,
				 ARRAY_LEN(return_options), &option))
			return false;
		list->returns |= option;
		if (option == IMAP_LIST_RETURN_STATUS &&
		    !status_items(scan, &list->status))
			return false;
	}
}

static bool list_pattern(struct imap_scan *scan, struct imap_vec *patterns)
{
	struct imap_mailbox *pattern = (struct imap_mailbox *)imap_scan_add(
		scan, patterns, sizeof(*pattern), IMAP_ARGS_MAX);

	return pattern != NULL && imap_scan_list_mailbox(scan, pattern);
}

/* One pattern, or several in parentheses. */
static bool list_patterns(struct imap_scan *scan, struct imap_list *list)
{
	struct imap_vec patterns = { 0 };

	if (!imap_scan_try(scan, '(')) {
		if (!list_pattern(scan, &patterns))
			return false;
	} else {
		list->extended = true;
		do {
			if (!list_pattern(scan, &patterns))
				return false;
		} while (imap_scan_try(scan, ' '));
		if (!imap_scan_octet(scan, ')', "\")\" expected"))
			return false;
	}
	list->patterns = (const struct imap_mailbox *)patterns.items;
	list->pattern_count = patterns.count;
	return true;
}

bool imap_grammar_list(struct imap_scan *scan, struct imap_command *command)
{
	struct imap_list *list = &command->list;

	if (!imap_scan_sp(scan))
		return false;
	if (imap_scan_try(scan, '(') && !list_select(scan, list))
		return false;
	if (!imap_scan_mailbox(scan, &list->reference) || !imap_scan_sp(scan) ||
	    !list_patterns(scan, list))
		return false;
	return imap_scan_at_end(scan) || list_returns(scan, list);
}

bool imap_grammar_lsub(struct imap_scan *scan, struct imap_command *command)
{
	struct imap_list *list = &command->list;
	struct imap_vec patterns = { 0 };

	if (!imap_scan_sp(scan) || !imap_scan_mailbox(scan, &list->reference) ||
	    !imap_scan_sp(scan) || !list_pattern(scan, &patterns))
		return false;
	list->patterns = (const struct imap_mailbox *)patterns.items;
	list->pattern_count = patterns.count;
	return true;
}
