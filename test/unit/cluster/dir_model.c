#include "dir_model.h"

#include <criterion/criterion.h>

#include "base/mem.h"

static const char *const people[MODEL_PEOPLE] = { "ann", "b.ob", "eve@d.org" };
static const char *const inboxes[MODEL_PEOPLE] = { "user.ann", "user.b^ob",
						   "d.org!user.eve" };
static const char *const shared[] = { "news", "d.org!news", "pub" };
static const char *const identifiers[MODEL_IDENTIFIERS] = { "ann", "b.ob",
							    "eve@d.org",
							    "anyone" };

static uint64_t draw(struct dir_model *model, uint64_t max)
{
	return random_range(model->random, 0, max);
}

void dir_model_init(struct dir_model *model, struct dir *dir,
		    struct random *random)
{
	memset(model, 0, sizeof(*model));
	model->dir = dir;
	model->random = random;
}

/* ---- names ---- */

/* A root and up to three of three components, so that names meet. */
static void draw_name(struct dir_model *model, char *name)
{
	static const char *const parts[] = { "a", "b", "INBOX" };
	uint64_t root = draw(model, 5);
	uint64_t depth = draw(model, 3);
	const char *text = root < 3 ? inboxes[root] : shared[root - 3];

	memcpy(name, text, strlen(text) + 1);
	for (uint64_t i = 0; i < depth; i++) {
		size_t len = strlen(name);
		const char *part = parts[draw(model, 2)];

		name[len] = '.';
		memcpy(name + len + 1, part, strlen(part) + 1);
	}
}

static bool is_below(const char *name, const char *top)
{
	return names_is_below(slice_str(name), slice_str(top));
}

static struct model_mailbox *find(struct dir_model *model, const char *name)
{
	for (unsigned i = 0; i < model->count; i++)
		if (strcmp(model->boxes[i].name, name) == 0)
			return &model->boxes[i];
	return NULL;
}

static bool has_children(const struct dir_model *model, const char *name)
{
	for (unsigned i = 0; i < model->count; i++)
		if (is_below(model->boxes[i].name, name))
			return true;
	return false;
}

/* Number of the owner, or MODEL_PEOPLE. */
static unsigned owner_of(const char *name)
{
	unsigned i = 0;

	while (i < MODEL_PEOPLE && strcmp(name, inboxes[i]) != 0 &&
	       !is_below(name, inboxes[i]))
		i++;
	return i;
}

static bool same_root(const char *a, const char *b)
{
	return slice_eq(names_root(slice_str(a)), names_root(slice_str(b)));
}

static struct model_mailbox *any_of_tree(struct dir_model *model,
					 const char *name)
{
	for (unsigned i = 0; i < model->count; i++)
		if (same_root(model->boxes[i].name, name))
			return &model->boxes[i];
	return NULL;
}

/* The first mailbox of each shared tree counts it. */
static unsigned homes(struct dir_model *model, uint32_t group)
{
	unsigned count = 0;

	for (unsigned i = 0; i < MODEL_PEOPLE; i++)
		count += model->people[i].exists &&
					 model->people[i].group == group
				 ? 1
				 : 0;
	for (unsigned i = 0; i < model->count; i++) {
		const struct model_mailbox *box = &model->boxes[i];

		if (owner_of(box->name) == MODEL_PEOPLE &&
		    box->group == group && any_of_tree(model, box->name) == box)
			count++;
	}
	return count;
}

static uint32_t lightest(struct dir_model *model)
{
	return homes(model, 2) < homes(model, 1) ? 2 : 1;
}

/* The group of the tree that a name is in, or would begin; 0: no user. */
static uint32_t group_for(struct dir_model *model, const char *name)
{
	unsigned owner = owner_of(name);
	struct model_mailbox *other = any_of_tree(model, name);

	if (owner < MODEL_PEOPLE)
		return model->people[owner].exists ? model->people[owner].group
						   : 0;
	return other ? other->group : lightest(model);
}

/* ---- making ---- */

static struct model_mailbox *add(struct dir_model *model, struct slice name,
				 uint32_t group, const uint32_t *rights)
{
	struct model_mailbox *box = &model->boxes[model->count++];

	cr_assert_leq(model->count, MODEL_BOXES_MAX);
	memcpy(box->name, name.data, name.len);
	box->name[name.len] = '\0';
	box->group = group;
	memcpy(box->rights, rights, sizeof(box->rights));
	box->id = dir_id(model->dir, box->name);
	box->uidvalidity = dir_mailbox(model->dir, box->name).uidvalidity;
	cr_assert_neq(box->id, 0, "%s", box->name);
	cr_assert_gt(box->uidvalidity, model->uidvalidity);
	model->uidvalidity = box->uidvalidity;
	return box;
}

