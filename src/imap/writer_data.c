/*
 * Whole lines of data: what a mailbox holds, and which mailboxes there are.
 */
#include "imap/writer.h"

#include "base/attr.h"
#include "base/panic.h"
#include "imap/command.h"

/* ---- messages ---- */

void imap_write_number(struct buf *out, uint32_t number, const char *name)
{
	imap_begin_numbered(out, number, name);
	imap_end_data(out);
}

void imap_write_vanished(struct buf *out, bool earlier,
			 const struct uidset *uids)
{
	if (uids->count == 0)
		return;
	imap_begin_data(out, earlier ? "VANISHED (EARLIER) " : "VANISHED ");
	uidset_format(uids, out);
	imap_end_data(out);
}

void imap_write_flags_line(struct buf *out, uint32_t flags,
			   const struct slice *keywords, size_t count)
{
	imap_begin_data(out, "FLAGS ");
	imap_write_flags(out, flags, keywords, count);
	imap_end_data(out);
}

/* ---- results of SEARCH ---- */

static void write_modseq(struct buf *out, const char *open, uint64_t modseq,
			 const char *close)
{
	buf_add_str(out, open);
	buf_add_u64(out, modseq);
	buf_add_str(out, close);
}

void imap_write_search(struct buf *out, const struct uidset *numbers,
		       uint64_t modseq)
{
	imap_begin_data(out, "SEARCH");
	for (size_t i = 0; i < numbers->count; i++) {
		uint64_t number = numbers->ranges[i].first;

		for (; number <= numbers->ranges[i].last; number++) {
			buf_add_octet(out, ' ');
			buf_add_u64(out, number);
		}
	}
	/* RFC 7162 section 7: only behind numbers */
	if (modseq > 0 && numbers->count > 0)
		write_modseq(out, " (MODSEQ ", modseq, ")");
	imap_end_data(out);
}

static void write_labelled(struct buf *out, const char *label, uint64_t number)
{
	buf_add_str(out, label);
	buf_add_u64(out, number);
}

/* RFC 4731 section 3.1: nothing but COUNT is there without a match. */
static void write_esearch_found(struct buf *out,
				const struct imap_esearch *esearch)
{
	const struct uidset *numbers = esearch->numbers;
	size_t last = numbers->count - 1;

	if ((esearch->returns & IMAP_SEARCH_MIN) != 0)
		write_labelled(out, " MIN ", numbers->ranges[0].first);
	if ((esearch->returns & IMAP_SEARCH_MAX) != 0)
		write_labelled(out, " MAX ", numbers->ranges[last].last);
	if ((esearch->returns & IMAP_SEARCH_ALL) != 0) {
		buf_add_str(out, " ALL ");
		uidset_format(numbers, out);
	}
}

void imap_write_esearch(struct buf *out, const struct imap_esearch *esearch)
{
	imap_begin_data(out, "ESEARCH (TAG ");
	/* tag-string is an astring; quoted for clients that know only that */
	imap_write_string(out, false, esearch->tag);
	buf_add_octet(out, ')');
	if (esearch->uid)
		buf_add_str(out, " UID");
	if (esearch->numbers->count > 0)
		write_esearch_found(out, esearch);
	if ((esearch->returns & IMAP_SEARCH_COUNT) != 0)
		write_labelled(out, " COUNT ", uidset_size(esearch->numbers));
	if (esearch->modseq > 0 && esearch->numbers->count > 0)
		write_labelled(out, " MODSEQ ", esearch->modseq);
	imap_end_data(out);
}

/* ---- LIST, LSUB ---- */

static const char *const list_attrs[] = {
	"\\NonExistent", "\\Noselect",      "\\Noinferiors",
	"\\HasChildren", "\\HasNoChildren", "\\Subscribed",
	"\\Remote",      "\\Marked",        "\\Unmarked",
};

static void begin_item(struct buf *out, bool *first)
{
	if (!*first)
		buf_add_octet(out, ' ');
	*first = false;
}

