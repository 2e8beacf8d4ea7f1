/*
 * Any octets, in any split, give the same commands, refusals and messages.
 *
 * The first octet chooses the mode, the second one the seed of the split.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/panic.h"
#include "../unit/imap/transcript.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct imap_parser_mode mode = { 0 };
	struct buf octets = { 0 };
	struct buf random = { 0 };
	struct buf whole = { 0 };
	struct slice input;

	if (size < 2)
		return 0;
	mode.authenticated = (data[0] & 1) != 0;
	mode.utf8 = (data[0] & 2) != 0;
	mode.literal_plus = (data[0] & 4) != 0;
	input = slice_of(data + 2, size - 2);
	transcript_run(&mode, input, input.len, &whole);
	transcript_run(&mode, input, 1, &octets);
	transcript_run_random(&mode, input, data[1], &random);
	MUST(slice_eq(buf_slice(&whole), buf_slice(&octets)));
	MUST(slice_eq(buf_slice(&whole), buf_slice(&random)));
	buf_fini(&octets);
	buf_fini(&random);
	buf_fini(&whole);
	return 0;
}
