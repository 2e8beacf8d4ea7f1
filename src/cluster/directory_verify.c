/*
 * Is the directory as it must be? Every table against those that should agree.
 *
 * Mailboxes are walked once against their indexes, users and trees; users and
 * groups once against what was counted meanwhile. Failures are findings; one
 * of the transaction is told at the end.
 */
#include "cluster/directory.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/panic.h"
#include "cluster/directory_row.h"
#include "cluster/directory_verify.h"
#include "cluster/findings.h"
#include "cluster/row.h"

/* Homes of a group: as its record says, and as they were counted. */
struct homes {
	uint32_t group;
	uint64_t said;
	uint64_t counted;
};

struct verify {
	struct findings findings;
	struct store_txn *txn;
	struct directory_counters counters;
	struct buf homes; /* struct homes, by rising group */
	uint64_t mailboxes;
	uint64_t identifiers; /* distinct ones, of all lists */
};

/* ---- groups ---- */

static void load_groups(struct verify *v)
{
	struct directory_group group;
	struct directory_walk walk;

	directory_group_walk(&walk, v->txn);
	while (directory_group_next(&walk, &group)) {
		struct homes homes = { group.group, group.homes, 0 };

		buf_add(&v->homes, &homes, sizeof(homes));
		FINDINGS_WANT(&v->findings,
			      group.group < v->counters.next_group,
			      "group %" PRIu32 ": number was never given",
			      group.group);
	}
	directory_walk_end(&walk);
}

static size_t homes_count(const struct verify *v)
{
	return v->homes.len / sizeof(struct homes);
}

static struct homes homes_at(const struct verify *v, size_t i)
{
	struct homes homes;

	memcpy(&homes, v->homes.data + i * sizeof(homes), sizeof(homes));
	return homes;
}

/* False: there is no such group. */
static bool count_home(struct verify *v, uint32_t group)
{
	for (size_t i = 0; i < homes_count(v); i++) {
		struct homes homes = homes_at(v, i);

		if (homes.group != group)
			continue;
		homes.counted++;
		memcpy(v->homes.data + i * sizeof(homes), &homes,
		       sizeof(homes));
		return true;
	}
	return false;
}

static void check_groups(struct verify *v)
{
	for (size_t i = 0; i < homes_count(v); i++) {
		struct homes homes = homes_at(v, i);

		FINDINGS_WANT(&v->findings, homes.said == homes.counted,
			      "group %" PRIu32 ": %" PRIu64
			      " homes, counted %" PRIu64,
			      homes.group, homes.said, homes.counted);
	}
}

/* ---- one mailbox ---- */

/* Is this the first entry of its identifier in the list? */
static bool is_first(struct slice acl, const struct acl_entry *entry)
{
	struct acl_entry other;

	while (acl_next(&acl, &other))
		if (slice_eq(other.identifier, entry->identifier))
			return other.identifier.data == entry->identifier.data;
	return false;
}

static void check_acl(struct verify *v, const struct directory_mailbox *m)
{
	struct slice acl = m->acl;
	struct acl_entry entry;

	FINDINGS_WANT(&v->findings, acl_check(acl) == ERR_NONE,
		      "%.*s: damaged list", SLICE_FMT(m->name));
	while (acl_next(&acl, &entry)) {
		struct store_key key =
			directory_by_acl_key(entry.identifier, m->id);
		struct store_value value;

		v->identifiers += is_first(m->acl, &entry) ? 1 : 0;
		FINDINGS_WANT(&v->findings,
			      store_get(v->txn, DIRECTORY_TABLE_BY_ACL,
					store_key_slice(&key), &value),
			      "%.*s: %.*s is not indexed", SLICE_FMT(m->name),
			      SLICE_FMT(entry.identifier));
	}
}

static void check_index(struct verify *v, const struct directory_mailbox *m)
{
	struct directory_mailbox other;

	FINDINGS_WANT(&v->findings,
		      directory_mailbox_find_id(v->txn, m->id, &other) &&
			      slice_eq(other.name, m->name),
		      "%.*s: id %" PRIu64 " is not indexed", SLICE_FMT(m->name),
		      m->id);
	FINDINGS_WANT(&v->findings, m->id != 0 && m->id < v->counters.next_id,
		      "%.*s: id %" PRIu64 " was never given",
		      SLICE_FMT(m->name), m->id);
}

/* Uses that the owner's record does not know. */
static bool uses_agree(const struct directory_user *user,
		       const struct directory_mailbox *m)
{
	for (unsigned i = 0; i < DIRECTORY_USES; i++)
		if ((user->special_use[i] == m->id) !=
		    ((m->special_use >> i & 1) != 0))
			return false;
	return true;
}

