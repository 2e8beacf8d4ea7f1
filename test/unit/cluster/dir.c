#include "dir.h"

#include <criterion/criterion.h>

#include "cluster/directory_row.h"
#include "cluster/row.h"

static enum err apply(struct dir *d, uint16_t kind)
{
	return machine_apply(&d->m, kind, DIRECTORY_COMMAND_VERSION);
}

static void published(void *arg, const struct directory_event *events,
		      size_t count, uint64_t applied_index)
{
	struct dir *d = arg;

	cr_assert_leq(count, DIRECTORY_EVENTS_MAX);
	cr_assert_eq(applied_index, d->m.index);
	for (size_t i = 0; i < count; i++) {
		d->events[i] = events[i];
		d->events[i].name = SLICE_NONE; /* dies with the call */
	}
	d->published = (unsigned)count;
}

void dir_open(struct dir *d)
{
	struct directory_member n1;

	memset(d, 0, sizeof(*d));
	directory_fsm_init(&d->fsm, published, d);
	machine_open(&d->m, &d->fsm.fsm, MACHINE_MAP);
	n1 = dir_new_member("n1", 1);
	cr_assert_eq(dir_member_add(d, &n1), ERR_NONE);
	dir_group(d, 100);
	dir_group(d, 100);
}

static void finding(void *arg, const char *text)
{
	(void)arg;
	cr_log_error("%s", text);
}

void dir_verify(struct dir *d)
{
	cr_assert_eq(directory_verify(machine_ask(&d->m), finding, NULL), 0);
}

void dir_close(struct dir *d)
{
	dir_verify(d);
	machine_close(&d->m);
	directory_fsm_fini(&d->fsm);
}

uint32_t dir_group(struct dir *d, uint32_t weight)
{
	struct directory_group_put put = {
		.add = true,
		.group = {
			.wanted = 3,
			.weight = weight,
			.replica_count = 1,
			.replicas = { {
				.node = 1,
				.role = DIRECTORY_REPLICA_VOTER,
				.state = DIRECTORY_REPLICA_SERVING,
			} },
		},
	};
	struct directory_group_put_result result;

	cr_assert_eq(directory_group_put_encode(&put, &d->m.body), ERR_NONE);
	cr_assert_eq(apply(d, DIRECTORY_GROUP_PUT), ERR_NONE);
	cr_assert_eq(
		directory_group_put_result(machine_payload(&d->m), &result),
		ERR_NONE);
	return result.group;
}

struct directory_member dir_new_member(const char *name, uint8_t key)
{
	static uint8_t hashes[256][SHA256_SIZE];

	hashes[key][0] = key;
	return (struct directory_member){
		.name = slice_str(name),
		.addresses = { SLICE_LIT("[::1]:3906") },
		.address_count = 1,
		.roles = DIRECTORY_ROLES_ALL,
		.zone = SLICE_LIT("cellar"),
		.weight = 10,
		.state = DIRECTORY_MEMBER_ACTIVE,
		.feature_level = 1,
		.key_hash = slice_of(hashes[key], SHA256_SIZE),
	};
}

enum err dir_member_add(struct dir *d, const struct directory_member *member)
{
	struct directory_member_add add = { *member };
	enum err err = directory_member_add_encode(&add, &d->m.body);

	return err != ERR_NONE ? err : apply(d, DIRECTORY_MEMBER_ADD);
}

struct directory_member dir_member(struct dir *d, uint32_t node)
{
	struct directory_member member = { .node = 0 };

	cr_assert(directory_member_find(machine_ask(&d->m), node, &member));
	return member;
}

enum err dir_create_use(struct dir *d, const char *name, uint8_t uses)
{
	struct directory_create create = {
		.name = slice_str(name),
		.special_use = uses,
		.acl = SLICE_LIT("anyone\tlrs\t"),
	};
	enum err err = directory_create_encode(&create, &d->m.body);

	return err != ERR_NONE ? err : apply(d, DIRECTORY_CREATE);
}

enum err dir_create(struct dir *d, const char *name)
{
	return dir_create_use(d, name, 0);
}

enum err dir_delete(struct dir *d, const char *name, uint64_t id)
{
	struct directory_delete delete = {
		.name = slice_str(name),
		.id = id,
	};
	enum err err = directory_delete_encode(&delete, &d->m.body);

	return err != ERR_NONE ? err : apply(d, DIRECTORY_DELETE);
}

