/*
 * Client names to internal ones and back.
 *
 * A name is cut into a head, which says whose it is, and a rest, whose
 * components are translated one by one. Failures: a client name that no
 * internal one is shown as (ERR_INVALID), a namespace's prefix (ERR_NOTFOUND),
 * an internal name that this view does not show (false).
 */
#include "cluster/namespace.h"

#include "base/unicode.h"
#include "cluster/names.h"

#define CLASH SLICE_LIT("Alt Folders")
#define INBOX SLICE_LIT("INBOX")
#define PERSONAL SLICE_LIT("user")

void namespace_init(struct namespace_view *ns, struct slice user)
{
	*ns = (struct namespace_view){
		.separator = '/',
		.alternate = true,
		.user = user,
		.others = SLICE_LIT("Other Users"),
		.shared = SLICE_LIT("Shared Folders"),
		.clash = CLASH,
	};
}

static bool is_inbox(struct slice component)
{
	return slice_eq_nocase(component, INBOX);
}

/* The domain of a user, empty without one. */
static struct slice user_domain(struct slice user)
{
	size_t at = user.len;

	while (at > 0 && user.data[at - 1] != '@')
		at--;
	return at > 0 ? slice_from(user, at) : SLICE_NONE;
}

/*
 * Components of one's own that would be taken for something else: INBOX below
 * INBOX, and the prefixes. `INBOX/x` itself is no clash.
 */
static bool clashes(const struct namespace_view *ns, struct slice rest,
		    uint8_t sep)
{
	struct slice first = slice_first(rest, slice_find(rest, sep));

	if (is_inbox(first))
		return first.len == rest.len || !slice_eq(first, INBOX);
	return slice_eq(first, ns->others) || slice_eq(first, ns->shared) ||
	       slice_eq(first, ns->clash);
}

/* ---- from the client ---- */

/* Octets that no client name has with this separator, and empty components. */
static bool client_is_good(const struct namespace_view *ns, struct slice client)
{
	uint8_t sep = (uint8_t)ns->separator;
	uint8_t stranger = sep == '/' ? '^' : '/';

	if (slice_find(client, stranger) < client.len ||
	    slice_find(client, '!') < client.len)
		return false;
	for (size_t i = 0; i <= client.len; i++)
		if ((i == client.len || client.data[i] == sep) &&
		    (i == 0 || client.data[i - 1] == sep))
			return false;
	return true;
}

static void add_internal(const struct namespace_view *ns, struct slice rest,
			 struct buf *out)
{
	for (size_t i = 0; i < rest.len; i++) {
		uint8_t octet = rest.data[i];

		if (ns->separator == '/' && octet == '/')
			octet = '.';
		else if (ns->separator == '/' && octet == '.')
			octet = '^';
		buf_add_octet(out, octet);
	}
}

static void add_domain(const struct namespace_view *ns, struct slice domain,
		       struct buf *out)
{
	if (domain.len == 0 || slice_eq(domain, ns->default_domain))
		return;
	buf_add_slice(out, domain);
	buf_add_octet(out, '!');
}

static void add_own(const struct namespace_view *ns, struct slice rest,
		    struct buf *out)
{
	names_add_inbox(ns->user, out);
	if (rest.len > 0) {
		buf_add_octet(out, '.');
		add_internal(ns, rest, out);
	}
}

/* The domain as clients write it: with separator '.', '^' for its dots. */
static void add_client_domain(const struct namespace_view *ns,
			      struct slice domain, struct buf *out)
{
	struct buf dotted = { 0 };

	for (size_t i = 0; i < domain.len; i++)
		buf_add_octet(&dotted,
			      domain.data[i] == '^' ? '.' : domain.data[i]);
	add_domain(ns, buf_slice(&dotted), out);
	buf_fini(&dotted);
}

/* `jane@example.org/Sent` behind the prefix of other users. */
static enum err add_others(const struct namespace_view *ns, struct slice client,
			   struct buf *out)
{
	struct slice rest = client;
	struct slice user = slice_cut(&rest, (uint8_t)ns->separator);
	struct slice domain = user_domain(user);