static void check_owner(struct verify *v, const struct directory_mailbox *m)
{
	struct directory_user user;
	struct buf owner = { 0 };
	bool found;

	(void)names_add_owner(m->name, &owner);
	found = directory_user_find(v->txn, buf_slice(&owner), &user);
	if (FINDINGS_WANT(&v->findings, found, "%.*s: there is no such user",
			  SLICE_FMT(m->name))) {
		FINDINGS_WANT(&v->findings, m->root == user.id,
			      "%.*s: another root", SLICE_FMT(m->name));
		FINDINGS_WANT(&v->findings, m->group == user.group,
			      "%.*s: another group than its owner's",
			      SLICE_FMT(m->name));
		FINDINGS_WANT(&v->findings, uses_agree(&user, m),
			      "%.*s: special uses differ from its owner's",
			      SLICE_FMT(m->name));
	}
	buf_fini(&owner);
}

/*
 * The first mailbox of the tree: its root, else the first one below. Tells
 * whether that is `name`: the record's own name dies with the walk.
 */
static bool tree_first(struct verify *v, struct slice name,
		       struct directory_mailbox *first_r, bool *is_it_r)
{
	struct slice root = names_root(name);
	struct directory_walk walk;
	struct buf prefix = { 0 };
	bool found;

	*is_it_r = slice_eq(root, name);
	if (directory_mailbox_find(v->txn, root, first_r))
		return true;
	buf_add_slice(&prefix, root);
	buf_add_octet(&prefix, '.');
	directory_mailbox_walk(&walk, v->txn, buf_slice(&prefix), SLICE_NONE);
	found = directory_mailbox_next(&walk, first_r);
	*is_it_r = found && slice_eq(first_r->name, name);
	directory_walk_end(&walk);
	buf_fini(&prefix);
	return found;
}

static void check_shared(struct verify *v, const struct directory_mailbox *m)
{
	struct directory_mailbox first;
	bool is_it;

	FINDINGS_WANT(&v->findings, m->special_use == 0, "%.*s: a special use",
		      SLICE_FMT(m->name));
	if (!tree_first(v, m->name, &first, &is_it) || first.group == 0)
		return;
	FINDINGS_WANT(&v->findings,
		      first.root == m->root && first.group == m->group,
		      "%.*s: another root or group than its tree",
		      SLICE_FMT(m->name));
	if (is_it)
		FINDINGS_WANT(&v->findings, count_home(v, m->group),
			      "%.*s: there is no group %" PRIu32,
			      SLICE_FMT(m->name), m->group);
}

static void check_own(struct verify *v, const struct directory_mailbox *m)
{
	FINDINGS_WANT(&v->findings, names_check(m->name) == ERR_NONE,
		      "%.*s: no good name", SLICE_FMT(m->name));
	FINDINGS_WANT(&v->findings,
		      m->uidvalidity != 0 &&
			      m->uidvalidity <= v->counters.uidvalidity,
		      "%.*s: UIDVALIDITY %" PRIu32 " was never given",
		      SLICE_FMT(m->name), m->uidvalidity);
	FINDINGS_WANT(&v->findings, m->root != 0 && m->location.len == 0,
		      "%.*s: no root, or a location", SLICE_FMT(m->name));
	if (names_is_personal(m->name))
		check_owner(v, m);
	else
		check_shared(v, m);
}

static void check_mailboxes(struct verify *v)
{
	struct directory_mailbox mailbox;
	struct directory_walk walk;

	directory_mailbox_walk(&walk, v->txn, SLICE_NONE, SLICE_NONE);
	while (directory_mailbox_next(&walk, &mailbox)) {
		v->mailboxes++;
		check_index(v, &mailbox);
		check_acl(v, &mailbox);
		if (mailbox.group != 0)
			check_own(v, &mailbox);
	}
	directory_walk_end(&walk);
	FINDINGS_WANT(&v->findings,
		      store_count(v->txn, DIRECTORY_TABLE_BY_ID) ==
			      v->mailboxes,
		      "ids of mailboxes that do not exist");
	FINDINGS_WANT(&v->findings,
		      store_count(v->txn, DIRECTORY_TABLE_BY_ACL) ==
			      v->identifiers,
		      "identifiers that stand in no list");
}

/* ---- users ---- */

