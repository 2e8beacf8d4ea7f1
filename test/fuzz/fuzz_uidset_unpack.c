/*
 * Any octets: the one form of a set, or damage.
 */
#include "base/panic.h"
#include "base/uidset.h"

#define RANGES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice octets = slice_of(data, size);
	struct uidset set = { 0 };
	struct buf again = { 0 };
	enum err err;

	uidset_add(&set, 5, 9);
	err = uidset_unpack(&set, octets, RANGES_MAX);
	MUST(err == ERR_NONE || err == ERR_CORRUPT || err == ERR_LIMIT);
	MUST(err == ERR_NONE || set.count == 0);
	MUST(set.count <= RANGES_MAX);
	if (err == ERR_NONE) {
		uidset_pack(&set, &again);
		MUST(slice_eq(buf_slice(&again), octets));
	}
	buf_fini(&again);
	uidset_fini(&set);
	return 0;
}
