/*
 * The directory's rows about nodes: members, tokens, groups.
 *
 * As in directory_row.c: one function a layout, for both directions. Failures:
 * damage sticks to the transaction and reads as absent.
 */
#include "cluster/directory_row.h"

#include "cluster/row.h"

/* ---- words ---- */

static bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

bool directory_node_name_ok(struct slice name)
{
	if (name.len == 0 || name.len > DIRECTORY_NODE_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!is_alnum(name.data[i]) && name.data[i] != '-')
			return false;
	return name.data[0] != '-' && name.data[name.len - 1] != '-';
}

/* Visible ASCII: it stands in lists and on lines. */
static bool is_visible(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= ' ' || text.data[i] > '~')
			return false;
	return true;
}

static bool zone_ok(struct slice zone)
{
	return zone.len <= DIRECTORY_ZONE_MAX && is_visible(zone) &&
	       slice_find(zone, ',') == zone.len;
}

/* "a,b": no zone in it is empty. */
static bool zones_ok(struct slice zones)
{
	bool good = zones.len == 0 || zones.data[zones.len - 1] != ',';

	while (good && zones.len > 0) {
		struct slice zone = slice_cut(&zones, ',');

		good = zone.len > 0 && zone_ok(zone);
	}
	return good;
}

bool directory_zone_allowed(struct slice zones, struct slice zone)
{
	if (zones.len == 0)
		return true;
	while (zones.len > 0)
		if (slice_eq(slice_cut(&zones, ','), zone))
			return true;
	return false;
}

static void want(struct codec *codec, bool holds)
{
	if (!holds)
		codec_fail(codec, ERR_INVALID);
}

void directory_node_name_field(struct codec *codec, struct slice *name)
{
	codec_bytes(codec, name, DIRECTORY_NODE_NAME_MAX);
	want(codec, directory_node_name_ok(*name));
}

void directory_addresses_fields(struct codec *codec, struct slice *addresses,
				unsigned *count)
{
	uint64_t wide = *count;

	codec_var(codec, &wide, DIRECTORY_ADDRESSES_MAX);
	if (codec->err != ERR_NONE)
		return;
	*count = (unsigned)wide;
	for (unsigned i = 0; i < *count; i++) {
		codec_bytes(codec, &addresses[i], DIRECTORY_ADDRESS_MAX);
		want(codec, addresses[i].len > 0 && is_visible(addresses[i]));
	}
}

void directory_roles_field(struct codec *codec, uint8_t *roles)
{
	codec_bits(codec, roles, DIRECTORY_ROLES_ALL);
	want(codec, *roles != 0);
}

void directory_zone_field(struct codec *codec, struct slice *zone)
{
	codec_bytes(codec, zone, DIRECTORY_ZONE_MAX);
	want(codec, zone_ok(*zone));
}

/* ---- members ---- */

void directory_member_keys_fields(struct codec *codec,
				  struct directory_member *member)
{
	directory_key_hash_field(codec, &member->key_hash);
	codec_bytes(codec, &member->next_key_hash, SHA256_SIZE);
	want(codec,
	     member->next_key_hash.len == 0 ||
		     (member->next_key_hash.len == SHA256_SIZE &&
		      !slice_eq(member->next_key_hash, member->key_hash)));
}

void directory_member_state_field(struct codec *codec,
				  struct directory_member *member)
{
	unsigned state = member->state;

	codec_choice(codec, &state, DIRECTORY_MEMBER_ACTIVE,
		     DIRECTORY_MEMBER_REMOVED);
	member->state = (enum directory_member_state)state;
}

void directory_member_fields(struct codec *codec,
			     struct directory_member *member)
{
	codec_var64(codec, &member->epoch);
	directory_node_name_field(codec, &member->name);
	directory_addresses_fields(codec, member->addresses,
				   &member->address_count);
	directory_roles_field(codec, &member->roles);
	directory_zone_field(codec, &member->zone);
	codec_var32(codec, &member->weight);
	directory_member_state_field(codec, member);
	codec_var32(codec, &member->feature_level);
	directory_member_keys_fields(codec, member);
	codec_var32(codec, &member->successor);
	codec_var32(codec, &member->replicas);
}

static bool member_end(struct store_txn *txn, struct codec *codec,
		       uint32_t node, struct directory_member *member_r)
{
	*member_r = (struct directory_member){ .node = node };
	directory_member_fields(codec, member_r);
	return row_end(txn, codec);
}

/* A key that is one number; false: damaged. */
static bool take_number(struct store_txn *txn, struct slice key,
			uint32_t *number_r)
{
	return row_want(txn,
			store_key_take_u32(&key, number_r) && key.len == 0);
}

bool directory_member_of_row(struct store_txn *txn,
			     const struct store_cursor *cursor,
			     struct directory_member *member_r)
{
	struct codec codec;
	uint32_t node;

	return take_number(txn, cursor->key, &node) &&
	       row_of_value(txn, &cursor->value, &codec) &&
	       member_end(txn, &codec, node, member_r);
}

bool directory_member_find(struct store_txn *txn, uint32_t node,
			   struct directory_member *member_r)
{
	struct store_key key = directory_node_key(node);
	struct codec codec;

	return row_find(txn, DIRECTORY_TABLE_MEMBER, store_key_slice(&key),
			&codec) &&
	       member_end(txn, &codec, node, member_r);
}

void directory_member_row_put(struct store_txn *txn, struct buf *scratch,
			      const struct directory_member *member)
{
	struct store_key key = directory_node_key(member->node);
	struct directory_member fields = *member;
	struct codec codec = row_begin(scratch);

	directory_member_fields(&codec, &fields);
	row_put(txn, DIRECTORY_TABLE_MEMBER, store_key_slice(&key), &codec);
}

