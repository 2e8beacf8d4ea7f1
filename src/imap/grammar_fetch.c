/*
 * FETCH and STORE (RFC 9051 sections 6.4.5 and 6.4.6, RFC 3501, 3516, 7162,
 * 8474).
 */
#include "imap/grammar.h"

#include "base/attr.h"

/* ---- sections: "[1.2.HEADER.FIELDS (Subject)]" ---- */

/* "1.2.3" or "1.2.3."; *dot_r: a "." came last, so a text must follow. */
static bool section_part(struct imap_scan *scan, struct imap_section *section,
			 bool *dot_r)
{
	struct imap_vec part = { 0 };

	*dot_r = false;
	while (imap_octet_is(imap_scan_peek(scan), IMAP_OCTET_DIGIT)) {
		uint64_t number;
		uint32_t *kept;

		if (!imap_scan_number(scan, 1, UINT32_MAX, &number))
			return false;
		kept = (uint32_t *)imap_scan_add(scan, &part, sizeof(*kept),
						 IMAP_SECTION_DEPTH_MAX);
		if (kept == NULL)
			return false;
		*kept = (uint32_t)number;
		*dot_r = imap_scan_try(scan, '.');
		if (!*dot_r)
			break;
	}
	section->part = (const uint32_t *)part.items;
	section->depth = part.count;
	return true;
}

static bool section_fields(struct imap_scan *scan, struct imap_section *section)
{
	struct imap_vec fields = { 0 };

	if (!imap_scan_sp(scan) || !imap_scan_octet(scan, '(', "List expected"))
		return false;
	do {
		struct slice *field = (struct slice *)imap_scan_add(
			scan, &fields, sizeof(*field), IMAP_SECTION_FIELDS_MAX);

		if (field == NULL || !imap_scan_astring(scan, field))
			return false;
	} while (imap_scan_try(scan, ' '));
	section->fields = (const struct slice *)fields.items;
	section->field_count = fields.count;
	return imap_scan_octet(scan, ')', "\")\" expected");
}

static const struct {
	const char *name;
	enum imap_section_text text;
} section_texts[] = {
	{ "HEADER", IMAP_SECTION_HEADER },
	{ "HEADER.FIELDS", IMAP_SECTION_HEADER_FIELDS },
	{ "HEADER.FIELDS.NOT", IMAP_SECTION_HEADER_FIELDS_NOT },
	{ "TEXT", IMAP_SECTION_TEXT },
	{ "MIME", IMAP_SECTION_MIME },
};

static bool section_text(struct imap_scan *scan, struct imap_section *section)
{
	struct slice name = imap_scan_word(scan);
	size_t at = 0;

	while (at < ARRAY_LEN(section_texts) &&
	       !slice_eq_nocase(name, slice_str(section_texts[at].name)))
		at++;
	if (at == ARRAY_LEN(section_texts))
		return imap_scan_fail(scan, "Unknown section");
	section->text = section_texts[at].text;
	if (section->text == IMAP_SECTION_MIME && section->depth == 0)
		return imap_scan_fail(scan, "MIME without a part");
	if (section->text != IMAP_SECTION_HEADER_FIELDS &&
	    section->text != IMAP_SECTION_HEADER_FIELDS_NOT)
		return true;
	return section_fields(scan, section);
}

/* `binary`: only a part may be named (RFC 3516 section 4.2). */
static bool section(struct imap_scan *scan, bool binary,
		    struct imap_section *section_r)
{
	bool dot;

	if (!imap_scan_octet(scan, '[', "\"[\" expected") ||
	    !section_part(scan, section_r, &dot))
		return false;
	if (imap_scan_peek(scan) == ']' && !dot) {
		scan->pos++;
		return true;
	}
	if (binary || (section_r->depth > 0 && !dot))
		return imap_scan_fail(scan, "Bad section");
	return section_text(scan, section_r) &&
	       imap_scan_octet(scan, ']', "\"]\" expected");
}

/* "<0.1024>", or nothing. */
static bool partial(struct imap_scan *scan, struct imap_fetch_item *item)
{
	item->partial = imap_scan_try(scan, '<');
	return !item->partial ||
	       (imap_scan_number(scan, 0, INT64_MAX, &item->offset) &&
		imap_scan_octet(scan, '.', "Bad partial") &&
		imap_scan_number(scan, 1, INT64_MAX, &item->length) &&
		imap_scan_octet(scan, '>', "Bad partial"));
}

/* ---- items ---- */

