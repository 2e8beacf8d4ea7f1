/*
 * The file <data>/node, read and written as JSON.
 */
#include "server/identity.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/panic.h"
#include "base/slice.h"
#include "server/small_file.h"

#define IDENTITY_VERSION 1
#define IDENTITY_OCTETS_MAX (256 * 1024) /* 1,024 replicas take some 60 KiB */

void identity_put_replica(struct identity_file *identity,
			  const struct identity_replica *replica)
{
	unsigned place = 0;
	unsigned behind;

	while (place < identity->replica_count &&
	       identity->replicas[place].group < replica->group)
		place++;
	if (place < identity->replica_count &&
	    identity->replicas[place].group == replica->group) {
		identity->replicas[place] = *replica;
		return;
	}
	behind = identity->replica_count++ - place;
	identity->replicas = mem_realloc(
		identity->replicas, identity->replica_count * sizeof(*replica));
	memmove(&identity->replicas[place + 1], &identity->replicas[place],
		behind * sizeof(*replica));
	identity->replicas[place] = *replica;
}

void identity_fini(struct identity_file *identity)
{
	mem_free(identity->replicas);
	*identity = (struct identity_file){ 0 };
}

/* ---- reading ---- */

static bool take_text(const json_t *from, const char *key, char *to,
		      size_t size)
{
	const char *text = json_string_value(json_object_get(from, key));

	if (!text || strlen(text) >= size)
		return false;
	memcpy(to, text, strlen(text) + 1);
	return true;
}

static bool take_u32(const json_t *from, const char *key, uint32_t *to)
{
	const json_t *value = json_object_get(from, key);
	json_int_t number = json_integer_value(value);

	*to = (uint32_t)number;
	return json_is_integer(value) && number >= 0 && number <= UINT32_MAX;
}

static bool take_replica(const json_t *from, struct identity_replica *to)
{
	const char *id = json_string_value(json_object_get(from, "raft_id"));

	to->make = json_is_true(json_object_get(from, "make"));
	return take_u32(from, "group", &to->group) && id &&
	       slice_to_u64(slice_str(id), UINT64_MAX, &to->raft_id) &&
	       to->raft_id != 0;
}

/* The directory first, then mail groups by rising number. */
static bool take_replicas(const json_t *root, struct identity_file *identity)
{
	const json_t *groups = json_object_get(root, "groups");
	size_t count = json_array_size(groups);

	if (count == 0 || count > IDENTITY_GROUPS_MAX_HERE)
		return false;
	identity->replicas = mem_zalloc(count, sizeof(*identity->replicas));
	identity->replica_count = (unsigned)count;
	for (size_t i = 0; i < count; i++)
		if (!take_replica(json_array_get(groups, i),
				  &identity->replicas[i]) ||
		    (i > 0 && identity->replicas[i].group <=
				      identity->replicas[i - 1].group))
			return false;
	return identity->replicas[0].group == 0;
}

bool identity_name_ok(struct slice name)
{
	if (name.len == 0 || name.len > IDENTITY_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t octet = name.data[i];
		bool inside = i > 0 && i + 1 < name.len;

		if (!(octet >= 'a' && octet <= 'z') &&
		    !(octet >= 'A' && octet <= 'Z') &&
		    !(octet >= '0' && octet <= '9') &&
		    !(octet == '-' && inside))
			return false;
	}
	return true;
}

static bool take_all(const json_t *root, struct identity_file *identity)
{
	identity->ready = json_is_true(json_object_get(root, "ready"));
	return take_text(root, "cluster", identity->cluster,
			 sizeof(identity->cluster)) &&
	       strlen(identity->cluster) == sizeof(identity->cluster) - 1 &&
	       take_text(root, "name", identity->name,
			 sizeof(identity->name)) &&
	       identity_name_ok(slice_str(identity->name)) &&
	       take_u32(root, "node", &identity->node) && identity->node &&
	       take_u32(root, "start", &identity->start) &&
	       take_replicas(root, identity);
}

enum err identity_read(struct disk *disk, const char *data,
		       struct identity_file *identity_r, struct buf *why)
{
	struct buf text = { 0 };
	json_t *root = NULL;
	uint32_t version = 0;
	enum err err;

	*identity_r = (struct identity_file){ 0 };
	err = small_file_read(disk, data, "node", IDENTITY_OCTETS_MAX, &text);
	if (!err) {
		root = json_loadb((const char *)text.data, text.len,
				  JSON_REJECT_DUPLICATES, NULL);
		if (!take_u32(root, "version", &version))
			err = ERR_CORRUPT;
		else if (version != IDENTITY_VERSION)
			err = ERR_VERSION;
		else if (!take_all(root, identity_r))
			err = ERR_CORRUPT;
	}
	if (err && err != ERR_NOTFOUND)
		buf_printf(why, "%s/node: %s", data, err_text(err));
	if (err)
		identity_fini(identity_r);
	json_decref(root);
	buf_fini(&text);
	return err;
}

/* ---- writing ---- */

static json_t *json_of(const struct identity_file *identity)
{
	json_t *groups = json_array();
	json_t *root;

	for (unsigned i = 0; i < identity->replica_count; i++) {
		const struct identity_replica *replica = &identity->replicas[i];
		struct buf id = { 0 };

		buf_add_u64(&id, replica->raft_id);
		json_array_append_new(groups,
				      json_pack("{s:I, s:s, s:b}", "group",
						(json_int_t)replica->group,
						"raft_id", buf_cstr(&id),
						"make", (int)replica->make));
		buf_fini(&id);
	}
	root = json_pack("{s:i, s:s, s:I, s:s, s:I, s:o, s:b}", "version",
			 IDENTITY_VERSION, "cluster", identity->cluster, "node",
			 (json_int_t)identity->node, "name", identity->name,
			 "start", (json_int_t)identity->start, "groups", groups,
			 "ready", (int)identity->ready);
	MUST(root);
	return root;
}

enum err identity_write(struct disk *disk, const char *data,
			const struct identity_file *identity)
{
	json_t *root = json_of(identity);
	char *text = json_dumps(root, JSON_INDENT(2));
	enum err err;

	MUST(text);
	err = small_file_replace(disk, data, "node", slice_str(text));
	free(text); /* tidy: allow free: jansson's memory */
	json_decref(root);
	return err;
}