enum err dir_rename(struct dir *d, const char *from, const char *to,
		    uint64_t id)
{
	struct directory_rename rename = {
		.from = slice_str(from),
		.to = slice_str(to),
		.id = id,
	};
	enum err err = directory_rename_encode(&rename, &d->m.body);

	return err != ERR_NONE ? err : apply(d, DIRECTORY_RENAME);
}

enum err dir_user(struct dir *d, const char *name, uint32_t group)
{
	struct directory_user_add add = {
		.name = slice_str(name),
		.enabled = true,
		.group = group,
	};
	enum err err = directory_user_add_encode(&add, &d->m.body);

	return err != ERR_NONE ? err : apply(d, DIRECTORY_USER_ADD);
}

enum err dir_remove(struct dir *d, const char *name)
{
	struct directory_user_remove remove = { .name = slice_str(name) };
	enum err err = directory_user_remove_encode(&remove, &d->m.body);

	return err != ERR_NONE ? err : apply(d, DIRECTORY_USER_REMOVE);
}

enum err dir_set_acl(struct dir *d, const char *name, const char *identifier,
		     const char *letters, enum acl_change change)
{
	bool negative = identifier[0] == '-';
	struct directory_set_acl set = {
		.id = dir_id(d, name),
		.entry = {
			.identifier = slice_str(identifier + negative),
			.negative = negative,
		},
		.change = change,
	};
	enum err err;

	cr_assert(rights_of_text(slice_str(letters), &set.entry.rights));
	err = directory_set_acl_encode(&set, &d->m.body);
	return err != ERR_NONE ? err : apply(d, DIRECTORY_SET_ACL);
}

enum err dir_subscribe(struct dir *d, const char *user, const char *name,
		       bool subscribed)
{
	struct directory_subscribe subscribe = {
		.user = slice_str(user),
		.name = slice_str(name),
		.subscribed = subscribed,
	};
	enum err err = directory_subscribe_encode(&subscribe, &d->m.body);

	return err != ERR_NONE ? err : apply(d, DIRECTORY_SUBSCRIBE);
}

void dir_foreign(struct dir *d, const char *name, const char *location)
{
	struct directory_counters counters;
	struct directory_mailbox mailbox = {
		.name = slice_str(name),
		.state = DIRECTORY_ACTIVE,
		.location = slice_str(location),
	};
	struct buf scratch = { 0 };
	struct store_key key;
	struct codec codec;

	directory_counters_get(machine_ask(&d->m), &counters);
	mailbox.id = counters.next_id++;
	store_end(&d->m.read);
	cr_assert_eq(store_write_begin(d->m.env, &d->m.write), ERR_NONE);
	directory_mailbox_put(d->m.write, &scratch, &mailbox);
	directory_counters_put(d->m.write, &scratch, &counters);
	key = directory_number_key(mailbox.id);
	codec = row_begin(&scratch);
	codec_bytes(&codec, &mailbox.name, NAMES_MAILBOX_MAX);
	row_put(d->m.write, DIRECTORY_TABLE_BY_ID, store_key_slice(&key),
		&codec);
	buf_fini(&scratch);
}

struct directory_mailbox dir_mailbox(struct dir *d, const char *name)
{
	struct directory_mailbox mailbox = { .id = 0 };

	if (!directory_mailbox_find(machine_ask(&d->m), slice_str(name),
				    &mailbox))
		mailbox.id = 0;
	return mailbox;
}

struct directory_user dir_user_of(struct dir *d, const char *name)
{
	struct directory_user user = { .id = 0 };

	if (!directory_user_find(machine_ask(&d->m), slice_str(name), &user))
		user.id = 0;
	return user;
}

uint64_t dir_id(struct dir *d, const char *name)
{
	return dir_mailbox(d, name).id;
}

void dir_expect_names(struct dir *d, const char *want)
{
	struct directory_mailbox mailbox;
	struct directory_walk walk;
	struct buf names = { 0 };

	directory_mailbox_walk(&walk, machine_ask(&d->m), SLICE_NONE,
			       SLICE_NONE);
	while (directory_mailbox_next(&walk, &mailbox)) {
		buf_add_slice(&names, mailbox.name);
		buf_add_octet(&names, ' ');
	}
	directory_walk_end(&walk);
	cr_assert(slice_eq(buf_slice(&names), slice_str(want)), "%.*s, not %s",
		  SLICE_FMT(buf_slice(&names)), want);
	buf_fini(&names);
}
