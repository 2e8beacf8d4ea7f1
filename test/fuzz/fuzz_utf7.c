/*
 * A name has one modified UTF-7 form: what decodes encodes to the same octets,
 * what encodes decodes to the same text.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/panic.h"
#include "base/unicode.h"
#include "imap/utf7.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_of(data, size);
	struct buf there = { 0 };
	struct buf back = { 0 };

	if (imap_utf7_decode(input, &there) == ERR_NONE) {
		MUST(utf8_valid(buf_slice(&there)));
		MUST(imap_utf7_encode(buf_slice(&there), &back) == ERR_NONE);
		MUST(slice_eq(buf_slice(&back), input));
	}
	buf_clear(&there);
	buf_clear(&back);
	if (imap_utf7_encode(input, &there) == ERR_NONE) {
		MUST(ascii_only(buf_slice(&there)));
		MUST(imap_utf7_decode(buf_slice(&there), &back) == ERR_NONE);
		MUST(slice_eq(buf_slice(&back), input));
	}
	buf_fini(&there);
	buf_fini(&back);
	return 0;
}