enum item_form {
	ITEM_PLAIN,   /* the name is all */
	ITEM_MAY,     /* BODY: with a section it is another item */
	ITEM_SECTION, /* a section and perhaps a partial */
	ITEM_BINARY,  /* a part and perhaps a partial */
	ITEM_SIZE,    /* a part */
};

static const struct item_rule {
	const char *name;
	enum imap_fetch_kind kind;
	enum item_form form;
	bool peek;
} item_rules[] = {
	{ "FLAGS", IMAP_FETCH_FLAGS, ITEM_PLAIN, false },
	{ "UID", IMAP_FETCH_UID, ITEM_PLAIN, false },
	{ "BODY.PEEK", IMAP_FETCH_SECTION, ITEM_SECTION, true },
	{ "RFC822.SIZE", IMAP_FETCH_RFC822_SIZE, ITEM_PLAIN, false },
	{ "INTERNALDATE", IMAP_FETCH_INTERNALDATE, ITEM_PLAIN, false },
	{ "ENVELOPE", IMAP_FETCH_ENVELOPE, ITEM_PLAIN, false },
	{ "BODYSTRUCTURE", IMAP_FETCH_BODYSTRUCTURE, ITEM_PLAIN, false },
	{ "MODSEQ", IMAP_FETCH_MODSEQ, ITEM_PLAIN, false },
	{ "BODY", IMAP_FETCH_BODY, ITEM_MAY, false },
	{ "BINARY", IMAP_FETCH_BINARY, ITEM_BINARY, false },
	{ "BINARY.PEEK", IMAP_FETCH_BINARY, ITEM_BINARY, true },
	{ "BINARY.SIZE", IMAP_FETCH_BINARY_SIZE, ITEM_SIZE, false },
	{ "EMAILID", IMAP_FETCH_EMAILID, ITEM_PLAIN, false },
	{ "THREADID", IMAP_FETCH_THREADID, ITEM_PLAIN, false },
	{ "RFC822", IMAP_FETCH_RFC822, ITEM_PLAIN, false },
	{ "RFC822.HEADER", IMAP_FETCH_RFC822_HEADER, ITEM_PLAIN, false },
	{ "RFC822.TEXT", IMAP_FETCH_RFC822_TEXT, ITEM_PLAIN, false },
};

static bool item_rest(struct imap_scan *scan, enum item_form form,
		      struct imap_fetch_item *item)
{
	switch (form) {
	case ITEM_PLAIN:
		return true;
	case ITEM_MAY:
		if (imap_scan_peek(scan) != '[')
			return true;
		item->kind = IMAP_FETCH_SECTION;
		return section(scan, false, &item->section) &&
		       partial(scan, item);
	case ITEM_SECTION:
		return section(scan, false, &item->section) &&
		       partial(scan, item);
	case ITEM_BINARY:
		return section(scan, true, &item->section) &&
		       partial(scan, item);
	case ITEM_SIZE:
		return section(scan, true, &item->section);
	}
	return false;
}

static bool fetch_item(struct imap_scan *scan, struct slice name,
		       struct imap_vec *items)
{
	struct imap_fetch_item *item;
	size_t at = 0;

	while (at < ARRAY_LEN(item_rules) &&
	       !slice_eq_nocase(name, slice_str(item_rules[at].name)))
		at++;
	if (at == ARRAY_LEN(item_rules))
		return imap_scan_fail(scan, "Unknown fetch item");
	item = (struct imap_fetch_item *)imap_scan_add(
		scan, items, sizeof(*item), IMAP_FETCH_ITEMS_MAX);
	if (item == NULL)
		return false;
	item->kind = item_rules[at].kind;
	item->peek = item_rules[at].peek;
	return item_rest(scan, item_rules[at].form, item);
}

/* ALL is the first four, FAST the first three, FULL all five. */
static const enum imap_fetch_kind macro_items[] = {
	IMAP_FETCH_FLAGS,    IMAP_FETCH_INTERNALDATE, IMAP_FETCH_RFC822_SIZE,
	IMAP_FETCH_ENVELOPE, IMAP_FETCH_BODY,
};

static size_t macro_size(struct slice name)
{
	if (slice_eq_nocase(name, SLICE_LIT("FAST")))
		return 3;
	if (slice_eq_nocase(name, SLICE_LIT("ALL")))
		return 4;
	return slice_eq_nocase(name, SLICE_LIT("FULL")) ? 5 : 0;
}

