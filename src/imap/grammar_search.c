/*
 * SEARCH (RFC 9051 section 6.4.4, RFC 3501, 4731, 5032, 5182, 7162, 8474): from
 * text to a program.
 *
 * Keys become nodes; operands of AND and OR are put in the order of their cost,
 * and an OR in an OR becomes one. Strings are brought to UTF-8 here, so that
 * the program knows no charset.
 */
#include "imap/grammar.h"

#include "base/attr.h"
#include "base/panic.h"
#include "base/unicode.h"
#include "imap/search_program.h"
#include "mail/charset.h"
#include "mail/text.h"

/* How what follows a key is read, and what it becomes. */
enum key_form {
	FORM_PLAIN, /* nothing follows */
	FORM_FLAG,
	FORM_UNFLAG,
	FORM_KEYWORD,
	FORM_UNKEYWORD,
	FORM_STRING,
	FORM_HEADER, /* field name, string */
	FORM_DATE,
	FORM_SIZE,
	FORM_INTERVAL,
	FORM_UID,
	FORM_MODSEQ,
	FORM_ID,
	FORM_NOT,
	FORM_OR,
};

struct key_rule {
	const char *name;
	enum search_key key;
	enum key_form form;
	uint32_t flag;
};

/*
 * Sorted by name. No message is \Recent here (RFC 9051 appendix E, point 17),
 * so NEW and RECENT match nothing; all messages have THREADID NIL.
 */
static const struct key_rule key_rules[] = {
	{ "ALL", SEARCH_TRUE, FORM_PLAIN, 0 },
	{ "ANSWERED", SEARCH_FLAG, FORM_FLAG, IMAP_FLAG_ANSWERED },
	{ "BCC", SEARCH_BCC, FORM_STRING, 0 },
	{ "BEFORE", SEARCH_BEFORE, FORM_DATE, 0 },
	{ "BODY", SEARCH_BODY, FORM_STRING, 0 },
	{ "CC", SEARCH_CC, FORM_STRING, 0 },
	{ "DELETED", SEARCH_FLAG, FORM_FLAG, IMAP_FLAG_DELETED },
	{ "DRAFT", SEARCH_FLAG, FORM_FLAG, IMAP_FLAG_DRAFT },
	{ "EMAILID", SEARCH_EMAILID, FORM_ID, 0 },
	{ "FLAGGED", SEARCH_FLAG, FORM_FLAG, IMAP_FLAG_FLAGGED },
	{ "FROM", SEARCH_FROM, FORM_STRING, 0 },
	{ "HEADER", SEARCH_HEADER, FORM_HEADER, 0 },
	{ "KEYWORD", SEARCH_KEYWORD, FORM_KEYWORD, 0 },
	{ "LARGER", SEARCH_LARGER, FORM_SIZE, 0 },
	{ "MODSEQ", SEARCH_MODSEQ, FORM_MODSEQ, 0 },
	{ "NEW", SEARCH_FALSE, FORM_PLAIN, 0 },
	{ "NOT", SEARCH_NOT, FORM_NOT, 0 },
	{ "OLD", SEARCH_TRUE, FORM_PLAIN, 0 },
	{ "OLDER", SEARCH_OLDER, FORM_INTERVAL, 0 },
	{ "ON", SEARCH_ON, FORM_DATE, 0 },
	{ "OR", SEARCH_OR, FORM_OR, 0 },
	{ "RECENT", SEARCH_FALSE, FORM_PLAIN, 0 },
	{ "SEEN", SEARCH_FLAG, FORM_FLAG, IMAP_FLAG_SEEN },
	{ "SENTBEFORE", SEARCH_SENTBEFORE, FORM_DATE, 0 },
	{ "SENTON", SEARCH_SENTON, FORM_DATE, 0 },
	{ "SENTSINCE", SEARCH_SENTSINCE, FORM_DATE, 0 },
	{ "SINCE", SEARCH_SINCE, FORM_DATE, 0 },
	{ "SMALLER", SEARCH_SMALLER, FORM_SIZE, 0 },
	{ "SUBJECT", SEARCH_SUBJECT, FORM_STRING, 0 },
	{ "TEXT", SEARCH_TEXT, FORM_STRING, 0 },
	{ "THREADID", SEARCH_FALSE, FORM_ID, 0 },
	{ "TO", SEARCH_TO, FORM_STRING, 0 },
	{ "UID", SEARCH_UIDS, FORM_UID, 0 },
	{ "UNANSWERED", SEARCH_FLAG, FORM_UNFLAG, IMAP_FLAG_ANSWERED },
	{ "UNDELETED", SEARCH_FLAG, FORM_UNFLAG, IMAP_FLAG_DELETED },
	{ "UNDRAFT", SEARCH_FLAG, FORM_UNFLAG, IMAP_FLAG_DRAFT },
	{ "UNFLAGGED", SEARCH_FLAG, FORM_UNFLAG, IMAP_FLAG_FLAGGED },
	{ "UNKEYWORD", SEARCH_KEYWORD, FORM_UNKEYWORD, 0 },
	{ "UNSEEN", SEARCH_FLAG, FORM_UNFLAG, IMAP_FLAG_SEEN },
	{ "YOUNGER", SEARCH_YOUNGER, FORM_INTERVAL, 0 },
};