	if (user.len == 0)
		return ERR_NOTFOUND;
	if (domain.len > 0)
		add_client_domain(ns, domain, out);
	else if (slice_find(user, '@') < user.len)
		return ERR_INVALID;
	else
		add_domain(ns, user_domain(ns->user), out);
	if (domain.len > 0)
		user = slice_first(user, user.len - domain.len - 1);
	if (user.len == 0)
		return ERR_INVALID;
	buf_add_str(out, "user.");
	add_internal(ns, user, out);
	if (rest.len > 0) {
		buf_add_octet(out, '.');
		add_internal(ns, rest, out);
	}
	return ERR_NONE;
}

static enum err add_shared(const struct namespace_view *ns, struct slice rest,
			   struct slice domain, struct buf *out)
{
	struct slice first =
		slice_first(rest, slice_find(rest, (uint8_t)ns->separator));

	if (rest.len == 0)
		return ERR_NOTFOUND;
	if (slice_eq(first, PERSONAL) || is_inbox(first))
		return ERR_INVALID;
	add_domain(ns, domain, out);
	add_internal(ns, rest, out);
	return ERR_NONE;
}

/* `Alt Folders/INBOX`: only what cannot be said without. */
static enum err add_clash(const struct namespace_view *ns, struct slice rest,
			  struct buf *out)
{
	if (rest.len == 0)
		return ERR_NOTFOUND;
	if (!clashes(ns, rest, (uint8_t)ns->separator))
		return ERR_INVALID;
	add_own(ns, rest, out);
	return ERR_NONE;
}

static enum err from_alternate(const struct namespace_view *ns,
			       struct slice client, struct buf *out)
{
	struct slice rest = client;
	struct slice head = slice_cut(&rest, (uint8_t)ns->separator);

	if (is_inbox(head)) {
		add_own(ns, rest.len > 0 ? INBOX : SLICE_NONE, out);
		if (rest.len > 0) {
			buf_add_octet(out, '.');
			add_internal(ns, rest, out);
		}
		return ERR_NONE;
	}
	if (slice_eq(head, ns->others))
		return add_others(ns, rest, out);
	if (slice_eq(head, ns->shared))
		return add_shared(ns, rest, user_domain(ns->user), out);
	if (slice_eq(head, ns->clash))
		return add_clash(ns, rest, out);
	add_own(ns, client, out);
	return ERR_NONE;
}

static enum err from_standard(const struct namespace_view *ns,
			      struct slice client, struct buf *out)
{
	struct slice rest = client;
	struct slice head = slice_cut(&rest, (uint8_t)ns->separator);

	if (is_inbox(head)) {
		add_own(ns, rest, out);
		return ERR_NONE;
	}
	if (slice_eq(head, PERSONAL))
		return add_others(ns, rest, out);
	return add_shared(ns, client, user_domain(ns->user), out);
}

/*
 * `user/john/Sent@example.org`. A name without a domain but with an '@' gets
 * one more at its end.
 */
static enum err from_admin(const struct namespace_view *ns, struct slice client,
			   struct buf *out)
{
	struct slice domain = user_domain(client);
	struct slice rest = client;
	struct slice head;

	if (slice_find(client, '@') < client.len)
		client = slice_first(client, client.len - domain.len - 1);
	if (client.len == 0 || (domain.len == 0 && client.len < rest.len &&
				slice_find(client, '@') == client.len))
		return ERR_INVALID;
	if (!client_is_good(ns, client) ||
	    slice_find(domain, '/') < domain.len ||
	    slice_find(domain, '^') < domain.len ||
	    slice_find(domain, '!') < domain.len)
		return ERR_INVALID;
	rest = client;
	head = slice_cut(&rest, (uint8_t)ns->separator);
	if (!slice_eq(head, PERSONAL))
		return add_shared(ns, client, domain, out);
	if (rest.len == 0)
		return ERR_NOTFOUND;
	add_domain(ns, domain, out);
	add_internal(ns, client, out);
	return ERR_NONE;
}