static void write_attrs(struct buf *out, const struct imap_list_line *line)
{
	uint32_t uses = line->special_use;
	bool first = true;

	MUST(line->attrs >> ARRAY_LEN(list_attrs) == 0);
	for (size_t i = 0; i < ARRAY_LEN(list_attrs); i++) {
		if ((line->attrs & (UINT32_C(1) << i)) == 0)
			continue;
		begin_item(out, &first);
		buf_add_str(out, list_attrs[i]);
	}
	for (; uses != 0; uses &= uses - 1) {
		begin_item(out, &first);
		buf_add_str(out, imap_special_use_name((enum imap_special_use)(
					 uses & -uses)));
	}
}

static void write_separator(struct buf *out, char separator)
{
	char text[2] = { separator, '\0' };

	if (separator == '\0')
		buf_add_str(out, "NIL");
	else
		imap_write_string(out, false, slice_str(text));
}

/* ("CHILDINFO" ("SUBSCRIBED") "OLDNAME" ("old")) */
static void write_extended(struct buf *out, bool utf8,
			   const struct imap_list_line *line)
{
	bool first = true;

	if (line->childinfo == 0 && line->oldname.len == 0)
		return;
	buf_add_str(out, " (");
	if (line->childinfo != 0) {
		MUST(line->childinfo == IMAP_LIST_SUBSCRIBED);
		begin_item(out, &first);
		buf_add_str(out, "\"CHILDINFO\" (\"SUBSCRIBED\")");
	}
	if (line->oldname.len > 0) {
		begin_item(out, &first);
		buf_add_str(out, "\"OLDNAME\" (");
		imap_write_mailbox(out, utf8, line->oldname);
		buf_add_octet(out, ')');
	}
	buf_add_octet(out, ')');
}

void imap_write_list(struct buf *out, bool utf8,
		     const struct imap_list_line *line)
{
	imap_begin_data(out, line->lsub ? "LSUB (" : "LIST (");
	write_attrs(out, line);
	buf_add_str(out, ") ");
	write_separator(out, line->separator);
	buf_add_octet(out, ' ');
	imap_write_mailbox(out, utf8, line->name);
	write_extended(out, utf8, line);
	imap_end_data(out);
}

/* ---- STATUS ---- */

static void write_status_value(struct buf *out,
			       const struct imap_status_line *line,
			       enum imap_status_item item)
{
	switch (item) {
	case IMAP_STATUS_MESSAGES:
		buf_add_u64(out, line->messages);
		break;
	case IMAP_STATUS_UIDNEXT:
		buf_add_u64(out, line->uidnext);
		break;
	case IMAP_STATUS_UIDVALIDITY:
		buf_add_u64(out, line->uidvalidity);
		break;
	case IMAP_STATUS_UNSEEN:
		buf_add_u64(out, line->unseen);
		break;
	case IMAP_STATUS_DELETED:
		buf_add_u64(out, line->deleted);
		break;
	case IMAP_STATUS_SIZE:
		buf_add_u64(out, line->size);
		break;
	case IMAP_STATUS_HIGHESTMODSEQ:
		buf_add_u64(out, line->highestmodseq);
		break;
	case IMAP_STATUS_RECENT:
		buf_add_u64(out, line->recent);
		break;
	case IMAP_STATUS_MAILBOXID:
		buf_add_octet(out, '(');
		buf_add_slice(out, line->mailbox_id);
		buf_add_octet(out, ')');
		break;
	case IMAP_STATUS_APPENDLIMIT:
		buf_add_u64(out, line->append_limit);
		break;
	case IMAP_STATUS_DELETED_STORAGE:
		buf_add_u64(out, line->deleted_storage);
		break;
	}
}

