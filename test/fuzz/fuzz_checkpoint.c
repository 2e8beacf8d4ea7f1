/*
 * The file of a checkpoint: any octets are refused or understood, and what is
 * understood is written again as it was.
 *
 * A checksum keeps a fuzzer out, so the input is tried as it is and with the
 * checksum that it should have.
 */
#include <stdint.h>

#include "base/digest.h"
#include "base/pack.h"
#include "base/panic.h"
#include "store/checkpoint_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_file(struct slice octets)
{
	struct checkpoint_file file;
	struct buf again = { 0 };

	if (checkpoint_file_decode(octets, &file) != ERR_NONE)
		return;
	MUST(file.metas.len == 2 * (size_t)file.page_size);
	checkpoint_file_encode(&file, &again);
	MUST(slice_eq(buf_slice(&again), octets));
	buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice octets = slice_of(data, size);
	struct buf summed = { 0 };

	try_file(octets);
	buf_add_slice(&summed, octets);
	pack_u64(&summed, xxh3(octets));
	try_file(buf_slice(&summed));
	buf_fini(&summed);
	return 0;
}
