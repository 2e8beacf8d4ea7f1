/*
 * What FETCH items need, and how replies call them.
 */
#include "imap/fetch_items.h"

#include "base/attr.h"
#include "base/panic.h"
#include "imap/writer.h"

/* What the kinds have in common; the sections of the rest decide further. */
static const struct {
	const char *name;
	bool seen;      /* sets \Seen unless it peeks */
	bool body;      /* octets of the message */
	bool structure; /* needs its parts */
} kinds[] = {
	[IMAP_FETCH_FLAGS] = { "FLAGS", false, false, false },
	[IMAP_FETCH_UID] = { "UID", false, false, false },
	[IMAP_FETCH_INTERNALDATE] = { "INTERNALDATE", false, false, false },
	[IMAP_FETCH_RFC822_SIZE] = { "RFC822.SIZE", false, false, false },
	[IMAP_FETCH_ENVELOPE] = { "ENVELOPE", false, false, true },
	[IMAP_FETCH_BODY] = { "BODY", false, false, true },
	[IMAP_FETCH_BODYSTRUCTURE] = { "BODYSTRUCTURE", false, false, true },
	[IMAP_FETCH_MODSEQ] = { "MODSEQ", false, false, false },
	[IMAP_FETCH_EMAILID] = { "EMAILID", false, false, false },
	[IMAP_FETCH_THREADID] = { "THREADID", false, false, false },
	[IMAP_FETCH_SECTION] = { "BODY", true, true, true },
	[IMAP_FETCH_BINARY] = { "BINARY", true, true, true },
	[IMAP_FETCH_BINARY_SIZE] = { "BINARY.SIZE", false, true, true },
	[IMAP_FETCH_RFC822] = { "RFC822", true, true, false },
	[IMAP_FETCH_RFC822_HEADER] = { "RFC822.HEADER", false, true, true },
	[IMAP_FETCH_RFC822_TEXT] = { "RFC822.TEXT", true, true, true },
};

static const char *const section_names[] = {
	[IMAP_SECTION_ALL] = "",
	[IMAP_SECTION_HEADER] = "HEADER",
	[IMAP_SECTION_HEADER_FIELDS] = "HEADER.FIELDS",
	[IMAP_SECTION_HEADER_FIELDS_NOT] = "HEADER.FIELDS.NOT",
	[IMAP_SECTION_TEXT] = "TEXT",
	[IMAP_SECTION_MIME] = "MIME",
};

bool imap_fetch_item_sets_seen(const struct imap_fetch_item *item)
{
	return kinds[item->kind].seen && !item->peek;
}

bool imap_fetch_item_needs_body(const struct imap_fetch_item *item)
{
	return kinds[item->kind].body;
}

/* All of a message is what it is, whatever parts it has. */
bool imap_fetch_item_needs_structure(const struct imap_fetch_item *item)
{
	if (item->kind == IMAP_FETCH_SECTION && item->section.depth == 0 &&
	    item->section.text == IMAP_SECTION_ALL)
		return false;
	return kinds[item->kind].structure;
}

static void write_section(const struct imap_section *section, struct buf *out)
{
	MUST((size_t)section->text < ARRAY_LEN(section_names));
	for (size_t i = 0; i < section->depth; i++) {
		if (i > 0)
			buf_add_octet(out, '.');
		buf_add_u64(out, section->part[i]);
	}
	if (section->depth > 0 && section->text != IMAP_SECTION_ALL)
		buf_add_octet(out, '.');
	buf_add_str(out, section_names[section->text]);
	for (size_t i = 0; i < section->field_count; i++) {
		buf_add_str(out, i == 0 ? " (" : " ");
		imap_write_astring(out, false, section->fields[i]);
	}
	if (section->field_count > 0)
		buf_add_octet(out, ')');
}

void imap_fetch_item_write_name(const struct imap_fetch_item *item,
				struct buf *out)
{
	MUST((size_t)item->kind < ARRAY_LEN(kinds));
	buf_add_str(out, kinds[item->kind].name);
	if (item->kind == IMAP_FETCH_SECTION ||
	    item->kind == IMAP_FETCH_BINARY ||
	    item->kind == IMAP_FETCH_BINARY_SIZE) {
		buf_add_octet(out, '[');
		write_section(&item->section, out);
		buf_add_octet(out, ']');
	}
	if (!item->partial)
		return;
	buf_add_octet(out, '<');
	buf_add_u64(out, item->offset);
	buf_add_octet(out, '>');
}
