/*
 * Any text: the one form of some octets in base64 or hexadecimal, or none. Any
 * octets: what is encoded is decoded.
 */
#include "base/base64.h"
#include "base/panic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef void encoder(struct slice octets, struct buf *out);
typedef enum err decoder(struct slice text, struct buf *out);

static void check_text(struct slice text)
{
	struct buf octets = { 0 };
	struct buf again = { 0 };
	enum err err;

	buf_add_str(&octets, "kept");
	err = base64_decode(text, &octets);
	MUST(err == ERR_NONE || err == ERR_SYNTAX);
	MUST(slice_has_prefix(buf_slice(&octets), SLICE_LIT("kept")));
	if (err == ERR_NONE) {
		base64_encode(slice_from(buf_slice(&octets), 4), &again);
		MUST(slice_eq(buf_slice(&again), text));
	} else {
		MUST(octets.len == 4);
	}
	buf_fini(&octets);
	buf_fini(&again);
}

/* Hexadecimal has two forms, apart in case only. */
static void check_hex_text(struct slice text)
{
	struct buf octets = { 0 };
	struct buf again = { 0 };

	if (hex_decode(text, &octets) == ERR_NONE) {
		hex_encode(buf_slice(&octets), &again);
		MUST(slice_eq_nocase(buf_slice(&again), text));
	} else {
		MUST(octets.len == 0);
	}
	buf_fini(&octets);
	buf_fini(&again);
}

static void check_octets(struct slice octets, encoder *encode, decoder *decode)
{
	struct buf text = { 0 };
	struct buf again = { 0 };

	encode(octets, &text);
	MUST(decode(buf_slice(&text), &again) == ERR_NONE);
	MUST(slice_eq(buf_slice(&again), octets));
	buf_fini(&text);
	buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_of(data, size);

	check_text(input);
	check_hex_text(input);
	check_octets(input, base64_encode, base64_decode);
	check_octets(input, hex_encode, hex_decode);
	return 0;
}