struct search_parse {
	struct imap_scan *scan;
	struct imap_search *search;
	struct mail_charsets charsets;
	struct slice charset; /* empty: UTF-8 */
	bool bad_charset;
	unsigned depth;
};

static const struct key_rule *find_rule(struct slice name)
{
	size_t low = 0;
	size_t high = ARRAY_LEN(key_rules);

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = imap_word_cmp(key_rules[middle].name, name);

		if (order == 0)
			return &key_rules[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static struct search_node *new_node(struct search_parse *parse,
				    enum search_key key)
{
	struct imap_search *search = parse->search;
	struct search_node *node;

	if (search->keys == IMAP_SEARCH_KEYS_MAX) {
		(void)imap_scan_fail(parse->scan, "Too many search keys");
		return NULL;
	}
	search->keys++;
	node = ARENA_NEW(parse->scan->arena, struct search_node);
	node->key = key;
	node->grade = search_grade_of(key);
	search->wants |= search_wants_of(key);
	return node;
}

/* ---- operands in the order of their cost ---- */

struct operands {
	struct search_node *first[SEARCH_GRADES];
	struct search_node *last[SEARCH_GRADES];
};

static void operands_add(struct operands *ops, struct search_node *node)
{
	enum search_grade grade = node->grade;

	node->next = NULL;
	if (ops->first[grade] == NULL)
		ops->first[grade] = node;
	else
		ops->last[grade]->next = node;
	ops->last[grade] = node;
}

/* The operands of `node` instead of it, if it is of that kind itself. */
static void operands_merge(struct operands *ops, enum search_key kind,
			   struct search_node *node)
{
	struct search_node *child = node->child;

	if (node->key != kind) {
		operands_add(ops, node);
		return;
	}
	while (child != NULL) {
		struct search_node *next = child->next;

		operands_add(ops, child);
		child = next;
	}
}

static void operands_join(struct operands *ops, struct search_node *parent)
{
	struct search_node **tail = &parent->child;

	for (unsigned grade = 0; grade < SEARCH_GRADES; grade++) {
		if (ops->first[grade] == NULL)
			continue;
		*tail = ops->first[grade];
		tail = &ops->last[grade]->next;
		parent->grade = (enum search_grade)grade;
	}
}

/* ---- keys ---- */

static struct search_node *parse_key(struct search_parse *parse);

/*
 * Keys separated by SP, up to a ")" or the end: all must match. One alone
 * stands for itself.
 */
static struct search_node *parse_and(struct search_parse *parse)
{
	struct search_node *node = parse_key(parse);
	struct search_node *parent;
	struct operands ops = { 0 };

	if (node == NULL || imap_scan_peek(parse->scan) != ' ')
		return node;
	parent = new_node(parse, SEARCH_AND);
	if (parent == NULL)
		return NULL;
	operands_merge(&ops, SEARCH_AND, node);
	while (imap_scan_try(parse->scan, ' ')) {
		node = parse_key(parse);
		if (node == NULL)
			return NULL;
		operands_merge(&ops, SEARCH_AND, node);
	}
	operands_join(&ops, parent);
	return parent;
}

static bool parse_or(struct search_parse *parse, struct search_node *node)
{
	struct operands ops = { 0 };

	for (unsigned i = 0; i < 2; i++) {
		struct search_node *child;

		if (!imap_scan_sp(parse->scan))
			return false;
		child = parse_key(parse);
		if (child == NULL)
			return false;
		operands_merge(&ops, SEARCH_OR, child);
	}
	operands_join(&ops, node);
	return true;
}

static bool parse_not(struct search_parse *parse, struct search_node *node)
{
	if (!imap_scan_sp(parse->scan))
		return false;
	node->child = parse_key(parse);
	if (node->child == NULL)
		return false;
	node->grade = node->child->grade;
	return true;
}

/* A string in the charset of the command, brought to UTF-8. */
static bool parse_string(struct search_parse *parse, struct slice *utf8_r)
{
	struct imap_scan *scan = parse->scan;
	struct buf utf8 = { 0 };

	if (!imap_scan_sp(scan) || !imap_scan_astring(scan, utf8_r))
		return false;
	if (parse->charset.len > 0 && !parse->bad_charset) {
		if (mail_charset_decode(&parse->charsets, parse->charset,
					*utf8_r, &utf8) != ERR_NONE)
			parse->bad_charset = true;
		*utf8_r = arena_slice(scan->arena, buf_slice(&utf8));
		buf_fini(&utf8);
	}
	return utf8_r->len <= MAIL_NEEDLE_MAX ||
	       imap_scan_fail(scan, "Search string too long");
}

/* Every message holds the empty string, without a look at it. */
static bool parse_text(struct search_parse *parse, struct search_node *node)
{
	if (!parse_string(parse, &node->text.needle))
		return false;
	if (node->text.needle.len == 0 && node->grade == SEARCH_GRADE_BODY) {
		node->key = SEARCH_TRUE;
		node->grade = SEARCH_GRADE_ROW;
		return true;
	}
	node->text.index = parse->search->needles++;
	return true;
}

static bool parse_header(struct search_parse *parse, struct search_node *node)
{
	struct slice field;

	if (!imap_scan_sp(parse->scan) ||
	    !imap_scan_astring(parse->scan, &field) || !parse_text(parse, node))
		return false;
	node->text.field = field;
	if (search_in_envelope(field))
		node->grade = SEARCH_GRADE_STRUCTURE;
	return true;
}

static bool parse_keyword(struct search_parse *parse, struct search_node *node,
			  bool set)
{
	node->keyword.set = set;
	node->keyword.bit = SEARCH_NO_BIT;
	return imap_scan_sp(parse->scan) &&
	       imap_scan_atom(parse->scan, &node->keyword.name);
}

/*
 * RFC 7162 section 3.1.5: entry name and type may stand in front; messages
 * have one mod-sequence here, so they change nothing.
 */
static bool parse_modseq(struct search_parse *parse, struct search_node *node)
{
	struct imap_scan *scan = parse->scan;
	struct slice name;

	parse->search->has_modseq = true;
	if (!imap_scan_sp(scan))
		return false;
	if (imap_scan_peek(scan) == '"') {
		if (!imap_scan_string(scan, &name) || !imap_scan_sp(scan))
			return false;
		if (!imap_scan_try_word(scan, "priv") &&
		    !imap_scan_try_word(scan, "shared") &&
		    !imap_scan_try_word(scan, "all"))
			return imap_scan_fail(scan, "Bad entry type");
		if (!imap_scan_sp(scan))
			return false;
	}
	return imap_scan_number(scan, 0, INT64_MAX, &node->number);
}

static bool parse_set(struct search_parse *parse, struct search_node *node)
{
	if (!imap_scan_set(parse->scan, &node->set.written))
		return false;
	parse->search->has_saved |= node->set.written.saved;
	return true;
}

static bool parse_argument(struct search_parse *parse,
			   const struct key_rule *rule,
			   struct search_node *node)
{
	struct imap_scan *scan = parse->scan;

	switch (rule->form) {
	case FORM_PLAIN:
		return true;
	case FORM_FLAG:
	case FORM_UNFLAG:
		node->flag.flag = rule->flag;
		node->flag.set = rule->form == FORM_FLAG;
		return true;
	case FORM_KEYWORD:
	case FORM_UNKEYWORD:
		return parse_keyword(parse, node, rule->form == FORM_KEYWORD);
	case FORM_STRING:
		return parse_text(parse, node);
	case FORM_HEADER:
		return parse_header(parse, node);
	case FORM_DATE:
		return imap_scan_sp(scan) && imap_scan_date(scan, &node->day);
	case FORM_SIZE:
		return imap_scan_sp(scan) &&
		       imap_scan_number(scan, 0, INT64_MAX, &node->number);
	case FORM_INTERVAL:
		return imap_scan_sp(scan) &&
		       imap_scan_number(scan, 1, UINT32_MAX, &node->number);
	case FORM_UID:
		return imap_scan_sp(scan) && parse_set(parse, node);
	case FORM_MODSEQ:
		return parse_modseq(parse, node);
	case FORM_ID:
		return imap_scan_sp(scan) && imap_scan_atom(scan, &node->id);
	case FORM_NOT:
		return parse_not(parse, node);
	case FORM_OR:
		return parse_or(parse, node);
	}
	PANIC("form %d of a search key", (int)rule->form);
}

static bool begins_set(uint8_t octet)
{
	return octet == '*' || octet == '$' ||
	       imap_octet_is(octet, IMAP_OCTET_DIGIT);
}

static struct search_node *parse_named(struct search_parse *parse)
{
	const struct key_rule *rule = find_rule(imap_scan_word(parse->scan));
	struct search_node *node;

	if (rule == NULL) {
		(void)imap_scan_fail(parse->scan, "Unknown search key");
		return NULL;
	}
	node = new_node(parse, rule->key);
	if (node == NULL || !parse_argument(parse, rule, node))
		return NULL;
	return node;
}

static struct search_node *parse_list(struct search_parse *parse)
{
	struct search_node *node = parse_and(parse);

	if (!imap_scan_octet(parse->scan, ')', "\")\" expected"))
		return NULL;
	return node;
}

/* Recursion ends at SEARCH_DEPTH_MAX. */
static struct search_node *parse_key(struct search_parse *parse)
{
	struct search_node *node;

	if (parse->depth == SEARCH_DEPTH_MAX) {
		(void)imap_scan_fail(parse->scan, "Search keys nest too deep");
		return NULL;
	}
	parse->depth++;
	if (imap_scan_try(parse->scan, '(')) {
		node = parse_list(parse);
	} else if (begins_set(imap_scan_peek(parse->scan))) {
		node = new_node(parse, SEARCH_SEQS);
		if (node != NULL && !parse_set(parse, node))
			node = NULL;
	} else {
		node = parse_named(parse);
	}
	parse->depth--;
	return node;
}

/* ---- the command ---- */

static bool is_utf8_name(struct slice charset)
{
	return slice_eq_nocase(charset, SLICE_LIT("UTF-8")) ||
	       slice_eq_nocase(charset, SLICE_LIT("US-ASCII"));
}

/*
 * "CHARSET name SP", if it is there. With UTF8=ACCEPT another one than UTF-8
 * contradicts what quoted strings are (RFC 6855 section 3).
 */
static bool parse_charset(struct search_parse *parse)
{
	struct imap_scan *scan = parse->scan;
	struct slice charset;

	if (!imap_scan_try_word(scan, "CHARSET"))
		return true;
	if (!imap_scan_sp(scan) || !imap_scan_astring(scan, &charset) ||
	    !imap_scan_sp(scan))
		return false;
	if (is_utf8_name(charset))
		return true;
	if (scan->utf8)
		return imap_scan_fail(scan, "CHARSET contradicts UTF8=ACCEPT");
	parse->charset = charset;
	parse->bad_charset = !mail_charsets_known(&parse->charsets, charset);
	return true;
}

static const struct {
	const char *name;
	enum imap_search_return bit;
} search_returns[] = {
	{ "MIN", IMAP_SEARCH_MIN },   { "MAX", IMAP_SEARCH_MAX },
	{ "ALL", IMAP_SEARCH_ALL },   { "COUNT", IMAP_SEARCH_COUNT },
	{ "SAVE", IMAP_SEARCH_SAVE },
};

static bool search_return(struct imap_scan *scan, struct imap_search_args *args)
{
	struct slice name = imap_scan_word(scan);

	for (size_t i = 0; i < ARRAY_LEN(search_returns); i++) {
		if (!slice_eq_nocase(name, slice_str(search_returns[i].name)))
			continue;
		args->returns |= search_returns[i].bit;
		return true;
	}
	return imap_scan_fail(scan, "Unknown RETURN option");
}

/* "RETURN (MIN MAX) ", if it is there; without options it means ALL. */
static bool parse_returns(struct imap_scan *scan, struct imap_search_args *args)
{
	bool more;

	args->has_return = imap_scan_try_word(scan, "RETURN");
	if (!args->has_return)
		return true;
	if (!imap_scan_sp(scan) || !imap_scan_octet(scan, '(', "List expected"))
		return false;
	for (bool first = true;; first = false) {
		if (!imap_scan_list_next(scan, first, &more))
			return false;
		if (!more)
			break;
		if (!search_return(scan, args))
			return false;
	}
	if (args->returns == 0)
		args->returns = IMAP_SEARCH_ALL;
	return imap_scan_sp(scan);
}

bool imap_grammar_search(struct imap_scan *scan, struct imap_command *command)
{
	struct search_parse parse = { .scan = scan };
	struct imap_search *search;

	if (!imap_scan_sp(scan) || !parse_returns(scan, &command->search))
		return false;
	search = ARENA_NEW(scan->arena, struct imap_search);
	parse.search = search;
	if (parse_charset(&parse))
		search->root = parse_and(&parse);
	mail_charsets_fini(&parse.charsets);
	if (search->root == NULL)
		return false;
	command->search.program = parse.bad_charset ? NULL : search;
	return true;
}
