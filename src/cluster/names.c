/*
 * Mailbox names: taken apart without copying.
 *
 * A name is cut at the first '!', then at '.'. Failures: what is no name is
 * told by the three checks; the other functions take any octets and give
 * something harmless for those that are none.
 */
#include "cluster/names.h"

#include "base/unicode.h"

#define PERSONAL "user"
#define INBOX "INBOX"

struct slice names_domain(struct slice name)
{
	size_t mark = slice_find(name, '!');

	return mark == name.len ? SLICE_NONE : slice_first(name, mark);
}

struct slice names_local(struct slice name)
{
	size_t mark = slice_find(name, '!');

	return mark == name.len ? name : slice_from(name, mark + 1);
}

/* Octets of the root within `local`: `user.x`, else the first component. */
static size_t local_root(struct slice local)
{
	size_t first = slice_find(local, '.');
	size_t second;

	if (first == local.len ||
	    !slice_eq(slice_first(local, first), SLICE_LIT(PERSONAL)))
		return first;
	second = slice_find(slice_from(local, first + 1), '.');
	return second == 0 ? first : first + 1 + second;
}

struct slice names_root(struct slice name)
{
	struct slice local = names_local(name);

	return slice_first(name, name.len - local.len + local_root(local));
}

bool names_is_personal(struct slice name)
{
	struct slice local = names_local(name);

	return local_root(local) > sizeof(PERSONAL) &&
	       slice_has_prefix(local, SLICE_LIT(PERSONAL "."));
}

/* `john^doe` of `example.org!user.john^doe.Sent`; the name is personal. */
static struct slice owner_component(struct slice name)
{
	struct slice root = names_local(names_root(name));

	return slice_from(root, sizeof(PERSONAL));
}

bool names_add_owner(struct slice name, struct buf *out)
{
	struct slice owner;
	struct slice domain = names_domain(name);

	if (!names_is_personal(name))
		return false;
	owner = owner_component(name);
	for (size_t i = 0; i < owner.len; i++)
		buf_add_octet(out, owner.data[i] == '^' ? '.' : owner.data[i]);
	if (domain.len > 0) {
		buf_add_octet(out, '@');
		buf_add_slice(out, domain);
	}
	return true;
}

/* `john.doe@example.org` in two; the domain is empty without an '@'. */
static void user_split(struct slice user, struct slice *local_r,
		       struct slice *domain_r)
{
	size_t at = user.len;

	while (at > 0 && user.data[at - 1] != '@')
		at--;
	*local_r = at > 0 ? slice_first(user, at - 1) : user;
	*domain_r = at > 0 ? slice_from(user, at) : SLICE_NONE;
}

void names_add_inbox(struct slice user, struct buf *out)
{
	struct slice local;
	struct slice domain;

	user_split(user, &local, &domain);
	if (domain.len > 0) {
		buf_add_slice(out, domain);
		buf_add_octet(out, '!');
	}
	buf_add_str(out, PERSONAL ".");
	for (size_t i = 0; i < local.len; i++)
		buf_add_octet(out, local.data[i] == '.' ? '^' : local.data[i]);
}

bool names_is_owner(struct slice name, struct slice user)
{
	struct slice owner;
	struct slice local;
	struct slice domain;

	if (!names_is_personal(name))
		return false;
	user_split(user, &local, &domain);
	owner = owner_component(name);
	if (owner.len != local.len || !slice_eq(domain, names_domain(name)))
		return false;
	for (size_t i = 0; i < owner.len; i++)
		if (owner.data[i] !=
		    (local.data[i] == '.' ? '^' : local.data[i]))
			return false;
	return true;
}

bool names_parent(struct slice name, struct slice *parent_r)
{
	size_t root = names_root(name).len;
	size_t end = name.len;

	while (end > root && name.data[end - 1] != '.')
		end--;
	if (end <= root)
		return false;
	*parent_r = slice_first(name, end - 1);
	return true;
}

struct slice names_leaf(struct slice name)
{
	struct slice local = names_local(name);
	size_t end = local.len;