static enum err to_internal(const struct namespace_view *ns,
			    struct slice client, struct buf *out)
{
	if (client.len > 1 && client.data[client.len - 1] == ns->separator)
		client.len--;
	if (ns->admin)
		return from_admin(ns, client, out);
	if (!client_is_good(ns, client))
		return ERR_INVALID;
	if (ns->alternate)
		return from_alternate(ns, client, out);
	return from_standard(ns, client, out);
}

enum err namespace_to_internal(const struct namespace_view *ns,
			       struct slice client, struct buf *out)
{
	size_t start = out->len;
	enum err err = to_internal(ns, client, out);

	if (err != ERR_NONE)
		out->len = start;
	return err;
}

/* ---- to the client ---- */

static void add_client(const struct namespace_view *ns, struct slice rest,
		       struct buf *out)
{
	for (size_t i = 0; i < rest.len; i++) {
		uint8_t octet = rest.data[i];

		if (ns->separator == '/' && octet == '.')
			octet = '/';
		else if (ns->separator == '/' && octet == '^')
			octet = '.';
		buf_add_octet(out, octet);
	}
}

/* The part of the name below its root, without the dot. */
static struct slice below_root(struct slice name)
{
	struct slice rest = slice_from(name, names_root(name).len);

	return rest.len > 0 ? slice_from(rest, 1) : rest;
}

/* `prefix`, then `rest` behind a separator unless one of them is empty. */
static void add_joined(const struct namespace_view *ns, struct slice prefix,
		       struct slice rest, struct buf *out)
{
	buf_add_slice(out, prefix);
	if (prefix.len > 0 && rest.len > 0)
		buf_add_octet(out, (uint8_t)ns->separator);
	add_client(ns, rest, out);
}

static bool show_own(const struct namespace_view *ns, struct slice name,
		     struct buf *out)
{
	struct slice rest = below_root(name);

	if (!ns->alternate || rest.len == 0)
		add_joined(ns, INBOX, rest, out);
	else if (clashes(ns, rest, '.'))
		add_joined(ns, ns->clash, rest, out);
	else
		add_client(ns, rest, out);
	return true;
}

/* '@' and the domain, as add_client_domain reads it. */
static void show_domain(const struct namespace_view *ns, struct slice domain,
			struct buf *out)
{
	buf_add_octet(out, '@');
	for (size_t i = 0; i < domain.len; i++) {
		bool dot = domain.data[i] == '.' && ns->separator == '.';

		buf_add_octet(out, dot ? '^' : domain.data[i]);
	}
}

static bool show_others(const struct namespace_view *ns, struct slice name,
			struct buf *out)
{
	struct slice domain = names_domain(name);
	struct slice local = names_local(names_root(name));

	if (domain.len == 0)
		domain = ns->default_domain;
	if (domain.len == 0 && user_domain(ns->user).len > 0)
		return false;
	buf_add_slice(out, ns->alternate ? ns->others : PERSONAL);
	buf_add_octet(out, (uint8_t)ns->separator);
	add_client(ns, slice_from(local, PERSONAL.len + 1), out);
	if (!slice_eq(names_domain(name), user_domain(ns->user)))
		show_domain(ns, domain, out);
	add_client(ns, slice_from(name, names_root(name).len), out);
	return true;
}

static bool is_shared(struct slice name)
{
	struct slice root = names_local(names_root(name));

	return !names_is_personal(name) && !is_inbox(root) &&
	       !slice_eq(root, PERSONAL);
}

static bool show_shared(const struct namespace_view *ns, struct slice name,
			struct buf *out)
{
	if (!is_shared(name) ||
	    !slice_eq(names_domain(name), user_domain(ns->user)))
		return false;
	add_joined(ns, ns->alternate ? ns->shared : SLICE_NONE,
		   names_local(name), out);
	return true;
}