static bool fetch_macro(struct imap_scan *scan, size_t size,
			struct imap_vec *items)
{
	for (size_t i = 0; i < size; i++) {
		struct imap_fetch_item *item =
			(struct imap_fetch_item *)imap_scan_add(
				scan, items, sizeof(*item),
				IMAP_FETCH_ITEMS_MAX);

		if (item == NULL)
			return false;
		item->kind = macro_items[i];
	}
	return true;
}

static bool fetch_items(struct imap_scan *scan, struct imap_vec *items)
{
	struct slice name;
	size_t size;

	if (imap_scan_try(scan, '(')) {
		do {
			if (!fetch_item(scan, imap_scan_word(scan), items))
				return false;
		} while (imap_scan_try(scan, ' '));
		return imap_scan_octet(scan, ')', "\")\" expected");
	}
	name = imap_scan_word(scan);
	size = macro_size(name);
	return size > 0 ? fetch_macro(scan, size, items)
			: fetch_item(scan, name, items);
}

/* ---- FETCH ---- */

static bool fetch_modifier(struct imap_scan *scan, struct imap_fetch *fetch,
			   bool uid)
{
	if (imap_scan_try_word(scan, "CHANGEDSINCE")) {
		fetch->has_changedsince = true;
		return imap_scan_sp(scan) &&
		       imap_scan_number(scan, 1, INT64_MAX,
					&fetch->changedsince);
	}
	if (uid && imap_scan_try_word(scan, "VANISHED")) {
		fetch->vanished = true;
		return true;
	}
	return imap_scan_fail(scan, "Unknown modifier");
}

static bool fetch_modifiers(struct imap_scan *scan, struct imap_fetch *fetch,
			    bool uid)
{
	if (!imap_scan_sp(scan) || !imap_scan_octet(scan, '(', "List expected"))
		return false;
	do {
		if (!fetch_modifier(scan, fetch, uid))
			return false;
	} while (imap_scan_try(scan, ' '));
	/* RFC 7162 section 3.2.6 */
	if (fetch->vanished && !fetch->has_changedsince)
		return imap_scan_fail(scan, "VANISHED without CHANGEDSINCE");
	return imap_scan_octet(scan, ')', "\")\" expected");
}

bool imap_grammar_fetch(struct imap_scan *scan, struct imap_command *command)
{
	struct imap_fetch *fetch = &command->fetch;
	struct imap_vec items = { 0 };

	if (!imap_scan_sp(scan) || !imap_scan_set(scan, &fetch->set) ||
	    !imap_scan_sp(scan) || !fetch_items(scan, &items))
		return false;
	fetch->items = (const struct imap_fetch_item *)items.items;
	fetch->count = items.count;
	return imap_scan_at_end(scan) ||
	       fetch_modifiers(scan, fetch, command->uid);
}

/* ---- STORE ---- */

static bool store_modifier(struct imap_scan *scan, struct imap_store *store)
{
	if (!imap_scan_try_word(scan, "UNCHANGEDSINCE"))
		return imap_scan_fail(scan, "Unknown modifier");
	store->has_unchangedsince = true;
	return imap_scan_sp(scan) &&
	       imap_scan_number(scan, 0, INT64_MAX, &store->unchangedsince) &&
	       imap_scan_octet(scan, ')', "\")\" expected") &&
	       imap_scan_sp(scan);
}

static bool store_op(struct imap_scan *scan, struct imap_store *store)
{
	struct slice name;

	store->op = IMAP_STORE_REPLACE;
	if (imap_scan_try(scan, '+'))
		store->op = IMAP_STORE_ADD;
	else if (imap_scan_try(scan, '-'))
		store->op = IMAP_STORE_REMOVE;
	name = imap_scan_word(scan);
	store->silent = slice_eq_nocase(name, SLICE_LIT("FLAGS.SILENT"));
	return store->silent || slice_eq_nocase(name, SLICE_LIT("FLAGS")) ||
	       imap_scan_fail(scan, "Unknown store item");
}

bool imap_grammar_store(struct imap_scan *scan, struct imap_command *command)
{
	struct imap_store *store = &command->store;

	if (!imap_scan_sp(scan) || !imap_scan_set(scan, &store->set) ||
	    !imap_scan_sp(scan))
		return false;
	if (imap_scan_try(scan, '(') && !store_modifier(scan, store))
		return false;
	if (!store_op(scan, store) || !imap_scan_sp(scan))
		return false;
	return imap_scan_peek(scan) == '('
		       ? imap_scan_flag_list(scan, &store->flags)
		       : imap_scan_bare_flags(scan, &store->flags);
}