	while (end > 0 && local.data[end - 1] != '.')
		end--;
	return slice_from(local, end);
}

bool names_is_below(struct slice name, struct slice top)
{
	return name.len > top.len && name.data[top.len] == '.' &&
	       slice_has_prefix(name, top);
}

/* The component below the INBOX of a personal name; empty if there is none. */
static struct slice below_inbox(struct slice name)
{
	struct slice rest = slice_from(name, names_root(name).len);

	if (!names_is_personal(name) || rest.len == 0)
		return SLICE_NONE;
	rest = slice_from(rest, 1);
	return slice_first(rest, slice_find(rest, '.'));
}

static bool is_inbox(struct slice component)
{
	return slice_eq_nocase(component, SLICE_LIT(INBOX));
}

bool names_is_inbox_shadow(struct slice name)
{
	struct slice parent;

	return is_inbox(below_inbox(name)) && names_parent(name, &parent) &&
	       names_is_root(parent);
}

/* ---- checks ---- */

/* U+0000 to U+001F, U+007F to U+009F: no names (RFC 5198 section 2). */
static bool has_control(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t octet = s.data[i];

		if (octet < 0x20 || octet == 0x7f)
			return true;
		if (octet == 0xc2 && i + 1 < s.len && s.data[i + 1] < 0xa0)
			return true;
	}
	return false;
}

/* None of `octets` is in `s`. */
static bool has_none(struct slice s, const char *octets)
{
	for (; *octets != '\0'; octets++)
		if (slice_find(s, (uint8_t)*octets) < s.len)
			return false;
	return true;
}

/* Runs of octets between dots, none of them empty. */
static bool components_are_good(struct slice s)
{
	do {
		if (slice_find(s, '.') == 0)
			return false;
		if (slice_find(s, '.') + 1 == s.len)
			return false;
		(void)slice_cut(&s, '.');
	} while (s.len > 0);
	return true;
}

static bool domain_is_good(struct slice name)
{
	struct slice domain = names_domain(name);

	if (slice_find(name, '!') == name.len)
		return true;
	return components_are_good(domain) && has_none(domain, "/%*@^");
}

/* Neither can be told from a client's own INBOX. */
static bool inbox_is_good(struct slice name)
{
	struct slice below = below_inbox(name);

	if (!names_is_personal(name))
		return !is_inbox(names_local(names_root(name)));
	if (!is_inbox(below))
		return true;
	return slice_eq(below, SLICE_LIT(INBOX)) &&
	       !names_is_inbox_shadow(name);
}

static bool owner_is_good(struct slice name)
{
	if (names_is_personal(name))
		return has_none(owner_component(name), "@");
	return !slice_eq(names_local(names_root(name)), SLICE_LIT(PERSONAL));
}

enum err names_check(struct slice name)
{
	struct slice local = names_local(name);

	if (name.len > NAMES_MAILBOX_MAX)
		return ERR_LIMIT;
	if (!utf8_valid(name) || has_control(name) ||
	    !has_none(local, "/%*!") || !domain_is_good(name) ||
	    !components_are_good(local) || !owner_is_good(name) ||
	    !inbox_is_good(name))
		return ERR_INVALID;
	return ERR_NONE;
}

enum err names_check_foreign(struct slice name)
{
	if (name.len > NAMES_MAILBOX_MAX)
		return ERR_LIMIT;
	return name.len > 0 && slice_find(name, '\0') == name.len ? ERR_NONE
								  : ERR_INVALID;
}

enum err names_check_user(struct slice user)
{
	struct buf inbox = { 0 };
	struct slice local;
	struct slice domain;
	enum err err;

	if (user.len > NAMES_USER_MAX)
		return ERR_LIMIT;
	user_split(user, &local, &domain);
	if (local.len == 0 || !has_none(user, "^!") ||
	    (domain.len == 0 && local.len < user.len))
		return ERR_INVALID;
	names_add_inbox(user, &inbox);
	err = names_check(buf_slice(&inbox));
	buf_fini(&inbox);
	return err;
}
