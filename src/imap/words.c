/*
 * Names of flags, special uses, STATUS items and rights on the wire.
 *
 * Each table has one name a bit, in the order of the bits. Lookups walk a table
 * of at most a dozen names; an unknown name is 0, never an error.
 */
#include "imap/words.h"

#include "base/attr.h"
#include "base/panic.h"

static const char *const flag_names[] = {
	"\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft",
};

static const char *const special_use_names[] = {
	"\\All",  "\\Archive", "\\Drafts", "\\Flagged",
	"\\Junk", "\\Sent",    "\\Trash",  "\\Important",
};

static const char *const status_item_names[] = {
	"MESSAGES",  "UIDNEXT",     "UIDVALIDITY",     "UNSEEN",
	"DELETED",   "SIZE",        "HIGHESTMODSEQ",   "RECENT",
	"MAILBOXID", "APPENDLIMIT", "DELETED-STORAGE",
};

/* In the order of the bits, which is that of RFC 4314 section 2.1. */
static const char right_letters[] = "lrswipkxtea";

#define RIGHTS_CREATE (IMAP_RIGHT_CREATE | IMAP_RIGHT_DELETE_MAILBOX)
#define RIGHTS_DELETE (IMAP_RIGHT_DELETE_MESSAGE | IMAP_RIGHT_EXPUNGE)

static uint32_t find(const char *const *names, size_t count, struct slice name)
{
	for (size_t i = 0; i < count; i++)
		if (slice_eq_nocase(slice_str(names[i]), name))
			return UINT32_C(1) << i;
	return 0;
}

static const char *name_of(const char *const *names, size_t count, uint32_t bit)
{
	size_t at;

	MUST(bit != 0 && (bit & (bit - 1)) == 0); /* one bit */
	at = (size_t)__builtin_ctz(bit);
	MUST(at < count);
	return names[at];
}

uint32_t imap_flag_find(struct slice name)
{
	return find(flag_names, ARRAY_LEN(flag_names), name);
}

uint32_t imap_special_use_find(struct slice name)
{
	return find(special_use_names, ARRAY_LEN(special_use_names), name);
}

uint32_t imap_status_item_find(struct slice name)
{
	return find(status_item_names, ARRAY_LEN(status_item_names), name);
}

const char *imap_flag_name(enum imap_flag flag)
{
	return name_of(flag_names, ARRAY_LEN(flag_names), flag);
}

const char *imap_special_use_name(enum imap_special_use use)
{
	return name_of(special_use_names, ARRAY_LEN(special_use_names), use);
}

const char *imap_status_item_name(enum imap_status_item item)
{
	return name_of(status_item_names, ARRAY_LEN(status_item_names), item);
}

/* 0: no right has that letter. */
static uint32_t right_of(uint8_t letter)
{
	const char *at;

	if (letter == 'c')
		return RIGHTS_CREATE;
	if (letter == 'd')
		return RIGHTS_DELETE;
	if (letter == '\0')
		return 0;
	at = strchr(right_letters, letter);
	return at == NULL ? 0 : UINT32_C(1) << (at - right_letters);
}

enum err imap_rights_parse(struct slice letters, uint32_t *rights_r)
{
	uint32_t rights = 0;

	for (size_t i = 0; i < letters.len; i++) {
		uint32_t right = right_of(letters.data[i]);

		if (right == 0)
			return ERR_SYNTAX;
		rights |= right;
	}
	*rights_r = rights;
	return ERR_NONE;
}

void imap_rights_format(uint32_t rights, struct buf *out)
{
	for (size_t i = 0; right_letters[i] != '\0'; i++)
		if ((rights & (UINT32_C(1) << i)) != 0)
			buf_add_octet(out, (uint8_t)right_letters[i]);
	if ((rights & RIGHTS_CREATE) != 0)
		buf_add_octet(out, 'c');
	if ((rights & RIGHTS_DELETE) != 0)
		buf_add_octet(out, 'd');
}