/* Superiors that are missing, from the top; the list is the nearest's. */
static void add_superiors(struct dir_model *model, const char *name,
			  uint32_t group, const uint32_t *fallback,
			  uint32_t *rights)
{
	struct slice missing[8];
	unsigned count = 0;
	struct slice parent = slice_str(name);
	unsigned owner = owner_of(name);
	struct model_mailbox *above = NULL;

	while (!above && names_parent(parent, &parent)) {
		char text[MODEL_NAME_MAX] = { 0 };

		memcpy(text, parent.data, parent.len);
		above = find(model, text);
		if (!above && !names_is_inbox_shadow(parent))
			missing[count++] = parent;
	}
	memset(rights, 0, MODEL_IDENTIFIERS * sizeof(*rights));
	if (above)
		memcpy(rights, above->rights, sizeof(above->rights));
	else if (owner < MODEL_PEOPLE)
		rights[owner] = RIGHTS_ALL;
	else
		memcpy(rights, fallback, MODEL_IDENTIFIERS * sizeof(*rights));
	while (count-- > 0)
		add(model, missing[count], group, rights);
}

static const uint32_t *fallback_rights(void)
{
	static const uint32_t rights[MODEL_IDENTIFIERS] = {
		[3] = RIGHT_LOOKUP | RIGHT_READ | RIGHT_SEEN,
	};

	return rights;
}

static enum err did(struct dir_model *model, enum err err)
{
	model->done += err == ERR_NONE ? 1 : 0;
	return err;
}

static void step_create(struct dir_model *model)
{
	char name[MODEL_NAME_MAX];
	uint32_t rights[MODEL_IDENTIFIERS];
	uint32_t group;
	enum err err;

	draw_name(model, name);
	group = group_for(model, name);
	err = did(model, dir_create(model->dir, name));
	if (names_check(slice_str(name)) != ERR_NONE) {
		cr_assert_eq(err, ERR_INVALID);
	} else if (find(model, name)) {
		cr_assert_eq(err, ERR_EXISTS);
	} else if (group == 0) {
		cr_assert_eq(err, ERR_NONEXISTENT_PARENT);
	} else {
		cr_assert_eq(err, ERR_NONE);
		add_superiors(model, name, group, fallback_rights(), rights);
		add(model, slice_str(name), group, rights);
	}
}

static void remove_at(struct dir_model *model, struct model_mailbox *box)
{
	unsigned at = (unsigned)(box - model->boxes);

	/* The order is kept: the first of a tree stays it. */
	memmove(box, box + 1, (model->count - at - 1) * sizeof(*box));
	model->count--;
}

static void step_delete(struct dir_model *model)
{
	char name[MODEL_NAME_MAX];
	struct model_mailbox *box;
	uint64_t id;
	enum err err;

	draw_name(model, name);
	if (model->count > 0 && draw(model, 1) == 0)
		memcpy(name, model->boxes[draw(model, model->count - 1)].name,
		       sizeof(name));
	box = find(model, name);
	id = draw(model, 3) == 0 ? 1 : box ? box->id : 0;
	err = did(model, dir_delete(model->dir, name, id));
	if (!box) {
		cr_assert_eq(err, has_children(model, name) ? ERR_HASCHILDREN
							    : ERR_NOTFOUND);
	} else if (id != box->id) {
		cr_assert_eq(err, ERR_STALE);
	} else {
		cr_assert_eq(err, ERR_NONE);
		remove_at(model, box);
	}
}

/* ---- RENAME ---- */

static bool moves(const char *name, const char *from, bool inbox)
{
	return strcmp(name, from) == 0 || (!inbox && is_below(name, from));
}

static void new_name(const char *name, const char *from, const char *to,
		     char *result)
{
	cr_assert_lt(strlen(to) + strlen(name) - strlen(from), MODEL_NAME_MAX);
	memcpy(result, to, strlen(to));
	memcpy(result + strlen(to), name + strlen(from),
	       strlen(name) - strlen(from) + 1);
}

