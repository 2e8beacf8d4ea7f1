/*
 * GETACL, SETACL, DELETEACL, MYRIGHTS, LISTRIGHTS (RFC 4314).
 *
 * DIRECTORY (read index) -> FIND and rights -> (COMMAND) -> done
 *
 * Without "a" a mailbox's list can be neither read nor changed; without "l"
 * the mailbox does not exist. Whoever has only some other right may know that
 * it exists (RFC 4314 section 6) but we say NOTFOUND then as well.
 */
#include "server/imap_op.h"
#include "server/node.h"

struct acl_op {
	struct imap_op op;
	struct imap_found found;
	struct slice name; /* as the client gave it */
	uint32_t need;     /* right without which the op is refused */
	imap_op_step *found_step;
};

static void acl_find(struct imap_op *base)
{
	struct acl_op *op = (struct acl_op *)base;
	struct store_txn *txn;
	enum err err;

	if (!imap_op_read(base, node_directory(base->link->loop->node), &txn))
		return;
	err = imap_find(base->link, txn, op->name, base->ask->arena,
			&op->found);
	if (!imap_op_read_end(base, &txn))
		return;
	if (!err && (op->found.rights & op->need) != op->need)
		err = ERR_DENIED;
	if (err)
		imap_op_end(base, err);
	else
		op->found_step(base);
}

static void acl_begin(struct imap_link *link, struct imap_ask *ask,
		      struct slice name, uint32_t need,
		      imap_op_step *found_step)
{
	struct acl_op *op = imap_op_new(link, ask, sizeof(*op));

	op->name = name;
	op->need = need;
	op->found_step = found_step;
	imap_op_read_index(&op->op, node_directory(link->loop->node), acl_find);
}

/* ---- GETACL ---- */

static void get_answer(struct imap_op *base)
{
	struct acl_op *op = (struct acl_op *)base;
	struct imap_ask_get_acl *ask =
		container_of(base->ask, struct imap_ask_get_acl, ask);
	struct arena *arena = ask->ask.arena;
	struct slice rest = op->found.acl;
	struct acl_entry entry;
	size_t count = 0;

	while (acl_next(&rest, &entry))
		count++;
	ask->entries = arena_zalloc(arena, count + 1, sizeof(*ask->entries));
	rest = op->found.acl;
	while (acl_next(&rest, &entry)) {
		struct imap_acl_entry *to = &ask->entries[ask->count++];

		to->identifier = slice_str(
			arena_printf(arena, "%s%.*s", entry.negative ? "-" : "",
				     SLICE_FMT(entry.identifier)));
		to->rights = imap_rights_of(entry.rights);
	}
	imap_op_end(base, ERR_NONE);
}

void op_get_acl_begin(struct imap_link *link, struct imap_ask *ask)
{
	acl_begin(link, ask,
		  container_of(ask, struct imap_ask_get_acl, ask)->name,
		  RIGHT_ADMIN, get_answer);
}

/* ---- SETACL, DELETEACL ---- */

static void set_answered(struct imap_op *base)
{
	imap_op_end(base, base->proposal.err);
}

static void set_propose(struct imap_op *base)
{
	struct acl_op *op = (struct acl_op *)base;
	const struct imap_ask_set_acl *ask =
		container_of(base->ask, struct imap_ask_set_acl, ask);
	bool negative = slice_has_prefix(ask->identifier, SLICE_LIT("-"));
	struct directory_set_acl command = {
		.id = op->found.id,
		.entry = {
			.identifier = slice_from(ask->identifier, negative),
			.negative = negative,
			.rights = imap_rights_to(ask->rights),
		},
		.change = ask->change == IMAP_ACL_ADD	 ? ACL_ADD :
			  ask->change == IMAP_ACL_REMOVE ? ACL_REMOVE :
							   ACL_REPLACE,
	};
	enum err err = acl_check_identifier(command.entry.identifier);

	if (ask->change == IMAP_ACL_DELETE)
		command.entry.rights = 0;
	if (!err)
		err = directory_set_acl_encode(&command, imap_op_body(base));
	if (err)
		imap_op_end(base, err);
	else
		imap_op_propose(base, 0, DIRECTORY_SET_ACL, set_answered);
}

void op_set_acl_begin(struct imap_link *link, struct imap_ask *ask)
{
	acl_begin(link, ask,
		  container_of(ask, struct imap_ask_set_acl, ask)->name,
		  RIGHT_ADMIN, set_propose);
}

/* ---- MYRIGHTS, LISTRIGHTS ---- */

/* An owner always has what he needs to repair the list; all else is free. */
static void rights_answer(struct imap_op *base)
{
	struct acl_op *op = (struct acl_op *)base;
	struct imap_ask_rights *ask =
		container_of(base->ask, struct imap_ask_rights, ask);

	ask->rights = imap_rights_of(op->found.rights);
	if (ask->identifier.len) {
		bool owner = names_is_owner(op->found.name, ask->identifier);

		ask->rights = imap_rights_of(owner ? RIGHTS_OWNER_ALWAYS : 0u);
		ask->optional = imap_rights_of(RIGHTS_ALL) & ~ask->rights;
	}
	imap_op_end(base, ERR_NONE);
}

void op_rights_begin(struct imap_link *link, struct imap_ask *ask)
{
	const struct imap_ask_rights *rights =
		container_of(ask, struct imap_ask_rights, ask);

	acl_begin(link, ask, rights->name,
		  rights->identifier.len ? (uint32_t)RIGHT_ADMIN : 0u,
		  rights_answer);
}