static bool show_admin(const struct namespace_view *ns, struct slice name,
		       struct buf *out)
{
	struct slice domain = names_domain(name);
	struct slice local = names_local(name);

	if (!names_is_personal(name) && !is_shared(name))
		return false;
	add_client(ns, local, out);
	if (domain.len > 0 || slice_find(local, '@') < local.len)
		buf_add_octet(out, '@');
	buf_add_slice(out, domain);
	return true;
}

bool namespace_to_client(const struct namespace_view *ns, struct slice name,
			 struct buf *out)
{
	struct slice local = names_local(name);

	if (slice_find(name, '/') < name.len ||
	    slice_find(local, '!') < local.len)
		return false;
	if (ns->default_domain.len > 0 &&
	    slice_eq(names_domain(name), ns->default_domain))
		return false; /* its users are known without it */
	if (ns->admin)
		return show_admin(ns, name, out);
	if (names_is_owner(name, ns->user))
		return show_own(ns, name, out);
	if (names_is_personal(name))
		return show_others(ns, name, out);
	return show_shared(ns, name, out);
}

/* ---- the namespaces themselves ---- */

enum namespace_kind namespace_kind_of(const struct namespace_view *ns,
				      struct slice name)
{
	if (!names_is_personal(name))
		return NAMESPACE_SHARED;
	if (!ns->admin && names_is_owner(name, ns->user))
		return NAMESPACE_PERSONAL;
	return NAMESPACE_OTHERS;
}

static struct slice prefix_of(const struct namespace_view *ns,
			      enum namespace_kind kind)
{
	bool alternate = ns->alternate && !ns->admin;

	switch (kind) {
	case NAMESPACE_PERSONAL:
		return alternate ? SLICE_NONE : INBOX;
	case NAMESPACE_OTHERS:
		return alternate ? ns->others : PERSONAL;
	case NAMESPACE_SHARED:
		return alternate ? ns->shared : SLICE_NONE;
	}
	return SLICE_NONE;
}

bool namespace_prefix(const struct namespace_view *ns, enum namespace_kind kind,
		      struct buf *out)
{
	struct slice prefix = prefix_of(ns, kind);

	if (ns->admin && kind == NAMESPACE_PERSONAL)
		return false;
	buf_add_slice(out, prefix);
	if (prefix.len > 0)
		buf_add_octet(out, (uint8_t)ns->separator);
	return true;
}

/* Names from clients are composed before they are looked at. */
static bool is_composed(struct slice text)
{
	struct buf composed = { 0 };
	bool is = unicode_nfc(text, &composed) == ERR_NONE &&
		  slice_eq(buf_slice(&composed), text);

	buf_fini(&composed);
	return is;
}

/* Could one component of a mailbox's name look like this? */
static bool is_component(struct slice text)
{
	struct buf name = { 0 };
	bool is;

	buf_add_str(&name, "x.");
	for (size_t i = 0; i < text.len; i++)
		buf_add_octet(&name, text.data[i] == '.' ? '^' : text.data[i]);
	is = names_check(buf_slice(&name)) == ERR_NONE;
	buf_fini(&name);
	return is;
}

const char *namespace_prefix_fault(char separator, struct slice prefix)
{
	if (prefix.len == 0)
		return "is empty";
	if (slice_find(prefix, (uint8_t)separator) < prefix.len)
		return "contains the separator";
	if (is_inbox(prefix))
		return "is the INBOX of every user";
	if (slice_eq(prefix, CLASH))
		return "is kept for folders that are called like a prefix";
	if (!utf8_valid(prefix))
		return "is not UTF-8";
	if (!is_composed(prefix))
		return "is not in Unicode's composed form (NFC)";
	/*
	 * '!' ends a domain. With '/' a client's '.' is '^' inside, so it has
	 * no '^' itself.
	 */
	if (!is_component(prefix) || slice_find(prefix, '!') < prefix.len ||
	    (separator == '/' && slice_find(prefix, '^') < prefix.len))
		return "cannot be the name of a mailbox";
	return NULL;
}