static bool meets(struct dir_model *model, const char *from, const char *to)
{
	char name[MODEL_NAME_MAX];

	for (unsigned i = 0; i < model->count; i++) {
		if (!moves(model->boxes[i].name, from, false))
			continue;
		new_name(model->boxes[i].name, from, to, name);
		if (find(model, name) && !moves(name, from, false))
			return true;
	}
	return false;
}

static enum err rename_tree_error(struct dir_model *model, const char *from,
				  const char *to)
{
	uint32_t group = 0;
	bool fresh = owner_of(to) == MODEL_PEOPLE && !any_of_tree(model, to);

	if (is_below(to, from))
		return ERR_CANNOT;
	for (unsigned i = 0; i < model->count && group == 0; i++)
		if (moves(model->boxes[i].name, from, false))
			group = model->boxes[i].group;
	if (group == 0)
		return ERR_NOTFOUND;
	if (owner_of(to) < MODEL_PEOPLE && names_is_root(slice_str(to)))
		return ERR_CANNOT;
	if (find(model, to) || meets(model, from, to))
		return ERR_EXISTS;
	if (group_for(model, to) == 0)
		return ERR_NONEXISTENT_PARENT;
	return fresh || group_for(model, to) == group ? ERR_NONE : ERR_CANNOT;
}

static enum err rename_error(struct dir_model *model, const char *from,
			     const char *to, bool inbox)
{
	if (names_check(slice_str(to)) != ERR_NONE)
		return ERR_INVALID;
	if (!inbox)
		return rename_tree_error(model, from, to);
	if (!same_root(from, to))
		return ERR_CANNOT;
	if (!find(model, from))
		return ERR_NOTFOUND;
	return find(model, to) ? ERR_EXISTS : ERR_NONE;
}

/* The rights that superiors get when nothing is above them. */
static void rename_fallback(struct dir_model *model, const char *from,
			    uint32_t *rights)
{
	struct model_mailbox *first = find(model, from);

	/* Without a record of `from`: the first below it, by name. */
	for (unsigned i = 0; !find(model, from) && i < model->count; i++)
		if (moves(model->boxes[i].name, from, false) &&
		    (!first || strcmp(model->boxes[i].name, first->name) < 0))
			first = &model->boxes[i];
	memcpy(rights, first->rights, sizeof(first->rights));
}

static void rename_model(struct dir_model *model, const char *from,
			 const char *to, bool inbox)
{
	static struct model_mailbox moved[MODEL_BOXES_MAX];
	uint32_t fallback[MODEL_IDENTIFIERS];
	uint32_t rights[MODEL_IDENTIFIERS];
	unsigned count = 0;

	rename_fallback(model, from, fallback);
	for (unsigned i = 0; i < model->count;) {
		if (!moves(model->boxes[i].name, from, inbox)) {
			i++;
			continue;
		}
		moved[count++] = model->boxes[i];
		remove_at(model, &model->boxes[i]);
	}
	if (inbox)
		add(model, slice_str(from), moved[0].group, moved[0].rights);
	add_superiors(model, to, moved[0].group, fallback, rights);
	for (unsigned i = 0; i < count; i++) {
		struct model_mailbox *box = &model->boxes[model->count++];

		*box = moved[i];
		new_name(moved[i].name, from, to, box->name);
	}
}

/* Chains of renames would outgrow the model's names. */
static bool grows_too_long(const struct dir_model *model, const char *from,
			   const char *to)
{
	for (unsigned i = 0; i < model->count; i++)
		if (is_below(model->boxes[i].name, from) &&
		    strlen(model->boxes[i].name) + strlen(to) >= MODEL_NAME_MAX)
			return true;
	return false;
}

static void step_rename(struct dir_model *model)
{
	char from[MODEL_NAME_MAX];
	char to[MODEL_NAME_MAX];
	bool inbox;
	enum err want;

	draw_name(model, from);
	draw_name(model, to);
	inbox = owner_of(from) < MODEL_PEOPLE && names_is_root(slice_str(from));
	if (grows_too_long(model, from, to))
		return;
	want = rename_error(model, from, to, inbox);
	cr_assert_eq(did(model, dir_rename(model->dir, from, to, 0)), want,
		     "%s to %s", from, to);
	if (want == ERR_NONE)
		rename_model(model, from, to, inbox);
}

/* ---- users and lists ---- */

