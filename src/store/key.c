/*
 * Keys: fields whose octets sort as the fields do.
 *
 * The happy path: append fields to a struct store_key on the stack. A key that
 * would be too long is a bug of the caller, whose encoder has checked all
 * lengths (F9), so it panics; reading back never trusts what it finds.
 */
#include "store/env.h"

#include "base/digest.h"
#include "base/panic.h"

/* Octets of a hashed string inside a key. */
#define KEY_HASH_SIZE 16

static uint8_t *key_room(struct store_key *key, size_t len)
{
	uint8_t *at = key->octets + key->len;

	MUST(key->len <= STORE_KEY_MAX);
	MUST(len <= STORE_KEY_MAX - key->len);
	key->len += len;
	return at;
}

static void key_int(struct store_key *key, uint64_t value, size_t size)
{
	uint8_t *at = key_room(key, size);

	while (size-- > 0) {
		at[size] = (uint8_t)value;
		value >>= 8;
	}
}

void store_key_u8(struct store_key *key, uint8_t value)
{
	key_int(key, value, sizeof(value));
}

void store_key_u16(struct store_key *key, uint16_t value)
{
	key_int(key, value, sizeof(value));
}

void store_key_u32(struct store_key *key, uint32_t value)
{
	key_int(key, value, sizeof(value));
}

void store_key_u64(struct store_key *key, uint64_t value)
{
	key_int(key, value, sizeof(value));
}

void store_key_raw(struct store_key *key, struct slice octets)
{
	uint8_t *at = key_room(key, octets.len);

	if (octets.len > 0)
		memcpy(at, octets.data, octets.len);
}

void store_key_str(struct store_key *key, struct slice s)
{
	MUST(slice_find(s, 0) == s.len);
	store_key_raw(key, s);
	store_key_u8(key, 0);
}

void store_key_hash(struct store_key *key, struct slice s)
{
	struct sha256 hash;

	sha256(s, &hash);
	store_key_raw(key, slice_of(hash.octets, KEY_HASH_SIZE));
}

static bool key_take_int(struct slice *key, size_t size, uint64_t *value_r)
{
	if (key->len < size)
		return false;
	*value_r = 0;
	for (size_t i = 0; i < size; i++)
		*value_r = *value_r << 8 | key->data[i];
	*key = slice_from(*key, size);
	return true;
}

bool store_key_take_u8(struct slice *key, uint8_t *value_r)
{
	uint64_t value;

	if (!key_take_int(key, sizeof(*value_r), &value))
		return false;
	*value_r = (uint8_t)value;
	return true;
}

bool store_key_take_u16(struct slice *key, uint16_t *value_r)
{
	uint64_t value;

	if (!key_take_int(key, sizeof(*value_r), &value))
		return false;
	*value_r = (uint16_t)value;
	return true;
}

bool store_key_take_u32(struct slice *key, uint32_t *value_r)
{
	uint64_t value;

	if (!key_take_int(key, sizeof(*value_r), &value))
		return false;
	*value_r = (uint32_t)value;
	return true;
}

bool store_key_take_u64(struct slice *key, uint64_t *value_r)
{
	return key_take_int(key, sizeof(*value_r), value_r);
}

bool store_key_take_str(struct slice *key, struct slice *value_r)
{
	size_t len = slice_find(*key, 0);

	if (len == key->len)
		return false;
	*value_r = slice_first(*key, len);
	*key = slice_from(*key, len + 1);
	return true;
}
