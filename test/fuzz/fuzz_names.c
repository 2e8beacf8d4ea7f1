/*
 * Client names and internal ones, there and back, in every view; lists of
 * rights, changed and read.
 *
 * The first octet chooses the view, the rest is the name, then the list.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/panic.h"
#include "cluster/names.h"
#include "cluster/namespace.h"
#include "cluster/rights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct namespace_view view_of(uint8_t octet)
{
	static const char *const users[] = { "john", "j.d@example.org" };
	struct namespace_view ns;

	namespace_init(&ns, slice_str(users[octet & 1]));
	ns.alternate = (octet & 2) != 0;
	ns.separator = (octet & 4) != 0 ? '/' : '.';
	ns.admin = (octet & 8) != 0;
	if ((octet & 16) != 0)
		ns.default_domain = SLICE_LIT("d.org");
	return ns;
}

/* A good name that is shown is understood as itself. */
static void name_comes_back(const struct namespace_view *ns, struct slice name)
{
	struct buf client = { 0 };
	struct buf back = { 0 };

	if (names_check(name) == ERR_NONE &&
	    namespace_to_client(ns, name, &client)) {
		MUST(namespace_to_internal(ns, buf_slice(&client), &back) ==
		     ERR_NONE);
		MUST(slice_eq(buf_slice(&back), name));
	}
	buf_fini(&client);
	buf_fini(&back);
}

static void client_comes_to_rest(const struct namespace_view *ns,
				 struct slice client)
{
	struct buf name = { 0 };

	if (namespace_to_internal(ns, client, &name) == ERR_NONE)
		name_comes_back(ns, buf_slice(&name));
	buf_fini(&name);
}

static void list_changes(struct slice acl)
{
	struct acl_entry entry = { SLICE_LIT("john"), false, RIGHT_READ };
	struct identity who = { SLICE_LIT("john"), NULL, 0 };
	struct buf out = { 0 };

	(void)acl_rights(acl, SLICE_LIT("user.john"), &who);
	if (acl_check(acl) == ERR_NONE &&
	    acl_set(acl, &entry, ACL_REPLACE, &out) == ERR_NONE) {
		MUST(acl_check(buf_slice(&out)) == ERR_NONE);
		MUST(out.len >= sizeof("john\tr\t") - 1);
	}
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct namespace_view ns;
	struct slice name;

	if (size == 0)
		return 0;
	ns = view_of(data[0]);
	name = slice_of(data + 1, size - 1);
	name_comes_back(&ns, name);
	client_comes_to_rest(&ns, name);
	if (names_check_user(name) == ERR_NONE) {
		struct buf inbox = { 0 };

		names_add_inbox(name, &inbox);
		MUST(names_is_owner(buf_slice(&inbox), name));
		buf_fini(&inbox);
	}
	list_changes(name);
	return 0;
}