static void step_user(struct dir_model *model)
{
	unsigned n = (unsigned)draw(model, MODEL_PEOPLE - 1);
	struct model_person *person = &model->people[n];
	uint32_t group = lightest(model);
	uint32_t rights[MODEL_IDENTIFIERS] = { 0 };
	enum err err = did(model, dir_user(model->dir, people[n], 0));

	if (person->exists) {
		cr_assert_eq(err, ERR_EXISTS);
		return;
	}
	cr_assert_eq(err, ERR_NONE);
	for (unsigned i = 0; person->removed && i < model->count; i++)
		model->boxes[i].rights[n] = 0; /* forgotten now */
	person->exists = true;
	person->group = group;
	rights[n] = RIGHTS_ALL;
	add(model, slice_str(inboxes[n]), group, rights);
}

static void step_remove(struct dir_model *model)
{
	unsigned n = (unsigned)draw(model, MODEL_PEOPLE - 1);
	enum err err;

	if (draw(model, 4) != 0)
		return;
	err = did(model, dir_remove(model->dir, people[n]));
	cr_assert_eq(err, model->people[n].exists ? ERR_NONE : ERR_NOTFOUND);
	model->people[n].removed |= model->people[n].exists;
	model->people[n].exists = false;
	for (unsigned i = model->count; i-- > 0;)
		if (owner_of(model->boxes[i].name) == n)
			remove_at(model, &model->boxes[i]);
}

static void step_acl(struct dir_model *model)
{
	unsigned n = (unsigned)draw(model, MODEL_IDENTIFIERS - 1);
	struct acl_entry entry = {
		.identifier = slice_str(identifiers[n]),
		.rights = (uint32_t)draw(model, RIGHTS_ALL),
	};
	enum acl_change change = (enum acl_change)draw(model, ACL_REMOVE);
	struct model_mailbox *box;
	struct buf letters = { 0 };

	if (model->count == 0)
		return;
	box = &model->boxes[draw(model, model->count - 1)];
	rights_add_text(entry.rights, &letters);
	cr_assert_eq(
		did(model, dir_set_acl(model->dir, box->name, identifiers[n],
				       buf_cstr(&letters), change)),
		ERR_NONE);
	buf_fini(&letters);
	if (change == ACL_REPLACE)
		box->rights[n] = entry.rights;
	else if (change == ACL_ADD)
		box->rights[n] |= entry.rights;
	else
		box->rights[n] &= ~entry.rights;
}

void dir_model_step(struct dir_model *model)
{
	static void (*const steps[])(struct dir_model * model) = {
		step_create, step_create, step_create, step_delete, step_rename,
		step_rename, step_user,   step_remove, step_acl,
	};

	model->dir->m.now_ms += draw(model, 3000);
	if (draw(model, 20) == 0)
		model->dir->m.now_ms -= 10000;
	steps[draw(model, ARRAY_LEN(steps) - 1)](model);
}

/* ---- comparing ---- */

static void compare_rights(const struct model_mailbox *want,
			   const struct directory_mailbox *got)
{
	struct slice acl = got->acl;
	struct acl_entry entry;
	unsigned entries = 0;

	while (acl_next(&acl, &entry)) {
		unsigned n = 0;

		while (n < MODEL_IDENTIFIERS &&
		       !slice_eq(entry.identifier, slice_str(identifiers[n])))
			n++;
		cr_assert_lt(n, MODEL_IDENTIFIERS);
		cr_assert_eq(entry.rights, want->rights[n], "%s: %s",
			     want->name, identifiers[n]);
		entries++;
	}
	for (unsigned n = 0; n < MODEL_IDENTIFIERS; n++)
		entries -= want->rights[n] != 0 ? 1 : 0;
	cr_assert_eq(entries, 0);
}

void dir_model_compare(struct dir_model *model)
{
	struct store_txn *txn = machine_ask(&model->dir->m);
	struct directory_mailbox got;
	struct directory_walk walk;
	unsigned count = 0;

	directory_mailbox_walk(&walk, txn, SLICE_NONE, SLICE_NONE);
	while (directory_mailbox_next(&walk, &got))
		count++;
	directory_walk_end(&walk);
	cr_assert_eq(count, model->count);
	for (unsigned i = 0; i < model->count; i++) {
		const struct model_mailbox *want = &model->boxes[i];

		cr_assert(directory_mailbox_find(txn, slice_str(want->name),
						 &got),
			  "%s", want->name);
		cr_assert_eq(got.id, want->id);
		cr_assert_eq(got.group, want->group);
		cr_assert_eq(got.uidvalidity, want->uidvalidity);
		compare_rights(want, &got);
	}
	dir_verify(model->dir);
}
