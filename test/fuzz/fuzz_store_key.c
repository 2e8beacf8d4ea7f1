/*
 * Keys taken apart: any order of fields from any octets never reads past the
 * end, and what was taken makes the same key again.
 *
 * The first octet is how many fields follow, then their kinds, then the key.
 */
#include <stdint.h>

#include "base/panic.h"
#include "store/env.h"

#define FIELDS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool take_u(unsigned width, struct slice *key, struct store_key *again)
{
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	if (width == 1 && store_key_take_u8(key, &u8))
		store_key_u8(again, u8);
	else if (width == 2 && store_key_take_u16(key, &u16))
		store_key_u16(again, u16);
	else if (width == 4 && store_key_take_u32(key, &u32))
		store_key_u32(again, u32);
	else if (width == 8 && store_key_take_u64(key, &u64))
		store_key_u64(again, u64);
	else
		return false;
	return true;
}

static bool take(uint8_t kind, struct slice *key, struct store_key *again)
{
	struct slice s;

	if (kind % 5 < 4)
		return take_u(1u << kind % 5, key, again);
	if (!store_key_take_str(key, &s))
		return false;
	store_key_str(again, s);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct store_key again;
	struct slice kinds;
	struct slice key;
	struct slice rest;

	if (size == 0)
		return 0;
	kinds = slice_first(slice_from(in, 1), data[0] % FIELDS_MAX);
	key = slice_first(slice_from(in, 1 + kinds.len), STORE_KEY_MAX);
	rest = key;
	store_key_init(&again);
	for (size_t i = 0; i < kinds.len; i++)
		if (!take(kinds.data[i], &rest, &again))
			break;
	MUST(again.len + rest.len == key.len);
	MUST(slice_eq(store_key_slice(&again), slice_first(key, again.len)));
	return 0;
}