void imap_write_status(struct buf *out, bool utf8,
		       const struct imap_status_line *line)
{
	bool first = true;

	imap_begin_data(out, "STATUS ");
	imap_write_mailbox(out, utf8, line->name);
	buf_add_str(out, " (");
	for (uint32_t items = line->items; items != 0; items &= items - 1) {
		enum imap_status_item item =
			(enum imap_status_item)(items & -items);

		begin_item(out, &first);
		buf_add_str(out, imap_status_item_name(item));
		buf_add_octet(out, ' ');
		write_status_value(out, line, item);
	}
	buf_add_octet(out, ')');
	imap_end_data(out);
}

/* ---- rights ---- */

/* No letters at all are "": an astring has at least one octet. */
static void write_rights(struct buf *out, uint32_t rights)
{
	if (rights == 0)
		buf_add_str(out, "\"\"");
	else
		imap_rights_format(rights, out);
}

void imap_write_acl(struct buf *out, bool utf8, struct slice name,
		    const struct imap_acl_line *entries, size_t count)
{
	imap_begin_data(out, "ACL ");
	imap_write_mailbox(out, utf8, name);
	for (size_t i = 0; i < count; i++) {
		buf_add_octet(out, ' ');
		imap_write_astring(out, utf8, entries[i].identifier);
		buf_add_octet(out, ' ');
		write_rights(out, entries[i].rights);
	}
	imap_end_data(out);
}

/*
 * RFC 4314 section 2.1.1: the virtual "c" and "d" stand for themselves where
 * one of their members may be granted; none is tied to another right here.
 */
static void write_optional(struct buf *out, uint32_t optional)
{
	struct buf letters = { 0 };

	imap_rights_format(optional, &letters);
	for (size_t i = 0; i < letters.len; i++) {
		buf_add_octet(out, ' ');
		buf_add_octet(out, letters.data[i]);
	}
	buf_fini(&letters);
}

void imap_write_listrights(struct buf *out, bool utf8, struct slice name,
			   struct slice identifier, uint32_t required,
			   uint32_t optional)
{
	imap_begin_data(out, "LISTRIGHTS ");
	imap_write_mailbox(out, utf8, name);
	buf_add_octet(out, ' ');
	imap_write_astring(out, utf8, identifier);
	buf_add_octet(out, ' ');
	write_rights(out, required);
	write_optional(out, optional & ~required);
	imap_end_data(out);
}

void imap_write_myrights(struct buf *out, bool utf8, struct slice name,
			 uint32_t rights)
{
	imap_begin_data(out, "MYRIGHTS ");
	imap_write_mailbox(out, utf8, name);
	buf_add_octet(out, ' ');
	write_rights(out, rights);
	imap_end_data(out);
}

/* ---- NAMESPACE, ID ---- */

/* The prefix is a string, not a mailbox: always quoted. */
static void write_namespace(struct buf *out, bool utf8,
			    const struct imap_namespace *space)
{
	struct buf name = { 0 };

	if (space->prefix == NULL) {
		buf_add_str(out, " NIL");
		return;
	}
	buf_add_str(out, " ((");
	imap_write_mailbox(&name, utf8, slice_str(space->prefix));
	if (name.data[0] == '"' || name.data[0] == '{')
		buf_add_slice(out, buf_slice(&name));
	else
		imap_write_string(out, utf8, buf_slice(&name));
	buf_fini(&name);
	buf_add_octet(out, ' ');
	write_separator(out, space->separator);
	buf_add_str(out, "))");
}

void imap_write_namespace(struct buf *out, bool utf8,
			  const struct imap_namespace spaces[3])
{
	imap_begin_data(out, "NAMESPACE");
	for (unsigned i = 0; i < 3; i++)
		write_namespace(out, utf8, &spaces[i]);
	imap_end_data(out);
}

void imap_write_id(struct buf *out, const char *const *strings, size_t count)
{
	MUST(count % 2 == 0);
	imap_begin_data(out, count == 0 ? "ID NIL" : "ID (");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_add_octet(out, ' ');
		if (strings[i] == NULL)
			buf_add_str(out, "NIL");
		else
			imap_write_string(out, false, slice_str(strings[i]));
	}
	if (count > 0)
		buf_add_octet(out, ')');
	imap_end_data(out);
}