/* ---- tokens ---- */

struct store_key directory_token_key(const struct sha256 *hash)
{
	struct store_key key;

	store_key_init(&key);
	store_key_raw(&key, slice_of(hash->octets, SHA256_SIZE));
	return key;
}

void directory_token_fields(struct codec *codec, struct directory_token *token)
{
	directory_node_name_field(codec, &token->name);
	directory_roles_field(codec, &token->roles);
	directory_zone_field(codec, &token->zone);
	codec_var32(codec, &token->weight);
	codec_var64(codec, &token->expires_at_ms);
	codec_var32(codec, &token->node);
}

static bool token_end(struct store_txn *txn, struct codec *codec,
		      const struct sha256 *hash,
		      struct directory_token *token_r)
{
	*token_r = (struct directory_token){ .hash = *hash };
	directory_token_fields(codec, token_r);
	return row_end(txn, codec);
}

bool directory_token_of_row(struct store_txn *txn,
			    const struct store_cursor *cursor,
			    struct directory_token *token_r)
{
	struct sha256 hash;
	struct codec codec;

	if (!row_want(txn, cursor->key.len == SHA256_SIZE))
		return false;
	memcpy(hash.octets, cursor->key.data, SHA256_SIZE);
	return row_of_value(txn, &cursor->value, &codec) &&
	       token_end(txn, &codec, &hash, token_r);
}

bool directory_token_find(struct store_txn *txn, const struct sha256 *hash,
			  struct directory_token *token_r)
{
	struct store_key key = directory_token_key(hash);
	struct codec codec;

	return row_find(txn, DIRECTORY_TABLE_TOKEN, store_key_slice(&key),
			&codec) &&
	       token_end(txn, &codec, hash, token_r);
}

void directory_token_row_put(struct store_txn *txn, struct buf *scratch,
			     const struct directory_token *token)
{
	struct store_key key = directory_token_key(&token->hash);
	struct directory_token fields = *token;
	struct codec codec = row_begin(scratch);

	directory_token_fields(&codec, &fields);
	row_put(txn, DIRECTORY_TABLE_TOKEN, store_key_slice(&key), &codec);
}

/* ---- groups ---- */

/* Raft id 0 is one that apply is to choose. */
static void replica_fields(struct codec *codec,
			   struct directory_replica *replica)
{
	unsigned role = replica->role;
	unsigned state = replica->state;

	codec_var32(codec, &replica->node);
	codec_u64(codec, &replica->raft_id);
	codec_choice(codec, &role, DIRECTORY_REPLICA_VOTER,
		     DIRECTORY_REPLICA_STANDBY);
	codec_choice(codec, &state, DIRECTORY_REPLICA_JOINING,
		     DIRECTORY_REPLICA_SERVING);
	replica->role = (enum directory_replica_role)role;
	replica->state = (enum directory_replica_state)state;
	want(codec, replica->raft_id == 0 ||
			    (replica->raft_id >> 32 == replica->node &&
			     (uint32_t)replica->raft_id != 0));
}

static bool wanted_ok(uint8_t wanted)
{
	return wanted == 1 || wanted == 3 || wanted == 5 ||
	       wanted == DIRECTORY_WANTED_ALL;
}

/* 0 behind an error. */
static unsigned count_field(struct codec *codec, unsigned count)
{
	uint64_t wide = count;

	codec_var(codec, &wide, DIRECTORY_REPLICAS_MAX);
	return codec->err == ERR_NONE ? (unsigned)wide : 0;
}

void directory_group_fields(struct codec *codec, struct directory_group *group)
{
	group->replica_count = count_field(codec, group->replica_count);
	for (unsigned i = 0; i < group->replica_count; i++)
		replica_fields(codec, &group->replicas[i]);
	codec_u8(codec, &group->wanted);
	want(codec, wanted_ok(group->wanted));
	codec_bytes(codec, &group->zone, DIRECTORY_ZONES_MAX);
	want(codec, zones_ok(group->zone));
	codec_var32(codec, &group->weight);
	codec_var64(codec, &group->epoch);
	codec_var64(codec, &group->homes);
}

static bool group_end(struct store_txn *txn, struct codec *codec,
		      uint32_t number, struct directory_group *group_r)
{
	*group_r = (struct directory_group){ .group = number };
	directory_group_fields(codec, group_r);
	return row_end(txn, codec);
}

bool directory_group_of_row(struct store_txn *txn,
			    const struct store_cursor *cursor,
			    struct directory_group *group_r)
{
	struct codec codec;
	uint32_t number;

	return take_number(txn, cursor->key, &number) &&
	       row_of_value(txn, &cursor->value, &codec) &&
	       group_end(txn, &codec, number, group_r);
}

bool directory_group_find(struct store_txn *txn, uint32_t group,
			  struct directory_group *group_r)
{
	struct store_key key = directory_node_key(group);
	struct codec codec;

	return row_find(txn, DIRECTORY_TABLE_GROUP, store_key_slice(&key),
			&codec) &&
	       group_end(txn, &codec, group, group_r);
}

struct directory_replica *directory_group_replica(struct directory_group *group,
						  uint64_t raft_id)
{
	for (unsigned i = 0; i < group->replica_count; i++)
		if (group->replicas[i].raft_id == raft_id)
			return &group->replicas[i];
	return NULL;
}

void directory_group_row_put(struct store_txn *txn, struct buf *scratch,
			     const struct directory_group *group)
{
	struct store_key key = directory_node_key(group->group);
	struct directory_group fields = *group;
	struct codec codec = row_begin(scratch);

	directory_group_fields(&codec, &fields);
	row_put(txn, DIRECTORY_TABLE_GROUP, store_key_slice(&key), &codec);
}