static uint32_t count_tree(struct verify *v, struct slice user)
{
	struct directory_mailbox mailbox;
	struct directory_walk walk;
	struct buf name = { 0 };
	uint32_t count = 0;

	names_add_inbox(user, &name);
	if (directory_mailbox_find(v->txn, buf_slice(&name), &mailbox))
		count += mailbox.group != 0 ? 1 : 0;
	buf_add_octet(&name, '.');
	directory_mailbox_walk(&walk, v->txn, buf_slice(&name), SLICE_NONE);
	while (directory_mailbox_next(&walk, &mailbox))
		count += mailbox.group != 0 ? 1 : 0;
	directory_walk_end(&walk);
	buf_fini(&name);
	return count;
}

static uint32_t count_subscriptions(struct verify *v, uint64_t user_id)
{
	struct directory_walk walk;
	struct slice name;
	uint32_t count = 0;

	directory_subscription_walk(&walk, v->txn, user_id, SLICE_NONE);
	while (directory_subscription_next(&walk, &name))
		count++;
	directory_walk_end(&walk);
	return count;
}

static void check_uses(struct verify *v, const struct directory_user *user)
{
	struct directory_mailbox mailbox;

	for (unsigned i = 0; i < DIRECTORY_USES; i++) {
		uint64_t id = user->special_use[i];

		if (id == 0)
			continue;
		FINDINGS_WANT(&v->findings,
			      directory_mailbox_find_id(v->txn, id, &mailbox) &&
				      (mailbox.special_use >> i & 1) != 0,
			      "user %.*s: use %u of a mailbox without it",
			      SLICE_FMT(user->name), i);
	}
}

static void check_user(struct verify *v, const struct directory_user *user)
{
	uint32_t mailboxes = count_tree(v, user->name);
	uint32_t subscriptions = count_subscriptions(v, user->id);

	FINDINGS_WANT(&v->findings, user->id < v->counters.next_id,
		      "user %.*s: id was never given", SLICE_FMT(user->name));
	FINDINGS_WANT(&v->findings, count_home(v, user->group),
		      "user %.*s: there is no group %" PRIu32,
		      SLICE_FMT(user->name), user->group);
	FINDINGS_WANT(&v->findings, user->mailboxes == mailboxes,
		      "user %.*s: %" PRIu32 " mailboxes, counted %" PRIu32,
		      SLICE_FMT(user->name), user->mailboxes, mailboxes);
	FINDINGS_WANT(&v->findings, user->subscriptions == subscriptions,
		      "user %.*s: %" PRIu32 " subscriptions, counted %" PRIu32,
		      SLICE_FMT(user->name), user->subscriptions,
		      subscriptions);
	check_uses(v, user);
}

static void check_users(struct verify *v)
{
	struct directory_user user;
	struct directory_walk walk;

	directory_user_walk(&walk, v->txn, SLICE_NONE);
	while (directory_user_next(&walk, &user))
		check_user(v, &user);
	directory_walk_end(&walk);
}

/* ---- the rest ---- */

static void check_intents(struct verify *v)
{
	struct directory_intent intent;
	struct directory_walk walk;
	uint64_t id;

	directory_intent_walk(&walk, v->txn, 0);
	while (directory_intent_next(&walk, &intent)) {
		uint64_t left = intent.id_count;

		while (left > 0 && directory_intent_next_id(&intent, &id))
			left--;
		FINDINGS_WANT(&v->findings,
			      left == 0 && intent.ids.len == 0 &&
				      intent.id < v->counters.next_intent,
			      "intent %" PRIu64 ": damaged", intent.id);
	}
	directory_walk_end(&walk);
}

static void check_changes(struct verify *v)
{
	uint64_t rows = store_count(v->txn, DIRECTORY_TABLE_CHANGE);

	FINDINGS_WANT(&v->findings, rows == v->counters.changes,
		      "%" PRIu64 " changes, counted %" PRIu64,
		      v->counters.changes, rows);
	FINDINGS_WANT(&v->findings, rows <= DIRECTORY_CHANGES_MAX,
		      "%" PRIu64 " changes are too many", rows);
}

uint64_t directory_verify(struct store_txn *txn, directory_finding *finding,
			  void *arg)
{
	struct verify v = {
		.findings = { .txn = txn, .tell = finding, .arg = arg },
		.txn = txn,
	};

	directory_counters_get(txn, &v.counters);
	load_groups(&v);
	check_mailboxes(&v);
	check_users(&v);
	check_groups(&v);
	directory_verify_nodes(txn, &v.findings);
	check_intents(&v);
	check_changes(&v);
	buf_fini(&v.homes);
	return findings_end(&v.findings);
}
