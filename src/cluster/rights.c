/*
 * Rights as bits and lists as text.
 *
 * A list is walked entry by entry; changing one writes a new list beside the
 * old. Failures: a list that does not end where an entry ends ends the walk,
 * and acl_check tells it before a list is stored.
 */
#include "cluster/rights.h"

#include "cluster/names.h"

#define LETTERS "lrswipkxtena" /* bit n is letter n */

/* Obsolete letters (RFC 4314 section 2.1.1). */
#define RIGHTS_OLD_CREATE (RIGHT_CREATE | RIGHT_DELETE_MAILBOX)
#define RIGHTS_OLD_DELETE (RIGHT_DELETE_MESSAGE | RIGHT_EXPUNGE)

static uint32_t rights_of_letter(uint8_t letter)
{
	const char *at = strchr(LETTERS, letter);

	if (at && letter != '\0')
		return 1u << (at - LETTERS);
	if (letter == 'c')
		return RIGHTS_OLD_CREATE;
	return letter == 'd' ? RIGHTS_OLD_DELETE : 0;
}

bool rights_of_text(struct slice text, uint32_t *rights_r)
{
	bool known = true;

	*rights_r = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint32_t rights = rights_of_letter(text.data[i]);

		known = known && rights != 0;
		*rights_r |= rights;
	}
	return known;
}

void rights_add_text(uint32_t rights, struct buf *out)
{
	for (unsigned i = 0; i < sizeof(LETTERS) - 1; i++)
		if ((rights >> i & 1) != 0)
			buf_add_octet(out, (uint8_t)LETTERS[i]);
}

/* One field and its tab; false: there is no tab. */
static bool take_field(struct slice *acl, struct slice *field_r)
{
	size_t tab = slice_find(*acl, '\t');

	if (tab == acl->len)
		return false;
	*field_r = slice_first(*acl, tab);
	*acl = slice_from(*acl, tab + 1);
	return true;
}

bool acl_next(struct slice *acl, struct acl_entry *entry_r)
{
	struct slice rest = *acl;
	struct slice name;
	struct slice letters;

	if (!take_field(&rest, &name) || !take_field(&rest, &letters))
		return false;
	entry_r->negative = name.len > 0 && name.data[0] == '-';
	entry_r->identifier = slice_from(name, entry_r->negative ? 1 : 0);
	(void)rights_of_text(letters, &entry_r->rights);
	*acl = rest;
	return true;
}

enum err acl_check_identifier(struct slice identifier)
{
	if (identifier.len > NAMES_IDENTIFIER_MAX)
		return ERR_LIMIT;
	if (identifier.len == 0 || identifier.data[0] == '-')
		return ERR_INVALID;
	for (size_t i = 0; i < identifier.len; i++)
		if (identifier.data[i] < 0x20 || identifier.data[i] == 0x7f)
			return ERR_INVALID;
	return ERR_NONE;
}

enum err acl_check(struct slice acl)
{
	struct acl_entry entry;

	if (acl.len > ACL_MAX)
		return ERR_LIMIT;
	while (acl_next(&acl, &entry)) {
		enum err err = acl_check_identifier(entry.identifier);

		if (err != ERR_NONE)
			return err;
	}
	return acl.len == 0 ? ERR_NONE : ERR_INVALID;
}

void acl_add_entry(const struct acl_entry *entry, struct buf *out)
{
	if (entry->negative)
		buf_add_octet(out, '-');
	buf_add_slice(out, entry->identifier);
	buf_add_octet(out, '\t');
	rights_add_text(entry->rights, out);
	buf_add_octet(out, '\t');
}

static uint32_t changed(uint32_t old, uint32_t rights, enum acl_change change)
{
	switch (change) {
	case ACL_REPLACE:
		return rights;
	case ACL_ADD:
		return old | rights;
	case ACL_REMOVE:
		return old & ~rights;
	}
	return old;
}

enum err acl_set(struct slice acl, const struct acl_entry *entry,
		 enum acl_change change, struct buf *out)
{
	size_t start = out->len;
	bool found = false;
	struct acl_entry old;

	while (acl_next(&acl, &old)) {
		bool same = old.negative == entry->negative &&
			    slice_eq(old.identifier, entry->identifier);

		if (same)
			old.rights = changed(old.rights, entry->rights, change);
		found = found || same;
		if (!same || old.rights != 0)
			acl_add_entry(&old, out);
	}
	old = *entry;
	old.rights = changed(0, entry->rights, change);
	if (!found && old.rights != 0)
		acl_add_entry(&old, out);
	if (out->len - start <= ACL_MAX)
		return ERR_NONE;
	out->len = start;
	return ERR_LIMIT;
}

static bool matches(struct slice identifier, const struct identity *who,
		    bool owner)
{
	if (slice_eq(identifier, SLICE_LIT("anyone")))
		return true;
	if (slice_eq(identifier, SLICE_LIT("owner")))
		return owner;
	if (slice_eq(identifier, SLICE_LIT("anonymous")))
		return who->user.len == 0;
	if (who->user.len > 0 && slice_eq(identifier, who->user))
		return true;
	for (size_t i = 0; i < who->group_count; i++)
		if (slice_eq(identifier, who->groups[i]))
			return true;
	return false;
}

uint32_t acl_rights(struct slice acl, struct slice name,
		    const struct identity *who)
{
	bool owner = who->user.len > 0 && names_is_owner(name, who->user);
	uint32_t granted = 0;
	uint32_t denied = 0;
	struct acl_entry entry;

	while (acl_next(&acl, &entry)) {
		if (!matches(entry.identifier, who, owner))
			continue;
		if (entry.negative)
			denied |= entry.rights;
		else
			granted |= entry.rights;
	}
	return (granted & ~denied) | (owner ? RIGHTS_OWNER_ALWAYS : 0u);
}
